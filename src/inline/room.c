#include "inline/room.h"

#include <string.h>

enum { PAGE = 4096, PT_PAX_FLAGS_GO = 0x65041580 };

/* Where the table of section headers lies; no size if there is none that makes sense. */
static void find_sections(struct room *r, const struct image *img)
{
	Elf64_Ehdr head;

	memcpy(&head, img->bytes, sizeof(head));
	r->sections_off = head.e_shoff;
	r->sections_size = img->nsecs * sizeof(Elf64_Shdr);
}

/* How far the bytes behind the table belong to nothing that is known: to the end of the page, or of
 * the segment that has the table. */
static u64 free_until(const struct room *r, const struct image *img, u64 from)
{
	u64 to = 0;

	for (size_t i = 0; i < img->nsegs; i++) {
		const struct segment *s = &img->segs[i];

		if (s->off <= img->phdrs_off && from <= s->off + s->filesz)
			to = MIN(from / PAGE * PAGE + PAGE, s->off + s->filesz);
	}
	for (u32 i = 0; i < r->n; i++) {
		const Elf64_Phdr *p = &r->table[i];

		if (p->p_filesz && p->p_offset + p->p_filesz > from &&
		    (p->p_offset >= from || p->p_type != PT_LOAD))
			to = MIN(to, MAX(p->p_offset, from));
	}
	for (size_t i = 0; i < img->nsecs; i++)
		if (img->secs[i].size && img->secs[i].off + img->secs[i].size > from)
			to = MIN(to, MAX(img->secs[i].off, from));
	return MAX(to, from);
}

/* Zero bytes behind the table. Without section headers only if there is nothing else up to what is
 * known. */
static u64 zeros_behind(const struct room *r, const struct image *img, u64 from, u64 to)
{
	u64 zeros = from;

	if (r->sections_off >= from)
		to = MIN(to, r->sections_off);
	while (zeros < to && !img->bytes[zeros])
		zeros++;
	return !img->nsecs && zeros < to ? 0 : zeros - from;
}

/* Only notes that say what the processor's shadow stack and the like may do. */
static bool only_properties(const struct image *img, const Elf64_Phdr *p)
{
	struct rd file = rd_of(img->bytes, img->size, "notes"),
		  r = rd_sub(&file, p->p_offset, p->p_filesz);

	while (!r.bad && rd_left(&r) >= 12) {
		u32 name = rd_u32(&r), desc = rd_u32(&r), type = rd_u32(&r);

		if (type != NT_GNU_PROPERTY_TYPE_0 || !str_eq(rd_bytes(&r, name), STR("GNU\0")))
			return false;
		rd_skip(&r, MIN(round_up(desc, 8), rd_left(&r)));
	}
	return !r.bad && !rd_left(&r);
}

static bool dispensable(const struct image *img, const Elf64_Phdr *p)
{
	return p->p_type == PT_GNU_PROPERTY || p->p_type == PT_PAX_FLAGS_GO ||
	       (p->p_type == PT_NOTE && only_properties(img, p));
}

static void drop(struct room *r, u32 k)
{
	r->ndropped++;
	memmove(&r->table[k], &r->table[k + 1], (r->n - k - 1) * sizeof(r->table[0]));
	r->n--;
}

/* Behind the last PT_LOAD: they are to be ascending. */
static void insert(struct room *r)
{
	u32 at = 0;

	for (u32 i = 0; i < r->n; i++)
		if (r->table[i].p_type == PT_LOAD)
			at = i + 1;
	memmove(&r->table[at + ROOM_NEW], &r->table[at], (r->n - at) * sizeof(r->table[0]));
	memset(&r->table[at], 0, ROOM_NEW * sizeof(r->table[0]));
	r->first_new = at;
	r->n += ROOM_NEW;
	for (u32 i = 0; i < r->n; i++)
		if (r->table[i].p_type == PT_PHDR)
			r->table[i].p_filesz = r->table[i].p_memsz = r->n * sizeof(r->table[0]);
}

static u32 count_dispensable(const struct room *r, const struct image *img)
{
	u32 n = 0;

	for (u32 i = 0; i < r->n; i++)
		n += dispensable(img, &r->table[i]);
	return n;
}

/* In the order of room.h. */
static void choose(struct room *r, const struct image *img)
{
	const u64 each = sizeof(r->table[0]);
	u64 from = img->phdrs_off + r->n * each, to = free_until(r, img, from),
	    zeros = zeros_behind(r, img, from, to), need = 0;

	if (zeros / each >= ROOM_NEW) {
		r->kind = ROOM_BEHIND;
	} else if (r->sections_size && r->sections_off == from + zeros &&
		   to - from >= ROOM_NEW * each &&
		   to - r->sections_off >= r->sections_size) {
		r->kind = ROOM_SECTIONS;
	} else {
		need = ROOM_NEW - zeros / each;
		r->kind = need > count_dispensable(r, img) ? ROOM_MOVED : ROOM_REPLACES;
	}
	for (u32 i = r->n; r->kind == ROOM_REPLACES && need && i-- > 0;)
		if (dispensable(img, &r->table[i])) {
			drop(r, i);
			need--;
		}
}

bool room_find(struct room *r, const struct image *img, struct err *err)
{
	*r = (struct room){ 0 };
	if (img->nphdrs + ROOM_NEW > ROOM_MOST)
		return err_set(err, ERR_UNSUPPORTED, "%.*s: has %lu program headers, more than are "
			       "expected", STR_F(img->path), (unsigned long)img->nphdrs);
	memcpy(r->table, img->bytes + img->phdrs_off, img->nphdrs * sizeof(r->table[0]));
	r->n = (u32)img->nphdrs;
	find_sections(r, img);
	choose(r, img);
	insert(r);
	return true;
}

u64 room_end(const struct room *r, const struct image *img)
{
	u64 end = img->phdrs_off + img->nphdrs * sizeof(r->table[0]);

	if (r->sections_size)
		end = MAX(end, r->sections_off + r->sections_size);
	for (size_t i = 0; i < img->nsegs; i++)
		end = MAX(end, img->segs[i].off + img->segs[i].filesz);
	for (size_t i = 0; i < img->nsecs; i++)
		if (img->secs[i].size)
			end = MAX(end, img->secs[i].off + img->secs[i].size);
	return MIN(end, img->size);
}

void room_move(struct room *r, u64 off, u64 va)
{
	for (u32 i = 0; i < r->n; i++)
		if (r->table[i].p_type == PT_PHDR) {
			r->table[i].p_offset = off;
			r->table[i].p_vaddr = r->table[i].p_paddr = va;
		}
}
