/* chain - the context.Context that a call carries, and those around it: their addresses, innermost
 * first.
 *
 * A type that embeds a context.Context passes its questions on to that one: valueCtx, cancelCtx and
 * the others of package context do (withoutCancelCtx has it as a field), and programs have types of
 * their own that do. Which types those are, and where in each the next context lies, is taken from
 * the program's itabs and type descriptors, which stripped programs keep (of types that become
 * contexts by way of other interfaces, from the type that an itab is of); any other type ends the
 * chain. Steps follow it from one to the next, for as many as there is room.
 *
 * Owns     nothing: everything lies in the plan's arena.
 * Units    offsets in the entry record.
 * Fails    never: where no context is known there is none in the record.
 * Threads  one.
 * Sources  context/context.go (go1.17 to go1.27); os/signal/signal.go, net/lookup.go embed one. */
#ifndef PLAN_CHAIN_H
#define PLAN_CHAIN_H

#include "plan/reading.h"

enum { CHAIN_MOST = 16 };	/* contexts in a record, the call's own one included */

/* Adds the steps to what is read at the entry anyway. */
void chain_read(struct plan *p, const struct dynamic_types *d, struct plan_func *f);
/* Addresses of the contexts that a record of this reading has. */
u32 chain_of(const struct reading *r, const u8 *record, u64 to[CHAIN_MOST]);

#endif
