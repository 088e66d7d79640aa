/* context - which span a goroutine is in: its own innermost one, or that of who started it.
 *
 * Each goroutine has a stack of open spans. One that is made inherits the span that its maker is in
 * at that moment. A span that has ended is never a parent again: who inherited it is then in the
 * nearest span around it that is still open, or in none, as a worker that outlives its request.
 *
 * A closed span's place is kept while a goroutine or an open span below refers to it, and no
 * longer. A goroutine that waits is not looked at before it is heard of again, or all places are
 * taken. Goroutines are forgotten at their end; beyond GOROUTINES_MOST those that nothing was
 * heard of for the longest time, which are counted. Ids of goroutines are never used again, so a
 * forgotten one has no parent rather than a wrong one.
 *
 * Owns     all of it, until contexts_release(). Pointers die with the next context_begin().
 * Units    ns.
 * Fails    context_begin: NULL when too many are open (counted in `refused`).
 * Threads  one. */
#ifndef SPAN_CONTEXT_H
#define SPAN_CONTEXT_H

#include "base/map.h"
#include "base/vec.h"
#include "span/span.h"

struct plan_func;

enum { GOROUTINES_MOST = 1 << 18, OPEN_SPANS_MOST = 1 << 16, ROUTE_MOST = 128, STATE_MOST = 512,
       ASKED_MOST = 512, BAGGAGE_MOST = 512 };

/* Does a span go by something that the answer to it comes by? */
enum span_stream {
	STREAM_NONE,
	STREAM_WITHIN,	/* until the call returns */
	STREAM_GOES_ON,	/* and when that has returned without an error, until it has a status */
};

/* The response to a request. */
struct answer {
	i64 status;
	i64 size;		/* bytes of its body; 0: none, or not known */
};

/* What became of a message that was sent. */
struct delivery {
	bool placed;		/* it has got this place: */
	i64 partition, offset;	/* an offset of -1 is not known */
	u32 nfailure;		/* 0: it was delivered */
	char failure[48];
};

enum { LINKS_MOST = 4 };

struct open_span {
	struct span_context self;
	u8 parent[SPAN_ID];
	bool open, sampled, parent_remote, parent_here, answered;
	u32 refs;
	u32 below;		/* 1 + place of the one around it in its goroutine; 0: none */
	u32 up;			/* 1 + place of its parent in this process; 0: none */
	u64 goid;
	const struct plan_func *fn;	/* whose call it is */
	i64 start_ns;		/* as records have it (event/source.h); Unix time was then... */
	i64 moved_ns;		/* ...so far ahead of that, for all of its trace */
	enum span_kind kind;
	u64 ctx;		/* the context.Context that a request has alone; 0: none */
	enum span_stream stream;
	u64 writer;		/* what writes the response, or brings it: an address; 0: none */
	struct answer answer;	/* if `answered` */
	struct delivery delivery;	/* of its message, if `answered` */
	struct span_context links[LINKS_MOST];	/* whose messages it has */
	u32 nlinks;
	struct events *events;	/* go with it */
	u32 nroute, nlast, ninner, nstate, nasked;
	/* patterns of the first ServeMux that the request came to, of the last one behind it, and
	 * of another router */
	char route[ROUTE_MOST], last[ROUTE_MOST], inner[ROUTE_MOST];
	char state[STATE_MOST];	/* tracestate */
	char asked[ASKED_MOST];	/* the path of the request, where its call does not say it */
};

struct context_goroutine;
struct contexts {
	VEC(struct open_span) spans;
	u32 free;		/* 1 + place; chained by `below` */
	struct map goroutines;	/* goid -> struct context_goroutine * */
	struct context_goroutine *newest, *oldest, *spare;
	size_t most_goroutines, most_spans;	/* 0: as above */
	u64 nopen, refused, forgotten;
	u64 asked, tidied;	/* for places; as of when all goroutines were looked at */
};

/* The span that it is in now, or NULL. */
struct open_span *context_current(struct contexts *c, u64 goid);
/* The nearest one of this kind, going outwards from there. */
struct open_span *context_nearest(struct contexts *c, u64 goid, enum span_kind kind);
/* Does `s` lie below `above`, or is it that one? */
bool context_within(const struct contexts *c, const struct open_span *s,
		    const struct open_span *above);
/* Puts one on the goroutine's stack, with `parent` (which context_current gave, or NULL) above
 * it. */
struct open_span *context_begin(struct contexts *c, u64 goid, const struct open_span *parent);
/* The innermost on the goroutine's own stack, or NULL. */
struct open_span *context_top(struct contexts *c, u64 goid);
/* It ends: nobody's parent any more. */
void context_end(struct contexts *c, u64 goid);
/* Maybe nothing more will be heard of it: it is forgotten, unless it is in a span. */
void context_idle(struct contexts *c, u64 goid);
void context_born(struct contexts *c, u64 maker, u64 goid);
void context_goroutine_ended(struct contexts *c, u64 goid);
void contexts_release(struct contexts *c);

#endif
