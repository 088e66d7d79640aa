#include "cmd/uprobe.h"

#include <stdio.h>

#include "bpf/bpf.h"
#include "inline/tracee.h"

enum { RING_FACTOR = 2 };	/* one ring for all threads */

static bool plan_for_probes(struct plan *plan, struct err *err)
{
	struct plan_request request = plan->request;
	const struct go_program *prog = plan->prog;

	if (request.probes)
		return true;
	request.probes = true;
	plan_release(plan);
	return plan_make(plan, prog, &request, err);
}

static bool let_go(pid_t pid, struct err *err)
{
	struct stopped st = { .pid = pid };

	*vec_push(&st) = (struct stopped_thread){ .tid = pid };
	return tracee_let_go(&st, err);
}

/* The program stands at its first instruction while the probes are attached. */
static bool launch(struct source *src, const struct plan *plan, const struct engine_request *r,
		   struct bpf_options *o, struct err *err)
{
	const struct image *img = plan->prog->img;
	u64 entry_rt;

	if (!tracee_start(r->path, r->argv, img->interp, &o->pid, &entry_rt, err))
		return false;
	o->started = true;
	o->bias = entry_rt - img->entry_va;
	if (bpf_attach(src, plan, o, err) && let_go(o->pid, err))
		return true;
	tracee_kill(o->pid);
	return false;
}

static u32 in_vectors(const struct reading *r)
{
	u32 n = 0;

	for (u32 i = 0; i < r->nslots; i++) {
		const struct slot *s = &r->slots[i];
		bool vector = false;

		for (size_t k = 0; !s->taken && !s->redacted && k < s->param->nplaces; k++)
			vector |= s->param->places[k].kind == PLACE_FLOAT;
		n += vector;
	}
	return n;
}

/* What is to be known before it starts: what it costs, and what is missing. */
static void forecast(const struct plan *plan, u32 sites, u64 cost_ns)
{
	u32 vectors = 0;

	fprintf(stderr, TALK "kernel probes at %u place%s", sites, sites == 1 ? "" : "s");
	if (cost_ns)
		fprintf(stderr, "; here each call of a traced function takes %.1f µs longer",
			(double)cost_ns / 1e3);
	fputc('\n', stderr);
	for (u32 i = 0; i < plan->nfuncs; i++)
		if (!plan->funcs[i].refusal)
			vectors += in_vectors(&plan->funcs[i].entry) +
				   in_vectors(&plan->funcs[i].exit);
	if (vectors)
		fprintf(stderr, TALK "%u %s not shown, because kernel probes can't read vector "
			"registers\n", vectors, vectors == 1 ? "parameter or result is" :
							      "parameters and results are");
}

/* What the user asked for comes first; hooks, which have no place in his patterns, come then. */
static void refusals(const struct source *src)
{
	enum { NAMED = 3 };
	const struct plan_func *f;
	const char *why;
	u32 n = 0;

	for (u32 hooks = 0; hooks < 2; hooks++)
		for (u32 i = 0; bpf_refused(src, i, &f, &why); i++)
			if (f->shown != hooks && n++ < NAMED)
				talk("%.*s: %s", STR_F(f->func->name), why);
	if (n > NAMED)
		fprintf(stderr, TALK "... and %u more place%s\n", n - NAMED,
			n - NAMED == 1 ? "" : "s");
}

bool uprobe_start(struct source *src, struct plan *plan, const struct engine_request *r,
		  struct err *err)
{
	struct bpf_options o = {
		.pid = r->pid, .bias = plan->prog->img->bias, .ring = RING_FACTOR * r->buffer,
		.max_overhead = r->max_overhead,
	};

	if (r->lossless)
		return err_set(err, ERR_USAGE,
			       "--lossless: the kernel can't make a program wait; the uprobe "
			       "engine loses calls when its buffer is full (--buffer)");
	if (!plan_for_probes(plan, err))
		return false;
	if (!bpf_cost(&o.cost_ns, err) && (err->kind == ERR_DENIED || r->max_overhead))
		return false;
	if (!(r->pid ? bpf_attach(src, plan, &o, err) : launch(src, plan, r, &o, err)))
		return false;
	forecast(plan, src->sites(src->session), o.cost_ns);
	refusals(src);
	return true;
}
