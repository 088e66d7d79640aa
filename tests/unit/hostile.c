/* Logs that are made to take long, or much memory: each is read in a few passes. */
#include <check.h>
#include <sys/resource.h>

#include "diag/explain.h"

Suite *hostile_suite(void);

enum { MEMORY_MOST = 200 << 10 };	/* KiB */

static struct str many(struct arena *a, const char *word, size_t n)
{
	char *to = arena_alloc(a, n * strlen(word));

	for (size_t i = 0; i < n * strlen(word); i++)
		to[i] = word[i % strlen(word)];
	return (struct str){ to, n * strlen(word) };
}

/* A line may be as long as the log. Read once for each of its words it would take hours. */
START_TEST(long_lines_are_read_once)
{
	static const char *const words[] = { "a=b ", "x ", "goroutine ", "a=\"b c\" ", "\"" };
	OWN(arena) a = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct str w = many(&a, words[i], 300000);

		death_clean(str_fmt(&a, "1:09 panic: %.*s\n1:09 %.*s c=d\n1:09 \n", STR_F(w),
				    STR_F(w)), &a);
	}
}
END_TEST

static long used(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static void explain_it(struct str log, struct diagnosis *found, struct arena *a)
{
	struct death d = { .a = a };
	long before = used();

	death_of_text(&d, log);
	explain(found, &d);
	ck_assert_int_lt(used() - before, MEMORY_MOST);
}

/* Whose line it is stands before each of a record of the journal. */
START_TEST(a_long_name_in_the_journal)
{
	OWN(arena) a = { 0 };
	struct str name = many(&a, "A", 20000), lines = many(&a, "\n", 20000);
	static const char size[8] = "\x20\x4e";
	struct str log = str_fmt(&a, "__CURSOR=x\nSYSLOG_IDENTIFIER=%.*s\nMESSAGE\n"
				 "12345678%.*s\n\n", STR_F(name), STR_F(lines));
	struct diagnosis found;

	memcpy((char *)log.p + str_find(log, STR("12345678")), size, sizeof(size));
	explain_it(log, &found, &a);
	ck_assert_str_eq(found.kind, "unknown");
}
END_TEST

START_TEST(many_tests_run)
{
	OWN(arena) a = { 0 };
	struct diagnosis found;

	explain_it(str_fmt(&a, "panic: test timed out after 1s\nrunning tests:\n%.*s\n"
			   "goroutine 1 [running]:\nmain.main()\n\t/x.go:1 +0x1\n",
			   STR_F(many(&a, "\tA\n", 20000))), &found, &a);
	ck_assert_str_eq(found.kind, "test_timeout");
	ck_assert(str_ends(found.summary, STR("A, A and 19980 more")));
}
END_TEST

START_TEST(many_quotes)
{
	OWN(arena) a = { 0 };
	struct diagnosis found;

	explain_it(str_fmt(&a, "x \\ngoroutine %.*s\n", STR_F(many(&a, "\\\"panic: ", 110000))),
		   &found, &a);
	ck_assert_str_eq(found.kind, "unknown");
}
END_TEST

/* What stands before a line, or behind it, and is looked for in each. */
START_TEST(a_long_prefix)
{
	OWN(arena) a = { 0 };
	struct str lines = many(&a, "\n", 100000);
	struct diagnosis found;

	explain_it(str_fmt(&a, "%.*s: panic: boom\nx: y\n%.*s", STR_F(many(&a, "A", 100000)),
			   STR_F(lines)), &found, &a);
	explain_it(str_fmt(&a, "1:09 panic: boom %.*s\n1:09 x %.*s\n%.*s",
			   STR_F(many(&a, "a=b ", 100000)), STR_F(many(&a, "a=b ", 100000)),
			   STR_F(lines)), &found, &a);
}
END_TEST

Suite *hostile_suite(void)
{
	Suite *s = suite_create("hostile");
	TCase *t = tcase_create("logs");

	tcase_set_timeout(t, 15);
	tcase_add_test(t, long_lines_are_read_once);
	tcase_add_test(t, a_long_name_in_the_journal);
	tcase_add_test(t, many_tests_run);
	tcase_add_test(t, many_quotes);
	tcase_add_test(t, a_long_prefix);
	suite_add_tcase(s, t);
	return s;
}
