/* collect - calls become spans: a sink (event/calls.h) that tells exporters of each that has ended.
 *
 * What came with a request (traceparent) is read from the header lines that net/textproto returns
 * while net/http reads a request, on the goroutine that then serves it.
 *
 * Owns     what is open, until collector_release().
 * Units    ns, of calls as records have them; of spans in Unix time. When that clock is set, traces
 *          that begin then have the new time: one trace has one clock.
 * Fails    never. What is not known of a span is not said; a span whose end was not seen is counted
 *          and told to nobody.
 * Threads  one. */
#ifndef SPAN_COLLECT_H
#define SPAN_COLLECT_H

#include "base/out.h"
#include "event/calls.h"
#include "span/context.h"
#include "span/rules.h"
#include "span/sampler.h"

struct collector_facts {
	const struct plan *plan;
	const struct rules *rules;
	struct sampler sampler;
	u32 propagators;	/* which headers are read: PROPAGATOR_… */
	bool propagates;	/* the source looks at them as well, and has left out what says
				 * nothing (plan/propagate.h) */
	i64 ahead_ns;		/* of records over the monotonic clock (event/source.h) */
	u64 bias;
	bool (*read_rt)(void *ctx, u64 rt, void *to, size_t n);
	void *read_ctx;
	const struct span_exporter *to;
	size_t nto;
	/* How a value that is no number, bool or text is shown (--show), or NULL. */
	void (*show)(void *ctx, const struct call *c, const struct expr_result *v, struct out *o);
	void *show_ctx;
};

struct collected {
	u64 spans, traces;	/* told to exporters; those that begin in this process */
	u64 unsampled;
	u64 unended;		/* the end was not seen, for lost records or because we left */
	u64 lost;		/* records */
	u64 refused, forgotten;	/* as contexts have it */
	u64 outside;		/* lines of logs, of a goroutine that was in no span */
	u64 unwritten;		/* requests that were sent, and traceparent did not fit, or there
				 * was no room in the target to keep it until they are written */
	u64 unstated;		/* times that a tracestate was too long to go on */
	u64 unbagged;		/* the same of baggage */
};

struct collector;
struct collector *collector_new(const struct collector_facts *facts);
struct sink collector_sink(struct collector *c);
struct collected collector_total(const struct collector *c);
void collector_release(struct collector **c);

#endif
