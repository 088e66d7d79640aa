#include "go/fork.h"

#include "base/vec.h"
#include "x86/form.h"

static bool word(const void *ctx, u64 va, u64 *to)
{
	return image_u64(ctx, va, to);
}

struct forms *go_forms(const struct go_program *prog)
{
	struct go_program *p = (struct go_program *)(uintptr_t)prog;	/* a cache */

	if (!p->forms)
		p->forms = forms_make(&p->arena);
	return p->forms;
}

static struct flow_input input(const struct go_program *prog, const struct go_func *f)
{
	return (struct flow_input){
		.bytes = go_func_bytes(prog, f),
		.size = f->size,
		.va = go_func_va(prog, f),
		.deferreturn = f->deferreturn,
		.word = word,
		.ctx = prog->img,
		.forms = go_forms(prog),
	};
}

bool go_flow(const struct go_program *prog, const struct go_func *f, struct arena *a,
	     struct flow *flow, struct err *err)
{
	struct flow_input in = input(prog, f);

	return flow_make(flow, a, &in, err);
}

bool go_listing(const struct go_program *prog, const struct go_func *f, struct arena *a,
		struct flow *flow, struct err *err)
{
	struct flow_input in = input(prog, f);

	in.listing = true;
	return flow_make(flow, a, &in, err);
}

/* Starts at every function whose name says that it forks; the runtime's own functions behind a call
 * (panics, stack growth) end the walk: they are patched only when named, and never return here. */
static void walk(const struct go_program *prog, struct map *set)
{
	VEC(const struct go_func *) todo = { 0 };
	struct arena scratch = { 0 };

	for (size_t i = 0; i < prog->nfuncs; i++) {
		struct str name = prog->funcs[i].name;

		if (str_starts(name, STR("syscall.forkAndExec")) ||
		    str_starts(name, STR("syscall.rawVfork")) ||
		    str_starts(name, STR("syscall.runtime_AfterFork")) ||
		    str_starts(name, STR("syscall.runtime_BeforeFork")))
			*vec_push(&todo) = &prog->funcs[i];
	}
	for (size_t i = 0; i < todo.n; i++) {
		const struct go_func *f = todo.at[i], *to;
		struct flow flow;
		struct err err;

		if (map_get(set, f->pc))
			continue;
		*map_put(set, f->pc) = 1;
		arena_reset(&scratch);
		if (!go_flow(prog, f, &scratch, &flow, &err))
			continue;
		for (u32 k = 0; k < flow.n; k++) {
			if ((flow.insns[k].kind != INSN_CALL && flow.insns[k].kind != INSN_TAIL) ||
			    !flow.insns[k].rel_size)
				continue;
			to = go_func_at(prog, (u64)((i64)f->pc + flow.insns[k].target));
			if (to && (!str_starts(to->name, STR("runtime.")) ||
				   str_find(to->name, STR("syscall")) >= 0))
				*vec_push(&todo) = to;
		}
	}
	vec_release(&todo);
	arena_release(&scratch);
}

bool go_runs_in_fork_child(const struct go_program *prog, const struct go_func *f)
{
	if (!prog->fork_child) {	/* a cache: the program is the same before and after */
		struct go_program *p = (struct go_program *)prog;

		p->fork_child = ARENA_NEW(&p->arena, struct map);
		walk(prog, p->fork_child);
	}
	return map_get(prog->fork_child, f->pc) != NULL;
}
