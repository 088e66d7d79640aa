/* condition - which parts of --if an engine decides in the target, when, and in which order.
 *
 * A part is an operand of the outermost &&s that is known when a call begins. It is decided before
 * anything is recorded if words that registers, the stack and g hold are enough for it; after the
 * captures, on what they have copied, if not. Of a text its length is known before its bytes are,
 * and mostly says no. What no engine decides, and any doubt (a nil step, unreadable memory), is
 * left to the reader, who evaluates the whole condition once more (plan/expr.h). He is not asked
 * where one part has said no, so a call that one part excludes does not count as unreadable for
 * the sake of another one.
 *
 * How to ask:
 *
 *	struct condition c = condition_of(plan, fn, &means, after);
 *	struct condition_part part;
 *	while (condition_next(&c, &part)) ...
 *
 * Owns     nothing.
 * Units    indexes of steps (plan/expr.h); offsets in the entry's record.
 * Fails    never: what is too much for an engine is left to the reader.
 * Threads  any. */
#ifndef PLAN_CONDITION_H
#define PLAN_CONDITION_H

#include "plan/plan.h"

enum { CONDITION_TEXT = 64 };	/* bytes of a text that are compared in the target */

/* What an engine has for it. */
struct condition_means {
	u32 before, after;	/* values that it can have at hand at once */
	u32 labels, uses;	/* of labels, for all parts before, and for all after the captures */
};

struct condition {
	const struct condition_means *means;
	const struct reading *r;
	const struct expr_code *code;	/* NULL: there is no --if */
	const struct expr_step *steps;
	bool after;
	u32 next, labels, uses;		/* where condition_next is, and what parts have taken */
};

struct condition_part {
	u16 step;	/* a comparison... */
	bool length;	/* ...of which the text's length alone is looked at, which may say no */
};

struct condition condition_of(const struct plan *p, const struct plan_func *fn,
			      const struct condition_means *means, bool after);
bool condition_next(struct condition *c, struct condition_part *part);

/* How many parts are decided where, for a printer. at_entry, at_end: by the reader. */
struct condition_parts {
	u32 before, after, at_entry, at_end;
};
struct condition_parts condition_parts(const struct plan *p, const struct plan_func *fn,
				       const struct condition_means *means, bool after);

/* For those who generate code. The read that puts these bytes into the record as they are, or
 * NULL. */
const struct read *condition_raw(const struct reading *r, u32 at, u32 size);
/* A field of g: what the guard of a load stands for, or NULL. */
const struct read *condition_of_g(const struct reading *r, const struct expr_step *guard);
/* A whole number that instructions can hold. */
bool condition_is_imm(const struct expr_step *s);
/* A text in the record and a constant one; a dynamic type, and the one type of a name. */
bool condition_is_text(const struct condition *c, const struct expr_step *s);
bool condition_is_type(const struct condition *c, const struct expr_step *s);
bool condition_names_nil(const struct expr_step *s);
/* Are the two sides of a comparison of whole numbers compared as signed ones? */
bool condition_is_signed(const struct condition *c, const struct expr_step *s);

#endif
