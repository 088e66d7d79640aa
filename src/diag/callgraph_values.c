/* Where a func value or an itab comes from. The ways that are followed:
 *
 *   lea reg, [rip+X]                 an address in the image: certain
 *   mov reg, [rip+G]                 a variable: its first value, and what the code stores there
 *   call runtime.typeAssert…         an itab of the interface that it is asked for
 *   a parameter                      what the callers of the function pass, if they are few
 *
 * What was loaded from the heap, from a captured variable or came out of a call is unknown. */
#include "diag/callgraph_impl.h"

#include "go/fork.h"
#include "go/roles.h"

enum {
	NEST = 12,		/* joins of joins */
	DEPTH = 3,		/* callers of callers, variables of variables */
	CALLERS = 64,		/* more than these are not looked at */
	BODIES = 512,		/* nor more for the calls of one function */
	VARIABLES = 256,	/* nor more in all: each is looked for in the whole text */
	VALUES = 1024,
	ASSERT_INTER = 8,	/* abi.TypeAssert: cache, interface type, can fail */
	SWITCH_N = 8, SWITCH_CASES = 16, CASES = 64,	/* abi.InterfaceSwitch: cache, n, types */
};

static bool keeps(const void *ctx, i64 target)
{
	const struct body *b = ctx;
	u32 to = callgraph_func(b->g, b->flow.va + (u64)target);

	return to != UINT32_MAX && b->g->roles[to] == ROLE_WRITE_BARRIER;
}

bool body_open(struct body *b, struct callgraph *g, u32 func)
{
	struct err err;

	*b = (struct body){ .g = g, .func = &g->prog->funcs[func] };
	return go_flow(g->prog, b->func, &b->a, &b->flow, &err);
}

void body_release(struct body *b)
{
	if (b->asked)
		origins_end(&b->origins);
	arena_release(&b->a);
}

struct origins *body_origins(struct body *b)
{
	if (!b->asked)
		origins_begin(&b->origins, &b->flow, &b->a, keeps, b);
	b->asked = true;
	return &b->origins;
}

u32 body_callee(const struct body *b, const struct insn *i)
{
	return i->rel_size ? callgraph_func(b->g, b->flow.va + (u64)i->target) : UINT32_MAX;
}

void values_release(struct values *v)
{
	vec_release(&v->all);
}

static void add(struct values *to, u64 va, i64 off, bool itab)
{
	if (to->all.n == VALUES) {
		to->unknown = true;
		return;
	}
	for (size_t i = 0; i < to->all.n; i++)
		if (to->all.at[i].va == va && to->all.at[i].off == off)
			return;
	*vec_push(&to->all) = (struct value){ va, off, itab };
}

static void walk(struct body *b, const struct origin *x, i64 off, u32 nest, struct values *to);

/* The stores of 8 bytes to a variable in one function. */
static void stores_in(struct callgraph *g, u32 func, u64 va, struct values *to)
{
	struct body b;

	if (body_open(&b, g, func))
		for (u32 k = 0; k < b.flow.n; k++) {
			const struct insn *i = &b.flow.insns[k];
			const struct effect *e;

			if (!i->disp_at || i->kind != INSN_PLAIN ||
			    b.flow.va + (u64)flow_rip_target(&b.flow, i) != va)
				continue;
			e = origins_effect(body_origins(&b), k);
			if (e->kind == EFFECT_STORE && e->size == 8 && e->reg < GP_XMM0)
				walk(&b, origin_of(&b.origins, k, e->reg), 0, 0, to);
		}
	body_release(&b);
}

VEC_TYPE(users, u32);

/* Functions with a displacement that, counted from its own end, leads to va; that it is one is
 * seen when they are decoded. An operand may follow it: up to 4 bytes. */
static void users_of(const struct callgraph *g, u64 va, struct users *list)
{
	const struct go_program *prog = g->prog;
	u64 size = prog->md.etext_va - prog->md.text_va;
	struct str text = image_bytes(prog->img, prog->md.text_va, size);

	for (size_t i = 0; i + 4 <= text.n; i++) {
		u32 want = (u32)(va - (prog->md.text_va + i + 4)), disp;
		const struct go_func *f;
		u32 func;

		memcpy(&disp, text.p + i, sizeof(disp));
		if (want - disp > 4)
			continue;
		f = go_func_at(prog, i);
		func = f ? (u32)(f - prog->funcs) : UINT32_MAX;
		if (f && (!list->n || list->at[list->n - 1] != func))
			*vec_push(list) = func;
	}
}

/* What the program gives a variable: asked once, then kept. */
static const struct values *stored_in(struct callgraph *g, u64 va)
{
	u64 *slot = map_get(&g->stored, va), first;
	struct users users = { 0 };
	struct values *all;

	if (slot)
		return (const struct values *)(uintptr_t)*slot;
	all = ARENA_NEW(&g->arena, struct values);
	*map_put(&g->stored, va) = (u64)(uintptr_t)all;
	if (image_u64(g->prog->img, va, &first) && first)
		add(all, first, 0, false);
	if (g->depth == DEPTH || g->stored.n > VARIABLES) {
		all->unknown = true;
		return all;
	}
	g->depth++;
	users_of(g, va, &users);
	for (size_t i = 0; i < users.n; i++)
		stores_in(g, users.at[i], va, all);
	vec_release(&users);
	g->depth--;
	return all;
}

static bool is_writable(const struct image *img, u64 va)
{
	for (size_t i = 0; i < img->nsegs; i++)
		if (va - img->segs[i].va < img->segs[i].size)
			return img->segs[i].write;
	return false;
}

static void from_memory(struct body *b, u64 va, i64 off, struct values *to)
{
	const struct values *all;
	u64 word;

	if (!is_writable(b->g->prog->img, va)) {
		if (image_u64(b->g->prog->img, va, &word))
			add(to, word, off, false);
		return;
	}
	all = stored_in(b->g, va);
	to->candidates = true;
	if (all == to)
		return;		/* it is given what it holds already */
	to->unknown |= all->unknown;
	for (size_t i = 0; i < all->all.n; i++)
		add(to, all->all.at[i].va, all->all.at[i].off + off, all->all.at[i].itab);
}

/* What the register holds where the function is called. */
static void from_callers(struct body *b, u8 reg, i64 off, struct values *to)
{
	struct callgraph *g = b->g;
	u32 self = (u32)(b->func - g->prog->funcs);
	const u32 *callers;
	u32 n;

	to->candidates = true;
	if (g->depth == DEPTH) {
		to->unknown = true;
		return;
	}
	g->depth++;
	callers = callgraph_callers(g, self, &n);
	to->unknown |= !n || n > CALLERS;
	for (u32 i = 0; i < n && i < CALLERS && g->bodies < BODIES; i++, g->bodies++) {
		struct body c;

		if (body_open(&c, g, callers[i]))
			for (u32 k = 0; k < c.flow.n; k++)
				if (c.flow.insns[k].kind == INSN_CALL &&
				    body_callee(&c, &c.flow.insns[k]) == self)
					walk(&c, origin_of(body_origins(&c), k, reg), off, 0, to);
		body_release(&c);
	}
	to->unknown |= g->bodies == BODIES;
	g->depth--;
}

/* The interfaces of an abi.InterfaceSwitch. */
static bool from_switch(struct body *b, u64 va, i64 off, struct values *to)
{
	const struct image *img = b->g->prog->img;
	u64 n, inter;

	if (!image_u64(img, va + SWITCH_N, &n) || n > CASES)
		return false;
	for (u64 i = 0; i < n; i++)
		if (image_u64(img, va + SWITCH_CASES + 8 * i, &inter))
			add(to, inter, off, true);
	return n;
}

/* The result of a call that makes an itab: for which interface? */
static bool from_assert(struct body *b, const struct origin *x, i64 off, struct values *to)
{
	u32 callee = body_callee(b, &b->flow.insns[x->insn]);
	u8 role = callee == UINT32_MAX ? ROLE_NONE : b->g->roles[callee];
	const struct origin *arg;
	u64 va;

	if (x->reg != (role == ROLE_INTERFACE_SWITCH ? GP_RBX : GP_RAX) ||
	    (role != ROLE_ASSERT && role != ROLE_TYPE_ASSERT && role != ROLE_INTERFACE_SWITCH))
		return false;
	arg = origin_of(&b->origins, x->insn, GP_RAX);
	if (arg->kind != ORIGIN_ADDRESS)
		return false;
	to->candidates = true;
	va = b->flow.va + (u64)(arg->at + arg->off);
	if (role == ROLE_INTERFACE_SWITCH)
		return from_switch(b, va, off, to);
	if (role == ROLE_TYPE_ASSERT && !image_u64(b->g->prog->img, va + ASSERT_INTER, &va))
		return false;
	add(to, va, off, true);
	return true;
}

static void walk(struct body *b, const struct origin *x, i64 off, u32 nest, struct values *to)
{
	off += x->off;
	switch (nest < NEST ? x->kind : ORIGIN_UNKNOWN) {
	case ORIGIN_CONST:
		return;		/* nil */
	case ORIGIN_ADDRESS:
		add(to, b->flow.va + (u64)x->at, off, false);
		return;
	case ORIGIN_EITHER:
		to->candidates = true;
		walk(b, x->from, off, nest + 1, to);
		walk(b, x->other, off, nest + 1, to);
		return;
	case ORIGIN_LOAD:
		if (x->from->kind != ORIGIN_ADDRESS)
			break;
		from_memory(b, b->flow.va + (u64)(x->from->at + x->from->off), off, to);
		return;
	case ORIGIN_CALL:
		if (from_assert(b, x, off, to))
			return;
		break;
	case ORIGIN_ENTRY:
		if (x->reg == GP_RDX)
			break;		/* the closure's own context */
		from_callers(b, x->reg, off, to);
		return;
	default:
		break;
	}
	to->unknown = true;
}

void values_of(struct body *b, const struct origin *x, struct values *to)
{
	walk(b, x, 0, 0, to);
}
