#include "bpf/asm.h"

#include <string.h>

static void fail(struct bpf_code *c, const char *why)
{
	if (!c->bad)
		c->bad = why;
}

void bpf_code_start(struct bpf_code *c, struct bpf_insn *buf, u32 room)
{
	*c = (struct bpf_code){ .buf = buf, .room = room };
}

bool bpf_code_ok(const struct bpf_code *c, struct err *err)
{
	if (c->bad)
		return err_set(err, ERR_REFUSED, "generated BPF program: %s", c->bad);
	if (c->uses)
		return err_set(err, ERR_REFUSED,
			       "generated BPF program: label %u is used and never placed",
			       c->use[0].label);
	return true;
}

static void put(struct bpf_code *c, u8 code, u8 dst, u8 src, i16 off, i32 imm)
{
	if (dst > BPF_REG_10 || src > BPF_REG_10)
		fail(c, "a register has no such number");
	if (c->buf) {
		if (c->n >= c->room)
			fail(c, "it does not fit into its buffer");
		if (c->bad)
			return;
		c->buf[c->n] = (struct bpf_insn){
			.code = code, .dst_reg = dst & 15, .src_reg = src & 15, .off = off,
			.imm = imm,
		};
	}
	c->n++;
}

void bpf_op(struct bpf_code *c, u8 op, u8 dst, u8 src)
{
	put(c, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

void bpf_op_imm(struct bpf_code *c, u8 op, u8 dst, i32 imm)
{
	put(c, BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
}

void bpf_op32(struct bpf_code *c, u8 op, u8 dst, u8 src)
{
	put(c, BPF_ALU | op | BPF_X, dst, src, 0, 0);
}

void bpf_op32_imm(struct bpf_code *c, u8 op, u8 dst, i32 imm)
{
	put(c, BPF_ALU | op | BPF_K, dst, 0, 0, imm);
}

void bpf_load(struct bpf_code *c, u8 size, u8 dst, u8 src, i16 off)
{
	put(c, BPF_LDX | BPF_MEM | size, dst, src, off, 0);
}

void bpf_store(struct bpf_code *c, u8 size, u8 dst, i16 off, u8 src)
{
	put(c, BPF_STX | BPF_MEM | size, dst, src, off, 0);
}

void bpf_store_imm(struct bpf_code *c, u8 size, u8 dst, i16 off, i32 imm)
{
	put(c, BPF_ST | BPF_MEM | size, dst, 0, off, imm);
}

void bpf_atomic(struct bpf_code *c, i32 op, u8 dst, i16 off, u8 src)
{
	put(c, BPF_STX | BPF_ATOMIC | BPF_DW, dst, src, off, op);
}

void bpf_map(struct bpf_code *c, u8 dst, int fd)
{
	put(c, BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, fd);
	put(c, 0, 0, 0, 0, 0);
}

void bpf_imm64(struct bpf_code *c, u8 dst, u64 v)
{
	put(c, BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, (i32)(u32)v);
	put(c, 0, 0, 0, 0, (i32)(u32)(v >> 32));
}

static void bind(struct bpf_code *c, u32 at, u32 to)
{
	i64 off = (i64)to - ((i64)at + 1);

	if (off != (i16)off)
		fail(c, "a jump does not reach");
	else if (c->buf && !c->bad)
		c->buf[at].off = (i16)off;
}

static void use(struct bpf_code *c, u32 at, unsigned label)
{
	if (label >= BPF_LABELS) {
		fail(c, "a label has no number");
	} else if (c->label[label]) {
		bind(c, at, c->label[label] - 1);
	} else if (c->uses == ARRAY_LEN(c->use)) {
		fail(c, "too many uses of labels");
	} else {
		c->use[c->uses].at = at;
		c->use[c->uses++].label = (u8)label;
	}
}

void bpf_jump(struct bpf_code *c, unsigned label)
{
	u32 at = c->n;

	put(c, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	use(c, at, label);
}

void bpf_jump_if(struct bpf_code *c, u8 op, u8 dst, u8 src, unsigned label)
{
	u32 at = c->n;

	put(c, BPF_JMP | op | BPF_X, dst, src, 0, 0);
	use(c, at, label);
}

void bpf_jump_imm(struct bpf_code *c, u8 op, u8 dst, i32 imm, unsigned label)
{
	u32 at = c->n;

	put(c, BPF_JMP | op | BPF_K, dst, 0, 0, imm);
	use(c, at, label);
}

void bpf_may_leave(struct bpf_code *c, unsigned label)
{
	u32 at = c->n;

	put(c, BPF_JMP | JCOND, 0, 0, 0, 0);
	use(c, at, label);
}

void bpf_helper(struct bpf_code *c, i32 helper)
{
	put(c, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void bpf_leave(struct bpf_code *c)
{
	put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void bpf_label(struct bpf_code *c, unsigned label)
{
	u32 kept = 0;

	if (label >= BPF_LABELS || c->label[label]) {
		fail(c, "a label is placed twice, or has no number");
		return;
	}
	c->label[label] = c->n + 1;
	for (u32 i = 0; i < c->uses; i++) {
		if (c->use[i].label == label)
			bind(c, c->use[i].at, c->n);
		else
			c->use[kept++] = c->use[i];
	}
	c->uses = kept;
}
