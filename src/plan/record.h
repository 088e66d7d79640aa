/* record - the binary layout that an engine writes for each event.
 *
 *   OFFSET SIZE MEANING
 *   0      4    commit: 0 until the record is whole, then 1 + site (below); with RECORD_VOID
 *               added it is none: --if said no when it had been written
 *   4      4    bytes of this record; 0: as many as its site has at most
 *   8      8    time: TSC
 *   16     8    goroutine id (0 on g0 and gsignal)
 *   24     4    depth: g.stack.hi - SP at entry; the same at every RET of the same call
 *   28     4    low half of g's address: pairs what runs on g0
 *   32     ...  what the site reads (plan.h), then captures
 *
 * A site is 4 * (index of the function in the plan) + enum site_kind, which says where everything
 * lies but packed texts (plan.h): they follow all of that, one behind the other, and their status
 * says where (record_text). What a record ends before is zero. A size is a multiple of 8 and at
 * most RECORD_MAX.
 *
 * Owns     nothing.  Units  bytes.  Fails  never.  Threads  any. */
#ifndef PLAN_RECORD_H
#define PLAN_RECORD_H

#include "base/defs.h"

enum { RECORD_BYTES = 4, RECORD_HEAD = 32, RECORD_MAX = 4096 };
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

/* The status of a capture: how many bytes; in its high half, where a packed text lies, in words. */
static inline u32 record_status(u32 n, u32 at)
{
	return n | at / 8 << 16;
}

static inline u32 record_captured(u32 status)
{
	return status == CAPTURE_UNREADABLE ? 0 : status & 0xffff;
}

/* Where a text lies. `at`: the place of one that is not packed, else 0. */
static inline u32 record_text(u32 status, u32 at)
{
	return at ? at : (status >> 16) * 8;
}

#endif
