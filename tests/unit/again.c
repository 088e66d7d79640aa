/* A ring that goes on at its beginning, where the reader has consumed all. A signal handler may
 * come before every instruction of that, so one does. */
#include "stepped.h"

Suite *again_suite(void);

enum { LARGE = 4 * RING_AGAIN_FROM, EACH = 64 /* bytes of a record */ };

static u8 *ring;

static void again_begin(void)
{
	machine_begin(&mc, 22, functions, SLOTS, LARGE);
}

/* A ring in which all up to `tail` was consumed; the thread is to look at that. */
static void ring_stands_at(u64 tail, u64 head)
{
	*ring_word_at(ring, RING_TAIL) = tail;
	*ring_word_at(ring, RING_HEAD) = head;
	*ring_word_at(ring, RING_LIMIT) = 0;
	*ring_word_at(ring, RING_AGAIN) = 0;
	*ring_word_at(ring, RING_LOST) = 0;
	memset(ring + RING_DATA, 0, LARGE + RING_ROOM);
}

static void call(void)
{
	struct cpu c = machine_cpu(&mc.t);

	(void)machine_call(&mc, NOTHING, c);
}

static void probe(bool lossless)
{
	mc.layout.lossless = lossless;
	probe_nothing();
	call();
	ring = machine_ring(&mc, &mc.t);
}

static u64 head(void)
{
	return *ring_word_at(ring, RING_HEAD);
}

/* What the reader does before he takes a record (ring.c). */
static void reader_looks(void)
{
	u64 *tail = ring_word_at(ring, RING_TAIL), to = (*tail | (LARGE - 1)) + 1;

	if (*ring_word_at(ring, RING_AGAIN) == *tail + 1 && (i64)(head() - to) >= 0)
		*tail = to;
}

static u32 take_all(u32 count[4])
{
	u8 got[RECORD_MAX];
	struct record_head h;
	u32 n = 0;

	memset(count, 0, 4 * sizeof(count[0]));
	for (reader_looks(); machine_take(&mc, &mc.t, got, &h); reader_looks(), n++)
		count[record_site(&h) % 4]++;
	return n;
}

START_TEST(a_drained_ring_goes_on_at_its_beginning)
{
	u32 count[4];

	probe(_i);
	for (u64 lap = 0; lap < 3; lap++) {
		u64 from = lap * LARGE + RING_AGAIN_FROM + 8 * lap;

		ring_stands_at(from, from);
		call();
		ck_assert_uint_eq(head(), (lap + 1) * LARGE + 2 * EACH);
		ck_assert_uint_eq(*ring_word_at(ring, RING_TAIL), from);
		ck_assert_uint_eq(take_all(count), 2);
		ck_assert_uint_eq(*ring_word_at(ring, RING_TAIL), head());
	}
}
END_TEST

START_TEST(another_ring_goes_on_where_it_stands)
{
	static const struct { u64 tail, head; } stands[] = {
		{ 0, 0 },
		{ RING_AGAIN_FROM - 8, RING_AGAIN_FROM - 8 },
		{ LARGE, LARGE },
		{ LARGE / 2, LARGE / 2 },	/* soon it is there by itself */
		{ LARGE - 8, LARGE - 8 },
		{ RING_AGAIN_FROM, RING_AGAIN_FROM + EACH },
		{ RING_AGAIN_FROM - EACH, RING_AGAIN_FROM },
	};

	probe(_i);
	for (size_t i = 0; i < ARRAY_LEN(stands); i++) {
		ring_stands_at(stands[i].tail, stands[i].head);
		call();
		ck_assert_uint_eq(head(), stands[i].head + 2 * EACH);
	}
}
END_TEST

/* Calls until there is no room, without a reader; gives how many records that makes. */
static u32 fill_up(void)
{
	struct cpu c = machine_cpu(&mc.t);
	u64 from = head();

	while (!*ring_word_at(ring, RING_LOST))
		(void)machine_run(&mc, &mc.t, NOTHING, 0, &c);
	return (u32)((head() - from) / EACH);
}

/* The reader has not looked yet: all of the ring is there all the same. */
START_TEST(its_whole_room_is_there_at_once)
{
	u32 count[4];

	probe(false);
	ring_stands_at(RING_AGAIN_FROM, RING_AGAIN_FROM);
	(void)fill_up();
	ck_assert_uint_ge(head() - LARGE, ring_waits(&mc.layout));
	ck_assert_uint_le(head() - LARGE, ring_waits(&mc.layout) + EACH);
	ck_assert_uint_eq(take_all(count), (head() - LARGE) / EACH);
}
END_TEST

/* Signal handlers */

/* As the code does that is under test. */
static void handler_begins_again(void)
{
	u64 at = head();

	if (at == *ring_word_at(ring, RING_TAIL) && (at & (LARGE - 1)) >= RING_AGAIN_FROM) {
		*ring_word_at(ring, RING_AGAIN) = at + 1;
		*ring_word_at(ring, RING_HEAD) = (at | (LARGE - 1)) + 1;
	}
	handler_records();
}

static const struct {
	void (*does)(void);
	u32 records;
} meanwhile[] = { { handler_records, 1 }, { handler_begins_again, 1 }, { reader_looks, 0 } };

START_TEST(a_handler_may_come_before_every_instruction)
{
	u32 count[4], n, more;

	probe(_i & 1);
	comes = meanwhile[_i / 2].does;
	n = meanwhile[_i / 2].records;
	wanted = 0;
	do {
		u64 from = 7 * LARGE + RING_AGAIN_FROM + 8 * wanted;

		ring_stands_at(from, from);
		step_through(machine_cpu(&mc.t));
		ck_assert_uint_eq(*ring_word_at(ring, RING_LOST), 0);
		more = fill_up();
		ck_assert_uint_ge(more, (ring_waits(&mc.layout) - LARGE / 2) / EACH);
		ck_assert_uint_eq(take_all(count), 2 + (steps > wanted ? n : 0) + more);
		ck_assert_uint_eq(count[SITE_TAIL], steps > wanted ? n : 0);
	} while (steps > wanted++);
	ck_assert_uint_gt(wanted, 60);
}
END_TEST

Suite *again_suite(void)
{
	Suite *s = suite_create("again");
	TCase *t = tcase_create("code");

	tcase_add_checked_fixture(t, again_begin, shapes_end);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_drained_ring_goes_on_at_its_beginning, 0, 2);
	tcase_add_loop_test(t, another_ring_goes_on_where_it_stands, 0, 2);
	tcase_add_test(t, its_whole_room_is_there_at_once);
	tcase_add_loop_test(t, a_handler_may_come_before_every_instruction, 0,
			    2 * ARRAY_LEN(meanwhile));
	suite_add_tcase(s, t);
	return s;
}
