/* implementers - which code a call through an interface can reach: that method of every type that
 * has all the methods of the interface.
 *
 * Owns     nothing.
 * Units    indexes of methods as an itab has them (sorted by name).
 * Fails    never: an interface that does not load is implemented by nobody.
 * Threads  one (types load on demand).
 * Sources  runtime/iface.go (itabInit), internal/abi/type.go. */
#ifndef GO_IMPLEMENTERS_H
#define GO_IMPLEMENTERS_H

#include "go/types.h"

/* Calls fn with the code that the itab of each such type has at `method`; code that the linker
 * took out is left out. */
void go_each_implementer(const struct go_program *prog, struct go_type *inter, size_t method,
			 void (*fn)(void *ctx, u64 code_va), void *ctx);

#endif
