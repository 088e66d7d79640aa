/* kernel - bpf(2) and perf_event_open(2), raw: maps, the program, its links, the ring buffer.
 *
 * What the kernel can do is found out by doing it. Headers of older systems lack uprobe_multi
 * (Linux 6.6), so its constants stand in kernel.c.
 *
 * Owns     nothing: descriptors and mappings are the caller's. When the last descriptor of a link
 *          is closed, also by the death of its owner, its probes are gone.
 * Units    _off in the probed file; ring positions in bytes.
 * Fails    ERR_DENIED with what would permit it; ERR_UNSUPPORTED: the kernel is too old for it;
 *          ERR_REFUSED: an instruction that it will not probe; ERR_GONE.
 * Threads  one. */
#ifndef BPF_KERNEL_H
#define BPF_KERNEL_H

#include <sys/types.h>

#include "bpf/asm.h"

struct kernel_map {
	u32 type, key, value, entries, flags;
	const char *name;
};
bool kernel_map_make(const struct kernel_map *m, int *fd, struct err *err) MUST_CHECK;
/* The values of an array that was made with BPF_F_MMAPABLE. */
void *kernel_map_view(int fd, size_t bytes, struct err *err) MUST_CHECK;

/* How probes are attached. Ordered: the first that works is the best. */
enum kernel_way {
	WAY_MULTI,	/* all by one link; the program may sleep */
	WAY_EACH,	/* a perf event and a link each; the program may sleep (Linux 6.0) */
	WAY_EACH_AWAKE,	/* the same, but it may not: what is not in memory is unreadable (5.15) */
	WAYS
};
bool kernel_load(enum kernel_way way, const struct bpf_insn *code, u32 n, int *fd,
		 struct err *err) MUST_CHECK;

struct kernel_probes {
	const char *path;	/* of the file: /proc/PID/exe holds for deleted ones too */
	pid_t pid;
	const u64 *offs, *cookies;
	u32 n;
};
/* All of them, or none. Gives at most 2 * n descriptors, to be closed in this order. */
bool kernel_attach(enum kernel_way way, int prog_fd, const struct kernel_probes *p, int *fds,
		   u32 *nfds, struct err *err) MUST_CHECK;

/* The reader's side of a ring buffer. */
struct kernel_ring {
	u64 *consumed;		/* ours to write */
	const u64 *produced;
	const u8 *data;		/* mapped twice in a row: a record never wraps */
	u64 size;
};
bool kernel_ring_open(struct kernel_ring *r, int fd, u64 size, struct err *err) MUST_CHECK;
void kernel_ring_close(struct kernel_ring *r);
/* The record at the consumed end: NULL when there is none, or when it is not finished (`busy`). */
const u8 *kernel_ring_peek(const struct kernel_ring *r, u64 at, u32 *size, u64 *next, bool *busy);

#endif
