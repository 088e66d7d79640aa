/* globals - the program's variables by address: names from the symbol table, types from DWARF.
 *
 * Owns     its list, in the arena that it was made with; names are views into the image.
 * Units    link-time addresses.
 * Fails    never: a program without symbols has none.
 * Threads  immutable once made; go_global_type loads on demand. */
#ifndef GO_GLOBALS_H
#define GO_GLOBALS_H

#include "go/types.h"

struct go_global {
	u64 va, size;
	struct str name;	/* "main.shared" */
};

struct go_globals {
	struct go_global *at;	/* ascending */
	size_t n;
};

void go_globals_make(struct go_globals *to, const struct go_program *prog, struct arena *a);
/* The variable that lies over this address, or NULL. */
const struct go_global *go_global_at(const struct go_globals *all, u64 va);
/* Or NULL. */
struct go_type *go_global_type(const struct go_program *prog, const struct go_global *g);

#endif
