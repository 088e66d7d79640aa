/* sound - walks a patched function by what x86/patch.h promises, and finds the first broken
 * promise.
 *
 * It shares no code with patch.c: places are "the original instruction k" and "instruction j of
 * piece p"; from the entry and from every place where indirect control may arrive, all ways are
 * followed.
 *
 * Owns     scratch memory, for the time of the call.
 * Units    indexes of instructions.
 * Fails    a sentence: what is broken; NULL when nothing is.
 * Threads  any. */
#ifndef TESTS_SOUND_H
#define TESTS_SOUND_H

#include "base/vec.h"
#include "x86/patch.h"

struct place {
	u32 piece;	/* 0: original; 1 + window's index, or 1 + nwindows + landing's */
	u32 insn;
};

struct sound {
	const struct flow *f;
	const struct patches *p;
	u8 *seen;	/* by instruction: original, then in windows, then in landings */
	u8 *exits;	/* seen as an exit, by instruction */
	VEC(struct place) todo;
	const char *bad;
};

static inline bool sound_goes_on(const struct insn *i)
{
	return i->kind == INSN_PLAIN || i->kind == INSN_NOP || i->kind == INSN_JCC ||
	       i->kind == INSN_CALL;
}

static inline bool sound_within(const struct flow *f, const struct insn *i)
{
	return (i->kind == INSN_JCC || i->kind == INSN_JMP) && i->target >= 0 &&
	       i->target < f->size;
}

static inline bool sound_is_exit(const struct flow *f, const struct insn *i)
{
	return i->kind == INSN_RET || i->kind == INSN_TAIL ||
	       (i->kind == INSN_JCC && !sound_within(f, i));
}

static inline void sound_go(struct sound *s, u32 piece, u32 insn)
{
	u32 layer = !piece ? 0 : piece <= s->p->nwindows ? 1 : 2;

	if (insn >= s->f->n || s->seen[layer * s->f->n + insn])
		return;
	s->seen[layer * s->f->n + insn] = 1;
	*vec_push(&s->todo) = (struct place){ piece, insn };
}

static inline const struct exit_point *sound_exit(const struct patches *p, u32 insn)
{
	for (u32 k = 0; k < p->nexits; k++)
		if (p->exits[k].insn == insn)
			return &p->exits[k];
	return NULL;
}

static inline void sound_original(struct sound *s, u32 k)
{
	const struct flow *f = s->f;
	const struct insn *i = &f->insns[k];

	for (u32 w = 0; w < s->p->nwindows; w++) {
		const struct window *win = &s->p->windows[w];

		if (win->first == k) {
			sound_go(s, 1 + w, k);
			return;
		}
		if (i->at < win->at + 5 && i->at + i->size > win->at)
			s->bad = "control arrives at overwritten bytes";
	}
	if (sound_is_exit(f, i)) {
		const struct exit_point *e = sound_exit(s->p, k);
		bool check = k < stack_check_of(f);

		if (!check && (!e || !e->refusal))
			s->bad = "control reaches an exit in the original code";
	}
	if (sound_within(f, i))
		sound_go(s, 0, (u32)flow_find(f, i->target));
	if (sound_goes_on(i))
		sound_go(s, 0, k + 1);
}

static inline void sound_piece(struct sound *s, u32 piece, u32 k)
{
	const struct flow *f = s->f;
	const struct insn *i = &f->insns[k];
	bool window = piece <= s->p->nwindows;
	u32 first = window ? s->p->windows[piece - 1].first
			   : s->p->landings[piece - 1 - s->p->nwindows].first;
	u32 count = window ? s->p->windows[piece - 1].count
			   : s->p->landings[piece - 1 - s->p->nwindows].count;

	if (!i->relocatable || (i->kind == INSN_CALL && k + 1 != first + count))
		s->bad = "an instruction is moved that can't be";
	if (sound_is_exit(f, i))
		s->exits[k] = 1;
	if (sound_within(f, i)) {
		u32 to = (u32)flow_find(f, i->target);
		const struct landing *l = patches_landing(s->p, to);

		if (!window)
			s->bad = "a landing has a branch";
		else if (to >= first && to < first + count) {
			if (to <= k && to != first)
				s->bad = "a loop inside a trampoline";
			sound_go(s, to == first ? 0 : piece, to);
		} else if (l)
			sound_go(s, 1 + s->p->nwindows + (u32)(l - s->p->landings), to);
		else
			sound_go(s, 0, to);
	}
	if (sound_goes_on(i) && k + 1 < first + count)
		sound_go(s, piece, k + 1);
	else if (sound_goes_on(i))
		sound_go(s, 0, k + 1);
}

static inline void sound_windows(struct sound *s)
{
	for (u32 w = 0; w < s->p->nwindows; w++) {
		const struct window *win = &s->p->windows[w];
		u32 end = win->first + win->count;

		if (!win->count || end > s->f->n || win->at != s->f->insns[win->first].at)
			s->bad = "a window is not made of instructions";
		else if (win->size < 5 || win->at + win->size > s->f->size + s->f->padding)
			s->bad = "a window has no room for the jump";
		else if (win->at + win->size > s->f->size &&
			 sound_goes_on(&s->f->insns[s->f->n - 1]))
			s->bad = "control falls into padding that is overwritten";
		else if ((s->f->va + win->at) / 4096 != (s->f->va + win->at + 4) / 4096)
			s->bad = "a jump crosses a page";
		else if (w + 1 < s->p->nwindows && end > win[1].first)
			s->bad = "windows overlap";
		else if (win->entry && (win->first || win->record_after > win->count))
			s->bad = "the entry's record lies outside its window";
	}
	for (u32 k = 0; k < s->p->nlandings; k++)
		if (s->p->landings[k].first + s->p->landings[k].count > s->f->n)
			s->bad = "a landing is not made of instructions";
	if (!s->p->entry && (!s->p->nwindows || !s->p->windows[0].entry))
		s->bad = "the entry has no window";
}

/* A window by itself (window_from): control may arrive at its first instruction only. */
static inline const char *unsound_window(const struct flow *f, const struct window *w)
{
	u32 end = w->first + w->count, size = 0;

	if (!w->count || end > f->n || w->at != f->insns[w->first].at || w->record_after)
		return "a window is not made of instructions";
	for (u32 k = w->first; k < end; k++) {
		const struct insn *i = &f->insns[k];

		size += i->size;
		if (k > w->first && (i->is_target || f->unresolved))
			return "control may arrive inside a window";
		if (k + 1 < end && !sound_goes_on(i))
			return "a window goes on behind its end";
		if (!i->relocatable || i->kind == INSN_CALL || (i->may_fault && !w->may_fault))
			return "an instruction is moved that can't be";
	}
	if (w->size != size || size < 5)
		return "a window has no room for the jump";
	if ((f->va + w->at) / 4096 != (f->va + w->at + 4) / 4096)
		return "a jump crosses a page";
	return NULL;
}

static inline const char *unsound(const struct flow *f, const struct patches *p)
{
	struct sound s = { .f = f, .p = p };

	sound_windows(&s);
	s.seen = mem_resize(NULL, 4ul * f->n);
	memset(s.seen, 0, 4ul * f->n);
	s.exits = s.seen + 3ul * f->n;
	if (!s.bad) {
		sound_go(&s, 0, 0);
		for (u32 k = 0; k < f->n; k++)
			if (f->insns[k].indirect_target || (k && f->insns[k - 1].kind == INSN_CALL))
				sound_go(&s, 0, k);
	}
	while (!s.bad && s.todo.n) {
		struct place at = s.todo.at[--s.todo.n];

		if (at.piece)
			sound_piece(&s, at.piece, at.insn);
		else
			sound_original(&s, at.insn);
	}
	mem_free(s.seen);
	vec_release(&s.todo);
	return s.bad;
}

#endif
