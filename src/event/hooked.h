/* hooked - words that were read for a hook (plan/creations.h).
 *
 * Owns     nothing.  Units  bytes behind hook_at.  Threads  any.
 * Fails    false: it could not be read. */
#ifndef EVENT_HOOKED_H
#define EVENT_HOOKED_H

#include <string.h>

#include "event/calls.h"

/* A word behind its status. */
static inline bool hooked(const struct record *r, const struct reading *rd, u32 at, u64 *to)
{
	u32 status;

	if (!rd->hook_at || rd->hook_at + at + sizeof(*to) > r->size)
		return false;
	memcpy(&status, r->bytes + rd->hook_at + at - sizeof(u64), sizeof(status));
	memcpy(to, r->bytes + rd->hook_at + at, sizeof(*to));
	return status == sizeof(*to);
}

#endif
