#include "inline/beside.h"

#include <string.h>

enum { CHUNK = 4096, JUMP = 5 };

bool beside_shared(const struct plan *p, u32 func)
{
	return func == NOT_PLANNED ||
	       (!p->funcs[func].shown && p->funcs[func].hook != HOOK_NEWPROC1);
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

		if (o->owner || is_ours(s, o) || !busy_inside(b, o->code_rt, o->code_end))
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
