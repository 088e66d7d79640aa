/* handover - between the one who makes things and the thread that takes them away: a lock, a way to
 * wake who waits, and the end.
 *
 * Owns     lock and condition, from handover_init() to handover_release().
 * Units    ns of the monotonic clock.
 * Fails    never.
 * Threads  two. What its owner keeps beside it is under the lock as well. */
#ifndef OUT_HANDOVER_H
#define OUT_HANDOVER_H

#include <pthread.h>

#include "base/defs.h"

struct handover {
	pthread_mutex_t lock;
	pthread_cond_t wake, room;	/* who takes; who makes */
	/* under the lock */
	bool ending;
	i64 end_ns;		/* nothing goes on after that */
	u64 lost;		/* of what was taken */
};

void handover_init(struct handover *h);
void handover_lock(struct handover *h);
void handover_unlock(struct handover *h);
void handover_wake(struct handover *h);
/* Under the lock: until it is woken; and not longer than until then. */
void handover_wait(struct handover *h);
void handover_wait_until(struct handover *h, i64 ns);
/* Who makes waits until there may be room, and not longer than until then; and is told of it. */
void handover_wait_for_room(struct handover *h, i64 ns);
void handover_has_room(struct handover *h);
/* Until then, or, if `cut`, until the end begins. False: that would be after the end. */
bool handover_sleep(struct handover *h, i64 until_ns, bool cut);
/* When all has to be over; INT64_MAX as long as it goes on. */
i64 handover_limit(struct handover *h);
void handover_end(struct handover *h, i64 end_ns);
void handover_release(struct handover *h);

#endif
