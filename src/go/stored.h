/* stored - what a function's code stores to its frame, and which bytes of it are certainly stored
 * where the function stands.
 *
 * A variable that lies in one place all the time has there, until its declaration has run, what
 * others left. Which line the function stands in is no proof that it has: a declaration may go on
 * for several lines. So each way from the entry must store each byte, and the declaration must
 * not have more to store.
 *
 * Owns     stores of a function: nothing, they are kept with the program; struct stored: the
 *          function's instructions, until stored_end().
 * Units    offsets count from SP at the function's entry; pc is an offset from text.
 * Fails    never: what is not seen is not stored.
 * Threads  one. */
#ifndef GO_STORED_H
#define GO_STORED_H

#include "go/program.h"
#include "x86/flow.h"

/* An instruction that writes to the frame, by SP or a register that a LEA has just set. */
struct frame_store {
	u32 at;			/* in the function */
	i32 off;
	u8 size;		/* 0: it changes what lies somewhere there, so that is stored */
};
struct frame_stores {
	bool known;		/* the code could be read */
	u32 n;
	struct frame_store *at;	/* in the code's order */
};
const struct frame_stores *go_frame_stores(const struct go_program *prog, const struct go_func *f);

struct stored {
	const struct go_program *prog;
	const struct go_func *f;
	const struct frame_stores *stores;
	struct arena a;
	struct flow flow;	/* n is 0: nothing is known */
	u32 insn;		/* that it stands at */
	i32 call, line;		/* whose variables are asked for; where that stands */
};
/* The function stands at pc; its own variables (call -1), or those of a call inlined into it (as
 * struct go_frame has it), which stands in `line`. Where nothing is known nothing is stored. */
void stored_begin(struct stored *s, const struct go_program *prog, const struct go_func *f, u64 pc,
		  i32 call, i32 line);
void stored_end(struct stored *s);
enum { STORED_MOST = 64 };
/* A variable's bytes from `off` on, a bit for each, at most STORED_MOST; declared in that line. */
bool stored_certainly(struct stored *s, i32 off, u64 bytes, i32 declared);

#endif
