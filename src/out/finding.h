/* finding - what `check` found and its rules, as text or as `finding` objects.
 *
 * Owns     nothing.  Units  link-time addresses.  Fails  never.  Threads  one. */
#ifndef OUT_FINDING_H
#define OUT_FINDING_H

#include "base/out.h"
#include "diag/check.h"

void finding_print(struct out *o, const struct finding *f);
void finding_json(struct json *j, const struct finding *f);
/* The last line: how much was looked at, and what could not be followed. */
void check_print_end(struct out *o, const struct check *c);

/* Of rules: ID and one sentence each; their pages; both as `rule` objects. */
void rules_print(struct out *o, const struct rule *const *rules, size_t n);
void rules_explain(struct out *o, const struct rule *const *rules, size_t n);
void rules_json(struct out *o, const struct rule *const *rules, size_t n);

#endif
