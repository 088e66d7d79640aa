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
	bool cut;		/* the text goes on */
	struct str text;
	i64 number;		/* also of a bool */
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

/* In every caller, where the length of the key is known. */
static inline void say_text(struct saying *s, const char *key, struct str text)
{
	if (s->span.nattrs < ATTRS_MOST)
		s->attrs[s->span.nattrs++] = (struct span_attr){
			.key = str_of(key), .kind = ATTR_TEXT, .text = text };
}

static inline void say_int(struct saying *s, const char *key, i64 number)
{
	if (s->span.nattrs < ATTRS_MOST)
		s->attrs[s->span.nattrs++] = (struct span_attr){
			.key = str_of(key), .kind = ATTR_INT, .number = number };
}

/* What is printed lies in the scratch; empty when that is full. */
struct str say_fmt(struct saying *s, const char *fmt, ...) PRINTF(2, 3);
/* Into the scratch; several one behind the other. */
struct str say_joined(struct saying *s, struct str a, struct str b, struct str c);
struct str say_copy(struct saying *s, struct str text);
/* What is said last holds. */
void say_error(struct saying *s, struct str type, struct str message);
/* "host:port", "[::1]:80", "host": as `address`, and the port, where there is one, as `port_key`.
 * Gives the port, or 0. */
i64 say_address(struct saying *s, const char *address, const char *port_key, struct str host);
/* A net.IP: 4 bytes, or 16, of which those of IPv4 are known by how they begin. Empty: it is none.
 */
struct str say_ip(struct saying *s, struct str ip);
/* Who is served: as say_address() takes it. */
void say_peer_address(struct saying *s, struct str peer);
/* The same: a net.IP, and its port. */
void say_peer(struct saying *s, const struct field_value *ip, const struct field_value *port);

#endif
