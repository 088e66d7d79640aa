/* permits - what this machine and user allow an engine to do, found out by doing it.
 *
 * Each row of the table is one need. It is tried on a child that does nothing but wait; where that
 * can't be (BPF), the kernel is asked to load a program of two instructions. Settings are read only
 * to say why something failed and what would change it.
 *
 * Owns     nothing when it returns: its children are gone, their memory too.
 * Units    none.
 * Fails    never: what can't be found out is said as such.
 * Threads  one (it waits for its children). */
#ifndef INLINE_PERMITS_H
#define INLINE_PERMITS_H

#include "base/out.h"

enum permit_state { PERMIT_YES, PERMIT_LIMITED, PERMIT_NO };

struct permit {
	const char *name;	/* snake_case, for JSON */
	const char *need;	/* "start and trace a program" */
	enum permit_state state;
	char found[256];	/* what was seen */
	char change[256];	/* what would change it; empty when all is well */
};

enum { PERMITS = 9 };
void permits_probe(struct permit to[PERMITS]);
const char *permit_state_name(enum permit_state s);	/* "yes", "limited", "no" */
void permits_print(const struct permit *p, struct out *o);
void permits_json(const struct permit *p, struct out *o);

#endif
