/* records - what a command reads of the headers of messages that a function is handed, or hands
 * back: their names, and the value of each whose name begins as is asked for. (Others may be
 * secrets, and are not copied.)
 *
 * Where the headers of each message are is what an expression with EXPR_PLACE says: a slice of
 * structs, or of pointers to them, that begin with a name and a value. A string takes two words
 * there and a []byte three, of which the first two say the same. A request's (fasthttp's argsKV)
 * have a bool behind these, and there may be more of them; names of any case are looked at there.
 *
 * Owns     nothing: everything lies in the plan's arena.
 * Units    offsets from reading.hook_at.
 * Fails    never: what has no room is not read, nor is what is not found.
 * Threads  one. */
#ifndef PLAN_RECORDS_H
#define PLAN_RECORDS_H

#include "plan/plan.h"

enum {
	RECORD_HEADERS_MOST = 8,	/* of a message, that are looked at... */
	REQUEST_HEADERS_MOST = 24,	/* ...and of a request (HEADERS_BYTES_BOOL) */
	RECORD_NAME_MOST = 16,
	RECORD_VALUE_MOST = 56,		/* one that has as many was cut */
	/* From the message on. Before bytes is a status (plan/extra.h). */
	RECORD_VALUE = 8,		/* of the last header that was asked for */
};
static inline u32 records_name_at(u32 k)
{
	return RECORD_VALUE + RECORD_VALUE_MOST + k * (8 + RECORD_NAME_MOST) + 8;
}

static inline u32 records_headers_most(const struct plan_extra *x)
{
	return x->headers == HEADERS_BYTES_BOOL ? REQUEST_HEADERS_MOST : RECORD_HEADERS_MOST;
}

/* How many messages the reading has; where what is known of the message i lies. */
u32 records_read_of(const struct plan_extra *x, const struct reading *r);
u32 records_at(const struct plan_extra *x, u32 i);

/* Adds the steps to what is read there anyway. */
void records_read(struct plan *p, struct plan_func *f, const struct plan_extra *x);

#endif
