/* How exact a histogram is, and how much it holds. */
#include <check.h>
#include <stdlib.h>

#include "event/histogram.h"

Suite *histogram_suite(void);

static struct arena arena;

/* |got - want| is at most 1 % of want. */
static void is_near(i64 got, i64 want)
{
	i64 off = got < want ? want - got : got - want;

	ck_assert_msg(off <= want / 100, "%lld is not within 1 %% of %lld", (long long)got,
		      (long long)want);
}

START_TEST(one_value_is_found_again)
{
	for (u32 bit = 0; bit < 63; bit++)
		for (i64 d = -3; d <= 3; d++) {
			struct histogram h = { 0 };
			i64 v = (i64)(((u64)1 << bit) + (u64)d);

			if (v < 0)
				continue;
			histogram_add(&h, &arena, v);
			ck_assert_int_eq(histogram_at(&h, 500), v);	/* min and max are exact */
			histogram_add(&h, &arena, 0);
			histogram_add(&h, &arena, INT64_MAX);
			is_near(histogram_at(&h, 500), v);
			ck_assert_int_eq(histogram_at(&h, 1), 0);
			ck_assert_int_eq(histogram_at(&h, 1000), INT64_MAX);
			arena_reset(&arena);
		}
}
END_TEST

static int compare(const void *a, const void *b)
{
	i64 x = *(const i64 *)a, y = *(const i64 *)b;

	return x < y ? -1 : x > y;
}

START_TEST(percentiles_are_within_one_percent)
{
	enum { N = 20001 };
	static i64 v[N];
	struct histogram h = { 0 };
	u64 seed = 42, sum = 0;

	for (int i = 0; i < N; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		v[i] = (i64)(seed >> 33) >> (seed >> 27) % 24;	/* over many powers of two */
		histogram_add(&h, &arena, v[i]);
		sum += (u64)v[i];
	}
	qsort(v, N, sizeof(*v), compare);
	for (u32 p = 1; p <= 1000; p++)
		is_near(histogram_at(&h, p), v[((u64)N * p + 999) / 1000 - 1]);
	ck_assert_uint_eq(h.count, N);
	ck_assert_uint_eq(h.sum, sum);
	ck_assert_int_eq(histogram_mean(&h), (i64)(sum / N));
	ck_assert_int_eq(h.min, v[0]);
	ck_assert_int_eq(h.max, v[N - 1]);
}
END_TEST

START_TEST(empty_negative_and_too_much)
{
	struct histogram h = { 0 };

	ck_assert_int_eq(histogram_at(&h, 500), 0);
	ck_assert_int_eq(histogram_mean(&h), 0);
	histogram_add(&h, &arena, -5);
	ck_assert_int_eq(h.max, 0);
	for (int i = 0; i < 3; i++)
		histogram_add(&h, &arena, INT64_MAX);
	ck_assert_uint_eq(h.sum, UINT64_MAX);	/* does not come round */
}
END_TEST

START_TEST(merged_is_as_if_added)
{
	struct histogram a = { 0 }, b = { 0 }, all = { 0 };

	for (i64 i = 1; i < 1000; i++) {
		histogram_add(i % 3 ? &a : &b, &arena, i * i * 77);
		histogram_add(&all, &arena, i * i * 77);
	}
	histogram_merge(&a, &arena, &b);
	for (u32 p = 0; p <= 1000; p++)
		ck_assert_int_eq(histogram_at(&a, p), histogram_at(&all, p));
	ck_assert_uint_eq(a.count, all.count);
	ck_assert_uint_eq(a.sum, all.sum);
	ck_assert_int_eq(a.min, all.min);
	ck_assert_int_eq(a.max, all.max);
	histogram_clear(&b);
	histogram_merge(&a, &arena, &b);
	ck_assert_uint_eq(a.count, all.count);
	histogram_add(&b, &arena, 7);
	ck_assert_int_eq(histogram_at(&b, 990), 7);
	ck_assert_int_eq(b.min, 7);
}
END_TEST

Suite *histogram_suite(void)
{
	Suite *s = suite_create("histogram");
	TCase *t = tcase_create("histogram");

	tcase_add_test(t, one_value_is_found_again);
	tcase_add_test(t, percentiles_are_within_one_percent);
	tcase_add_test(t, empty_negative_and_too_much);
	tcase_add_test(t, merged_is_as_if_added);
	suite_add_tcase(s, t);
	return s;
}
