/* tracee - a process under ptrace: registers, memory, system calls on its behalf.
 *
 * Owns     nothing.  Units  rt addresses.
 * Fails    ERR_GONE when the process has ended, ERR_DENIED when ptrace is not permitted.
 * Threads  the thread that attached. */
#ifndef INLINE_TRACEE_H
#define INLINE_TRACEE_H

#include <sys/types.h>

#include "base/err.h"

/* Starts the program and leaves it stopped at the first instruction of its own: after the dynamic
 * loader, before anything of Go. From here to tracee_let_go the death of goshawk ends it: it has
 * not started yet. `keep_fd` is open in it under the same number. */
bool tracee_start(const char *path, char **argv, bool interp, int keep_fd, pid_t *pid,
		  u64 *entry_rt, struct err *err) MUST_CHECK;
bool tracee_let_go(pid_t pid, struct err *err) MUST_CHECK;
void tracee_kill(pid_t pid);

/* A system call in a process that stands at its entry point; its own code there is put back. */
bool tracee_syscall(pid_t pid, int mem_fd, u64 scratch_rt, long nr, const u64 args[6], i64 *result,
		    struct err *err) MUST_CHECK;

/* Stops every thread, new ones too, until none is left running. */
struct stopped {
	struct { pid_t tid; int signal; } *at;
	size_t n, room;
	pid_t pid;
};
bool tracee_stop_all(pid_t pid, struct stopped *st, struct err *err) MUST_CHECK;
void tracee_resume_all(struct stopped *st);

#endif
