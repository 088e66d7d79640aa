/* traces - whose child a span is, and of which trace: the caller in another process, a span of this
 * one, or nobody's.
 *
 * Owns     which requests are under way, until traces_release().
 * Units    none.
 * Fails    never.
 * Threads  one. */
#ifndef SPAN_TRACES_H
#define SPAN_TRACES_H

#include "plan/propagate.h"
#include "span/context.h"
#include "span/incoming.h"
#include "span/newids.h"
#include "span/sampler.h"

struct traces {
	struct sampler sampler;
	struct new_ids ids;
	struct map asking;	/* id of an open client span -> 1 */
};

/* `up`: of this process, or NULL. `from`: of the request that it serves, or NULL. `d`: as whose it
 * will be told to others, or NULL. */
void traces_place(struct traces *t, struct open_span *s, const struct open_span *up,
		  const struct incoming_request *from, const struct propagated *d);
/* It is the child of this one after all: of whose message it has. */
void traces_join(struct traces *t, struct open_span *s, const struct span_context *from);
/* Its request is no more under way. */
void traces_asked(struct traces *t, const struct open_span *s);
void traces_release(struct traces *t);

#endif
