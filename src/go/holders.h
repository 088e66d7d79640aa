/* holders - which goroutines have what others wait for: a lock or a channel, by its address.
 *
 * A Go lock does not know who has it, nor a channel who is going to come. Who has the address on
 * the part of his stack that is in use, or what leads there, and does not wait for it himself, may
 * be the one: that is all that is said here. Global variables need not be on any stack.
 *
 * Owns     its lists, until holders_release().
 * Units    rt addresses.
 * Fails    never: what can't be read is not found.
 * Threads  one.
 */
#ifndef GO_HOLDERS_H
#define GO_HOLDERS_H

#include "go/heap.h"
#include "go/waits.h"

enum held_by {	/* what was found on its stack: the nearest of these */
	HELD_ADDRESS,	/* its address */
	HELD_OBJECT,	/* that of the object which it is a part of */
	HELD_BEHIND,	/* that of a small object, a closure perhaps, in which the address is */
};

struct holder {
	const struct goroutine *g;
	enum held_by by;
};
enum { HOLDERS_MOST = 16 };

struct held {
	u64 address, object;	/* object: what it is a part of, if it does not begin there */
	struct holder at[HOLDERS_MOST];	/* by goid */
	u32 n;
	bool more;
	u32 next;	/* 1 + index of another that is a part of the same object; 0: none */
};

struct waits_for {
	u64 g, address;
};

struct holders {
	struct map by_word;	/* its address and its object's -> 1 + index in all */
	struct map waits;	/* g -> 1 + index in pairs, of its first */
	VEC(struct held) all;
	VEC(struct waits_for) pairs;
};

/* This one waits for that: to be called for all that do, before holders_find. */
void holders_wait(struct holders *h, const struct goroutine *g, const struct wait *w);
/* Looks through the stacks. `heap`: NULL, or where objects are found. */
void holders_find(struct holders *h, const struct goroutines *gs, const struct image *img,
		  const struct go_heap *heap);
/* NULL: nobody waits for it. */
const struct held *holders_of(const struct holders *h, u64 address);
void holders_release(struct holders *h);

#endif
