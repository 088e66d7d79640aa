#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { BLOCK = 64 * 1024 };

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
	b = calloc(1, sizeof(*b) + size);
	if (!b)
		die("out of memory (%zu bytes)", size);
	b->size = size;
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

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->blocks;
	struct arena rest = { .blocks = keep ? keep->next : NULL };

	arena_release(&rest);
	if (!keep)
		return;
	keep->next = NULL;
	memset(keep->bytes + a->left, 0, keep->size - a->left);	/* the rest was never given out */
	a->left = keep->size;
}
