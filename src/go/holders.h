/* holders - which goroutines have what others wait for: a lock or a channel, by its address.
 *
 * A Go lock does not know who has it, nor a channel who is going to come. Who has the address on
 * the part of his stack that is in use, or what leads there, or stands in code that names the
 * variable that it is, and does not wait for it himself, may be the one: that is all that is said.
 *
 * Owns     its lists, until holders_release().
 * Units    rt addresses.
 * Fails    never: what can't be read is not found.
 * Threads  one.
 */
#ifndef GO_HOLDERS_H
#define GO_HOLDERS_H

#include "go/globals.h"
#include "go/heap.h"
#include "go/waits.h"

enum held_by {	/* what was found on its stack: the nearest of these */
	HELD_ADDRESS,	/* its address */
	HELD_OBJECT,	/* that of the object which it is a part of */
	HELD_BEHIND,	/* that of a small object, a closure perhaps, in which the address is */
	HELD_CODE,	/* a function whose code names the global variable that it is (in) */
};

struct holder {
	const struct goroutine *g;
	enum held_by by;
};
enum { HOLDERS_MOST = 16 };

struct held {
	u64 address;
	u64 object, size;	/* what it is, or is a part of, where that is known */
	bool global;
	struct holder at[HOLDERS_MOST];	/* by goid */
	u32 n;
	bool more;
	bool unsure;	/* not all that could lead to it was looked at */
	u32 next;	/* 1 + index of another that is a part of the same object; 0: none */
	const struct goroutine *walked;	/* who has met the object last, so that all parts know */
};

struct waits_for {
	u64 g, address;
};

enum { NOWHERE = 1024 };
struct holders {
	u64 nowhere[NOWHERE];	/* objects in which nothing was found, by their address */
	u32 looked;	/* into so many */
	struct map by_word;	/* its address and its object's -> 1 + index in all */
	struct map waits;	/* g -> 1 + index in pairs, of its first */
	VEC(struct held) all;
	VEC(struct waits_for) pairs;
	VEC(u32) globals;	/* of all, those that lie in the program's variables */
	struct map by_func;	/* of functions that were read: which of the globals they name */
};

/* This one waits for that: to be called for all that do, before holders_find. */
void holders_wait(struct holders *h, const struct goroutine *g, const struct wait *w);
/* Looks through the stacks. `heap`: NULL, or where objects are found. */
void holders_find(struct holders *h, const struct goroutines *gs, struct unwinder *u,
		  const struct go_heap *heap, const struct go_globals *globals);
/* NULL: nobody waits for it. */
const struct held *holders_of(const struct holders *h, u64 address);
const char *held_by_name(enum held_by by);	/* "address", "object", "behind", "code" */
/* "goroutine 7 has it on its stack"; empty: nobody has. */
struct str holders_text(const struct held *const *held, u32 n, struct arena *a);
/* What one of them would do: "may hold it". `sends`: who waits sends on a channel. */
const char *holders_may(enum wait_kind k, bool sends);
void holders_release(struct holders *h);

#endif
