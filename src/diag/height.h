/* height - how far below its entry a function gets on the stack before any stack check.
 *
 * A function with a stack check has what its frame needs, and in its frame STACK_NOSPLIT bytes
 * more; what it calls without a check lives on them. The linker refuses chains of such functions
 * that need more. It is counted here as there: frames by the pcsp tables, calls where they stand,
 * 8 bytes for a function with a check and for a call whose target is not known. More than there,
 * calls through registers are counted where it is certain what they lead to.
 *
 * Owns     its tables, until heights_release(); the call graph must stay.
 * Units    functions by index, bytes of stack; `at` counts bytes from the function's entry.
 * Fails    never: code that does not decode needs its frame.
 * Threads  one (made on demand).
 * Sources  cmd/link/internal/ld/stackcheck.go (before 1.19 lib.go). */
#ifndef DIAG_HEIGHT_H
#define DIAG_HEIGHT_H

#include "diag/callgraph.h"

enum { HEIGHT_ENDLESS = INT32_MAX };	/* a chain that comes back to itself */

struct height {
	i32 bytes;
	u32 to, at;		/* the call behind which most is needed; UINT32_MAX: none */
	bool known, open;	/* open: it is being counted */
	bool again;		/* a chain without a check leads from it to it */
	bool calls;		/* there are bytes in it that look like a direct call */
};

struct heights {
	struct callgraph *g;
	struct height *of;	/* by function; read by height_of only */
	struct arena arena;
};

void heights_make(struct heights *h, struct callgraph *g);
void heights_release(struct heights *h);
const struct height *height_of(struct heights *h, u32 func);
/* Does it begin with a stack check? Where the entry was overwritten, by a probe or a jump, yes. */
bool func_checks_stack(const struct go_program *prog, const struct go_func *f);
/* So many bytes may be used without a check. */
i32 height_limit(const struct go_program *prog);

#endif
