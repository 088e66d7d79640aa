#include "cmd/stress_live.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/engine.h"
#include "cmd/pump.h"
#include "cmd/stop.h"
#include "cmd/target.h"
#include "inline/inline.h"
#include "inline/manifest.h"
#include "out/sinks.h"
#include "out/stressed.h"
#include "plan/torn_plan.h"

enum { SUMMED = 1 << 20 };

struct live {
	const struct live_args *a;
	struct image img;
	struct go_program prog;
	struct plan plan;
	struct stress_sites sites;
	struct delay_ask ask;
	const char *path;
	struct arena arena;
};

static void live_release(struct live *l)
{
	plan_release(&l->plan);
	go_program_release(&l->prog);
	image_release(&l->img);
	arena_release(&l->arena);
}

/* One that the program gives, so that it is the same another time. */
static void seed(struct live *l)
{
	u64 va = l->prog.md.text_va;
	struct str text = image_bytes(&l->img, va, MIN(image_room(&l->img, va), (u64)SUMMED));

	if (!l->ask.seed)
		l->ask.seed = (manifest_sum((const u8 *)text.p, text.n) & 0xffffff) | 1;
}

/* Everything that can be known before anything is touched. */
static bool prepare(struct live *l, struct err *err)
{
	const struct live_args *a = l->a;

	if (a->delay.fips_resum)
		return err_set(err, ERR_USAGE, "--fips-resum: for a copy (-o NEW) only");
	if (!stress_ask(&a->delay, &l->ask, err) ||
	    !target_to_run(&l->img, a->pid, a->program, &l->arena, &l->path, err) ||
	    !go_open(&l->prog, &l->img, err) || !manifest_absent(&l->img, err) ||
	    !stress_sites(&l->sites, &l->prog, a->patterns, a->npatterns, a->sites, &l->arena,
			  err))
		return false;
	seed(l);
	torn_plan(&l->plan, &l->prog, l->sites.at, l->sites.n);
	return l->plan.nrefused < l->sites.n ||
	       err_set(err, ERR_REFUSED, "%.*s+0x%x: can't be delayed (%s)",
		       STR_F(l->plan.funcs[0].func->name), l->plan.funcs[0].line_at,
		       refusal_text(l->plan.funcs[0].refusal));
}

static bool start(struct live *l, struct source *src, struct err *err)
{
	struct attach attach = { .pid = l->img.pid, .ask = &l->ask };
	struct launch launch = { .argv = l->a->program, .path = l->path, .ask = &l->ask };
	struct attached to;

	if (!l->a->pid)
		return inline_launch(src, &l->plan, &launch, err);
	if (!inline_attach(src, &l->plan, &attach, &to, err))
		return false;
	engine_attached(&to, &l->plan);
	return true;
}

static void said(const struct live *l, const struct source *src, struct out *talk)
{
	struct delay_counts n = inline_delays(src);

	out_fmt(talk, TALK "process %d: %u %s delayed", src->pid, n.written,
		n.written == 1 ? "store is" : "stores are");
	stress_print_how(talk, &l->ask);
	if (l->a->pid)
		out_fmt(talk, "; it stood still for %.1f ms",
			(double)src->stop_ns(src->session) / 1e6);
	out_line(talk);
	stress_print_refused(talk, l->plan.nrefused, "--plan");
	stress_one_p(talk, l->a->pid ? src->pid : 0);
	out_flush(talk);
}

static void begin(const struct live *l, int pid, struct out *o)
{
	struct target_facts facts = { .prog = &l->prog, .path = l->path, .pid = pid };

	sink_json_begin(o, &facts);
}

static void stores(const struct live *l, struct out *o)
{
	struct json j;

	json_begin(&j, o);
	for (u32 i = 0; i < l->sites.n; i++)
		if (!l->plan.funcs[i].refusal)
			torn_json(&j, &l->prog, l->sites.at[i], REFUSE_NONE);
}

/* What each store did, and all of them. */
static void results(const struct live *l, const struct source *src, const struct pump_result *r,
		    struct out *o, struct out *talk)
{
	struct delay_counts n = inline_delays(src);
	struct stressed_end end = {
		.stores = n.written, .refused = l->plan.nrefused, .passed = n.passed,
		.waits = n.waits, .left_out = n.left_out, .waited_ns = n.waited_ns,
		.percent = l->ask.percent, .seed = l->ask.seed,
		.stop_ns = src->stop_ns(src->session), .elapsed_ns = r->elapsed_ns,
		.exited = r->exited, .program_exit = r->program_exit,
	};
	struct stressed_list list = { 0 };

	for (u32 i = 0; i < l->sites.n; i++) {
		bool passed;
		u32 waits = inline_delay_waits(src, i, &passed);

		if (passed)
			*vec_push(&list) = (struct stressed){ l->sites.at[i], waits };
	}
	if (l->a->json) {
		stressed_json(o, &list);
		stressed_end_json(o, &end);
	} else {
		stressed_print(o, &list);
		out_flush(o);
		stressed_end_print(talk, &end);
	}
	vec_release(&list);
}

static void nothing_lost(void *ctx, u64 count, i64 from_ns, i64 to_ns)
{
	(void)ctx;
	(void)count;
	(void)from_ns;
	(void)to_ns;
}

static bool run(struct live *l, struct out *o, int *status, bool *gone, struct err *err)
{
	struct pump_limits limits = { .for_ns = l->a->for_ns, .inside_ns = l->ask.ns };
	struct sink sink = { .lost = nothing_lost };	/* there are no records */
	struct pump_result r = { 0 };
	struct source src = { 0 };
	OWN(out) talk;
	bool ok;

	out_open(&talk, STDERR_FILENO);
	stop_catch();
	ok = start(l, &src, err);
	if (ok) {
		if (l->a->json) {
			begin(l, src.pid, o);
			stores(l, o);
		}
		said(l, &src, &talk);
		ok = pump(&src, &l->plan, &sink, o, &limits, &r, err);
		engine_held(&src, &l->plan);
		results(l, &src, &r, o, &talk);
		out_flush(&talk);
		*status = r.exited ? r.program_exit : 0;
		*gone = r.gone;
	}
	source_release(&src);
	stop_uncatch();
	return ok;
}

static bool planned(struct live *l, struct out *o, struct err *err)
{
	struct stressed_end end = { .refused = l->plan.nrefused, .seed = l->ask.seed };
	u64 sites = 0;

	if (l->a->json)
		begin(l, l->img.pid, o);
	if (!inline_print(&l->plan, o, l->a->json, &sites, err))
		return false;
	end.stores = (u32)sites;
	if (l->a->json)
		stressed_end_json(o, &end);
	return true;
}

bool stress_live(const struct live_args *a, int *status, struct err *err)
{
	OWN(live) l = { .a = a };
	OWN(out_file) file = { 0 };
	bool gone = false;

	if (!prepare(&l, err))
		return false;
	if (!a->output && !a->plan && !a->pid)	/* stdout is the program's */
		out_open(&file.out, STDERR_FILENO);
	else if (!target_output(&file, a->output, true, &l.img, err))
		return false;
	if (a->plan ? !planned(&l, &file.out, err) : !run(&l, &file.out, status, &gone, err))
		return file.own_fd && file.out.failed ? err_in(err, "%s", file.path) : false;
	if (!out_file_commit(&file, err))
		return false;
	return !gone || err_set(err, ERR_GONE, "process %d has ended; what its stores did until "
				"then was written", l.img.pid);
}
