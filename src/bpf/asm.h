/* asm - puts eBPF programs together: instructions, labels, and a sticky error; and lists them.
 *
 * With a NULL buffer it only counts, so the same code measures and then writes (x86/asm.h has the
 * same shape). Instructions are the kernel's struct bpf_insn; a 64-bit constant takes two.
 *
 * Owns     nothing: the buffer is the caller's.
 * Units    places are indexes of instructions; offsets of jumps count from behind the jump.
 * Fails    sticky: too little room, a jump that does not reach, a label placed twice;
 *          bpf_code_ok().
 * Threads  one struct per thread. */
#ifndef BPF_ASM_H
#define BPF_ASM_H

#include <linux/bpf.h>

#include "base/err.h"
#include "base/out.h"

enum {
	BPF_LABELS = 96,
	JCOND = 0xe0,	/* include/uapi/linux/bpf.h of Linux 6.9 */
};

struct bpf_code {
	struct bpf_insn *buf;
	u32 n, room;
	u32 label[BPF_LABELS];		/* place + 1, or 0 while unknown */
	struct { u32 at; u8 label; } use[4 * BPF_LABELS];
	u32 uses;
	const char *bad;
};

void bpf_code_start(struct bpf_code *c, struct bpf_insn *buf, u32 room);
bool bpf_code_ok(const struct bpf_code *c, struct err *err) MUST_CHECK;

/* `op` is BPF_ADD … BPF_ARSH, BPF_MOV. The 32-bit forms leave the upper half 0. */
void bpf_op(struct bpf_code *c, u8 op, u8 dst, u8 src);
void bpf_op_imm(struct bpf_code *c, u8 op, u8 dst, i32 imm);
void bpf_op32(struct bpf_code *c, u8 op, u8 dst, u8 src);
void bpf_op32_imm(struct bpf_code *c, u8 op, u8 dst, i32 imm);
/* `size` is BPF_B, BPF_H, BPF_W or BPF_DW: dst = *(size *)(src + off), zero extended. */
void bpf_load(struct bpf_code *c, u8 size, u8 dst, u8 src, i16 off);
void bpf_store(struct bpf_code *c, u8 size, u8 dst, i16 off, u8 src);
void bpf_store_imm(struct bpf_code *c, u8 size, u8 dst, i16 off, i32 imm);
/* BPF_ADD; BPF_XCHG: src gets what was there; BPF_CMPXCHG: only if r0 is there, and r0 gets it. */
void bpf_atomic(struct bpf_code *c, i32 op, u8 dst, i16 off, u8 src);
void bpf_map(struct bpf_code *c, u8 dst, int fd);	/* the address of a map, by descriptor */
void bpf_imm64(struct bpf_code *c, u8 dst, u64 v);
/* `op` is BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JSLE …: if (dst op src) goto label. */
void bpf_jump(struct bpf_code *c, unsigned label);
void bpf_jump_if(struct bpf_code *c, u8 op, u8 dst, u8 src, unsigned label);
void bpf_jump_imm(struct bpf_code *c, u8 op, u8 dst, i32 imm, unsigned label);
/* if (the kernel has had enough of this loop) goto label: Linux 6.9. The verifier then need not see
 * how often a loop turns. */
void bpf_may_leave(struct bpf_code *c, unsigned label);
void bpf_helper(struct bpf_code *c, i32 helper);	/* r0 = helper(r1 … r5) */
void bpf_leave(struct bpf_code *c);
void bpf_label(struct bpf_code *c, unsigned label);

/* One instruction a line, by its place. `map` names a map by its descriptor, `helper` a helper;
 * either may give NULL. */
void bpf_list(struct out *o, const struct bpf_insn *code, u32 n, const char *(*map)(int fd),
	      const char *(*helper)(i32 id));

#endif
