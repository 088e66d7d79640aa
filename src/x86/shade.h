/* shade - what the collector is told of at a write-barrier check: which of the stored words are
 * pointers.
 *
 * While a collection runs, the code behind a check tells the collector of each pointer that is
 * about to be stored, and from Go 1.21 on of each that is about to be overwritten:
 *
 *	call gcWriteBarrier2			up to 1.20:	lea rdi, [rax+8]
 *	mov [r11], rbx		; new				call gcWriteBarrierBX
 *	mov rdx, [rax+8]					; it stores as well
 *	mov [r11+8], rdx	; old
 *
 * A length, a capacity and an interface's type are never told of. A pointer is, but where what is
 * there is known to be zero and what is stored is nil or the address of a variable.
 *
 * Owns     nothing.
 * Units    instructions by index.
 * Fails    never: POINTER_UNKNOWN.
 * Threads  any.
 * Sources  cmd/compile/internal/ssa/writebarrier.go (needwb, needWBsrc, needWBdst). */
#ifndef X86_SHADE_H
#define X86_SHADE_H

#include "x86/trail.h"

enum { SHADES = 32 };

struct shades {
	bool known;		/* the way that is taken during a collection was understood */
	bool joins;		/* both ways meet before what is stored (1.21 on) */
	bool whole;		/* all words that it tells of are in the lists */
	u32 fast, end;		/* the other way; where it ends up to 1.20 */
	struct num places[SHADES], values[SHADES];
	u32 nplaces, nvalues;
	struct barrier_call calls[SHADES];
	u32 ncalls;
};

/* Nothing is known yet. */
void shades_begin(struct shades *s);
/* From `slow` on; `fast` is where the other way begins. What t holds stays as it is, but for
 * numbers that were given. */
void shades_read(struct shades *s, struct trail *t, u32 slow, u32 fast);
/* Says of t's stores from `from` on, which lie behind the check. */
void shades_mark(const struct shades *s, struct trail *t, u32 from);
/* ... and of a store before it, which no other check's code holds. */
void shades_mark_before(const struct shades *s, struct trail *t, u32 store);

#endif
