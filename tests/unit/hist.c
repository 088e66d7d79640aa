/* Values by bucket, calls by value: drawn, and as objects. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "out/sinks.h"

Suite *hist_suite(void);

/* Two functions; entry records are {value, key, text's address, its length, status, bytes}. */
enum { VALUE = 32, KEY = 40, TEXT = 48, STATUS = 64, BYTES = 72, SIZE = 80 };

static struct go_type t_duration = {
	.loaded = true, .kind = GO_INT64, .size = 8, .named = true,
	.name = { "time.Duration", 13 }, .pkg_path = { "time", 4 },
};
static struct go_func names[] = { { .name = { "main.f", 6 } }, { .name = { "main.g", 6 } } };
static struct expr exprs[] = { { .role = EXPR_HIST }, { .role = EXPR_BY, .index = 1 } };
static struct expr_step load_value, load_key;
static struct expr_code codes[] = { { &load_value, .n = 1 }, { &load_key, .n = 1 } };
static struct plan_func funcs[2];
static struct image image;
static struct go_program prog = { .img = &image };
static struct plan plan = { .prog = &prog, .exprs = exprs, .funcs = funcs, .nfuncs = 2 };
static u64 unreadable;
static const struct target_facts facts = { .prog = &prog,
					   .plan = &plan,
					   .unreadable = &unreadable };
static struct arena arena;
static struct out text;
static const struct hist_scale powers;

static void fresh(bool by)
{
	for (size_t i = 0; i < ARRAY_LEN(funcs); i++)
		funcs[i] = (struct plan_func){
			.func = &names[i], .shown = true, .codes = codes, .entry.size = SIZE,
		};
	load_value = (struct expr_step){ .op = EX_LOAD, .kind = EXPR_INT, .size = 8, .at = VALUE };
	load_key = (struct expr_step){ .op = EX_LOAD, .kind = EXPR_INT, .size = 8, .at = KEY };
	plan.nexprs = by ? 2 : 1;
	unreadable = 0;
	arena_reset(&arena);
	out_release(&text);
	out_memory(&text);
}

static void give_text(const struct sink *s, int fn, u64 value, u64 key, const char *z, u64 len)
{
	u8 record[SIZE] = { 0 };
	u32 copied = (u32)strlen(z);

	memcpy(record + VALUE, &value, 8);
	memcpy(record + KEY, &key, 8);
	memcpy(record + TEXT, &(u64){ 0x1000 }, 8);
	memcpy(record + TEXT + 8, &len, 8);
	memcpy(record + STATUS, &copied, 4);
	memcpy(record + BYTES, z, copied);
	s->call(s->ctx, &(struct call){ .fn = &funcs[fn], .entry = record });
}

static void give(const struct sink *s, int fn, i64 value, i64 key)
{
	give_text(s, fn, (u64)value, (u64)key, "", 0);
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

static void end(const struct sink *s)
{
	s->tick(s->ctx, 0, 1000000000, true);
}

#define FULL "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
#define HALF "@@@@@@@@@@@@@@@@@@@@@@@@@@                          "
#define NONE "                                                    "

START_TEST(powers_of_two_are_drawn)
{
	struct sink s = (fresh(false), sink_hist_new(&arena, &text, &facts, false, &powers));
	static const i64 values[] = { -5, -4, -1, 0, 1, 2, 3, 8, 1023, 1024 };

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		give(&s, 0, values[i], 0);
	give(&s, 1, 1 << 20, 0);
	end(&s);
	is("main.f:\n"
	   "[-8, -4)                 1 |" HALF "|\n"
	   "[-4, -2)                 1 |" HALF "|\n"
	   "[-2]                     0 |" NONE "|\n"
	   "[-1]                     1 |" HALF "|\n"
	   "[0]                      1 |" HALF "|\n"
	   "[1]                      1 |" HALF "|\n"
	   "[2, 4)                   2 |" FULL "|\n"
	   "[4, 8)                   0 |" NONE "|\n"
	   "[8, 16)                  1 |" HALF "|\n"
	   "[16, 32)                 0 |" NONE "|\n"
	   "[32, 64)                 0 |" NONE "|\n"
	   "[64, 128)                0 |" NONE "|\n"
	   "[128, 256)               0 |" NONE "|\n"
	   "[256, 512)               0 |" NONE "|\n"
	   "[512, 1K)                1 |" HALF "|\n"
	   "[1K, 2K)                 1 |" HALF "|\n"
	   "\n"
	   "main.g:\n"
	   "[1M, 2M)                 1 |" FULL "|\n");
}
END_TEST

START_TEST(durations_have_units)
{
	struct sink s = (fresh(false), sink_hist_new(&arena, &text, &facts, false, &powers));

	load_value.type = &t_duration;
	give(&s, 0, 5000000, 0);
	give(&s, 0, 3000000, 0);
	end(&s);
	is("main.f:\n"
	   "[2.097ms, 4.194ms)         1 |" FULL "|\n"
	   "[4.194ms, 8.388ms)         1 |" FULL "|\n");
}
END_TEST

START_TEST(small_steps_of_durations_are_told_apart)
{
	static const struct hist_scale scale = { .min = 10000000, .max = 11000000, .step = 5000 };
	struct sink s = (fresh(false), sink_hist_new(&arena, &text, &facts, false, &scale));

	load_value.type = &t_duration;
	give(&s, 0, 10001000, 0);
	give(&s, 0, 10005000, 0);
	end(&s);
	is("main.f:\n"
	   "[10ms, 10.005ms)            1 |" FULL "|\n"
	   "[10.005ms, 10.01ms)         1 |" FULL "|\n");
}
END_TEST

START_TEST(equal_steps)
{
	static const struct hist_scale scale = { .min = -10, .max = 25, .step = 10 };
	struct sink s = (fresh(false), sink_hist_new(&arena, &text, &facts, false, &scale));
	static const i64 values[] = { INT64_MIN, -11, -10, -1, 0, 9, 10, 24, 25, INT64_MAX };

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		give(&s, 0, values[i], 0);
	end(&s);
	is("main.f:\n"
	   "(..., -10)               2 |" FULL "|\n"
	   "[-10, 0)                 2 |" FULL "|\n"
	   "[0, 10)                  2 |" FULL "|\n"
	   "[10, 20)                 1 |" HALF "|\n"
	   "[20, 25)                 1 |" HALF "|\n"
	   "[25, ...)                2 |" FULL "|\n");
}
END_TEST

#define WHEN "'type':'hist','from':'1970-01-01T00:00:00.000000000Z'," \
	     "'to':'1970-01-01T00:00:01.000000000Z','all':true,"

/* The bounds are powers of two for every value of 64 bits, signed or not. */
START_TEST(bounds_hold_their_values)
{
	static const struct {
		u8 kind;
		u64 value;
		const char *lo, *hi;
	} rows[] = {
		{ EXPR_INT, (u64)INT64_MIN, "'-9223372036854775808'", "'-4611686018427387904'" },
		{ EXPR_INT, (u64)INT64_MIN + 1, "'-9223372036854775808'",
		  "'-4611686018427387904'" },
		{ EXPR_INT, (u64)-2, "-2", "-1" },
		{ EXPR_INT, (u64)-1, "-1", "0" },
		{ EXPR_INT, 0, "0", "1" },
		{ EXPR_INT, 1, "1", "2" },
		{ EXPR_INT, 7, "4", "8" },
		{ EXPR_INT, INT64_MAX, "'4611686018427387904'", "'9223372036854775808'" },
		{ EXPR_UINT, UINT64_MAX, "'9223372036854775808'", "'18446744073709551616'" },
		{ EXPR_FLOAT, 0x3fe0000000000000 /* 0.5 */, "0", "1" },
		{ EXPR_FLOAT, 0xbfe0000000000000 /* -0.5 */, "-1", "0" },
		{ EXPR_FLOAT, 0xc0e8000000000000 /* -49152 */, "-65536", "-32768" },
		{ EXPR_FLOAT, 0x7ff0000000000000 /* +Inf */, "'9223372036854775808'",
		  "'18446744073709551616'" },
		{ EXPR_FLOAT, 0xfff0000000000000 /* -Inf */, "'-9223372036854775808'",
		  "'-4611686018427387904'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sink s = (fresh(false), sink_hist_new(&arena, &text, &facts, true, &powers));
		char want[256];

		load_value.kind = rows[i].kind;
		give(&s, 0, (i64)rows[i].value, 0);
		end(&s);
		snprintf(want, sizeof(want),
			 "{" WHEN "'func':'main.f','by':null,'unit':null,'count':1,"
			 "'buckets':[{'lo':%s,'hi':%s,'count':1}]}\n", rows[i].lo, rows[i].hi);
		is(want);
	}
}
END_TEST

START_TEST(a_float_that_is_no_number_is_left_out)
{
	struct sink s = (fresh(false), sink_hist_new(&arena, &text, &facts, false, &powers));

	load_value.kind = EXPR_FLOAT;
	give(&s, 0, 0x7ff8000000000000, 0);
	end(&s);
	is("");
}
END_TEST

START_TEST(by_value_over_all_functions)
{
	struct sink s = (fresh(true), sink_hist_new(&arena, &text, &facts, true, &powers));

	give(&s, 0, 1, 5);
	give(&s, 0, 2, -7);
	give(&s, 1, 1, -7);
	end(&s);
	is("{" WHEN "'func':null,'by':-7,'unit':null,'count':2,"
	   "'buckets':[{'lo':1,'hi':2,'count':1},{'lo':2,'hi':4,'count':1}]}\n"
	   "{" WHEN "'func':null,'by':5,'unit':null,'count':1,"
	   "'buckets':[{'lo':1,'hi':2,'count':1}]}\n");
}
END_TEST

START_TEST(addresses_are_hexadecimal)
{
	static struct go_type pointer = { .loaded = true, .kind = GO_PTR, .size = 8 };
	struct sink s;

	fresh(true);
	load_key.kind = EXPR_UINT;
	load_key.type = &pointer;
	s = sink_count_new(&arena, &text, &facts, false);
	give(&s, 0, 0, 0xc000010000);
	give(&s, 1, 0, 0xc000010000);
	give(&s, 0, 0, 0);
	end(&s);
	is("           2  0xc000010000\n"
	   "           1  0x0\n");
	s = sink_count_new(&arena, &text, &facts, true);
	give(&s, 0, 0, 0xc000010000);
	end(&s);
	ck_assert(strstr((out_c(&text, 0), text.buf), "\"by\":\"0xc000010000\",\"count\":1}"));
}
END_TEST

START_TEST(a_float32_has_the_digits_of_one)
{
	static struct go_type single = { .loaded = true, .kind = GO_FLOAT32, .size = 4 };
	const float tenth = 0.1f;
	struct sink s;
	u32 bits;

	fresh(true);
	memcpy(&bits, &tenth, sizeof(bits));
	load_key.kind = EXPR_FLOAT;
	load_key.size = 4;
	load_key.type = &single;
	s = sink_count_new(&arena, &text, &facts, false);
	give(&s, 0, 0, bits);
	end(&s);
	is("           1  0.1\n");
	s = sink_count_new(&arena, &text, &facts, true);
	give(&s, 0, 0, bits);
	end(&s);
	ck_assert(strstr((out_c(&text, 0), text.buf), "\"by\":0.1,\"count\":1}"));
}
END_TEST

START_TEST(intervals_add_up)
{
	struct sink s = (fresh(false), sink_hist_new(&arena, &text, &facts, false, &powers));

	give(&s, 0, 1, 0);
	s.tick(s.ctx, 0, 1, false);
	text.n = 0;
	give(&s, 0, 1, 0);
	s.tick(s.ctx, 1, 2, false);
	is("\nfrom 00:00:00.000000 to 00:00:00.000000\nmain.f:\n"
	   "[1]                      1 |" FULL "|\n");
	end(&s);
	is("\nall of 00:00:00.000000 to 00:00:01.000000\nmain.f:\n"
	   "[1]                      2 |" FULL "|\n");
}
END_TEST

START_TEST(counts_by_text)
{
	struct sink s;

	fresh(true);
	load_key = (struct expr_step){
		.op = EX_STRING, .kind = EXPR_STRING, .at = TEXT, .status = STATUS, .data = BYTES,
		.cap = 8,
	};
	s = sink_count_new(&arena, &text, &facts, false);
	give_text(&s, 0, 0, 0, "b", 1);
	give_text(&s, 1, 0, 0, "b", 1);
	give_text(&s, 0, 0, 0, "a\x1b", 2);
	give_text(&s, 0, 0, 0, "abcdefgh", 100);
	give_text(&s, 0, 0, 0, "abcdefgh", 8);
	end(&s);
	is("           2  'b'\n"
	   "           1  'a\\x1b'\n"
	   "           1  'abcdefgh'\n"
	   "           1  'abcdefgh'…(100)\n");
	s = sink_count_new(&arena, &text, &facts, true);
	give_text(&s, 0, 0, 0, "abcdefgh", 100);
	give_text(&s, 0, 0, 0, "\xff", 1);
	text.n = 0;
	end(&s);
	out_c(&text, 0);
	ck_assert(strstr(text.buf, "\"by\":{\"value\":\"abcdefgh\",\"len\":100},\"count\":1}"));
	ck_assert(strstr(text.buf, "\"base64\":\"/w==\"},\"count\":1}"));
}
END_TEST

START_TEST(what_has_no_value_is_counted_as_unreadable)
{
	struct sink s = (fresh(true), sink_count_new(&arena, &text, &facts, false));

	load_key = (struct expr_step){	/* behind a pointer that is nil */
		.op = EX_STRING, .kind = EXPR_STRING, .at = TEXT, .status = STATUS, .data = BYTES,
		.cap = 8, .guard = 1,
	};
	codes[1] = (struct expr_code){
		(struct expr_step[]){ { .op = EX_BEHIND, .at = VALUE, .status = STATUS },
				      load_key },
		.n = 2,
	};
	give(&s, 0, 0, 0);
	end(&s);
	codes[1] = (struct expr_code){ &load_key, .n = 1 };
	is("");
	ck_assert_uint_eq(unreadable, 1);
}
END_TEST

/* Ten thousand values have a line of their own; the rest is one line, and costs no memory. */
START_TEST(the_rest_is_other)
{
	struct sink s = (fresh(true), sink_count_new(&arena, &text, &facts, false));
	size_t lines = 0;

	for (i64 i = 0; i < 30000; i++)
		give(&s, 0, 0, i);
	give(&s, 0, 0, 9999);
	end(&s);
	for (size_t i = 0; i < text.n; i++)
		lines += text.buf[i] == '\n';
	ck_assert_uint_eq(lines, 10001);
	ck_assert(str_starts((struct str){ text.buf, text.n },
			     STR("       20000  other\n           2  9999\n           1  0\n")));
}
END_TEST

START_TEST(scales)
{
	static const struct { const char *text, *expr; i64 min, max, step; } good[] = {
		{ "n,0,100,10", "n", 0, 100, 10 },
		{ "len(f(a,b)),-5,5,1", "len(f(a,b))", -5, 5, 1 },
		{ "duration,0,1.5ms,100us", "duration", 0, 1500000, 100000 },
	};
	static const struct { const char *text, *why; } bad[] = {
		{ "n,0,100", "EXPR,MIN,MAX,STEP" }, { "n", "EXPR,MIN,MAX,STEP" },
		{ "n,0,x,1", "EXPR,MIN,MAX,STEP" }, { "n,0,,1", "EXPR,MIN,MAX,STEP" },
		{ "n,5,5,1", "MIN must be below MAX" }, { "n,0,5,0", "STEP above 0" },
		{ "n,0,1001,1", "at most 1000 steps" },
		{ "n,-9223372036854775808,9223372036854775807,1", "at most 1000 steps" },
	};
	struct hist_scale scale;
	const char *expr;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ck_assert(hist_scale_parse(&arena, good[i].text, &expr, &scale, &err));
		ck_assert_str_eq(expr, good[i].expr);
		ck_assert_int_eq(scale.min, good[i].min);
		ck_assert_int_eq(scale.max, good[i].max);
		ck_assert_int_eq(scale.step, good[i].step);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert(!hist_scale_parse(&arena, bad[i].text, &expr, &scale, &err));
		ck_assert_int_eq(err.kind, ERR_USAGE);
		ck_assert_msg(strstr(err.msg, bad[i].why), "%s", err.msg);
	}
}
END_TEST

Suite *hist_suite(void)
{
	Suite *s = suite_create("hist");
	TCase *t = tcase_create("hist");

	tcase_add_test(t, powers_of_two_are_drawn);
	tcase_add_test(t, durations_have_units);
	tcase_add_test(t, small_steps_of_durations_are_told_apart);
	tcase_add_test(t, equal_steps);
	tcase_add_test(t, bounds_hold_their_values);
	tcase_add_test(t, a_float_that_is_no_number_is_left_out);
	tcase_add_test(t, by_value_over_all_functions);
	tcase_add_test(t, addresses_are_hexadecimal);
	tcase_add_test(t, a_float32_has_the_digits_of_one);
	tcase_add_test(t, intervals_add_up);
	tcase_add_test(t, counts_by_text);
	tcase_add_test(t, what_has_no_value_is_counted_as_unreadable);
	tcase_add_test(t, the_rest_is_other);
	tcase_add_test(t, scales);
	suite_add_tcase(s, t);
	return s;
}
