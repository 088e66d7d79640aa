#include "out/otlp_signal.h"

const struct otlp_signal otlp_spans = {
	.variable = "TRACES", .path = "/v1/traces", .things = "spans", .counted = "spans",
	.rejected = "\"rejectedSpans\"", .resources = "resourceSpans", .scopes = "scopeSpans",
	.items = "spans",
};

const struct otlp_signal otlp_metrics = {
	.variable = "METRICS", .path = "/v1/metrics", .things = "metrics",
	.counted = "data points", .rejected = "\"rejectedDataPoints\"",
	.resources = "resourceMetrics", .scopes = "scopeMetrics", .items = "metrics",
	.optional = true,
};
