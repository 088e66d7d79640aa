/* Calls and goroutines in great numbers: none of them may be slow, or be kept for ever. */
#include <check.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "event/calls.h"

Suite *callsmany_suite(void);

static struct plan_func func = { .shown = true, .entry.size = 40, .exit.size = RECORD_HEAD };
static struct plan plan = { .funcs = &func, .nfuncs = 1 };

static u64 returned;

static void count_returns(void *ctx, const struct call *c)
{
	(void)ctx;
	returned += c->end == END_RETURN && c->duration_ns >= 0 && c->entry;
}

static void one(struct calls *c, u64 goid, u32 depth, enum site_kind kind)
{
	static i64 now;
	u8 bytes[40] = { 0 };

	calls_record(c, &(struct record){ .goid = goid, .depth = depth, .kind = kind,
					  .time_ns = ++now, .bytes = bytes, .size = 40 });
}

/* A million calls deep, and a million goroutines whose ends are not seen: neither may be slow. */
START_TEST(depth_and_numbers)
{
	enum { N = 1000000 };
	struct calls *c;
	clock_t began = clock();

	c = calls_new(&plan, &(struct sink){ .call = count_returns });
	returned = 0;
	for (u32 i = 0; i < N; i++)
		one(c, 1, 100 + i * 100, SITE_ENTRY);
	for (u32 i = N; i-- > 0;)
		one(c, 1, 100 + i * 100, SITE_EXIT);
	ck_assert_uint_eq(returned, N);
	for (u64 g = 10; g < N + 10; g++) {
		one(c, g, 100, SITE_ENTRY);
		one(c, g, 100, SITE_EXIT);
	}
	ck_assert_uint_eq(returned, 2 * N);
	for (u64 g = 10; g < 20010; g++)
		one(c, g, 100, SITE_ENTRY);
	for (u64 g = 10; g < 20010; g++)
		one(c, g, 100, SITE_EXIT);
	ck_assert_uint_eq(returned, 2 * N + 20000);
	calls_finish(c, false);
	ck_assert_uint_eq(returned, 2 * N + 20000);
	calls_release(&c);
	ck_assert_msg(clock() - began < 5 * CLOCKS_PER_SEC, "4 million records took %g s",
		      (double)(clock() - began) / CLOCKS_PER_SEC);
}
END_TEST

static long resident_kib(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_maxrss;
}

/* A goroutine whose end is not seen is forgotten when it has no open calls and others come. */
START_TEST(goroutines_are_forgotten)
{
	struct calls *c;
	long before = resident_kib();

	c = calls_new(&plan, &(struct sink){ .call = count_returns });
	for (u64 g = 10; g < 500000; g++) {
		one(c, g, 100, SITE_ENTRY);
		one(c, g, 100, SITE_EXIT);
	}
	ck_assert_int_lt(resident_kib() - before, 16 << 10);
	calls_release(&c);
}
END_TEST

static u64 ended_lost;

static void count_lost(void *ctx, const struct call *c)
{
	(void)ctx;
	ended_lost += c->end == END_LOST;
}

static void on_loss(void *ctx, u64 count, i64 from_ns, i64 to_ns)
{
	(void)ctx;
	(void)count;
	(void)from_ns;
	(void)to_ns;
}

static void entry_below(struct calls *c, u64 goid, u32 depth, i64 time_ns)
{
	u8 bytes[40] = { 0 };

	calls_record(c, &(struct record){ .goid = goid, .depth = depth, .kind = SITE_ENTRY,
					  .time_ns = time_ns, .bytes = bytes, .size = 40 });
}

static void entry_at(struct calls *c, u64 goid, i64 time_ns)
{
	entry_below(c, goid, 100, time_ns);
}

/* Where records are lost, goroutines end unseen with calls open: these are not kept for ever. */
START_TEST(calls_whose_ends_were_lost_are_closed_when_they_are_many)
{
	enum { N = 500000, EVERY_NS = 1000000 };
	struct calls *c;
	long before = resident_kib();

	c = calls_new(&plan, &(struct sink){ .call = count_lost, .lost = on_loss });
	ended_lost = 0;
	for (u64 g = 1; g <= N; g++) {
		entry_at(c, g, (i64)g * EVERY_NS);
		if (g % 1000 == 0)
			calls_lost(c, 1, (i64)(g - 1) * EVERY_NS, (i64)g * EVERY_NS);
	}
	ck_assert_uint_gt(ended_lost, N - 200000);
	ck_assert_int_lt(resident_kib() - before, 160 << 10);
	/* the first goroutines last, and so does who was seen a moment ago */
	calls_finish(c, false);
	ck_assert_uint_lt(ended_lost, N);
	calls_release(&c);
}
END_TEST

/* Each may be in several. */
START_TEST(nor_need_their_goroutines_be_that_many)
{
	enum { N = 40000, FIRST = 1024 };
	struct calls *c;

	c = calls_new(&plan, &(struct sink){ .call = count_lost, .lost = on_loss });
	ended_lost = 0;
	for (u64 g = 1; g <= N; g++) {
		entry_at(c, g, (i64)g);
		entry_below(c, g, 200, (i64)g);
	}
	calls_lost(c, 1, 1000000000, 2000000000);
	entry_at(c, N + 1, 2000000001);
	ck_assert_uint_eq(ended_lost, 2 * (N - FIRST));
	calls_release(&c);
}
END_TEST

/* Without losses every call is waited for. */
START_TEST(without_losses_no_call_is_given_up)
{
	struct calls *c;

	c = calls_new(&plan, &(struct sink){ .call = count_lost, .lost = on_loss });
	ended_lost = 0;
	for (u64 g = 1; g <= 200000; g++)
		entry_at(c, g, (i64)g * 1000000);
	ck_assert_uint_eq(ended_lost, 0);
	calls_release(&c);
}
END_TEST

Suite *callsmany_suite(void)
{
	Suite *s = suite_create("callsmany");
	TCase *t = tcase_create("callsmany");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, depth_and_numbers);
	tcase_add_test(t, goroutines_are_forgotten);
	tcase_add_test(t, calls_whose_ends_were_lost_are_closed_when_they_are_many);
	tcase_add_test(t, nor_need_their_goroutines_be_that_many);
	tcase_add_test(t, without_losses_no_call_is_given_up);
	suite_add_tcase(s, t);
	return s;
}
