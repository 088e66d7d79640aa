/* heap - the spans of Go's heap, in a process that stands still or a core: which object an address
 * lies in, how large it is, whether it is free.
 *
 * Owns     its list, in the arena that it was made with.
 * Units    rt addresses, bytes.
 * Fails    go_heap_read: false where runtime.mheap_ can't be found or does not add up. A span that
 *          can't be read is left out; `cut` says that there were more than are looked at.
 * Threads  immutable once made.
 * Sources  runtime/mheap.go (mheap, mspan), runtime/mgcsweep.go (sweep, reportZombies),
 *          runtime/mbitmap.go (heapBitsInSpan, spanHeapBitsRange: 1.22 on). */
#ifndef GO_HEAP_H
#define GO_HEAP_H

#include "go/types.h"

struct go_span {
	u64 base, size, elem;	/* elem: of each object */
	u64 nelems, freeindex;
	u64 alloc_rt, mark_rt;	/* a bit for each object */
	u64 type_rt;		/* large_typed: the descriptor of its object, or of the elements */
	bool pointers;		/* may hold any */
	bool headers;		/* each object begins with such a descriptor's address */
	bool large_typed;
	bool small_bits;	/* ... or bits behind the last of them (enum heap_bits) */
};

/* Where the pointers of small objects are told: behind the objects of their span (1.22 on). */
enum heap_bits { HEAP_BITS_UNKNOWN, HEAP_BITS_LAST, HEAP_BITS_BEFORE_MARKS };

struct go_heap {
	const struct image *img;
	const struct go_program *prog;
	enum heap_bits bits;
	struct go_span *at;	/* in use for objects, by base */
	size_t n;
	bool cut;
};

struct go_object {
	const struct go_span *span;
	u64 base, index;
};

bool go_heap_read(struct go_heap *h, const struct image *img, const struct go_program *prog,
		  struct arena *a) MUST_CHECK;
/* The object that the address lies in; false: no object's. */
bool go_heap_object(const struct go_heap *h, u64 rt, struct go_object *to) MUST_CHECK;
/* Is it free, as far as can be read? `marked`: and yet the collector met a pointer to it. */
bool go_object_free(const struct go_heap *h, const struct go_object *o, bool *marked) MUST_CHECK;
/* Does the collector see a pointer in this word of it? */
enum sees go_object_sees(const struct go_heap *h, const struct go_object *o, u64 rt);
/* How many objects are not free; `seen` is called for the first `most` of them. */
u64 go_span_taken(const struct go_heap *h, const struct go_span *s, u64 most,
		  void (*seen)(void *ctx, u64 rt), void *ctx);
/* The objects that are both, at most `most`; gives how many there are in all. */
u64 go_heap_zombies(const struct go_heap *h, struct go_object *to, size_t most);

#endif
