/* Which functions of fiber and fasthttp are spans, or say something of one. */
#include "span/fiber.h"

#define V2 "github.com/gofiber/fiber/v2"
#define V3 "github.com/gofiber/fiber/v3"
#define FASTHTTP "github.com/valyala/fasthttp"

static const char *const fields[FIELDS_MOST] = {
	[FIELD_METHOD] = "http.request.method", [FIELD_HOST] = "server.address",
	[FIELD_PATH] = "url.path", [FIELD_TLS] = "url.scheme",
	[FIELD_STATUS] = "http.response.status_code", [FIELD_ROUTE] = "http.route",
	[FIELD_MATCHED] = "http.route", [FIBER_PEER_IP] = "client.address",
	[FIBER_PEER_PORT] = "network.peer.port",
	[FIELD_ASKED_SIZE] = "http.request.body.size", [FIELD_SIZE] = "http.response.body.size",
	[FIBER_RAW_SIZE] = "http.response.body.size", [FIELD_AGENT] = "user_agent.original",
};

/* As they are in fasthttp's headers, which it normalises unless it is told not to. */
static const char *const names[] = { "Tracepar", "tracepar" };

/* Who is at the other end of a connection, or of one of TLS on it. */
#define CONN ".(*net.TCPConn).conn.fd.raddr.(*net.TCPAddr)"
#define PEERS(field, part, most) \
	{ field, "arg0.c" CONN part, most }, \
	{ field, "arg0.c.(*crypto/tls.Conn).conn" CONN part, most }

/* (rctx *fasthttp.RequestCtx) */
#define HANDLES(name) { \
	.role = ROLE_SPAN, .func = name, .kind = SPAN_SERVER, .scope = FASTHTTP, \
	.gives = "spans of requests that fiber serves", .sig = "*" FASTHTTP ".RequestCtx", \
	.reads = { \
		{ FIELD_METHOD, "arg0.Request.Header.method", 16 }, \
		{ FIELD_HOST, "arg0.Request.Header.host", 128 }, \
		{ FIELD_TLS, "arg0.Request.isTLS", 0, true }, \
		PEERS(FIBER_PEER_IP, ".IP", 16), \
		PEERS(FIBER_PEER_PORT, ".Port", 0), \
		{ FIELD_ASKED_SIZE, "arg0.Request.Header.contentLength", 0 }, \
		{ FIELD_AGENT, "arg0.Request.Header.userAgent", AGENT_MOST }, \
	}, \
	.nreads = 9, .waits = true, \
	.messages = { "arg0.Request.Header.h" }, .nmessages = 1, \
	.extra = { \
		.kind = EXTRA_RECORDS, .headers = HEADERS_BYTES_BOOL, .only = names, \
		.nonly = ARRAY_LEN(names), .role = PROPAGATE_HEADED, \
	}, \
}

/* What it returns has the path, parsed from what may have a query. */
#define ACQUIRES(package, result, path) { \
	.role = ROLE_TOLD, .func = package ".(*App).AcquireCtx", .gives = "url.path", \
	.sig = "*" FASTHTTP ".RequestCtx -> " result, \
	.reads = { { FIELD_PATH, path, ASKED_MOST } }, .nreads = 1, \
}

/* Each route that may fit is tried: (r *Route) match(detectionPath, path string, params) */
#define MATCHES(package) { \
	.role = ROLE_TOLD, .func = package ".(*Route).match", .gives = "http.route of fiber", \
	.sig = "string, string, pointer -> bool", .costly = true, \
	.reads = { \
		{ FIELD_ROUTE, "recv.Path", ROUTE_MOST }, { FIELD_MATCHED, "ret0", 0 }, \
	}, \
	.nreads = 2, \
}

#define WRITES(name, parameters) { \
	.role = ROLE_ANSWER, .func = FASTHTTP ".(*Response)." name, \
	.gives = "http.response.status_code of fiber", .sig = parameters " -> error", \
	.reads = { \
		{ FIELD_STATUS, "recv.Header.statusCode", 0 }, \
		{ FIBER_RAW_SIZE, "len(recv.bodyRaw)", 0 }, \
		{ FIELD_SIZE, "len(recv.body.B)", 0 }, \
	}, \
	.nreads = 3, \
}

static const struct rule rules[] = {
	HANDLES(V2 ".(*App).handler"),
	HANDLES(V3 ".(*App).requestHandler"),
	HANDLES(V3 ".(*App).defaultRequestHandler"),
	HANDLES(V3 ".(*App).customRequestHandler"),
	ACQUIRES(V2, "*" V2 ".Ctx", "ret0.pathOriginal"),
	ACQUIRES(V3, "interface", "ret0.(*" V3 ".DefaultCtx).pathOriginal"),
	MATCHES(V2),
	MATCHES(V3),
	WRITES("Write", "pointer"),
	/* newer servers call this one */
	WRITES("write", "interface, pointer"),
};

const struct library library_fiber = {
	.name = "http-server", .package = FASTHTTP, .module = FASTHTTP,
	.rules = rules, .nrules = ARRAY_LEN(rules), .used = FASTHTTP ".(*Server).Serve",
	.fields = fields, .answer = fiber_answer, .messages = fiber_requests, .say = fiber_say,
};
