/* callgraph - who calls whom, and how sure that is, from the code alone.
 *
 * A function's calls are found when they are asked for, and kept. Direct calls and jumps out of a
 * function are certain. Of a call through a func value or an interface it is asked where the value
 * comes from (x86/origin.h): an address in the image is certain; what a variable of the program
 * was given, what a parameter is at the calls of the function, and who has the methods of the
 * interface that was asked for, are candidates. What comes out of the heap is followed no further:
 * such calls are counted, and lead nowhere.
 *
 * Owns     all edges, until callgraph_release(); the program must stay open.
 * Units    functions by index in prog->funcs; `at` counts bytes from the caller's entry.
 * Fails    never: code that does not decode has no calls and says so.
 * Threads  one (made on demand). */
#ifndef DIAG_CALLGRAPH_H
#define DIAG_CALLGRAPH_H

#include "base/map.h"
#include "base/vec.h"
#include "go/program.h"

enum call_kind {
	CALL_DIRECT,
	CALL_TAIL,		/* a jump to another function */
	CALL_FUNC_VALUE,
	CALL_INTERFACE,
	CALL_SYSTEMSTACK,	/* it is handed to systemstack or mcall, and runs on g0 */
	CALL_GO,		/* ... to a go statement: on a stack of its own */
	CALL_DEFER,
};

enum certainty { CANDIDATE, CERTAIN };	/* in order: less than */

struct call {
	u32 to, at;
	u8 kind;		/* enum call_kind */
	u8 certainty;		/* enum certainty */
};

struct calls {
	const struct call *at;
	u32 n;
	u32 unknown;		/* calls whose target is not known */
	bool undecoded;
};

struct callgraph {
	const struct go_program *prog;
	u8 *roles;		/* enum go_role, by function */
	struct calls **of;	/* NULL: not asked yet */
	struct callers *callers;	/* callers.c: made at the first question */
	struct map stored;	/* variables: struct addresses * of what they are given */
	struct map implementers;	/* of methods: struct code_list * of their code */
	struct arena arena;
	/* of the question at hand: other functions that it led to, and how deep it is in them */
	u32 bodies, depth;
};

void callgraph_make(struct callgraph *g, const struct go_program *prog);
void callgraph_release(struct callgraph *g);
const struct calls *callgraph_calls(struct callgraph *g, u32 func);
/* Of the function that begins there, or UINT32_MAX. */
u32 callgraph_func(const struct callgraph *g, u64 va);

/* Functions with a direct call or jump to this one, ascending: its n callers. All of the text is
 * searched once, for bytes; one that only looks like a call may add a function. */
const u32 *callgraph_callers(struct callgraph *g, u32 func, u32 *n);

const char *call_kind_name(enum call_kind k);	/* snake_case, for JSON */
const char *certainty_name(enum certainty c);

#endif
