/* Trace contexts in the target: what goroutines inherit, what comes with a request, tables that are
 * full. */
#include <pthread.h>

#include "agent.h"
#include "plan/record.h"
#include "plan/records.h"
#include "plan/recovery.h"

Suite *agent_suite(void);

START_TEST(a_request_is_in_the_trace_that_its_header_names)
{
	const char *const lines[] = {
		"Host: x", "TRACEparent: \t00-" PARENT "-b7ad6b7169203331-01 ", NULL,
	};
	const struct propagated *p;

	reads(7, lines);
	p = happens(7, 300, PROPAGATE_SERVE, SITE_ENTRY);
	ck_assert_str_eq(trace(p), PARENT);
	ck_assert_int_eq(p->what, PROPAGATED_THERE | PROPAGATED_SAMPLED);
	ck_assert_str_eq(asks(7), PARENT);
	happens(7, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert_str_ne(asks(7), PARENT);
	/* the next one on the connection has none */
	reads(7, lines + 2);
	ck_assert_str_ne(trace(happens(7, 300, PROPAGATE_SERVE, SITE_ENTRY)), PARENT);
}
END_TEST

static const struct { const char *lines[3]; bool is, sampled; } headers[] = {
	{ { "traceparent: 00-" PARENT "-b7ad6b7169203331-00" }, true, false },
	{ { "traceparent: cc-" PARENT "-b7ad6b7169203331-01-x" }, true, true },
	{ { "traceparent: 00-" PARENT "-b7ad6b7169203331-01-x" }, false, true },
	{ { "traceparent: ff-" PARENT "-b7ad6b7169203331-01" }, false, true },
	{ { "traceparent: 00-" PARENT "-0000000000000000-01" }, false, true },
	{ { "traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01" }, false, true },
	{ { "traceparent: 00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }, false, true },
	{ { "traceparent: 00-" PARENT "-b7ad6b7169203331-0" }, false, true },
	{ { "traceparent:" }, false, true },
	{ { "traceparen: 00-" PARENT "-b7ad6b7169203331-01" }, false, true },
	{ { "traceparent: 00-" PARENT "-b7ad6b7169203331-01",
	    "traceparent: 00-" PARENT "-b7ad6b7169203331-01" }, false, true },
	{ { "traceparent: 00-" PARENT "-b7ad6b7169203331-01", "Traceparent: x" }, false, true },
};

START_TEST(only_one_that_is_valid_counts)
{
	const struct propagated *p;

	reads(7, headers[_i].lines);
	p = happens(7, 300, PROPAGATE_SERVE, SITE_ENTRY);
	ck_assert_int_eq(!strcmp(trace(p), PARENT), headers[_i].is);
	ck_assert_int_eq(!!(p->what & PROPAGATED_SAMPLED), headers[_i].sampled);
}
END_TEST

START_TEST(lines_that_are_read_elsewhere_do_not_count)
{
	line(7, "traceparent: 00-" PARENT "-b7ad6b7169203331-01");
	ck_assert_str_ne(trace(happens(7, 300, PROPAGATE_SERVE, SITE_ENTRY)), PARENT);
}
END_TEST

START_TEST(goroutines_inherit_as_long_as_it_is_open)
{
	const char *first;

	first = trace(happens(1, 300, PROPAGATE_SERVE, SITE_ENTRY));
	ck_assert_str_ne(first, "none");
	first = strdup(first);
	born(1, 2);
	born(2, 3);
	happens(2, 0, PROPAGATE_END, SITE_ENTRY);
	born(3, 4);
	ck_assert_str_eq(asks(4), first);
	ck_assert_str_eq(asks(1), first);
	happens(1, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert_str_ne(asks(4), first);	/* a worker that outlives it */
	born(4, 5);
	ck_assert_str_ne(asks(5), asks(4));
	free((void *)(uintptr_t)first);
}
END_TEST

START_TEST(a_span_that_ended_unseen_is_left_by_what_comes_after_it)
{
	const char *first = strdup(trace(happens(1, 300, PROPAGATE_SPAN, SITE_ENTRY)));

	ck_assert_str_eq(trace(happens(1, 400, PROPAGATE_SPAN, SITE_ENTRY)), first);
	happens(1, 400, PROPAGATE_SPAN, SITE_EXIT);
	ck_assert_str_eq(trace(happens(1, 400, PROPAGATE_SPAN, SITE_ENTRY)), first);
	/* a panic took both away */
	ck_assert_str_ne(trace(happens(1, 300, PROPAGATE_SPAN, SITE_ENTRY)), first);
	free((void *)(uintptr_t)first);
}
END_TEST

/* What comes next is deeper than it was: by its depth alone it would be within. */
START_TEST(a_span_that_a_recovered_panic_ended_is_left)
{
	char own[64];

	snprintf(own, sizeof(own), "%s",
		 trace(happens(7, 200, PROPAGATE_SPAN, SITE_ENTRY)));
	ck_assert_str_eq(asks(7), own);
	for (u32 i = 0; i < 3; i++)
		put(&last, 16 * i, _i & 1 && i == 2 ? CAPTURE_UNREADABLE : 8);
	put(&last, RECOVERY_GOID, _i & 2 ? 8 : 7);
	put(&last, RECOVERY_HI, 0x10000);
	put(&last, RECOVERY_SP, 0x10000 - (_i & 4 ? 250 : 150));
	happens(0, 64, PROPAGATE_RECOVERY, SITE_ENTRY);
	ck_assert_int_eq(!strcmp(asks(7), own), _i != 0);
}
END_TEST

START_TEST(a_request_inside_of_another_gives_back_the_outer_one)
{
	const char *outer = strdup(trace(happens(1, 300, PROPAGATE_SERVE, SITE_ENTRY)));
	const char *inner;

	born(1, 2);
	inner = trace(happens(2, 300, PROPAGATE_SERVE, SITE_ENTRY));
	ck_assert_str_ne(inner, outer);
	ck_assert_str_eq(asks(2), inner);
	happens(2, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert_str_eq(asks(2), outer);
	free((void *)(uintptr_t)outer);
}
END_TEST

static void carries(u64 ctx)
{
	u64 words[] = { ctx ? 0x2000 : 0, ctx };

	memcpy(last.record + CTX, words, sizeof(words));
}

START_TEST(a_context_says_which_request_it_is_of)
{
	const char *first;

	carries(0xc100);
	first = strdup(trace(happens(1, 300, PROPAGATE_SERVE, SITE_ENTRY)));
	carries(0);
	ck_assert_str_ne(asks(9), first);	/* a worker from elsewhere */
	carries(0xc100);
	ck_assert_str_eq(asks(9), first);
	happens(1, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert_str_ne(asks(9), first);	/* of a request that is over */
	free((void *)(uintptr_t)first);
}
END_TEST

START_TEST(many_contexts_are_known_and_forgotten)
{
	enum { MANY = 4 * CONTEXT_WAYS * CONTEXT_SETS_NEAR };

	for (u64 g = 1; g <= MANY; g++) {
		carries(0xc000000 + 96 * g);
		happens(g, 300, PROPAGATE_SERVE, SITE_ENTRY);
	}
	ck_assert_uint_gt(tables->far, 0);
	ck_assert_uint_gt(tables->far_goroutines, 0);
	for (u64 g = 1; g <= MANY; g++) {
		const char *of;

		carries(0);
		of = asks(g);
		carries(0xc000000 + 96 * g);
		ck_assert_str_eq(asks(MANY + 1), of);
	}
	for (u64 g = 1; g <= MANY; g++)
		happens(g, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert_uint_eq(tables->far, 0);
	ck_assert_uint_eq(tables->far_goroutines, 0);
	for (size_t i = 0; i < CONTEXT_WAYS; i++) {
		for (size_t k = 0; k < CONTEXT_SETS_NEAR; k++)
			ck_assert_uint_eq(tables->contexts_near[k][i], 0);
		for (size_t k = 0; k < CONTEXT_SETS; k++)
			ck_assert_uint_eq(tables->contexts[k][i], 0);
	}
	ck_assert_uint_eq(tables->full, 0);
}
END_TEST

/* All of them are in one set of those that are near. */
static void serves_with(u64 goid)
{
	carries(0xc000000 + goid % 32 * 64 * CONTEXT_SETS_NEAR);
	happens(goid, 300, PROPAGATE_SERVE, SITE_ENTRY);
}

START_TEST(contexts_whose_ends_were_lost_make_room)
{
	u32 in = ((0xc000000 >> 6) + (0xc000000 >> 18)) % CONTEXT_SETS_NEAR, free = 0;
	const u64 *set = tables->contexts_near[in];

	for (u64 g = 1; g <= CONTEXT_WAYS; g++)
		serves_with(g);
	for (size_t i = 0; i < SPAN_SLOTS; i++)
		tables->spans[i].state += tables->spans[i].state & 1;
	for (u64 g = 100; g < 200; g++) {
		serves_with(g);
		serves_with(g + 1003);
		happens(g, 300, PROPAGATE_SERVE, SITE_EXIT);
		happens(g + 1003, 300, PROPAGATE_SERVE, SITE_EXIT);
	}
	for (size_t i = 0; i < CONTEXT_WAYS; i++)
		free += !set[i];
	ck_assert_uint_ge(free, 2);
	ck_assert_uint_lt(free, CONTEXT_WAYS);
	ck_assert_uint_eq(tables->far | tables->full, 0);
}
END_TEST

/* One whose context found no place is served by two functions, one in the other, all the same. */
START_TEST(a_request_is_handed_on_where_its_context_has_no_place)
{
	const char *first = NULL;

	for (u64 g = 1; g <= 2 * CONTEXT_WAYS + 1; g++) {	/* of one set, near and far */
		carries(0xc020000 + g * (64 * CONTEXT_SETS - 64));
		first = trace(happens(g, 300, PROPAGATE_SERVE, SITE_ENTRY));
	}
	ck_assert_uint_eq(tables->full, 1);
	ck_assert_str_eq(trace(happens(2 * CONTEXT_WAYS + 1, 400, PROPAGATE_SERVE, SITE_ENTRY)),
			 first);
}
END_TEST

/* Who is in no span, and reads no request for another, hands nothing on. */
START_TEST(births_that_nobody_inherits_by_are_not_needed)
{
	ck_assert(!born(1, 2));
	happens(1, 300, PROPAGATE_SERVE, SITE_ENTRY);
	ck_assert(born(1, 2));
	ck_assert(born(2, 3));
	happens(1, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert(!born(1, 4));
	happens(5, 100, PROPAGATE_READ, SITE_ENTRY);
	ck_assert(born(5, 6));
	ck_assert(born(0, 7));		/* nobody knows who it was */
	tables->full = 1;		/* something may be forgotten */
	ck_assert(born(1, 8));
}
END_TEST

/* Connections that come in bursts have goroutines one behind the other. */
START_TEST(readers_whose_places_are_the_same_have_others)
{
	enum { MANY = 3 * 4, BURST = 16 };
	static const char *const came[] = { CAME, NULL };

	for (u64 k = 0; k < MANY * BURST; k++)
		reads(1 + k % BURST + k / BURST * PARENT_SLOTS, came);
	ck_assert_uint_gt(tables->far_parents, 0);
	ck_assert_uint_eq(tables->full, 0);
	for (u64 k = 0; k < MANY * BURST; k++)
		ck_assert_str_eq(trace(happens(1 + k % BURST + k / BURST * PARENT_SLOTS, 300,
					       PROPAGATE_SERVE, SITE_ENTRY)), PARENT);
	ck_assert_uint_eq(tables->far_parents, 0);
	/* one that found no place all the same: the collector has to look itself */
	tables->full = 1;
	happens(1, 100, PROPAGATE_READ, SITE_ENTRY);
	ck_assert(!last.unneeded);
	line(2, CAME);
	ck_assert(!last.unneeded);
	line(2, "Tracepart: 00-" PARENT "-b7ad6b7169203331-01");
	ck_assert(last.unneeded);
}
END_TEST

/* The collector is told that a request is read where lines of an earlier one wait there, and of
 * lines where one is read. */
START_TEST(what_is_read_is_told_where_something_waits)
{
	static const char *const nothing[] = { NULL }, *const came[] = { CAME, NULL };

	line(1, CAME);
	ck_assert(last.unneeded);
	for (u32 i = 0; i < 2; i++) {
		happens(1, 100, PROPAGATE_READ, SITE_ENTRY);
		ck_assert(last.unneeded);
	}
	line(1, "Tracepart: 00-" PARENT "-b7ad6b7169203331-01");
	ck_assert(last.unneeded);
	line(1, CAME);
	ck_assert(!last.unneeded);
	happens(1, 100, PROPAGATE_READ, SITE_ENTRY);	/* that one was never served */
	ck_assert(!last.unneeded);
	happens(1, 100, PROPAGATE_READ, SITE_ENTRY);
	ck_assert(last.unneeded);
	ck_assert_str_eq(trace(serves(1, came)), PARENT);
	line(1, CAME);		/* of a trailer */
	ck_assert(last.unneeded);
	happens(1, 300, PROPAGATE_SERVE, SITE_EXIT);
	happens(1, 100, PROPAGATE_READ, SITE_ENTRY);
	ck_assert(last.unneeded);
	ck_assert_str_ne(trace(serves(1, nothing)), PARENT);
}
END_TEST

START_TEST(sampled_by_the_ratio_or_as_the_parent)
{
	tables->below = 0;
	ck_assert_int_eq(happens(1, 300, PROPAGATE_SERVE, SITE_ENTRY)->what,
			 PROPAGATED_THERE | PROPAGATED_BEGUN);
	tables->parent = 0;	/* who decides by the number alone */
	reads(2, (const char *const[]){ "traceparent: 00-" PARENT "-b7ad6b7169203331-01", NULL });
	ck_assert_int_eq(happens(2, 300, PROPAGATE_SERVE, SITE_ENTRY)->what, PROPAGATED_THERE);
}
END_TEST

/* ---- limits ---- */

START_TEST(full_tables_forget_and_are_emptied_again)
{
	u64 n = 4 * SPAN_SLOTS;

	for (u64 g = 1; g <= n; g++) {
		happens(g, 300, PROPAGATE_SERVE, SITE_ENTRY);
		starts_to_ask(g, 16 * g);
		line(g, "traceparent: 00-" PARENT "-b7ad6b7169203331-01");
	}
	ck_assert_uint_gt(tables->full, 0);
	for (u64 g = 1; g <= n; g++)
		happens(g, 0, PROPAGATE_END, SITE_ENTRY);
	for (size_t i = 0; i < GOROUTINE_SETS; i++)
		for (size_t k = 0; k < WAYS; k++)
			ck_assert_uint_eq(tables->goroutines[i].goid[k], 0);
	for (size_t i = 0; i < SPAN_SLOTS; i++)
		ck_assert_uint_eq(tables->spans[i].state & 1, 0);
	for (size_t i = 0; i < REQUEST_SLOTS; i++)
		ck_assert(!tables->requests[i].map);
	for (size_t i = 0; i < CALL_SLOTS; i++)
		ck_assert(!tables->asks.goid[i]);
	for (size_t i = 0; i < PARENT_SLOTS; i++)
		ck_assert_uint_eq(tables->parent_goids[i], 0);
}
END_TEST

enum { THREADS = 4, ROUNDS = 20000 };

/* Each goroutine only ever is in its own trace or in that of who made it. */
static void *hammer(void *arg)
{
	u64 base = 1 + 1000 * (u64)(uintptr_t)arg;
	u8 *on = calloc(1, RING_DATA);
	struct event *e = calloc(1, sizeof(*e));
	u8 mine[16];
	void *wrong = NULL;

	for (u64 i = 0; i < ROUNDS && !wrong; i++) {
		u64 g = base + i % 50;

		memcpy(mine, happens_on(e, on, g, 300, PROPAGATE_SERVE, SITE_ENTRY)->trace, 16);
		put(e, 0, 8);
		put(e, 8, g);
		happens_on(e, on, 0, 0, PROPAGATE_BIRTH, SITE_ENTRY);
		put(e, 8, g + 500);
		happens_on(e, on, 0, 0, PROPAGATE_BIRTH, SITE_EXIT);
		put(e, EXTRA_BEHIND, 0);
		if (memcmp(happens_on(e, on, g + 500, 500, PROPAGATE_ASK, SITE_ENTRY)->trace, mine,
			   16))
			wrong = e;
		happens_on(e, on, g + 500, 500, PROPAGATE_ASK, SITE_EXIT);
		happens_on(e, on, g + 500, 0, PROPAGATE_END, SITE_ENTRY);
		happens_on(e, on, g, 300, PROPAGATE_SERVE, SITE_EXIT);
	}
	free(on);
	if (!wrong)
		free(e);
	return wrong;
}

START_TEST(threads_do_not_disturb_each_other)
{
	pthread_t t[THREADS];
	void *wrong;

	for (uintptr_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, hammer, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &wrong);
		ck_assert_ptr_null(wrong);
	}
	ck_assert_uint_eq(tables->full, 0);
}
END_TEST

/* A call is handed a message with this header at place k; gives its trace. */
static const char *handed(u64 goid, u32 k, const char *name, const char *value, u32 role)
{
	u32 n = (u32)strlen(name), size = (u32)strlen(value);

	put(&last, records_name_at(k) - 8, n);
	memcpy(last.record + HOOK + records_name_at(k), name, n);
	put(&last, RECORD_VALUE - 8, size);
	memcpy(last.record + HOOK + RECORD_VALUE, value, size);
	return trace(happens(goid, 300, (u8)role, SITE_ENTRY));
}

static const char *handles(u64 goid, u32 k, const char *name, const char *value)
{
	return handed(goid, k, name, value, PROPAGATE_MESSAGE);
}

/* The same, of a request that is served. */
static const char *serves_headed(u64 goid, u32 k, const char *name, const char *value)
{
	return handed(goid, k, name, value, PROPAGATE_HEADED);
}

static void handled(u64 goid)
{
	happens(goid, 300, PROPAGATE_MESSAGE, SITE_EXIT);
	memset(last.record, 0, sizeof(last.record));
}

#define SENDER "00-" PARENT "-b7ad6b7169203331-01"

START_TEST(what_handles_a_message_is_in_its_senders_trace)
{
	ck_assert_str_eq(handles(1, 7, "traceparent", SENDER), PARENT);
	memset(last.record + HOOK, 0, DECIDED - HOOK);
	ck_assert_str_eq(asks(1), PARENT);
	born(1, 2);
	ck_assert_str_eq(asks(2), PARENT);
	handled(1);
	ck_assert_str_ne(asks(1), PARENT);
	ck_assert_str_ne(asks(2), PARENT);
	ck_assert_int_eq(happens(1, 300, PROPAGATE_MESSAGE, SITE_ENTRY)->what &
			 PROPAGATED_BEGUN, PROPAGATED_BEGUN);
	handled(1);
	handles(1, 0, "traceparent", "00-" PARENT "-b7ad6b7169203331-00");
	ck_assert_int_eq(((struct propagated *)(void *)(last.record + DECIDED))->what,
			 PROPAGATED_THERE);
}
END_TEST

START_TEST(a_message_says_nothing_to_who_is_in_a_trace)
{
	const char *of = trace(happens(1, 200, PROPAGATE_SPAN, SITE_ENTRY));

	ck_assert_str_eq(handles(1, 0, "traceparent", SENDER), of);
}
END_TEST

START_TEST(a_header_of_a_message_that_is_not_valid_says_nothing)
{
	static const char *const wrong[][2] = {
		{ "traceparen", SENDER }, { "traceparents", SENDER }, { "Traceparent", SENDER },
		{ "traceparent", SENDER "-" }, { "traceparent", "00-" PARENT }, { "tracepar", "" },
	};

	for (u32 i = 0; i < ARRAY_LEN(wrong); i++) {
		ck_assert_str_ne(handles(1, i, wrong[i][0], wrong[i][1]), PARENT);
		handled(1);
	}
	handles(1, 0, "tracepar", "x");
	ck_assert_str_ne(handles(1, 1, "traceparent", SENDER), PARENT);	/* which one is it? */
	handled(1);
	put(&last, records_name_at(2) - 8, CAPTURE_UNREADABLE);
	ck_assert_str_eq(handles(1, 1, "traceparent", SENDER), PARENT);
}
END_TEST

static void has_served(u64 goid)
{
	happens(goid, 300, PROPAGATE_HEADED, SITE_EXIT);
	memset(last.record, 0, sizeof(last.record));
}

START_TEST(what_serves_a_request_is_in_the_trace_of_its_header)
{
	static const char *const wrong[][2] = {
		{ "Traceparen", SENDER }, { "Traceparents", SENDER }, { "Traceparent", SENDER "-" },
		{ "Traceparent", "" }, { "Tracepar", "" },
	};

	ck_assert_str_eq(serves_headed(1, REQUEST_HEADERS_MOST - 1, "Traceparent", SENDER), PARENT);
	memset(last.record + HOOK, 0, DECIDED - HOOK);
	ck_assert_str_eq(asks(1), PARENT);
	has_served(1);
	ck_assert_str_ne(asks(1), PARENT);
	ck_assert_str_eq(serves_headed(1, 0, "TRACEPARENT", SENDER), PARENT);
	has_served(1);
	for (u32 i = 0; i < ARRAY_LEN(wrong); i++) {
		ck_assert_str_ne(serves_headed(1, i, wrong[i][0], wrong[i][1]), PARENT);
		has_served(1);
	}
	serves_headed(1, 3, "tracepar", "x");
	ck_assert_str_ne(serves_headed(1, 1, "traceparent", SENDER), PARENT);
}
END_TEST

START_TEST(who_made_the_goroutine_is_not_whose_request_it_is)
{
	const char *of = trace(happens(1, 200, PROPAGATE_SPAN, SITE_ENTRY));
	char outer[33];

	snprintf(outer, sizeof(outer), "%s", of);
	born(1, 2);
	ck_assert_str_ne(serves_headed(2, 0, "a", ""), outer);
	has_served(2);
	ck_assert_str_eq(serves_headed(2, 0, "Traceparent", SENDER), PARENT);
	has_served(2);
	ck_assert_str_eq(asks(2), outer);	/* as before */
	ck_assert_str_eq(serves_headed(1, 0, "Traceparent", SENDER), outer);	/* it serves that */
}
END_TEST

Suite *agent_suite(void)
{
	Suite *s = suite_create("agent");
	TCase *t = tcase_create("agent");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_request_is_in_the_trace_that_its_header_names);
	tcase_add_loop_test(t, only_one_that_is_valid_counts, 0, ARRAY_LEN(headers));
	tcase_add_test(t, lines_that_are_read_elsewhere_do_not_count);
	tcase_add_test(t, goroutines_inherit_as_long_as_it_is_open);
	tcase_add_test(t, a_span_that_ended_unseen_is_left_by_what_comes_after_it);
	tcase_add_loop_test(t, a_span_that_a_recovered_panic_ended_is_left, 0, 5);
	tcase_add_test(t, a_request_inside_of_another_gives_back_the_outer_one);
	tcase_add_test(t, a_context_says_which_request_it_is_of);
	tcase_add_test(t, many_contexts_are_known_and_forgotten);
	tcase_add_test(t, contexts_whose_ends_were_lost_make_room);
	tcase_add_test(t, a_request_is_handed_on_where_its_context_has_no_place);
	tcase_add_test(t, readers_whose_places_are_the_same_have_others);
	tcase_add_test(t, what_is_read_is_told_where_something_waits);
	tcase_add_test(t, births_that_nobody_inherits_by_are_not_needed);
	tcase_add_test(t, sampled_by_the_ratio_or_as_the_parent);
	tcase_add_test(t, full_tables_forget_and_are_emptied_again);
	tcase_add_test(t, threads_do_not_disturb_each_other);
	tcase_add_test(t, what_handles_a_message_is_in_its_senders_trace);
	tcase_add_test(t, a_message_says_nothing_to_who_is_in_a_trace);
	tcase_add_test(t, a_header_of_a_message_that_is_not_valid_says_nothing);
	tcase_add_test(t, what_serves_a_request_is_in_the_trace_of_its_header);
	tcase_add_test(t, who_made_the_goroutine_is_not_whose_request_it_is);
	suite_add_tcase(s, t);
	return s;
}
