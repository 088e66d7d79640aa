/* rules - which functions of which libraries are spans, or say something of one: data.
 *
 * Owns     nothing: constants.
 * Units    `since`, `until`: Go 1.N, for what belongs to Go itself. `from`, `below`: versions of
 *          the module that the program was built with.
 * Fails    rules_choose leaves out what the program does not have, or has in another version.
 * Threads  any. */
#ifndef SPAN_RULES_H
#define SPAN_RULES_H

#include "base/opt.h"
#include "plan/plan.h"
#include "span/context.h"
#include "span/saying.h"

/* What a call of the function means. */
enum rule_role {
	ROLE_SPAN,	/* from its entry to its end */
	ROLE_REQUEST,	/* a request is read: header lines in it are that one's */
	ROLE_LINE,	/* a header line */
	ROLE_FRAME,	/* all header fields, on a goroutine that starts the one that serves */
	ROLE_STATUS,	/* the status of the response that an object writes, or has got */
	ROLE_STREAM,	/* what the answer to the request of the span around it will come by */
	ROLE_ROUTE,	/* which pattern of a router fits */
	ROLE_ROUTER,	/* the same, by a router of another library (routers.h) */
	ROLE_TOLD,	/* what it has returned says more of the request that is served: its path,
			 * or whether a pattern fits */
	ROLE_ANSWER,	/* the goroutine has the response to what it served last */
	ROLE_CONNECTION,	/* what was served is a connection, whose requests come now */
	ROLE_WRITE,	/* headers are written: for plan/propagate.h only */
	ROLE_LOG,	/* a line of a log is written, unless `written_by` is never called */
	ROLE_LOGGED,	/* the line that this goroutine is about to write is written */
	ROLE_DELIVERY,	/* a message was delivered, or was not: the spans that go on for it end */
};

/* The registers that ABIInternal passes words in, in its order (plan_extra.reg). */
enum { REG_AX, REG_BX, REG_CX, REG_DI, REG_SI, REG_R8, REG_R9, REG_R10, REG_R11 };

#define CTX_IN(reg) ((reg) + 1)

/* Who writes requests by golang.org/x/net's Framer: its own Transport, and gRPC. */
#define XNET_BLOCK_CALLERS \
	"golang.org/x/net/http2.(*ClientConn).writeHeaders", \
	"google.golang.org/grpc/internal/transport.(*loopyWriter).writeHeader"

enum { FIELDS_MOST = 28, LINE_MOST = 512, SEVERITY_MOST = 24 };
enum { DELIVERED_MOST = 500 };	/* messages of a call of ROLE_DELIVERY in its record */

/* Fields that mean the same to every library: what writes the response of a server span, or brings
 * that of a client span (an address); two numbers that tell a request that was read from others,
 * where who reads it does not start who serves it. A span whose FIELD_KEY is of another type than
 * is asked for was read by another library, and is in that one's span. */
enum { FIELD_WRITER = FIELDS_MOST - 3, FIELD_KEY, FIELD_SUBKEY };

struct rule_read {
	u8 field;		/* what it is, as its library counts */
	const char *expr;
	u16 most;		/* bytes of a text */
	bool quiet;		/* many programs do not have it: that is no loss to be told of */
	const char *type;	/* only in programs that have this type; NULL: in all */
};

struct rule {
	enum rule_role role;
	const char *func;
	u8 since, until;	/* 0: whatever */
	const char *from, *below;	/* of the library's module: "1.66.0"; NULL: whatever */
	/* For programs whose build information does not tell versions: words of its arguments, as
	 * the compiler counts them (0: whatever); a type that is there (NULL: whatever);
	 * one of extra.callers is there as well. Of several for one function the first that fits
	 * is taken. */
	u8 words;
	const char *has;
	enum span_kind kind;
	enum span_stream stream;
	const char *scope;
	const char *gives;	/* what is missing without it, for messages */
	const char *sig;	/* go_sig_tell, for programs that do not tell; or NULL */
	const char *operation;	/* what it does, where not its arguments say that; or NULL */
	const char *written_by;	/* of a line: the function that says so; NULL: the rule's */
	/* Of several for one field the first counts that is there. */
	struct rule_read reads[FIELDS_MOST];
	u32 nreads;
	struct plan_extra extra;	/* its func is the rule's */
	/* The context.Context of the call: an expression ("arg1.ctx"), or CTX_IN(the first of its
	 * two registers). Of a server span it is the one that belongs to this request alone, of
	 * others it says below whose they are. */
	const char *ctx;
	u8 ctx_in;
	const char *only_with;	/* only in programs that have this function, too; or NULL */
	bool catches;	/* what panics in it is recovered by itself */
	bool waits;		/* its end is followed by ROLE_ANSWER */
	/* It is called so often that kernel probes would cost too much. */
	bool costly;
	/* A call with the context of one around it, of the same library, is of its request. */
	bool once;
	/* Only calls for which this expression is one of the types of its reads matter, and only
	 * where the program has one; kernel probes would cost too much. */
	const char *when_type;
	const char *when;	/* a condition: only such calls; or NULL */
	/* It is done by a goroutine of the library's own for one that is not known: whatever span
	 * that goroutine is in, this one is not. */
	bool apart;
	/* Where the headers of the first messages are that it sends or receives: expressions.
	 * `extra` is an EXTRA_RECORDS. */
	const char *messages[MESSAGES_MOST];
	u8 nmessages;
	bool own;		/* a function of --func: it has its name and what --show asks for */
};

/* What is known of a span besides its fields. */
struct said {
	const struct rule *rule;
	struct str chained;	/* the text of an EXTRA_CHAIN, if a string led there; or empty */
	struct answer answer;	/* of what a server span is of... */
	bool answered;		/* ...which was seen; else zeros */
	struct str route;	/* of net/http's first ServeMux; may be empty */
	struct str last;	/* of the last one behind it; may be empty */
	struct str inner;	/* of another router; may be empty */
	struct str asked;	/* the path, of ROLE_TOLD; may be empty */
	const struct delivery *delivery;	/* NULL: nothing was heard of one */
};

struct library {
	const char *name;	/* as --only and --no say; several may share it */
	const char *package;	/* of which it is, for messages */
	const char *module;	/* its path; NULL: Go's own */
	const struct rule *rules;
	u32 nrules;
	/* Who has this function uses the library: if nothing of it is a span then, that is said.
	 * NULL: it may be there for its other side. */
	const char *used;
	/* What reflection may call is in programs that never do (text/template keeps it): without
	 * one of these nothing of it is called. Ends with NULL; empty: it is where its names are.
	 */
	const char *made_by[3];
	const char *const *fields;	/* what is missing without each, for messages */
	/* ROLE_STATUS, ROLE_ANSWER: it says the last word on the response. */
	bool (*answer)(const struct field_value *f, struct answer *to);
	bool database;		/* of spans inside each other the outer one is shown */
	/* How many messages a call sends or has received, -1 where that is not known; and what
	 * became of one. NULL: it has to do with none. */
	i64 (*messages)(const struct field_value *f, const struct rule *rule);
	void (*delivery)(const struct field_value *f, struct delivery *to);
	/* What the goroutines do that this function starts is of no interest, and there are many of
	 * them; or NULL. */
	const char *quiet;
	/* How severe a line of a log is, or "". False: it is none that is written, or not known
	 * for sure. Who has this is for --logs. */
	bool (*severity)(const struct field_value *f, char to[SEVERITY_MOST]);
	/* Name, attributes and status of a span. */
	void (*say)(struct saying *s, const struct field_value *f, const struct said *said);
};

/* A rule that the program has: its fields in the plan's expressions. */
struct rule_on {
	const struct rule *rule;
	const struct library *library;
	u32 first;		/* index of its first ask */
	u32 fields;		/* a bit for each field that it reads */
};

static inline struct rule_on rule_on_of(const struct rule *rule, const struct library *library,
					u32 first)
{
	struct rule_on on = { rule, library, first, 0 };

	_Static_assert(FIELDS_MOST <= 32, "a bit for each");
	for (u32 i = 0; i < rule->nreads; i++)
		on.fields |= 1u << rule->reads[i].field;
	return on;
}

enum { LIBRARIES_MOST = 32, RULES_MOST = 320, READS_MOST = 3072 };
struct rules {
	struct rule_on on[RULES_MOST];
	u32 n;
	bool logs;		/* lines of logs, too: before rules_wanted() */
	u32 how;		/* PROPAGATOR_…: before rules_choose() */
	bool wanted[LIBRARIES_MOST], there[LIBRARIES_MOST];	/* of rules_libraries */
	struct expr_ask asks[READS_MOST];
	u32 nasks;
	struct plan_extra extras[RULES_MOST];
	const char *quiet[LIBRARIES_MOST + 2];	/* first those who never call what is looked at */
	u32 nquiet, nquiet_always;
	struct plan_ctx ctxs[RULES_MOST];
	u32 nctxs;
	const char *patterns[RULES_MOST];
};

/* All of them; ends with NULL. */
extern const struct library *const rules_libraries[];

/* --only and --no: names with commas. ERR_USAGE. */
bool rules_wanted(struct rules *r, const struct opt_list *only, const struct opt_list *no,
		  struct err *err) MUST_CHECK;
/* Whether this program has what writes headers of requests that it sends, and it is wanted. */
bool rules_send(const struct rules *r, const struct go_program *prog);
/* What of them this program has: patterns, asks and extras for a plan, whose first asks these are.
 * A span that says nothing else of it has PROPAGATE_SPAN.
 * `probes`: for kernel probes. Texts lie in `a`. */
void rules_choose(struct rules *r, const struct go_program *prog, bool probes, struct arena *a);
/* Whether it matters which goroutine makes which: not where all that is seen are requests that are
 * served, who come with keys. */
bool rules_follow(const struct rules *r);
/* The rule of a function of the plan, or NULL. */
const struct rule_on *rules_of(const struct rules *r, const struct plan_func *f);
/* Each thing that is off, as one sentence: functions that can't be watched, fields that can't be
 * read. */
void rules_off(const struct rules *r, const struct plan *p,
	       void (*say)(void *ctx, const char *sentence), void *ctx);

#endif
