/* traceparent - W3C Trace Context: the header that says whose child a request is, as
 * plan/sender.h reads it; and ids as text.
 *
 * Owns     nothing: views into the line that was given.
 * Units    ids are raw bytes.
 * Fails    false: not valid, so as if there were none.
 * Threads  any. */
#ifndef SPAN_TRACEPARENT_H
#define SPAN_TRACEPARENT_H

#include "plan/sender.h"
#include "span/span.h"

/* "Name: value": which of those in `how` (PROPAGATOR_…) it is, in any case of letters, and its
 * value without blanks around it. */
enum header trace_header(struct str line, u32 how, struct str *value);
/* Fills in trace, span and sampled. */
bool traceparent_parse(struct str value, struct span_context *to);
/* What plan/sender.h has read. */
void span_context_of(struct span_context *to, const struct sender_way *by);
void trace_id_hex(char to[2 * TRACE_ID + 1], const u8 id[TRACE_ID]);
void span_id_hex(char to[2 * SPAN_ID + 1], const u8 id[SPAN_ID]);

static inline bool id_is_zero(const u8 *id, size_t n)
{
	u8 any = 0;

	for (size_t i = 0; i < n; i++)
		any |= id[i];
	return !any;
}

#endif
