/* messages - whose messages a call sends or has received: what their headers say, as traceparent or
 * b3.
 *
 * Owns     nothing.
 * Units    none.
 * Fails    a header that is not there, not valid, or there twice says nothing.
 * Threads  any. */
#ifndef SPAN_MESSAGES_H
#define SPAN_MESSAGES_H

#include "span/collect.h"

/* Those of the first messages that name one are the span's links. Where there is one message only,
 * which is sent, or received or handled outside of any span, that one is its parent: true. `exit`:
 * what the exit record says, else the entry's. */
bool messages_place(const struct collector_facts *f, const struct call *call,
		    const struct rule_on *on, bool exit, struct open_span *s);
/* The messages that the call delivers, from this one on: how many of their addresses, until it is
 * 0. From 0 on they are those that were recorded; others are read now, and may have gone. */
u32 messages_delivered(const struct collector_facts *f, const struct call *call,
		       const struct rule_on *on, u32 from, u64 to[DELIVERED_MOST]);

#endif
