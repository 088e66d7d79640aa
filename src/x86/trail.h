/* trail - what registers and words of the frame hold along a straight piece of code, as numbers
 * that are equal where the values are; and what is stored on the way.
 *
 * Owns     nothing: a trail is a plain struct.
 * Units    registers as in effect.h; RIP-relative places count from the function's entry.
 * Fails    never: what is not understood has a number of its own.
 * Threads  any. */
#ifndef X86_TRAIL_H
#define X86_TRAIL_H

#include "x86/barrier.h"

enum {
	TRAIL_SLOTS = 24,
	TRAIL_NUMBERS = 250,
	TRAIL_STORES = 64,
	TRAIL_ORIGIN = 1,	/* the number that RIP-relative places count from */
	TRAIL_BUFFER = 2,	/* ... and the collector's buffer */
};

/* A value: what it was made from, and how far away it is from that. */
struct num {
	u32 id;
	i64 off;
};

struct slot_value {
	i64 at;
	struct num num;
};

struct trail {
	const struct flow *f;
	struct num reg[GP_COUNT];
	struct slot_value slots[TRAIL_SLOTS];
	u32 nslots;
	u32 next;	/* number that is given next */
	/* bases that have an index: (base, index, scale) -> number */
	struct { u32 base, index; u8 scale; u32 id; } sums[TRAIL_STORES];
	u32 nsums;
	bool constant[TRAIL_NUMBERS];	/* off is the value itself */
	struct word_store stores[TRAIL_STORES];
	struct num values[TRAIL_STORES];	/* that they store; 0: no register's */
	u32 nstores;
	bool behind;		/* the check: so is what is stored from now on */
};

/* Nothing is known yet. */
void trail_begin(struct trail *t, const struct flow *f);
struct num trail_fresh(struct trail *t);
struct num trail_value(struct trail *t, u8 reg);
/* Where a memory operand lies. */
struct num trail_place(struct trail *t, const struct memop *m);
/* Over one instruction that is no branch. */
void trail_step(struct trail *t, u32 insn);
/* ... of which it is known what it does. */
void trail_do(struct trail *t, u32 insn, const struct effect *e);
bool trail_has_room(const struct trail *t);

#endif
