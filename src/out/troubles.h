/* troubles - what goes wrong in a thread and is said by another one: the first of each kind.
 *
 * Owns     nothing: texts lie in it.
 * Units    kinds count from 0, and are fewer than TROUBLES_MOST.
 * Fails    never: a text that is too long is cut.
 * Threads  those of the handover whose lock it is under. */
#ifndef OUT_TROUBLES_H
#define OUT_TROUBLES_H

#include "base/err.h"
#include "out/handover.h"

enum { TROUBLES_MOST = 16 };

struct troubles {
	u32 fresh, had;		/* a bit for each kind: to be said; ever said */
	char why[TROUBLES_MOST][sizeof(((struct err *)0)->msg)];
};

void trouble(struct troubles *t, struct handover *with, unsigned kind, const char *fmt, ...)
	PRINTF(4, 5);
/* Under the lock: those that are new, a bit for each. Their texts do not change any more. */
u32 troubles_take(struct troubles *t);

#endif
