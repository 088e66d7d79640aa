/* rules - the rows of check_rules, and what several rules ask. Not for others.
 *
 * Owns     nothing.
 * Units    as check.h.
 * Fails    never.
 * Threads  one. */
#ifndef DIAG_RULES_H
#define DIAG_RULES_H

#include "diag/check.h"

extern const struct rule rule_g0race, rule_g0detect, rule_g0park;	/* rules_stack.c */
extern const struct rule rule_nosplit;					/* rules_nosplit.c */
extern const struct rule rule_fipssum, rule_wxseg, rule_patched;	/* rules_file.c */
extern const struct rule rule_injected;				/* rules_injected.c */
extern const struct rule rule_probed, rule_livepatch, rule_traced, rule_foreign; /* rules_live.c */

/* Whose code is it? */
enum owner {
	OWNER_RUNTIME,	/* compiled with the runtime, or part of what it is made of; also C */
	OWNER_STD,	/* the standard library */
	OWNER_USER,
};
enum owner rule_owner(const struct go_program *prog, const struct go_func *f);
/* A step of a way: the function, and the line of what stands at `at` in it. */
struct finding_step rule_step(const struct go_program *prog, u32 func, u32 at);
/* Puts the way to a function that is reached on a system stack into the finding, and one more
 * step to `last` (by the call at `at`), unless it is UINT32_MAX. */
void rule_path(struct check *c, struct finding *to, u32 func, u32 last, u32 at);

#endif
