/*	mheap	allspans, a slice of *mspan
 *	mspan	startAddr 24, npages 32, freeindex 48; the rest as the row says:
 *		spanclass before state, elemsize 5 bytes behind it
 *
 * An object is free if its index is not below freeindex and its bit in allocBits is 0. gcmarkBits
 * then has a 1 only if the collector met a pointer to it: what sweep ends the program for. */
#include "go/heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "go/globals.h"
#include "go/release.h"
#include "go/vars.h"

enum { SPAN_BYTES = 120, START = 24, NPAGES = 32, FREEINDEX = 48, PAGE = 8192, IN_USE = 1,
       ELEM_BEHIND_STATE = 5, HEADERS_ABOVE = 512, HEADER = 8,
       BITS_PART = 64 /* of a span */, INLINE_MARKS = 128, MARKS_FROM = 16 /* of a size */,
       SPANS_MOST = 1 << 19, BITS_MOST = 1024 + 8, TRIED = 64 };

static u64 word(const u8 *p, size_t n)
{
	u64 v = 0;

	memcpy(&v, p, n);
	return v;
}

static bool read_span(const struct image *img, const struct go_heap_layout *l, u64 rt,
		      struct go_span *to, u8 *state)
{
	u8 b[SPAN_BYTES];

	if (!image_read_rt(img, rt, b, sizeof(b)))
		return false;
	*to = (struct go_span){
		.base = word(b + START, 8), .size = word(b + NPAGES, 8) * PAGE,
		.freeindex = word(b + FREEINDEX, l->count_size),
		.nelems = word(b + l->nelems, l->count_size),
		.alloc_rt = word(b + l->alloc_bits, 8), .mark_rt = word(b + l->alloc_bits + 8, 8),
		.elem = word(b + l->state + ELEM_BEHIND_STATE, 8),
		.pointers = !(b[l->state - 1] & 1),
	};
	*state = b[l->state];
	/* smaller ones have their pointers' bits in the span */
	to->small_bits = l->large_type && to->pointers && to->elem <= HEADERS_ABOVE;
	if (l->large_type && to->pointers && to->elem > HEADERS_ABOVE) {
		to->large_typed = b[l->state - 1] >> 1 == 0;	/* size class 0 */
		to->headers = !to->large_typed;
		if (to->large_typed && !image_read_rt(img, rt + l->large_type, &to->type_rt, 8))
			to->type_rt = 0;
	}
	return true;
}

static bool sound(const struct go_span *s, u8 state)
{
	return state == IN_USE && s->base && !(s->base % PAGE) && s->size && s->elem &&
	       s->size < (u64)1 << 46 && s->nelems <= PAGE * 8 && s->freeindex <= s->nelems &&
	       s->elem <= s->size;
}

static int by_base(const void *a, const void *b)
{
	const struct go_span *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

/* By how many objects fit in front of them: where a collector keeps its marks there, too (Green
 * Tea, 1.26 on unless it was built without), some sizes have fewer. */
static enum heap_bits bits_of(const struct go_heap *h)
{
	u64 last = 0, before = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct go_span *s = &h->at[i];
		u64 room = s->size - s->size / BITS_PART;
		u64 n = room / s->elem, m = (room - INLINE_MARKS) / s->elem;

		if (!s->small_bits || s->elem < MARKS_FROM || n == m)
			continue;
		last += s->nelems == n;
		before += s->nelems == m;
	}
	return last && !before ? HEAP_BITS_LAST :
	       before && !last ? HEAP_BITS_BEFORE_MARKS : HEAP_BITS_UNKNOWN;
}

/* False: what lies there is no mheap. */
static bool spans_of(struct go_heap *h, const struct image *img, const struct go_program *prog,
		     u64 mheap_rt, struct arena *a)
{
	const struct go_heap_layout *l = go_heap_layout(prog->rel->minor);
	VEC(struct go_span) list = { 0 };
	u64 slice[3], part[512], bad = 0, n;

	if (!image_read_rt(img, mheap_rt + l->allspans, slice, sizeof(slice)) || !slice[0] ||
	    !slice[1] || slice[1] > slice[2] || slice[2] > (u64)1 << 30)
		return false;
	n = MIN(slice[1], (u64)SPANS_MOST);
	for (u64 i = 0; i < n; i += ARRAY_LEN(part)) {
		u64 k = MIN(n - i, (u64)ARRAY_LEN(part));

		if (!image_read_rt(img, slice[0] + i * 8, part, k * 8)) {
			bad += k;
			continue;
		}
		for (u64 j = 0; j < k; j++) {
			struct go_span s;
			u8 state;

			if (!read_span(img, l, part[j], &s, &state) || state > 2)
				bad++;
			else if (sound(&s, state))
				*vec_push(&list) = s;
		}
	}
	h->img = img;
	h->prog = prog;
	h->n = list.n;
	h->cut = n < slice[1] || bad;
	h->at = arena_copy(a, list.at, list.n * sizeof(*list.at));
	vec_release(&list);
	if (h->n)
		qsort(h->at, h->n, sizeof(*h->at), by_base);
	h->bits = bits_of(h);
	return h->n && bad * 2 < n;
}

bool go_heap_read(struct go_heap *h, const struct image *img, const struct go_program *prog,
		  struct arena *a)
{
	const struct go_heap_layout *l = prog->rel ? go_heap_layout(prog->rel->minor) : NULL;
	const struct go_global *known;
	u64 at[TRIED];
	size_t n;

	*h = (struct go_heap){ 0 };
	if (!l)
		return false;
	known = go_global_named(go_globals_of(prog), STR("runtime.mheap_"));
	if (known)
		return spans_of(h, img, prog, known->va + img->bias, a);
	n = go_mheap_candidates(prog, at, TRIED);
	for (size_t i = 0; i < n; i++)
		if (spans_of(h, img, prog, at[i] + img->bias, a))
			return true;
	*h = (struct go_heap){ 0 };
	return false;
}

bool go_heap_object(const struct go_heap *h, u64 rt, struct go_object *to)
{
	size_t lo = 0, hi = h->n;

	while (lo < hi) {	/* the first that begins behind rt */
		size_t mid = lo + (hi - lo) / 2;

		if (h->at[mid].base <= rt)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || rt - h->at[lo - 1].base >= h->at[lo - 1].size)
		return false;
	to->span = &h->at[lo - 1];
	to->index = (rt - to->span->base) / to->span->elem;
	to->base = to->span->base + to->index * to->span->elem;
	return to->index < to->span->nelems;
}

static bool bit(const struct go_heap *h, u64 bits_rt, u64 i, bool *to)
{
	u8 b;

	if (!bits_rt || !image_read_rt(h->img, bits_rt + i / 8, &b, 1))
		return false;
	*to = b >> (i % 8) & 1;
	return true;
}

bool go_object_free(const struct go_heap *h, const struct go_object *o, bool *marked)
{
	bool taken = true;

	*marked = false;
	return o->index >= o->span->freeindex && bit(h, o->span->alloc_rt, o->index, &taken) &&
	       !taken && bit(h, o->span->mark_rt, o->index, marked);
}

static enum sees by_type(const struct go_heap *h, u64 type_rt, u64 off)
{
	struct go_type *t = type_rt ? go_type_at(h->prog, type_rt - h->img->bias) : NULL;

	if (!t || !go_type_load(h->prog, t)->size)
		return CANT_TELL;
	return go_type_sees(h->prog, t, off % t->size);
}

enum sees go_object_sees(const struct go_heap *h, const struct go_object *o, u64 rt)
{
	const struct go_span *s = o->span;
	u64 bits = s->base + s->size - s->size / BITS_PART, type_rt;
	bool is;

	if (!s->pointers)
		return NO_POINTER;
	if (s->large_typed)
		return by_type(h, s->type_rt, rt - o->base);
	if (s->headers)
		return rt >= o->base + HEADER && image_read_rt(h->img, o->base, &type_rt, 8) ?
		       by_type(h, type_rt, rt - o->base - HEADER) : CANT_TELL;
	if (!s->small_bits || h->bits == HEAP_BITS_UNKNOWN)
		return CANT_TELL;
	if (h->bits == HEAP_BITS_BEFORE_MARKS && s->elem >= MARKS_FROM)
		bits -= INLINE_MARKS;
	return !bit(h, bits, (rt - s->base) / 8, &is) ? CANT_TELL : is ? POINTER : NO_POINTER;
}

u64 go_span_taken(const struct go_heap *h, const struct go_span *s, u64 most,
		  void (*seen)(void *ctx, u64 rt), void *ctx)
{
	size_t n = (size_t)(s->nelems + 7) / 8;
	u8 taken[BITS_MOST] = { 0 };
	u64 all = 0;

	if (n > BITS_MOST || (s->freeindex < s->nelems &&
			      !image_read_rt(h->img, s->alloc_rt, taken, n)))
		n = 0;	/* then only what freeindex says */
	for (u64 i = 0; i < (n ? s->nelems : s->freeindex); i++) {
		if (i >= s->freeindex && !(taken[i / 8] >> (i % 8) & 1))
			continue;
		if (all++ < most)
			seen(ctx, s->base + i * s->elem);
	}
	return all;
}

u64 go_heap_zombies(const struct go_heap *h, struct go_object *to, size_t most)
{
	u64 all = 0;

	for (size_t k = 0; k < h->n; k++) {
		const struct go_span *s = &h->at[k];
		u8 taken[BITS_MOST], marks[BITS_MOST];
		size_t n = (size_t)(s->nelems + 7) / 8;

		if (s->freeindex >= s->nelems || n > BITS_MOST ||
		    !image_read_rt(h->img, s->alloc_rt, taken, n) ||
		    !image_read_rt(h->img, s->mark_rt, marks, n))
			continue;
		for (u64 i = s->freeindex; i < s->nelems; i++) {
			if (!((marks[i / 8] & ~taken[i / 8]) >> (i % 8) & 1))
				continue;
			if (all++ < most)
				to[all - 1] = (struct go_object){ s, s->base + i * s->elem, i };
		}
	}
	return all;
}
