/* B3 and baggage, in and out, as the agent reads and writes them. */
#include "agentout.h"

Suite *agentb3_suite(void);

enum { W3C = PROPAGATOR_W3C, B3 = PROPAGATOR_B3, MULTI = PROPAGATOR_B3MULTI,
       BAGGAGE = PROPAGATOR_BAGGAGE };

#define SPAN "b7ad6b7169203331"

/* What goes out when a request came with these lines, behind the header; "S" for the span. */
static const char *goes_out(u32 how, const char *const *lines)
{
	static char text[1024];
	const struct propagated *p;
	char span[17];
	const char *at;
	size_t n = 0;

	tables->how = how;
	serves(1, lines);
	p = starts_to_ask(1, 0xc000);
	snprintf(span, sizeof(span), "%s", hex_of(p->span, 8));
	writes(2, 0xc000, "A: b\r\n");
	is_answered(1);
	happens(1, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert_uint_eq(texts_in_use(), 0);
	at = strstr((char *)buffer, "A: b\r\n") + 6;
	while (*at) {
		bool own = !strncmp(at, span, 16);

		text[n++] = own ? 'S' : *at;
		at += own ? 16 : 1;
	}
	text[n] = 0;
	return text;
}

#define CAME_B3 "b3: " PARENT "-" SPAN
#define TRACEID "X-B3-Traceid: " PARENT "\r\nX-B3-Spanid: S\r\n"

static const struct { u32 how; const char *lines[8], *out; } ways[] = {
	{ B3, { CAME_B3 "-1" }, "B3: " PARENT "-S-1\r\n" },
	{ B3, { CAME_B3 "-0" }, "B3: " PARENT "-S-0\r\n" },
	{ B3, { CAME_B3 }, "B3: " PARENT "-S-1\r\n" },	/* it is decided here */
	{ B3, { CAME_B3 "-d" }, "B3: " PARENT "-S-d\r\n" },
	{ B3, { "b3: 8448eb211c80319c-" SPAN "-0" },
	  "B3: 00000000000000008448eb211c80319c-S-0\r\n" },
	{ B3, { "X-B3-TraceId: " PARENT, "X-B3-SpanId: " SPAN, "X-B3-Flags: 1" },
	  "B3: " PARENT "-S-d\r\n" },
	{ MULTI, { CAME_B3 "-1" }, TRACEID "X-B3-Sampled: 1\r\n" },
	{ MULTI, { CAME_B3 "-0" }, TRACEID "X-B3-Sampled: 0\r\n" },
	{ MULTI, { CAME_B3 "-d" }, TRACEID "X-B3-Flags: 1\r\n" },
	{ W3C | B3, { CAME_B3 "-1" },
	  "Traceparent: 00-" PARENT "-S-01\r\nB3: " PARENT "-S-1\r\n" },
	{ W3C | B3 | MULTI, { CAME, "tracestate: a=1" },
	  "Traceparent: 00-" PARENT "-S-01\r\nB3: " PARENT "-S-1\r\n"
	  TRACEID "X-B3-Sampled: 1\r\nTracestate: a=1\r\n" },
	/* where b3 counts, the tracestate is that of another sender */
	{ W3C | B3 | PROPAGATOR_B3_FIRST,
	  { "traceparent: 00-11111111111111111111111111111111-" SPAN "-01", CAME_B3 "-0",
	    "tracestate: a=1" },
	  "Traceparent: 00-" PARENT "-S-00\r\nB3: " PARENT "-S-0\r\n" },
	{ W3C | BAGGAGE, { CAME, "baggage: a=1;x,b=2" },
	  "Traceparent: 00-" PARENT "-S-01\r\nBaggage: a=1;x,b=2\r\n" },
	{ W3C | BAGGAGE, { "Baggage: a=1", CAME, "tracestate: c=3", "baggage: b=2" },
	  "Traceparent: 00-" PARENT "-S-01\r\nTracestate: c=3\r\nBaggage: a=1,b=2\r\n" },
	{ W3C, { CAME, "baggage: a=1" }, "Traceparent: 00-" PARENT "-S-01\r\n" },
	{ W3C | BAGGAGE, { CAME, "baggage: nothing" }, "Traceparent: 00-" PARENT "-S-01\r\n" },
	{ B3 | BAGGAGE, { CAME_B3 "-1", "baggage: a=1" },
	  "B3: " PARENT "-S-1\r\nBaggage: a=1\r\n" },
	{ BAGGAGE, { CAME, "baggage: a=1" }, "Baggage: a=1\r\n" },
};

START_TEST(what_came_goes_out)
{
	ck_assert_str_eq(goes_out(ways[_i].how, ways[_i].lines), ways[_i].out);
}
END_TEST

START_TEST(baggage_needs_no_parent)
{
	static const char *const lines[] = { "baggage: a=1", NULL };
	const char *out = goes_out(W3C | BAGGAGE, lines);

	ck_assert_str_eq(strstr(out, "\r\n") + 2, "Baggage: a=1\r\n");
	ck_assert_ptr_null(strstr(out, PARENT));
}
END_TEST

static const struct { const char *header, *trace; u32 what; } own[] = {
	{ "b3: " PARENT "-" SPAN "-1\r\n", PARENT, PROPAGATED_SAMPLED },
	{ "B3: " PARENT "-" SPAN "-0\r\n", PARENT, 0 },
	{ "X-B3-Sampled: 1\r\nX-B3-Spanid: " SPAN "\r\nX-B3-Traceid: " PARENT "\r\n", PARENT,
	  PROPAGATED_SAMPLED },
	{ "B3: 0\r\n", "none", 0 },
	{ "X-B3-Sampled: 0\r\n", "none", 0 },
};

START_TEST(the_programs_own_one_stays_alone)
{
	const struct propagated *p;

	tables->how = W3C | B3;
	starts_to_ask(1, 0xc000);
	for (int again = 0; again < 2; again++) {	/* on another connection */
		writes(2, 0xc000, own[_i].header);
		ck_assert_str_eq(strstr((char *)buffer, "Host: x\r\n") + 9, own[_i].header);
	}
	p = happens(1, 500, PROPAGATE_ASK, SITE_EXIT);
	ck_assert(p->what & PROPAGATED_OWN);
	ck_assert_str_eq(trace(p), own[_i].trace);
	ck_assert_uint_eq(p->what & PROPAGATED_SAMPLED, own[_i].what);
	if (p->what & PROPAGATED_THERE)
		ck_assert_str_eq(hex_of(p->span, 8), SPAN);
}
END_TEST

START_TEST(what_nobody_asked_for_is_not_looked_at)
{
	tables->how = W3C;
	starts_to_ask(1, 0xc000);
	writes(2, 0xc000, "B3: " PARENT "-" SPAN "-1\r\n");
	ck_assert_ptr_nonnull(strstr((char *)buffer, "Traceparent: 00-"));
	ck_assert(is_answered(1) & PROPAGATED_WRITTEN);
}
END_TEST

START_TEST(baggage_of_the_programs_own_stays_alone)
{
	static const char *const lines[] = { CAME, "baggage: a=1", "tracestate: b=2", NULL };

	serves(1, lines);
	starts_to_ask(1, 0xc000);
	writes(2, 0xc000, "baggage: x=y\r\n");
	ck_assert_ptr_nonnull(strstr((char *)buffer, "Traceparent: 00-" PARENT));
	ck_assert_ptr_nonnull(strstr((char *)buffer, "Tracestate: b=2\r\n"));
	ck_assert_ptr_null(strstr((char *)buffer, "a=1"));
	ck_assert(!(is_answered(1) & PROPAGATED_NO_BAGGAGE));
}
END_TEST

/* All or none of them: for each size of the room. */
START_TEST(where_not_all_fit_none_is_written)
{
	u32 need = 70 + (2 + 51 + 4) + (12 + 32 + 4) + (11 + 16 + 4) + (12 + 1 + 4);
	char large[4096];

	tables->how = W3C | B3 | MULTI;
	memset(large, 'x', sizeof(large));
	for (u32 left = need - 2; left < need + 3; left++) {
		large[4096 - 25 - left] = 0;
		starts_to_ask(1, 0xc000);
		writes(2, 0xc000, large);
		ck_assert_uint_eq(writer[5], 4096 - left + (left >= need ? need : 0));
		ck_assert_int_eq(!(is_answered(1) & PROPAGATED_NO_ROOM), left >= need);
		large[4096 - 25 - left] = 'x';
	}
}
END_TEST

START_TEST(where_baggage_does_not_fit_the_rest_goes_alone)
{
	static const char *const lines[] = { CAME, "tracestate: a=1", "baggage: c=3", NULL };
	char large[4096];

	memset(large, 'x', sizeof(large));
	for (u32 left = 84; left < 106; left++) {
		u32 fits = left >= 87 + 14 ? 87 + 14 : left >= 87 ? 87 : left >= 84 ? 84 : 70;

		large[4096 - 25 - left] = 0;
		serves(1, lines);
		starts_to_ask(1, 0xc000);
		writes(2, 0xc000, large);
		ck_assert_uint_eq(writer[5], 4096 - left + fits);
		ck_assert_int_eq(!(is_answered(1) & PROPAGATED_NO_BAGGAGE),
				 left >= 101 || left < 87);
		happens(1, 300, PROPAGATE_SERVE, SITE_EXIT);
		large[4096 - 25 - left] = 'x';
	}
}
END_TEST

/* A literal that is not kept, at *at: "name: value". */
static const char *field_at(const u8 **at)
{
	static char text[1024];
	const u8 *p = *at;
	u32 n = p[1], value = p[2 + n];

	ck_assert_int_eq(p[0], 0);
	ck_assert_uint_lt(value, 127);
	snprintf(text, sizeof(text), "%.*s: %.*s", (int)n, p + 2, (int)value, p + 3 + n);
	*at = p + 3 + n + value;
	return text;
}

START_TEST(fields_of_http2)
{
	static const char *const lines[] = { CAME_B3 "-1", "baggage: a=1", NULL };
	char b3[120], id[80];
	const u8 *at, *end;
	u64 n;

	tables->how = B3 | MULTI | BAGGAGE;
	serves(1, lines);
	snprintf(id, sizeof(id), "x-b3-spanid: %s", hex_of(starts_to_ask(1, 0xc000)->span, 8));
	snprintf(b3, sizeof(b3), "b3: " PARENT "-%s-1", id + 13);
	at = blocks_of(2, 0xc000, 50, true, NULL, &n);
	end = at + n;
	at += 50;
	ck_assert_str_eq(field_at(&at), b3);
	ck_assert_str_eq(field_at(&at), "x-b3-traceid: " PARENT);
	ck_assert_str_eq(field_at(&at), id);
	ck_assert_str_eq(field_at(&at), "x-b3-sampled: 1");
	ck_assert_str_eq(field_at(&at), "baggage: a=1");
	ck_assert_ptr_eq(at, end);
	happens(2, 700, PROPAGATE_STREAM, SITE_EXIT);
	ck_assert(is_answered(1) & PROPAGATED_WRITTEN);
}
END_TEST

static struct event wide;	/* in which nothing was decided: fields are longer */

/* All fields of a request, for goroutine 1 whose child 2 serves it. */
static const char *frame_of(u32 how, const char *const *pairs)
{
	u8 *hook = wide.record + HOOK;
	struct record_head *head = (void *)wide.record;
	u32 value = extra_name_at(EXTRA_FIELDS_MOST), n = 0;

	tables->how = how;
	memset(wide.record, 0, sizeof(wide.record));
	for (; pairs[2 * n]; n++) {
		const char *name = pairs[2 * n];
		u8 *at = hook + extra_name_at(n);

		*(u32 *)(void *)(at - 8) = (u32)MIN(strlen(name), (size_t)EXTRA_NAME_MOST);
		memcpy(at, name, MIN(strlen(name), (size_t)EXTRA_NAME_MOST));
		put(&wide, EXTRA_FIELD + n * EXTRA_FIELD_SIZE + 24, strlen(pairs[2 * n + 1]));
	}
	put(&wide, EXTRA_COUNT, n);
	for (u32 h = HEADER_PARENT; h < HEADERS; h++) {
		struct header_name want = header_name((enum header)h);

		if (!(header_by((enum header)h) & how))
			continue;
		for (u32 i = 0; i < n; i++) {
			const char *name = pairs[2 * i], *text = pairs[2 * i + 1];

			if (header_named((const u8 *)name, strlen(name), how) != (enum header)h ||
			    strlen(name) != want.n)
				continue;
			*(u32 *)(void *)(hook + value - 8) = (u32)strlen(text);
			memcpy(hook + value, text, strlen(text));
		}
		value += 8 + header_most((enum header)h);
	}
	ck_assert_uint_le(HOOK + value, RECORD);
	head->goid = 1;
	head->depth = 100;
	hold(&wide);
	agent(tables, wide.record, ring, agent_how(PROPAGATE_FRAME, SITE_ENTRY, &places),
	      (u8 *)stack, 0);
	born(1, 2);
	happens(1, 100, PROPAGATE_FRAME, SITE_EXIT);
	return trace(happens(2, 300, PROPAGATE_SERVE, SITE_ENTRY));
}

static const struct { u32 how; const char *pairs[12], *trace; } frames[] = {
	{ W3C, { "te", "trailers", "traceparent", "00-" PARENT "-" SPAN "-01" }, PARENT },
	{ B3, { "b3", PARENT "-" SPAN "-1", "te", "trailers" }, PARENT },
	{ W3C | BAGGAGE | B3, { "baggage", "a=1", "b3", PARENT "-" SPAN "-d" }, PARENT },
	{ MULTI, { "x-b3-traceid", PARENT, "x-b3-spanid", SPAN, "x-b3-sampled", "1" }, PARENT },
	{ W3C | MULTI, { "x-b3-traceid", PARENT, "x-b3-spanid", SPAN, "x-b3-flags", "1" }, PARENT },
	{ B3, { "b3", PARENT "-" SPAN "-1", "b3", PARENT "-" SPAN "-1" }, NULL },
	{ MULTI, { "x-b3-traceid", PARENT, "x-b3-sampled", "1" }, NULL },
	{ W3C, { "b3", PARENT "-" SPAN "-1" }, NULL },
	{ B3, { "traceparent", "00-" PARENT "-" SPAN "-01" }, NULL },
};

START_TEST(frames_of_http2)
{
	const char *got = frame_of(frames[_i].how, frames[_i].pairs);

	if (frames[_i].trace)
		ck_assert_str_eq(got, frames[_i].trace);
	else
		ck_assert_str_ne(got, PARENT);
}
END_TEST

Suite *agentb3_suite(void)
{
	Suite *s = suite_create("agentb3");
	TCase *t = tcase_create("agentb3");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_loop_test(t, what_came_goes_out, 0, ARRAY_LEN(ways));
	tcase_add_test(t, baggage_needs_no_parent);
	tcase_add_loop_test(t, the_programs_own_one_stays_alone, 0, ARRAY_LEN(own));
	tcase_add_test(t, what_nobody_asked_for_is_not_looked_at);
	tcase_add_test(t, baggage_of_the_programs_own_stays_alone);
	tcase_add_test(t, where_not_all_fit_none_is_written);
	tcase_add_test(t, where_baggage_does_not_fit_the_rest_goes_alone);
	tcase_add_test(t, fields_of_http2);
	tcase_add_loop_test(t, frames_of_http2, 0, ARRAY_LEN(frames));
	suite_add_tcase(s, t);
	return s;
}
