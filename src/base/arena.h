/* arena - memory with one lifetime: many small allocations, one release.
 *
 * Owns     all that it gave out, until arena_release().
 * Units    bytes; everything is aligned to 16 and zeroed.
 * Fails    never: out of memory ends the process.
 * Threads  one arena per thread. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/defs.h"

struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t left;	/* bytes left in the first block */
};

void *arena_alloc(struct arena *a, size_t n);
void *arena_copy(struct arena *a, const void *p, size_t n);
void arena_release(struct arena *a);
/* Forgets all that it gave out, but keeps a block for the next round. */
void arena_reset(struct arena *a);

#define ARENA_NEW(a, T) ((T *)arena_alloc((a), sizeof(T)))
#define ARENA_ARRAY(a, T, n) ((T *)arena_alloc((a), sizeof(T) * (size_t)(n)))

/* Buffers that outlive no arena (vec.h, out.c): realloc that can't fail, and its free. */
void *mem_resize(void *p, size_t n);
void mem_free(void *p);

#endif
