/* predicate_impl - what can be decided (predicate.c), and the code that decides it
 * (predicate_code.c).
 *
 * Owns     nothing.  Units  indexes of steps (plan/expr.h).  Fails  never.  Threads  one. */
#ifndef INLINE_PREDICATE_IMPL_H
#define INLINE_PREDICATE_IMPL_H

#include "inline/predicate.h"

enum { PREDICATE_TEXT = 64 };	/* bytes of a text that are compared in the target */

struct predicate_gen {
	struct predicate *s;
	const struct expr_step *steps;
	const u8 *regs;
	u32 nregs;
	bool after;
	unsigned unsure;	/* after: where doubts lead */
	u32 labels, uses;	/* while looking: how many it would take */
};

/* The step that puts these bytes into the record as they are, or NULL. */
const struct read *predicate_raw(const struct reading *r, u32 at, u32 size);
/* A field of g: what the guard of a load stands for, or NULL. */
const struct read *predicate_of_g(const struct reading *r, const struct expr_step *guard);
/* A whole number that instructions can hold. */
bool predicate_is_imm(const struct expr_step *s);
/* A text in the record and a constant one; a dynamic type, and the one type of a name. */
bool predicate_is_text(const struct predicate_gen *g, const struct expr_step *s);
bool predicate_is_type(const struct predicate_gen *g, const struct expr_step *s);
bool predicate_names_nil(const struct expr_step *s);

/* predicate_code.c: jumps if the condition is what is wanted, else goes on. */
void predicate_test(struct predicate_gen *g, u32 i, bool want, unsigned to);
/* Jumps if a text can't be this one, or begin with it, because of its length. */
void predicate_test_length(struct predicate_gen *g, const struct expr_step *s, unsigned no);

#endif
