/* waits - what a parked goroutine waits for: which channels, which lock, and in what state they
 * are.
 *
 * Owns     nothing.
 * Units    rt addresses.
 * Fails    never: WAIT_NONE where it waits for nothing of the kind, or where nobody can tell.
 *          Memory may be garbage: lists are cut.
 * Threads  one.
 * Sources  runtime/{chan,sema,select}.go, sync/{mutex,rwmutex,waitgroup,cond}.go; go-runtime.md 7.
 */
#ifndef GO_WAITS_H
#define GO_WAITS_H

#include "go/goroutines.h"

enum wait_kind {
	WAIT_NONE, WAIT_CHANNEL, WAIT_SELECT, WAIT_MUTEX, WAIT_RWMUTEX, WAIT_WAITGROUP, WAIT_COND,
	WAIT_SEMAPHORE,
};
/* "channel", "sync.Mutex" … */
const char *wait_kind_name(enum wait_kind k);

struct wait_channel {
	u64 address, len, cap;
	u64 elem_va;	/* its elements' type descriptor */
	bool closed, readable;
};
enum { WAIT_CHANNELS = 16 };

struct wait {
	enum wait_kind kind;
	u64 address;	/* of the lock; of a channel: at[0] */
	bool known;	/* the next three were read */
	u64 count;	/* WaitGroup: the counter; RWMutex: readers at work */
	u64 waiters;
	bool locked;	/* Mutex; RWMutex: a writer has it, or waits for readers */
	struct wait_channel at[WAIT_CHANNELS];
	u32 n;
	bool more;	/* channels */
};

/* `levels` is its stack. */
void wait_of(struct wait *to, struct unwinder *u, const struct goroutine *g,
	     const struct go_level *levels, size_t n);

#endif
