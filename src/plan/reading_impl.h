/* reading_impl - a reading in the making, for those who add to it (reading.c, expr_type.c).
 *
 * Begin, ask for what is needed, finish or drop. What an expression asks for is `own`: printers of
 * values do not find it, and its room is taken before that of what is shown.
 *
 * Owns     its lists, until reading_finish() or reading_drop().
 * Units    record offsets; all are multiples of 8.
 * Fails    false or 0: no room.
 * Threads  one. */
#ifndef PLAN_READING_IMPL_H
#define PLAN_READING_IMPL_H

#include "base/vec.h"
#include "plan/reading.h"

enum {
	POINTEE_MAX = 512, /* bytes of what one pointer leads to */
	STEPS_MAX = 600,
	APART_MAX = 32,
	APART = 1 << 30, /* offsets of type words outside the shared bytes, until they are placed */
};

struct item {
	struct go_type *type;
	u32 at;
	u64 depth;	/* levels of pointers that may still be followed */
	u32 head;	/* of a map: where its first bytes were copied to */
};
VEC_TYPE(items, struct item);

/* An element that was looked up: `map` is where its map's word is (expr_key.c), which may be behind
 * an interface: then that of several types. */
struct found_key {
	u32 map;
	const struct go_type *type;
	struct str key;
	u32 where, elem;
};

struct builder {
	struct plan *p;
	const struct dynamic_types *d;
	struct reading *r;
	VEC(struct read) reads;
	VEC(struct found_key) found;
	struct items shown;	/* values that --show wants, with what hangs on them */
	u32 at;			/* next free byte */
	u32 texts;		/* bytes of packed texts, which the limit counts as well */
	u32 limit;
	struct read when;	/* the condition of the block that we are in */
	u32 nblocks;		/* how many blocks deep */
	u32 napart;
	bool redact_all;
	bool packs;		/* texts may be */
	bool touched;		/* something was asked for */
};

/* Bytes of a value that redacted fields take: ascending, never overlapping. */
struct hidden {
	u64 at, end;
};
VEC_TYPE(hidden_bytes, struct hidden);

/* reading.c: room, steps, and what hangs on a value. builder_bytes: as many elements as there is
 * room for. builder_behind: gives its place if the whole value has room there. */
u32 builder_take(struct builder *b, u64 n);
struct read *builder_step(struct builder *b, enum read_kind kind);
struct read *builder_capture(struct builder *b, enum read_kind kind, u32 from, u64 size);
struct read *builder_bytes(struct builder *b, u32 from, u64 count, u64 elem);
/* The same of a text, which nothing else of the record hangs on: it may be packed. */
struct read *builder_text(struct builder *b, u32 from, u64 count);
u32 builder_used(const struct builder *b);
u32 builder_behind(struct builder *b, u32 word, struct go_type *t);
void builder_hide(struct builder *b, struct go_type *t, u64 at, u64 end, struct hidden_bytes *to);
void builder_cheap(struct builder *b, struct items *q);
void builder_deep(struct builder *b, const struct items *q);

/* reading_make.c */
void reading_begin(struct builder *b, struct reading *r, struct plan *p,
		   const struct dynamic_types *d, const struct go_param *params, size_t n,
		   bool redact_all, bool stack);
/* Takes slot i, unless that was done. False: redacted, or its place is not known. */
bool reading_slot(struct builder *b, u32 i);
/* Where the address of g gets to. */
u32 reading_g(struct builder *b);
/* Copies `size` bytes from `disp` behind the word at `from`. */
bool reading_behind(struct builder *b, u32 from, i32 disp, u32 size, u32 *at, u32 *status);
/* Copies elements of `elem` bytes; their count is the word at from + 8. *most: how many fit. */
bool reading_bytes(struct builder *b, u32 from, u32 elem, u32 *most, u32 *at, u32 *status);
/* Copies a value behind the word at `from`, without its redacted fields. *first: bytes up to the
 * first of these. */
bool reading_whole(struct builder *b, u32 from, struct go_type *t, u32 *at, u32 *status,
		   u32 *first);
/* Has it redacted fields? */
bool reading_hides(struct builder *b, struct go_type *t);
/* What hangs on the value there will be read as well. */
void reading_show(struct builder *b, struct go_type *t, u32 at);
/* `values`: every slot and what hangs on it. */
void reading_finish(struct builder *b, bool values);
void reading_drop(struct builder *b);

#endif
