/* frames - the stub that reads a goroutine's stack by frame pointers (READ_FRAMES of plan/plan.h).
 *
 * Owns     nothing.  Units  rt addresses.  Fails  as x86/asm.h.  Threads  any. */
#ifndef INLINE_FRAMES_H
#define INLINE_FRAMES_H

#include "go/bare.h"
#include "x86/asm.h"

/* in:  rdx where the addresses go, with the status in the 8 bytes before; ecx how many at most,
 * r15 g, r13 link, rsi and r9 what rsp and rbp are at the function's entry.
 * out: rax rcx rdx rsi rdi r8 r9 r15 dirty, all else kept. */
void frames_emit(struct assembler *a, const struct go_program *prog,
		 const struct go_bare_calls *bare, u64 bias);

#endif
