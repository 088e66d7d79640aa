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
 *   NT_PRSTATUS OFFSET SIZE MEANING             NT_SIGINFO, of the thread before it
 *                   12    2 signal                             8    4 code
 *                   32    4 thread                            16    8 address
 *                  112  216 registers, as in struct user_regs_struct
 *
 * Source: linux fs/binfmt_elf.c (fill_files_note, fill_auxv_note, fill_prstatus),
 * include/linux/elfcore.h. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "image/mapped.h"
#include "image/memory.h"

enum { PHDR = 56, THREADS_MOST = 1 << 16, NOTE_SIGINFO = 0x53494749 };

struct core {
	struct memory *memory;
	u64 entry, phdr, execfn;
	struct rd files;	/* NT_FILE's content; bad if there is none */
	VEC(struct os_thread) threads;
};

static void read_thread(struct core *c, struct str content)
{
	/* the order of struct user_regs_struct, by the number in instructions */
	static const u8 order[] = { 15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7 };
	struct rd r = rd_of(content.p, content.n, "core");
	struct os_thread t = { 0 };

	rd_skip(&r, 12);
	t.signal = (i16)rd_u16(&r);
	rd_seek(&r, 32);
	t.tid = (i32)rd_u32(&r);
	rd_seek(&r, 112);
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		t.ints[order[i]] = rd_u64(&r);
	rd_skip(&r, 8);		/* orig_rax */
	t.ip = rd_u64(&r);
	rd_skip(&r, 16);	/* cs, flags */
	t.sp = t.ints[4] = rd_u64(&r);
	t.bp = t.ints[5];
	rd_skip(&r, 8);		/* ss */
	t.fs_base = rd_u64(&r);
	if (!r.bad && c->threads.n < THREADS_MOST)
		*vec_push(&c->threads) = t;
}

static void read_siginfo(struct core *c, struct str content)
{
	struct rd r = rd_of(content.p, content.n, "core");
	struct os_thread *t = c->threads.n ? &c->threads.at[c->threads.n - 1] : NULL;
	i32 code;
	u64 address;

	rd_skip(&r, 8);
	code = (i32)rd_u32(&r);
	rd_seek(&r, 16);
	address = rd_u64(&r);
	if (!t || r.bad)
		return;
	t->has_info = true;
	t->code = code;
	t->address = address;
}

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
		if (r.bad)	/* cut: what lies before it counts */
			return;
		if (type == NT_AUXV)
			read_auxv(c, content);
		if (type == NT_PRSTATUS)
			read_thread(c, content);
		if (type == NOTE_SIGINFO)
			read_siginfo(c, content);
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

static int by_address(const void *a, const void *b)
{
	const struct dumped *x = a, *y = b;

	return x->rt < y->rt ? -1 : x->rt > y->rt;
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
		img->cut |= type == PT_LOAD && (off > m->size || size > m->size - off);
		if (type == PT_NOTE)
			read_notes(c, rd_sub(&file, off, size));
	}
	qsort(m->dumped, m->ndumped, sizeof(m->dumped[0]), by_address);
	img->nthreads = c->threads.n;
	img->threads = arena_copy(&img->arena, c->threads.at,
				  c->threads.n * sizeof(c->threads.at[0]));
	vec_release(&c->threads);
	return rd_ok(&r, err);
}

static struct str executable_name(struct core *c, struct arena *a)
{
	struct mapped at;
	char text[4096] = "";
	size_t n;

	if (mapped_by_core(c->files, c->phdr ? c->phdr : c->entry, a, &at))
		return at.path;
	n = c->execfn ? memory_read(c->memory, c->execfn, text, sizeof(text) - 1) : 0;
	return str_of(str_z(a, (struct str){ text, strnlen(text, n) }));
}

/* Is the file what was dumped here? What was not dumped is not in the way. */
static bool as_dumped(const struct image *img, u64 va, u64 n)
{
	u8 then[4096];
	struct str now = image_bytes(img, va, MIN(n, sizeof(then)));
	size_t dumped = image_read_some(img, va + img->bias, then, now.n);

	return !memcmp(now.p, then, dumped);
}

/* The kernel dumps the first page of the program. The ELF header there is the same in all that one
 * toolchain builds; the program headers have the sizes of code and data, the notes the build's id.
 * The rest of the page is left out: some linkers put code there, which a debugger may have changed
 * in the process. */
static bool same_file(const struct image *img, struct err *err)
{
	struct rd r = rd_of(img->bytes, img->size, "program headers");
	u64 phdrs = img->lo_va + img->phdrs_off;
	bool same = as_dumped(img, img->lo_va, sizeof(Elf64_Ehdr)) &&
		    (image_off_of(img, phdrs) != img->phdrs_off ||
		     as_dumped(img, phdrs, img->nphdrs * PHDR));

	rd_seek(&r, img->phdrs_off);
	for (u64 n = img->nphdrs; n && !r.bad; n--) {
		u32 type = rd_u32(&r);
		u64 va, size;

		rd_skip(&r, 12);
		va = rd_u64(&r);
		rd_skip(&r, 8);
		size = rd_u64(&r);
		rd_skip(&r, 16);
		same = same && (type != PT_NOTE || as_dumped(img, va, size));
	}
	return same || err_set(err, ERR_FORMAT, "was not written by the %.*s that is there now",
			       STR_F(img->path));
}

bool core_open(struct image *img, struct err *err)
{
	struct core c = { .memory = ARENA_NEW(&img->arena, struct memory) };

	if (img->kind == IMAGE_CORE)
		return err_set(err, ERR_FORMAT, "the executable of the core is a core itself");
	*c.memory = (struct memory){ .fd = -1, .bytes = img->bytes, .size = img->size };
	img->kind = IMAGE_CORE;
	img->core_path = img->path;
	img->memory = c.memory;	/* which owns the mapping from here on */
	img->bytes = NULL;
	img->size = img->mapped_size = 0;
	rd_fail(&c.files, "has no NT_FILE");
	if (!read_core(&c, img, err))
		return false;
	c.memory->files = c.files;
	if (!c.entry)
		return err_set(err, ERR_FORMAT, "a core without the program's auxiliary vector");
	img->path = img->core_exe ? str_of(img->core_exe)
				  : str_of(str_z(&img->arena, executable_name(&c, &img->arena)));
	if (!img->path.n)
		return err_set(err, ERR_FORMAT,
			       "a core that does not name its executable; give it behind the core");
	if (!file_map(img->path.p, &img->bytes, &img->size, err))
		return err_in(err, "its executable %s", img->path.p);
	img->mapped_size = img->size;
	if (!elf_parse(img, err))
		return err_in(err, "its executable %s", img->path.p);
	return image_place(img, c.entry, c.phdr, err) && same_file(img, err);
}
