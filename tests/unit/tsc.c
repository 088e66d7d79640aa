/* Time stamps of the processor as the time of records. */
#include <check.h>

#include "inline/tsc.h"

Suite *tsc_suite(void);

#define SECOND 1000000000ll

/* A processor whose time stamps count at 2.5 GHz and so many ppm more, and the monotonic clock. */
static u64 stamp;
static double part;
static i64 now;

static void passes(i64 ns, double ppm)
{
	part += (double)ns * 2.5 * (1 + ppm / 1e6);
	stamp += (u64)part;
	part -= (double)(u64)part;
	now += ns;
}

static struct tsc_clock started(void)
{
	stamp = 77777777;
	now = 1000 * SECOND;
	return (struct tsc_clock){
		.tsc0 = stamp, .ns0 = now, .last_tsc = stamp, .last_ns = now,
		.pause_ns = TSC_FIRST_NS,
	};
}

static i64 wrong_by(const struct tsc_clock *c)
{
	return llabs(tsc_to_ns(c, stamp) - now);
}

/* As far as it is measured: of 5 ms at first, by readings that are wrong by 100 ns. */
START_TEST(it_stays_with_the_monotonic_clock)
{
	struct tsc_clock c = started();
	i64 end = now + 30 * 24 * 3600 * SECOND, last = 0, longest = 0;
	bool wrong = false, jumps = false, stands = false;	/* an assertion is slow */

	for (u64 i = 0; now < end; i++) {
		double ppm = i % 2000 < 1000 ? 1 : -0.5;
		i64 pause = c.pause_ns, before;

		passes(pause, ppm);
		wrong |= i > 3 && wrong_by(&c) >= 50000;
		before = tsc_to_ns(&c, stamp);
		tsc_follow(&c, stamp, now + (i % 3 ? 0 : 100));
		jumps |= i && llabs(tsc_to_ns(&c, stamp) - before) > 1;
		stands |= tsc_to_ns(&c, stamp) <= last;
		last = tsc_to_ns(&c, stamp);
		longest = MAX(longest, c.pause_ns);
	}
	ck_assert(!wrong);
	ck_assert(!jumps);
	ck_assert(!stands);
	ck_assert_int_le(longest, 10 * SECOND);
}
END_TEST

/* They begin anew when a machine wakes up, or are another machine's. */
START_TEST(time_stamps_may_jump)
{
	struct tsc_clock c = started();

	for (u64 i = 0; i < 10; i++) {
		passes(c.pause_ns, 3);
		tsc_follow(&c, stamp, now);
	}
	stamp = 5;
	passes(SECOND, 3);
	tsc_follow(&c, stamp, now);
	ck_assert_int_le(wrong_by(&c), 1);
	passes(9 * SECOND, 3);
	ck_assert_int_lt(wrong_by(&c), 1000);
	stamp += 10000 * SECOND;
	tsc_follow(&c, stamp, now);
	ck_assert_int_le(wrong_by(&c), 1);
	passes(9 * SECOND, 3);
	ck_assert_int_lt(wrong_by(&c), 1000);
}
END_TEST

START_TEST(the_processors_own)
{
	struct tsc_clock c;
	u64 tsc, first;
	i64 ns;

	tsc_start(&c);
	tsc_measure(&c);
	ck_assert_int_lt(llabs(c.ahead_ns - clock_ahead_ns()), SECOND / 1000);
	for (first = c.last_tsc; c.last_tsc == first;)
		tsc_measure(&c);
	tsc_pair(&tsc, &ns);
	ck_assert_int_lt(llabs(tsc_to_ns(&c, tsc) - c.ahead_ns - ns), SECOND / 1000);
}
END_TEST

Suite *tsc_suite(void)
{
	Suite *s = suite_create("tsc");
	TCase *t = tcase_create("line");

	suite_add_tcase(s, t);
	tcase_add_test(t, it_stays_with_the_monotonic_clock);
	tcase_add_test(t, time_stamps_may_jump);
	tcase_add_test(t, the_processors_own);
	return s;
}
