/* origin - where the value in a register comes from: an argument, a call's result, memory that a
 * pointer leads to, an address of the image.
 *
 * It is looked for backwards from where it is used, through copies, spills to the frame and joins
 * of paths. What a path that comes back to itself brings is what it left with.
 *
 * Owns     nothing: origins lie in the arena that origins_begin() was given.
 * Units    registers as in effect.h; instructions by index; addresses from the function's entry.
 * Fails    never: ORIGIN_UNKNOWN.
 * Threads  one. */
#ifndef X86_ORIGIN_H
#define X86_ORIGIN_H

#include "base/map.h"
#include "x86/effect.h"

enum origin_kind {
	ORIGIN_UNKNOWN,
	ORIGIN_ENTRY,		/* register `reg` at the function's entry */
	ORIGIN_STACK,		/* the word at SP + at, as SP was at the entry */
	ORIGIN_CONST,		/* `at` */
	ORIGIN_ADDRESS,		/* the address `at` */
	ORIGIN_LOAD,		/* the word that `from` + at points to */
	ORIGIN_CALL,		/* register `reg` behind the call `insn` */
	ORIGIN_ELEMENT,		/* `from` and an index that is not followed; or (kind of doubt) the
				 * other way round: `from` or `other` */
	ORIGIN_EITHER,		/* `from` or `other`, by the path */
};

struct origin {
	u8 kind, reg;
	u32 settled;		/* the how manieth to be; 0: not; see origin.c */
	u32 insn;
	i64 at;
	i64 off;		/* added to all of the above */
	const struct origin *from, *other;
};

struct origin_query;
struct origins {
	const struct flow *f;
	struct arena *a;
	/* does a call to `target` (from the entry) leave registers as they were? */
	bool (*keeps)(const void *ctx, i64 target);
	const void *ctx;
	struct effect **effects;	/* by instruction, made on demand */
	u64 *touches;			/* by instruction, made on demand; origin.c has the bits */
	u32 *branch, *next;	/* by instruction: the first JCC or JMP that leads there, and
				 * by branch the next to the same place, + 1; 0: no more */
	u32 table;		/* the first jump through a table, likewise */
	struct map points;	/* instruction and what is asked for there: struct point * */
	struct map spills;	/* distance from SP in the body: the only store there, + 1; or 0 */
	u32 body, tail;		/* where SP is what it is in the body; 0, 0: not known */
	bool have_spills;
	struct origin_query *q;
	u32 questions, settled;	/* so far */
	bool anew;		/* for tests: no way is spared (point.h) */
};

void origins_begin(struct origins *o, const struct flow *f, struct arena *a,
		   bool (*keeps)(const void *ctx, i64 target), const void *ctx);
void origins_end(struct origins *o);
/* What `reg` holds before `insn` runs. Never NULL. */
const struct origin *origin_of(struct origins *o, u32 insn, u8 reg);
/* What the word at SP + at holds before `insn` runs. */
const struct origin *origin_of_slot(struct origins *o, u32 insn, i64 at);
/* Where a memory operand of `insn` lies. */
const struct origin *origin_of_place(struct origins *o, u32 insn, const struct memop *m);
bool origin_same(const struct origin *x, const struct origin *y);
const struct effect *origins_effect(struct origins *o, u32 insn);

#endif
