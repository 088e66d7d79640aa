/* events - lines of logs as events of an open span.
 *
 * OpenTelemetry's conventions have no words for a line of a log as an event of a span (they want it
 * to be a log record); named as instrumentation of Go's loggers does: "log", with log.severity and
 * log.message.
 *
 * Owns     copies of them, until events_release(). NULL: none.
 * Units    Unix ns; bytes.
 * Fails    never. What is more than EVENTS_MOST, or than EVENT_BYTES in all spans, is counted.
 * Threads  one.
 * Source   OpenTelemetry specification, "SDK environment variables" (OTEL_SPAN_EVENT_COUNT_LIMIT);
 *          opentelemetry-proto 1.3, trace/v1/trace.proto, Span.dropped_events_count. */
#ifndef SPAN_EVENTS_H
#define SPAN_EVENTS_H

#include "span/lines.h"

enum { EVENTS_MOST = 128, EVENT_BYTES = 32 << 20 };

struct events;

/* `bytes`: what all spans have; the same for all of them, and holds until they are released. */
void events_keep(struct events **at, size_t *bytes, const struct line *line);
void events_release(struct events **at);

struct events_said {
	struct span_event events[EVENTS_MOST];
	struct span_attr attrs[EVENTS_MOST][2];
};

/* Puts them into a span, so much later; views that hold as long as the events. */
void events_say(const struct events *e, i64 moved_ns, struct events_said *room, struct span *to);

#endif
