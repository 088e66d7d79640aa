/* Traces as trees of lines: what is printed when, and that nothing is printed twice or kept. */
#include <check.h>
#include <string.h>

#include "out/span_tree.h"

Suite *tree_suite(void);

static struct out text;
static struct span_exporter to;

static void begin(void)
{
	out_memory(&text);
	to = span_tree_new(&text, false);
}

/* Parent 0: it came with a request of another process. */
static void ends_in(u32 trace, u32 id, u32 parent, i64 start_ns)
{
	char name[] = { (char)('A' + id % 16), 0 };
	struct span s = { .self = { .sampled = true }, .name = str_of(name), .kind = SPAN_INTERNAL,
			  .start_ns = start_ns, .end_ns = start_ns + 5, .parent_remote = !parent };

	memset(s.self.trace, 7, TRACE_ID);
	if (trace)
		memcpy(s.self.trace, &trace, sizeof(trace));
	memcpy(s.self.span, &id, sizeof(id));
	memcpy(s.parent, parent ? &parent : &(u32){ 99 }, sizeof(parent));
	to.span(to.ctx, &s);
}

static void ends(u32 id, u32 parent, i64 start_ns)
{
	ends_in(0, id, parent, start_ns);
}

#define TRACE "trace 07070707070707070707070707070707"
#define REMOTE TRACE " (goes on from another process)\n"

static void expect(const char *lines)
{
	ck_assert_uint_eq(to.end(to.ctx), 0);
	ck_assert_msg(str_eq((struct str){ text.buf, text.n }, str_of(lines)), "%.*s", (int)text.n,
		      text.n ? text.buf : "");
	out_release(&text);
}

START_TEST(a_trace_is_printed_when_its_root_has_ended)
{
	begin();
	ends(3, 2, 30);
	ends(2, 1, 20);
	ends(4, 1, 10);
	ends(1, 0, 0);
	expect(REMOTE "B 5ns\n├─ E 5ns\n└─ C 5ns\n   └─ D 5ns\n");
}
END_TEST

/* What is cut off by --max. */
START_TEST(only_whole_ones_may_be_wanted)
{
	out_memory(&text);
	to = span_tree_new(&text, _i);
	ends(3, 2, 30);
	expect(_i ? "" : TRACE " (its root has not ended)\nD 5ns\n");
}
END_TEST

/* Their caller asked for both at once. */
START_TEST(two_requests_of_one_trace_are_two_trees)
{
	begin();
	ends(3, 1, 30);
	ends(4, 2, 30);
	if (_i)
		ends(6, 5, 50);
	ends(1, 0, 0);
	ends(5, 2, 40);
	ends(2, 0, 1);
	expect(_i ? REMOTE "B 5ns\n└─ D 5ns\n" REMOTE "C 5ns\n├─ E 5ns\n└─ F 5ns\n   └─ G 5ns\n" :
		    REMOTE "B 5ns\n└─ D 5ns\n" REMOTE "C 5ns\n├─ E 5ns\n└─ F 5ns\n");
}
END_TEST

static void ticks(u32 n)
{
	while (n--)
		to.tick(to.ctx, 0);
}

START_TEST(what_ends_after_its_root_is_printed_later)
{
	begin();
	ends(1, 0, 0);
	ticks(2);
	ends(3, 2, 20);
	ends(2, 1, 10);
	ends(4, 3, 30);
	expect(REMOTE "B 5ns\n" TRACE ", later\nC 5ns\n└─ D 5ns\n" TRACE ", later\nE 5ns\n");
}
END_TEST

/* A goroutine that the request has started, or who serves what it asked for. */
START_TEST(what_ends_a_moment_after_its_root_is_below_it)
{
	begin();
	ticks(1);
	ends(1, 0, 0);
	ticks(1);
	ends(2, 1, 10);
	ticks(2);
	ck_assert_uint_gt(text.n, 0);
	ends_in(5, 3, 0, 0);
	ends(6, 0, 0);
	expect(REMOTE "B 5ns\n└─ C 5ns\n"
	       "trace 05000000070707070707070707070707 (goes on from another "
	       "process)\nD 5ns\n" REMOTE "G 5ns\n");
}
END_TEST

START_TEST(what_has_no_root_comes_at_the_end)
{
	begin();
	ends(3, 2, 20);
	ends(4, 3, 30);
	ends(1, 0, 0);
	expect(REMOTE "B 5ns\n" TRACE " (its root has not ended)\nD 5ns\n└─ E 5ns\n");
}
END_TEST

/* More than may wait at a time. */
START_TEST(what_was_printed_waits_no_more)
{
	begin();
	ends(8, 9, 0);		/* for ever */
	for (u32 i = 16; i < 16 * 70000; i += 16) {
		text.n = 0;
		ends(i + 2, i + 1, 1);
		ends(i + 1, 0, 0);
		ticks(2);
	}
	expect(REMOTE "B 5ns\n└─ C 5ns\n" TRACE " (its root has not ended)\nI 5ns\n");
}
END_TEST

static u32 lines_like(const char *like)
{
	struct str all = { text.buf, text.n };
	u32 n = 0;

	while (all.n)
		n += str_find(str_next_line(&all), str_of(like)) >= 0;
	return n;
}

/* Roots whose ends were not seen. */
START_TEST(traces_that_are_quiet_make_room)
{
	begin();
	for (u32 i = 1; i <= 70000; i++)
		ends_in(i, 100 + 2 * i, 101 + 2 * i, 1);
	ck_assert_uint_eq(lines_like("(its root has not ended)"), 70000 - (1 << 16));
	text.n = 0;
	ends(2, 1, 1);
	ends(1, 0, 0);
	ends_in(1, 5, 4, 1);	/* from now on others go on */
	ck_assert_uint_eq(lines_like("C 5ns"), 1);
	ck_assert_uint_eq(lines_like("B 5ns"), 1);
	ck_assert_uint_eq(to.end(to.ctx), 0);
	ck_assert_uint_eq(lines_like("trace"), (1 << 16) + 2);
	out_release(&text);
}
END_TEST

/* As those of spans with many lines of logs. */
START_TEST(long_texts_make_room)
{
	enum { MIB = 1 << 20, SPANS = 70, MOST = 64 };
	static char name[MIB];
	struct span s = { .kind = SPAN_INTERNAL, .name = { memset(name, 'x', MIB), MIB },
			  .parent = { 1 } };

	begin();
	for (u32 i = 1; i <= SPANS; i++) {
		memcpy(s.self.trace, &i, sizeof(i));
		memcpy(s.self.span, &i, sizeof(i));
		to.span(to.ctx, &s);
	}
	ck_assert_uint_eq(lines_like("(its root has not ended)"), SPANS - MOST + 1);
	ck_assert_uint_eq(to.end(to.ctx), 0);
	ck_assert_uint_eq(lines_like("(its root has not ended)"), SPANS);
	out_release(&text);
}
END_TEST

/* A loop that never ends, beside others that do. */
START_TEST(a_root_that_lasts_has_its_own_printed_without_it)
{
	begin();
	ends_in(1, 3, 2, 1);
	for (u32 i = 16; i < 16 * 100000; i += 16)
		ends(i, 8, 1);
	ends_in(1, 2, 0, 0);
	ticks(2);
	ck_assert_uint_eq(lines_like("└─ D 5ns"), 1);
	ck_assert_uint_eq(to.end(to.ctx), 0);
	ck_assert_uint_eq(lines_like("A 5ns"), 99999);
	ck_assert_uint_eq(lines_like("(its root has not ended)"), 2);
	out_release(&text);
}
END_TEST

/* As quickly as others. */
START_TEST(a_deep_trace_without_its_root)
{
	begin();
	for (u32 i = 60000; i > 1; i--)
		ends(i, i - 1, i);
	ck_assert_uint_eq(to.end(to.ctx), 0);
	ck_assert_uint_eq(lines_like(" 5ns"), 59999);
	out_release(&text);
}
END_TEST

Suite *tree_suite(void)
{
	Suite *s = suite_create("tree");
	TCase *c = tcase_create("lines");

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, only_whole_ones_may_be_wanted, 0, 2);
	tcase_add_test(c, a_trace_is_printed_when_its_root_has_ended);
	tcase_add_loop_test(c, two_requests_of_one_trace_are_two_trees, 0, 2);
	tcase_add_test(c, what_ends_after_its_root_is_printed_later);
	tcase_add_test(c, what_ends_a_moment_after_its_root_is_below_it);
	tcase_add_test(c, what_has_no_root_comes_at_the_end);
	tcase_add_test(c, what_was_printed_waits_no_more);
	tcase_add_test(c, traces_that_are_quiet_make_room);
	tcase_add_test(c, long_texts_make_room);
	tcase_add_test(c, a_root_that_lasts_has_its_own_printed_without_it);
	tcase_add_test(c, a_deep_trace_without_its_root);
	return s;
}
