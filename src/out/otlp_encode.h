/* otlp_encode - spans and metrics as bytes of OTLP: protobuf, or JSON.
 *
 *   ExportTraceServiceRequest   1 resource_spans
 *   ResourceSpans               1 resource  2 scope_spans  3 schema_url
 *   ScopeSpans                  1 scope  2 spans  3 schema_url
 *   Span    1 trace_id 2 span_id 3 trace_state 4 parent_span_id 5 name 6 kind 7 start 8 end
 *           9 attributes 11 events 12 dropped_events_count 13 links 15 status
 *           16 flags
 *   Event   1 time 2 name 3 attributes          Link    1 trace_id 2 span_id 3 trace_state 6 flags
 *   Status  2 message 3 code                    KeyValue 1 key 2 value
 *   AnyValue 1 string 2 bool 3 int 4 double
 *
 *   ExportMetricsServiceRequest, ResourceMetrics and ScopeMetrics have the same numbers.
 *   Metric  1 name 2 description 3 unit 7 sum 9 histogram
 *   Sum        1 data_points 2 aggregation_temporality 3 is_monotonic
 *   NumberDataPoint     2 start 3 time 6 as_int 7 attributes
 *   Histogram  1 data_points 2 aggregation_temporality
 *   HistogramDataPoint  2 start 3 time 4 count 5 sum 6 bucket_counts 7 explicit_bounds
 *                       8 exemplars 9 attributes 11 min 12 max
 *   Exemplar   2 time 3 as_double 4 span_id 5 trace_id
 *
 * JSON has the same in lowerCamelCase; ids are hex, enums are numbers, 64-bit integers are strings.
 * Bytes that are not UTF-8 become U+FFFD in both.
 *
 * Owns     nothing.
 * Units    Unix ns.
 * Fails    never.
 * Threads  any.
 * Source   opentelemetry-proto 1.3: trace/v1/trace.proto, metrics/v1/metrics.proto,
 *          common/v1/common.proto, resource/v1/resource.proto,
 *          collector/{trace/v1/trace,metrics/v1/metrics}_service.proto. */
#ifndef OUT_OTLP_ENCODE_H
#define OUT_OTLP_ENCODE_H

#include "base/out.h"
#include "out/otlp_signal.h"
#include "span/metrics.h"
#include "span/span.h"

/* A span or metric that has been encoded, and the library that it is about. */
struct otlp_piece {
	struct str scope, item;
};

/* Whose names attributes have: the semantic conventions, in this version. */
#define OTLP_SCHEMA "https://opentelemetry.io/schemas/1.43.0"

enum { TEMPORALITY_DELTA = 1, TEMPORALITY_CUMULATIVE = 2 };

/* When what a metric has was counted. */
struct otlp_counted {
	i64 from_ns, to_ns;
	u32 temporality;
};

struct otlp_encoding {
	const char *content_type;
	void (*span)(struct out *o, const struct span *s);
	void (*metric)(struct out *o, const struct metric *m, struct metric_about about,
		       struct otlp_counted when);
	void (*resource)(struct out *o, const struct span_resource *r);
	/* All in one request, grouped by scope in the order of their coming. */
	void (*request)(struct out *o, const struct otlp_signal *of, struct str resource,
			const struct otlp_piece *p, size_t n);
};

extern const struct otlp_encoding otlp_protobuf, otlp_json;

enum { FLAG_SAMPLED = 1, FLAG_HAS_REMOTE = 0x100, FLAG_REMOTE = 0x200 };

static inline u32 otlp_flags(const struct span *s)
{
	return (s->self.sampled ? FLAG_SAMPLED : 0) | FLAG_HAS_REMOTE |
	       (s->parent_remote ? FLAG_REMOTE : 0);
}

/* Is p[i] the first of its scope? */
static inline bool otlp_scope_begins(const struct otlp_piece *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (str_eq(p[k].scope, p[i].scope))
			return false;
	return true;
}

#endif
