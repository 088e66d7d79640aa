#include "cmd/pump.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/vec.h"
#include "cmd/children.h"
#include "cmd/stop.h"
#include "inline/tracee.h"

enum {
	ROUND_MS = 1,
	UNKNOWN_MS = 5,
	WAIT_MS = 50,
	LEAVE_TRIES = 8,	/* 1 ms apart, then twice as long each time */
	LEAVE_PAUSE_MOST = 256000000,
	IDENTITY_EVERY = 256,
	FEW = 128,		/* records that can wait until there are more */
	FULL = 512 << 10,	/* bytes in a buffer that are worth to be woken for */
	LASTING_NS = 100000000,	/* a call that lasts longer than this is shown before its end */
	AT_ONCE = 64 << 10,	/* output that is written at once: a lossless program waits */
};

/* What the engine counts itself, for each function of the plan. */
struct counts {
	u64 *totals, *seen;	/* as of now; handed over so far */
	u32 n;
};

static struct counts counts_new(const struct source *src, const struct plan *plan)
{
	u32 n = src->counts ? plan->nfuncs : 0;

	return (struct counts){
		mem_resize(NULL, (n + 1) * sizeof(u64)),
		memset(mem_resize(NULL, (n + 1) * sizeof(u64)), 0, (n + 1) * sizeof(u64)), n,
	};
}

static void counts_take(struct counts *c, struct source *src, struct calls *calls)
{
	if (!c->n)
		return;
	memset(c->totals, 0, c->n * sizeof(u64));
	src->counts(src->session, c->totals);
	for (u32 i = 0; i < c->n; i++)
		if (c->totals[i] > c->seen[i]) {
			calls_counted(calls, i, c->totals[i] - c->seen[i]);
			c->seen[i] = c->totals[i];
		}
}

/* When the sink is to be told that time has passed. */
struct ticks {
	i64 began_unix, since_unix;
	i64 next, next_open;	/* by now_ns() */
};

static void tick(struct ticks *t, struct source *src, struct calls *calls, struct counts *counts,
		 const struct sink *sink, i64 every)
{
	i64 now = now_ns(), unix_now;

	if (sink->opened && now >= t->next_open) {
		calls_open_since(calls, now + src->ahead_ns - LASTING_NS);
		t->next_open = now + LASTING_NS;
	}
	if (!sink->tick || !every || now < t->next)
		return;
	counts_take(counts, src, calls);
	unix_now = unix_ns();
	sink->tick(sink->ctx, t->since_unix, unix_now, false);
	t->since_unix = unix_now;
	t->next += every;
	if (t->next < now + every / 2)	/* some were missed: the next one is a whole one */
		t->next = now + every;
}

/* Where the statuses are in a record that count_unreadable() looks at. */
VEC_TYPE(statuses, u32);

struct flow_ctx {
	struct calls *calls;
	const struct plan *plan;
	struct source *src;
	struct out *out;
	bool file;	/* a disk is slow, but does not stop */
	struct statuses *statuses;	/* of each function, at its entry and at its exits */
	u64 unreadable;
	u64 max;
	const struct pump_limits *limits;
	u64 written;	/* of the output, when we last looked */
	i64 until;	/* by now_ns(); 0: until somebody says so */
	bool left;	/* nothing of ours is at work in the process any more */
};

static bool is_over(const struct flow_ctx *f)
{
	return stop_asked() || stop_by_terminal() || (f->until && now_ns() >= f->until);
}

static u64 shown(const struct flow_ctx *f)
{
	struct calls_totals t = calls_totals(f->calls);

	return f->plan->request.entry_only ? t.entries : t.calls;
}

/* What --max counts: calls, or where only they are asked for, goroutines. */
static u64 counted(const struct flow_ctx *f)
{
	return f->plan->request.npatterns ? shown(f) : calls_totals(f->calls).births;
}

static bool full(const struct flow_ctx *f)
{
	return (f->max && counted(f) >= f->max) ||
	       (f->limits->enough && f->limits->enough(f->limits->ctx));
}

/* Whoever reads our output may be slow, or stand still: that must not keep us from leaving. */
static bool may_wait(void *ctx)
{
	struct flow_ctx *f = ctx;

	tracee_let_late_go();
	if (f->written != f->out->written)	/* lossless: threads wait for who is slow */
		f->src->output_blocks(f->src->session, true);
	f->written = f->out->written;
	return f->left || !(is_over(f) || full(f));
}

static bool write_out(struct flow_ctx *f)
{
	bool ok;

	if (!f->out->n)
		return out_flush(f->out);
	f->src->output_blocks(f->src->session, !f->file);
	ok = f->file ? out_flush(f->out) : out_flush_while(f->out, may_wait, f);
	f->src->output_blocks(f->src->session, false);
	return ok;
}

/* Steps behind an interface's type share their bytes with others: they do not count. */
static void statuses_of(struct statuses *to, const struct reading *r)
{
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];

		if ((d->kind == READ_MEM || d->kind == READ_BYTES) && !d->when_at && !d->own)
			*vec_push(to) = d->status;
	}
}

static struct statuses *statuses_new(const struct plan *plan)
{
	size_t size = (2 * (size_t)plan->nfuncs + 1) * sizeof(struct statuses);
	struct statuses *to = memset(mem_resize(NULL, size), 0, size);

	for (u32 i = 0; i < plan->nfuncs; i++) {
		statuses_of(&to[2 * i], &plan->funcs[i].entry);
		statuses_of(&to[2 * i + 1], &plan->funcs[i].exit);
	}
	return to;
}

static void statuses_free(struct statuses *s, const struct plan *plan)
{
	for (u32 i = 0; i < 2 * plan->nfuncs; i++)
		vec_release(&s[i]);
	mem_free(s);
}

static void count_unreadable(struct flow_ctx *f, const struct record *r)
{
	const struct statuses *s = &f->statuses[2 * r->func + (r->kind != SITE_ENTRY)];
	u32 status;

	for (size_t i = 0; i < s->n && r->kind != SITE_TAIL; i++) {
		if (s->at[i] + 4 > r->size)
			continue;
		memcpy(&status, r->bytes + s->at[i], sizeof(status));
		f->unreadable += status == CAPTURE_UNREADABLE;
	}
}

static void record(void *ctx, const struct record *r)
{
	struct flow_ctx *f = ctx;

	if (full(f))
		return;
	count_unreadable(f, r);
	calls_record(f->calls, r);
	if (f->out->n >= AT_ONCE)
		write_out(f);	/* if that fails, so does the next */
}

static void lost(void *ctx, u64 count, i64 from, i64 to)
{
	struct flow_ctx *f = ctx;

	calls_lost(f->calls, count, from, to);
}

/* A process that is not our child has ended when its pidfd says so; how, we can't know. */
static bool has_gone(pid_t pid, int pidfd, struct pump_result *r)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	r->gone = pidfd >= 0 ? poll(&p, 1, 0) == 1 : kill(pid, 0) && errno == ESRCH;
	return r->gone;
}

/* Our program's own end; false while it runs. */
static bool has_ended(pid_t pid, struct pump_result *r)
{
	siginfo_t info = { 0 };
	int status;

	/* a stop that comes late is not ours to take (tracee_let_late_go) */
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid ||
	    info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED)
		return false;
	if (waitpid(pid, &status, WNOHANG) != pid)
		return false;
	r->exited = true;
	r->program_exit = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}

static bool is_no_more(const struct source *src, pid_t pid, int pidfd, struct pump_result *r)
{
	return src->started ? has_ended(pid, r) : has_gone(pid, pidfd, r);
}

/* We have left it: its end is waited for, unless somebody tells us alone to stop. */
static void await_end(pid_t pid, int pidfd, struct pump_result *r)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	while (!has_ended(pid, r) && !stop_asked())
		poll(&p, 1, pidfd < 0 ? ROUND_MS : WAIT_MS);
}

static bool say_replaced(const struct source *src, bool replaced)
{
	if (replaced)
		fprintf(stderr,
			TALK "process %d has become another program, which is left alone\n",
			src->pid);
	return replaced;
}

static bool is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

/* Threads that wait for room in a ring come out when they have it: records are taken in between. */
static bool leave(struct source *src, struct flow_ctx *flow, i64 inside_ns, struct err *err)
{
	struct timespec pause = { 0, 1000000 };
	i64 began = now_ns();
	bool again;

	for (unsigned i = 0;; i++) {
		if (!src->detach(src->session, &again, err))
			return false;
		flow->left = !again || (i >= LEAVE_TRIES && now_ns() - began > inside_ns);
		if (flow->left)
			return true;
		while (src->poll(src->session, false, record, lost, flow))
			;
		nanosleep(&pause, NULL);
		pause.tv_nsec = MIN(2 * pause.tv_nsec, LEAVE_PAUSE_MOST);
	}
}

/* Having slept for so long: what comes next is as much. It may double meanwhile. */
static int next_round(const struct source *src, int ms, int most)
{
	u64 was, ms_for_full;

	if (!src->fullest)
		return MIN(most, UNKNOWN_MS);
	was = src->fullest(src->session);
	ms_for_full = was ? (u64)ms * FULL / was : (u64)most;
	return (int)MAX(1, MIN((i64)MIN(ms_for_full, 2 * (u64)ms), most));
}

bool pump(struct source *src, const struct plan *plan, const struct sink *sink,
	  struct out *out, const struct pump_limits *limits, struct pump_result *result,
	  struct err *err)
{
	struct calls *calls = calls_new(plan, sink);
	struct flow_ctx flow = {
		.calls = calls, .plan = plan, .src = src, .out = out, .file = is_file(out->fd),
		.max = limits->max, .limits = limits, .statuses = statuses_new(plan),
	};
	struct counts counts = counts_new(src, plan);
	pid_t pid = src->pid;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	i64 began = now_ns();
	struct ticks ticks = { .next = began + limits->every_ns, .next_open = began };
	struct children children = { 0 };
	/* Each system call is worth many records: whether the program has ended is asked where its
	 * pidfd says so, or a signal came, for then it is silent and we sleep. */
	bool alone = false, ok = true, said = false, look = true, silent = false, slept = false;
	bool enough;
	u64 rounds = 0, few = limits->round_ms ? FEW : 1;
	int most = MAX(limits->round_ms, ROUND_MS), round = ROUND_MS;

	ticks.began_unix = ticks.since_unix = unix_ns();
	flow.until = limits->for_ns ? began + limits->for_ns : 0;
	calls_bias(calls, src->bias);
	while (!look || !is_no_more(src, pid, pidfd, result)) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		u64 got = src->poll(src->session, false, record, lost, &flow);

		if (slept)
			round = next_round(src, round, most);
		tick(&ticks, src, calls, &counts, sink, limits->every_ns);
		alone = !write_out(&flow) || stop_asked() ||
			(stop_by_terminal() && !src->started);
		if (alone)
			break;
		if (is_over(&flow) || full(&flow))
			break;
		/* it is silent then */
		if (!said && ((!got && silent) || ++rounds % IDENTITY_EVERY == 0))
			said = say_replaced(src, src->was_replaced(src->session));
		children_look(&children, pid);
		silent = !got;
		look = pidfd < 0;
		slept = got < few;
		if (slept)
			look |= poll(&p, 1, round) != 0;
	}
	if (!result->exited && !result->gone && (look || !is_no_more(src, pid, pidfd, result))) {
		ok = leave(src, &flow, limits->inside_ns, err);
		if (!ok && err->kind == ERR_GONE)
			ok = true; /* it ended, or became another program, at this very moment */
		result->detached = alone && ok;
	}
	flow.left = true;
	src->poll(src->session, true, record, lost, &flow);
	counts_take(&counts, src, calls);
	if (!said && (result->exited || result->gone)) /* the other program was quick */
		say_replaced(src, calls_saw_exec(calls));
	result->shown = shown(&flow);
	enough = full(&flow);
	calls_finish(calls, enough);
	if (!enough)
		result->shown = shown(&flow);
	if (sink->tick && ticks.since_unix > ticks.began_unix)	/* what is left */
		sink->tick(sink->ctx, ticks.since_unix, unix_ns(), false);
	if (sink->tick)
		sink->tick(sink->ctx, ticks.began_unix, unix_ns(), true);
	result->elapsed_ns = now_ns() - began;
	result->lost = calls_totals(calls).lost;
	result->unreadable = flow.unreadable + calls_totals(calls).unreadable +
			     (src->unreadable ? src->unreadable(src->session) : 0);
	ok &= out_flush(out) || out->failed == EPIPE || out_ok(out, err);
	if (src->started && !result->exited && !alone && ok)
		await_end(pid, pidfd, result);
	calls_release(&calls);
	statuses_free(flow.statuses, plan);
	mem_free(counts.totals);
	mem_free(counts.seen);
	if (pidfd >= 0)
		close(pidfd);
	return ok;
}
