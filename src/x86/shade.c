#include "x86/shade.h"

#include <string.h>

enum { GP_R11 = 11, JUMPS = 3 };

/* A word that was loaded: what it is called, and where it lies. */
struct loaded {
	struct num num, place;
};

struct reading {
	struct shades *s;
	struct trail *t;
	struct loaded loads[SHADES];
	u32 nloads;
	bool pending;	/* a call whose buffer was not stored to: it may be another's */
	struct num targets[SHADES];	/* what RDI holds at each call */
	u32 ntargets;
};

static bool same(struct num x, struct num y)
{
	return x.id == y.id && x.off == y.off;
}

static bool holds(const struct num *list, u32 n, struct num x)
{
	for (u32 i = 0; i < n; i++)
		if (same(list[i], x))
			return true;
	return false;
}

static void add(struct num *list, u32 *n, struct num x, bool *whole)
{
	if (*n < SHADES)
		list[(*n)++] = x;
	else
		*whole = false;
}

/* Into the buffer. */
static void tell(struct reading *r, struct num x)
{
	struct shades *s = r->s;

	r->pending = false;
	s->joins = true;
	for (u32 i = 0; i < r->nloads; i++)
		if (same(r->loads[i].num, x)) {
			add(s->places, &s->nplaces, r->loads[i].place, &s->whole);
			return;
		}
	add(s->values, &s->nvalues, x, &s->whole);
}

static void call(struct reading *r, u32 k)
{
	struct num to = r->t->reg[GP_RBX];

	if (r->s->ncalls < SHADES)
		r->s->calls[r->s->ncalls++] = (struct barrier_call){ k, to.id, to.off };
	r->s->whole &= !r->pending;
	r->pending = true;
	r->t->reg[GP_R11] = (struct num){ TRAIL_BUFFER, 0 };
	add(r->targets, &r->ntargets, r->t->reg[GP_RDI], &r->s->whole);
}

static void plain(struct reading *r, u32 k)
{
	struct effect e;
	struct num place;

	effect_of(r->t->f, &r->t->f->insns[k], &e);
	place = e.kind == EFFECT_STORE || e.kind == EFFECT_LOAD ? trail_place(r->t, &e.mem)
								 : (struct num){ 0, 0 };
	if (e.kind == EFFECT_STORE && place.id == TRAIL_BUFFER) {
		tell(r, trail_value(r->t, e.reg));
		return;
	}
	trail_do(r->t, k, &e);
	if (e.kind == EFFECT_LOAD && e.size == 8 && e.mem.base != GP_RSP && r->nloads < SHADES)
		r->loads[r->nloads++] = (struct loaded){ trail_value(r->t, e.reg), place };
}

static u32 target_of(const struct flow *f, u32 k)
{
	i64 to = flow_find(f, f->insns[k].target);

	return to < 0 ? f->n : (u32)to;
}

/* The first jump from k on. */
static u32 jump_from(const struct flow *f, u32 k)
{
	while (k < f->n && f->insns[k].kind != INSN_JMP)
		k++;
	return k;
}

/* Where the slow way ends: at the other one, at what that jumps to, or at what it jumps to itself.
 * f->n: not understood. */
static u32 end_of(const struct flow *f, u32 slow, u32 fast)
{
	u32 jump = jump_from(f, fast), join = jump < f->n ? target_of(f, jump) : f->n;

	for (u32 k = slow; k < f->n; k++) {
		const struct insn *i = &f->insns[k];

		if (k > slow && (k == fast || k == join))
			return k;
		if (i->kind == INSN_JMP)
			return target_of(f, k);
		if (i->kind == INSN_JCC || !insn_goes_on(i))
			break;
	}
	return f->n;
}

/* Code that was not optimised jumps to jumps. */
static u32 skip_jumps(const struct flow *f, u32 k)
{
	for (u32 n = 0; n < JUMPS && k < f->n && f->insns[k].kind == INSN_JMP; n++)
		k = target_of(f, k);
	return k;
}

static bool knows_slot(const struct slot_value *slots, u32 n, i64 at)
{
	for (u32 i = 0; i < n; i++)
		if (slots[i].at == at)
			return true;
	return false;
}

struct state {
	struct num reg[GP_COUNT];
	struct slot_value slots[TRAIL_SLOTS];
	u32 nslots, nstores;
};

static void remember(struct state *to, const struct trail *t)
{
	memcpy(to->reg, t->reg, sizeof(to->reg));
	memcpy(to->slots, t->slots, t->nslots * sizeof(*t->slots));
	to->nslots = t->nslots;
	to->nstores = t->nstores;
}

/* Back to the check. What was loaded from the frame on the way is there for the other one, too. */
static void go_back(struct trail *t, struct state *was)
{
	for (u32 i = 0; i < t->nslots && was->nslots < TRAIL_SLOTS; i++)
		if (!knows_slot(was->slots, was->nslots, t->slots[i].at))
			was->slots[was->nslots++] = t->slots[i];
	memcpy(t->slots, was->slots, was->nslots * sizeof(*t->slots));
	memcpy(t->reg, was->reg, sizeof(t->reg));
	t->nslots = was->nslots;
	t->nstores = was->nstores;
}

void shades_begin(struct shades *s)
{
	s->known = s->joins = s->whole = false;
	s->fast = s->end = 0;
	s->nplaces = s->nvalues = s->ncalls = 0;
}

void shades_read(struct shades *s, struct trail *t, u32 slow, u32 fast)
{
	struct state was;
	struct reading r;
	u32 end;

	slow = skip_jumps(t->f, slow);
	fast = skip_jumps(t->f, fast);
	end = end_of(t->f, slow, fast);
	s->fast = fast;
	s->whole = true;
	if (end == t->f->n || slow == end)
		return;
	r.s = s;
	r.t = t;
	r.nloads = r.ntargets = 0;
	r.pending = false;
	remember(&was, t);
	s->known = true;
	s->end = jump_from(t->f, fast);
	if (end > fast)
		s->end = MIN(s->end, end);
	for (u32 k = slow; t->f->insns[k].kind != INSN_JMP && (k == slow || k != end); k++) {
		if (!trail_has_room(t)) {
			s->whole = false;
			break;
		}
		if (t->f->insns[k].kind == INSN_CALL)
			call(&r, k);
		else
			plain(&r, k);
	}
	s->whole &= !r.pending || !s->joins;
	if (!s->joins && end == fast) {	/* of whole structures only */
		s->joins = true;
		s->whole = false;
	} else if (!s->joins) {
		memcpy(s->places, r.targets, r.ntargets * sizeof(*r.targets));
		s->nplaces = r.ntargets;
	}
	go_back(t, &was);
}

/* Memory at that base held something before: a pointer that is stored there is always told of. */
static bool is_used(const struct shades *s, const struct trail *t, u32 base)
{
	for (u32 i = 0; i < s->nplaces && s->joins; i++)
		if (s->places[i].id == base)
			return true;
	for (u32 i = 0; i < t->nstores && !s->joins; i++)
		if (t->stores[i].base == base && t->stores[i].pointer == POINTER_YES &&
		    t->stores[i].source != WORD_UNKNOWN)
			return true;
	return false;
}

/* Of a store that nobody was told of. */
static u8 untold(const struct shades *s, const struct trail *t, const struct word_store *w)
{
	if (w->size != 8 || !s->known)
		return POINTER_UNKNOWN;
	if (w->source == WORD_CONST && w->value)
		return POINTER_NO;
	return w->source == WORD_UNKNOWN || is_used(s, t, w->base) ? POINTER_NO : POINTER_UNKNOWN;
}

static bool is_told(const struct shades *s, const struct trail *t, u32 i)
{
	const struct word_store *w = &t->stores[i];

	return w->size == 8 &&
	       (holds(s->places, s->nplaces, (struct num){ w->base, w->disp }) ||
		(w->source != WORD_CONST && holds(s->values, s->nvalues, t->values[i])));
}

/* Each place that it tells of is stored to by what was read behind it. */
static bool all_stored(const struct shades *s, const struct trail *t, u32 from)
{
	for (u32 k = 0; k < s->nplaces; k++) {
		u32 i = from;

		while (i < t->nstores && !same(s->places[k], (struct num){ t->stores[i].base,
									  t->stores[i].disp }))
			i++;
		if (i == t->nstores)
			return false;
	}
	return true;
}

void shades_mark(const struct shades *s, struct trail *t, u32 from)
{
	bool whole = s->whole && all_stored(s, t, from);

	for (u32 i = from; i < t->nstores; i++) {
		u32 insn = t->stores[i].insn;
		bool in = s->joins || (insn >= s->fast && insn < s->end);

		if (s->known && in && is_told(s, t, i))
			t->stores[i].pointer = POINTER_YES;
	}
	for (u32 i = from; i < t->nstores; i++) {
		struct word_store *w = &t->stores[i];
		bool in = s->joins || (w->insn >= s->fast && w->insn < s->end);

		if (w->pointer != POINTER_YES)
			w->pointer = in && !(s->joins && whole) ? POINTER_UNKNOWN
								   : untold(s, t, w);
	}
}

void shades_mark_before(const struct shades *s, struct trail *t, u32 store)
{
	t->stores[store].pointer = untold(s, t, &t->stores[store]);
}
