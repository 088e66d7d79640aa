/* function - one function of a listing, as a line of text or a `function` object.
 *
 * Owns     nothing.
 * Units    addresses are link-time addresses.
 * Fails    never.
 * Threads  one. */
#ifndef OUT_FUNCTION_H
#define OUT_FUNCTION_H

#include "base/out.h"
#include "go/inlines.h"
#include "plan/plan.h"

struct function_view {
	const struct go_program *prog;
	const struct go_func *func;	/* NULL: it exists only inlined */
	struct str name;
	bool probed;			/* refusal says whether it can be probed; else not asked */
	enum refusal refusal;
	bool race;			/* race-instrumented */
	bool inlines;			/* places are known, also when there are none */
	const struct inlined_place *places;
	size_t nplaces;
};

/* ADDRESS SIZE NAME(PARAMS) RESULTS  [SOURCE]  FILE:LINE, then a line for each inlined place. */
void function_print(struct out *o, const struct function_view *v);
void function_json(struct json *j, const struct function_view *v);

#endif
