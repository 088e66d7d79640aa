/* incoming - what requests say of whose child they are, from when a goroutine reads one until it
 * serves it.
 *
 * Where a request is handed over instead, it is told by two numbers (incoming_key).
 *
 * Owns     what was said, until it is dropped.
 * Units    none.
 * Fails    never. More than INCOMING_MOST requests that were read and never served: all are
 *          forgotten.
 * Threads  one. */
#ifndef SPAN_INCOMING_H
#define SPAN_INCOMING_H

#include "base/map.h"
#include "plan/sender.h"
#include "span/context.h"

enum { INCOMING_MOST = 1 << 14 };

struct incoming_request {
	struct span_context from;	/* as of incoming_take() */
	struct sender sender;
	bool moves;		/* who reads it starts who serves it */
	i64 read_ns;		/* as of incoming_read(); else 0 */
	u32 nstate;
	bool state_dropped;	/* it was too long, or cut */
	u32 nbaggage;		/* of which only the length matters here... */
	bool baggage_dropped;	/* ...whether it was too long, or cut */
	char state[STATE_MOST];
};

struct incoming {
	u32 how;		/* which headers count: PROPAGATOR_… */
	bool sorted;		/* lines come only while a request is read; and that one is read is
				 * told only where lines of an earlier one wait (PROPAGATE_READ) */
	struct map by_goid;	/* goid -> struct incoming_request * */
	struct map reading;	/* goid -> 1: it has begun to read a request, and serves none yet */
};

/* The goroutine begins to read a request: header lines are that one's, until it is served. */
void incoming_reads(struct incoming *in, u64 goid);
void incoming_served(struct incoming *in, u64 goid);
/* A header line of the request that this goroutine reads; `whole`: it has no more than that. */
void incoming_line(struct incoming *in, u64 goid, struct str line, bool whole);
/* The same in two parts; another goroutine will serve it. */
void incoming_field(struct incoming *in, u64 goid, struct str name, struct str value, bool whole);
/* Stands for a goroutine: a request that two numbers tell from others, whoever reads it. */
u64 incoming_key(u64 a, u64 b);
/* The goroutine has started another one: it serves what moves. */
void incoming_move(struct incoming *in, u64 goid, u64 to);
/* The request with this key was read then, if anything was said of it: where nothing is told of
 * those of which nothing is said, so that nobody takes the place of one that is not served. */
void incoming_read(struct incoming *in, u64 key, i64 ns);
/* Who sent it; NULL where nobody said, or not so that it is valid. Holds until the next call.
 * Of those of incoming_read() only what was read within two seconds, for a key comes again with
 * another connection. */
const struct incoming_request *incoming_take(const struct incoming *in, u64 goid, i64 now_ns);
/* Did baggage come that does not go on? */
bool incoming_lost_baggage(const struct incoming *in, u64 goid);
void incoming_drop(struct incoming *in, u64 goid);
void incoming_release(struct incoming *in);

#endif
