#include "span/fiber.h"

/* A body is one of two; what comes from a stream has no length here (Response.bodyBytes). */
bool fiber_answer(const struct field_value *f, struct answer *to)
{
	if (!http_answer(f, to))
		return false;
	if (f[FIBER_RAW_SIZE].number)
		to->size = f[FIBER_RAW_SIZE].number;
	return true;
}

i64 fiber_requests(const struct field_value *f, const struct rule *rule)
{
	(void)f;
	(void)rule;
	return 1;
}

/* Of the patterns that fit the last one is that of who answers: those before it passed it on. */
void fiber_told(const struct field_value *f, struct open_span *s)
{
	const struct str path = f[FIELD_PATH].text, route = f[FIELD_ROUTE].text;

	if (f[FIELD_PATH].there && path.n <= ASKED_MOST) {
		memcpy(s->asked, path.p, path.n);
		s->nasked = (u32)path.n;
	}
	if (!f[FIELD_MATCHED].there || !f[FIELD_MATCHED].number)
		return;
	s->ninner = 0;
	if (!f[FIELD_ROUTE].there || f[FIELD_ROUTE].cut || route.n > ROUTE_MOST)
		return;
	memcpy(s->inner, route.p, route.n);
	s->ninner = (u32)route.n;
}

void fiber_say(struct saying *s, const struct field_value *f, const struct said *said)
{
	struct field_value fields[FIELDS_MOST];

	memcpy(fields, f, sizeof(fields));
	if (fields[FIELD_METHOD].there && !fields[FIELD_METHOD].text.n)
		fields[FIELD_METHOD].text = STR("GET");	/* RequestHeader.Method */
	fields[FIELD_PATH] = (struct field_value){ .there = said->asked.n, .text = said->asked };
	http_say_server(s, fields, said);
	say_peer(s, &fields[FIBER_PEER_IP], &fields[FIBER_PEER_PORT]);
}
