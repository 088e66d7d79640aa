/* live - what a function does with the registers that it is called with: which it reads before it
 * writes them, which it stores in its argument area as they came, and what it loads from there.
 *
 * Owns     nothing.
 * Units    registers by their index in Go's ABIInternal (AX BX CX DI SI R8 R9 R10 R11; X0 to X14);
 *          stack offsets from SP at the entry.
 * Fails    never: decoding ends where it can't go on, and what was found until then is given.
 * Threads  any. */
#ifndef X86_LIVE_H
#define X86_LIVE_H

#include "base/defs.h"
#include "base/str.h"

enum { LIVE_INTS = 9, LIVE_FLOATS = 15, LIVE_STORES = 32, LIVE_LOADS = 32 };

struct live_store {
	i32 off;		/* from SP at the entry; at least 8: the caller's area */
	u8 size, reg;
	bool is_float;
	bool slow; /* before the stack grows: into its own slot, and for no other end */
};

struct live {
	u16 ints, floats;		/* bit k: register k is read as it came */
	u8 float_size[LIVE_FLOATS];	/* bytes that the first reader took: 4, 8; 0: not known */
	struct live_store stores[LIVE_STORES];	/* in the order in which they are met */
	u32 nstores;
	i32 loads[LIVE_LOADS]; /* of bytes that it had not stored: arguments on the stack */
	u32 nloads;
	bool checks;		/* its stack, and what it saves for that was looked at */
};

void live_in(struct live *l, struct str code);

#endif
