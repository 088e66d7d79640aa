/* What many calls become: nested blocks, tables. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "out/sinks.h"

Suite *tables_suite(void);

static struct go_type t_int = { .loaded = true, .kind = GO_INT, .size = 8, .name = { "int", 3 } };
static struct go_param param = { .name = { "n", 1 }, .type = &t_int, .size = 8 };
static struct slot slot = { .param = &param, .at = 32, .taken = true };
static struct go_sig sig = { .params = &param, .nparams = 1, .from = SIG_DWARF,
			     .results_known = true };
static struct go_func names[] = {
	{ .name = { "main.main", 9 } },
	{ .name = { "main.work", 9 } },
	{ .name = { "main.leaf", 9 } },
};
static struct plan_func funcs[3];
static struct image image;
static struct go_program prog = { .img = &image };
static struct plan plan = { .prog = &prog, .funcs = funcs, .nfuncs = 3 };
static const struct target_facts facts = { .prog = &prog, .plan = &plan, .path = "./x", .pid = 42 };
static struct arena arena;
static struct out text;
static const i64 start = 1732502438000000000;	/* 2024-11-25T02:40:38Z */

enum { MAIN, WORK, LEAF };

static void fresh(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(funcs); i++)
		funcs[i] = (struct plan_func){
			.func = &names[i], .sig = &sig, .shown = true,
			.entry = { .slots = &slot, .nslots = 1, .size = 40 },
			.exit = { .slots = &slot, .nslots = i == LEAF, .size = 40 },
		};
	out_release(&text);
	out_memory(&text);
}

static void is(const char *want)
{
	out_c(&text, 0);
	for (char *p = text.buf; *p; p++)
		if (*p == '"')
			*p = '\'';
	ck_assert_str_eq(text.buf, want);
	text.n = 0;
}

struct brief {
	int fn;
	i64 ns;
	enum call_end end;
	u64 result;	/* its record's word */
	i64 self;	/* 0: all of it */
	bool recursive, opened;
	u32 level;
};

static void give(const struct sink *s, struct brief b, bool opening)
{
	u64 entry[] = { 0, 0, 0, 0, 7 }, leave[] = { 0, 0, 0, 0, b.result };
	bool returned = b.end == END_RETURN || b.end == END_RECOVERED;
	struct call c = {
		.fn = &funcs[b.fn], .goid = 18, .start_ns = start, .duration_ns = b.ns,
		.self_ns = b.self ? b.self : b.ns, .recursive = b.recursive, .opened = b.opened,
		.level = b.level, .end = b.end, .entry = (const u8 *)entry,
		.exit = returned ? (const u8 *)leave : NULL,
	};

	if (opening)
		s->opened(s->ctx, &c);
	else
		s->call(s->ctx, &c);
}

START_TEST(a_call_with_callees_is_a_block)
{
	struct sink s = (fresh(), sink_graph_new(&arena, &text, &facts));

	give(&s, (struct brief){ MAIN, -1, .opened = true }, true);
	give(&s, (struct brief){ LEAF, 1204, .result = 5, .level = 1 }, false);
	give(&s, (struct brief){ WORK, -1, .opened = true, .level = 1 }, true);
	give(&s, (struct brief){ LEAF, 50, END_PANIC, .level = 2 }, false);
	give(&s, (struct brief){ WORK, 99, END_RECOVERED, .opened = true, .level = 1 }, false);
	give(&s, (struct brief){ MAIN, 13256, .opened = true }, false);
	is("           [g 18]   | main.main(n=7) {\n"
	   "  1.204µs  [g 18]   |   main.leaf(n=7) = 5;\n"
	   "           [g 18]   |   main.work(n=7) {\n"
	   "     50ns  [g 18]   |     main.leaf(n=7) = <panic>;\n"
	   "     99ns  [g 18]   |   } = <recovered>; // main.work\n"
	   "  13.25µs  [g 18]   | } // main.main\n");
}
END_TEST

START_TEST(blocks_that_do_not_end)
{
	struct sink s = (fresh(), sink_graph_new(&arena, &text, &facts));

	give(&s, (struct brief){ LEAF, -1, END_LOST, .opened = true, .level = 1 }, false);
	give(&s, (struct brief){ MAIN, -1, END_UNFINISHED, .opened = true }, false);
	give(&s, (struct brief){ .fn = WORK, .ns = 7, .end = END_GOEXIT }, false);
	s.lost(s.ctx, 5, start, start + 1000000000);
	is("        -  [g 18]   |   } = <lost>; // main.leaf\n"
	   "        -  [g 18]   | } = <unfinished>; // main.main\n"
	   "      7ns  [g 18]   | main.work(n=7) = <goexit>;\n"
	   "[lost]   02:40:38.000000            5 records, up to 02:40:39.000000\n");
}
END_TEST

START_TEST(indentation_has_an_end)
{
	struct sink s = (fresh(), sink_graph_new(&arena, &text, &facts));

	give(&s, (struct brief){ LEAF, 7, .level = 40 }, false);
	give(&s, (struct brief){ LEAF, 7, .level = 1000041 }, false);
	is("      7ns  [g 18]   | "
	   "                                                                                "
	   "main.leaf(n=7) = 0;\n"
	   "      7ns  [g 18]   | "
	   "                                                                                "
	   "+1000001 main.leaf(n=7) = 0;\n");
}
END_TEST

static void some_calls(const struct sink *s)
{
	funcs[LEAF].error_at = 32;
	for (i64 i = 1; i <= 100; i++)
		give(s, (struct brief){ LEAF, 1000 * i, .result = i % 10 == 0 }, false);
	give(s, (struct brief){ WORK, 3000000, END_PANIC, .self = 1000 }, false);
	give(s, (struct brief){ WORK, 1000000, .self = 2000, .recursive = true }, false);
	give(s, (struct brief){ WORK, -1, END_LOST, .self = -1 }, false);
	give(s, (struct brief){ MAIN, -1, END_UNFINISHED, .self = -1 }, false);
}

#define HEAD "     TOTAL      SELF      MEAN       P50       P99       MAX     CALLS  ERRORS  " \
	     "PANICS  FUNCTION\n"

START_TEST(a_summary_has_a_row_for_each_function)
{
	struct sink s = (fresh(), sink_summary_new(&arena, &text, &facts, false));

	some_calls(&s);
	s.lost(s.ctx, 5, start, start);
	s.tick(s.ctx, start, start + 1, true);
	is("[lost]   5 records\n" HEAD
	   "   5.050ms   5.050ms   50.50µs   49.91µs   98.81µs   100.0µs"
	   "       100      10       0  main.leaf\n"
	   "   3.000ms   3.000µs   2.000ms   1.000ms   3.000ms   3.000ms"
	   "         3       -       1  main.work\n"
	   "         -         -         -         -         -         -"
	   "         1       -       0  main.main\n");
}
END_TEST

START_TEST(each_interval_has_a_table_and_the_last_has_all)
{
	struct sink s = (fresh(), sink_summary_new(&arena, &text, &facts, false));

	give(&s, (struct brief){ .fn = LEAF, .ns = 1000 }, false);
	s.tick(s.ctx, start, start + 1000000000, false);
	is("from 02:40:38.000000 to 02:40:39.000000\n" HEAD
	   "   1.000µs   1.000µs   1.000µs   1.000µs   1.000µs   1.000µs"
	   "         1       -       0  main.leaf\n");
	s.lost(s.ctx, 1, start, start);
	s.tick(s.ctx, start + 1000000000, start + 2000000000, false);
	is("\nfrom 02:40:39.000000 to 02:40:40.000000\n[lost]   1 record\n");
	give(&s, (struct brief){ .fn = LEAF, .ns = 3000 }, false);
	s.lost(s.ctx, 2, start, start);
	s.tick(s.ctx, start, start + 2500000000, true);
	is("\nall of 02:40:38.000000 to 02:40:40.500000\n[lost]   3 records\n" HEAD
	   "   4.000µs   4.000µs   2.000µs   1.000µs   3.000µs   3.000µs"
	   "         2       -       0  main.leaf\n");
}
END_TEST

#define WHEN "'from':'2024-11-25T02:40:38.000000000Z','to':'2024-11-25T02:40:39.000000000Z'"

START_TEST(summary_rows_are_objects)
{
	struct sink s = (fresh(), sink_summary_new(&arena, &text, &facts, true));

	some_calls(&s);
	s.tick(s.ctx, start, start + 1000000000, true);
	is("{'type':'summary_row'," WHEN ",'all':true,'func':'main.leaf','calls':100,"
	   "'total_ns':5050000,'self_ns':5050000,'mean_ns':50500,'p50_ns':49919,'p99_ns':98815,"
	   "'max_ns':100000,'errors':10,'panics':0}\n"
	   "{'type':'summary_row'," WHEN ",'all':true,'func':'main.work','calls':3,"
	   "'total_ns':3000000,'self_ns':3000,'mean_ns':2000000,'p50_ns':1000000,"
	   "'p99_ns':3000000,'max_ns':3000000,'errors':null,'panics':1}\n"
	   "{'type':'summary_row'," WHEN ",'all':true,'func':'main.main','calls':1,"
	   "'total_ns':null,'self_ns':null,'mean_ns':null,'p50_ns':null,'p99_ns':null,"
	   "'max_ns':null,'errors':null,'panics':0}\n");
	s.lost(s.ctx, 5, start, start + 1000000000);
	is("{'type':'lost','count':5," WHEN "}\n");
}
END_TEST

START_TEST(counts_are_lines_most_first)
{
	struct sink s = (fresh(), sink_count_new(&arena, &text, &facts, false));

	s.entry(s.ctx, &(struct call){ .fn = &funcs[MAIN] });
	some_calls(&s);
	s.tick(s.ctx, start, start + 1, true);
	is("         100  main.leaf\n           3  main.work\n           2  main.main\n");
}
END_TEST

START_TEST(counts_of_intervals)
{
	struct sink s = (fresh(), sink_count_new(&arena, &text, &facts, true));

	s.entry(s.ctx, &(struct call){ .fn = &funcs[MAIN] });
	s.tick(s.ctx, start, start + 1000000000, false);
	is("{'type':'count'," WHEN ",'all':false,'func':'main.main','by':null,'count':1}\n");
	s.entry(s.ctx, &(struct call){ .fn = &funcs[MAIN] });
	s.tick(s.ctx, start, start + 1000000000, true);
	is("{'type':'count'," WHEN ",'all':true,'func':'main.main','by':null,'count':2}\n");
}
END_TEST

static long resident_kib(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_maxrss;
}

/* Two million calls, of durations of every size, in a thousand intervals. */
START_TEST(memory_does_not_grow_with_calls)
{
	struct sink s = (fresh(), sink_summary_new(&arena, &text, &facts, true));
	long before = 0;

	for (i64 i = 0; i < 2000000; i++) {
		give(&s, (struct brief){ .fn = (int)(i % 3), .ns = i * i % 999999937 }, false);
		if (i % 2000)
			continue;
		s.tick(s.ctx, start, start, false);
		text.n = 0;
		if (i == 200000)
			before = resident_kib();
	}
	ck_assert_int_lt(resident_kib() - before, 256);
}
END_TEST

Suite *tables_suite(void)
{
	Suite *s = suite_create("tables");
	TCase *t = tcase_create("tables");

	tcase_add_test(t, a_call_with_callees_is_a_block);
	tcase_add_test(t, blocks_that_do_not_end);
	tcase_add_test(t, indentation_has_an_end);
	tcase_add_test(t, a_summary_has_a_row_for_each_function);
	tcase_add_test(t, each_interval_has_a_table_and_the_last_has_all);
	tcase_add_test(t, summary_rows_are_objects);
	tcase_add_test(t, counts_are_lines_most_first);
	tcase_add_test(t, counts_of_intervals);
	tcase_add_test(t, memory_does_not_grow_with_calls);
	suite_add_tcase(s, t);
	return s;
}
