#include "span/saying.h"

#include <arpa/inet.h>
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
	if (port)
		say_int(s, port_key, port);
	return port;
}

void say_peer_address(struct saying *s, struct str peer)
{
	i64 port;
	struct str name = split_port(peer, &port);

	if (!name.n || name.p[0] == '@' || name.p[0] == '/')	/* of a unix socket */
		return;
	say_text(s, "client.address", name);
	say_text(s, "network.peer.address", name);
	if (port)
		say_int(s, "network.peer.port", port);
}

/* inet_ntop() would do it by printf, which took more time than the rest of the span. */
static struct str four_bytes(char text[INET6_ADDRSTRLEN], const u8 *ip)
{
	char *to = text;

	for (u32 i = 0; i < 4; i++) {
		if (i)
			*to++ = '.';
		if (ip[i] >= 100)
			*to++ = (char)('0' + ip[i] / 100);
		if (ip[i] >= 10)
			*to++ = (char)('0' + ip[i] / 10 % 10);
		*to++ = (char)('0' + ip[i] % 10);
	}
	return (struct str){ text, (size_t)(to - text) };
}

struct str say_ip(struct saying *s, struct str ip)
{
	static const char mapped[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff";
	char text[INET6_ADDRSTRLEN];

	if (ip.n == 16 && str_starts(ip, (struct str){ mapped, sizeof(mapped) - 1 }))
		ip = str_cut(ip, 12, 16);
	if (ip.n == 4)
		return say_joined(s, four_bytes(text, (const u8 *)ip.p), STR(""), STR(""));
	if (ip.n != 16 || !inet_ntop(AF_INET6, ip.p, text, sizeof(text)))
		return STR("");
	return say_joined(s, str_of(text), STR(""), STR(""));
}

void say_peer(struct saying *s, const struct field_value *ip, const struct field_value *port)
{
	struct str text = say_ip(s, ip->text);

	if (!text.n)
		return;
	say_text(s, "client.address", text);
	say_text(s, "network.peer.address", text);
	if (port->there)
		say_int(s, "network.peer.port", port->number);
}
