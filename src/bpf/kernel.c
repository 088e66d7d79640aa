#include "bpf/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/bpf.h of Linux 6.6 */
enum { TRACE_UPROBE_MULTI = 48, PERF_EVENT_TYPE = BPF_PERF_EVENT };

/* BPF_LINK_CREATE, as far as it is used here */
struct link_attr {
	u32 prog_fd, target_fd, attach_type, flags;
	union {
		struct {
			u64 path, offsets, ref_ctr_offsets, cookies;
			u32 cnt, multi_flags, pid, reserved;
		};
		u64 cookie;	/* of a perf event */
	};
};

enum { NOT_SUPPORTED = 524 };	/* ENOTSUPP: what the kernel says of such an instruction */

static int bpf(int cmd, void *attr, unsigned size)
{
	return (int)syscall(SYS_bpf, cmd, attr, size);
}

static bool denied(struct err *err, const char *what)
{
	return err_set(err, ERR_DENIED,
		       "kernel probes are not permitted here (%s: %s): run as root, or with "
		       "CAP_BPF and CAP_PERFMON (goshawk doctor says more)",
		       what, strerror(errno));
}

static bool failed(struct err *err, const char *what)
{
	if (errno == EPERM || errno == EACCES)
		return denied(err, what);
	return err_set(err, errno == ENOMEM || errno == EMFILE ? ERR_IO : ERR_UNSUPPORTED,
		       "kernel probes do not work here (%s: %s)", what, strerror(errno));
}

bool kernel_map_make(const struct kernel_map *m, int *fd, struct err *err)
{
	union bpf_attr attr = {
		.map_type = m->type, .key_size = m->key, .value_size = m->value,
		.max_entries = m->entries, .map_flags = m->flags,
	};

	snprintf(attr.map_name, sizeof(attr.map_name), "%s", m->name);
	*fd = bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	return *fd >= 0 || failed(err, "bpf(BPF_MAP_CREATE)");
}

void *kernel_map_view(int fd, size_t bytes, struct err *err)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p != MAP_FAILED)
		return p;
	failed(err, "mmap of a BPF map");
	return NULL;
}

/* The last line of the verifier's log says why. */
static bool rejected(struct err *err, char *log)
{
	char *end = log + strlen(log), *line;

	for (unsigned skip = 0; skip < 2; skip++) {	/* statistics stand behind it */
		while (end > log && end[-1] == '\n')
			*--end = 0;
		line = strrchr(log, '\n');
		if (!line || strncmp(line + 1, "processed ", 10))
			break;
		end = line;
		*end = 0;
	}
	line = strrchr(log, '\n');
	return err_set(err, ERR_UNSUPPORTED,
		       "this kernel's BPF verifier does not accept the program: %.300s",
		       line ? line + 1 : log);
}

bool kernel_load(enum kernel_way way, const struct bpf_insn *code, u32 n, int *fd, struct err *err)
{
	static char log[1 << 16];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.insns = (u64)(uintptr_t)code,
		.insn_cnt = n,
		.license = (u64)(uintptr_t)"GPL",
		.prog_flags = way == WAY_EACH_AWAKE ? 0 : BPF_F_SLEEPABLE,
		.expected_attach_type = way == WAY_MULTI ? TRACE_UPROBE_MULTI : 0,
		.prog_name = "goshawk",
	};

	*fd = bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (*fd >= 0)
		return true;
	if (errno == EPERM)
		return denied(err, "bpf(BPF_PROG_LOAD)");
	log[0] = 0;
	attr.log_buf = (u64)(uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	*fd = bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (*fd >= 0)
		return true;
	return log[0] ? rejected(err, log) : failed(err, "bpf(BPF_PROG_LOAD)");
}

static bool not_attached(struct err *err, const char *what, u64 off)
{
	if (errno == NOT_SUPPORTED || errno == EOPNOTSUPP || errno == EILSEQ)
		return err_set(err, ERR_REFUSED,
			       "the kernel can't probe the instruction at offset 0x%llx of the "
			       "file",
			       (unsigned long long)off);
	if (errno == ESRCH || errno == ENOENT)
		return err_set(err, ERR_GONE, "the process has ended");
	return failed(err, what);
}

/* Up to 6.9 (the fix is in 6.10 and in later ones of 6.6) such a link for a process ran the program
 * for its first thread only. Since then a pid that is none is refused as such, before the path is
 * looked at, which is no file here. */
static bool sees_all_threads(int prog_fd)
{
	u64 off = 0;
	struct link_attr attr = {
		.prog_fd = (u32)prog_fd, .attach_type = TRACE_UPROBE_MULTI,
		.path = (u64)(uintptr_t)"/", .offsets = (u64)(uintptr_t)&off, .cnt = 1,
		.pid = UINT32_MAX,
	};
	int fd = bpf(BPF_LINK_CREATE, &attr, sizeof(attr));

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EINVAL;
}

static bool attach_all(int prog_fd, const struct kernel_probes *p, int *fds, u32 *nfds,
		       struct err *err)
{
	struct link_attr attr = {
		.prog_fd = (u32)prog_fd,
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (u64)(uintptr_t)p->path,
		.offsets = (u64)(uintptr_t)p->offs,
		.cookies = (u64)(uintptr_t)p->cookies,
		.cnt = p->n,
		.pid = (u32)p->pid,
	};

	if (!sees_all_threads(prog_fd))
		return err_set(err, ERR_UNSUPPORTED, "uprobe_multi links of this kernel see one "
			       "thread of a process");
	fds[0] = bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
	if (fds[0] < 0)
		return not_attached(err, "a uprobe_multi link", p->offs[0]);
	*nfds = 1;
	return true;
}

static long uprobe_type(void)
{
	int fd = open("/sys/bus/event_source/devices/uprobe/type", O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtol(text, NULL, 10) : -1;
}

static bool attach_each(int prog_fd, const struct kernel_probes *p, int *fds, u32 *nfds,
			struct err *err)
{
	struct perf_event_attr event = {
		.size = sizeof(event), .config1 = (u64)(uintptr_t)p->path,
	};
	struct link_attr attr = { .prog_fd = (u32)prog_fd, .attach_type = PERF_EVENT_TYPE };
	long type = uprobe_type();

	if (type < 0)
		return err_set(err, ERR_UNSUPPORTED,
			       "the kernel offers no uprobes (CONFIG_UPROBE_EVENTS), or /sys is "
			       "not mounted");
	event.type = (u32)type;
	for (u32 i = 0; i < p->n; i++) {
		int fd;

		event.config2 = p->offs[i];
		fd = (int)syscall(SYS_perf_event_open, &event, p->pid, -1, -1,
				  PERF_FLAG_FD_CLOEXEC);
		if (fd < 0)
			return not_attached(err, "perf_event_open", p->offs[i]);
		fds[(*nfds)++] = fd;
		attr.target_fd = (u32)fd;
		attr.cookie = p->cookies[i];
		fd = bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
		if (fd < 0)
			return not_attached(err, "a link to a perf event", p->offs[i]);
		fds[(*nfds)++] = fd;
	}
	return true;
}

bool kernel_attach(enum kernel_way way, int prog_fd, const struct kernel_probes *p, int *fds,
		   u32 *nfds, struct err *err)
{
	bool ok;

	*nfds = 0;
	ok = way == WAY_MULTI ? attach_all(prog_fd, p, fds, nfds, err) :
				attach_each(prog_fd, p, fds, nfds, err);
	if (!ok)
		while (*nfds)
			close(fds[--*nfds]);
	return ok;
}

bool kernel_ring_open(struct kernel_ring *r, int fd, u64 size, struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *ours = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *theirs;

	if (ours == MAP_FAILED)
		return failed(err, "mmap of the BPF ring");
	theirs = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (theirs == MAP_FAILED) {
		munmap(ours, page);
		return failed(err, "mmap of the BPF ring");
	}
	*r = (struct kernel_ring){
		.consumed = ours, .produced = theirs, .data = (const u8 *)theirs + page,
		.size = size,
	};
	return true;
}

void kernel_ring_close(struct kernel_ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!r->consumed)
		return;
	munmap(r->consumed, page);
	munmap((void *)(uintptr_t)r->produced, page + 2 * r->size);
	r->consumed = NULL;
}

/* A record has 8 bytes before it: its length with two bits on top, and an offset for the kernel. */
const u8 *kernel_ring_peek(const struct kernel_ring *r, u64 at, u32 *size, u64 *next, bool *busy)
{
	const u8 *p;
	u32 length;

	for (;; at = *next) {
		*busy = false;
		*next = at;
		if (at >= __atomic_load_n(r->produced, __ATOMIC_ACQUIRE))
			return NULL;
		p = r->data + (at & (r->size - 1));
		length = __atomic_load_n((const u32 *)(const void *)p, __ATOMIC_ACQUIRE);
		*busy = length & BPF_RINGBUF_BUSY_BIT;
		if (*busy)
			return NULL;
		*size = length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		*next = at + round_up(*size + BPF_RINGBUF_HDR_SZ, 8);
		if (!(length & BPF_RINGBUF_DISCARD_BIT))
			return p + BPF_RINGBUF_HDR_SZ;
	}
}
