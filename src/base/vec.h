/* vec - a growing array of any type.
 *
 * Owns     its buffer, until vec_release(); pointers into it die with the next push.
 * Units    elements.
 * Fails    never: out of memory ends the process.
 * Threads  one vec per thread. */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/arena.h"
#include "base/defs.h"

#define VEC(T) struct { T *at; size_t n, room; }
#define VEC_TYPE(name, T) struct name { T *at; size_t n, room; }

/* Makes room for one more and gives its place, not zeroed. */
#define vec_push(v) (vec_reserve(v, (v)->n + 1), &(v)->at[(v)->n++])
#define vec_reserve(v, want) \
	((void)(((v)->at && (v)->room >= (want)) || \
		((v)->at = vec_grow((v)->at, &(v)->room, (want), sizeof(*(v)->at)))))
#define vec_release(v) (mem_free((v)->at), (v)->at = NULL, (v)->n = (v)->room = 0)

static inline void *vec_grow(void *at, size_t *room, size_t want, size_t each)
{
	size_t n = *room ? *room * 2 : 8;

	*room = MAX(n, want);
	return mem_resize(at, *room * each);
}

#endif
