/* The parts of ELF that the kernel itself goes by: the header, PT_LOAD, PT_DYNAMIC. Section headers
 * are a convenience that may be missing or lie; then there are none and nothing else changes.
 *
 *   header      OFFSET SIZE MEANING               program header  OFFSET SIZE MEANING
 *                    4    1 class (2 = 64 bit)                         0    4 type
 *                    5    1 byte order (1)                             4    4 flags (4 r, 2 w, 1 x)
 *                   16    2 type                                       8    8 offset
 *                   18    2 machine                                   16    8 address
 *                   24    8 entry                                     32    8 size in the file
 *                   32    8 program headers                           40    8 size in memory
 *                   40    8 section headers       (56 bytes)
 *                   54    2 size of a program header, 56: how many
 *                   58    2 size of a section header, 60: how many, 62: which one has the names
 *
 * Source: the System V ABI, chapters 4 and 5, and its x86-64 supplement; linux fs/binfmt_elf.c. */
#include "image/memory.h"

#include <elf.h>
#include <string.h>

enum {
	PAGE = 4096, PHDR = 56, SHDR = 64, RELA = 24, HIGHEST_BIT = 47,
	SEGMENTS = 64,	/* linkers make up to ten; each address looked up costs a walk over them */
	NAME = 4096,	/* a section's at most: each may run on to the end of the file's largest */
};

static const struct {
	const char *magic;
	u8 n;
	const char *what;
} not_elf[] = {
	{ "#!", 2, "a script, not a program: give the program that it runs" },
	{ "MZ", 2, "a Windows program; goshawk reads Linux programs (ELF)" },
	{ "\xcf\xfa\xed\xfe", 4, "a macOS program; goshawk reads Linux programs (ELF)" },
	{ "\xca\xfe\xba\xbe", 4, "a macOS program; goshawk reads Linux programs (ELF)" },
	{ "!<arch>\n", 8, "an archive, not a program: link it first" },
	{ "\x1f\x8b", 2, "compressed (gzip), not a program: unpack it first" },
};

static const struct {
	u16 machine;
	const char *name;
} machines[] = {
	{ EM_386, "386" }, { EM_ARM, "arm" }, { EM_AARCH64, "arm64" }, { EM_PPC64, "ppc64" },
	{ EM_S390, "s390x" }, { EM_MIPS, "mips" }, { EM_RISCV, "riscv64" }, { 258, "loong64" },
};

static const char *machine_name(u16 machine)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return "another machine";
}

static bool check_magic(const struct image *img, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(not_elf); i++)
		if (img->size >= not_elf[i].n
		    && !memcmp(img->bytes, not_elf[i].magic, not_elf[i].n))
			return err_set(err, ERR_FORMAT, "%s", not_elf[i].what);
	if (img->size < SELFMAG || memcmp(img->bytes, ELFMAG, SELFMAG))
		return err_set(err, ERR_FORMAT, "not a program (no ELF header)");
	if (img->size < sizeof(Elf64_Ehdr))
		return err_set(err, ERR_FORMAT, "truncated: the file ends in the ELF header");
	return true;
}

static bool check_machine(u16 type, u16 machine, u8 class, u8 order, struct err *err)
{
	const char *form = class == ELFCLASS32 ? " (32 bit)"
			 : order == ELFDATA2MSB ? " (big endian)" : "";

	if (order == ELFDATA2MSB)
		machine = __builtin_bswap16(machine);
	if (class == ELFCLASS32 || order == ELFDATA2MSB || machine != EM_X86_64)
		return err_set(err, ERR_UNSUPPORTED,
			       "a program for %s%s; goshawk knows x86-64 only",
			       machine == EM_X86_64 ? "x86-64" : machine_name(machine),
			       form);
	if (class != ELFCLASS64 || order != ELFDATA2LSB)
		return err_set(err, ERR_FORMAT, "not a program (unknown ELF class %u)", class);
	if (type == ET_REL)
		return err_set(err, ERR_FORMAT, "an object file, not a program: link it first");
	if (type != ET_EXEC && type != ET_DYN && type != ET_CORE)
		return err_set(err, ERR_FORMAT, "not a program (ELF type %u)", type);
	return true;
}

/* One PT_LOAD, or a reason why it can't be one. The kernel wants them ascending, too. */
static bool add_segment(struct image *img, struct segment s, struct err *err)
{
	const struct segment *last = img->nsegs ? &img->segs[img->nsegs - 1] : NULL;

	if (s.off > img->size || s.filesz > img->size - s.off)
		return err_set(err, ERR_FORMAT,
			       "truncated: a segment lies at %#lx+%#lx, and the file has %#zx "
			       "bytes",
			       (unsigned long)s.off, (unsigned long)s.filesz, img->size);
	if (s.filesz > s.size || s.va >> HIGHEST_BIT || s.size >> HIGHEST_BIT
	    || (last && s.va < last->va + last->size) || img->nsegs == SEGMENTS)
		return err_set(err, ERR_FORMAT, "has a segment at address %#lx that makes no sense",
			       (unsigned long)s.va);
	img->segs[img->nsegs++] = s;
	return true;
}

static bool read_segments(struct image *img, struct rd file, u16 each, struct err *err)
{
	struct rd r = rd_sub(&file, img->phdrs_off, img->nphdrs * PHDR);

	if (img->nphdrs && (each != PHDR || r.bad))
		return err_set(err, ERR_FORMAT,
			       "truncated: its program headers lie outside of the file");
	img->segs = ARENA_ARRAY(&img->arena, struct segment, SEGMENTS);
	for (u64 i = 0; i < img->nphdrs; i++) {
		u32 type = rd_u32(&r), flags = rd_u32(&r);
		struct segment s = { .off = rd_u64(&r) };

		s.va = rd_u64(&r);
		rd_skip(&r, 8);
		s.filesz = rd_u64(&r);
		s.size = rd_u64(&r);
		rd_skip(&r, 8);
		s.read = flags & PF_R;
		s.write = flags & PF_W;
		s.exec = flags & PF_X;
		if (type == PT_INTERP)
			img->interp = true;
		if (type == PT_LOAD && s.size && !add_segment(img, s, err))
			return false;
	}
	if (!img->nsegs)
		return err_set(err, ERR_FORMAT, "not a program (it has nothing to load)");
	img->lo_va = img->segs[0].va / PAGE * PAGE;
	img->hi_va = round_up(img->segs[img->nsegs - 1].va + img->segs[img->nsegs - 1].size, PAGE);
	return rd_ok(&r, err);
}

static struct str section_name(const struct rd *names, u64 at, bool *lies)
{
	struct rd r = rd_sub(names, at, MIN(names->n - MIN(at, (u64)names->n), (u64)NAME));
	struct str name = rd_z(&r);

	*lies |= r.bad != NULL;
	return name;
}

/* Any lie among the section headers, and there are none. */
static void read_sections(struct image *img, struct rd file, u64 off, u16 each, u64 n, u64 names_at)
{
	struct rd r = rd_sub(&file, off, SHDR), names;
	bool lies = false;
	u32 *name_at;

	img->secs_outside = off && r.bad;
	if (!off || each != SHDR || r.bad)
		return;
	/* too many for 16 bits: section 0 has the numbers */
	if (!n || names_at == SHN_XINDEX) {
		rd_seek(&r, 32);
		n = n ? n : rd_u64(&r);
		rd_seek(&r, 40);
		names_at = names_at == SHN_XINDEX ? rd_u32(&r) : names_at;
	}
	r = rd_sub(&file, off, file.n - off);
	n = rd_count(&r, n, SHDR);
	img->secs_outside = r.bad;
	if (names_at >= n)
		return;
	img->secs = ARENA_ARRAY(&img->arena, struct section, n);
	name_at = ARENA_ARRAY(&img->arena, u32, n);
	for (u64 i = 0; i < n; i++) {
		struct section *s = &img->secs[i];
		u64 flags;

		name_at[i] = rd_u32(&r);
		s->type = rd_u32(&r);
		flags = rd_u64(&r);
		s->alloc = flags & SHF_ALLOC;
		s->compressed = flags & SHF_COMPRESSED;
		s->va = rd_u64(&r);
		s->off = rd_u64(&r);
		s->size = rd_u64(&r);
		rd_skip(&r, 24);
		if (s->type == SHT_NOBITS || s->type == SHT_NULL)
			s->size = 0;
		else
			img->secs_outside |= s->off > img->size ||
					     s->size > img->size - s->off;
	}
	if (img->secs_outside)
		return;
	names = rd_sub(&file, img->secs[names_at].off, img->secs[names_at].size);
	for (u64 i = 0; i < n && !lies; i++)
		img->secs[i].name = section_name(&names, name_at[i], &lies);
	if (!lies)
		img->nsecs = n;
}

/* RELATIVE relocations are `*(u64 *)r_offset = base + r_addend`, with base 0 here. Go's linker and
 * GNU ld leave the addend in the bytes too, lld does not; so the relocations count, and bytes that
 * already agree are not touched: each page that is written becomes a copy. DT_RELR needs nothing:
 * its addends are always in the bytes. */
static void relocate(struct image *img, u64 table_va, u64 size)
{
	struct rd r = image_rd(img, table_va, size, "relocations");

	for (u64 n = size / RELA; n && !r.bad; n--) {
		u64 at_va = rd_u64(&r), info = rd_u64(&r), addend = rd_u64(&r), now;
		u64 off = image_off_of(img, at_va);

		if ((u32)info != R_X86_64_RELATIVE || !image_u64(img, at_va, &now) || now == addend)
			continue;
		memcpy((u8 *)(uintptr_t)(img->bytes + off), &addend, sizeof(addend));
		img->relocated = true;
	}
}

static void read_dynamic(struct image *img, struct rd file)
{
	struct rd r = rd_sub(&file, img->phdrs_off, img->nphdrs * PHDR), d;
	u64 table_va = 0, size = 0;

	for (u64 i = 0; i < img->nphdrs; i++) {
		u32 type = rd_u32(&r);
		u64 off, filesz;

		rd_skip(&r, 4);
		off = rd_u64(&r);
		rd_skip(&r, 16);
		filesz = rd_u64(&r);
		rd_skip(&r, 16);
		if (type != PT_DYNAMIC)
			continue;
		d = rd_sub(&file, off, filesz);
		while (!d.bad && rd_left(&d) >= 16) {
			u64 tag = rd_u64(&d), value = rd_u64(&d);

			if (tag == DT_NULL)
				break;
			if (tag == DT_RELA)
				table_va = value;
			if (tag == DT_RELASZ)
				size = value;
		}
	}
	if (table_va && size)
		relocate(img, table_va, size);
}

bool elf_parse(struct image *img, struct err *err)
{
	struct rd file = rd_of(img->bytes, img->size, "ELF file"), r = file;
	u8 class, order;
	u16 type, machine, each_ph, each_sh, names_at;
	u64 shoff, nsecs;

	if (!check_magic(img, err))
		return false;
	rd_seek(&r, EI_CLASS);
	class = rd_u8(&r);
	order = rd_u8(&r);
	rd_seek(&r, 16);
	type = rd_u16(&r);
	machine = rd_u16(&r);
	rd_skip(&r, 4);
	img->entry_va = rd_u64(&r);
	img->phdrs_off = rd_u64(&r);
	shoff = rd_u64(&r);
	rd_skip(&r, 6);
	each_ph = rd_u16(&r);
	img->nphdrs = rd_u16(&r);
	each_sh = rd_u16(&r);
	nsecs = rd_u16(&r);
	names_at = rd_u16(&r);
	if (!check_machine(type, machine, class, order, err))
		return false;
	if (type == ET_CORE)
		return core_open(img, err);
	img->pie = type == ET_DYN;
	if (!read_segments(img, file, each_ph, err))
		return false;
	read_sections(img, file, shoff, each_sh, nsecs, names_at);
	read_dynamic(img, file);
	return true;
}

static const struct segment *segment_at(const struct image *img, u64 va)
{
	for (size_t i = 0; i < img->nsegs; i++)
		if (va - img->segs[i].va < img->segs[i].size)
			return &img->segs[i];
	return NULL;
}

u64 image_room(const struct image *img, u64 va)
{
	const struct segment *s = segment_at(img, va);

	return s && va - s->va < s->filesz ? s->filesz - (va - s->va) : 0;
}

u64 image_off_of(const struct image *img, u64 va)
{
	const struct segment *s = segment_at(img, va);

	return s && va - s->va < s->filesz ? s->off + (va - s->va) : ~(u64)0;
}

struct str image_bytes(const struct image *img, u64 va, u64 n)
{
	if (!n || n > image_room(img, va))
		return STR("");
	return (struct str){ (const char *)img->bytes + image_off_of(img, va), n };
}

struct rd image_rd(const struct image *img, u64 va, u64 n, const char *what)
{
	struct str s = image_bytes(img, va, n);
	struct rd r = rd_of(s.p, s.n, what);

	if (s.n != n)
		rd_fail(&r, "is not in the file");
	return r;
}

bool image_u64(const struct image *img, u64 va, u64 *to)
{
	struct str s = image_bytes(img, va, sizeof(*to));

	if (s.n)
		memcpy(to, s.p, sizeof(*to));
	return s.n;
}

const struct section *image_section(const struct image *img, const char *name)
{
	for (size_t i = 0; i < img->nsecs; i++)
		if (str_eq(img->secs[i].name, str_of(name)))
			return &img->secs[i];
	return NULL;
}

struct str image_section_bytes(const struct image *img, const struct section *s)
{
	return s->size ? (struct str){ (const char *)img->bytes + s->off, s->size } : STR("");
}

/* What the file says about memory: its bytes, then zero up to the end of the segment. */
static bool read_file(const struct image *img, u64 va, u8 *to, size_t n)
{
	while (n) {
		const struct segment *s = segment_at(img, va);
		u64 room = image_room(img, va);
		size_t k;

		if (!s)
			return false;
		k = (size_t)MIN(n, room ? room : s->size - (va - s->va));
		if (room)
			memcpy(to, img->bytes + image_off_of(img, va), k);
		else
			memset(to, 0, k);
		va += k;
		to += k;
		n -= k;
	}
	return true;
}

bool image_read(const struct image *img, u64 va, void *to, size_t n)
{
	size_t had = img->memory ? memory_read(img->memory, va + img->bias, to, n) : 0;

	return read_file(img, va + had, (u8 *)to + had, n - had);
}

/* Kernels leave out of a core what never changed: it is in the program's file. */
static bool never_changed(const struct image *img, u64 va)
{
	const struct segment *s = img->kind == IMAGE_CORE ? segment_at(img, va) : NULL;

	return s && !s->write;
}

bool image_read_rt(const struct image *img, u64 rt, void *to, size_t n)
{
	return image_read_some(img, rt, to, n) == n;
}

size_t image_read_some(const struct image *img, u64 rt, void *to, size_t n)
{
	size_t had = img->memory ? memory_read(img->memory, rt, to, n) : 0;
	u64 va = rt + had - img->bias;

	if (had < n && never_changed(img, va) && never_changed(img, va + (n - had) - 1) &&
	    read_file(img, va, (u8 *)to + had, n - had))
		return n;
	return had;
}
