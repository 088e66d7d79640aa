/* A core tells by its note NT_FILE (core.c), a process by /proc/PID/maps. */
#include "image/mapped.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "image/memory.h"

enum { PAGE = 4096 };

/* One mapping; the list ascends, so the latest first page of a file is the one that counts. */
struct piece {
	u64 lo, hi, off;
	struct str path;
};

/* What is looked for; `see` is asked of each piece until it says true. */
struct search {
	bool (*see)(struct search *s, const struct piece *p);
	const struct image *img;
	bool (*is_it)(const struct image *img, u64 first_rt);
	u64 rt;
	struct arena *a;
	struct mapped *to;
};

/* Up to the piece that has the address, and it. */
static bool look(struct search *s, const struct piece *p)
{
	struct mapped *to = s->to;
	struct arena *a = s->a;
	u64 rt = s->rt;

	if (!p->off) {
		to->path = (struct str){ str_z(a, p->path), p->path.n };
		to->first_rt = p->lo;
	}
	if (rt < p->lo || rt >= p->hi)
		return false;
	if (!str_eq(to->path, p->path)) {
		to->path = (struct str){ str_z(a, p->path), p->path.n };
		to->first_rt = 0;
	}
	to->off = p->off + (rt - p->lo);
	return true;
}

static bool see_file(struct search *s, const struct piece *p)
{
	if (p->off || !s->is_it(s->img, p->lo))
		return false;
	s->to->path = (struct str){ str_z(s->a, p->path), p->path.n };
	return true;
}

static bool search_core(struct rd files, struct search *s)
{
	struct rd r = files, names = files;
	u64 n = rd_u64(&r), page = rd_u64(&r);

	n = rd_count(&r, n, 25);	/* three words and at least a NUL */
	rd_seek(&names, 16 + 24 * n);
	while (n--) {
		struct piece p = { .lo = rd_u64(&r) };

		p.hi = rd_u64(&r);
		p.off = rd_u64(&r) * page;
		p.path = rd_z(&names);
		if (r.bad || names.bad)
			return false;
		if (s->see(s, &p))
			return true;
	}
	return false;
}

static bool search_process(int pid, struct search *s)
{
	char name[64], *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	f = fopen(name, "re");
	while (f && !found && getline(&line, &room, f) > 0) {
		struct piece p = { 0 };
		int at = 0;

		line[strcspn(line, "\n")] = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n", &p.lo, &p.hi,
			   &p.off, &at) != 3 || !at || line[at] != '/')
			continue;
		p.path = str_of(line + at);
		found = s->see(s, &p);
	}
	mem_free(line);
	if (f)
		fclose(f);
	return found;
}

static bool search(const struct image *img, struct search *s)
{
	*s->to = (struct mapped){ 0 };
	if (img->kind == IMAGE_PROCESS)
		return search_process(img->pid, s);
	return img->kind == IMAGE_CORE && search_core(img->memory->files, s);
}

bool mapped_by_core(struct rd files, u64 rt, struct arena *a, struct mapped *to)
{
	*to = (struct mapped){ 0 };
	return search_core(files, &(struct search){ .see = look, .rt = rt, .a = a, .to = to });
}

bool image_mapped(const struct image *img, u64 rt, struct arena *a, struct mapped *to)
{
	return search(img, &(struct search){ .see = look, .rt = rt, .a = a, .to = to });
}

struct str mapped_file(const struct image *img, struct arena *a,
		       bool (*is_it)(const struct image *img, u64 first_rt))
{
	struct mapped to = { 0 };

	return search(img, &(struct search){ .see = see_file, .img = img, .is_it = is_it, .a = a,
					     .to = &to }) ? to.path : STR("");
}

static bool is_what_was_mapped(const struct image *img, const struct mapped *m,
			       const struct image *file)
{
	u8 then[PAGE];

	return m->first_rt && file->size >= PAGE &&
	       image_read_rt(img, m->first_rt, then, PAGE) && !memcmp(then, file->bytes, PAGE);
}

/* A function's symbol, by where its name is; `at` 0: none. */
struct symbol {
	u64 at;
	u32 name;
};

/* The one whose bytes the address lies in; and the nearest below it in its section that has no
 * size, where none with a size lies between them. */
static void symbols_at(const struct image *file, const struct section *syms, u64 va,
		       struct symbol *over, struct symbol *below)
{
	struct str bytes = image_section_bytes(file, syms);
	struct rd r = rd_of(bytes.p, bytes.n, "symbols");
	bool sized = true;

	*over = *below = (struct symbol){ 0 };
	while (rd_left(&r) >= sizeof(Elf64_Sym)) {
		struct symbol s = { .name = rd_u32(&r) };
		u8 info = rd_u8(&r);
		u16 index;
		u64 size;

		rd_skip(&r, 1);
		index = rd_u16(&r);
		s.at = rd_u64(&r);
		size = rd_u64(&r);
		if (!s.at || s.at > va || (ELF64_ST_TYPE(info) != STT_FUNC &&
					   (size || ELF64_ST_TYPE(info) != STT_NOTYPE)))
			continue;
		if (va - s.at < size) {
			*over = s;
			return;
		}
		if (index >= file->nsecs || va - file->secs[index].va >= file->secs[index].size ||
		    s.at < file->secs[index].va || s.at < below->at ||
		    (s.at == below->at && size))
			continue;
		*below = s;
		sized = size;
	}
	if (sized)
		below->at = 0;
}

static struct str symbol_in(const struct image *file, const char *symbols, const char *strings,
			    u64 va, struct arena *a)
{
	const struct section *syms = image_section(file, symbols);
	const struct section *strs = image_section(file, strings);
	struct symbol over, below;
	struct str names, s;
	struct rd name;

	if (!syms || !strs)
		return STR("");
	symbols_at(file, syms, va, &over, &below);
	names = image_section_bytes(file, strs);
	name = rd_of(names.p, names.n, "symbol names");
	rd_seek(&name, over.at ? over.name : below.name);
	s = rd_z(&name);
	if (name.bad || !s.n || (!over.at && !below.at))
		return STR("");
	return over.at ? str_fmt(a, "%.*s+0x%" PRIx64, STR_F(s), va - over.at) :
			 str_fmt(a, "at or after %.*s", STR_F(s));
}

struct str mapped_function(const struct image *img, const struct mapped *m, struct arena *a)
{
	struct image file = { 0 };
	struct str found = STR("");
	struct err ignored;
	bool opened = image_open(&file, m->path.p, &ignored);

	for (size_t i = 0; opened && file.kind == IMAGE_FILE && i < file.nsegs && !found.n; i++) {
		const struct segment *s = &file.segs[i];
		u64 va = s->va + (m->off - s->off);

		if (!s->exec || m->off - s->off >= s->filesz || !is_what_was_mapped(img, m, &file))
			continue;
		found = symbol_in(&file, ".symtab", ".strtab", va, a);
		if (!found.n)
			found = symbol_in(&file, ".dynsym", ".dynstr", va, a);
	}
	image_release(&file);
	return found;
}
