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
		   const struct rule_on *on, struct open_span *top)
{
	struct stream *of = top ? NULL : streams_get(&s->by_goid, call->goid);
	struct field_value fields[FIELDS_MOST] = { 0 };

	if (of && of->on->library == on->library)
		top = &of->span;
	if (!top)
		return;
	say_fields(f, call, on, fields);
	top->answered = on->library->answer(fields, &top->answer);
	if (of)
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

void served_all_over(struct served *s)
{
	for (const struct stream *of = s->by_goid.oldest; of; of = of->newer)
		s->over(s->ctx, of);
	streams_forget(&s->by_goid);
}
