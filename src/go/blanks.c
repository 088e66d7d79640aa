/* Up to 1.21, DWARF leaves out parameters that are blank or have no name, and those behind them
 * would be looked for in the wrong registers. Where ArgInfo lists all parameters their number
 * tells. Where it is cut, this does:
 *
 *  - the offsets and sizes that are listed have to be those of the signature;
 *  - a register that is saved in a slot before the stack grows has to belong there: a blank
 *    parameter moves those behind it to other registers, or to other slots;
 *  - at the end of the list and behind it, a place is known only if that register or a later one
 *    is saved, or if no padding is left that a blank could lie in. */
#include "go/release.h"
#include "go/shape_impl.h"
#include "x86/live.h"

struct area {
	const struct go_sig *sig;
	u64 slots;		/* where those of the registers begin */
	bool exact;		/* nothing but padding is left in it */
	struct live live;
};

static bool in_registers(const struct go_param *p)
{
	return p->nplaces && p->places[0].kind != PLACE_STACK;
}

static u64 align_of(const struct go_param *p)
{
	return p->type && p->type->align ? p->type->align : 1;
}

/* Of the registers' slots up to parameter `to`. */
static u64 slots_before(const struct go_sig *sig, size_t to)
{
	u64 end = 0;

	for (size_t i = 0; i < to; i++)
		if (in_registers(&sig->params[i]))
			end = round_up(end, align_of(&sig->params[i])) + sig->params[i].size;
	return end;
}

/* The same of what lies on the stack. */
static u64 stack_before(const struct go_sig *sig, size_t to)
{
	u64 end = 0;

	for (size_t i = 0; i < to; i++)
		if (sig->params[i].nplaces && !in_registers(&sig->params[i]))
			end = (u64)(sig->params[i].places[0].off - RETURN_ADDRESS) +
			      sig->params[i].size;
	return end;
}

/* Offset of a parameter in the argument area. */
static u64 place_of(const struct area *a, size_t i)
{
	const struct go_param *p = &a->sig->params[i];

	if (in_registers(p))
		return a->slots + round_up(slots_before(a->sig, i), align_of(p));
	return p->nplaces ? (u64)(p->places[0].off - RETURN_ADDRESS) : 0;
}

static bool is_aggregate(const struct go_type *t)
{
	switch (t->kind) {
	case GO_STRING: case GO_SLICE: case GO_INTERFACE: case GO_COMPLEX64: case GO_COMPLEX128:
	case GO_STRUCT: case GO_ARRAY:
		return true;
	default:
		return false;
	}
}

static bool list_agrees(const struct area *a, const struct shapes *s, size_t hidden)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct scalar *first = &s->scalar[s->at[i].first];
		const struct go_type *t = a->sig->params[i + hidden].type;

		if (!t || !s->at[i].n)
			continue;
		if (s->at[i].aggregate != is_aggregate(t) ||
		    (!first->far && first->off != place_of(a, i + hidden)) ||
		    (!first->far && !is_aggregate(t) && first->size != t->size))
			return false;
	}
	return true;
}

/* The register that belongs into a slot: its number, or -1. */
static int belongs_at(const struct area *a, u64 at, bool is_float)
{
	for (size_t i = 0; i < a->sig->nparams; i++) {
		const struct go_param *p = &a->sig->params[i];

		for (size_t k = 0; in_registers(p) && k < p->nplaces; k++)
			if (place_of(a, i) + p->places[k].at == at &&
			    is_float == (p->places[k].kind == PLACE_FLOAT))
				return p->places[k].reg;
	}
	return -1;
}

/* How many registers of each kind are where they should be; false if one is not. */
static bool stores_agree(const struct area *a, u32 *ints, u32 *floats)
{
	for (u32 k = 0; k < a->live.nstores; k++) {
		const struct live_store *st = &a->live.stores[k];
		u64 at = (u64)(st->off - RETURN_ADDRESS);
		u32 *n = st->is_float ? floats : ints;

		if (!st->slow)
			continue;
		if (belongs_at(a, at, st->is_float) != st->reg)
			return false;
		*n = MAX(*n, st->reg + 1u);
	}
	return true;
}

/* Is there no padding that a parameter could lie in, from number `from` on? */
static bool is_tight(const struct area *a, size_t from, bool slots)
{
	u64 end = slots ? slots_before(a->sig, from) : stack_before(a->sig, from);

	for (size_t i = from; i < a->sig->nparams; i++) {
		const struct go_param *p = &a->sig->params[i];

		if (!p->size || in_registers(p) != slots)
			continue;
		if (end % align_of(p))
			return false;
		end += p->size;
	}
	return a->exact && end % 8 == 0;
}

/* The first parameter that the list does not prove: where the last ones look alike, each may be
 * taken for the one before it, up to a blank. */
static size_t first_unproved(const struct go_sig *sig, size_t listed)
{
	size_t i = MIN(listed, sig->nparams);

	if (i)
		i--;
	while (i && sig->params[i - 1].type && sig->params[i].type &&
	       sig->params[i - 1].size == sig->params[i].size &&
	       is_aggregate(sig->params[i - 1].type) == is_aggregate(sig->params[i].type))
		i--;
	return i;
}

/* Could a blank of this shape be here, and leave no registers for what we take it for? Only the
 * results' place would tell. */
static bool may_be_the_last(const struct go_param *p)
{
	u32 ints = 0, floats = 0, end_int = 0, end_float = 0;

	for (size_t k = 0; k < p->nplaces; k++) {
		if (p->places[k].kind == PLACE_FLOAT) {
			floats++;
			end_float = p->places[k].reg + 1u;
		} else {
			ints++;
			end_int = p->places[k].reg + 1u;
		}
	}
	return end_int + ints > LIVE_INTS || end_float + floats > LIVE_FLOATS;
}

static bool is_known(const struct go_param *p, u32 ints, u32 floats)
{
	for (size_t k = 0; k < p->nplaces; k++)
		if (p->places[k].reg >= (p->places[k].kind == PLACE_FLOAT ? floats : ints))
			return false;
	return true;
}

/* Nothing lies before it that is not known, and it is used: so it is no blank. */
static bool is_next(const struct area *a, size_t i)
{
	const struct go_param *p = &a->sig->params[i];

	if (!a->exact || stack_before(a->sig, i) % align_of(p))
		return false;
	for (u32 k = 0; k < a->live.nloads; k++)
		if (p->nplaces && a->live.loads[k] == p->places[0].off)
			return true;
	return false;
}

static void forget_place(struct go_param *p, struct arena *a)
{
	p->nplaces = 1;
	p->places = ARENA_NEW(a, struct go_place);
	p->places[0].kind = PLACE_UNKNOWN;
}

bool shape_has_no_blanks(const struct go_program *prog, const struct go_func *f,
			 const struct shapes *s, size_t hidden, struct go_sig *sig,
			 struct arena *arena)
{
	u64 slots = round_up(slots_before(sig, sig->nparams), 8);
	struct area a = { .sig = sig, .slots = (u64)f->args - slots };
	size_t behind = first_unproved(sig, s->n + hidden);
	u32 ints = 0, floats = 0;
	bool tight_stack, tight_slots, chain = true;

	if (!prog->rel->dwarf_lacks_blanks || f->args < 0 || sig->abi0)
		return true;
	if (slots > (u64)f->args || !list_agrees(&a, s, hidden))
		return false;
	a.exact = sig->results_known ||
		  round_up(stack_before(sig, sig->nparams), 8) == a.slots;
	live_in(&a.live, str_cut(go_func_bytes(prog, f), 0, f->size));
	if (!stores_agree(&a, &ints, &floats))
		return false;
	tight_stack = is_tight(&a, behind, false);
	tight_slots = is_tight(&a, behind, true);
	for (size_t i = behind; i < sig->nparams; i++) {
		struct go_param *p = &sig->params[i];
		bool known;

		if (in_registers(p))
			known = tight_slots || (is_known(p, ints, floats) &&
						(a.exact || !may_be_the_last(p)));
		else
			/* what is aligned to 8 would be moved by 8, and no padding has these */
			known = chain = tight_stack || (a.exact && align_of(p) == 8) ||
					(chain && is_next(&a, i));
		if (p->size && !known)
			forget_place(p, arena);
	}
	return true;
}
