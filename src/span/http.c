#include "span/http.h"

#include "span/routers.h"
#include "span/url_path.h"

static bool is_known_method(struct str m)
{
	static const char *const methods[] = {
		"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT", "TRACE",
		"QUERY",
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

/* Those of 1xx come before it; 101 is the last word on HTTP. What no handler has set is 200. */
bool http_answer(const struct field_value *f, struct answer *to)
{
	i64 status = f[FIELD_STATUS].number ? f[FIELD_STATUS].number : 200;

	if (!f[FIELD_STATUS].there || status >= 1000 || (status < 200 && status != 101))
		return false;
	*to = (struct answer){ status, f[FIELD_SIZE].number };
	return true;
}

static void say_size(struct saying *s, const char *key, i64 size)
{
	if (size > 0)
		say_int(s, key, size);
}

void http_say_server(struct saying *s, const struct field_value *f, const struct said *said)
{
	i64 status = said->answer.status;
	struct str route = said->route;
	struct str method = STR("HTTP");

	/* what the first one cut off, the last one has not seen */
	if (f[FIELD_PATH].there && said->last.n >= route.n &&
	    mux_fits(said->last, f[FIELD_PATH].text))
		route = said->last;
	if (f[FIELD_PATH].there && router_fits(said->inner, f[FIELD_PATH].text, status))
		route = said->inner;
	if (f[FIELD_METHOD].there)
		method = say_method(s, f[FIELD_METHOD].text);
	s->span.name = route.n ? say_joined(s, method, STR(" "), route) : method;
	if (f[FIELD_PATH].there)
		say_text(s, "url.path", f[FIELD_PATH].text);
	if (f[FIELD_TLS].there)
		say_text(s, "url.scheme", f[FIELD_TLS].number ? STR("https") : STR("http"));
	if (route.n)
		say_text(s, "http.route", route);
	if (status)
		say_int(s, "http.response.status_code", status);
	say_size(s, "http.request.body.size", f[FIELD_ASKED_SIZE].number);
	say_size(s, "http.response.body.size", said->answer.size);
	if (f[FIELD_HOST].there)
		(void)say_address(s, "server.address", "server.port", f[FIELD_HOST].text);
	if (f[FIELD_PEER].there)
		say_peer_address(s, f[FIELD_PEER].text);
	say_protocol(s, &f[FIELD_PROTO]);
	if (f[FIELD_AGENT].there && f[FIELD_AGENT].text.n)
		say_text(s, "user_agent.original", f[FIELD_AGENT].text);
	if (status >= 500)
		say_error(s, say_fmt(s, "%d", (int)status), (struct str){ 0 });
}

void http_say_client(struct saying *s, const struct field_value *f, const struct said *said)
{
	struct str method = f[FIELD_METHOD].text, scheme = f[FIELD_SCHEME].text, type;
	const char *query = f[FIELD_QUERY].there && f[FIELD_QUERY].number ? "?REDACTED" : "";
	i64 status = f[FIELD_STATUS].there ? f[FIELD_STATUS].number : 0;
	bool default_port = false;
	char room[URL_PATH_ROOM];
	struct str path = url_path(&f[FIELD_PATH], &f[FIELD_RAW_PATH], room);

	(void)said;
	s->span.name = STR("HTTP");
	if (f[FIELD_METHOD].there)
		s->span.name = say_method(s, method.n ? method : STR("GET"));
	if (f[FIELD_SCHEME].there && f[FIELD_HOST].there && f[FIELD_PATH].there)
		say_text(s, "url.full", say_fmt(s, "%.*s://%.*s%.*s%s", STR_F(scheme),
						STR_F(f[FIELD_HOST].text),
						STR_F(path), query));
	if (f[FIELD_HOST].there) {
		default_port = !say_address(s, "server.address", "server.port",
					    f[FIELD_HOST].text);
		if (default_port && str_eq(scheme, STR("https")))
			say_int(s, "server.port", 443);
		else if (default_port && str_eq(scheme, STR("http")))
			say_int(s, "server.port", 80);
	}
	if (status)
		say_int(s, "http.response.status_code", status);
	say_size(s, "http.request.body.size", f[FIELD_ASKED_SIZE].number);
	if (!str_eq(method, STR("HEAD")))	/* that one has the size of what GET would get */
		say_size(s, "http.response.body.size", f[FIELD_SIZE].number);
	say_protocol(s, &f[FIELD_PROTO]);
	type = f[FIELD_ERROR].text;
	if (f[FIELD_ERROR].there && !str_eq(type, STR("nil")))
		say_error(s, type, (struct str){ 0 });
	else if (status >= 400)
		say_error(s, say_fmt(s, "%d", (int)status), (struct str){ 0 });
}
