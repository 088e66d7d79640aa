/* Windows: what their jumps displaced, with the records (record.c) where they belong. */
#include "inline/trampoline.h"

#include <string.h>
#include <sys/mman.h>

#include "go/vars.h"
#include "inline/emit.h"
#include "inline/record.h"

static const struct exit_point *exit_at(const struct patches *pt, u32 insn)
{
	for (u32 i = 0; i < pt->nexits; i++)
		if (pt->exits[i].insn == insn)
			return &pt->exits[i];
	return NULL;
}

/* A branch that we take over; its displacement is filled in later. */
static size_t branch_hole(struct emitter *e, const struct insn *in)
{
	const u8 *p = e->flow->bytes + in->at;

	if (in->kind == INSN_JMP)
		PUT(&e->a, 0xe9);
	else if (in->rel_size == 1)
		PUT(&e->a, 0x0f, (u8)(p[in->size - 2] + 0x10));
	else
		PUT(&e->a, 0x0f, p[in->size - 5]);
	return hole(&e->a);
}

/* A branch that leaves the piece for code which the trampoline has to hold as well. */
struct branch {
	size_t hole;
	const struct landing *landing;	/* a copy of this, or... */
	const struct insn *tail; /* ...the record of an exit, and a jump to where this one leads */
};
VEC_TYPE(branches, struct branch);

/* The lines that begin at the same place. */
static void record_lines(struct emitter *e)
{
	const struct plan_func *fn = e->fn;
	u32 index = e->index;

	for (u32 i = index; i < e->p->nfuncs && e->p->funcs[i].func == fn->func; i++) {
		const struct plan_func *one = &e->p->funcs[i];

		if (one->line_at != fn->line_at || one->refusal)
			continue;
		e->fn = one;
		e->index = i;
		record_emit_inside(e);
	}
	e->fn = fn;
	e->index = index;
}

static void record_here(struct emitter *e)
{
	if (e->fn->line_at)
		record_lines(e);
	else
		record_emit(e, SITE_ENTRY);
}

/* Copies a run of instructions as x86/patch.h says. record_at: an entry record comes before the
 * copy of this one (count: behind them all; more: none). */
static void piece(struct emitter *e, u32 first, u32 count, u32 record_at, bool exits,
		  struct branches *out)
{
	const struct patches *pt = &e->fn->patches;
	struct assembler *a = &e->a;
	VEC(struct { size_t hole; u32 insn; }) inner = { 0 };

	for (u32 k = 0; k < count; k++) {
		const struct insn *in = &e->flow->insns[first + k];
		bool branch = in->rel_size && (in->kind == INSN_JCC || in->kind == INSN_JMP);
		bool leaves = branch && (in->target < 0 || in->target >= e->flow->size);
		i64 to = branch && !leaves ? flow_find(e->flow, in->target) : -1;
		const struct exit_point *x = exits ? exit_at(pt, first + k) : NULL;
		const struct landing *landing = to >= 0 ? patches_landing(pt, (u32)to) : NULL;

		for (size_t i = 0; i < inner.n; i++)
			if (inner.at[i].insn == first + k)
				fill(a, inner.at[i].hole);
		if (k == record_at)
			record_here(e);
		if ((in->kind == INSN_RET || in->kind == INSN_TAIL) && x && !x->refusal)
			record_emit(e, in->kind == INSN_TAIL ? SITE_TAIL :
				    in->after_deferreturn ? SITE_EXIT_DEFER : SITE_EXIT);
		if (leaves && in->kind == INSN_JCC && x && !x->refusal) {
			*vec_push(out) = (struct branch){ branch_hole(e, in), NULL, in };
		} else if (to > (i64)first + k && to < (i64)first + count) {
			vec_push(&inner)->insn = (u32)to;
			inner.at[inner.n - 1].hole = branch_hole(e, in);
		} else if (landing) {
			*vec_push(out) = (struct branch){ branch_hole(e, in), landing, NULL };
		} else {
			if (in->may_fault)
				*vec_push(&e->code->fixups) =
					(struct fixup){ asm_here(a), e->entry_rt + in->at };
			asm_relocated(a, e->flow, in, e->entry_rt);
		}
	}
	if (record_at == count)
		record_here(e);
	if (insn_goes_on(&e->flow->insns[first + count - 1]))
		jmp_to(a, e->entry_rt + e->flow->insns[first + count - 1].at +
			  e->flow->insns[first + count - 1].size);
	vec_release(&inner);
}

static void emit_window(struct emitter *e, const struct window *w, bool exits)
{
	struct branches out = { 0 };
	bool records = w->entry || e->fn->line_at;

	piece(e, w->first, w->count, records ? w->record_after : w->count + 1, exits, &out);
	for (size_t i = 0; i < out.n; i++) {
		struct branch b = out.at[i];

		fill(&e->a, b.hole);
		if (b.landing) {
			piece(e, b.landing->first, b.landing->count, b.landing->count + 1, exits,
			      &out);
		} else {
			record_emit(e, SITE_TAIL);
			jmp_to(&e->a, e->entry_rt + (u64)b.tail->target);
		}
	}
	vec_release(&out);
}

/* Where another session's hook at this place leads, or 0. */
static u64 below(const struct layout *l, u64 rt)
{
	for (u32 i = 0; i < l->nbelow; i++)
		if (l->below[i].rt == rt)
			return l->below[i].to_rt;
	return 0;
}

static void add_jump(struct emitter *e, u64 rt, const u8 *was, u64 to, u32 func)
{
	struct jump *j = vec_push(&e->code->jumps);
	i32 rel = (i32)(to - (rt + 5));

	*j = (struct jump){
		.rt = rt, .func = func, .to_rt = to, .size = (u32)(asm_here(&e->a) - to)
	};
	memcpy(j->was, was, 5);
	j->is[0] = 0xe9;
	memcpy(j->is + 1, &rel, sizeof(rel));
}

/* In front of another session's hook, which does what was displaced. */
static void add_jump_over(struct emitter *e, u64 rt, u64 below_rt, u64 to, u32 func)
{
	i32 rel = (i32)(below_rt - (rt + 5));
	u8 was[5] = { 0xe9 };

	memcpy(was + 1, &rel, sizeof(rel));
	add_jump(e, rt, was, to, func);
}

/* Is there anything in the entry's window but an entry that nobody wants? */
static bool window_matters(const struct emitter *e, const struct window *w)
{
	const struct patches *pt = &e->fn->patches;

	if (!w->entry || w->inner || !e->fn->alone)
		return true;
	for (u32 i = w->first; i < w->first + w->count; i++) {
		const struct insn *in = &e->flow->insns[i];
		bool branch = in->rel_size && (in->kind == INSN_JCC || in->kind == INSN_JMP);
		bool leaves = branch && (in->target < 0 || in->target >= e->flow->size);
		i64 to = branch && !leaves ? flow_find(e->flow, in->target) : -1;

		if (exit_at(pt, i) || (to >= 0 && patches_landing(pt, (u32)to)))
			return true;
	}
	return false;
}

/* Where exits are not wanted the entry's window is enough, unless others lead into it. Windows into
 * which others lead are written last: jumps go out in this order, and are taken back in reverse. */
static void emit_func(struct emitter *e, u32 index, struct arena *scratch)
{
	const struct plan_func *fn = &e->p->funcs[index];
	bool exits = plan_sees_exits(e->p, fn);
	struct flow *flow = ARENA_NEW(scratch, struct flow);
	struct err err;

	if (fn->refusal || !plan_flow(e->p->prog, fn->func, scratch, flow, &err))
		return;
	e->fn = fn;
	e->flow = flow;
	e->index = index;
	e->entry_rt = go_func_va(e->p->prog, fn->func) + e->l->bias;
	e->abi0 = fn->func->assembly;
	record_tables(e, exits);
	if (!fn->shown && below(e->l, e->entry_rt)) {
		u64 to = asm_here(&e->a);

		record_emit(e, SITE_ENTRY);
		jmp_to(&e->a, below(e->l, e->entry_rt));
		add_jump_over(e, e->entry_rt, below(e->l, e->entry_rt), to, index);
		return;
	}
	for (u32 pass = 0; pass < 2; pass++)
		for (u32 i = 0; i < fn->patches.nwindows && !e->a.bad; i++) {
			const struct window *w = &fn->patches.windows[i];
			u64 to = asm_here(&e->a);

			if (w->inner != pass || !window_matters(e, w) ||
			    (!w->entry && !fn->line_at && !exits &&
			     !fn->patches.windows[0].inner))
				continue;
			emit_window(e, w, exits);
			add_jump(e, e->entry_rt + w->at, flow->bytes + w->at, to, index);
			e->code->jumps.at[e->code->jumps.n - 1].inner = w->inner;
			e->code->jumps.at[e->code->jumps.n - 1].may_fault = w->may_fault;
		}
}

/* Stores that wait before what was displaced. */
static void emit_delays(struct emitter *e, struct arena *scratch)
{
	struct delay_code d = {
		.data_rt = e->l->shared_rt + SHARED_RINGS,
		.gate_rt = e->l->near_rt + NEAR_GATE,
		.owner_rt = e->l->shared_rt + SHARED_READER,
	};
	const struct go_program *prog = e->p->prog;
	struct branches none = { 0 };
	u64 flag_va;

	if (go_write_barrier_va(prog, &flag_va))
		d.flag_rt = flag_va + e->l->bias;
	delay_routine(&e->a, &d);
	for (u32 i = 0; i < e->p->nfuncs && !e->a.bad; i++) {
		const struct plan_func *fn = &e->p->funcs[i];
		const struct window *w = fn->patches.windows;
		struct flow *flow;
		struct err err;
		u64 to = asm_here(&e->a);

		arena_reset(scratch);
		flow = ARENA_NEW(scratch, struct flow);
		if (fn->refusal || !plan_window_flow(prog, fn->func, w, scratch, flow, &err))
			continue;
		e->fn = fn;
		e->flow = flow;
		e->entry_rt = flow->va + e->l->bias;
		delay_pass(&e->a, &d, i, w->keep_flags);
		piece(e, 0, flow->n, flow->n + 1, false, &none);
		add_jump(e, e->entry_rt, flow->bytes, to, i);
		e->code->jumps.at[e->code->jumps.n - 1].may_fault = w->may_fault;
		e->code->sites++;
	}
}

/* The windows of the signal handlers come last, behind the fix-ups that they search. */
static bool emit_hooks(struct emitter *e, struct arena *scratch, u64 table_rt, struct err *err)
{
	const struct go_program *prog = e->p->prog;

	for (size_t i = 0; i < prog->nfuncs; i++) {
		const struct go_func *f = &prog->funcs[i];
		struct patches pt = { 0 };
		u64 to = asm_here(&e->a);
		struct flow *flow;
		const struct window *w;

		if (!enters_with_signal(f))
			continue;
		flow = ARENA_NEW(scratch, struct flow);
		if (!plan_flow(prog, f, scratch, flow, err))
			return err_in(err, "%.*s", STR_F(f->name));
		patches_make(&pt, scratch, flow);
		w = &pt.windows[0];
		if (pt.entry)
			return err_set(err, ERR_REFUSED, "%.*s: can't be hooked (%s)",
				       STR_F(f->name), refusal_text(pt.entry));
		e->flow = flow;
		e->entry_rt = go_func_va(prog, f) + e->l->bias;
		sigtramp_hook_emit(&e->a, e->stubs, e->l, to, table_rt, e->code->fixups.n);
		if (below(e->l, e->entry_rt)) {
			jmp_to(&e->a, below(e->l, e->entry_rt));
			asm_new_scope(&e->a);
			add_jump_over(e, e->entry_rt, below(e->l, e->entry_rt), to, NOT_PLANNED);
		} else {
			for (u32 k = 0; k < w->count; k++)
				asm_relocated(&e->a, flow, &flow->insns[k], e->entry_rt);
			jmp_to(&e->a, e->entry_rt + w->size);
			asm_new_scope(&e->a);
			add_jump(e, e->entry_rt, flow->bytes, to, NOT_PLANNED);
		}
		e->code->hooked = true;
	}
	if (!e->code->hooked)
		return err_set(err, ERR_REFUSED,
			       "runtime.sigtramp: not found, so a fault could not be mended");
	return true;
}

bool code_make(struct code *c, const struct plan *p, const struct layout *l, struct err *err)
{
	struct emitter e = { .p = p, .l = l, .code = c };
	struct arena scratch = { 0 };
	u64 table_rt;
	bool ok;

	c->room = CODE_ROOM;
	c->bytes = mmap(NULL, c->room, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->bytes == MAP_FAILED) {
		c->bytes = NULL;
		return err_set(err, ERR_IO,
			       "no memory for generated code (256 MiB of address space)");
	}
	asm_start(&e.a, c->bytes, c->room, l->code_rt);
	e.stubs = &c->stubs;
	if (p->delays) {	/* which copy nothing */
		c->stubs.copy_lo_rt = c->stubs.copy_hi_rt = c->stubs.copy_fault_rt = l->code_rt;
		emit_delays(&e, &scratch);
	} else {
		stubs_emit(&e.a, &c->stubs, l, p);
		for (u32 i = 0; i < p->nfuncs; i++) {
			emit_func(&e, i, &scratch);
			arena_reset(&scratch);
		}
	}
	while (e.a.n % 8)
		PUT(&e.a, 0xcc);
	table_rt = asm_here(&e.a);
	for (size_t i = 0; i < c->fixups.n; i++) {
		asm_u64(&e.a, c->fixups.at[i].copy_rt);
		asm_u64(&e.a, c->fixups.at[i].original_rt);
	}
	ok = emit_hooks(&e, &scratch, table_rt, err) && asm_ok(&e.a, err);
	c->size = e.a.n;
	arena_release(&scratch);
	map_release(&e.tables);
	return ok;
}

void code_forget(struct code *c)
{
	if (c->bytes)
		munmap(c->bytes, c->room);
	c->bytes = NULL;
}

void code_release(struct code *c)
{
	code_forget(c);
	vec_release(&c->jumps);
	vec_release(&c->fixups);
	*c = (struct code){ 0 };
}
