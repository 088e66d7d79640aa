/* watch - runs a program until it ends, and looks at it in the moment before a signal ends it.
 *
 * Its stderr goes through us to ours; the end of it is kept. Go dies of a signal only where
 * GOTRACEBACK says crash, so that is set, whatever it was: none hides all. Other signals reach it;
 * INT, TERM, HUP and QUIT that are sent to us alone are passed on to it, and we wait for its end.
 *
 * Owns     struct watched: what it said, until watched_release().
 * Units    none.
 * Fails    as tracee_start; what can't be executed as what it is (ERR_FORMAT, ERR_DENIED, ERR_IO).
 * Threads  the one that calls. */
#ifndef INLINE_WATCH_H
#define INLINE_WATCH_H

#include "base/vec.h"
#include "image/image.h"

struct watched {
	/* called once, while all of its threads stand still: threads, the one that dies first */
	bool (*at_end)(void *ctx, int pid, const struct os_thread *threads, size_t n);
	void *ctx;

	/* filled by watch_run */
	struct os_thread fault;	/* as it stood at its last fault, handled or not; tid 0: none */
	VEC(char) said;
	pid_t pid;
	int status;	/* as a shell says it */
	int signal;	/* that ended it, 0: none */
};

bool watch_run(struct watched *w, char **program, struct err *err) MUST_CHECK;
void watched_release(struct watched *w);

#endif
