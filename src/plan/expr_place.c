/* Fields, elements, lengths: from what was written to bytes in a record. Nothing is copied until a
 * value is needed, so `a.b.c` takes the eight bytes of c from behind a.b, not all of a. */
#include "plan/expr_binder.h"

#include "base/opt.h"

enum {
	NAMES_MAX = 64,
	EMBEDDED_MAX = 5, /* levels of embedded structs that are searched for a field */
	SEARCHED_MAX = 100000, /* of them: data that lies may have thousands in each */
	COMPUTED_BYTES = 512, /* of the elements that a computed index chooses from */
};

struct go_type *bind_type(struct binder *b, struct go_type *t)
{
	return t ? go_type_load(b->p->prog, t) : NULL;
}

/* Of a pointer, array, slice. Data that lies may leave it out: then a type that has nothing. */
static struct go_type *elem_of(struct binder *b, const struct go_type *t)
{
	static struct go_type unknown = { .loaded = true, .name = { "?", 1 } };

	return t->elem ? go_type_load(b->p->prog, t->elem) : &unknown;
}

static struct str type_text(const struct go_type *t)
{
	return t ? t->name : STR("a word of unknown type");
}

bool bind_no_room(struct binder *b, u32 at)
{
	return bind_wrong(b, at, "a record of %u bytes has no room for this", RECORD_MAX);
}

bool bind_bring(struct binder *b, u32 mark, struct place *p, u32 size)
{
	struct expr_step guard = { .op = EX_BEHIND, .exit = p->exit, .guard = p->guard,
				   .at = p->at, .cap = size, .data = p->len_at, .imm = p->index };
	u32 at, status;

	if (!p->behind)
		return true;
	if (p->disp < 0 || p->disp > INT32_MAX)
		return bind_wrong(b, mark, "too far away");
	if (!reading_behind(bind_reading(b, p), p->at, (i32)p->disp, size, &at, &status))
		return bind_no_room(b, mark);
	guard.status = status;
	p->guard = (u16)(bind_step(b, guard) + 1);
	p->at = at;
	p->behind = false;
	p->disp = 0;
	p->len_at = 0;
	return true;
}

/* What the pointer at this place leads to. */
static bool follow(struct binder *b, u32 mark, struct place *p)
{
	if (p->computed)
		return bind_wrong(b, mark, "behind an index that is no constant, pointers are not "
				  "followed");
	if (!bind_bring(b, mark, p, 8))
		return false;
	p->behind = true;
	p->disp = 0;
	return true;
}

static void move_on(struct place *p, u64 by)
{
	if (p->behind)
		p->disp += (i64)by;
	else
		p->at += (u32)by;
}

static bool need_place(struct binder *b, const struct operand *o, u32 mark, const char *what)
{
	return o->kind == OPERAND_PLACE ||
	       bind_wrong(b, mark, "%s of a computed value can't be asked for", what);
}

/* A field by name, also one of an embedded struct (the nearest). Moves *o there. */
static bool find_field(struct binder *b, u32 mark, struct str name, struct operand *o, u32 levels)
{
	struct go_type *t = o->type;

	for (size_t i = 0; i < t->nfields; i++)
		if (str_eq(t->fields[i].name, name)) {
			o->type = bind_type(b, t->fields[i].type);
			move_on(&o->place, t->fields[i].offset);
			return true;
		}
	for (size_t i = 0; i < t->nfields && levels; i++) {
		struct operand in = *o;
		bool pointer;

		if (!t->fields[i].embedded || b->embedded == SEARCHED_MAX ||
		    plan_redacts(b->p, t->fields[i].name))
			continue;
		b->embedded++;
		in.type = bind_type(b, t->fields[i].type);
		if (!in.type)
			continue;
		pointer = in.type->kind == GO_PTR;
		if (pointer)
			in.type = elem_of(b, in.type);
		if (in.type->kind != GO_STRUCT)
			continue;
		move_on(&in.place, t->fields[i].offset);
		if (pointer && !follow(b, mark, &in.place))
			return false;
		if (find_field(b, mark, name, &in, levels - 1)) {
			*o = in;
			return true;
		}
	}
	return false;
}

static bool no_field(struct binder *b, const struct expr_node *n, const struct go_type *t)
{
	const char *names[NAMES_MAX], *near;
	size_t count = 0;

	for (size_t i = 0; i < t->nfields && count < NAMES_MAX; i++)
		names[count++] = str_z(&b->p->arena, t->fields[i].name);
	near = n->text.n > 1 ? opt_nearest(str_z(&b->p->arena, n->text), names, count) : NULL;
	if (near)
		return bind_wrong(b, n->mark, "%.*s has no field %.*s; the nearest is %s",
				  STR_F(t->name), STR_F(n->text), near);
	return bind_wrong(b, n->mark, "%.*s has no field %.*s (`goshawk types` lists them)",
			  STR_F(t->name), STR_F(n->text));
}

bool bind_field(struct binder *b, const struct expr_node *n, struct operand *to)
{
	struct go_type *t;

	if (!bind_node(b, n->a, to))
		return false;
	if (plan_redacts(b->p, n->text)) {
		b->fatal = true;
		return bind_wrong(b, n->mark, "%.*s is redacted", STR_F(n->text));
	}
	if (!need_place(b, to, n->mark, "a field"))
		return false;
	t = to->type;
	if (t && t->kind == GO_PTR && elem_of(b, t)->kind == GO_STRUCT) {
		if (!follow(b, n->mark, &to->place))
			return false;
		to->type = t = elem_of(b, t);
	}
	if (t && t->kind == GO_INTERFACE)
		return bind_wrong(b, n->mark, "an interface has no fields; .(type) is the type of "
				  "what it holds, .(T) what it holds");
	if (!t || t->kind != GO_STRUCT)
		return bind_wrong(b, n->mark, "%.*s has no fields", STR_F(type_text(t)));
	for (u32 levels = 0; levels <= EMBEDDED_MAX; levels++)
		if (find_field(b, n->mark, n->text, to, levels))
			return true;
	return no_field(b, n, t);
}

bool bind_deref(struct binder *b, const struct expr_node *n, struct operand *to)
{
	if (!bind_node(b, n->a, to) || !need_place(b, to, n->mark, "what is behind"))
		return false;
	if (!to->type || to->type->kind != GO_PTR)
		return bind_wrong(b, n->mark, "%.*s is no pointer", STR_F(type_text(to->type)));
	to->type = elem_of(b, to->type);
	return follow(b, n->mark, &to->place);
}

static bool index_of(struct binder *b, const struct expr_node *n, struct operand *index)
{
	if (!bind_node(b, n->b, index))
		return false;
	if (index->kind == OPERAND_INT)
		return (index->whole >= 0 && index->whole < INT32_MAX) ||
		       bind_wrong(b, n->b->at, "an index is not negative, nor that large");
	if ((index->kind != OPERAND_PLACE && index->kind != OPERAND_STEP) ||
	    !bind_load(b, index, 0) || b->steps.at[index->step].kind > EXPR_UINT ||
	    b->steps.at[index->step].kind == EXPR_BOOL)
		return bind_wrong(b, n->b->at, "an index is a whole number");
	return true;
}

static u16 length_step(struct binder *b, const struct place *p)
{
	return bind_step(b, (struct expr_step){ .op = EX_LOAD, .kind = EXPR_INT, .size = 8,
						.exit = p->exit, .guard = p->guard, .at = p->at });
}

/* Element of an array of `len` at the place. */
static bool index_array(struct binder *b, const struct expr_node *n, struct operand *to,
			const struct operand *index, struct go_type *elem, u64 len)
{
	struct place *p = &to->place;
	u64 fits = elem->size ? MIN(len, COMPUTED_BYTES / elem->size) : 0;

	to->type = elem;
	if (index->kind == OPERAND_INT) {
		if ((u64)index->whole >= len)
			return bind_wrong(b, n->b->at,
					  "the index is %lu, and there are %lu elements",
					  (unsigned long)index->whole, (unsigned long)len);
		move_on(p, (u64)index->whole * elem->size);
		return true;
	}
	if (!fits || p->computed || reading_hides(bind_reading(b, p), elem))
		return bind_wrong(b, n->b->at, "a constant index is needed here");
	if (!bind_bring(b, n->mark, p, (u32)(fits * elem->size)))
		return false;
	p->computed = true;
	p->index_step = index->step;
	p->len_step = bind_step(b, (struct expr_step){ .op = EX_CONST, .kind = EXPR_INT, .size = 8,
						       .imm = len });
	p->stride = (u32)elem->size;
	p->cap = (u32)fits;
	p->status = 0;
	return true;
}

/* Of a string or slice, whose first two words are the address and the length. */
static bool index_run(struct binder *b, const struct expr_node *n, struct operand *to,
		      const struct operand *index, struct go_type *elem)
{
	struct place *p = &to->place, len;
	u32 most;

	if (p->computed)
		return bind_wrong(b, n->mark, "a constant index is needed before this one");
	if (!bind_bring(b, n->mark, p, 16))
		return false;
	to->type = elem;
	if (index->kind == OPERAND_INT) {
		p->behind = true;
		p->disp = (i64)index->whole * (i64)elem->size;
		p->len_at = p->at + 8;
		p->index = (u64)index->whole;
		return true;
	}
	if (!elem->size || elem->size > COMPUTED_BYTES ||
	    reading_hides(bind_reading(b, p), elem))
		return bind_wrong(b, n->b->at, "a constant index is needed here");
	len = *p;
	len.at += 8;
	p->index_step = index->step;
	p->len_step = length_step(b, &len);
	most = (u32)(COMPUTED_BYTES / elem->size);
	if (!reading_bytes(bind_reading(b, p), p->at, (u32)elem->size, &most, &p->at, &p->status))
		return bind_no_room(b, n->mark);
	p->computed = true;
	p->stride = (u32)elem->size;
	p->cap = most;
	return true;
}

bool bind_index(struct binder *b, const struct expr_node *n, struct operand *to)
{
	struct operand index = { 0 };
	struct go_type *t;

	if (!bind_node(b, n->a, to) || !need_place(b, to, n->mark, "an element"))
		return false;
	t = to->type;
	if (t && t->kind == GO_MAP)
		return bind_key(b, n, to);
	if (!index_of(b, n, &index))
		return false;
	if (!t) {
		if (index.kind != OPERAND_INT || (u64)index.whole >= to->place.words)
			return bind_wrong(b, n->b->at, "it has %u words", to->place.words);
		to->place.at += 8 * (u32)index.whole;
		to->place.words = 1;
		return true;
	}
	if (t->kind == GO_PTR && elem_of(b, t)->kind == GO_ARRAY) {
		t = elem_of(b, t);
		if (!follow(b, n->mark, &to->place))
			return false;
	}
	if (t->kind == GO_ARRAY)
		return index_array(b, n, to, &index, elem_of(b, t), t->len);
	if (t->kind == GO_SLICE)
		return index_run(b, n, to, &index, elem_of(b, t));
	if (t->kind == GO_STRING)
		return index_run(b, n, to, &index, go_type_basic(b->p->prog, GO_UINT8));
	return bind_wrong(b, n->b->at, "%.*s has no elements to be asked for", STR_F(type_text(t)));
}

bool bind_dynamic_type(struct binder *b, const struct expr_node *n, struct operand *to)
{
	struct expr_step s = { .op = EX_TYPE, .kind = EXPR_STRING,
			       .type = go_type_basic(b->p->prog, GO_STRING) };
	struct place *p = &to->place;

	if (!bind_node(b, n->a, to) || !need_place(b, to, n->mark, "the type"))
		return false;
	if (!to->type || to->type->kind != GO_INTERFACE)
		return bind_wrong(b, n->mark, "%.*s is no interface: its type is always the same",
				  STR_F(type_text(to->type)));
	if (p->computed)
		return bind_wrong(b, n->mark, "a constant index is needed before this");
	if (!bind_bring(b, n->mark, p, 8))
		return false;
	s.exit = p->exit;
	s.guard = p->guard;
	s.at = s.data = p->at;
	/* itab: 8 the type (runtime/runtime2.go, internal/abi/iface.go) */
	if (to->type->nmethods &&
	    !reading_behind(bind_reading(b, p), p->at, 8, 8, &s.data, &s.status))
		return bind_no_room(b, n->mark);
	return bind_result(b, to, s);
}

/* len(x), cap(x) */
bool bind_length(struct binder *b, const struct expr_node *n, struct operand *to)
{
	bool cap = str_eq(n->text, STR("cap"));
	struct place *p = &to->place;
	struct go_type *t;

	if (!bind_node(b, n->a, to))
		return false;
	if (to->kind == OPERAND_TEXT && !cap) {
		to->kind = OPERAND_INT;
		to->whole = (__int128)to->text.n;
		return true;
	}
	if (!need_place(b, to, n->a->at, "the length"))
		return false;
	t = to->type;
	if (t && t->kind == GO_PTR && elem_of(b, t)->kind == GO_ARRAY)
		t = elem_of(b, t);
	if (t && t->kind == GO_ARRAY) {
		*to = (struct operand){ .kind = OPERAND_INT, .node = n, .whole = (__int128)t->len };
		return true;
	}
	if (!t ? p->words >= (cap ? 3u : 2u) :
	    (t->kind == GO_STRING && !cap) || t->kind == GO_SLICE) {
		move_on(p, cap ? 16 : 8);
		p->words = 0;
		to->type = go_type_basic(b->p->prog, GO_INT);
		return bind_load(b, to, 0);
	}
	/* runtime/map.go, internal/runtime/maps/map.go: 0 count; runtime/chan.go: 0 qcount,
	 * 8 dataqsiz */
	if (t && ((t->kind == GO_MAP && !cap) || t->kind == GO_CHAN)) {
		if (!follow(b, n->a->at, p))
			return false;
		p->disp = cap ? 8 : 0;
		to->type = go_type_basic(b->p->prog, GO_INT);
		if (!bind_load(b, to, 0))
			return false;
		b->steps.at[to->step].or_zero = true;
		return true;
	}
	return bind_wrong(b, n->a->at, "%.*s has no %.*s", STR_F(type_text(t)), STR_F(n->text));
}

static bool kind_of(const struct go_type *t, u8 *kind)
{
	switch ((enum go_kind)t->kind) {
	case GO_BOOL:
		*kind = EXPR_BOOL;
		return true;
	case GO_INT: case GO_INT8: case GO_INT16: case GO_INT32: case GO_INT64:
		*kind = EXPR_INT;
		return true;
	case GO_UINT: case GO_UINT8: case GO_UINT16: case GO_UINT32: case GO_UINT64:
	case GO_UINTPTR: case GO_UNSAFE_POINTER: case GO_PTR: case GO_CHAN: case GO_FUNC:
	case GO_MAP:
		*kind = EXPR_UINT;
		return true;
	case GO_FLOAT32: case GO_FLOAT64:
		*kind = EXPR_FLOAT;
		return true;
	default:
		return false;
	}
}

bool bind_is_text(struct binder *b, const struct operand *o)
{
	const struct go_type *t = o->type;

	if (o->kind == OPERAND_TEXT)
		return true;
	if (o->kind == OPERAND_STEP)
		return b->steps.at[o->step].kind == EXPR_STRING;
	return o->kind == OPERAND_PLACE &&
	       (t ? t->kind == GO_STRING : o->place.words >= 2);
}

bool bind_is_single(struct binder *b, const struct operand *o)
{
	const struct go_type *t = o->type;
	u8 kind;

	return t && (bind_is_text(b, o) || (kind_of(t, &kind) && t->kind != GO_PTR &&
					    t->kind != GO_MAP && t->kind != GO_CHAN &&
					    t->kind != GO_FUNC));
}

static bool load_text(struct binder *b, struct operand *o, u32 want)
{
	struct place *p = &o->place;
	struct expr_step s = { .op = EX_STRING, .kind = EXPR_STRING, .size = 0, .type = o->type };

	if (p->computed)
		return bind_wrong(b, o->node->at, "behind an index that is no constant, texts are "
				  "not followed");
	if (!bind_bring(b, o->node->at, p, 16))
		return false;
	s.exit = p->exit;
	s.guard = p->guard;
	s.at = p->at;
	s.cap = MAX(want, 1u);
	if (!reading_bytes(bind_reading(b, p), p->at, 1, &s.cap, &s.data, &s.status) ||
	    s.cap < want)
		return bind_no_room(b, o->node->at);
	return bind_result(b, o, s);
}

static bool is_bytes(struct binder *b, const struct go_type *t)
{
	return t->kind == GO_SLICE && elem_of(b, t)->kind == GO_UINT8;
}

bool bind_load(struct binder *b, struct operand *o, u32 want)
{
	struct place *p = &o->place;
	struct expr_step s = { .kind = EXPR_INT, .type = o->type };

	if (o->kind == OPERAND_NIL)
		return bind_wrong(b, o->node->at, "nil can only be equal to something, or not");
	if (o->kind != OPERAND_PLACE)
		return true;
	if (o->type ? o->type->kind == GO_STRING || (want && is_bytes(b, o->type)) :
		      want && p->words >= 2)
		return load_text(b, o, want);
	if (o->type && !kind_of(o->type, &s.kind))
		return bind_wrong(b, o->node->at, "%.*s is no single value", STR_F(o->type->name));
	if (p->words > 1)
		return bind_wrong(b, o->node->at, "it has %u words: choose one by [0] to [%u]",
				  p->words, p->words - 1);
	s.size = o->type ? (u8)o->type->size : 8;
	if (!bind_bring(b, o->node->at, p, s.size))
		return false;
	s.op = p->computed ? EX_ELEM : EX_LOAD;
	s.exit = p->exit;
	s.guard = p->guard;
	s.at = p->at;
	s.a = p->index_step;
	s.b = p->len_step;
	s.stride = p->stride;
	s.cap = p->cap;
	s.status = p->status;
	return bind_result(b, o, s);
}

bool bind_first_word(struct binder *b, struct operand *o)
{
	const struct go_type *t = o->type;

	if (o->kind != OPERAND_PLACE)
		return bind_wrong(b, o->node->at, "a computed value is not nil");
	if (t && t->kind != GO_PTR && t->kind != GO_SLICE && t->kind != GO_MAP &&
	    t->kind != GO_CHAN && t->kind != GO_FUNC && t->kind != GO_INTERFACE &&
	    t->kind != GO_UNSAFE_POINTER)
		return bind_wrong(b, o->node->at, "%.*s can't be nil", STR_F(t->name));
	o->type = go_type_basic(b->p->prog, GO_UINTPTR);
	o->place.words = 0;
	return bind_load(b, o, 0);
}

bool bind_show(struct binder *b, struct operand *o, u32 *at)
{
	struct place *p = &o->place;
	struct builder *r = bind_reading(b, p);
	struct expr_step guard = { .op = EX_BEHIND, .exit = p->exit, .guard = p->guard,
				   .at = p->at, .data = p->len_at, .imm = p->index };

	if (p->behind && !p->disp && !p->len_at) {
		if (!reading_whole(r, p->at, o->type, &p->at, &guard.status, &guard.cap))
			return bind_no_room(b, o->node->at);
		p->guard = (u16)(bind_step(b, guard) + 1);
		p->behind = false;
	} else if (p->behind && reading_hides(r, o->type)) {
		return bind_wrong(b, o->node->at, "a part of it is redacted");
	} else if (!bind_bring(b, o->node->at, p, (u32)MIN(o->type->size, (u64)RECORD_MAX))) {
		return false;
	}
	*at = p->at;
	if (b->e->role == EXPR_SHOW)
		reading_show(r, o->type, *at);
	return true;
}
