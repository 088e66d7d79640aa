/* metrics - how long calls take, by what they are: histograms that every span is counted in, also
 * those of traces that are not sampled.
 *
 * The values of attributes are few: routes and not paths. What still comes to more series than
 * METRIC_SERIES_MOST is counted in one that has otel.metric.overflow alone.
 *
 * Owns     all series, until metrics_release().
 * Units    seconds.
 * Fails    never. Spans that no metric is about are left out.
 * Threads  one.
 * Source   OpenTelemetry semantic conventions 1.43: "HTTP metrics", "RPC metrics", "Database client
 *          metrics"; specification, "Metrics SDK", cardinality limits. */
#ifndef SPAN_METRICS_H
#define SPAN_METRICS_H

#include "base/map.h"
#include "base/vec.h"
#include "span/span.h"

enum { METRIC_BOUNDS_MOST = 14, METRIC_ATTRS_MOST = 9, METRIC_SERIES_MOST = 2000 };
enum { METRIC_HTTP_SERVER, METRIC_HTTP_CLIENT, METRIC_RPC_SERVER, METRIC_RPC_CLIENT, METRIC_DB,
       METRICS };

struct metric_series {
	u32 nattrs;
	u32 same;		/* 1 + place of another one that hashes alike; 0: none */
	u64 count;
	double sum, least, most;
	/* One for each bound, of what is not above it but above the one before; and the rest. */
	u64 buckets[METRIC_BOUNDS_MOST + 1];
	struct span_attr attrs[];
};

struct metric {
	VEC(struct metric_series *) series;
	struct map by_hash;	/* 1 + place */
};

struct metric_about {
	const char *name, *what;
	const double *bounds;
	u32 nbounds;
};

struct metrics {
	struct metric of[METRICS];
};

struct metric_about metric_about(u32 metric);
void metrics_add(struct metrics *m, const struct span *s);
void metrics_release(struct metrics *m);

#endif
