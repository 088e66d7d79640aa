#include "plan/torn_search.h"

#include <stdlib.h>

#include "go/fork.h"
#include "plan/plan.h"
#include "plan/torn_find.h"

/* They synchronise by means that look like races, and run where a delay stops everything. */
static bool is_internal(struct str package)
{
	return go_is_runtime(package) || str_eq(package, STR("sync")) ||
	       str_eq(package, STR("sync/atomic")) || str_starts(package, STR("internal/"));
}

static bool is_meant(const struct torn_search *s, const struct torn_store *t,
		     const struct go_frame *frames, size_t n)
{
	struct pattern_place place;
	size_t next = 0;

	while (s->only && patterns_next_place(s->only, s->prog, t->func, &next, &place)) {
		if (!place.line && place.va == go_func_va(s->prog, t->func) + t->at)
			return true;
		for (size_t i = 0; place.line && i < n; i++)
			if (frames[i].at.line == place.line &&
			    pattern_path_ends(frames[i].at.file, place.file))
				return true;
	}
	return !s->only;
}

/* Where in the source. False: it is not asked for, or what was inlined there is the runtime's. */
static bool locate(const struct torn_search *s, struct torn_store *t, bool named)
{
	struct go_frame frames[GO_FRAMES];
	size_t n = go_frames_at(s->prog, t->func, (u64)t->func->pc + t->at, frames);

	if (!is_meant(s, t, frames, n))
		return false;
	if (!n)
		return true;
	t->line = frames[0].at;
	if (!frames[0].inlined)
		return true;
	t->inlined_from = frames[0].name;
	return named || !is_internal(go_name_split(frames[0].name).package);
}

/* A window that meets none of the function's other ones: those of checks come first. In a copy
 * nobody runs while a check's seven bytes change, wherever they lie. */
static enum refusal find_window(struct torn_search *s, const struct flow *flow, u32 insn,
				struct torn_store *t)
{
	enum refusal why = window_from(flow, insn, &t->window);

	if (why == REFUSE_PAGE && !t->pair) {
		t->copy_only = true;
		t->window = (struct window){ .first = insn, .count = 1, .at = t->at,
					     .size = flow->insns[insn].size };
		return REFUSE_NONE;
	}
	if (why || !t->pair)
		return why;
	t->window.keep_flags = flags_live_at(flow, insn, &s->scratch);
	for (size_t i = s->to.n; i-- > 0 && s->to.at[i].func == t->func;) {
		const struct window *w = &s->to.at[i].window;

		if (!s->to.at[i].refusal && w->at < t->window.at + t->window.size &&
		    t->window.at < w->at + w->size)
			return REFUSE_TAKEN;
	}
	return REFUSE_NONE;
}

static void add(struct torn_search *s, const struct go_func *f, const struct flow *flow,
		const struct found_tear *found, enum refusal whole, bool named)
{
	const struct tear *tear = &found->tear;
	struct torn_store t = {
		.func = f, .at = flow->insns[tear->insn].at, .pair = tear->pair,
		.kind = tear->kind, .first = tear->first, .then = tear->then,
		.certainty = found->certainty, .refusal = whole,
	};

	for (size_t i = s->to.n; i-- > 0 && s->to.at[i].func == f;)
		if (s->to.at[i].at == t.at)
			return;
	if (!locate(s, &t, named))
		return;
	t.object = STR_JOIN(&s->keep, found->object);
	if (!t.refusal)
		t.refusal = find_window(s, flow, tear->insn, &t);
	*vec_push(&s->to) = t;
}

static int by_place(const void *a, const void *b)
{
	const struct torn_store *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void search_flow(struct torn_search *s, const struct go_func *f, const struct flow *flow,
			enum refusal whole, bool named)
{
	size_t from = s->to.n;
	struct barrier *checks;
	u32 n = barriers_find(flow, (i64)(s->flag_va - go_func_va(s->prog, f)), &s->scratch,
			      &checks);
	struct { struct found_tear *at; u32 n; } *found = arena_alloc(&s->scratch,
								      n * sizeof(*found));

	place_finder_enter(&s->places, f, flow, &s->scratch);
	for (u32 i = 0; i < n; i++) {
		struct found_tear here[FOUND_TEARS];

		found[i].n = torn_find_at(&s->places, &checks[i], here);
		found[i].at = arena_copy(&s->scratch, here, found[i].n * sizeof(*here));
	}
	place_finder_leave(&s->places);
	for (u32 pairs = 0; pairs < 2; pairs++)
		for (u32 i = 0; i < n; i++)
			for (u32 k = 0; k < found[i].n; k++)
				if (found[i].at[k].tear.pair == (pairs == 1))
					add(s, f, flow, &found[i].at[k], whole, named);
	if (s->to.n > from)
		qsort(s->to.at + from, s->to.n - from, sizeof(*s->to.at), by_place);
}

static void search_in(struct torn_search *s, const struct go_func *f, bool named)
{
	enum refusal whole = plan_refuses(s->prog, f, named);
	struct flow flow;
	struct err err;

	if (whole == REFUSE_WRAPPER)	/* what it wraps may be inlined */
		whole = REFUSE_NONE;
	if (whole != REFUSE_NO_STACK_MAP && go_flow(s->prog, f, &s->scratch, &flow, &err))
		search_flow(s, f, &flow, whole, named);
}

/* Decoding takes a hundred times as long. */
static bool has_check(const struct torn_search *s, const struct go_func *f)
{
	struct str bytes = go_func_bytes(s->prog, f);
	const u8 *p = (const u8 *)bytes.p, *end = p + MIN(bytes.n, f->size);
	i64 flag = (i64)(s->flag_va - go_func_va(s->prog, f));

	for (const u8 *at = p; end - at >= 7; at++) {
		i32 disp;

		/* the rarer one of its first two bytes */
		at = memchr(at + 1, 0x3d, (size_t)(end - at - 6));
		if (!at)
			return false;
		at--;
		memcpy(&disp, at + 2, sizeof(disp));
		if (*at == 0x83 && at - p + 7 + disp == flag)
			return true;
	}
	return false;
}

void torn_search(struct torn_search *s, const struct go_func *f, bool named)
{
	if (!has_check(s, f) || (!named && is_internal(go_name_split(f->name).package)))
		return;
	search_in(s, f, named);
	arena_reset(&s->scratch);
}

void torn_search_release(struct torn_search *s)
{
	vec_release(&s->to);
	arena_release(&s->keep);
	arena_release(&s->scratch);
}
