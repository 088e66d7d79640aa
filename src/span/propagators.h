/* propagators - which headers are read of requests that are served, and written into those that are
 * sent: what OTEL_PROPAGATORS says, and what of the program is looked at for it.
 *
 * Owns     nothing: texts and tables last.
 * Units    PROPAGATOR_… of plan/sender.h.
 * Fails    a name that is not known is said, and left out.
 * Threads  one. */
#ifndef SPAN_PROPAGATORS_H
#define SPAN_PROPAGATORS_H

#include "span/otel_env.h"
#include "span/rules.h"

/* Of OTEL_PROPAGATORS; NULL: it is not set. 0: none. */
u32 propagators_of(const struct otel_env *e, const char *list);
/* Of the headers that a rule with this extra sees, those that are asked for. */
void propagators_ask(struct plan_extra *x, u32 how, struct arena *a);

#endif
