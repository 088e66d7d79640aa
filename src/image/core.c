/* A core file: memory as the kernel (or gcore) dumped it, plus the executable that it came from.
 * The note NT_FILE names the mapped files; the one that holds the program headers (AT_PHDR) is the
 * executable. AT_EXECFN is the second choice: it is what was typed, maybe relative.
 *
 *   note     OFFSET SIZE MEANING                  NT_FILE   OFFSET SIZE MEANING
 *                 0    4 size of the name                        0    8 n
 *                 4    4 size of the content                     8    8 page size
 *                 8    4 type                                   16 24*n start, end, offset in pages
 *                12      name, content; each          then n NUL-terminated names
 *                        padded to 4 bytes        NT_AUXV: pairs of u64 {type, value}
 *
 * Source: linux fs/binfmt_elf.c (fill_files_note, fill_auxv_note). */
#include <elf.h>
#include <string.h>

#include "image/memory.h"

enum { PHDR = 56 };

struct core {
	struct memory *memory;
	u64 entry, phdr, execfn;
	struct rd files;	/* NT_FILE's content; bad if there is none */
};

static void read_auxv(struct core *c, struct str content)
{
	struct rd r = rd_of(content.p, content.n, "core");

	while (rd_left(&r) >= 16) {
		u64 type = rd_u64(&r), value = rd_u64(&r);

		if (type == AT_ENTRY)
			c->entry = value;
		if (type == AT_PHDR)
			c->phdr = value;
		if (type == AT_EXECFN)
			c->execfn = value;
	}
}

static void read_notes(struct core *c, struct rd r)
{
	while (!r.bad && rd_left(&r) >= 12) {
		u32 name_size = rd_u32(&r), size = rd_u32(&r), type = rd_u32(&r);
		struct str content;

		rd_skip(&r, round_up(name_size, 4));
		content = rd_bytes(&r, size);
		if (rd_left(&r))
			rd_skip(&r, round_up(size, 4) - size);
		if (type == NT_AUXV)
			read_auxv(c, content);
		if (type == NT_FILE)
			c->files = rd_of(content.p, content.n, "core");
	}
}

/* Segments that reach behind the end of a cut core keep what is there of them. */
static void add_dumped(struct memory *m, u64 rt, u64 off, u64 size)
{
	if (off < m->size && size)
		m->dumped[m->ndumped++] = (struct dumped){ rt, off, MIN(size, m->size - off) };
}

static bool read_core(struct core *c, struct image *img, struct err *err)
{
	struct memory *m = c->memory;
	struct rd file = rd_of(m->bytes, m->size, "core"), r;
	u64 n = img->nphdrs;

	if (n == PN_XNUM) {	/* more than 16 bits: section 0's sh_info has the number */
		struct rd head = file;

		rd_seek(&head, 40);
		rd_seek(&head, rd_u64(&head));
		rd_skip(&head, 44);
		n = rd_u32(&head);
	}
	r = file;
	rd_seek(&r, img->phdrs_off);
	n = rd_count(&r, n, PHDR);
	m->dumped = ARENA_ARRAY(&img->arena, struct dumped, n);
	for (; n; n--) {
		u32 type = rd_u32(&r);
		u64 off, rt, size;

		rd_skip(&r, 4);
		off = rd_u64(&r);
		rt = rd_u64(&r);
		rd_skip(&r, 8);
		size = rd_u64(&r);
		rd_skip(&r, 16);
		if (type == PT_LOAD)
			add_dumped(m, rt, off, size);
		if (type == PT_NOTE)
			read_notes(c, rd_sub(&file, off, size));
	}
	return rd_ok(&r, err);
}

/* The file whose mapping holds the address, or an empty text. */
static struct str mapped_file(struct core *c, u64 rt)
{
	struct rd r = c->files, names = c->files;
	u64 n, found = ~(u64)0;

	n = rd_u64(&r);
	rd_skip(&r, 8);
	n = rd_count(&r, n, 25);	/* three words and at least a NUL */
	rd_seek(&names, 16 + 24 * n);
	for (u64 i = 0; i < n; i++) {
		u64 start = rd_u64(&r), end = rd_u64(&r);

		rd_skip(&r, 8);
		if (start <= rt && rt < end)
			found = i;
	}
	for (u64 i = 0; i < n && found != ~(u64)0; i++) {
		struct str name = rd_z(&names);

		if (i == found)
			return name;
	}
	return STR("");
}

static struct str executable_name(struct core *c, struct arena *a)
{
	struct str name = mapped_file(c, c->phdr ? c->phdr : c->entry);
	char text[4096] = "";
	size_t n;

	if (name.n)
		return name;
	n = c->execfn ? memory_read(c->memory, c->execfn, text, sizeof(text) - 1) : 0;
	return str_of(str_z(a, (struct str){ text, strnlen(text, n) }));
}

/* The dumped first page of the program, where there is one, must be the file's. */
static bool same_file(const struct image *img, struct err *err)
{
	u8 then[sizeof(Elf64_Ehdr)];
	struct str now = image_bytes(img, img->lo_va, sizeof(then));

	if (!now.n || !image_read_rt(img, img->lo_va + img->bias, then, sizeof(then))
	    || !memcmp(now.p, then, sizeof(then)))
		return true;
	return err_set(err, ERR_FORMAT, "was not written by the %.*s that is there now",
		       STR_F(img->path));
}

bool core_open(struct image *img, struct err *err)
{
	struct core c = { .memory = ARENA_NEW(&img->arena, struct memory) };

	if (img->kind == IMAGE_CORE)
		return err_set(err, ERR_FORMAT, "the executable of the core is a core itself");
	*c.memory = (struct memory){ .fd = -1, .bytes = img->bytes, .size = img->size };
	img->kind = IMAGE_CORE;
	img->memory = c.memory;	/* which owns the mapping from here on */
	img->bytes = NULL;
	img->size = img->mapped_size = 0;
	rd_fail(&c.files, "has no NT_FILE");
	if (!read_core(&c, img, err))
		return false;
	if (!c.entry)
		return err_set(err, ERR_FORMAT, "a core without the program's auxiliary vector");
	img->path = str_of(str_z(&img->arena, executable_name(&c, &img->arena)));
	if (!img->path.n)
		return err_set(err, ERR_FORMAT, "a core that does not name its executable");
	if (!file_map(img->path.p, &img->bytes, &img->size, err))
		return err_in(err, "its executable %s", img->path.p);
	img->mapped_size = img->size;
	if (!elf_parse(img, err))
		return err_in(err, "its executable %s", img->path.p);
	return image_place(img, c.entry, c.phdr, err) && same_file(img, err);
}
