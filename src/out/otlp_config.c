#include "out/otlp_config.h"

#include <errno.h>
#include <strings.h>
#include <unistd.h>

enum { QUEUE_DEFAULT = 2048, BATCH_DEFAULT = 512, QUEUE_MOST = 1 << 20, HOUR_MS = 3600000 };
#define MS 1000000

static const char prefix[] = "OTEL_EXPORTER_OTLP_";

/* The variable for traces, else the one for all; *name is the one that was taken. */
static const char *either(const struct otel_env *e, struct arena *a, const char *what,
			  const char **name)
{
	const char *v;

	*name = str_fmt(a, "%sTRACES_%s", prefix, what).p;
	v = otel_env(e, *name);
	if (v)
		return v;
	*name = str_fmt(a, "%s%s", prefix, what).p;
	return otel_env(e, *name);
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

static bool cut_url(struct url_parts *u, struct str url)
{
	ptrdiff_t scheme = str_find(url, STR("://")), at;
	size_t n;

	*u = (struct url_parts){ 0 };
	for (size_t i = 0; i < url.n; i++)
		if ((u8)url.p[i] <= ' ' || (u8)url.p[i] >= 0x7f || url.p[i] == '\\')
			return false;
	if (scheme < 0)
		return false;
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
	return u->host.n && u->host.p[0] != ':' &&
	       ((u->scheme.n == 4 && !strncasecmp(u->scheme.p, "http", 4)) ||
		(u->scheme.n == 5 && !strncasecmp(u->scheme.p, "https", 5)));
}

static bool url(struct otlp_config *c, struct arena *a, const struct otlp_ask *ask,
		struct err *err)
{
	const char *name = "--otlp", *v = ask->url;
	struct str path;
	struct url_parts u;
	bool base = false;

	if (!v) {
		v = either(&ask->env, a, "ENDPOINT", &name);
		base = v && !strcmp(name, "OTEL_EXPORTER_OTLP_ENDPOINT");
	}
	if (!v) {
		v = "http://localhost:4318";
		base = true;
	}
	if (!cut_url(&u, str_of(v)))
		return err_set(err, ERR_USAGE, "%s: not a URL of http or https, such as "
			       "http://localhost:4318", name);
	path = u.path;
	if (ask->url)
		base = !path.n || str_eq(path, STR("/"));
	while (base && str_ends(path, STR("/")))
		path.n--;
	path = str_fmt(a, "%.*s%s", STR_F(path), base ? "/v1/traces" : path.n ? "" : "/");
	c->grpc_port = str_ends(u.host, STR(":4317"));
	c->shown = str_fmt(a, "%.*s://%.*s%.*s", STR_F(u.scheme), STR_F(u.host), STR_F(path)).p;
	c->url = str_fmt(a, "%.*s://%.*s%.*s%.*s%.*s", STR_F(u.scheme), STR_F(u.user),
			 STR_F(u.host), STR_F(path), STR_F(u.query)).p;
	return true;
}

static bool protocol(struct otlp_config *c, struct arena *a, const struct otel_env *e,
		     struct err *err)
{
	const char *name, *v = either(e, a, "PROTOCOL", &name);

	if (!v || !strcmp(v, "http/protobuf"))
		return true;
	if (!strcmp(v, "grpc"))
		return err_set(err, ERR_USAGE, "%s: grpc is not supported; set it to "
			       "http/protobuf, which collectors take at port 4318", name);
	c->json = !strcmp(v, "http/json");
	if (!c->json)
		otel_say(e, "%s: neither http/protobuf nor http/json: http/protobuf is taken",
			 name);
	return true;
}

static void compression(struct otlp_config *c, struct arena *a, const struct otel_env *e)
{
	const char *name, *v = either(e, a, "COMPRESSION", &name);

	c->gzip = v && !strcmp(v, "gzip");
	if (v && !c->gzip && strcmp(v, "none"))
		otel_say(e, "%s: neither gzip nor none: none is taken", name);
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

static void headers(struct otlp_config *c, struct arena *a, const struct otel_env *e)
{
	const char *name, *v = either(e, a, "HEADERS", &name);
	bool ok = !v || otel_pairs(&c->headers, a, v);

	for (u32 i = 0; ok && i < c->headers.n; i++)
		ok = is_header(&c->headers.at[i]);
	if (ok)
		return;
	otel_say(e, "%s: not a list of NAME=VALUE with commas between: no headers are taken", name);
	c->headers = (struct otel_pairs){ 0 };
}

static bool readable(const char *name, const char *path, struct err *err)
{
	return !path || !access(path, R_OK) ||
	       err_set(err, ERR_IO, "%s: %s: %s", name, path, strerror(errno));
}

static bool tls(struct otlp_config *c, struct arena *a, const struct otel_env *e, struct err *err)
{
	const char *ca, *cert, *key;

	c->ca = either(e, a, "CERTIFICATE", &ca);
	c->cert = either(e, a, "CLIENT_CERTIFICATE", &cert);
	c->key = either(e, a, "CLIENT_KEY", &key);
	if (c->key && !c->cert)
		otel_say(e, "%s: is not used without %sCLIENT_CERTIFICATE", key, prefix);
	return strncasecmp(c->url, "https:", 6) ||
	       (readable(ca, c->ca, err) && readable(cert, c->cert, err) &&
		readable(key, c->key, err));
}

static void batches(struct otlp_config *c, struct arena *a, const struct otel_env *e)
{
	const char *name;

	either(e, a, "TIMEOUT", &name);
	c->timeout_ns = (i64)otel_number(e, name, 1, HOUR_MS, 10000) * MS;
	c->delay_ns = (i64)otel_number(e, "OTEL_BSP_SCHEDULE_DELAY", 0, HOUR_MS, 5000) * MS;
	c->export_ns = (i64)otel_number(e, "OTEL_BSP_EXPORT_TIMEOUT", 1, HOUR_MS, 30000) * MS;
	c->queue = otel_number(e, "OTEL_BSP_MAX_QUEUE_SIZE", 1, QUEUE_MOST, QUEUE_DEFAULT);
	c->batch = otel_number(e, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, QUEUE_MOST,
			       MIN((size_t)BATCH_DEFAULT, c->queue));
	if (c->batch <= c->queue)
		return;
	otel_say(e, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: more than the queue holds: %zu is taken",
		 c->queue);
	c->batch = c->queue;
}

bool otlp_config(struct otlp_config *c, struct arena *a, const struct otlp_ask *ask,
		 struct err *err)
{
	*c = (struct otlp_config){ 0 };
	if (!protocol(c, a, &ask->env, err) || !url(c, a, ask, err) || !tls(c, a, &ask->env, err))
		return false;
	compression(c, a, &ask->env);
	headers(c, a, &ask->env);
	batches(c, a, &ask->env);
	return true;
}
