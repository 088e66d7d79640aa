/* The reader of the kernel's ring, on a ring that the test writes. */
#include <check.h>
#include <string.h>
#include <time.h>

#include "bpf/session.h"

Suite *bpfring_suite(void);

enum { SIZE = 4096 };

static struct {
	u64 consumed, produced, counts[COUNTS_ROOM];
	u8 data[2 * SIZE];
	struct bpf_session s;
	i64 times[16];
	u32 n;
	u64 lost;
} r;

static void begin(void)
{
	memset(&r, 0, sizeof(r));
	r.s.ring = (struct kernel_ring){ &r.consumed, &r.produced, r.data, SIZE };
	r.s.counts = r.counts;
}

static void end(void)
{
	vec_release(&r.s.waiting);
	vec_release(&r.s.bytes);
}

/* A finished record, or one with such bits on top of its length. */
static u32 *put(i64 time, u32 bits)
{
	struct record_head h = { .commit = 1 + 4 * 7 + SITE_EXIT, .tsc = (u64)time, .g = 5 };
	u32 head[2] = { sizeof(h) | bits, 0 }, at = (u32)r.produced % SIZE;
	u8 bytes[sizeof(head) + sizeof(h)];

	memcpy(bytes, head, sizeof(head));
	memcpy(bytes + sizeof(head), &h, sizeof(h));
	for (u32 i = 0; i < sizeof(bytes); i++)	/* mapped twice in a row */
		r.data[(at + i) % SIZE] = r.data[(at + i) % SIZE + SIZE] = bytes[i];
	r.produced += sizeof(bytes);
	return (u32 *)(void *)(r.data + at);
}

static void record(void *ctx, const struct record *rec)
{
	(void)ctx;
	ck_assert_uint_eq(rec->func, 7);
	ck_assert_uint_eq(rec->kind, SITE_EXIT);
	ck_assert_uint_eq(rec->goid, (u64)1 << 63 | 5);	/* g0: by its address */
	ck_assert_uint_eq(rec->size, RECORD_HEAD);
	r.times[r.n++] = rec->time_ns;
}

static void lost(void *ctx, u64 count, i64 from, i64 to)
{
	(void)ctx;
	ck_assert_int_le(from, to);
	r.lost += count;
}

static u32 poll(bool all)
{
	r.n = 0;
	bpf_poll(&r.s, all, record, lost, NULL);
	return r.n;
}

START_TEST(records_come_in_the_order_of_time)
{
	put(300, 0);
	put(100, 0);
	put(200, 0);
	ck_assert_uint_eq(poll(false), 3);
	ck_assert_int_eq(r.times[0], 100);
	ck_assert_int_eq(r.times[1], 200);
	ck_assert_int_eq(r.times[2], 300);
	ck_assert_uint_eq(r.consumed, r.produced);
	ck_assert_uint_eq(poll(true), 0);
}
END_TEST

START_TEST(what_is_young_waits_for_what_may_be_before_it)
{
	struct timespec t;
	i64 now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (i64)t.tv_sec * 1000000000 + t.tv_nsec;
	put(now + 1000000000, 0);
	ck_assert_uint_eq(poll(false), 0);
	put(50, 0);
	ck_assert_uint_eq(poll(false), 1);
	ck_assert_int_eq(r.times[0], 50);
	ck_assert_uint_eq(poll(true), 1);
}
END_TEST

START_TEST(an_unfinished_record_holds_back_what_is_behind_it)
{
	u32 *busy;

	put(1, 0);
	busy = put(2, BPF_RINGBUF_BUSY_BIT);
	put(3, 0);
	ck_assert_uint_eq(poll(false), 1);
	*busy = RECORD_HEAD;
	ck_assert_uint_eq(poll(false), 2);
	put(4, BPF_RINGBUF_DISCARD_BIT);	/* nobody's */
	put(5, 0);
	ck_assert_uint_eq(poll(false), 1);
	ck_assert_int_eq(r.times[0], 5);
}
END_TEST

START_TEST(a_ring_goes_round)
{
	for (i64 i = 1; i < 1000; i++) {
		put(i, 0);
		if (i % 3)
			continue;
		ck_assert_uint_eq(poll(i & 1), 3);
		ck_assert_int_eq(r.times[2], i);
	}
}
END_TEST

START_TEST(losses_are_told_once)
{
	r.counts[COUNT_LOST] = 3;
	r.counts[COUNT_NO_G] = 1;
	r.counts[GENERATION] = 9;	/* is none */
	poll(false);
	poll(false);
	ck_assert_uint_eq(r.lost, 4);
	r.counts[COUNT_LOST] = 5;
	poll(true);
	ck_assert_uint_eq(r.lost, 6);
}
END_TEST

Suite *bpfring_suite(void)
{
	Suite *s = suite_create("bpfring");
	TCase *t = tcase_create("reader");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, records_come_in_the_order_of_time);
	tcase_add_test(t, what_is_young_waits_for_what_may_be_before_it);
	tcase_add_test(t, an_unfinished_record_holds_back_what_is_behind_it);
	tcase_add_test(t, a_ring_goes_round);
	tcase_add_test(t, losses_are_told_once);
	suite_add_tcase(s, t);
	return s;
}
