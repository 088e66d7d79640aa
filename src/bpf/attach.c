#include "bpf/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "go/release.h"

enum {
	INIT_PID_NAMESPACE = 0xEFFFFFFC,	/* its inode is fixed (proc_ns.h) */
	TURNS_VERIFIED = 200,
	MANY = 200,
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_links(struct bpf_session *s)
{
	for (size_t i = s->links.n; i-- > 0;)
		close(s->links.at[i]);
	vec_release(&s->links);
}

static void session_release(void *session)
{
	struct bpf_session *s = session;
	int *fds[] = { &s->prog_fd, &s->sites_fd, &s->steps_fd, &s->slots_fd, &s->counts_fd,
		       &s->ring_fd, &s->mem_fd };

	close_links(s);
	if (s->rows)
		munmap(s->rows, s->rows_bytes);
	if (s->counts)
		munmap(s->counts, 8 * COUNTS);
	kernel_ring_close(&s->ring);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close_fd(fds[i]);
	probes_release(&s->probes);
	vec_release(&s->waiting);
	vec_release(&s->bytes);
	mem_free(s);
}

static bool make_steps(struct bpf_session *s, struct err *err)
{
	u32 n = (u32)s->probes.steps.n;
	struct kernel_map map = {
		BPF_MAP_TYPE_ARRAY, 4, sizeof(struct bpf_step), MAX(n, 1u), BPF_F_MMAPABLE, "steps",
	};
	size_t bytes = map.entries * sizeof(struct bpf_step);
	void *view;

	if (!kernel_map_make(&map, &s->steps_fd, err))
		return false;
	view = kernel_map_view(s->steps_fd, bytes, err);
	if (!view)
		return false;
	memcpy(view, s->probes.steps.at, n * sizeof(struct bpf_step));
	munmap(view, bytes);
	return true;
}

static bool make_maps(struct bpf_session *s, struct err *err)
{
	u32 n = (u32)s->probes.sites.n;
	struct kernel_map sites = {
		BPF_MAP_TYPE_ARRAY, 4, sizeof(struct bpf_site), n, BPF_F_MMAPABLE, "sites",
	};
	struct kernel_map slots = {
		BPF_MAP_TYPE_ARRAY, 4, SLOT_BYTES, (u32)get_nprocs_conf() * SLOTS_EACH, 0, "slots",
	};
	struct kernel_map counts = {
		BPF_MAP_TYPE_ARRAY, 4, 8, COUNTS, BPF_F_MMAPABLE, "counts",
	};
	struct kernel_map ring = {
		BPF_MAP_TYPE_RINGBUF, 0, 0, (u32)s->options.ring, 0, "ring",
	};

	s->rows_bytes = n * sizeof(struct bpf_site);
	if (!kernel_map_make(&sites, &s->sites_fd, err) || !make_steps(s, err) ||
	    !kernel_map_make(&slots, &s->slots_fd, err) ||
	    !kernel_map_make(&counts, &s->counts_fd, err) ||
	    !kernel_map_make(&ring, &s->ring_fd, err) ||
	    !kernel_ring_open(&s->ring, s->ring_fd, s->options.ring, err))
		return false;
	s->rows = kernel_map_view(s->sites_fd, s->rows_bytes, err);
	s->counts = s->rows ? kernel_map_view(s->counts_fd, 8 * COUNTS, err) : NULL;
	if (!s->counts)
		return false;
	memcpy(s->rows, s->probes.sites.at, s->rows_bytes);
	return true;
}

/* The id by which the kernel's helper knows the process: ours only in the first namespace. In
 * others the filter of the probes themselves has to do. */
static u32 tgid_of(pid_t pid)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == INIT_PID_NAMESPACE ? (u32)pid : 0;
}

/* Older kernels verify each turn of the loop, so that long readings are cut there. */
static bool load_as(struct bpf_session *s, enum kernel_way way, bool may_leave, struct err *err)
{
	static struct bpf_insn code[PROGRAM_ROOM];
	struct bpf_facts facts = {
		.sites_fd = s->sites_fd,
		.steps_fd = s->steps_fd,
		.slots_fd = s->slots_fd,
		.counts_fd = s->counts_fd,
		.ring_fd = s->ring_fd,
		.tgid = tgid_of(s->options.pid),
		.nslots = (u32)get_nprocs_conf() * SLOTS_EACH,
		.most_steps = MIN(s->probes.most_steps, (u32)TURNS_VERIFIED),
		.may_leave = may_leave,
		.g_goid = s->plan->prog->rel->g_goid,
		.sleeps = way != WAY_EACH_AWAKE,
	};
	struct bpf_code c;

	close_fd(&s->prog_fd);
	bpf_code_start(&c, code, ARRAY_LEN(code));
	bpf_program(&c, &facts);
	return bpf_code_ok(&c, err) && kernel_load(way, code, c.n, &s->prog_fd, err);
}

static bool load(struct bpf_session *s, enum kernel_way way, struct err *err)
{
	return load_as(s, way, true, err) ||
	       (err->kind == ERR_UNSUPPORTED && load_as(s, way, false, err));
}

/* Each probe of WAY_EACH needs two descriptors. */
static void more_files(u32 n)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= n)
		return;
	r.rlim_cur = n;
	r.rlim_max = MAX(r.rlim_max, (rlim_t)n);
	if (setrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* An instruction that the kernel will not probe fails the whole link: the half with it is halved
 * until it stands alone. */
static bool attach_range(struct bpf_session *s, const struct kernel_probes *p, const u32 *funcs,
			 const u64 *vas, int *fds, struct err *err)
{
	struct kernel_probes half = *p;
	u32 nfds;

	if (kernel_attach(s->way, s->prog_fd, p, fds, &nfds, err)) {
		for (u32 i = 0; i < nfds; i++)
			*vec_push(&s->links) = fds[i];
		return true;
	}
	if (err->kind != ERR_REFUSED)
		return false;
	if (p->n == 1) {
		*vec_push(&s->probes.refused) = (struct probes_refused){
			.func = funcs[0], .va = vas[0], .why = "the kernel can't probe it",
		};
		return true;
	}
	half.n = p->n / 2;
	if (!attach_range(s, &half, funcs, vas, fds, err))
		return false;
	half.offs += half.n;
	half.cookies += half.n;
	half.n = p->n - p->n / 2;
	return attach_range(s, &half, funcs + p->n / 2, vas + p->n / 2, fds, err);
}

static bool attach_probes(struct bpf_session *s, struct err *err)
{
	u32 n = (u32)s->probes.at.n;
	struct arena a = { 0 };
	u64 *offs = ARENA_ARRAY(&a, u64, n), *cookies = ARENA_ARRAY(&a, u64, n);
	u64 *vas = ARENA_ARRAY(&a, u64, n);
	u32 *funcs = ARENA_ARRAY(&a, u32, n);
	int *fds = ARENA_ARRAY(&a, int, 2 * n);
	char path[64];
	struct kernel_probes p = { path, s->options.pid, offs, cookies, n };
	bool ok;

	snprintf(path, sizeof(path), "/proc/%d/exe", s->options.pid);
	for (u32 i = 0; i < n; i++) {
		offs[i] = s->probes.at.at[i].off;
		cookies[i] = s->probes.at.at[i].row;
		vas[i] = s->probes.at.at[i].va;
		funcs[i] = s->probes.sites.at[s->probes.at.at[i].row].site / 4;
	}
	if (s->way != WAY_MULTI)
		more_files(2 * n + 64);
	if (s->way != WAY_MULTI && n > MANY)
		fprintf(stderr,
			"goshawk: this kernel attaches probes one by one, and takes them off so: "
			"with %u of them that takes minutes (Linux 6.6 does it at once)\n", n);
	ok = attach_range(s, &p, funcs, vas, fds, err);
	if (!ok)
		close_links(s);
	arena_release(&a);
	return ok;
}

/* The best way that this kernel has. */
static bool start(struct bpf_session *s, struct err *err)
{
	u32 way = s->options.each ? WAY_EACH : WAY_MULTI;

	for (; way < WAYS; way++) {
		s->way = way;
		if (load(s, way, err) && attach_probes(s, err))
			return true;
		if (err->kind != ERR_UNSUPPORTED)
			break;
	}
	return false;
}

static bool detach(void *session, struct err *err)
{
	(void)err;
	close_links(session);
	return true;
}

static bool read_rt(void *session, u64 rt, void *to, size_t n)
{
	const struct bpf_session *s = session;

	return s->mem_fd >= 0 && pread(s->mem_fd, to, n, (off_t)rt) == (ssize_t)n;
}

/* The memory that we knew is gone, and there is a program: probes by inode and process would hold
 * for the new one too, if it is of the same file. */
static bool was_replaced(void *session)
{
	struct bpf_session *s = session;
	char path[64], target[16], byte;

	if (s->mem_fd < 0 || read_rt(s, s->mark_rt, &byte, 1))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", s->options.pid);
	if (readlink(path, target, sizeof(target)) <= 0)
		return false;
	close_links(s);
	return true;
}

static void output_blocks(void *session, bool blocks)
{
	(void)session;
	(void)blocks;
}

static u32 sites(void *session)
{
	const struct bpf_session *s = session;

	return (u32)s->probes.sites.n;
}

static i64 stop_ns(void *session)
{
	(void)session;
	return 0;
}

bool bpf_attach(struct source *src, const struct plan *plan, const struct bpf_options *o,
		struct err *err)
{
	struct bpf_session *s = mem_resize(NULL, sizeof(*s));
	char path[64];

	*s = (struct bpf_session){
		.plan = plan, .options = *o, .sites_fd = -1, .steps_fd = -1, .slots_fd = -1,
		.counts_fd = -1, .ring_fd = -1, .prog_fd = -1, .mem_fd = -1,
	};
	*src = (struct source){
		.session = s,
		.engine = "uprobe",
		.pid = o->pid,
		.started = o->started,
		.bias = o->bias,
		.poll = bpf_poll,
		.output_blocks = output_blocks,
		.detach = detach,
		.was_replaced = was_replaced,
		.read_rt = read_rt,
		.sites = sites,
		.stop_ns = stop_ns,
		.release = session_release,
	};
	snprintf(path, sizeof(path), "/proc/%d/mem", o->pid);
	s->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	s->mark_rt = plan->prog->md.text_va + o->bias;
	probes_make(&s->probes, plan, o->bias);
	if (!s->probes.at.n)
		return err_set(err, ERR_REFUSED, "nothing is left to probe (--plan says why)");
	if (!make_maps(s, err))
		return false;
	bpf_reading_start(s);
	return start(s, err);
}
