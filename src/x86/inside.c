/* A window for one instruction in the middle of a function. All registers are live there and the
 * record needs stack (inline/record.c), so the place must lie behind the stack check, and not on
 * the path to morestack, where there is none.
 *
 * The window begins with the instruction, or with some before it: those run first, and a window
 * that ends where the instruction begins is one, too, so that a call can be seen. */
#include "x86/patch.h"

enum { BEFORE = 6, JUMP = 5, LONGEST = 24, PAGE = 4096 };

static u32 end_of(const struct flow *f, u32 k)
{
	return f->insns[k].at + f->insns[k].size;
}

static bool movable(const struct insn *i)
{
	return i->relocatable && i->kind != INSN_CALL && i->kind != INSN_TRAP;
}

/* Of several reasons the first is said: that of the window which begins at the place itself. */
static bool refuse(enum refusal *why, enum refusal r)
{
	if (!*why)
		*why = r;
	return false;
}

/* [first, …) up to five bytes, with the record before `insn`. */
static bool window(const struct flow *f, u32 first, u32 insn, bool faults, struct window *w,
		   enum refusal *why)
{
	u32 end = first;

	*w = (struct window){ .first = first, .at = f->insns[first].at,
			      .record_after = insn - first };
	while (end < insn || end == first || end_of(f, end - 1) - w->at < JUMP) {
		const struct insn *i = &f->insns[end];

		if (end == f->n || (end > first && !insn_goes_on(&f->insns[end - 1])) ||
		    (end > first && i->is_target))
			return refuse(why, REFUSE_SHORT);
		if (i->kind == INSN_CALL)
			return refuse(why, REFUSE_CALL);
		if (!movable(i) || (i->may_fault && !faults))
			return refuse(why, REFUSE_NOT_RELOCATABLE);
		w->may_fault |= i->may_fault;
		end++;
	}
	/* what a branch leads to is not seen in a window that only ends there */
	if (end == insn && f->insns[insn].is_target)
		return refuse(why, REFUSE_SHORT);
	w->count = end - first;
	w->size = end_of(f, end - 1) - w->at;
	if (w->size > LONGEST)
		return refuse(why, REFUSE_SHORT);
	return (f->va + w->at) % PAGE <= PAGE - JUMP || refuse(why, REFUSE_PAGE);
}

enum refusal window_from(const struct flow *f, u32 insn, struct window *w)
{
	enum refusal why = REFUSE_NONE;

	if (!window(f, insn, insn, true, w, &why))
		return why;
	/* nobody jumps into the middle of an instruction, but somebody may to the next */
	return f->unresolved && w->count > 1 ? REFUSE_UNRESOLVED : REFUSE_NONE;
}

static bool meets(const struct window *w, u32 first, u32 count)
{
	return w->first < first + count && first < w->first + w->count;
}

/* Bytes that others replace, or instructions that only run as copies. */
static bool taken(const struct window *w, const struct patches *p, const struct window *others,
		  u32 nothers)
{
	bool any = false;

	for (u32 i = 0; p && i < p->nwindows; i++)
		any |= meets(w, p->windows[i].first, p->windows[i].count);
	for (u32 i = 0; p && i < p->nlandings; i++)
		any |= meets(w, p->landings[i].first, p->landings[i].count);
	for (u32 i = 0; i < nothers; i++)
		any |= meets(w, others[i].first, others[i].count);
	return any;
}

enum refusal window_inside(const struct flow *f, u32 insn, const struct patches *p,
			   const struct window *others, u32 nothers, struct window *w)
{
	u32 check = stack_check_of(f);
	enum refusal why = REFUSE_NONE;

	if (f->unresolved)
		return REFUSE_UNRESOLVED;
	if (!check)
		return REFUSE_NO_STACK_CHECK;
	if (insn < check || f->insns[insn].at >= f->insns[check - 1].target)
		return REFUSE_STACK_CHECK;
	for (u32 faults = 0; faults < 2; faults++) {
		why = REFUSE_NONE;
		for (u32 back = 0; back <= BEFORE && insn - back >= check; back++) {
			if (back && (f->insns[insn - back + 1].is_target ||
				     !insn_goes_on(&f->insns[insn - back])))
				break;
			if (!window(f, insn - back, insn, faults, w, &why))
				continue;
			if (!taken(w, p, others, nothers))
				return REFUSE_NONE;
			refuse(&why, REFUSE_TAKEN);
		}
	}
	return why;
}
