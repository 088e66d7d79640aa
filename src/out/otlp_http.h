/* otlp_http - one request to a collector, by libcurl.
 *
 * libcurl is loaded when the first exporter is made: linked, it would cost every other command some
 * 20 ms for the forty libraries that it brings along.
 *
 * Owns     the connection, until otlp_http_free(). A reply's body holds until the next request.
 * Units    nanoseconds.
 * Fails    otlp_http_new: ERR_UNSUPPORTED, libcurl is not installed. A request: in the reply.
 * Threads  one at a time for each connection. libcurl sets no signal handlers and raises none. */
#ifndef OUT_OTLP_HTTP_H
#define OUT_OTLP_HTTP_H

#include "base/err.h"
#include "out/otlp_answer.h"
#include "out/otlp_config.h"

enum { ANSWER_MOST = 64 << 10, HEADERS_MOST = 64 << 10 };

struct otlp_http;
/* `c` outlives it. `stop` is asked about once a second while a request is under way. */
bool otlp_http_new(struct otlp_http **to, const struct otlp_config *c, const char *content_type,
		   bool (*stop)(void *ctx), void *ctx, struct err *err) MUST_CHECK;
void otlp_http_post(struct otlp_http *h, struct str body, i64 timeout_ns, struct otlp_reply *r);
void otlp_http_free(struct otlp_http *h);

#endif
