/* expr_bind - makes the bound form of a plan's expressions (expr_type.c), for plan.c.
 *
 * Owns     nothing: everything lies in the plan's arena.
 * Units    as plan.h.
 * Fails    exprs_parse: ERR_USAGE. exprs_bind: false and *err: this function lacks a name, or a
 *          type does not fit; `fatal`: no function may have that (a redacted name, results at an
 *          entry).
 * Threads  one. */
#ifndef PLAN_EXPR_BIND_H
#define PLAN_EXPR_BIND_H

#include "plan/reading.h"

/* plan.exprs from the request's asks. */
bool exprs_parse(struct plan *p, struct err *err) MUST_CHECK;
/* Is the end of a call needed for one of them? */
bool exprs_wait(const struct plan *p);
/* The function's codes, and both its readings. *fitted: how many expressions did. */
bool exprs_bind(struct plan *p, struct plan_func *f, const struct dynamic_types *d,
		struct reading_cache *c, bool secret, size_t *fitted, bool *fatal, struct err *err)
		MUST_CHECK;

/* How the plan's expressions fit its functions. */
struct fit {
	bool some, fatal;	/* they fit one; one may not be asked for at all */
	size_t most;		/* expressions that fitted a function in which one did not... */
	struct err why;		/* ...and why that did not */
};

bool fit_bind(struct fit *fit, struct plan *p, struct plan_func *f, const struct dynamic_types *d,
	      struct reading_cache *c, bool secret) MUST_CHECK;

#endif
