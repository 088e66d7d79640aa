/* agent_messages - the agent: a call that is handed a message is in the trace of who sent it, where
 * it is in none; so is one that is handed a request with its headers.
 *
 * Owns     nothing: all lies in the target's struct propagate.
 * Units    rt addresses of the target, in which this runs.
 * Fails    never: a header that is not valid says nothing.
 * Threads  all of the target's (inline/propagate.h). */
#ifndef INLINE_AGENT_MESSAGES_H
#define INLINE_AGENT_MESSAGES_H

#include "inline/agent_incoming.h"
#include "plan/records.h"

/* As span/messages.c reads it. `any`: bits that make letters small. */
AGENT static bool message_sender(const struct propagate *p, const u8 *message, u32 heads, u64 any,
				 struct sender_way *by)
{
	u32 size = captured(message + RECORD_VALUE, RECORD_VALUE_MOST), found = 0, valid = 0;

	for (u32 k = 0; k < heads; k++) {
		const u8 *name = message + records_name_at(k);
		u32 n = captured(name, RECORD_NAME_MOST);

		if (n < 8 || (word(name, 0) | any) != EIGHT("tracepar"))
			continue;
		found++;
		valid += named(name, n, p->how) == HEADER_PARENT;
	}
	return found == 1 && valid && size < RECORD_VALUE_MOST &&
	       sender_traceparent(message + RECORD_VALUE, size, by);
}

AGENT static void enter_message(struct propagate *p, u64 goid, u32 depth, u64 request,
				const u8 *message, struct propagated *to)
{
	struct propagate_texts texts = { { 0 } };
	struct sender_way by;
	u64 ref;

	if (current(p, goid, depth, &ref) || slot(p, request) || !message ||
	    !message_sender(p, message, RECORD_HEADERS_MOST, 0, &by)) {
		enter(p, goid, depth, request, to, &texts);
		return;
	}
	sent_by(p, &by, to);
	(void)open_span(p, goid, depth, 0, to, &texts);
}

/* Who made the goroutine is not whose request it is; what the goroutine itself serves is. */
AGENT static void serve_headed(struct propagate *p, u64 goid, u32 depth, const u8 *headers,
			       struct propagated *to)
{
	const struct propagate_span *s;
	struct propagate_texts texts = { { 0 } };
	struct sender_way by;
	u64 ref;

	s = current(p, goid, depth, &ref);
	if (s && s->goid == goid && told(p, s, ref, to, &texts))
		return;
	texts = (struct propagate_texts){ { 0 } };
	if (headers && message_sender(p, headers, REQUEST_HEADERS_MOST, LOWER, &by))
		sent_by(p, &by, to);
	else
		begin_trace(p, goid, to);
	(void)open_span(p, goid, depth, ref, to, &texts);
}

#endif
