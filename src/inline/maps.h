/* maps - what a process has mapped, as /proc/PID/maps tells it.
 *
 * Owns     the list, until maps_release().
 * Units    rt addresses, ascending.
 * Fails    never: a process that has gone has nothing mapped.
 * Threads  any. */
#ifndef INLINE_MAPS_H
#define INLINE_MAPS_H

#include <sys/types.h>

#include "base/defs.h"
#include "base/vec.h"

struct span {
	u64 lo, hi;
	char prot[5];	/* "r-xp" */
	bool named;	/* a file, or what the kernel calls by a name */
	bool rings;	/* memory that may be the rings of a goshawk */
};
VEC_TYPE(spans, struct span);

void maps_read(struct spans *to, pid_t pid);
/* Enters what brk() may want one day, whether it is mapped or not: so much from where it begins. */
void maps_keep_heap(struct spans *s, pid_t pid, u64 size);
void maps_release(struct spans *s);
/* Is exactly this one mapping, of this protection, and of nothing that has a name? */
bool maps_has(const struct spans *s, u64 lo, u64 hi, const char *prot);

#endif
