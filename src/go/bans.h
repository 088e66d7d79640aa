/* bans - functions of the runtime from which some things must never be reached, whatever stack they
 * run on: write barriers (there may be no P), stack checks that fail (the stack cannot grow).
 *
 * Owns     nothing: a constant table.
 * Units    none.
 * Fails    never: 0.
 * Threads  any.
 * Sources  named beside the rows in bans.c. */
#ifndef GO_BANS_H
#define GO_BANS_H

#include "base/str.h"

enum go_ban {
	BAN_BARRIER = 1,	/* marked go:nowritebarrierrec */
	BAN_BARRIER_LIFTED = 2,	/* marked go:yeswritebarrierrec: it sees to a P first */
	BAN_STACK_CHECK = 4,	/* runs where growing the stack is fatal */
};

/* Of the function of this name in Go 1.minor: flags. */
unsigned go_bans_of(struct str name, unsigned minor);

#endif
