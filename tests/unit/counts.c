/* --count alone: numbers in the rings' place, which only the thread itself adds to. */
#include "inline/session.h"
#include "shapes.h"

#include <pthread.h>

Suite *counts_suite(void);

static struct reading nothing;

static void probe_some(void)
{
	mc.plan.request.entry_only = mc.plan.request.count_only = true;
	(void)machine_probe(&mc, FRAME, nothing, nothing);
	(void)machine_probe(&mc, LEAF, nothing, nothing);
	(void)machine_probe(&mc, NOTHING0, nothing, nothing);
	machine_patch(&mc);
}

static u64 count(struct thread *t, u32 func)
{
	u8 *ring = machine_ring(&mc, t);

	return ring ? *ring_word_at(ring, ring_count_at(func)) : 0;
}

START_TEST(each_call_adds_one)
{
	struct cpu c = machine_cpu(&mc.t);

	probe_some();
	for (u64 i = 1; i <= 5; i++) {
		(void)machine_call(&mc, FRAME, c);
		ck_assert_uint_eq(count(&mc.t, 0), i);
	}
	(void)machine_call(&mc, LEAF, c);
	c.r[R14] = 1;		/* assembly need not have g there */
	(void)machine_call(&mc, NOTHING0, c);
	ck_assert_uint_eq(count(&mc.t, 0), 5);
	ck_assert_uint_eq(count(&mc.t, 1), 1);
	ck_assert_uint_eq(count(&mc.t, 2), 1);
	ck_assert_uint_eq(*ring_word_at(machine_ring(&mc, &mc.t), RING_HEAD), 0);
	ck_assert_uint_eq(mc.code.sites, 3);
}
END_TEST

START_TEST(a_closed_gate_counts_nothing)
{
	probe_some();
	mc.region[NEAR_AT + NEAR_GATE] = 0;
	(void)machine_call(&mc, LEAF, machine_cpu(&mc.t));
	ck_assert_ptr_null(machine_ring(&mc, &mc.t));
}
END_TEST

/* A call that is entered again after the stack has grown is one call. */
START_TEST(a_stack_that_grows_is_no_second_call)
{
	probe_some();
	mc.t.g[G_STACKGUARD0 / 8] = UINT64_MAX;		/* morestack makes it 0 */
	(void)machine_call(&mc, FRAME, machine_cpu(&mc.t));
	ck_assert_uint_eq(count(&mc.t, 0), 1);
}
END_TEST

enum { THREADS = 3, CALLS = 200000 };
struct worker {
	pthread_t id;
	struct thread t;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct cpu c = machine_cpu(&w->t);

	for (u32 i = 0; i < CALLS; i++)
		(void)machine_run(&mc, &w->t, i % 4 ? LEAF : FRAME, 0, &c);
	return NULL;
}

START_TEST(the_reader_adds_up_threads)
{
	static struct worker w[THREADS];
	static struct inline_session s;
	u64 totals[3] = { 0 };

	probe_some();
	s = (struct inline_session){
		.plan = &mc.plan, .layout = mc.layout, .shared = mc.shared, .ready = RINGS,
		.rings_most = RINGS,
	};
	for (u32 i = 0; i < THREADS; i++) {
		thread_begin(&mc, &w[i].t, 100 + i);
		ck_assert(!pthread_create(&w[i].id, NULL, work, &w[i]));
	}
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(w[i].id, NULL);
	rings_counts(&s, totals);
	ck_assert_uint_eq(totals[0], THREADS * CALLS / 4);
	ck_assert_uint_eq(totals[1], THREADS * CALLS / 4 * 3);
	ck_assert_uint_eq(totals[2], 0);	/* not called */
}
END_TEST

Suite *counts_suite(void)
{
	Suite *s = suite_create("counts");
	TCase *t = tcase_create("counts");

	tcase_add_checked_fixture(t, shapes_begin, shapes_end);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, each_call_adds_one);
	tcase_add_test(t, a_closed_gate_counts_nothing);
	tcase_add_test(t, a_stack_that_grows_is_no_second_call);
	tcase_add_test(t, the_reader_adds_up_threads);
	suite_add_tcase(s, t);
	return s;
}
