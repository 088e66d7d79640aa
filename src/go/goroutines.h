/* goroutines - every goroutine of a process that stands still, or of a core.
 *
 * First all that can change is taken, in few large reads (goroutines_gather): then a process may
 * run on. What is asked later was so at that moment; what lies behind pointers is read when it is
 * asked for.
 *
 * Owns     its list, until goroutines_release().
 * Units    rt addresses; times in ns of the monotonic clock.
 * Fails    goroutines_gather: ERR_UNSUPPORTED (runtime.allgs not found), ERR_FORMAT (a list that
 *          can't be read). A single g that can't be read is counted in `unreadable`.
 * Threads  one.
 * Sources  runtime/{runtime2,proc,traceback}.go; release.h has the offsets. */
#ifndef GO_GOROUTINES_H
#define GO_GOROUTINES_H

#include "base/vec.h"
#include "go/unwind.h"

enum go_status {	/* runtime/runtime2.go, without the scan bit */
	GO_IDLE, GO_RUNNABLE, GO_RUNNING, GO_SYSCALL, GO_WAITING, GO_DEAD = 6, GO_COPYSTACK = 8,
	GO_PREEMPTED, GO_LEAKED, GO_DEADEXTRA,
};

struct goroutine {
	u64 g_rt;
	i64 goid, parent;	/* parent 0: not known */
	u64 pc, sp, lo, hi;	/* where it stands, and its stack */
	u64 m_rt, gopc, startpc, waiting, racectx;
	i64 since; /* of the monotonic clock: waits since then at least; 0: not known */
	int tid;		/* of the thread that runs it, 0: none */
	u8 status;		/* enum go_status */
	u8 reason;		/* g.waitreason, where status says that it waits */
	bool exact;		/* pc is where it stands */
	bool torn; /* where it stands is not known: it runs, and its thread is elsewhere, or is not
		    * known */
	bool system;		/* the runtime's own */
};

struct goroutines {
	const struct go_program *prog;
	VEC(struct goroutine) all;	/* by goid */
	u64 listed;		/* words of runtime.allgs */
	u64 dead, unreadable;
};

/* What a signal handler on the stack from lo to hi, whose SP is at `sp`, has interrupted. */
struct go_interrupted {
	u64 pc, sp, ucontext;
	u64 ints[16];	/* as in struct os_thread */
};
bool go_interrupted(const struct image *img, u64 sp, u64 lo, u64 hi,
		    struct go_interrupted *to) MUST_CHECK;

/* `threads`: of a process; a core has its own. */
bool goroutines_gather(struct goroutines *gs, struct image *img, const struct go_program *prog,
		       const struct os_thread *threads, size_t nthreads,
		       struct err *err) MUST_CHECK;
/* What need not be done while the process stands still: the order, and which are the runtime's. */
void goroutines_settle(struct goroutines *gs);
void goroutines_release(struct goroutines *gs);
/* NULL if there is none. */
const struct goroutine *goroutine_of(const struct goroutines *gs, i64 goid);
/* "running", "syscall", "chan receive": as Go's tracebacks say it. */
const char *goroutine_state(const struct go_program *prog, const struct goroutine *g);
/* All of these that one of `all` may be in, from i = 0 on; NULL behind the last. */
const char *goroutine_state_at(const struct go_program *prog, size_t i);
/* Why it waits, or "". */
const char *goroutine_reason(const struct go_program *prog, const struct goroutine *g);
size_t goroutine_unwind(struct unwinder *u, const struct goroutine *g, struct go_level *to,
			size_t most, enum unwind_end *end);

#endif
