/* births - goroutines as they are made, from the records of runtime.newproc1 (plan/creations.h).
 *
 * Owns     who asked, between entry and exit, until births_release().
 * Units    Unix ns, rt addresses.
 * Fails    never: without the record of the entry the parent is not known.
 * Threads  one. */
#ifndef EVENT_BIRTHS_H
#define EVENT_BIRTHS_H

#include "base/map.h"
#include "plan/plan.h"

struct record;

struct birth {
	i64 time_ns;
	u64 goid, parent_goid;	/* parent 0: the runtime itself, at start */
	bool parent_known;
	u64 start_rt;		/* its first function */
	u64 return_rt;		/* behind the `go` statement */
};

struct births {
	struct map parents;	/* the g0 that newproc1 runs on -> 1 + goid of who asked */
};

/* True when the record completes a birth. */
bool births_record(struct births *b, const struct plan_func *newproc1, const struct record *r,
		   struct birth *to);
void births_release(struct births *b);

#endif
