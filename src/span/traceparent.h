/* traceparent - W3C Trace Context: the header that says whose child a request is.
 *
 *   00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 *   version, trace id, id of the caller's span, flags (bit 0: sampled); lower-case hex
 *
 * Owns     nothing: views into the line that was given.
 * Units    ids are raw bytes.
 * Fails    false: not valid, so as if there were none. A later version is read as version 00 is,
 *          when it begins so.
 * Threads  any.
 * Source   https://www.w3.org/TR/trace-context/ 3.2, 3.3. */
#ifndef SPAN_TRACEPARENT_H
#define SPAN_TRACEPARENT_H

#include "span/span.h"

enum { TRACEPARENT_SIZE = 55, TRACESTATE_MOST = 512 };

enum trace_header { HEADER_OTHER, HEADER_TRACEPARENT, HEADER_TRACESTATE };

/* "Name: value": which of the two it is, in any case of letters, and its value without blanks
 * around it. */
enum trace_header trace_header(struct str line, struct str *value);
/* Fills in trace, span and sampled. */
bool traceparent_parse(struct str value, struct span_context *to);
/* Is this a list of at most 32 members, in characters that are allowed? */
bool tracestate_is_sound(struct str value);
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
