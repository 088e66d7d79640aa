/* wrapper - what the compiler made around a method, and whether the method's code is in it.
 *
 * It makes (*T).M for each T.M and for the methods of embedded fields, which is what interfaces
 * call, and T.M-fm for method values. They call or jump to the method, unless that is so small that
 * it is inlined into them: then its calls by this way are seen in the wrapper, and nowhere else.
 *
 * Owns     nothing.  Units  none.  Fails  never: in doubt it calls.  Threads  one.
 * Source   cmd/compile/internal/reflectdata/reflect.go (methodWrapper), noder/reader.go. */
#ifndef GO_WRAPPER_H
#define GO_WRAPPER_H

#include "go/program.h"

/* Is f a wrapper that has its method in itself? `method` is that one's name, or f's own where it
 * has left no trace (the code may be one load). */
bool go_wraps_inlined(const struct go_program *prog, const struct go_func *f, struct str *method);

#endif
