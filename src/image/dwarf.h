/* dwarf - a thin layer over elfutils' libdw: debug sections, units, entries, attributes.
 *
 * libdw gets an ELF file of our own making that holds copies of the debug sections that we use and
 * nothing else: it may change what it reads (it decompresses in place), and it sees no header that
 * was not checked.
 *
 * Owns     the copy and libdw's tables, until debug_release(); entries and texts die with it.
 * Units    entries are named by their offset in .debug_info; addresses are link-time addresses.
 * Fails    debug_open: false when there is no usable debug information. Everything else is "not
 *          there": false, or an empty text. Walks over entries that lie come to an end.
 * Threads  one. */
#ifndef IMAGE_DWARF_H
#define IMAGE_DWARF_H

#include <dwarf.h>
#include <elfutils/libdw.h>

#include "image/image.h"

struct debug {
	Dwarf *dw;
	Elf *elf;
	void *copy;
	struct str entries;	/* .debug_info, decompressed */
};

/* `places`: debug_pieces will be asked; without it there are none. */
bool debug_open(struct debug *d, const struct image *img, bool places) MUST_CHECK;
void debug_release(struct debug *d);

/* The next unit's entry; *at starts with 0 and goes on. False behind the last. */
bool debug_unit(const struct debug *d, u64 *at, Dwarf_Die *unit);
bool debug_entry(const struct debug *d, u64 offset, Dwarf_Die *die);
bool debug_child(Dwarf_Die *die, Dwarf_Die *child);
bool debug_next(Dwarf_Die *die, Dwarf_Die *next);	/* may be the same struct */
struct str debug_text(const struct debug *d, Dwarf_Die *die, unsigned attribute);
bool debug_number(Dwarf_Die *die, unsigned attribute, u64 *to);	/* constants, flags, addresses */
bool debug_ref(Dwarf_Die *die, unsigned attribute, Dwarf_Die *to);
bool debug_flag(Dwarf_Die *die, unsigned attribute);
/* Where a variable lies that has one address all the time. */
bool debug_location(Dwarf_Die *die, u64 *va);
bool debug_low_pc(Dwarf_Die *die, u64 *va);
/* The unit's next range of code; starts with {0}. False behind the last. */
struct debug_range {
	ptrdiff_t at;
	Dwarf_Addr base, lo, hi;
};
bool debug_range(Dwarf_Die *unit, struct debug_range *r);
/* Bytes of a variable or parameter of `size` bytes that lie in the frame when its function stands
 * at va; how many such runs. */
struct debug_piece {
	u32 at, size;	/* in the value; UINT32_MAX: all of it */
	i64 off;	/* from the frame's base */
	bool known;
};
size_t debug_pieces(Dwarf_Die *die, u64 va, u64 size, struct debug_piece *to, size_t most);
/* Is it in different places at different times? */
bool debug_moves(Dwarf_Die *die);
/* Is va in the code of an entry, of whatever ranges? */
bool debug_covers(Dwarf_Die *die, u64 va);
static inline u64 debug_offset(Dwarf_Die *die)
{
	return dwarf_dieoffset(die);
}

#endif
