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
AGENT static bool sender(const u8 *message, u32 heads, u64 any, u8 trace[16], u32 *what)
{
	u32 size = captured(message + RECORD_VALUE, RECORD_VALUE_MOST), found = 0, valid = 0;
	u8 span[8];

	for (u32 k = 0; k < heads; k++) {
		const u8 *name = message + records_name_at(k);
		u32 n = captured(name, RECORD_NAME_MOST);

		if (n < 8 || (word(name, 0) | any) != EIGHT("tracepar"))
			continue;
		found++;
		valid += n == 11 && header_named(name, n) == HEADER_PARENT;
	}
	return found == 1 && valid && size < RECORD_VALUE_MOST &&
	       parse(message + RECORD_VALUE, size, trace, span, what);
}

AGENT static void enter_message(struct propagate *p, u64 goid, u32 depth, u64 request,
				const u8 *message, struct propagated *to)
{
	u64 ref;
	u32 what;

	if (current(p, goid, depth, &ref) || slot(p, request) || !message ||
	    !sender(message, RECORD_HEADERS_MOST, 0, to->trace, &what)) {
		enter(p, goid, depth, request, to);
		return;
	}
	to->what = PROPAGATED_THERE;
	if (p->parent ? what & PROPAGATED_SAMPLED : trace_is_below(to->trace, p->below))
		to->what |= PROPAGATED_SAMPLED;
	(void)open_span(p, goid, depth, 0, to, 0);
}

/* Who made the goroutine is not whose request it is; what the goroutine itself serves is. */
AGENT static void serve_headed(struct propagate *p, u64 goid, u32 depth, const u8 *headers,
			       struct propagated *to)
{
	u64 ref, state;
	u32 what;
	const struct propagate_span *s = current(p, goid, depth, &ref);

	if (s && s->goid == goid && told(p, s, ref, to, &state))
		return;
	if (headers && sender(headers, REQUEST_HEADERS_MOST, 0x2020202020202020ull, to->trace,
			      &what)) {
		to->what = PROPAGATED_THERE;
		if (p->parent ? what & PROPAGATED_SAMPLED : trace_is_below(to->trace, p->below))
			to->what |= PROPAGATED_SAMPLED;
	} else {
		begin_trace(p, goid, to);
	}
	(void)open_span(p, goid, depth, ref, to, 0);
}

#endif
