/* store_read - what a store (store.h) has: its traces, and one of them with all its spans.
 *
 * All is read at once, as it stands at one moment, and the file let go of: who writes is not kept
 * waiting.
 *
 * Owns     nothing: all lies in the caller's arena.
 * Units    as span/span.h.
 * Fails    as store.h; ERR_USAGE: no such trace, or several.
 * Threads  one. */
#ifndef OUT_STORE_READ_H
#define OUT_STORE_READ_H

#include "base/err.h"
#include "span/span.h"

enum { STORED_SPANS_MOST = 100000 };

struct stored_trace {
	u8 id[TRACE_ID];
	i64 start_ns, end_ns;
	u64 spans, errors;
	struct str root, service;	/* of the root; empty: not known */
};

struct stored_traces {
	struct stored_trace *at;
	size_t n;
	u64 all;		/* that are as was asked for */
};

struct stored_ask {
	i64 slow_ns;		/* at least so long, the slowest first; 0: the newest first */
	bool errors;		/* with an error */
	u32 most;
};

struct stored_span {
	struct span span;
	struct str service;
	/* Where it stands in the tree: in the order of the array. */
	u32 depth;
	bool orphan;		/* its parent is not here */
};

/* Each span stands behind its parent, those of one parent in the order of time. */
struct stored_spans {
	struct stored_trace about;
	struct stored_span *at;
	size_t n;		/* at most STORED_SPANS_MOST; about.spans: all */
};

bool store_traces(struct stored_traces *to, const char *path, const struct stored_ask *ask,
		  struct arena *a, struct err *err) MUST_CHECK;
/* `prefix`: the beginning of its id, in hexadecimal. */
bool store_trace(struct stored_spans *to, const char *path, const char *prefix, struct arena *a,
		 struct err *err) MUST_CHECK;
/* Puts them into the order of the tree. */
void stored_spans_order(struct stored_spans *s, struct arena *a);

#endif
