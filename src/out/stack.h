/* stack - the stack of a call, as lines under it or as a list in it.
 *
 * Owns     nothing.  Units  as event/stack.h.  Fails  by the out (sticky).  Threads  one. */
#ifndef OUT_STACK_H
#define OUT_STACK_H

#include "base/out.h"
#include "event/stack.h"

/* Nothing where the reading has no stack, or the record of the entry was lost (NULL). */
void stack_text(struct out *o, struct stacks *s, const struct reading *r, const u8 *entry);
void stack_json(struct json *j, struct stacks *s, const struct reading *r, const u8 *entry);

#endif
