#include "event/histogram.h"

#include <string.h>

/* Groups 0 and 1 hold the values below 128, one each; group n > 0 holds [64 << n-1, 64 << n) in
 * steps of 1 << n-1. */
struct place {
	u32 group, part;
};

static struct place place_of(u64 v)
{
	u32 top = v ? 63 - (u32)__builtin_clzll(v) : 0;

	if (top < HISTOGRAM_BITS)
		return (struct place){ 0, (u32)v };
	return (struct place){
		top - HISTOGRAM_BITS + 1,
		(u32)(v >> (top - HISTOGRAM_BITS)) & (HISTOGRAM_PARTS - 1),
	};
}

static u64 middle(struct place p)
{
	u64 width;

	if (!p.group)
		return p.part;
	width = (u64)1 << (p.group - 1);
	return (HISTOGRAM_PARTS + p.part) * width + (width - 1) / 2;
}

static void add(struct histogram *h, struct arena *a, struct place p, u64 n)
{
	u64 **g = &h->group[p.group];

	if (!*g)
		*g = ARENA_ARRAY(a, u64, HISTOGRAM_PARTS);
	(*g)[p.part] += n;
}

static void count(struct histogram *h, u64 n, u64 sum, i64 min, i64 max)
{
	h->min = h->count ? MIN(h->min, min) : min;
	h->max = h->count ? MAX(h->max, max) : max;
	h->count += n;
	h->sum = h->sum + sum < h->sum ? UINT64_MAX : h->sum + sum;
}

void histogram_add(struct histogram *h, struct arena *a, i64 value)
{
	value = MAX(value, 0);
	count(h, 1, (u64)value, value, value);
	add(h, a, place_of((u64)value), 1);
}

void histogram_merge(struct histogram *to, struct arena *a, const struct histogram *from)
{
	if (!from->count)
		return;
	count(to, from->count, from->sum, from->min, from->max);
	for (u32 g = 0; g < HISTOGRAM_GROUPS; g++)
		for (u32 i = 0; from->group[g] && i < HISTOGRAM_PARTS; i++)
			if (from->group[g][i])
				add(to, a, (struct place){ g, i }, from->group[g][i]);
}

void histogram_clear(struct histogram *h)
{
	h->count = h->sum = 0;
	for (u32 g = 0; g < HISTOGRAM_GROUPS; g++)
		if (h->group[g])
			memset(h->group[g], 0, HISTOGRAM_PARTS * sizeof(**h->group));
}

i64 histogram_at(const struct histogram *h, u32 permille)
{
	u64 rank = h->count / 1000 * permille + (h->count % 1000 * permille + 999) / 1000, seen = 0;

	if (!h->count)
		return 0;
	if (rank <= 1 || rank >= h->count)	/* these are known exactly */
		return rank <= 1 ? h->min : h->max;
	for (u32 g = 0; g < HISTOGRAM_GROUPS; g++)
		for (u32 i = 0; h->group[g] && i < HISTOGRAM_PARTS; i++) {
			seen += h->group[g][i];
			if (seen >= rank)
				return MAX(MIN((i64)middle((struct place){ g, i }), h->max),
					   h->min);
		}
	return h->max;
}

i64 histogram_mean(const struct histogram *h)
{
	return h->count ? (i64)(h->sum / h->count) : 0;
}
