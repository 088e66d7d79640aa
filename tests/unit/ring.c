/* The reader's side of the rings, on rings that the test writes as a thread of the target would. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inline/session.h"

Suite *ring_suite(void);

enum { BUFFER = 65536, SIZE = 48, TEXT_ROOM = 64, MOST = SIZE + TEXT_ROOM, RECORDS = 4096 };
enum { STATUS = 40, PACKED = 8 };	/* PACKED: a site */

static struct read text = {
	.kind = READ_BYTES, .packed = true, .status = STATUS, .size = TEXT_ROOM,
};
static struct plan_func funcs[] = {
	{ .entry = { .size = SIZE }, .exit = { .size = SIZE }, .shown = true },
	{ .refusal = REFUSE_SHORT },
	{ .entry = { .reads = &text, .nreads = 1, .size = SIZE, .texts = TEXT_ROOM },
	  .shown = true },
};
static struct plan plan = { .funcs = funcs, .nfuncs = ARRAY_LEN(funcs) };
static struct inline_session *s;

static struct record got[RECORDS];
static u64 ngot, nlost;
static u32 text_status;	/* of the last packed text */
static void (*meanwhile)(void);	/* what the target does when the first one is handed over */

static void on_record(void *ctx, const struct record *r)
{
	(void)ctx;
	ck_assert_uint_lt(ngot, RECORDS);
	if (r->func == PACKED / 4) {
		memcpy(&text_status, r->bytes + STATUS, sizeof(text_status));
		ck_assert_uint_eq(record_bytes(r->bytes, &funcs[PACKED / 4].entry), r->size);
	}
	got[ngot++] = *r;
	if (meanwhile && ngot == 1)
		meanwhile();
}

static void on_lost(void *ctx, u64 count, i64 from, i64 to)
{
	(void)ctx;
	ck_assert_int_le(from, to);
	nlost += count;
}

static u64 *at(u32 ring, u64 off)
{
	return (u64 *)(void *)(s->shared + SHARED_RINGS + ring * ring_stride(BUFFER) + off);
}

static void setup(void)
{
	struct err err;

	s = calloc(1, sizeof(*s));
	s->plan = &plan;
	s->layout.buffer = BUFFER;
	s->rings_most = RINGS;
	s->shared_bytes = shared_size(BUFFER, RINGS);
	s->memfd = memfd_create("rings", MFD_CLOEXEC);
	ck_assert(rings_grow(s, 10, &err));
	s->shared = mmap(NULL, s->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			 s->memfd, 0);
	ck_assert_ptr_ne(s->shared, MAP_FAILED);
	tsc_start(&s->clock);
	tsc_measure(&s->clock);
	ck_assert(rings_hold(s, &err));
	rings_start(s);
	ngot = nlost = 0;
	meanwhile = NULL;
}

static void teardown(void)
{
	rings_end(s);
	munmap(s->shared, s->shared_bytes);
	close(s->memfd);
	arena_release(&s->arena);
	mem_free(s);
}

static void claim(u32 ring)
{
	u64 *next = (u64 *)(void *)(s->shared + SHARED_NEXT);

	*next = MAX(*next, (u64)ring + 1);
}

/* Reserves; the record is there only after commit(). */
static u8 *reserve_bytes(u32 ring, u32 size)
{
	u64 head = *at(ring, RING_HEAD);

	claim(ring);
	*at(ring, RING_HEAD) = head + size;
	return (u8 *)at(ring, RING_DATA + (head & (BUFFER - 1)));
}

static u8 *reserve(u32 ring)
{
	return reserve_bytes(ring, SIZE);
}

static void commit(u8 *slot, u64 site, u64 tsc, u64 goid)
{
	struct record_head h = {
		.commit = 1 + site, .tsc = tsc, .goid = goid, .depth = 40, .g = 7
	};

	memcpy(slot, &h, sizeof(h));
}

static void put(u32 ring, u64 tsc, u64 goid)
{
	commit(reserve(ring), SITE_ENTRY, tsc, goid);
}

static u64 poll_all(void)
{
	return rings_poll(s, true, on_record, on_lost, NULL);
}

static u64 long_ago(u64 n)
{
	return s->clock.tsc0 + n;
}

START_TEST(rings_are_merged_by_time)
{
	put(3, long_ago(10), 1);
	put(3, long_ago(40), 4);
	put(9, long_ago(20), 2);
	put(9, long_ago(50), 5);
	put(0, long_ago(30), 3);
	ck_assert_uint_eq(poll_all(), 5);
	for (u64 i = 0; i < 5; i++)
		ck_assert_uint_eq(got[i].goid, i + 1);
	ck_assert_uint_eq(got[0].func, 0);
	ck_assert_int_eq(got[0].kind, SITE_ENTRY);
	ck_assert_uint_eq(got[0].depth, 40);
	ck_assert_uint_eq(got[0].size, SIZE);
}
END_TEST

START_TEST(a_goroutine_without_an_id_is_known_by_its_g)
{
	put(1, long_ago(1), 0);
	poll_all();
	ck_assert_uint_eq(got[0].goid, (u64)1 << 63 | 7);
}
END_TEST

START_TEST(what_is_taken_is_zeroed_and_published)
{
	put(1, long_ago(1), 1);
	poll_all();
	ck_assert_uint_eq(*at(1, RING_TAIL), SIZE);
	for (u32 i = 0; i < SIZE; i += 8)
		ck_assert_uint_eq(*at(1, RING_DATA + i), 0);
}
END_TEST

START_TEST(a_slot_that_is_not_committed_holds_back_what_is_younger)
{
	u8 *slot;

	put(1, long_ago(10), 1);
	slot = reserve(1);
	put(2, long_ago(5), 2);
	put(2, long_ago(20), 3);
	ck_assert_uint_eq(rings_poll(s, false, on_record, on_lost, NULL), 2);
	ck_assert_uint_eq(got[0].goid, 2);
	ck_assert_uint_eq(got[1].goid, 1);
	commit(slot, SITE_ENTRY, long_ago(15), 4);
	ck_assert_uint_eq(rings_poll(s, false, on_record, on_lost, NULL), 2);
	ck_assert_uint_eq(got[2].goid, 4);
	ck_assert_uint_eq(got[3].goid, 3);
}
END_TEST

/* It was reserved since we looked last: a thread whose records are all rubbed out is met so again
 * and again. */
START_TEST(a_slot_that_was_not_there_holds_back_what_has_happened_since)
{
	u64 looked = __rdtsc();
	u8 *slot;

	put(2, long_ago(1), 1);
	ck_assert_uint_eq(rings_poll(s, false, on_record, on_lost, NULL), 1);
	slot = reserve(1);
	put(2, looked - 1000000, 2);
	put(2, __rdtsc(), 3);
	while (__rdtsc() - looked < 10000000)
		;
	ck_assert_uint_eq(rings_poll(s, false, on_record, on_lost, NULL), 1);
	ck_assert_uint_eq(got[1].goid, 2);
	commit(slot, SITE_ENTRY, looked + 1000, 4);
	ck_assert_uint_eq(rings_poll(s, false, on_record, on_lost, NULL), 2);
	ck_assert_uint_eq(got[2].goid, 4);
	ck_assert_uint_eq(got[3].goid, 3);
}
END_TEST

START_TEST(what_is_younger_than_the_horizon_waits)
{
	put(1, __rdtsc() + ((u64)1 << 29), 1);
	ck_assert_uint_eq(rings_poll(s, false, on_record, on_lost, NULL), 0);
	ck_assert_uint_eq(poll_all(), 1);
}
END_TEST

/* The machine was suspended, and its time stamps have begun anew. */
START_TEST(what_is_from_before_a_suspension_is_the_oldest)
{
	put(1, __rdtsc() + ((u64)1 << 50), 1);
	put(1, UINT64_MAX, 2);
	put(1, long_ago(20), 4);
	put(2, long_ago(10), 3);
	put(2, __rdtsc() + ((u64)1 << 29), 5);
	ck_assert_uint_eq(rings_poll(s, false, on_record, on_lost, NULL), 4);
	for (u64 i = 0; i < 4; i++)
		ck_assert_uint_eq(got[i].goid, i + 1);
	ck_assert_int_eq(got[0].time_ns, tsc_to_ns(&s->clock, 0));
}
END_TEST

START_TEST(records_go_on_past_the_end_of_the_ring)
{
	u64 n = 0;

	for (u32 lap = 0; lap < 4; lap++) {
		for (u32 i = 0; i < 1000; i++)
			put(5, long_ago(n + 1), n + 1), n++;
		ngot = 0;
		ck_assert_uint_eq(poll_all(), 1000);
		for (u32 i = 0; i < 1000; i++)
			ck_assert_uint_eq(got[i].goid, n - 1000 + i + 1);
	}
	ck_assert_uint_gt(*at(5, RING_TAIL), 2 * BUFFER);
	ck_assert_uint_eq(nlost, 0);
}
END_TEST

START_TEST(garbage_loses_the_ring_up_to_its_head_and_nothing_else)
{
	static const u64 sites[] = { 4, 7, 1 << 20,
				     UINT64_MAX - 1 }; /* refused, refused, none, none */

	for (size_t i = 0; i < ARRAY_LEN(sites); i++) {
		put(1, long_ago(1), 1);
		commit(reserve(1), sites[i], long_ago(2), 2);
		put(1, long_ago(3), 3);
		put(2, long_ago(4), 4);
		ngot = nlost = 0;
		ck_assert_uint_eq(poll_all(), 2);
		ck_assert_uint_eq(got[0].goid, 1);
		ck_assert_uint_eq(got[1].goid, 4);
		poll_all();
		ck_assert_uint_ge(nlost, 1);
		put(1, long_ago(5), 5);		/* and it goes on */
		ck_assert_uint_eq(poll_all(), 1);
		ck_assert_uint_eq(got[2].goid, 5);
	}
}
END_TEST

/* A packed text of n bytes at `where`, in a record that says that it has `size`. */
static void commit_packed(u8 *slot, u32 size, u32 n, u32 where, u64 goid)
{
	u32 says = record_status(n, where);

	if (size > STATUS)
		memcpy(slot + STATUS, &says, sizeof(says));
	commit(slot, (u64)size << 32 | PACKED, long_ago(goid), goid);
}

/* ... of which `size` bytes were needed, nobody having reserved behind it. */
static void put_packed(u32 ring, u32 size, u64 goid)
{
	u8 *slot = reserve_bytes(ring, MOST);

	*at(ring, RING_HEAD) -= MOST - size;
	commit_packed(slot, size, size - SIZE, SIZE, goid);
}

START_TEST(a_record_is_as_long_as_it_says)
{
	put_packed(1, SIZE + 16, 1);
	put(1, long_ago(2), 2);
	put_packed(1, SIZE, 3);		/* no text at all */
	put_packed(1, MOST, 4);
	put_packed(1, RECORD_HEAD, 5);	/* less than what has its place: that is zero */
	ck_assert_uint_eq(poll_all(), 5);
	ck_assert_uint_eq(nlost, 0);
	ck_assert_uint_eq(got[0].size, SIZE + 16);
	ck_assert_uint_eq(got[1].size, SIZE);
	ck_assert_uint_eq(got[2].size, SIZE);
	ck_assert_uint_eq(got[3].size, MOST);
	ck_assert_uint_eq(got[4].size, SIZE);
	ck_assert_uint_eq(text_status, 0);
	for (u32 i = 0; i < 2 * MOST + 3 * SIZE; i += 8)
		ck_assert_uint_eq(*at(1, RING_DATA + i), 0);
}
END_TEST

START_TEST(a_size_that_lies_loses_the_ring_up_to_its_head)
{
	static const u32 sizes[] = { RECORD_HEAD - 8, SIZE + 4, MOST + 8, 0xfffffff8 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		commit_packed(reserve_bytes(1, MOST), sizes[i], 0, 0, 1);
		put(2, long_ago(2), 2);
		ngot = nlost = 0;
		ck_assert_uint_eq(poll_all(), 1);
		ck_assert_uint_eq(got[0].goid, 2);
		poll_all();
		ck_assert_uint_ge(nlost, 1);
	}
}
END_TEST

START_TEST(a_text_that_lies_cannot_be_read)
{
	static const struct { u32 n, where; bool good; } texts[] = {
		{ 16, SIZE, true }, { 17, SIZE, false }, { 8, SIZE + 16, false },
		{ 0xffff, SIZE, false }, { 1, 0x7fff8, false }, { 16, 0, false },
		{ 8, SIZE - 8, false }, { 8, SIZE + 8, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		u8 *slot = reserve_bytes(1, SIZE + 16);

		commit_packed(slot, SIZE + 16, texts[i].n, texts[i].where, 1);
		ck_assert_uint_eq(poll_all(), 1);
		ck_assert_uint_eq(text_status, texts[i].good ?
				  record_status(texts[i].n, texts[i].where) : CAPTURE_UNREADABLE);
	}
}
END_TEST

/* The second record was reserved when we looked, and needs less; others take what is left. */
static u8 *reserved;
static void others_follow(void)
{
	*at(1, RING_HEAD) -= MOST - SIZE - 8;
	commit_packed(reserved, SIZE + 8, 8, SIZE, 2);
	put(1, long_ago(3), 3);
	put(1, long_ago(4), 4);		/* over the head that we know */
}

START_TEST(what_is_given_back_may_be_anothers_when_we_get_there)
{
	put(1, long_ago(1), 1);
	reserved = reserve_bytes(1, MOST);
	meanwhile = others_follow;
	ck_assert_uint_eq(poll_all(), 4);
	for (u64 i = 0; i < 4; i++)
		ck_assert_uint_eq(got[i].goid, i + 1);
	ck_assert_uint_eq(*at(1, RING_TAIL), *at(1, RING_HEAD));
	poll_all();
	ck_assert_uint_eq(nlost, 0);
}
END_TEST

static void nobody_follows(void)
{
	*at(1, RING_HEAD) -= TEXT_ROOM;
	commit_packed(reserved, SIZE, 0, 0, 2);
}

/* ...nor is it waited for: younger ones of others are handed over. */
START_TEST(what_is_given_back_is_not_waited_for)
{
	put(1, long_ago(1), 1);
	reserved = reserve_bytes(1, MOST);
	put(2, long_ago(3), 3);
	meanwhile = nobody_follows;
	ck_assert_uint_eq(rings_poll(s, false, on_record, on_lost, NULL), 3);
	poll_all();
	ck_assert_uint_eq(nlost, 0);
}
END_TEST

/* The thread goes on at the ring's beginning, or said so and did not. */
static void begin_again(u32 ring, bool does)
{
	u64 tail = *at(ring, RING_TAIL);

	*at(ring, RING_AGAIN) = tail + 1;
	if (does)
		*at(ring, RING_HEAD) = (tail | (BUFFER - 1)) + 1;
}

START_TEST(a_ring_that_goes_on_at_its_beginning_is_followed)
{
	for (u64 lap = 0; lap < 3; lap++) {
		u64 n;

		for (n = 1; (*at(1, RING_HEAD) & (BUFFER - 1)) < RING_AGAIN_FROM; n++)
			put(1, long_ago(n), n);
		*at(1, RING_LIMIT) = 1;
		ngot = 0;
		ck_assert_uint_eq(poll_all(), n - 1);
		ck_assert_uint_eq(*at(1, RING_LIMIT), 0);	/* the thread is to look */
		begin_again(1, true);
		if (lap)	/* looked at before there is anything, or not */
			ck_assert_uint_eq(poll_all(), 0);
		put(1, long_ago(n), n);
		ck_assert_uint_ne(*at(1, RING_DATA), 0);
		ck_assert_uint_eq(poll_all(), 1);
		ck_assert_uint_eq(got[ngot - 1].goid, n);
		ck_assert_uint_eq(*at(1, RING_TAIL), (lap + 1) * BUFFER + SIZE);
		begin_again(1, false);
		put(1, long_ago(n + 1), n + 1);
		ck_assert_uint_eq(poll_all(), 1);
		ck_assert_uint_eq(nlost, 0);
	}
}
END_TEST

START_TEST(a_ring_is_offered_its_beginning_when_it_is_far_and_empty)
{
	put(1, long_ago(1), 1);
	*at(1, RING_LIMIT) = 1;
	poll_all();
	ck_assert_uint_eq(*at(1, RING_LIMIT), 1);
	while (*at(1, RING_HEAD) < RING_AGAIN_FROM)
		put(1, long_ago(2), 2);
	(void)reserve(1);	/* not committed */
	poll_all();
	ck_assert_uint_eq(*at(1, RING_LIMIT), 1);
}
END_TEST

START_TEST(a_head_that_lies_is_not_followed)
{
	claim(1);
	*at(1, RING_HEAD) = (u64)1 << 40;
	ck_assert_uint_eq(poll_all(), 0);
	ck_assert_uint_ge(nlost, 1);
	put(1, long_ago(1), 1);
	ck_assert_uint_eq(poll_all(), 1);
}
END_TEST

START_TEST(what_the_target_lost_is_counted_once)
{
	put(1, long_ago(1), 1);
	*at(1, RING_LOST) = 5;
	*(u64 *)(void *)(s->shared + SHARED_LOST) = 2;
	poll_all();
	ck_assert_uint_eq(nlost, 7);
	*at(1, RING_LOST) = 6;
	poll_all();
	ck_assert_uint_eq(nlost, 8);
}
END_TEST

START_TEST(there_are_rings_before_the_last_is_handed_out)
{
	struct stat st;

	for (u32 i = 0; i < 300; i++) {
		put(i, long_ago(i + 1), i + 1);
		ck_assert_uint_eq(poll_all(), 1);
		ck_assert_uint_gt(*(u64 *)(void *)(s->shared + SHARED_READY), i + 1);
	}
	ck_assert_int_eq(fstat(s->memfd, &st), 0);
	ck_assert_uint_eq((u64)st.st_size, shared_size(BUFFER, s->ready));
	ck_assert_uint_lt(s->ready, RINGS);
}
END_TEST

/* What is held back for ever is not to be waited for: only what gets done counts. */
START_TEST(those_who_wait_see_that_we_get_on)
{
	u64 *beat = (u64 *)(void *)(s->shared + SHARED_BEAT), before = *beat;

	(void)reserve(0);
	ck_assert_uint_eq(rings_poll(s, false, on_record, on_lost, NULL), 0);
	rings_output_blocks(s, true);
	rings_output_blocks(s, false);
	ck_assert_uint_eq(*beat, before);
	put(1, long_ago(10), 1);
	ck_assert_uint_eq(poll_all(), 1);
	ck_assert_uint_gt(*beat, before);
	before = *beat;
	rings_output_blocks(s, true);
	ck_assert_uint_gt(*beat, before);
	before = *beat;
	rings_output_blocks(s, false);
	ck_assert_uint_gt(*beat, before);
	before = *beat;
	rings_output_blocks(s, true);
	ck_assert_uint_eq(*beat, before);
}
END_TEST

/* The word says who reads, and the kernel marks it however he dies. */
START_TEST(the_kernel_marks_the_lock_of_a_reader_who_dies)
{
	u32 *word = (u32 *)(void *)(s->shared + SHARED_READER);
	struct err err;
	pid_t pid;
	int status;

	ck_assert_uint_eq(*word, (u32)gettid());
	rings_end(s);
	ck_assert_uint_eq(*word, 0);
	pid = fork();
	if (pid == 0) {
		if (!rings_hold(s, &err) || *word != (u32)gettid())
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_uint_eq(*word, 0x40000000);	/* FUTEX_OWNER_DIED */
}
END_TEST

/* The target can write to all of the shared memory: nothing in it is a pointer that we follow. */
START_TEST(the_lock_is_given_back_whatever_stands_around_it)
{
	memset(s->shared + SHARED_READER, 0x41, 64);
	rings_end(s);
	ck_assert_uint_eq(*(u32 *)(void *)(s->shared + SHARED_READER), 0);
}
END_TEST

Suite *ring_suite(void)
{
	Suite *suite = suite_create("ring");
	TCase *t = tcase_create("ring");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, those_who_wait_see_that_we_get_on);
	tcase_add_test(t, rings_are_merged_by_time);
	tcase_add_test(t, a_goroutine_without_an_id_is_known_by_its_g);
	tcase_add_test(t, what_is_taken_is_zeroed_and_published);
	tcase_add_test(t, a_slot_that_is_not_committed_holds_back_what_is_younger);
	tcase_add_test(t, a_slot_that_was_not_there_holds_back_what_has_happened_since);
	tcase_add_test(t, what_is_younger_than_the_horizon_waits);
	tcase_add_test(t, what_is_from_before_a_suspension_is_the_oldest);
	tcase_add_test(t, records_go_on_past_the_end_of_the_ring);
	tcase_add_test(t, garbage_loses_the_ring_up_to_its_head_and_nothing_else);
	tcase_add_test(t, a_record_is_as_long_as_it_says);
	tcase_add_test(t, a_size_that_lies_loses_the_ring_up_to_its_head);
	tcase_add_test(t, a_text_that_lies_cannot_be_read);
	tcase_add_test(t, what_is_given_back_may_be_anothers_when_we_get_there);
	tcase_add_test(t, what_is_given_back_is_not_waited_for);
	tcase_add_test(t, a_ring_that_goes_on_at_its_beginning_is_followed);
	tcase_add_test(t, a_ring_is_offered_its_beginning_when_it_is_far_and_empty);
	tcase_add_test(t, a_head_that_lies_is_not_followed);
	tcase_add_test(t, what_the_target_lost_is_counted_once);
	tcase_add_test(t, there_are_rings_before_the_last_is_handed_out);
	tcase_add_test(t, the_kernel_marks_the_lock_of_a_reader_who_dies);
	tcase_add_test(t, the_lock_is_given_back_whatever_stands_around_it);
	suite_add_tcase(suite, t);
	return suite;
}
