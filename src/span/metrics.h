/* metrics - how long calls take, by what they are: histograms that every span is counted in, also
 * those of traces that are not sampled; and how many messages they are of.
 *
 * The values of attributes are few: routes and not paths. What still comes to more series than
 * METRIC_SERIES_MOST is counted in one that has otel.metric.overflow alone.
 * Each bucket of a histogram remembers the last span in it, as an exemplar.
 *
 * Owns     all series, until metrics_release().
 * Units    seconds, messages.
 * Fails    never. Spans that no metric is about are left out.
 * Threads  one.
 * Source   OpenTelemetry semantic conventions 1.43: "HTTP metrics", "RPC metrics", "Database client
 *          metrics", "Messaging client metrics"; specification, "Metrics SDK", cardinality limits
 *          and exemplars. */
#ifndef SPAN_METRICS_H
#define SPAN_METRICS_H

#include "base/map.h"
#include "base/vec.h"
#include "span/span.h"

enum { METRIC_BOUNDS_MOST = 14, METRIC_ATTRS_MOST = 10, METRIC_SERIES_MOST = 2000 };
enum { METRIC_HTTP_SERVER, METRIC_HTTP_CLIENT, METRIC_RPC_SERVER, METRIC_RPC_CLIENT, METRIC_DB,
       METRIC_MESSAGES, METRIC_SENT, METRIC_CONSUMED, METRIC_PROCESSED, METRICS };
/* Of which spans: of those whose traces are sampled, of all. */
enum metric_exemplars { EXEMPLARS_SAMPLED, EXEMPLARS_ALL, EXEMPLARS_NONE };

struct metric_exemplar {
	i64 time_ns;		/* 0: there is none */
	double value;
	u8 trace[TRACE_ID], span[SPAN_ID];
};

struct metric_series {
	u32 nattrs;
	u32 same;		/* 1 + place of another one that hashes alike; 0: none */
	u64 count;		/* of spans, or of messages */
	double sum, least, most;
	/* One for each bound, of what is not above it but above the one before; and the rest. */
	u64 buckets[METRIC_BOUNDS_MOST + 1];
	struct metric_exemplar *exemplars;	/* one for each bucket, or NULL: there are none */
	struct span_attr attrs[];
};

struct metric {
	VEC(struct metric_series *) series;
	struct map by_hash;	/* 1 + place */
	struct metric_series *recent;	/* the last span's, or NULL */
	bool unknown;		/* it would be wrong: of some spans it is not known how many */
};

/* Spans whose attributes have these keys, and where in them are those of each metric. */
enum { METRIC_SHAPES = 16, METRIC_KEYS_MOST = 48, METRIC_NOWHERE = 255 };
struct metric_shape {
	const char *keys[METRIC_KEYS_MOST];
	u32 nkeys;
	enum span_kind kind;
	u32 fits;		/* a bit for each metric that they are of */
	u8 from[METRICS][METRIC_ATTRS_MOST];
};

struct metric_about {
	const char *name, *what, *unit;
	const double *bounds;
	u32 nbounds;		/* 0: it is no histogram, but a sum that never gets less */
};

struct metrics {
	struct metric of[METRICS];
	struct metric_shape shapes[METRIC_SHAPES];
	enum metric_exemplars exemplars;
};

struct metric_about metric_about(u32 metric);
void metrics_add(struct metrics *m, const struct span *s);
/* They count from nothing; what would be wrong before is wrong after. */
void metrics_reset(struct metrics *m);
void metrics_release(struct metrics *m);

#endif
