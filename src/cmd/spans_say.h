/* spans_say - what `spans` says on stderr and by --plan, and what it takes from the environment.
 *
 * Owns     nothing.  Units  none.
 * Fails    spans_plan, spans_run_untouched: as their parts do.
 * Threads  one. */
#ifndef CMD_SPANS_SAY_H
#define CMD_SPANS_SAY_H

#include <stdio.h>

#include "span/collect.h"
#include "span/otel_env.h"
#include "span/propagators.h"

/* OTEL_SDK_DISABLED */
bool spans_are_disabled(void);
/* The program as it is; a process is left alone. */
bool spans_run_untouched(const char *pid, const char *path, char **program,
			 struct err *err) MUST_CHECK;
/* goshawk's own environment; what is said of it goes to stderr. */
struct otel_env spans_environment(void);
/* OTEL_TRACES_SAMPLER(_ARG) and OTEL_PROPAGATORS; what is not supported is said. */
void spans_from_environment(const struct otel_env *e, struct sampler *s, u32 *propagators);
/* What is off, a line each. */
void spans_say_off(const struct rules *r, const struct plan *p, FILE *to);
/* `dropped`: by exporters. */
void spans_say_end(struct collected c, u64 dropped);
bool spans_plan(const struct rules *r, const struct plan *p, const char *path, struct out *o,
		bool json, struct err *err) MUST_CHECK;

#endif
