#include "inline/beside.h"

#include <string.h>

enum { CHUNK = 4096, JUMP = 5 };

bool beside_shared(const struct plan *p, u32 func)
{
	return func == NOT_PLANNED ||
	       (!p->funcs[func].shown && p->funcs[func].hook != HOOK_NEWPROC1);
}

/* A hook of a session that is at work: ours goes in front of it. */
static void go_in_front(struct inline_session *s, const struct found *f, u64 rt)
{
	struct layout *l = &s->layout;
	const struct found_session *other;
	u8 now[5];

	if (l->nbelow == NEAR_HOOKS_COUNT || !mem_read(s->mem_fd, rt, now, 5))
		return;
	other = found_at(f, jump_target(rt, now));
	if (other && other->owner)
		l->below[l->nbelow++] = (struct hook_below){ rt, jump_target(rt, now) };
}

void beside_hooks(struct inline_session *s, const struct found *f)
{
	const struct plan *p = s->plan;

	s->layout.nbelow = 0;
	for (size_t i = 0; i < p->prog->nfuncs; i++)
		if (enters_with_signal(&p->prog->funcs[i]))
			go_in_front(s, f, go_func_va(p->prog, &p->prog->funcs[i]) + s->layout.bias);
	for (u32 i = 0; i < p->nfuncs; i++)
		if (beside_shared(p, i) && !p->funcs[i].refusal)
			go_in_front(s, f, go_func_va(p->prog, p->funcs[i].func) + s->layout.bias);
}

bool beside_note_hooks(const struct inline_session *s, struct err *err)
{
	u64 hooks[2 * NEAR_HOOKS_COUNT] = { 0 };
	u32 n = 0;

	for (size_t i = 0; i < s->code.jumps.n && n < NEAR_HOOKS_COUNT; i++) {
		const struct jump *j = &s->code.jumps.at[i];

		for (u32 k = 0; k < s->layout.nbelow; k++)
			if (s->layout.below[k].rt == j->rt) {
				hooks[2 * n] = j->rt;
				memcpy(&hooks[2 * n++ + 1], j->was, 5);
			}
	}
	return mem_write(s->mem_fd, s->pid, s->layout.near_rt + NEAR_HOOKS, hooks,
			 sizeof(hooks)) ||
	       err_set(err, ERR_GONE, "process %d has ended", s->pid);
}

static bool is_ours(const struct inline_session *s, const struct found_session *o)
{
	return o->shared_lo == s->layout.shared_rt;
}

const struct found_session *beside_owner(const struct inline_session *s, const struct found *f,
					 u32 func)
{
	const struct go_func *fn = beside_shared(s->plan, func) ? NULL : s->plan->funcs[func].func;
	struct str file = fn ? go_func_bytes(s->plan->prog, fn) : STR("");
	u64 rt = fn ? go_func_va(s->plan->prog, fn) + s->layout.bias : 0;
	bool others = false;
	u8 now[CHUNK + JUMP];

	for (size_t i = 0; i < f->sessions.n; i++)
		others |= f->sessions.at[i].owner && !is_ours(s, &f->sessions.at[i]);
	for (size_t at = 0; others && at < file.n; at += CHUNK) {
		size_t n = MIN(file.n - at, sizeof(now));

		if (!mem_read(s->mem_fd, rt + at, now, n))
			return NULL;
		for (size_t k = 0; k + JUMP <= n; k++) {
			const struct found_session *o;

			if (now[k] != 0xe9 || !memcmp(now + k, file.p + at + k, JUMP))
				continue;
			o = found_at(f, jump_target(rt + at + k, now + k));
			if (o && o->owner && !is_ours(s, o))
				return o;
		}
	}
	return NULL;
}

/* It leaves: its windows are gone, and it waits for those who stand in its code. */
static bool is_leaving(const struct inline_session *s, const struct found_session *o)
{
	u32 gate = 0;	/* if it can't be read */

	(void)mem_read(s->mem_fd, o->near_rt + NEAR_GATE, &gate, sizeof(gate));
	return !gate;
}

/* Somebody will come back from code of a session that has ended. `lines`: which had windows in the
 * middle of functions. */
static bool stands_in_old(const struct inline_session *s, const struct found *f,
			  const struct busy *b, bool *lines)
{
	bool any = false;

	*lines = false;
	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct found_session *o = &f->sessions.at[i];
		u64 had = 1;	/* if it can't be read */

		if ((o->owner && !is_leaving(s, o)) || is_ours(s, o) ||
		    !busy_inside(b, o->code_rt, o->code_end))
			continue;
		any = true;
		(void)mem_read(s->mem_fd, o->near_rt + NEAR_LINES, &had, sizeof(had));
		*lines |= had != 0;
	}
	return any;
}

u32 beside_hold(struct inline_session *s, const struct found *f, const struct busy *b)
{
	u32 held = 0, last = NOT_PLANNED;
	bool lines;

	if (!stands_in_old(s, f, b, &lines))
		return 0;
	for (size_t i = 0; i < s->code.jumps.n; i++) {
		struct jump *j = &s->code.jumps.at[i];

		if (j->state != JUMP_DUE || beside_shared(s->plan, j->func) ||
		    (!lines && !s->plan->funcs[j->func].line_at))
			continue;
		j->state = JUMP_BUSY;
		held += j->func != last;
		last = j->func;
	}
	return held;
}
