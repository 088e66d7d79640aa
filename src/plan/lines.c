#include "plan/lines.h"

#include <string.h>

enum { OFF = -2 };

struct search {
	const struct go_program *prog;
	const struct go_func *f;
	const struct flow *flow;
	i32 *on;	/* the line, in which inlined call (-1: the function itself); or OFF */
	bool *start;	/* a run of the line begins */
	bool *seen;
	u32 *todo;
	u32 n;
};

static i32 on_line(const struct search *s, u32 k, struct str file, i32 line)
{
	struct go_frame frames[GO_FRAMES];
	size_t n = go_frames_at(s->prog, s->f, (u64)s->f->pc + s->flow->insns[k].at, frames);

	for (size_t i = 0; i < n; i++)
		if (frames[i].at.line == line && pattern_path_ends(frames[i].at.file, file))
			return frames[i].call;
	return OFF;
}

/* Panics never come back; what lies behind them is another block. */
static bool comes_back(const struct search *s, const struct insn *i)
{
	const struct go_func *to;

	if (i->kind != INSN_CALL || !i->rel_size)
		return true;
	to = go_func_at(s->prog, (u64)((i64)s->f->pc + i->target));
	return !to || !(str_starts(to->name, STR("runtime.panic")) ||
			str_starts(to->name, STR("runtime.goPanic")) ||
			str_eq(to->name, STR("runtime.gopanic")) ||
			str_eq(to->name, STR("runtime.throw")));
}

static bool goes_on(const struct search *s, u32 k)
{
	const struct insn *i = &s->flow->insns[k];

	return insn_goes_on(i) && comes_back(s, i);
}

static void go(struct search *s, u32 k)
{
	if (s->seen[k])
		return;
	s->seen[k] = true;
	s->todo[s->n++] = k;
}

/* A table leads to what is a target, but not by a branch nor behind a call. */
static void go_by_table(struct search *s)
{
	for (u32 k = 1; k < s->flow->n; k++)
		if (s->flow->insns[k].indirect_target && s->flow->insns[k - 1].kind != INSN_CALL)
			go(s, k);
}

/* A recovered call goes on at its `call deferreturn`. */
static void go_recovered(struct search *s)
{
	i64 k = s->f->deferreturn ? flow_find(s->flow, s->f->deferreturn) : -1;

	if (k >= 0)
		go(s, (u32)k);
}

static void go_from(struct search *s, u32 k)
{
	const struct insn *i = &s->flow->insns[k];

	if ((i->kind == INSN_JCC || i->kind == INSN_JMP) && i->target >= 0 &&
	    i->target < s->flow->size) {
		i64 to = flow_find(s->flow, i->target);

		if (to >= 0)
			go(s, (u32)to);
	}
	if (i->kind == INSN_TABLE)
		go_by_table(s);
	if (goes_on(s, k) && k + 1 < s->flow->n)
		go(s, k + 1);
}

/* Can control come to `start` from the entry, or from there once more, past no other start of the
 * line? Each inlined call has the line for itself. */
static bool is_reached(struct search *s, u32 start)
{
	memset(s->seen, 0, s->flow->n * sizeof(*s->seen));
	s->n = 0;
	go(s, 0);
	go_recovered(s);
	if (s->seen[start])
		return true;
	go_from(s, start);
	while (s->n && !s->seen[start]) {
		u32 k = s->todo[--s->n];

		if (!s->start[k] || s->on[k] != s->on[start])
			go_from(s, k);
	}
	return s->seen[start];
}

/* Where runs begin. `real`: not those that only move values: these have the line from which a value
 * comes, or to which it goes, wherever they stand. */
static u32 find_starts(struct search *s, u32 from, i64 end, bool real)
{
	u32 n = 0;

	for (u32 k = 0, past; k < s->flow->n; k = past) {
		bool moves = true;

		past = k + 1;
		s->start[k] = false;
		if (s->on[k] == OFF)
			continue;
		for (past = k; past < s->flow->n && s->on[past] == s->on[k] &&
			       (past == k || goes_on(s, past - 1)); past++) {
			s->start[past] = false;
			moves &= flow_is_move(s->flow, &s->flow->insns[past]);
		}
		s->start[k] = k >= from && s->flow->insns[k].at < end && !(moves && real);
		n += s->start[k];
	}
	return n;
}

u32 lines_reached(const struct go_program *prog, const struct go_func *f, const struct flow *flow,
		  struct str file, i32 line, struct arena *a, u32 **insns)
{
	u32 check = stack_check_of(flow), n = 0;
	i64 end = check ? flow->insns[check - 1].target : flow->size;
	struct search s = {
		.prog = prog, .f = f, .flow = flow,
		.on = ARENA_ARRAY(a, i32, flow->n + 1),
		.start = ARENA_ARRAY(a, bool, flow->n + 1),
		.seen = ARENA_ARRAY(a, bool, flow->n + 1),
		.todo = ARENA_ARRAY(a, u32, flow->n + 1),
	};

	for (u32 k = 0; k < flow->n; k++)
		s.on[k] = on_line(&s, k, file, line);
	if (!find_starts(&s, check, end, true) && !find_starts(&s, check, end, false))
		(void)find_starts(&s, 0, flow->size, false);
	for (u32 k = flow->n; k-- > 0;)
		s.start[k] = s.start[k] && is_reached(&s, k);
	*insns = ARENA_ARRAY(a, u32, flow->n + 1);
	for (u32 k = 0; k < flow->n; k++)
		if (s.start[k])
			(*insns)[n++] = k;
	return n;
}
