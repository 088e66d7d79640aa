/* code - a function's instructions as text and JSON: lines, inlined calls, what calls and data are,
 * windows, exits, torn stores, and where arguments and results lie.
 *
 * Owns     nothing.
 * Units    link-time addresses.
 * Fails    never: what is not known is left out.
 * Threads  one. */
#ifndef OUT_CODE_H
#define OUT_CODE_H

#include "out/function.h"
#include "plan/torn.h"

struct code_view {
	struct function_view function;
	struct flow flow;
	struct patches patches;		/* empty when the function as a whole is refused */
	const struct torn_store *torn;
	size_t ntorn;
};

void code_print(struct out *o, const struct code_view *v);
/* A `function` object, then an `instruction` object for each instruction. */
void code_json(struct json *j, const struct code_view *v);

#endif
