/* crash - what a Go program that died has printed: what killed it, and whether a torn value does.
 *
 * Texts as in runtime/{panic,signal_unix,mgcsweep,mbitmap,traceback,slice,error}.go of Go 1.17 to
 * 1.27; what differs between releases is a row of the table in crash.c.
 *
 * Owns     nothing: texts are views into what was printed, frames lie in the caller's arena.
 * Units    none.
 * Fails    never: what is not recognised is CRASH_NONE.
 * Threads  any. */
#ifndef DIAG_CRASH_H
#define DIAG_CRASH_H

#include "base/str.h"

enum crash_kind {
	CRASH_NONE,
	CRASH_FREE_OBJECT, /* the collector met a pointer to an object that is free */
	CRASH_BAD_POINTER, /* ... or to no object, or the stack had one */
	CRASH_HEAP, /* the heap's own records are damaged */
	CRASH_NIL, /* a fault at a small address */
	CRASH_FAULT, /* a fault elsewhere */
	CRASH_COPY, /* ... while bytes were copied, compared or hashed */
	CRASH_LENGTH, /* a length or an index that can't be */
	CRASH_TYPE, /* a value of another type than its interface says */
	CRASH_FATAL, /* another fatal error of the runtime: deadlock, concurrent map writes */
	CRASH_PANIC, /* another panic */
	CRASH_KINDS
};
/* snake_case, for JSON. */
const char *crash_kind_name(enum crash_kind k);
/* Is it what a value that was seen half stored can do? */
bool crash_may_be_torn(enum crash_kind k);

struct crash_frame {
	struct str func, file;
	i32 line;
};

struct crash_goroutine {
	i64 id;
	struct str state;	/* "running", "chan receive, 2 minutes" */
	struct crash_frame *frames;	/* innermost first */
	u32 nframes;
};

struct crash {
	enum crash_kind kind;
	struct str message;	/* the line that says it */
	struct str detail;	/* the line that says more: the signal, the span; or empty */
	struct crash_goroutine *goroutines;	/* in the order printed: the one that died first */
	u32 ngoroutines;
};

enum { CRASH_FRAMES = 64 };
/* Where the first line that tells of a crash begins, or -1. */
ptrdiff_t crash_begins(struct str printed);
/* Where in a line such a text begins, behind whatever a logger has put there; -1: nowhere. */
ptrdiff_t crash_within(struct str line);
/* What a line that begins so tells of. */
enum crash_kind crash_line(struct str line);
/* "goroutine 7 [running]:", and its frames, which are taken from `rest`. */
bool crash_goroutine_at(struct str line, struct str *rest, struct crash_goroutine *g,
			struct arena *a);
void crash_read(struct crash *c, struct str printed, struct arena *a);
/* Where the goroutine that died was in the program's own code; NULL if it was nowhere, or if the
 * collector found it and nobody knows who did it. */
const struct crash_frame *crash_culprit(const struct crash *c);
/* The innermost frame that is neither the runtime's nor, if possible, the standard library's. */
const struct crash_frame *crash_own_frame(const struct crash_goroutine *g);

#endif
