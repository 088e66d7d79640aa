/* rules - which functions of which libraries are spans, or say something of one: data.
 *
 * Owns     nothing: constants.
 * Units    `since`, `until`: Go 1.N, for what belongs to Go itself.
 * Fails    rules_choose leaves out what the program does not have, with the reason.
 * Threads  any.
 * Sources  net/http/{server,transport,request,h2_bundle}.go, net/http/internal/http2/server.go,
 *          net/textproto/reader.go (go1.17 to go1.27). */
#ifndef SPAN_RULES_H
#define SPAN_RULES_H

#include "base/opt.h"
#include "plan/plan.h"
#include "span/span.h"

enum span_library { LIBRARY_HTTP_SERVER, LIBRARY_HTTP_CLIENT, LIBRARY_COUNT };
const char *span_library_name(enum span_library l);	/* "http-server", as --only and --no say */

/* What a call of the function means. */
enum rule_role {
	ROLE_SPAN,	/* from its entry to its end */
	ROLE_REQUEST,	/* a request is read: header lines in it are that one's */
	ROLE_LINE,	/* a header line */
	ROLE_FRAME,	/* all header fields, on a goroutine that starts the one that serves */
	ROLE_STATUS,	/* the status of the response that an object writes */
	ROLE_ROUTE,	/* which pattern of a router fits */
	ROLE_HIJACK,	/* the connection is taken over: there is no response */
};

/* What an expression becomes (http.c). */
enum rule_field {
	FIELD_METHOD, FIELD_SCHEME, FIELD_HOST, FIELD_PATH, FIELD_QUERY, FIELD_PROTO, FIELD_PEER,
	FIELD_TLS, FIELD_STATUS, FIELD_ERROR, FIELD_COUNT
};

struct rule_read {
	enum rule_field field;
	const char *expr;
	u16 most;		/* bytes of a text */
};

struct rule {
	enum span_library library;
	enum rule_role role;
	const char *func;
	u8 since, until;	/* 0: whatever */
	enum span_kind kind;
	const char *scope;
	const char *gives;	/* what is missing without it, for messages */
	struct rule_read reads[FIELD_COUNT];
	u32 nreads;
	struct plan_extra extra;	/* its func is the rule's */
};

/* One that the program has: its fields in the plan's expressions. */
struct rule_on {
	const struct rule *rule;
	u32 first;		/* index of its first ask */
};

enum { RULES_MOST = 16, READS_MOST = 64 };
struct rules {
	struct rule_on on[RULES_MOST];
	u32 n;
	bool wanted[LIBRARY_COUNT], there[LIBRARY_COUNT];
	struct expr_ask asks[READS_MOST];
	u32 nasks;
	struct plan_extra extras[RULES_MOST];
	const char *patterns[RULES_MOST];
};

/* --only and --no: names with commas. ERR_USAGE. */
bool rules_wanted(struct rules *r, const struct opt_list *only, const struct opt_list *no,
		  struct err *err) MUST_CHECK;
/* What of them this program has: patterns, asks and extras for a plan, whose first asks these are.
 * Texts lie in `a`. */
void rules_choose(struct rules *r, const struct go_program *prog, struct arena *a);
/* The rule of a function of the plan, or NULL. */
const struct rule_on *rules_of(const struct rules *r, const struct plan_func *f);
/* Each thing that is off, as one sentence: functions that can't be watched, fields that can't be
 * read. */
void rules_off(const struct rules *r, const struct plan *p,
	       void (*say)(void *ctx, const char *sentence), void *ctx);

#endif
