/* barrier - Go's write-barrier checks, and the stores before and behind each (go-runtime.md 6).
 *
 * A check is `cmpl $0, runtime.writeBarrier(%rip)` and a je or jne. It is read as one straight
 * trace: up to the check, then along the way that is taken while no collection runs. Addresses are
 * compared by where their parts come from, so that a register that was spilled and loaded again is
 * still the same base.
 *
 * Owns     nothing: lists lie in the caller's arena.
 * Units    instructions by index; places that RIP-relative operands name count from the entry.
 * Fails    never: what is not understood has no stores.
 * Threads  any.
 * Sources  cmd/compile/internal/ssa/writebarrier.go, cmd/compile/internal/amd64/ssa.go. */
#ifndef X86_BARRIER_H
#define X86_BARRIER_H

#include "x86/effect.h"

enum torn_kind {
	TORN_STRING,
	TORN_SLICE,
	TORN_INTERFACE,
	TORN_APPEND,	/* the new array and its capacity, after growing */
};

/* What a word that is stored came from. */
enum word_source {
	WORD_UNKNOWN,
	WORD_CONST,	/* value */
	WORD_ADDRESS,	/* of `value`, from the function's entry */
};

/* Is it a pointer? By what the collector is told at the checks (shade.h). */
enum word_pointer { POINTER_UNKNOWN, POINTER_NO, POINTER_YES };

struct word_store {
	u32 insn;
	u32 base;	/* equal where base and index hold equal values */
	i64 disp;	/* from that base */
	u8 size;	/* 8, 16 or 32; less is not listed */
	u8 source;	/* enum word_source */
	u8 pointer;	/* enum word_pointer */
	i64 value;
	bool behind;	/* the check, on the way that is taken without a collection */
};

/* A call on the way that is taken during a collection: of whole structures the type is in RAX, and
 * where they are stored to in RBX. */
struct barrier_call {
	u32 insn;
	u32 base;
	i64 disp;
};

struct barrier {
	u32 insn;		/* the cmpl */
	u32 jcc;
	struct word_store *stores;	/* in the order in which they run; stack left out */
	u32 nstores;
	u32 nbefore;		/* so many of them stand before the check */
	struct barrier_call *calls;
	u32 ncalls;
};

/* A value of several words, some of which are stored before the gap and some behind it. */
struct tear {
	u32 insn;		/* the delay goes before it: the check, or the second store */
	bool pair;		/* all of it lies behind the check */
	enum torn_kind kind;
	u8 first, then;		/* words that are stored before the gap, and behind it: bit k is the
				 * word at 8 * k */
	const struct word_store *half;	/* the last before the gap */
	const struct word_store *rest;	/* the first behind it */
};

/* All checks of f, ascending. `flag` is where runtime.writeBarrier lies, from the entry. */
u32 barriers_find(const struct flow *f, i64 flag, struct arena *a, struct barrier **to);
/* By the places of the words alone: the value that the check stands in the middle of, if the word
 * that stores[behind] writes is one of its words. */
bool barrier_tear(const struct barrier *b, u32 behind, struct tear *to);
/* The same of a value that lies wholly behind the check, and of which stores[second] is the second
 * store. */
bool barrier_pair(const struct barrier *b, u32 second, struct tear *to);
/* Is this such a check's cmpl? Then where the word lies, from the entry. */
bool barrier_flag(const struct flow *f, u32 insn, i64 *flag);
/* Are the flags read that are there before insn runs, before they are written anew? */
bool flags_live_at(const struct flow *f, u32 insn, struct arena *a);

#endif
