/* found - what goshawks have put into a process before: sessions at work, and what a dead one left.
 *
 * A session is found by the memory of its rings, which says where the rest is. It is alive while
 * its goshawk holds the lock in there; the kernel marks the lock when that one dies. What the
 * text should be is asked of the file.
 *
 * Owns     its lists, until found_release().
 * Units    rt addresses.
 * Fails    found_leftovers: ERR_GONE. All that is read may be garbage: it is checked or not used.
 * Threads  one. */
#ifndef INLINE_FOUND_H
#define INLINE_FOUND_H

#include <sys/types.h>

#include "base/vec.h"
#include "go/program.h"

struct found_session {
	u64 shared_lo, shared_hi;
	u64 near_rt, code_rt, code_end, cookie;
	pid_t owner;	/* the goshawk that is at work, 0: none */
};

/* A jump of a session that nobody owns any more. */
struct leftover {
	u64 rt;
	u8 is[5], put[5];
	bool inner; /* others lead into its window: taken back before them */
	bool hook;  /* of the signal handlers */
};

struct found {
	VEC(struct found_session) sessions;
	VEC(struct leftover) leftovers;
};

void found_sessions(struct found *f, pid_t pid, int mem_fd);
/* Are they the same, and at work or not as they were? */
bool found_same(const struct found *f, const struct found *now);
/* The process may run meanwhile: its text does not change any more. */
bool found_leftovers(struct found *f, const struct go_program *prog, u64 bias, int mem_fd,
		     struct err *err) MUST_CHECK;
void found_release(struct found *f);
/* Bytes of sessions' memory that are mapped now. */
u64 found_memory(pid_t pid, int mem_fd);
/* The session whose code has this address, or NULL. */
const struct found_session *found_at(const struct found *f, u64 rt);
/* The process must stand still. False: some could not be put back. */
bool found_clean(const struct found *f, pid_t pid, int mem_fd, bool hooks);

/* Where a `jmp rel32` at `rt` leads; 0: it is none. */
u64 jump_target(u64 rt, const u8 bytes[5]);

#endif
