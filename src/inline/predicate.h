/* predicate - what of --if is decided in the target, without leaving it.
 *
 * Which parts that are, plan/condition.h says. Those before anything is recorded use R12, R13, R15
 * and the flags, and no memory but the stack and g.
 *
 * A call whose entry was recorded leaves a mark in a table of words (layout.h), at a hash of its
 * goroutine and depth, for its exits to find, which take it away. Where those of two calls fall
 * together, the place says so from then on: all exits that look there are recorded, and those which
 * have no entry are dropped when records are paired.
 *
 * Owns     nothing.
 * Units    labels of the assembler's scope from `label` on are free.
 * Fails    never: what is too much for it is left to the reader.
 * Threads  any. */
#ifndef INLINE_PREDICATE_H
#define INLINE_PREDICATE_H

#include "inline/layout.h"
#include "plan/condition.h"
#include "x86/asm.h"

struct predicate {
	struct assembler *a;
	const struct layout *l;
	const struct plan *p;
	const struct plan_func *fn;
	bool abi0;		/* g is not in R14 */
	unsigned label;
};

/* Is there anything to decide, so that entries leave marks and exits look for them? */
bool predicate_before_any(const struct predicate *s);
bool predicate_after_any(const struct predicate *s);
/* Where the parts of the condition are decided, for a printer. */
struct condition_parts predicate_parts(const struct plan_func *fn);
/* Goes on if the call may be wanted, else jumps to `no`. */
void predicate_before(struct predicate *s, unsigned no);
/* Can an unreadable call be decided here as well? If not, its record is for the reader. */
bool predicate_counts(const struct predicate *s);
/* The record is at R12; RAX, RCX, R13 and R15 are free. Ends at `yes`, or jumps to `no` or to
 * `unreadable`. */
void predicate_after(struct predicate *s, unsigned yes, unsigned no, unsigned unreadable);
/* Leaves a mark. R13, R15 and the flags are free. */
void predicate_mark(struct predicate *s);
/* At an exit: to `no` without a mark. R12, R13 and R15 are free. */
void predicate_find(struct predicate *s, unsigned no);

#endif
