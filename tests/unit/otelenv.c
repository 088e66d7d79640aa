#include <check.h>
#include <unistd.h>

#include "out/otlp_config.h"
#include "span/propagators.h"
#include "span/resource.h"

Suite *otelenv_suite(void);

/* An environment of "NAME=value" lines, and what was said. */
static const char *const *lines;
static char said[2048];

static const char *get(void *ctx, const char *name)
{
	size_t n = strlen(name);

	(void)ctx;
	for (const char *const *l = lines; *l; l++)
		if (!strncmp(*l, name, n) && (*l)[n] == '=')
			return *l + n + 1;
	return NULL;
}

static void say(void *ctx, const char *sentence)
{
	(void)ctx;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", sentence);
}

static struct arena arena;
static struct otlp_config config;
static struct err error;

static bool configure_for(const struct otlp_signal *of, const char *url, const char *const *env)
{
	struct otlp_ask ask = { .url = url, .env = { .get = get, .say = say } };

	lines = env;
	said[0] = 0;
	error = (struct err){ 0 };
	return otlp_config(&config, of, &arena, &ask, &error);
}

static bool configure(const char *url, const char *const *env)
{
	return configure_for(&otlp_spans, url, env);
}

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NOTHING "NOTHING="
#define OTLP "OTEL_EXPORTER_OTLP_"
#define URL_IS(from, want, ...) do { \
		const char *const env[] = { NOTHING, ##__VA_ARGS__, NULL }; \
		ck_assert_msg(configure(from, env), "%s", error.msg); \
		ck_assert_str_eq(config.url, want); \
		ck_assert_str_eq(said, ""); \
	} while (0)

START_TEST(where_spans_go)
{
	URL_IS(NULL, "http://localhost:4318/v1/traces");
	URL_IS(NULL, "http://localhost:4318/v1/traces", OTLP "ENDPOINT=");
	URL_IS(NULL, "https://h/v1/traces", OTLP "ENDPOINT=https://h");
	URL_IS(NULL, "https://h/a/v1/traces", OTLP "ENDPOINT=https://h/a//");
	URL_IS(NULL, "https://h/a/v1/traces?k=1", OTLP "ENDPOINT=https://h/a?k=1#x");
	URL_IS(NULL, "HTTP://[::1]:1/", OTLP "ENDPOINT=http://no",
	       OTLP "TRACES_ENDPOINT=HTTP://[::1]:1");
	URL_IS(NULL, "http://h/x/", OTLP "TRACES_ENDPOINT=http://h/x/");
	URL_IS("http://h", "http://h/v1/traces", OTLP "TRACES_ENDPOINT=http://no");
	URL_IS("http://h/", "http://h/v1/traces");
	URL_IS("http://h/x", "http://h/x");
	URL_IS("http://a-b.c_d.example.:65535", "http://a-b.c_d.example.:65535/v1/traces");
	URL_IS("http://127.0.0.1", "http://127.0.0.1/v1/traces");
	URL_IS("http://[fe80::1%25eth0]:80", "http://[fe80::1%25eth0]:80/v1/traces");
	URL_IS("http://[::ffff:1.2.3.4]", "http://[::ffff:1.2.3.4]/v1/traces");
}
END_TEST

/* NULL: nowhere. */
static void metrics_go(const char *url, const char *want, const char *const *env)
{
	ck_assert_msg(configure_for(&otlp_metrics, url, env), "%s", error.msg);
	ck_assert_pstr_eq(config.url, want);
	ck_assert_str_eq(said, "");
}

START_TEST(where_metrics_go)
{
	static const char own[] = OTLP "METRICS_ENDPOINT=http://m/x";

	metrics_go(NULL, NULL, ENV(NOTHING));
	metrics_go(NULL, NULL, ENV(OTLP "TRACES_ENDPOINT=http://t"));
	metrics_go(NULL, "https://h/a/v1/metrics", ENV(OTLP "ENDPOINT=https://h/a/"));
	metrics_go(NULL, "http://m/x", ENV(OTLP "ENDPOINT=https://h", own));
	metrics_go("http://h", "http://h/v1/metrics", ENV(OTLP "ENDPOINT=https://no"));
	metrics_go("http://h", "http://m/x", ENV(own));
	metrics_go("http://h/x", NULL, ENV(OTLP "ENDPOINT=https://no"));
	metrics_go("http://h/x", "http://m/x", ENV(own));
	metrics_go("http://h", NULL, ENV(own, "OTEL_METRICS_EXPORTER=none"));
	metrics_go("http://h", NULL, ENV("OTEL_METRICS_EXPORTER= None ,"));
	metrics_go("http://h", "http://h/v1/metrics", ENV("OTEL_METRICS_EXPORTER=none, otlp"));
}
END_TEST

START_TEST(when_metrics_go)
{
	ck_assert(configure_for(&otlp_metrics, "http://h", ENV(NOTHING)));
	ck_assert_int_eq(config.every_ns, (i64)60 * 1000000000);
	ck_assert_int_eq(config.export_ns, (i64)30 * 1000000000);
	ck_assert(configure_for(&otlp_metrics, "http://h",
				ENV("OTEL_METRIC_EXPORT_INTERVAL=1", OTLP "TIMEOUT=7",
				    "OTEL_METRIC_EXPORT_TIMEOUT=2")));
	ck_assert_int_eq(config.every_ns, 1000000);
	ck_assert_int_eq(config.export_ns, 2000000);
	ck_assert_int_eq(config.timeout_ns, 7000000);
	/* what is wrong for all signals is said with that of spans */
	ck_assert(configure_for(&otlp_metrics, "http://h", ENV(OTLP "TIMEOUT=x",
							       OTLP "METRICS_HEADERS=x")));
	ck_assert_str_eq(said, OTLP "METRICS_HEADERS: not a list of NAME=VALUE with commas "
			 "between: no headers are taken\n");
}
END_TEST

#define TEMPORALITY "METRICS_TEMPORALITY_PREFERENCE"
static void metrics_are(bool cumulative, enum metric_exemplars exemplars, const char *const *env)
{
	ck_assert(configure_for(&otlp_metrics, "http://h", env));
	ck_assert_int_eq(config.cumulative, cumulative);
	ck_assert_int_eq(config.exemplars, exemplars);
}

START_TEST(how_metrics_count)
{
	metrics_are(true, EXEMPLARS_SAMPLED, ENV(NOTHING));
	metrics_are(true, EXEMPLARS_SAMPLED, ENV(OTLP TEMPORALITY "=Cumulative",
						 "OTEL_METRICS_EXEMPLAR_FILTER=TRACE_BASED"));
	metrics_are(false, EXEMPLARS_ALL, ENV(OTLP TEMPORALITY "=DELTA",
					      "OTEL_METRICS_EXEMPLAR_FILTER=always_on"));
	metrics_are(false, EXEMPLARS_NONE, ENV(OTLP TEMPORALITY "=lowmemory",
					       "OTEL_METRICS_EXEMPLAR_FILTER=always_off"));
	ck_assert_str_eq(said, "");
	metrics_are(true, EXEMPLARS_SAMPLED, ENV(OTLP TEMPORALITY "=low",
						 "OTEL_METRICS_EXEMPLAR_FILTER=some"));
	ck_assert_str_eq(said, OTLP TEMPORALITY ": neither cumulative, delta nor lowmemory: "
			 "cumulative is taken\nOTEL_METRICS_EXEMPLAR_FILTER: neither always_on, "
			 "always_off nor trace_based: trace_based is taken\n");
}
END_TEST

static u32 propagators(const char *list)
{
	struct otel_env e = { .get = get, .say = say };

	said[0] = 0;
	return propagators_of(&e, list);
}

START_TEST(names_of_propagators_may_have_blanks_around)
{
	enum { W3C = PROPAGATOR_W3C, B3 = PROPAGATOR_B3, FIRST = PROPAGATOR_B3_FIRST };

	ck_assert_uint_eq(propagators(NULL), W3C | PROPAGATOR_BAGGAGE);
	ck_assert_uint_eq(propagators("b3, tracecontext"), B3 | W3C);
	ck_assert_uint_eq(propagators("\ttracecontext ,, b3 ,"), W3C | B3 | FIRST);
	ck_assert_uint_eq(propagators(" none "), 0);
	ck_assert_uint_eq(propagators("TraceContext, B3Multi, NONE"),
			  W3C | PROPAGATOR_B3MULTI | FIRST);
	ck_assert_str_eq(said, "");
	ck_assert_uint_eq(propagators("b3, x y ,baggage"), B3 | FIRST | PROPAGATOR_BAGGAGE);
	ck_assert_str_eq(said, "OTEL_PROPAGATORS: x y is not supported; tracecontext, baggage, b3 "
			 "and b3multi are\n");
}
END_TEST

START_TEST(what_is_no_url)
{
#define SCHEME "it does not begin with http:// or https://"
#define ODD "there are blanks or other bytes in it that URLs write as %XX"
#define PORT "its port is no number from 1 to 65535"
#define HOST "its host is neither a name nor an address (one of IPv6 has brackets)"
	static const struct { const char *url, *wrong; } bad[] = {
		{ "", SCHEME }, { "h", SCHEME }, { "//h", SCHEME }, { "http//h", SCHEME },
		{ "localhost:4318", SCHEME }, { "grpc://h:4317", SCHEME }, { "://h", SCHEME },
		{ "http://", "it has no host" }, { "http:///v1", "it has no host" },
		{ "http://:4318", "it has no host" }, { "http://me@/x", "it has no host" },
		{ "http://?a=b", "it has no host" },
		{ "http://h /", ODD }, { " http://h", ODD }, { "http://h\r\nX: y", ODD },
		{ "http://h:", PORT }, { "http://h:0", PORT }, { "http://h:65536", PORT },
		{ "http://h:-1/", PORT }, { "http://h:43x", PORT }, { "http://[::1]:x", PORT },
		{ "http://h:99999999999999999999", PORT }, { "http://h:0x50", PORT },
		{ "http://[::1", HOST }, { "http://::1]", HOST }, { "http://[]", HOST },
		{ "http://[", HOST }, { "http://]", HOST }, { "http://[%]", HOST },
		{ "http://[h]", HOST }, { "http://[1.2.3.4]:80", HOST }, { "http://[::1]2", HOST },
		{ "http://::1", HOST }, { "http://::1:4318", HOST }, { "http://a,b", HOST },
		{ "http://${HOST}", HOST }, { "http://<host>:4318", HOST },
		{ "http://a:b:1", HOST },
		{ "http://[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]", HOST },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(!configure(bad[i].url, ENV(NOTHING)), "%s is taken", bad[i].url);
		ck_assert_int_eq(error.kind, ERR_USAGE);
		ck_assert_str_eq(error.msg, str_fmt(&arena, "--otlp: not a URL such as "
				 "http://localhost:4318: %s", bad[i].wrong).p);
	}
	ck_assert(!configure(NULL, ENV(OTLP "ENDPOINT=http://me:secret@h:port")));
	ck_assert_str_eq(error.msg, OTLP "ENDPOINT: not a URL such as http://localhost:4318: "
			 PORT);
	ck_assert(!configure_for(&otlp_metrics, NULL, ENV(OTLP "METRICS_ENDPOINT=http://[::1")));
	ck_assert_str_eq(error.msg, OTLP "METRICS_ENDPOINT: not a URL such as "
			 "http://localhost:4318: " HOST);
}
END_TEST

START_TEST(user_and_query_are_not_shown)
{
	ck_assert(configure("https://me:pa@ss@h:1/p?token=t", ENV(NOTHING)));
	ck_assert_str_eq(config.url, "https://me:pa@ss@h:1/p?token=t");
	ck_assert_str_eq(config.shown, "https://h:1/p");
	ck_assert(configure("http://h:4317", ENV(NOTHING)) && config.grpc_port);
}
END_TEST

START_TEST(protocol_and_compression)
{
	ck_assert(configure(NULL, ENV(OTLP "PROTOCOL=HTTP/JSON", OTLP "COMPRESSION=GZip")));
	ck_assert(config.json && config.gzip);
	ck_assert(configure(NULL, ENV(OTLP "PROTOCOL=http/json",
				      OTLP "TRACES_PROTOCOL=http/protobuf",
				      OTLP "TRACES_COMPRESSION=none", OTLP "COMPRESSION=gzip")));
	ck_assert(!config.json && !config.gzip && !said[0]);
	ck_assert(configure(NULL, ENV(OTLP "PROTOCOL=thrift", OTLP "COMPRESSION=zstd")));
	ck_assert(!config.json && !config.gzip);
	ck_assert_str_eq(said, OTLP "PROTOCOL: neither http/protobuf nor http/json: http/protobuf "
			 "is taken\n" OTLP "COMPRESSION: neither gzip nor none: none is taken\n");
	ck_assert(!configure(NULL, ENV(OTLP "PROTOCOL=http/json", OTLP "TRACES_PROTOCOL=grpc")));
	ck_assert_str_eq(error.msg, OTLP "TRACES_PROTOCOL: grpc is not supported; set it to "
			 "http/protobuf, which collectors take at port 4318");
}
END_TEST

START_TEST(defaults_are_those_of_the_specification)
{
	ck_assert(configure(NULL, ENV(NOTHING)));
	ck_assert_int_eq(config.timeout_ns, 10000000000);
	ck_assert_int_eq(config.delay_ns, 5000000000);
	ck_assert_int_eq(config.export_ns, 30000000000);
	ck_assert_uint_eq(config.queue, 2048);
	ck_assert_uint_eq(config.batch, 512);
	ck_assert(!config.json && !config.gzip && !config.headers.n && !said[0]);
}
END_TEST

START_TEST(numbers_that_are_wrong_are_said)
{
	ck_assert(configure(NULL, ENV(OTLP "TIMEOUT=5", OTLP "TRACES_TIMEOUT=7",
				      "OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_MAX_QUEUE_SIZE=9")));
	ck_assert_int_eq(config.timeout_ns, 7000000);
	ck_assert_int_eq(config.delay_ns, 0);
	ck_assert_uint_eq(config.queue, 9);
	ck_assert_uint_eq(config.batch, 9);
	ck_assert_str_eq(said, "");
	ck_assert(configure(NULL, ENV(OTLP "TIMEOUT=0", "OTEL_BSP_SCHEDULE_DELAY=-1",
				      "OTEL_BSP_EXPORT_TIMEOUT=5s",
				      "OTEL_BSP_MAX_QUEUE_SIZE=99999999999999999999")));
	ck_assert_int_eq(config.timeout_ns, 10000000000);
	ck_assert_int_eq(config.delay_ns, 5000000000);
	ck_assert_uint_eq(config.queue, 2048);
	ck_assert_str_eq(said,
			 OTLP "TIMEOUT: not a whole number from 1 to 3600000: 10000 is taken\n"
			 "OTEL_BSP_SCHEDULE_DELAY: not a whole number from 0 to 3600000: 5000 is "
			 "taken\nOTEL_BSP_EXPORT_TIMEOUT: not a whole number from 1 to 3600000: "
			 "30000 is taken\nOTEL_BSP_MAX_QUEUE_SIZE: not a whole number from 1 to "
			 "1048576: 2048 is taken\n");
	ck_assert(configure(NULL, ENV("OTEL_BSP_MAX_QUEUE_SIZE=5",
				      "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=6")));
	ck_assert_uint_eq(config.batch, 5);
	ck_assert_str_eq(said, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: more than the queue holds: 5 is "
			 "taken\n");
}
END_TEST

START_TEST(headers_that_are_none_are_left_out)
{
	static const char *const bad[] = {
		OTLP "HEADERS=a=1,secret", OTLP "HEADERS=a=%0d%0aX: secret",
		OTLP "HEADERS=a b=secret", OTLP "HEADERS==secret", OTLP "HEADERS=a=secret%2",
		OTLP "HEADERS=a=%zzsecret", OTLP "HEADERS=a:=secret",
	};

	ck_assert(configure(NULL, ENV(OTLP "HEADERS= a = b%20c%3D , ,d=;x=y,e=f=g")));
	ck_assert_uint_eq(config.headers.n, 3);
	ck_assert(str_eq(config.headers.at[0].key, STR("a")));
	ck_assert(str_eq(config.headers.at[0].value, STR("b c=")));
	ck_assert(str_eq(config.headers.at[1].key, STR("d")));
	ck_assert(str_eq(config.headers.at[1].value, STR(";x=y")));	/* no metadata there */
	ck_assert(str_eq(config.headers.at[2].value, STR("f=g")));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert(configure(NULL, ENV(bad[i])));
		ck_assert_uint_eq(config.headers.n, 0);
		ck_assert_str_eq(said, OTLP "HEADERS: not a list of NAME=VALUE with commas "
				 "between: no headers are taken\n");
	}
}
END_TEST

START_TEST(files_of_certificates)
{
	ck_assert(configure("https://h", ENV(OTLP "CERTIFICATE=/dev/null",
					     OTLP "CLIENT_CERTIFICATE=/dev/null",
					     OTLP "CLIENT_KEY=/dev/zero")));
	ck_assert_str_eq(config.ca, "/dev/null");
	ck_assert_str_eq(config.key, "/dev/zero");
	ck_assert(!configure("https://h", ENV(OTLP "CLIENT_CERTIFICATE=/nowhere/c")));
	ck_assert_int_eq(error.kind, ERR_IO);
	ck_assert_str_eq(error.msg, OTLP "CLIENT_CERTIFICATE: /nowhere/c: No such file or "
			 "directory");
	ck_assert(configure("http://h", ENV(OTLP "CERTIFICATE=/nowhere/c")));
	ck_assert(configure("https://h", ENV(OTLP "CLIENT_KEY=/dev/null")));
	ck_assert_str_eq(said, OTLP "CLIENT_KEY: is not used without " OTLP
			 "CLIENT_CERTIFICATE\n");
}
END_TEST

START_TEST(an_endpoint_means_that_spans_are_wanted)
{
	struct otel_env e = { .get = get };

	lines = ENV(OTLP "ENDPOINT=", OTLP "TRACES_ENDPOINT= ");
	ck_assert(!otlp_is_wanted(&e));
	lines = ENV(OTLP "ENDPOINT=x");
	ck_assert(otlp_is_wanted(&e));
	lines = ENV(OTLP "TRACES_ENDPOINT=x");
	ck_assert(otlp_is_wanted(&e));
}
END_TEST

static struct span_resource of(const char *const *env, pid_t pid)
{
	struct resource_facts f = {
		.env = { .get = get, .say = say }, .path = "/srv/bin/shop", .pid = pid,
		.go_version = STR("go1.22.1"),
	};

	lines = env;
	said[0] = 0;
	return resource_make(&arena, &f);
}

static struct str text_of(struct span_resource r, const char *key)
{
	for (u32 i = 0; i < r.nattrs; i++)
		if (str_eq(r.attrs[i].key, str_of(key)))
			return r.attrs[i].text;
	return (struct str){ 0 };
}

#define TEXT_IS(r, key, want) \
	ck_assert_str_eq(str_fmt(&arena, "%.*s", STR_F(text_of(r, key))).p, want)

START_TEST(what_is_said_of_the_process)
{
	struct span_resource r = of(ENV(NOTHING), getpid());

	TEXT_IS(r, "service.name", "shop");
	TEXT_IS(r, "process.executable.name", "shop");
	TEXT_IS(r, "process.runtime.name", "go");
	TEXT_IS(r, "process.runtime.version", "go1.22.1");
	TEXT_IS(r, "telemetry.sdk.name", "goshawk");
	TEXT_IS(r, "telemetry.sdk.language", "go");
	ck_assert_uint_ge(text_of(r, "host.name").n, 1);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(the_environment_knows_better)
{
	struct span_resource r = of(ENV("OTEL_RESOURCE_ATTRIBUTES=service.name=no,a=%C3%A4%2C,"
					"host.name=h,telemetry.sdk.name=no",
					"OTEL_SERVICE_NAME=yes"), 0);

	TEXT_IS(r, "service.name", "yes");
	TEXT_IS(r, "a", "ä,");
	TEXT_IS(r, "host.name", "h");
	TEXT_IS(r, "telemetry.sdk.name", "goshawk");
	ck_assert_ptr_null(text_of(r, "process.pid").p);
	r = of(ENV("OTEL_RESOURCE_ATTRIBUTES=service.name=name,b=1"), 0);
	TEXT_IS(r, "service.name", "name");
	r = of(ENV("OTEL_RESOURCE_ATTRIBUTES=b=1,c"), 0);
	ck_assert_ptr_null(text_of(r, "b").p);
	ck_assert_str_eq(said, "OTEL_RESOURCE_ATTRIBUTES: not a list of KEY=VALUE with commas "
			 "between and %XX for odd bytes: none of it is taken\n");
}
END_TEST

START_TEST(a_process_keeps_its_id)
{
	struct str a = text_of(of(ENV(NOTHING), getpid()), "service.instance.id");
	struct str b = text_of(of(ENV(NOTHING), getpid()), "service.instance.id");
	struct str other = text_of(of(ENV(NOTHING), getppid()), "service.instance.id");
	struct str chance = text_of(of(ENV(NOTHING), 0), "service.instance.id");

	ck_assert_uint_eq(a.n, 36);
	ck_assert(a.p[8] == '-' && a.p[13] == '-' && a.p[14] == '8' && a.p[18] == '-');
	ck_assert(str_eq(a, b) && !str_eq(a, other) && chance.n == 36 && !str_eq(a, chance));
}
END_TEST

Suite *otelenv_suite(void)
{
	Suite *s = suite_create("otelenv");
	TCase *t = tcase_create("otelenv");

	tcase_add_test(t, where_spans_go);
	tcase_add_test(t, where_metrics_go);
	tcase_add_test(t, when_metrics_go);
	tcase_add_test(t, how_metrics_count);
	tcase_add_test(t, names_of_propagators_may_have_blanks_around);
	tcase_add_test(t, what_is_no_url);
	tcase_add_test(t, user_and_query_are_not_shown);
	tcase_add_test(t, protocol_and_compression);
	tcase_add_test(t, defaults_are_those_of_the_specification);
	tcase_add_test(t, numbers_that_are_wrong_are_said);
	tcase_add_test(t, headers_that_are_none_are_left_out);
	tcase_add_test(t, files_of_certificates);
	tcase_add_test(t, an_endpoint_means_that_spans_are_wanted);
	tcase_add_test(t, what_is_said_of_the_process);
	tcase_add_test(t, the_environment_knows_better);
	tcase_add_test(t, a_process_keeps_its_id);
	suite_add_tcase(s, t);
	return s;
}
