/* effect - what one instruction does to registers, memory and flags, as far as values are followed.
 *
 * Owns     nothing.
 * Units    registers 0..15 are RAX, RCX … as encoded, 16..31 XMM0…XMM15; places that RIP-relative
 *          operands name count from the function's entry.
 * Fails    never: what is not understood is EFFECT_OTHER, with all that it writes.
 * Threads  any. */
#ifndef X86_EFFECT_H
#define X86_EFFECT_H

#include "x86/flow.h"

enum { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8,
       REG_R14 = 14, REG_XMM0 = 16, REGS = 32, REG_NONE = 0xff };

enum effect_kind {
	EFFECT_OTHER,
	EFFECT_MOVE,	/* reg = from */
	EFFECT_CONST,	/* reg = imm */
	EFFECT_LEA,	/* reg = address of mem */
	EFFECT_LOAD,	/* reg = mem */
	EFFECT_STORE,	/* mem = reg, or imm where reg is REG_NONE */
};

struct memop {
	u8 base, index, scale;	/* REG_NONE where there is none */
	bool rip;
	i64 disp;		/* rip: from the function's entry */
};

struct effect {
	u8 kind;
	u8 reg, from;
	u8 size;		/* bytes that are moved */
	struct memop mem;
	i64 imm;
	u32 writes;		/* a bit for each register that is written, wholly or in part */
	bool reads_flags;
	bool kills_flags;	/* all of them are written, none was read */
	bool writes_memory;
};

void effect_of(const struct flow *f, const struct insn *i, struct effect *to);

#endif
