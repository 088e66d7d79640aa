/* waiting - the goroutines that wait, for what, who may have it, and which of them wait for each
 * other.
 *
 * A circle is made of those only of whom each waits for what nobody may have but others that are
 * stuck like him; who may have something is said by go/holders.h, and is never certain.
 *
 * Owns     what it found, until waiting_release(); texts lie in the death's arena.
 * Units    rt addresses.
 * Fails    never: where there are too many, nobody is found to have anything.
 * Threads  one. */
#ifndef DIAG_WAITING_H
#define DIAG_WAITING_H

#include "diag/explain.h"
#include "go/holders.h"

struct waiter {
	const struct goroutine *g;
	struct wait w;
	struct death_frame own;	/* where in the program's own code it waits */
	const struct held *held[WAIT_CHANNELS];
	u32 nheld;
	bool stuck;	/* nobody else can wake it, as far as can be seen */
	u32 next;	/* 1 + index of one of those that may have it */
	bool passed;
	bool told;	/* as evidence */
};

struct waiters {
	struct waiter *at;
	u32 n;
	u64 rest;	/* that wait as well: 0, or it is not known who has what */
	struct map by_g;	/* g -> 1 + index */
	struct holders holders;
	const struct go_globals *globals;
};

struct circle {
	u32 begin, length, locks;	/* length 0: there is none */
};

/* `d` has goroutines. */
void waiting_find(struct waiters *all, struct death *d);
/* The first that locks are in, else the first; it goes on by each one's `next`. */
struct circle waiting_circle(struct waiters *all);
/* Where that has no locks: one of locks only, of which others have something, too, who go on: each
 * of it may have what another waits for. What was stuck is forgotten. */
struct circle waiting_possible(struct waiters *all);
/* As evidence: how it waits, for what, and who may have it. */
void waiting_say(struct diagnosis *to, struct death *d, const struct waiters *all,
		 const struct waiter *w);
void waiting_release(struct waiters *all);

#endif
