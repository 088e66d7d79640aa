/* http - what is said of HTTP requests, by the semantic conventions of OpenTelemetry.
 *
 * Query strings, headers and user information of URLs are never read, so they can't be said.
 *
 * Owns     nothing: texts are views into records, or lie in the caller's buffer.
 * Units    none.
 * Fails    what is not known is not said.
 * Threads  any.
 * Source   OpenTelemetry semantic conventions 1.27, "Semantic conventions for HTTP spans". */
#ifndef SPAN_HTTP_H
#define SPAN_HTTP_H

#include "span/rules.h"

struct field_value {
	bool there;
	struct str text;
	i64 number;		/* also of a bool */
};

enum { ATTRS_MOST = 48, SCRATCH_MOST = 4096 };

/* A span in the making. */
struct saying {
	struct span_attr attrs[ATTRS_MOST];
	struct span span;	/* its attrs are those */
	char scratch[SCRATCH_MOST];
	size_t used;
};

void say_text(struct saying *s, const char *key, struct str text);
void say_int(struct saying *s, const char *key, i64 number);
/* What is printed lies in the scratch; empty when that is full. */
struct str say_fmt(struct saying *s, const char *fmt, ...) PRINTF(2, 3);
void say_error(struct saying *s, struct str type, struct str message);

/* Name, attributes and status. `status` 0: not known; `route` may be empty. */
void http_server(struct saying *s, const struct field_value *f, i64 status, struct str route);
void http_client(struct saying *s, const struct field_value *f);
/* "GET example.com/users/{id}" is the route /users/{id}. */
struct str http_route(struct str pattern);

#endif
