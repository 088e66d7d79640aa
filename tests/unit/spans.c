/* Whose child a span is: goroutines that inherit, headers that say it, samplers that decide. */
#include <check.h>
#include <stdio.h>

#include "span/context.h"
#include "span/rules.h"
#include "span/sampler.h"
#include "span/say.h"
#include "span/traceparent.h"
#include "span/traces.h"
#include "descriptors.h"

Suite *spans_suite(void);

static struct contexts ctx;

static void end(void)
{
	contexts_release(&ctx);
}

static void no_more(void)
{
	ctx = (struct contexts){ 0 };
}

/* A story in words: `+7` a span begins on goroutine 7, `-7` its innermost ends, `7>8` 7 starts 8,
 * `x8` 8 has ended, `?8` which span is 8 in: prints the number of the span, counted from 1 in order
 * of beginning, or 0. */
static const char *story(const char *words)
{
	static char came[256];
	size_t n = 0;
	u64 span = 0, a, b;

	for (; *words; words += strcspn(words, " "), words += *words == ' ') {
		struct open_span *s;

		if (sscanf(words, "%lu>%lu", &a, &b) == 2) {
			context_born(&ctx, a, b);
			continue;
		}
		a = strtoul(words + 1, NULL, 10);
		switch (*words) {
		case '+':
			s = context_begin(&ctx, a, context_current(&ctx, a));
			if (s)
				s->start_ns = (i64)++span;
			break;
		case '-':
			context_end(&ctx, a);
			break;
		case 'x':
			context_goroutine_ended(&ctx, a);
			break;
		case '?':
			s = context_current(&ctx, a);
			n += (size_t)snprintf(came + n, sizeof(came) - n, n ? " %d" : "%d",
					      s ? (int)s->start_ns : 0);
			break;
		}
	}
	came[n] = 0;
	return came;
}

START_TEST(a_goroutine_is_in_the_span_of_its_maker)
{
	ck_assert_str_eq(story("?1 +1 ?1 1>2 ?2 +2 ?2 ?1 -2 ?2 -1 ?1"), "0 1 1 2 1 1 0");
}
END_TEST

START_TEST(at_any_depth_and_when_those_between_are_gone)
{
	ck_assert_str_eq(story("+1 1>2 2>3 x2 3>4 x3 4>5 ?5 +5 5>6 ?6"), "1 2");
	end();
	for (u64 g = 1; g < 1000; g++) {
		if (g == 1)
			(void)context_begin(&ctx, 1, NULL);
		context_born(&ctx, g, g + 1);
		context_goroutine_ended(&ctx, g + 1000);
	}
	ck_assert_ptr_nonnull(context_current(&ctx, 1000));
}
END_TEST

/* The end of a goroutine may not be told of: what is in nothing any more takes no room. */
START_TEST(an_idle_goroutine_is_forgotten)
{
	for (u64 g = 1; g < 1000; g++) {
		(void)context_begin(&ctx, g, NULL);
		context_idle(&ctx, g);
		ck_assert_ptr_nonnull(context_top(&ctx, g));
		context_end(&ctx, g);
		context_idle(&ctx, g);
		context_idle(&ctx, g);
	}
	ck_assert_uint_eq(ctx.goroutines.n, 0);
	(void)context_begin(&ctx, 1, NULL);
	context_born(&ctx, 1, 2);
	context_idle(&ctx, 2);	/* it is in what its maker is in */
	ck_assert_ptr_nonnull(context_current(&ctx, 2));
	context_end(&ctx, 1);
	context_idle(&ctx, 2);
	ck_assert_uint_eq(ctx.goroutines.n, 1);
	ck_assert_uint_eq(ctx.forgotten, 0);
}
END_TEST

START_TEST(an_ended_span_is_nobodys_parent)
{
	/* a worker that outlives what it was started in */
	ck_assert_str_eq(story("+1 1>2 -1 ?2 +1 ?2 ?1"), "0 0 2");
	end();
	/* inside another one, which goes on */
	ck_assert_str_eq(story("+1 +1 1>2 ?2 -1 ?2 2>3 ?3 -1 ?2 ?3"), "2 1 1 0 0");
}
END_TEST

START_TEST(it_inherits_what_was_open_when_it_was_made)
{
	ck_assert_str_eq(story("1>2 +1 ?2 1>3 +1 ?3 -1 -1 ?3"), "0 1 0");
}
END_TEST

START_TEST(what_lies_below_a_span)
{
	const struct open_span *outer, *inner, *other;

	story("+1 1>2 +2 2>3 +9");
	outer = context_current(&ctx, 1);
	inner = context_current(&ctx, 3);
	other = context_current(&ctx, 9);
	ck_assert(context_within(&ctx, inner, outer) && context_within(&ctx, outer, outer));
	ck_assert(!context_within(&ctx, outer, inner) && !context_within(&ctx, other, outer));
	ck_assert(!context_within(&ctx, NULL, outer));
}
END_TEST

START_TEST(places_are_used_again_when_nobody_refers_to_them)
{
	for (u64 i = 0; i < 10000; i++) {
		(void)context_begin(&ctx, 1, NULL);
		context_born(&ctx, 1, i + 10);
		(void)context_begin(&ctx, i + 10, context_current(&ctx, i + 10));
		context_end(&ctx, i + 10);
		context_end(&ctx, 1);
		ck_assert_ptr_null(context_current(&ctx, i + 10));
		context_goroutine_ended(&ctx, i + 10);
	}
	ck_assert_uint_le(ctx.spans.n, 2);
	ck_assert_uint_eq(ctx.nopen, 0);
	ck_assert_uint_eq(ctx.goroutines.n, 1);
}
END_TEST

START_TEST(a_goroutine_that_ends_takes_its_spans_along)
{
	ck_assert_str_eq(story("+1 1>2 +2 2>3 x2 ?3 -1 ?3"), "1 0");
	ck_assert_uint_eq(ctx.nopen, 0);
}
END_TEST

START_TEST(tables_are_bounded)
{
	ctx.most_goroutines = 4;
	ctx.most_spans = 3;
	ck_assert_str_eq(story("+1 1>2 1>3 1>4 ?4 1>5 ?5 ?1"), "1 1 1");
	ck_assert_uint_eq(ctx.goroutines.n, 4);
	ck_assert_uint_eq(ctx.forgotten, 1);
	/* the one that was forgotten is not the one that is in a span of its own */
	ck_assert_str_eq(story("?2 +3 +3 +3"), "0");
	ck_assert_uint_eq(ctx.refused, 1);
}
END_TEST

START_TEST(goroutines_may_all_be_in_spans_when_one_must_go)
{
	ctx.most_goroutines = 3;
	story("+1 +2 +3 +4 +5 +6 -6 -5 -4 1>7 7>8");
	ck_assert_uint_le(ctx.goroutines.n, 3);
	ck_assert_uint_ge(ctx.forgotten, 3);
}
END_TEST

START_TEST(goroutines_that_wait_for_ever_hold_no_closed_spans)
{
	ctx.most_spans = 3;
	ck_assert_str_eq(story("+1 1>2 -1 +1 1>3 -1 +1 1>4 -1 +1 ?1"), "4");
	ck_assert_uint_eq(ctx.goroutines.n, 1);
	end();
	/* in a span inside another one, which goes on */
	ctx.most_spans = 3;
	ck_assert_str_eq(story("+1 +1 1>2 -1 +1 1>3 -1 +1 ?2 ?3 ?1"), "1 1 4");
	ck_assert_uint_eq(ctx.refused, 0);
}
END_TEST

/* Looking at all goroutines is dear. */
START_TEST(where_that_helps_nothing_it_is_done_now_and_then)
{
	ctx.most_spans = 16;
	for (u64 g = 1; g <= 19; g++)
		(void)context_begin(&ctx, g, NULL);
	ck_assert_uint_eq(ctx.refused, 3);
	ck_assert_uint_eq(ctx.tidied, 19);
	(void)context_begin(&ctx, 20, NULL);
	ck_assert_uint_eq(ctx.tidied, 19);
	context_end(&ctx, 3);
	ck_assert_ptr_nonnull(context_begin(&ctx, 3, NULL));
}
END_TEST

static bool parse(const char *text, struct span_context *c)
{
	return traceparent_parse(str_of(text), c);
}

#define GOOD "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

START_TEST(traceparent_is_read)
{
	struct span_context c;
	char trace[2 * TRACE_ID + 1], span[2 * SPAN_ID + 1];

	ck_assert(parse(GOOD, &c));
	trace_id_hex(trace, c.trace);
	span_id_hex(span, c.span);
	ck_assert_str_eq(trace, "0af7651916cd43dd8448eb211c80319c");
	ck_assert_str_eq(span, "b7ad6b7169203331");
	ck_assert(c.sampled);
	ck_assert(parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe", &c));
	ck_assert(!c.sampled);
	/* a later version may have more behind it */
	ck_assert(parse("cc" "-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what", &c));
	ck_assert(parse("cc" "-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", &c));
}
END_TEST

START_TEST(traceparent_that_is_none)
{
	static const char *const bad[] = {
		"", "00", GOOD "-", GOOD "x", GOOD "-extra",
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
		"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-001",
		"0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
	};
	struct span_context c;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!parse(bad[i], &c), "%s", bad[i]);
}
END_TEST

/* Nothing is read past the end, and no byte that differs gives the same answer. */
START_TEST(each_prefix_and_each_flip)
{
	struct span_context good, c;

	ck_assert(parse(GOOD, &good));
	for (size_t n = 0; n < TRACEPARENT_SIZE; n++) {
		char *cut = mem_resize(NULL, n + 1);

		memcpy(cut, GOOD, n);
		ck_assert(!traceparent_parse((struct str){ cut, n }, &c));
		mem_free(cut);
	}
	for (size_t i = 0; i < TRACEPARENT_SIZE; i++)
		for (int v = 0; v < 256; v++) {
			char text[] = GOOD;

			text[i] = (char)v;
			if (traceparent_parse((struct str){ text, TRACEPARENT_SIZE }, &c) &&
			    i > 1 && i < 53 && v != GOOD[i])
				ck_assert(memcmp(&c, &good, sizeof(c)));
		}
}
END_TEST

static enum header header_of(const char *line, struct str *v)
{
	return trace_header(str_of(line), PROPAGATOR_W3C | PROPAGATOR_BAGGAGE, v);
}

START_TEST(header_lines)
{
	struct str v;

	ck_assert_int_eq(header_of("Traceparent: x y \t", &v), HEADER_PARENT);
	ck_assert(str_eq(v, STR("x y")));
	ck_assert_int_eq(header_of("TRACESTATE:a=1", &v), HEADER_STATE);
	ck_assert(str_eq(v, STR("a=1")));
	ck_assert_int_eq(header_of("baggage: a=1", &v), HEADER_BAGGAGE);
	ck_assert_int_eq(header_of("traceparent:", &v), HEADER_PARENT);
	ck_assert_uint_eq(v.n, 0);
	ck_assert_int_eq(header_of("traceparents: x", &v), HEADER_OTHER);
	ck_assert_int_eq(header_of("traceparent", &v), HEADER_OTHER);
	ck_assert_int_eq(header_of("b3: 0", &v), HEADER_OTHER);	/* nobody asked for that */
}
END_TEST

static bool takes(const char *name, const char *arg, u8 last, const struct span_context *parent)
{
	u8 trace[TRACE_ID] = { 1, [8] = last };
	struct sampler s;

	ck_assert(sampler_from(&s, name, arg));
	return sampler_takes(&s, trace, parent);
}

START_TEST(samplers)
{
	struct span_context yes = { .sampled = true }, no = { 0 };
	struct sampler s;

	ck_assert(takes(NULL, NULL, 0xff, NULL));
	ck_assert(!takes(NULL, NULL, 0, &no));
	ck_assert(takes("parentbased_always_off", NULL, 0, &yes));
	ck_assert(!takes("parentbased_always_off", NULL, 0, NULL));
	ck_assert(takes("always_on", NULL, 0, &no));
	ck_assert(!takes("always_off", NULL, 0, &yes));
	/* half of the ids: those whose second half is below the middle */
	ck_assert(takes("traceidratio", "0.5", 0x7f, &no));
	ck_assert(!takes("traceidratio", "0.5", 0x80, &yes));
	ck_assert(takes("parentbased_traceidratio", "0.5", 0x80, &yes));
	ck_assert(takes("traceidratio", "1", 0xff, NULL));
	ck_assert(!takes("traceidratio", "0", 0, NULL));
	ck_assert(takes("traceidratio", NULL, 0xff, NULL));
	ck_assert(sampler_from(&s, "Always_OFF", NULL));
	ck_assert(!s.parent && !s.below);
	ck_assert(!sampler_from(&s, "traceidratio", "1.5"));
	ck_assert(!sampler_from(&s, "traceidratio", "half"));
	ck_assert(!sampler_from(&s, "nonsense", NULL));
	ck_assert(sampler_takes(&s, yes.trace, NULL));
}
END_TEST

static struct open_span *placed(struct traces *t, u64 goid, enum span_kind kind,
				const struct incoming_request *from, const struct propagated *d)
{
	const struct open_span *up = context_current(&ctx, goid);
	size_t above = up ? (size_t)(up - ctx.spans.at) : 0;
	struct open_span *s = context_begin(&ctx, goid, up);

	s->kind = kind;
	traces_place(t, s, up ? &ctx.spans.at[above] : NULL, from, d);
	return s;
}

/* It is set while spans are open: what is in a trace keeps its time, and so does what serves it. */
START_TEST(a_trace_has_one_clock)
{
	struct traces *t = mem_resize(NULL, sizeof(*t));
	struct propagated d = { .what = PROPAGATED_THERE, .span = { 7 } };
	struct incoming_request from = { .from.span = { 7 } };

	*t = (struct traces){ .sampler.parent = true };
	(void)placed(t, 1, SPAN_SERVER, NULL, NULL);
	memcpy(d.trace, context_current(&ctx, 1)->self.trace, TRACE_ID);
	(void)placed(t, 1, SPAN_CLIENT, NULL, &d);
	traces_clock(t, 1000);		/* that it is not read at once */
	ck_assert_int_eq(placed(t, 2, SPAN_SERVER, NULL, NULL)->moved_ns, 0);
	traces_clock(t, -3600000000000);
	ck_assert_int_eq(placed(t, 1, SPAN_INTERNAL, NULL, NULL)->moved_ns, 0);
	ck_assert_int_eq(placed(t, 3, SPAN_SERVER, &from, NULL)->moved_ns, 0);
	ck_assert_int_eq(placed(t, 4, SPAN_SERVER, NULL, NULL)->moved_ns, -3600000000000);
	from.from.span[0] = 8;
	ck_assert_int_eq(placed(t, 5, SPAN_SERVER, &from, NULL)->moved_ns, -3600000000000);
	traces_clock(t, -3600000000000 + 2000000);	/* a clock that is set by little */
	ck_assert_int_eq(placed(t, 6, SPAN_SERVER, NULL, NULL)->moved_ns, -3599998000000);
	traces_release(t);
	mem_free(t);
}
END_TEST

static struct open_span *owned(struct traces *t, u32 what)
{
	struct propagated d = {
		.trace = { 1 }, .span = { 2 },
		.what = PROPAGATED_OWN | PROPAGATED_THERE | what,
	};
	struct open_span *s = context_current(&ctx, 1);

	s->nstate = 3;
	traces_own(t, &ctx, s, &d);
	ck_assert_int_eq(s->parent[0], 2);
	ck_assert_int_eq(s->self.sampled, s->sampled);
	return s;
}

/* The program's own parent was not exported, or was, whatever ours would have been. */
START_TEST(a_request_is_sampled_as_the_programs_own_span)
{
	struct traces *t = mem_resize(NULL, sizeof(*t));
	struct span_context from = { .trace = { 3 }, .sampled = true };

	*t = (struct traces){ .sampler = { .parent = true, .below = 1ull << 63 } };
	(void)placed(t, 1, SPAN_CLIENT, NULL, NULL);
	ck_assert(context_current(&ctx, 1)->sampled);
	ck_assert(!owned(t, 0)->sampled);
	ck_assert_uint_eq(owned(t, PROPAGATED_SAMPLED)->nstate, 3);	/* it is in that trace */
	ck_assert(owned(t, PROPAGATED_SAMPLED)->sampled);
	ck_assert(owned(t, SENDER_DEFERRED)->sampled);
	traces_join(t, context_current(&ctx, 1), &from);
	ck_assert_uint_eq(context_current(&ctx, 1)->nstate, 0);
	context_current(&ctx, 1)->self.trace[0] = 9;
	ck_assert_uint_eq(owned(t, 0)->nstate, 0);
	t->sampler.parent = false;
	ck_assert(owned(t, 0)->sampled);
	traces_release(t);
	mem_free(t);
}
END_TEST

START_TEST(ids_are_of_a_known_generator)
{
	/* of the paper's authors' own code, from this state on */
	static const u64 want[] = { 41943041, 58720359, 3588806011781223, 3591011842654386 };
	struct new_ids ids = { { 1, 2, 3, 4 } };
	u8 got[16];

	for (u32 i = 0; i < ARRAY_LEN(want); i += 2) {
		new_id(&ids, got, sizeof(got));
		ck_assert_mem_eq(got, &want[i], sizeof(got));
	}
}
END_TEST

START_TEST(ids_begin_anywhere)
{
	struct new_ids a = { { 0 } }, b = { { 0 } };
	u8 of_a[8], of_b[8];

	new_id(&a, of_a, sizeof(of_a));
	new_id(&b, of_b, sizeof(of_b));
	ck_assert_mem_ne(of_a, of_b, sizeof(of_a));
	new_id(&a, of_b, sizeof(of_b));
	ck_assert_mem_ne(of_a, of_b, sizeof(of_a));
}
END_TEST

/* A program may have them all. */
START_TEST(there_is_room_for_the_rules_of_all_libraries)
{
	u32 n = 0, asks = 0, libraries = 0;

	for (; rules_libraries[libraries]; libraries++) {
		const struct library *l = rules_libraries[libraries];

		n += l->nrules;
		for (u32 i = 0; i < l->nrules; i++)
			asks += l->rules[i].nreads + l->rules[i].nmessages + 2;
	}
	ck_assert_uint_le(libraries, LIBRARIES_MOST);
	ck_assert_uint_le(n, RULES_MOST);
	ck_assert_uint_le(asks, READS_MOST);
}
END_TEST

static bool gives(void *word, u64 rt, void *to, size_t n)
{
	ck_assert_uint_eq(rt, 0x1008);
	memcpy(to, word, n);
	return true;
}

/* Of a call that has returned an error, whose itab has this descriptor. */
static struct str error_type_of(u64 descriptor)
{
	struct go_func func = { .name = STR("main.F") };
	struct plan_func fn = { .func = &func, .error_at = 8 };
	struct plan plan = { .prog = &m.prog };
	u64 exit[] = { 0, 0x1000 };
	struct call call = { .fn = &fn, .exit = (const u8 *)exit };
	struct open_span o = { .start_ns = 1000, .moved_ns = -400 };
	struct collector_facts f = { .plan = &plan, .read_rt = gives, .read_ctx = &descriptor };
	struct teller *t = mem_resize(NULL, sizeof(*t));
	const struct span *s;
	struct str type = STR("");

	memset(t, 0, sizeof(*t));
	t->f = &f;
	s = say_span(t, &call, NULL, &o);
	ck_assert_int_eq(s->status, STATUS_ERROR);
	ck_assert_int_eq(s->start_ns, 600);
	for (u32 i = 0; i < s->nattrs; i++)
		if (str_eq(s->attrs[i].key, STR("error.type")))
			type = s->attrs[i].text;
	mem_free(t);
	return type;
}

/* As that of an error that a plugin has made. */
START_TEST(an_error_may_be_of_no_type_of_the_program)
{
	u64 mine;

	memory_begin(&m, 24);
	mine = string_type();
	ck_str(error_type_of(mine), "string");
	ck_str(error_type_of(0x10), "error");
	ck_str(error_type_of(mine + 8), "error");
	memory_end(&m);
}
END_TEST

Suite *spans_suite(void)
{
	Suite *s = suite_create("spans");
	TCase *c = tcase_create("context"), *t = tcase_create("traceparent");

	tcase_add_checked_fixture(c, no_more, end);
	tcase_add_test(c, a_goroutine_is_in_the_span_of_its_maker);
	tcase_add_test(c, at_any_depth_and_when_those_between_are_gone);
	tcase_add_test(c, an_idle_goroutine_is_forgotten);
	tcase_add_test(c, an_ended_span_is_nobodys_parent);
	tcase_add_test(c, it_inherits_what_was_open_when_it_was_made);
	tcase_add_test(c, what_lies_below_a_span);
	tcase_add_test(c, places_are_used_again_when_nobody_refers_to_them);
	tcase_add_test(c, a_goroutine_that_ends_takes_its_spans_along);
	tcase_add_test(c, tables_are_bounded);
	tcase_add_test(c, goroutines_may_all_be_in_spans_when_one_must_go);
	tcase_add_test(c, goroutines_that_wait_for_ever_hold_no_closed_spans);
	tcase_add_test(c, where_that_helps_nothing_it_is_done_now_and_then);
	tcase_add_test(c, a_trace_has_one_clock);
	tcase_add_test(c, a_request_is_sampled_as_the_programs_own_span);
	tcase_add_test(t, traceparent_is_read);
	tcase_add_test(t, traceparent_that_is_none);
	tcase_add_test(t, each_prefix_and_each_flip);
	tcase_add_test(t, header_lines);
	tcase_add_test(t, samplers);
	tcase_add_test(t, ids_are_of_a_known_generator);
	tcase_add_test(t, ids_begin_anywhere);
	tcase_add_test(t, there_is_room_for_the_rules_of_all_libraries);
	tcase_add_test(t, an_error_may_be_of_no_type_of_the_program);
	suite_add_tcase(s, c);
	suite_add_tcase(s, t);
	return s;
}
