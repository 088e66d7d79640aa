#include "inline/busy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include "go/release.h"
#include "go/vars.h"

enum {
	TOP = 1024,		/* asyncPreempt's frame (at most 472 bytes) and what it calls */
	SIGNAL_STACK = 65536,	/* of one, at its start: gsignal has 32 KiB, C's may be larger */
	G_BYTES = 256,		/* of a g: all that we ask of it */
	GOROUTINES_MOST = 1 << 24,
	AT_ONCE = 256,
	/* runtime/runtime2.go */
	RUNNABLE = 1, RUNNING = 2, WAITING = 4, COPYSTACK = 8, PREEMPTED = 9, SCAN = 0x1000,
};

struct finder {
	struct busy *b;
	const struct inline_session *s;
	u64 text_lo, text_hi;
};

static struct finder finder_of(struct busy *b, const struct inline_session *s)
{
	const struct moduledata *md = &s->plan->prog->md;

	return (struct finder){ b, s, md->text_va + s->layout.bias, md->etext_va + s->layout.bias };
}

static void look_at(struct finder *f, u64 word)
{
	if (word - f->text_lo < f->text_hi - f->text_lo)
		*vec_push(&f->b->at) = word;
}

/* Our own code: nobody is parked in it, and addresses of it stand in dead registers long after,
 * which lie on stacks as well. */
static void look_inside(struct finder *f, u64 word)
{
	if (word >= f->s->old_code.lo && word < f->s->old_code.hi)
		*vec_push(&f->b->inside) = word;
}

/* A stack may end before, and behind it nothing may be mapped. */
static void look_in(struct finder *f, u64 lo, u64 hi)
{
	u64 words[TOP / 8];
	ssize_t got = sizeof(words);

	for (lo = round_up(lo, 8); lo < hi && got == sizeof(words); lo += sizeof(words)) {
		got = pread(f->s->mem_fd, words, MIN(hi - lo, (u64)sizeof(words)), (off_t)lo);
		for (ssize_t i = 0; i < got / 8; i++)
			look_at(f, words[i]);
	}
}

static u64 word_at(const struct finder *f, u64 rt)
{
	u64 word = 0;

	return rt && mem_read(f->s->mem_fd, rt, &word, 8) ? word : 0;
}

/* A signal handler at work. The interrupted address lies in the frame that the kernel put at the
 * start of its stack; or it has just been pushed to the goroutine's own stack, for asyncPreempt to
 * return to, and the frame has that stack's pointer. */
static void look_at_signal(struct finder *f, u64 sp, u64 hi, u64 curg)
{
	u64 stack_lo = word_at(f, curg + G_STACK_LO), stack_hi = word_at(f, curg + G_STACK_HI);

	look_in(f, sp, hi);
	for (sp = round_up(sp, 8); sp < hi; sp += 8) {
		u64 word = word_at(f, sp);

		look_inside(f, word);
		if (word >= stack_lo && word < stack_hi)
			look_at(f, word_at(f, word));
	}
}

/* Where it stands, and the top of its stack. */
static bool look_at_thread(struct finder *f, pid_t tid)
{
	const struct go_release *rel = f->s->plan->prog->rel;
	struct user_regs_struct r;
	u64 g, m, gsignal, lo, hi;

	if (ptrace(PTRACE_GETREGS, tid, 0, &r))
		return false;
	look_at(f, r.rip);
	look_inside(f, r.rip);
	look_in(f, r.rsp, r.rsp + TOP);
	g = word_at(f, r.fs_base + (u64)(i64)f->s->layout.tls);
	m = g ? word_at(f, g + G_M) : 0;
	gsignal = m ? word_at(f, m + rel->m_gsignal) : 0;
	if (!gsignal)
		return true;
	lo = word_at(f, gsignal + G_STACK_LO);
	hi = word_at(f, gsignal + G_STACK_HI);
	if (r.rsp >= lo && r.rsp < hi)
		look_at_signal(f, MAX(r.rsp, hi - MIN(hi, (u64)SIGNAL_STACK)), hi,
			       word_at(f, m + rel->m_curg));
	return true;
}

static u64 g_word(const u8 *g, unsigned at)
{
	u64 v;

	memcpy(&v, g + at, sizeof(v));
	return v;
}

/* Of the goroutine that a thread runs, what lies at its last parking may be old: too much is found.
 * Only one that was running when it was parked can have been parked by asyncPreempt; while the
 * collector looks at its stack it counts as waiting (runtime/preempt.go: suspendG). */
static void look_at_goroutine(struct finder *f, const u8 *g)
{
	u32 status;
	const struct go_release *rel = f->s->plan->prog->rel;
	u64 sp = g_word(g, G_SCHED_SP);

	memcpy(&status, g + rel->g_atomicstatus, sizeof(status));
	status &= ~(u32)SCAN;
	if (status != RUNNABLE && status != RUNNING && status != PREEMPTED && status != COPYSTACK &&
	    (status != WAITING || g[rel->g_waitreason] != rel->wait_preempted))
		return;
	look_in(f, sp, sp + TOP);	/* also of a stack that is just being moved */
}

/* So many at once; where one can't be read, each by itself. */
static void look_at_goroutines(struct finder *f, const u64 *gs, size_t n)
{
	u8 bytes[AT_ONCE][G_BYTES];
	struct iovec there[AT_ONCE] = { 0 }, here = { bytes, n * G_BYTES };

	for (size_t i = 0; i < n; i++)
		there[i] = (struct iovec){ (void *)(uintptr_t)gs[i], G_BYTES };
	if (process_vm_readv(f->s->pid, &here, 1, there, n, 0) == (ssize_t)(n * G_BYTES)) {
		for (size_t i = 0; i < n; i++)
			look_at_goroutine(f, bytes[i]);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (mem_read(f->s->mem_fd, gs[i], bytes[0], G_BYTES))
			look_at_goroutine(f, bytes[0]);
}

static bool all_goroutines(struct finder *f, struct err *err)
{
	const struct go_program *prog = f->s->plan->prog;
	u64 va, slice[2], gs[AT_ONCE];

	if (!go_allgs_va(prog, &va))
		return err_set(
			err, ERR_UNSUPPORTED,
			"runtime.allgs: not found, so nobody can tell where "
			"this program's goroutines will go on; start it with goshawk instead");
	if (!mem_read(f->s->mem_fd, va + f->s->layout.bias, slice, sizeof(slice)) ||
	    slice[1] > GOROUTINES_MOST)
		return err_set(err, ERR_GONE,
			       "process %d: the list of its goroutines can't be read", f->s->pid);
	for (u64 i = 0; i < slice[1]; i += AT_ONCE) {
		size_t n = (size_t)MIN(slice[1] - i, (u64)AT_ONCE);

		if (!mem_read(f->s->mem_fd, slice[0] + 8 * i, gs, n * 8))
			return err_set(err, ERR_GONE,
				       "process %d: the list of its goroutines can't be "
				       "read",
				       f->s->pid);
		look_at_goroutines(f, gs, n);
	}
	return true;
}

static int by_value(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool busy_threads(struct busy *b, const struct inline_session *s, const struct stopped *st)
{
	struct finder f = finder_of(b, s);

	for (size_t i = 0; i < st->n; i++)
		if (!look_at_thread(&f, st->at[i].tid))
			return false;
	return true;
}

bool busy_find(struct busy *b, const struct inline_session *s, const struct stopped *st,
	       struct err *err)
{
	struct finder f = finder_of(b, s);

	if (!busy_threads(b, s, st))
		return err_set(err, ERR_GONE, "process %d has ended", s->pid);
	if (!all_goroutines(&f, err))
		return false;
	if (b->at.n)
		qsort(b->at.at, b->at.n, sizeof(*b->at.at), by_value);
	return true;
}

void busy_release(struct busy *b)
{
	vec_release(&b->at);
	vec_release(&b->inside);
}

bool busy_inside(const struct busy *b, u64 lo, u64 hi)
{
	for (size_t i = 0; i < b->inside.n; i++)
		if (b->inside.at[i] >= lo && b->inside.at[i] < hi)
			return true;
	return false;
}

bool busy_in(const struct busy *b, u64 lo, u64 hi)
{
	size_t from = 0, to = b->at.n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (b->at.at[mid] < lo)
			from = mid + 1;
		else
			to = mid;
	}
	return from < b->at.n && b->at.at[from] < hi;
}
