#include "inline/debris.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inline/layout.h"
#include "inline/maps.h"
#include "inline/place.h"

static bool unmap(struct inline_session *s, struct inject *in, u64 lo, u64 hi, struct err *err)
{
	u64 args[6] = { lo, hi - lo };
	i64 got;

	if (hi <= lo)
		return true;
	if (!place_call(s, in, SYS_munmap, args, "less memory", &got, err))
		return false;
	s->given_back += got ? 0 : hi - lo;
	return true;
}

/* The note lies in memory of the program's: what it says must be there, just as we map it. */
static bool is_there(const struct spans *maps, const struct note *n, unsigned which)
{
	if (which != NOTE_SHARED)
		return maps_has(maps, n->lo, n->hi, which == NOTE_NEAR ? "rw-p" : "r-xp");
	for (size_t i = 0; i < maps->n; i++)
		if (maps->at[i].lo == n->lo && maps->at[i].hi == n->hi)
			return maps->at[i].rings;
	return false;
}

static bool clear_memory(struct inline_session *s, struct inject *in, struct err *err)
{
	struct spans maps = { 0 };
	bool ok = true;

	maps_read(&maps, s->pid);
	for (unsigned i = 0; ok && i < NOTES; i++)
		if (is_there(&maps, &in->left[i], i))
			ok = unmap(s, in, in->left[i].lo, in->left[i].hi, err);
	maps_release(&maps);
	return ok;
}

static bool is_memory_file(DIR *d, const char *fd)
{
	static const char ours[] = "/memfd:goshawk ";
	char to[sizeof(ours)];

	return readlinkat(dirfd(d), fd, to, sizeof(to)) == sizeof(to) &&
	       !memcmp(to, ours, sizeof(ours) - 1);
}

static bool clear_descriptors(struct inline_session *s, struct inject *in, struct err *err)
{
	char path[64];
	struct dirent *e;
	bool ok = true;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", s->pid);
	d = opendir(path);
	while (d && ok && (e = readdir(d))) {
		u64 args[6] = { strtoull(e->d_name, NULL, 10) };
		i64 got;

		if (is_memory_file(d, e->d_name))
			ok = place_call(s, in, SYS_close, args, "shared memory", &got, err);
	}
	if (d)
		closedir(d);
	return ok;
}

bool debris_clear(struct inline_session *s, const struct found *f, struct inject *in,
		  struct err *err)
{
	if (!in->is_left || s->filtered)
		return true;
	memcpy(in->note, in->left, sizeof(in->note));
	for (size_t i = 0; i < f->sessions.n; i++)
		if (f->sessions.at[i].near_rt == in->left[NOTE_NEAR].lo)
			return true;
	return clear_memory(s, in, err) && clear_descriptors(s, in, err);
}

static bool drop_one(struct inline_session *s, struct inject *in, const struct found_session *o,
		     struct err *err)
{
	struct note *n = in->note;

	n[NOTE_NEAR] = (struct note){ o->near_rt, o->code_rt };
	n[NOTE_CODE] = (struct note){ o->code_rt, round_up(o->code_end, 4096) };
	n[NOTE_SHARED] = (struct note){ o->shared_lo, o->shared_hi };
	for (unsigned i = 0; i < NOTES; i++)
		if (!unmap(s, in, n[i].lo, n[i].hi, err))
			return false;
	return true;
}

/* Hooks of the one may go on to those of the other (beside.h). */
static bool goes_on_to(const struct inline_session *s, const struct found_session *from,
		       const struct found_session *to)
{
	u64 hooks[2 * NEAR_HOOKS_COUNT];
	u8 jump[8];

	if (!mem_read(s->mem_fd, from->near_rt + NEAR_HOOKS, hooks, sizeof(hooks)))
		return true;
	for (unsigned i = 0; i < NEAR_HOOKS_COUNT; i++) {
		memcpy(jump, &hooks[2 * i + 1], sizeof(jump));
		if (jump_target(hooks[2 * i], jump) - to->code_rt < to->code_end - to->code_rt)
			return true;
	}
	return false;
}

/* One that stays keeps all that lie below it. */
static bool keep_below(const struct inline_session *s, const struct found *f, bool *stays)
{
	bool more = false;

	for (size_t i = 0; i < f->sessions.n; i++)
		for (size_t k = 0; k < f->sessions.n; k++)
			if (stays[i] && !stays[k] &&
			    goes_on_to(s, &f->sessions.at[i], &f->sessions.at[k]))
				stays[k] = more = true;
	return more;
}

bool debris_drop(struct inline_session *s, const struct found *f, const struct busy *b,
		 struct inject *in, struct err *err)
{
	bool *stays = mem_resize(NULL, f->sessions.n + 1), ok = true;

	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct found_session *o = &f->sessions.at[i];

		stays[i] = o->owner || busy_inside(b, o->code_rt, o->code_end);
	}
	while (keep_below(s, f, stays))
		;
	for (size_t i = 0; ok && i < f->sessions.n; i++)
		ok = stays[i] || drop_one(s, in, &f->sessions.at[i], err);
	mem_free(stays);
	return ok;
}
