/* itabs - which concrete types the program stores in which interfaces, as the linker listed them.
 *
 * Owns     nothing: the list is read once and lies in the program's arena.
 * Units    link-time addresses.
 * Fails    never: a list that lies is cut where it stops making sense.
 * Threads  one.
 * Sources  runtime/runtime2.go (itab), cmd/link/internal/ld/symtab.go (go-internals 7). */
#ifndef GO_ITABS_H
#define GO_ITABS_H

#include "go/program.h"

struct go_itab {
	u64 va;			/* of the itab */
	u64 inter_va, type_va;	/* type descriptors */
};
size_t go_itabs(const struct go_program *prog, const struct go_itab **itabs);

#endif
