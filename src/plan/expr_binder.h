/* expr_binder - what expr_name.c (names), expr_place.c (fields, memory) and expr_type.c
 * (operators) share.
 *
 * Owns     steps, until the code is made.
 * Units    record offsets.
 * Fails    false, and binder.err says why, with a caret.
 * Threads  one. */
#ifndef PLAN_EXPR_BINDER_H
#define PLAN_EXPR_BINDER_H

#include "plan/expr_impl.h"
#include "plan/reading_impl.h"

struct binder {
	struct plan *p;
	struct plan_func *fn;
	const struct expr *e;
	struct builder *entry, *exit;
	VEC(struct expr_step) steps;
	u32 embedded;	/* structs that were searched for a field */
	bool fatal;
	struct err *err;
};

enum operand_kind {
	OPERAND_PLACE,	/* a value in the program, not loaded yet */
	OPERAND_STEP,	/* a computed value */
	OPERAND_INT, OPERAND_FLOAT, OPERAND_TEXT, OPERAND_BOOL, OPERAND_NIL,	/* constants */
};

/* Where a value is: in a record at `at`; or, `behind`, `disp` bytes on from where the word at `at`
 * points to (copied when it is needed, and no more of it than that). */
struct place {
	bool exit, behind;
	u32 at;
	i64 disp;
	u16 guard;
	/* the word at len_at must be more than this index */
	u32 len_at;
	u64 index;
	/* an index that is not constant: `at` is for index 0 */
	bool computed;
	u16 index_step, len_step;
	u32 stride, cap, status;
	u32 words;	/* shape: so many words without a type; else 0 */
};

struct operand {
	enum operand_kind kind;
	const struct expr_node *node;
	struct go_type *type;	/* of places and steps; NULL: words */
	struct place place;
	u16 step;
	__int128 whole;		/* INT, BOOL */
	double real;
	struct str text;
};

bool bind_node(struct binder *b, const struct expr_node *n, struct operand *to);
bool bind_wrong(struct binder *b, u32 at, const char *fmt, ...) PRINTF(3, 4);
u16 bind_step(struct binder *b, struct expr_step s);	/* its index */
bool bind_result(struct binder *b, struct operand *to, struct expr_step s);	/* true */
bool bind_no_room(struct binder *b, u32 at);
struct go_type *bind_type(struct binder *b, struct go_type *t);	/* loaded; NULL stays NULL */

/* A constant that meets nobody becomes an int, uint64, float64, string or bool. */
bool bind_own_type(struct binder *b, struct operand *o);

/* expr_name.c */
bool bind_name(struct binder *b, const struct expr_node *n, struct operand *to);

/* expr_type.c: the one type of this name; "*io/fs.PathError" is asked for as *fs.PathError of that
 * package. 0: none, or more than one. */
u64 bind_descriptor(struct binder *b, struct str name);

/* expr_as.c: what an interface holds, if it is of that type. */
bool bind_as(struct binder *b, const struct expr_node *n, struct operand *to);

/* expr_key.c: n->a is bound, in *to, and a map. */
bool bind_key(struct binder *b, const struct expr_node *n, struct operand *to);

/* expr_place.c */
/* Copies `size` bytes of a place into the record, if they are not there yet. */
bool bind_bring(struct binder *b, u32 mark, struct place *p, u32 size);
bool bind_field(struct binder *b, const struct expr_node *n, struct operand *to);
bool bind_index(struct binder *b, const struct expr_node *n, struct operand *to);
bool bind_deref(struct binder *b, const struct expr_node *n, struct operand *to);
bool bind_dynamic_type(struct binder *b, const struct expr_node *n, struct operand *to);
bool bind_length(struct binder *b, const struct expr_node *n, struct operand *to);
/* From a place to a value; of a string, at least `want` bytes. */
bool bind_load(struct binder *b, struct operand *o, u32 want);
/* The first word of a pointer, slice, map, interface..., for comparison with nil. */
bool bind_first_word(struct binder *b, struct operand *o);
/* The whole value into a record, with what hangs on it, for a printer. */
bool bind_show(struct binder *b, struct operand *o, u32 *at);
/* Could it be a text? */
bool bind_is_text(struct binder *b, const struct operand *o);
/* Is it a number, a bool or a text? */
bool bind_is_single(struct binder *b, const struct operand *o);

static inline struct builder *bind_reading(struct binder *b, const struct place *p)
{
	return p->exit ? b->exit : b->entry;
}

#endif
