#include "x86/form.h"

#include <string.h>

enum {
	SLOTS = 8192,
	WORD = 8,
	LONGEST = 7,	/* beginnings; longer ones are rare and not kept */
	PAIRS = 1 << 16,
};

struct forms {
	u8 lengths[PAIRS];	/* of beginnings with these first two bytes: bit k is length k */
	struct {
		u64 key;	/* the bytes, and in the highest how many; 0: free */
		struct insn is;
	} at[SLOTS];
};

struct forms *forms_make(struct arena *a)
{
	return ARENA_NEW(a, struct forms);
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
	u32 slot;

	for (u32 left = f->lengths[word % PAIRS]; left; left &= left - 1) {
		key = key_of(word, (u32)__builtin_ctz(left));
		slot = slot_of(key);
		if (f->at[slot].key == key && f->at[slot].is.size <= n) {
			*to = f->at[slot].is;
			return true;
		}
	}
	return false;
}

void forms_keep(struct forms *f, const u8 *p, size_t n, u32 begin, const struct insn *i)
{
	u64 word = word_at(p, n), key;
	u32 slot;

	if (begin > LONGEST)
		return;
	key = key_of(word, begin);
	f->lengths[word % PAIRS] |= (u8)(1u << begin);
	slot = slot_of(key);
	f->at[slot].key = key;
	f->at[slot].is = *i;
}
