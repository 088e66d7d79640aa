/* layout - where everything of ours lies in the target, and what it looks like.
 *
 * Three mappings, if calls are recorded:
 *   code   near the text (±2 GiB), read and execute: stubs, trampolines, the table of fix-ups
 *   near   before it, private and anonymous, MADV_WIPEONFORK: the gate, and the pages known to be
 *          mapped
 *   shared one sparse memory file: which thread (m) has which ring, then the rings
 * If stores are delayed, `shared` lies before `near`, within reach of the code, and has the delays'
 * data (delay.h) in the place of the rings.
 *
 * near:   OFFSET SIZE    MEANING
 *         0      4       gate: 0 means "run the displaced code only". A fork's child reads 0
 *         8      8       cookie: this session. A fork's child reads 0
 *         64     16*8    hooks that lie over another session's: {address, the jump that was there}
 *         192    8       not 0: some windows lie in the middle of functions
 *         256    32      the action of SIGSEGV, as the kernel gives it
 *         4096   32768   pages that were seen to be readable: for 32 that follow each other a
 *                        word, which is a bit for each, and their number in its high half; by the
 *                        low bits of that number
 *         36864  524288  marks of calls whose entry was recorded (predicate.h)
 *         561152 ...     trace contexts (propagate.h)
 *
 * shared: OFFSET SIZE    MEANING
 *         0      8       cookie
 *         8      8       MAGIC: a later goshawk knows us by it, and finds what else is ours:
 *         16     8       where `near` lies
 *         24     16      where `code` lies, and its end
 *         64     8       records lost because no ring was left
 *         72     8       rings handed out so far
 *         128    8       lossless: ticks that a thread waits at most without a beat of the reader
 *         136    8       rings that there are: the file ends behind the last one, and grows ahead
 *                        of need, because a program that locks all its memory would lock it whole
 *         144    8       beat: the reader counts here whatever he gets done
 *         192    4       a robust lock (futex) that the reader holds: the kernel marks it when he
 *                        dies
 *         4096   8*1024  m that owns a slot of the table } a slot is the hash of m,
 *         12288  8*1024  the same, once its ring stands  } or the next free one
 *         20480  2*1024  the number of its ring          }
 *         24576  ...     rings, or the delays' data
 *
 * ring:   OFFSET SIZE    MEANING
 *         0      8       head: bytes reserved so far           } written by the target's thread
 *         8      8       limit: reserve only while head <= limit }   (goshawk zeroes it)
 *         16     8       records lost                          }
 *         24     4       top: bytes of the scratch that are in use
 *         32     8       1 + the position from which the ring went on at its beginning: what
 *                        follows it is at the next multiple of `buffer`. The same thread's
 *         40     8       calls whose condition could not be read, and that have no record
 *         64     8       tail: bytes consumed so far           written by goshawk
 *         128    ...     registers and times of a thread that waits (lossless)
 *         240    8       the goroutine for which newproc1 makes another one
 *         248    8       calls of the agent (propagate.h) that are under way on this thread: one
 *         256    1792    its stack
 *         2048   16*128  scratch: a piece for each record with captures that is being written, the
 *                        next one for a signal handler's that comes in between
 *         4096   buffer  records; one begins at (position & (buffer - 1)) and may run past the end
 *         +buffer 4096   ...into this room
 *
 * scratch: OFFSET SIZE   MEANING
 *         0      7*8     rax rcx rdx rsi rdi r8 r9, as the record's site has them
 *         56     8       time of the record. In its place stands where the scratch lies, until the
 *                        record is all but done
 *         64     5*8     r10 r11 rsi rcx rdx, around a system call
 *         104    8       where a table of steps goes on
 *         112    4       bytes of the record up to the end of what was captured
 *         116    4       the same of what has its place: packed texts lie behind it
 *         120    8       where a packed text goes on
 *
 * Owns     nothing.  Units  bytes, rt addresses.  Fails  never.  Threads  any. */
#ifndef INLINE_LAYOUT_H
#define INLINE_LAYOUT_H

#include <stddef.h>

#include "inline/delay.h"
#include "inline/propagate.h"
#include "plan/plan.h"

enum {
	CODE_ROOM = 256 << 20,

	NEAR_GATE = 0,
	NEAR_COOKIE = 8,
	NEAR_HOOKS = 64,
	NEAR_HOOKS_COUNT = 8,
	NEAR_LINES = 192,
	NEAR_ACTION = 256,
	NEAR_PAGES = 4096,
	NEAR_PAGES_COUNT = 4096,
	PAGES_LOG2 = 5,
	NEAR_MARKS = NEAR_PAGES + 8 * NEAR_PAGES_COUNT,
	NEAR_MARKS_LOG2 = 16,
	NEAR_PROPAGATE = NEAR_MARKS + (8 << NEAR_MARKS_LOG2),
	NEAR_SIZE = NEAR_PROPAGATE + (int)sizeof(struct propagate),

	SHARED_COOKIE = 0,
	SHARED_MAGIC = 8,
	SHARED_NEAR = 16,
	SHARED_CODE = 24,
	SHARED_CODE_END = 32,
	SHARED_LOST = 64,
	SHARED_NEXT = 72,
	SHARED_WAIT = 128,
	SHARED_READY = 136,
	SHARED_BEAT = 144,
	SHARED_READER = 192,
	SHARED_OWNER = 4096,
	SHARED_TABLE = 12288,
	SHARED_NUMBER = 20480,
	SHARED_RINGS = 24576,
	RINGS_LOG2 = 10,
	RINGS = 1 << RINGS_LOG2,

	RING_HEAD = 0,
	RING_LIMIT = 8,
	RING_LOST = 16,
	RING_TOP = 24,
	RING_AGAIN = 32,
	RING_UNREADABLE = 40,
	RING_TAIL = 64,
	RING_SAVE = 128, /* rax rcx rsi rdi r11 */
	RING_WAIT_START = 168,
	RING_WAIT_BEAT = 176,
	RING_WAIT_SPEC = 184, /* struct timespec */
	RING_WAIT_DEAD = 200, /* 1 + tail at which a wait was given up */
	RING_SCRATCH = 2048,
	RING_DATA = 4096,
	RING_SLACK =
		4 * RECORD_MAX, /* signal handlers may reserve between our check and our reserve */
	RING_AGAIN_FROM = 32 << 10,	/* a ring goes on at its beginning from here on */
	RING_ROOM = RECORD_MAX,	/* behind the ring: a record may begin at its last byte */

	SCRATCH_REGS = 0,
	SCRATCH_TIME = 56,
	SCRATCH_CALL = 64,
	SCRATCH_LINK = 104,
	SCRATCH_END = 112,
	SCRATCH_PLACED = 116,
	SCRATCH_TEXT_LINK = 120,
	SCRATCH_SIZE = 128,
	SCRATCH_HELD = offsetof(struct record_head, tsc),	/* in the record */
	SCRATCH_MASK = RING_DATA - RING_SCRATCH - SCRATCH_SIZE,
};

#define MAGIC 0x326b776168736f67ull	/* "goshawk2" */

struct layout {
	u64 code_rt, near_rt, shared_rt;
	u64 buffer;		/* a power of two */
	bool lossless;
	u32 delays;		/* stores that wait; 0: calls are recorded */
	i32 tls;		/* offset of g's word from FS */
	u64 bias;
	bool faults_are_fatal;	/* SIGSEGV is not Go's in this process: our hook does not see it */
	struct hook_below {	/* hooks that another session has: ours go on to these */
		u64 rt, to_rt;
	} below[NEAR_HOOKS_COUNT];
	u32 nbelow;
};

/* Bytes that may be reserved and not yet consumed. Lossless: goroutines begin to wait at `waits`,
 * and leave the rest to code that can't wait: the scheduler's, and that of signal handlers. */
static inline u64 ring_holds(const struct layout *l)
{
	return l->buffer - RING_SLACK;
}

static inline u64 ring_waits(const struct layout *l)
{
	return ring_holds(l) - (l->lossless ? l->buffer / 4 : 0);
}

static inline u64 ring_stride(u64 buffer)
{
	return RING_DATA + round_up(buffer + RING_ROOM, 4096);
}

static inline u64 shared_size(u64 buffer, u64 rings)
{
	return SHARED_RINGS + rings * ring_stride(buffer);
}

static inline u64 delays_size(u32 delays)
{
	return SHARED_RINGS + round_up(DELAY_CELLS + (u64)delays * DELAY_CELL, 4096);
}

/* plan_request.count_only: where the count of a function stands, in the place of records. */
static inline u64 ring_count_at(u32 func)
{
	return RING_DATA + 8 * (u64)func;
}

static inline bool reading_has_captures(const struct reading *r)
{
	for (u32 i = 0; i < r->nreads; i++)
		if (r->reads[i].kind >= READ_FRAMES)
			return true;
	return false;
}

#endif
