/* newids - new ids of traces and spans: numbers of a generator that begins anywhere.
 *
 * They tell spans from each other and are no secret, so they need not be the kernel's own, which
 * were a thirtieth of the work on a span.
 *
 * Owns     the generator's state; all 0: it has not begun.
 * Units    none.
 * Fails    ends the process where the kernel has no random numbers to begin with.
 * Threads  one.
 * Source   xoshiro256++ 1.0 (D. Blackman, S. Vigna, "Scrambled linear pseudorandom number
 *          generators"), in the public domain. */
#ifndef SPAN_NEWIDS_H
#define SPAN_NEWIDS_H

#include "base/defs.h"

struct new_ids {
	u64 state[4];
};

/* Of 8 bytes or 16; never all 0. */
void new_id(struct new_ids *ids, u8 *to, size_t n);

#endif
