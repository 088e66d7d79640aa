#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "go/release.h"
#include "inline/session.h"
#include "inline/tracee.h"

enum {
	PAGE = 4096,
	ABOVE = 512 << 20, /* our code lies this far above the image: the C heap grows between */
	REACH = 1 << 30, /* how far we look for room */
	MADV_WIPEONFORK_ = 18,
};

bool mem_read(int mem_fd, u64 rt, void *to, size_t n)
{
	return pread(mem_fd, to, n, (off_t)rt) == (ssize_t)n;
}

/* Some kernels from 6.12 on refuse to write what is not writable through /proc/PID/mem: word by
 * word by ptrace then. */
bool mem_write(int mem_fd, pid_t pid, u64 rt, const void *p, size_t n)
{
	const u8 *b = p;
	u64 at = rt & ~7ull;

	if (pwrite(mem_fd, p, n, (off_t)rt) == (ssize_t)n)
		return true;
	for (; at < rt + n; at += 8) {
		u8 word[8];

		if (!mem_read(mem_fd, at, word, 8))
			return false;
		for (unsigned i = 0; i < 8; i++)
			if (at + i >= rt && at + i < rt + n)
				word[i] = b[at + i - rt];
		if (ptrace(PTRACE_POKEDATA, pid, at, *(long *)(void *)word))
			return false;
	}
	return true;
}

/* Room for `size` bytes in a process, from `from` up; 0 if there is none within reach. */
static u64 find_room(pid_t pid, u64 from, u64 size)
{
	char path[64], line[512];
	u64 lo, hi, at = from;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *end;

		lo = strtoull(line, &end, 16);
		hi = *end == '-' ? strtoull(end + 1, NULL, 16) : 0;
		if (hi > at && lo < at + size)
			at = round_up(hi, 1 << 21);
	}
	if (!f)
		return 0;
	fclose(f);
	return at - from <= REACH ? at : 0;
}

struct mapping {
	u64 rt, size;
	int prot, flags, fd;
	const char *what;
};

static bool map_there(struct inline_session *s, u64 scratch, const struct mapping *m, u64 *rt,
		      struct err *err)
{
	u64 args[6] = { m->rt, m->size, (u64)m->prot, (u64)m->flags, (u64)m->fd, 0 };
	i64 got;

	if (!tracee_syscall(s->pid, s->mem_fd, scratch, SYS_mmap, args, &got, err))
		return false;
	if (got < 0 && got > -4096)
		return err_set(err, ERR_REFUSED, "the program can't map %s (%llu MiB): %s", m->what,
			       (unsigned long long)m->size >> 20, strerror((int)-got));
	*rt = (u64)got;
	return true;
}

/* The rings: one sparse memory file that nobody can shrink under us. It is mapped whole, with room
 * for all rings there can be, and begins with a few. */
static bool make_shared(struct inline_session *s, struct err *err)
{
	s->shared_bytes = shared_size(s->layout.buffer, RINGS);
	s->memfd = memfd_create("goshawk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->memfd < 0)
		return err_set(err, ERR_IO, "no shared memory for the rings: %s", strerror(errno));
	if (!rings_grow(s, (u32)MIN(get_nprocs() + 30, (int)RINGS), err))
		return false;
	if (fcntl(s->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL))
		return err_set(err, ERR_IO, "the rings can't be sealed: %s", strerror(errno));
	s->shared = mmap(NULL, s->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			 s->memfd, 0);
	if (s->shared == MAP_FAILED) {
		s->shared = NULL;
		return err_set(
			err, ERR_IO,
			"no address space for the rings (%llu MiB): %s; try a smaller --buffer",
			(unsigned long long)s->shared_bytes >> 20, strerror(errno));
	}
	memcpy(s->shared + SHARED_COOKIE, &s->cookie, 8);
	return true;
}

static bool map_all(struct inline_session *s, u64 entry_rt, struct err *err)
{
	const struct image *img = s->plan->prog->img;
	u64 base = find_room(s->pid, round_up(img->hi_va + s->layout.bias, PAGE) + ABOVE,
			     CODE_ROOM + NEAR_SIZE);
	struct mapping near = { base,
				NEAR_SIZE,
				PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
				-1,
				"a page for its gate" };
	struct mapping shared = { 0,
				  s->shared_bytes,
				  PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_NORESERVE,
				  s->memfd,
				  "the rings; try a smaller --buffer" };
	u64 args[6] = { 0, NEAR_SIZE, MADV_WIPEONFORK_, 0, 0, 0 }, no_page = ~0ull;
	i64 got;

	if (!base)
		return err_set(err, ERR_REFUSED,
			       "no room for code within 2 GiB of the program's text");
	s->layout.code_rt = base + round_up(NEAR_SIZE, PAGE);
	if (!map_there(s, entry_rt, &near, &s->layout.near_rt, err) ||
	    !map_there(s, entry_rt, &shared, &s->layout.shared_rt, err))
		return false;
	args[0] = s->layout.near_rt;
	if (!tracee_syscall(s->pid, s->mem_fd, entry_rt, SYS_madvise, args, &got, err))
		return false;
	if (got)
		return err_set(err, ERR_UNSUPPORTED,
			       "this kernel can't keep a page out of forked children "
			       "(MADV_WIPEONFORK, Linux 4.14)");
	/* a core of the program is not to hold our rings; a kernel without this is no worse */
	args[0] = s->layout.shared_rt;
	args[1] = s->shared_bytes;
	args[2] = MADV_DONTDUMP;
	if (!tracee_syscall(s->pid, s->mem_fd, entry_rt, SYS_madvise, args, &got, err))
		return false;
	fault_point("mapped");
	args[0] = (u64)s->memfd;
	if (!tracee_syscall(s->pid, s->mem_fd, entry_rt, SYS_close, args, &got, err))
		return false;
	/* page 0 is never mapped, and its number is what an empty table holds */
	return mem_write(s->mem_fd, s->pid, s->layout.near_rt + NEAR_PAGES, &no_page, 8) &&
			       mem_write(s->mem_fd, s->pid, s->layout.near_rt + NEAR_COOKIE,
					 &s->cookie, 8)
		       ? true
		       : err_set(err, ERR_DENIED,
				 "the program's memory can't be written (see goshawk doctor)");
}

static bool write_code(struct inline_session *s, u64 entry_rt, struct err *err)
{
	struct mapping code = { s->layout.code_rt,
				round_up(s->code.size, PAGE),
				PROT_READ | PROT_EXEC,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
				-1,
				"its trampolines" };
	u64 rt = 0;

	if (!map_there(s, entry_rt, &code, &rt, err))
		return false;
	if (!mem_write(s->mem_fd, s->pid, rt, s->code.bytes, s->code.size))
		return err_set(
			err, ERR_DENIED,
			"trampolines can't be written into the program (see goshawk doctor)");
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct jump *const *x = a, *const *y = b;

	return ((*x)->rt > (*y)->rt) - ((*x)->rt < (*y)->rt);
}

/* The program has not run yet, so its pages are written whole: one write for each that changes. */
static bool write_jumps(struct inline_session *s, struct err *err)
{
	size_t n = s->code.jumps.n;
	struct jump **by = ARENA_ARRAY(&s->arena, struct jump *, n + 1);
	u8 page[PAGE];
	u64 at = 0;

	for (size_t i = 0; i < n; i++)
		by[i] = &s->code.jumps.at[i];
	qsort(by, n, sizeof(*by), by_address);
	for (size_t i = 0; i < n; i++) {
		u64 rt = by[i]->rt;

		if (i && rt < by[i - 1]->rt + 5)
			return err_set(err, ERR_REFUSED, "two jumps overlap at 0x%llx",
				       (unsigned long long)rt);
		if (!at || rt / PAGE != at / PAGE) {
			if (at && !mem_write(s->mem_fd, s->pid, at & ~(u64)(PAGE - 1), page, PAGE))
				return err_set(
					err, ERR_DENIED,
					"the program's text can't be written (see goshawk doctor)");
			fault_point("jumps");	/* with some of them written */
			at = rt;
			if (!mem_read(s->mem_fd, at & ~(u64)(PAGE - 1), page, PAGE))
				return err_set(err, ERR_GONE,
					       "the program ended while it was being prepared");
		}
		if (memcmp(page + rt % PAGE, by[i]->was, 5))
			return err_set(err, ERR_REFUSED,
				       "the text in memory is not the file's, at 0x%llx: something "
				       "else has patched it",
				       (unsigned long long)rt);
		memcpy(page + rt % PAGE, by[i]->is, 5);
	}
	if (at && !mem_write(s->mem_fd, s->pid, at & ~(u64)(PAGE - 1), page, PAGE))
		return err_set(err, ERR_DENIED,
			       "the program's text can't be written (see goshawk doctor)");
	return true;
}

static bool prepare(struct inline_session *s, u64 entry_rt, struct err *err)
{
	char path[64];
	u32 open_gate = 1;

	s->layout.bias = entry_rt - s->plan->prog->img->entry_va;
	snprintf(path, sizeof(path), "/proc/%d/mem", s->pid);
	s->mem_fd = open(path, O_RDWR | O_CLOEXEC);
	if (s->mem_fd < 0)
		return err_set(err, ERR_DENIED, "%s: %s (see goshawk doctor)", path,
			       strerror(errno));
	tsc_measure(&s->clock);
	if (!map_all(s, entry_rt, err) || !code_make(&s->code, s->plan, &s->layout, err) ||
	    !write_code(s, entry_rt, err) || !write_jumps(s, err))
		return false;
	if (!rings_start(s, err))
		return false;
	return mem_write(s->mem_fd, s->pid, s->layout.near_rt + NEAR_GATE, &open_gate, 4) ?
	       true : err_set(err, ERR_GONE, "the program ended while it was being prepared");
}

static void session_release(void *session)
{
	struct inline_session *s = session;

	code_release(&s->code);
	if (s->shared)
		munmap(s->shared, s->shared_bytes);
	if (s->mem_fd >= 0)
		close(s->mem_fd);
	if (s->memfd >= 0)
		close(s->memfd);
	arena_release(&s->arena);
	mem_free(s);
}

static bool read_rt(void *session, u64 rt, void *to, size_t n)
{
	const struct inline_session *s = session;

	return s->mem_fd >= 0 && mem_read(s->mem_fd, rt, to, n);
}

static u32 sites(void *session)
{
	return ((struct inline_session *)session)->code.sites;
}

static i64 stop_ns(void *session)
{
	return ((struct inline_session *)session)->stop_ns;
}

bool inline_launch(struct source *src, const struct plan *plan, const struct launch *l,
		   struct err *err)
{
	struct inline_session *s = mem_resize(NULL, sizeof(*s));
	const struct image *img = plan->prog->img;
	struct stat st;
	u64 entry_rt;

	*s = (struct inline_session){ .plan = plan, .mem_fd = -1, .memfd = -1 };
	*src = (struct source){
		.session = s,
		.engine = "inline",
		.started = true,
		.poll = rings_poll,
		.output_blocks = rings_output_blocks,
		.detach = session_restore,
		.was_replaced = session_was_replaced,
		.read_rt = read_rt,
		.sites = sites,
		.stop_ns = stop_ns,
		.release = session_release,
	};
	s->layout.buffer = l->buffer;
	s->layout.lossless = l->lossless;
	tsc_start(&s->clock);
	if (stat(l->path, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)))
		return err_set(
			err, ERR_REFUSED,
			"%s: a set-uid program: started under ptrace it would run without its "
			"rights; trace a copy without that bit",
			l->path);
	if (img->pie && !img->interp)
		return err_set(err, ERR_UNSUPPORTED, "%s: a static PIE is not supported yet",
			       l->path);
	if (!go_tls_offset(plan->prog, &s->layout.tls))
		return err_set(err, ERR_UNSUPPORTED,
			       "%s: where it keeps the current goroutine was not found", l->path);
	if (getrandom(&s->cookie, sizeof(s->cookie), 0) != sizeof(s->cookie))
		s->cookie = __rdtsc();
	if (!make_shared(s, err) ||
	    !tracee_start(l->path, l->argv, img->interp, s->memfd, &s->pid, &entry_rt, err)) {
		s->pid = 0;
		return false;
	}
	fault_point("started");
	if (!prepare(s, entry_rt, err)) {
		tracee_kill(s->pid);
		s->pid = 0;
		return false;
	}
	fault_point("prepared");
	if (!tracee_let_go(s->pid, err)) {
		tracee_kill(s->pid);
		s->pid = 0;
		return false;
	}
	fault_point("running");
	src->pid = s->pid;
	src->bias = s->layout.bias;
	return true;
}
