/* records - what a command reads of the headers of messages that a function is handed, or hands
 * back: their names, and the value of each whose name begins as is asked for. (Others may be
 * secrets, and are not copied.)
 *
 * Where the headers of each message are is what an expression with EXPR_PLACE says: a slice of
 * structs, or of pointers to them, that begin with a name and a value. A string takes two words
 * there and a []byte three, of which the first two say the same.
 *
 * Owns     nothing: everything lies in the plan's arena.
 * Units    offsets from reading.hook_at, for the message i.
 * Fails    never: what has no room is not read, nor is what is not found.
 * Threads  one. */
#ifndef PLAN_RECORDS_H
#define PLAN_RECORDS_H

#include "plan/plan.h"

enum {
	RECORD_HEADERS_MOST = 8,	/* of a message, that are looked at */
	RECORD_NAME_MOST = 16,
	RECORD_VALUE_MOST = 56,
};

/* How many messages the reading has. */
u32 records_read_of(const struct plan_extra *x, const struct reading *r);
/* Where what is known of header `k` of message `i` lies: its words; bytes of its name, and of the
 * value of the last one that was asked for. Before bytes is a status (plan/extra.h). */
u32 records_words_at(const struct plan_extra *x, u32 i, u32 k);
u32 records_name_at(const struct plan_extra *x, u32 i, u32 k);
u32 records_value_at(const struct plan_extra *x, u32 i);
/* In words: how long the name is, and the value. */
enum { RECORD_NAME_LEN = 8 };
u32 records_value_len(const struct plan_extra *x);

/* Adds the steps to what is read there anyway. */
void records_read(struct plan *p, struct plan_func *f, const struct plan_extra *x);

#endif
