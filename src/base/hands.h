/* hands - one piece of work that several threads do together, or that one does beside the caller.
 *
 * Owns     struct hand: its thread, until hand_end().
 * Units    threads, the caller's own included.
 * Fails    never: what no thread can be had for the caller does itself.
 * Threads  signals stay with the caller's: the others block all but SIGBUS, of what they read. */
#ifndef BASE_HANDS_H
#define BASE_HANDS_H

#include <pthread.h>

#include "base/defs.h"

enum { HANDS_MOST = 4 };

/* As many as there are processors for this process, but at most HANDS_MOST, and one for each `each`
 * of n things; at least 1. */
u32 hands_for(size_t n, size_t each);
/* Calls work on each of the n things of `size` bytes at `all`, at most HANDS_MOST, each on a thread
 * of its own but the first, and waits for all. */
void hands_do(u32 n, void (*work)(void *one), void *all, size_t size);

struct hand {
	pthread_t thread;
	void (*work)(void *one);
	void *one;
	bool begun;
};

/* From here on somebody else calls work(one). */
void hand_begin(struct hand *h, void (*work)(void *one), void *one);
/* Behind it that is done. Nothing where nothing was begun, or has ended already. */
void hand_end(struct hand *h);

#endif
