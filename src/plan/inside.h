/* inside - sites at lines and addresses in the middle of functions (cli.md "Patterns").
 *
 * Each is a function of the plan of its own (plan_func.line_at), behind the one that it lies in if
 * that is traced as well. Its record is an entry's, without arguments: they may be dead there.
 *
 * Owns     nothing: the plan's arena has it all.
 * Units    line_at: bytes from the function's entry.
 * Fails    never: what can't be seen carries a refusal.
 * Threads  one. */
#ifndef PLAN_INSIDE_H
#define PLAN_INSIDE_H

#include "base/vec.h"
#include "plan/expr_bind.h"

VEC_TYPE(plan_funcs, struct plan_func);

/* Lists the places inside of f. */
void inside_list(struct plan_funcs *to, const struct plan *p, const struct patterns *want,
		 const struct go_func *f, struct arena *scratch);
/* Makes the i'th of all, which is such a place. `whole`: why nothing of its function is probed. */
void inside_make(struct plan_funcs *all, size_t i, enum refusal whole, struct plan *p,
		 const struct dynamic_types *d, struct reading_cache *c, struct fit *fit,
		 struct arena *scratch);

#endif
