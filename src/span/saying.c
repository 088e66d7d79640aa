#include "span/saying.h"

#include <stdarg.h>
#include <stdio.h>

void say_text(struct saying *s, const char *key, struct str text)
{
	if (s->span.nattrs < ATTRS_MOST)
		s->attrs[s->span.nattrs++] = (struct span_attr){
			.key = str_of(key), .kind = ATTR_TEXT, .text = text };
}

void say_int(struct saying *s, const char *key, i64 number)
{
	if (s->span.nattrs < ATTRS_MOST)
		s->attrs[s->span.nattrs++] = (struct span_attr){
			.key = str_of(key), .kind = ATTR_INT, .number = number };
}

struct str say_fmt(struct saying *s, const char *fmt, ...)
{
	size_t room = SCRATCH_MOST - s->used;
	struct str text = { s->scratch + s->used, 0 };
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->scratch + s->used, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		return text;
	text.n = (size_t)n;
	s->used += text.n;
	return text;
}

struct str say_joined(struct saying *s, struct str a, struct str b, struct str c)
{
	const struct str parts[] = { a, b, c };
	struct str text = { s->scratch + s->used, a.n + b.n + c.n };

	if (text.n >= SCRATCH_MOST - s->used)
		return (struct str){ text.p, 0 };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i].n)
			memcpy(s->scratch + s->used, parts[i].p, parts[i].n);
		s->used += parts[i].n;
	}
	return text;
}

struct str say_copy(struct saying *s, struct str text)
{
	return say_fmt(s, "%.*s", STR_F(text));
}

void say_error(struct saying *s, struct str type, struct str message)
{
	s->span.status = STATUS_ERROR;
	s->span.message = message;
	for (u32 i = 0; i < s->span.nattrs; i++)
		if (str_eq(s->attrs[i].key, STR("error.type"))) {
			s->attrs[i].text = type;
			return;
		}
	say_text(s, "error.type", type);
}

/* "host:port", "[::1]:80", "host". */
static struct str split_port(struct str host, i64 *port)
{
	ptrdiff_t colon = str_find_last(host, ':');
	struct str digits;
	i64 n = 0;

	*port = 0;
	if (colon < 0 || (str_find(host, STR(":")) != colon && host.p[0] != '['))
		return host;
	digits = str_cut(host, (size_t)colon + 1, host.n);
	if (!digits.n || digits.n > 5)
		return host;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return host;
		n = 10 * n + (digits.p[i] - '0');
	}
	*port = n;
	host.n = (size_t)colon;
	if (host.n > 1 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = str_cut(host, 1, host.n - 1);
	return host;
}

i64 say_address(struct saying *s, const char *address, const char *port_key, struct str host)
{
	i64 port;
	struct str name = split_port(host, &port);

	if (!name.n)
		return port;
	say_text(s, address, name);
	if (port && port_key)
		say_int(s, port_key, port);
	return port;
}
