/* patch - which bytes of a function are replaced so that its entry and its exits are seen.
 *
 * A window is a run of whole instructions, at least five bytes, that no branch enters but at its
 * first byte; a `jmp rel32` replaces its first five bytes and a trampoline runs the instructions.
 * An exit (RET, tail jump) is seen when control can reach it only through a trampoline: it lies in
 * a window, or every branch to it does (then the trampoline's copy of the branch leaves).
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
	REFUSE_WRAPPER,		/* compiler-made: the function that it wraps is traced */
	REFUSE_NO_STACK_MAP,	/* C code or no pcsp table */
	REFUSE_ASSEMBLY,	/* assembly whose calling convention is not known */
	REFUSE_FORK,		/* runs between fork and exec */
	REFUSE_SIGNAL,		/* runs as or before a signal handler */
	REFUSE_DECODE,		/* bytes that do not decode */
	/* the entry */
	REFUSE_LOOP_TO_ENTRY,	/* no stack check, and a branch back to the entry */
	REFUSE_SHORT,		/* fewer than five bytes before the next branch target or the end */
	REFUSE_CALL,		/* a call stands in the way */
	REFUSE_UNRESOLVED,	/* an indirect jump whose targets are not known */
	REFUSE_NOT_RELOCATABLE,
	REFUSE_PAGE,		/* the jump would cross a page */
	/* an exit */
	REFUSE_TIGHT_EXIT,	/* a branch target with too little before it, and branches without windows */
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
	u32 record_after;	/* entry: how many of them come before the record (the stack check: cmp, jcc) */
	bool may_fault;		/* an instruction of it may fault: needs the sigtramp hook */
};

struct exit_point {
	u32 insn;		/* RET or INSN_TAIL */
	enum refusal refusal;
	u8 tactic;		/* 1 window, 2 branch and RET in one, 3 by its branches (docs: see patch.c) */
};

struct patches {
	struct window *windows;	/* ascending, never overlapping */
	u32 nwindows;
	struct exit_point *exits;
	u32 nexits;
	enum refusal entry;	/* REFUSE_NONE: windows[0].entry */
	bool stack_check;	/* the entry window begins with one */
};

/* asm_function: assembly has no stack check in Go's sense; its entry is seen at its first byte. */
void patches_make(struct patches *p, struct arena *a, const struct flow *f);

#endif
