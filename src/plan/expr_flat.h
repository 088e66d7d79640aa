/* expr_flat - expressions that are one word or one text of a record, behind pointers that must be
 * there: nearly all that rules ask for. A list of checks and a place, instead of steps.
 *
 * Owns     nothing: a form lies in the arena that it was made in.
 * Units    offsets in the entry or exit record, which must reach as far as `reach`.
 * Fails    expr_flat_of: NULL, it is not of that kind. Where in a call anything is not as in most,
 *          expr_value goes by the steps.
 * Threads  immutable once made. */
#ifndef PLAN_EXPR_FLAT_H
#define PLAN_EXPR_FLAT_H

#include "plan/expr.h"

/* EX_BEHIND or EX_IS: the word at `at` is not 0, of what is behind it `need` bytes were copied (u32
 * at `status`), and where `data` is not 0 the word there is the type `is` (va). */
struct expr_check {
	u16 at, status, need, data;
	u64 is;
};

struct expr_flat {
	u8 op;			/* EX_LOAD, EX_STRING; EX_TYPE, of nil; EX_EQ, EX_NE, with 0 */
	u8 kind, size;
	bool exit;
	u16 at, data, status, cap;	/* of the step */
	u32 reach;
	struct go_type *type;
	u32 nchecks;
	struct expr_check checks[];
};

const struct expr_flat *expr_flat_of(const struct expr_code *c, struct arena *a);
/* What the steps say (expr_eval.c). */
bool expr_by_steps(const struct expr_input *in, const struct expr_code *c, struct expr_result *v);

#endif
