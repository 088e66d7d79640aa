/* span - a span as OpenTelemetry means it, once it has ended, and who is told of it.
 *
 * Owns     nothing: texts are views that hold for the call of the exporter. Who keeps a span copies
 *          it.
 * Units    Unix ns; ids are raw bytes, in the order in which they are printed.
 * Fails    exporters count what they lose (`dropped`) and say it once; a span never stops a
 *          session.
 * Source   opentelemetry-proto 1.3, trace/v1/trace.proto: kinds, status codes.
 * Threads  one, unless an exporter says more. */
#ifndef SPAN_SPAN_H
#define SPAN_SPAN_H

#include "base/str.h"

enum { TRACE_ID = 16, SPAN_ID = 8 };

enum span_kind {
	SPAN_INTERNAL = 1,
	SPAN_SERVER,
	SPAN_CLIENT,
	SPAN_PRODUCER,
	SPAN_CONSUMER,
};

enum span_status { STATUS_UNSET, STATUS_OK, STATUS_ERROR };

enum attr_kind { ATTR_TEXT, ATTR_INT, ATTR_FLOAT, ATTR_BOOL };

struct span_attr {
	struct str key;		/* a name of the semantic conventions */
	enum attr_kind kind;
	union {
		struct str text;	/* UTF-8, or what exporters replace */
		i64 number;
		double real;
		bool truth;
	};
};

struct span_event {
	i64 time_ns;
	struct str name;
	const struct span_attr *attrs;
	u32 nattrs;
};

/* Who a span belongs to; goes over the wire as W3C traceparent. */
struct span_context {
	u8 trace[TRACE_ID];	/* all 0: none */
	u8 span[SPAN_ID];
	bool sampled;
	bool deferred;		/* of who sent a request: it leaves that to who serves it */
	struct str state;	/* tracestate, as it came */
};

struct span {
	struct span_context self;
	u8 parent[SPAN_ID];	/* all 0: a root */
	bool parent_remote;	/* it came with a request... */
	bool parent_here;	/* ...which this process has sent itself */
	enum span_kind kind;
	struct str name;
	i64 start_ns, end_ns;
	const struct span_attr *attrs;
	u32 nattrs;
	const struct span_event *events;
	u32 nevents, dropped_events;
	const struct span_context *links;
	u32 nlinks;
	enum span_status status;
	struct str message;	/* with STATUS_ERROR */
	struct str scope;	/* the library that it is about, as "net/http" */
	i64 messages;		/* that it has sent or received; -1: not known */
	u64 goid;
};

/* What is said once of the process that all spans come from. */
struct span_resource {
	const struct span_attr *attrs;
	u32 nattrs;
};

struct span_exporter {
	void *ctx;
	bool all;		/* spans of traces that are not sampled, too: for counts */
	void (*span)(void *ctx, const struct span *s);
	/* Called often, at least once a second: what waits and is due is sent. */
	void (*tick)(void *ctx, i64 now_ns);
	/* What waits is sent, or given up after some time; then all is released. Gives how many
	 * spans were lost in all. */
	u64 (*end)(void *ctx);
};

#endif
