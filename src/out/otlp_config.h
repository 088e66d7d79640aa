/* otlp_config - where spans and metrics are sent to and how, from --otlp and the environment.
 *
 * A variable for one signal alone (OTEL_EXPORTER_OTLP_TRACES_…) wins over the one for all signals.
 * OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/traces behind its path; the one for traces is taken as it
 * is. --otlp without a path is as the former, with one as the latter, which says nothing of where
 * metrics would go. Metrics go where they are asked to, never to a collector that nobody named.
 *
 * Owns     nothing: texts lie in the arena, or are the environment's.
 * Units    nanoseconds.
 * Fails    ERR_USAGE: no URL, a protocol that we do not have; ERR_IO: a file of certificates can't
 *          be read. The rest is said, and defaults are taken.
 * Threads  that of the caller.
 * Source   OpenTelemetry specification, "OpenTelemetry Protocol Exporter", "Environment Variable
 *          Specification" (batch span processor, periodic exporting metric reader). */
#ifndef OUT_OTLP_CONFIG_H
#define OUT_OTLP_CONFIG_H

#include "out/otlp.h"
#include "out/otlp_signal.h"
#include "span/metrics.h"

struct otlp_config {
	const struct otlp_signal *signal;
	const char *url;	/* NULL: metrics are not wanted, or there is no place for them */
	const char *shown;	/* the same without user information and query, for messages */
	bool json, gzip, grpc_port;
	const char *ca, *cert, *key;	/* files, or NULL */
	struct otel_pairs headers;
	i64 timeout_ns;		/* of a request */
	i64 delay_ns;		/* a span waits at most so long for others */
	i64 every_ns;		/* metrics */
	bool cumulative;	/* what is sent later holds what was sent before */
	enum metric_exemplars exemplars;
	i64 export_ns;		/* of a batch, with all repetitions */
	size_t queue, batch;	/* spans, or metrics */
};

bool otlp_config(struct otlp_config *c, const struct otlp_signal *of, struct arena *a,
		 const struct otlp_ask *ask, struct err *err) MUST_CHECK;

#endif
