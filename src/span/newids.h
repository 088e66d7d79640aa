/* newids - new ids of traces and spans: random numbers of the kernel's, taken many at a time.
 *
 * Owns     those that are left.
 * Units    none.
 * Fails    ends the process where the kernel has none.
 * Threads  one. */
#ifndef SPAN_NEWIDS_H
#define SPAN_NEWIDS_H

#include "base/defs.h"

enum { RANDOM_BYTES = 1024 };

struct new_ids {
	u8 random[RANDOM_BYTES];
	size_t left;
};

/* Never all 0. */
void new_id(struct new_ids *ids, u8 *to, size_t n);

#endif
