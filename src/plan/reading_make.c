/* A reading from its beginning to its end: the words of each parameter or result, what expressions
 * ask for, what hangs on the values that are shown. */
#include "plan/reading_impl.h"

/* Copies the bytes of a value that lie at one place, but for redacted fields. */
static void raw(struct builder *b, const struct go_place *pl, u32 at)
{
	struct read *r;

	if (pl->kind == PLACE_INT || pl->kind == PLACE_FLOAT) {
		r = builder_step(b, pl->kind == PLACE_INT ? READ_INT : READ_FLOAT);
		r->reg = pl->reg;
	} else {
		r = builder_step(b, READ_STACK);
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
	s->at = param->size ? builder_take(b, param->size) : b->at;
	if (!s->at)
		return false;
	builder_hide(b, param->type, 0, param->size, &hidden);
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
	struct read *d = builder_step(b, frames ? READ_FRAMES : READ_STACK);

	if (frames) {
		r->stack_at = d->status = builder_take(b, 8);
		d->size = (u16)(8 * frames);
	} else {
		d->size = 8;	/* at SP: pushed by the call */
	}
	r->caller_at = d->at = builder_take(b, d->size);
}

enum { LIMIT = RECORD_MAX - 16 * APART_MAX };

static bool packs(const struct plan_request *r)
{
	bool packs = r->packed && !r->probes;

	for (size_t i = 0; i < r->nasks; i++)
		packs &= r->asks[i].role != EXPR_IF;
	return packs;
}

void reading_begin(struct builder *b, struct reading *r, struct plan *p,
		   const struct dynamic_types *d, const struct go_param *params, size_t n,
		   bool redact_all, bool stack)
{
	*b = (struct builder){
		.p = p, .d = d, .r = r, .at = RECORD_HEAD, .limit = LIMIT, .redact_all = redact_all,
		.packs = packs(&p->request),
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
	at = builder_take(b, 8);
	if (at) {
		builder_step(b, READ_G)->at = at;
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
		    r->span >= size) {
			*at = r->at;
			*status = r->status;
			return true;
		}
	}
	r = size <= 2 * POINTEE_MAX ? builder_capture(b, READ_MEM, from, size) : NULL;
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
	u64 count = MIN(want, (u64)(4 * POINTEE_MAX) / elem);
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
	r = elem == 1 ? builder_text(b, from, count) : builder_bytes(b, from, count, elem);
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
	*at = builder_behind(b, from, t);
	if (!*at)
		return false;
	*status = b->reads.at[i].status;
	*first = b->reads.at[i].size;
	return true;
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
		b->limit = builder_used(b) + (LIMIT - builder_used(b)) / (u32)(n - i);
		builder_cheap(b, &of[i]);
		left += leads_somewhere(b, &of[i]);
	}
	for (size_t i = 0; i < n && left; i++) {
		if (!leads_somewhere(b, &of[i]))
			continue;
		b->limit = builder_used(b) + (LIMIT - builder_used(b)) / (u32)left--;
		builder_deep(b, &of[i]);
	}
	b->limit = LIMIT;
}

/* What registers and the stack hold is read before what is behind it: long readings may be cut
 * (bpf/links.c), and a word that is missing looks like a zero. The frames stay where they are. */
static struct read *words_first(const struct builder *b)
{
	size_t n = b->reads.n, first = n && b->reads.at[0].kind == READ_FRAMES, k = first;
	struct read *to = arena_copy(&b->p->arena, b->reads.at, n * sizeof(*to));

	for (u32 behind = 0; behind < 2; behind++)
		for (size_t i = first; i < n; i++)
			if ((b->reads.at[i].kind > READ_G) == behind)
				to[k++] = b->reads.at[i];
	return to;
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
	r->reads = words_first(b);
	r->size = (u32)round_up(apart + 16 * b->napart, 8);
	r->texts = b->texts;
	reading_drop(b);
}

void reading_drop(struct builder *b)
{
	vec_release(&b->reads);
	vec_release(&b->found);
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
