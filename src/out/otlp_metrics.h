/* otlp_metrics - metrics of all spans, sent to a collector every minute and at the end.
 *
 * They count from when goshawk began, so one that is not delivered is made up for by the next;
 * unless what came since the last ones is asked for.
 *
 * Owns     counts and a sender, until otlp_metrics_free().
 * Units    as span/span.h; intervals are of the monotonic clock.
 * Fails    as otlp.h.
 * Threads  one; otlp_send.h has another. */
#ifndef OUT_OTLP_METRICS_H
#define OUT_OTLP_METRICS_H

#include "out/otlp.h"

struct otlp_metrics;
/* *to is NULL where none are wanted. */
bool otlp_metrics_new(struct otlp_metrics **to, struct arena *a, const struct otlp_ask *ask,
		      struct err *err) MUST_CHECK;
void otlp_metrics_add(struct otlp_metrics *m, const struct span *s);
void otlp_metrics_tick(struct otlp_metrics *m);
/* The last ones go; free waits for that. */
void otlp_metrics_ends(struct otlp_metrics *m);
void otlp_metrics_free(struct otlp_metrics *m);

#endif
