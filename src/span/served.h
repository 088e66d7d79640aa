/* served - requests whose handler has returned, until the goroutine that called it writes the
 * response: only then is its status known for good (fiber.h).
 *
 * A goroutine serves one request after the other. Where it serves the next one, or ends, and no
 * response was seen, that one's span has no status.
 *
 * Owns     copies of the spans and of the records that their calls began with (streams.h).
 * Units    as streams.h.
 * Fails    as streams.h.
 * Threads  one. */
#ifndef SPAN_SERVED_H
#define SPAN_SERVED_H

#include "span/collect.h"
#include "span/streams.h"

struct served {
	struct streams by_goid;
	void (*over)(void *ctx, const struct stream *s);	/* once for each */
	void *ctx;
};

/* Something more is known of the request that is being served: ROLE_TOLD. */
void served_told(struct contexts *c, const struct collector_facts *f, const struct call *call,
		 const struct rule_on *on);
/* It is to be answered. Gives how many are forgotten for it. */
u64 served_put(struct served *s, const struct call *call, const struct rule_on *on,
	       struct open_span *span);
/* It is answered: ROLE_ANSWER. `top` is the innermost span that the goroutine is in still: what is
 * to be answered before its handler has returned is that one. */
void served_answer(struct served *s, const struct collector_facts *f, const struct call *call,
		   const struct rule_on *on, struct open_span *top);
/* What the goroutine has served last is over, whether it was answered or not. */
void served_over(struct served *s, u64 goid);
/* Nobody knows any more who is answered: all of them are over. */
void served_all_over(struct served *s);

#endif
