/* histogram - how values are distributed: counts in buckets whose width grows with the value.
 *
 * Each power of two is cut into 64 buckets of equal width, so a bucket's middle is within 1/128
 * (0.8 %) of every value in it; values below 128 have a bucket each. Buckets of one power of two
 * are allocated together when the first value falls there: memory does not grow with the number of
 * values, and what ten thousand functions need fits in some ten megabytes.
 *
 * Owns     nothing: buckets lie in the caller's arena. All zero is an empty one.
 * Units    any, not negative: below 0 counts as 0.
 * Fails    never.
 * Threads  one. */
#ifndef EVENT_HISTOGRAM_H
#define EVENT_HISTOGRAM_H

#include "base/arena.h"

enum { HISTOGRAM_BITS = 6, HISTOGRAM_PARTS = 1 << HISTOGRAM_BITS, HISTOGRAM_GROUPS = 58 };

struct histogram {
	u64 count, sum;		/* the sum stays at its greatest when it would overflow */
	i64 min, max;
	u64 *group[HISTOGRAM_GROUPS];	/* HISTOGRAM_PARTS each, or NULL */
};

void histogram_add(struct histogram *h, struct arena *a, i64 value);
/* Adds all that is in `from`. */
void histogram_merge(struct histogram *to, struct arena *a, const struct histogram *from);
/* Forgets the values, keeps the memory. */
void histogram_clear(struct histogram *h);
/* The value that this many of 1000 do not exceed: p50 is 500. 0 when it is empty. */
i64 histogram_at(const struct histogram *h, u32 permille);
i64 histogram_mean(const struct histogram *h);

#endif
