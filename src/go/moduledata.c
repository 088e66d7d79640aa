/* Finding pclntab and moduledata together: neither is believed without the other.
 *
 * Programs that read Go tables carry pclntab's magic as a constant, and obfuscators change the
 * magic of the real one. What can't be faked by chance is that a word in the data points to the
 * header and the words behind it equal the header's own offsets. Layouts are drawn in release.h.
 *
 *   header   OFFSET SIZE MEANING                        moduledata's head (slices: ptr, len, cap)
 *                 0    4 magic                               0 pcHeader    8 funcnametab
 *                 4    2 0                                  20 cutab      38 filetab    50 pctab
 *                 6    1 1 (instruction quantum)            68 pclntable  80 ftab
 *                 7    1 8 (pointer size)                   98 findfunctab
 *                 8    8 number of functions                a0 minpc maxpc text etext
 *                16    8 number of files                    then as release.h
 *        24 or 32   5*8 offsets of the blocks
 *
 * Source: runtime/symtab.go (pcHeader, moduledata), cmd/link/internal/ld/pcln.go, symtab.go. */
#include "go/tables.h"

#include <string.h>

enum {
	SHAPE = 0x08010000,	/* header bytes 4 to 7 */
	BLOCKS = 5,
	FUNCTAB = 4,
	/* more look-alikes than that are no accident, and each costs a search */
	CANDIDATES = 64,
	BUCKET = 20, BUCKET_TEXT = 4096,	/* of findfunctab */
};

struct header {
	u64 va, nfunc;
	u64 block[BLOCKS];	/* funcname, cu, file, pctab, functab: from va */
};

static bool read_header(const struct image *img, u64 va, const struct pcln_layout *at,
			bool any_magic, struct header *to)
{
	u64 room = image_room(img, va);
	struct rd r = image_rd(img, va, at->header_size, "pclntab");
	u32 magic = rd_u32(&r), shape = rd_u32(&r);

	*to = (struct header){ .va = va, .nfunc = rd_u64(&r) };
	rd_seek(&r, at->offsets_at);
	for (size_t i = 0; i < BLOCKS; i++)
		to->block[i] = rd_u64(&r);
	if (r.bad || shape != SHAPE || (magic != at->magic && !any_magic) || !to->nfunc
	    || to->block[0] < at->header_size || to->block[0] > round_up(at->header_size, 32)
	    || to->block[FUNCTAB] > room
	    || to->nfunc >= (room - to->block[FUNCTAB]) / at->functab_each)
		return false;
	for (size_t i = 1; i < BLOCKS; i++)
		if (to->block[i] < to->block[i - 1])
			return false;
	return true;
}

static u64 functab_pc(const struct image *img, const struct header *h, const struct pcln_layout *at,
		      u64 text_va, u64 i)
{
	struct rd r = image_rd(img, h->va + h->block[FUNCTAB] + i * at->functab_each,
			       at->functab_each / 2u, "functab");

	return at->functab_each == 16 ? rd_u64(&r) : text_va + rd_u32(&r);
}

static bool head_fits(const struct image *img, u64 md_va, const struct header *h,
		      const struct pcln_layout *at)
{
	struct rd r = image_rd(img, md_va, MD_NOPTRDATA, "moduledata");
	u64 ftab, nftab, find, minpc, maxpc, text, etext;

	if (rd_u64(&r) != h->va)
		return false;
	for (size_t i = 0; i < BLOCKS; i++) {
		u64 p = rd_u64(&r), n = rd_u64(&r), cap = rd_u64(&r);

		if (p != h->va + h->block[i] || n > image_room(img, p) || n > cap)
			return false;
	}
	ftab = rd_u64(&r);
	nftab = rd_u64(&r);
	rd_skip(&r, 8);
	find = rd_u64(&r);
	minpc = rd_u64(&r);
	maxpc = rd_u64(&r);
	text = rd_u64(&r);
	etext = rd_u64(&r);
	return !r.bad && ftab == h->va + h->block[FUNCTAB] && nftab == h->nfunc + 1 && text <= minpc
	       && minpc < maxpc && maxpc <= etext && etext - text <= image_room(img, text)
	       && image_room(img, find) >= (maxpc - minpc + BUCKET_TEXT - 1) / BUCKET_TEXT * BUCKET
	       && functab_pc(img, h, at, text, 0) == minpc
	       && functab_pc(img, h, at, text, h->nfunc) == maxpc;
}

static u64 field(const struct image *img, u64 md_va, u16 at)
{
	u64 v = 0;

	return image_u64(img, md_va + at, &v) ? v : 0;
}

/* The part behind the head, in one layout. Also for a file: `next` is set at run time only. */
static bool tail_fits(const struct image *img, u64 md_va, const struct moduledata_layout *at)
{
	u64 text = field(img, md_va, MD_TEXT), etext = field(img, md_va, MD_ETEXT);
	u64 types = field(img, md_va, at->types), etypes = field(img, md_va, at->etypes);
	struct str whole = image_bytes(img, md_va, at->size);
	struct rd map = image_rd(img, field(img, md_va, at->textsectmap), 24, "textsectmap");
	u64 vaddr = rd_u64(&map), end = rd_u64(&map), base = rd_u64(&map);

	if (!whole.n || map.bad || field(img, md_va, (u16)(at->textsectmap + 8)) != 1 || vaddr
	    || base != text || end - (etext - text) > 1)
		return false;
	if (types >= etypes || etypes - types > image_room(img, types)
	    || (u8)whole.p[at->hasmain] > 1 || whole.p[at->bad] || field(img, md_va, at->next))
		return false;
	if (at->gofunc && !image_room(img, field(img, md_va, at->gofunc)))
		return false;
	if (at->typedesclen)
		return field(img, md_va, at->typedesclen) <= etypes - types
		    && field(img, md_va, at->itaboffset) <= etypes - types;
	return field(img, md_va, (u16)(at->typelinks + 8)) <= (etypes - types) / 4
	    && field(img, md_va, (u16)(at->itablinks + 8)) <= img->size / 8;
}

/* A program's hasmain is 1. Libraries have 0 there, but so have most bytes of anything else. */
static u32 minors_that_fit(const struct image *img, u64 md_va, u64 pclntab_va, bool any_magic)
{
	u32 minors = 0, with_main = 0;

	for (unsigned minor = RELEASE_FIRST; minor <= RELEASE_LAST; minor++) {
		const struct go_release *rel = release_of(minor);
		struct header h;

		if (read_header(img, pclntab_va, rel->pcln, any_magic, &h)
		    && head_fits(img, md_va, &h, rel->pcln)
		    && tail_fits(img, md_va, rel->moduledata)) {
			minors |= 1u << minor;
			if ((u8)field(img, md_va, rel->moduledata->hasmain))
				with_main |= 1u << minor;
		}
	}
	return with_main ? with_main : minors;
}

/* Looks for a word that points to the header: moduledata is always in writable memory. */
static bool find_md(const struct image *img, u64 pclntab_va, bool any_magic, struct found *to)
{
	size_t tried = 0;

	for (size_t i = 0; i < img->nsegs; i++) {
		const struct segment *s = &img->segs[i];
		u64 first = round_up(s->va, 8) - s->va;

		if (!s->write)
			continue;
		for (u64 at = first; at + 8 <= s->filesz; at += 8) {
			u64 word, next;

			memcpy(&word, img->bytes + s->off + at, sizeof(word));
			if (word != pclntab_va || !image_u64(img, s->va + at + 8, &next)
			    || next - word > 128)	/* funcnametab follows the header at once */
				continue;
			if (++tried > CANDIDATES)
				return false;
			to->minors = minors_that_fit(img, s->va + at, pclntab_va, any_magic);
			to->md_va = s->va + at;
			to->pclntab_va = pclntab_va;
			if (to->minors)
				return true;
		}
	}
	return false;
}

static bool known_magic(u32 magic)
{
	const struct pcln_layout *at;

	for (size_t i = 0; (at = pcln_layout_at(i)); i++)
		if (at->magic == magic)
			return true;
	return false;
}

/* Every place that looks like a header, segment by segment; pclntab is 8-aligned everywhere. */
static bool search(const struct image *img, bool any_magic, struct found *to)
{
	size_t tried = 0;

	for (size_t i = 0; i < img->nsegs; i++) {
		const struct segment *s = &img->segs[i];
		u64 first = round_up(s->va, 8) - s->va;

		for (u64 at = first; at + 8 <= s->filesz; at += 8) {
			struct header h;
			u32 word[2];
			bool shaped = false;
			const struct pcln_layout *l;

			memcpy(word, img->bytes + s->off + at, sizeof(word));
			if (word[1] != SHAPE || known_magic(word[0]) == any_magic)
				continue;
			for (size_t k = 0; (l = pcln_layout_at(k)); k++)
				shaped |= read_header(img, s->va + at, l, any_magic, &h);
			if (!shaped)
				continue;
			if (++tried > CANDIDATES)
				return false;
			if (find_md(img, s->va + at, any_magic, to))
				return true;
		}
	}
	return false;
}

static bool find_by_section(const struct image *img, bool any_magic, struct found *to)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct section *s = image_section(img, names[i]);

		if (s && s->alloc && find_md(img, s->va, any_magic, to))
			return true;
	}
	return false;
}

bool moduledata_find(const struct image *img, struct found *to)
{
	return find_by_section(img, false, to) || find_by_section(img, true, to)
	    || search(img, false, to) || search(img, true, to);
}

static struct str block(const struct go_program *prog, u16 at, u32 unit)
{
	return image_bytes(prog->img, field(prog->img, prog->md.va, at),
			   field(prog->img, prog->md.va, (u16)(at + 8)) * unit);
}

bool moduledata_read(struct go_program *prog, const struct found *found, struct err *err)
{
	const struct moduledata_layout *at = prog->rel->moduledata;
	const struct image *img = prog->img;
	struct moduledata *md = &prog->md;
	struct rd r = image_rd(img, found->md_va, at->size, "moduledata");

	prog->pclntab_va = found->pclntab_va;
	md->va = found->md_va;
	rd_seek(&r, MD_FINDFUNCTAB);
	md->findfunctab_va = rd_u64(&r);
	md->minpc_va = rd_u64(&r);
	md->maxpc_va = rd_u64(&r);
	md->text_va = rd_u64(&r);
	md->etext_va = rd_u64(&r);
	md->noptrdata_va = rd_u64(&r);
	md->enoptrdata_va = rd_u64(&r);
	md->data_va = rd_u64(&r);
	md->edata_va = rd_u64(&r);
	md->bss_va = rd_u64(&r);
	md->ebss_va = rd_u64(&r);
	md->noptrbss_va = rd_u64(&r);
	md->enoptrbss_va = rd_u64(&r);
	md->gcdata_va = field(img, md->va, (u16)(at->end + 8));
	md->types_va = field(img, md->va, at->types);
	md->etypes_va = field(img, md->va, at->etypes);
	if (at->gofunc) {
		md->rodata_va = field(img, md->va, at->rodata);
		md->gofunc_va = field(img, md->va, at->gofunc);
	}
	if (at->typedesclen) {
		md->typedesclen = field(img, md->va, at->typedesclen);
		md->itaboffset = field(img, md->va, at->itaboffset);
		md->itabsize = field(img, md->va, (u16)(at->itaboffset + 8));
	} else {
		md->typelinks_va = field(img, md->va, at->typelinks);
		md->ntypelinks = field(img, md->va, (u16)(at->typelinks + 8));
		md->itablinks_va = field(img, md->va, at->itablinks);
		md->nitablinks = field(img, md->va, (u16)(at->itablinks + 8));
	}
	rd_seek(&r, at->hasmain);
	md->hasmain = rd_u8(&r);
	prog->funcnametab = block(prog, MD_FUNCNAMETAB, 1);
	prog->cutab = block(prog, MD_CUTAB, at->cutab_unit);
	prog->filetab = block(prog, MD_FILETAB, 1);
	prog->pctab = block(prog, MD_PCTAB, 1);
	prog->pclntable = block(prog, MD_PCLNTABLE, 1);
	if (!prog->funcnametab.n || !prog->pctab.n || !prog->pclntable.n)
		rd_fail(&r, "has blocks of pclntab that lie outside of the file");
	return rd_ok(&r, err);
}
