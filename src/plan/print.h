/* print - parts of what --plan shows, the same for each engine.
 *
 * Owns     nothing.  Units  addresses are those of the file.
 * Fails    as base/out.h.  Threads  any. */
#ifndef PLAN_PRINT_H
#define PLAN_PRINT_H

#include "base/out.h"
#include "plan/condition.h"

/* `what` is "entry" or "exit". */
void reading_print(struct out *o, const char *what, const struct reading *r);
/* Where the parts of --if are decided; `after` says where the engine decides those that need
 * captures. */
void condition_print(struct out *o, struct condition_parts parts, const char *after);
/* What it is and where, or why it is refused; va is the function's entry. */
void site_head(struct out *o, const struct plan_func *f, u64 va);
/* "entry", "hook" or "line". */
const char *site_kind_name(const struct plan_func *f);
/* That it is counted and nothing more. */
void counted_print(struct out *o, const struct plan_func *f);
/* A line of --plan --json: kind is one of these, "return" or "tail"; reason NULL: it is probed. */
void site_json(struct json *j, const struct plan_func *f, const char *kind, u64 va,
	       const char *reason, const struct reading *r);

#endif
