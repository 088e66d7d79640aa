/* reading - what a site reads: the words of each parameter or result, and what hangs on them.
 *
 * Owns     nothing: everything lies in the plan's arena.
 * Units    record offsets in bytes.
 * Fails    never: what has no room or no known place is not taken, and the slot says so.
 * Threads  one. */
#ifndef PLAN_READING_H
#define PLAN_READING_H

#include "go/itabs.h"
#include "plan/plan.h"

/* Which dynamic types are looked into behind an interface: made once for a plan. */
struct dynamic_types {
	const struct go_itab *itabs;
	size_t nitabs;
	struct go_type *boxed[16];	/* what an `any` is most often */
	size_t nboxed;
	struct go_type *errors[24];	/* the error types that people meet */
	size_t nerrors;
};

/* Readings already made: functions whose values have the same types in the same places share one.
 */
struct reading_cache {
	struct map by_hash;	/* hash -> 1 + index of the newest entry */
	struct cached *at;
	size_t n, room;
};

void dynamic_types_find(struct dynamic_types *d, struct plan *p);
void reading_make(struct reading *r, struct plan *p, const struct dynamic_types *d,
		  struct reading_cache *c, const struct go_param *params, size_t n,
		  bool redact_all, bool entry);
void reading_cache_release(struct reading_cache *c);

#endif
