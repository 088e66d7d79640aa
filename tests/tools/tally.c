/* tally - traces a program and only counts: the engine of `goshawk trace --lossless` without the
 * cost of pairing and printing, so that every function of a large program can be traced while it
 * does much.
 *
 *   tally -o FILE [-u FUNCTION] PATTERN… -- PROGRAM [ARG…]
 *
 * FILE gets one line of JSON: for each function its entries, those of them before FUNCTION was
 * first entered, and its exits; and why functions were refused. The status is the program's, or 99.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inline/inline.h"
#include "plan/plan.h"

struct count {
	u64 entries, before, exits;
};

struct tally {
	const struct plan *plan;
	struct count *counts;	/* by index in the plan */
	const char *until;
	bool past;
	u64 lost;
};

struct request {
	const char *to, *until;
	struct plan_request plan;
	char **program;
};

static void count(void *ctx, const struct record *r)
{
	struct tally *t = ctx;
	struct count *c = &t->counts[r->func];

	if (r->kind != SITE_ENTRY) {
		c->exits++;
		return;
	}
	if (t->until && str_eq(t->plan->funcs[r->func].func->name, str_of(t->until)))
		t->past = true;
	c->entries++;
	if (!t->past)
		c->before++;
}

static void lose(void *ctx, u64 n, i64 from_ns, i64 to_ns)
{
	struct tally *t = ctx;

	(void)from_ns;
	(void)to_ns;
	t->lost += n;
}

static void print_func(struct json *j, const struct plan *plan, const struct plan_func *f,
		       const struct count *c)
{
	struct go_line at = go_func_line(plan->prog, f->func);

	json_object(j);
	json_key(j, "name");
	json_str(j, f->func->name);
	json_key(j, "file");
	json_str(j, at.file);
	json_key(j, "line");
	json_i64(j, at.line);
	if (f->refusal || f->patches.entry) {
		json_key(j, "refused");
		json_z(j, refusal_text(f->refusal ? f->refusal : f->patches.entry));
	}
	json_key(j, "entries");
	json_u64(j, c->entries);
	json_key(j, "before");
	json_u64(j, c->before);
	json_key(j, "exits");
	json_u64(j, c->exits);
	json_object_end(j);
}

static bool print(const struct tally *t, const char *to, struct err *err)
{
	OWN(out) o = { 0 };
	struct json j;
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", to, strerror(errno));
	out_open(&o, fd);
	json_begin(&j, &o);
	json_object(&j);
	json_key(&j, "lost");
	json_u64(&j, t->lost);
	json_key(&j, "all_functions");
	json_u64(&j, t->plan->nfuncs);
	json_key(&j, "exit_sites");
	json_u64(&j, t->plan->nexits);
	json_key(&j, "exit_sites_refused");
	json_u64(&j, t->plan->nexits_refused);
	json_key(&j, "functions");
	json_array(&j);
	for (u32 i = 0; i < t->plan->nfuncs; i++)
		if (t->plan->funcs[i].shown)
			print_func(&j, t->plan, &t->plan->funcs[i], &t->counts[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_line(&j);
	out_flush(&o);
	close(fd);
	return out_ok(&o, err);
}

/* Until the program ends: its pidfd says so, and a millisecond is how long records may lie. */
static bool watch(struct source *src, struct tally *t, int *status, struct err *err)
{
	pid_t pid = src->pid;
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int how;

	if (end.fd < 0)
		return err_set(err, ERR_GONE, "the program has gone: %s", strerror(errno));
	/* what is counted has to be complete: on a busy machine the reader goes first, where it may
	 */
	if (setpriority(PRIO_PROCESS, 0, -15))
		errno = 0;
	while (poll(&end, 1, src->poll(src->session, false, count, lose, t) ? 0 : 1) == 0)
		;
	close(end.fd);
	if (waitpid(pid, &how, 0) != pid)
		return err_set(err, ERR_GONE, "the program can't be waited for: %s",
			       strerror(errno));
	src->poll(src->session, true, count, lose, t);
	*status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	return true;
}

static bool tally(const struct request *r, int *status, struct err *err)
{
	OWN(image) img = { 0 };
	OWN(go_program) prog = { 0 };
	OWN(plan) plan = { 0 };
	struct source src = { 0 };
	struct launch l = {
		.argv = r->program, .path = r->program[0], .buffer = 64 << 20, .lossless = true
	};
	struct tally t = { .until = r->until };
	bool ok;

	if (!image_open(&img, r->program[0], err) || !go_open(&prog, &img, err) ||
	    !plan_make(&plan, &prog, &r->plan, err))
		return false;
	t.plan = &plan;
	t.counts = mem_resize(NULL, sizeof(*t.counts) * (plan.nfuncs + 1));
	memset(t.counts, 0, sizeof(*t.counts) * (plan.nfuncs + 1));
	ok = inline_launch(&src, &plan, &l, err) && watch(&src, &t, status, err) &&
	     print(&t, r->to, err);
	source_release(&src);
	mem_free(t.counts);
	return ok;
}

int main(int argc, char **argv)
{
	/* small records: it is entries and exits that count here */
	struct request r = { .plan = { .strings = 8, .elements = 1, .depth = 1 } };
	struct err err = { 0 };
	int status = 0, i = 1;

	for (; i + 1 < argc && argv[i][0] == '-' && strcmp(argv[i], "--"); i += 2) {
		if (!strcmp(argv[i], "-o"))
			r.to = argv[i + 1];
		else if (!strcmp(argv[i], "-u"))
			r.until = argv[i + 1];
	}
	r.plan.patterns = (const char **)argv + i;
	while (i < argc && strcmp(argv[i], "--")) {
		i++;
		r.plan.npatterns++;
	}
	r.program = argv + i + 1;
	if (i + 1 >= argc || !r.to) {
		fprintf(stderr,
			"usage: tally -o FILE [-u FUNCTION] PATTERN... -- PROGRAM [ARG...]\n");
		return 99;
	}
	if (!tally(&r, &status, &err)) {
		fprintf(stderr, "tally: %s\n", err.msg);
		return 99;
	}
	return status;
}
