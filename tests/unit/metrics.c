/* Spans as histograms: which one they are counted in, and how. */
#include <check.h>
#include <stdio.h>

#include "span/metrics.h"

Suite *metrics_suite(void);

static struct metrics m;

static void begin(void)
{
	m = (struct metrics){ 0 };
}

static void end(void)
{
	metrics_release(&m);
}

static void add(enum span_kind kind, i64 ns, const struct span_attr *attrs, u32 n)
{
	struct span s = { .kind = kind, .name = STR("shop.Orders/Get"), .start_ns = 5,
			  .end_ns = 5 + ns, .attrs = attrs, .nattrs = n };

	metrics_add(&m, &s);
}

#define TEXT(name, value) { .key = STR(name), .kind = ATTR_TEXT, .text = STR(value) }
#define INT(name, value) { .key = STR(name), .kind = ATTR_INT, .number = value }

/* Attributes of a series, as one text. */
static const char *words(u32 metric, size_t i)
{
	static char to[512];
	const struct metric_series *s = m.of[metric].series.at[i];
	size_t n = 0;

	for (u32 k = 0; k < s->nattrs; k++) {
		const struct span_attr *a = &s->attrs[k];

		n += (size_t)snprintf(to + n, sizeof(to) - n, "%s%.*s=", k ? " " : "",
				      STR_F(a->key));
		n += (size_t)(a->kind == ATTR_TEXT ?
			snprintf(to + n, sizeof(to) - n, "%.*s", STR_F(a->text)) :
			snprintf(to + n, sizeof(to) - n, "%lld", (long long)a->number));
	}
	return to;
}

START_TEST(a_bucket_has_what_is_not_above_its_bound)
{
	struct span_attr a[] = { TEXT("http.request.method", "GET") };
	const struct metric_series *s;

	add(SPAN_SERVER, 0, a, 1);
	add(SPAN_SERVER, 5000000, a, 1);
	add(SPAN_SERVER, 5000001, a, 1);
	add(SPAN_SERVER, 10000000000, a, 1);
	add(SPAN_SERVER, 10000000001, a, 1);
	add(SPAN_SERVER, -7, a, 1);
	ck_assert_uint_eq(m.of[METRIC_HTTP_SERVER].series.n, 1);
	s = m.of[METRIC_HTTP_SERVER].series.at[0];
	ck_assert_uint_eq(s->count, 6);
	ck_assert_uint_eq(s->buckets[0], 3);
	ck_assert_uint_eq(s->buckets[1], 1);
	ck_assert_uint_eq(s->buckets[13], 1);
	ck_assert_uint_eq(s->buckets[14], 1);
	ck_assert_double_eq(s->least, 0);
	ck_assert_double_eq(s->most, 10.000000001);
	ck_assert_double_eq_tol(s->sum, 20.010000002, 1e-9);
}
END_TEST

START_TEST(each_kind_of_call_has_its_own)
{
	struct span_attr http[] = {
		TEXT("http.request.method", "GET"), TEXT("url.path", "/item/7"),
		TEXT("url.full", "http://a/item/7"), TEXT("http.route", "/item/{id}"),
		INT("http.response.status_code", 404), TEXT("server.address", "a"),
		INT("server.port", 80), TEXT("url.scheme", "http"), TEXT("client.address", "c"),
	};
	struct span_attr query[] = {
		TEXT("db.system.name", "mysql"), TEXT("db.query.text", "select * from t"),
		TEXT("db.query.summary", "SELECT t"), TEXT("db.operation.name", "SELECT"),
	};
	struct span_attr own[] = { TEXT("code.function.name", "main.f") };

	add(SPAN_SERVER, 1, http, ARRAY_LEN(http));
	add(SPAN_CLIENT, 1, http, ARRAY_LEN(http));
	add(SPAN_CLIENT, 1, query, ARRAY_LEN(query));
	add(SPAN_INTERNAL, 1, own, 1);
	ck_assert_str_eq(words(METRIC_HTTP_SERVER, 0), "http.request.method=GET url.scheme=http "
			 "http.route=/item/{id} http.response.status_code=404");
	ck_assert_str_eq(words(METRIC_HTTP_CLIENT, 0), "http.request.method=GET server.address=a "
			 "server.port=80 http.response.status_code=404");
	ck_assert_str_eq(words(METRIC_DB, 0), "db.system.name=mysql db.operation.name=SELECT "
			 "db.query.summary=SELECT t");
	ck_assert_uint_eq(m.of[METRIC_RPC_SERVER].series.n + m.of[METRIC_RPC_CLIENT].series.n, 0);
}
END_TEST

START_TEST(calls_of_grpc)
{
	struct span_attr a[] = {
		TEXT("rpc.system.name", "grpc"), TEXT("rpc.method", "shop.Orders/Get"),
		TEXT("rpc.response.status_code", "NOT_FOUND"),
	};

	add(SPAN_SERVER, 1, a, ARRAY_LEN(a));
	ck_assert_str_eq(words(METRIC_RPC_SERVER, 0), "rpc.system.name=grpc "
			 "rpc.method=shop.Orders/Get rpc.response.status_code=NOT_FOUND");
	/* whatever a caller says may be a method that there is not */
	a[2].text = STR("UNIMPLEMENTED");
	add(SPAN_SERVER, 1, a, ARRAY_LEN(a));
	ck_assert_str_eq(words(METRIC_RPC_SERVER, 1), "rpc.system.name=grpc rpc.method=_OTHER "
			 "rpc.response.status_code=UNIMPLEMENTED");
	add(SPAN_CLIENT, 1, a, ARRAY_LEN(a));
	ck_assert_str_eq(words(METRIC_RPC_CLIENT, 0), "rpc.system.name=grpc "
			 "rpc.method=shop.Orders/Get rpc.response.status_code=UNIMPLEMENTED");
}
END_TEST

/* Attributes of a call of Kafka's client. */
static const struct span_attr messaging[] = {
	TEXT("messaging.system", "kafka"), TEXT("messaging.operation.name", "send"),
	TEXT("messaging.operation.type", "send"), TEXT("messaging.destination.name", "orders"),
	TEXT("messaging.consumer.group.name", "shop"),
	TEXT("messaging.destination.partition.id", "7"), INT("messaging.kafka.offset", 4711),
	TEXT("error.type", "REBALANCE_IN_PROGRESS"),
};

static void add_messages(enum span_kind kind, i64 messages)
{
	struct span s = { .kind = kind, .end_ns = 1, .attrs = messaging,
			  .nattrs = ARRAY_LEN(messaging), .messages = messages };

	metrics_add(&m, &s);
}

#define KAFKA "messaging.system=kafka messaging.operation.name=send " \
	"messaging.destination.name=orders error.type=REBALANCE_IN_PROGRESS"
#define GROUP " messaging.consumer.group.name=shop"

START_TEST(messages_are_counted_and_calls_are_timed)
{
	add_messages(SPAN_PRODUCER, 3);
	add_messages(SPAN_PRODUCER, 4);
	add_messages(SPAN_CLIENT, 5);
	add_messages(SPAN_CLIENT, 0);
	add_messages(SPAN_CONSUMER, 1);
	ck_assert_str_eq(words(METRIC_MESSAGES, 0), KAFKA " messaging.operation.type=send" GROUP);
	ck_assert_str_eq(words(METRIC_SENT, 0), KAFKA);
	ck_assert_str_eq(words(METRIC_CONSUMED, 0), KAFKA GROUP);
	ck_assert_str_eq(words(METRIC_PROCESSED, 0), KAFKA GROUP);
	ck_assert_uint_eq(m.of[METRIC_MESSAGES].series.at[0]->count, 4);
	ck_assert_uint_eq(m.of[METRIC_SENT].series.at[0]->count, 7);
	ck_assert_uint_eq(m.of[METRIC_CONSUMED].series.at[0]->count, 5);
	ck_assert_uint_eq(m.of[METRIC_PROCESSED].series.at[0]->count, 1);
	for (u32 i = METRIC_MESSAGES; i < METRICS; i++)
		ck_assert_uint_eq(m.of[i].series.n, 1);
	ck_assert_uint_eq(m.of[METRIC_DB].series.n + m.of[METRIC_HTTP_CLIENT].series.n, 0);
	/* one of unknown number, and the sum would be wrong from then on */
	ck_assert(!m.of[METRIC_CONSUMED].unknown);
	add_messages(SPAN_CLIENT, -1);
	metrics_reset(&m);
	ck_assert(m.of[METRIC_CONSUMED].unknown && !m.of[METRIC_SENT].unknown);
	ck_assert_uint_eq(m.of[METRIC_SENT].series.n, 0);
}
END_TEST

/* Of bucket 0 and 7. */
static void exemplars(enum metric_exemplars which, u8 first, u8 last)
{
	struct span_attr a[] = { TEXT("http.request.method", "GET") };
	const struct metric_exemplar *x;

	m.exemplars = which;
	for (u8 i = 1; i <= 4; i++) {
		struct span s = { .kind = SPAN_SERVER, .attrs = a, .nattrs = 1,
				  .self = { .trace = { i }, .span = { [7] = i },
					    .sampled = i < 4 },
				  .start_ns = i, .end_ns = i + (i < 3 ? 0 : 400000000) };

		metrics_add(&m, &s);
	}
	x = m.of[METRIC_HTTP_SERVER].series.at[0]->exemplars;
	ck_assert_int_eq(x ? x[0].trace[0] : 0, first);
	ck_assert_int_eq(x ? x[7].span[7] : 0, last);
	ck_assert(!x || (!x[1].time_ns && x[0].time_ns == first && x[7].value > 0.3));
	metrics_release(&m);
}

START_TEST(a_bucket_remembers_the_last_span)
{
	exemplars(EXEMPLARS_SAMPLED, 2, 3);
	exemplars(EXEMPLARS_ALL, 2, 4);
	exemplars(EXEMPLARS_NONE, 0, 0);
}
END_TEST

/* Three times as many routes as there may be series, twice over. */
START_TEST(what_is_too_much_is_counted_in_one)
{
	char route[32];
	struct span_attr a[] = {
		TEXT("http.request.method", "GET"),
		{ .key = STR("http.route"), .text = { route, 0 } },
	};
	const struct metric *h = &m.of[METRIC_HTTP_SERVER];
	u64 all = 0;

	for (u32 i = 0; i < 6 * METRIC_SERIES_MOST; i++) {
		a[1].text.n = (size_t)snprintf(route, sizeof(route), "/%u",
					       i % (3 * METRIC_SERIES_MOST));
		add(SPAN_SERVER, 1, a, 2);
	}
	ck_assert_uint_eq(h->series.n, METRIC_SERIES_MOST);
	for (size_t i = 0; i < h->series.n; i++)
		all += h->series.at[i]->count;
	ck_assert_uint_eq(all, 6 * METRIC_SERIES_MOST);
	ck_assert_uint_eq(h->series.at[0]->count, 2);
	ck_assert_str_eq(words(METRIC_HTTP_SERVER, 0), "http.request.method=GET http.route=/0");
	ck_assert_uint_eq(h->series.at[h->series.n - 1]->nattrs, 1);
	ck_assert(str_eq(h->series.at[h->series.n - 1]->attrs[0].key, STR("otel.metric.overflow")));
	/* others have room of their own */
	add(SPAN_CLIENT, 1, a, 1);
	ck_assert_str_eq(words(METRIC_HTTP_CLIENT, 0), "http.request.method=GET");
}
END_TEST

Suite *metrics_suite(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_bucket_has_what_is_not_above_its_bound);
	tcase_add_test(t, each_kind_of_call_has_its_own);
	tcase_add_test(t, calls_of_grpc);
	tcase_add_test(t, messages_are_counted_and_calls_are_timed);
	tcase_add_test(t, a_bucket_remembers_the_last_span);
	tcase_add_test(t, what_is_too_much_is_counted_in_one);
	suite_add_tcase(s, t);
	return s;
}
