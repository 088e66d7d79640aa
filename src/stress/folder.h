/* folder - where the copies of one hunt lie, and those of hunts that were killed.
 *
 * Whoever lives holds a lock on its folder. One that nobody holds is of a goshawk that had no time
 * to take it away: the next one does, if it is the same user's.
 *
 * Owns     the folder and all that is in it, also what a program has put beside its copy.
 * Units    none.
 * Fails    folder_make: ERR_IO, with the path.
 * Threads  one; processes at once are told apart by the lock. */
#ifndef STRESS_FOLDER_H
#define STRESS_FOLDER_H

#include "base/arena.h"
#include "base/err.h"

struct folder {
	const char *path;	/* lies in the arena */
	int fd;			/* holds the lock */
};

/* Under TMPDIR. Others that were left there are taken away first. */
bool folder_make(struct folder *f, struct arena *a, struct err *err) MUST_CHECK;
/* With all that is in it; what is no directory is left alone. */
void folder_remove(const char *path);
/* Nothing, if it was never made. */
void folder_release(struct folder *f);

#endif
