/* Limits: how many threads, how large a stack, as the runtime prints them; and a test's time. */
#include <inttypes.h>
#include <string.h>

#include "diag/explain.h"

enum { SHOWN = 20 };	/* tests */

static bool number_behind(const struct death *d, const char *begins, u64 *to)
{
	ptrdiff_t at = str_find(d->lead, str_of(begins));
	struct str s;

	if (at < 0)
		return false;
	s = str_cut(d->lead, (size_t)at + strlen(begins), d->lead.n);
	return str_take_number(&s, to);
}

void explain_limits_text(struct diagnosis *to, struct death *d)
{
	enum { GOS_OWN = 10000 };
	u64 n;

	if (!strcmp(to->kind, "threads_exhausted") &&
	    number_behind(d, "runtime: program exceeds ", &n))
		to->summary = str_fmt(d->a, n == GOS_OWN ?
			"more than %" PRIu64 " threads: Go's own limit" :
			"more than %" PRIu64 " threads: the limit that was set "
			"(debug.SetMaxThreads)", n);
	if (!strcmp(to->kind, "stack_overflow") &&
	    number_behind(d, "runtime: goroutine stack exceeds ", &n)) {
		to->why = str_fmt(d->a, "each call takes a frame; a goroutine's stack may grow to "
				  "%" PRIu64 " bytes here (debug.SetMaxStack)", n);
		if (!to->func.n)
			to->summary = str_fmt(d->a, "a goroutine's stack grew beyond its limit "
					      "(%" PRIu64 " bytes)", n);
	}
}

static i64 frame_of(const struct crash_goroutine *g, const char *func)
{
	for (u32 i = 0; i < g->nframes; i++)
		if (str_eq(g->frames[i].func, str_of(func)))
			return i;
	return -1;
}

/* The goroutines of tests that run, and not those that wait for their parts (t.Run), also for
 * those that run in parallel, which the package testing does. */
static void running_tests(struct diagnosis *to, struct death *d)
{
	u32 n = 0;

	for (u32 i = 0; i < d->crash.ngoroutines; i++) {
		const struct crash_goroutine *g = &d->crash.goroutines[i];
		const struct crash_frame *f = crash_own_frame(g);
		i64 at = frame_of(g, "testing.tRunner");

		if (at <= 0 || !f || frame_of(g, "testing.(*T).Run") >= 0 ||
		    str_starts(f->func, STR("testing.tRunner.")))
			continue;
		evidence(to, d, "goroutine %lld runs %.*s, and is there [%.*s]: %.*s %.*s:%d",
			 (long long)g->id, STR_F(g->frames[at - 1].func), STR_F(g->state),
			 STR_F(f->func), STR_F(f->file), f->line);
		to->func = n ? STR("") : f->func;
		to->file = n ? STR("") : f->file;
		to->line = n++ ? 0 : f->line;
	}
}

/* testing.(*M).startAlarm panics in a goroutine of its own; from 1.20 on it says what runs:
 *
 *	panic: test timed out after 1s
 *	running tests:
 *		TestHang (1s) */
bool explain_timeout(struct diagnosis *to, struct death *d)
{
	static const char begins[] = "panic: test timed out after ";
	struct str rest = d->text, line, names = STR(""), after;
	u32 n = 0;

	if (!explain_says(d, begins))
		return false;
	after = str_cut(d->message, sizeof(begins) - 1, d->message.n);
	line = str_next_line(&after);
	to->kind = "test_timeout";
	to->certainty = CERTAIN;
	to->cause = true;
	evidence(to, d, "%s%.*s", begins, STR_F(line));
	after = line;
	(void)str_next_line(&rest);
	line = str_next_line(&rest);
	while (str_ends(line, STR("running tests:")) && str_starts(rest, STR("\t"))) {
		struct str name = str_next_line(&rest);

		while (str_starts(name, STR("\t")))
			name = str_cut(name, 1, name.n);
		if (n++ < SHOWN)
			names = names.n ? str_fmt(d->a, "%.*s, %.*s", STR_F(names), STR_F(name)) :
					  name;
	}
	if (n > SHOWN)
		names = str_fmt(d->a, "%.*s and %u more", STR_F(names), n - SHOWN);
	to->summary = names.n ?
		str_fmt(d->a, "the tests took longer than their limit, %.*s; what ran: %.*s",
			STR_F(after), STR_F(names)) :
		str_fmt(d->a, "the tests took longer than their limit, %.*s", STR_F(after));
	running_tests(to, d);
	to->why = STR("go test gives all tests of a package that time (-timeout, 10 minutes if it "
		      "is not given); then the package testing ends the program by a panic");
	to->advice = STR("see what the test waits for; where nothing hangs, give it more time "
			 "(-timeout)");
	return true;
}
