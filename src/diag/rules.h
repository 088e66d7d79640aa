/* rules - the rows of check_rules, and what several rules ask. Not for others.
 *
 * Owns     nothing.
 * Units    as check.h.
 * Fails    never.
 * Threads  one. */
#ifndef DIAG_RULES_H
#define DIAG_RULES_H

#include "diag/check.h"
#include "go/roles.h"

extern const struct rule rule_g0race, rule_g0detect, rule_g0park;	/* rules_stack.c */
extern const struct rule rule_nosplit;					/* rules_nosplit.c */
extern const struct rule rule_stacksplit, rule_barrier, rule_sigalloc;	/* rules_bans.c */
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
/* Puts the way to a function that is reached into the finding, and one more step to `last` (by the
 * call at `at`), unless it is UINT32_MAX. */
void rule_path(struct check *c, const struct reach *r, struct finding *to, u32 func, u32 last,
	       u32 at);
/* The first direct call in a function to one that has this role; NULL: none. */
const struct call *rule_call_of(struct check *c, u32 func, enum go_role role);
/* Something before the last function on the way dies already, of the race detector. */
bool rule_too_late(struct check *c, const struct path_step *path, size_t n);
/* A finding for whoever is to blame for the call e in a function that is reached: the last of the
 * user's functions on the way; else, if `least` says so, the last of the library's. NULL: there is
 * none, or he was named before. */
struct finding *rule_blame(struct check *c, const struct reach *r, const struct rule *self,
			   enum owner least, u32 func, const struct call *e, struct str *who,
			   struct str *gets_to);

#endif
