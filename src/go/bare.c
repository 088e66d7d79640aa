#include "go/bare.h"

#include <string.h>

#include "go/fork.h"
#include "go/tables.h"

/* Its frame is empty from beginning to end: a frame pointer would have taken room. */
static bool is_empty(const struct go_program *prog, const struct go_func *f)
{
	struct runs r = runs_of(prog, f->pcsp);

	while (runs_next(&r))
		if (r.value)
			return false;
	return true;
}

/* push rbp, or mov [rsp+disp], rbp */
static bool keeps_bp(const u8 *insn, u8 size)
{
	return (size == 1 && insn[0] == 0x55) ||
	       (size >= 4 && insn[0] == 0x48 && insn[1] == 0x89 &&
		(insn[2] & 0x3f) == 0x2c && insn[3] == 0x24);
}

/* Assembly of the runtime is left out: it switches stacks, and nobody is above it. */
static bool may_be_bare(const struct go_program *prog, const struct go_func *f)
{
	struct str package = go_name_split(f->name).package;

	return f->pcsp && f->size && package.n &&
	       (f->assembly ? !go_is_runtime(package) : is_empty(prog, f));
}

static bool decode(const struct go_program *prog, const struct go_func *f, struct arena *a,
		   struct flow *flow)
{
	struct err ignored;

	return go_flow(prog, f, a, flow, &ignored);
}

/* Assembly that calls nothing: what it calls never looks at a stack. */
static bool is_leaf(const struct go_program *prog, const struct go_func *f, struct arena *a)
{
	struct flow flow;

	if (!f || !f->assembly || !decode(prog, f, a, &flow))
		return false;
	for (u32 i = 0; i < flow.n; i++)
		if (flow.insns[i].kind == INSN_CALL || flow.insns[i].kind == INSN_TAIL)
			return false;
	return true;
}

static bool is_bare(const struct flow *flow)
{
	bool calls = false;

	for (u32 i = 0; i < flow->n; i++) {
		const struct insn *in = &flow->insns[i];

		if (keeps_bp(flow->bytes + in->at, in->size))
			return false;
		calls = calls || in->kind == INSN_CALL;
	}
	return calls;
}

static void add_calls(struct go_bare_calls *to, const struct go_program *prog,
		      const struct go_func *f, const struct flow *flow, struct arena *scratch)
{
	for (u32 i = 0; i < flow->n && to->n < GO_BARE_CALLS; i++) {
		const struct insn *in = &flow->insns[i];
		u32 pc = f->pc + in->at + in->size;
		i32 up = go_pcvalue(prog, f, f->pcsp, pc - 1);

		if (in->kind == INSN_CALL && up >= 0 && up % 8 == 0 &&
		    !(in->rel_size &&
		      is_leaf(prog, go_func_at(prog, (u64)(f->pc + in->target)), scratch)))
			to->at[to->n++] = (struct go_bare_call){ pc, (u32)up };
	}
}

struct go_bare_calls go_bare_calls(const struct go_program *prog, struct arena *a)
{
	struct go_bare_calls to = { .at = ARENA_ARRAY(a, struct go_bare_call, GO_BARE_CALLS) };

	for (size_t i = 0; i < prog->nfuncs && to.n < GO_BARE_CALLS; i++) {
		const struct go_func *f = &prog->funcs[i];
		struct arena scratch = { 0 };
		struct flow flow;

		if (may_be_bare(prog, f) && decode(prog, f, &scratch, &flow) && is_bare(&flow))
			add_calls(&to, prog, f, &flow, &scratch);
		arena_release(&scratch);
	}
	return to;
}
