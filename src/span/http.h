/* http - net/http: which of its functions are spans, and what is said of requests, by the semantic
 * conventions of OpenTelemetry.
 *
 * Query strings, user information of URLs, and headers but User-Agent are never read, so they
 * can't be said.
 *
 * Owns     nothing: constants.
 * Units    as rules.h.
 * Fails    what is not known is not said.
 * Threads  any.
 * Sources  OpenTelemetry semantic conventions 1.27, "Semantic conventions for HTTP spans";
 *          net/http/{server,transport,request,h2_bundle}.go, net/http/internal/http2/server.go,
 *          net/textproto/reader.go (go1.17 to go1.27). */
#ifndef SPAN_HTTP_H
#define SPAN_HTTP_H

#include "span/rules.h"

/* What the reads of rules are. */
enum {
	FIELD_METHOD, FIELD_SCHEME, FIELD_HOST, FIELD_PATH, FIELD_QUERY, FIELD_PROTO, FIELD_PEER,
	FIELD_TLS, FIELD_STATUS, FIELD_ERROR,
	/* of a router (routers.h) */
	FIELD_ROUTE, FIELD_PATH_OF, FIELD_ROUTE_OF, FIELD_PATTERNS, FIELD_PATTERN,
	FIELD_PATTERN_LAST = FIELD_PATTERN + 5,
	FIELD_MATCHED,
	FIELD_RAW_PATH,
	FIELD_ASKED_SIZE, FIELD_SIZE,	/* of the bodies of request and response */
	FIELD_AGENT,	/* User-Agent */
};
enum { AGENT_MOST = 256 };	/* bytes of it that are read */
_Static_assert((int)FIELD_AGENT < (int)FIELD_WRITER, "rules.h has some of its own");

extern const struct library library_http_server, library_http_client;

bool http_answer(const struct field_value *f, struct answer *to);
void http_say_server(struct saying *s, const struct field_value *f, const struct said *said);
void http_say_client(struct saying *s, const struct field_value *f, const struct said *said);
/* "GET example.com/users/{id}" is the route /users/{id}. */
struct str http_route(struct str pattern);

#endif
