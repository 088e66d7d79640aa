/* line - the parts of a line about a call: goroutine, time of day, duration, the call, its end.
 *
 * Owns     nothing; writes to the caller's out.
 * Units    Unix ns, ns.
 * Fails    by the out (sticky).
 * Threads  one struct per thread. */
#ifndef OUT_LINE_H
#define OUT_LINE_H

#include "event/calls.h"
#include "event/stack.h"
#include "out/value.h"

struct line {
	struct out *o;
	struct value_view view;
	struct stacks *stacks;
	i64 second;		/* whose time of day stands in `clock` */
	char clock[sizeof("hh:mm:ss")];
};

void line_spaces(struct out *o, int n);
void line_goroutine(struct out *o, u64 goid);	/* "[g 18]   " */
void line_clock(struct line *l, i64 ns);	/* hh:mm:ss.micros */
/* Four digits are enough to compare by: 800ns, 13.25µs, 1.234s; "-" below 0. In a column of nine,
 * or as short as it is. */
void line_duration(struct out *o, i64 ns);
void line_duration_short(struct out *o, i64 ns);
void line_call(struct line *l, const struct call *c);	/* main.handle(id=7) */
void line_end(struct line *l, const struct call *c);	/* " = nil", " = <panic>", or nothing */
void line_lost(struct line *l, u64 count, i64 from_ns, i64 to_ns);	/* a line of its own */

#endif
