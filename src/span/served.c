#include "span/served.h"

#include "span/fiber.h"
#include "span/say.h"

void served_told(struct contexts *c, const struct collector_facts *f, const struct call *call,
		 const struct rule_on *on)
{
	struct field_value fields[FIELDS_MOST] = { 0 };
	struct open_span *s = context_top(c, call->goid);

	if (!s || s->kind != SPAN_SERVER)
		return;
	say_fields(f, call, on, fields);
	fiber_told(fields, s);
}

u64 served_put(struct served *s, const struct call *call, const struct rule_on *on,
	       struct open_span *span)
{
	return streams_put(&s->by_goid, call->goid, call, on, span);
}

void served_answer(struct served *s, const struct collector_facts *f, const struct call *call,
		   const struct rule_on *on)
{
	struct stream *of = streams_get(&s->by_goid, call->goid);
	struct field_value fields[FIELDS_MOST] = { 0 };

	if (!of || of->on->library != on->library)
		return;
	say_fields(f, call, on, fields);
	of->span.answered = on->library->status(fields, &of->span.status);
	served_over(s, call->goid);
}

void served_over(struct served *s, u64 goid)
{
	const struct stream *of = streams_get(&s->by_goid, goid);

	if (!of)
		return;
	s->over(s->ctx, of);
	streams_drop(&s->by_goid, goid);
}
