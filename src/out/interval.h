/* interval - the time that a printed table is about: all of the trace, or one step of --every.
 *
 * Owns     nothing.
 * Units    Unix ns.
 * Fails    by the out (sticky).
 * Threads  one. */
#ifndef OUT_INTERVAL_H
#define OUT_INTERVAL_H

#include "out/line.h"
#include "out/sinks.h"

struct interval {
	i64 from_ns, to_ns;
	bool all;	/* of the trace */
	bool first;	/* no table was printed before */
	bool only;	/* there is no other */
};

/* What every sink with tables keeps. */
struct tables {
	struct line line;
	struct json json;
	bool as_json;
	struct arena *arena;
	u64 printed;	/* intervals so far */
	u64 lost, lost_all;	/* records: since the last table, and of the whole trace */
};

void tables_init(struct tables *t, struct arena *a, struct out *o, const struct target_facts *f,
		 bool json);
/* The interval that a tick is about. */
struct interval tables_tick(struct tables *t, i64 from_ns, i64 to_ns, bool last);
/* Text: a line that says which time it is, unless there is one table only; empty lines between
 * tables; records that were lost. */
void interval_text(struct tables *t, const struct interval *i);
/* JSON: the type and the interval's fields of a row; the caller goes on from there. */
void interval_json(struct tables *t, const char *type, const struct interval *i);
void tables_lost(void *tables, u64 count, i64 from_ns, i64 to_ns);	/* a sink's `lost` */
void json_i64_or_null(struct json *j, i64 v, bool known);
void out_right(struct out *o, int width, u64 v);

#endif
