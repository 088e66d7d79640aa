/* tracee - a process under ptrace: starting it, stopping it, letting it go.
 *
 * Owns     struct stopped: the threads that stand still, until tracee_resume_all.
 * Units    rt addresses.
 * Fails    ERR_GONE when the process has ended, ERR_DENIED when ptrace is not permitted.
 * Threads  the thread that attached. */
#ifndef INLINE_TRACEE_H
#define INLINE_TRACEE_H

#include <signal.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"

/* Signals that programs which we start are to ignore, because we were told to. */
void tracee_ignores(const sigset_t *signals);

/* Starts the program and leaves it stopped at the first instruction of its own: after the dynamic
 * loader, before anything of Go. From here to tracee_let_go the death of goshawk ends it: it has
 * not started yet. Set-uid programs are refused. */
bool tracee_start(const char *path, char **argv, bool interp, pid_t *pid, u64 *entry_rt,
		  struct err *err) MUST_CHECK;
void tracee_kill(pid_t pid);

struct stopped_thread {
	pid_t tid;
	int signal; /* came while it stood; it gets it when it goes on */
};
struct kept_signal {
	pid_t tid;
	int signal;
};
struct stopped {
	struct stopped_thread *at;
	size_t n, room;
	size_t standing;	/* the first so many; the others were told to stop */
	VEC(struct kept_signal) more; /* second signals of one thread */
	pid_t pid;
};
/* Stops every thread, new ones too, until none is left running. After a failure none is stopped.
 * ERR_IO: a thread waits in the kernel where nothing reaches it (for a disk, or for the exec of its
 * vfork child), and the others are not held longer for it. */
bool tracee_stop_all(pid_t pid, struct stopped *st, struct err *err) MUST_CHECK;
void tracee_resume_all(struct stopped *st);
/* The same for a program that was started: ERR_GONE if it has ended. */
bool tracee_let_go(struct stopped *st, struct err *err) MUST_CHECK;

/* Such a thread stops as soon as it comes out of the kernel: to be called now and then. */
void tracee_let_late_go(void);

/* What did not work, did not because the process has ended, if it has: ERR_GONE then. False. */
bool tracee_failed(pid_t pid, struct err *err);

/* Waits for the next stop of a thread; false when it has ended. */
bool tracee_wait(pid_t tid, int *status);
/* The same while others of its process stand still. */
bool tracee_wait_among(const struct stopped *st, pid_t tid, int *status);
/* What a stopped thread was told while it had to do something else for us: `status` of
 * tracee_wait. */
void tracee_keep_signal(struct stopped *st, size_t thread, int status);

#endif
