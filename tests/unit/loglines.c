/* Lines of logs: how severe they are, which call's they are, and what a span keeps of them. */
#include <check.h>

#include "span/events.h"
#include "span/logs.h"

Suite *loglines_suite(void);

typedef bool severity_fn(const struct field_value *f, char to[SEVERITY_MOST]);

static const char *level(severity_fn *severity, i64 number)
{
	static char to[SEVERITY_MOST];
	struct field_value f[FIELDS_MOST] = {
		[LOG_LEVEL] = { .there = true, .number = number },
		[LOG_WRITERS] = { .there = true, .number = 1 }, [LOG_USED] = { .there = true },
	};

	return severity(f, to) ? to : NULL;
}

START_TEST(levels)
{
	ck_assert_str_eq(level(logs_slog, -4), "DEBUG");
	ck_assert_str_eq(level(logs_slog, -8), "DEBUG-4");
	ck_assert_str_eq(level(logs_slog, -1), "DEBUG+3");
	ck_assert_str_eq(level(logs_slog, 0), "INFO");
	ck_assert_str_eq(level(logs_slog, 7), "WARN+3");
	ck_assert_str_eq(level(logs_slog, 12), "ERROR+4");
	ck_assert_str_eq(level(logs_zap, -1), "DEBUG");
	ck_assert_str_eq(level(logs_zap, 5), "FATAL");
	ck_assert_str_eq(level(logs_zap, 6), "");
	ck_assert_str_eq(level(logs_zerolog, -1), "TRACE");
	ck_assert_str_eq(level(logs_zerolog, 6), "");
	ck_assert_str_eq(level(logs_zerolog, 9), "");
	ck_assert_ptr_null(level(logs_zerolog, 7));	/* Disabled */
	ck_assert_str_eq(level(logs_logrus, 0), "PANIC");
	ck_assert_str_eq(level(logs_logrus, 6), "TRACE");
	ck_assert_ptr_null(level(logs_logrus, 7));
}
END_TEST

START_TEST(what_is_not_written)
{
	char to[SEVERITY_MOST];
	struct field_value good[FIELDS_MOST] = {
		[LOG_LEVEL] = { .there = true }, [LOG_WRITERS] = { .there = true, .number = 1 },
		[LOG_USED] = { .there = true },
	}, f[FIELDS_MOST];

	ck_assert(logs_zap(good, to));
	for (int i = LOG_LEVEL; i <= LOG_USED; i++) {
		memcpy(f, good, sizeof(f));
		f[i].there = i == LOG_TEXT;
		ck_assert(logs_zap(f, to) == (i == LOG_TEXT));
	}
	memcpy(f, good, sizeof(f));
	f[LOG_USED].number = 1;
	ck_assert(!logs_zap(f, to));
	memcpy(f, good, sizeof(f));
	f[LOG_WRITERS].number = 0;
	ck_assert(!logs_zap(f, to));
	memcpy(f, good, sizeof(f));
	f[LOG_REWRITERS].number = 1;
	ck_assert(!logs_zap(f, to));
	f[LOG_LEVEL].there = false;
	ck_assert(!logs_slog(f, to) && !logs_zerolog(f, to) && !logs_logrus(f, to));
}
END_TEST

static const struct rule at_once = { .role = ROLE_LOG, .func = "f" };
static const struct rule later = { .role = ROLE_LOG, .func = "g", .written_by = "w" };
static const struct rule writer = { .role = ROLE_LOGGED, .func = "w" };
static const struct rule stranger = { .role = ROLE_LOGGED, .func = "x" };
static const struct plan_func fn[2];
static struct lines lines;

static const struct rule_on *on(const struct rule *rule)
{
	static struct rule_on to;

	to = rule_on_of(rule, &library_logrus, 0);
	return &to;
}

/* Is a line written, or, where that is said later, begun? */
static const struct line *call_of(u64 goid, int func, i64 time, const struct rule *rule)
{
	static const struct open_span span = { .self = { .span = "12345678" } };
	struct field_value f[FIELDS_MOST] = {
		[LOG_LEVEL] = { .there = true }, [LOG_TEXT] = { .there = true, .text = STR("t") },
	};
	struct call call = { .goid = goid, .fn = &fn[func], .start_ns = time };

	return lines_call(&lines, &call, on(rule), f, 7, &span);
}

static const struct line *written(u64 goid, const struct rule *rule)
{
	return call_of(goid, 0, 0, rule);
}

static void end(u64 goid, int func, i64 time)
{
	lines_end(&lines, &(struct call){ .goid = goid, .fn = &fn[func], .start_ns = time });
}

START_TEST(a_call_inside_another_has_no_line)
{
	const struct line *line = call_of(1, 0, 10, &at_once);

	ck_assert(line && line->span == 7 && !memcmp(line->id, "12345678", SPAN_ID));
	ck_assert_ptr_null(call_of(1, 1, 11, &at_once));
	ck_assert_ptr_nonnull(call_of(2, 1, 12, &at_once));
	end(1, 1, 11);
	ck_assert_ptr_null(call_of(1, 1, 13, &at_once));
	end(1, 1, 13);
	end(1, 0, 10);
	ck_assert_ptr_nonnull(call_of(1, 1, 14, &at_once));
	end(1, 0, 9);	/* one whose begin was not seen */
	ck_assert_ptr_null(call_of(1, 0, 15, &at_once));
	lines_release(&lines);
}
END_TEST

START_TEST(a_line_is_written_once_and_by_its_own)
{
	ck_assert_ptr_null(written(1, &writer));
	ck_assert_ptr_null(call_of(1, 0, 10, &later));
	ck_assert_ptr_null(written(1, &stranger));
	ck_assert_ptr_null(call_of(1, 1, 11, &later));
	ck_assert_ptr_null(written(1, &writer));	/* the one inside */
	end(1, 1, 11);
	ck_assert_ptr_nonnull(written(1, &writer));
	ck_assert_ptr_null(written(1, &writer));
	end(1, 0, 10);
	ck_assert_ptr_null(written(1, &writer));
	ck_assert_ptr_nonnull(call_of(1, 0, 12, &at_once));
	ck_assert_ptr_null(written(1, &writer));	/* that of another library */
	lines_release(&lines);
}
END_TEST

START_TEST(lost_records_leave_a_doubt)
{
	ck_assert_ptr_null(call_of(1, 0, 10, &later));
	lines_doubt(&lines);
	ck_assert_ptr_null(written(1, &writer));	/* maybe of the next one */
	ck_assert_ptr_null(call_of(1, 1, 11, &at_once));	/* inside all the same */
	end(1, 1, 11);
	end(1, 0, 10);
	ck_assert_ptr_nonnull(call_of(1, 0, 12, &at_once));
	lines_release(&lines);
}
END_TEST

static struct events_said said;

static struct span span_of(const struct events *e)
{
	struct span s = { 0 };

	events_say(e, 1000, &said, &s);
	return s;
}

static void cut_is(const char *text, u32 n, const char *want)
{
	struct line line = { .cut = true, .n = n, .severity = "INFO" };
	struct events *e = NULL;
	size_t bytes = 0;
	struct str got;

	memcpy(line.text, text, n);
	events_keep(&e, &bytes, &line);
	got = span_of(e).events[0].attrs[1].text;
	ck_assert_msg(str_eq(got, str_of(want)), "%.*s, not %s", STR_F(got), want);
	events_release(&e);
	ck_assert_uint_eq(bytes, 0);
}

START_TEST(a_cut_is_between_characters)
{
	cut_is("ab", 2, "ab…");
	cut_is("aé", 3, "aé…");
	cut_is("aé", 2, "a…");
	cut_is("€", 3, "€…");
	cut_is("€", 2, "…");
	cut_is("😀", 4, "😀…");
	cut_is("x😀", 4, "x…");
	cut_is("\x80\x80\x80\x80\x80", 5, "\x80\x80\x80\x80\x80…");	/* no UTF-8 */
}
END_TEST

START_TEST(a_span_keeps_so_many)
{
	struct line line = { .n = 1, .text = "t", .time_ns = 5 };
	struct events *e = NULL, *other = NULL;
	size_t bytes = 0;
	struct span s;

	for (int i = 0; i < EVENTS_MOST + 3; i++)
		events_keep(&e, &bytes, &line);
	s = span_of(e);
	ck_assert_uint_eq(s.nevents, EVENTS_MOST);
	ck_assert_uint_eq(s.dropped_events, 3);
	ck_assert_int_eq(s.events[EVENTS_MOST - 1].time_ns, 1005);
	ck_assert_uint_eq(s.events[0].nattrs, 1);	/* no level */
	ck_assert(str_eq(s.events[0].name, STR("log")));
	bytes += EVENT_BYTES;	/* in other spans */
	events_keep(&other, &bytes, &line);
	s = span_of(other);
	ck_assert_uint_eq(s.nevents, 0);
	ck_assert_uint_eq(s.dropped_events, 1);
	events_release(&e);
	events_release(&other);
	ck_assert_uint_eq(bytes, EVENT_BYTES);
	s = span_of(NULL);
	ck_assert_uint_eq(s.nevents + s.dropped_events, 0);
}
END_TEST

Suite *loglines_suite(void)
{
	Suite *s = suite_create("loglines");
	TCase *t = tcase_create("loglines");

	suite_add_tcase(s, t);
	tcase_add_test(t, levels);
	tcase_add_test(t, what_is_not_written);
	tcase_add_test(t, a_call_inside_another_has_no_line);
	tcase_add_test(t, a_line_is_written_once_and_by_its_own);
	tcase_add_test(t, lost_records_leave_a_doubt);
	tcase_add_test(t, a_cut_is_between_characters);
	tcase_add_test(t, a_span_keeps_so_many);
	return s;
}
