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

enum { GP_RAX, GP_RCX, GP_RDX, GP_RBX, GP_RSP, GP_RBP, GP_RSI, GP_RDI, GP_R8,
       GP_R14 = 14, GP_XMM0 = 16, GP_COUNT = 32, GP_NONE = 0xff };

enum effect_kind {
	EFFECT_OTHER,
	EFFECT_MOVE,	/* reg = from */
	EFFECT_CONST,	/* reg = imm */
	EFFECT_LEA,	/* reg = address of mem */
	EFFECT_LOAD,	/* reg = mem */
	EFFECT_STORE,	/* mem = reg, or imm where reg is GP_NONE */
	EFFECT_ADD,	/* reg += from, or imm where from is GP_NONE */
	EFFECT_PICK,	/* reg = from, or stays what it is */
};

struct memop {
	u8 base, index, scale;	/* GP_NONE where there is none */
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
	i64 sp;			/* what it adds to RSP; sp_known: of instructions that write it */
	bool sp_known;
	bool reads_flags;
	bool kills_flags;	/* all of them are written, none was read */
	bool writes_memory;
};

void effect_of(const struct flow *f, const struct insn *i, struct effect *to);
/* `call reg`, `jmp reg`: which one, or GP_NONE. */
u8 effect_called(const struct flow *f, const struct insn *i);
/* The two of which it is made. By hand only the usual forms are read, else false; *to begins as
 * effect_nothing. */
extern const struct effect effect_nothing;
bool effect_by_hand(const struct flow *f, const struct insn *i, struct effect *to);
void effect_by_zydis(const struct flow *f, const struct insn *i, struct effect *to);

#endif
