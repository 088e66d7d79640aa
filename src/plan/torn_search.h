/* torn_search - the stores of one function after the other that can be seen half done.
 *
 * Owns     its list and its arenas, until torn_search_release(); texts of the list lie in `keep`.
 * Units    as torn.h.
 * Fails    never.
 * Threads  each search belongs to one, and so does its program (go_program_twin); what searches
 *          share is immutable. */
#ifndef PLAN_TORN_SEARCH_H
#define PLAN_TORN_SEARCH_H

#include "base/vec.h"
#include "plan/torn.h"
#include "plan/torn_place.h"

VEC_TYPE(torn_vec, struct torn_store);

struct torn_search {
	struct torn_vec to;	/* of each function ascending */
	const struct go_program *prog;
	u64 flag_va;		/* runtime.writeBarrier */
	const struct patterns *only;	/* lines and addresses in the function that are meant, not
					 * all of it; else NULL */
	struct place_finder places;
	struct arena keep;
	struct arena scratch;	/* for one function */
};

/* `named`: a pattern says its package, so internal ones are meant, too. */
void torn_search(struct torn_search *s, const struct go_func *f, bool named);
void torn_search_release(struct torn_search *s);

#endif
