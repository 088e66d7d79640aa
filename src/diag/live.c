#include "diag/live.h"

#include <stdio.h>

enum { CHUNK = 1 << 18 };

static FILE *open_proc(int pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

static void read_maps(struct live *to, int pid, struct arena *a)
{
	FILE *f = open_proc(pid, "maps");
	size_t room = 0;
	char *line = NULL;

	while (f && getline(&line, &room, f) > 0) {	/* a file's name may be of any length */
		struct live_map m = { 0 };
		char prot[5] = "", *end;
		int name = 0;

		m.lo = strtoull(line, &end, 16);
		m.hi = *end == '-' ? strtoull(end + 1, &end, 16) : 0;
		if (m.hi <= m.lo || sscanf(end, " %4s %*s %*s %*s %n", prot, &name) < 1)
			continue;
		m.exec = strchr(prot, 'x');
		if (name)
			m.name = (struct str){ end + name, strcspn(end + name, "\n") };
		m.name.p = arena_copy(a, m.name.p ? m.name.p : "", m.name.n);
		*vec_push(&to->maps) = m;
	}
	mem_free(line);
	if (f)
		fclose(f);
}

const struct live_map *live_map_at(const struct live *l, u64 rt)
{
	for (size_t i = 0; i < l->maps.n; i++)
		if (rt >= l->maps.at[i].lo && rt < l->maps.at[i].hi)
			return &l->maps.at[i];
	return NULL;
}

const struct live_map *live_map_named(const struct live *l, const char *name)
{
	for (size_t i = 0; i < l->maps.n; i++)
		if (str_eq(l->maps.at[i].name, str_of(name)))
			return &l->maps.at[i];
	return NULL;
}

static struct str read_name(int pid, struct arena *a)
{
	FILE *f = open_proc(pid, "comm");
	char name[64] = "";

	if (f && !fgets(name, sizeof(name), f))
		name[0] = 0;
	if (f)
		fclose(f);
	name[strcspn(name, "\n")] = 0;
	return (struct str){ arena_copy(a, name, strlen(name)), strlen(name) };
}

/* Bytes [off, off + n) of a segment: in memory `is`, in the file `was`. */
static void compare(struct live *to, const struct segment *s, u64 off, const u8 *is, const u8 *was,
		    size_t n)
{
	if (!memcmp(is, was, n))
		return;
	for (size_t i = 0; i < n; i++) {
		struct live_change c = { .va = s->va + off + i };
		size_t all = MIN(n - i, (size_t)LIVE_BYTES);

		if (is[i] == was[i])
			continue;
		if (to->changes.n == LIVE_CHANGES)
			return;
		memcpy(c.is, is + i, all);
		memcpy(c.was, was + i, all);
		*vec_push(&to->changes) = c;
		i += all - 1;
	}
}

static void read_text(struct live *to, const struct image *img)
{
	u8 *is = mem_resize(NULL, CHUNK);

	for (size_t i = 0; i < img->nsegs; i++) {
		const struct segment *s = &img->segs[i];

		for (u64 off = 0; s->exec && off < s->filesz; off += CHUNK) {
			size_t n = (size_t)MIN(s->filesz - off, (u64)CHUNK);
			struct str was = image_bytes(img, s->va + off, n);

			if (was.n == n && image_read(img, s->va + off, is, n))
				compare(to, s, off, is, (const u8 *)was.p, n);
		}
	}
	mem_free(is);
}

void live_read(struct live *to, const struct image *img, struct arena *a)
{
	*to = (struct live){ .preload = process_variable(img->pid, "LD_PRELOAD", a) };
	read_maps(to, img->pid, a);
	read_text(to, img);
	to->tracer = (int)process_status(img->pid, 0, "TracerPid", 10, 0);
	to->tracer_name = to->tracer ? read_name(to->tracer, a) : STR("");
}

void live_release(struct live *l)
{
	vec_release(&l->maps);
	vec_release(&l->changes);
}
