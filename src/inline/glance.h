/* glance - a look at a process that stands still for a moment: its goroutines, and nothing is
 * written into it.
 *
 * Owns     nothing; the goroutines are the caller's, what was read is the image's.
 * Units    rt addresses; ns.
 * Fails    as tracee_stop_all and goroutines_gather; the process runs on in any case.
 * Threads  the one that calls. */
#ifndef INLINE_GLANCE_H
#define INLINE_GLANCE_H

#include "go/goroutines.h"

/* The registers of a thread that ptrace has stopped; false: it has ended. */
bool thread_look(int tid, struct os_thread *t) MUST_CHECK;
bool glance(struct goroutines *gs, struct image *img, const struct go_program *prog, i64 *stop_ns,
	    struct err *err) MUST_CHECK;

#endif
