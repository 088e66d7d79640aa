/* extra - what a command wants read at one function besides values: words that no signature names.
 *
 * Spans ask so for what stripped binaries do not describe (the text that an unexported method
 * returns) and for what must not be copied unless it is what is looked for (one header line among
 * those that hold credentials).
 *
 * Owns     nothing: everything lies in the plan's arena.
 * Units    offsets from reading.hook_at.
 * Fails    never.
 * Threads  one. */
#ifndef PLAN_EXTRA_H
#define PLAN_EXTRA_H

#include <string.h>

#include "plan/plan.h"

/* Where things lie. A status is u32: the bytes that were copied, or CAPTURE_UNREADABLE; 0: none. */
enum {
	EXTRA_WORD = 0,		/* TEXT: its address; BOXED: the data word */
	EXTRA_LEN = 8,		/* TEXT: its length in the program; LIST: of a slice of words */
	EXTRA_STATUS = 16,	/* TEXT, LIST */
	EXTRA_BYTES = 24,	/* TEXT, LIST */
	EXTRA_BEHIND_STATUS = 8,	/* BOXED */
	EXTRA_BEHIND = 16,	/* BOXED: the word that the data word points to, or that lies `disp`
				 * behind that. WORDS lie one behind the other */
	EXTRA_COUNT = 24,	/* FIELDS: the slice's length */
	EXTRA_FIELD = 40,	/* FIELDS: the first of these... */
	EXTRA_FIELD_SIZE = 40,	/* ...which are name, value and a bool */
	EXTRA_FIELDS_MOST = 24,	/* how many are looked at */
	EXTRA_NAME_MOST = 16,	/* bytes of a name */
	EXTRA_HEAD = 8,		/* bytes of it, or of a text, that `only` compares */
};

/* FIELDS: behind the fields, where the bytes of the name of field i are, after a status (8 bytes),
 * if it has as many letters as one of only[]; and those of the value of the last field that may be
 * only[k], after a status: sizes[k] at most. */
static inline u32 extra_name_at(u32 i)
{
	return EXTRA_FIELD + EXTRA_FIELDS_MOST * EXTRA_FIELD_SIZE + i * (8 + EXTRA_NAME_MOST) + 8;
}

static inline u32 extra_value_at(const struct plan_extra *x, u32 k)
{
	u32 at = extra_name_at(EXTRA_FIELDS_MOST);

	for (u32 i = 0; i < k; i++)
		at += 8 + x->sizes[i];
	return at;
}

/* Of a field's name: is its value where that of this one of `only` is? */
static inline bool extra_may_be(struct str name, struct str only)
{
	return name.n == only.n && str_starts(name, str_cut(only, 0, MIN(only.n, EXTRA_HEAD)));
}

/* CHAIN: the two words of hop i, after a status (8 bytes); and the text, after one. */
static inline u32 extra_hop_at(u32 i)
{
	return 8 + i * 24 + 8;
}

static inline u32 extra_chained_text_at(const struct plan_extra *x)
{
	return extra_hop_at(x->nhops);
}

/* Has the plan this function for a purpose of its own, so that --show does not mean it? */
bool extra_sets_apart(const struct plan_request *r, struct str func);
/* Adds the steps to what is read there anyway. */
void extra_read(struct plan *p, struct plan_func *f);
/* What is asked for of this function, or NULL. */
const struct plan_extra *extra_of(const struct plan_request *r, struct str func);

#endif
