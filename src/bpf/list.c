/* eBPF as text, in the manner of C: `r1 = *(u32 *)(r6 + 8)`, `if r1 > r2 goto 14`. Only what the
 * assembler can write has a form of its own; everything else is shown as its bytes. */
#include "bpf/asm.h"

static const char *const alu_names[16] = {
	"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=",
};

static const char *const jump_names[16] = {
	NULL, "==", ">", ">=", "&", "!=", "s>", "s>=", NULL, NULL, "<", "<=", "s<", "s<=",
};

static const char *width(u8 code)
{
	static const char *const names[] = { "u32", "u16", "u8", "u64" };

	return names[BPF_SIZE(code) >> 3];
}

static void place(struct out *o, u8 code, unsigned reg, i16 off)
{
	out_fmt(o, "*(%s *)(r%u %c %d)", width(code), reg, off < 0 ? '-' : '+',
		off < 0 ? -off : off);
}

static bool alu(struct out *o, const struct bpf_insn *i)
{
	char r = BPF_CLASS(i->code) == BPF_ALU ? 'w' : 'r';
	const char *op = alu_names[BPF_OP(i->code) >> 4];

	if (!op || BPF_OP(i->code) == BPF_NEG)
		return false;
	if (BPF_SRC(i->code) == BPF_X)
		out_fmt(o, "%c%u %s %c%u", r, i->dst_reg, op, r, i->src_reg);
	else
		out_fmt(o, "%c%u %s %d", r, i->dst_reg, op, i->imm);
	return true;
}

static bool jump(struct out *o, const struct bpf_insn *i, u32 at, const char *(*helper)(i32 id))
{
	const char *op = jump_names[BPF_OP(i->code) >> 4], *name = NULL;
	i64 to = (i64)at + 1 + i->off;

	switch (BPF_OP(i->code)) {
	case JCOND:
		out_fmt(o, "may_goto %lld", (long long)to);
		return true;
	case BPF_JA:
		out_fmt(o, "goto %lld", (long long)to);
		return true;
	case BPF_EXIT:
		out_z(o, "exit");
		return true;
	case BPF_CALL:
		name = helper ? helper(i->imm) : NULL;
		if (name)
			out_fmt(o, "call %s", name);
		else
			out_fmt(o, "call %d", i->imm);
		return true;
	default:
		break;
	}
	if (!op)
		return false;
	if (BPF_SRC(i->code) == BPF_X)
		out_fmt(o, "if r%u %s r%u goto %lld", i->dst_reg, op, i->src_reg, (long long)to);
	else
		out_fmt(o, "if r%u %s %d goto %lld", i->dst_reg, op, i->imm, (long long)to);
	return true;
}

static bool memory(struct out *o, const struct bpf_insn *i)
{
	if (BPF_CLASS(i->code) == BPF_LDX && BPF_MODE(i->code) == BPF_MEM) {
		out_fmt(o, "r%u = ", i->dst_reg);
		place(o, i->code, i->src_reg, i->off);
	} else if (BPF_CLASS(i->code) == BPF_ST && BPF_MODE(i->code) == BPF_MEM) {
		place(o, i->code, i->dst_reg, i->off);
		out_fmt(o, " = %d", i->imm);
	} else if (BPF_CLASS(i->code) == BPF_STX && BPF_MODE(i->code) == BPF_MEM) {
		place(o, i->code, i->dst_reg, i->off);
		out_fmt(o, " = r%u", i->src_reg);
	} else if (BPF_CLASS(i->code) == BPF_STX && BPF_MODE(i->code) == BPF_ATOMIC &&
		   i->imm == BPF_XCHG) {
		out_fmt(o, "r%u = xchg(", i->src_reg);
		place(o, i->code, i->dst_reg, i->off);
		out_fmt(o, ", r%u)", i->src_reg);
	} else if (BPF_CLASS(i->code) == BPF_STX && BPF_MODE(i->code) == BPF_ATOMIC &&
		   i->imm == BPF_CMPXCHG) {
		out_z(o, "r0 = cmpxchg(");
		place(o, i->code, i->dst_reg, i->off);
		out_fmt(o, ", r0, r%u)", i->src_reg);
	} else if (BPF_CLASS(i->code) == BPF_STX && BPF_MODE(i->code) == BPF_ATOMIC &&
		   i->imm == BPF_ADD) {
		out_z(o, "lock ");
		place(o, i->code, i->dst_reg, i->off);
		out_fmt(o, " += r%u", i->src_reg);
	} else {
		return false;
	}
	return true;
}

static void constant(struct out *o, const struct bpf_insn *i, const char *(*map)(int fd))
{
	u64 v = (u32)i[0].imm | (u64)(u32)i[1].imm << 32;
	const char *name = i->src_reg == BPF_PSEUDO_MAP_FD && map ? map(i->imm) : NULL;

	if (name)
		out_fmt(o, "r%u = map %s", i->dst_reg, name);
	else if (i->src_reg == BPF_PSEUDO_MAP_FD)
		out_fmt(o, "r%u = map %d", i->dst_reg, i->imm);
	else
		out_fmt(o, "r%u = 0x%llx", i->dst_reg, (unsigned long long)v);
}

void bpf_list(struct out *o, const struct bpf_insn *code, u32 n, const char *(*map)(int fd),
	      const char *(*helper)(i32 id))
{
	for (u32 k = 0; k < n; k++) {
		const struct bpf_insn *i = &code[k];
		u8 class = BPF_CLASS(i->code);
		bool known = false;

		out_fmt(o, "%5u  ", k);
		if (class == BPF_ALU || class == BPF_ALU64)
			known = alu(o, i);
		else if (class == BPF_JMP)
			known = jump(o, i, k, helper);
		else if (i->code == (BPF_LD | BPF_IMM | BPF_DW) && k + 1 < n)
			constant(o, i, map), k++, known = true;
		else
			known = memory(o, i);
		if (!known)
			out_fmt(o, "%02x %x%x %04x %08x", i->code, i->dst_reg, i->src_reg,
				(u16)i->off, (u32)i->imm);
		out_line(o);
	}
}
