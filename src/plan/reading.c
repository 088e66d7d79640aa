/* Values are copied whole first (one slot each), then what their pointers lead to: at each level
 * the texts and lengths of all values before what is deeper in one of them. What is left of the
 * record is shared fairly: a deep first parameter does not take the room of the second.
 *
 * Interfaces: the steps for each dynamic type that we look into stand in a READ_WHEN block, and all
 * blocks of one interface use the same bytes of the record. Type words inside such a block are the
 * exception: they lie outside the shared bytes, because a nested block asks for them, and another
 * block's text must never be taken for a type. */
#include "plan/reading.h"

#include "go/release.h"
#include "plan/reading_impl.h"

enum {
	BLOCK_MAX = 768, /* bytes that the dynamic types of one interface may use */
	TYPES_MAX = 16, /* dynamic types looked into behind one interface */
	TYPES_MAX_NESTED = 6,
};

static void expand(struct builder *b, struct item first);
static void expand_all(struct builder *b, struct items *q);

u32 builder_used(const struct builder *b)
{
	return b->at + b->texts;
}

static u32 room(const struct builder *b)
{
	return b->limit - MIN(builder_used(b), b->limit);
}

/* Room for n bytes, or 0. Everything is aligned to 8. */
u32 builder_take(struct builder *b, u64 n)
{
	u32 at = b->at;

	n = round_up(n, 8);
	if (n > room(b) || b->reads.n >= STEPS_MAX)
		return 0;
	b->at += (u32)n;
	return at;
}

struct read *builder_step(struct builder *b, enum read_kind kind)
{
	struct read *r = vec_push(&b->reads);

	*r = (struct read){ .kind = (u8)kind, .when_at = b->when.when_at, .when = b->when.when,
			    .when_va = b->when.when_va, .when_not = b->when.when_not };
	return r;
}

/* The status word of a capture goes before its bytes. 0: no room. */
struct read *builder_capture(struct builder *b, enum read_kind kind, u32 from, u64 size)
{
	u32 status = builder_take(b, 8 + size);
	struct read *r;

	if (!status)
		return NULL;
	r = builder_step(b, kind);
	r->status = status;
	r->at = status + 8;
	r->from = from;
	r->size = (u16)size;
	r->span = (u32)size;
	return r;
}

/* As many elements as there is room for: part of a long text is better than nothing of it. */
struct read *builder_bytes(struct builder *b, u32 from, u64 count, u64 elem)
{
	u32 left = room(b) & ~7u;
	struct read *r;

	count = MIN(count, left > 8 ? (left - 8) / elem : 0);
	r = count ? builder_capture(b, READ_BYTES, from, count * elem) : NULL;
	if (r) {
		r->len_at = from + 8;
		r->elem = (u32)elem;
	}
	return r;
}

/* Those behind an interface have their place: others share it. */
struct read *builder_text(struct builder *b, u32 from, u64 count)
{
	struct read *r = builder_bytes(b, from, count, 1);

	if (r && b->packs && !b->nblocks) {
		r->packed = true;
		b->at = r->at;
		b->texts += (u32)round_up(r->size, 8);
		r->at = 0;
	}
	return r;
}

static struct read *capture_mem(struct builder *b, u32 from, u64 size)
{
	return builder_capture(b, READ_MEM, from, MIN(size, (u64)POINTEE_MAX));
}

static size_t begin_when(struct builder *b, u32 at, u64 value, bool va, bool other)
{
	b->when = (struct read){ .when_at = at, .when = value, .when_va = va, .when_not = other };
	builder_step(b, READ_WHEN);
	return b->reads.n - 1;
}

static void end_when(struct builder *b, size_t block, struct read outer)
{
	b->reads.at[block].size = (u16)(b->reads.n - block - 1);
	b->when = outer;
}

void builder_hide(struct builder *b, struct go_type *t, u64 at, u64 end, struct hidden_bytes *to)
{
	size_t before = to->n;
	struct go_type *elem;

	if (!b->p->request.nredact || !t)
		return;
	t = go_type_load(b->p->prog, t);
	for (size_t i = 0; t->kind == GO_STRUCT && i < t->nfields; i++) {
		const struct go_field *f = &t->fields[i];

		if (plan_redacts(b->p, f->name))
			*vec_push(to) = (struct hidden){
				.at = at + f->offset,
				.end = at + f->offset + go_type_load(b->p->prog, f->type)->size,
			};
		else if (at + f->offset < end)
			builder_hide(b, f->type, at + f->offset, end, to);
	}
	if (t->kind != GO_ARRAY || !t->len)
		return;
	elem = go_type_load(b->p->prog, t->elem);
	for (u64 i = 0; i < t->len && elem->size && at + i * elem->size < end; i++) {
		builder_hide(b, elem, at + i * elem->size, end, to);
		if (to->n == before)
			return;		/* nothing in the first element: nothing in any */
	}
}

bool reading_hides(struct builder *b, struct go_type *t)
{
	struct hidden_bytes hidden = { 0 };
	bool yes;

	builder_hide(b, t, 0, UINT32_MAX, &hidden);
	yes = hidden.n > 0;
	vec_release(&hidden);
	return yes;
}

/* A value behind a pointer, but for redacted fields: their bytes are not copied. Gives its place in
 * the record if the whole value has room there. */
u32 builder_behind(struct builder *b, u32 word, struct go_type *t)
{
	struct read *r = capture_mem(b, word, t->size);
	struct hidden_bytes hidden = { 0 };
	u32 at, status, size;
	u64 from = 0;

	if (!r)
		return 0;
	at = r->at;
	status = r->status;
	size = r->size;
	builder_hide(b, t, 0, size, &hidden);
	for (size_t i = 0; hidden.n && i <= hidden.n; i++) {
		u64 to = i < hidden.n ? MIN(hidden.at[i].at, (u64)size) : size;

		if (!i) {
			b->reads.at[b->reads.n - 1].size = (u16)to;
		} else if (to > from) {
			r = builder_step(b, READ_MEM);
			r->at = at + (u32)from;
			r->status = status + 4;
			r->from = word;
			r->disp = (i32)from;
			r->size = (u16)(to - from);
		}
		from = i < hidden.n ? MIN(hidden.at[i].end, (u64)size) : size;
	}
	vec_release(&hidden);
	return size == t->size ? at : 0;
}

static void slice(struct builder *b, struct item it, struct go_type *elem)
{
	u64 count = b->p->request.elements;
	struct items q = { 0 };
	struct read *r;
	u32 at;

	if (elem->kind == GO_UINT8 || !elem->size || !count || reading_hides(b, elem))
		return;		/* how many there are is known too late to copy them in pieces */
	r = builder_bytes(b, it.at, MIN(count, (u64)(2 * POINTEE_MAX) / elem->size), elem->size);
	if (!r)
		return;
	at = r->at;
	count = r->size / r->elem;
	for (u64 i = 0; i < count; i++)
		*vec_push(&q) = (struct item){ elem, at + (u32)(i * elem->size), it.depth, 0 };
	expand_all(b, &q);
}

static void interface(struct builder *b, struct item it, struct go_type *t)
{
	struct go_type *const *types, *some[TYPES_MAX];
	size_t n = 0, nknown, most = b->nblocks ? TYPES_MAX_NESTED : TYPES_MAX, block;
	struct read *r, outer = b->when;
	u32 type_at = it.at, base, top, limit;
	bool error = t->nmethods == 1 && str_eq(t->methods[0].name, STR("Error"));

	if (t->nmethods) {
		if (b->nblocks && b->napart == APART_MAX)
			return;
		if (b->nblocks) {	/* apart: 8 bytes for the status, 8 for the word */
			r = builder_step(b, READ_MEM);
			r->status = APART + 16 * b->napart;
			r->at = r->status + 8;
			r->from = it.at;
			r->size = 8;
			r->span = 8;
			b->napart++;
		} else {
			r = capture_mem(b, it.at, 8);
			if (!r)
				return;
		}
		r->disp = 8;	/* itab: the concrete type */
		type_at = r->at;
	}
	if (!it.depth)
		return;
	types = error ? b->d->errors : b->d->boxed;
	nknown = error ? b->d->nerrors : t->nmethods ? 0 : b->d->nboxed;
	for (size_t i = 0; i < nknown && n < most; i++)
		some[n++] = types[i];
	for (size_t i = 0; t->va && t->nmethods && i < b->d->nitabs && n < most; i++) {
		struct go_type *c;
		bool twice = false;

		if (b->d->itabs[i].inter_va != t->va)
			continue;
		c = go_type_at(b->p->prog, b->d->itabs[i].type_va);
		for (size_t k = 0; k < n; k++)
			twice |= some[k] == c;
		if (!twice)
			some[n++] = c;
	}
	base = top = b->at;
	limit = b->limit;
	b->limit = MIN(b->limit, builder_used(b) + BLOCK_MAX);
	b->nblocks++;
	for (size_t i = 0; i < n; i++) {
		struct go_type *c = go_type_load(b->p->prog, some[i]);

		if (!c->va || !c->size || c->kind == GO_BAD)
			continue;
		b->at = base;
		block = begin_when(b, type_at, c->va, true, false);
		if (go_type_is_pointer_shaped(b->p->prog, c)) {
			expand(b, (struct item){ c, it.at + 8, it.depth, 0 });
		} else {
			u32 at = builder_behind(b, it.at + 8, c);

			if (at)
				expand(b, (struct item){ c, at, it.depth - 1, 0 });
		}
		if (b->reads.n == block + 1)
			b->reads.n--;	/* nothing hangs on it: its word is the value */
		else
			b->reads.at[block].size = (u16)(b->reads.n - block - 1);
		b->when = outer;
		top = MAX(top, b->at);
	}
	b->nblocks--;
	b->limit = limit;
	b->at = top;
}

static void map_entries(struct builder *b, struct go_type *t, u32 at, u64 keys, u64 key_stride,
			u64 elems, u64 elem_stride, u64 depth)
{
	struct go_type *k = go_type_load(b->p->prog, t->key),
		       *e = go_type_load(b->p->prog, t->elem);
	struct items q = { 0 };

	for (u32 i = 0; i < 8 && i < b->p->request.elements; i++) {
		if (!t->map.indirect_key)
			*vec_push(&q) = (struct item){ k, at + (u32)(keys + i * key_stride),
						       depth, 0 };
		if (!t->map.indirect_elem)
			*vec_push(&q) = (struct item){ e, at + (u32)(elems + i * elem_stride),
						       depth, 0 };
	}
	expand_all(b, &q);
}

static void hmap(struct builder *b, struct go_type *t, u32 head, u64 depth)
{
	const struct go_map_facts *m = &t->map;
	struct read *r;

	if (!m->bucket_size || m->bucket_size > 2 * POINTEE_MAX)
		return;
	r = builder_capture(b, READ_MEM, head + 16, m->bucket_size);	/* buckets: the first one */
	if (r)
		map_entries(b, t, r->at, 8, m->key_size, 8 + 8 * (u64)m->key_size, m->elem_size,
			    depth);
}

static void swiss(struct builder *b, struct go_type *t, u32 head, u64 depth)
{
	const struct go_map_facts *m = &t->map;
	struct read *r, outer = b->when;
	u32 base = b->at, top;
	size_t block;

	if (!m->group_size || m->group_size > 2 * POINTEE_MAX || b->nblocks)
		return;		/* a condition inside a condition is for types only */
	b->nblocks++;
	block = begin_when(b, head + 24, 0, false, false); /* dirLen 0: dirPtr is the one group */
	r = builder_capture(b, READ_MEM, head + 16, m->group_size);
	if (r)
		map_entries(b, t, r->at, m->keys_off, m->key_stride, m->elems_off, m->elem_stride,
			    depth);
	end_when(b, block, outer);
	top = b->at;
	b->at = base;
	block = begin_when(b, head + 24, 0, false, true);
	r = capture_mem(b, head + 16, 8);			/* the directory's first table */
	if (r)
		r = capture_mem(b, r->at, 32);			/* the table; its groups at 16 */
	if (r)
		r = builder_capture(b, READ_MEM, r->at + 16, m->group_size);
	if (r)
		map_entries(b, t, r->at, m->keys_off, m->key_stride, m->elems_off, m->elem_stride,
			    depth);
	end_when(b, block, outer);
	b->nblocks--;
	b->at = MAX(top, b->at);
}

/* An expression has asked for it already. */
static bool has_bytes(const struct builder *b, u32 from)
{
	for (size_t i = 0; i < b->reads.n; i++)
		if (b->reads.at[i].kind == READ_BYTES && b->reads.at[i].from == from &&
		    !b->reads.at[i].own && !b->reads.at[i].when_at)
			return true;
	return false;
}

/* What takes little room: texts, lengths, names of functions. And the parts of a value that lie in
 * it, which are looked at later. */
static void cheap(struct builder *b, struct items *q, size_t i)
{
	struct item it = q->at[i];
	struct go_type *t = go_type_load(b->p->prog, it.type), *elem;
	struct read *r;

	switch (t->kind) {
	case GO_STRING:
		if (!has_bytes(b, it.at))
			(void)builder_text(b, it.at, MIN(b->p->request.strings, (u64)2048));
		break;
	case GO_SLICE:
		elem = go_type_load(b->p->prog, t->elem);
		if (elem->kind == GO_UINT8 && b->p->request.strings && !has_bytes(b, it.at))
			(void)builder_text(b, it.at,
					   MIN(b->p->request.strings, (u64)(2 * POINTEE_MAX)));
		break;
	case GO_MAP:
		r = it.depth ? capture_mem(b, it.at, 48) : NULL;
		q->at[i].head = r ? r->at : 0;
		break;
	case GO_CHAN:
		(void)capture_mem(b, it.at, 16);
		break;
	case GO_FUNC:
		(void)capture_mem(b, it.at, 8);
		break;
	case GO_STRUCT:
		if (str_eq(t->name, STR("time.Time")))
			break;		/* its third word leads to a Location, which is not shown */
		for (size_t k = 0; k < t->nfields; k++)
			if (!plan_redacts(b->p, t->fields[k].name))
				*vec_push(q) =
					(struct item){ t->fields[k].type,
						       it.at + (u32)t->fields[k].offset, it.depth,
						       0 };
		break;
	case GO_ARRAY:
		elem = go_type_load(b->p->prog, t->elem);
		for (u64 k = 0; k < MIN(t->len, b->p->request.elements); k++)
			*vec_push(q) =
				(struct item){ elem, it.at + (u32)(k * elem->size), it.depth, 0 };
		break;
	default:
		break;
	}
}

static void deep(struct builder *b, struct item it)
{
	struct go_type *t = go_type_load(b->p->prog, it.type), *elem;
	u32 at;

	switch (t->kind) {
	case GO_SLICE:
		slice(b, it, go_type_load(b->p->prog, t->elem));
		break;
	case GO_PTR:
		elem = go_type_load(b->p->prog, t->elem);
		at = it.depth && elem->size ? builder_behind(b, it.at, elem) : 0;
		if (at)
			expand(b, (struct item){ elem, at, it.depth - 1, 0 });
		break;
	case GO_INTERFACE:
		interface(b, it, t);
		break;
	case GO_MAP:
		if (!it.head || reading_hides(b, t->key) || reading_hides(b, t->elem))
			break;		/* the count alone */
		if (t->map.layout == GO_MAP_HMAP)
			hmap(b, t, it.head, it.depth - 1);
		else
			swiss(b, t, it.head, it.depth - 1);
		break;
	default:
		break;
	}
}

void builder_cheap(struct builder *b, struct items *q)
{
	for (size_t i = 0; i < q->n && b->reads.n < STEPS_MAX; i++)
		cheap(b, q, i);
}

void builder_deep(struct builder *b, const struct items *q)
{
	for (size_t i = 0; i < q->n && b->reads.n < STEPS_MAX; i++)
		deep(b, q->at[i]);
}

/* Values and the fields inside them, the cheap parts of all first; what is behind pointers is
 * reached by recursion, whose depth `it.depth` and STEPS_MAX bound. */
static void expand_all(struct builder *b, struct items *q)
{
	builder_cheap(b, q);
	builder_deep(b, q);
	vec_release(q);
}

static void expand(struct builder *b, struct item first)
{
	struct items q = { 0 };

	*vec_push(&q) = first;
	expand_all(b, &q);
}
