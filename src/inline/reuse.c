/* Rings of threads that have ended. Nobody tells of such an end, and where threads come and go (a
 * goroutine that ends locked to its thread takes it along) there would be no ring left one day. So
 * before that all are let go at once, while everybody stands still and nobody stands in our code:
 * who lives on claims one with his next record. What a ring holds stays in it, and is older than
 * what the next thread writes behind it. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "image/image.h"
#include "inline/session.h"
#include "inline/tracee.h"

enum {
	FEW = 8,	/* rings are few when one of so many is left */
	PAUSE_NS = 10000000,	/* after the first try that failed; then twice as long each time */
	INSIDE = 6,		/* so often, where somebody stood in our code ... */
	ELSE = 12,		/* ... and where it was something else */
	SHARE = 32,	/* of the time it stands still for this part at most ... */
	REST_NS = 200000000,	/* ... if that is not for so long */
};

static u64 *shared_word(const struct inline_session *s, u64 off)
{
	return (u64 *)(void *)(s->shared + off);
}

static bool few_are_left(const struct inline_session *s)
{
	u64 next = __atomic_load_n(shared_word(s, SHARED_NEXT), __ATOMIC_RELAXED);

	return s->rings_most && next > s->rings_most - s->rings_most / FEW;
}

/* And nobody else holds its threads. */
static bool most_have_ended(const struct inline_session *s)
{
	char path[64];
	struct stat tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", s->pid);
	return !stat(path, &tasks) && tasks.st_nlink - 2 < s->rings_most / 4 * 3 &&
	       !process_status(s->pid, 0, "TracerPid", 10, 1);
}

/* In this order: a slot that has no owner has no ring either, also where we are killed. */
static void let_go(struct inline_session *s)
{
	u64 next = *shared_word(s, SHARED_NEXT);

	s->nrings = MAX(s->nrings, (u32)MIN(next, (u64)s->ready));
	for (u32 i = 0; i < s->nrings; i++)
		*shared_word(s, SHARED_RINGS + i * ring_stride(s->layout.buffer) + RING_MAKER) = 0;
	memset(s->shared + SHARED_TABLE, 0, SHARED_NUMBER - SHARED_TABLE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memset(s->shared + SHARED_OWNER, 0, SHARED_TABLE - SHARED_OWNER);
	__atomic_store_n(shared_word(s, SHARED_NEXT), 0, __ATOMIC_SEQ_CST);
}

/* `stood`: it stood still for that. */
static bool try_to(struct inline_session *s, bool *stood)
{
	struct stopped st;
	struct err err = { 0 };
	i64 began = now_ns();
	bool ok;

	*stood = session_is_there(s) && most_have_ended(s) && tracee_stop_all(s->pid, &st, &err);
	if (!*stood)
		return false;
	ok = session_is_there(s) && !session_inside(s, &st);
	if (ok)
		let_go(s);
	tracee_resume_all(&st);
	s->stop_ns += now_ns() - began;
	return ok;
}

void rings_reuse(struct inline_session *s)
{
	bool stood;
	i64 began;

	if (s->restored || !few_are_left(s))
		return;
	began = now_ns();
	if (began < s->reuse_ns)
		return;
	if (try_to(s, &stood)) {
		s->reuse_ns = began + MIN(SHARE * (now_ns() - began), (i64)REST_NS);
		s->reuse_failed = 0;
	} else {
		s->reuse_ns = now_ns() + ((i64)PAUSE_NS << s->reuse_failed);
		s->reuse_failed = MIN(s->reuse_failed + 1, (u32)(stood ? INSIDE : ELSE));
	}
}
