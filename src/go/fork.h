/* fork - code that runs between fork and exec, where nothing may be patched.
 *
 * The child of syscall.forkAndExecInChild shares the parent's memory (CLONE_VM | CLONE_VFORK), with
 * the signal handlers cleared: a trampoline there would write a second process's records, and a
 * fault that a handler was to mend would kill the child.
 *
 * Owns     the set of such functions, in the program's arena.
 * Units    none.  Fails  never.  Threads  one (made on demand).
 * Sources  syscall/exec_linux.go (1.17 to 1.27). */
#ifndef GO_FORK_H
#define GO_FORK_H

#include "go/program.h"
#include "x86/flow.h"

/* Is it reachable by direct calls from the fork to the exec? */
bool go_runs_in_fork_child(const struct go_program *prog, const struct go_func *f);
/* The program's own table of what has been decoded. */
struct forms *go_forms(const struct go_program *prog);
/* A function's flow; jump tables are read from the image. */
bool go_flow(const struct go_program *prog, const struct go_func *f, struct arena *a,
	     struct flow *flow, struct err *err) MUST_CHECK;
/* The same for people to read: bytes that are no instruction do not end it (INSN_BYTE). */
bool go_listing(const struct go_program *prog, const struct go_func *f, struct arena *a,
		struct flow *flow, struct err *err) MUST_CHECK;

#endif
