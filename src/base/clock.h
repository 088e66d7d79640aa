/* clock - what time it is, in one number.
 *
 * Owns     nothing.
 * Units    nanoseconds, as the clock counts them.
 * Fails    never.
 * Threads  any. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

#include "base/defs.h"

static inline i64 clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (i64)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What people call the time. */
static inline i64 unix_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* For spans of time: nobody sets it. */
static inline i64 now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* How far unix_ns() is ahead of now_ns(): of several tries the one that took least, so nothing
 * came between. */
static inline i64 clock_ahead_ns(void)
{
	i64 best = INT64_MAX, ahead = 0;

	for (unsigned i = 0; i < 8; i++) {
		i64 before = now_ns(), now = unix_ns(), took = now_ns() - before;

		if (took < best) {
			best = took;
			ahead = now - (before + took / 2);
		}
	}
	return ahead;
}

#endif
