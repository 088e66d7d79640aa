#include "go/goroutines.h"

#include <stdlib.h>
#include <string.h>

#include "go/release.h"
#include "go/sig.h"
#include "go/vars.h"

enum {
	MOST = 1 << 24,
	G_BYTES = 352,		/* of a g: all that we ask of it */
	SCAN = 0x1000,
	STACK_MOST = 64 << 10,	/* of one stack that is taken beforehand; deeper ones are rare */
	STACKS_MOST = 1 << 29,	/* of all of them: then each has its share */
	SIGNAL_STACK = 1 << 20,
};

/* While they are gathered. */
struct gather {
	struct goroutines *gs;
	struct image *img;
	const struct go_release *rel;
	const struct os_thread *threads;
	size_t nthreads;
	u64 *list;
	struct map by_g;	/* g -> 1 + index of the thread that has it */
};

static u64 word_of(const u8 *g, unsigned at)
{
	u64 v;

	memcpy(&v, g + at, sizeof(v));
	return v;
}

static u64 word_at(const struct gather *w, u64 rt)
{
	u64 v = 0;

	return rt && image_read_rt(w->img, rt, &v, 8) ? v : 0;
}

static int by_number(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static bool read_list(struct gather *w, struct err *err)
{
	u64 va, head[2], n;
	size_t some;

	if (!go_allgs_va(w->gs->prog, &va))
		return err_set(err, ERR_UNSUPPORTED, "runtime.allgs: not found, so nobody can "
			       "tell where the goroutines are");
	if (!image_read(w->img, va, head, sizeof(head)) || head[1] > MOST)
		return err_set(err, ERR_FORMAT,
			       "runtime.allgs, the list of goroutines, can't be read");
	n = w->gs->listed = head[1];
	w->list = mem_resize(NULL, n * 8 + 8);
	some = image_read_some(w->img, head[0], w->list, n * 8) / 8;
	if (n && !some)
		return err_set(err, ERR_FORMAT,
			       "the list of goroutines lies in memory that is not there");
	w->gs->unreadable = n - some;
	qsort(w->list, some, 8, by_number);	/* no order is promised: this one is fast */
	n = 0;
	for (size_t i = 0; i < some; i++)
		if (w->list[i] && (!n || w->list[n - 1] != w->list[i]))
			w->list[n++] = w->list[i];
	w->gs->listed = n;
	return true;
}

static void keep_gs(struct gather *w)
{
	size_t n = w->gs->listed;
	struct extent *e = mem_resize(NULL, (n + 1) * sizeof(*e));

	for (size_t i = 0; i < n; i++)
		e[i] = (struct extent){ w->list[i], G_BYTES };
	image_keep(w->img, e, n);
	mem_free(e);
}

/* Only threads that run Go code have a word there that is a g; its m must know of it. */
static void note_threads(struct gather *w)
{
	i32 off;

	if (!go_tls_offset(w->gs->prog, &off))
		return;
	for (size_t i = 0; i < w->nthreads; i++) {
		const struct os_thread *t = &w->threads[i];
		u64 g = word_at(w, t->fs_base + (u64)(i64)off), m, curg;

		m = g ? word_at(w, g + G_M) : 0;
		curg = m ? word_at(w, m + w->rel->m_curg) : 0;
		if (curg)
			*map_put(&w->by_g, curg) = i + 1;
	}
}

/* The registers that a signal interrupted: the kernel's frame on the signal stack is known by the
 * description of that very stack in it.
 *
 *	OFFSET	SIZE	MEANING			Source: linux arch/x86/include/uapi/asm/ucontext.h
 *	0	8	flags
 *	8	8	link, 0
 *	16	8	the signal stack's beginning
 *	24	4	its flags
 *	32	8	its size
 *	40	64	r8 … r15
 *	104	64	rdi rsi rbp rbx rdx rax rcx rsp
 *	168	8	rip */
bool go_interrupted(const struct image *img, u64 sp, u64 lo, u64 hi, struct go_interrupted *to)
{
	/* the kernel's order of r8 … rsp, by the number in instructions */
	static const u8 order[] = { 8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5, 3, 2, 0, 1, 4 };
	u64 words[64], at = round_up(sp, 8);

	for (; at < hi && hi - at >= sizeof(words); at += 8 * 32) {
		if (!image_read_rt(img, at, words, sizeof(words)))
			return false;
		for (size_t i = 0; i < 32; i++) {
			if (words[i + 1] || words[i + 2] != lo || words[i + 4] != hi - lo)
				continue;
			for (size_t k = 0; k < ARRAY_LEN(order); k++)
				to->ints[order[k]] = words[i + 5 + k];
			to->sp = to->ints[4];
			to->pc = words[i + 21];
			to->ucontext = at + 8 * i;
			return true;
		}
	}
	return false;
}

/* A goroutine that a thread has: in its own code, in a signal handler, or on the thread's own stack
 * (g0), where g.sched says where it went there. */
static void place_running(const struct gather *w, const struct os_thread *t, struct goroutine *g)
{
	u64 gsignal = word_at(w, g->m_rt + w->rel->m_gsignal);
	u64 lo = word_at(w, gsignal + G_STACK_LO), hi = word_at(w, gsignal + G_STACK_HI);
	struct go_interrupted i = { .pc = t->ip, .sp = t->sp }, next;
	u64 pc, sp;
	bool handles = gsignal && t->sp - lo < hi - lo && hi - lo <= SIGNAL_STACK;

	g->tid = t->tid;
	/* a handler may have been interrupted itself */
	for (sp = t->sp; handles && sp - lo < hi - lo &&
			 go_interrupted(w->img, sp, lo, hi, &next);
	     sp = next.sp) {
		i = next;
		if (next.sp <= next.ucontext)
			break;
	}
	g->torn = i.sp - lo < hi - lo;
	pc = i.pc;
	sp = i.sp;
	if (sp - g->lo < g->hi - g->lo) {
		g->pc = pc;
		g->sp = sp;
		g->exact = true;
	}
}

static bool parse(const struct gather *w, u64 g_rt, struct goroutine *g)
{
	const struct go_release *rel = w->rel;
	u8 b[G_BYTES];
	u32 status;
	u64 *thread, syscallsp;

	if (!image_read_rt(w->img, g_rt, b, sizeof(b)))
		return false;
	memcpy(&status, b + rel->g_atomicstatus, sizeof(status));
	*g = (struct goroutine){
		.g_rt = g_rt, .goid = (i64)word_of(b, rel->g_goid), .status = (u8)(status & ~SCAN),
		.pc = word_of(b, G_SCHED_PC), .sp = word_of(b, G_SCHED_SP),
		.lo = word_of(b, G_STACK_LO), .hi = word_of(b, G_STACK_HI),
		.m_rt = word_of(b, G_M), .gopc = word_of(b, rel->g_gopc),
		.startpc = word_of(b, rel->g_startpc), .racectx = word_of(b, rel->g_racectx),
		.waiting = word_of(b, rel->g_racectx + G_WAITING_AFTER_RACECTX),
		.since = (i64)word_of(b, rel->g_waitreason - G_WAITSINCE_BEFORE_REASON),
		.parent = rel->g_parent_goid ? (i64)word_of(b, rel->g_parent_goid) : 0,
	};
	if ((status & ~SCAN) > GO_DEADEXTRA)
		return false;
	if (g->status == GO_WAITING || g->status == GO_LEAKED)
		g->reason = b[rel->g_waitreason];
	if (g->status != GO_WAITING && g->status != GO_SYSCALL && g->status != GO_LEAKED)
		g->since = 0;
	syscallsp = word_of(b, rel->g_syscallsp);
	thread = map_get(&w->by_g, g_rt);
	if (syscallsp) {
		g->sp = syscallsp;
		g->pc = word_of(b, rel->g_syscallsp + 8u);
	} else if (thread) {
		place_running(w, &w->threads[*thread - 1], g);
	} else if (g->status == GO_RUNNING) {
		g->torn = true;
	}
	if (thread)
		g->tid = w->threads[*thread - 1].tid;
	return true;
}

/* Its name says it, with a few exceptions (runtime/traceback.go, isSystemGoroutine). */
static bool is_system(const struct go_program *prog, const struct goroutine *g)
{
	static const char *const users[] = {
		"runtime.main", "runtime.handleAsyncEvent", "runtime.corostart",
	};
	const struct go_func *f =
		go_func_at(prog, g->startpc - prog->img->bias - prog->md.text_va);

	if (!f || !str_starts(f->name, STR("runtime.")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		if (str_eq(f->name, str_of(users[i])))
			return false;
	return true;
}

static int by_goid(const void *a, const void *b)
{
	const struct goroutine *x = a, *y = b;

	return x->goid < y->goid ? -1 : x->goid > y->goid;
}

static int by_rt(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->rt < y->rt ? -1 : x->rt > y->rt;
}

static void keep_stacks(struct gather *w)
{
	struct goroutines *gs = w->gs;
	struct extent *e = mem_resize(NULL, (gs->all.n + 1) * sizeof(*e));
	size_t n = 0;
	u64 sum = 0;

	for (size_t i = 0; i < gs->all.n; i++) {
		const struct goroutine *g = &gs->all.at[i];

		if (g->sp - g->lo >= g->hi - g->lo)
			continue;
		e[n] = (struct extent){ g->sp, MIN(g->hi - g->sp, (u64)STACK_MOST) };
		sum += e[n++].size;
	}
	for (size_t i = 0; sum > STACKS_MOST && i < n; i++)
		e[i].size = MIN(e[i].size, STACKS_MOST / n);
	qsort(e, n, sizeof(*e), by_rt);
	image_keep(w->img, e, n);
	mem_free(e);
}

static void parse_all(struct gather *w)
{
	struct goroutines *gs = w->gs;
	struct goroutine g;

	for (size_t i = 0; i < gs->listed; i++) {
		if (!parse(w, w->list[i], &g)) {
			gs->unreadable++;
			continue;
		}
		if (g.status == GO_DEAD || g.status == GO_IDLE || g.status == GO_DEADEXTRA) {
			gs->dead++;
			continue;
		}
		*vec_push(&gs->all) = g;
	}
}

bool goroutines_gather(struct goroutines *gs, struct image *img, const struct go_program *prog,
		       const struct os_thread *threads, size_t nthreads, struct err *err)
{
	struct gather w = { .gs = gs, .img = img, .rel = prog->rel, .threads = threads,
			    .nthreads = nthreads };

	*gs = (struct goroutines){ .prog = prog };
	if (!w.rel)
		return err_set(err, ERR_UNSUPPORTED, "goroutines of a Go release that is not known "
			       "can't be found");
	if (img->kind == IMAGE_CORE) {
		w.threads = img->threads;
		w.nthreads = img->nthreads;
	}
	if (!read_list(&w, err) || !w.list) {
		mem_free(w.list);
		return false;
	}
	keep_gs(&w);
	note_threads(&w);
	parse_all(&w);
	keep_stacks(&w);
	map_release(&w.by_g);
	mem_free(w.list);
	return true;
}

void goroutines_settle(struct goroutines *gs)
{
	for (size_t i = 0; i < gs->all.n; i++)
		gs->all.at[i].system = is_system(gs->prog, &gs->all.at[i]);
	if (gs->all.n)
		qsort(gs->all.at, gs->all.n, sizeof(gs->all.at[0]), by_goid);
}

void goroutines_release(struct goroutines *gs)
{
	vec_release(&gs->all);
}

const struct goroutine *goroutine_of(const struct goroutines *gs, i64 goid)
{
	struct goroutine key = { .goid = goid };

	return gs->all.n ? bsearch(&key, gs->all.at, gs->all.n, sizeof(key), by_goid) : NULL;
}

const char *goroutine_reason(const struct go_program *prog, const struct goroutine *g)
{
	return g->reason ? go_wait_reason(prog->rel, g->reason) : "";
}

static const char *const states[] = {
	[GO_IDLE] = "idle", [GO_RUNNABLE] = "runnable", [GO_RUNNING] = "running",
	[GO_SYSCALL] = "syscall", [GO_WAITING] = "waiting", [GO_DEAD] = "dead",
	[GO_COPYSTACK] = "copystack", [GO_PREEMPTED] = "preempted",
	[GO_LEAKED] = "leaked", [GO_DEADEXTRA] = "waiting for cgo callback",
};

const char *goroutine_state(const struct go_program *prog, const struct goroutine *g)
{
	const char *why = goroutine_reason(prog, g);

	if (*why)
		return why;
	return g->status < ARRAY_LEN(states) && states[g->status] ? states[g->status] : "?";
}

const char *goroutine_state_at(const struct go_program *prog, size_t i)
{
	static const u8 listed[] = { GO_RUNNING, GO_RUNNABLE, GO_SYSCALL, GO_WAITING,
				     GO_COPYSTACK, GO_PREEMPTED, GO_LEAKED };

	if (i < ARRAY_LEN(listed))
		return states[listed[i]];
	i = i - ARRAY_LEN(listed) + 1;	/* reason 0 is none */
	return i < go_wait_reasons(prog->rel) ? go_wait_reason(prog->rel, (u8)i) : NULL;
}

size_t goroutine_unwind(struct unwinder *u, const struct goroutine *g, struct go_level *to,
			size_t most, enum unwind_end *end)
{
	struct go_spot at = { g->pc, g->sp, g->lo, g->hi, g->exact };

	return unwind(u, &at, to, most, end);
}
