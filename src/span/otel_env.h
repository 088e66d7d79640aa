/* otel_env - the OTEL_* variables: how each kind of them is read, and what is said of a wrong one.
 *
 * A variable that is empty, or blank, is not set. No message has a variable's value when that can
 * be a secret (headers, user information in a URL).
 *
 * Owns     nothing: texts are the environment's, or lie in the arena that was given.
 * Units    as the variable's name says.
 * Fails    never: a wrong value is said in one sentence, and the default is taken.
 * Threads  that of the caller.
 * Source   OpenTelemetry specification, "Environment Variable Specification"; W3C Baggage 3.2 for
 *          lists of pairs. */
#ifndef SPAN_OTEL_ENV_H
#define SPAN_OTEL_ENV_H

#include "base/str.h"

struct otel_env {
	const char *(*get)(void *ctx, const char *name);	/* NULL: not set */
	void (*say)(void *ctx, const char *sentence);	/* what the user has to know */
	void *ctx;
};

struct otel_pair {
	struct str key, value;
};

struct otel_pairs {
	const struct otel_pair *at;
	u32 n;
};

enum { OTEL_PAIRS_MOST = 128 };

/* NULL where it is not set, empty or blank. */
const char *otel_env(const struct otel_env *e, const char *name);
void otel_say(const struct otel_env *e, const char *fmt, ...) PRINTF(2, 3);
/* A number from `least` to `most`; else it is said, and `otherwise` holds. */
u64 otel_number(const struct otel_env *e, const char *name, u64 least, u64 most, u64 otherwise);
/* Takes the first name of a list ("a, b,c"), without the blanks around it; false: no more. */
bool otel_next(const char **list, struct str *name);
/* Words mean the same in upper and lower case, as the specification of the variables has it. */
bool otel_is(struct str name, const char *word);
/* "key=value,key=value", with %XX; a ';' is a part of its value, unlike in baggage. False: one is
 * malformed, and none is taken. */
bool otel_pairs(struct otel_pairs *to, struct arena *a, const char *text);

#endif
