/* busy - where the threads and goroutines of a stopped process will go on.
 *
 * A jump may not be written over bytes in the middle of which somebody will go on: a thread stands
 * there, a signal handler returns there, or a goroutine was preempted there (its asyncPreempt frame
 * lies on top of its parked stack). Instead of taking these apart, every word in the few places
 * that can hold such an address is taken for one: too many are found, never too few. They are
 * waited for, not stepped on: a thread that is single-stepped when its tracer is killed dies of the
 * next trap.
 *
 * Owns     the list, until busy_release().
 * Units    rt addresses; only those inside the spans asked for are kept.
 * Fails    ERR_UNSUPPORTED (the goroutines can't be found), ERR_GONE.
 * Threads  the one that traces.
 * Sources  runtime/preempt.go, preempt_amd64.s; runtime/runtime2.go (g, m); see go-runtime.md 3
 *          and 4. */
#ifndef INLINE_BUSY_H
#define INLINE_BUSY_H

#include "base/vec.h"
#include "inline/session.h"
#include "inline/tracee.h"

struct busy {
	VEC(u64) at;	 /* in the text, ascending */
	VEC(u64) inside; /* in code of ours (session.h: old_code) */
};

/* Addresses inside the program's text or our code from `code_lo` on (0: only the text). */
bool busy_find(struct busy *b, const struct inline_session *s, const struct stopped *st,
	       struct err *err) MUST_CHECK;
/* The same without goroutines that no thread runs: for busy_inside. False: one has just ended. */
bool busy_threads(struct busy *b, const struct inline_session *s, const struct stopped *st);
void busy_release(struct busy *b);
/* Does anybody go on in [lo, hi) of the text? */
bool busy_in(const struct busy *b, u64 lo, u64 hi);
/* Does a thread stand, or a signal handler return, in [lo, hi) of that code? */
bool busy_inside(const struct busy *b, u64 lo, u64 hi);

#endif
