#include "x86/form.h"

#include <string.h>

enum {
	SLOTS = 16384,
	WORD = 8,
	LONGEST = 7,	/* beginnings; longer ones are rare and not kept */
	PAIRS = 1 << 16,
	LINE = 64,
};

/* A slot's `target` is its key: the bytes, and in the highest how many; 0: free. So it has half a
 * line of the cache. */
struct forms {
	struct insn at[SLOTS];
	u8 lengths[PAIRS];	/* of beginnings with these first two bytes: bit k is length k */
};
_Static_assert(sizeof(struct insn) == 32, "half a line");

struct forms *forms_make(struct arena *a)
{
	u8 *p = arena_alloc(a, sizeof(struct forms) + LINE);

	return (struct forms *)(p + (LINE - (uintptr_t)p % LINE) % LINE);
}

static u64 word_at(const u8 *p, size_t n)
{
	u64 w = 0;

	if (n >= WORD)
		memcpy(&w, p, WORD);
	else
		memcpy(&w, p, n);
	return w;
}

static u64 key_of(u64 word, u32 n)
{
	return (word & ((1ull << 8 * n) - 1)) | (u64)n << 56;
}

static u32 slot_of(u64 key)
{
	return (u32)((key * 0x9e3779b97f4a7c15ull) >> 32) % SLOTS;
}

/* No beginning goes on as another one, so of several that fit there is only one. */
bool forms_find(const struct forms *f, const u8 *p, size_t n, struct insn *to)
{
	u64 word = word_at(p, n), key;

	for (u32 left = f->lengths[word % PAIRS]; left; left &= left - 1) {
		const struct insn *is;

		key = key_of(word, (u32)__builtin_ctz(left));
		is = &f->at[slot_of(key)];
		if ((u64)is->target == key && is->size <= n) {
			*to = *is;
			return true;
		}
	}
	return false;
}

void forms_keep(struct forms *f, const u8 *p, size_t n, u32 begin, const struct insn *i)
{
	u64 word = word_at(p, n), key;
	struct insn *is;

	if (begin > LONGEST)
		return;
	key = key_of(word, begin);
	is = &f->at[slot_of(key)];
	*is = *i;
	is->target = (i64)key;
	f->lengths[word % PAIRS] |= (u8)(1u << begin);
}
