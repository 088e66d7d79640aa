/* look - finds the parts of a value in a record: words, what pointers lead to, dynamic types, map
 * entries. Both printers stand on it.
 *
 * Owns     nothing.
 * Units    `at` is a record offset; every one is checked against the record's size.
 * Fails    never: what is not there reads as 0, or has a state that says why.
 * Threads  one. */
#ifndef OUT_LOOK_H
#define OUT_LOOK_H

#include "out/value.h"

/* Limits against types that lie (a struct that contains itself): levels of values, and values. A
 * level takes at most three of JSON's. */
enum { LEVELS = 20, VALUES = 2000 };

bool look_is_time(const struct go_type *t);

/* A value of type t at `at`, where there are `room` bytes of the record for it. */
struct val {
	struct go_type *t;
	u32 at, room, level;
	bool absent;	/* behind a pointer that was not followed */
	bool addressed;	/* behind a pointer whose address is shown beside it */
};

/* One inside another. */
static inline struct val val_in(struct val x, struct go_type *t, u32 at, u32 room)
{
	return (struct val){ t, at, room, x.level + 1, false, false };
}

/* Structs and arrays are shown as far as they go; anything else is there as a whole or not. */
static inline bool look_has_room(struct val x)
{
	bool in_parts = x.t->kind == GO_ARRAY || (x.t->kind == GO_STRUCT && !look_is_time(x.t));

	return !x.absent && (in_parts || x.t->size <= x.room);
}

/* May this value be shown? */
static inline bool look_spend(struct value_view *v, struct val x)
{
	if (!v->budget)
		return false;
	v->budget--;
	return x.level < LEVELS;
}

u64 look_word(const struct value_view *v, u32 at, unsigned size);	/* size 1 to 8 */
i64 look_signed(const struct value_view *v, u32 at, unsigned size);
double look_float(const struct value_view *v, u32 at, unsigned size);	/* size 4 or 8 */
/* Bytes of the record; empty unless all n are there. */
struct str look_bytes(const struct value_view *v, u32 at, u64 n);

enum behind_state { BEHIND_NIL, BEHIND_THERE, BEHIND_NOT_TAKEN, BEHIND_UNREADABLE };
struct behind {
	enum behind_state state;
	u32 at;
	u32 n;		/* bytes that are there */
};
/* What the pointer word at `from` leads to, `disp` bytes on. */
struct behind look_behind(const struct value_view *v, u32 from, i32 disp);

/* What a string or slice header at `at` leads to. `text` and `n` never exceed what was copied. */
struct run {
	u64 address, len;
	const char *error;	/* NULL, "unreadable", "bad length" */
	bool taken;
	u32 at;
	u64 n;			/* elements that are there and should be shown */
};
struct run look_run(const struct value_view *v, u32 at, u64 each, u64 most);
/* A text without the first bytes of a rune that the limit cut in two. */
struct str look_text(const struct value_view *v, const struct run *r);

/* The dynamic type of an interface: NULL for nil (*address 0) or an unknown type. */
struct go_type *look_dynamic(const struct value_view *v, struct val x, u64 *address);
/* Where the value of dynamic type t lies, for the interface at `at`. */
struct behind look_data(const struct value_view *v, struct go_type *t, u32 at);

/* Never NULL. */
struct go_type *look_load(const struct value_view *v, struct go_type *t);
/* How many elements of an array are there and should be shown. */
u64 look_array(const struct value_view *v, struct val x, const struct go_type *elem);
/* The field's value; false when it did not get into the record. */
bool look_field(const struct value_view *v, struct val x, const struct go_field *f, struct val *to);
bool look_redacted(const struct value_view *v, const struct go_field *f);

/* The name of the function that a func value at `at` calls; empty if unknown. */
struct str look_func(const struct value_view *v, u32 at);

bool look_is_duration(const struct go_type *t);
/* Is a number of this type (NULL: not known) an address, as that of a pointer or a chan? */
bool look_is_address(const struct go_type *t);
/* How many bits a number with a fraction of this type (NULL: not known) has. */
int look_float_bits(const struct go_type *t);
/* A time.Time's Unix time. */
void look_time(const struct value_view *v, u32 at, i64 *unix_s, u32 *ns);

struct map_walk {
	u64 address, count;
	const char *error;
	bool taken;
	u32 slots;		/* where the bucket or group lies, 0: none */
	u32 room;		/* its bytes */
	u32 next;
};
struct map_walk look_map(const struct value_view *v, const struct go_type *t, u32 at);
/* The next entry; false after the last one. */
bool look_entry(const struct value_view *v, struct val x, struct map_walk *m, struct val *key,
		struct val *elem);

/* (1+2i), of two floats of `half` bytes (value.c). */
void value_complex(struct out *o, const struct value_view *v, u32 at, unsigned half);

#endif
