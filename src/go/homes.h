/* homes - where in its frame a function that stands at some instruction keeps its parameters and
 * variables, and those of the calls that are inlined there, as DWARF's location lists say it.
 *
 * The compiler keeps a value where it likes: at its home (sig.h), elsewhere in the frame, in a
 * register, or nowhere any more. Only places in the frame count here.
 *
 * Owns     nothing: what is made lies in the program's arena.
 * Units    va addresses; offsets count from SP at the function's entry and may be below it.
 * Asks     prog->homes to be set.
 * Fails    "not there" is false, or no parameters.
 * Threads  one.
 * Sources  cmd/compile/internal/ssa/debug.go, cmd/internal/dwarf. */
#ifndef GO_HOMES_H
#define GO_HOMES_H

#include "go/sig.h"

/* Of a named parameter the bytes from `at` on. */
bool go_home_elsewhere(const struct go_program *prog, const struct go_func *f, u64 va,
		       struct str name, u32 at, u32 size, i32 *off);
/* Of the call inlined `depth` deep at va (0: into the function itself), of `depths` that there are.
 * `behind`: where the function goes on, if it stands in a call at va: what it keeps is known there.
 * What is not in the frame has no places. */
size_t go_inlined_params(const struct go_program *prog, const struct go_func *f, u64 va, u64 behind,
			 size_t depth, size_t depths, struct go_param **to);
/* Its variables, counted in the same way (depth == depths: those of the function itself): of those
 * whose scope va lies in what is in the frame as a whole: by a list of locations, or, in one place
 * all the time, if it has certainly been stored (stored.h) when the function stands in `line`. */
size_t go_local_vars(const struct go_program *prog, const struct go_func *f, u64 va, u64 behind,
		     size_t depth, size_t depths, i32 line, struct go_param **to);

#endif
