/* Which functions of google.golang.org/grpc are spans, or say something of one. Its transport's
 * methods are in no interface, so stripped programs know nothing of their parameters: `arg1.(T)`
 * says what they are. */
#include "span/grpc.h"

#define TRANSPORT "google.golang.org/grpc/internal/transport."
#define SERVER "arg0.(*" TRANSPORT "http2Server)"
#define STREAM "arg1.(*" TRANSPORT "Stream)"
#define SERVER_STREAM "arg1.(*" TRANSPORT "ServerStream)"
#define TCP ".(*net.TCPAddr)"
#define FRAME(arg) arg ".(*golang.org/x/net/http2.MetaHeadersFrame).HeadersFrame" \
	".FrameHeader.StreamID"
#define CODE ".(*google.golang.org/grpc/internal/status.Error).s.s.Code"
#define OLD_CODE ".(*google.golang.org/grpc/internal/status.Error).e.Code" /* before 1.40 */

static const char *const fields[FIELDS_MOST] = {
	[GRPC_METHOD] = "rpc.method", [GRPC_CODE] = "rpc.response.status_code",
	[GRPC_ERROR] = "error.type", [GRPC_TARGET] = "server.address",
	[GRPC_PEER_IP] = "client.address", [GRPC_PEER_PORT] = "network.peer.port",
	[GRPC_OWN_IP] = "server.address", [GRPC_OWN_PORT] = "server.port",
	[FIELD_WRITER] = "rpc.response.status_code", [FIELD_KEY] = "traceparent of gRPC calls",
	[FIELD_SUBKEY] = "traceparent of gRPC calls",
};

#define STATUS(name) \
	.role = ROLE_STATUS, .func = TRANSPORT name, \
	.gives = "rpc.response.status_code of servers", \
	.reads = { { FIELD_WRITER, "arg0", 0 }, { GRPC_CODE, "arg1.s.Code", 0 } }, .nreads = 2

#define HEADERS(frame, register) \
	.role = ROLE_FRAME, .func = TRANSPORT "(*http2Server).operateHeaders", \
	.gives = "traceparent of gRPC calls", \
	.reads = { { FIELD_KEY, "recv", 0 }, { FIELD_SUBKEY, FRAME(frame), 0 } }, .nreads = 2, \
	.extra = { \
		.kind = EXTRA_FIELDS, .reg = register, .disp = 8, .role = PROPAGATE_FRAME, \
	}

/* handleStream(t ServerTransport, stream *Stream, …): t has whom it goes to */
#define SERVED(stream) \
	.role = ROLE_SPAN, .func = "google.golang.org/grpc.(*Server).handleStream", \
	.kind = SPAN_SERVER, .scope = "google.golang.org/grpc", \
	.gives = "spans of gRPC calls that are served", \
	.reads = { \
		{ GRPC_METHOD, stream ".method", 256 }, \
		{ GRPC_PEER_IP, SERVER ".peer.Addr" TCP ".IP", 16 }, \
		{ GRPC_PEER_IP, SERVER ".remoteAddr" TCP ".IP", 16 }, \
		{ GRPC_PEER_PORT, SERVER ".peer.Addr" TCP ".Port", 0 }, \
		{ GRPC_PEER_PORT, SERVER ".remoteAddr" TCP ".Port", 0 }, \
		{ GRPC_OWN_IP, SERVER ".peer.LocalAddr" TCP ".IP", 16 }, \
		{ GRPC_OWN_IP, SERVER ".localAddr" TCP ".IP", 16 }, \
		{ GRPC_OWN_PORT, SERVER ".peer.LocalAddr" TCP ".Port", 0 }, \
		{ GRPC_OWN_PORT, SERVER ".localAddr" TCP ".Port", 0 }, \
		{ FIELD_KEY, SERVER, 0 }, \
		{ FIELD_SUBKEY, stream ".id", 0 }, \
		{ FIELD_WRITER, "arg1", 0 }, \
	}, \
	.nreads = 12, .ctx = stream ".ctx", .extra = { .role = PROPAGATE_SERVE_INSIDE }

static const struct rule server_rules[] = {
	{ .has = "*" TRANSPORT "ServerStream", SERVED(SERVER_STREAM) },
	{ SERVED(STREAM) },
	{ STATUS("(*http2Server).WriteStatus") },
	{ STATUS("(*http2Server).writeStatus") },
	{ STATUS("(*serverHandlerTransport).WriteStatus") },
	{ STATUS("(*serverHandlerTransport).writeStatus") },
	/* (frame, handle, …); from 1.60 on (ctx, frame, handle) */
	{ .words = 3, HEADERS("arg0", REG_BX) },
	{ .words = 4, HEADERS("arg0", REG_BX) },
	{ .words = 5, HEADERS("arg1", REG_DI) },
};

static const struct rule client_rules[] = {
	{
		.role = ROLE_SPAN, .stream = STREAM_WITHIN,
		.func = "google.golang.org/grpc.(*ClientConn).Invoke", .kind = SPAN_CLIENT,
		.scope = "google.golang.org/grpc", .gives = "spans of gRPC calls that are made",
		.reads = {
			{ GRPC_METHOD, "arg1", 256 },
			{ GRPC_TARGET, "recv.target", 128 },
			{ GRPC_CODE, "ret0" CODE, 0 },
			{ GRPC_CODE, "ret0" OLD_CODE, 0 },
			{ GRPC_ERROR, "ret0.(type)", 128 },
		},
		.nreads = 5,
		.ctx_in = CTX_IN(REG_BX), .extra = { .role = PROPAGATE_ASK },
	}, {
		.role = ROLE_SPAN, .stream = STREAM_GOES_ON,
		.func = "google.golang.org/grpc.(*ClientConn).NewStream", .kind = SPAN_CLIENT,
		.scope = "google.golang.org/grpc",
		.gives = "spans of gRPC streams that are opened",
		.reads = {
			{ GRPC_METHOD, "arg2", 256 },
			{ GRPC_TARGET, "recv.target", 128 },
			{ GRPC_CODE, "ret1" CODE, 0 },
			{ GRPC_CODE, "ret1" OLD_CODE, 0 },
			{ GRPC_ERROR, "ret1.(type)", 128 },
		},
		.nreads = 5,
		.ctx_in = CTX_IN(REG_BX), .extra = { .role = PROPAGATE_ASK },
	}, {
		.role = ROLE_STREAM,
		.func = "google.golang.org/grpc.(*clientStream).newAttemptLocked",
		.gives = "when gRPC streams end",
		.reads = { { FIELD_WRITER, "recv", 0 } }, .nreads = 1,
	}, {
		.role = ROLE_STATUS, .func = "google.golang.org/grpc.(*clientStream).finish",
		.gives = "when gRPC streams end, and rpc.response.status_code of these",
		.reads = {
			{ FIELD_WRITER, "recv", 0 },
			{ GRPC_CODE, "arg0" CODE, 0 },
			{ GRPC_CODE, "arg0" OLD_CODE, 0 },
			{ GRPC_ERROR, "arg0.(type)", 128 },
		},
		.nreads = 4,
	}, {
		/* returns ([]hpack.HeaderField, error) */
		.role = ROLE_WRITE, .func = TRANSPORT "(*http2Client).createHeaderFields",
		.gives = "traceparent in gRPC calls that are made",
		.extra = {
			.kind = EXTRA_WORDS, .exit = true, .alone = true, .reg = REG_AX, .most = 2,
			.role = PROPAGATE_LIST,
		},
	},
	{
		/* (streamID, endStream, hf []hpack.HeaderField, onWrite): what a client sends */
		.role = ROLE_WRITE, .func = TRANSPORT "(*loopyWriter).writeHeader",
		.gives = "traceparent in gRPC calls that are made",
		.extra = {
			.kind = EXTRA_WORDS, .reg = REG_DI, .most = 1, .role = PROPAGATE_LISTED,
			.callers = {
				TRANSPORT "(*loopyWriter).originateStream",	/* before 1.82.1 */
				TRANSPORT "(*loopyWriter).clientHeaderHandler",
			},
		},
	}, {
		.role = ROLE_WRITE, .func = "golang.org/x/net/http2.(*Framer).WriteHeaders",
		.gives = "traceparent in gRPC calls that are made",
		.extra = { .role = PROPAGATE_BLOCK, .callers = { XNET_BLOCK_CALLERS } },
	},
};

const struct library library_grpc_server = {
	.name = "grpc-server", .package = "google.golang.org/grpc",
	.module = "google.golang.org/grpc",
	.rules = server_rules, .nrules = ARRAY_LEN(server_rules),
	.fields = fields, .answer = grpc_answer, .say = grpc_say_server,
};

const struct library library_grpc_client = {
	.name = "grpc-client", .package = "google.golang.org/grpc",
	.module = "google.golang.org/grpc",
	.rules = client_rules, .nrules = ARRAY_LEN(client_rules),
	/* NewClient from 1.63 on, which the other one calls then */
	.made_by = { "google.golang.org/grpc.NewClient", "google.golang.org/grpc.DialContext" },
	.fields = fields, .answer = grpc_answer, .say = grpc_say_client,
};
