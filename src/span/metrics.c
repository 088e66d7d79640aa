#include "span/metrics.h"

#define KEY(text) { text, sizeof(text) - 1 }

/* An attribute of a metric, and of the spans that it is made of. */
struct taken {
	struct str key;
	void (*how)(struct span_attr *to, const struct span *s);	/* NULL: as it is */
};

struct kind {
	const char *name, *what;
	enum span_kind of;
	struct str sign;	/* spans that have this attribute */
	const double *bounds;
	u32 nbounds;
	struct taken attrs[METRIC_ATTRS_MOST];
};

static const double call_bounds[] = {
	0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
};
static const double query_bounds[] = { 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10 };

#define CALLS .bounds = call_bounds, .nbounds = ARRAY_LEN(call_bounds)

static const struct span_attr *find(const struct span *s, struct str key)
{
	for (u32 i = 0; i < s->nattrs; i++)
		if (str_eq(s->attrs[i].key, key))
			return &s->attrs[i];
	return NULL;
}

/* What a server does not know may be anything. */
static void known_method(struct span_attr *to, const struct span *s)
{
	const struct span_attr *code = find(s, STR("rpc.response.status_code"));

	if (code && str_eq(code->text, STR("UNIMPLEMENTED")))
		to->text = STR("_OTHER");
}

static const struct kind kinds[METRICS] = {
	[METRIC_HTTP_SERVER] = {
		.name = "http.server.request.duration", .of = SPAN_SERVER, CALLS,
		.what = "How long requests took that were served",
		.sign = KEY("http.request.method"),
		.attrs = {
			{ .key = KEY("http.request.method") }, { .key = KEY("url.scheme") },
			{ .key = KEY("http.route") }, { .key = KEY("http.response.status_code") },
			{ .key = KEY("network.protocol.version") }, { .key = KEY("error.type") },
		},
	},
	[METRIC_HTTP_CLIENT] = {
		.name = "http.client.request.duration", .of = SPAN_CLIENT, CALLS,
		.what = "How long requests took that were sent",
		.sign = KEY("http.request.method"),
		.attrs = {
			{ .key = KEY("http.request.method") }, { .key = KEY("server.address") },
			{ .key = KEY("server.port") }, { .key = KEY("http.response.status_code") },
			{ .key = KEY("network.protocol.version") }, { .key = KEY("error.type") },
		},
	},
	[METRIC_RPC_SERVER] = {
		.name = "rpc.server.call.duration", .of = SPAN_SERVER, CALLS,
		.what = "How long calls took that were served", .sign = KEY("rpc.system.name"),
		.attrs = {
			{ .key = KEY("rpc.system.name") },
			{ .key = KEY("rpc.method"), .how = known_method },
			{ .key = KEY("rpc.response.status_code") }, { .key = KEY("error.type") },
		},
	},
	[METRIC_RPC_CLIENT] = {
		.name = "rpc.client.call.duration", .of = SPAN_CLIENT, CALLS,
		.what = "How long calls took that were sent", .sign = KEY("rpc.system.name"),
		.attrs = {
			{ .key = KEY("rpc.system.name") }, { .key = KEY("rpc.method") },
			{ .key = KEY("rpc.response.status_code") }, { .key = KEY("error.type") },
			{ .key = KEY("server.address") }, { .key = KEY("server.port") },
		},
	},
	[METRIC_DB] = {
		.name = "db.client.operation.duration", .of = SPAN_CLIENT,
		.what = "How long databases were asked", .sign = KEY("db.system.name"),
		.bounds = query_bounds, .nbounds = ARRAY_LEN(query_bounds),
		.attrs = {
			{ .key = KEY("db.system.name") }, { .key = KEY("db.namespace") },
			{ .key = KEY("db.operation.name") }, { .key = KEY("db.collection.name") },
			{ .key = KEY("db.query.summary") },
			{ .key = KEY("db.response.status_code") }, { .key = KEY("error.type") },
			{ .key = KEY("server.address") }, { .key = KEY("server.port") },
		},
	},
};

struct metric_about metric_about(u32 metric)
{
	const struct kind *k = &kinds[metric];

	return (struct metric_about){ k->name, k->what, k->bounds, k->nbounds };
}

static const struct kind *kind_of(const struct span *s)
{
	for (u32 i = 0; i < METRICS; i++)
		if (kinds[i].of == s->kind && find(s, kinds[i].sign))
			return &kinds[i];
	return NULL;
}

static u32 take(struct span_attr to[METRIC_ATTRS_MOST], const struct kind *k, const struct span *s)
{
	u32 n = 0;

	for (u32 i = 0; i < METRIC_ATTRS_MOST && k->attrs[i].key.n; i++) {
		const struct taken *t = &k->attrs[i];
		const struct span_attr *from = find(s, t->key);

		if (!from)
			continue;
		to[n] = *from;
		to[n].key = t->key;
		if (t->how)
			t->how(&to[n], s);
		n++;
	}
	return n;
}

static u64 hash(const struct span_attr *a, u32 n)
{
	u64 h = n;

	for (u32 i = 0; i < n; i++) {
		u64 v = a[i].kind == ATTR_TEXT ? str_hash(a[i].text) : (u64)a[i].number;

		h = (h ^ v) * 0x9e3779b97f4a7c15 + (u64)a[i].key.p;
	}
	return h;
}

static bool is_same(const struct metric_series *s, const struct span_attr *a, u32 n)
{
	bool same = s->nattrs == n;

	for (u32 i = 0; same && i < n; i++) {
		const struct span_attr *b = &s->attrs[i];

		same = a[i].key.p == b->key.p && a[i].kind == b->kind &&
		       (b->kind == ATTR_TEXT ? str_eq(a[i].text, b->text) :
			a[i].number == b->number);
	}
	return same;
}

/* Attributes, and behind them their texts. */
static struct metric_series *make(const struct span_attr *a, u32 n)
{
	struct metric_series *s;
	size_t size = sizeof(*s) + n * sizeof(*a), texts = 0;
	char *text;

	for (u32 i = 0; i < n; i++)
		texts += a[i].kind == ATTR_TEXT ? a[i].text.n : 0;
	s = mem_resize(NULL, size + texts);
	*s = (struct metric_series){ .nattrs = n };
	text = (char *)s + size;
	for (u32 i = 0; i < n; i++) {
		s->attrs[i] = a[i];
		if (a[i].kind != ATTR_TEXT || !a[i].text.n)
			continue;
		s->attrs[i].text.p = memcpy(text, a[i].text.p, a[i].text.n);
		text += a[i].text.n;
	}
	return s;
}

static struct metric_series *series_of(struct metric *m, const struct span_attr *a, u32 n)
{
	static const struct span_attr more = {
		.key = KEY("otel.metric.overflow"), .kind = ATTR_BOOL, .truth = true,
	};
	u64 h = hash(a, n), *first = map_get(&m->by_hash, h);

	for (u64 at = first ? *first : 0; at; at = m->series.at[at - 1]->same)
		if (is_same(m->series.at[at - 1], a, n))
			return m->series.at[at - 1];
	if (m->series.n == METRIC_SERIES_MOST)
		return m->series.at[METRIC_SERIES_MOST - 1];
	if (m->series.n == METRIC_SERIES_MOST - 1)
		return *vec_push(&m->series) = make(&more, 1);
	*vec_push(&m->series) = make(a, n);
	m->series.at[m->series.n - 1]->same = first ? (u32)*first : 0;
	*map_put(&m->by_hash, h) = m->series.n;
	return m->series.at[m->series.n - 1];
}

void metrics_add(struct metrics *m, const struct span *s)
{
	double seconds = (double)MAX(s->end_ns - s->start_ns, (i64)0) / 1e9;
	const struct kind *k = kind_of(s);
	struct span_attr attrs[METRIC_ATTRS_MOST];
	struct metric_series *to;
	u32 bucket = 0;

	if (!k)
		return;
	to = series_of(&m->of[k - kinds], attrs, take(attrs, k, s));
	to->least = to->count ? MIN(to->least, seconds) : seconds;
	to->most = to->count ? MAX(to->most, seconds) : seconds;
	to->count++;
	to->sum += seconds;
	while (bucket < k->nbounds && seconds > k->bounds[bucket])
		bucket++;
	to->buckets[bucket]++;
}

void metrics_release(struct metrics *m)
{
	for (u32 i = 0; i < METRICS; i++) {
		for (size_t k = 0; k < m->of[i].series.n; k++)
			mem_free(m->of[i].series.at[k]);
		vec_release(&m->of[i].series);
		map_release(&m->of[i].by_hash);
	}
}
