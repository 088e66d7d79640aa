/* source - where records come from: an engine at work on one process.
 *
 * An engine fills the struct in; everything behind it (pump, calls, sinks) knows no engine.
 *
 * Life     the engine's own call starts it. poll, as often as there is time. detach: the process is
 *          as it was before, and goes on. release, always.
 * Owns     the engine's state behind `session`, until source_release().
 * Units    rt addresses of the target. Times in ns of the monotonic clock, with what Unix time was
 *          ahead of it when we began: that clock may be set meanwhile, and this one never is.
 * Fails    detach: ERR_GONE when the process is no longer the one that was probed, ERR_DENIED.
 * Threads  one. */
#ifndef EVENT_SOURCE_H
#define EVENT_SOURCE_H

#include <sys/types.h>

#include "event/calls.h"

typedef void source_record_fn(void *ctx, const struct record *r);
typedef void source_lost_fn(void *ctx, u64 count, i64 from_ns, i64 to_ns);

struct source {
	void *session;
	const char *engine;	/* "inline", "uprobe" */
	pid_t pid;
	bool started;		/* it is our child, and its end is ours to wait for */
	u64 bias;
	i64 ahead_ns;		/* of records over the monotonic clock */
	bool propagates;	/* it does what the plan's roles say (plan/propagate.h) */
	/* Hands over every record that is older than the horizon, in order of time; `all`: the
	 * target is gone or stopped, so whatever is there. Returns how many. */
	u64 (*poll)(void *session, bool all, source_record_fn *record, source_lost_fn *lost,
		    void *ctx);
	/* Bytes that waited in the fullest buffer when poll looked last; NULL: not known. */
	u64 (*fullest)(void *session);
	/* Calls that have no record because their condition could not be read, up to when poll
	 * looked last; NULL: each has one. */
	u64 (*unreadable)(void *session);
	/* Where the plan asks for counts only (plan.h count_only), and the engine can count without
	 * records: adds what it has counted so far to totals, one for each function of the plan.
	 * Else NULL, and records come. */
	void (*counts)(void *session, u64 *totals);
	/* Around writing to somebody who may not read: a lossless program then waits for 10 ms
	 * only. */
	void (*output_blocks)(void *session, bool blocks);
	/* `again`: something has to stay while a thread stands in code of ours. Poll, so that one
	 * that waits for room gets it, and call once more; left as it is it does no harm. */
	bool (*detach)(void *session, bool *again, struct err *err);
	/* Has the process become another program (exec)? */
	bool (*was_replaced)(void *session);
	bool (*read_rt)(void *session, u64 rt, void *to, size_t n);
	u32 (*sites)(void *session);
	i64 (*stop_ns)(void *session);	/* how long the target stood still for us so far */
	/* Functions that are still not watched because somebody always stood in the middle of what
	 * was to be replaced, and one of them in the plan; NULL: there can't be any. */
	u32 (*held)(void *session, u32 *example);
	void (*release)(void *session);
};

static inline void source_release(struct source *s)
{
	if (s->session)
		s->release(s->session);
	s->session = NULL;
}

#endif
