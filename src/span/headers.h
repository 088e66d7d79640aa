/* headers - what functions that read requests have seen of their headers, from their records.
 *
 * Owns     nothing.
 * Units    offsets as plan/extra.h.
 * Fails    what was not read is not there: 0, or empty.
 * Threads  one. */
#ifndef SPAN_HEADERS_H
#define SPAN_HEADERS_H

#include "span/collect.h"
#include "span/incoming.h"

/* A word of an extra, and its text. */
u64 headers_word(const struct reading *r, const u8 *record, u32 at);
struct str headers_text(const struct reading *r, const u8 *record, u16 most);
/* Who it is that will have read the request: who reads it now, or what stands for that
 * (incoming_key); 0: not known. *key is the rule's FIELD_KEY. */
u64 headers_reader(const struct collector_facts *f, const struct call *call,
		   const struct rule_on *on, struct field_value *key);
/* ROLE_LINE: a header line of a request that is being read. */
void headers_line(struct incoming *in, const struct call *call, const struct rule_on *on);
/* ROLE_FRAME: all header fields of a request. */
void headers_frame(struct incoming *in, const struct collector_facts *f, const struct call *call,
		   const struct rule_on *on);

#endif
