/* What is said of messages; and whose they are, by headers that are read as the engines do it. */
#include <check.h>
#include <stdio.h>

#include "plan/extra.h"
#include "plan/interpret.h"
#include "plan/records.h"
#include "span/kafka.h"
#include "span/messages.h"
#include "span/propagators.h"
#include "span/traceparent.h"

Suite *kafka_suite(void);

static struct saying saying;
static struct field_value fields[FIELDS_MOST];

static void text(u32 field, const char *s)
{
	fields[field] = (struct field_value){ .there = true, .text = str_of(s) };
}

static void number(u32 field, i64 n)
{
	fields[field] = (struct field_value){ .there = true, .number = n };
}

static const char *told(const struct rule *rule, const struct delivery *d)
{
	static char is[1024];
	struct said said = { .rule = rule, .delivery = d };
	size_t n;

	memset(&saying, 0, sizeof(saying));
	kafka_say(&saying, fields, &said);
	memset(fields, 0, sizeof(fields));
	if (saying.nothing)
		return "nothing";
	n = (size_t)snprintf(is, sizeof(is), "%.*s", STR_F(saying.span.name));
	for (u32 i = 3; i < saying.span.nattrs; i++) {
		const struct span_attr *a = &saying.attrs[i];

		if (str_eq(a->key, STR("messaging.destination.name")))
			continue;
		if (a->kind == ATTR_INT)
			n += (size_t)snprintf(is + n, sizeof(is) - n, " %.*s=%ld", STR_F(a->key),
					      (long)a->number);
		else
			n += (size_t)snprintf(is + n, sizeof(is) - n, " %.*s=%.*s", STR_F(a->key),
					      STR_F(a->text));
	}
	return is;
}

static const struct rule one = { .operation = "send" };
static const struct rule many = {
	.operation = "send", .reads = { { .field = KAFKA_COUNT } }, .nreads = 1,
};
static const struct rule got = { .operation = "receive" };
static const struct rule polled = {
	.operation = "receive", .nreads = 4,
	.reads = { { .field = KAFKA_COUNT }, { .field = KAFKA_FETCHES }, { .field = KAFKA_TOPICS },
		   { .field = KAFKA_PARTITIONS } },
};

START_TEST(a_message_has_its_topic_and_place)
{
	text(KAFKA_TOPIC, "orders");
	ck_assert_str_eq(told(&one, NULL), "send orders");
	ck_assert_uint_eq(saying.span.nattrs, 4);
	text(KAFKA_TOPIC, "orders");
	number(KAFKA_PARTITION, 3);
	number(KAFKA_OFFSET, 70);
	ck_assert_str_eq(told(&got, NULL), "receive orders messaging.destination.partition.id=3 "
					   "messaging.kafka.offset=70");
	ck_assert_str_eq(told(&one, NULL), "send");
}
END_TEST

START_TEST(the_topic_of_many_is_that_of_each)
{
	for (i64 n = 0; n < 6; n++) {
		for (u32 i = 0; i < 4 && i < n; i++)
			text(KAFKA_TOPIC_OF + i, "a");
		number(KAFKA_COUNT, n);
		ck_assert_int_eq(!strncmp(told(&many, NULL), "send a", 6), n >= 1 && n <= 4);
	}
	text(KAFKA_TOPIC_OF, "a");
	text(KAFKA_TOPIC_OF + 1, "b");
	number(KAFKA_COUNT, 2);
	ck_assert_str_eq(told(&many, NULL), "send messaging.batch.message_count=2");
	text(KAFKA_TOPIC, "the writer's");
	number(KAFKA_COUNT, 9);
	ck_assert_str_eq(told(&many, NULL), "send the writer's messaging.batch.message_count=9");
}
END_TEST

START_TEST(the_default_topic_is_that_of_who_has_none)
{
	text(KAFKA_TOPIC, "");
	text(KAFKA_TOPIC_OF, "else");
	ck_assert_str_eq(told(&one, NULL), "send else");
	text(KAFKA_TOPIC, "own");
	text(KAFKA_TOPIC_OF, "else");
	ck_assert_str_eq(told(&one, NULL), "send own");
	text(KAFKA_TOPIC, "own");
	text(KAFKA_TOPIC_OF, "else");
	number(KAFKA_ALWAYS, 1);
	ck_assert_str_eq(told(&one, NULL), "send else");
}
END_TEST

static void poll(i64 fetches, i64 topics, i64 partitions, i64 count)
{
	number(KAFKA_FETCHES, fetches);
	number(KAFKA_TOPICS, topics);
	number(KAFKA_PARTITIONS, partitions);
	number(KAFKA_COUNT, count);
	text(KAFKA_TOPIC, "orders");
	number(KAFKA_PARTITION, 1);
	number(KAFKA_OFFSET, 5);
}

START_TEST(what_a_poll_brings_is_counted_where_it_can_be)
{
	poll(1, 1, 1, 1);
	ck_assert_str_eq(told(&polled, NULL), "receive orders messaging.batch.message_count=1 "
			 "messaging.destination.partition.id=1 messaging.kafka.offset=5");
	poll(1, 1, 1, 2);
	ck_assert_str_eq(told(&polled, NULL), "receive orders messaging.batch.message_count=2 "
					      "messaging.destination.partition.id=1");
	poll(2, 1, 1, 2);
	ck_assert_str_eq(told(&polled, NULL), "receive");
	poll(1, 2, 1, 2);
	ck_assert_str_eq(told(&polled, NULL), "receive");
	poll(1, 1, 2, 2);
	ck_assert_str_eq(told(&polled, NULL), "receive orders");
	poll(1, 1, 1, 0);
	ck_assert_str_eq(told(&polled, NULL), "nothing");
	number(KAFKA_FETCHES, 0);
	ck_assert_str_eq(told(&polled, NULL), "nothing");
}
END_TEST

START_TEST(who_waits_no_longer_has_received_nothing)
{
	static const char *const no_answers[] = {
		"context.deadlineExceededError", "*errors.errorString",
	};

	for (u32 i = 0; i < ARRAY_LEN(no_answers); i++) {
		text(KAFKA_ERROR, no_answers[i]);
		ck_assert_str_eq(told(&got, NULL), "nothing");
		text(KAFKA_ERROR, no_answers[i]);
		ck_assert_str_ne(told(&one, NULL), "nothing");
		ck_assert_int_eq(saying.span.status, STATUS_ERROR);
	}
	text(KAFKA_ERROR, "nil");
	ck_assert_str_eq(told(&got, NULL), "receive");
	ck_assert_int_eq(saying.span.status, STATUS_UNSET);
}
END_TEST

START_TEST(an_error_is_called_as_the_broker_does)
{
	struct delivery d;

	text(KAFKA_ERROR, "sarama.KError");
	number(KAFKA_CODE, 3);
	number(KAFKA_PARTITION, -1);
	ck_assert_str_eq(told(&one, NULL), "send error.type=UNKNOWN_TOPIC_OR_PARTITION");
	text(KAFKA_ERROR, "*kerr.Error");
	text(KAFKA_CODE_NAME, "NOT_LEADER_FOR_PARTITION");
	kafka_delivery(fields, &d);
	ck_assert_str_eq(told(&one, &d), "send error.type=NOT_LEADER_FOR_PARTITION");
	text(KAFKA_ERROR, "x.Error");
	number(KAFKA_CODE, 100000);
	ck_assert_str_eq(told(&one, NULL), "send error.type=x.Error");
	ck_assert_uint_eq(kafka_error_name(0).n, 0);
	ck_assert_uint_eq(kafka_error_name(-2).n, 0);
	ck_assert(str_eq(kafka_error_name(-1), STR("UNKNOWN_SERVER_ERROR")));
}
END_TEST

START_TEST(what_was_delivered_has_the_place_that_it_got)
{
	struct delivery d;

	number(KAFKA_PARTITION, 2);
	number(KAFKA_OFFSET, 8);
	text(KAFKA_ERROR, "nil");
	kafka_delivery(fields, &d);
	memset(fields, 0, sizeof(fields));
	text(KAFKA_TOPIC, "t");
	ck_assert_str_eq(told(&one, &d), "send t messaging.destination.partition.id=2 "
					 "messaging.kafka.offset=8");
	number(KAFKA_PARTITION, 2);	/* of a broker that is not asked for an answer */
	number(KAFKA_OFFSET, 0);
	number(KAFKA_ACKS, 0);
	kafka_delivery(fields, &d);
	memset(fields, 0, sizeof(fields));
	text(KAFKA_TOPIC, "t");
	ck_assert_str_eq(told(&one, &d), "send t messaging.destination.partition.id=2");
	kafka_delivery(fields, &d);	/* nothing is known but that it was */
	text(KAFKA_TOPIC, "t");
	ck_assert_str_eq(told(&one, &d), "send t");
}
END_TEST

static bool nth_word(void *ctx, u64 rt, void *to, size_t n)
{
	u64 word;

	for (size_t i = 0; i < n; i += 8) {
		word = (rt - 0x1000) / 8 + 1 + i / 8;
		memcpy((u8 *)to + i, &word, sizeof(word));
	}
	return !*(bool *)ctx;
}

/* More than a record has room for, whose addresses are 1, 2, … */
START_TEST(a_batch_is_delivered_as_a_whole)
{
	static const struct rule batch = { .extra.kind = EXTRA_LIST };
	const struct rule_on on = { .rule = &batch };
	struct plan_func fn = { .entry.hook_at = 8 };
	u64 record[4 + DELIVERED_MOST] = { 0, 0x1000, 1234, 8 * DELIVERED_MOST };
	u64 to[DELIVERED_MOST];
	struct call call = { .fn = &fn, .entry = (const u8 *)record };
	bool gone = _i;
	struct collector_facts f = { .read_rt = nth_word, .read_ctx = &gone };
	u32 n, from = 0;

	for (u64 i = 0; i < DELIVERED_MOST; i++)
		record[4 + i] = i + 1;
	for (; (n = messages_delivered(&f, &call, &on, from, to)); from += n)
		for (u32 i = 0; i < n; i++)
			ck_assert_uint_eq(to[i], from + i + 1);
	ck_assert_uint_eq(from, gone ? DELIVERED_MOST : 1234);
	record[2] = record[3] = 0;
	ck_assert_uint_eq(messages_delivered(&f, &call, &on, 0, to), 0);
}
END_TEST

/* A program's memory: a slice of headers at the record's word. */
static u8 memory[1 << 14];
static u32 used;

static bool fetch(u64 va, u64 n, void *to)
{
	if (va >= sizeof(memory) || n > sizeof(memory) - va)
		return false;
	memcpy(to, memory + va, n);
	return true;
}

static u64 put(const void *bytes, size_t n)
{
	u32 at = used;

	memcpy(memory + at, bytes, n);
	used += (u32)round_up(n, 8);
	return at;
}

#define GOOD "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define OTHER "00-11111111111111111111111111111111-2222222222222222-01"

#define B3_GOOD "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
#define B3_OTHER "11111111111111111111111111111111-2222222222222222"

static const char *const only[] = { "tracepar", "Tracepar" };
static u32 how = PROPAGATOR_W3C;
static struct plan_extra extra;
static struct plan plan;
static struct plan_func fn;
static struct expr_code code;
static struct expr_step step;
static struct slot slot;
static u8 record[RECORD_MAX + 64];

/* "name=value" each; where they are, and how many. */
static u64 headers(const char *const *of, u32 n)
{
	u64 words[8 * REQUEST_HEADERS_MOST + 16] = { 0 }, pointers[RECORD_HEADERS_MOST + 2];
	bool bytes = extra.headers != HEADERS_TEXT;
	u32 second = bytes ? 3 : 2, each = second + (extra.headers == HEADERS_BYTES_BOOL ? 4 : 3);
	u64 at;

	for (u32 i = 0; i < n; i++) {
		const char *value = strchr(of[i], '=') + 1;
		u64 *w = words + i * each;

		w[0] = put(of[i], (size_t)(value - of[i]) - 1);
		w[1] = (u64)(value - of[i]) - 1;
		w[second] = put(value, strlen(value));
		w[second + 1] = strlen(value);
	}
	at = put(words, 8 * each * n);
	if (extra.headers != HEADERS_BYTES_BEHIND)
		return at;
	for (u32 i = 0; i < n; i++)
		pointers[i] = at + 48 * i;
	return put(pointers, 8 * n);
}

/* One message's headers, read; the ids of whose it is, or "". */
static const char *whose(int kind, const char *const *of, u32 n)
{
	static char is[2 * TRACE_ID + 1];
	struct interpreter in = { .fetch = fetch };
	struct collector_facts f = { .plan = &plan, .propagators = how };
	struct call call = { .fn = &fn, .entry = record };
	static const struct rule rule = { .operation = "send" };
	static const struct library library = { .messages = kafka_messages };
	struct rule_on on = rule_on_of(&rule, &library, 0);
	struct open_span s = { .nlinks = 0 };
	static const struct go_func func = { .name = { "f", 1 } };
	static struct expr place = { .role = EXPR_PLACE };
	bool parent;

	used = 8;
	memset(record, 0, sizeof(record));
	extra = (struct plan_extra){ .kind = EXTRA_RECORDS, .headers = (u8)kind, .nplaces = 1,
				     .only = only, .func = "f",
				     .nonly = kind == HEADERS_BYTES_BOOL ? 2 : 1,
				     .role = kind == HEADERS_BYTES_BOOL ? PROPAGATE_HEADED :
									  PROPAGATE_NONE };
	plan = (struct plan){ .request = { .extras = &extra, .nextras = 1 }, .exprs = &place,
			      .nexprs = 1 };
	slot = (struct slot){ .at = 40, .taken = true };
	step = (struct expr_step){ .op = EX_VALUE, .kind = EXPR_VALUE, .at = 40 };
	code = (struct expr_code){ .steps = &step, .n = 1, .slot = &slot };
	propagators_ask(&extra, how, &plan.arena);
	fn = (struct plan_func){ .func = &func, .codes = &code, .entry = { .size = 64 } };
	records_read(&plan, &fn, &extra);
	ck_assert_uint_eq(records_read_of(&extra, &fn.entry), 1);
	ck_assert_uint_le(fn.entry.size, RECORD_MAX);
	*(u64 *)(void *)(record + 40) = headers(of, n);
	*(u64 *)(void *)(record + 48) = n;
	interpret(&in, fn.entry.reads, fn.entry.nreads, fn.entry.size, record);
	parent = messages_place(&f, &call, &on, false, &s);
	ck_assert_int_eq(parent, s.nlinks);
	if (s.nlinks)
		trace_id_hex(is, s.links[0].trace);
	for (size_t i = 0; i + 6 <= sizeof(record); i++)
		ck_assert(memcmp(record + i, "canary", 6));
	arena_release(&plan.arena);
	return s.nlinks ? is : "";
}

#define WHOSE(kind, ...) \
	whose(kind, (const char *const[]){ __VA_ARGS__ }, \
	      sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

START_TEST(whose_a_message_is_stands_in_its_headers)
{
	ck_assert_str_eq(WHOSE(_i, "traceparent=" GOOD), "0af7651916cd43dd8448eb211c80319c");
	ck_assert_str_eq(WHOSE(_i, "a=canary", "b=", "traceparent=" OTHER, "secret=canary"),
			 "11111111111111111111111111111111");
	ck_assert_str_eq(WHOSE(_i, "a=canary", "tracestate=canary", "Traceparent=canary"), "");
	ck_assert_str_eq(WHOSE(_i, "traceparent="), "");
	ck_assert_str_eq(WHOSE(_i, "traceparent=" GOOD "-"), "");
	ck_assert_str_eq(WHOSE(_i, "traceparent=" GOOD " and more"), "");
	ck_assert_str_eq(WHOSE(_i, "traceparent=" GOOD, "traceparent=" OTHER), "");
	ck_assert_str_eq(WHOSE(_i, "traceparents=" GOOD), "");
	ck_assert_str_eq(WHOSE(_i, "tracepar=" GOOD, "traceparent=" OTHER), "");
}
END_TEST

START_TEST(whose_a_message_is_b3_says_where_it_is_asked)
{
	static const char good[] = "0af7651916cd43dd8448eb211c80319c";

	ck_assert_str_eq(WHOSE(_i, "b3=" B3_GOOD "-1", "b=canary"), "");
	how = PROPAGATOR_B3;
	ck_assert_str_eq(WHOSE(_i, "a=canary", "b3=" B3_GOOD "-1", "b3x=canary"), good);
	ck_assert_str_eq(WHOSE(_i, "b3=" B3_GOOD), good);
	ck_assert_str_eq(WHOSE(_i, "b3=8448eb211c80319c-b7ad6b7169203331-d"),
			 "00000000000000008448eb211c80319c");
	ck_assert_str_eq(WHOSE(_i, "b3=0"), "");
	ck_assert_str_eq(WHOSE(_i, "b3=" B3_GOOD "-1", "b3=" B3_OTHER "-1"), "");
	ck_assert_str_eq(WHOSE(_i, "b3=" B3_GOOD "-1-3333333333333333"), "");	/* no room */
	ck_assert_str_eq(WHOSE(_i, "b=" B3_GOOD "-1", "b3-=" B3_GOOD "-1"), "");
	ck_assert_str_eq(WHOSE(_i, "traceparent=" OTHER), "");
	how = PROPAGATOR_B3MULTI | PROPAGATOR_W3C;
	ck_assert_str_eq(WHOSE(_i, "traceparent=" OTHER, "b3=" B3_GOOD "-0"), good);
	ck_assert_str_eq(WHOSE(_i, "b3=" B3_OTHER "-0", "traceparent=" GOOD), good);
	ck_assert_str_eq(WHOSE(_i, "traceparent=" GOOD), good);
	how = 0;
	ck_assert_str_eq(WHOSE(_i, "traceparent=" GOOD, "b3=" B3_GOOD "-1"), "");
}
END_TEST

START_TEST(behind_the_eighth_header_nothing_is_read)
{
	ck_assert_str_eq(WHOSE(_i, "a=", "b=", "c=", "d=", "e=", "f=", "g=", "traceparent=" GOOD),
			 "0af7651916cd43dd8448eb211c80319c");
	ck_assert_str_eq(WHOSE(_i, "a=", "b=", "c=", "d=", "e=", "f=", "g=", "h=",
			       "traceparent=" GOOD), "");
}
END_TEST

START_TEST(whose_a_request_is_stands_in_its_headers)
{
	enum { KIND = HEADERS_BYTES_BOOL };
	static const char *of[REQUEST_HEADERS_MOST + 1];

	ck_assert_str_eq(WHOSE(KIND, "Traceparent=" GOOD), "0af7651916cd43dd8448eb211c80319c");
	ck_assert_str_eq(WHOSE(KIND, "Cookie=canary", "X-A=canary", "traceparent=" OTHER),
			 "11111111111111111111111111111111");
	ck_assert_str_eq(WHOSE(KIND, "Traceparent=" GOOD, "traceparent=" OTHER), "");
	ck_assert_str_eq(WHOSE(KIND, "Tracestate=canary", "Traceparents=" GOOD), "");
	ck_assert_str_eq(WHOSE(KIND, "Traceparent=" GOOD "-"), "");
	for (u32 i = 0; i < REQUEST_HEADERS_MOST; i++)
		of[i] = "X-A=canary";
	of[REQUEST_HEADERS_MOST - 1] = "Traceparent=" GOOD;
	ck_assert_str_eq(whose(KIND, of, REQUEST_HEADERS_MOST), "0af7651916cd43dd8448eb211c80319c");
	of[REQUEST_HEADERS_MOST - 1] = "X-A=canary";
	of[REQUEST_HEADERS_MOST] = "Traceparent=" GOOD;
	ck_assert_str_eq(whose(KIND, of, REQUEST_HEADERS_MOST + 1), "");
}
END_TEST

Suite *kafka_suite(void)
{
	Suite *s = suite_create("kafka");
	TCase *t = tcase_create("kafka");

	tcase_add_test(t, a_message_has_its_topic_and_place);
	tcase_add_test(t, the_topic_of_many_is_that_of_each);
	tcase_add_test(t, the_default_topic_is_that_of_who_has_none);
	tcase_add_test(t, what_a_poll_brings_is_counted_where_it_can_be);
	tcase_add_test(t, who_waits_no_longer_has_received_nothing);
	tcase_add_test(t, an_error_is_called_as_the_broker_does);
	tcase_add_test(t, what_was_delivered_has_the_place_that_it_got);
	tcase_add_loop_test(t, a_batch_is_delivered_as_a_whole, 0, 2);
	tcase_add_loop_test(t, whose_a_message_is_stands_in_its_headers, HEADERS_TEXT,
			    HEADERS_BYTES_BEHIND + 1);
	tcase_add_loop_test(t, whose_a_message_is_b3_says_where_it_is_asked, HEADERS_TEXT,
			    HEADERS_BYTES_BEHIND + 1);
	tcase_add_loop_test(t, behind_the_eighth_header_nothing_is_read, HEADERS_TEXT,
			    HEADERS_BYTES_BEHIND + 1);
	tcase_add_test(t, whose_a_request_is_stands_in_its_headers);
	suite_add_tcase(s, t);
	return s;
}
