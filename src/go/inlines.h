/* inlines - where each function was inlined, and which functions call the race detector.
 *
 * Owns     nothing: tables lie in the caller's arena.
 * Units    pc is an offset from text.
 * Fails    never.
 * Threads  immutable once made. */
#ifndef GO_INLINES_H
#define GO_INLINES_H

#include "go/program.h"

struct inlined_place {
	/* of what was inlined; its text lies in funcnametab, where each name is once */
	struct str name;
	const struct go_func *in;
	u64 pc;			/* of the inlined body */
};

struct inlines {
	struct inlined_place *at;	/* by the place of the name, then by pc */
	size_t n;
};

void inlines_make(struct inlines *to, const struct go_program *prog, struct arena *a);
/* The places of one name, which must be a view into funcnametab (as those of functions are). */
const struct inlined_place *inlines_of(const struct inlines *all, struct str name, size_t *n);
/* The first place behind those of at[i]'s name. */
size_t inlines_next_name(const struct inlines *all, size_t i);

/* runtime.racefuncenter's entries: none unless the program was built with -race. */
struct race_calls {
	u64 va[4];
	size_t n;
};
struct race_calls race_calls_of(const struct go_program *prog);
/* Does f tell the race detector that it was entered? */
bool go_is_race_instrumented(const struct go_program *prog, const struct race_calls *r,
			     const struct go_func *f);

#endif
