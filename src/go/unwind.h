/* unwind - a goroutine's stack, frame by frame, as the pcsp table says where each return address
 * lies. Works without frame pointers and without DWARF, on any stack that Go code runs on.
 *
 * Owns     what it looked up, until unwinder_release().
 * Units    rt addresses.
 * Fails    never: what does not add up ends the stack, and `end` says how. All that is read from
 *          memory may be garbage: each step goes up by at least a word and stays below `hi`.
 * Threads  one.
 * Sources  runtime/traceback.go (unwinder.next); go-runtime.md 4.3. */
#ifndef GO_UNWIND_H
#define GO_UNWIND_H

#include "go/program.h"

enum unwind_end {
	UNWIND_WHOLE,
	UNWIND_CUT,		/* there are more frames than there is room for */
	UNWIND_UNREADABLE,	/* memory that is not there */
	UNWIND_FOREIGN,		/* a return address that is not Go's: the last frame has it */
	UNWIND_ASTRAY,		/* it does not stay on the stack, or the tables say nothing */
};
const char *unwind_end_name(enum unwind_end e);	/* "whole", "cut", … */

/* A frame that is there in memory; several calls may be inlined in it. */
struct go_level {
	const struct go_func *func;	/* NULL: not Go code */
	u64 pc_rt;
	u64 sp_rt;
	u64 return_at;	/* where its return address lies: SP at its entry; 0: not known */
	bool exact;	/* pc_rt is where it stands, not the address behind a call */
};

struct unwinder {
	const struct go_program *prog;
	const struct image *img;
	u64 text_rt;
	struct map known;	/* pc and exactness -> struct known_step * */
	struct arena arena;
	struct {		/* the part of the stack that is being read */
		u64 lo;
		size_t n;
		u8 bytes[8192];
	} part;
};

void unwinder_init(struct unwinder *u, const struct go_program *prog);
void unwinder_release(struct unwinder *u);

struct go_spot {
	u64 pc, sp;
	u64 lo, hi;	/* of the stack */
	bool exact;
};
/* Innermost first; gives how many. */
size_t unwind(struct unwinder *u, const struct go_spot *from, struct go_level *to, size_t most,
	      enum unwind_end *end);
/* A word of the stack; may read more of it beforehand. */
bool unwind_word(struct unwinder *u, u64 rt, u64 *to) MUST_CHECK;
/* The same for any number of bytes. */
bool unwind_read(struct unwinder *u, u64 rt, void *to, size_t n) MUST_CHECK;

#endif
