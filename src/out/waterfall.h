/* waterfall - a trace from a store, for the eye: bars on a line of time, in a terminal or as a page
 * of HTML; and a table of traces.
 *
 * Owns     nothing.
 * Units    columns of a terminal. Texts come from a file that anybody may have written: control
 *          bytes are shown as \xNN, and HTML is escaped.
 * Fails    by the out (sticky).
 * Threads  one. */
#ifndef OUT_WATERFALL_H
#define OUT_WATERFALL_H

#include "base/out.h"
#include "out/store_read.h"

void traces_text(struct out *o, const struct stored_traces *t);
/* An object for each (docs/json.md), and the last one. */
void traces_json(struct out *o, const struct stored_traces *t);
/* `columns`: how wide it may be. */
void waterfall_text(struct out *o, const struct stored_spans *s, unsigned columns);
void waterfall_json(struct out *o, const struct stored_spans *s);
/* A page that needs nothing else and runs nothing. */
void waterfall_html(struct out *o, const struct stored_spans *s);

/* Where a span's bar begins and ends, on a line of time of n places: at least one. */
struct bar {
	unsigned from, to;
};
struct bar waterfall_bar(const struct stored_trace *about, const struct span *s, unsigned n);
/* Several processes are in one trace. */
bool waterfall_is_mixed(const struct stored_spans *s);

#endif
