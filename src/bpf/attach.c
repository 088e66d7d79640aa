#include "bpf/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "go/release.h"

static void session_release(void *session)
{
	bpf_session_close(session);
	mem_free(session);
}

static bool detach(void *session, bool *again, struct err *err)
{
	(void)err;
	*again = false;
	bpf_session_stop(session);
	return true;
}

static bool read_rt(void *session, u64 rt, void *to, size_t n)
{
	const struct bpf_session *s = session;

	return s->mem_fd >= 0 && pread(s->mem_fd, to, n, (off_t)rt) == (ssize_t)n;
}

/* The memory that we knew is gone, and there is a program: probes by inode and process would hold
 * for the new one too, if it is of the same file. */
static bool was_replaced(void *session)
{
	struct bpf_session *s = session;
	char path[64], target[16], byte;

	if (s->mem_fd < 0 || read_rt(s, s->mark_rt, &byte, 1))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", s->options.pid);
	if (readlink(path, target, sizeof(target)) <= 0)
		return false;
	bpf_session_stop(s);
	return true;
}

/* The map's own numbers: a session adds each up once. */
static void counts(void *session, u64 *totals)
{
	const struct bpf_session *s = session;

	for (size_t i = 0; i < s->probes.sites.n; i++)
		totals[s->probes.sites.at[i].site / 4] +=
			__atomic_load_n(&s->rows[i].events, __ATOMIC_RELAXED);
}

static void output_blocks(void *session, bool blocks)
{
	(void)session;
	(void)blocks;
}

static u32 sites(void *session)
{
	const struct bpf_session *s = session;

	return (u32)s->probes.sites.n;
}

static i64 stop_ns(void *session)
{
	(void)session;
	return 0;
}

/* Does the text in memory look like the file's? What others have written there (jumps of another
 * goshawk) must not be cut in two by a breakpoint; the breakpoints of others are no harm. */
static bool is_as_in_file(const struct bpf_session *s, const struct plan_func *fn, u8 *now)
{
	const struct go_program *prog = s->plan->prog;
	struct str file = go_func_bytes(prog, fn->func);
	u32 n = MIN(fn->func->size, (u32)file.n);

	if (!read_rt((void *)(uintptr_t)s, go_func_va(prog, fn->func) + s->options.bias, now, n))
		return true;	/* nobody can tell: the process may be ending */
	for (u32 i = 0; i < n; i++)
		if (now[i] != (u8)file.p[i] && now[i] != 0xcc)
			return false;
	return true;
}

static bool leave_out_changed(struct bpf_session *s, struct err *err)
{
	const struct plan *plan = s->plan;
	struct arena a = { 0 };
	u32 left = 0;

	for (size_t i = 0; i < s->probes.sites.n; ) {
		u32 func = s->probes.sites.at[i].site / 4;
		const struct plan_func *fn = &plan->funcs[func];
		bool same = is_as_in_file(s, fn, arena_alloc(&a, fn->func->size));

		left += same && fn->shown;
		if (!same)
			*vec_push(&s->probes.refused) = (struct probes_refused){
				.func = func, .kind = SITE_ENTRY,
				.va = go_func_va(plan->prog, fn->func),
				.why = "somebody else has changed it in memory",
			};
		for (; i < s->probes.sites.n && s->probes.sites.at[i].site / 4 == func; i++)
			s->probes.sites.at[i].off = !same;
		arena_reset(&a);
	}
	arena_release(&a);
	return left ? true :
		      err_set(err, ERR_REFUSED,
			      "process %d: somebody else has changed in memory all that was to be "
			      "probed (is another goshawk at work on it?)", s->options.pid);
}

bool bpf_refused(const struct source *src, u32 i, const struct plan_func **f, const char **why)
{
	const struct bpf_session *s = src->session;

	if (i >= s->probes.refused.n)
		return false;
	*f = &s->plan->funcs[s->probes.refused.at[i].func];
	*why = s->probes.refused.at[i].why;
	return true;
}

bool bpf_attach(struct source *src, const struct plan *plan, const struct bpf_options *o,
		struct err *err)
{
	struct bpf_session *s = mem_resize(NULL, sizeof(*s));
	char path[64];

	bpf_session_new(s, o, plan->prog->rel->g_goid);
	s->plan = plan;
	*src = (struct source){
		.session = s,
		.engine = "uprobe",
		.pid = o->pid,
		.started = o->started,
		.bias = o->bias,
		.poll = bpf_poll,
		.output_blocks = output_blocks,
		.detach = detach,
		.was_replaced = was_replaced,
		.read_rt = read_rt,
		.counts = plan->request.count_only ? counts : NULL,
		.sites = sites,
		.stop_ns = stop_ns,
		.release = session_release,
	};
	snprintf(path, sizeof(path), "/proc/%d/mem", o->pid);
	s->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	s->mark_rt = plan->prog->md.text_va + o->bias;
	probes_make(&s->probes, plan, o->bias);
	if (!s->probes.at.n)
		return err_set(err, ERR_REFUSED, "nothing is left to probe (--plan says why)");
	if ((!o->started && !leave_out_changed(s, err)) || !bpf_session_open(s, err))
		return false;
	bpf_reading_start(s);
	src->ahead_ns = s->ahead_ns;
	return true;
}
