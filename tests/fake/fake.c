/* What lies in the
 *   file, and from `base` on memory:
 *     ELF header, program headers, note
 *     text          FAKE_FUNCS functions
 *     read-only     decoy, pclntab, gofunc, types, textsectmap, findfunctab
 *     writable      build information, strings, moduledata
 *     relocations, dynamic section; section headers
 */
#include "fake_impl.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EHDR = 64, PHDR = 56, SHDR = 64, PHDRS = 6, BSS = 64, TEXT_SIZE = 512, TYPES_SIZE = 64 };

/* Columns of moduledata; 0: there is none. */
static const struct md_column {
	unsigned since;
	u16 types, typedesclen, etypes, rodata, gofunc, textsectmap, typelinks, hasmain, bad, next,
		size;
} md_columns[] = {
	{ 17, 0x118, 0, 0x120, 0, 0, 0x128, 0x140, 0x1d8, 0x208, 0x210, 0x218 },
	{ 18, 0x118, 0, 0x120, 0x128, 0x130, 0x138, 0x150, 0x1e8, 0x218, 0x220, 0x228 },
	{ 20, 0x128, 0, 0x130, 0x138, 0x140, 0x148, 0x160, 0x1f8, 0x228, 0x230, 0x238 },
	{ 21, 0x128, 0, 0x130, 0x138, 0x140, 0x148, 0x160, 0x210, 0x240, 0x248, 0x250 },
	{ 23, 0x128, 0, 0x130, 0x138, 0x140, 0x148, 0x160, 0x210, 0x211, 0x240, 0x248 },
	{ 26, 0x128, 0, 0x130, 0x138, 0x140, 0x150, 0x168, 0x218, 0x219, 0x248, 0x250 },
	{ 27, 0x128, 0x130, 0x138, 0x150, 0x158, 0x168, 0, 0x200, 0x201, 0x230, 0x238 },
};

static const struct md_column *md_column(unsigned minor)
{
	size_t i = ARRAY_LEN(md_columns);

	while (i-- > 1 && md_columns[i].since > minor)
		;
	return &md_columns[i];
}

size_t fake_field(unsigned minor, enum fake_field field)
{
	const struct md_column *c = md_column(minor);

	switch (field) {
	case F_TYPES: return c->types;
	case F_ETYPES: return c->etypes;
	case F_TEXTSECTMAP: return c->textsectmap;
	case F_HASMAIN: return c->hasmain;
	case F_BAD: return c->bad;
	case F_NEXT: return c->next;
	case F_GOFUNC: return c->gofunc;
	case F_TYPELINKS: return c->typelinks;
	}
	return 0;
}

void fake_put(struct fake *f, size_t at, u64 value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		f->bytes.at[at + i] = (u8)(value >> 8 * i);
}

u64 fake_get(const struct fake *f, size_t at, unsigned size)
{
	u64 v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (u64)f->bytes.at[at + i] << 8 * i;
	return v;
}

static void put_rest_of_rodata(struct maker *m)
{
	struct fake *f = m->f;

	align(f, 8);
	f->at_types = f->bytes.n;
	for (int i = 0; i < TYPES_SIZE; i++)
		put(f, 0, 1);
	f->at_textsectmap = f->bytes.n;
	put(f, 0, 8);
	put(f, END_PC + (m->w->minor >= 21), 8);
	put_pointer(m, f->at_text);
	f->at_findfunctab = f->bytes.n;
	for (int i = 0; i < 20; i++)
		put(f, 0, 1);
	align(f, 16);
}

static const char usual_modules[] =
	"path\texample.org/fixture\nmod\texample.org/fixture\t(devel)\t\n"
	"dep\texample.org/a\tv1.0.0\th1:x=\n=>\texample.org/b\tv1.1.0\th1:y=\n"
	"dep\texample.org/c\tv2.0.0\th1:z=\nbuild\t-compiler=gc\n"
	"build\t-ldflags=\"-X main.a=\\\"b c\\\"\"\nbuild\t\"odd=key\"=v\n";

static void put_string_header(struct maker *m, const char *s, size_t n)
{
	size_t at = m->f->bytes.n;

	put_pointer(m, at + 16);
	put(m->f, n, 8);
	put_text(m->f, s, n);
	align(m->f, 16);
}

static void put_buildinfo(struct maker *m)
{
	struct fake *f = m->f;
	const char *modules = m->w->modules ? m->w->modules : usual_modules;
	char version[64], text[1024];
	int n;

	snprintf(version, sizeof(version), "go1.%u.3", m->w->minor);
	if (m->w->version)
		snprintf(version, sizeof(version), "%s", m->w->version);
	n = snprintf(text, sizeof(text), "0123456789abcdef%s0123456789abcdef", modules);
	if (!*modules)
		n = 0;
	align(f, 16);
	f->at_buildinfo = f->bytes.n;
	put_text(f, "\xff Go buildinf:", 14);
	put(f, 8, 1);
	put(f, m->w->minor == 17 ? 0 : 2, 1);
	put(f, 0, 8);
	put(f, 0, 8);
	if (m->w->minor == 17) {
		set_pointer(m, f->at_buildinfo + 16, f->bytes.n);
		put_string_header(m, version, strlen(version));
		set_pointer(m, f->at_buildinfo + 24, f->bytes.n);
		put_string_header(m, text, (size_t)n);
		return;
	}
	put_uvarint(f, (u32)strlen(version));
	put_text(f, version, strlen(version));
	put_uvarint(f, (u32)n);
	put_text(f, text, (size_t)n);
}

static void put_moduledata(struct maker *m, size_t data, size_t edata)
{
	struct fake *f = m->f;
	const struct md_column *c = md_column(m->w->minor);
	size_t md;

	align(f, 8);
	f->at_md = md = f->bytes.n;
	for (size_t i = 0; i < c->size; i++)
		put(f, 0, 1);
	set_pointer(m, md, f->at_pclntab);
	for (int i = 0; i < 5; i++) {
		size_t n = (i < 4 ? block_at(f, i + 1) : f->at_gofunc) - block_at(f, i);

		if (i == 1 && m->w->minor >= 26)
			n /= 4;
		set_pointer(m, md + 8 + 24 * (size_t)i, block_at(f, i));
		fake_put(f, md + 16 + 24 * (size_t)i, n, 8);
		fake_put(f, md + 24 + 24 * (size_t)i, n, 8);
	}
	set_pointer(m, md + 0x80, f->at_functab);
	fake_put(f, md + 0x88, FAKE_FUNCS + 1, 8);
	fake_put(f, md + 0x90, FAKE_FUNCS + 1, 8);
	set_pointer(m, md + 0x98, f->at_findfunctab);
	set_pointer(m, md + 0xa0, f->at_text);
	set_pointer(m, md + 0xa8, f->at_text + END_PC);
	set_pointer(m, md + 0xb0, f->at_text);
	set_pointer(m, md + 0xb8, f->at_text + END_PC);
	set_pointer(m, md + 0xd0, data);
	set_pointer(m, md + 0xd8, edata);
	set_pointer(m, md + c->types, f->at_types);
	set_pointer(m, md + c->etypes, f->at_types + TYPES_SIZE);
	if (c->typedesclen)
		fake_put(f, md + c->typedesclen, 8, 8);
	if (c->gofunc) {
		set_pointer(m, md + c->rodata, f->at_types);
		set_pointer(m, md + c->gofunc, f->at_gofunc);
	}
	set_pointer(m, md + c->textsectmap, f->at_textsectmap);
	fake_put(f, md + c->textsectmap + 8, 1, 8);
	fake_put(f, md + c->textsectmap + 16, 1, 8);
	fake_put(f, md + c->hasmain, 1, 1);
}

static void put_data(struct maker *m)
{
	struct fake *f = m->f;
	size_t data = f->bytes.n;

	if (!m->w->no_buildinfo)
		put_buildinfo(m);
	align(f, 16);
	if (m->w->minor >= 24)
		put_text(f, "\xff Go fipsinfo \xff", 16);
	if (m->w->version_in_data) {
		char version[32];

		snprintf(version, sizeof(version), "go1.%u.9", m->w->minor);
		put_string_header(m, version, strlen(version));
	}
	if (m->w->second_version)
		put_string_header(m, "go1.22.1", 8);
	if (!m->w->no_gotables)
		put_moduledata(m, data, f->bytes.n);
	for (int i = 0; i < 64; i++)	/* other data, so that longer layouts could be there too */
		put(f, 0, 1);
}

static size_t put_relocations(struct maker *m)
{
	struct fake *f = m->f;
	size_t dynamic;

	f->at_relocs = f->bytes.n;
	f->nrelocs = m->pointers.n;
	for (size_t i = 0; i < m->pointers.n; i++) {
		size_t at = m->pointers.at[i];

		put(f, f->base + at, 8);
		put(f, 8, 8);	/* R_X86_64_RELATIVE */
		put(f, fake_get(f, at, 8), 8);
		if (m->w->zero_bytes)
			fake_put(f, at, 0, 8);
	}
	dynamic = f->bytes.n;
	put(f, DT_RELA, 8);
	put(f, f->base + f->at_relocs, 8);
	put(f, DT_RELASZ, 8);
	put(f, 24 * f->nrelocs, 8);
	put(f, DT_NULL, 8);
	put(f, 0, 8);
	return dynamic;
}

static void set_phdr(struct fake *f, size_t i, u32 type, u32 flags, size_t from, size_t to,
		     size_t more)
{
	size_t at = f->at_phdrs + i * PHDR;

	fake_put(f, at, type, 4);
	fake_put(f, at + 4, flags, 4);
	fake_put(f, at + 8, from, 8);
	fake_put(f, at + 16, f->base + from, 8);
	fake_put(f, at + 24, f->base + from, 8);
	fake_put(f, at + 32, to - from, 8);
	fake_put(f, at + 40, to - from + more, 8);
	fake_put(f, at + 48, 8, 8);
}

static void put_sections(struct fake *f)
{
	static const char names[] = "\0.shstrtab\0.text\0.gopclntab\0.go.buildinfo\0.bss";
	const struct { u32 name, type, flags; size_t at, n; } secs[] = {
		{ 0, SHT_NULL, 0, 0, 0 },
		{ 1, SHT_STRTAB, 0, f->bytes.n, sizeof(names) },
		{ 11, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, f->at_text, TEXT_SIZE },
		{ 17, SHT_PROGBITS, SHF_ALLOC, f->at_pclntab, f->at_gofunc - f->at_pclntab },
		{ 28, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, f->at_buildinfo, 32 },
		{ 42, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, f->bytes.n, BSS },
	};

	put_text(f, names, sizeof(names));
	align(f, 8);
	f->at_shdrs = f->bytes.n;
	for (size_t i = 0; i < ARRAY_LEN(secs); i++) {
		put(f, secs[i].name, 4);
		put(f, secs[i].type, 4);
		put(f, secs[i].flags, 8);
		put(f, secs[i].flags ? f->base + secs[i].at : 0, 8);
		put(f, secs[i].at, 8);
		put(f, secs[i].n, 8);
		for (int k = 0; k < 3; k++)
			put(f, 0, 8);
	}
	fake_put(f, 40, f->at_shdrs, 8);
	fake_put(f, 60, ARRAY_LEN(secs), 2);
	fake_put(f, 62, 1, 2);
}

static void put_ehdr(struct fake *f, const struct fake_wish *w)
{
	put_text(f, "\177ELF\2\1\1\0\0\0\0\0\0\0\0", 16);
	put(f, w->pie ? ET_DYN : ET_EXEC, 2);
	put(f, EM_X86_64, 2);
	put(f, 1, 4);
	put(f, 0, 8);		/* entry */
	put(f, EHDR, 8);
	put(f, 0, 8);
	put(f, 0, 4);
	put(f, EHDR, 2);
	put(f, PHDR, 2);
	put(f, w->pie ? PHDRS : PHDRS - 1, 2);
	put(f, SHDR, 2);
	put(f, 0, 4);
	f->at_phdrs = f->bytes.n;
	for (int i = 0; i < PHDRS * PHDR; i++)
		put(f, 0, 1);
	f->at_note = f->bytes.n;
	put(f, 4, 4);
	put(f, 7, 4);
	put(f, 4, 4);
	put_text(f, "Go\0\0abc/def", 12);	/* content of 7 bytes and padding */
}

void fake_make(struct fake *f, const struct fake_wish *w)
{
	struct maker m = { .f = f, .w = w };
	size_t rodata, data, end, dynamic = 0;

	*f = (struct fake){ .base = w->pie ? 0x10000 : 0x400000, .fd = -1 };
	put_ehdr(f, w);
	align(f, 16);
	f->at_text = f->bytes.n;
	for (int i = 0; i < TEXT_SIZE; i++)
		put(f, 0xcc, 1);
	rodata = f->bytes.n;
	f->at_decoy = f->bytes.n;
	if (w->decoy)
		put_text(f, "\xff Go buildinf:\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\6go1.18\0",
			 40);
	if (!w->no_gotables) {
		fake_pclntab(&m);
		put_rest_of_rodata(&m);
	}
	align(f, 16);
	data = f->bytes.n;
	put_data(&m);
	end = f->bytes.n;
	if (w->pie) {
		dynamic = put_relocations(&m);
		end = f->bytes.n;
	}
	fake_put(f, 24, f->base + f->at_text + (w->c_start ? END_PC + 16 : 0), 8);
	set_phdr(f, 0, PT_LOAD, PF_R | PF_X, 0, rodata, 0);
	set_phdr(f, 1, PT_LOAD, PF_R, rodata, data, 0);
	set_phdr(f, 2, PT_LOAD, PF_R | PF_W, data, end, BSS);
	set_phdr(f, 3, PT_NOTE, PF_R, f->at_note, f->at_note + 24, 0);
	set_phdr(f, 4, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0);
	if (w->pie)
		set_phdr(f, 5, PT_DYNAMIC, PF_R, dynamic, end, 0);
	if (w->sections)
		put_sections(f);
	vec_release(&m.pointers);
}

void fake_release(struct fake *f)
{
	if (f->fd >= 0)
		close(f->fd);
	vec_release(&f->bytes);
	f->fd = -1;
}

const char *fake_path(struct fake *f, size_t n)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = memfd_create("fake", MFD_CLOEXEC);
	if (f->fd < 0 || write(f->fd, f->bytes.at, n) != (ssize_t)n)
		die("fake: no memory for a file");
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
	return f->path;
}

bool fake_open(struct fake *f, struct image *img, struct err *err)
{
	return image_open(img, fake_path(f, f->bytes.n), err);
}
