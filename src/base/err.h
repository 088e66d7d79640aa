/* err - how a function says that it failed: a kind and one sentence.
 *
 * Owns     nothing: the text lies in the caller's struct and never needs freeing.
 * Units    the kind decides the exit status (cli.md: 2 usage, 3 format, ... 8 I/O).
 * Fails    never; a sentence that is too long is cut. What a terminal would obey is escaped.
 * Threads  one struct per thread. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/defs.h"

enum err_kind {
	ERR_NONE,
	ERR_USAGE,       /* 2: the command line is wrong */
	ERR_FORMAT,      /* 3: malformed, or not a Go program */
	ERR_UNSUPPORTED, /* 4: sound, but unknown to us */
	ERR_REFUSED,     /* 5: we could, and will not: it would put the target at risk */
	ERR_DENIED,      /* 6: privilege, kernel */
	ERR_GONE,        /* 7: the target or a peer went away */
	ERR_IO,          /* 8: disk */
	ERR_CLOSED,      /* 0: whoever read our output went away; nothing is said */
};

struct err {
	enum err_kind kind;
	char msg[1024];
};

/* Always false, so that a failing function can `return err_set(...)`. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
/* Puts "where: " before the sentence. Always false. */
bool err_in(struct err *err, const char *fmt, ...) PRINTF(2, 3);
int err_exit_status(const struct err *err);
/* Out of memory and broken invariants: prints one sentence and ends the process. */
NORETURN void die(const char *fmt, ...) PRINTF(1, 2);

/* How talk on stderr begins. "goshawk: " begins the sentence about what made goshawk fail, and
 * nothing else: by that its status is told from one of the program's that is the same. */
#define TALK "[goshawk] "
/* Such a sentence, in which there may be texts of a program. */
void talk(const char *fmt, ...) PRINTF(1, 2);

#endif
