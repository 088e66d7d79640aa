/* Maps, program and links of a session, in the order in which they are made. */
#include "bpf/session.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

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

void bpf_session_new(struct bpf_session *s, const struct bpf_options *o, u16 g_goid)
{
	*s = (struct bpf_session){
		.options = *o, .g_goid = g_goid, .sites_fd = -1, .steps_fd = -1, .slots_fd = -1,
		.counts_fd = -1, .ring_fd = -1, .marks_fd = -1, .prog_fd = -1, .mem_fd = -1,
	};
}

void bpf_session_stop(struct bpf_session *s)
{
	for (size_t i = s->links.n; i-- > 0;)
		close(s->links.at[i]);
	vec_release(&s->links);
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
	if (n)
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
		BPF_MAP_TYPE_ARRAY, 4, 8, COUNTS_ROOM, BPF_F_MMAPABLE, "counts",
	};
	struct kernel_map ring = {
		BPF_MAP_TYPE_RINGBUF, 0, 0, (u32)s->options.ring, 0, "ring",
	};
	struct kernel_map marks = { BPF_MAP_TYPE_ARRAY, 4, 8, 1 << MARKS_LOG2, 0, "marks" };

	s->rows_bytes = n * sizeof(struct bpf_site);
	if (!kernel_map_make(&sites, &s->sites_fd, err) || !make_steps(s, err) ||
	    !kernel_map_make(&slots, &s->slots_fd, err) ||
	    !kernel_map_make(&counts, &s->counts_fd, err) ||
	    (s->probes.decides && !kernel_map_make(&marks, &s->marks_fd, err)) ||
	    !kernel_map_make(&ring, &s->ring_fd, err) ||
	    !kernel_ring_open(&s->ring, s->ring_fd, s->options.ring, err))
		return false;
	s->rows = kernel_map_view(s->sites_fd, s->rows_bytes, err);
	s->counts = s->rows ? kernel_map_view(s->counts_fd, 8 * COUNTS_ROOM, err) : NULL;
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
		.marks_fd = s->marks_fd,
		.goes_back = s->probes.goes_back,
		.decides = s->probes.decides,
		.tgid = tgid_of(s->options.pid),
		.nslots = (u32)get_nprocs_conf() * SLOTS_EACH,
		.most_turns = MIN(s->probes.most_turns, (u32)TURNS_VERIFIED),
		.may_leave = may_leave,
		.count_only = s->plan && s->plan->request.count_only,
		.g_goid = s->g_goid,
		.sleeps = way != WAY_EACH_AWAKE,
	};
	struct bpf_code c;

	if (s->plan)
		bpf_facts_of_stacks(&facts, s->plan, s->options.bias);
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

/* Without its entry a call has no beginning, and without a beginning its end is worth nothing. */
static void refused_by_kernel(struct bpf_session *s, u64 cookie, u64 va)
{
	u32 row = (u32)cookie & ((1 << COOKIE_ROW_BITS) - 1), site = s->probes.sites.at[row].site;

	*vec_push(&s->probes.refused) = (struct probes_refused){
		.func = site / 4, .kind = site % 4, .va = va,
		.why = "the kernel can't probe an instruction of it",
	};
	for (size_t i = 0; site % 4 == SITE_ENTRY && i < s->probes.sites.n; i++)
		if (s->probes.sites.at[i].site / 4 == site / 4)
			s->rows[i].off = 1;
}

/* An instruction that the kernel will not probe fails the whole link: the half with it is halved
 * until it stands alone. */
static bool attach_range(struct bpf_session *s, const struct kernel_probes *p, const u64 *vas,
			 int *fds, struct err *err)
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
		refused_by_kernel(s, p->cookies[0], vas[0]);
		return true;
	}
	half.n = p->n / 2;
	if (!attach_range(s, &half, vas, fds, err))
		return false;
	half.offs += half.n;
	half.cookies += half.n;
	half.n = p->n - p->n / 2;
	return attach_range(s, &half, vas + p->n / 2, fds, err);
}

static bool attach_probes(struct bpf_session *s, struct err *err)
{
	u32 n = (u32)s->probes.at.n;
	struct arena a = { 0 };
	u64 *offs = ARENA_ARRAY(&a, u64, n), *cookies = ARENA_ARRAY(&a, u64, n);
	u64 *vas = ARENA_ARRAY(&a, u64, n);
	int *fds = ARENA_ARRAY(&a, int, 2 * n);
	char path[64];
	struct kernel_probes p = { path, s->options.pid, offs, cookies, 0 };
	bool ok;

	snprintf(path, sizeof(path), "/proc/%d/exe", s->options.pid);
	for (u32 i = 0; i < n; i++) {
		const struct probe *at = &s->probes.at.at[i];

		if (s->rows[at->row].off)
			continue;
		offs[p.n] = at->off;
		cookies[p.n] = s->generation << COOKIE_ROW_BITS | at->row;
		vas[p.n++] = at->va;
	}
	if (s->way != WAY_MULTI)
		more_files(2 * n + 64);
	if (s->way != WAY_MULTI && n > MANY)
		fprintf(stderr,
			TALK "this kernel attaches probes one by one, and takes them off so: "
			"with %u of them that takes minutes (Linux 6.10 does it at once)\n", n);
	ok = !p.n || attach_range(s, &p, vas, fds, err);
	if (!ok)
		bpf_session_stop(s);
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

bool bpf_session_open(struct bpf_session *s, struct err *err)
{
	return make_maps(s, err) && start(s, err);
}

/* All probes but those that are off, in the place of the ones that there are. One by one that would
 * take far too long: there the rows alone are off, and the kernel's part of the cost stays. */
bool bpf_session_renew(struct bpf_session *s, struct err *err)
{
	struct bpf_links old = s->links;
	bool ok;

	if (s->way != WAY_MULTI)
		return true;
	s->links = (struct bpf_links){ 0 };
	s->generation++;
	ok = attach_probes(s, err);
	if (ok) {
		__atomic_store_n(&s->counts[GENERATION], s->generation, __ATOMIC_RELEASE);
		for (size_t i = old.n; i-- > 0;)
			close(old.at[i]);
		vec_release(&old);
	} else {
		s->generation--;
		s->links = old;
	}
	return ok;
}

void bpf_session_close(struct bpf_session *s)
{
	int *fds[] = { &s->prog_fd, &s->sites_fd, &s->steps_fd, &s->slots_fd, &s->counts_fd,
		       &s->ring_fd, &s->marks_fd, &s->mem_fd };

	bpf_session_stop(s);
	if (s->rows)
		munmap(s->rows, s->rows_bytes);
	if (s->counts)
		munmap(s->counts, 8 * COUNTS_ROOM);
	kernel_ring_close(&s->ring);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close_fd(fds[i]);
	probes_release(&s->probes);
	vec_release(&s->waiting);
	vec_release(&s->bytes);
	vec_release(&s->before);
}
