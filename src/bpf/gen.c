#include "bpf/gen.h"

#include <string.h>

#include "bpf/decide.h"
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

static void refuse(struct probes *p, u32 func, enum site_kind kind, u64 va, const char *why)
{
	*vec_push(&p->refused) = (struct probes_refused){ func, (u8)kind, va, why };
}

/* Where the steps of sites that were met lie: many have the same. */
struct steps_known {
	struct map by_reads;	/* address of the reads -> first << 32 | how many */
	struct map by_content;	/* hash of the steps -> 1 + first */
	u64 bias;
	bool decided;		/* the entry that was added last */
};

static enum step_kind kind_of(const struct read *d)
{
	switch ((enum read_kind)d->kind) {
	case READ_INT:
	case READ_G: return STEP_INT;
	case READ_MEM: return STEP_MEM;
	case READ_BYTES: return STEP_BYTES;
	case READ_WHEN: return d->when_not ? STEP_WHEN_NOT : STEP_WHEN;
	case READ_AGAIN: return STEP_AGAIN;
	case READ_FRAMES: return STEP_FRAMES;
	case READ_STACK:
	case READ_FLOAT:	/* a plan for probes has none */
		break;
	}
	return STEP_STACK;
}

void bpf_facts_of_stacks(struct bpf_facts *f, const struct plan *plan, u64 bias)
{
	const struct go_func *sigpanic = go_func_named(plan->prog, STR("runtime.sigpanic"));

	if (!plan->request.frames)
		return;
	f->bare = &plan->bare;
	f->text_rt = plan->prog->md.text_va + bias;
	if (sigpanic) {
		f->sigpanic_pc = sigpanic->pc;
		f->sigpanic_size = sigpanic->size;
	}
}

/* A read of frames becomes a step for each: the program has one loop, that over steps. */
static void add_read(struct bpf_steps *to, const struct read *d, u64 bias)
{
	struct bpf_step *s = vec_push(to);

	*s = (struct bpf_step){
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
		.when = d->when + (d->when_va ? bias : 0),
	};
	if (d->kind == READ_AGAIN) {
		s->reg = d->log;
		s->size++;	/* behind this one it is one more */
		s->most = d->log ? AGAIN_LOG_MOST : AGAIN_MOST;
	}
	for (u32 f = 1; d->kind == READ_FRAMES && f < d->size / 8; f++)
		*vec_push(to) = (struct bpf_step){
			.kind = STEP_FRAME, .at = (u16)(d->at + 8 * f), .status = (u16)d->status,
		};
}

/* What a reading reads and, between that, what decides: as soon as it is ready. */
static void add_steps(struct bpf_steps *to, const struct reading *r, const struct decision *d,
		      u64 bias)
{
	size_t part = 0;

	for (u32 i = 0; i <= r->nreads; i++) {
		for (; d && part < d->parts.n && d->parts.at[part].ready == i; part++)
			for (u32 k = 0; k < d->parts.at[part].n; k++)
				*vec_push(to) = d->steps.at[d->parts.at[part].first + k];
		if (i < r->nreads)
			add_read(to, &r->reads[i], bias);
	}
}

static bool is_same(const struct bpf_steps *s, u32 a, u32 b, u32 n)
{
	return a + n <= b && !memcmp(&s->at[a], &s->at[b], n * sizeof(s->at[0]));
}

/* The same steps as those of an earlier site are not kept twice. */
static u32 keep_once(struct bpf_steps *s, struct map *known, u32 first)
{
	u32 n = (u32)s->n - first;
	u64 hash = n, words[sizeof(s->at[0]) / 8], *at;

	if (!n)
		return first;
	for (u32 i = first; i < s->n; i++) {
		memcpy(words, &s->at[i], sizeof(words));
		for (u32 k = 0; k < ARRAY_LEN(words); k++) {
			hash = (hash ^ words[k]) * 0x9e3779b97f4a7c15u;
			hash ^= hash >> 29;
		}
	}
	at = map_put(known, hash);
	if (*at && is_same(s, (u32)*at - 1, first, n)) {
		s->n = first;
		return (u32)*at - 1;
	}
	*at = first + 1;
	return first;
}

/* Gives the first; `n`: how many. */
static u32 steps_of(struct probes *p, struct steps_known *k, const struct reading *r,
		    const struct decision *d, u32 *n)
{
	u32 first = (u32)p->steps.n;
	u64 *known = NULL;

	if (!d && r->nreads) {
		known = map_put(&k->by_reads, (u64)(uintptr_t)r->reads);
		if (*known) {
			*n = (u32)*known;
			return (u32)(*known >> 32);
		}
	}
	add_steps(&p->steps, r, d, k->bias);
	*n = (u32)p->steps.n - first;
	first = keep_once(&p->steps, &k->by_content, first);
	if (known)
		*known = (u64)first << 32 | *n;
	return first;
}

static bool goes_back(const struct reading *r)
{
	for (u32 i = 0; i < r->nreads; i++)
		if (r->reads[i].kind == READ_AGAIN)
			return true;
	return false;
}

static struct bpf_site *add(struct probes *p, struct steps_known *k, u32 site,
			    const struct reading *r, const struct decision *d, u64 va)
{
	struct bpf_site *row = vec_push(&p->sites);
	u32 n = 0;

	*row = (struct bpf_site){ .site = site, .size = RECORD_HEAD };
	if (r) {
		row->first = steps_of(p, k, r, d, &n);
		row->nsteps = (u16)n;
		row->size = (u16)r->size;
	}
	*vec_push(&p->vas) = va;
	p->goes_back |= r && goes_back(r);
	p->most_turns = p->goes_back ? INT32_MAX : MAX(p->most_turns, n);
	if (p->at.n && p->at.at[p->at.n - 1].va == va) {	/* a function that is only `ret` */
		p->sites.at[p->at.at[p->at.n - 1].row].also = (u32)p->sites.n - 1;
		return row;
	}
	*vec_push(&p->at) = (struct probe){
		.row = (u32)p->sites.n - 1, .va = va,
		.off = image_off_of(p->plan->prog->img, va),
	};
	return row;
}

/* Where the entry is decided, exits are no records without it. */
static void add_decided(struct probes *p, struct steps_known *k, u32 func, u64 va, u16 mask)
{
	const struct plan_func *fn = &p->plan->funcs[func];
	struct bpf_site *row;
	struct decision d;

	decision_make(&d, fn, k->bias);
	row = add(p, k, 4 * func + SITE_ENTRY, &fn->entry, d.parts.n ? &d : NULL, va);
	row->mask = mask;
	k->decided = d.parts.n;
	if (k->decided && plan_sees_exits(p->plan, fn))
		row->marks = MARKS_LEAVE;
	p->decides |= k->decided;
	decision_release(&d);
}

/* At the stack check's last jump, which is not taken exactly once in each call; where there is no
 * check at the entry, to which then no branch leads back (REFUSE_LOOP_TO_ENTRY). */
static bool add_entry(struct probes *p, struct steps_known *k, u32 func, const struct flow *flow)
{
	u32 check = stack_check_of(flow);
	const struct insn *in = &flow->insns[check ? check - 1 : 0];

	if (!kernel_takes(flow, in)) {
		refuse(p, func, SITE_ENTRY, flow->va + in->at,
		       "the kernel can't probe its first instruction");
		return false;
	}
	add_decided(p, k, func, flow->va + in->at, check ? FLAGS_BE : 0);
	return true;
}

/* At the instruction itself. */
static void add_inside(struct probes *p, struct steps_known *k, u32 func, const struct flow *flow)
{
	const struct plan_func *fn = &p->plan->funcs[func];
	i64 insn = flow_find(flow, fn->line_at);

	if (insn < 0 || !kernel_takes(flow, &flow->insns[insn]))
		refuse(p, func, SITE_ENTRY, flow->va + fn->line_at,
		       "the kernel can't probe this instruction");
	else
		add_decided(p, k, func, flow->va + fn->line_at, 0);
}

static void add_exits(struct probes *p, struct steps_known *k, u32 func, const struct flow *flow)
{
	const struct plan_func *fn = &p->plan->funcs[func];

	for (u32 i = 0; i < fn->patches.nexits; i++) {
		const struct insn *in = &flow->insns[fn->patches.exits[i].insn];
		bool ret = in->kind == INSN_RET;
		enum site_kind kind = !ret ? SITE_TAIL :
				      in->after_deferreturn ? SITE_EXIT_DEFER : SITE_EXIT;
		struct bpf_site *row;
		u16 mask = 0;
		u8 sense = 0;

		if (!kernel_takes(flow, in) ||
		    (in->kind == INSN_JCC && !taken_if(flow, in, &mask, &sense))) {
			refuse(p, func, kind, flow->va + in->at,
			       "the kernel can't probe this exit");
			continue;
		}
		row = add(p, k, 4 * func + kind, ret ? &fn->exit : NULL, NULL, flow->va + in->at);
		row->mask = mask;
		row->sense = sense;
		row->marks = k->decided ? MARKS_SEEK : MARKS_NONE;
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
	map_release(&known.by_reads);
	map_release(&known.by_content);
}

void probes_release(struct probes *p)
{
	vec_release(&p->at);
	vec_release(&p->sites);
	vec_release(&p->vas);
	vec_release(&p->steps);
	vec_release(&p->refused);
}
