/* redis - go-redis: which of its functions are spans, and what is said of a command.
 *
 * Of a command its name is read, no key and no value.
 *
 * Owns     nothing: constants.
 * Units    as rules.h.
 * Fails    what is not known is not said.
 * Threads  any.
 * Sources  OpenTelemetry semantic conventions 1.43, "Semantic conventions for Redis client
 *          operations"; github.com/redis/go-redis/v9, github.com/go-redis/redis/v8: redis.go,
 *          command.go. */
#ifndef SPAN_REDIS_H
#define SPAN_REDIS_H

#include "span/rules.h"

/* What the reads of rules are. */
enum { REDIS_ADDRESS, REDIS_DB, REDIS_ERROR, REDIS_REFUSAL, REDIS_COMMANDS };

extern const struct library library_redis9, library_redis8;

void redis_say(struct saying *s, const struct field_value *f, const struct said *said);

#endif
