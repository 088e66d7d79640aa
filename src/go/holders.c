#include "go/holders.h"

enum {
	STACK_MOST = 64 << 10,	/* of each stack so much is looked at, from its inner end on */
	SMALL = 128,	/* bytes of an object that is looked into */
};

static size_t held_index(struct holders *h, u64 address)
{
	u64 *at = map_put(&h->by_word, address);

	if (!*at) {
		*vec_push(&h->all) = (struct held){ .address = address };
		*at = h->all.n;
	}
	return *at - 1;
}

static void wait_for(struct holders *h, const struct goroutine *g, u64 address)
{
	u64 *first;

	if (!address)
		return;
	(void)held_index(h, address);
	first = map_put(&h->waits, g->g_rt);
	*vec_push(&h->pairs) = (struct waits_for){ g->g_rt, address };
	if (!*first)
		*first = h->pairs.n;
}

void holders_wait(struct holders *h, const struct goroutine *g, const struct wait *w)
{
	if (!w->kind)
		return;
	if (!w->n)
		wait_for(h, g, w->address);
	for (u32 i = 0; i < w->n; i++)
		wait_for(h, g, w->at[i].address);
}

static bool waits_for(const struct holders *h, const struct goroutine *g, u64 address)
{
	const u64 *first = map_get(&h->waits, g->g_rt);

	for (size_t i = first ? *first - 1 : h->pairs.n; i < h->pairs.n; i++) {
		if (h->pairs.at[i].g != g->g_rt)
			return false;
		if (h->pairs.at[i].address == address)
			return true;
	}
	return false;
}

static void found(struct holders *h, const struct goroutine *g, size_t index, enum held_by by)
{
	struct held *held = &h->all.at[index];
	struct holder *last = held->n ? &held->at[held->n - 1] : NULL;

	if (waits_for(h, g, held->address))
		return;
	if (last && last->g == g) {
		last->by = MIN(last->by, by);
	} else if (held->n == HOLDERS_MOST) {
		held->more = true;
	} else {
		held->at[held->n++] = (struct holder){ g, by };
	}
}

/* A word that was met: is it, or that of its object, what somebody waits for? */
static bool met(struct holders *h, const struct goroutine *g, u64 word, bool behind)
{
	const u64 *at = map_get(&h->by_word, word);

	for (size_t i = at ? (size_t)*at : 0; i; i = h->all.at[i - 1].next) {
		if (h->all.at[i - 1].address == word)
			found(h, g, i - 1, behind ? HELD_BEHIND : HELD_ADDRESS);
		else if (!behind)
			found(h, g, i - 1, HELD_OBJECT);
	}
	return at;
}

static void look_into(struct holders *h, const struct goroutine *g, const struct image *img,
		      const struct go_heap *heap, u64 word)
{
	struct go_object o;
	u64 in[SMALL / 8];
	size_t n;

	if (!go_heap_object(heap, word, &o) || o.base != word || o.span->elem > SMALL ||
	    !o.span->pointers)
		return;
	n = image_read_some(img, o.base, in, o.span->elem) / 8;
	for (size_t i = 0; i < n; i++)
		(void)met(h, g, in[i], true);
}

static void stack(struct holders *h, const struct goroutine *g, const struct image *img,
		  const struct go_heap *heap)
{
	static u64 words[STACK_MOST / 8];
	u64 from = g->torn || g->sp - g->lo >= g->hi - g->lo ? g->lo : g->sp;
	size_t n;

	if (g->hi <= from || g->hi - from > (1ull << 40))
		return;
	n = image_read_some(img, from, words, (size_t)MIN(g->hi - from, (u64)STACK_MOST)) / 8;
	for (size_t i = 0; i < n; i++)
		if (!met(h, g, words[i], false) && heap)
			look_into(h, g, img, heap, words[i]);
}

/* Whoever has a pointer to a struct need not have one to the lock in it. */
static void objects(struct holders *h, const struct go_heap *heap)
{
	for (size_t i = 0; i < h->all.n; i++) {
		struct held *held = &h->all.at[i];
		struct go_object o;
		u64 *at;

		if (!go_heap_object(heap, held->address, &o) || o.base == held->address)
			continue;
		at = map_put(&h->by_word, o.base);
		if (*at) {	/* behind the one that begins there, or was first */
			held->next = h->all.at[*at - 1].next;
			h->all.at[*at - 1].next = (u32)i + 1;
		} else {
			*at = i + 1;
		}
		held->object = o.base;
	}
}

void holders_find(struct holders *h, const struct goroutines *gs, const struct image *img,
		  const struct go_heap *heap)
{
	if (!h->all.n)
		return;
	if (heap)
		objects(h, heap);
	for (size_t i = 0; i < gs->all.n; i++)
		if (!gs->all.at[i].system)
			stack(h, &gs->all.at[i], img, heap);
}

const struct held *holders_of(const struct holders *h, u64 address)
{
	const u64 *at = map_get(&h->by_word, address);

	return at && h->all.at[*at - 1].address == address ? &h->all.at[*at - 1] : NULL;
}

void holders_release(struct holders *h)
{
	map_release(&h->by_word);
	map_release(&h->waits);
	vec_release(&h->all);
	vec_release(&h->pairs);
}
