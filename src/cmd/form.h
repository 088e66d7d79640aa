/* form - which output `trace` makes of calls: lines, nested blocks, tables.
 *
 * Owns     nothing: texts point into the command line or the caller's arena.
 * Units    ns.
 * Fails    form_check: ERR_USAGE with the two options that do not go together.
 * Threads  one. */
#ifndef CMD_FORM_H
#define CMD_FORM_H

#include "out/sinks.h"

struct form {
	bool graph, summary, count, json;
	const char *by, *hist, *hist_linear;
	i64 every_ns;

	/* filled by form_check */
	const char *hist_expr;
	struct hist_scale scale;
};

bool form_check(struct form *f, struct arena *a, bool entry, bool stack, bool show,
		struct err *err) MUST_CHECK;
/* What the plan has to know: values that are needed, expressions (at most two more at asks). */
void form_request(const struct form *f, struct plan_request *r, struct expr_ask *asks);
/* ERR_USAGE: the plan has what this form can't show. */
bool form_suits(const struct form *f, const struct plan *p, struct err *err) MUST_CHECK;
struct sink form_sink(const struct form *f, struct arena *a, struct out *o,
		      const struct target_facts *t);

#define FORM_OPTIONS(T, field) \
	OPT(T, 0, "graph", OPT_FLAG, NULL, field.graph, "nested calls of each goroutine"), \
	OPT(T, 0, "summary", OPT_FLAG, NULL, field.summary, \
	    "a table at the end: times, calls, errors and panics of each function"), \
	OPT(T, 0, "count", OPT_FLAG, NULL, field.count, \
	    "a table at the end: how often each function was called"), \
	OPT(T, 0, "hist", OPT_TEXT, "EXPR", field.hist, \
	    "drawn at the end: how a number is distributed, in powers of two (duration, len(s))"), \
	OPT(T, 0, "hist-linear", OPT_TEXT, "EXPR,MIN,MAX,STEP", field.hist_linear, \
	    "the same in equal steps: 'duration,0,10ms,100us'"), \
	OPT(T, 0, "by", OPT_TEXT, "EXPR", field.by, \
	    "--count and --hist by the value of EXPR instead of the function"), \
	OPT(T, 0, "every", OPT_DURATION, "DURATION", field.every_ns, \
	    "a table for each interval of this length too")

#endif
