/* print - parts of what --plan shows, the same for each engine.
 *
 * Owns     nothing.  Units  addresses are those of the file.
 * Fails    as base/out.h.  Threads  any. */
#ifndef PLAN_PRINT_H
#define PLAN_PRINT_H

#include "base/out.h"
#include "plan/plan.h"

/* `what` is "entry" or "exit". */
void reading_print(struct out *o, const char *what, const struct reading *r);
/* A line of --plan --json: kind is "entry", "hook", "return", "tail"; reason NULL: it is probed. */
void site_json(struct json *j, const struct plan_func *f, const char *kind, u64 va,
	       const char *reason, const struct reading *r);

#endif
