/* Putting everything back into a process that runs. All threads are stopped first; a thread may
 * then stand in a trampoline: it goes on there and comes back behind the window, so trampolines
 * stay where they are, and the hook of the signal handlers until nobody is in one. The memory
 * descriptor belongs to the address space that was patched: if the process has become another
 * program since, nothing can be read or written through it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "inline/busy.h"
#include "inline/found.h"
#include "inline/session.h"
#include "inline/text.h"
#include "inline/tracee.h"

bool session_is_there(const struct inline_session *s)
{
	u64 cookie;

	return mem_read(s->mem_fd, s->layout.near_rt + NEAR_COOKIE, &cookie, 8) &&
	       cookie == s->cookie;
}

/* The memory that we knew is gone, and there is a program: one that ends has neither. */
bool session_was_replaced(void *session)
{
	const struct inline_session *s = session;
	char path[64], target[16];

	snprintf(path, sizeof(path), "/proc/%d/exe", s->pid);
	return !session_is_there(s) && readlink(path, target, sizeof(target)) > 0;
}

/* Our hook may lie over that of a session which has ended meanwhile: then the file's bytes come
 * back. */
static void put_back(const struct inline_session *s, const struct found *f, const struct jump *j,
		     u8 put[5])
{
	u64 below = jump_target(j->rt, j->was);
	const struct found_session *other = below ? found_at(f, below) : NULL;
	struct str file = image_bytes(s->plan->prog->img, j->rt - s->layout.bias, 5);

	memcpy(put, other && !other->owner && file.n ? (const u8 *)file.p : j->was, 5);
}

/* Also of a process that runs. */
static void shut_gate(const struct inline_session *s)
{
	u32 shut = 0;

	if (session_is_there(s))
		mem_write(s->mem_fd, s->pid, s->layout.near_rt + NEAR_GATE, &shut, sizeof(shut));
}

/* In the order in which jumps are taken back; what somebody else has put there since is not ours to
 * take away. */
static void put_all_back(const struct inline_session *s, const struct found *f, struct text *t,
			 bool hooks)
{
	for (size_t i = s->code.jumps.n; i-- > 0;) {
		const struct jump *j = &s->code.jumps.at[i];
		u8 put[5];

		if (i == s->code.jumps.n / 2)
			fault_point("restoring");	/* half of them are back */
		if ((j->func == NOT_PLANNED) != hooks)
			continue;
		put_back(s, f, j, put);
		text_change(t, j->rt, j->is, put);
	}
}

/* The hooks go last, as they came first: what still leads into a trampoline may fault there. */
bool session_put_back(struct inline_session *s, const struct found *f, bool hooks)
{
	struct text t;

	shut_gate(s);
	text_begin(&t, s->mem_fd, s->pid);
	put_all_back(s, f, &t, false);
	if (hooks)
		put_all_back(s, f, &t, true);
	return text_end(&t);
}

bool session_inside(struct inline_session *s, const struct stopped *st)
{
	u64 lo = s->old_code.lo, hi = s->old_code.hi;
	struct busy b = { 0 };
	bool inside;

	s->old_code.lo = s->layout.code_rt;
	s->old_code.hi = s->layout.code_rt + s->code.size;
	inside = !busy_threads(&b, s, st) || busy_inside(&b, s->old_code.lo, s->old_code.hi);
	s->old_code.lo = lo;
	s->old_code.hi = hi;
	busy_release(&b);
	return inside;
}

bool session_restore(void *session, bool *again, struct err *err)
{
	struct inline_session *s = session;
	struct stopped st;
	struct found f = { 0 };
	i64 began = now_ns();

	*again = false;
	if (s->restored)
		return true;
	s->retry_ns = 0;
	if (!tracee_stop_all(s->pid, &st, err)) {
		shut_gate(s);	/* whoever holds it: it goes on with jumps that record nothing */
		return false;
	}
	if (!session_is_there(s)) {
		tracee_resume_all(&st);
		return err_set(
			err, ERR_GONE,
			"process %d has become another program: there is nothing to put back",
			s->pid);
	}
	fault_point("stopped");
	found_sessions(&f, s->pid, s->mem_fd);
	/* who stands in a trampoline may be about to fault, in an instruction of the function's or
	 * in our copy of memory: the hook that mends this stays until he has come out */
	*again = session_inside(s, &st);
	s->restored = session_put_back(s, &f, !*again);
	if (s->restored && !*again)
		rings_end(s);	/* who has a jump over one of ours is not to put it back there */
	fault_point("restored");
	tracee_resume_all(&st);
	found_release(&f);
	s->stop_ns += now_ns() - began;
	if (!s->restored) {
		err_set(err, ERR_DENIED, "process %d: its text can't be written any more; it goes "
			"on with jumps that record nothing", s->pid);
		return tracee_failed(s->pid, err);
	}
	s->restored = !*again;
	return true;
}
