/* lines - the places inside a function that a line or an address of a pattern means.
 *
 * A line's code may lie in several runs. Control has reached the line where it comes to the first
 * instruction of one, unless it can only come there from another of them: what a line calls and has
 * inlined belongs to the line, and so do the blocks that its checks jump to.
 *
 * Owns     nothing: lists lie in the caller's arena.
 * Units    indexes of instructions.
 * Fails    never: an address where no instruction begins gives none.
 * Threads  one. */
#ifndef PLAN_LINES_H
#define PLAN_LINES_H

#include "plan/pattern.h"
#include "x86/flow.h"

/* Where control reaches the line: ascending; behind the stack check, unless it is nowhere else. */
u32 lines_reached(const struct go_program *prog, const struct go_func *f, const struct flow *flow,
		  struct str file, i32 line, struct arena *a, u32 **insns);

#endif
