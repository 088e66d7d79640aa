/* sha256 - SHA-256 (FIPS 180-4) and HMAC-SHA-256 with a key of zeros, as Go's self-check uses it.
 *
 * Owns     nothing.
 * Units    bytes.
 * Fails    never.
 * Threads  one struct per thread. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/defs.h"

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64 };

struct sha256 {
	u32 state[8];
	u64 n;			/* bytes so far */
	u8 block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_end(struct sha256 *s, u8 *to);

/* The key is as many zeros as a block has, which is what shorter keys of zeros mean, too. */
void hmac0_begin(struct sha256 *s);
void hmac0_end(struct sha256 *s, u8 *to);

#endif
