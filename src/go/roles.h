/* roles - functions of the runtime that mean something to whoever follows calls: those that run
 * another function on another stack, those that begin on a system stack, those that never go on
 * there, those that enter the race detector.
 *
 * Owns     nothing: constant tables.
 * Units    none.
 * Fails    never: ROLE_NONE.
 * Threads  any.
 * Sources  named beside each row in roles.c. */
#ifndef GO_ROLES_H
#define GO_ROLES_H

#include "base/str.h"

enum go_role {
	ROLE_NONE,
	/* a func value is called: */
	ROLE_SYSTEMSTACK,	/* on g0; it is the word at SP (ABI0) */
	ROLE_MCALL,		/* on g0, AX; never returns */
	ROLE_GO,		/* on a new goroutine, AX */
	ROLE_DEFER,		/* later, on this stack, AX */
	/* an itab comes back: */
	ROLE_ASSERT,		/* for the interface type in AX */
	ROLE_TYPE_ASSERT,	/* for the one that the abi.TypeAssert in AX names */
	ROLE_INTERFACE_SWITCH,	/* in BX, for one that the abi.InterfaceSwitch in AX lists */
	/* entered on a system stack by assembly, or by what cannot be followed */
	ROLE_G0,
	ROLE_GSIGNAL,
	/* on a system stack nothing behind it runs: it ends the program, or leaves the stack */
	ROLE_ENDS,
	ROLE_PARKS,		/* the same: it makes the goroutine wait, and there is none */
	/* takes the goroutine's race context, and there is none on a system stack: */
	ROLE_RACE_CODE,		/* the compiler calls it */
	ROLE_RACE_HAND,		/* the library does */
	ROLE_RACE_SAFE,		/* looks first whether it is on a system stack, or is told whose */
	ROLE_RACE_CONTEXT,	/* gives g0 a race context while it calls others */
	ROLE_WRITE_BARRIER,	/* keeps all registers */
	ROLE_ALLOCATES,		/* heap */
	ROLE_LOCKS,		/* waits for a lock of the runtime's, on any stack */
};

/* Of the function of this name in Go 1.minor. */
enum go_role go_role_of(struct str name, unsigned minor);

#endif
