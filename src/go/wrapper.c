#include "go/wrapper.h"

#include <stdio.h>

#include "go/fork.h"

struct search {
	const struct go_program *prog;
	struct str function;	/* the wrapper's own, without its receiver */
	struct str method;
};

/* What is inlined there into the wrapper itself, or into wrappers that are inlined into it: behind
 * those the method may still be called. */
static void look(void *ctx, struct str name UNUSED, const struct go_func *in, u64 pc)
{
	struct search *s = ctx;
	struct go_frame frames[GO_FRAMES];
	size_t i = go_frames_at(s->prog, in, pc, frames) - 1;
	struct go_name n;

	while (i && frames[i].wrapper)
		i--;
	n = go_name_split(frames[i].name);
	if (!frames[i].wrapper && !n.closure.n && str_eq(n.function, s->function))
		s->method = frames[i].name;
}

static bool is_help(const struct go_func *to)
{
	return to && (str_eq(to->name, STR("runtime.panicwrap")) ||
		      str_starts(to->name, STR("runtime.morestack")));
}

/* It goes nowhere else: what it wraps has been inlined, and has no instruction of its own. */
static bool calls_nothing(const struct go_program *prog, const struct go_func *f)
{
	OWN(arena) a = { 0 };
	struct flow flow;
	struct err err;

	if (!go_flow(prog, f, &a, &flow, &err) || flow.unresolved)
		return false;
	for (u32 i = 0; i < flow.n; i++) {
		const struct insn *at = &flow.insns[i];

		if ((at->kind == INSN_CALL || at->kind == INSN_TAIL) &&
		    (!at->rel_size || !is_help(go_func_at(prog, f->pc + (u64)at->target))))
			return false;
	}
	return true;
}

/* T.M of (*T).M, if that is a function as well. */
static struct str by_value(const struct go_program *prog, struct str name, struct go_name n)
{
	char text[1024];
	const struct go_func *f;
	int size;

	if (!n.pointer)
		return name;
	size = snprintf(text, sizeof(text), "%.*s.%.*s.%.*s", STR_F(n.package),
			(int)n.receiver.n - 1, n.receiver.p + 1, STR_F(n.function));
	if (size >= (int)sizeof(text))
		return name;
	f = go_func_named(prog, (struct str){ text, (size_t)size });
	return f ? f->name : name;
}

bool go_wraps_inlined(const struct go_program *prog, const struct go_func *f, struct str *method)
{
	struct go_name n = go_name_split(f->name);
	bool value = str_eq(n.closure, STR("fm"));
	struct search s = { .prog = prog, .function = n.function };

	if (!f->wrapper || !n.receiver.n || (n.closure.n && !value))
		return false;
	go_each_inline_in(prog, f, look, &s);
	if (s.method.n) {
		*method = s.method;
		return true;
	}
	if (!calls_nothing(prog, f))
		return false;
	*method = value ? str_cut(f->name, 0, f->name.n - 3) : by_value(prog, f->name, n);
	return true;
}
