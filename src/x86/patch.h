/* patch - which bytes of a function are replaced so that its entry and its exits are seen.
 *
 * A window is a run of whole instructions, at least five bytes; a `jmp rel32` replaces its first
 * five bytes and a trampoline runs the instructions. An exit (RET, jump out of the function) is
 * seen when control can reach it only through a trampoline: it lies in a window, or every branch to
 * it does.
 *
 * What a trampoline must do. A piece is a run of instructions that it copies: the window's, or a
 * landing's. For each instruction of the piece, in order:
 *   the record_after'th of an entry window   first the entry record
 *   INSN_RET, INSN_TAIL                      first the exit record, then the instruction
 *   INSN_JCC that leaves [0, size)           if taken: the exit record, then a jump to its target
 *   INSN_JCC, INSN_JMP behind it in the piece   to the copy there
 *   INSN_JCC, INSN_JMP to landings[k].first  to a copy of landings[k] (patches_landing finds it)
 *   all others                               asm_relocated (also `call morestack`, always the last)
 * Behind the piece, unless its last instruction never goes on: a jump to insns[first + count].at.
 * Landings hold no branches to other places of the function, so a copy needs no further ones.
 * Windows with `inner` set have branch targets inside: they are written after all other windows of
 * the function stand, and taken back before them. None of a function's windows may be left out.
 *
 * Owns     nothing: arrays lie in the caller's arena.
 * Units    `at` and sizes are bytes from the function's entry.
 * Fails    never: what can't be reached carries a refusal.
 * Threads  none. */
#ifndef X86_PATCH_H
#define X86_PATCH_H

#include "x86/flow.h"

enum refusal {
	REFUSE_NONE,
	/* the function as a whole */
	REFUSE_RUNTIME,		/* the runtime or its internals, not named by the user */
	REFUSE_WRAPPER,		/* compiler-made: the function that it calls is traced */
	REFUSE_NO_STACK_MAP,	/* C code or no pcsp table */
	REFUSE_ASSEMBLY,	/* assembly whose calling convention is not known */
	REFUSE_FORK,		/* runs between fork and exec */
	REFUSE_SIGNAL,		/* runs as or before a signal handler */
	REFUSE_DECODE,		/* bytes that do not decode */
	REFUSE_EXPRESSION,	/* an expression does not fit its names or types */
	REFUSE_NO_G,		/* kernel probes: its goroutine can't be told */
	REFUSE_ROOM,		/* its record would be too long */
	/* the entry */
	REFUSE_LOOP_TO_ENTRY,	/* no stack check, and a branch back to the entry */
	REFUSE_SHORT,		/* fewer than five bytes before the next branch target or the end */
	REFUSE_CALL,		/* a call stands in the way */
	REFUSE_UNRESOLVED,	/* an indirect jump whose targets are not known */
	REFUSE_NOT_RELOCATABLE,
	REFUSE_PAGE,		/* the jump would cross a page */
	/* an exit */
	REFUSE_TIGHT_EXIT,	/* too little before it, and branches without windows */
	/* a place inside the function */
	REFUSE_NO_STACK_CHECK,	/* none in the function: there may be no stack for the record */
	REFUSE_STACK_CHECK,	/* before it has run, or where it failed */
	REFUSE_TAKEN,		/* another window is there */
	REFUSE_NO_INSN,		/* no instruction begins there */
	/* a store that is to be delayed */
	REFUSE_FAULT,		/* in a file: what is displaced with it may fault */
	REFUSE_FIPS,		/* in a file: the program sums this code */
	REFUSE_COUNT
};
/* One clause for people: "a branch goes back to its entry, and it has no stack check". */
const char *refusal_text(enum refusal r);
/* snake_case, for JSON. */
const char *refusal_name(enum refusal r);

struct window {
	u32 first, count;	/* instructions that the trampoline runs */
	u32 at;			/* where the jump goes: insns[first].at */
	u32 size;		/* bytes of those instructions, and of padding used as the tail */
	bool entry;		/* insns[first] is the function's entry, seen as such */
	u32 record_after;	/* entry: instructions before the record (the stack check) */
	bool may_fault;		/* an instruction of it may fault: needs the sigtramp hook */
	bool inner;		/* branches from other windows lead inside: see above */
	bool keep_flags;	/* a store that is delayed: they are read behind it */
};

/* Instructions that are copied once more for branches to `first`, because the original ones are
 * overwritten (they end a window) or because they hold an exit without a window. */
struct landing {
	u32 first, count;
};

struct exit_point {
	u32 insn;		/* RET, INSN_TAIL, or INSN_JCC that leaves the function */
	enum refusal refusal;
	u8 tactic;		/* 1 window, 2 branch and RET in one, 3 by its branches: patch.c */
};

struct patches {
	struct window *windows;	/* ascending, never overlapping */
	u32 nwindows;
	struct landing *landings;	/* ascending */
	u32 nlandings;
	struct exit_point *exits;
	u32 nexits;
	enum refusal entry;	/* REFUSE_NONE: windows[0].entry; else there are no windows */
	bool stack_check;	/* the entry window begins with one */
};

void patches_make(struct patches *p, struct arena *a, const struct flow *f);
/* A window that sees each time control reaches one instruction inside the function: the record
 * comes before the copy of the record_after'th of its instructions (count: behind them). It has
 * nothing in common with p (what is patched for entry and exits; or NULL) and the other windows. */
enum refusal window_inside(const struct flow *f, u32 insn, const struct patches *p,
			   const struct window *others, u32 nothers, struct window *w);
/* A window that begins with the instruction, wherever that lies: for code that needs no stack.
 * It may hold instructions that fault, and its last may be one that never goes on. */
enum refusal window_from(const struct flow *f, u32 insn, struct window *w);
/* The landing of branches to this instruction, or NULL. */
const struct landing *patches_landing(const struct patches *p, u32 insn);

#endif
