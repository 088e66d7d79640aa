/* run - one life of a program under suspicion: started, listened to, and ended.
 *
 * What it prints on stderr is kept as far as it tells of a crash; the rest is dropped. It has a
 * process group of its own, which is killed with it, and dies with us.
 *
 * Owns     the process, descriptors and text between run_start and run_release.
 * Units    CLOCK_MONOTONIC ns.
 * Fails    run_start: ERR_IO, ERR_DENIED when it can't be executed.
 * Threads  one. */
#ifndef STRESS_RUN_H
#define STRESS_RUN_H

#include <sys/types.h>

#include "base/err.h"
#include "diag/crash.h"

struct run_ask {
	const char *path;	/* what is executed */
	char **argv;		/* argv[0] as the program is to see it */
	bool show;		/* let its output through */
};

/* Ps that a program gets at least: with one, whoever is delayed keeps all others waiting. */
enum { RUN_PROCS = 4 };
#define RUN_PROCS_TEXT "4"

struct run {
	pid_t pid;
	int pid_fd, err_fd;
	bool show;
	i64 began_ns, ended_ns;	/* ended: the crash was printed, or it was gone */
	char *text;		/* stderr, from where it tells of a crash */
	size_t n;
	bool crashed;		/* it has begun to say so */
	bool over;		/* and is reaped */
	bool stopped;		/* by us */
	int status;		/* as waitpid gives it */
};

/* Does a run get more Ps than the program would have by itself? */
bool run_raises_procs(void);
bool run_start(struct run *r, const struct run_ask *a, struct err *err) MUST_CHECK;
/* Listens to all that are not over, until one of them has come to its end or the time has come. */
void runs_wait(struct run *const *runs, u32 n, i64 until_ns);
/* Ends it, and what it started. */
void run_stop(struct run *r);
void run_release(struct run *r);

#endif
