/* recovery - what is read at runtime.recovery, which runs on g0 when a panic was recovered: which
 * goroutine goes on, and where. Its frames below the one that deferred the function which
 * recovered have ended without a RET.
 *
 * Owns     nothing: everything lies in the plan's arena.
 * Units    record offsets in bytes; depths as in plan/record.h.
 * Fails    never.
 * Threads  any.
 * Source   runtime/panic.go, recovery: g.sigcode0 up to Go 1.21, _panic.sp from 1.22 on. */
#ifndef PLAN_RECOVERY_H
#define PLAN_RECOVERY_H

#include "plan/plan.h"

/* Where they lie behind hook_at: a status each, then the word. */
enum { RECOVERY_GOID = 8, RECOVERY_HI = 24, RECOVERY_SP = 40 };

/* Adds the steps to whatever else is read there. */
void recovery_read(struct plan *p, struct plan_func *recovery);

/* How deep what that frame calls is at least, from the end of its stack and its SP. */
static inline u32 recovery_depth(u64 hi, u64 sp)
{
	return (u32)(hi - sp) + 1;
}

#endif
