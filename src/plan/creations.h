/* creations - what is read at runtime.newproc1, which makes every goroutine.
 *
 * It runs on g0: at its entry an argument is the g that asks for one more, and what it returns is
 * the new one, with all in it that says where it comes from and what it will run.
 *
 * Owns     nothing: everything lies in the plan's arena.
 * Units    record offsets in bytes.
 * Fails    never: a refusal of newproc1 is the answer of creations_refusal.
 * Threads  one. */
#ifndef PLAN_CREATIONS_H
#define PLAN_CREATIONS_H

#include "plan/plan.h"

/* Where they lie behind hook_at: a status each, then the word. */
enum { CREATION_PARENT = 8, CREATION_GOID = 8, CREATION_START = 24, CREATION_AT = 40 };

/* The word of register `reg`, and words of the g that it points to: behind hook_at a status each,
 * then the word. Gives the steps of these. */
struct read *hook_read(struct plan *p, struct reading *r, u8 reg, const u16 *fields, u32 n);
/* Adds the steps to whatever else is read there. */
void creations_read(struct plan *p, struct plan_func *newproc1);
/* Where those goroutines begin that the request does not want: at a function that it names, or at
 * one of the compiler's, which are named after the one that has the go statement. */
void creations_quiet(struct plan *p);
/* Why creations are not seen; REFUSE_NONE when they are. */
enum refusal creations_refusal(const struct plan *p);

#endif
