#include "span/saying.h"

#include <stdarg.h>
#include <stdio.h>

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
	enum { DIGITS_MOST = 5 };
	size_t colon = host.n;
	i64 n = 0, each = 1;

	*port = 0;
	for (; colon && host.p[colon - 1] >= '0' && host.p[colon - 1] <= '9' &&
	       host.n - colon < DIGITS_MOST; each *= 10)
		n += each * (host.p[--colon] - '0');
	if (!colon || colon == host.n || host.p[--colon] != ':' ||
	    (host.p[0] != '[' && memchr(host.p, ':', colon)))
		return host;
	*port = n;
	host.n = colon;
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
