/* lines - lines of logs that calls are about to write: the outermost such call of each goroutine.
 *
 * A call inside another one, as slog's that hands its record to a handler of zap's, writes no line
 * of its own.
 *
 * Owns     them, until lines_release().
 * Units    Unix ns.
 * Fails    never. More than LINES_MOST goroutines: all are forgotten, and have no line.
 * Threads  one. */
#ifndef SPAN_LINES_H
#define SPAN_LINES_H

#include "base/map.h"
#include "event/calls.h"
#include "span/rules.h"

enum { LINES_MOST = 1 << 14 };

struct line {
	const struct rule *rule;
	const struct plan_func *fn;
	i64 time_ns;
	u32 inside;		/* calls that are open inside */
	bool over;		/* it was written, or will not be */
	u64 span;		/* 1 + place of the span that it is in; 0: none... */
	u8 id[SPAN_ID];		/* ...which it is as long as it has this id */
	char severity[SEVERITY_MOST];
	bool cut;
	u32 n;
	char text[LINE_MOST];
	struct line *next;	/* of those that are spare */
};

struct lines {
	struct map by_goid;	/* goid -> struct line * */
	struct line *spare;	/* to be used again */
};

/* A call begins: ROLE_LOG, in this span (`place` counts from 1; 0 and NULL: in none), or
 * ROLE_LOGGED. Gives the line that is written now, or NULL. */
const struct line *lines_call(struct lines *l, const struct call *call, const struct rule_on *on,
			      const struct field_value *f, u64 place, const struct open_span *in);
/* The call ends. */
void lines_end(struct lines *l, const struct call *call);
/* Records were lost: what is not written yet will not be known to be. */
void lines_doubt(struct lines *l);
void lines_drop(struct lines *l, u64 goid);
void lines_release(struct lines *l);

#endif
