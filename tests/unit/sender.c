/* What headers say of who sent a request: traceparent and B3, and which of them counts. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "plan/sender.h"

Suite *sender_suite(void);

#define LONG "0af7651916cd43dd8448eb211c80319c"
#define SHORT_ID "8448eb211c80319c"
#define SPAN "b7ad6b7169203331"
#define OTHER "00f067aa0ba902b7"

enum {
	W3C = PROPAGATOR_W3C, B3 = PROPAGATOR_B3, MULTI = PROPAGATOR_B3MULTI,
	FIRST = PROPAGATOR_B3_FIRST, ALL = W3C | B3 | MULTI | PROPAGATOR_BAGGAGE,
};

static const char *hex(const u8 *id, u32 n, char *to)
{
	for (u32 i = 0; i < n; i++)
		snprintf(to + 2 * i, 3, "%02x", id[i]);
	return to;
}

/* "trace span s", where s is 0, 1, d, or ? where that is left to who is asked; "none". */
static const char *came(u32 how, const char *const *lines)
{
	static char text[64];
	struct sender s;
	const struct sender_way *by;
	char trace[33], span[17];

	memset(&s, 0xff, sizeof(s));
	sender_begin(&s);
	for (; *lines; lines++) {
		size_t n = strlen(*lines);
		char *line = malloc(n + !n);	/* so that what is read behind it is found */
		u64 from = 0, to = 0;
		enum header h;

		memcpy(line, *lines, n);
		h = header_line((const u8 *)line, n, how, &from, &to);
		if (h)
			sender_take(&s, h, (const u8 *)line + from, to - from, true);
		free(line);
	}
	by = sender_who(&s, how);
	if (!by)
		return "none";
	snprintf(text, sizeof(text), "%s %s %c", hex(by->trace, 16, trace), hex(by->span, 8, span),
		 by->what & SENDER_DEFERRED ? '?' : by->what & SENDER_DEBUG ? 'd' :
		 by->what & SENDER_SAMPLED ? '1' : '0');
	return text;
}

static const struct { const char *value, *want; } singles[] = {
	{ LONG "-" SPAN "-1", LONG " " SPAN " 1" },
	{ LONG "-" SPAN "-0", LONG " " SPAN " 0" },
	{ LONG "-" SPAN "-d", LONG " " SPAN " d" },
	{ LONG "-" SPAN, LONG " " SPAN " ?" },
	{ LONG "-" SPAN "-1-" OTHER, LONG " " SPAN " 1" },
	{ SHORT_ID "-" SPAN "-1", "0000000000000000" SHORT_ID " " SPAN " 1" },
	{ SHORT_ID "-" SPAN, "0000000000000000" SHORT_ID " " SPAN " ?" },
	{ SHORT_ID "-" SPAN "-d-" OTHER, "0000000000000000" SHORT_ID " " SPAN " d" },
	{ " " SHORT_ID "-" SPAN "\t", "0000000000000000" SHORT_ID " " SPAN " ?" },
	/* a decision without ids names nobody */
	{ "0", "none" }, { "1", "none" }, { "d", "none" }, { "", "none" }, { "-", "none" },
	{ LONG, "none" }, { LONG "-", "none" }, { SHORT_ID "-" SPAN "-", "none" },
	{ LONG "-" SPAN "-2", "none" }, { LONG "-" SPAN "-D", "none" },
	{ LONG "-" SPAN "-11", "none" }, { LONG "-" SPAN "1", "none" },
	{ LONG "-" SPAN "-1-", "none" }, { LONG "-" SPAN "-1-" OTHER "0", "none" },
	{ LONG "-" SPAN "-1-00f067aa0ba902b", "none" },
	{ LONG "-" SPAN "-1-00f067aa0ba902bx", "none" },
	{ LONG "-" SPAN "-" OTHER, "none" },
	{ "0AF7651916CD43DD8448EB211C80319C-" SPAN "-1", "none" },
	{ "00000000000000000000000000000000-" SPAN "-1", "none" },
	{ "0000000000000000-" SPAN "-1", "none" },
	{ LONG "-0000000000000000-1", "none" },
	{ "af7651916cd43dd8448eb211c80319c-" SPAN "-1", "none" },
	{ LONG "_" SPAN "-1", "none" },
	{ LONG "-" SPAN "_1", "none" },
};

START_TEST(b3_in_one_header)
{
	char line[128];
	const char *const lines[] = { line, NULL };

	snprintf(line, sizeof(line), "b3:%s", singles[_i].value);
	ck_assert_str_eq(came(B3, lines), singles[_i].want);
	line[0] = 'B';
	ck_assert_str_eq(came(MULTI, lines), singles[_i].want);	/* read in both ways */
	ck_assert_str_eq(came(W3C, lines), "none");
}
END_TEST

#define T "X-B3-TraceId: " LONG
#define S "x-b3-spanid: " SPAN
#define P "traceparent: 00-1111111111111111" SHORT_ID "-" OTHER "-00"

static const struct { u32 how; const char *lines[8], *want; } several[] = {
	{ MULTI, { T, S, "X-B3-Sampled: 1" }, LONG " " SPAN " 1" },
	{ B3, { "X-B3-SAMPLED: 0", S, T }, LONG " " SPAN " 0" },
	{ MULTI, { T, S, "X-B3-Sampled: true" }, LONG " " SPAN " 1" },
	{ MULTI, { T, S, "X-B3-Sampled: false" }, LONG " " SPAN " 0" },
	{ MULTI, { T, S }, LONG " " SPAN " ?" },
	{ MULTI, { T, S, "X-B3-Flags: 1" }, LONG " " SPAN " d" },
	{ MULTI, { T, S, "X-B3-Flags: 1", "X-B3-Sampled: 0" }, LONG " " SPAN " d" },
	{ MULTI, { T, S, "X-B3-Flags: 0", "X-B3-Sampled: 0" }, LONG " " SPAN " 0" },
	{ MULTI, { T, S, "X-B3-Flags: 0" }, LONG " " SPAN " ?" },
	{ MULTI, { "x-b3-traceid: " SHORT_ID, S, "X-B3-ParentSpanId: " OTHER, "X-B3-Sampled: 1" },
	  "0000000000000000" SHORT_ID " " SPAN " 1" },
	{ MULTI, { T, "X-B3-Sampled: 1" }, "none" },
	{ MULTI, { S, "X-B3-Sampled: 1" }, "none" },
	{ MULTI, { T, S, "X-B3-Sampled: yes" }, "none" },
	{ MULTI, { T, S, "X-B3-Sampled:" }, "none" },
	{ MULTI, { T, T, S }, "none" },
	{ MULTI, { T, S, S }, "none" },
	{ MULTI, { T, S, "X-B3-Sampled: 1", "X-B3-Sampled: 1" }, "none" },
	{ MULTI, { "X-B3-TraceId: " LONG "0", S }, "none" },
	{ MULTI, { "X-B3-TraceId: 0000000000000000", S }, "none" },
	{ MULTI, { T, "X-B3-SpanId: 0000000000000000" }, "none" },
	{ MULTI, { T, "X-B3-SpanId: b7ad6b716920333" }, "none" },
	{ MULTI, { T, "X-B3-SpanIdx: " SPAN }, "none" },
	/* the one goes before the several, if it is valid */
	{ MULTI, { T, S, "b3: " SHORT_ID "-" OTHER "-0" },
	  "0000000000000000" SHORT_ID " " OTHER " 0" },
	{ B3, { "b3: 0", T, S, "X-B3-Sampled: 1" }, LONG " " SPAN " 1" },
	{ B3, { "b3: " LONG "-" SPAN "-1", "b3: " LONG "-" SPAN "-1" }, "none" },
	/* of two propagators the last one that finds something counts */
	{ W3C | B3, { P, "b3: " LONG "-" SPAN "-1" }, "1111111111111111" SHORT_ID " " OTHER " 0" },
	{ W3C | B3 | FIRST, { P, "b3: " LONG "-" SPAN "-1" }, LONG " " SPAN " 1" },
	{ W3C | MULTI | FIRST, { P, T, S }, LONG " " SPAN " ?" },
	{ W3C | B3 | FIRST, { P, "b3: nonsense" }, "1111111111111111" SHORT_ID " " OTHER " 0" },
	{ W3C | B3, { "traceparent: nonsense", "b3: " LONG "-" SPAN "-1" }, LONG " " SPAN " 1" },
	{ B3, { P }, "none" },
	{ W3C, { P, P }, "none" },
};

START_TEST(several_headers)
{
	ck_assert_str_eq(came(several[_i].how, several[_i].lines), several[_i].want);
}
END_TEST

static const struct { const char *name; enum header h; } names[] = {
	{ "traceparent", HEADER_PARENT }, { "TraceState", HEADER_STATE },
	{ "BAGGAGE", HEADER_BAGGAGE }, { "B3", HEADER_B3 }, { "X-B3-TraceId", HEADER_B3_TRACE },
	{ "x-b3-spanid", HEADER_B3_SPAN }, { "X-b3-Sampled", HEADER_B3_SAMPLED },
	{ "x-b3-flags", HEADER_B3_FLAGS }, { "x-b3-parentspanid", HEADER_OTHER },
	{ "b", HEADER_OTHER }, { "", HEADER_OTHER }, { "b4", HEADER_OTHER },
	{ "b\x13", HEADER_OTHER }, { "x\rb3-flags", HEADER_OTHER }, { "te", HEADER_OTHER },
	{ "traceparens", HEADER_OTHER }, { "baggages", HEADER_OTHER },
};

START_TEST(names_in_any_case)
{
	const u8 *name = (const u8 *)names[_i].name;
	u64 n = strlen(names[_i].name);
	u32 by = names[_i].h ? header_by(names[_i].h) : 0;

	ck_assert_int_eq(header_named(name, n, ALL), names[_i].h);
	ck_assert_int_eq(header_named(name, n, ALL & ~by), HEADER_OTHER);
}
END_TEST

static const struct { enum header h; const char *text; bool sound; } texts[] = {
	{ HEADER_STATE, "a=1,b@c=2, ,d=3", true }, { HEADER_STATE, "", false },
	{ HEADER_STATE, "a=1,b=\x01", false }, { HEADER_STATE, "a", false },
	{ HEADER_STATE, "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=0,k=1,l=2,m=3,n=4,o=5,p=6,q=7,r=8,"
			"s=9,t=0,u=1,v=2,w=3,x=4,y=5,z=6,A=7,B=8,C=9,D=0,E=1,F=2,G=3", false },
	{ HEADER_BAGGAGE, "user=a%20b;secret;ttl=1 , x=", true },
	{ HEADER_BAGGAGE, "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=0,k=1,l=2,m=3,n=4,o=5,p=6,q=7,r=8,"
			  "s=9,t=0,u=1,v=2,w=3,x=4,y=5,z=6,A=7,B=8,C=9,D=0,E=1,F=2,G=3", true },
	{ HEADER_BAGGAGE, "a=\xc3\xa4", false }, { HEADER_BAGGAGE, "a=1\r\nX: y", false },
};

START_TEST(lists_of_members)
{
	const char *text = texts[_i].text;

	ck_assert_int_eq(sender_text(texts[_i].h, (const u8 *)text, strlen(text)), texts[_i].sound);
}
END_TEST

Suite *sender_suite(void)
{
	Suite *s = suite_create("sender");
	TCase *t = tcase_create("sender");

	tcase_add_loop_test(t, b3_in_one_header, 0, ARRAY_LEN(singles));
	tcase_add_loop_test(t, several_headers, 0, ARRAY_LEN(several));
	tcase_add_loop_test(t, names_in_any_case, 0, ARRAY_LEN(names));
	tcase_add_loop_test(t, lists_of_members, 0, ARRAY_LEN(texts));
	suite_add_tcase(s, t);
	return s;
}
