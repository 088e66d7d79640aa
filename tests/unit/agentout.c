/* What requests that go out say of whose children they are. */
#include "agentout.h"

Suite *agentout_suite(void);

START_TEST(a_line_goes_behind_the_header)
{
	struct propagated *p = starts_to_ask(1, 0xc000);
	char want[200];

	snprintf(want, sizeof(want),
		 "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nTraceparent: 00-%s-%s-01\r\n",
		 hex_of(p->trace, 16), hex_of(p->span, 8));
	writes(2, 0xc000, "A: b\r\n");
	ck_assert_str_eq((char *)buffer, want);
	ck_assert_int_eq(writer[5], strlen(want));
	writes(2, 0xc000, "A: b\r\n");	/* the same request once more, on another connection */
	ck_assert_str_eq((char *)buffer, want);
	ck_assert(is_answered(1) & PROPAGATED_WRITTEN);
	writes(2, 0xc000, "A: b\r\n");	/* the map is another's by now */
	ck_assert_ptr_null(strstr((char *)buffer, "Trace"));
}
END_TEST

START_TEST(the_programs_own_one_stays_alone)
{
	struct propagated *p;

	starts_to_ask(1, 0xc000);
	writes(2, 0xc000, "A: b\r\ntraceParent: 00-" PARENT "-b7ad6b7169203331-00\r\nC: d\r\n");
	ck_assert_ptr_null(strstr((char *)buffer, "Traceparent"));
	p = happens(1, 500, PROPAGATE_ASK, SITE_EXIT);
	ck_assert_int_eq(p->what, PROPAGATED_OWN | PROPAGATED_THERE);
	ck_assert_str_eq(trace(p), PARENT);
	ck_assert_str_eq(hex_of(p->span, 8), "b7ad6b7169203331");
	starts_to_ask(1, 0xc000);
	writes(2, 0xc000, "Traceparent: nonsense\r\n");
	ck_assert_ptr_null(strstr((char *)buffer, "00-"));
	ck_assert_int_eq(is_answered(1), PROPAGATED_OWN);
}
END_TEST

/* What a request has behind traceparent, that is sent while one is served that came with these. */
static const char *state_of(const char *const *lines)
{
	const char *at;

	serves(1, lines);
	starts_to_ask(1, 0xc000);
	writes(2, 0xc000, "A: b\r\n");
	is_answered(1);
	happens(1, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert_uint_eq(texts_in_use(), 0);
	at = strstr((char *)buffer, "Traceparent: ");
	ck_assert_ptr_nonnull(at);
	return at + 70;
}

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define FIVE_HUNDRED FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

static const struct { const char *lines[6], *state; } states[] = {
	{ { CAME, "tracestate: a=1,b@c=2" }, "Tracestate: a=1,b@c=2\r\n" },
	{ { "TraceState:\ta=1 ", CAME }, "Tracestate: a=1\r\n" },
	{ { CAME, "tracestate: a=1", "tracestate: ", "Tracestate: b=2" },
	  "Tracestate: a=1,b=2\r\n" },
	{ { CAME, "tracestate: a=0123456789" FIVE_HUNDRED },
	  "Tracestate: a=0123456789" FIVE_HUNDRED "\r\n" },
	/* one byte too long, and the list of those that are short enough; nothing is cut */
	{ { CAME, "tracestate: aa=0123456789" FIVE_HUNDRED }, "" },
	{ { CAME, "tracestate: a=1", "tracestate: a=" FIVE_HUNDRED, "tracestate: a=0123" }, "" },
	{ { CAME, "tracestate: a=1", "tracestate: b=" FIVE_HUNDRED FIFTY FIFTY FIFTY }, "" },
	/* not as it must be, or of no request that counts */
	{ { CAME, "tracestate: a=\x01" }, "" },
	{ { CAME, "tracestate: a=1\r\nX: y" }, "" },
	{ { CAME, "tracestate: nothing" }, "" },
	{ { CAME, "tracestate:" }, "" },
	{ { "tracestate: a=1" }, "" },
	{ { CAME, CAME, "tracestate: a=1" }, "" },
	{ { "traceparent: 00-" PARENT "-b7ad6b7169203331-0x", "tracestate: a=1" }, "" },
};

START_TEST(the_tracestate_that_came_goes_on)
{
	ck_assert_str_eq(state_of(states[_i].lines), states[_i].state);
}
END_TEST

static const char *const came[] = { CAME, "tracestate: a=1", NULL };

START_TEST(a_tracestate_of_the_programs_own_stays_alone)
{
	serves(1, came);
	starts_to_ask(1, 0xc000);
	writes(2, 0xc000, "traceState: x=y\r\n");
	ck_assert_ptr_nonnull(strstr((char *)buffer, "Traceparent: 00-" PARENT));
	ck_assert_ptr_null(strstr((char *)buffer, "Tracestate"));
	is_answered(1);
	/* and with a traceparent of its own */
	starts_to_ask(1, 0xc000);
	writes(2, 0xc000, CAME "\r\n");
	ck_assert_ptr_null(strstr((char *)buffer, "Trace"));
	is_answered(1);
}
END_TEST

START_TEST(a_tracestate_ends_with_its_request)
{
	serves(1, came);
	born(1, 3);
	starts_to_ask(3, 0xc000);	/* a goroutine of it, which goes on */
	happens(1, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert_uint_eq(texts_in_use(), 0);
	writes(2, 0xc000, "");
	ck_assert_ptr_nonnull(strstr((char *)buffer, "Traceparent: 00-" PARENT));
	ck_assert_ptr_null(strstr((char *)buffer, "Tracestate"));
	is_answered(3);
	serves(1, came);
	starts_to_ask(1, 0xc000);
	for (u32 i = 0; i < TEXT_SLOTS; i++)	/* the place is another's by now */
		tables->texts[i].state += 2 * (tables->texts[i].state & 1);
	writes(2, 0xc000, "");
	ck_assert_ptr_null(strstr((char *)buffer, "Tracestate"));
}
END_TEST

START_TEST(who_is_not_served_leaves_no_tracestate)
{
	reads(7, came);
	reads(7, came + 2);	/* the next one has none */
	ck_assert_uint_eq(texts_in_use(), 0);
	reads(7, came);
	happens(7, 0, PROPAGATE_END, SITE_ENTRY);
	ck_assert_uint_eq(texts_in_use(), 0);
	for (u64 g = 1; g < 4 * TEXT_SLOTS; g++)	/* more than there are places for */
		serves(g, came);
	ck_assert_uint_ge(texts_in_use(), TEXT_SLOTS / 2);
	for (u64 g = 1; g < 4 * TEXT_SLOTS; g++)
		happens(g, 0, PROPAGATE_END, SITE_ENTRY);
	ck_assert_uint_eq(texts_in_use(), 0);
	ck_assert_str_eq(state_of(came), "Tracestate: a=1\r\n");
}
END_TEST

START_TEST(where_a_tracestate_does_not_fit_traceparent_goes_alone)
{
	char large[4096];

	memset(large, 'x', sizeof(large));
	for (int left = 82; left < 92; left++) {
		large[4096 - 25 - left] = 0;
		serves(1, came);
		starts_to_ask(1, 0xc000);
		writes(2, 0xc000, large);
		ck_assert_int_eq(writer[5], 4096 - (u64)left + (left >= 87 ? 87 : 70));
		ck_assert_int_eq(!(is_answered(1) & PROPAGATED_NO_STATE), left >= 87);
		happens(1, 300, PROPAGATE_SERVE, SITE_EXIT);
		large[4096 - 25 - left] = 'x';
	}
}
END_TEST

START_TEST(where_it_does_not_fit_none_is_written)
{
	char large[4096];

	memset(large, 'x', sizeof(large));
	for (int left = 68; left < 73; left++) {
		large[4096 - 25 - left] = 0;
		starts_to_ask(1, 0xc000);
		writes(2, 0xc000, large);
		ck_assert_int_eq(writer[5], 4096 - (u64)left + (left >= 70 ? 70 : 0));
		ck_assert_int_eq(!(is_answered(1) & PROPAGATED_NO_ROOM), left >= 70);
		large[4096 - 25 - left] = 'x';
	}
}
END_TEST

START_TEST(nothing_is_written_where_it_is_not_as_it_should_be)
{
	u64 size = 4096;

	for (int i = 0; i < 5; i++) {
		starts_to_ask(1, 0xc000);
		writes(2, 0xc001, "");	/* not that map */
		ck_assert_ptr_null(strstr((char *)buffer, "Trace"));
		fields_of(0xc000, i == 0 ? 0x1001 : 0x1000);	/* another kind of writer */
		writer[0] = 0;
		happens(2, 700, PROPAGATE_WRITE, SITE_ENTRY);
		if (i == 1)
			writer[0] = 1;	/* an error */
		if (i == 2)
			buffer[0] = 'P';	/* it was sent, and begins anew */
		if (i == 3)
			writer[5] -= 10;
		if (i == 4)
			writer[3] = size = writer[5];
		happens(2, 700, PROPAGATE_WRITE, SITE_EXIT);
		ck_assert_uint_le(writer[5], size);
		ck_assert_ptr_null(strstr((char *)buffer, "Trace"));
		ck_assert(!(is_answered(1) & PROPAGATED_WRITTEN));
		writer[0] = 0;
	}
}
END_TEST

/* The write ended in a panic, and its writer may be no more: the goroutine goes on with another
 * header, which is no request's that we know. */
START_TEST(a_writer_is_forgotten_when_its_write_ended_unseen)
{
	starts_to_ask(1, 0xc000);
	writes(3, 0xc001, "");
	fields_of(0xc000, 0x1000);
	happens(2, 700, PROPAGATE_WRITE, SITE_ENTRY);
	fields_of(0xc001, 0x1000);
	happens(2, 700, PROPAGATE_WRITE, SITE_ENTRY);
	happens(2, 700, PROPAGATE_WRITE, SITE_EXIT);
	ck_assert_ptr_null(strstr((char *)buffer, "Trace"));
	ck_assert(!(is_answered(1) & PROPAGATED_WRITTEN));
}
END_TEST

START_TEST(requests_with_the_same_map_get_none)
{
	starts_to_ask(1, 0xc000);
	starts_to_ask(3, 0xc000);
	writes(2, 0xc000, "A: b\r\n");
	ck_assert_ptr_null(strstr((char *)buffer, "Trace"));
	ck_assert_int_eq(is_answered(3), 0);
	writes(2, 0xc000, "A: b\r\n");
	ck_assert_ptr_null(strstr((char *)buffer, "Trace"));
	ck_assert_int_eq(is_answered(1), 0);
	starts_to_ask(1, 0xc000);	/* all are answered: it is one's alone again */
	writes(2, 0xc000, "A: b\r\n");
	ck_assert_ptr_nonnull(strstr((char *)buffer, "Trace"));
}
END_TEST

/* ---- HTTP/2 ---- */

struct field {
	const char *name;
	u64 n;
	const char *value;
	u64 nvalue, spare;
};

/* The goroutine has made this list for the call that it is in. */
static void lists(u64 goid, const struct field *list, u64 n)
{
	put(&last, 0, (u64)(uintptr_t)list);
	put(&last, 8, n);
	happens(goid, 600, PROPAGATE_LIST, SITE_EXIT);
}

/* Is a list written by goroutine 9 with one field more? */
static bool is_written(const struct field *list)
{
	bool more;

	put(&last, 0, (u64)(uintptr_t)list);
	happens(9, 700, PROPAGATE_LISTED, SITE_ENTRY);
	stack[2] = (u64)(uintptr_t)block;
	stack[3] = stack[4] = 40;
	((u8 *)&stack[1])[33] = 1;
	happens(9, 900, PROPAGATE_BLOCK, SITE_ENTRY);
	more = stack[3] == 40 + 69;
	happens(9, 700, PROPAGATE_LISTED, SITE_EXIT);
	return more;
}

/* A call that reads nothing at its entry. */
static struct propagated *calls(u64 goid, u32 depth, enum site_kind kind)
{
	struct record_head *h = (void *)last.record;
	const struct reading r = { .propagated_at = DECIDED };

	h->goid = goid;
	h->depth = depth;
	memset(last.record + DECIDED, 0, sizeof(struct propagated));
	agent(tables, last.record, ring, agent_how(PROPAGATE_ASK, kind, &r), NULL, 0);
	return (void *)(last.record + DECIDED);
}

static const struct field plain[1] = { { "te", 2, "trailers", 8, 0 } };

START_TEST(a_list_is_written_once)
{
	ck_assert(calls(1, 300, SITE_ENTRY)->what & PROPAGATED_THERE);
	lists(1, plain, 1);
	ck_assert(is_written(plain));
	ck_assert(!is_written(plain));	/* what lies there now is another's */
	ck_assert(calls(1, 300, SITE_EXIT)->what & PROPAGATED_WRITTEN);
	for (int i = 0; i < REQUEST_SLOTS; i++)
		ck_assert(!tables->requests[i].map);
	for (int i = 0; i < CALL_SLOTS; i++)
		ck_assert(!tables->asks.goid[i]);
}
END_TEST

START_TEST(a_stream_may_be_written_when_its_call_has_ended)
{
	calls(1, 300, SITE_ENTRY);
	lists(1, plain, 1);
	calls(1, 300, SITE_EXIT);
	ck_assert(is_written(plain));
	ck_assert(!is_written(plain));
	/* one that never was, and what lies there later */
	calls(1, 300, SITE_ENTRY);
	lists(1, plain, 1);
	calls(1, 300, SITE_EXIT);
	lists(2, plain, 1);	/* of a call that nobody follows */
	ck_assert(!is_written(plain));
	calls(1, 300, SITE_ENTRY);
	lists(1, plain, 1);
	calls(1, 300, SITE_EXIT);
	for (int i = 0; i < REQUEST_SLOTS; i++)
		tables->requests[i].made -= (u64)1 << 32;
	ck_assert(!is_written(plain));
}
END_TEST

START_TEST(lists_that_nobody_writes_make_room)
{
	static struct field many[4 * REQUEST_SLOTS];

	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = plain[0];
		calls(1, 300, SITE_ENTRY);
		lists(1, &many[i], 1);
		calls(1, 300, SITE_EXIT);
	}
	for (size_t i = 0; i < ARRAY_LEN(many); i += 100) {
		calls(1, 300, SITE_ENTRY);
		lists(1, &many[i], 1);
		ck_assert_msg(is_written(&many[i]), "list %zu", i);
		ck_assert(calls(1, 300, SITE_EXIT)->what & PROPAGATED_WRITTEN);
	}
}
END_TEST

/* One by its map says it when it begins, one by its list at its end. */
START_TEST(who_finds_no_room_says_so)
{
	static struct field many[3 * REQUEST_SLOTS];
	static bool no_room[ARRAY_LEN(many)];
	u32 n = 0;

	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		no_room[i] = starts_to_ask(1 + i, 16 * (1 + i))->what & PROPAGATED_NO_ROOM;
		n += no_room[i];
	}
	ck_assert_uint_ge(n, ARRAY_LEN(many) - REQUEST_SLOTS);
	ck_assert_uint_le(n, ARRAY_LEN(many) - REQUEST_SLOTS / 2);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		writes(1 + i, 16 * (1 + i), "A: b\r\n");
		ck_assert_msg(!strstr((char *)buffer, "Trace") == no_room[i], "%zu", i);
		ck_assert(!(is_answered(1 + i) & PROPAGATED_NO_ROOM));
	}
	for (size_t i = n = 0; i < ARRAY_LEN(many); i++) {
		many[i] = plain[0];
		no_room[i] = calls(1 + i, 300, SITE_ENTRY)->what & PROPAGATED_NO_ROOM;
		lists(1 + i, &many[i], 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		bool written = is_written(&many[i]);

		no_room[i] |= calls(1 + i, 300, SITE_EXIT)->what & PROPAGATED_NO_ROOM;
		ck_assert_msg(written != no_room[i], "list %zu", i);
		n += no_room[i];
	}
	ck_assert_uint_ge(n, ARRAY_LEN(many) - REQUEST_SLOTS);
}
END_TEST

START_TEST(a_call_tries_again_with_another_list)
{
	struct field other[1] = { plain[0] };

	calls(1, 300, SITE_ENTRY);
	lists(1, plain, 1);
	ck_assert(is_written(plain));
	lists(1, other, 1);
	ck_assert(is_written(other));
	ck_assert(!is_written(plain));
	calls(1, 300, SITE_EXIT);
	ck_assert(!is_written(other));
}
END_TEST

START_TEST(a_list_with_the_programs_own_one_is_left_alone)
{
	static const char *const own = "00-" PARENT "-b7ad6b7169203331-01";
	const struct field list[2] = { plain[0], { "traceparent", 11, own, 55, 0 } };
	const struct propagated *p;

	calls(1, 300, SITE_ENTRY);
	lists(1, list, 2);
	ck_assert(!is_written(list));
	p = calls(1, 300, SITE_EXIT);
	ck_assert_str_eq(trace(p), PARENT);
	ck_assert(p->what & PROPAGATED_OWN);
}
END_TEST

START_TEST(what_was_decided_before_records_were_lost_is_not_trusted)
{
	happens(1, 300, PROPAGATE_SERVE, SITE_ENTRY);
	starts_to_ask(2, 0xc000);
	starts_to_ask(3, 0xc008);
	tables->lost++;
	writes(9, 0xc000, "A: b\r\n");
	ck_assert_ptr_null(strstr((char *)buffer, "Trace"));
	ck_assert_str_eq(asks(1), "none");	/* it may serve another one by now */
	starts_to_ask(4, 0xc000);		/* the map is another's */
	writes(9, 0xc000, "A: b\r\n");
	ck_assert_ptr_nonnull(strstr((char *)buffer, "Trace"));
	ck_assert_int_eq(is_answered(2), 0);
	ck_assert(is_answered(4) & PROPAGATED_WRITTEN);
	happens(1, 300, PROPAGATE_SERVE, SITE_EXIT);
	ck_assert_str_ne(trace(happens(1, 300, PROPAGATE_SERVE, SITE_ENTRY)), "none");
	ck_assert_str_ne(asks(1), "none");
}
END_TEST

START_TEST(what_a_pool_serves_is_of_a_trace_that_nobody_knows)
{
	ck_assert_int_eq(happens(1, 300, PROPAGATE_SERVE_INSIDE, SITE_ENTRY)->what,
			 PROPAGATED_UNKNOWN);
	ck_assert_str_eq(trace(starts_to_ask(1, 0xc000)), "none");
	born(1, 2);
	ck_assert_str_eq(asks(2), "none");
	happens(1, 300, PROPAGATE_SERVE_INSIDE, SITE_EXIT);
	ck_assert_str_ne(asks(2), "none");
}
END_TEST

START_TEST(a_field_goes_into_a_copy_of_the_block)
{
	const struct propagated *p = starts_to_ask(1, 0xc000);
	char want[80];
	const u8 *at;
	u64 n;

	snprintf(want, sizeof(want), "%c%ctraceparent%c00-%s-%s-01", 'L', 11, 55,
		 hex_of(p->trace, 16), hex_of(p->span, 8));
	memset(block, 'b', sizeof(block));
	(void)blocks_of(2, 0xc0de, 50, true, NULL, &n);
	ck_assert_uint_eq(tables->streams, 0);	/* nobody sends that one */
	at = blocks_of(2, 0xc000, 50, true, NULL, &n);
	ck_assert_uint_eq(n, 50 + 69);
	ck_assert_uint_eq(tables->streams, 1);
	ck_assert_mem_eq(at, block, 50);
	ck_assert_int_eq(at[50], 0);
	ck_assert_mem_eq(at + 51, want + 1, 68);
	ck_assert_ptr_ne(at, block);
	happens(2, 700, PROPAGATE_STREAM, SITE_EXIT);
	for (int i = 0; i < BLOCKS; i++)
		ck_assert_uint_eq(tables->blocks[i].goid, 0);
	ck_assert(is_answered(1) & PROPAGATED_WRITTEN);
}
END_TEST

static const struct { u64 map, n; bool ends; const char *name; u32 what; } left_alone[] = {
	{ 0xc001, 50, true, NULL, PROPAGATED_SAMPLED },
	{ 0xc000, 50, false, NULL, PROPAGATED_SAMPLED | PROPAGATED_NO_ROOM },
	{ 0xc000, BLOCK_MOST - 68, true, NULL, PROPAGATED_SAMPLED | PROPAGATED_NO_ROOM },
	{ 0xc000, ~(u64)0, true, NULL, PROPAGATED_SAMPLED | PROPAGATED_NO_ROOM },
	{ 0xc000, 50, true, "traceparent", PROPAGATED_OWN | PROPAGATED_THERE },
};

START_TEST(a_block_that_is_not_for_us_is_left_alone)
{
	const u8 *at;
	u64 n;

	starts_to_ask(1, 0xc000);
	at = blocks_of(2, left_alone[_i].map, left_alone[_i].n, left_alone[_i].ends,
		       left_alone[_i].name, &n);
	ck_assert_ptr_eq(at, block);
	ck_assert_uint_eq(n, left_alone[_i].n);
	happens(2, 700, PROPAGATE_STREAM, SITE_EXIT);
	ck_assert_int_eq(is_answered(1), left_alone[_i].what);
	/* a block of which nobody says that it is a stream's */
	stack[2] = (u64)(uintptr_t)block;
	happens(2, 900, PROPAGATE_BLOCK, SITE_ENTRY);
	ck_assert_uint_eq(stack[2], (u64)(uintptr_t)block);
}
END_TEST

static const struct { const char *state; u64 n; bool fits; } blocks[] = {
	{ "a=1", 50, true },
	{ FIFTY FIFTY "01234567890123456789=12345", 50, true },	/* 126 bytes, 127, 128 */
	{ FIFTY FIFTY "01234567890123456789=123456", 50, true },
	{ FIFTY FIFTY "01234567890123456789=1234567", 50, true },
	{ FIFTY FIFTY FIFTY FIFTY FIFTY "=234", 50, true },	/* 254, 255 */
	{ FIFTY FIFTY FIFTY FIFTY FIFTY "=2345", 50, true },
	{ FIVE_HUNDRED "=12345678901", 50, true },
	{ FIVE_HUNDRED "=12345678901", BLOCK_MOST - 69 - 512 - 16, true },
	{ FIVE_HUNDRED "=12345678901", BLOCK_MOST - 69 - 512 - 15, false },
	{ FIVE_HUNDRED "=12345678901", BLOCK_MOST - 69, false },
};

START_TEST(a_tracestate_is_a_field_as_well)
{
	const char *text = blocks[_i].state;
	char header[600];
	const char *const lines[] = { CAME, header, NULL };
	u64 n, size, value = 0, shift = 0;
	const u8 *at;

	snprintf(header, sizeof(header), "tracestate: %s", text);
	serves(1, lines);
	starts_to_ask(1, 0xc000);
	at = blocks_of(2, 0xc000, blocks[_i].n, true, NULL, &size);
	ck_assert_uint_eq(size, stack[4]);
	n = blocks[_i].n + 69;
	if (!blocks[_i].fits) {
		ck_assert_uint_eq(size, n);
		ck_assert(is_answered(1) & PROPAGATED_NO_STATE);
		return;
	}
	at += n;
	ck_assert_mem_eq(at, "\0\12tracestate", 12);
	at += 12;
	value = *at++;
	if (value == 127)
		do {
			value += (u64)(*at & 127) << shift;
			shift += 7;
		} while (*at++ & 128);
	ck_assert_uint_eq(value, strlen(text));
	ck_assert_mem_eq(at, text, value);
	ck_assert_uint_eq(size, n + 12 + (shift ? 1 + shift / 7 : 1) + value);
	ck_assert(!(is_answered(1) & PROPAGATED_NO_STATE));
}
END_TEST

START_TEST(fields_with_other_names_are_no_parents)
{
	const u8 *at;
	u64 n;

	starts_to_ask(1, 0xc000);
	at = blocks_of(2, 0xc000, 50, true, "tracepareny", &n);
	ck_assert_ptr_ne(at, block);
	ck_assert_uint_eq(n, 50 + 69);
}
END_TEST

Suite *agentout_suite(void)
{
	Suite *s = suite_create("agentout");
	TCase *t = tcase_create("agentout");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_line_goes_behind_the_header);
	tcase_add_test(t, the_programs_own_one_stays_alone);
	tcase_add_test(t, where_it_does_not_fit_none_is_written);
	tcase_add_loop_test(t, the_tracestate_that_came_goes_on, 0, ARRAY_LEN(states));
	tcase_add_test(t, a_tracestate_of_the_programs_own_stays_alone);
	tcase_add_test(t, a_tracestate_ends_with_its_request);
	tcase_add_test(t, who_is_not_served_leaves_no_tracestate);
	tcase_add_test(t, where_a_tracestate_does_not_fit_traceparent_goes_alone);
	tcase_add_loop_test(t, a_tracestate_is_a_field_as_well, 0, ARRAY_LEN(blocks));
	tcase_add_test(t, nothing_is_written_where_it_is_not_as_it_should_be);
	tcase_add_test(t, a_writer_is_forgotten_when_its_write_ended_unseen);
	tcase_add_test(t, requests_with_the_same_map_get_none);
	tcase_add_test(t, a_field_goes_into_a_copy_of_the_block);
	tcase_add_loop_test(t, a_block_that_is_not_for_us_is_left_alone, 0, ARRAY_LEN(left_alone));
	tcase_add_test(t, a_list_is_written_once);
	tcase_add_test(t, a_stream_may_be_written_when_its_call_has_ended);
	tcase_add_test(t, lists_that_nobody_writes_make_room);
	tcase_add_test(t, who_finds_no_room_says_so);
	tcase_add_test(t, a_call_tries_again_with_another_list);
	tcase_add_test(t, a_list_with_the_programs_own_one_is_left_alone);
	tcase_add_test(t, what_was_decided_before_records_were_lost_is_not_trusted);
	tcase_add_test(t, what_a_pool_serves_is_of_a_trace_that_nobody_knows);
	tcase_add_test(t, fields_with_other_names_are_no_parents);
	suite_add_tcase(s, t);
	return s;
}
