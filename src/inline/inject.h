/* inject - system calls made by a thread of the target on our behalf, in code that completes by
 * itself.
 *
 * The stub lies where no thread goes again once the runtime has started: in runtime.rt0_go. It
 * makes the call, puts every register back that the call or its arguments changed, and goes on
 * where the thread stood. One PTRACE_SETREGS enters it, another leaves it early once we have seen
 * the result: whenever goshawk dies, the thread is where it was, or gets there on its own. It uses
 * no stack.
 *
 * Behind its code stands what is being mapped or unmapped meanwhile: if goshawk dies, the next one
 * finds there what nothing leads to yet, or any more.
 *
 * Owns     the bytes under the stub: inject_end puts the file's back.
 * Units    rt addresses.
 * Fails    ERR_GONE when the thread has ended; ERR_REFUSED when there is no room for the stub, or
 *          a thread still stands in that of a goshawk that died (`occupied`: it soon leaves it).
 * Threads  the one that traces. */
#ifndef INLINE_INJECT_H
#define INLINE_INJECT_H

#include "go/program.h"
#include "inline/tracee.h"

enum { NOTE_NEAR, NOTE_CODE, NOTE_SHARED, NOTES };
struct note {
	u64 lo, hi;
};

struct inject {
	struct stopped *stopped;
	size_t thread; /* in stopped->at */
	int mem_fd;
	u64 stub_rt;
	struct str was;			/* the stub's bytes in the file */
	bool occupied;
	struct note note[NOTES];	/* what the calls that follow are about */
	bool is_left;			/* the stub of one that died was there ... */
	struct note left[NOTES];	/* ... and what it was about */
};

/* Chooses one of the stopped threads. */
bool inject_begin(struct inject *in, struct stopped *st, int mem_fd, const struct go_program *prog,
		  u64 bias, struct err *err) MUST_CHECK;
/* The kernel's answer: negative errno, or what the call gives. */
bool inject_syscall(struct inject *in, long nr, const u64 args[6], i64 *result,
		    struct err *err) MUST_CHECK;
bool inject_end(struct inject *in, struct err *err) MUST_CHECK;
/* Has a goshawk that died left a stub behind? */
bool inject_is_left(int mem_fd, const struct go_program *prog, u64 bias);

#endif
