/* lab - trials: a program with delays at some sites, run until it dies or its time is over.
 *
 * Owns     the programs that it makes, in folders of its own under `dir`, for as long as they run;
 *          crashes and their texts are in its arena.
 * Units    ns; sites are indexes that mean something to `make`.
 * Fails    what `make` and run_start fail with.
 * Threads  one. */
#ifndef STRESS_LAB_H
#define STRESS_LAB_H

#include "stress/run.h"

struct trial {
	const u32 *sites;
	u32 nsites;		/* 0: the program as it is */
	i64 delay_ns;
	u32 one_in;		/* of the passes of a site waits, at random; 1: each */
	u64 seed;
	i64 limit_ns;

	/* filled */
	bool ran;		/* to its end, or to its limit */
	bool died;		/* of what a torn value does */
	bool other;		/* of something else */
	bool ended;		/* by itself, with this status, as waitpid gives it */
	int status;
	u32 number;		/* of all runs of this lab, from 1 */
	i64 time_ns;		/* until it died, ended or was stopped */
	struct crash crash;	/* if died or other */
};

struct lab {
	const char *path, *name;	/* the program as it is; what its copies are called */
	const char *dir;
	char **argv;
	bool show;
	u32 jobs;		/* runs at once */
	/* Writes a program with delays. */
	bool (*make)(void *ctx, const struct trial *t, const char *to, struct err *err);
	/* Looks at one that runs, now and then; may be NULL. */
	void (*look)(void *ctx, const struct trial *t, pid_t pid);
	bool (*stop)(void);	/* has somebody had enough? */
	void *ctx;
	u32 runs;
	struct arena arena;
};

enum { LAB_JOBS = 8 };
/* Runs all of them, at most `jobs` at once. `first`: until one has died; the others are ended. */
bool lab_run(struct lab *l, struct trial *trials, u32 n, bool first, struct err *err) MUST_CHECK;
void lab_release(struct lab *l);

#endif
