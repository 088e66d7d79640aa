/* inline - the inline engine: jumps to trampolines that write records to shared rings.
 *
 * Life     inline_launch: starts the program under ptrace, stops it at its entry point, maps rings
 *          and code, writes the jumps, lets go: no ptrace stop during the run. The rest is
 *          event/source.h.
 * Owns     descriptors, mappings, the child until it is waited for.
 * Units    rt addresses of the target; times in Unix ns.
 * Fails    ERR_DENIED (ptrace), ERR_REFUSED, ERR_GONE, ERR_UNSUPPORTED. The target is then as it
 *          was, or had not started (it is killed).
 * Threads  one. */
#ifndef INLINE_INLINE_H
#define INLINE_INLINE_H

#include "base/out.h"
#include "event/source.h"
#include "inline/delay.h"
#include "plan/plan.h"

struct launch {
	char **argv; /* argv[0] is looked up in PATH already: argv0_path is executed */
	const char *path;
	u64 buffer; /* ring bytes for each thread */
	bool lossless;
	const struct delay_ask *ask;	/* of a plan of delays (plan/torn_plan.h) */
};

/* Also after a failure the source is to be released. */
bool inline_launch(struct source *src, const struct plan *plan, const struct launch *l,
		   struct err *err) MUST_CHECK;
struct attach {
	pid_t pid;
	u64 buffer;
	bool lossless;
	const struct delay_ask *ask;
};

/* What could not be done as planned, for people. */
struct attached {
	u32 taken;			/* functions that somebody else has patched */
	pid_t owner;			/* the goshawk that has the last of them, or 0 */
	const struct plan_func *example; /* that one */
	bool faults_are_fatal; /* another SIGSEGV handler: windows that may fault are left out */
};
/* A process that runs; the plan must be made from its image. Also after a failure the source is to
 * be released; the process is then as it was. */
bool inline_attach(struct source *src, const struct plan *plan, const struct attach *a,
		   struct attached *to, struct err *err) MUST_CHECK;
/* What the stores of a plan of delays have done; also once the process has ended. It can write to
 * these numbers, so that they prove nothing. */
struct delay_counts {
	u32 written;	/* stores that are delayed */
	u32 passed;	/* ... of which so many were passed at all */
	u64 waits;
	u64 left_out;	/* waits for which there was no time (delay_ask.percent) */
	i64 waited_ns;
};
struct delay_counts inline_delays(const struct source *src);
/* Of one store: its waits; and whether it was passed at all. */
u32 inline_delay_waits(const struct source *src, u32 store, bool *passed);

/* What goshawks had left in a process: those that died their jumps, and all of them memory, which
 * nothing leads to. */
struct cleaned {
	size_t jumps;	/* taken away */
	u64 unmapped;	/* bytes */
	u64 kept;	/* bytes: there is a seccomp filter, or somebody stands there */
	i64 stop_ns;
};
/* Takes that away. ERR_REFUSED while a goshawk is at work there. */
bool inline_clean(const struct go_program *prog, pid_t pid, struct cleaned *to,
		  struct err *err) MUST_CHECK;

/* Writes the generated code of a plan as text (--plan), as it would be for an unbiased image. */
bool inline_print(const struct plan *plan, struct out *o, bool json, u64 *sites,
		  struct err *err) MUST_CHECK;

#endif
