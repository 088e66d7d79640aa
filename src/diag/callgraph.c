#include "diag/callgraph.h"

#include "diag/callgraph_impl.h"
#include "go/implementers.h"
#include "go/release.h"
#include "go/roles.h"

enum {
	ITAB_HEAD = 24,		/* interface, type, hash; then the code of its methods */
	BACK = 48,		/* how far back a closure on the stack is looked for */
};

const char *call_kind_name(enum call_kind k)
{
	static const char *const names[] = {
		[CALL_DIRECT] = "call", [CALL_TAIL] = "jump", [CALL_FUNC_VALUE] = "func_value",
		[CALL_INTERFACE] = "interface", [CALL_SYSTEMSTACK] = "systemstack",
		[CALL_GO] = "go", [CALL_DEFER] = "defer",
	};

	return names[k];
}

const char *certainty_name(enum certainty c)
{
	return c == CERTAIN ? "certain" : "candidate";
}

void callgraph_make(struct callgraph *g, const struct go_program *prog)
{
	*g = (struct callgraph){ .prog = prog };
	g->roles = ARENA_ARRAY(&g->arena, u8, prog->nfuncs + 1);
	g->of = ARENA_ARRAY(&g->arena, struct calls *, prog->nfuncs + 1);
	for (size_t i = 0; i < prog->nfuncs; i++)
		g->roles[i] = (u8)go_role_of(prog->funcs[i].name, prog->rel->minor);
}

VEC_TYPE(code_list, u64);

void callgraph_release(struct callgraph *g)
{
	for (size_t i = 0; i < g->stored.room; i++)
		if (g->stored.slots[i].used)
			values_release((struct values *)(uintptr_t)g->stored.slots[i].value);
	for (size_t i = 0; i < g->implementers.room; i++)
		if (g->implementers.slots[i].used) {
			struct code_list *l = (void *)(uintptr_t)g->implementers.slots[i].value;

			vec_release(l);
		}
	map_release(&g->implementers);
	map_release(&g->stored);
	arena_release(&g->arena);
}

u32 callgraph_func(const struct callgraph *g, u64 va)
{
	const struct go_program *prog = g->prog;
	u64 pc = va - prog->md.text_va;
	const struct go_func *f = pc < prog->md.etext_va - prog->md.text_va
					  ? go_func_at(prog, pc) : NULL;

	return f && f->pc == pc ? (u32)(f - prog->funcs) : UINT32_MAX;
}

/* While the calls of one function are looked for. */
struct search {
	struct body b;
	VEC(struct call) all;
	/* stores of registers to the frame, by instruction, once they are asked for */
	struct { u32 *at, n; } kept;
	u32 unknown;
};

static void add(struct search *s, u32 to, u32 at, enum call_kind kind, enum certainty c)
{
	for (size_t i = 0; i < s->all.n; i++)
		if (s->all.at[i].to == to && s->all.at[i].kind == kind &&
		    s->all.at[i].certainty >= c)
			return;
	*vec_push(&s->all) = (struct call){ to, at, (u8)kind, (u8)c };
}

static void implementer(void *ctx, u64 code_va)
{
	struct code_list *list = ctx;

	*vec_push(list) = code_va;
}

/* The code of method number `method` of all that implement an interface: asked once, then kept. */
static const struct code_list *implementers_of(struct callgraph *g, u64 inter_va, u64 method)
{
	u64 key = inter_va << 16 | (method & 0xffff), *slot = map_get(&g->implementers, key);
	struct code_list *list;

	if (slot)
		return (const struct code_list *)(uintptr_t)*slot;
	list = ARENA_NEW(&g->arena, struct code_list);
	*map_put(&g->implementers, key) = (u64)(uintptr_t)list;
	go_each_implementer(g->prog, go_type_at(g->prog, inter_va), method, implementer, list);
	return list;
}

/* False: nobody has it. */
static bool add_implementers(struct search *s, u64 inter_va, i64 off, u32 at)
{
	u64 method = (u64)(off - ITAB_HEAD) / 8;
	const struct code_list *list = implementers_of(s->b.g, inter_va, method);

	for (size_t i = 0; i < list->n; i++) {
		u32 to = callgraph_func(s->b.g, list->at[i]);

		if (to != UINT32_MAX)
			add(s, to, at, CALL_INTERFACE, CANDIDATE);
	}
	return list->n;
}

/* The code pointer at a func value, or at a method's place in an itab. */
static bool add_value(struct search *s, const struct value *v, u32 at, enum call_kind kind,
		      enum certainty c)
{
	const struct go_program *prog = s->b.g->prog;
	u64 code;
	u32 to;

	if (v->off >= ITAB_HEAD && v->off % 8 == 0)
		kind = CALL_INTERFACE;
	if (v->itab)
		return kind == CALL_INTERFACE && add_implementers(s, v->va, v->off, at);
	if (!image_u64(prog->img, v->va + (u64)v->off, &code))
		return false;
	to = callgraph_func(s->b.g, code);
	if (to != UINT32_MAX)
		add(s, to, at, kind, c);
	return to != UINT32_MAX;
}

/* Those that the pointer x leads to. False: none is known. (Of nil it is known that it leads to
 * none.) */
static bool add_values(struct search *s, const struct origin *x, u32 at, enum call_kind kind)
{
	struct values v = { 0 };
	bool any;

	values_of(&s->b, x, &v);
	any = !v.all.n && !v.unknown;
	for (size_t i = 0; i < v.all.n; i++)
		any |= add_value(s, &v.all.at[i], at, kind,
				 v.unknown || v.candidates || v.all.n > 1 ? CANDIDATE : CERTAIN);
	values_release(&v);
	return any;
}

static bool add_target(struct search *s, const struct origin *x, u32 at, u32 nest)
{
	bool one, other;

	if (x->kind == ORIGIN_EITHER && nest < 8) {
		one = add_target(s, x->from, at, nest + 1);
		other = add_target(s, x->other, at, nest + 1);
		return one || other;
	}
	if (x->kind == ORIGIN_ADDRESS) {	/* the code itself */
		u32 to = callgraph_func(s->b.g, s->b.flow.va + (u64)(x->at + x->off));

		if (to != UINT32_MAX)
			add(s, to, at, CALL_FUNC_VALUE, nest ? CANDIDATE : CERTAIN);
		return to != UINT32_MAX;
	}
	return x->kind == ORIGIN_LOAD && add_values(s, x->from, at, CALL_FUNC_VALUE);
}

static bool add_frame_closure(struct search *s, u32 k, u8 reg, u32 at, enum call_kind kind,
			      enum certainty c);

static void find_kept(struct search *s)
{
	const struct flow *f = &s->b.flow;

	s->kept.at = ARENA_ARRAY(&s->b.a, u32, f->n + 1);
	for (u32 k = 0; k < f->n; k++) {
		const struct effect *e;

		if (f->insns[k].kind != INSN_PLAIN)
			continue;
		e = origins_effect(body_origins(&s->b), k);
		if (e->kind == EFFECT_STORE && e->size == 8 && e->reg < GP_XMM0 &&
		    e->mem.base == GP_RSP && e->mem.index == GP_NONE)
			s->kept.at[s->kept.n++] = k;
	}
}

/* Closures whose address some store put into the frame at SP + off: those of deferred calls wait
 * there. */
static bool add_kept_closures(struct search *s, i64 off, u32 at, enum call_kind kind)
{
	u32 n = 0;
	bool any = false;

	if (!s->kept.at)
		find_kept(s);
	for (u32 i = 0; i < s->kept.n; i++)
		n += origins_effect(&s->b.origins, s->kept.at[i])->mem.disp == off;
	for (u32 i = 0; i < s->kept.n; i++) {
		const struct effect *e = origins_effect(&s->b.origins, s->kept.at[i]);

		if (e->mem.disp == off)
			any |= add_frame_closure(s, s->kept.at[i], e->reg, at, kind,
						 n == 1 ? CERTAIN : CANDIDATE);
	}
	return any;
}

/* A closure that lies in the caller's frame: `lea reg, [rsp+n]`, and its code was stored there.
 * The register is looked for from insn k backwards. */
static bool add_frame_closure(struct search *s, u32 k, u8 reg, u32 at, enum call_kind kind,
			      enum certainty c)
{
	for (u32 back = 1; back <= BACK && back <= k; back++) {
		const struct effect *e = origins_effect(body_origins(&s->b), k - back);
		const struct origin *x;
		u32 to;

		if (!(e->writes & 1u << reg))
			continue;
		if (e->kind == EFFECT_MOVE && e->reg == reg && e->from < GP_XMM0)
			return add_frame_closure(s, k - back, e->from, at, kind, c);
		if (e->kind != EFFECT_LEA || e->mem.base != GP_RSP || e->mem.index != GP_NONE)
			return false;
		x = origin_of_slot(&s->b.origins, k, e->mem.disp);
		to = x->kind == ORIGIN_ADDRESS
			     ? callgraph_func(s->b.g, s->b.flow.va + (u64)(x->at + x->off))
			     : UINT32_MAX;
		if (to != UINT32_MAX)
			add(s, to, at, kind, c);
		return to != UINT32_MAX;
	}
	return false;
}

/* `mov rdx, [rsp+n]; mov rax, [rdx]; call rax`: the first of these that writes reg, from insn k
 * backwards. */
static const struct effect *load_before(struct search *s, u32 *k, u8 reg)
{
	for (u32 back = 1; back <= BACK && back <= *k; back++) {
		const struct effect *e = origins_effect(body_origins(&s->b), *k - back);

		if (!(e->writes & 1u << reg))
			continue;
		*k -= back;
		return e->kind == EFFECT_LOAD && e->size == 8 && e->mem.index == GP_NONE &&
		       e->mem.base < GP_XMM0 ? e : NULL;
	}
	return NULL;
}

/* A call of a closure that lies in the frame, or waits there to be called. */
static bool calls_frame_closure(struct search *s, u32 k, u8 reg)
{
	u32 at = s->b.flow.insns[k].at;
	const struct effect *code = load_before(s, &k, reg), *closure;
	u8 from = code ? code->mem.base : GP_NONE;

	if (!code || code->mem.disp || from == GP_RSP)
		return false;
	if (add_frame_closure(s, k, from, at, CALL_FUNC_VALUE, CERTAIN))
		return true;
	closure = load_before(s, &k, from);
	return closure && closure->mem.base == GP_RSP &&
	       add_kept_closures(s, closure->mem.disp, at, CALL_FUNC_VALUE);
}

static void indirect(struct search *s, u32 k)
{
	const struct insn *i = &s->b.flow.insns[k];
	u8 reg = effect_called(&s->b.flow, i);

	if (reg == GP_NONE ||
	    (!add_target(s, origin_of(body_origins(&s->b), k, reg), i->at, 0) &&
	     !calls_frame_closure(s, k, reg)))
		s->unknown++;
}

/* Code whose address is taken shortly before: of a closure that was made on the heap. */
static bool add_taken_code(struct search *s, u32 k, u32 at, enum call_kind kind)
{
	for (u32 back = 1; back <= BACK && back <= k; back++) {
		const struct insn *i = &s->b.flow.insns[k - back];
		u32 to;

		if (!i->disp_at || i->kind != INSN_PLAIN)
			continue;
		to = callgraph_func(s->b.g, s->b.flow.va + (u64)flow_rip_target(&s->b.flow, i));
		if (to == UINT32_MAX)
			continue;
		add(s, to, at, kind, CANDIDATE);
		return true;
	}
	return false;
}

/* The func value that is handed over: in AX. */
static void handed_in_register(struct search *s, u32 k, enum call_kind kind)
{
	u32 at = s->b.flow.insns[k].at;

	if (!add_values(s, origin_of(body_origins(&s->b), k, GP_RAX), at, kind) &&
	    !add_frame_closure(s, k, GP_RAX, at, kind, CERTAIN) && !add_taken_code(s, k, at, kind))
		s->unknown++;
}

/* ... or as the word at SP. */
static void handed_on_stack(struct search *s, u32 k, enum call_kind kind)
{
	u32 at = s->b.flow.insns[k].at;

	if (add_values(s, origin_of_slot(body_origins(&s->b), k, 0), at, kind))
		return;
	for (u32 back = 1; back <= BACK && back <= k; back++) {
		const struct effect *e = origins_effect(&s->b.origins, k - back);

		if (e->kind == EFFECT_STORE && e->mem.base == GP_RSP && !e->mem.disp &&
		    e->mem.index == GP_NONE && e->reg < GP_XMM0 &&
		    add_frame_closure(s, k - back, e->reg, at, kind, CERTAIN))
			return;
	}
	if (!add_taken_code(s, k, at, kind))
		s->unknown++;
}

static void direct(struct search *s, u32 k)
{
	const struct insn *i = &s->b.flow.insns[k];
	u64 va = s->b.flow.va + (u64)i->target;
	const struct go_program *prog = s->b.g->prog;
	const struct go_func *f = go_func_at(prog, va - prog->md.text_va);
	u32 to = f ? (u32)(f - prog->funcs) : UINT32_MAX;

	if (!f)
		return;		/* C, or nothing */
	add(s, to, i->at, i->kind == INSN_CALL ? CALL_DIRECT : CALL_TAIL, CERTAIN);
	if (i->kind != INSN_CALL)
		return;
	switch (s->b.g->roles[to]) {
	case ROLE_SYSTEMSTACK: handed_on_stack(s, k, CALL_SYSTEMSTACK); break;
	case ROLE_MCALL: handed_in_register(s, k, CALL_SYSTEMSTACK); break;
	/* what gopark calls on g0 when the goroutine is parked, or nil */
	case ROLE_PARKS: handed_in_register(s, k, CALL_SYSTEMSTACK); break;
	case ROLE_GO: handed_in_register(s, k, CALL_GO); break;
	case ROLE_DEFER: handed_in_register(s, k, CALL_DEFER); break;
	default: break;
	}
}

static void search(struct search *s)
{
	const struct flow *f = &s->b.flow;

	for (u32 k = 0; k < f->n; k++) {
		const struct insn *i = &f->insns[k];
		bool out = i->rel_size && (i->target < 0 || i->target >= f->size);

		if (i->kind == INSN_CALL && !i->rel_size)
			indirect(s, k);
		else if (i->kind == INSN_TAIL && !i->rel_size)
			indirect(s, k);
		else if (out || (i->kind == INSN_CALL && i->rel_size && !i->target))
			direct(s, k);
	}
}

const struct calls *callgraph_calls(struct callgraph *g, u32 func)
{
	struct search s = { 0 };
	struct calls *c = g->of[func];

	if (c)
		return c;
	c = g->of[func] = ARENA_NEW(&g->arena, struct calls);
	g->bodies = 0;
	if (body_open(&s.b, g, func))
		search(&s);
	else
		c->undecoded = true;
	c->n = (u32)s.all.n;
	c->at = arena_copy(&g->arena, s.all.at, s.all.n * sizeof(*s.all.at));
	c->unknown = s.unknown;
	vec_release(&s.all);
	body_release(&s.b);
	return c;
}
