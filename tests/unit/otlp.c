#include <check.h>
#include <math.h>

#include "out/otlp_answer.h"
#include "out/otlp_encode.h"

Suite *otlp_suite(void);

static struct out o;

static struct span a_span(void)
{
	return (struct span){
		.self = { .trace = { 0x11 }, .span = { 0x22 } }, .kind = SPAN_CLIENT,
		.name = STR("n"), .start_ns = 1, .end_ns = 0x0102030405060708,
	};
}

static void encode(const struct otlp_encoding *as, const struct span *s)
{
	out_release(&o);
	out_memory(&o);
	as->span(&o, s);
}

/* Was this encoded somewhere? */
static void has(const void *bytes, size_t n)
{
	ck_assert_msg(memmem(o.buf, o.n, bytes, n) != NULL, "not there");
}

#define HAS(bytes) has(bytes, sizeof(bytes) - 1)

START_TEST(a_plain_span_byte_for_byte)
{
	static const u8 want[] =
		"\x0a\x10\x11\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"	/* 1: 16 bytes */
		"\x12\x08\x22\0\0\0\0\0\0\0"			/* 2: 8 bytes */
		"\x2a\x01n"					/* 5: text */
		"\x30\x03"					/* 6: varint */
		"\x39\x01\0\0\0\0\0\0\0"			/* 7: fixed64 */
		"\x41\x08\x07\x06\x05\x04\x03\x02\x01"		/* 8 */
		"\x85\x01\0\x01\0\0";				/* 16: fixed32, a tag of two */
	struct span s = a_span();

	encode(&otlp_protobuf, &s);
	ck_assert_uint_eq(o.n, sizeof(want) - 1);
	ck_assert_mem_eq(o.buf, want, o.n);
}
END_TEST

START_TEST(attributes_of_each_kind)
{
	struct span_attr attrs[] = {
		{ .key = STR("i"), .kind = ATTR_INT, .number = 300 },
		{ .key = STR("m"), .kind = ATTR_INT, .number = -1 },
		{ .key = STR("f"), .kind = ATTR_FLOAT, .real = 1 },
		{ .key = STR("b"), .kind = ATTR_BOOL },
		{ .key = STR("t"), .text = STR("") },
	};
	struct span s = a_span();

	s.attrs = attrs;
	s.nattrs = ARRAY_LEN(attrs);
	encode(&otlp_protobuf, &s);
	HAS("\x4a\x08\x0a\x01i\x12\x03\x18\xac\x02");
	HAS("\x4a\x10\x0a\x01m\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	HAS("\x4a\x0e\x0a\x01" "f\x12\x09\x21\0\0\0\0\0\0\xf0\x3f");
	/* an AnyValue says its kind even where the value is the default */
	HAS("\x4a\x07\x0a\x01" "b\x12\x02\x10\0");
	HAS("\x4a\x07\x0a\x01t\x12\x02\x0a\0");
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_replaced)
{
	struct span s = a_span();

	s.name = STR("a\xff\xc3\xa4\xe2\x82z");
	encode(&otlp_protobuf, &s);
	HAS("\x2a\x0d" "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbdz");
	encode(&otlp_json, &s);
	HAS("\"name\":\"a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbdz\"");
}
END_TEST

/* Of one series. */
static void encode_metric(const struct otlp_encoding *as, u32 metric, bool sampled)
{
	static const struct span_attr attrs[] = {
		{ .key = STR("http.request.method"), .text = STR("GET") },
		{ .key = STR("messaging.system"), .text = STR("kafka") },
	};
	struct otlp_counted when = { 1, 2, TEMPORALITY_CUMULATIVE };
	struct metrics m = { 0 };
	struct span s = { .kind = SPAN_SERVER, .attrs = attrs, .nattrs = 1, .end_ns = 500000000,
			  .messages = 3 };

	if (metric == METRIC_SENT) {
		when.temporality = TEMPORALITY_DELTA;
		s.kind = SPAN_PRODUCER;
		s.attrs++;
	}
	s.self.sampled = sampled;
	memset(s.self.trace, 0x1f, TRACE_ID);
	memset(s.self.span, 0x2f, SPAN_ID);
	metrics_add(&m, &s);
	out_release(&o);
	out_memory(&o);
	as->metric(&o, &m.of[metric], metric_about(metric), when);
	metrics_release(&m);
}

START_TEST(a_metric_byte_for_byte)
{
	encode_metric(&otlp_protobuf, METRIC_HTTP_SERVER, false);
	HAS("\x0a\x1chttp.server.request.duration\x12");	/* 1, 2 */
	HAS("\x1a\x01s\x4a\xc5\x02\x0a\xc0\x02");	/* 3; 9: 325 bytes; 1: 320 */
	HAS("\x11\x01\0\0\0\0\0\0\0\x19\x02\0\0\0\0\0\0\0"	/* 2, 3: times */
	    "\x21\x01\0\0\0\0\0\0\0"			/* 4: count */
	    "\x29\0\0\0\0\0\0\xe0\x3f"			/* 5: sum */
	    "\x32\x78\0\0\0\0\0\0\0\0");			/* 6: fifteen of eight bytes */
	HAS("\x3a\x70\x7b\x14\xae\x47\xe1\x7a\x74\x3f");	/* 7: fourteen, from 0.005 on */
	HAS("\x4a\x1c\x0a\x13http.request.method\x12\x05\x0a\x03GET");	/* 9 */
	HAS("\x59\0\0\0\0\0\0\xe0\x3f\x61\0\0\0\0\0\0\xe0\x3f"	/* 11, 12 */
	    "\x10\x02");					/* cumulative */
	encode_metric(&otlp_json, METRIC_HTTP_SERVER, false);
	HAS("\"unit\":\"s\",\"histogram\":{\"dataPoints\":[{\"attributes\":[{\"key\":"
	    "\"http.request.method\",\"value\":{\"stringValue\":\"GET\"}}],"
	    "\"startTimeUnixNano\":\"1\",\"timeUnixNano\":\"2\",\"count\":\"1\",\"sum\":0.5,"
	    "\"bucketCounts\":[\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"1\",");
	HAS("\"explicitBounds\":[0.005,0.01,");
	HAS(",10],\"min\":0.5,\"max\":0.5}],\"aggregationTemporality\":2}}");
}
END_TEST

#define TRACE_1F "1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f"
START_TEST(an_exemplar_byte_for_byte)
{
	encode_metric(&otlp_protobuf, METRIC_HTTP_SERVER, true);
	HAS("\x42\x2e\x11\0\x65\xcd\x1d\0\0\0\0"	/* 8: 46 bytes; 2: time */
	    "\x19\0\0\0\0\0\0\xe0\x3f\x22\x08//"		/* 3: value; 4: span... */
	    "//////\x2a\x10\x1f\x1f");			/* 5: ...and trace */
	encode_metric(&otlp_json, METRIC_HTTP_SERVER, true);
	HAS(",10],\"exemplars\":[{\"timeUnixNano\":\"500000000\",\"asDouble\":0.5,"
	    "\"spanId\":\"2f2f2f2f2f2f2f2f\",\"traceId\":\"" TRACE_1F "\"}],\"min\":0.5,");
}
END_TEST

START_TEST(a_sum_byte_for_byte)
{
	encode_metric(&otlp_protobuf, METRIC_SENT, true);
	HAS("\x1a\x09{message}\x3a\x3e\x0a\x38"	/* 3; 7: 62 bytes; 1: 56 */
	    "\x11\x01\0\0\0\0\0\0\0\x19\x02\0\0\0\0\0\0\0"	/* 2, 3: times */
	    "\x31\x03\0\0\0\0\0\0\0"			/* 6: how many */
	    "\x3a\x1b\x0a\x10messaging.system\x12\x07\x0a\x05kafka"	/* 7 */
	    "\x10\x01\x18\x01");			/* 2, 3: delta, and never less */
	encode_metric(&otlp_json, METRIC_SENT, true);
	HAS("\"unit\":\"{message}\",\"sum\":{\"dataPoints\":[{\"attributes\":[");
	HAS("\"timeUnixNano\":\"2\",\"asInt\":\"3\"}],\"aggregationTemporality\":1,"
	    "\"isMonotonic\":true}}");
}
END_TEST

/* Lengths of 127, 128 and 16384 bytes take one, two and three bytes. */
START_TEST(lengths_of_any_size)
{
	static char text[16384];
	struct span s = a_span();

	memset(text, 'x', sizeof(text));
	s.name = (struct str){ text, 127 };
	encode(&otlp_protobuf, &s);
	HAS("\x2a\x7fx");
	s.name.n = 128;
	encode(&otlp_protobuf, &s);
	HAS("\x2a\x80\x01x");
	s.name.n = 16384;
	encode(&otlp_protobuf, &s);
	HAS("\x2a\x80\x80\x01x");
	s.status = STATUS_ERROR;
	s.message = s.name;
	encode(&otlp_protobuf, &s);
	/* the message around it is four bytes, and its code two, longer */
	HAS("\x7a\x86\x80\x01\x12\x80\x80\x01x");
}
END_TEST

static const u8 *take_length(const u8 *at, u64 *n)
{
	u32 shift = 0;

	*n = 0;
	do {
		*n |= (u64)(*at & 0x7f) << shift;
		shift += 7;
	} while (*at++ & 0x80);
	return at;
}

/* Those of a batch are thought of before it is written, and may be thought wrong: sizes around 128
 * and 16384. */
START_TEST(lengths_of_batches)
{
	static char text[16500];

	for (size_t size = _i ? 16200 : 1; size < (_i ? 16500 : 200); size++) {
		struct otlp_piece p[] = { { STR("a"), { text, size } }, { STR("b"), STR("B") } };
		const u8 *at, *message;
		u64 n;

		memset(text, 'x', sizeof(text));
		out_release(&o);
		out_memory(&o);
		otlp_protobuf.request(&o, &otlp_spans, STR("R"), p, ARRAY_LEN(p));
		ck_assert_int_eq(o.buf[0], 0x0a);
		at = take_length((u8 *)o.buf + 1, &n);
		ck_assert_ptr_eq(at + n, o.buf + o.n);
		ck_assert_mem_eq(at, "\x0a\1R\x12", 4);
		message = take_length(at + 4, &n);
		ck_assert_mem_eq(message, "\x0a\3\x0a\1a\x12", 6);
		ck_assert_int_eq(message[n], 0x12);	/* the other scope's */
		message = take_length(message + 6, &n);
		ck_assert_uint_eq(n, size);
		ck_assert_mem_eq(message, text, size);
	}
}
END_TEST

static void json_is(double v, const char *want)
{
	struct span_attr attr = { .key = STR("k"), .kind = ATTR_FLOAT, .real = v };
	struct span_resource r = { &attr, 1 };
	char text[200];

	out_release(&o);
	out_memory(&o);
	otlp_json.resource(&o, &r);
	snprintf(text, sizeof(text),
		 "{\"attributes\":[{\"key\":\"k\",\"value\":{\"doubleValue\":%s}}]}", want);
	out_c(&o, 0);
	ck_assert_str_eq(o.buf, text);
}

START_TEST(numbers_of_json_that_are_none)
{
	json_is(0.5, "0.5");
	json_is(NAN, "\"NaN\"");
	json_is(INFINITY, "\"Infinity\"");
	json_is(-INFINITY, "\"-Infinity\"");
}
END_TEST

START_TEST(events)
{
	struct span_attr level = { .key = STR("l"), .text = STR("INFO") };
	struct span_event event = { .time_ns = 5, .name = STR("log"), .attrs = &level,
				    .nattrs = 1 };
	struct span s = a_span();

	s.events = &event;
	s.nevents = 1;
	s.dropped_events = 300;
	encode(&otlp_protobuf, &s);
	HAS("\x5a\x1b\x09\x05\0\0\0\0\0\0\0\x12\x03log"		/* 11: 1 fixed64, 2 text, */
	    "\x1a\x0b\x0a\x01l\x12\x06\x0a\x04INFO"			/* 3 pair */
	    "\x60\xac\x02");						/* 12: varint */
	encode(&otlp_json, &s);
	HAS("\"events\":[{\"timeUnixNano\":\"5\",\"name\":\"log\","
	    "\"attributes\":[{\"key\":\"l\","
	    "\"value\":{\"stringValue\":\"INFO\"}}]}],\"droppedEventsCount\":300");
}
END_TEST

#define SCHEMA ",\"schemaUrl\":\"" OTLP_SCHEMA "\""

START_TEST(a_request_has_each_scope_once)
{
	struct otlp_piece p[] = {
		{ STR("a"), STR("1") }, { STR("b"), STR("2") }, { STR("a"), STR("3") },
		{ STR(""), STR("4") },
	};

	out_release(&o);
	out_memory(&o);
	otlp_json.request(&o, &otlp_spans, STR("{}"), p, ARRAY_LEN(p));
	out_c(&o, 0);
	ck_assert_str_eq(o.buf, "{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":["
			 "{\"scope\":{\"name\":\"a\"},\"spans\":[1,3]" SCHEMA "},"
			 "{\"scope\":{\"name\":\"b\"},\"spans\":[2]" SCHEMA "},"
			 "{\"scope\":{},\"spans\":[4]" SCHEMA "}]" SCHEMA "}]}");
	o.n = 0;
	otlp_protobuf.request(&o, &otlp_spans, STR("R"), p, ARRAY_LEN(p));
	ck_assert_uint_eq(o.n, 3 + 3 + 13 + 10 + 7 + 4 * 41);
	HAS("\x0a\xc5\x01\x0a\x01R\x12\x34\x0a\x03\x0a\x01" "a\x12\x01" "1\x12\x01" "3\x1a\x27"
	    OTLP_SCHEMA "\x12\x31\x0a\x03\x0a\x01" "b\x12\x01" "2\x1a\x27" OTLP_SCHEMA
	    "\x12\x2e\x0a\0\x12\x01" "4\x1a\x27" OTLP_SCHEMA "\x1a\x27" OTLP_SCHEMA);
}
END_TEST

static struct otlp_answer judged(long status, const char *body, bool json)
{
	struct otlp_reply r = { .status = status, .body = str_of(body), .json = json };
	struct otlp_answer a;

	otlp_judge(&a, &r, &otlp_spans);
	return a;
}

/* A failure may have the name of a certificate in it. */
START_TEST(a_terminal_gets_no_control_bytes)
{
	struct otlp_reply r = { .trouble = TROUBLE_TLS, .failure = "subject 'a\x1b[2J'" };
	struct otlp_answer a;

	otlp_judge(&a, &r, &otlp_spans);
	ck_assert_int_eq(a.fate, FATE_NEVER);
	ck_assert_str_eq(a.why, "subject 'a\\x1b[2J'");
}
END_TEST

START_TEST(which_answers_are_final)
{
	static const long again[] = { 429, 502, 503, 504 };
	static const long never[] = { 301, 400, 401, 403, 404, 408, 413, 500, 501 };

	ck_assert_int_eq(judged(200, "", false).fate, FATE_TAKEN);
	ck_assert_int_eq(judged(202, "", false).trouble, TROUBLE_NONE);
	for (size_t i = 0; i < ARRAY_LEN(again); i++)
		ck_assert_int_eq(judged(again[i], "", false).fate, FATE_AGAIN);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		ck_assert_int_eq(judged(never[i], "", false).fate, FATE_NEVER);
}
END_TEST

START_TEST(what_an_answer_about_metrics_says)
{
	struct otlp_reply r = { .status = 404 };
	struct otlp_answer a;

	otlp_judge(&a, &r, &otlp_metrics);
	ck_assert(a.absent && a.fate == FATE_NEVER);
	otlp_judge(&a, &r, &otlp_spans);
	ck_assert(!a.absent && a.fate == FATE_NEVER);
	r = (struct otlp_reply){ .status = 200, .json = true,
		.body = STR("{\"partialSuccess\":{\"rejectedDataPoints\":\"7\"}}") };
	otlp_judge(&a, &r, &otlp_metrics);
	ck_assert_str_eq(a.why, "took a batch but for 7 data points");
}
END_TEST

START_TEST(what_an_answer_says)
{
	struct otlp_answer a = judged(200, "\x0a\x06\x08\x05\x12\x02no", false);

	ck_assert_uint_eq(a.rejected, 5);
	ck_assert_str_eq(a.why, "took a batch but for 5 spans: no");
	a = judged(200, "{\"partialSuccess\":{\"rejectedSpans\":\"7\"}}", true);
	ck_assert_uint_eq(a.rejected, 7);
	a = judged(200, "{\"partialSuccess\":{\"rejectedSpans\" : 8}}", true);
	ck_assert_uint_eq(a.rejected, 8);
	a = judged(200, "{\"partialSuccess\":{\"errorMessage\":\"slow \\\"down\\\"\"}}", true);
	ck_assert_str_eq(a.why, "took the spans and says: slow \\\"down\\\"");
	a = judged(400, "\x08\x03\x12\x03" "bad", false);
	ck_assert_str_eq(a.why, "answers 400: bad");
}
END_TEST

/* Each prefix and each changed byte: no crash, and nothing rejected that was not said to be. */
START_TEST(broken_answers_say_nothing)
{
	static const char whole[] = "\x0a\x06\x08\x05\x12\x02no";
	static const char json[] = "{\"partialSuccess\":{\"rejectedSpans\":\"7\","
				   "\"errorMessage\":\"\\";

	for (size_t n = 1; n < sizeof(whole) - 1; n++) {
		struct otlp_reply r = { .status = 200, .body = { whole, n } };
		struct otlp_answer a;

		otlp_judge(&a, &r, &otlp_spans);
		ck_assert_int_eq(a.fate, FATE_TAKEN);
		ck_assert_uint_eq(a.rejected, 0);
	}
	for (size_t n = 0; n < sizeof(json); n++) {
		char *copy = mem_resize(NULL, n + 1);
		struct otlp_reply r = { .status = 200, .body = { copy, n }, .json = true };
		struct otlp_answer a;

		memcpy(copy, json, n);
		otlp_judge(&a, &r, &otlp_spans);
		mem_free(copy);
		ck_assert_uint_le(a.rejected, 7);
	}
	for (size_t i = 0; i < sizeof(whole) - 1; i++)
		for (int c = 0; c < 256; c++) {
			char copy[sizeof(whole)];
			struct otlp_reply r = { .status = 200, .body = { copy, sizeof(copy) - 1 } };
			struct otlp_answer a;

			memcpy(copy, whole, sizeof(copy));
			copy[i] = (char)c;
			otlp_judge(&a, &r, &otlp_spans);
			ck_assert_int_eq(a.fate, FATE_TAKEN);
		}
}
END_TEST

START_TEST(when_to_come_again)
{
	struct otlp_reply r = { .status = 503, .retry_after_ns = 7 };
	struct otlp_answer a;

	otlp_judge(&a, &r, &otlp_spans);
	ck_assert_int_eq(a.not_before_ns, 7);
	r.retry_after_ns = INT64_MAX;
	otlp_judge(&a, &r, &otlp_spans);
	ck_assert_int_eq(a.not_before_ns, RETRY_AFTER_MOST);
	ck_assert_int_eq(otlp_backoff(1000, 0, 0), 500);
	ck_assert_int_eq(otlp_backoff(1000, 0, UINT32_MAX), 1000);
	ck_assert_int_eq(otlp_backoff(1000, 1, UINT32_MAX), 2000);
	ck_assert_int_eq(otlp_backoff(1000, 40, UINT32_MAX), 16000);
}
END_TEST

/* A length, and how many bytes it takes. */
static size_t length_at(const char *p, size_t *bytes)
{
	size_t n = 0;

	*bytes = 0;
	do
		n |= (size_t)(p[*bytes] & 0x7f) << 7 * *bytes;
	while (p[(*bytes)++] & 0x80);
	return n;
}

/* An attribute is two texts in messages that have lengths of one byte or more. */
START_TEST(texts_of_any_length_are_encoded)
{
	static char text[40000];
	const size_t lengths[] = {
		0, 1, 100, 113, 114, 115, 116, 117, 118, 127, 128, 16383, 40000
	};

	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct span_attr a = {
			.key = STR("key.name"), .kind = ATTR_TEXT, .text = { text, lengths[i] },
		};
		struct span s = { .attrs = &a, .nattrs = 1 };
		size_t took, left;
		const char *p;

		encode(&otlp_protobuf, &s);
		p = memmem(o.buf, o.n, "\x0a\x08key.name\x12", 11);
		ck_assert_ptr_nonnull(p);
		p += 11;
		left = length_at(p, &took);
		p += took;
		ck_assert_int_eq(*p++, 0x0a);
		ck_assert_uint_eq(length_at(p, &took), lengths[i]);
		ck_assert_uint_eq(left, 1 + took + lengths[i]);
		p += took;
		ck_assert_mem_eq(p, text, lengths[i]);
		ck_assert_uint_eq((size_t)(o.buf + o.n - p), lengths[i] + 6);	/* the flags */
		p = memchr(o.buf + 26, 0x4a, o.n - 26);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq(length_at(p + 1, &left), (size_t)(o.buf + o.n - p) - 7 - left);
	}
}
END_TEST

Suite *otlp_suite(void)
{
	Suite *s = suite_create("otlp");
	TCase *t = tcase_create("otlp");

	tcase_add_test(t, a_plain_span_byte_for_byte);
	tcase_add_test(t, attributes_of_each_kind);
	tcase_add_test(t, bytes_that_are_not_utf8_are_replaced);
	tcase_add_test(t, a_metric_byte_for_byte);
	tcase_add_test(t, an_exemplar_byte_for_byte);
	tcase_add_test(t, a_sum_byte_for_byte);
	tcase_add_test(t, lengths_of_any_size);
	tcase_add_loop_test(t, lengths_of_batches, 0, 2);
	tcase_add_test(t, numbers_of_json_that_are_none);
	tcase_add_test(t, events);
	tcase_add_test(t, a_request_has_each_scope_once);
	tcase_add_test(t, a_terminal_gets_no_control_bytes);
	tcase_add_test(t, which_answers_are_final);
	tcase_add_test(t, what_an_answer_says);
	tcase_add_test(t, what_an_answer_about_metrics_says);
	tcase_add_test(t, broken_answers_say_nothing);
	tcase_add_test(t, when_to_come_again);
	tcase_add_test(t, texts_of_any_length_are_encoded);
	suite_add_tcase(s, t);
	return s;
}
