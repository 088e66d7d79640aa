/* asm - puts x86 machine code together: bytes, labels, and a sticky error.
 *
 * With a NULL buffer it only counts, so the same code measures and then writes.
 *
 * Owns     nothing: the buffer is the caller's.
 * Units    `rt` is the address at which the first byte will run.
 * Fails    sticky: a displacement that does not reach, or too little room; asm_ok().
 * Threads  one struct per thread. */
#ifndef X86_ASM_H
#define X86_ASM_H

#include "base/err.h"
#include "x86/flow.h"

enum { ASM_LABELS = 64 };

struct assembler {
	u8 *buf;
	size_t n, room;
	u64 rt;
	u32 label[ASM_LABELS];		/* offset + 1, or 0 while unknown */
	struct { u32 at; u8 label; } use[4 * ASM_LABELS];
	u32 uses;
	const char *bad;
};

void asm_start(struct assembler *a, u8 *buf, size_t room, u64 rt);
bool asm_ok(const struct assembler *a, struct err *err) MUST_CHECK;
void asm_put(struct assembler *a, const u8 *p, size_t n);
#define PUT(a, ...) asm_put((a), (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))
void asm_u32(struct assembler *a, u32 v);
void asm_u64(struct assembler *a, u64 v);
void asm_label(struct assembler *a, unsigned label);
/* Forgets all labels: the next trampoline has its own. All uses must be bound. */
void asm_new_scope(struct assembler *a);
void asm_rel32(struct assembler *a, unsigned label);	/* displacement to a label */
void asm_rel32_to(struct assembler *a, u64 rt); /* ... to an address; `tail` bytes follow it */
void asm_rel32_tail(struct assembler *a, u64 rt, unsigned tail);
static inline u64 asm_here(const struct assembler *a)
{
	return a->rt + a->n;
}

/* The instruction as it must read at asm_here(): RIP-relative displacements and branches lead where
 * they led (rel8 branches become rel32), and `call morestack` returns to where it returned (by
 * R12). from_rt: where the function's entry runs. */
void asm_relocated(struct assembler *a, const struct flow *f, const struct insn *i, u64 from_rt);

#endif
