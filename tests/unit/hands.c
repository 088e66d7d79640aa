/* Work that several threads share. */
#include <check.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hands.h"

Suite *hands_suite(void);

static void only(u32 cpus)
{
	cpu_set_t may, set;
	u32 n = 0;

	ck_assert(!sched_getaffinity(0, sizeof(may), &may));
	CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE && n < cpus; i++)
		if (CPU_ISSET(i, &may)) {
			CPU_SET(i, &set);
			n++;
		}
	ck_assert(!sched_setaffinity(0, sizeof(set), &set));
}

START_TEST(as_many_as_processors_and_work)
{
	cpu_set_t may;
	u32 there;

	ck_assert(!sched_getaffinity(0, sizeof(may), &may));
	there = MIN((u32)CPU_COUNT(&may), (u32)HANDS_MOST);
	ck_assert_uint_eq(hands_for(1000000, 1), there);
	ck_assert_uint_eq(hands_for(1999, 1000), 1);
	ck_assert_uint_eq(hands_for(0, 1000), 1);
	ck_assert_uint_eq(hands_for(2000, 1000), MIN(there, 2u));
	only(1);
	ck_assert_uint_eq(hands_for(1000000, 1), 1);
}
END_TEST

struct share {
	int times, tid;
	bool takes_signals;
};

static void work(void *one)
{
	struct share *s = one;
	sigset_t blocked;

	s->times++;
	s->tid = gettid();
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	s->takes_signals = !sigismember(&blocked, SIGTERM);
}

START_TEST(each_has_its_share)
{
	struct share all[HANDS_MOST] = { { 0 } };

	hands_do(HANDS_MOST, work, all, sizeof(*all));
	for (u32 i = 0; i < HANDS_MOST; i++) {
		ck_assert_int_eq(all[i].times, 1);
		ck_assert_int_eq(all[i].takes_signals, !i);	/* the caller's own */
		for (u32 k = 0; k < i; k++)
			ck_assert_int_ne(all[i].tid, all[k].tid);
	}
	ck_assert_int_eq(all[0].tid, gettid());
}
END_TEST

START_TEST(one_works_beside)
{
	struct share s = { 0 };
	struct hand h = { 0 };

	hand_end(&h);	/* nothing was begun */
	hand_begin(&h, work, &s);
	hand_end(&h);
	hand_end(&h);
	ck_assert_int_eq(s.times, 1);
	ck_assert_int_ne(s.tid, gettid());
	ck_assert(!s.takes_signals);
	work(&s);
	ck_assert(s.takes_signals);
}
END_TEST

START_TEST(without_a_thread_it_is_done_in_the_end)
{
	struct share s = { 0 };
	pthread_attr_t large;
	struct hand h;

	pthread_attr_init(&large);
	ck_assert(!pthread_attr_setstacksize(&large, (size_t)1 << 47));	/* nobody has it */
	ck_assert(!pthread_setattr_default_np(&large));
	hand_begin(&h, work, &s);
	ck_assert_int_eq(s.times, 0);
	hand_end(&h);
	ck_assert_int_eq(s.times, 1);
	ck_assert_int_eq(s.tid, gettid());
}
END_TEST

static void met(int signal)
{
	(void)signal;
	_exit(8);
}

static void touch(void *page)
{
	*(volatile char *)page;
}

/* A file that was made shorter (main.c). Where the signal is blocked, nobody says a word of it. */
START_TEST(what_a_file_lacks_is_met_by_any_hand)
{
	int fd = memfd_create("short", MFD_CLOEXEC);
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	struct hand h;

	ck_assert_ptr_ne(page, MAP_FAILED);
	signal(SIGBUS, met);
	hand_begin(&h, touch, page);
	hand_end(&h);
}
END_TEST

Suite *hands_suite(void)
{
	Suite *s = suite_create("hands");
	TCase *t = tcase_create("hands");

	tcase_add_test(t, as_many_as_processors_and_work);
	tcase_add_test(t, each_has_its_share);
	tcase_add_test(t, one_works_beside);
	tcase_add_test(t, without_a_thread_it_is_done_in_the_end);
	tcase_add_exit_test(t, what_a_file_lacks_is_met_by_any_hand, 8);
	suite_add_tcase(s, t);
	return s;
}
