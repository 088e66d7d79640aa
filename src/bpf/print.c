/* What --plan shows of the uprobe engine: every probe, every refusal, and the program. */
#include "bpf/bpf.h"
#include "bpf/decide.h"
#include "go/release.h"
#include "plan/print.h"

enum { SITES = 1, STEPS, SLOTS, COUNTS_MAP, RING, MARKS };	/* instead of descriptors */

static const char *map_name(int fd)
{
	static const char *const names[] = {
		NULL, "sites", "steps", "slots", "counts", "ring", "marks",
	};

	return fd > 0 && fd < (int)ARRAY_LEN(names) ? names[fd] : NULL;
}

static const char *kind_name(const struct plan_func *f, u32 kind)
{
	switch ((enum site_kind)kind) {
	case SITE_ENTRY: return site_kind_name(f);
	case SITE_EXIT:
	case SITE_EXIT_DEFER: return "return";
	case SITE_TAIL: break;
	}
	return "tail";
}

static void probe_text(struct out *o, const struct bpf_site *row, const struct plan_func *f,
		       u64 va)
{
	out_fmt(o, "    probe 0x%llx: %s, site %u", (unsigned long long)va,
		kind_name(f, row->site % 4), row->site);
	if (row->mask)
		out_fmt(o, ", if flags & 0x%x is %s0", row->mask, row->sense ? "not " : "");
	out_line(o);
}

static void func_text(struct out *o, const struct probes *p, u32 index)
{
	const struct plan_func *f = &p->plan->funcs[index];

	site_head(o, f, go_func_va(p->plan->prog, f->func));
	if (f->refusal || !f->shown)
		return;
	if (p->plan->request.count_only) {
		counted_print(o, f);
		return;
	}
	reading_print(o, site_kind_name(f), &f->entry);
	if (plan_sees_exits(p->plan, f))
		reading_print(o, "exit", &f->exit);
	if (!f->hook)
		condition_print(o, decision_parts(f), "by the program behind the probe");
}

/* `from` goes on behind what belongs to this function. */
static void sites_of(struct out *o, struct json *j, const struct probes *p, u32 index, u32 *from)
{
	const struct plan_func *f = &p->plan->funcs[index];

	for (; *from < p->sites.n && p->sites.at[*from].site / 4 == index; ++*from) {
		const struct bpf_site *row = &p->sites.at[*from];
		u64 va = p->vas.at[*from];
		const struct reading *r = row->site % 4 == SITE_TAIL ||
					  p->plan->request.count_only ? NULL :
					  row->site % 4 ? &f->exit : &f->entry;

		if (j)
			site_json(j, f, kind_name(f, row->site % 4), va, NULL, r);
		else
			probe_text(o, row, f, va);
	}
	for (size_t i = 0; i < p->refused.n; i++) {
		const struct probes_refused *r = &p->refused.at[i];

		if (r->func != index)
			continue;
		if (j) {
			site_json(j, f, kind_name(f, r->kind), r->va, r->why, NULL);
			continue;
		}
		out_fmt(o, "    0x%llx refused: %s", (unsigned long long)r->va, r->why);
		out_line(o);
	}
}

static bool program_text(struct out *o, const struct probes *p, struct err *err)
{
	static struct bpf_insn code[PROGRAM_ROOM];
	struct bpf_facts facts = {
		.sites_fd = SITES, .steps_fd = STEPS, .slots_fd = SLOTS, .counts_fd = COUNTS_MAP,
		.ring_fd = RING, .marks_fd = MARKS, .nslots = SLOTS_EACH,
		.most_turns = p->most_turns, .goes_back = p->goes_back,
		.decides = p->decides,
		.g_goid = p->plan->prog->rel->g_goid, .sleeps = true,
		.may_leave = true, .count_only = p->plan->request.count_only,
	};
	struct bpf_code c;

	bpf_facts_of_stacks(&facts, p->plan, 0);
	bpf_code_start(&c, code, ARRAY_LEN(code));
	bpf_program(&c, &facts);
	if (!bpf_code_ok(&c, err))
		return false;
	out_z(o, "the program behind every probe:");
	out_line(o);
	bpf_list(o, code, c.n, map_name, bpf_helper_name);
	out_fmt(o, "%zu probes, %u functions refused, %zu places refused, %zu steps to read, "
		"%u instructions", p->at.n, p->plan->nrefused, p->refused.n, p->steps.n, c.n);
	out_line(o);
	return true;
}

bool bpf_print(const struct plan *plan, struct out *o, bool json, u64 *sites, struct err *err)
{
	struct probes p;
	struct json j;
	u32 from = 0;
	bool ok = true;

	probes_make(&p, plan, 0);
	json_begin(&j, o);
	for (u32 i = 0; i < plan->nfuncs; i++) {
		const struct plan_func *f = &plan->funcs[i];

		if (!json)
			func_text(o, &p, i);
		else if (f->refusal)
			site_json(&j, f, site_kind_name(f),
				  go_func_va(plan->prog, f->func) + f->line_at,
				  refusal_text(f->refusal), NULL);
		sites_of(o, json ? &j : NULL, &p, i, &from);
	}
	if (!json)
		ok = program_text(o, &p, err);
	*sites = p.sites.n;
	probes_release(&p);
	return ok;
}
