/* reach - which functions may run on a system stack (g0, gsignal), and by which calls they get
 * there.
 *
 * It begins with what the code hands to systemstack and mcall and with the functions that the
 * runtime enters on such stacks by other ways (go/roles.h), and follows calls; those that are
 * certain first, so that a function that can be reached by certain calls alone is. It ends where a
 * system stack ends: at gopanic, throw, gopark…
 *
 * Owns     its tables, until reach_release(); the call graph must stay.
 * Units    functions by index.
 * Fails    never.
 * Threads  one. */
#ifndef DIAG_REACH_H
#define DIAG_REACH_H

#include "diag/callgraph.h"

enum system_stack { STACK_NONE, STACK_G0, STACK_GSIGNAL, STACK_ANY /* not asked */ };

struct reached {
	u8 stack;		/* enum system_stack; STACK_NONE: not reached */
	u8 certainty;		/* of all calls on the way */
	u8 kind, last;		/* of the last call: enum call_kind, its own certainty */
	bool root;		/* `from` runs on another stack, or is UINT32_MAX */
	u32 from, at;		/* the call that leads here */
};

struct reach {
	struct callgraph *g;
	struct reached *of;	/* by function */
	VEC(u32) order;	/* those that are reached, as they were */
	u32 unknown;		/* calls from there whose target is not known */
	struct arena arena;
};

void reach_make(struct reach *s, struct callgraph *g);

/* The same from other functions, and by what is asked for only. */
struct reach_from {
	bool (*begins)(const struct callgraph *g, u32 func);
	bool (*avoids)(const struct callgraph *g, u32 func);	/* may be NULL */
	u8 stack;		/* that they run on */
	bool candidates;	/* follow those, too */
	bool handed;		/* follow what is handed to a system stack */
};
void reach_from(struct reach *s, struct callgraph *g, const struct reach_from *how);
void reach_release(struct reach *s);
static inline bool reach_has(const struct reach *s, u32 func)
{
	return s->of[func].stack;
}

/* The calls that lead to a function: the first has the one that hands it to another stack, if that
 * is how it begins; the last leads to `func`. */
struct path_step {
	u32 func;
	u32 at;			/* the call in it that leads to the next, 0 in the last */
	u8 kind, certainty;	/* of that call */
	bool system;		/* this function runs on a system stack */
};
enum { REACH_PATH = 64 };
/* The number of steps, at most REACH_PATH: of a longer one the end. 0: it is not reached. */
size_t reach_path(const struct reach *s, u32 func, struct path_step *to);

#endif
