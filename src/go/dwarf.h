/* dwarf - what DWARF says about Go functions and types; go/types.h and go/sig.h are the doors to
 * it.
 *
 * Owns     libdw's tables and indexes, until go_dwarf_release(); types and names lie in the
 *          program's arena.
 * Units    entries by offset in .debug_info, code by link-time address.
 * Fails    "not there" is false or NULL. A type that lies has kind GO_BAD.
 * Threads  one.
 * Sources  cmd/internal/dwarf, cmd/link/internal/ld/dwarf.go, cmd/compile/internal/dwarfgen. */
#ifndef GO_DWARF_H
#define GO_DWARF_H

#include "go/types.h"

struct dwarf_param {
	struct str name;
	struct go_type *type;	/* NULL: not said, or not Go's */
	bool result;
};

struct dwarf_func {
	struct str name;
	struct dwarf_param *params;	/* in source order: receiver, parameters, results */
	size_t nparams;
	bool optimised;			/* its unit was compiled without -N */
};

/* The function whose code begins there, or false. */
bool go_dwarf_func(const struct go_program *prog, u64 va, struct dwarf_func *f);
/* The type of a package's variable, by its name ("main.shared") and where it lies; NULL if it is
 * not there. */
struct go_type *go_dwarf_variable(const struct go_program *prog, struct str name, u64 va);
/* Every type, also those without a descriptor; some of them more than once. */
size_t go_dwarf_types(const struct go_program *prog, struct go_type ***types);
void go_dwarf_release(struct go_program *prog);

#endif
