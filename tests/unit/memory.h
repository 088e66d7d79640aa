/* memory - a Go program that is a block of memory: one PT_LOAD that a test fills in, and a model of
 * it that is filled in by hand. For what reads descriptors, argument information and code.
 *
 * Owns     the bytes, until memory_end().
 * Units    addresses from BASE_VA on.
 * Fails    a test.
 * Threads  one. */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include <check.h>
#include <stdlib.h>

#include "go/release.h"
#include "go/sig.h"

enum {
	MEMORY_SIZE = 0x8000,
	TEXT_AT = 0,
	GOFUNC_AT = 0x1000,
	TYPES_AT = 0x2000,
	TYPES_SIZE = 0x4000
};
#define BASE_VA 0x400000ull
#define TEXT_VA (BASE_VA + TEXT_AT)
#define GOFUNC_VA (BASE_VA + GOFUNC_AT)
#define TYPES_VA (BASE_VA + TYPES_AT)

struct memory_program {
	u8 *bytes;
	struct segment seg;
	struct image img;
	struct go_program prog;
	u64 next_va;		/* where the next thing in types goes */
};

static inline void memory_begin(struct memory_program *m, unsigned minor)
{
	*m = (struct memory_program){ .bytes = calloc(1, MEMORY_SIZE), .next_va = TYPES_VA + 8 };
	m->seg = (struct segment){ .va = BASE_VA, .size = MEMORY_SIZE, .filesz = MEMORY_SIZE,
				   .read = true, .exec = true };
	m->img = (struct image){ .bytes = m->bytes,
				 .size = MEMORY_SIZE,
				 .segs = &m->seg,
				 .nsegs = 1,
				 .lo_va = BASE_VA,
				 .hi_va = BASE_VA + MEMORY_SIZE };
	m->prog = (struct go_program){ .img = &m->img, .rel = release_of(minor) };
	ck_assert_ptr_nonnull(m->prog.rel);
	m->prog.md = (struct moduledata){ .text_va = TEXT_VA, .etext_va = TEXT_VA + 0x1000,
					  .gofunc_va = GOFUNC_VA, .types_va = TYPES_VA,
					  .etypes_va = TYPES_VA + TYPES_SIZE };
}

static inline void memory_end(struct memory_program *m)
{
	go_types_release(&m->prog);
	go_sigs_release(&m->prog);
	arena_release(&m->prog.arena);
	free(m->bytes);
}

static inline void memory_put(struct memory_program *m, u64 va, u64 value, unsigned size)
{
	ck_assert_uint_le(va + size, BASE_VA + MEMORY_SIZE);
	for (unsigned i = 0; i < size; i++)
		m->bytes[va - BASE_VA + i] = (u8)(value >> 8 * i);
}

static inline void memory_copy(struct memory_program *m, u64 va, const void *p, size_t n)
{
	ck_assert_uint_le(va + n, BASE_VA + MEMORY_SIZE);
	memcpy(m->bytes + (va - BASE_VA), p, n);
}

/* Room for n bytes among the types, aligned to 8. */
static inline u64 memory_room(struct memory_program *m, size_t n)
{
	u64 va = m->next_va;

	m->next_va = round_up(va + n, 8);
	ck_assert_uint_le(m->next_va, TYPES_VA + TYPES_SIZE);
	return va;
}

#endif
