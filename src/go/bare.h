/* bare - calls behind which the caller has kept no frame pointer, so that a chain of them leaves
 * his caller out.
 *
 * Compiled functions keep the frame pointer of their caller at the top of their frame. Up to 1.20
 * those that need no frame and no stack check do not, nor do wrappers between Go and assembly; in
 * assembly NOFRAME says so. There the return address lies where the pcsp table says.
 *
 * Owns     nothing: the calls lie in the caller's arena.
 * Units    offsets of return addresses from the start of text.
 * Fails    never: what does not decode has no such calls.
 * Threads  any.
 * Sources  cmd/internal/obj/x86/obj6.go (preprocess, of 1.20 and 1.21). */
#ifndef GO_BARE_H
#define GO_BARE_H

#include "go/program.h"

struct go_bare_call {
	u32 return_pc;
	u32 up; /* bytes between the word above this return address and the caller's own */
};
struct go_bare_calls {
	struct go_bare_call *at;	/* ascending */
	u32 n;
};
enum { GO_BARE_CALLS = 48 };	/* no more than these; real programs have a dozen, or none */

struct go_bare_calls go_bare_calls(const struct go_program *prog, struct arena *a);

#endif
