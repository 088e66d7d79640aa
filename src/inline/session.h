/* session - the inline engine at work on one process: what launch, attach, ring and restore share.
 *
 * Owns     the child until it is waited for, descriptors, the mapping of the shared memory.
 * Units    rt addresses of the target.
 * Fails    see inline.h.
 * Threads  one. */
#ifndef INLINE_SESSION_H
#define INLINE_SESSION_H

#include "inline/inline.h"
#include "inline/trampoline.h"
#include "inline/tsc.h"

struct ring_state {
	u64 tail;	/* consumed */
	u64 head;	/* as of this poll */
	u64 lost, unreadable;	/* counted so far */
	u64 time, word;	/* of the record at tail; valid while it is in the heap */
	u32 site, size;	/* the same */
	u64 asked;	/* up to where lines were asked for */
	u64 last;	/* of the newest record that was taken; what comes is not older, nor than
			 * when there was none */
};

struct inline_session {
	const struct plan *plan;
	struct layout layout;
	struct code code;
	pid_t pid;
	int mem_fd, memfd;
	u8 *shared;		/* our mapping of the rings */
	u64 shared_bytes;
	u64 cookie;
	struct tsc_clock clock;
	struct delay_ask ask;	/* layout.delays: how they wait */
	struct ring_site {
		u16 most, least;	/* bytes of its records; what is missing of `least` is
					 * zero. No such site: 0 */
		u16 nstatuses;
		const u16 *statuses;	/* of packed texts */
	} *sites;
	u32 nsites;
	struct ring_state ring[RINGS];
	u32 nrings;		/* that were ever handed out */
	u32 ready;		/* that there are */
	u32 rings_most;
	u16 heap[RINGS];
	u32 nheap;
	u64 lost_no_ring;
	u64 unreadable;		/* calls without a record */
	u64 fullest;		/* bytes that waited in a ring when the last poll began */
	i64 lost_since_ns;
	u64 looked;		/* time stamp: when the last poll began */
	u64 bad;
	u64 beat;		/* counts what we get done, for those who wait */
	bool took;		/* records that may not have been written out yet */
	i64 stop_ns;		/* how long the target stood still */
	bool restored;
	bool holds_lock;	/* in the shared memory: it says that we live */
	bool filtered;		/* the target runs under a seccomp filter */
	struct { u64 lo, hi; } old_code; /* of sessions that nobody owns any more */
	i64 retry_ns;		/* when windows that are held back are tried again; 0: never */
	unsigned retries;
	i64 reuse_ns;		/* when rings may be let go again, at the earliest */
	u32 reuse_failed;	/* tries since the last time */
	u32 stuck;		/* functions that are held back */
	u64 given_back;		/* bytes of dead sessions' memory that are not mapped any more */
	unsigned mapped;	/* of our three mappings, in the order of place_map */
	struct arena arena;
};

/* A session that has done nothing yet, and the source that it serves. `ask`: of a plan of delays,
 * else NULL. */
struct inline_session *session_new(struct source *src, const struct plan *plan, u64 buffer,
				   bool lossless, const struct delay_ask *ask);
/* What has to be known of the program before anything is done. */
bool session_check(struct inline_session *s, struct err *err) MUST_CHECK;

bool mem_read(int mem_fd, u64 rt, void *to, size_t n);
bool mem_write(int mem_fd, pid_t pid, u64 rt, const void *p, size_t n);
/* Makes the shared file long enough for this many rings. */
bool rings_grow(struct inline_session *s, u32 ready, struct err *err) MUST_CHECK;
/* Says that we live: to threads that wait for us, and to other goshawks. */
bool rings_hold(struct inline_session *s, struct err *err) MUST_CHECK;
/* How long threads may wait for us, and how many rings there are. */
void rings_start(struct inline_session *s);

/* Is our memory still in the process? If it has become another program it is not. */
bool session_is_there(const struct inline_session *s);
struct stopped;
/* Does somebody stand in our code, or come back to it from a signal? */
bool session_inside(struct inline_session *s, const struct stopped *st);
struct found;
/* Puts back what stands in the text and is ours; the process must stand still. */
bool session_put_back(struct inline_session *s, const struct found *f, bool hooks);
/* Lets rings go where few are left, and most of their threads have ended. */
void rings_reuse(struct inline_session *s);
/* Nobody is to wait for us any more, nor to take us for dead. */
void rings_end(struct inline_session *s);
/* Once all is as it was: what the rings hold is forgotten, and takes no memory of the target's. */
void rings_give_back(struct inline_session *s);

/* What the agent has to know, before the gate opens. */
bool propagate_begin(const struct inline_session *s);

/* The delays' data, before the target can reach it. */
void delays_begin(struct inline_session *s);

/* What a source does (event/source.h); `session` is a struct inline_session. */
u64 rings_fullest(void *session);
u64 rings_unreadable(void *session);
u64 rings_poll(void *session, bool all, source_record_fn *record, source_lost_fn *lost, void *ctx);
u64 session_poll(void *session, bool all, source_record_fn *record, source_lost_fn *lost,
		 void *ctx);
void rings_counts(void *session, u64 *totals);
void rings_output_blocks(void *session, bool blocks);
/* Puts every byte back. ERR_GONE when the process is no longer the one that was patched. */
bool session_restore(void *session, bool *again, struct err *err) MUST_CHECK;
bool session_was_replaced(void *session);

#endif
