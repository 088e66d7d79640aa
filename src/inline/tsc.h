/* tsc - the processor's time stamps as Unix time.
 *
 * Owns     nothing.  Units  ticks; Unix ns.
 * Fails    never: the rate is measured over at least 5 ms, and better as time goes on.
 * Threads  one. */
#ifndef INLINE_TSC_H
#define INLINE_TSC_H

#include <x86intrin.h>

#include "base/clock.h"

struct tsc_clock {
	u64 first_tsc;		/* where measuring began */
	i64 first_ns;		/* monotonic: nobody sets that clock */
	u64 tsc0;		/* the line: ns0 at tsc0 */
	i64 ns0;
	u64 mult;		/* ns per tick, times 2^32; 0 while unknown */
	i64 next_ns;		/* measure again when so much time has passed */
};

/* Both clocks at one moment: of several tries the one that took least, so no preemption lies
 * between. */
static inline void tsc_pair(u64 *tsc, i64 *ns)
{
	u64 best = UINT64_MAX;

	*tsc = 0;
	*ns = 0;
	for (unsigned i = 0; i < 8; i++) {
		u64 before = __rdtsc(), took;
		i64 now = now_ns();

		took = __rdtsc() - before;
		if (took < best) {
			best = took;
			*tsc = before + took / 2;
			*ns = now;
		}
	}
}

static inline void tsc_start(struct tsc_clock *c)
{
	*c = (struct tsc_clock){ .next_ns = 5000000 };
	tsc_pair(&c->first_tsc, &c->first_ns);
	c->tsc0 = c->first_tsc;
	c->ns0 = unix_ns();
}

static inline i64 tsc_to_ns(const struct tsc_clock *c, u64 tsc);

/* Measures the rate over all the time since tsc_start: at once (waiting until 5 ms have passed),
 * then whenever ten times as much has. The line bends at the present, it does not jump: a call that
 * lies on both sides keeps its duration. */
static inline void tsc_measure(struct tsc_clock *c)
{
	struct timespec ms5 = { 0, 5000000 };
	u64 tsc;
	i64 ns;

	if (c->mult &&
	    (i64)(((unsigned __int128)(__rdtsc() - c->first_tsc) * c->mult) >> 32) < c->next_ns)
		return;
	if (!c->mult)
		nanosleep(&ms5, NULL);
	tsc_pair(&tsc, &ns);
	ns -= c->first_ns;
	if (c->mult) {
		c->ns0 = tsc_to_ns(c, tsc);
		c->tsc0 = tsc;
	}
	c->mult = (u64)(((unsigned __int128)ns << 32) / (tsc - c->first_tsc));
	c->next_ns *= 10;
}

static inline i64 tsc_to_ns(const struct tsc_clock *c, u64 tsc)
{
	return c->ns0 + (i64)(((__int128)(i64)(tsc - c->tsc0) * c->mult) >> 32);
}

#endif
