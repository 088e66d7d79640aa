/* predicate_impl - which parts are decided here (predicate.c), and the code that decides them
 * (predicate_code.c).
 *
 * Owns     nothing.  Units  indexes of steps (plan/expr.h).  Fails  never.  Threads  one. */
#ifndef INLINE_PREDICATE_IMPL_H
#define INLINE_PREDICATE_IMPL_H

#include "inline/predicate.h"

enum { PREDICATE_PLACES = 26 };	/* that jumps of all parts lead to, before or after the captures */

struct predicate_gen {
	struct predicate *s;
	struct condition c;
	const u8 *regs;		/* variables */
	unsigned no, unsure, unreadable;	/* labels; the last two: after only */
	u16 places[PREDICATE_PLACES];
	u32 nplaces;		/* of the part at hand */
};

/* predicate_code.c: goes on where the part holds. */
void predicate_rows(struct predicate_gen *g, const struct condition_rows *rows);

#endif
