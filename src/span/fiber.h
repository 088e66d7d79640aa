/* fiber - github.com/gofiber/fiber on github.com/valyala/fasthttp: which of their functions are
 * spans, and what is said of requests, as of those of net/http (http.h).
 *
 * fasthttp calls whatever function it was given for each request, so servers of its own have no
 * function that is known; fiber has one. What was asked for is parsed while that runs, and the
 * answer is written when it has returned, by the same goroutine.
 *
 * Owns     nothing: constants.
 * Units    as rules.h.
 * Fails    what is not known is not said.
 * Threads  any.
 * Sources  router.go, ctx.go, ctx_interface.go, app.go of fiber v2.1.0 to v2.52.15 and
 *          v3.0.0-beta.3 to v3.1.0; server.go, http.go, header.go, args.go of fasthttp
 *          v1.16.0 to v1.78.0. */
#ifndef SPAN_FIBER_H
#define SPAN_FIBER_H

#include "span/http.h"

/* Who is served, besides the fields of http.h, of which fiber has no lists of patterns. */
enum { FIBER_PEER_IP = FIELD_PATTERN, FIBER_PEER_PORT, FIBER_RAW_SIZE };

extern const struct library library_fiber;

bool fiber_answer(const struct field_value *f, struct answer *to);
/* One request is one message: its headers name its parent. */
i64 fiber_requests(const struct field_value *f, const struct rule *rule);
/* What a call has told of the request that `s` is. */
void fiber_told(const struct field_value *f, struct open_span *s);
void fiber_say(struct saying *s, const struct field_value *f, const struct said *said);

#endif
