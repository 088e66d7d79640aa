/* vars - where the runtime keeps what we ask of a live program.
 *
 * Owns     nothing.  Units  link-time addresses.
 * Fails    false: not found, and what needs it can't be done.  Threads  any.
 * Sources  runtime/proc.go (allgadd), runtime/mgc.go (writeBarrier); see go-runtime.md 6, 10. */
#ifndef GO_VARS_H
#define GO_VARS_H

#include "go/program.h"

/* runtime.allgs: a slice (pointer, length, capacity) of pointers to every g there ever was. */
bool go_allgs_va(const struct go_program *prog, u64 *va);
/* runtime.writeBarrier: not 0 while a collection marks. */
bool go_write_barrier_va(const struct go_program *prog, u64 *va);
/* Addresses of which one is runtime.mheap_ (runtime/malloc.go, mallocinit); gives how many. */
size_t go_mheap_candidates(const struct go_program *prog, u64 *to, size_t most);

#endif
