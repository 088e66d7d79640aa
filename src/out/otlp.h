/* otlp - spans go to an OpenTelemetry collector, by OTLP over HTTP, and metrics that are made of
 * them, if they are wanted.
 *
 * Spans are encoded as they come, wait in a bounded queue, and are sent in batches by a thread, so
 * that who calls never waits for the network (otlp_send.h). The exporter may be made before the
 * process forks, and not be used in a child.
 *
 * Owns     queues, threads and connections until end(). The configuration lies in the arena, which
 *          has to outlive end().
 * Units    as span/span.h.
 * Fails    otlp_exporter: ERR_USAGE for variables that can't be meant, ERR_IO for files that they
 *          name, ERR_UNSUPPORTED without libcurl. Later: what goes wrong is said once of each kind.
 * Threads  functions of the exporter are called by one thread, and `say` only from within them;
 *          threads that send block all signals.
 * Source   OpenTelemetry protocol specification 1.5, "OTLP/HTTP"; "OpenTelemetry Protocol
 *          Exporter"; "Batching processor"; "Periodic exporting MetricReader". */
#ifndef OUT_OTLP_H
#define OUT_OTLP_H

#include "base/err.h"
#include "span/otel_env.h"
#include "span/span.h"

struct otlp_ask {
	const char *url;		/* --otlp, or NULL: as the environment says */
	struct otel_env env;		/* holds until end() */
	struct span_resource resource;	/* is copied */
	i64 retry_first_ns;		/* before the first repetition; 0: one second */
};

/* Does the environment name a collector, so that spans should go there without --otlp? */
bool otlp_is_wanted(const struct otel_env *e);
bool otlp_exporter(struct arena *a, const struct otlp_ask *ask, struct span_exporter *to,
		   struct err *err) MUST_CHECK;

#endif
