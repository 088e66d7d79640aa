#include "span/grpc.h"

#include <arpa/inet.h>

/* google.golang.org/grpc/codes */
enum {
	OK, UNKNOWN = 2, DEADLINE_EXCEEDED = 4, UNIMPLEMENTED = 12, INTERNAL, UNAVAILABLE, DATA_LOSS
};

static struct str code_name(struct saying *s, i64 code)
{
	static const char *const names[] = {
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
		"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
		"ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
		"UNAUTHENTICATED",
	};

	return code >= 0 && code < (i64)ARRAY_LEN(names) ? str_of(names[code]) :
	       say_fmt(s, "%lld", (long long)code);
}

/* Is it the server's fault? */
static bool fails_server(i64 code)
{
	return code == UNKNOWN || code == DEADLINE_EXCEEDED || code == UNIMPLEMENTED ||
	       code == INTERNAL || code == UNAVAILABLE || code == DATA_LOSS;
}

/* No error, and the end of a stream (io.EOF), is OK. */
bool grpc_answer(const struct field_value *f, struct answer *to)
{
	struct str type = f[GRPC_ERROR].text;

	to->status = f[GRPC_CODE].there ? f[GRPC_CODE].number : OK;
	return f[GRPC_CODE].there || (f[GRPC_ERROR].there && (str_eq(type, STR("nil")) ||
				      str_eq(type, STR("*errors.errorString"))));
}

/* "/shop.Orders/Get" */
static void say_method(struct saying *s, const struct field_value *f)
{
	struct str name = f->text;

	say_text(s, "rpc.system.name", STR("grpc"));
	s->span.name = STR("grpc");
	if (!f->there)
		return;
	if (str_starts(name, STR("/")))
		name = str_cut(name, 1, name.n);
	if (!name.n)
		return;
	s->span.name = name;
	say_text(s, "rpc.method", name);
}

static void say_code(struct saying *s, i64 code, bool fails)
{
	struct str name = code_name(s, code);

	say_text(s, "rpc.response.status_code", name);
	if (fails)
		say_error(s, name, (struct str){ 0 });
}

void grpc_say_server(struct saying *s, const struct field_value *f, const struct said *said)
{
	struct str ip;

	say_method(s, &f[GRPC_METHOD]);
	ip = say_ip(s, f[GRPC_OWN_IP].text);
	if (ip.n) {
		say_text(s, "server.address", ip);
		if (f[GRPC_OWN_PORT].there)
			say_int(s, "server.port", f[GRPC_OWN_PORT].number);
	}
	say_peer(s, &f[GRPC_PEER_IP], &f[GRPC_PEER_PORT]);
	if (said->answered)
		say_code(s, said->answer.status, fails_server(said->answer.status));
}

/* Without a query, in which resolvers have their settings. An '@' in one may as well be of a
 * password that has a '?': then nothing is left. */
static struct str without_query(struct str target)
{
	size_t n = 0;

	while (n < target.n && target.p[n] != '?' && target.p[n] != '#')
		n++;
	return str_cut(target, 0, str_find_last(str_cut(target, n, target.n), '@') < 0 ? n : 0);
}

/* "dns:///shop:443", "dns://8.8.8.8/shop:443", "passthrough:///shop:443", "shop:443",
 * "consul://user:password@127.0.0.1:8500/shop?token=secret". A path of a socket is no address. */
static void say_target(struct saying *s, struct str target)
{
	static const char *const schemes[] = { "dns:", "passthrough:" };
	ptrdiff_t at;

	if (str_starts(target, STR("unix:")) || str_starts(target, STR("unix-abstract:")))
		return;
	target = without_query(target);
	at = str_find(target, STR("://"));
	for (size_t i = 0; at < 0 && i < ARRAY_LEN(schemes); i++)
		if (str_starts(target, str_of(schemes[i])))
			target = str_cut(target, strlen(schemes[i]), target.n);
	if (at >= 0) {
		target = str_cut(target, (size_t)at + 3, target.n);
		at = str_find(target, STR("/"));
		target = str_cut(target, at < 0 ? 0 : (size_t)at + 1, target.n);
	}
	target = str_cut(target, (size_t)(str_find_last(target, '@') + 1), target.n);
	if (str_find_last(target, '/') < 0 && str_find_last(target, '=') < 0)
		(void)say_address(s, "server.address", "server.port", target);
}

/* What the call returned tells more than what its last attempt got. */
void grpc_say_client(struct saying *s, const struct field_value *f, const struct said *said)
{
	bool error = f[GRPC_ERROR].there && !str_eq(f[GRPC_ERROR].text, STR("nil"));

	say_method(s, &f[GRPC_METHOD]);
	if (f[GRPC_TARGET].there && !f[GRPC_TARGET].cut)	/* an '@' may be in the rest */
		say_target(s, f[GRPC_TARGET].text);
	if (f[GRPC_CODE].there)
		say_code(s, f[GRPC_CODE].number, f[GRPC_CODE].number != OK);
	else if (said->answered && !(error && said->answer.status == OK))
		say_code(s, said->answer.status, said->answer.status != OK);
	else if (error)
		say_error(s, f[GRPC_ERROR].text, (struct str){ 0 });
	else if (f[GRPC_ERROR].there)
		say_code(s, OK, false);
}
