/* children - processes that the target has started: they are not followed, and that is said once.
 *
 * Owns     nothing.
 * Units    ns of the monotonic clock.
 * Fails    never: where the kernel does not tell, nothing is said.
 * Threads  one. */
#ifndef CMD_CHILDREN_H
#define CMD_CHILDREN_H

#include "base/defs.h"

enum { CHILDREN_MOST = 16 };

struct children {
	i64 next_ns;
	int seen[CHILDREN_MOST];	/* when we looked last */
	u32 nseen;
	bool said;
};

/* As often as one likes: it looks once a second, and less often where there are many threads. What
 * is there twice lasts. */
void children_look(struct children *c, int pid);

#endif
