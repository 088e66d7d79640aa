/* dwarf_impl - what dwarf.c and dwarf_types.c share. Not for others.
 *
 * Owns     nothing.  Units  entries by offset in .debug_info.
 * Fails    NULL, or an empty text.  Threads  one. */
#ifndef GO_DWARF_IMPL_H
#define GO_DWARF_IMPL_H

#include "go/dwarf.h"
#include "image/dwarf.h"

enum {	/* cmd/internal/dwarf/dwarf.go */
	AT_GO_KIND = 0x2900, AT_GO_KEY, AT_GO_ELEM, AT_GO_EMBEDDED, AT_GO_RUNTIME_TYPE,
	AT_GO_PACKAGE_NAME,
};

const struct debug *dwarf_debug(const struct go_program *prog);	/* NULL: no debug information */
struct go_type **dwarf_type_slot(const struct go_program *prog, u64 entry);
struct str dwarf_package_of(const struct go_program *prog, struct str path);

/* The entry of the function whose code begins there, or false. */
bool dwarf_func_entry(const struct go_program *prog, u64 va, Dwarf_Die *die);
/* A formal parameter, which may leave what it says to its abstract origin. */
struct dwarf_param dwarf_read_param(const struct go_program *prog, Dwarf_Die die);

bool dwarf_is_type(Dwarf_Die *die);
/* The type of an entry; NULL if it is none of Go's. */
struct go_type *dwarf_type(const struct go_program *prog, Dwarf_Die *die);

#endif
