/* span_tree - each trace as a tree of lines, a moment after its root in this process has ended.
 *
 *   trace 4bf92f3577b34da6a3ce929d0e0e4736
 *   GET /orders/{id} 12.4ms 200 url.path=/orders/7
 *   ├─ main.load 8.1ms id=7
 *   │  └─ GET 7.9ms 200 url.full=http://127.0.0.1:8080/stock/7
 *   └─ main.render 1.2ms
 *      • 1.1ms INFO an event, this long after the span began
 *
 * A span that ends after its parent has been printed is printed by itself, with what waited for it,
 * below a line that says so.
 *
 * Owns     lines of spans that wait for their root, until end().
 * Units    as span/span.h.
 * Fails    by the out (sticky). More than WAITING_MOST waiting spans, or WAITING_BYTES of their
 *          lines: a trace is printed as if we left.
 * Threads  one. */
#ifndef OUT_SPAN_TREE_H
#define OUT_SPAN_TREE_H

#include "base/out.h"
#include "span/span.h"

/* `whole`: in the end those whose root was not seen to end are left out. */
struct span_exporter span_tree_new(struct out *o, bool whole);

#endif
