/* frame - whose code a frame is: the runtime's, the standard library's, or the program's own.
 *
 * Owns     nothing.
 * Units    functions as tracebacks print them, files as the compiler recorded them.
 * Fails    never.
 * Threads  any. */
#ifndef DIAG_FRAME_H
#define DIAG_FRAME_H

#include "base/str.h"

/* The runtime's, the race detector's, or what linker and cgo have made; also of no name. */
bool frame_is_runtime(struct str func);
/* Comes it with Go? Its package says so, and where its file is. */
bool frame_is_std(struct str func, struct str file);

#endif
