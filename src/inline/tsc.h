/* tsc - the processor's time stamps as the time of records (event/source.h).
 *
 * The line from one to the other follows the monotonic clock. It is laid through the present again
 * and again, and bends there: a call that lies on both sides keeps its duration. Only where time
 * stamps themselves have jumped, as with a machine that was suspended, does it.
 *
 * Owns     nothing.  Units  ticks; ns.
 * Fails    never: the rate is measured over at least 5 ms, and better as time goes on.
 * Threads  one. */
#ifndef INLINE_TSC_H
#define INLINE_TSC_H

#include <x86intrin.h>

#include "base/clock.h"

enum { TSC_FIRST_NS = 5000000, TSC_JUMP_NS = 1000000 };
#define TSC_PAUSE_MOST 10000000000	/* ns */

struct tsc_clock {
	i64 ahead_ns;		/* of the monotonic clock, which nobody sets */
	u64 tsc0;		/* the line: ns0 at tsc0 */
	i64 ns0;
	u64 mult;		/* ns per tick, times 2^32; 0 while unknown */
	u64 last_tsc;		/* both clocks when they were looked at last */
	i64 last_ns;
	i64 pause_ns;		/* until they are again */
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

static inline i64 tsc_to_ns(const struct tsc_clock *c, u64 tsc)
{
	return c->ns0 + (i64)(((__int128)(i64)(tsc - c->tsc0) * c->mult) >> 32);
}

/* It is this late now. What the line is wrong by is gone when it is looked at next. */
static inline void tsc_follow(struct tsc_clock *c, u64 tsc, i64 ns)
{
	i64 said = tsc_to_ns(c, tsc), wrong = ns - said;
	bool first = !c->mult, jumps = !first && (wrong > TSC_JUMP_NS || wrong < -TSC_JUMP_NS);

	c->pause_ns = MIN(10 * c->pause_ns, TSC_PAUSE_MOST);
	if (!jumps)
		c->mult = (u64)(((unsigned __int128)(ns - c->last_ns) << 32) / (tsc - c->last_tsc));
	if (!jumps && !first)
		c->mult += (u64)((__int128)c->mult * wrong / c->pause_ns);
	if (!first) {
		c->tsc0 = tsc;
		c->ns0 = jumps ? ns : said;
	}
	c->last_tsc = tsc;
	c->last_ns = ns;
}

static inline void tsc_start(struct tsc_clock *c)
{
	*c = (struct tsc_clock){ .ahead_ns = clock_ahead_ns(), .pause_ns = TSC_FIRST_NS };
	tsc_pair(&c->last_tsc, &c->last_ns);
	c->last_ns += c->ahead_ns;
	c->tsc0 = c->last_tsc;
	c->ns0 = c->last_ns;
}

/* At once (waiting until 5 ms have passed), then whenever ten times as much has, up to 10 s. Time
 * stamps that go back look as if much time had. */
static inline void tsc_measure(struct tsc_clock *c)
{
	struct timespec wait = { 0, TSC_FIRST_NS };
	u64 tsc;
	i64 ns;

	if (c->mult && ((unsigned __int128)(__rdtsc() - c->last_tsc) * c->mult) >> 32 <
		       (unsigned __int128)c->pause_ns)
		return;
	if (!c->mult)
		nanosleep(&wait, NULL);
	tsc_pair(&tsc, &ns);
	tsc_follow(c, tsc, ns + c->ahead_ns);
}

#endif
