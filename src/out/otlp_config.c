#include "out/otlp_config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <strings.h>
#include <unistd.h>

enum { QUEUE_DEFAULT = 2048, BATCH_DEFAULT = 512, QUEUE_MOST = 1 << 20, HOUR_MS = 3600000 };
#define MS 1000000

static const char prefix[] = "OTEL_EXPORTER_OTLP_";

/* What is asked, and who is told of wrong values: what is common to all signals is said with the
 * first one. */
struct asking {
	struct otlp_config *to;
	struct arena *a;
	struct otel_env env;
	const char *otlp;
};

/* The variable for this signal, else the one for all; *name is the one that was taken. */
static const char *either(const struct asking *q, const char *what, const char **name)
{
	const char *v;

	*name = str_fmt(q->a, "%s%s_%s", prefix, q->to->signal->variable, what).p;
	v = otel_env(&q->env, *name);
	if (v)
		return v;
	*name = str_fmt(q->a, "%s%s", prefix, what).p;
	return otel_env(&q->env, *name);
}

static bool is_own(const struct asking *q, const char *name)
{
	return str_starts(str_of(name), str_fmt(q->a, "%s%s_", prefix, q->to->signal->variable));
}

static struct otel_env told(const struct asking *q, const char *name)
{
	struct otel_env e = q->env;

	if (q->to->signal != &otlp_spans && !is_own(q, name))
		e.say = NULL;
	return e;
}

bool otlp_is_wanted(const struct otel_env *e)
{
	return otel_env(e, "OTEL_EXPORTER_OTLP_ENDPOINT") ||
	       otel_env(e, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
}

/* A URL cut at its joints: scheme://[user@]host[:port] | /path | ?query */
struct url_parts {
	struct str scheme, user, host, path, query;
};

/* As libcurl takes it: a name, or an address of IPv4, or one of IPv6 in brackets, with its zone. */
static bool is_host(struct str host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr to;

	if (host.n && host.p[0] == '[') {
		ptrdiff_t zone = str_find(host, STR("%"));
		struct str in = str_cut(host, 1, zone < 0 ? host.n - 1 : (size_t)zone);

		if (host.p[host.n - 1] != ']' || in.n >= sizeof(text))
			return false;
		snprintf(text, sizeof(text), "%.*s", STR_F(in));
		return inet_pton(AF_INET6, text, &to) == 1;
	}
	for (size_t i = 0; i < host.n; i++)
		if (!isalnum((u8)host.p[i]) && !strchr("-._~", host.p[i]))
			return false;
	return host.n;
}

static bool is_port(struct str port)
{
	u64 n = 0;

	for (size_t i = 0; i < port.n; i++) {
		if (!isdigit((u8)port.p[i]) || n > UINT16_MAX)
			return false;
		n = n * 10 + (u64)(port.p[i] - '0');
	}
	return n >= 1 && n <= UINT16_MAX;
}

/* What is wrong with it, or NULL. */
static const char *wrong_host(struct str host)
{
	ptrdiff_t colon = str_find_last(host, ':');

	if (str_find_last(host, ']') > colon)	/* that one is inside of an address */
		colon = -1;
	if (!host.n || !colon)
		return "it has no host";
	if (colon >= 0 && !is_port(str_cut(host, (size_t)colon + 1, host.n)))
		return "its port is no number from 1 to 65535";
	return is_host(str_cut(host, 0, colon < 0 ? host.n : (size_t)colon)) ? NULL :
	       "its host is neither a name nor an address (one of IPv6 has brackets)";
}

/* What is wrong with it, or NULL. Never a part of it, which may be a password. */
static const char *cut_url(struct url_parts *u, struct str url)
{
	ptrdiff_t scheme = str_find(url, STR("://")), at;
	size_t n;

	*u = (struct url_parts){ 0 };
	for (size_t i = 0; i < url.n; i++)
		if ((u8)url.p[i] <= ' ' || (u8)url.p[i] >= 0x7f || url.p[i] == '\\')
			return "there are blanks or other bytes in it that URLs write as %XX";
	if (scheme < 0)
		return "it does not begin with http:// or https://";
	u->scheme = str_cut(url, 0, (size_t)scheme);
	url = str_cut(url, (size_t)scheme + 3, url.n);
	for (n = 0; n < url.n && !strchr("/?#", url.p[n]); n++)
		;
	u->host = str_cut(url, 0, n);
	url = str_cut(url, n, url.n);
	at = str_find_last(u->host, '@');
	u->user = str_cut(u->host, 0, (size_t)(at + 1));
	u->host = str_cut(u->host, (size_t)(at + 1), u->host.n);
	at = str_find(url, STR("#"));
	if (at >= 0)
		url.n = (size_t)at;
	at = str_find(url, STR("?"));
	n = at < 0 ? url.n : (size_t)at;
	u->path = str_cut(url, 0, n);
	u->query = str_cut(url, n, url.n);
	if (!otel_is(u->scheme, "http") && !otel_is(u->scheme, "https"))
		return "it does not begin with http:// or https://";
	return wrong_host(u->host);
}

/* The value, whose it is, and whether the path of the signal goes behind it. */
static const char *endpoint(const struct asking *q, const char **name, bool *base)
{
	const char *v = either(q, "ENDPOINT", name);

	*base = v && !is_own(q, *name);
	if (q->otlp && (q->to->signal == &otlp_spans || !v || *base)) {
		*name = "--otlp";
		return q->otlp;
	}
	if (v || q->to->signal != &otlp_spans)
		return v;
	*base = true;
	return "http://localhost:4318";
}

static bool url(const struct asking *q, struct err *err)
{
	struct otlp_config *c = q->to;
	struct arena *a = q->a;
	const char *name, *v, *wrong;
	struct str path;
	struct url_parts u;
	bool base;

	v = endpoint(q, &name, &base);
	if (!v)
		return true;
	wrong = cut_url(&u, str_of(v));
	if (wrong)
		return err_set(err, ERR_USAGE, "%s: not a URL such as http://localhost:4318: %s",
			       name, wrong);
	path = u.path;
	if (v == q->otlp)
		base = !path.n || str_eq(path, STR("/"));
	if (v == q->otlp && !base && c->signal != &otlp_spans)
		return true;
	while (base && str_ends(path, STR("/")))
		path.n--;
	path = str_fmt(a, "%.*s%s", STR_F(path), base ? c->signal->path : path.n ? "" : "/");
	c->grpc_port = str_ends(u.host, STR(":4317"));
	c->shown = str_fmt(a, "%.*s://%.*s%.*s", STR_F(u.scheme), STR_F(u.host), STR_F(path)).p;
	c->url = str_fmt(a, "%.*s://%.*s%.*s%.*s%.*s", STR_F(u.scheme), STR_F(u.user),
			 STR_F(u.host), STR_F(path), STR_F(u.query)).p;
	return true;
}

static bool protocol(const struct asking *q, struct err *err)
{
	const char *name, *v = either(q, "PROTOCOL", &name);
	struct otel_env e = told(q, name);

	if (!v || !strcasecmp(v, "http/protobuf"))
		return true;
	if (!strcasecmp(v, "grpc"))
		return err_set(err, ERR_USAGE, "%s: grpc is not supported; set it to "
			       "http/protobuf, which collectors take at port 4318", name);
	q->to->json = !strcasecmp(v, "http/json");
	if (!q->to->json)
		otel_say(&e, "%s: neither http/protobuf nor http/json: http/protobuf is taken",
			 name);
	return true;
}

static void compression(const struct asking *q)
{
	const char *name, *v = either(q, "COMPRESSION", &name);
	struct otel_env e = told(q, name);

	q->to->gzip = v && !strcasecmp(v, "gzip");
	if (v && !q->to->gzip && strcasecmp(v, "none"))
		otel_say(&e, "%s: neither gzip nor none: none is taken", name);
}

/* A header's name is a token (RFC 9110, 5.6.2); a line's end in a value would make another one. */
static bool is_header(const struct otel_pair *h)
{
	for (size_t i = 0; i < h->key.n; i++)
		if ((u8)h->key.p[i] <= ' ' || (u8)h->key.p[i] >= 0x7f ||
		    strchr("\"(),/:;<=>?@[\\]{}", h->key.p[i]))
			return false;
	for (size_t i = 0; i < h->value.n; i++)
		if (((u8)h->value.p[i] < ' ' && h->value.p[i] != '\t') || h->value.p[i] == 0x7f)
			return false;
	return true;
}

static void headers(const struct asking *q)
{
	struct otlp_config *c = q->to;
	const char *name, *v = either(q, "HEADERS", &name);
	struct otel_env e = told(q, name);
	bool ok = !v || otel_pairs(&c->headers, q->a, v);

	for (u32 i = 0; ok && i < c->headers.n; i++)
		ok = is_header(&c->headers.at[i]);
	if (ok)
		return;
	otel_say(&e, "%s: not a list of NAME=VALUE with commas between: no headers are taken",
		 name);
	c->headers = (struct otel_pairs){ 0 };
}

static bool readable(const char *name, const char *path, struct err *err)
{
	return !path || !access(path, R_OK) ||
	       err_set(err, ERR_IO, "%s: %s: %s", name, path, strerror(errno));
}

static bool tls(const struct asking *q, struct err *err)
{
	struct otlp_config *c = q->to;
	const char *ca, *cert, *key;
	struct otel_env e;

	c->ca = either(q, "CERTIFICATE", &ca);
	c->cert = either(q, "CLIENT_CERTIFICATE", &cert);
	c->key = either(q, "CLIENT_KEY", &key);
	e = told(q, key);
	if (c->key && !c->cert)
		otel_say(&e, "%s: is not used without %sCLIENT_CERTIFICATE", key, prefix);
	return strncasecmp(c->url, "https:", 6) ||
	       (readable(ca, c->ca, err) && readable(cert, c->cert, err) &&
		readable(key, c->key, err));
}

static i64 milliseconds(const struct asking *q, const char *name, u64 least, u64 otherwise)
{
	return (i64)otel_number(&q->env, name, least, HOUR_MS, otherwise) * MS;
}

static void batches(const struct asking *q)
{
	const struct otel_env *e = &q->env;
	struct otlp_config *c = q->to;

	c->delay_ns = milliseconds(q, "OTEL_BSP_SCHEDULE_DELAY", 0, 5000);
	c->export_ns = milliseconds(q, "OTEL_BSP_EXPORT_TIMEOUT", 1, 30000);
	c->queue = otel_number(e, "OTEL_BSP_MAX_QUEUE_SIZE", 1, QUEUE_MOST, QUEUE_DEFAULT);
	c->batch = otel_number(e, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, QUEUE_MOST,
			       MIN((size_t)BATCH_DEFAULT, c->queue));
	if (c->batch <= c->queue)
		return;
	otel_say(e, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: more than the queue holds: %zu is taken",
		 c->queue);
	c->batch = c->queue;
}

/* For sums and histograms, and there are no others, lowmemory means delta. */
static void temporality(const struct asking *q)
{
	static const char name[] = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
	const char *v = otel_env(&q->env, name);

	q->to->cumulative = !v || (strcasecmp(v, "delta") && strcasecmp(v, "lowmemory"));
	if (v && q->to->cumulative && strcasecmp(v, "cumulative"))
		otel_say(&q->env, "%s: neither cumulative, delta nor lowmemory: cumulative is "
			 "taken", name);
}

static void exemplars(const struct asking *q)
{
	static const char *const filters[] = {
		[EXEMPLARS_SAMPLED] = "trace_based", [EXEMPLARS_ALL] = "always_on",
		[EXEMPLARS_NONE] = "always_off",
	};
	static const char name[] = "OTEL_METRICS_EXEMPLAR_FILTER";
	const char *v = otel_env(&q->env, name);
	u32 i = 0;

	while (v && i < ARRAY_LEN(filters) && strcasecmp(v, filters[i]))
		i++;
	if (i == ARRAY_LEN(filters))
		otel_say(&q->env, "%s: neither always_on, always_off nor trace_based: trace_based "
			 "is taken", name);
	q->to->exemplars = i == ARRAY_LEN(filters) ? EXEMPLARS_SAMPLED : (enum metric_exemplars)i;
}

/* What was collected is sent at once; the last ones may have to wait behind those before. */
static void intervals(const struct asking *q)
{
	q->to->every_ns = milliseconds(q, "OTEL_METRIC_EXPORT_INTERVAL", 1, 60000);
	q->to->export_ns = milliseconds(q, "OTEL_METRIC_EXPORT_TIMEOUT", 1, 30000);
	temporality(q);
	exemplars(q);
	q->to->batch = METRICS;
	q->to->queue = (size_t)2 * METRICS;
}

/* What may be asked for and is not done otherwise. */
static void only(const struct otel_env *e, const char *name, const char *is)
{
	const char *v = otel_env(e, name);

	if (v && strcasecmp(v, is))
		otel_say(e, "%s: nothing but %s is supported", name, is);
}

static bool are_metrics_wanted(const struct otel_env *e)
{
	const char *v = otel_env(e, "OTEL_METRICS_EXPORTER");
	bool wanted = !v;
	struct str name;

	while (v && otel_next(&v, &name)) {
		bool none = otel_is(name, "none");

		if (!none && !otel_is(name, "otlp"))
			otel_say(e, "OTEL_METRICS_EXPORTER: %.*s: neither otlp nor none: otlp is "
				 "taken", STR_F(name));
		wanted |= !none;
	}
	only(e, "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
	     "explicit_bucket_histogram");
	return wanted;
}

bool otlp_config(struct otlp_config *c, const struct otlp_signal *of, struct arena *a,
		 const struct otlp_ask *ask, struct err *err)
{
	struct asking q = { .to = c, .a = a, .env = ask->env, .otlp = ask->url };
	struct otel_env e;
	const char *name;

	*c = (struct otlp_config){ .signal = of };
	if (of == &otlp_metrics && !are_metrics_wanted(&ask->env))
		return true;
	if (!url(&q, err) || (c->url && (!protocol(&q, err) || !tls(&q, err))))
		return false;
	if (!c->url)
		return true;
	compression(&q);
	headers(&q);
	either(&q, "TIMEOUT", &name);
	e = told(&q, name);
	c->timeout_ns = (i64)otel_number(&e, name, 1, HOUR_MS, 10000) * MS;
	if (of == &otlp_metrics)
		intervals(&q);
	else
		batches(&q);
	return true;
}
