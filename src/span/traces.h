/* traces - whose child a span is, and of which trace: the caller in another process, a span of this
 * one, or nobody's.
 *
 * Owns     which requests are under way, until traces_release().
 * Units    ns.
 * Fails    never.
 * Threads  one. */
#ifndef SPAN_TRACES_H
#define SPAN_TRACES_H

#include "plan/propagate.h"
#include "span/context.h"
#include "span/incoming.h"
#include "span/newids.h"
#include "span/sampler.h"

/* Who stops waiting for the answer may end before the server begins. */
enum { ASKED_LATELY = 1 << 10 };

struct traces {
	struct sampler sampler;
	struct new_ids ids;
	struct map asking;	/* id of a client span that is open, or was not long ago -> its
				 * moved_ns */
	u64 asked[ASKED_LATELY];	/* ids of the latter; 0: none */
	u32 nasked;
	i64 moved_ns;		/* of traces that begin now */
};

/* So far has the clock been set since records began. */
void traces_clock(struct traces *t, i64 moved_ns);
/* `up`: of this process, or NULL. `from`: of the request that it serves, or NULL. `d`: as whose it
 * will be told to others, or NULL. */
void traces_place(struct traces *t, struct open_span *s, const struct open_span *up,
		  const struct incoming_request *from, const struct propagated *d);
/* It is the child of this one after all: of whose message it has. */
void traces_join(struct traces *t, struct open_span *s, const struct span_context *from);
/* Its request has gone out. If that was with a traceparent of the program's own, it says in which
 * span of its own it was sent, and ours is in that, and sampled as that is. */
void traces_own(const struct traces *t, const struct contexts *c, struct open_span *s,
		const struct propagated *d);
/* Its request is no more under way. */
void traces_asked(struct traces *t, const struct open_span *s);
void traces_release(struct traces *t);

#endif
