/* flow - a function's instructions, where control can enter and where it leaves.
 *
 * Owns     nothing: arrays lie in the caller's arena.
 * Units    `at` counts bytes from the function's entry; targets too.
 * Fails    ERR_UNSUPPORTED when a byte does not decode, but in a listing. What could not be
 *          resolved (an indirect jump that is no jump table) is `unresolved`, not an error: windows
 *          are then refused.
 * Threads  immutable after flow_make. */
#ifndef X86_FLOW_H
#define X86_FLOW_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum insn_kind {
	INSN_PLAIN,
	INSN_NOP,
	INSN_JCC,	/* conditional, direct (also jrcxz, loop: then !relocatable) */
	INSN_JMP,	/* direct, within the function */
	INSN_TAIL,	/* jmp out of the function, direct or indirect that is no jump table */
	INSN_TABLE,	/* jmp through a jump table */
	INSN_CALL,	/* direct or indirect */
	INSN_RET,
	INSN_TRAP,	/* int3, ud2, hlt */
	INSN_BYTE,	/* no instruction begins there: in listings only */
};

struct insn {
	u32 at;
	u8 size;
	u8 kind;		/* enum insn_kind */
	u8 disp_at;		/* where a RIP-relative disp32 lies in the instruction, 0 if none */
	u8 rel_size;		/* direct branches: 1 or 4 bytes, which end it; else 0 */
	bool is_target;		/* control can arrive here other than from the instruction before */
	bool entry_target;	/* ... and a branch inside the function goes here (at == 0 only) */
	bool indirect_target;	/* ... not by a branch: behind a CALL, by a table, deferreturn */
	bool relocatable;	/* asm_relocated can move it; of calls only the stack check's */
	bool may_fault;		/* reads or writes memory other than by RSP, or divides */
	bool after_deferreturn;	/* lies on the path behind `call deferreturn`, up to its RET */
	bool in_frame;		/* its memory operand has the base RSP and no index */
	bool moves_rsp;		/* changes SP other than by call and ret, or may (in doubt yes) */
	bool stores_by_rsp;	/* is a plain store whose operand has the base RSP */
	u8 fill[3];		/* 0: equal ones have equal bytes (form.c) */
	u32 writes;		/* registers, as in effect.h */
	i64 target;		/* direct branches: from the function's entry; may lie outside */
};

/* Does control get to the instruction behind it? */
static inline bool insn_goes_on(const struct insn *i)
{
	return i->kind != INSN_JMP && i->kind != INSN_TAIL && i->kind != INSN_TABLE &&
	       i->kind != INSN_RET && i->kind != INSN_TRAP;
}

struct flow {
	const u8 *bytes;
	u32 size;		/* exact, without padding */
	u32 padding;		/* int3 bytes behind it, up to the next function */
	u64 va;			/* of the entry */
	struct insn *insns;
	u32 n;
	u32 *first;		/* for flow_find */
	bool unresolved;	/* an indirect jump whose targets are not known */
};

struct flow_input {
	struct str bytes;	/* the function and the padding behind it */
	u32 size;		/* exact size */
	u64 va;
	u32 deferreturn;	/* offset of `call runtime.deferreturn`, 0 if none */
	/* reads a jump table's word by link-time address */
	bool (*word)(const void *ctx, u64 va, u64 *to);
	const void *ctx;
	struct forms *forms;	/* form.h; NULL: each instruction is decoded anew */
	bool listing;		/* for people: what does not decode is no failure */
};

bool flow_make(struct flow *f, struct arena *a, const struct flow_input *in,
	       struct err *err) MUST_CHECK;
/* Index of the instruction that starts at `at`, or -1. */
i64 flow_find(const struct flow *f, i64 at);
/* How many instructions at the entry are Go's stack check, its last jcc included; or 0. */
u32 stack_check_of(const struct flow *f);
/* The same from a function's first bytes alone: a stack check begins with these and nothing else
 * does. */
bool stack_check_begins(struct str bytes);
/* Is it only there to have a value in another place: a copy between registers, a spill to the stack
 * or back, a constant, a nop? */
bool flow_is_move(const struct flow *f, const struct insn *i);
/* The instruction in Intel's syntax. */
bool flow_text(const struct flow *f, const struct insn *i, char *to, size_t room) MUST_CHECK;
/* Where a RIP-relative operand lies, from the function's entry. Only with disp_at. */
i64 flow_rip_target(const struct flow *f, const struct insn *i);

#endif
