#include "shapes.h"

#include <pthread.h>
#include <time.h>

Suite *claims_suite(void);

/* Gate, table and rings: who may write, where, and what happens when there is no room. */

START_TEST(a_closed_gate_writes_nothing)
{
	struct cpu c = machine_cpu(&mc.t);

	probe_nothing();
	mc.region[NEAR_AT + NEAR_GATE] = 0;
	(void)machine_call(&mc, NOTHING, c);
	ck_assert_ptr_null(machine_ring(&mc, &mc.t));
	for (u32 i = 0; i < SHARED_RINGS; i++)
		if (i / 8 != SHARED_READY / 8)
			ck_assert_uint_eq(mc.shared[i], 0);
	mc.region[NEAR_AT + NEAR_GATE] = 1;
	(void)machine_call(&mc, NOTHING, c);
	ck_assert_ptr_nonnull(machine_ring(&mc, &mc.t));
}
END_TEST

static bool kept(const struct cpu *in, const struct cpu *out)
{
	bool ok = out->r[RSP] == in->r[RSP] + 8 && !memcmp(in->x, out->x, sizeof(in->x));

	for (unsigned i = 0; i < 16; i++)
		ok &= (i == RDX && !mc.rdx) || i == RSP || i == R12 || i == R13 || i == R15 ||
		      in->r[i] == out->r[i];
	return ok;
}

struct worker {
	pthread_t id;
	struct thread t;
	u32 calls;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	for (w->calls = 0; w->calls < 100; w->calls++) {
		struct cpu c = machine_cpu(&w->t), out = machine_run(&mc, &w->t, NOTHING, 0, &c);

		if (!kept(&c, &out))
			break;
	}
	return NULL;
}

START_TEST(threads_have_rings_of_their_own)
{
	static struct worker w[2];
	u8 got[RECORD_MAX];
	struct record_head h;

	probe_nothing();
	for (u32 i = 0; i < 2; i++)
		thread_begin(&mc, &w[i].t, 100 + i);
	for (u32 i = 0; i < 2; i++)
		ck_assert(!pthread_create(&w[i].id, NULL, work, &w[i]));
	for (u32 i = 0; i < 2; i++)
		pthread_join(w[i].id, NULL);
	ck_assert_ptr_ne(machine_ring(&mc, &w[0].t), machine_ring(&mc, &w[1].t));
	for (u32 i = 0; i < 2; i++) {
		u64 before = 0;

		ck_assert_uint_eq(w[i].calls, 100);
		for (u32 k = 0; k < 200; k++) {
			ck_assert(machine_take(&mc, &w[i].t, got, &h));
			expect_head(&h, &w[i].t, k % 2 ? SITE_EXIT : SITE_ENTRY, DEPTH);
			ck_assert_uint_le(before, h.tsc);
			before = h.tsc;
		}
		ck_assert(!machine_take(&mc, &w[i].t, got, &h));
	}
}
END_TEST

static u64 *table_word(u64 i)
{
	return (u64 *)(void *)(mc.shared + SHARED_OWNER + 8 * i);
}

static u64 slot_of_m(const u64 *m)
{
	return (u32)(uintptr_t)m * HASH >> (32 - RINGS_LOG2);
}

static u64 slot_of(const struct thread *t)
{
	return slot_of_m(t->m);
}

START_TEST(a_full_table_loses_and_counts)
{
	struct cpu c = machine_cpu(&mc.t);
	u64 lost;

	probe_nothing();
	for (u64 i = 0; i < RINGS; i++)
		*table_word(i) = 1;
	(void)machine_call(&mc, NOTHING, c);
	memcpy(&lost, mc.shared + SHARED_LOST, 8);
	ck_assert_uint_eq(lost, 2);		/* entry and exit */
	ck_assert_ptr_null(machine_ring(&mc, &mc.t));
}
END_TEST

/* All slots but one are somebody else's: every distance from the first one that is tried, around
 * the end. */
START_TEST(a_thread_finds_the_free_slot)
{
	static const u32 away[] = { 0, 1, 2, 500, RINGS - 1 };
	u64 first, lost;

	probe_nothing();
	first = slot_of(&mc.t);
	for (u32 k = 0; k < ARRAY_LEN(away); k++) {
		u64 free_one = (first + away[k]) % RINGS;
		struct cpu c = machine_cpu(&mc.t), out;
		u8 *ring;

		for (u64 i = 0; i < RINGS; i++)
			*table_word(i) = i == free_one ? 0 : 1;
		memset(mc.shared + SHARED_TABLE, 0, 8 * RINGS);
		out = machine_call(&mc, NOTHING, c);
		ck_assert_uint_eq(*table_word(free_one), (u64)(uintptr_t)mc.t.m);
		expect_words(&c, SITE_ENTRY);
		expect_words(&out, SITE_EXIT);
		(void)machine_call(&mc, NOTHING, c);	/* and finds it again */
		expect_words(&c, SITE_ENTRY);
		expect_words(&out, SITE_EXIT);
		ring = machine_ring(&mc, &mc.t);
		ck_assert_uint_eq(*ring_word_at(ring, RING_LOST), 0);
	}
	memcpy(&lost, mc.shared + SHARED_LOST, 8);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

/* As Go's allocator lays them out: one search for a free slot after the other would cost more than
 * the record. */
START_TEST(threads_that_lie_side_by_side_have_slots_of_their_own)
{
	enum { M_SIZE = 2048, MS = 64 };
	static _Alignas(M_SIZE) u64 m[MS][M_SIZE / 8];

	probe_nothing();
	for (u32 i = 0; i < MS; i++) {
		struct cpu c = machine_cpu(&mc.t);

		mc.t.g[G_M / 8] = (u64)(uintptr_t)m[i];
		(void)machine_run(&mc, &mc.t, NOTHING, 0, &c);
		ck_assert_uint_eq(*table_word(slot_of_m(m[i])), (u64)(uintptr_t)m[i]);
	}
}
END_TEST

static u64 *shared_word(u64 at)
{
	return (u64 *)(void *)(mc.shared + at);
}

START_TEST(without_a_ready_ring_the_slot_is_given_back)
{
	struct cpu c = machine_cpu(&mc.t), out;

	probe_nothing();
	*shared_word(SHARED_READY) = 0;
	(void)machine_call(&mc, NOTHING, c);
	ck_assert_uint_eq(*shared_word(SHARED_LOST), 2);
	ck_assert_uint_eq(*shared_word(SHARED_NEXT), 0);
	ck_assert_uint_eq(*table_word(slot_of(&mc.t)), 0);
	*shared_word(SHARED_READY) = 1;
	out = machine_call(&mc, NOTHING, c);
	ck_assert_uint_eq(*shared_word(SHARED_NEXT), 1);
	expect_words(&c, SITE_ENTRY);
	expect_words(&out, SITE_EXIT);
}
END_TEST

enum { CLAIMERS = 4, OWNERS = 200 };

/* One thread after the other that has just begun; each calls until it has a ring. */
static void *claim_many(void *arg)
{
	struct thread *t = arg;

	for (u32 i = 0; i < OWNERS; i++) {
		struct cpu c = machine_cpu(&t[i]);

		thread_begin(&mc, &t[i], i);
		while (!machine_ring(&mc, &t[i]))
			(void)machine_run(&mc, &t[i], NOTHING, 0, &c);
	}
	return NULL;
}

START_TEST(a_ring_is_handed_out_once)
{
	static struct thread t[CLAIMERS][OWNERS];
	static u8 seen[RINGS];
	pthread_t id[CLAIMERS];

	probe_nothing();
	*shared_word(SHARED_READY) = 0;
	for (u32 i = 0; i < CLAIMERS; i++)
		ck_assert(!pthread_create(&id[i], NULL, claim_many, t[i]));
	while (__atomic_load_n(shared_word(SHARED_NEXT), __ATOMIC_RELAXED) < CLAIMERS * OWNERS) {
		u64 next = __atomic_load_n(shared_word(SHARED_NEXT), __ATOMIC_RELAXED);

		__atomic_store_n(shared_word(SHARED_READY), MIN(next + 1, (u64)RINGS),
				 __ATOMIC_RELEASE);
	}
	for (u32 i = 0; i < CLAIMERS; i++)
		pthread_join(id[i], NULL);
	for (u32 i = 0; i < CLAIMERS * OWNERS; i++) {
		u8 *ring = machine_ring(&mc, &t[i / OWNERS][i % OWNERS]);
		u64 number = (u64)(ring - mc.shared - SHARED_RINGS) / ring_stride(BUFFER);

		ck_assert_msg(!seen[number]++, "ring %u has two writers", (u32)number);
	}
}
END_TEST

/* A signal handler came between the two steps of a claim, on the same thread. */
START_TEST(a_slot_that_is_owned_and_not_entered_loses_the_record)
{
	struct cpu c = machine_cpu(&mc.t);

	probe_nothing();
	*table_word(slot_of(&mc.t)) = (u64)(uintptr_t)mc.t.m;
	(void)machine_call(&mc, NOTHING, c);
	ck_assert_uint_eq(*shared_word(SHARED_LOST), 2);
	ck_assert_uint_eq(*shared_word(SHARED_NEXT), 0);
}
END_TEST

/* Calls until there is no room; gives how many records there are. */
static u32 fill_ring(void)
{
	struct cpu c = machine_cpu(&mc.t);
	u8 *ring;
	u32 n = 0;

	(void)machine_run(&mc, &mc.t, NOTHING, 0, &c);
	ring = machine_ring(&mc, &mc.t);
	while (*ring_word_at(ring, RING_HEAD) <= ring_waits(&mc.layout)) {
		(void)machine_run(&mc, &mc.t, NOTHING, 0, &c);
		ck_assert_uint_lt(++n, 10000);
	}
	ck_assert_uint_le(*ring_word_at(ring, RING_LOST), 1);	/* the exit of the last call */
	ck_assert_uint_le(*ring_word_at(ring, RING_HEAD), ring_waits(&mc.layout) + 64);
	return (u32)(*ring_word_at(ring, RING_HEAD) / 64);
}

START_TEST(a_full_ring_loses_counts_and_goes_on)
{
	struct cpu c = machine_cpu(&mc.t), out;
	u8 got[RECORD_MAX], *ring;
	struct record_head h;
	u64 lost;
	u32 n;

	probe_nothing();
	n = fill_ring();
	ring = machine_ring(&mc, &mc.t);
	lost = *ring_word_at(ring, RING_LOST);
	for (u32 i = 1; i <= 3; i++) {
		(void)machine_call(&mc, NOTHING, c);
		ck_assert_uint_eq(*ring_word_at(ring, RING_HEAD), 64 * n);
		ck_assert_uint_ge(*ring_word_at(ring, RING_LOST) - lost, 2 * i - 1);
		ck_assert_uint_le(*ring_word_at(ring, RING_LOST) - lost, 2 * i);
	}
	for (u32 i = 0; i < n; i++)
		ck_assert(machine_take(&mc, &mc.t, got, &h));
	expect_nothing_more();
	out = machine_call(&mc, NOTHING, c);
	expect_words(&c, SITE_ENTRY);
	expect_words(&out, SITE_EXIT);
	expect_nothing_more();
}
END_TEST

/* A signal handler comes while a record is being written: what that one keeps stays. */
START_TEST(a_handlers_record_has_scratch_of_its_own)
{
	struct read reads[] = {
		{ .kind = READ_INT, .reg = 0, .size = 8, .at = 32 },
		{ .kind = READ_MEM, .from = 32, .size = 24, .status = 40, .at = 48 },
	};
	struct reading r = { .reads = reads, .nreads = 2, .size = 72 };
	struct cpu c = machine_cpu(&mc.t);
	u8 kept[SCRATCH_SIZE], *ring, *piece;

	heap_begin();
	machine_probe(&mc, NOTHING, r, r);
	machine_patch(&mc);
	c.r[RAX] = (u64)(uintptr_t)heap;
	(void)machine_call(&mc, NOTHING, c);
	expect_bytes(&r, &c, SITE_ENTRY);
	expect_bytes(&r, &c, SITE_EXIT);
	ring = machine_ring(&mc, &mc.t);
	ck_assert_uint_eq(*ring_word_at(ring, RING_TOP), 0);
	*ring_word_at(ring, RING_TOP) = (u64)_i * SCRATCH_SIZE;
	piece = ring + RING_SCRATCH + (u64)_i % 16 * SCRATCH_SIZE;
	memset(kept, 0xa5, sizeof(kept));
	memcpy(piece, kept, sizeof(kept));
	(void)machine_call(&mc, NOTHING, c);
	expect_bytes(&r, &c, SITE_ENTRY);
	expect_bytes(&r, &c, SITE_EXIT);
	ck_assert_mem_eq(piece, kept, sizeof(kept));
	ck_assert_uint_eq(*ring_word_at(ring, RING_TOP), (u64)_i * SCRATCH_SIZE);
}
END_TEST

/* Several times around, with a reader that keeps up: records of a size that divides nothing. */
START_TEST(records_run_past_the_end_of_the_ring)
{
	struct read reads[] = {
		{ .kind = READ_INT, .reg = 0, .size = 8, .at = 32 },
		{ .kind = READ_MEM, .from = 32, .size = 1000, .status = 40, .at = 48 },
	};
	struct reading r = { .reads = reads, .nreads = 2, .size = 1048 };

	heap_begin();
	machine_probe(&mc, NOTHING, r, r);
	machine_patch(&mc);
	for (u32 i = 0; i < 200; i++) {
		struct cpu c = machine_cpu(&mc.t);

		c.r[RAX] = (u64)(uintptr_t)heap + 8 * i;
		(void)machine_call(&mc, NOTHING, c);
		expect_bytes(&r, &c, SITE_ENTRY);
		expect_bytes(&r, &c, SITE_EXIT);
	}
	ck_assert_uint_gt(*ring_word_at(machine_ring(&mc, &mc.t), RING_TAIL), 10 * BUFFER);
}
END_TEST

/* Lossless */

static void set_shared(u64 at, u64 v)
{
	memcpy(mc.shared + at, &v, 8);
}

static u64 lossless(u64 wait)
{
	mc.layout.lossless = true;
	mc.plan.request.entry_only = mc.rdx = true;
	set_shared(SHARED_WAIT, wait);
	probe_nothing();
	return fill_ring();
}

static u64 lost(void)
{
	return *ring_word_at(machine_ring(&mc, &mc.t), RING_LOST);
}

static void *read_later(void *arg)
{
	u8 *ring = arg;
	struct timespec ts = { .tv_nsec = 30 * 1000 * 1000 };

	nanosleep(&ts, NULL);
	__atomic_store_n(ring_word_at(ring, RING_TAIL), *ring_word_at(ring, RING_HEAD),
			 __ATOMIC_RELEASE);
	return NULL;
}

static i64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (i64)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

START_TEST(lossless_waits_for_the_reader)
{
	struct cpu c = machine_cpu(&mc.t), out;
	pthread_t id;
	u64 head;
	i64 before;

	head = 64 * lossless(~0ull);
	ck_assert(!pthread_create(&id, NULL, read_later, machine_ring(&mc, &mc.t)));
	before = now_ns();
	out = machine_run(&mc, &mc.t, NOTHING, 0, &c);
	ck_assert_int_ge(now_ns() - before, 25 * 1000 * 1000);
	pthread_join(id, NULL);
	ck_assert(kept(&c, &out));
	ck_assert_uint_eq(lost(), 0);
	ck_assert_uint_eq(*ring_word_at(machine_ring(&mc, &mc.t), RING_HEAD), head + 64);
}
END_TEST

static u64 waited(struct thread *t)
{
	struct cpu c = machine_cpu(t), out;
	u64 before = __builtin_ia32_rdtsc(), after;

	out = machine_run(&mc, t, NOTHING, 0, &c);
	after = __builtin_ia32_rdtsc();
	ck_assert(kept(&c, &out));
	return after - before;
}

enum { BUSY = 400 * 1000 * 1000 };

/* Another ring's records are older, and there are many of them. */
static void *get_on(void *arg)
{
	struct timespec ms = { .tv_nsec = 1000 * 1000 };
	u64 began = __builtin_ia32_rdtsc();

	for (u64 i = 1; __builtin_ia32_rdtsc() - began < 3 * BUSY; i++) {
		set_shared(SHARED_BEAT, i);
		nanosleep(&ms, NULL);
	}
	return read_later(arg);
}

START_TEST(lossless_waits_for_a_reader_who_is_busy_elsewhere)
{
	pthread_t id;

	(void)lossless(BUSY);
	ck_assert(!pthread_create(&id, NULL, get_on, machine_ring(&mc, &mc.t)));
	ck_assert_uint_gt(waited(&mc.t), 2 * (u64)BUSY);
	pthread_join(id, NULL);
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

/* If it waited it would wait for ever, and the test would run out of time. */
START_TEST(nobody_waits_for_a_dead_reader)
{
	(void)lossless(~0ull);
	set_shared(SHARED_READER, 0x40000000);
	(void)waited(&mc.t);
	ck_assert_uint_eq(lost(), 1);
	set_shared(SHARED_READER, 0);
	(void)waited(&mc.t);		/* given up once is given up until he moves */
	ck_assert_uint_eq(lost(), 2);
}
END_TEST

START_TEST(a_wait_ends_at_its_limit_and_is_the_last)
{
	enum { LIMIT = 40 * 1000 * 1000 };
	u64 *tail;

	(void)lossless(LIMIT);
	ck_assert_uint_gt(waited(&mc.t), LIMIT);
	ck_assert_uint_eq(lost(), 1);
	set_shared(SHARED_WAIT, ~0ull);
	(void)waited(&mc.t);
	ck_assert_uint_eq(lost(), 2);
	tail = ring_word_at(machine_ring(&mc, &mc.t), RING_TAIL);
	*tail += 8; /* he moves, but not far enough: waiting is worth while again */
	set_shared(SHARED_WAIT, LIMIT);
	ck_assert_uint_gt(waited(&mc.t), LIMIT / 2);
}
END_TEST

/* R14 may hold anything in assembly: what counts is TLS. */
START_TEST(the_scheduler_and_signal_handlers_never_wait)
{
	u64 *g = _i % 2 ? mc.t.g0 : mc.t.gsignal;
	struct cpu c = machine_cpu(&mc.t), out;
	u64 m_word[] = { M_G0, mc.mem.prog.rel->m_gsignal };
	u64 was;

	(void)lossless(~0ull);
	was = mc.t.m[m_word[_i % 2 ? 0 : 1] / 8];
	ck_assert_uint_eq(was, (u64)(uintptr_t)g);
	memcpy(g, mc.t.g, sizeof(mc.t.g));
	c.r[R14] = (u64)(uintptr_t)g;
	mc.t.stack[AT_CALL] = (u64)(uintptr_t)machine_left;
	tls_g = (u64)(uintptr_t)g;
	for (u32 n = 0; !lost(); n++) {	/* into the room that goroutines leave free, to its end */
		ck_assert_uint_lt(n, 10000);
		machine_enter(&c, &out, mc.text_rt + SLOT * NOTHING);
		ck_assert(kept(&c, &out));
	}
	ck_assert_uint_eq(*ring_word_at(machine_ring(&mc, &mc.t), RING_HEAD),
			  round_up(ring_holds(&mc.layout) + 1, 64));
}
END_TEST

Suite *claims_suite(void)
{
	Suite *s = suite_create("claims");
	TCase *t = tcase_create("code");

	tcase_add_checked_fixture(t, shapes_begin, shapes_end);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, a_closed_gate_writes_nothing);
	tcase_add_test(t, threads_have_rings_of_their_own);
	tcase_add_test(t, a_full_table_loses_and_counts);
	tcase_add_test(t, without_a_ready_ring_the_slot_is_given_back);
	tcase_add_test(t, a_slot_that_is_owned_and_not_entered_loses_the_record);
	tcase_add_test(t, a_thread_finds_the_free_slot);
	tcase_add_test(t, threads_that_lie_side_by_side_have_slots_of_their_own);
	tcase_add_test(t, a_ring_is_handed_out_once);
	tcase_add_test(t, a_full_ring_loses_counts_and_goes_on);
	tcase_add_test(t, records_run_past_the_end_of_the_ring);
	tcase_add_loop_test(t, a_handlers_record_has_scratch_of_its_own, 1, 20);
	tcase_add_test(t, lossless_waits_for_the_reader);
	tcase_add_test(t, lossless_waits_for_a_reader_who_is_busy_elsewhere);
	tcase_add_test(t, nobody_waits_for_a_dead_reader);
	tcase_add_test(t, a_wait_ends_at_its_limit_and_is_the_last);
	tcase_add_loop_test(t, the_scheduler_and_signal_handlers_never_wait, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
