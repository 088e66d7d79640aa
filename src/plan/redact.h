/* redact - does each --redact pattern name something of what is read?
 *
 * One that does not is a slip of the pen, or meant for another build: what it was to hide would be
 * shown. Names of parameters are in DWARF only.
 *
 * Owns     nothing.  Units  none.  Threads  one.
 * Fails    ERR_USAGE, naming the pattern. */
#ifndef PLAN_REDACT_H
#define PLAN_REDACT_H

#include "plan/plan.h"

/* May what --redact names be among a wrapper's values, whose parameters have no names even where
 * the program has those of its method? In doubt it may. */
bool redact_may_hide(const struct plan *p, const struct plan_func *f);
bool redact_check(struct plan *p, struct err *err) MUST_CHECK;
/* The same where nobody knows what will be read: does anything in the program have such a name? */
bool redact_check_program(const struct go_program *prog, const char *const *redact, size_t count,
			  struct err *err) MUST_CHECK;

#endif
