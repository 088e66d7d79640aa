/* A program that goshawk starts: everything is done while it stands at its first instruction. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "inline/place.h"

/* Its death is our death's, until it is let go: no step has to be undone. */
static bool prepare(struct inline_session *s, struct stopped *st, struct err *err)
{
	struct inject in;
	bool taken;

	if (!place_choose(s, err) || !code_make(&s->code, s->plan, &s->layout, err) ||
	    !inject_begin(&in, st, s->mem_fd, s->plan->prog, s->layout.bias, err) ||
	    !place_map(s, &in, &taken, err) || !inject_end(&in, err) || !place_code(s, err) ||
	    !place_jumps(s, err))
		return false;
	rings_start(s);
	return place_open(s, err);
}

static bool started(struct inline_session *s, u64 entry_rt, struct err *err)
{
	struct stopped st = { .pid = s->pid };
	char path[64];
	bool ok;

	s->layout.bias = entry_rt - s->plan->prog->img->entry_va;
	snprintf(path, sizeof(path), "/proc/%d/mem", s->pid);
	s->mem_fd = open(path, O_RDWR | O_CLOEXEC);
	if (s->mem_fd < 0)
		return err_set(err, ERR_DENIED, "%s: %s (see goshawk doctor)", path,
			       strerror(errno));
	tsc_measure(&s->clock);
	*vec_push(&st) = (struct stopped_thread){ .tid = s->pid };
	ok = prepare(s, &st, err);
	fault_point("prepared");
	if (ok)
		return tracee_let_go(&st, err);
	vec_release(&st.more);
	vec_release(&st);
	return false;
}

bool inline_launch(struct source *src, const struct plan *plan, const struct launch *l,
		   struct err *err)
{
	struct inline_session *s = session_new(src, plan, l->buffer, l->lossless, l->ask);
	const struct image *img = plan->prog->img;
	u64 entry_rt;

	src->started = true;
	if (!session_check(s, err) ||
	    !tracee_start(l->path, l->argv, img->interp, &s->pid, &entry_rt, err))
		return false;
	fault_point("started");
	if (!started(s, entry_rt, err)) {
		tracee_failed(s->pid, err);
		tracee_kill(s->pid);
		return false;
	}
	fault_point("running");
	src->pid = s->pid;
	src->bias = s->layout.bias;
	return true;
}
