#include "inline/found.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "go/fork.h"
#include "inline/layout.h"
#include "inline/maps.h"
#include "inline/session.h"
#include "inline/text.h"
#include "x86/patch.h"

enum { CHUNK = 1 << 16, OWNER_DIED = 0x40000000, OWNER_TID = 0x3fffffff };

u64 jump_target(u64 rt, const u8 bytes[5])
{
	i32 rel;

	if (bytes[0] != 0xe9)
		return 0;
	memcpy(&rel, bytes + 1, sizeof(rel));
	return rt + 5 + (u64)(i64)rel;
}

/* A fork's child has its parent's rings, but not what is wiped on a fork: nobody works on the
 * child. */
static bool read_session(struct found_session *s, int mem_fd)
{
	u64 head[5], cookie;
	u32 lock;

	if (!mem_read(mem_fd, s->shared_lo, head, sizeof(head)) ||
	    head[SHARED_MAGIC / 8] != MAGIC ||
	    !mem_read(mem_fd, s->shared_lo + SHARED_READER, &lock, sizeof(lock)))
		return false;
	s->cookie = head[SHARED_COOKIE / 8];
	s->near_rt = head[SHARED_NEAR / 8];
	s->code_rt = head[SHARED_CODE / 8];
	s->code_end = head[SHARED_CODE_END / 8];
	if (s->code_end < s->code_rt || s->code_end - s->code_rt > CODE_ROOM)
		return false;
	if (mem_read(mem_fd, s->near_rt + NEAR_COOKIE, &cookie, 8) && cookie == head[0] &&
	    !(lock & OWNER_DIED))
		s->owner = (pid_t)(lock & OWNER_TID);
	return true;
}

/* What the rings say of themselves is not trusted: the rest must lie where we put it, and be mapped
 * as we map it, because it is to be unmapped one day. How large `near` is depends on the goshawk,
 * which may have been an earlier one. */
static bool is_ours(const struct found_session *s, const struct spans *maps)
{
	return maps_has(maps, s->near_rt, s->code_rt, "rw-p") &&
	       maps_has(maps, s->code_rt, round_up(s->code_end, 4096), "r-xp");
}

void found_sessions(struct found *f, pid_t pid, int mem_fd)
{
	struct spans maps = { 0 };

	maps_read(&maps, pid);
	for (size_t i = 0; i < maps.n; i++) {
		struct found_session s = { .shared_lo = maps.at[i].lo, .shared_hi = maps.at[i].hi };

		if (maps.at[i].rings && read_session(&s, mem_fd) && is_ours(&s, &maps))
			*vec_push(&f->sessions) = s;
	}
	maps_release(&maps);
}

bool found_same(const struct found *f, const struct found *now)
{
	bool same = f->sessions.n == now->sessions.n;

	for (size_t i = 0; same && i < f->sessions.n; i++) {
		const struct found_session *a = &f->sessions.at[i], *b = &now->sessions.at[i];

		same = a->shared_lo == b->shared_lo && a->cookie == b->cookie &&
		       a->owner == b->owner;
	}
	return same;
}

void found_release(struct found *f)
{
	vec_release(&f->sessions);
	vec_release(&f->leftovers);
}

const struct found_session *found_at(const struct found *f, u64 rt)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (rt >= f->sessions.at[i].code_rt && rt < f->sessions.at[i].code_end)
			return &f->sessions.at[i];
	return NULL;
}

/* What a dead session's hook lay over, if that is a living session's. */
static bool under_hook(const struct found *f, const struct found_session *dead, u64 rt, int mem_fd,
		       u8 put[5])
{
	u64 hooks[2 * NEAR_HOOKS_COUNT];

	if (!mem_read(mem_fd, dead->near_rt + NEAR_HOOKS, hooks, sizeof(hooks)))
		return false;
	for (unsigned i = 0; i < NEAR_HOOKS_COUNT; i++) {
		const struct found_session *s;
		u8 jump[8];

		memcpy(jump, &hooks[2 * i + 1], sizeof(jump));
		s = found_at(f, jump_target(rt, jump));
		if (hooks[2 * i] != rt || !s || !s->owner)
			continue;
		memcpy(put, jump, 5);
		return true;
	}
	return false;
}

static void tell_kind(const struct go_program *prog, u64 va, struct leftover *to)
{
	const struct go_func *fn = go_func_at(prog, va - prog->md.text_va);
	struct arena a = { 0 };
	struct patches pt;
	struct flow flow;
	struct err err;

	to->hook = fn && enters_with_signal(fn);
	if (fn && go_flow(prog, fn, &a, &flow, &err)) {
		patches_make(&pt, &a, &flow);
		for (u32 i = 0; i < pt.nwindows; i++)
			to->inner |= pt.windows[i].inner &&
				     go_func_va(prog, fn) + pt.windows[i].at == va;
	}
	arena_release(&a);
}

/* The first difference may lie in a jump's last byte. */
static bool jump_over(struct found *f, const struct go_program *prog, u64 bias, int mem_fd, u64 va,
		      struct leftover *to)
{
	for (u64 at = va - 4; at <= va; at++) {
		struct str file = image_bytes(prog->img, at, 5);
		const struct found_session *s;

		*to = (struct leftover){ .rt = at + bias };
		if (!file.n || !mem_read(mem_fd, at + bias, to->is, 5))
			continue;
		s = found_at(f, jump_target(at + bias, to->is));
		if (!s || s->owner)
			continue;
		memcpy(to->put, file.p, 5);
		tell_kind(prog, at, to);
		under_hook(f, s, to->rt, mem_fd, to->put);
		return true;
	}
	return false;
}

static bool leftovers_in(struct found *f, const struct go_program *prog, u64 bias, int mem_fd,
			 u64 va, struct str file, struct err *err)
{
	u8 now[CHUNK];
	u64 past = 0;

	for (size_t at = 0; at < file.n; at += CHUNK) {
		size_t n = MIN(file.n - at, (size_t)CHUNK);

		if (!mem_read(mem_fd, va + at + bias, now, n))
			return err_set(err, ERR_GONE,
				       "the process has ended, or its text can't be read");
		if (!memcmp(now, file.p + at, n))
			continue;
		for (size_t i = 0; i < n; i++) {
			struct leftover l;

			if (now[i] == (u8)file.p[at + i] || va + at + i < past ||
			    !jump_over(f, prog, bias, mem_fd, va + at + i, &l))
				continue;
			*vec_push(&f->leftovers) = l;
			past = l.rt - bias + 5;
		}
	}
	return true;
}

bool found_leftovers(struct found *f, const struct go_program *prog, u64 bias, int mem_fd,
		     struct err *err)
{
	const struct image *img = prog->img;
	bool dead = false;

	for (size_t i = 0; i < f->sessions.n; i++)
		dead |= !f->sessions.at[i].owner;
	for (size_t i = 0; dead && i < img->nsegs; i++) {
		struct segment g = img->segs[i];

		if (g.exec && !leftovers_in(f, prog, bias, mem_fd, g.va,
					    image_bytes(img, g.va, g.filesz), err))
			return false;
	}
	return true;
}

bool found_clean(const struct found *f, pid_t pid, int mem_fd, bool hooks)
{
	enum { INNER, OTHERS, HOOKS };
	struct text t;

	text_begin(&t, mem_fd, pid);
	for (int pass = INNER; pass <= (hooks ? HOOKS : OTHERS); pass++)
		for (size_t i = 0; i < f->leftovers.n; i++) {
			const struct leftover *l = &f->leftovers.at[i];

			if (pass == (l->hook ? HOOKS : l->inner ? INNER : OTHERS))
				text_change(&t, l->rt, l->is, l->put);
		}
	return text_end(&t);
}

u64 found_memory(pid_t pid, int mem_fd)
{
	struct found f = { 0 };
	u64 n = 0;

	found_sessions(&f, pid, mem_fd);
	for (size_t i = 0; i < f.sessions.n; i++)
		n += f.sessions.at[i].shared_hi - f.sessions.at[i].shared_lo +
		     round_up(f.sessions.at[i].code_end, 4096) - f.sessions.at[i].near_rt;
	found_release(&f);
	return n;
}
