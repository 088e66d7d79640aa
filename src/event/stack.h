/* stack - the frames of the call that a record is of, from the return addresses in it.
 *
 * A return address stands for several frames where calls are inlined. What an address means is
 * looked up once. Compiler-made wrappers are left out, as Go leaves them out of its tracebacks.
 *
 * Owns     what it looked up, until stacks_release(); names and files are views into the program.
 * Units    rt addresses in records.
 * Fails    never: an address outside of Go code is a frame without a name.
 * Threads  one. */
#ifndef EVENT_STACK_H
#define EVENT_STACK_H

#include "base/map.h"
#include "base/vec.h"
#include "plan/plan.h"

enum stack_end {
	STACK_WHOLE,
	STACK_CUT,	/* there are more frames than were asked for */
	STACK_BROKEN,	/* the chain of frame pointers ends before the goroutine's first function */
};
const char *stack_end_name(enum stack_end e);	/* "whole", "cut", "broken" */

struct stack_frame {
	struct str func;	/* empty: not Go code */
	struct str file;	/* empty if unknown */
	i32 line;
	bool inlined, wrapper;
	u64 pc_rt;
};
VEC_TYPE(stack_frames, struct stack_frame);

struct stacks {
	const struct go_program *prog;
	u64 bias;
	struct map known;	/* address -> struct known_pc * */
	struct known_pc *nowhere;	/* where the last address led that leads nowhere */
	struct stack_frames frames;	/* of the stack asked for last */
	struct arena arena;
};

struct stacks stacks_of(const struct go_program *prog, u64 bias);
void stacks_release(struct stacks *s);
/* Who called, and who called him and so on: innermost first, until the next question. `entry` is
 * the record of an entry, with READ_FRAMES. */
struct stack_frames stack_frames(struct stacks *s, const struct reading *r, const u8 *entry,
				 enum stack_end *end);
/* The innermost of them that is no wrapper, if it was read; NULL where nobody called (the first
 * function of a goroutine). Needs caller_at only. */
const struct stack_frame *stack_caller(struct stacks *s, const struct reading *r, const u8 *entry);
/* What stands at one address, innermost first: at a return address, or (exact) where code was when
 * it was stopped. *n is at least 1; a frame without a name is not Go code, and lasts until the next
 * question. */
const struct stack_frame *stack_at(struct stacks *s, u64 pc_rt, bool exact, size_t *n);
/* A wrapper that Go leaves out of its tracebacks, too. */
bool stack_hides(const struct stack_frame *f, struct str callee);
/* The innermost frame at a return address; NULL where that is not Go code, or a wrapper. */
const struct stack_frame *stack_frame_at(struct stacks *s, u64 return_rt);

#endif
