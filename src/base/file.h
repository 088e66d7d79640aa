/* file - output files that are written whole, and where a program's file is.
 *
 * Owns     the descriptor and the temporary name, until out_file_release().
 * Units    paths as the user gave them.
 * Fails    ERR_IO, ERR_DENIED, with the path. Uncommitted output leaves nothing behind.
 * Threads  one struct per thread. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/out.h"

struct out_file {
	struct out out;
	const char *path;	/* what the user gave */
	char *temp, *final;	/* written under `temp`, then renamed to `final`; NULL: in place */
	bool own_fd;
	bool unnamed;		/* it has neither name yet */
};

/* NULL and "-" are stdout, /dev/stderr is stderr as it stands. A new file has mode 0600. `stream`:
 * readers follow it as it grows, so it has its name from the start. What is no regular file
 * (/dev/null, a FIFO) is written in place. */
bool out_file_open(struct out_file *f, const char *path, bool stream, struct err *err) MUST_CHECK;
/* Flushes, and gives the file its name. */
bool out_file_commit(struct out_file *f, struct err *err) MUST_CHECK;
void out_file_release(struct out_file *f);

/* Do both lead to one file, or is it the same name? */
bool file_is_same(const char *a, const char *b);
/* Does running it give other rights (set-uid, set-gid)? */
bool file_is_set_uid(const char *path);
/* The file that running `name` would execute, as the shell finds it. */
bool find_program(struct arena *a, const char *name, const char **path, struct err *err) MUST_CHECK;

#endif
