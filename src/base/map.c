#include "base/map.h"

#include <string.h>
#include <sys/auxv.h>

#include "base/arena.h"

/* Keys come from cores and files: which of them meet must not be known before. */
static u64 secret[2];

__attribute__((constructor)) static void choose_secret(void)
{
	memcpy(secret, (const void *)(uintptr_t)getauxval(AT_RANDOM), sizeof(secret));
}

static size_t home(const struct map *m, u64 key)
{
	unsigned __int128 all = (unsigned __int128)(key ^ secret[0]) * (secret[1] | 1);

	return (size_t)(all ^ all >> 64) & (m->room - 1);
}

static struct map_slot *find(const struct map *m, u64 key)
{
	size_t i = home(m, key);

	while (m->slots[i].used && m->slots[i].key != key)
		i = (i + 1) & (m->room - 1);
	return &m->slots[i];
}

u64 *map_get(const struct map *m, u64 key)
{
	struct map_slot *s = m->room ? find(m, key) : NULL;

	return s && s->used ? &s->value : NULL;
}

static void grow(struct map *m)
{
	struct map old = *m;

	m->room = old.room ? old.room * 2 : 16;
	m->slots = mem_resize(NULL, m->room * sizeof(*m->slots));
	memset(m->slots, 0, m->room * sizeof(*m->slots));
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i].used)
			*find(m, old.slots[i].key) = old.slots[i];
	mem_free(old.slots);
}

u64 *map_put(struct map *m, u64 key)
{
	struct map_slot *s;

	if ((m->n + 1) * 4 > m->room * 3)
		grow(m);
	s = find(m, key);
	if (!s->used) {
		*s = (struct map_slot){ .key = key, .used = true };
		m->n++;
	}
	return &s->value;
}

/* Linear probing without tombstones: whoever stands behind the hole moves up. */
void map_remove(struct map *m, u64 key)
{
	struct map_slot *s = m->room ? find(m, key) : NULL;
	size_t hole, i;

	if (!s || !s->used)
		return;
	hole = (size_t)(s - m->slots);
	s->used = false;
	m->n--;
	for (i = (hole + 1) & (m->room - 1); m->slots[i].used; i = (i + 1) & (m->room - 1)) {
		size_t h = home(m, m->slots[i].key);

		if (((i - h) & (m->room - 1)) >= ((i - hole) & (m->room - 1))) {
			m->slots[hole] = m->slots[i];
			m->slots[i].used = false;
			hole = i;
		}
	}
}

void map_release(struct map *m)
{
	mem_free(m->slots);
	*m = (struct map){ 0 };
}
