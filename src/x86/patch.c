#include "x86/patch.h"

#include "base/vec.h"

/* How an exit is reached, in the order in which it is tried:
 *
 *   1  A window that ends with the exit, with no branch target but its first instruction. int3
 *      padding behind the function may be its tail, since nothing falls into it.
 *   2  As 1, with targets inside that only branches of the same window lead to, forward: the
 *      trampoline's copies of these branches lead to the copy of the target.
 *   3  Every branch to the exit runs in a trampoline, so its copy may lead anywhere: to a copy of
 *      the exit (a landing). With nothing to fall into the exit, its bytes stay as they are and are
 *      never reached; else it lies in a window that it now may be inside of.
 *
 * 3 is one rule used both ways: a target inside a window is no obstacle when all branches to it
 * have windows. So a window for a branch may need windows for other branches: the search goes on
 * from there, a few levels deep, and takes back what led nowhere.
 *
 * So `call f; pop rbp; ret; call morestack` has room too: the bytes of the last call are the
 * window's tail, and only the stack check's jcc leads to it, whose window is the entry's.
 *
 * What indirect control leads to (behind a CALL, by a table, call deferreturn) is never inside. */

enum {
	BACK = 12, AHEAD = 6,	/* how far a window goes before and behind what is wanted */
	LONGEST = 48,		/* a window's instructions */
	DEPTH = 3,		/* windows for branches to windows for branches to… */
	KILLED = 8,
	JUMP = 5,
	PAGE = 4096,
};

/* Instructions that are taken. Parked: an exit that only landings reach; nothing is written. */
struct span {
	u32 first, end;
	bool parked;
	u8 nkilled;
	u32 killed[KILLED];	/* spans that it took the place of */
};

struct search {
	const struct flow *f;
	VEC(struct span) spans;		/* a stack: undo() takes off the newest */
	u32 *owner;			/* instruction -> index of its span + 1 */
	/* branches to instruction k: sources[source_at[k] … source_at[k + 1]) */
	u32 *source_at, *sources;
	u32 check;			/* instructions of the stack check: g can't fault */
	u64 budget;			/* steps that are left: malformed code must not stall it */
	bool faults;			/* windows may hold instructions that can fault */
	bool page;			/* a page's end stood in the way of a try */
};

static bool leaves(const struct flow *f, const struct insn *i)
{
	return i->kind == INSN_RET || i->kind == INSN_TAIL ||
	       (i->kind == INSN_JCC && (i->target < 0 || i->target >= f->size));
}

static bool branches_inside(const struct flow *f, const struct insn *i)
{
	return (i->kind == INSN_JCC || i->kind == INSN_JMP) && i->target >= 0 &&
	       i->target < f->size;
}

/* May stand in a landing: no branch that would need a landing itself. */
static bool can_land(const struct insn *i)
{
	return i->relocatable &&
	       (i->kind == INSN_PLAIN || i->kind == INSN_NOP || i->kind == INSN_RET ||
		i->kind == INSN_TAIL || i->kind == INSN_CALL);
}

static bool faults(const struct search *s, u32 k)
{
	return s->f->insns[k].may_fault && k >= s->check;
}

static void list_sources(struct search *s)
{
	const struct flow *f = s->f;
	u32 total = 0;

	s->source_at = mem_resize(NULL, (f->n + 2) * sizeof(u32));
	memset(s->source_at, 0, (f->n + 2) * sizeof(u32));
	for (u32 pass = 0; pass < 2; pass++) {
		for (u32 k = 0; k < f->n; k++) {
			i64 to = branches_inside(f, &f->insns[k]) ? flow_find(f, f->insns[k].target)
								  : -1;

			if (to < 0)
				continue;
			if (pass == 0)
				s->source_at[to + 2]++, total++;
			else
				s->sources[s->source_at[to + 1]++] = k;
		}
		if (pass == 1)
			break;
		for (u32 k = 2; k < f->n + 2; k++)
			s->source_at[k] += s->source_at[k - 1];
		s->sources = mem_resize(NULL, total * sizeof(u32));
	}
}

static void set_owner(struct search *s, u32 index, u32 value)
{
	for (u32 k = s->spans.at[index].first; k < s->spans.at[index].end; k++)
		s->owner[k] = value;
}

static void undo(struct search *s, size_t to)
{
	while (s->spans.n > to) {
		u32 index = (u32)--s->spans.n;
		const struct span *gone = &s->spans.at[index];

		set_owner(s, index, 0);
		for (u32 k = 0; k < gone->nkilled; k++)
			set_owner(s, gone->killed[k], gone->killed[k] + 1);
	}
}

static bool push(struct search *s, u32 first, u32 end, bool parked)
{
	struct span *span = vec_push(&s->spans);
	u32 index = (u32)s->spans.n - 1;

	*span = (struct span){ .first = first, .end = end, .parked = parked };
	for (u32 k = first; k < end; k++) {
		u32 old = s->owner[k];

		if (old && (!span->nkilled || span->killed[span->nkilled - 1] != old - 1)) {
			if (span->nkilled == KILLED) {
				s->spans.n--;	/* owners are as they were: set below */
				return false;
			}
			span->killed[span->nkilled++] = old - 1;
		}
	}
	set_owner(s, index, index + 1);
	return true;
}

static u32 span_bytes(const struct flow *f, u32 first, u32 end)
{
	const struct insn *last = &f->insns[end - 1];
	u32 bytes = last->at + last->size - f->insns[first].at;

	if (bytes < JUMP && end == f->n && !insn_goes_on(last))
		bytes = MIN(bytes + f->padding, JUMP);
	return bytes;
}

static bool cover(struct search *s, u32 want, u32 depth);

static bool spend(struct search *s, u32 steps)
{
	s->budget -= MIN(s->budget, steps);
	return s->budget;
}

/* All branches to instruction k from outside [first, end) get windows. */
static bool cover_sources(struct search *s, u32 k, u32 first, u32 end, u32 depth)
{
	for (u32 b = s->source_at[k]; b < s->source_at[k + 1]; b++) {
		u32 from = s->sources[b];

		if (!spend(s, 1))
			return false;
		if ((from < first || from >= end) && !s->owner[from] &&
		    (!depth || !cover(s, from, depth - 1)))
			return false;
	}
	return true;
}

/* What a window over [first, end) asks for, apart from branches that come from outside. */
static bool fits(struct search *s, u32 first, u32 end, bool *outside)
{
	const struct flow *f = s->f;
	bool lands = true;

	*outside = false;
	/* 1. room for the jump */
	if (span_bytes(f, first, end) < JUMP)
		return false;
	/* 2. from the end, so that `lands` speaks for all behind k */
	for (u32 k = end; k-- > first; ) {
		const struct insn *i = &f->insns[k];

		if (!i->relocatable || (faults(s, k) && !s->faults))
			return false;
		lands = lands && can_land(i);
		if (k == first || !i->is_target)
			continue;
		/* 3. a target inside: no indirect one, no loop; what lands there can be copied */
		if (i->indirect_target || !spend(s, s->source_at[k + 1] - s->source_at[k]))
			return false;
		for (u32 b = s->source_at[k]; b < s->source_at[k + 1]; b++) {
			u32 from = s->sources[b];

			if (from >= k && from < end)
				return false;
			if (from < first || from >= end) {
				if (!lands)
					return false;
				*outside = true;
			}
		}
	}
	/* 4. the jump must not cross a page */
	if ((f->va + f->insns[first].at) % PAGE > PAGE - JUMP) {
		s->page = true;
		return false;
	}
	return true;
}

/* Makes [first, end) a window, together with the windows that it touches. */
static bool take(struct search *s, u32 first, u32 end, bool outside_too, u32 depth)
{
	size_t before = s->spans.n;
	bool outside;

	if (s->owner[first])
		first = s->spans.at[s->owner[first] - 1].first;
	if (s->owner[end - 1])
		end = s->spans.at[s->owner[end - 1] - 1].end;
	if (end - first > LONGEST || !spend(s, end - first))
		return false;
	if (!fits(s, first, end, &outside) || (outside && !outside_too) ||
	    !push(s, first, end, false))
		return false;
	for (u32 k = first + 1; outside && k < end; k++) {
		if (!cover_sources(s, k, first, end, depth)) {
			undo(s, before);
			return false;
		}
	}
	return true;
}

/* A window that holds `want`: short ones first, and more behind it only when before it fails. */
static bool cover_with(struct search *s, u32 want, bool outside_too, u32 depth)
{
	const struct flow *f = s->f;

	for (u32 end = want + 1; end <= f->n && end <= want + 1 + AHEAD; end++)
		for (u32 back = 0; back <= BACK && back <= want; back++)
			if (take(s, want - back, end, outside_too, depth))
				return true;
	return false;
}

static bool cover_without_branches(struct search *s, u32 want)
{
	bool found;

	if (s->owner[want])
		return true;
	s->faults = false;
	found = cover_with(s, want, false, 0);
	s->faults = true;
	return found || cover_with(s, want, false, 0);
}

static bool cover(struct search *s, u32 want, u32 depth)
{
	return cover_without_branches(s, want) || (depth && cover_with(s, want, true, depth));
}

/* Tactic 3 without a window: nothing falls into [first, exit], all branches there have windows. */
static bool park(struct search *s, u32 exit)
{
	const struct flow *f = s->f;
	size_t before = s->spans.n;
	u32 first = exit;
	bool good = true;

	while (first && exit - first < BACK && insn_goes_on(&f->insns[first - 1]))
		first--;
	if (!first || insn_goes_on(&f->insns[first - 1]))
		return false;
	for (u32 k = first; k <= exit; k++)
		if (s->owner[k] || !can_land(&f->insns[k]) || f->insns[k].indirect_target)
			return false;
	if (!push(s, first, exit + 1, true))
		return false;
	for (u32 k = first; good && k <= exit; k++)
		good = cover_sources(s, k, first, exit + 1, DEPTH);
	if (!good)
		undo(s, before);
	return good;
}

static enum refusal enter(struct search *s, struct patches *p)
{
	const struct flow *f = s->f;
	u32 end = MAX(s->check, 1u);

	/* 1. a loop would be taken for calls; with a stack check only morestack goes there */
	if (!s->check && f->insns[0].entry_target)
		return REFUSE_LOOP_TO_ENTRY;
	p->stack_check = s->check;
	/* 2. the shortest window that holds the check */
	for (u32 more = 0; more <= AHEAD && end + more <= f->n; more++)
		if (take(s, 0, end + more, false, 0))
			return REFUSE_NONE;
	for (u32 more = 0; more <= AHEAD && end + more <= f->n; more++)
		if (take(s, 0, end + more, true, DEPTH))
			return REFUSE_NONE;
	/* 3. why not */
	for (u32 k = 0; k < f->n && f->insns[k].at < JUMP; k++) {
		if (k && f->insns[k].is_target)
			return REFUSE_SHORT;
		if (f->insns[k].kind == INSN_CALL)
			return REFUSE_CALL;
		if (!f->insns[k].relocatable)
			return REFUSE_NOT_RELOCATABLE;
	}
	return s->page ? REFUSE_PAGE : REFUSE_SHORT;
}

static void leave(struct search *s, struct patches *p)
{
	/* Exits that need nothing else come first, so that their windows are not in doubt. */
	for (u32 k = 0; k < p->nexits; k++)
		cover_without_branches(s, p->exits[k].insn);
	for (u32 k = 0; k < p->nexits; k++) {
		struct exit_point *e = &p->exits[k];

		s->page = false;
		if (s->owner[e->insn])
			continue;
		if (!park(s, e->insn) && !cover(s, e->insn, DEPTH))
			e->refusal = s->page ? REFUSE_PAGE : REFUSE_TIGHT_EXIT;
	}
}

/* Does a branch from outside [first, end) lead to k? */
static bool from_outside(const struct search *s, u32 k, u32 first, u32 end)
{
	for (u32 b = s->source_at[k]; b < s->source_at[k + 1]; b++)
		if (s->sources[b] < first || s->sources[b] >= end)
			return true;
	return false;
}

static u8 tactic_of(const struct search *s, u32 exit)
{
	const struct span *span = &s->spans.at[s->owner[exit] - 1];
	u8 tactic = 1;

	if (span->parked)
		return 3;
	for (u32 k = span->first + 1; k <= exit; k++) {
		if (from_outside(s, k, span->first, span->end))
			return 3;
		if (s->f->insns[k].is_target)
			tactic = 2;
	}
	return tactic;
}

static void write_windows(const struct search *s, struct patches *p, struct arena *a)
{
	const struct flow *f = s->f;

	p->windows = ARENA_ARRAY(a, struct window, s->spans.n);
	for (u32 k = 0; k < f->n; ) {
		const struct span *span = s->owner[k] ? &s->spans.at[s->owner[k] - 1] : NULL;
		struct window *w = &p->windows[p->nwindows];

		if (!span || span->parked) {
			k++;
			continue;
		}
		*w = (struct window){ .first = k, .count = span->end - k, .at = f->insns[k].at,
				      .size = span_bytes(f, k, span->end) };
		w->entry = k == 0;
		w->record_after = k == 0 ? s->check : 0;
		for (; k < span->end; k++) {
			w->may_fault |= faults(s, k);
			w->inner |= k > span->first && from_outside(s, k, span->first, span->end);
		}
		p->nwindows++;
	}
}

static void write_landings(const struct search *s, struct patches *p, struct arena *a)
{
	for (u32 pass = 0; pass < 2; pass++) {
		p->nlandings = 0;
		for (u32 k = 0; k < s->f->n; k++) {
			u32 owner = s->owner[k];
			const struct span *span = owner ? &s->spans.at[owner - 1] : NULL;

			if (!span || (k == span->first && !span->parked) ||
			    !from_outside(s, k, span->first, span->end))
				continue;
			if (pass)
				p->landings[p->nlandings] = (struct landing){ k, span->end - k };
			p->nlandings++;
		}
		if (!pass)
			p->landings = ARENA_ARRAY(a, struct landing, p->nlandings);
	}
}

static void list_exits(const struct flow *f, struct patches *p, struct arena *a, u32 check)
{
	for (u32 pass = 0; pass < 2; pass++) {
		p->nexits = 0;
		for (u32 k = check; k < f->n; k++) {
			if (!leaves(f, &f->insns[k]))
				continue;
			if (pass)
				p->exits[p->nexits].insn = k;
			p->nexits++;
		}
		if (!pass)
			p->exits = ARENA_ARRAY(a, struct exit_point, p->nexits);
	}
}

void patches_make(struct patches *p, struct arena *a, const struct flow *f)
{
	u32 check = stack_check_of(f);
	struct search s = {
		.f = f, .check = check, .faults = true, .budget = 20000 + 500ull * f->n
	};

	*p = (struct patches){0};
	list_exits(f, p, a, check);
	p->entry = f->unresolved ? REFUSE_UNRESOLVED : f->n ? REFUSE_NONE : REFUSE_SHORT;
	if (!p->entry) {
		s.owner = mem_resize(NULL, f->n * sizeof(u32));
		memset(s.owner, 0, f->n * sizeof(u32));
		list_sources(&s);
		p->entry = enter(&s, p);
	}
	if (!p->entry) {
		leave(&s, p);
		for (u32 k = 0; k < p->nexits; k++)
			if (!p->exits[k].refusal)
				p->exits[k].tactic = tactic_of(&s, p->exits[k].insn);
		write_windows(&s, p, a);
		write_landings(&s, p, a);
	} else {
		for (u32 k = 0; k < p->nexits; k++)
			p->exits[k].refusal = p->entry;
	}
	mem_free(s.owner);
	mem_free(s.source_at);
	mem_free(s.sources);
	vec_release(&s.spans);
}

const struct landing *patches_landing(const struct patches *p, u32 insn)
{
	u32 lo = 0, hi = p->nlandings;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (p->landings[mid].first < insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->nlandings && p->landings[lo].first == insn ? &p->landings[lo] : NULL;
}
