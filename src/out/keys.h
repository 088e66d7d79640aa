/* keys - what calls are grouped by: their function, or the value of --by.
 *
 * A key is a small index, for arrays. There are at most KEYS_MAX values; later ones are the key
 * `other`, so memory does not grow with what a program computes.
 *
 * Owns     nothing: texts are copied into the caller's arena.
 * Units    none.
 * Fails    never; a value that can't be computed has no key.
 * Threads  one. */
#ifndef OUT_KEYS_H
#define OUT_KEYS_H

#include "out/sinks.h"

enum { KEYS_MAX = 10000, KEY_OTHER = 0 };
#define KEY_NONE UINT32_MAX

struct key;
struct keys {
	const struct target_facts *t;
	struct arena *arena;
	const struct expr *by;	/* NULL: the function */
	struct key *at;		/* values; at[KEY_OTHER] is none */
	u32 *table;		/* by hash: indexes of values, 0 is empty */
	u32 n;			/* keys so far, `other` among them; or functions */
	u32 room;		/* there are never more */
};

void keys_init(struct keys *k, struct arena *a, const struct target_facts *t);
/* KEY_NONE: the call has no value. */
u32 keys_of(struct keys *k, const struct call *c);
/* The value of --by or --hist for a call; what can't be computed is counted where it has to be. */
bool keys_value(const struct target_facts *t, const struct call *c, const struct expr *e,
		struct expr_result *v);
/* How they are sorted among equals: by value, `other` last. */
int keys_compare(const struct keys *k, u32 a, u32 b);
void keys_text(struct out *o, const struct keys *k, u32 key);
/* The fields `func`, `by`, and `other` where it is. */
void keys_json(struct json *j, const struct keys *k, u32 key);

#endif
