#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { BLOCK = 64 * 1024, KEPT = 1024 * 1024 /* at most, from one round to the next */ };

struct arena_block {
	struct arena_block *next;
	size_t size;
	_Alignas(16) u8 bytes[];
};

void *mem_resize(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		die("out of memory (%zu bytes)", n);
	return p;
}

void mem_free(void *p)
{
	free(p);
}

/* Cleared by writing to it, unless it is large: what is read before it is written to costs two page
 * faults, and the second one stops all other threads for a moment. */
static struct arena_block *block_of(size_t size)
{
	size_t all = sizeof(struct arena_block) + size;
	struct arena_block *b = size > KEPT ? calloc(1, all) : malloc(all);

	if (!b)
		die("out of memory (%zu bytes)", size);
	if (size <= KEPT)
		memset(b->bytes, 0, size);
	b->next = NULL;
	b->size = size;
	return b;
}

/* Blocks are filled from the end down, so that `left` alone says where the room is. */
void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b;
	size_t size;

	if (n > SIZE_MAX / 2)
		die("out of memory (%zu bytes)", n);
	n = (n + 15) & ~(size_t)15;
	if (n <= a->left && a->blocks) {
		a->left -= n;
		return a->blocks->bytes + a->left;
	}
	size = MAX(n, (size_t)BLOCK);
	b = block_of(size);
	if (size > BLOCK && a->blocks) {	/* a big one goes behind: the room in front stays */
		b->next = a->blocks->next;
		a->blocks->next = b;
		return b->bytes;
	}
	b->next = a->blocks;
	a->blocks = b;
	a->left = size - n;
	return b->bytes + a->left;
}

void *arena_copy(struct arena *a, const void *p, size_t n)
{
	void *to = arena_alloc(a, n);

	if (n)
		memcpy(to, p, n);
	return to;
}

void arena_release(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	a->blocks = NULL;
	a->left = 0;
}

/* A round that needed several blocks gets one for all of it the next time: to give them back and to
 * take them again is what the system needs its time for. */
void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->blocks;
	size_t size = 0;

	for (struct arena_block *b = a->blocks; b; b = b->next)
		size += b->size;
	if (keep && keep->next) {
		arena_release(a);
		a->blocks = block_of(MIN(size, (size_t)KEPT));
		a->left = a->blocks->size;
	} else if (keep) {	/* the rest was never given out */
		memset(keep->bytes + a->left, 0, keep->size - a->left);
		a->left = keep->size;
	}
}
