/* Which words of a shape came in which registers.
 *
 * In the argument area, parameters on the stack lie first, in order, then (behind the stack
 * results) a slot for each parameter that came in registers, in order. ArgInfo says neither which
 * is which, nor what is a float (an X register) and what an array (always on the stack). So every
 * way to divide the parameters among stack, integer and float registers is tried, and those are
 * kept that
 *
 *  - agree with the offsets, and with ArgLiveInfo;
 *  - leave on the stack only what does not fit, or may be an array;
 *  - agree with the code: a register that the function stores into a slot belongs to it (the stack
 *    check's slow path does so with every argument that matters), what it loads without having
 *    stored it came on the stack, and a register that is read before it is written belongs to
 *    some parameter.
 *
 * Of these the cheapest count: floats and arrays that nothing speaks for cost. Where two equally
 * cheap ways differ, the place is not known. */
#include "go/shape_impl.h"
#include "x86/live.h"

enum {
	TRIES = 20000,
	SLACK = 16,		/* bytes that may lie between two parameters: padding */
	OFFSET_LISTED = 0xef,	/* the largest */
	COST_FLOAT = 1, COST_UNSAVED = 1, COST_ARRAY = 2,
	NO_WAY = 1000,
};

struct solver {
	const struct shapes *s;
	const struct live *live;
	const struct live_store *proof[MAX_SCALARS];	/* of each scalar; NULL: none */
	bool loaded[MAX_SCALARS];			/* from the stack, by the code */
	struct go_place now[MAX_SCALARS];
	struct go_place *best;
	unsigned best_cost, tries;
	bool strict;		/* registers that the code reads must belong to somebody */
};

struct state {
	u8 ints, floats;
	u32 stack_end;		/* of the parameters on the stack so far */
	u32 first_slot, slot_end;
	bool any_slot;
	bool lost;		/* a parameter of unknown size came before: numbers are not known */
	unsigned cost;
};

static const struct live_store *proof_of(const struct live *live, const struct scalar *s)
{
	for (u32 i = 0; i < live->nstores && !s->far; i++)
		if ((u32)live->stores[i].off == s->off + RETURN_ADDRESS &&
		    live->stores[i].size == s->size)
			return &live->stores[i];
	return NULL;
}

static bool is_loaded(const struct live *live, const struct scalar *s)
{
	for (u32 i = 0; i < live->nloads && !s->far; i++)
		if ((u32)live->loads[i] - RETURN_ADDRESS - s->off < s->size)
			return true;
	return false;
}

static u32 end_of(const struct solver *v, const struct shape *p)
{
	const struct scalar *last = &v->s->scalar[p->first + p->n - 1];

	return last->off + last->size;
}

static bool follows(u32 at, u32 end)
{
	return at >= end && at - end < SLACK;
}

static bool take_stack(struct solver *v, const struct shape *p, struct state *st)
{
	const struct scalar *first = &v->s->scalar[p->first];
	bool fits = st->ints + p->n <= LIVE_INTS || st->floats + p->n <= LIVE_FLOATS;

	for (unsigned k = 0; k < p->n; k++) {
		const struct scalar *s = &v->s->scalar[p->first + k];

		if (v->proof[p->first + k] || (v->s->has_live && s->off >= v->s->live_from))
			return false;
		v->now[p->first + k].kind = s->far ? PLACE_UNKNOWN : PLACE_STACK;
		v->now[p->first + k].off = (i32)(RETURN_ADDRESS + s->off);
	}
	if (!first->far && (!follows(first->off, st->stack_end) ||
			    (st->any_slot && end_of(v, p) > st->first_slot)))
		return false;
	/* a scalar goes to the stack only when registers have run out */
	if (fits && !st->lost) {
		if (!p->aggregate && st->ints < LIVE_INTS)
			return false;
		st->cost += COST_ARRAY;
	}
	if (!first->far)
		st->stack_end = end_of(v, p);
	return true;
}

/* Where the list is cut, a float that the code reads can be of the list or behind it. Those in
 * the registers up to it are somebody's: none of them needs to be explained away. */
static bool belongs_to_somebody(const struct solver *v, unsigned x)
{
	return v->s->cut && v->live->floats >> x;
}

/* Is it saved before the stack grows, in a slot whose offset is too large to be listed, or in one
 * whose is not? */
static bool is_saved(const struct live *live, unsigned reg, bool is_float, bool far)
{
	for (u32 i = 0; i < live->nstores; i++)
		if (live->stores[i].slow && live->stores[i].is_float == is_float &&
		    live->stores[i].reg == reg &&
		    (live->stores[i].off - RETURN_ADDRESS > OFFSET_LISTED) == far)
			return true;
	return false;
}

/* Asked only where no slot is known to be the word's own. */
static bool is_of_another(const struct live *live, unsigned reg, bool is_float, bool far)
{
	return is_saved(live, reg, is_float, false) ||
	       (!far && is_saved(live, reg, is_float, true));
}

static bool take_register(struct solver *v, const struct shape *p, unsigned k, bool is_float,
			  struct state *st)
{
	const struct live_store *proof = v->proof[k];
	const struct scalar *s = &v->s->scalar[k];
	u8 *next = is_float ? &st->floats : &st->ints;

	if (is_float && s->size < 4)
		return false;
	if (proof) {
		if (proof->is_float != is_float ||
		    (st->lost ? proof->reg < *next : proof->reg != *next))
			return false;
		*next = proof->reg;
	} else if (!st->lost && is_of_another(v->live, *next, is_float, s->far)) {
		return false;
	} else if (st->lost) {
		v->now[k].kind = PLACE_UNKNOWN;
		return true;
	}
	if (*next >= (is_float ? LIVE_FLOATS : LIVE_INTS))
		return false;
	if (is_float && !s->far && v->live->floats & 1u << *next && v->live->float_size[*next] &&
	    v->live->float_size[*next] != s->size)
		return false;
	if (is_float && !proof && !belongs_to_somebody(v, *next))
		st->cost += COST_FLOAT;
	if (s->far && v->live->checks && !is_saved(v->live, *next, is_float, true))
		st->cost += COST_UNSAVED;
	v->now[k].kind = is_float ? PLACE_FLOAT : PLACE_INT;
	v->now[k].reg = (*next)++;
	if (s->far && p->n == 1)	/* its size is not said either */
		v->now[k].kind = PLACE_UNKNOWN;
	return true;
}

/* What came in registers is listed by ArgLiveInfo, unless it is blank or was stored first thing;
 * where there is none, it is saved before the stack grows. So an aggregate of which neither is true
 * is a blank, or an array. */
static bool nothing_speaks_for_registers(const struct solver *v, const struct shape *p)
{
	if (v->s->lacks_live ? !v->live->checks : v->s->has_live)
		return false;
	for (unsigned k = p->first; k < p->first + p->n; k++)
		if (v->proof[k] || v->s->scalar[k].far)
			return false;
	return p->n > 1 && !p->hidden;
}

/* Bit k of `floats`: its word k is one. */
static bool take_registers(struct solver *v, unsigned i, u32 floats, struct state *st)
{
	const struct shape *p = &v->s->at[i];
	const struct scalar *first = &v->s->scalar[p->first];
	bool silent = nothing_speaks_for_registers(v, p);
	bool must_be_int = p->dictionary || (v->s->pointer_receiver && !i);

	if (floats && must_be_int)
		return false;
	if (!first->far && (st->any_slot ? !follows(first->off, st->slot_end)
					 : first->off < st->stack_end))
		return false;
	for (unsigned k = 0; k < p->n; k++)
		if (v->loaded[p->first + k] ||
		    !take_register(v, p, p->first + k, floats >> k & 1, st))
			return false;
	st->lost |= p->cut;
	st->cost += p->cut || silent ? COST_ARRAY : 0;
	st->cost += p->cut && silent ? COST_UNSAVED : 0;
	if (first->far)
		return true;
	if (!st->any_slot)
		st->first_slot = first->off;
	st->any_slot = true;
	st->slot_end = end_of(v, p);
	return true;
}

static void keep(struct solver *v, const struct state *st)
{
	bool known = !st->lost && !v->s->cut;

	if (v->strict && known && (v->live->ints >> st->ints || v->live->floats >> st->floats))
		return;
	if (st->cost > v->best_cost)
		return;
	for (unsigned k = 0; k < v->s->nscalars; k++) {
		struct go_place *b = &v->best[k], *n = &v->now[k];

		if (st->cost < v->best_cost)
			*b = *n;
		else if (b->kind != n->kind || (n->kind != PLACE_STACK && b->reg != n->reg))
			b->kind = PLACE_UNKNOWN;
	}
	v->best_cost = st->cost;
}

static void solve(struct solver *v, unsigned i, struct state before)
{
	const struct shape *p = &v->s->at[i];
	struct state st;

	if (v->tries++ > TRIES || before.cost > v->best_cost)
		return;
	if (i == v->s->n) {
		keep(v, &before);
		return;
	}
	if (!v->s->at[i].n) {	/* of size zero */
		solve(v, i + 1, before);
		return;
	}
	st = before;
	if (take_stack(v, p, &st))
		solve(v, i + 1, st);
	for (u32 floats = 0; floats < 1u << p->n; floats++) {
		st = before;
		if (take_registers(v, i, floats, &st))
			solve(v, i + 1, st);
	}
}

void shape_registers(const struct shapes *s, struct str code, struct go_place *places)
{
	struct live live;
	struct solver v = { .s = s, .live = &live, .best = places, .best_cost = NO_WAY };

	live_in(&live, code);
	for (unsigned k = 0; k < s->nscalars; k++)
		v.proof[k] = proof_of(&live, &s->scalar[k]);
	for (unsigned k = 0; k < s->nscalars; k++)
		v.loaded[k] = !v.proof[k] && is_loaded(&live, &s->scalar[k]);
	v.strict = true;
	solve(&v, 0, (struct state){ .cost = 0 });
	if (v.best_cost == NO_WAY) {
		v.strict = false;
		v.tries = 0;
		solve(&v, 0, (struct state){ .cost = 0 });
	}
	for (unsigned k = 0; k < s->nscalars; k++)
		if (v.best_cost == NO_WAY || v.tries > TRIES)
			places[k].kind = PLACE_UNKNOWN;
}
