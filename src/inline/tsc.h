/* tsc - the processor's time stamps as Unix time.
 *
 * Owns     nothing.  Units  ticks; Unix ns.
 * Fails    never: the rate is measured over at least 2 ms, and better as time goes on.
 * Threads  one. */
#ifndef INLINE_TSC_H
#define INLINE_TSC_H

#include <time.h>
#include <x86intrin.h>

#include "base/defs.h"

struct tsc_clock {
	u64 tsc0;
	i64 ns0;
	u64 mult;	/* ns per tick, times 2^32 */
	bool fine;	/* measured over a second */
};

static inline i64 unix_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (i64)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void tsc_start(struct tsc_clock *c)
{
	*c = (struct tsc_clock){ .tsc0 = __rdtsc(), .ns0 = unix_now() };
}

/* Measures the rate between tsc_start and now; waits until 2 ms have passed. */
static inline void tsc_measure(struct tsc_clock *c)
{
	struct timespec ms2 = { 0, 2000000 };
	i64 ns = unix_now() - c->ns0;

	if (c->fine)
		return;
	if (ns < 2000000) {
		nanosleep(&ms2, NULL);
		ns = unix_now() - c->ns0;
	}
	if (ns < 2000000)
		ns = 2000000;	/* the wall clock was set back */
	c->mult = (u64)(((unsigned __int128)ns << 32) / (__rdtsc() - c->tsc0));
	c->fine = ns > 1000000000;
}

static inline i64 tsc_to_ns(const struct tsc_clock *c, u64 tsc)
{
	return c->ns0 + (i64)(((__int128)(i64)(tsc - c->tsc0) * c->mult) >> 32);
}

#endif
