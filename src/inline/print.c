/* What --plan shows: every site, every refusal, and the code that would be generated. Addresses are
 * those of the file; the rings and the gate lie where they would in a process that is not
 * randomised. */
#include "inline/listing.h"
#include "inline/predicate.h"
#include "inline/session.h"
#include "plan/print.h"

enum { SHARED_EXAMPLE = 0x7000 };

static void windows(struct out *o, const struct code *c, const struct layout *l, u32 index)
{
	for (size_t i = 0; i < c->jumps.n; i++) {
		const struct jump *j = &c->jumps.at[i];

		if (j->func != index)
			continue;
		out_fmt(o, "    window 0x%llx -> trampoline 0x%llx, %u bytes",
			(unsigned long long)j->rt, (unsigned long long)j->to_rt, j->size);
		out_line(o);
		listing(o, c->bytes + (j->to_rt - l->code_rt), j->size, j->to_rt);
	}
}

/* Up to the first trampoline. */
static void delays_end(struct out *o, const struct plan *p, const struct code *c)
{
	u64 code_rt = c->stubs.copy_lo_rt;

	out_z(o, "what all of them call:");
	out_line(o);
	listing(o, c->bytes, c->jumps.at[0].to_rt - code_rt, code_rt);
	out_fmt(o, "%u %s delayed, %u refused, %zu bytes of code", c->sites,
		c->sites == 1 ? "store is" : "stores are", p->nrefused, c->size);
	out_line(o);
}

static void func_text(struct out *o, const struct plan *p, const struct code *c,
		      const struct layout *l, u32 index)
{
	const struct plan_func *f = &p->funcs[index];

	site_head(o, f, go_func_va(p->prog, f->func));
	if (f->refusal)
		return;
	if (p->delays) {
		windows(o, c, l, index);
		return;
	}
	if (p->request.count_only) {
		counted_print(o, f);
	} else if (f->shown) {
		reading_print(o, f->line_at ? "line" : "entry", &f->entry);
		if (plan_sees_exits(p, f))
			reading_print(o, "exit", &f->exit);
	}
	condition_print(o, predicate_parts(f), "after the captures");
	for (u32 i = 0; i < f->patches.nexits; i++)
		if (f->patches.exits[i].refusal) {
			out_fmt(o, "    exit %u refused: %s", i,
				refusal_text(f->patches.exits[i].refusal));
			out_line(o);
		}
	windows(o, c, l, index);
}

static void func_json(struct json *j, const struct plan *p, const struct plan_func *f)
{
	u64 va = go_func_va(p->prog, f->func);
	struct arena scratch = { 0 };
	struct flow flow;
	struct err err;

	if (!f->alone || f->refusal)	/* else its entry makes no record */
		site_json(j, f, p->delays ? "store" : site_kind_name(f), va + f->line_at,
			  f->refusal ? refusal_text(f->refusal) : NULL,
			  p->request.count_only || p->delays ? NULL : &f->entry);
	if (!f->refusal && plan_sees_exits(p, f) &&
	    plan_flow(p->prog, f->func, &scratch, &flow, &err))
		for (u32 i = 0; i < f->patches.nexits; i++) {
			const struct exit_point *x = &f->patches.exits[i];
			bool ret = flow.insns[x->insn].kind == INSN_RET;

			site_json(j, f, ret ? "return" : "tail", va + flow.insns[x->insn].at,
				  x->refusal ? refusal_text(x->refusal) : NULL,
				  ret ? &f->exit : NULL);
		}
	arena_release(&scratch);
}

bool inline_print(const struct plan *plan, struct out *o, bool json, u64 *sites, struct err *err)
{
	struct layout l = { .buffer = 8 << 20, .tls = -8 };
	struct code c = { 0 };
	struct json j;
	bool ok;

	l.near_rt = round_up(plan->prog->img->hi_va, 4096) + (512 << 20);
	l.shared_rt = (u64)SHARED_EXAMPLE << 32;
	if (plan->delays) {
		l.delays = plan->nfuncs;
		l.shared_rt = l.near_rt;
		l.near_rt += delays_size(l.delays);
	}
	l.code_rt = l.near_rt + NEAR_SIZE;
	ok = code_make(&c, plan, &l, err);
	json_begin(&j, o);
	/* what was asked for, then what is there as a hook only */
	for (u32 i = 0; ok && i < 2 * plan->nfuncs; i++) {
		u32 index = i < plan->nfuncs ? i : i - plan->nfuncs;

		if (plan->funcs[index].shown != (i < plan->nfuncs))
			continue;
		if (json)
			func_json(&j, plan, &plan->funcs[index]);
		else
			func_text(o, plan, &c, &l, index);
	}
	if (ok && !json && plan->delays) {
		delays_end(o, plan, &c);
	} else if (ok && !json) {
		out_fmt(o,
			"%u sites, %u functions refused, %u of %u exits refused, %zu bytes of code",
			c.sites, plan->nrefused, plan->nexits_refused, plan->nexits, c.size);
		out_line(o);
	}
	*sites = c.sites;
	code_release(&c);
	return ok;
}
