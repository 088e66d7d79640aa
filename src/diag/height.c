#include "diag/height.h"

#include "go/fork.h"
#include "go/roles.h"
#include "go/tables.h"

enum {
	CALL_SIZE = 8,		/* what a call pushes */
	DEPTH = 500,		/* chains are not followed further; real ones have a dozen */
};

void heights_make(struct heights *h, struct callgraph *g)
{
	*h = (struct heights){ .g = g };
	h->of = ARENA_ARRAY(&h->arena, struct height, g->prog->nfuncs + 1);
	for (u32 i = 0; i < g->prog->nfuncs; i++) {
		u32 n;
		const u32 *callers = callgraph_callers(g, i, &n);

		for (u32 k = 0; k < n; k++)
			h->of[callers[k]].calls = true;
	}
}

void heights_release(struct heights *h)
{
	arena_release(&h->arena);
}

i32 height_limit(const struct go_program *prog)
{
	i32 guards = prog->race ? prog->rel->race_guard : 1;

	return STACK_NOSPLIT * guards - CALL_SIZE;
}

/* Where a probe (int3) or a jump out of the text was put over the entry. */
static bool is_overwritten(const struct go_program *prog, const struct go_func *f, struct str code)
{
	enum { INT3 = 0xcc, JUMP = 0xe9, JUMP_SIZE = 5 };
	i32 rel;

	if (code.n < JUMP_SIZE || f->size < JUMP_SIZE || (u8)code.p[0] != JUMP)
		return code.n && (u8)code.p[0] == INT3;
	memcpy(&rel, code.p + 1, sizeof(rel));
	return (u64)f->pc + JUMP_SIZE + (u64)(i64)rel >= prog->md.etext_va - prog->md.text_va;
}

bool func_checks_stack(const struct go_program *prog, const struct go_func *f)
{
	struct str code = str_cut(go_func_bytes(prog, f), 0, f->size);

	return stack_check_begins(code) || is_overwritten(prog, f, code);
}

static const struct height *count(struct heights *h, u32 func, u32 depth);

static void more(struct height *is, i32 bytes, u32 to, u32 at)
{
	if (bytes <= is->bytes)
		return;
	is->bytes = bytes;
	is->to = to;
	is->at = at;
}

static i32 sum(i32 a, i32 b)
{
	return b > HEIGHT_ENDLESS - a ? HEIGHT_ENDLESS : a + b;
}

/* SP at an instruction, from the entry downwards. */
static i32 used_at(const struct heights *h, const struct go_func *f, u32 at)
{
	i32 sp = go_pcvalue(h->g->prog, f, f->pcsp, (u64)f->pc + at);

	return MAX(sp, 0);
}

static void count_call(struct heights *h, u32 func, struct height *is, u32 to, u32 at, bool pushes,
		       u32 depth)
{
	const struct go_func *f = &h->g->prog->funcs[func];
	i32 used = used_at(h, f, at) + (pushes ? CALL_SIZE : 0);
	const struct height *callee = to == UINT32_MAX ? NULL : count(h, to, depth + 1);

	more(is, sum(used, callee ? callee->bytes : CALL_SIZE), to, at);
}

/* Calls through registers: what they certainly lead to. What ends the program may ruin the stack:
 * systemstack calls badsystemstack so. */
static void count_values(struct heights *h, u32 func, struct height *is, u32 depth)
{
	const struct calls *c = callgraph_calls(h->g, func);

	for (u32 k = 0; k < c->n; k++)
		if (c->at[k].kind == CALL_FUNC_VALUE && c->at[k].certainty == CERTAIN &&
		    h->g->roles[c->at[k].to] != ROLE_ENDS)
			count_call(h, func, is, c->at[k].to, c->at[k].at, true, depth);
}

/* May it call something? Seen from its bytes: most functions without a check do not. */
static bool may_call(const struct heights *h, u32 func)
{
	enum { INDIRECT = 0xff };	/* /2 is a call, /4 a jump */
	const struct go_func *f = &h->g->prog->funcs[func];
	struct str code = str_cut(go_func_bytes(h->g->prog, f), 0, f->size);

	for (size_t i = 0; i + 1 < code.n; i++)
		if ((u8)code.p[i] == INDIRECT &&
		    ((code.p[i + 1] & 0x38) == 0x10 || (code.p[i + 1] & 0x38) == 0x20))
			return true;
	return h->of[func].calls;
}

static void count_calls(struct heights *h, u32 func, struct height *is, u32 depth)
{
	const struct go_program *prog = h->g->prog;
	const struct go_func *f = &prog->funcs[func];
	OWN(arena) a = {0};
	bool values = false;
	struct flow flow;
	struct err ignored;

	if (!go_flow(prog, f, &a, &flow, &ignored))
		return;
	for (u32 k = 0; k < flow.n; k++) {
		const struct insn *i = &flow.insns[k];
		bool call = i->kind == INSN_CALL;
		u32 to;

		if (!call && i->kind != INSN_TAIL)
			continue;
		if (!i->rel_size) {
			values = true;
			if (call)
				count_call(h, func, is, UINT32_MAX, i->at, true, depth);
			continue;
		}
		to = callgraph_func(h->g, flow.va + (u64)i->target);
		if (to != UINT32_MAX)
			count_call(h, func, is, to, i->at, call, depth);
	}
	if (values)
		count_values(h, func, is, depth);
}

/* morestack switches to a system stack, or ends the program. */
static bool is_morestack(const struct go_func *f)
{
	return str_starts(f->name, STR("runtime.morestack"));
}

static const struct height *count(struct heights *h, u32 func, u32 depth)
{
	static const struct height endless = { .bytes = HEIGHT_ENDLESS, .to = UINT32_MAX },
				   none = { .to = UINT32_MAX };
	const struct go_func *f = &h->g->prog->funcs[func];
	struct height *is = &h->of[func];
	struct runs sp;

	if (is->known)
		return is;
	if (is->open) {
		is->again = true;
		return &endless;
	}
	if (depth > DEPTH)
		return &none;
	is->open = true;
	is->to = UINT32_MAX;
	if (func_checks_stack(h->g->prog, f)) {
		is->bytes = CALL_SIZE;
	} else if (f->pcsp && !is_morestack(f)) {
		sp = runs_of(h->g->prog, f->pcsp);
		while (runs_next(&sp))
			more(is, sp.value, UINT32_MAX, sp.from);
		if (may_call(h, func))
			count_calls(h, func, is, depth);
	}
	is->open = false;
	is->known = true;
	return is;
}

const struct height *height_of(struct heights *h, u32 func)
{
	return count(h, func, 0);
}
