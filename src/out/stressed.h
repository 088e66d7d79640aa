/* stressed - what stores that were made to wait in a process have done, as text or JSON.
 *
 * Owns     nothing.  Units  ns.  Fails  never.  Threads  one. */
#ifndef OUT_STRESSED_H
#define OUT_STRESSED_H

#include "base/vec.h"
#include "out/torn.h"

struct stressed {
	const struct torn_store *store;
	u32 waits;
};
VEC_TYPE(stressed_list, struct stressed);

/* Those that waited most, and how many others were passed; sorts them. */
void stressed_print(struct out *o, struct stressed_list *list);
/* All of them: `delayed` objects. */
void stressed_json(struct out *o, const struct stressed_list *list);

struct stressed_end {
	u32 stores, refused;	/* that were delayed, and others that can't be */
	u32 passed;
	u64 waits, left_out, percent, seed;
	i64 waited_ns, stop_ns, elapsed_ns;
	bool exited;
	int program_exit;	/* as the shell says it: 128+n for a signal */
};
void stressed_end_print(struct out *talk, const struct stressed_end *e);
void stressed_end_json(struct out *o, const struct stressed_end *e);

#endif
