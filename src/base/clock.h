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

#endif
