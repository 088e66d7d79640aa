#include "stress/lab.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "stress/folder.h"

struct place {
	struct run run;
	struct trial *trial;	/* NULL: free */
	char *dir, *path;	/* of the copy; NULL: it runs as it is */
};

static bool make_copy(struct lab *l, struct place *p, u32 number, struct err *err)
{
	p->dir = str_z(&l->arena, str_fmt(&l->arena, "%s/%u", l->dir, number));
	p->path = str_z(&l->arena, str_fmt(&l->arena, "%s/%s", p->dir, l->name));
	if (mkdir(p->dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_IO, "%s: cannot make it: %s", p->dir, strerror(errno));
	return l->make(l->ctx, p->trial, p->path, err);
}

static void remove_copy(struct place *p)
{
	if (!p->dir)
		return;
	folder_remove(p->dir);
	p->dir = p->path = NULL;
}

static bool start(struct lab *l, struct place *p, struct trial *t, struct err *err)
{
	struct run_ask ask = { .path = l->path, .argv = l->argv, .show = l->show };

	p->trial = t;
	t->number = ++l->runs;
	if (t->nsites && !make_copy(l, p, t->number, err)) {
		remove_copy(p);
		p->trial = NULL;
		return false;
	}
	if (t->nsites)
		ask.path = p->path;
	if (run_start(&p->run, &ask, err))
		return true;
	remove_copy(p);
	p->trial = NULL;
	return false;
}

/* A Go program that panics ends with 2, and so do programs that were called wrongly: only what it
 * has printed counts. A signal that nobody caught is something else than a torn value. */
static void judge(struct lab *l, struct place *p)
{
	struct trial *t = p->trial;
	struct run *r = &p->run;
	struct str text = { arena_copy(&l->arena, r->text, r->n), r->n };

	t->time_ns = r->ended_ns - r->began_ns;
	crash_read(&t->crash, text, &l->arena);
	t->ran = !r->stopped || t->time_ns >= t->limit_ns;
	t->died = crash_may_be_torn(t->crash.kind);
	t->other = !t->died && !r->stopped &&
		   (t->crash.kind != CRASH_NONE || WIFSIGNALED(r->status));
	t->ended = !t->died && !t->other && !r->stopped;
	t->status = r->status;
	run_release(r);
	remove_copy(p);
	p->trial = NULL;
}

static void wait_for_some(struct place *places, u32 jobs)
{
	struct run *runs[LAB_JOBS];
	i64 until = now_ns() + 50000000;	/* to look at them; somebody may have had enough */
	u32 n = 0;

	for (u32 i = 0; i < jobs; i++) {
		struct place *p = &places[i];

		if (!p->trial)
			continue;
		until = MIN(until, p->run.began_ns + p->trial->limit_ns);
		runs[n++] = &p->run;
	}
	runs_wait(runs, n, until);
}

bool lab_run(struct lab *l, struct trial *trials, u32 n, bool first, struct err *err)
{
	struct place places[LAB_JOBS] = { 0 };
	u32 jobs = MIN(MIN(l->jobs, n), LAB_JOBS), next = 0, at_work = 0;
	bool ok = true, enough = l->stop();

	while (ok && (at_work || (next < n && !enough))) {
		i64 now;

		for (u32 i = 0; ok && i < jobs && next < n && !enough; i++) {
			if (places[i].trial)
				continue;
			ok = start(l, &places[i], &trials[next++], err);
			at_work += ok;
		}
		wait_for_some(places, jobs);
		now = now_ns();
		enough |= l->stop();
		for (u32 i = 0; i < jobs; i++) {
			struct run *r = &places[i].run;
			struct trial *t = places[i].trial;

			if (!t)
				continue;
			if (l->look && !r->over)
				l->look(l->ctx, t, r->pid);
			if (enough || now >= r->began_ns + t->limit_ns)
				run_stop(r);
			if (!r->over)
				continue;
			judge(l, &places[i]);
			enough |= first && t->died;
			at_work--;
		}
	}
	for (u32 i = 0; i < jobs; i++)
		if (places[i].trial)
			run_stop(&places[i].run), judge(l, &places[i]);
	return ok;
}

void lab_release(struct lab *l)
{
	arena_release(&l->arena);
}
