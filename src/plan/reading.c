/* Values are copied whole first (one slot each), then what their pointers lead to. What is left of
 * the record is shared fairly: a deep first parameter does not take the room of the second.
 *
 * Interfaces: the steps for each dynamic type that we look into stand in a READ_WHEN block, and all
 * blocks of one interface use the same bytes of the record. Type words inside such a block are the
 * exception: they lie outside the shared bytes, because a nested block asks for them, and another
 * block's text must never be taken for a type. */
#include "plan/reading.h"

#include "go/release.h"
#include "plan/reading_impl.h"

enum {
	POINTEE_MAX = 512, /* bytes of what one pointer leads to */
	BLOCK_MAX = 768, /* bytes that the dynamic types of one interface may use */
	TYPES_MAX = 16, /* dynamic types looked into behind one interface */
	TYPES_MAX_NESTED = 6,
	STEPS_MAX = 600,
	APART_MAX = 32,
	APART = 1 << 30, /* offsets of type words outside the shared bytes, until they are placed */
};

static void expand(struct builder *b, struct item first);
static void expand_all(struct builder *b, struct items *q);

/* Room for n bytes, or 0. Everything is aligned to 8. */
static u32 take(struct builder *b, u64 n)
{
	u32 at = b->at;

	n = round_up(n, 8);
	if (n > b->limit - b->at || b->reads.n >= STEPS_MAX)
		return 0;
	b->at += (u32)n;
	return at;
}

static struct read *step(struct builder *b, enum read_kind kind)
{
	struct read *r = vec_push(&b->reads);

	*r = (struct read){ .kind = (u8)kind, .when_at = b->when.when_at, .when = b->when.when,
			    .when_va = b->when.when_va, .when_not = b->when.when_not };
	return r;
}

/* The status word of a capture goes before its bytes. 0: no room. */
static struct read *capture(struct builder *b, enum read_kind kind, u32 from, u64 size)
{
	u32 status = take(b, 8 + size);
	struct read *r;

	if (!status)
		return NULL;
	r = step(b, kind);
	r->status = status;
	r->at = status + 8;
	r->from = from;
	r->size = (u16)size;
	r->span = (u32)size;
	return r;
}

/* As many elements as there is room for: part of a long text is better than nothing of it. */
static struct read *capture_bytes(struct builder *b, u32 from, u64 count, u64 elem)
{
	u32 left = (b->limit - MIN(b->at, b->limit)) & ~7u;
	struct read *r;

	count = MIN(count, left > 8 ? (left - 8) / elem : 0);
	r = count ? capture(b, READ_BYTES, from, count * elem) : NULL;
	if (r) {
		r->len_at = from + 8;
		r->elem = (u32)elem;
	}
	return r;
}

static struct read *capture_mem(struct builder *b, u32 from, u64 size)
{
	return capture(b, READ_MEM, from, MIN(size, (u64)POINTEE_MAX));
}

static size_t begin_when(struct builder *b, u32 at, u64 value, bool va, bool other)
{
	b->when = (struct read){ .when_at = at, .when = value, .when_va = va, .when_not = other };
	step(b, READ_WHEN);
	return b->reads.n - 1;
}

static void end_when(struct builder *b, size_t block, struct read outer)
{
	b->reads.at[block].size = (u16)(b->reads.n - block - 1);
	b->when = outer;
}

/* Bytes of a value that redacted fields take: ascending, never overlapping. */
struct hidden {
	u64 at, end;
};
VEC_TYPE(hidden_bytes, struct hidden);

static void hide(struct builder *b, struct go_type *t, u64 at, u64 end, struct hidden_bytes *to)
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
			hide(b, f->type, at + f->offset, end, to);
	}
	if (t->kind != GO_ARRAY || !t->len)
		return;
	elem = go_type_load(b->p->prog, t->elem);
	for (u64 i = 0; i < t->len && elem->size && at + i * elem->size < end; i++) {
		hide(b, elem, at + i * elem->size, end, to);
		if (to->n == before)
			return;		/* nothing in the first element: nothing in any */
	}
}

static bool hides(struct builder *b, struct go_type *t)
{
	struct hidden_bytes hidden = { 0 };
	bool yes;

	hide(b, t, 0, UINT32_MAX, &hidden);
	yes = hidden.n > 0;
	vec_release(&hidden);
	return yes;
}

/* A value behind a pointer, but for redacted fields: their bytes are not copied. Gives its place in
 * the record if the whole value has room there. */
static u32 behind(struct builder *b, u32 word, struct go_type *t)
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
	hide(b, t, 0, size, &hidden);
	for (size_t i = 0; hidden.n && i <= hidden.n; i++) {
		u64 to = i < hidden.n ? MIN(hidden.at[i].at, (u64)size) : size;

		if (!i) {
			b->reads.at[b->reads.n - 1].size = (u16)to;
		} else if (to > from) {
			r = step(b, READ_MEM);
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

	if (elem->kind == GO_UINT8 || !elem->size || !count || hides(b, elem))
		return;		/* how many there are is known too late to copy them in pieces */
	r = capture_bytes(b, it.at, MIN(count, (u64)(2 * POINTEE_MAX) / elem->size), elem->size);
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
			r = step(b, READ_MEM);
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
	b->limit = MIN(b->limit, base + BLOCK_MAX);
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
			u32 at = behind(b, it.at + 8, c);

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
	r = capture(b, READ_MEM, head + 16, m->bucket_size);	/* buckets: the first one */
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
	r = capture(b, READ_MEM, head + 16, m->group_size);
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
		r = capture(b, READ_MEM, r->at + 16, m->group_size);
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
			(void)capture_bytes(b, it.at, MIN(b->p->request.strings, (u64)2048), 1);
		break;
	case GO_SLICE:
		elem = go_type_load(b->p->prog, t->elem);
		if (elem->kind == GO_UINT8 && b->p->request.strings && !has_bytes(b, it.at))
			(void)capture_bytes(b, it.at,
					    MIN(b->p->request.strings, (u64)(2 * POINTEE_MAX)), 1);
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
		at = it.depth && elem->size ? behind(b, it.at, elem) : 0;
		if (at)
			expand(b, (struct item){ elem, at, it.depth - 1, 0 });
		break;
	case GO_INTERFACE:
		interface(b, it, t);
		break;
	case GO_MAP:
		if (!it.head || hides(b, t->key) || hides(b, t->elem))
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

static void all_cheap(struct builder *b, struct items *q)
{
	for (size_t i = 0; i < q->n && b->reads.n < STEPS_MAX; i++)
		cheap(b, q, i);
}

static void all_deep(struct builder *b, const struct items *q)
{
	for (size_t i = 0; i < q->n && b->reads.n < STEPS_MAX; i++)
		deep(b, q->at[i]);
}

/* Values and the fields inside them, the cheap parts of all first; what is behind pointers is
 * reached by recursion, whose depth `it.depth` and STEPS_MAX bound. */
static void expand_all(struct builder *b, struct items *q)
{
	all_cheap(b, q);
	all_deep(b, q);
	vec_release(q);
}

static void expand(struct builder *b, struct item first)
{
	struct items q = { 0 };

	*vec_push(&q) = first;
	expand_all(b, &q);
}

/* Copies the bytes of a value that lie at one place, but for redacted fields. */
static void raw(struct builder *b, const struct go_place *pl, u32 at)
{
	struct read *r;

	if (pl->kind == PLACE_INT || pl->kind == PLACE_FLOAT) {
		r = step(b, pl->kind == PLACE_INT ? READ_INT : READ_FLOAT);
		r->reg = pl->reg;
	} else {
		r = step(b, READ_STACK);
		r->disp = pl->off;
	}
	r->at = at + pl->at;
	r->size = pl->size;
}

/* What lies on the stack is one place; redacted fields cut it into pieces. */
static void raw_stack(struct builder *b, const struct go_place *pl, u32 at,
		      const struct hidden_bytes *hidden)
{
	u64 from = pl->at, end = pl->at + pl->size;

	for (size_t i = 0; i <= hidden->n && from < end; i++) {
		u64 to = i < hidden->n ? MAX(MIN(hidden->at[i].at, end), from) : end;
		struct go_place part = *pl;

		part.at = (u32)from;
		part.off += (i32)(from - pl->at);
		part.size = (u16)(to - from);
		if (part.size)
			raw(b, &part, at);
		from = i < hidden->n ? MAX(hidden->at[i].end, from) : end;
	}
}

static bool is_hidden(const struct hidden_bytes *hidden, u64 at)
{
	for (size_t i = 0; i < hidden->n; i++)
		if (at >= hidden->at[i].at && at < hidden->at[i].end)
			return true;
	return false;
}

static bool take_slot(struct builder *b, struct slot *s)
{
	const struct go_param *param = s->param;
	struct hidden_bytes hidden = { 0 };
	bool known = param->nplaces || !param->size;

	for (size_t i = 0; i < param->nplaces; i++)
		known &= param->places[i].kind != PLACE_UNKNOWN &&
			 !(b->p->request.probes && param->places[i].kind == PLACE_FLOAT);
	if (s->redacted || !known || param->size > 1024)
		return false;
	s->at = param->size ? take(b, param->size) : b->at;
	if (!s->at)
		return false;
	hide(b, param->type, 0, param->size, &hidden);
	for (size_t i = 0; i < param->nplaces; i++) {
		const struct go_place *pl = &param->places[i];

		if (pl->kind == PLACE_STACK)
			raw_stack(b, pl, s->at, &hidden);
		else if (!is_hidden(&hidden, pl->at))
			raw(b, pl, s->at);
	}
	vec_release(&hidden);
	return true;
}

/* Who called, at the front of the record: the return address alone, or all of them. */
static void take_stack(struct builder *b, struct reading *r, u64 frames)
{
	struct read *d = step(b, frames ? READ_FRAMES : READ_STACK);

	if (frames) {
		r->stack_at = d->status = take(b, 8);
		d->size = (u16)(8 * frames);
	} else {
		d->size = 8;	/* at SP: pushed by the call */
	}
	r->caller_at = d->at = take(b, d->size);
}

enum { LIMIT = RECORD_MAX - 16 * APART_MAX };

void reading_begin(struct builder *b, struct reading *r, struct plan *p,
		   const struct dynamic_types *d, const struct go_param *params, size_t n,
		   bool redact_all, bool stack)
{
	*b = (struct builder){
		.p = p, .d = d, .r = r, .at = RECORD_HEAD, .limit = LIMIT, .redact_all = redact_all,
	};
	if (stack)
		take_stack(b, r, p->request.frames);
	r->slots = ARENA_ARRAY(&p->arena, struct slot, n ? n : 1);
	for (size_t i = 0; i < n; i++) {
		r->slots[i].param = &params[i];
		r->slots[i].redacted = redact_all || plan_redacts(p, params[i].name);
	}
	r->nslots = (u32)n;
}

bool reading_slot(struct builder *b, u32 i)
{
	struct slot *s = &b->r->slots[i];

	b->touched = true;
	if (!s->taken)
		s->taken = take_slot(b, s);
	return s->taken;
}

u32 reading_g(struct builder *b)
{
	u32 at;

	for (size_t i = 0; i < b->reads.n; i++)
		if (b->reads.at[i].kind == READ_G)
			return b->reads.at[i].at;
	at = take(b, 8);
	if (at) {
		step(b, READ_G)->at = at;
		b->reads.at[b->reads.n - 1].size = 8;
		b->touched = true;
	}
	return at;
}

bool reading_behind(struct builder *b, u32 from, i32 disp, u32 size, u32 *at, u32 *status)
{
	struct read *r;

	for (size_t i = 0; i < b->reads.n; i++) {
		r = &b->reads.at[i];
		if (r->own && r->kind == READ_MEM && r->from == from && r->disp == disp &&
		    r->size >= size) {
			*at = r->at;
			*status = r->status;
			return true;
		}
	}
	r = size <= 2 * POINTEE_MAX ? capture(b, READ_MEM, from, size) : NULL;
	if (!r)
		return false;
	r->own = b->touched = true;
	r->disp = disp;
	*at = r->at;
	*status = r->status;
	return true;
}

/* Texts are shared with what is shown, which looks for at least its own limit. */
bool reading_bytes(struct builder *b, u32 from, u32 elem, u32 *most, u32 *at, u32 *status)
{
	u64 want = elem == 1 ? MAX((u64)*most, b->p->request.strings) : *most;
	struct read *r;

	for (size_t i = 0; i < b->reads.n; i++) {
		r = &b->reads.at[i];
		if (r->kind == READ_BYTES && r->from == from && r->elem == elem &&
		    r->size / elem >= *most) {
			*at = r->at;
			*status = r->status;
			*most = r->size / elem;
			return true;
		}
	}
	r = capture_bytes(b, from, MIN(want, (u64)(4 * POINTEE_MAX) / elem), elem);
	if (!r)
		return false;
	b->touched = true;
	r->own = elem != 1 || r->size < b->p->request.strings;
	*at = r->at;
	*status = r->status;
	*most = r->size / elem;
	return true;
}

bool reading_whole(struct builder *b, u32 from, struct go_type *t, u32 *at, u32 *status,
		   u32 *first)
{
	size_t i = b->reads.n;

	b->touched = true;
	*at = behind(b, from, t);
	if (!*at)
		return false;
	*status = b->reads.at[i].status;
	*first = b->reads.at[i].size;
	return true;
}

bool reading_hides(struct builder *b, struct go_type *t)
{
	return hides(b, t);
}

void reading_show(struct builder *b, struct go_type *t, u32 at)
{
	b->touched = true;
	*vec_push(&b->shown) = (struct item){ t, at, b->p->request.depth, 0 };
}

static bool leads_somewhere(struct builder *b, const struct items *q)
{
	for (size_t i = 0; i < q->n; i++) {
		u8 kind = go_type_load(b->p->prog, q->at[i].type)->kind;

		if (kind == GO_PTR || kind == GO_SLICE || kind == GO_INTERFACE || kind == GO_MAP)
			return true;
	}
	return false;
}

/* Each value has its share of the room; what it leaves is for those behind it. First what is cheap
 * in all of them, then what is behind pointers. */
static void expand_shared(struct builder *b, struct items *of, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		b->limit = b->at + (LIMIT - b->at) / (u32)(n - i);
		all_cheap(b, &of[i]);
		left += leads_somewhere(b, &of[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (!leads_somewhere(b, &of[i]))
			continue;
		b->limit = b->at + (LIMIT - b->at) / (u32)left--;
		all_deep(b, &of[i]);
	}
	b->limit = LIMIT;
}

void reading_finish(struct builder *b, bool values)
{
	struct reading *r = b->r;
	size_t n = b->shown.n + (values ? r->nslots : 0);
	struct items *each = ARENA_ARRAY(&b->p->arena, struct items, n + 1);
	u32 apart;

	for (size_t i = 0; i < b->shown.n; i++)
		*vec_push(&each[i]) = b->shown.at[i];
	for (u32 i = 0; values && i < r->nslots; i++)
		if (reading_slot(b, i) && r->slots[i].param->type && r->slots[i].param->size)
			*vec_push(&each[b->shown.n + i]) =
				(struct item){ r->slots[i].param->type, r->slots[i].at,
					       b->p->request.depth, 0 };
	expand_shared(b, each, n);
	for (size_t i = 0; i < n; i++)
		vec_release(&each[i]);
	apart = b->at;
	for (size_t i = 0; i < b->reads.n; i++) {
		struct read *s = &b->reads.at[i];
		u32 *offsets[] = { &s->at, &s->status, &s->from, &s->when_at };

		for (size_t k = 0; k < ARRAY_LEN(offsets); k++)
			if (*offsets[k] >= APART)
				*offsets[k] = apart + (*offsets[k] - APART);
	}
	r->nreads = (u32)b->reads.n;
	r->reads = arena_copy(&b->p->arena, b->reads.at, b->reads.n * sizeof(*b->reads.at));
	r->size = (u32)round_up(apart + 16 * b->napart, 8);
	reading_drop(b);
}

void reading_drop(struct builder *b)
{
	vec_release(&b->reads);
	vec_release(&b->shown);
}

struct cached {
	const struct go_param *params;
	size_t n;
	bool stack;
	const struct reading *reading;
	u64 next;	/* 1 + index of the next with the same hash */
};

static u64 hash(const struct go_param *params, size_t n)
{
	u64 h = n;

	for (size_t i = 0; i < n; i++) {
		h = (h ^ (u64)(uintptr_t)params[i].type ^ params[i].size) * 0x9e3779b97f4a7c15u;
		for (size_t k = 0; k < params[i].nplaces; k++)
			h = (h ^ params[i].places[k].kind ^ (u64)params[i].places[k].reg << 8 ^
			     (u64)(u32)params[i].places[k].off << 16) * 0x9e3779b97f4a7c15u;
	}
	return h;
}

static bool same(const struct go_param *a, const struct go_param *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i].type != b[i].type || a[i].size != b[i].size ||
		    a[i].nplaces != b[i].nplaces)
			return false;
		for (size_t k = 0; k < a[i].nplaces; k++) {
			const struct go_place *x = &a[i].places[k], *y = &b[i].places[k];

			if (x->kind != y->kind || x->reg != y->reg || x->size != y->size ||
			    x->at != y->at || x->off != y->off)
				return false;
		}
	}
	return true;
}

/* The same steps; slots of its own, which name the parameters. */
static bool from_cache(struct reading *r, struct plan *p, const struct reading_cache *c, u64 h,
		       const struct go_param *params, size_t n, bool stack)
{
	const u64 *at = map_get(&c->by_hash, h);

	for (u64 i = at ? *at : 0; i; i = c->at[i - 1].next) {
		const struct cached *e = &c->at[i - 1];

		if (e->n != n || e->stack != stack || !same(e->params, params, n))
			continue;
		*r = *e->reading;
		r->slots = arena_copy(&p->arena, e->reading->slots, n * sizeof(*r->slots));
		for (size_t k = 0; k < n; k++)
			r->slots[k].param = &params[k];
		return true;
	}
	return false;
}

void reading_cache_release(struct reading_cache *c)
{
	map_release(&c->by_hash);
	vec_release(c);
}

void reading_make(struct reading *r, struct plan *p, const struct dynamic_types *d,
		  struct reading_cache *c, const struct go_param *params, size_t n, bool redact_all,
		  bool entry)
{
	bool cached = !p->request.nredact;
	bool stack = entry && (p->request.frames || p->request.caller);
	u64 h = hash(params, n);
	struct builder b;

	if (cached && from_cache(r, p, c, h, params, n, stack))
		return;
	reading_begin(&b, r, p, d, params, n, redact_all, stack);
	reading_finish(&b, true);
	if (cached) {
		u64 *at = map_put(&c->by_hash, h);
		struct cached *e = vec_push(c);

		*e = (struct cached){ params, n, stack, arena_copy(&p->arena, r, sizeof(*r)), *at };
		*at = c->n;
	}
}
