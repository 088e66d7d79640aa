/* saying - a span in the making: its attributes, and room for texts that are printed for it.
 *
 * Owns     nothing: texts are views into records, or lie in the span's scratch.
 * Units    none.
 * Fails    what finds no room is not said.
 * Threads  any. */
#ifndef SPAN_SAYING_H
#define SPAN_SAYING_H

#include "span/span.h"

/* What an expression of a rule gave. */
struct field_value {
	bool there;
	bool other;		/* there is none: something before it is of another type, or nil */
	struct str text;
	i64 number;		/* also of a bool */
	bool cut;		/* the text goes on */
	struct str package;	/* of a dynamic type, its path; may be empty */
};

enum { ATTRS_MOST = 48, SCRATCH_MOST = 4096 };

struct saying {
	struct span_attr attrs[ATTRS_MOST];
	struct span span;	/* its attrs are those */
	char scratch[SCRATCH_MOST];
	size_t used;
	bool nothing;		/* it was no span after all */
};

void say_text(struct saying *s, const char *key, struct str text);
void say_int(struct saying *s, const char *key, i64 number);
/* What is printed lies in the scratch; empty when that is full. */
struct str say_fmt(struct saying *s, const char *fmt, ...) PRINTF(2, 3);
/* Into the scratch; several one behind the other. */
struct str say_joined(struct saying *s, struct str a, struct str b, struct str c);
struct str say_copy(struct saying *s, struct str text);
/* What is said last holds. */
void say_error(struct saying *s, struct str type, struct str message);
/* "host:port", "[::1]:80", "host": as `address`, and the port, where there is one, as `port_key`
 * (which may be NULL). Gives the port, or 0. */
i64 say_address(struct saying *s, const char *address, const char *port_key, struct str host);

#endif
