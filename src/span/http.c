#include "span/http.h"

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

void say_error(struct saying *s, struct str type, struct str message)
{
	s->span.status = STATUS_ERROR;
	s->span.message = message;
	say_text(s, "error.type", type);
}

static bool is_known_method(struct str m)
{
	static const char *const methods[] = {
		"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT", "TRACE",
	};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(m, str_of(methods[i])))
			return true;
	return false;
}

/* Says the method and gives what stands for it in the name. */
static struct str say_method(struct saying *s, struct str method)
{
	if (is_known_method(method)) {
		say_text(s, "http.request.method", method);
		return method;
	}
	say_text(s, "http.request.method", STR("_OTHER"));
	say_text(s, "http.request.method_original", method);
	return STR("HTTP");
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

static void say_address(struct saying *s, const char *address, const char *port_key,
			struct str host)
{
	i64 port;
	struct str name = split_port(host, &port);

	if (!name.n)
		return;
	say_text(s, address, name);
	if (port && port_key)
		say_int(s, port_key, port);
}

/* "HTTP/1.1" is 1.1, "HTTP/2.0" is 2. */
static void say_protocol(struct saying *s, const struct field_value *f)
{
	struct str version = f->text;

	if (!f->there || !str_starts(version, STR("HTTP/")))
		return;
	version = str_cut(version, 5, version.n);
	if (str_ends(version, STR(".0")) && !str_eq(version, STR("1.0")))
		version.n -= 2;
	say_text(s, "network.protocol.version", version);
}

struct str http_route(struct str pattern)
{
	ptrdiff_t slash = str_find(pattern, STR("/"));

	if (slash < 0)
		return STR("");
	return str_cut(pattern, (size_t)slash, pattern.n);
}

void http_server(struct saying *s, const struct field_value *f, i64 status, struct str route)
{
	struct str method = STR("HTTP");

	if (f[FIELD_METHOD].there)
		method = say_method(s, f[FIELD_METHOD].text);
	s->span.name = route.n ? say_fmt(s, "%.*s %.*s", STR_F(method), STR_F(route)) : method;
	if (f[FIELD_PATH].there)
		say_text(s, "url.path", f[FIELD_PATH].text);
	if (f[FIELD_TLS].there)
		say_text(s, "url.scheme", f[FIELD_TLS].number ? STR("https") : STR("http"));
	if (route.n)
		say_text(s, "http.route", route);
	if (status)
		say_int(s, "http.response.status_code", status);
	if (f[FIELD_HOST].there)
		say_address(s, "server.address", "server.port", f[FIELD_HOST].text);
	if (f[FIELD_PEER].there) {
		say_address(s, "client.address", NULL, f[FIELD_PEER].text);
		say_address(s, "network.peer.address", "network.peer.port", f[FIELD_PEER].text);
	}
	say_protocol(s, &f[FIELD_PROTO]);
	if (status >= 500)
		say_error(s, say_fmt(s, "%d", (int)status), (struct str){ 0 });
}

void http_client(struct saying *s, const struct field_value *f)
{
	struct str method = f[FIELD_METHOD].text, scheme = f[FIELD_SCHEME].text, type;
	const char *query = f[FIELD_QUERY].there && f[FIELD_QUERY].number ? "?REDACTED" : "";
	i64 status = f[FIELD_STATUS].there ? f[FIELD_STATUS].number : 0, port;

	s->span.name = STR("HTTP");
	if (f[FIELD_METHOD].there)
		s->span.name = say_method(s, method.n ? method : STR("GET"));
	if (f[FIELD_SCHEME].there && f[FIELD_HOST].there && f[FIELD_PATH].there)
		say_text(s, "url.full", say_fmt(s, "%.*s://%.*s%.*s%s", STR_F(scheme),
						STR_F(f[FIELD_HOST].text),
						STR_F(f[FIELD_PATH].text), query));
	if (f[FIELD_HOST].there) {
		say_address(s, "server.address", "server.port", f[FIELD_HOST].text);
		(void)split_port(f[FIELD_HOST].text, &port);
		if (!port && str_eq(scheme, STR("https")))
			say_int(s, "server.port", 443);
		else if (!port && str_eq(scheme, STR("http")))
			say_int(s, "server.port", 80);
	}
	if (status)
		say_int(s, "http.response.status_code", status);
	say_protocol(s, &f[FIELD_PROTO]);
	type = f[FIELD_ERROR].text;
	if (f[FIELD_ERROR].there && !str_eq(type, STR("nil")))
		say_error(s, type, (struct str){ 0 });
	else if (status >= 400)
		say_error(s, say_fmt(s, "%d", (int)status), (struct str){ 0 });
}
