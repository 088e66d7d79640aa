/* spans_to - where spans go: as options say; without any, to the collector of the environment, or
 * else to stderr.
 *
 * Owns     the exporters, until spans_to_end().
 * Units    as span/span.h.
 * Fails    as the exporters do when they begin.
 * Threads  one. */
#ifndef CMD_SPANS_TO_H
#define CMD_SPANS_TO_H

#include <sys/types.h>

#include "base/out.h"
#include "go/program.h"
#include "span/otel_env.h"
#include "span/span.h"

struct spans_to_ask {
	struct arena *arena;
	struct otel_env env;
	const char *otlp, *store;	/* NULL: not asked for */
	u64 store_bytes;
	i64 store_age_ns;
	bool printed, json;		/* as trees, or as JSON */
	bool whole;			/* trees that are whole only */
	const char *path;		/* of the program */
	const struct go_program *prog;
};

struct spans_to {
	struct span_exporter at[3];
	size_t n;
};

/* What is wrong with it is known before the program is touched; the process is known later. */
bool spans_to_try(const struct spans_to_ask *ask, struct err *err) MUST_CHECK;
/* `o`: for what is printed. When it fails, there are none. */
bool spans_to_begin(struct spans_to *to, const struct spans_to_ask *ask, pid_t pid, struct out *o,
		    struct err *err) MUST_CHECK;
/* How many spans they have lost until now. */
u64 spans_to_end(struct spans_to *to);

#endif
