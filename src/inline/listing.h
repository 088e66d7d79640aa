/* listing - generated code as text.
 *
 * Owns     nothing.  Units  rt addresses.  Fails  never: it ends where bytes do not decode.
 * Threads  one. */
#ifndef INLINE_LISTING_H
#define INLINE_LISTING_H

#include "base/out.h"

void listing(struct out *o, const u8 *p, size_t n, u64 rt);

#endif
