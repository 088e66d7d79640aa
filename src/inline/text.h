/* text - changes to the text of a process that stands still: one read and one write for each page.
 *
 * Changes of one page become one write, which reaches the process whole or not at all, whoever is
 * killed meanwhile; pages are written in the order in which they were first named. So a change that
 * must come before another one is only to be named before it.
 *
 * Owns     nothing: a page is kept in it until the next one is named.
 * Units    rt addresses.
 * Fails    text_change: false, what stands there is not what should, or can't be read (`gone`).
 *          text_end: false, some page could not be written.
 * Threads  one. */
#ifndef INLINE_TEXT_H
#define INLINE_TEXT_H

#include <sys/types.h>

#include "base/defs.h"

enum { TEXT_PAGE = 4096, TEXT_JUMP = 5 };

struct text {
	int mem_fd;
	pid_t pid;
	u64 page_rt;		/* 0: none is kept */
	u32 lo, hi;		/* what has changed of it, if lo < hi */
	bool gone;		/* the last change: its place can't be read */
	bool unwritten;
	u8 page[TEXT_PAGE];
};

void text_begin(struct text *t, int mem_fd, pid_t pid);
/* Puts five bytes there in the place of five others, now or when the next page is named. */
bool text_change(struct text *t, u64 rt, const u8 from[TEXT_JUMP], const u8 to[TEXT_JUMP]);
bool text_end(struct text *t) MUST_CHECK;

#endif
