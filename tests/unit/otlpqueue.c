/* What waits to be sent to a collector. */
#include <check.h>
#include <pthread.h>

#include "base/clock.h"
#include "out/otlp_queue.h"

Suite *otlpqueue_suite(void);

static bool put(struct otlp_queue *q, struct str scope, struct str item)
{
	struct otlp_piece p = { scope, item };

	return otlp_queue_put(q, &p, 1);
}

START_TEST(a_queue_gives_batches_and_never_holds_more)
{
	struct otlp_piece to[2];
	struct otlp_queue q;

	otlp_queue_init(&q, 3, 2, 0);
	ck_assert(put(&q, STR("s"), STR("one")));
	ck_assert(put(&q, STR(""), STR("two")));
	ck_assert(put(&q, STR("s"), STR("three")));
	ck_assert(!put(&q, STR("s"), STR("four")));
	ck_assert_uint_eq(otlp_queue_take(&q, to), 2);
	ck_assert(str_eq(to[0].scope, STR("s")) && str_eq(to[0].item, STR("one")));
	ck_assert(!to[1].scope.n && str_eq(to[1].item, STR("two")));
	/* what was taken is still held */
	ck_assert(!put(&q, STR("s"), STR("four")));
	otlp_queue_done(&q, 2, 1);
	ck_assert_uint_eq(q.with.lost, 1);
	ck_assert(put(&q, STR("s"), STR("four")));
	ck_assert_uint_eq(otlp_queue_take(&q, to), 1);
	ck_assert(str_eq(to[0].item, STR("three")));
	otlp_queue_done(&q, 1, 0);
	ck_assert_uint_eq(otlp_queue_take(&q, to), 1);
	handover_end(&q.with, 0);
	ck_assert_uint_eq(otlp_queue_take(&q, to), 0);
	otlp_queue_release(&q);
}
END_TEST

static void *makes_room(void *arg)
{
	struct otlp_queue *q = arg;
	struct otlp_piece to[2];

	otlp_queue_done(q, otlp_queue_take(q, to), 0);
	return NULL;
}

/* Who makes spans has room for what comes meanwhile, so nothing is lost where who sends gets on;
 * where that is too slow, no more than a part of the time is waited for it. */
START_TEST(a_full_queue_is_waited_for)
{
	struct otlp_queue q;
	i64 before = 0;
	pthread_t t;

	otlp_queue_init(&q, 2, 2, 0);
	ck_assert(put(&q, STR("s"), STR("one")));
	ck_assert(put(&q, STR("s"), STR("two")));
	ck_assert_int_eq(q.waited_ns, 0);
	ck_assert(!put(&q, STR("s"), STR("three")));
	ck_assert_int_ne(q.waited_ns, 0);
	/* not again for each span; a machine that stands still may make it long ago */
	for (u32 i = 0; q.waited_ns != before; i++) {
		ck_assert_uint_lt(i, 100);
		before = q.waited_ns;
		ck_assert(!put(&q, STR("s"), STR("three")));
	}
	ck_assert_int_eq(pthread_create(&t, NULL, makes_room, &q), 0);
	for (u32 i = 0; !put(&q, STR("s"), STR("three")); i++)
		ck_assert_uint_lt(i, 1 << 24);
	pthread_join(t, NULL);
	ck_assert(put(&q, STR("s"), STR("four")));
	otlp_queue_release(&q);
}
END_TEST

START_TEST(what_belongs_together_is_put_as_a_whole)
{
	struct otlp_piece p[] = { { STR("s"), STR("1") }, { STR("s"), STR("2") } }, to[3];
	struct otlp_queue q;

	otlp_queue_init(&q, 3, 3, 0);
	ck_assert(otlp_queue_put(&q, p, 2));
	ck_assert(!otlp_queue_put(&q, p, 2));
	ck_assert_uint_eq(otlp_queue_take(&q, to), 2);
	otlp_queue_release(&q);
}
END_TEST

/* What is over is not sent alone: it is the beginning of the next one. */
START_TEST(a_batch_is_whole_unless_it_has_waited)
{
	struct otlp_piece to[3];
	struct otlp_queue q;

	otlp_queue_init(&q, 100, 3, (i64)3600 * 1000000000);
	for (char c = 'a'; c <= 'g'; c++)
		ck_assert(put(&q, STR("s"), (struct str){ &c, 1 }));
	for (size_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(otlp_queue_take(&q, to), 3);
		ck_assert_int_eq(to[0].item.p[0], "ad"[i]);
		otlp_queue_done(&q, 3, 0);
	}
	ck_assert(put(&q, STR("t"), STR("hh")) && put(&q, STR("s"), STR("i")));
	ck_assert_uint_eq(otlp_queue_take(&q, to), 3);
	ck_assert(str_eq(to[0].item, STR("g")) && str_eq(to[1].item, STR("hh")) &&
		  str_eq(to[2].item, STR("i")) && str_eq(to[1].scope, STR("t")));
	otlp_queue_done(&q, 3, 0);
	ck_assert(put(&q, STR("s"), STR("j")));
	handover_end(&q.with, INT64_MAX);
	ck_assert_uint_eq(otlp_queue_take(&q, to), 1);	/* there will be no more */
	ck_assert(str_eq(to[0].item, STR("j")));
	otlp_queue_release(&q);
}
END_TEST

START_TEST(a_queue_and_its_batches_are_bounded_in_bytes)
{
	static char big[3 << 20];
	struct otlp_piece to[100];
	struct otlp_queue q;
	int n = 0;

	otlp_queue_init(&q, 100, 100, 0);
	while (n < 100 && put(&q, STR("s"), (struct str){ big, sizeof(big) }))
		n++;
	ck_assert_int_eq(n, QUEUE_BYTES_MOST / sizeof(big));
	for (int i = 0; i < n; i++)
		ck_assert_uint_eq(otlp_queue_take(&q, to), 1);
	otlp_queue_release(&q);
}
END_TEST

START_TEST(a_sleep_does_not_go_past_the_end)
{
	struct otlp_queue q;
	i64 now = now_ns();

	otlp_queue_init(&q, 1, 1, 0);
	ck_assert(handover_limit(&q.with) == INT64_MAX);
	ck_assert(handover_sleep(&q.with, now + 1000, false));
	handover_end(&q.with, now + 1000);
	ck_assert(!handover_sleep(&q.with, now + (i64)3600 * 1000000000, false));
	ck_assert(handover_sleep(&q.with, now + (i64)3600 * 1000000000, true));
	otlp_queue_release(&q);
}
END_TEST

Suite *otlpqueue_suite(void)
{
	Suite *s = suite_create("otlpqueue");
	TCase *t = tcase_create("otlpqueue");

	tcase_add_test(t, a_queue_gives_batches_and_never_holds_more);
	tcase_add_test(t, a_full_queue_is_waited_for);
	tcase_add_test(t, what_belongs_together_is_put_as_a_whole);
	tcase_add_test(t, a_batch_is_whole_unless_it_has_waited);
	tcase_add_test(t, a_queue_and_its_batches_are_bounded_in_bytes);
	tcase_add_test(t, a_sleep_does_not_go_past_the_end);
	suite_add_tcase(s, t);
	return s;
}
