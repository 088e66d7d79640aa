/* map - a hash map from u64 to u64 (addresses, goroutine ids, indexes).
 *
 * Owns     its table, until map_release().
 * Units    none; every key is allowed.
 * Fails    never: out of memory ends the process. "Not there" is NULL.
 * Threads  one map per thread. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/defs.h"

struct map_slot {
	u64 key, value;
	bool used;
};

struct map {
	struct map_slot *slots;
	size_t n, room;	/* room is 0 or a power of two */
};

/* The value's place, or NULL. Dies with the next map_put or map_remove. */
u64 *map_get(const struct map *m, u64 key);
/* The value's place; a new key starts with 0. */
u64 *map_put(struct map *m, u64 key);
void map_remove(struct map *m, u64 key);
void map_release(struct map *m);

#endif
