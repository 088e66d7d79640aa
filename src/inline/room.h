/* room - two more program headers for a program: where they go.
 *
 * In this order: zero bytes behind the table, which the Go linker leaves; the place of the section
 * headers, where these come next (from Go 1.26 on), and they move to the end of the file; the place
 * of headers that a Go program does without (PT_GNU_PROPERTY, its PT_NOTE, PT_PAX_FLAGS); a new
 * table in our own segment. That segment then has the same distance between address and file offset
 * as the program's first one, because kernels before 5.18 tell the program where its table lies by
 * that distance; so the file grows to where memory ends, as a hole.
 *
 * Owns     nothing.
 * Units    file offsets.
 * Fails    ERR_UNSUPPORTED: a table that is too long, or not in memory.
 * Threads  any. */
#ifndef INLINE_ROOM_H
#define INLINE_ROOM_H

#include <elf.h>

#include "image/image.h"

enum { ROOM_NEW = 2, ROOM_MOST = 64 };

enum room_kind { ROOM_BEHIND, ROOM_SECTIONS, ROOM_REPLACES, ROOM_MOVED };

struct room {
	enum room_kind kind;
	Elf64_Phdr table[ROOM_MOST];	/* as it will be, the new ones still empty */
	u32 n, first_new;
	u32 ndropped;		/* headers that gave way */
	u64 sections_off, sections_size;	/* the section headers, where they are now */
};

bool room_find(struct room *r, const struct image *img, struct err *err) MUST_CHECK;
/* Where everything ends that the headers name. */
u64 room_end(const struct room *r, const struct image *img);
/* ROOM_MOVED: the table says itself where it lies. */
void room_move(struct room *r, u64 off, u64 va);

#endif
