/* store_write - spans go into a store (store.h).
 *
 * Spans are copied as they come, wait in a bounded queue, and are written in transactions by a
 * thread of its own, so that who calls never waits for the disk. What can't be written is tried
 * again a few times, then lost and counted. A store that was moved or removed is begun anew.
 *
 * The thread begins with the first span, as that of otlp.h.
 *
 * Owns     queue, thread and connection until end(). path and env have to outlive end().
 * Units    as span/span.h.
 * Fails    store_exporter: as store_open(). Later: what goes wrong is said once of each kind.
 * Threads  as otlp.h. */
#ifndef OUT_STORE_WRITE_H
#define OUT_STORE_WRITE_H

#include "base/err.h"
#include "span/otel_env.h"
#include "span/span.h"

struct store_ask {
	const char *path;
	u64 bytes;
	i64 age_ns;
	struct otel_env env;
	struct span_resource resource;	/* is copied */
};

bool store_exporter(const struct store_ask *ask, struct span_exporter *to,
		    struct err *err) MUST_CHECK;

#endif
