/* record - the fixed binary layout that an engine writes for each event.
 *
 *   OFFSET SIZE MEANING
 *   0      8    commit: 0 until the record is whole, then 1 + site (below); with RECORD_VOID
 *               added it is none: --if said no when it had been written
 *   8      8    time: TSC
 *   16     8    goroutine id (0 on g0 and gsignal)
 *   24     4    depth: g.stack.hi - SP at entry; the same at every RET of the same call
 *   28     4    low half of g's address: pairs what runs on g0
 *   32     ...  what the site reads (plan.h), then captures
 *
 * A site is 4 * (index of the function in the plan) + enum site_kind. The size of a record follows
 * from its site; it is a multiple of 8 and at most RECORD_MAX.
 *
 * Owns     nothing.  Units  bytes.  Fails  never.  Threads  any. */
#ifndef PLAN_RECORD_H
#define PLAN_RECORD_H

#include "base/defs.h"

enum { RECORD_HEAD = 32, RECORD_MAX = 4096 };
#define CAPTURE_UNREADABLE 0xffffffffu
#define RECORD_VOID 0x40000000u

enum site_kind {
	SITE_ENTRY,
	SITE_EXIT, /* RET */
	SITE_EXIT_DEFER, /* the RET behind `call deferreturn`: a recovered call leaves here */
	SITE_TAIL, /* a jump to another function: no results */
};

struct record_head {
	u64 commit, tsc, goid;
	u32 depth, g;
};

static inline u32 record_site(const struct record_head *r)
{
	return (u32)(r->commit - 1);
}

#endif
