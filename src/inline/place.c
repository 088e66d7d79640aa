#include "inline/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/fault.h"
#include "inline/maps.h"
#include "inline/seccomp.h"
#include "inline/text.h"

/* Rings lie above HIGH, with libraries and stacks, and so far below these that their next mappings
 * find room. */
#define HIGH (1ull << 46)
#define APART (1ull << 36)

#define TRY "raise ulimit -v, or trace with a smaller --buffer"

enum {
	PAGE = 4096,
	ABOVE = 512 << 20, /* our code lies this far above the image: there may be the C heap */
	HEAP = 128 << 20, /* ... which may begin up to 1 GiB above it, and has this to grow */
	REACH = 1 << 30, /* how far we look for room */
	NEAR_NAME = 1024, /* where the name of the memory file stands for a moment */
	FILTERED_RINGS = 64,
	FEWEST_RINGS = 16,
	GO_RESERVES = 1300,	/* MiB of addresses; a small program of Go 1.27 has 1 235 */
	SMALL = 32 << 20,
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

/* Room for `size` bytes from `from` up; 0 if there is none within reach. */
static u64 room_near(const struct spans *maps, u64 from, u64 size)
{
	u64 at = from;

	for (size_t i = 0; i < maps->n; i++)
		if (maps->at[i].hi > at && maps->at[i].lo < at + size)
			at = round_up(maps->at[i].hi, 1 << 21);
	return at - from <= REACH ? at : 0;
}

/* Room below the lowest of the high mappings, where the kernel would look as well, but further
 * down. */
static u64 room_high(const struct spans *maps, u64 size)
{
	for (size_t i = 1; i < maps->n; i++) {
		u64 lo = maps->at[i - 1].hi, hi = maps->at[i].lo;

		if (hi < HIGH || hi - lo < size + (2ull << 20))
			continue;
		if (hi - lo > size + 2 * APART)
			hi -= APART;
		return (hi - size) & ~((1ull << 21) - 1);
	}
	return 0;
}

/* Where addresses are limited (RLIMIT_AS), those that we take the program lacks later, and then it
 * dies: it keeps three of four. */
static bool limit_rings(struct inline_session *s, const struct spans *maps, struct err *err)
{
	u64 used = 0, limit, left;
	struct rlimit r;

	if (s->layout.delays || prlimit(s->pid, RLIMIT_AS, NULL, &r) || r.rlim_cur == RLIM_INFINITY)
		return true;
	for (size_t i = 0; i < maps->n; i++)
		used += maps->at[i].hi - maps->at[i].lo;
	used = MAX(used, (u64)GO_RESERVES << 20);
	limit = r.rlim_cur;
	left = limit > used ? (limit - used) / 4 / ring_stride(s->layout.buffer) : 0;
	s->rings_most = (u32)MIN((u64)s->rings_most, left);
	if (s->rings_most >= FEWEST_RINGS)
		return true;
	return err_set(err, ERR_REFUSED, "its addresses are limited to %llu MiB (ulimit -v), and "
		       "too few are left for buffers; " TRY, (unsigned long long)limit >> 20);
}

bool place_choose(struct inline_session *s, struct err *err)
{
	const struct image *img = s->plan->prog->img;
	struct spans maps = { 0 };
	struct layout *l = &s->layout;
	u64 before, room;

	s->rings_most = l->delays ? 0 : s->filtered ? FILTERED_RINGS : RINGS;
	maps_read(&maps, s->pid);
	if (!limit_rings(s, &maps, err)) {
		maps_release(&maps);
		return false;
	}
	s->shared_bytes = l->delays ? delays_size(l->delays)
				    : shared_size(l->buffer, s->rings_most);
	before = l->delays ? s->shared_bytes : 0;
	maps_keep_heap(&maps, s->pid, HEAP);
	room = room_near(&maps, round_up(img->hi_va + l->bias, PAGE) + ABOVE,
			 before + NEAR_SIZE + CODE_ROOM);
	l->near_rt = room + before;
	l->code_rt = l->near_rt + round_up(NEAR_SIZE, PAGE);
	l->shared_rt = l->delays ? room : room_high(&maps, s->shared_bytes);
	maps_release(&maps);
	if (!room)
		return err_set(err, ERR_REFUSED,
			       "no room for code within 2 GiB of the program's text");
	return l->shared_rt || err_set(err, ERR_REFUSED,
				       "no address space for the rings (%llu MiB); " TRY,
				       (unsigned long long)s->shared_bytes >> 20);
}

bool place_call(struct inline_session *s, struct inject *in, long nr, const u64 args[6],
		const char *what, i64 *result, struct err *err)
{
	pid_t tid = in->stopped->at[in->thread].tid;

	if (s->filtered && !seccomp_ask(s->pid, tid, nr, args, what, err))
		return false;
	return inject_syscall(in, nr, args, result, err);
}

struct mapping {
	u64 rt, size;
	int prot, flags, fd;
	const char *what;
};

static bool map_there(struct inline_session *s, struct inject *in, const struct mapping *m,
		      bool *taken, struct err *err)
{
	u64 args[6] = { m->rt, m->size, (u64)m->prot, (u64)(m->flags | MAP_FIXED_NOREPLACE),
			(u64)m->fd, 0 };
	i64 got;

	if (!place_call(s, in, SYS_mmap, args, m->what, &got, err))
		return false;
	*taken = got == -EEXIST || (got >= 0 && (u64)got != m->rt);
	if (*taken)
		return err_set(err, ERR_REFUSED, "the program has no room left for %s", m->what);
	s->mapped += got >= 0;
	return got >= 0 || err_set(err, ERR_REFUSED, "the program can't map %s (%llu MiB): %s",
				   m->what, (unsigned long long)m->size >> 20, strerror((int)-got));
}

static bool advise(struct inline_session *s, struct inject *in, u64 rt, u64 size, int advice,
		   i64 *got, struct err *err)
{
	u64 args[6] = { rt, size, (u64)advice };

	return place_call(s, in, SYS_madvise, args, "memory that a fork does not inherit", got,
			  err);
}

static bool map_near(struct inline_session *s, struct inject *in, bool *taken, struct err *err)
{
	struct mapping near = { s->layout.near_rt, NEAR_SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, "a page for its gate" };
	i64 got;

	if (!map_there(s, in, &near, taken, err) ||
	    !advise(s, in, near.rt, NEAR_SIZE, MADV_WIPEONFORK_, &got, err))
		return false;
	if (got)
		return err_set(err, ERR_UNSUPPORTED,
			       "this kernel can't keep a page out of forked children "
			       "(MADV_WIPEONFORK, Linux 4.14)");
	return mem_write(s->mem_fd, s->pid, near.rt + NEAR_COOKIE, &s->cookie, 8)
		       ? true
		       : err_set(err, ERR_DENIED,
				 "the program's memory can't be written (see goshawk doctor)");
}

/* One sparse memory file that nobody can shrink under us. It is mapped whole, with room for all
 * rings there can be, and begins with as few as will do for now; with all of them where they are
 * small, so that none can come too late. */
static bool grow(struct inline_session *s, struct err *err)
{
	bool small = s->shared_bytes <= SMALL;
	u32 few = MIN((u32)get_nprocs() + 30, s->rings_most);

	if (!rings_grow(s, small ? s->rings_most : few, err))
		return false;
	if (fcntl(s->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL))
		return err_set(err, ERR_IO, "the rings can't be sealed: %s", strerror(errno));
	return true;
}

static const char *shared_name(const struct inline_session *s)
{
	return s->layout.delays ? "the delays' data" : "the rings; " TRY;
}

/* Memory without a file, which we open by its place in the target. Its size is fixed. */
static bool map_anonymous(struct inline_session *s, struct inject *in, bool *taken, struct err *err)
{
	struct mapping m = { s->layout.shared_rt, s->shared_bytes, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			     shared_name(s) };
	unsigned long long lo = m.rt, hi = m.rt + m.size;
	char path[96];

	if (!map_there(s, in, &m, taken, err))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", s->pid, lo, hi);
	s->memfd = open(path, O_RDWR | O_CLOEXEC);
	s->ready = s->rings_most;
	return s->memfd >= 0 || err_set(err, ERR_DENIED, "%s: %s: memory of a program that has no "
					"descriptor left, or a seccomp filter, takes CAP_SYS_ADMIN",
					path, strerror(errno));
}

/* The target makes the file, we open it through its descriptor, and it forgets it. */
static bool map_file(struct inline_session *s, struct inject *in, int fd, bool *taken,
		     struct err *err)
{
	struct mapping m = { s->layout.shared_rt, s->shared_bytes, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_NORESERVE, fd, shared_name(s) };
	u64 args[6] = { (u64)fd };
	struct err ignored = { 0 };
	char path[64];
	bool ok;
	i64 got;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", s->pid, fd);
	s->memfd = open(path, O_RDWR | O_CLOEXEC);
	ok = s->memfd >= 0 || err_set(err, ERR_DENIED, "%s: %s", path, strerror(errno));
	ok = ok && grow(s, err) && map_there(s, in, &m, taken, err);
	return place_call(s, in, SYS_close, args, "shared memory", &got, ok ? err : &ignored) && ok;
}

/* Under a filter, and where no descriptor is left, without a file. */
static bool map_shared(struct inline_session *s, struct inject *in, bool *taken, struct err *err)
{
	u64 args[6] = { s->layout.near_rt + NEAR_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING };
	i64 fd;

	if (s->filtered)
		return map_anonymous(s, in, taken, err);
	if (!mem_write(s->mem_fd, s->pid, args[0], "goshawk", 8))
		return err_set(err, ERR_GONE, "process %d has ended", s->pid);
	if (!place_call(s, in, SYS_memfd_create, args, "shared memory", &fd, err))
		return false;
	return fd < 0 ? map_anonymous(s, in, taken, err) : map_file(s, in, (int)fd, taken, err);
}

static bool map_ours(struct inline_session *s, struct err *err)
{
	const struct layout *l = &s->layout;
	u64 header[] = { s->cookie, 0, l->near_rt, l->code_rt, l->code_rt + s->code.size };

	s->shared = mmap(NULL, s->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			 s->memfd, 0);
	if (s->shared == MAP_FAILED) {
		s->shared = NULL;
		return err_set(err, ERR_IO, "no address space for the rings (%llu MiB): %s; " TRY,
			       (unsigned long long)s->shared_bytes >> 20, strerror(errno));
	}
	if (l->delays)
		delays_begin(s);
	/* who finds the magic must see that we live, or takes us for dead and cleans up */
	if (!rings_hold(s, err))
		return false;
	memcpy(s->shared + SHARED_COOKIE, header, sizeof(header));
	__atomic_store_n((u64 *)(void *)(s->shared + SHARED_MAGIC), MAGIC, __ATOMIC_RELEASE);
	return true;
}

static void note(const struct inline_session *s, struct inject *in)
{
	const struct layout *l = &s->layout;

	in->note[NOTE_NEAR] = (struct note){ l->near_rt, l->code_rt };
	in->note[NOTE_CODE] = (struct note){ l->code_rt,
					     l->code_rt + round_up(s->code.size, PAGE) };
	in->note[NOTE_SHARED] = (struct note){ l->shared_rt,
					       l->shared_rt + round_up(s->shared_bytes, PAGE) };
}

/* What the trampolines call themselves (stubs.c), with the arguments by which a filter may tell it
 * from the program's own calls. */
static bool ask_for_stubs(struct inline_session *s, struct inject *in, struct err *err)
{
	pid_t tid = in->stopped->at[in->thread].tid;
	u64 look[6] = { UINT32_MAX, s->layout.near_rt + 8, 0, 8 };
	u64 pause[6] = { s->layout.shared_rt };

	if (s->layout.delays)
		return !s->filtered || s->ask.ns < DELAY_SLEEPS_NS ||
		       seccomp_ask(s->pid, tid, SYS_nanosleep, pause, "waiting", err);
	return !s->filtered ||
	       (seccomp_ask(s->pid, tid, SYS_rt_sigprocmask, look, "reading its memory", err) &&
		(!s->layout.lossless ||
		 seccomp_ask(s->pid, tid, SYS_nanosleep, pause, "waiting (--lossless)",
			     err)));
}

bool place_map(struct inline_session *s, struct inject *in, bool *taken, struct err *err)
{
	struct mapping code = { s->layout.code_rt, round_up(s->code.size, PAGE),
				PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				"its trampolines" };
	i64 got;

	*taken = false;
	note(s, in);
	if (!ask_for_stubs(s, in, err) || !map_near(s, in, taken, err) ||
	    !map_there(s, in, &code, taken, err) ||
	    !map_shared(s, in, taken, err))
		return false;
	/* a core of the program is not to hold our rings; a kernel without this is no worse */
	if (!advise(s, in, s->layout.shared_rt, s->shared_bytes, MADV_DONTDUMP, &got, err))
		return false;
	if (!map_ours(s, err))
		return false;
	fault_point("mapped");
	return true;
}

static bool unmap(struct inline_session *s, struct inject *in, u64 rt, u64 size, struct err *err)
{
	u64 args[6] = { rt, size };
	i64 got;

	return place_call(s, in, SYS_munmap, args, "less memory", &got, err);
}

bool place_unmap(struct inline_session *s, struct inject *in, struct err *err)
{
	const struct layout *l = &s->layout;
	bool ok;

	note(s, in);
	ok = (s->mapped < 3 || unmap(s, in, l->shared_rt, s->shared_bytes, err)) &&
	     (s->mapped < 2 || unmap(s, in, l->code_rt, round_up(s->code.size, PAGE), err)) &&
	     (s->mapped < 1 || unmap(s, in, l->near_rt, NEAR_SIZE, err));
	rings_end(s);
	if (s->shared)
		munmap(s->shared, s->shared_bytes);
	if (s->memfd >= 0)
		close(s->memfd);
	s->shared = NULL;
	s->memfd = -1;
	s->mapped = 0;
	return ok;
}

bool place_code(struct inline_session *s, struct err *err)
{
	if (!mem_write(s->mem_fd, s->pid, s->layout.code_rt, s->code.bytes, s->code.size))
		return err_set(err, ERR_DENIED,
			       "trampolines can't be written into the program (see "
			       "goshawk doctor)");
	code_forget(&s->code);
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct jump *const *x = a, *const *y = b;

	return ((*x)->rt > (*y)->rt) - ((*x)->rt < (*y)->rt);
}

static bool write_jump(struct inline_session *s, struct text *t, const struct jump *j,
		       struct err *err)
{
	return text_change(t, j->rt, j->was, j->is) ||
	       (t->gone ? err_set(err, ERR_GONE, "process %d has ended", s->pid)
			: err_set(err, ERR_REFUSED, "the text in memory is not the file's, at "
				  "0x%llx: something else has patched it",
				  (unsigned long long)j->rt));
}

/* The hooks, which mend what faults in the others' trampolines; then all but the windows that
 * others lead into, by address; then these. */
static bool write_jumps(struct inline_session *s, struct jump **by, size_t pages, size_t inner,
			struct err *err)
{
	size_t n = s->code.jumps.n;
	struct text t;
	bool ok = true, written;

	text_begin(&t, s->mem_fd, s->pid);
	for (size_t i = 0; ok && i < n; i++) {
		const struct jump *j = &s->code.jumps.at[i];

		if (j->func == NOT_PLANNED && j->state == JUMP_DUE)
			ok = write_jump(s, &t, j, err);
	}
	for (size_t i = 0; ok && i < pages; i++) {
		if (i == pages / 2)
			fault_point("jumps");	/* with some of them written */
		ok = write_jump(s, &t, by[i], err);
	}
	for (size_t i = n; ok && i > inner; i--)
		ok = write_jump(s, &t, by[i - 1], err);
	written = text_end(&t);
	return ok && (written || err_set(err, ERR_DENIED, "the program's text can't be written "
					 "(see goshawk doctor)"));
}

bool place_jumps(struct inline_session *s, struct err *err)
{
	size_t n = s->code.jumps.n, pages = 0, inner = n;
	struct jump **by = mem_resize(NULL, (n + 1) * sizeof(*by));
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		struct jump *j = &s->code.jumps.at[i];

		if (j->state != JUMP_DUE || j->func == NOT_PLANNED)
			continue;
		if (j->inner)
			by[--inner] = j; /* from behind: their order turns round, and turns back */
		else
			by[pages++] = j;
	}
	qsort(by, pages, sizeof(*by), by_address);
	for (size_t i = 1; ok && i < pages; i++)
		if (by[i]->rt < by[i - 1]->rt + 5)
			ok = err_set(err, ERR_REFUSED, "two jumps overlap at 0x%llx",
				     (unsigned long long)by[i]->rt);
	ok = ok && write_jumps(s, by, pages, inner, err);
	mem_free(by);
	for (size_t i = 0; ok && i < n; i++)
		if (s->code.jumps.at[i].state == JUMP_DUE)
			s->code.jumps.at[i].state = JUMP_WRITTEN;
	return ok;
}

bool place_open(struct inline_session *s, struct err *err)
{
	u64 lines = s->plan->nlines;
	u32 open = 1;

	return (propagate_begin(s) &&
		mem_write(s->mem_fd, s->pid, s->layout.near_rt + NEAR_LINES, &lines, 8) &&
		mem_write(s->mem_fd, s->pid, s->layout.near_rt + NEAR_GATE, &open, 4)) ||
	       err_set(err, ERR_GONE, "process %d has ended", s->pid);
}
