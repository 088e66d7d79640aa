/* Which functions of net/http are spans, or say something of one. */
#include "span/http.h"

static const char *const fields[FIELDS_MOST] = {
	[FIELD_METHOD] = "http.request.method", [FIELD_SCHEME] = "url.scheme",
	[FIELD_HOST] = "server.address", [FIELD_PATH] = "url.path",
	[FIELD_QUERY] = "that url.full has a query",
	[FIELD_PROTO] = "network.protocol.version", [FIELD_PEER] = "client.address",
	[FIELD_TLS] = "url.scheme", [FIELD_STATUS] = "http.response.status_code",
	[FIELD_ERROR] = "error.type", [FIELD_ROUTE] = "http.route",
	[FIELD_PATH_OF] = "http.route", [FIELD_ROUTE_OF] = "http.route",
	[FIELD_PATTERNS] = "http.route", [FIELD_PATTERN] = "http.route",
	[FIELD_PATTERN + 1] = "http.route", [FIELD_PATTERN + 2] = "http.route",
	[FIELD_PATTERN + 3] = "http.route", [FIELD_PATTERN + 4] = "http.route",
	[FIELD_PATTERN + 5] = "http.route", [FIELD_RAW_PATH] = "url.full as it is sent",
	[FIELD_ASKED_SIZE] = "http.request.body.size", [FIELD_SIZE] = "http.response.body.size",
	[FIELD_AGENT] = "user_agent.original",
};

#define GIN "*gin.Context"
#define ECHO "*echo.context"
#define ECHO5 "*echo.Context"
#define MUX "*mux.Route"
#define CHI "*chi.Context"
#define CHI_PATTERNS "arg0.(*chi.Context).RoutePatterns"
#define PATTERN(n) { FIELD_PATTERN + n, CHI_PATTERNS "[" #n "]", 128, .type = CHI }

#define AGENT { FIELD_AGENT, "arg1.Header[\"User-Agent\"][0]", AGENT_MOST }

/* What is read of a request that is served, and of one that is sent. */
#define SERVED \
	.reads = { \
		{ FIELD_METHOD, "arg1.Method", 16 }, \
		{ FIELD_PATH, "arg1.URL.Path", 512 }, \
		{ FIELD_PROTO, "arg1.Proto", 16 }, \
		{ FIELD_HOST, "arg1.Host", 128 }, \
		{ FIELD_PEER, "arg1.RemoteAddr", 64 }, \
		{ FIELD_TLS, "arg1.TLS != nil", 0 }, \
		{ FIELD_ASKED_SIZE, "arg1.ContentLength", 0 }, \
		AGENT, \
	}, \
	.nreads = 8, .ctx = "arg1.ctx", .once = true
/* What has been answered, when the handler is done. */
#define ANSWERED(name, status, size) \
	.role = ROLE_ANSWER, .func = name, .gives = "http.response.status_code", \
	.reads = { { FIELD_STATUS, status, 0 }, { FIELD_SIZE, size, 0 } }, .nreads = 2
#define SENT \
	.reads = { \
		{ FIELD_METHOD, "arg0.Method", 16 }, \
		{ FIELD_SCHEME, "arg0.URL.Scheme", 16 }, \
		{ FIELD_HOST, "arg0.URL.Host", 128 }, \
		{ FIELD_PATH, "arg0.URL.Path", 512 }, \
		{ FIELD_RAW_PATH, "arg0.URL.RawPath", 512 }, \
		{ FIELD_QUERY, "len(arg0.URL.RawQuery) > 0", 0 }, \
		{ FIELD_STATUS, "ret0.StatusCode", 0 }, \
		{ FIELD_PROTO, "ret0.Proto", 16 }, \
		{ FIELD_ERROR, "ret1.(type)", 128 }, \
		{ FIELD_ASKED_SIZE, "arg0.ContentLength", 0 }, \
		{ FIELD_SIZE, "ret0.ContentLength", 0 }, \
	}, \
	.nreads = 11, .ctx = "arg0.ctx", .once = true

/* Its span comes first: the others say something of one. */
static const struct rule server_rules[] = {
	{
		.role = ROLE_SPAN,
		.func = "net/http.serverHandler.ServeHTTP", .kind = SPAN_SERVER,
		.scope = "net/http", .gives = "spans of HTTP requests that are served",
		.waits = true,
		SERVED,
		.extra = { .role = PROPAGATE_SERVE },
	}, {
		/* HTTP/2 without TLS (h2c): there is no server of net/http's behind it. (rw
		 * *responseWriter, req *http.Request, handler func(…)) */
		.role = ROLE_SPAN,
		.func = "golang.org/x/net/http2.(*serverConn).runHandler", .kind = SPAN_SERVER,
		.scope = "golang.org/x/net/http2",
		.gives = "spans of HTTP/2 requests that golang.org/x/net serves",
		.sig = "pointer, *http.Request, pointer",
		.catches = true,
		SERVED,
		.extra = { .role = PROPAGATE_SERVE },
	}, {
		/* There golang.org/x/net calls what net/http has. */
		.role = ROLE_SPAN, .since = 27,
		.func = "net/http/internal/http2.(*serverConn).runHandler", .kind = SPAN_SERVER,
		.only_with = "golang.org/x/net/http2.(*Server).serveConn",
		.scope = "golang.org/x/net/http2",
		.gives = "spans of HTTP/2 requests that golang.org/x/net serves",
		.sig = "pointer, *http2.ServerRequest, pointer",
		.catches = true,
		.reads = {
			{ FIELD_METHOD, "arg1.Method", 16 },
			{ FIELD_PATH, "arg1.URL.Path", 512 },
			{ FIELD_PROTO, "\"HTTP/2.0\"", 16 },
			{ FIELD_HOST, "arg1.Host", 128 },
			{ FIELD_PEER, "arg1.RemoteAddr", 64 },
			{ FIELD_TLS, "arg1.TLS != nil", 0 },
			{ FIELD_ASKED_SIZE, "arg1.ContentLength", 0 },
			AGENT,
		},
		.nreads = 8,
		.ctx = "arg1.Context", .once = true,
		.extra = { .role = PROPAGATE_SERVE },
	}, {
		.role = ROLE_CONNECTION,
		.func = "golang.org/x/net/http2.(*Server).ServeConn",
		.gives = "that a connection goes on in HTTP/2",
	}, {
		.role = ROLE_CONNECTION,
		.func = "golang.org/x/net/http2.(*Server).serveConn",
		.gives = "that a connection goes on in HTTP/2",
	}, {
		ANSWERED("golang.org/x/net/http2.(*responseWriter).handlerDone", "recv.rws.status",
			 "recv.rws.wroteBytes"),
	}, {
		ANSWERED("net/http.(*response).finishRequest", "recv.status", "recv.written"),
	}, {
		.until = 26,
		ANSWERED("net/http.(*http2responseWriter).handlerDone", "recv.rws.status",
			 "recv.rws.wroteBytes"),
	}, {
		.since = 27,
		ANSWERED("net/http/internal/http2.(*responseWriter).handlerDone", "recv.rws.status",
			 "recv.rws.wroteBytes"),
	}, {
		.role = ROLE_REQUEST,
		.func = "net/http.(*conn).readRequest",
		.gives = "traceparent of requests",
		.extra = { .role = PROPAGATE_READ },
	}, {
		.role = ROLE_LINE,
		.func = "net/textproto.(*Reader).readContinuedLineSlice",
		.gives = "traceparent of requests",
		.extra = {
			.kind = EXTRA_TEXT, .exit = true, .alone = true, .reg = REG_AX, .most = 640,
			.role = PROPAGATE_LINE,
		},
	}, {
		/* (f *MetaHeadersFrame): a pointer, then Fields */
		.role = ROLE_FRAME, .until = 26,
		.func = "net/http.(*http2serverConn).processHeaders",
		.gives = "traceparent of HTTP/2 requests",
		.extra = {
			.kind = EXTRA_FIELDS, .reg = REG_BX, .disp = 8, .role = PROPAGATE_FRAME,
		},
	}, {
		.role = ROLE_FRAME, .since = 27,
		.func = "net/http/internal/http2.(*serverConn).processHeaders",
		.gives = "traceparent of HTTP/2 requests",
		.extra = {
			.kind = EXTRA_FIELDS, .reg = REG_BX, .disp = 8, .role = PROPAGATE_FRAME,
		},
	}, {
		.role = ROLE_FRAME,
		.func = "golang.org/x/net/http2.(*serverConn).processHeaders",
		.gives = "traceparent of HTTP/2 requests",
		.extra = {
			.kind = EXTRA_FIELDS, .reg = REG_BX, .disp = 8, .role = PROPAGATE_FRAME,
		},
	}, {
		/* returns (h Handler, patStr string, …) */
		.role = ROLE_ROUTE, .since = 22,
		.func = "net/http.(*ServeMux).findHandler", .gives = "http.route",
		.extra = {
			.kind = EXTRA_TEXT, .exit = true, .alone = true, .reg = REG_CX,
			.most = 128,
		},
	}, {
		/* with GODEBUG=httpmuxgo121=1, which a go.mod of before 1.22 sets */
		.role = ROLE_ROUTE, .since = 22,
		.func = "net/http.(*serveMux121).findHandler", .gives = "http.route",
		.extra = {
			.kind = EXTRA_TEXT, .exit = true, .alone = true, .reg = REG_CX,
			.most = 128,
		},
	}, {
		.role = ROLE_ROUTE, .until = 21,
		.func = "net/http.(*ServeMux).Handler", .gives = "http.route",
		.extra = {
			.kind = EXTRA_TEXT, .exit = true, .alone = true, .reg = REG_CX,
			.most = 128,
		},
	}, {
		/* When they are done with a request, routers give back what they knew of it. */
		.role = ROLE_ROUTER,
		.func = "sync.(*Pool).Put", .gives = "http.route of gin, echo and chi",
		.sig = "interface {}",
		.when_type = "arg0.(type)",
		.reads = {
			{ FIELD_ROUTE, "arg0.(*gin.Context).fullPath", 128, .type = GIN },
			{ FIELD_PATH_OF, "arg0.(*echo.context).path", 128, .type = ECHO },
			{ FIELD_ROUTE_OF, "arg0.(*echo.Context).route.Path", 128, .type = ECHO5 },
			{ FIELD_PATTERNS, "len(" CHI_PATTERNS ")", 0, .type = CHI },
			PATTERN(0),
			PATTERN(1),
			PATTERN(2),
			PATTERN(3),
			PATTERN(4),
			PATTERN(5),
		},
		.nreads = 10,
	}, {
		/* gorilla/mux has no such thing: it puts the route into the request's context. */
		.role = ROLE_ROUTER,
		.func = "context.WithValue", .gives = "http.route of gorilla/mux",
		.sig = "context.Context, interface {}, interface {} -> context.Context",
		.when_type = "arg2.(type)",
		.reads = {
			{ FIELD_ROUTE, "arg2.(*mux.Route).regexp.path.template", 128, .type = MUX },
		},
		.nreads = 1,
	},
};

#define XNET_STREAM "golang.org/x/net/http2.(*clientStream).encodeAndWriteHeaders"

static const struct rule client_rules[] = {
	{
		.role = ROLE_SPAN,
		.func = "net/http.(*Transport).roundTrip", .kind = SPAN_CLIENT,
		.scope = "net/http", .gives = "spans of HTTP requests that are sent",
		SENT,
		/* (r *Request): its Header */
		.extra = {
			.kind = EXTRA_BOXED, .reg = REG_BX, .disp = 56, .role = PROPAGATE_ASK,
		},
	}, {
		.role = ROLE_SPAN,
		.func = "golang.org/x/net/http2.(*Transport).RoundTrip", .kind = SPAN_CLIENT,
		.scope = "golang.org/x/net/http2",
		.gives = "spans of HTTP/2 requests that golang.org/x/net sends",
		.sig = "*http.Request -> *http.Response, error",
		SENT,
		.extra = {
			.kind = EXTRA_BOXED, .reg = REG_BX, .disp = 56, .role = PROPAGATE_ASK,
		},
	}, {
		/* (h Header, w io.Writer) */
		.role = ROLE_WRITE, .func = "net/http.Header.writeSubset",
		.gives = "traceparent in requests that are sent",
		.extra = {
			.kind = EXTRA_WORDS, .reg = REG_AX, .most = 3, .role = PROPAGATE_WRITE,
			.callers = { "net/http.(*Request).write" },
		},
	}, {
		/* (cs *clientStream, req *Request): its Header */
		.role = ROLE_WRITE, .until = 26,
		.func = "net/http.(*http2clientStream).encodeAndWriteHeaders",
		.gives = "traceparent in HTTP/2 requests that are sent",
		.extra = {
			.kind = EXTRA_BOXED, .reg = REG_BX, .disp = 56, .role = PROPAGATE_STREAM,
		},
	}, {
		/* (cs *clientStream, req *ClientRequest): its Header */
		.role = ROLE_WRITE, .since = 27,
		.func = "net/http/internal/http2.(*clientStream).encodeAndWriteHeaders",
		.gives = "traceparent in HTTP/2 requests that are sent",
		.extra = {
			.kind = EXTRA_BOXED, .reg = REG_BX, .disp = 40, .role = PROPAGATE_STREAM,
		},
	}, {
		/* (e *Encoder, f HeaderField): name and value */
		.role = ROLE_WRITE,
		.func = "vendor/golang.org/x/net/http2/hpack.(*Encoder).WriteField",
		.gives = "traceparent in HTTP/2 requests that are sent",
		.extra = {
			.kind = EXTRA_WORDS, .reg = REG_BX, .most = 4, .role = PROPAGATE_NAME,
		},
	}, {
		/* golang.org/x/net's own Transport; from 1.27 on it sends by net/http's */
		.role = ROLE_WRITE, .func = XNET_STREAM,
		.gives = "traceparent in HTTP/2 requests that golang.org/x/net sends",
		.extra = {
			.kind = EXTRA_BOXED, .reg = REG_BX, .disp = 56, .role = PROPAGATE_STREAM,
		},
	}, {
		.role = ROLE_WRITE, .func = "golang.org/x/net/http2/hpack.(*Encoder).WriteField",
		.only_with = XNET_STREAM,
		.gives = "traceparent in HTTP/2 requests that golang.org/x/net sends",
		.extra = {
			.kind = EXTRA_WORDS, .reg = REG_BX, .most = 4, .role = PROPAGATE_NAME,
		},
	}, {
		.role = ROLE_WRITE, .func = "golang.org/x/net/http2.(*Framer).WriteHeaders",
		.only_with = XNET_STREAM,
		.gives = "traceparent in HTTP/2 requests that golang.org/x/net sends",
		.extra = { .role = PROPAGATE_BLOCK, .callers = { XNET_BLOCK_CALLERS } },
	}, {
		.role = ROLE_WRITE, .until = 26, .func = "net/http.(*http2Framer).WriteHeaders",
		.gives = "traceparent in HTTP/2 requests that are sent",
		.extra = {
			.role = PROPAGATE_BLOCK,
			.callers = { "net/http.(*http2ClientConn).writeHeaders" },
		},
	}, {
		.role = ROLE_WRITE, .since = 27,
		.func = "net/http/internal/http2.(*Framer).WriteHeaders",
		.gives = "traceparent in HTTP/2 requests that are sent",
		.extra = {
			.role = PROPAGATE_BLOCK,
			.callers = { "net/http/internal/http2.(*ClientConn).writeHeaders" },
		},
	},
};

const struct library library_http_server = {
	.name = "http-server", .package = "net/http",
	.rules = server_rules, .nrules = ARRAY_LEN(server_rules),
	.fields = fields, .answer = http_answer, .say = http_say_server,
	/* for each request one that waits for the first byte of the next one */
	.quiet = "net/http.(*connReader).startBackgroundRead",
};

const struct library library_http_client = {
	.name = "http-client", .package = "net/http",
	.rules = client_rules, .nrules = ARRAY_LEN(client_rules),
	.fields = fields, .say = http_say_client,
};
