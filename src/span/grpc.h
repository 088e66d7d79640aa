/* grpc - google.golang.org/grpc: which of its functions are spans, and what is said of calls, by
 * the semantic conventions of OpenTelemetry.
 *
 * Metadata, messages and the texts of errors are never read, so they can't be said.
 *
 * Owns     nothing: constants.
 * Units    as rules.h.
 * Fails    what is not known is not said.
 * Threads  any.
 * Sources  OpenTelemetry semantic conventions 1.43, "Semantic conventions for gRPC";
 *          google.golang.org/grpc/{server,call,stream}.go, internal/transport/{http2_server,
 *          handler_server,transport,server_stream}.go, internal/status/status.go (1.40 to 1.85). */
#ifndef SPAN_GRPC_H
#define SPAN_GRPC_H

#include "span/rules.h"

/* What the reads of rules are. */
enum {
	GRPC_METHOD, GRPC_CODE, GRPC_ERROR, GRPC_TARGET, GRPC_PEER_IP, GRPC_PEER_PORT, GRPC_OWN_IP,
	GRPC_OWN_PORT
};

extern const struct library library_grpc_server, library_grpc_client;

bool grpc_answer(const struct field_value *f, struct answer *to);
void grpc_say_server(struct saying *s, const struct field_value *f, const struct said *said);
void grpc_say_client(struct saying *s, const struct field_value *f, const struct said *said);

#endif
