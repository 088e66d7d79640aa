/* otlp_signal - what is sent by OTLP: spans, or metrics; and how that is called.
 *
 * Owns     nothing: constants.
 * Units    none.
 * Fails    never.
 * Threads  any.
 * Source   OpenTelemetry protocol specification, "OTLP/HTTP request"; "OpenTelemetry Protocol
 *          Exporter"; opentelemetry-proto 1.3, collector/{trace,metrics}/v1. */
#ifndef OUT_OTLP_SIGNAL_H
#define OUT_OTLP_SIGNAL_H

#include "base/defs.h"

struct otlp_signal {
	const char *variable;	/* as in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT */
	const char *path;	/* behind an endpoint that is for all signals */
	const char *things;	/* for messages */
	const char *counted;	/* that a collector may reject, and its name for that in JSON */
	const char *rejected;
	const char *resources, *scopes, *items;	/* lists in JSON */
	bool optional;		/* many collectors take none: those that have no such path */
};

extern const struct otlp_signal otlp_spans, otlp_metrics;

#endif
