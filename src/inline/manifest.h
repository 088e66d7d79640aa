/* manifest - what a copy of a program says of itself: how it was changed, and what was there.
 *
 * It lies at the start of a PT_LOAD of the copy:
 *
 *   OFFSET SIZE MEANING
 *   0      16   MANIFEST_MAGIC
 *   16     4    version of this layout
 *   20     4    bytes up to the end of the pieces
 *   24     8    checksum of those from offset 32 on
 *   32     32   the goshawk that wrote it, a text
 *   64     8    bytes of the original file
 *   72     8    its checksum
 *   80     8    delay, ns
 *   88     8    at every so-manieth pass; 0: by chance
 *   96     4    ... which is so many in a million
 *   100    4    most percent of the time
 *   104    8    seed
 *   112    8    address of runtime.writeBarrier
 *   120    8    address of the delays' data (delay.h)
 *   128    4    sites
 *   132    4    MANIFEST_… flags
 *   136    4    pieces
 *   140    4    where they begin, from here
 *
 * A piece is bytes of the original that were replaced. They are ascending, each is a uvarint of the
 * bytes between the last one's end and this one, a uvarint of 4 * its size + its kind, and its
 * bytes. Those of a check are left out: `cmpl $0, runtime.writeBarrier(%rip)` is known.
 *
 * Owns     nothing: views into the file.
 * Units    file offsets and sizes in bytes; _va as in image/image.h.
 * Fails    ERR_FORMAT (damaged), ERR_UNSUPPORTED (a later layout), ERR_REFUSED (there is one).
 * Threads  any. */
#ifndef INLINE_MANIFEST_H
#define INLINE_MANIFEST_H

#include "base/out.h"
#include "image/image.h"
#include "inline/delay.h"

#define MANIFEST_MAGIC "goshawk delays\n"	/* and its NUL: 16 bytes */
enum { MANIFEST_HEAD = 144, MANIFEST_LAYOUT = 1, MANIFEST_FIPS = 1 };

enum piece_kind { PIECE_OTHER, PIECE_CHECK, PIECE_WINDOW };
enum { CHECK_SIZE = 7, JUMP_SIZE = 5 };	/* bytes of a check's cmpl, and of a jump */

struct manifest {
	struct str version;
	u64 size, sum;		/* of the original */
	struct delay_ask ask;
	u64 flag_va, data_va;
	u32 sites, flags, npieces;
	struct rd pieces;
};

struct piece {
	u64 off;
	u32 size;
	u8 kind;
	const u8 *was;		/* NULL: a check's */
};

/* False: there is none, or *err says what is wrong with it. */
bool manifest_find(const struct image *img, struct manifest *m, struct err *err) MUST_CHECK;
/* Is there none? ERR_REFUSED: its stores are delayed already. */
bool manifest_absent(const struct image *img, struct err *err) MUST_CHECK;
/* One after the other, npieces times. */
bool manifest_piece(struct manifest *m, u64 *end, struct piece *to);
/* The address of a file offset, or 0. */
u64 manifest_va(const struct image *img, u64 off);
/* The bytes of a check whose cmpl is at va. */
void manifest_check(const struct manifest *m, u64 va, u8 *to);
/* Writes the head, and the pieces at their place; what lies between is there already. */
void manifest_write(const struct manifest *m, u8 *to, u32 pieces_at, struct str pieces);
/* Appends a piece to a list. */
void manifest_put(struct out *o, const struct piece *p, u64 *end);
u64 manifest_sum(const void *p, size_t n);

#endif
