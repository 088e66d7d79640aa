/* fips - what a program of Go 1.24 and later sums of itself when it is told to be FIPS 140.
 *
 *   OFFSET SIZE   MEANING
 *   0      16     "\xff Go fipsinfo \xff\0"
 *   16     32     the sum: HMAC-SHA-256 with a key of zeros of "go fips object v1\n" and, for each
 *                 range, its size as a big-endian u64 and its bytes
 *   48     8      its own address
 *   56     4*16   {start, end} of text, rodata, noptrdata, data
 *
 * Owns     nothing.  Units  link-time addresses.  Fails  never: false where there is none.
 * Threads  any.
 * Sources  cmd/link/internal/ld/fips140.go, crypto/internal/fips140/check. */
#ifndef GO_FIPS_H
#define GO_FIPS_H

#include "image/image.h"

struct go_fips {
	u64 va;
	struct { u64 lo, hi; } range[4];	/* the first is text */
};

enum { GO_FIPS_SUM = 16, GO_FIPS_SUM_SIZE = 32 };	/* from va on */

bool go_fips_find(const struct image *img, struct go_fips *to);

#endif
