/* fake_impl - how a fake is put together, byte behind byte.
 *
 * Owns     struct maker its places, until fake_make() is done.
 * Units    file offsets.
 * Fails    never.
 * Threads  one. */
#ifndef FAKE_IMPL_H
#define FAKE_IMPL_H

#include "fake.h"

enum { END_PC = 320 };

static inline void put(struct fake *f, u64 value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		*vec_push(&f->bytes) = (u8)(value >> 8 * i);
}

static inline void put_text(struct fake *f, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*vec_push(&f->bytes) = (u8)s[i];
}

static inline void put_z(struct fake *f, const char *s)
{
	put_text(f, s, strlen(s) + 1);
}

static inline void align(struct fake *f, size_t to)
{
	while (f->bytes.n % to)
		put(f, 0, 1);
}

/* Places of pointers, for the relocations of a PIE. */
struct maker {
	struct fake *f;
	const struct fake_wish *w;
	VEC(size_t) pointers;
};

static inline void put_pointer(struct maker *m, size_t to)
{
	*vec_push(&m->pointers) = m->f->bytes.n;
	put(m->f, m->f->base + to, 8);
}

static inline void set_pointer(struct maker *m, size_t at, size_t to)
{
	*vec_push(&m->pointers) = at;
	fake_put(m->f, at, m->f->base + to, 8);
}

static inline void put_uvarint(struct fake *f, u32 v)
{
	for (; v >= 0x80; v >>= 7)
		put(f, v | 0x80, 1);
	put(f, v, 1);
}

/* The five parts that the header of the function table and moduledata name, in their order. */
static inline size_t block_at(const struct fake *f, int i)
{
	const size_t at[] = { f->at_names, f->at_cutab, f->at_filetab, f->at_pctab, f->at_functab };

	return at[i];
}

/* Everything from its header to the inline tree of main.main. */
void fake_pclntab(struct maker *m);

#endif
