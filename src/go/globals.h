/* globals - the program's variables by address: names from the symbol table, types from DWARF.
 *
 * Owns     nothing: the list is made once and lies in the program's arena; names are views into
 *          the image.
 * Units    link-time addresses.
 * Fails    never: a program without symbols has none.
 * Threads  one: the list and types are made on demand. */
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

const struct go_globals *go_globals_of(const struct go_program *prog);
/* The one with this name, or NULL. */
const struct go_global *go_global_named(const struct go_globals *all, struct str name);
/* The variable that lies over this address, or NULL. */
const struct go_global *go_global_at(const struct go_globals *all, u64 va);
/* Or NULL. */
struct go_type *go_global_type(const struct go_program *prog, const struct go_global *g);

#endif
