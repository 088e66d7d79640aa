#include "span/metrics.h"

#define KEY(text) { text, sizeof(text) - 1 }

/* An attribute of a metric, and of the spans that it is made of. */
struct taken {
	struct str key;
	void (*how)(struct span_attr *to, const struct span *s);	/* NULL: as it is */
};

struct kind {
	struct metric_about about;
	u8 of;			/* kinds of spans: a bit for each... */
	struct str sign;	/* ...if they have this attribute */
	struct taken attrs[METRIC_ATTRS_MOST];
};

static const double call_bounds[] = {
	0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
};
static const double query_bounds[] = { 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10 };

#define IS(kind) (1u << SPAN_##kind)
#define DURATION(bounds) "s", bounds, ARRAY_LEN(bounds)
#define MESSAGES "{message}", NULL, 0

/* Of two texts that are not the same, most have other lengths, or end otherwise; of two that are,
 * most are one. */
static bool is_key(struct str a, struct str b)
{
	return a.n == b.n && a.p[a.n - 1] == b.p[b.n - 1] &&
	       (a.p == b.p || !memcmp(a.p, b.p, a.n));
}

static const struct span_attr *find(const struct span *s, struct str key)
{
	for (u32 i = 0; i < s->nattrs; i++)
		if (is_key(s->attrs[i].key, key))
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

/* What all of messages have. */
#define MESSAGING \
	{ .key = KEY("messaging.system") }, { .key = KEY("messaging.operation.name") }, \
	{ .key = KEY("messaging.destination.name") }, { .key = KEY("error.type") }

static const struct kind kinds[METRICS] = {
	[METRIC_HTTP_SERVER] = {
		.about = { "http.server.request.duration", "Duration of HTTP server requests.",
			   DURATION(call_bounds) },
		.of = IS(SERVER), .sign = KEY("http.request.method"),
		.attrs = {
			{ .key = KEY("http.request.method") }, { .key = KEY("url.scheme") },
			{ .key = KEY("http.route") }, { .key = KEY("http.response.status_code") },
			{ .key = KEY("network.protocol.version") }, { .key = KEY("error.type") },
		},
	},
	[METRIC_HTTP_CLIENT] = {
		.about = { "http.client.request.duration", "Duration of HTTP client requests.",
			   DURATION(call_bounds) },
		.of = IS(CLIENT), .sign = KEY("http.request.method"),
		.attrs = {
			{ .key = KEY("http.request.method") }, { .key = KEY("server.address") },
			{ .key = KEY("server.port") }, { .key = KEY("http.response.status_code") },
			{ .key = KEY("network.protocol.version") }, { .key = KEY("error.type") },
		},
	},
	[METRIC_RPC_SERVER] = {
		.about = { "rpc.server.call.duration",
			   "Measures the duration of an incoming Remote Procedure Call (RPC).",
			   DURATION(call_bounds) },
		.of = IS(SERVER), .sign = KEY("rpc.system.name"),
		.attrs = {
			{ .key = KEY("rpc.system.name") },
			{ .key = KEY("rpc.method"), .how = known_method },
			{ .key = KEY("rpc.response.status_code") }, { .key = KEY("error.type") },
		},
	},
	[METRIC_RPC_CLIENT] = {
		.about = { "rpc.client.call.duration",
			   "Measures the duration of an outgoing Remote Procedure Call (RPC).",
			   DURATION(call_bounds) },
		.of = IS(CLIENT), .sign = KEY("rpc.system.name"),
		.attrs = {
			{ .key = KEY("rpc.system.name") }, { .key = KEY("rpc.method") },
			{ .key = KEY("rpc.response.status_code") }, { .key = KEY("error.type") },
			{ .key = KEY("server.address") }, { .key = KEY("server.port") },
		},
	},
	[METRIC_DB] = {
		.about = { "db.client.operation.duration",
			   "Duration of database client operations.", DURATION(query_bounds) },
		.of = IS(CLIENT), .sign = KEY("db.system.name"),
		.attrs = {
			{ .key = KEY("db.system.name") }, { .key = KEY("db.namespace") },
			{ .key = KEY("db.operation.name") }, { .key = KEY("db.collection.name") },
			{ .key = KEY("db.stored_procedure.name") },
			{ .key = KEY("db.query.summary") },
			{ .key = KEY("db.response.status_code") }, { .key = KEY("error.type") },
			{ .key = KEY("server.address") }, { .key = KEY("server.port") },
		},
	},
	[METRIC_MESSAGES] = {
		.about = { "messaging.client.operation.duration", "Duration of messaging operation "
			   "initiated by a producer or consumer client.", DURATION(call_bounds) },
		.of = IS(PRODUCER) | IS(CLIENT), .sign = KEY("messaging.system"),
		.attrs = { MESSAGING, { .key = KEY("messaging.operation.type") },
			   { .key = KEY("messaging.consumer.group.name") } },
	},
	[METRIC_SENT] = {
		.about = { "messaging.client.sent.messages", "Number of messages producer "
			   "attempted to send to the broker.", MESSAGES },
		.of = IS(PRODUCER), .sign = KEY("messaging.system"), .attrs = { MESSAGING },
	},
	[METRIC_CONSUMED] = {
		.about = { "messaging.client.consumed.messages",
			   "Number of messages that were delivered to the application.", MESSAGES },
		.of = IS(CLIENT), .sign = KEY("messaging.system"),
		.attrs = { MESSAGING, { .key = KEY("messaging.consumer.group.name") } },
	},
	[METRIC_PROCESSED] = {
		.about = { "messaging.process.duration", "Duration of processing operation.",
			   DURATION(call_bounds) },
		.of = IS(CONSUMER), .sign = KEY("messaging.system"),
		.attrs = { MESSAGING, { .key = KEY("messaging.consumer.group.name") } },
	},
};

struct metric_about metric_about(u32 metric)
{
	return kinds[metric].about;
}

static u32 take(struct span_attr to[METRIC_ATTRS_MOST], const struct metric_shape *shape,
		u32 metric, const struct span *s)
{
	const struct kind *k = &kinds[metric];
	u32 n = 0;

	for (u32 i = 0; i < METRIC_ATTRS_MOST && k->attrs[i].key.n; i++) {
		const struct taken *t = &k->attrs[i];

		if (shape->from[metric][i] == METRIC_NOWHERE)
			continue;
		to[n] = s->attrs[shape->from[metric][i]];
		to[n].key = t->key;
		if (t->how)
			t->how(&to[n], s);
		n++;
	}
	return n;
}

static void learn(struct metric_shape *to, const struct span *s)
{
	u32 n = MIN(s->nattrs, (u32)METRIC_KEYS_MOST);

	*to = (struct metric_shape){ .nkeys = n, .kind = s->kind };
	for (u32 i = 0; i < n; i++)
		to->keys[i] = s->attrs[i].key.p;
	for (u32 i = 0; i < METRICS; i++) {
		const struct kind *k = &kinds[i];

		if (!(k->of >> s->kind & 1) || !find(s, k->sign))
			continue;
		to->fits |= 1u << i;
		for (u32 a = 0; a < METRIC_ATTRS_MOST && k->attrs[a].key.n; a++) {
			const struct span_attr *from = find(s, k->attrs[a].key);

			to->from[i][a] = from ? (u8)(from - s->attrs) : METRIC_NOWHERE;
		}
	}
}

/* Most spans say the same as an earlier one, in the same order, and with the same texts as keys. */
static const struct metric_shape *shape_of(struct metrics *m, const struct span *s)
{
	const char *first = s->nattrs ? s->attrs[0].key.p : NULL;
	u64 h = ((uintptr_t)first ^ (u64)s->nattrs << 8 ^ (u64)s->kind << 16) * 0x9e3779b97f4a7c15;
	struct metric_shape *shape = &m->shapes[h >> 32 & (METRIC_SHAPES - 1)];
	bool same = shape->nkeys == s->nattrs && shape->kind == s->kind;

	for (u32 i = 0; same && i < s->nattrs; i++)
		same = shape->keys[i] == s->attrs[i].key.p;
	if (!same)
		learn(shape, s);
	return shape;
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

static struct metric_series *series_by_hash(struct metric *m, const struct span_attr *a, u32 n)
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

/* Most are of the same as the last one was. */
static struct metric_series *series_of(struct metric *m, const struct span_attr *a, u32 n)
{
	if (!m->recent || !is_same(m->recent, a, n))
		m->recent = series_by_hash(m, a, n);
	return m->recent;
}

/* The last one in each bucket. */
static void remember(struct metric_series *to, u32 bucket, double value, const struct span *s)
{
	const size_t size = (METRIC_BOUNDS_MOST + 1) * sizeof(*to->exemplars);
	struct metric_exemplar *x;

	if (!to->exemplars)
		to->exemplars = memset(mem_resize(NULL, size), 0, size);
	x = &to->exemplars[bucket];
	*x = (struct metric_exemplar){ .time_ns = s->end_ns, .value = value };
	memcpy(x->trace, s->self.trace, TRACE_ID);
	memcpy(x->span, s->self.span, SPAN_ID);
}

static void add_time(struct metric_series *to, const struct metric_about *about,
		     enum metric_exemplars exemplars, const struct span *s)
{
	double seconds = (double)MAX(s->end_ns - s->start_ns, (i64)0) / 1e9;
	u32 bucket = 0;

	to->least = to->count ? MIN(to->least, seconds) : seconds;
	to->most = to->count ? MAX(to->most, seconds) : seconds;
	to->count++;
	to->sum += seconds;
	while (bucket < about->nbounds && seconds > about->bounds[bucket])
		bucket++;
	to->buckets[bucket]++;
	if (exemplars == EXEMPLARS_ALL || (exemplars == EXEMPLARS_SAMPLED && s->self.sampled))
		remember(to, bucket, seconds, s);
}

static void add(struct metrics *m, const struct metric_shape *shape, u32 metric,
		const struct span *s)
{
	const struct metric_about *about = &kinds[metric].about;
	struct span_attr attrs[METRIC_ATTRS_MOST] = { 0 };
	struct metric *to = &m->of[metric];

	if (about->nbounds)
		add_time(series_of(to, attrs, take(attrs, shape, metric, s)), about, m->exemplars,
			 s);
	else if (s->messages > 0)
		series_of(to, attrs, take(attrs, shape, metric, s))->count += (u64)s->messages;
	else if (s->messages < 0)
		to->unknown = true;
}

void metrics_add(struct metrics *m, const struct span *s)
{
	const struct metric_shape *shape = shape_of(m, s);

	for (u32 i = 0; shape->fits >> i; i++)
		if (shape->fits >> i & 1)
			add(m, shape, i, s);
}

void metrics_reset(struct metrics *m)
{
	for (u32 i = 0; i < METRICS; i++) {
		struct metric *of = &m->of[i];

		for (size_t k = 0; k < of->series.n; k++) {
			mem_free(of->series.at[k]->exemplars);
			mem_free(of->series.at[k]);
		}
		vec_release(&of->series);
		map_release(&of->by_hash);
		*of = (struct metric){ .unknown = of->unknown };
	}
}

void metrics_release(struct metrics *m)
{
	metrics_reset(m);
	*m = (struct metrics){ 0 };
}
