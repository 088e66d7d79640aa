/* streams - spans that go on when the call that began them has returned, until what the answer
 * comes by has ended: told by its address.
 *
 * Owns     copies of the spans, and of the calls' entry records, until they are dropped.
 * Units    none.
 * Fails    never. More than STREAMS_MOST: the oldest one is forgotten.
 * Threads  one. */
#ifndef SPAN_STREAMS_H
#define SPAN_STREAMS_H

#include "base/map.h"
#include "event/calls.h"
#include "span/rules.h"

enum { STREAMS_MOST = 1 << 14 };

struct stream {
	struct stream *newer, *older;
	u64 address;
	u32 room;		/* for an entry */
	struct open_span span;
	const struct rule_on *on;
	struct call call;	/* its entry is the copy that follows; it has no exit */
	u8 entry[];
};

struct streams {
	struct map by_address;	/* address -> struct stream * */
	struct stream *newest, *oldest, *spare;
};

/* Has the call returned, and what it asked has not? `wanted`: there is somebody to tell. */
bool streams_takes(const struct call *call, const struct open_span *o, bool wanted);
/* How many are forgotten for it: one that nobody ended, or that was at the same address. The span's
 * events go over to it. */
u64 streams_put(struct streams *s, u64 address, const struct call *call, const struct rule_on *on,
		struct open_span *span);
struct stream *streams_get(const struct streams *s, u64 address);	/* NULL: none */
void streams_drop(struct streams *s, u64 address);
/* All of them: how many. */
u64 streams_forget(struct streams *s);
void streams_release(struct streams *s);

#endif
