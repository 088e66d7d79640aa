/* predicate_impl - which parts are decided here (predicate.c), and the code that decides them
 * (predicate_code.c).
 *
 * Owns     nothing.  Units  indexes of steps (plan/expr.h).  Fails  never.  Threads  one. */
#ifndef INLINE_PREDICATE_IMPL_H
#define INLINE_PREDICATE_IMPL_H

#include "inline/predicate.h"

struct predicate_gen {
	struct predicate *s;
	struct condition c;
	const u8 *regs;
	unsigned unsure;	/* after: where doubts lead */
};

/* predicate_code.c: jumps if the condition is what is wanted, else goes on. */
void predicate_test(struct predicate_gen *g, u32 i, bool want, unsigned to);
/* Jumps if a text can't be this one, or begin with it, because of its length. */
void predicate_test_length(struct predicate_gen *g, const struct expr_step *s, unsigned no);

#endif
