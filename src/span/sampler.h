/* sampler - whether a trace is recorded: decided at its root, by the standard variables.
 *
 * Owns     nothing.
 * Units    a ratio of trace ids, as all SDKs of OpenTelemetry compute it: the same id gives the
 *          same answer everywhere.
 * Fails    sampler_from: false for a name or number that is none; the sampler is then the default.
 * Threads  any, once made.
 * Source   OpenTelemetry specification, "Environment Variable Specification", "TraceIdRatioBased".
 */
#ifndef SPAN_SAMPLER_H
#define SPAN_SAMPLER_H

#include "span/span.h"

struct sampler {
	bool parent;		/* who has a parent does as it does */
	u64 below;		/* sampled: bits of the trace id below this; 0: none */
};

/* OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG; NULL where they are not set. */
bool sampler_from(struct sampler *s, const char *name, const char *arg);
/* `parent`: of the caller, which came with the request, or NULL. */
bool sampler_takes(const struct sampler *s, const u8 trace[TRACE_ID],
		   const struct span_context *parent);

#endif
