#include "bpf/gen.h"

#include "go/release.h"

enum { FIX_CF = 1 << 0, FIX_PF = 1 << 2, FIX_ZF = 1 << 6, FIX_SF = 1 << 7, FIX_OF = 1 << 11 };

/* The kernel single-steps or emulates the instruction under a probe; with these prefixes it does
 * not (arch/x86/kernel/uprobes.c). */
static bool kernel_takes(const struct flow *f, const struct insn *i)
{
	switch (f->bytes[i->at]) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:	/* es, cs, ss, ds */
	case 0xf0:					/* lock */
		return false;
	default:
		return i->kind != INSN_TRAP;
	}
}

/* Which flags make a conditional jump be taken; false for loop and jrcxz. */
static bool taken_if(const struct flow *f, const struct insn *i, u16 *mask, u8 *sense)
{
	static const u16 masks[8] = {
		FIX_OF, FIX_CF, FIX_ZF, FIX_CF | FIX_ZF, FIX_SF, FIX_PF, FLAGS_UNLIKE,
		FLAGS_UNLIKE | FIX_ZF,
	};
	const u8 *b = f->bytes + i->at;
	u8 op = i->size > 1 && b[0] == 0x0f ? (u8)(b[1] - 0x10) : b[0];

	if (op < 0x70 || op > 0x7f)
		return false;
	*mask = masks[(op & 15) >> 1];
	*sense = !(op & 1);
	return true;
}

static void refuse(struct probes *p, u32 func, u64 va, const char *why)
{
	*vec_push(&p->refused) = (struct probes_refused){ .func = func, .va = va, .why = why };
}

/* Where the steps of readings that were met lie: readings with the same `reads` share them. */
struct steps_known {
	struct map first;	/* address of the reads -> 1 + index */
	u64 bias;
};

static enum step_kind kind_of(const struct read *d)
{
	switch ((enum read_kind)d->kind) {
	case READ_INT:
	case READ_G: return STEP_INT;
	case READ_MEM: return STEP_MEM;
	case READ_BYTES: return STEP_BYTES;
	case READ_WHEN: return d->when_not ? STEP_WHEN_NOT : STEP_WHEN;
	case READ_FRAMES: return STEP_FRAMES;
	case READ_STACK:
	case READ_FLOAT:	/* a plan for probes has none */
		break;
	}
	return STEP_STACK;
}

static u32 steps_of(struct probes *p, struct steps_known *k, const struct reading *r)
{
	u64 *known;

	if (!r->nreads)
		return 0;
	known = map_put(&k->first, (u64)(uintptr_t)r->reads);
	if (*known)
		return (u32)*known - 1;
	*known = p->steps.n + 1;
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];

		*vec_push(&p->steps) = (struct bpf_step){
			.kind = (u8)kind_of(d),
			.reg = d->kind == READ_G ? REG_G : d->reg,
			.size = d->kind == READ_G ? 8 : d->size,
			.at = (u16)d->at,
			.status = (u16)d->status,
			.from = (u16)(d->kind == READ_WHEN ? d->when_at : d->from),
			.len_at = (u16)d->len_at,
			.most = (u16)(d->elem ? d->size / d->elem : 0),
			.elem = (u16)d->elem,
			.disp = d->disp,
			.when = d->when + (d->when_va ? k->bias : 0),
		};
		for (u32 f = 1; d->kind == READ_FRAMES && f < d->size / 8; f++)
			*vec_push(&p->steps) = (struct bpf_step){
				.kind = STEP_FRAME, .at = (u16)(d->at + 8 * f),
				.status = (u16)d->status,
			};
	}
	return (u32)*known - 1;
}

/* A read of frames becomes a step for each: the program has one loop, that over steps. */
static u32 count_steps(const struct reading *r)
{
	u32 n = r->nreads;

	for (u32 i = 0; i < r->nreads; i++)
		if (r->reads[i].kind == READ_FRAMES)
			n += r->reads[i].size / 8 - 1;
	return n;
}

static void add(struct probes *p, struct steps_known *k, u32 site, const struct reading *r,
		u64 va, u16 mask, u8 sense)
{
	struct bpf_site *row = vec_push(&p->sites);

	*row = (struct bpf_site){
		.site = site, .size = RECORD_HEAD, .mask = mask, .sense = sense,
	};
	if (r) {
		row->first = steps_of(p, k, r);
		row->nsteps = (u16)count_steps(r);
		row->size = (u16)r->size;
	}
	*vec_push(&p->vas) = va;
	p->most_steps = MAX(p->most_steps, row->nsteps);
	if (p->at.n && p->at.at[p->at.n - 1].va == va) {	/* a function that is only `ret` */
		p->sites.at[p->at.at[p->at.n - 1].row].also = (u32)p->sites.n - 1;
		return;
	}
	*vec_push(&p->at) = (struct probe){
		.row = (u32)p->sites.n - 1, .va = va,
		.off = image_off_of(p->plan->prog->img, va),
	};
}

/* At the stack check's last jump, which is not taken exactly once in each call; where there is no
 * check at the entry, to which then no branch leads back (REFUSE_LOOP_TO_ENTRY). */
static bool add_entry(struct probes *p, struct steps_known *k, u32 func, const struct flow *flow)
{
	u32 check = stack_check_of(flow);
	const struct insn *in = &flow->insns[check ? check - 1 : 0];

	if (!kernel_takes(flow, in)) {
		refuse(p, func, flow->va + in->at, "the kernel can't probe its first instruction");
		return false;
	}
	add(p, k, 4 * func + SITE_ENTRY, &p->plan->funcs[func].entry, flow->va + in->at,
	    check ? FLAGS_BE : 0, 0);
	return true;
}

/* At the instruction itself. */
static void add_inside(struct probes *p, struct steps_known *k, u32 func, const struct flow *flow)
{
	const struct plan_func *fn = &p->plan->funcs[func];
	i64 insn = flow_find(flow, fn->line_at);

	if (insn < 0 || !kernel_takes(flow, &flow->insns[insn]))
		refuse(p, func, flow->va + fn->line_at, "the kernel can't probe this instruction");
	else
		add(p, k, 4 * func + SITE_ENTRY, &fn->entry, flow->va + fn->line_at, 0, 0);
}

static void add_exits(struct probes *p, struct steps_known *k, u32 func, const struct flow *flow)
{
	const struct plan_func *fn = &p->plan->funcs[func];

	for (u32 i = 0; i < fn->patches.nexits; i++) {
		const struct insn *in = &flow->insns[fn->patches.exits[i].insn];
		bool ret = in->kind == INSN_RET;
		enum site_kind kind = !ret ? SITE_TAIL :
				      in->after_deferreturn ? SITE_EXIT_DEFER : SITE_EXIT;
		u16 mask = 0;
		u8 sense = 0;

		if (!kernel_takes(flow, in) ||
		    (in->kind == INSN_JCC && !taken_if(flow, in, &mask, &sense)))
			refuse(p, func, flow->va + in->at, "the kernel can't probe this exit");
		else
			add(p, k, 4 * func + kind, ret ? &fn->exit : NULL, flow->va + in->at, mask,
			    sense);
	}
}

void probes_make(struct probes *p, const struct plan *plan, u64 bias)
{
	struct steps_known known = { .bias = bias };
	struct arena scratch = { 0 };
	struct flow flow;
	struct err err;

	*p = (struct probes){ .plan = plan };
	for (u32 i = 0; i < plan->nfuncs; i++) {
		const struct plan_func *fn = &plan->funcs[i];

		if (fn->refusal || !plan_flow(plan->prog, fn->func, &scratch, &flow, &err))
			continue;
		if (fn->line_at)
			add_inside(p, &known, i, &flow);
		else if (add_entry(p, &known, i, &flow) && plan_sees_exits(plan, fn))
			add_exits(p, &known, i, &flow);
		arena_reset(&scratch);
	}
	arena_release(&scratch);
	map_release(&known.first);
}

void probes_release(struct probes *p)
{
	vec_release(&p->at);
	vec_release(&p->sites);
	vec_release(&p->vas);
	vec_release(&p->steps);
	vec_release(&p->refused);
}
