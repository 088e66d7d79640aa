/* resource - what is said of the process that all spans come from.
 *
 * OTEL_SERVICE_NAME, then OTEL_RESOURCE_ATTRIBUTES, then what is known of the process;
 * telemetry.sdk.* is ours to say. Without a name the service is called as its executable.
 *
 * Owns     nothing: attributes lie in the arena, texts there or where the facts have them.
 * Units    none.
 * Fails    never: what is not known is not said; malformed attributes are, in a sentence.
 * Threads  that of the caller.
 * Source   OpenTelemetry specification, "Resource SDK"; semantic conventions, "Resource". */
#ifndef SPAN_RESOURCE_H
#define SPAN_RESOURCE_H

#include <sys/types.h>

#include "span/otel_env.h"
#include "span/span.h"

struct resource_facts {
	struct otel_env env;
	const char *path;	/* of the executable */
	pid_t pid;		/* 0: not known */
	struct str go_version;	/* "go1.24.3"; empty: not known */
};

struct span_resource resource_make(struct arena *a, const struct resource_facts *f);

#endif
