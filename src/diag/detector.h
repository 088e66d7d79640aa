/* detector - the data races that the race detector has printed (of a program built with -race).
 *
 *	==================
 *	WARNING: DATA RACE
 *	Write at 0x00c00007c150 by goroutine 7:		Read, "Previous write", "by main goroutine"
 *	  runtime.mapassign_faststr()
 *	      /go/src/runtime/map_faststr.go:203 +0x0
 *	  main.(*book).write()
 *	      /src/main.go:15 +0xb4
 *
 *	Previous read at 0x00c00007c150 by goroutine 8:
 *	  [failed to restore the stack]
 *
 *	Goroutine 7 (running) created at:
 *	  main.main()
 *	      /src/main.go:26 +0x291
 *	==================
 *
 * Texts as in compiler-rt's tsan_report.cpp (of Go 1.17 to 1.27).
 *
 * Owns     nothing: texts are views into what was printed, frames lie in the caller's arena.
 * Units    none.
 * Fails    never: what is torn has fewer accesses, or frames.
 * Threads  any. */
#ifndef DIAG_DETECTOR_H
#define DIAG_DETECTOR_H

#include "diag/crash.h"

struct data_access {
	bool writes, main;		/* main: by the main goroutine */
	u64 goid;
	struct crash_goroutine at;	/* where, innermost first; maybe nowhere */
	struct crash_goroutine made_at;	/* where its goroutine was made */
};

struct data_race {
	struct data_access access[2];	/* the later one first */
	u32 naccesses;
};

/* The next one that a text tells of, which is taken from it. False: there is none. */
bool detector_race(struct str *rest, struct data_race *to, struct arena *a);

#endif
