/* session - the uprobe engine at work on one process: what attaching and reading share.
 *
 * Owns     descriptors and mappings until bpf_session_close.
 * Units    times of records are the monotonic clock's ns until they are handed over.
 * Fails    see bpf.h.
 * Threads  one. */
#ifndef BPF_SESSION_H
#define BPF_SESSION_H

#include "bpf/bpf.h"
#include "bpf/gen.h"
#include "bpf/kernel.h"

/* Records that were taken out of the ring and wait for those that may still be before them. */
struct waiting {
	i64 time;
	u64 at;		/* in `bytes` */
	u32 size;
};

VEC_TYPE(bpf_links, int);

struct bpf_session {
	const struct plan *plan;
	u16 g_goid;
	struct bpf_options options;
	struct probes probes;
	enum kernel_way way;
	int sites_fd, steps_fd, slots_fd, counts_fd, ring_fd, marks_fd, prog_fd;
	struct bpf_links links;
	u64 generation;		/* of them */
	struct bpf_site *rows;	/* the map itself */
	u64 *counts;
	size_t rows_bytes;
	struct kernel_ring ring;
	/* reading */
	i64 ahead_ns;		/* of the monotonic clock (event/source.h) */
	VEC(struct waiting) waiting;
	VEC(u8) bytes;
	u64 lost;
	i64 lost_since_ns;
	int mem_fd;		/* of the address space that is probed */
	u64 mark_rt;		/* an address in it that can be read */
	/* the budget */
	VEC(u64) before;	/* hits of each row when it was looked at last */
	i64 looked_ns;
};

void bpf_session_new(struct bpf_session *s, const struct bpf_options *o, u16 g_goid);
/* `probes` is filled in by the caller. */
bool bpf_session_open(struct bpf_session *s, struct err *err) MUST_CHECK;
bool bpf_session_renew(struct bpf_session *s, struct err *err) MUST_CHECK;
void bpf_session_stop(struct bpf_session *s);	/* nothing is probed any more */
void bpf_session_close(struct bpf_session *s);

/* Switches off what is too hot, and says so on stderr; looks a few times a second. */
void bpf_budget_look(struct bpf_session *s);

void bpf_reading_start(struct bpf_session *s);
u64 bpf_poll(void *session, bool all, source_record_fn *record, source_lost_fn *lost, void *ctx);

#endif
