/* Trace contexts in the target: requests that one goroutine reads and hands over to another one,
 * which are told by their connection and the number of their stream. */
#include <pthread.h>
#include <sched.h>

#include "agent.h"
#include "plan/record.h"

Suite *agentpool_suite(void);

#define VALUE(trace) "00-" trace "-b7ad6b7169203331-01"
#define OTHER "1bf7651916cd43dd8448eb211c80319c"

static void put_key(struct event *e, u64 connection, u32 stream)
{
	memcpy(e->record + KEY, &connection, sizeof(connection));
	memcpy(e->record + SUBKEY, &stream, sizeof(stream));
}

static void put_field(struct event *e, u32 i, u32 k, const char *name, const char *value)
{
	static const u16 sizes[] = { 72, TEXT_MOST, TEXT_MOST };
	const struct plan_extra x = { .sizes = sizes };
	u32 n = (u32)strlen(name), size = (u32)strlen(value);

	put(e, EXTRA_COUNT, i + 1);
	put(e, EXTRA_FIELD + i * EXTRA_FIELD_SIZE + 24, size);
	put(e, extra_name_at(i) - 8, n);
	memcpy(e->record + HOOK + extra_name_at(i), name, n);
	put(e, extra_value_at(&x, k) - 8, size);
	memcpy(e->record + HOOK + extra_value_at(&x, k), value, size);
}

/* The goroutine reads a request with this traceparent and tracestate, or NULL. */
static void reads_on(struct event *e, u8 *on, u64 goid, u64 connection, u32 stream,
		     const char *parent, const char *state)
{
	memset(e->record, 0, sizeof(e->record));
	put_key(e, connection, stream);
	e->unkeyed = !stream;
	put_field(e, 0, 0, ":path", "");
	if (parent)
		put_field(e, 1, 0, "traceparent", parent);
	if (parent && state)
		put_field(e, 2, 1, "tracestate", state);
	happens_on(e, on, goid, 100, PROPAGATE_FRAME, SITE_ENTRY);
}

/* Fields that say nothing are not needed any more, unless something lies behind them, or not all
 * of them could be read. */
START_TEST(fields_that_say_nothing_are_dropped)
{
	static const char *const names[] = { ":path", "te", "traceparent" };
	const u32 from = HOOK + EXTRA_FIELD - 8;
	static struct event e;

	for (u32 n = 1; n <= ARRAY_LEN(names); n++) {
		bool drops = !_i && n < 3, behind = _i == 1;

		memset(e.record, 0, sizeof(e.record));
		put_key(&e, 0xc0008, 2 * n + 1);
		for (u32 i = 0; i < n; i++) {
			put_field(&e, i, 0, names[i],
				  i == 2 ? "00-" PARENT "-b7ad6b7169203331-01" : "");
			put(&e, EXTRA_FIELD + i * EXTRA_FIELD_SIZE, 0xc000001234);
		}
		put(&e, EXTRA_FIELD - 8, _i == 2 ? CAPTURE_UNREADABLE : n * EXTRA_FIELD_SIZE);
		e.captured = HOOK + extra_name_at(n == 3 || behind ? EXTRA_FIELDS_MOST : n - 1) + 8;
		happens_on(&e, ring, 7, 100, PROPAGATE_FRAME, SITE_ENTRY);
		ck_assert_uint_eq(*captured_in(&e), drops ? from : e.captured);
		for (u32 at = from; at < e.captured; at += 8)
			ck_assert(!drops || !*(u64 *)(void *)(e.record + at));
		ck_assert_uint_eq(!*(u64 *)(void *)(e.record + HOOK + EXTRA_FIELD), drops);
	}
}
END_TEST

/* Its end is not seen, so nothing may wait for that. */
START_TEST(a_frame_that_lacks_its_key_says_nothing)
{
	put_key(&last, 0xc000, 0);
	put_field(&last, 0, 0, "traceparent", "00-" PARENT "-b7ad6b7169203331-01");
	happens(1, 100, PROPAGATE_FRAME, SITE_ENTRY);
	for (u32 i = 0; i < PARENT_SLOTS; i++)
		ck_assert_uint_eq(tables->parent_goids[i], 0);
}
END_TEST

static void handed(u64 goid, u64 connection, u32 stream, const char *parent, const char *state)
{
	reads_on(&last, ring, goid, connection, stream, parent, state);
	memset(last.record, 0, sizeof(last.record));
	happens(goid, 100, PROPAGATE_FRAME, SITE_EXIT);
}

static const char *serves_on(struct event *e, u8 *on, u64 goid, u64 connection, u32 stream)
{
	memset(e->record, 0, sizeof(e->record));
	put_key(e, connection, stream);
	return trace(happens_on(e, on, goid, 300, PROPAGATE_SERVE_INSIDE, SITE_ENTRY));
}

static const char *takes(u64 goid, u64 connection, u32 stream)
{
	return serves_on(&last, ring, goid, connection, stream);
}

START_TEST(what_a_pool_serves_is_in_the_trace_that_came_with_it)
{
	handed(1, 0xc000, 1, VALUE(PARENT), "a=b");
	handed(1, 0xc000, 3, VALUE(OTHER), NULL);
	handed(1, 0xc000, 5, NULL, NULL);
	ck_assert_str_eq(takes(4, 0xc000, 3), OTHER);
	ck_assert_str_eq(takes(3, 0xc000, 1), PARENT);
	ck_assert_str_eq(asks(3), PARENT);
	ck_assert_str_eq(asks(4), OTHER);
	(void)takes(5, 0xc000, 5);
	ck_assert_int_eq(((struct propagated *)(void *)(last.record + DECIDED))->what &
			 PROPAGATED_BEGUN, PROPAGATED_BEGUN);
	happens(3, 300, PROPAGATE_SERVE_INSIDE, SITE_EXIT);
	ck_assert_uint_eq(texts_in_use(), 0);
	ck_assert_str_eq(takes(3, 0xc000, 1), "none");	/* it was served */
}
END_TEST

static u64 places_taken(void)
{
	u64 n = 0;

	for (u32 i = 0; i < PARENT_SLOTS; i++)
		n += !!tables->parent_goids[i];
	return n;
}

/* Where nothing was lost for a while, who serves it can tell. */
START_TEST(a_request_that_comes_with_nothing_needs_no_place)
{
	reads_on(&last, ring, 1, 0xc000, 1, NULL, NULL);
	ck_assert(!last.unneeded);	/* we have just come */
	ck_assert_uint_eq(tables->keyed, 1);
	ck_assert_str_ne(takes(2, 0xc000, 1), "none");
	ck_assert_str_eq(takes(3, 0xc000, 3), "none");
	happens(2, 300, PROPAGATE_SERVE_INSIDE, SITE_EXIT);
	ck_assert_uint_eq(tables->keyed, 0);
	tables->since = 2;	/* long ago */
	ck_assert_str_eq(takes(3, 0xc000, 3), "none");	/* that some are served says nothing */
	for (u32 i = 0; i < 3; i++) {
		const struct propagated *d = (const void *)(last.record + DECIDED);

		reads_on(&last, ring, 1, 0xc000, 5, NULL, NULL);
		ck_assert(last.unneeded);
		ck_assert_uint_eq(tables->since, SETTLED);
		ck_assert_uint_eq(places_taken(), 0);
		ck_assert_str_ne(takes(2, 0xc000, 5), "none");
		ck_assert(d->what & PROPAGATED_ALONE && d->what & PROPAGATED_BEGUN);
		happens(2, 300, PROPAGATE_SERVE_INSIDE, SITE_EXIT);
	}
	/* what comes with something has a place as always */
	reads_on(&last, ring, 1, 0xc000, 7, VALUE(PARENT), NULL);
	ck_assert(!last.unneeded);
	ck_assert_str_eq(takes(2, 0xc000, 7), PARENT);
	ck_assert_int_eq(((struct propagated *)(void *)(last.record + DECIDED))->what &
			 PROPAGATED_ALONE, 0);
	happens(2, 300, PROPAGATE_SERVE_INSIDE, SITE_EXIT);
	ck_assert_uint_eq(tables->keyed, 0);
	/* a frame may have been among what is lost now */
	tables->lost++;
	ck_assert_str_eq(takes(2, 0xc000, 9), "none");
	reads_on(&last, ring, 1, 0xc000, 11, NULL, NULL);
	ck_assert(!last.unneeded);
	ck_assert_uint_ne(tables->since, SETTLED);
	ck_assert_uint_eq(places_taken(), 1);
}
END_TEST

static void serves_once(u64 goid, u32 stream)
{
	reads_on(&last, ring, 1, 0xc000, stream, NULL, NULL);
	ck_assert_str_ne(takes(goid, 0xc000, stream), "none");
	happens(goid, 300, PROPAGATE_SERVE_INSIDE, SITE_EXIT);
}

static bool end_is_needed(u64 goid)
{
	happens(goid, 0, PROPAGATE_END, SITE_ENTRY);
	for (u32 i = 0; i < GOROUTINE_SETS_NEAR; i++)
		for (u32 k = 0; k < WAYS; k++)
			ck_assert_uint_ne(tables->goroutines_near[i].goid[k], goid);
	return !last.unneeded;
}

START_TEST(the_end_of_who_only_served_is_not_needed)
{
	tables->ends = 1;
	serves_once(2, 1);
	ck_assert(end_is_needed(2));	/* we have just come */
	tables->since = 2;		/* long ago */
	serves_once(2, 3);
	ck_assert(!end_is_needed(2));
	ck_assert(end_is_needed(2));	/* another one, with the number of none */
	serves_once(2, 7);
	serves_once(2, 9);
	ck_assert(!end_is_needed(2));
	/* it asked somebody on its own, and was in a span of that */
	serves_once(2, 11);
	(void)asks(2);
	ck_assert(end_is_needed(2));
	/* it has not returned: Goexit */
	reads_on(&last, ring, 1, 0xc000, 13, NULL, NULL);
	(void)takes(2, 0xc000, 13);
	ck_assert(end_is_needed(2));
	/* its maker was in a span */
	happens(7, 200, PROPAGATE_SPAN, SITE_ENTRY);
	born(7, 8);
	serves_once(8, 15);
	ck_assert(end_is_needed(8));
	happens(7, 200, PROPAGATE_SPAN, SITE_EXIT);
	last.unkeyed = true;
	(void)serves(2, (const char *[]){ CAME, NULL });
	happens(2, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert(end_is_needed(2));
	/* who would take it out of the table? */
	tables->ends = 0;
	serves_once(2, 17);
	for (u32 i = 0; i < GOROUTINE_SETS_NEAR; i++)
		for (u32 k = 0; k < WAYS; k++)
			ck_assert_uint_eq(tables->goroutines_near[i].goid[k], 0);
	tables->ends = 1;
	serves_once(2, 19);
	tables->full++;
	ck_assert(end_is_needed(2));
}
END_TEST

START_TEST(what_another_one_came_with_says_nothing)
{
	handed(1, 0xc000, 1, VALUE(PARENT), NULL);
	ck_assert_str_eq(takes(2, 0xc000, 3), "none");
	ck_assert_str_eq(takes(2, 0xd000, 1), "none");
	happens(2, 300, PROPAGATE_SERVE_INSIDE, SITE_EXIT);
	/* nor does who made the worker */
	happens(7, 200, PROPAGATE_SPAN, SITE_ENTRY);
	born(7, 8);
	ck_assert_str_eq(takes(8, 0xd000, 1), "none");
	handed(1, 0xc000, 1, VALUE(OTHER), NULL);	/* another connection, at the same place */
	ck_assert_str_eq(takes(2, 0xc000, 1), OTHER);
}
END_TEST

START_TEST(what_is_never_served_gives_its_place_to_what_comes)
{
	u64 free = 0;

	for (u32 i = 0; i < 4 * PARENT_SLOTS; i++)
		handed(1, 0xc000, 2 * i + 1, VALUE(PARENT), i < TEXT_SLOTS / 2 ? "a=b" : NULL);
	for (u32 i = 0; i < PARENT_SLOTS; i++) {
		free += !tables->parent_goids[i];
		tables->parents[i].made = 0;	/* long ago */
	}
	ck_assert_uint_eq(free, 0);
	ck_assert_uint_ge(texts_in_use(), TEXT_SLOTS / 4);
	handed(1, 0xd000, 1, VALUE(OTHER), NULL);
	ck_assert_str_eq(takes(2, 0xd000, 1), OTHER);
	happens(2, 300, PROPAGATE_SERVE_INSIDE, SITE_EXIT);
	for (u32 i = 0; i < 8 * PARENT_SLOTS; i++)
		handed(1, 0xd000, 2 * i + 1, VALUE(OTHER), NULL);
	ck_assert_uint_eq(texts_in_use(), 0);	/* they went with their places */
	ck_assert_uint_eq(tables->keyed, PARENT_SLOTS);
	ck_assert_uint_ge(tables->given_up, 1);
	ck_assert_str_ne(trace(serves(3, (const char *[]){ CAME, NULL })), PARENT);
	for (u32 i = 0; i < PARENT_SLOTS; i++)
		tables->parents[i].made = 0;
	ck_assert_str_eq(trace(serves(3, (const char *[]){ CAME, NULL })), PARENT);
	ck_assert_uint_eq(tables->keyed, PARENT_SLOTS - 1);
}
END_TEST

/* One goroutine reads all requests of a connection: many of these may have a tracestate at once. */
START_TEST(one_goroutine_reads_many)
{
	enum { MANY = 100 };

	for (u32 i = 0; i < MANY; i++)
		handed(1, 0xc000, 2 * i + 1, VALUE(PARENT), "a=b");
	for (u32 i = 0; i < MANY; i++) {
		reads_on(&last, ring, 2, 0, 0, VALUE(PARENT), "a=b");
		born(2, 1000 + i);
		happens(1000 + i, 300, PROPAGATE_SERVE, SITE_ENTRY);
	}
	ck_assert_uint_eq(texts_in_use(), 2 * MANY);
}
END_TEST

enum { PAIRS = 2, ROUNDS = 10000 };

struct lane {
	u64 connection;
	u32 read, served;	/* streams, which go up by two */
};

static const char *const lanes_trace[PAIRS] = { PARENT, OTHER };
static struct lane lanes[PAIRS];

static void *reader(void *arg)
{
	struct lane *l = arg;
	u8 *on = calloc(1, RING_DATA);
	struct event *e = calloc(1, sizeof(*e));

	for (u32 i = 1; i < 2 * ROUNDS; i += 2) {
		while (i > __atomic_load_n(&l->served, __ATOMIC_ACQUIRE) + 64)
			sched_yield();
		reads_on(e, on, l->connection, l->connection, i,
			 l == lanes ? VALUE(PARENT) : VALUE(OTHER), "a=b");
		__atomic_store_n(&l->read, i, __ATOMIC_RELEASE);
	}
	free(e);
	free(on);
	return NULL;
}

static void *worker(void *arg)
{
	struct lane *l = arg;
	u8 *on = calloc(1, RING_DATA);
	struct event *e = calloc(1, sizeof(*e));
	const struct propagated *p = (const void *)(e->record + DECIDED);
	u64 wrong = 0;

	for (u32 i = 1; i < 2 * ROUNDS; i += 2) {
		char got[40] = "";

		while (i > __atomic_load_n(&l->read, __ATOMIC_ACQUIRE))
			sched_yield();
		memset(e->record, 0, sizeof(e->record));
		put_key(e, l->connection, i);
		happens_on(e, on, 100 + l->connection, 300, PROPAGATE_SERVE_INSIDE, SITE_ENTRY);
		for (u32 k = 0; k < sizeof(p->trace); k++)
			snprintf(got + 2 * k, 3, "%02x", p->trace[k]);
		wrong += !!strcmp(got, lanes_trace[l - lanes]);
		happens_on(e, on, 100 + l->connection, 300, PROPAGATE_SERVE_INSIDE, SITE_EXIT);
		__atomic_store_n(&l->served, i, __ATOMIC_RELEASE);
	}
	free(e);
	free(on);
	return (void *)(uintptr_t)wrong;
}

START_TEST(threads_hand_over_what_they_read)
{
	pthread_t t[2 * PAIRS];

	for (u32 i = 0; i < PAIRS; i++) {
		lanes[i] = (struct lane){ .connection = 0xc000 + i };
		ck_assert_int_eq(pthread_create(&t[2 * i], NULL, reader, &lanes[i]), 0);
		ck_assert_int_eq(pthread_create(&t[2 * i + 1], NULL, worker, &lanes[i]), 0);
	}
	for (u32 i = 0; i < 2 * PAIRS; i++) {
		void *wrong;

		pthread_join(t[i], &wrong);
		ck_assert_ptr_null(wrong);
	}
	for (u32 i = 0; i < PARENT_SLOTS; i++)
		ck_assert_uint_eq(tables->parent_goids[i], 0);
	ck_assert_uint_eq(texts_in_use(), 0);
}
END_TEST

Suite *agentpool_suite(void)
{
	Suite *s = suite_create("agentpool");
	TCase *t = tcase_create("agentpool");

	tcase_add_test(t, a_frame_that_lacks_its_key_says_nothing);
	tcase_add_loop_test(t, fields_that_say_nothing_are_dropped, 0, 3);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, what_a_pool_serves_is_in_the_trace_that_came_with_it);
	tcase_add_test(t, a_request_that_comes_with_nothing_needs_no_place);
	tcase_add_test(t, the_end_of_who_only_served_is_not_needed);
	tcase_add_test(t, what_another_one_came_with_says_nothing);
	tcase_add_test(t, what_is_never_served_gives_its_place_to_what_comes);
	tcase_add_test(t, one_goroutine_reads_many);
	tcase_add_test(t, threads_hand_over_what_they_read);
	suite_add_tcase(s, t);
	return s;
}
