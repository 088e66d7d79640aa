/* A process that runs. Everything is made ready while it does; then it stands still once, for as
 * long as it takes to map our memory and to write the code and the jumps. Whatever turns out
 * otherwise than it seemed (its memory map has changed, SIGSEGV is not Go's) is undone, and all is
 * made ready again.
 *
 * Order while it stands: mappings, code, who goes on where, jumps, then the gate. Goshawk may be
 * killed between any two of them: as long as the gate is shut a trampoline does what was displaced
 * and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "inline/beside.h"
#include "inline/busy.h"
#include "inline/debris.h"
#include "inline/found.h"
#include "inline/place.h"
#include "inline/seccomp.h"

enum {
	TRIES = 20,
	CLEAN_TRIES = 100,
	START_MS = 2000,	/* a program may just be starting */
	RETRY_NS = 10000000,	/* the first time; then four times as long each time */
	RETRIES = 6,
	SIGSET_SIZE = 8,
};

static bool has_signal(pid_t pid, const char *set, int sig)
{
	return process_status(pid, 0, set, 16, 0) >> (sig - 1) & 1;
}

/* The runtime catches SIGURG once it can be looked into (runtime/proc.go: initsig in mstartm0), and
 * nobody else does. A program may have it ignored later on (os/signal.Ignore). Then SIGSYS is asked
 * for, which the runtime catches after SIGURG, and which os/signal can't change. */
static bool has_started(pid_t pid)
{
	return has_signal(pid, "SigCgt", SIGURG) ||
	       (has_signal(pid, "SigIgn", SIGURG) && has_signal(pid, "SigCgt", SIGSYS));
}

static bool wait_for_start(pid_t pid, struct err *err)
{
	struct timespec ms = { 0, 1000000 };

	for (unsigned i = 0; i < START_MS; i++) {
		if (has_started(pid))
			return true;
		nanosleep(&ms, NULL);
	}
	return err_set(err, ERR_REFUSED,
		       "process %d: its Go runtime has not started, or something in it has taken "
		       "SIGURG from it (it is not caught); try again when it runs",
		       pid);
}

/* ---- other sessions ---- */

/* No window of such a function is written. */
static void never(struct inline_session *s, u32 func)
{
	for (size_t i = 0; i < s->code.jumps.n; i++)
		if (s->code.jumps.at[i].func == func)
			s->code.jumps.at[i].state = JUMP_NEVER;
}

/* A function in which another session is at work, wherever in it. */
static void leave_shared(struct inline_session *s, const struct found *f, struct attached *to)
{
	u32 last = NOT_PLANNED;

	for (size_t i = 0; i < s->code.jumps.n; i++) {
		const struct jump *j = &s->code.jumps.at[i];
		const struct found_session *other;

		if (j->state == JUMP_NEVER || j->state == JUMP_WRITTEN || j->func == last)
			continue;
		last = j->func;
		other = beside_owner(s, f, j->func);
		if (!other)
			continue;
		to->taken++;
		to->owner = other->owner;
		to->example = &s->plan->funcs[j->func];
		never(s, j->func);
	}
}

/* Where somebody else's bytes are; the first such place of a function is said. */
static void leave_others(struct inline_session *s, const struct found *f, struct attached *to)
{
	leave_shared(s, f, to);
	for (size_t i = 0; i < s->code.jumps.n; i++) {
		const struct jump *j = &s->code.jumps.at[i];
		const struct found_session *other;
		u8 now[5];

		if (j->state == JUMP_NEVER || !mem_read(s->mem_fd, j->rt, now, 5) ||
		    !memcmp(now, j->was, 5))
			continue;
		other = found_at(f, jump_target(j->rt, now));
		if (other && !other->owner)
			continue;	/* it is taken away before we write */
		to->taken++;
		to->owner = other ? other->owner : 0;
		to->example = j->func == NOT_PLANNED ? NULL : &s->plan->funcs[j->func];
		never(s, j->func);
	}
}

static void leave_faulting(struct inline_session *s)
{
	for (size_t i = 0; s->layout.faults_are_fatal && i < s->code.jumps.n; i++)
		if (s->code.jumps.at[i].may_fault)
			never(s, s->code.jumps.at[i].func);
}

/* Is there a function to watch, beside those that are left to somebody else? */
static bool some_are_ours(const struct inline_session *s)
{
	for (size_t i = 0; i < s->code.jumps.n; i++) {
		const struct jump *j = &s->code.jumps.at[i];

		if (j->func != NOT_PLANNED && j->state != JUMP_NEVER &&
		    s->plan->funcs[j->func].shown)
			return true;
	}
	return false;
}

static bool refuse_taken(const struct inline_session *s, const struct attached *to,
			 struct err *err)
{
	if (to->owner)
		return err_set(err, ERR_REFUSED,
			       "process %d: another goshawk (process %d) has all that was asked "
			       "for; end that one first",
			       s->pid, to->owner);
	return err_set(err, ERR_REFUSED,
		       "process %d: somebody else has patched all that was asked for (its bytes "
		       "are neither the file's nor ours)",
		       s->pid);
}

/* ---- while it stands ---- */

/* Is it Go that gets a SIGSEGV? ERR: can't be found out. */
static bool ask_action(struct inline_session *s, struct inject *in, bool *gos, struct err *err)
{
	const struct go_program *prog = s->plan->prog;
	u64 args[6] = { SIGSEGV, 0, s->layout.near_rt + NEAR_ACTION, SIGSET_SIZE };
	u64 handler = 0;
	i64 got;

	if (!place_call(s, in, SYS_rt_sigaction, args, "a look at its signal handler", &got, err))
		return false;
	*gos = false;
	if (got || !mem_read(s->mem_fd, args[2], &handler, 8))
		return true;
	for (size_t i = 0; i < prog->nfuncs; i++)
		if (go_func_va(prog, &prog->funcs[i]) + s->layout.bias == handler)
			*gos = enters_with_signal(&prog->funcs[i]);
	return true;
}

/* A function is written as a whole or not at all. */
static u32 hold_busy(struct inline_session *s, const struct busy *b)
{
	u32 held = 0, last = NOT_PLANNED;

	for (size_t i = 0; i < s->code.jumps.n; i++) {
		struct jump *j = &s->code.jumps.at[i];

		if (j->state == JUMP_BUSY)
			j->state = JUMP_DUE;
	}
	for (size_t i = 0; i < s->code.jumps.n; i++) {
		struct jump *j = &s->code.jumps.at[i];

		if (j->state != JUMP_DUE || !busy_in(b, j->rt + 1, j->rt + 5) ||
		    (held && j->func == last))
			continue;
		held++;
		last = j->func;
		for (size_t k = 0; k < s->code.jumps.n; k++)
			if (s->code.jumps.at[k].func == last &&
			    s->code.jumps.at[k].state == JUMP_DUE)
				s->code.jumps.at[k].state = JUMP_BUSY;
	}
	return held;
}

/* Takes away what dead sessions left. While somebody stands in their code, the hook that mends what
 * faults there stays (`again`): he comes out soon, and nobody comes in any more. */
static bool clean_old(struct inline_session *s, const struct found *f, const struct busy *b,
		      bool *again, struct err *err)
{
	*again = false;
	for (size_t i = 0; f->leftovers.n && i < f->sessions.n; i++)
		*again |= !f->sessions.at[i].owner && busy_inside(b, f->sessions.at[i].code_rt,
								  f->sessions.at[i].code_end);
	if (!found_clean(f, s->pid, s->mem_fd, !*again))
		return err_set(err, ERR_DENIED,
			       "process %d: what an earlier goshawk left in its text "
			       "can't be taken away (see goshawk doctor)",
			       s->pid);
	return !*again || err_set(err, ERR_REFUSED,
				  "process %d: a thread stands in what an earlier "
				  "goshawk left; try again",
				  s->pid);
}

static bool write_all(struct inline_session *s, struct stopped *st, const struct found *f,
		      struct inject *in, struct busy *b, bool *again, struct err *err)
{
	if (!busy_find(b, s, st, err))
		return false;
	s->stuck = hold_busy(s, b) + beside_hold(s, f, b);
	for (size_t i = 0; i < s->code.jumps.n; i++)	/* without it others may not fault */
		*again |= s->code.jumps.at[i].func == NOT_PLANNED &&
			  s->code.jumps.at[i].state == JUMP_BUSY;
	if (*again)
		return err_set(err, ERR_REFUSED, "process %d: its signal handler is never idle",
			       s->pid);
	if (!clean_old(s, f, b, again, err))
		return false;
	fault_point("cleaned");
	/* the stub goes before the first jump comes: what it notes, nothing leads to */
	if (!debris_drop(s, f, b, in, err) || !inject_end(in, err) || !beside_note_hooks(s, err) ||
	    !place_code(s, err))
		return false;
	if (!place_jumps(s, err)) {	/* another goshawk was faster */
		*again = err->kind == ERR_REFUSED;
		return false;
	}
	rings_start(s);
	return place_open(s, err);
}

/* Others have come or gone while we made ready, or got what they could not have before. */
static bool others_moved(struct inline_session *s, const struct found *f)
{
	struct attached more = { 0 };
	struct found now = { 0 };
	bool same;

	found_sessions(&now, s->pid, s->mem_fd);
	same = found_same(f, &now);
	found_release(&now);
	if (same)
		leave_shared(s, f, &more);
	return !same || more.taken;
}

/* `again`: it is not as it seemed, and everything is to be made ready once more. */
static bool while_stopped(struct inline_session *s, struct stopped *st, const struct found *f,
			  bool *again, struct err *err)
{
	struct inject in;
	struct busy b = { 0 };
	struct err ignored = { 0 };
	bool gos = true, filtered, ok;

	*again = false;
	if (!image_is_current(s->plan->prog->img))
		return err_set(err, ERR_GONE, "process %d has ended, or become another program",
			       s->pid);
	*again = others_moved(s, f);
	if (*again)
		return err_set(err, ERR_REFUSED,
			       "process %d: other goshawks come and go in it; try "
			       "again",
			       s->pid);
	if (!inject_begin(&in, st, s->mem_fd, s->plan->prog, s->layout.bias, err)) {
		*again = in.occupied;
		return false;
	}
	filtered = seccomp_on(s->pid, st->at[in.thread].tid);
	if (filtered != s->filtered) {
		s->filtered = filtered;
		*again = true;
		return false;
	}
	ok = debris_clear(s, f, &in, err) && place_map(s, &in, again, err) &&
	     ask_action(s, &in, &gos, err);
	if (ok && !gos && !s->layout.faults_are_fatal) {
		s->layout.faults_are_fatal = *again = true;
		ok = false;
	}
	ok = ok && write_all(s, st, f, &in, &b, again, err);
	if (!ok) {
		session_put_back(s, f, true);
		if (!place_unmap(s, &in, &ignored))
			*again = false;
	}
	busy_release(&b);
	return inject_end(&in, ok ? err : &ignored) && ok;
}

/* Who stands in there is to be found as well. */
static void find_old_code(struct inline_session *s, const struct found *f)
{
	s->old_code.lo = s->old_code.hi = 0;
	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct found_session *o = &f->sessions.at[i];

		s->old_code.lo = i ? MIN(s->old_code.lo, o->code_rt) : o->code_rt;
		s->old_code.hi = MAX(s->old_code.hi, o->code_end);
	}
}

static bool make_ready(struct inline_session *s, struct found *f, struct attached *to,
		       struct err *err)
{
	*f = (struct found){ 0 };
	*to = (struct attached){ .faults_are_fatal = s->layout.faults_are_fatal };
	code_release(&s->code);
	found_sessions(f, s->pid, s->mem_fd);
	beside_hooks(s, f);
	if (!place_choose(s, err) || !code_make(&s->code, s->plan, &s->layout, err) ||
	    !found_leftovers(f, s->plan->prog, s->layout.bias, s->mem_fd, err))
		return false;
	leave_others(s, f, to);
	if (to->taken && !some_are_ours(s))
		return refuse_taken(s, to, err);
	leave_faulting(s);
	find_old_code(s, f);
	return true;
}

static bool attach_once(struct inline_session *s, struct attached *to, bool *again,
			struct err *err)
{
	struct found f;
	struct stopped st;
	i64 began;
	bool ok;

	*again = false;
	ok = make_ready(s, &f, to, err);
	fault_point("ready");
	began = now_ns();
	if (ok && tracee_stop_all(s->pid, &st, err)) {
		fault_point("stopped");
		ok = while_stopped(s, &st, &f, again, err);
		fault_point("prepared");
		tracee_resume_all(&st);
		s->stop_ns += now_ns() - began;
	} else {
		ok = false;
	}
	found_release(&f);
	return ok;
}

/* ---- windows that somebody stood in ---- */

static bool try_again(struct inline_session *s, struct err *err)
{
	struct stopped st;
	struct busy b = { 0 };
	struct found f = { 0 };
	i64 began = now_ns();
	bool ok;

	if (!tracee_stop_all(s->pid, &st, err))
		return false;
	found_sessions(&f, s->pid, s->mem_fd);
	find_old_code(s, &f);
	ok = session_is_there(s) && busy_find(&b, s, &st, err);
	if (ok) {
		struct attached ignored = { 0 };

		leave_shared(s, &f, &ignored);
		s->stuck = hold_busy(s, &b) + beside_hold(s, &f, &b);
		ok = place_jumps(s, err);
	}
	found_release(&f);
	busy_release(&b);
	tracee_resume_all(&st);
	s->stop_ns += now_ns() - began;
	return ok;
}

static void plan_retry(struct inline_session *s)
{
	s->retry_ns = s->stuck && s->retries < RETRIES ?
		now_ns() + ((i64)RETRY_NS << (2 * s->retries)) : 0;
	s->retries++;
}

/* A process that has ended meanwhile is for the caller to see. */
static u64 poll_and_retry(void *session, bool all, source_record_fn *record, source_lost_fn *lost,
			  void *ctx)
{
	struct inline_session *s = session;
	struct err err = { 0 };

	if (!all && s->retry_ns && now_ns() >= s->retry_ns) {
		if (try_again(s, &err) || err.kind == ERR_IO)	/* a thread waits in the kernel */
			plan_retry(s);
		else
			s->retry_ns = 0;
	}
	return session_poll(session, all, record, lost, ctx);
}

static bool open_process(struct inline_session *s, pid_t pid, struct err *err)
{
	char path[64];

	s->pid = pid;
	s->layout.bias = s->plan->prog->img->bias;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	s->mem_fd = open(path, O_RDWR | O_CLOEXEC);
	if (s->mem_fd < 0)
		return err_set(err, ERR_DENIED,
			       "process %d: its memory can't be opened (%s); goshawk doctor says "
			       "what would permit it",
			       pid, strerror(errno));
	s->filtered = seccomp_on(pid, pid);
	return wait_for_start(pid, err);
}

bool inline_attach(struct source *src, const struct plan *plan, const struct attach *a,
		   struct attached *to, struct err *err)
{
	struct inline_session *s = session_new(src, plan, a->buffer, a->lossless, a->ask);
	struct timespec pause = { 0, 1000000 };
	bool again = true, ok = false;

	src->poll = poll_and_retry;
	if (!session_check(s, err))
		return false;
	if (!open_process(s, a->pid, err))
		return tracee_failed(a->pid, err);
	tsc_measure(&s->clock);
	for (unsigned i = 0; i < TRIES && again && !ok; i++) {
		if (i)
			nanosleep(&pause, NULL);
		ok = attach_once(s, to, &again, err);
	}
	if (!ok && !err->kind)
		err_set(err, ERR_REFUSED,
			"process %d: its memory map changes too fast; try again", a->pid);
	if (!ok)
		return tracee_failed(a->pid, err);
	fault_point("running");
	plan_retry(s);
	src->pid = s->pid;
	src->bias = s->layout.bias;
	return true;
}

/* ---- what is left of those that died ---- */

static bool clean(struct inline_session *s, struct found *f, struct stopped *st, bool *again,
		  struct err *err)
{
	struct found now = { 0 };
	struct inject in;
	struct busy b = { 0 };
	struct err ignored = { 0 };
	bool ok;

	if (!image_is_current(s->plan->prog->img))
		return err_set(err, ERR_GONE, "process %d has ended, or become another program",
			       s->pid);
	found_sessions(&now, s->pid, s->mem_fd);
	ok = found_same(f, &now) || err_set(err, ERR_REFUSED,
					    "process %d: another goshawk has just come "
					    "to it",
					    s->pid);
	found_release(&now);
	ok = ok && busy_find(&b, s, st, err);
	if (ok && !inject_begin(&in, st, s->mem_fd, s->plan->prog, s->layout.bias, err)) {
		*again = in.occupied;
		ok = false;
	}
	if (ok) {
		s->filtered = seccomp_on(s->pid, st->at[in.thread].tid);
		ok = debris_clear(s, f, &in, err) && clean_old(s, f, &b, again, err);
		if (ok && !s->filtered)	/* under a filter the memory stays */
			ok = debris_drop(s, f, &b, &in, err);
		ok = inject_end(&in, ok ? err : &ignored) && ok;
	}
	busy_release(&b);
	return ok;
}

bool inline_clean(const struct go_program *prog, pid_t pid, struct cleaned *to, struct err *err)
{
	const struct plan nothing = { .prog = prog };
	struct source src;
	struct inline_session *s = session_new(&src, &nothing, 0, false, NULL);
	struct found f = { 0 };
	struct stopped st;
	struct timespec pause = { 0, 1000000 };
	bool ok = session_check(s, err) && open_process(s, pid, err), again, stub;

	if (ok)
		found_sessions(&f, pid, s->mem_fd);
	for (size_t i = 0; ok && i < f.sessions.n; i++)
		if (f.sessions.at[i].owner)
			ok = err_set(err, ERR_REFUSED,
				     "process %d: a goshawk is at work in it (process "
				     "%d); end that one",
				     pid, f.sessions.at[i].owner);
	ok = ok && found_leftovers(&f, prog, s->layout.bias, s->mem_fd, err);
	find_old_code(s, &f);
	stub = ok && inject_is_left(s->mem_fd, prog, s->layout.bias);
	again = ok && (f.sessions.n || stub);
	for (unsigned i = 0; again && i < CLEAN_TRIES; i++) {
		i64 began = now_ns();

		again = false;
		if (i)
			nanosleep(&pause, NULL);
		ok = tracee_stop_all(pid, &st, err);
		if (!ok)
			break;
		ok = clean(s, &f, &st, &again, err);
		tracee_resume_all(&st);
		s->stop_ns += now_ns() - began;
	}
	*to = (struct cleaned){
		.jumps = f.leftovers.n + stub, .unmapped = s->given_back, .stop_ns = s->stop_ns,
		.kept = ok && f.sessions.n ? found_memory(pid, s->mem_fd) : 0,
	};
	found_release(&f);
	source_release(&src);
	return ok || tracee_failed(pid, err);
}
