/* session - the uprobe engine at work on one process: what attaching and reading share.
 *
 * Owns     descriptors and mappings until bpf_session_release.
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

struct bpf_session {
	const struct plan *plan;
	struct bpf_options options;
	struct probes probes;
	enum kernel_way way;
	int sites_fd, steps_fd, slots_fd, counts_fd, ring_fd, prog_fd;
	VEC(int) links;
	struct bpf_site *rows;	/* the map itself */
	u64 *counts;
	size_t rows_bytes;
	struct kernel_ring ring;
	/* reading */
	i64 unix_offset;	/* added to the monotonic clock */
	VEC(struct waiting) waiting;
	VEC(u8) bytes;
	u64 lost;
	i64 lost_since_ns;
	int mem_fd;		/* of the address space that is probed */
	u64 mark_rt;		/* an address in it that can be read */
};

void bpf_reading_start(struct bpf_session *s);
u64 bpf_poll(void *session, bool all, source_record_fn *record, source_lost_fn *lost, void *ctx);

#endif
