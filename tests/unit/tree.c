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

/* Of one trace; parent 0: it came with a request of another process. */
static void ends(u32 id, u32 parent, i64 start_ns)
{
	char name[] = { (char)('A' + id % 16), 0 };
	struct span s = { .self = { .sampled = true }, .name = str_of(name), .kind = SPAN_INTERNAL,
			  .start_ns = start_ns, .end_ns = start_ns + 5, .parent_remote = !parent };

	memset(s.self.trace, 7, TRACE_ID);
	memcpy(s.self.span, &id, sizeof(id));
	memcpy(s.parent, parent ? &parent : &(u32){ 99 }, sizeof(parent));
	to.span(to.ctx, &s);
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

START_TEST(what_ends_after_its_root_is_printed_later)
{
	begin();
	ends(1, 0, 0);
	ends(3, 2, 20);
	ends(2, 1, 10);
	ends(4, 3, 30);
	expect(REMOTE "B 5ns\n" TRACE ", later\nC 5ns\n└─ D 5ns\n" TRACE ", later\nE 5ns\n");
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
	}
	expect(REMOTE "B 5ns\n└─ C 5ns\n" TRACE " (its root has not ended)\nI 5ns\n");
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
	tcase_add_test(c, what_has_no_root_comes_at_the_end);
	tcase_add_test(c, what_was_printed_waits_no_more);
	return s;
}
