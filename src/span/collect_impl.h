/* collect_impl - what the files of the collector share.
 *
 * Owns     as span/collect.h.  Units  as there.  Fails  never.  Threads  one. */
#ifndef SPAN_COLLECT_IMPL_H
#define SPAN_COLLECT_IMPL_H

#include "span/collect.h"
#include "span/incoming.h"
#include "span/lines.h"
#include "span/owners.h"
#include "span/say.h"
#include "span/served.h"
#include "span/streams.h"
#include "span/traces.h"

struct collector {
	struct collector_facts f;
	const struct rule_on **rules;	/* of each function of the plan */
	struct contexts contexts;
	struct map ctxs;		/* address of a context.Context -> 1 + place of its span */
	struct map writers;		/* address -> 1 + place of the open span */
	struct streams streams;		/* spans whose calls have returned */
	struct streams sent;		/* the same, of messages */
	struct served served;		/* and of requests that are to be answered */
	struct traces traces;
	struct incoming incoming;
	struct lines lines;
	size_t event_bytes;
	struct collected total;
	u32 blind;			/* bits: libraries whose ROLE_ANSWER can't be watched */
	bool all;			/* an exporter takes spans that are not sampled */
	struct teller teller;
};

static inline const struct rule_on *rule_of(const struct collector *c, const struct plan_func *f)
{
	return c->rules[f - c->f.plan->funcs];
}

/* Tells exporters of it. */
void collector_export(struct collector *c, const struct call *call, const struct rule_on *on,
		      const struct open_span *o);

static inline void writes_no_more(struct collector *c, struct open_span *s)
{
	owners_drop(&c->writers, &c->contexts, s->writer, s);
}

/* The span of the response that this object writes. */
static inline struct open_span *writer(struct collector *c, u64 address)
{
	return owners_writer(&c->writers, &c->contexts, address);
}

/* Where spans of this rule are that go on when their calls have returned. Messages are many. */
static inline struct streams *streams_of(struct collector *c, const struct rule_on *on)
{
	return on->library->messages ? &c->sent : &c->streams;
}

/* The answer to what a span asks, or serves (answers.c): ROLE_STATUS, ROLE_DELIVERY, ROLE_ANSWER;
 * and ROLE_STREAM, what it will come by. */
void answers_status(struct collector *c, const struct call *call);
void answers_delivery(struct collector *c, const struct call *call);
void answers_response(struct collector *c, const struct call *call, const struct rule_on *on);
void answers_stream(struct collector *c, const struct call *call);

#endif
