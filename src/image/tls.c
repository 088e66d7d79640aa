/* Thread-local variables of a program that shows its symbols to others (it may load plugins): where
 * they lie is not in its code but in a word that the dynamic loader fills in, by a relocation
 * R_X86_64_TPOFF64. What it will write there can be said beforehand: the program's own block is the
 * first one, and ends at the thread pointer.
 *
 *   dynamic entry      OFFSET SIZE MEANING        symbol   OFFSET SIZE MEANING
 *                           0    8 tag                          0    4 name
 *                           8    8 value                        4    1 type and binding
 *   relocation              0    8 where                        6    2 section (0: another file)
 *                           8    4 type                         8    8 value: from its start
 *                          12    4 symbol, or 0                16    8 size
 *                          16    8 addend
 *
 * Source: Ulrich Drepper, ELF Handling For Thread-Local Storage (variant II); elf(5). */
#include <elf.h>

#include "image/image.h"

enum { PHDR = 56, RELA = 24, SYMBOL = 24 };

struct dynamic {
	u64 relocs_va, relocs_size, symbols_va;
	u64 block_size, block_align;	/* 0: there is no block */
};

static void read_entries(struct dynamic *d, struct rd r)
{
	while (!r.bad && rd_left(&r) >= 16) {
		u64 tag = rd_u64(&r), value = rd_u64(&r);

		if (tag == DT_NULL)
			return;
		if (tag == DT_RELA)
			d->relocs_va = value;
		if (tag == DT_RELASZ)
			d->relocs_size = value;
		if (tag == DT_SYMTAB)
			d->symbols_va = value;
	}
}

static struct dynamic dynamic_of(const struct image *img)
{
	struct rd file = rd_of(img->bytes, img->size, "ELF file");
	struct rd r = rd_sub(&file, img->phdrs_off, img->nphdrs * PHDR);
	struct dynamic d = { 0 };

	for (u64 i = 0; i < img->nphdrs && !r.bad; i++) {
		u32 type = rd_u32(&r);
		u64 off, va, filesz, size, align;

		rd_skip(&r, 4);
		off = rd_u64(&r);
		va = rd_u64(&r);
		rd_skip(&r, 8);
		filesz = rd_u64(&r);
		size = rd_u64(&r);
		align = rd_u64(&r);
		if (type == PT_DYNAMIC)
			read_entries(&d, rd_sub(&file, off, filesz));
		if (type == PT_TLS && align && !(align & (align - 1)) && va % align == 0 &&
		    size <= INT32_MAX && align <= INT32_MAX) {
			d.block_size = size;
			d.block_align = align;
		}
	}
	return d;
}

/* Symbols that another file defines lie in that one's block. */
static bool symbol_value(const struct image *img, const struct dynamic *d, u32 symbol, u64 *value)
{
	struct rd r;
	u32 section;

	*value = 0;
	if (!symbol)
		return true;
	r = image_rd(img, d->symbols_va + (u64)symbol * SYMBOL, SYMBOL, "symbol");
	rd_skip(&r, 6);
	section = rd_u16(&r);
	*value = rd_u64(&r);
	return !r.bad && section != SHN_UNDEF;
}

bool image_tls_word(const struct image *img, u64 va, i64 *off)
{
	struct dynamic d = dynamic_of(img);
	struct rd r = image_rd(img, d.relocs_va, d.relocs_size, "relocations");

	for (u64 n = d.block_align ? d.relocs_size / RELA : 0; n && !r.bad; n--) {
		u64 at = rd_u64(&r);
		u32 type = rd_u32(&r), symbol = rd_u32(&r);
		u64 addend = rd_u64(&r), value;

		if (at != va || type != R_X86_64_TPOFF64)
			continue;
		if (r.bad || !symbol_value(img, &d, symbol, &value) ||
		    value + addend >= d.block_size)
			return false;
		*off = (i64)(value + addend) - (i64)round_up(d.block_size, d.block_align);
		return true;
	}
	return false;
}
