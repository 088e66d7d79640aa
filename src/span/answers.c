#include "span/collect_impl.h"

#include "span/messages.h"

/* What says it, or 0. */
static u64 writer_of(const struct collector *c, const struct call *call)
{
	struct field_value own;

	say_field(&c->f, call, rule_of(c, call->fn), FIELD_WRITER, &own);
	return own.there ? (u64)own.number : 0;
}

/* The stream that a span went on by has ended. */
static void stream_ends(struct collector *c, const struct rule_on *on, u64 address, i64 time_ns,
			bool known, struct answer answer)
{
	struct streams *in = streams_of(c, on);
	struct stream *s = streams_get(in, address);

	if (!s || s->on->library != on->library)
		return;
	s->call.duration_ns = time_ns - s->span.start_ns;
	s->span.answered = known;
	s->span.answer = answer;
	traces_asked(&c->traces, &s->span);
	collector_export(c, &s->call, s->on, &s->span);
	streams_drop(in, address);
}

/* The first that is final counts. */
void answers_status(struct collector *c, const struct call *call)
{
	const struct rule_on *on = rule_of(c, call->fn);
	u64 address = writer_of(c, call);
	struct open_span *s = writer(c, address);
	struct answer said = { 0 };
	bool known;

	say_fields(&c->f, call, on, c->teller.fields);
	known = on->library->answer(c->teller.fields, &said);
	say_forget(on, c->teller.fields);
	if (!s) {
		stream_ends(c, on, address, call->start_ns, known, said);
	} else if (known && !s->answered) {
		s->answer = said;
		s->answered = true;
	}
}

/* `listed`: the record has it. What is read behind that may be something else by now: only spans
 * that wait for it are looked for. */
static void delivered(struct collector *c, const struct call *call, u64 address, bool listed,
		      const struct delivery *d)
{
	const struct rule_on *on = rule_of(c, call->fn);
	struct open_span *s = listed ? writer(c, address) : NULL;
	struct stream *goes_on = streams_get(&c->sent, address);

	if (s && !s->answered) {
		s->delivery = *d;
		s->answered = true;
	} else if (!s && goes_on) {
		goes_on->span.delivery = *d;
		stream_ends(c, on, address, call->start_ns, true, (struct answer){ 0 });
	}
}

void answers_delivery(struct collector *c, const struct call *call)
{
	const struct rule_on *on = rule_of(c, call->fn);
	struct field_value fields[FIELDS_MOST] = { 0 };
	u64 addresses[DELIVERED_MOST];
	struct delivery d;
	u32 n;

	say_fields(&c->f, call, on, fields);
	on->library->delivery(fields, &d);
	for (u32 from = 0; (n = messages_delivered(&c->f, call, on, from, addresses)); from += n)
		for (u32 i = 0; i < n; i++)
			delivered(c, call, addresses[i], !from, &d);
}

void answers_response(struct collector *c, const struct call *call, const struct rule_on *on)
{
	struct open_span *s = context_top(&c->contexts, call->goid);
	const struct rule_on *of = s && s->fn ? rule_of(c, s->fn) : NULL;
	bool served = of && of->library == on->library && of->rule->kind == SPAN_SERVER &&
		      !of->rule->waits;

	served_answer(&c->served, &c->f, call, on, served ? s : NULL);
}

/* A second attempt of the same call has another stream, and starts afresh; streams of other calls
 * may have attempts of their own at any time. */
void answers_stream(struct collector *c, const struct call *call)
{
	u64 address = writer_of(c, call);
	struct open_span *s = context_nearest(&c->contexts, call->goid, SPAN_CLIENT);

	if (!address || !s || !s->stream || s->goid != call->goid || writer(c, address) ||
	    streams_get(&c->streams, address))
		return;
	writes_no_more(c, s);
	owners_write(&c->writers, &c->contexts, address, s);
	s->answered = false;
}
