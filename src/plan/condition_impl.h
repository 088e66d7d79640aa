/* condition_impl - what can be decided (condition.c), and the rows that decide it
 * (condition_rows.c).
 *
 * Owns     nothing.  Units  indexes of steps (plan/expr.h).  Fails  never.  Threads  any. */
#ifndef PLAN_CONDITION_IMPL_H
#define PLAN_CONDITION_IMPL_H

#include "plan/condition.h"

enum { CONDITION_TEXT = 64 };	/* bytes of a text that are compared in the target */

/* A whole number that instructions can hold. */
bool condition_is_imm(const struct expr_step *s);
/* A text in the record and a constant one; a dynamic type, and the one type of a name. */
bool condition_is_text(const struct condition *c, const struct expr_step *s);
bool condition_is_type(const struct condition *c, const struct expr_step *s);
bool condition_names_nil(const struct expr_step *s);

/* The rows of a part; `length`: the length of its text alone, which may say no. */
void condition_rows_of(const struct condition *c, u32 step, bool length,
		       struct condition_rows *rows);

#endif
