#include "plan/redact.h"

#include "base/vec.h"
#include "go/dwarf.h"
#include "go/homes.h"
#include "go/inlines.h"
#include "plan/pattern.h"
#include "plan/reading.h"

/* All names by which something that is read can be meant. */
struct names {
	struct plan *p;
	struct dynamic_types d;
	VEC(struct str) all;
	VEC(struct go_type *) todo;
	struct map seen;		/* types, by their place in memory */
	const struct go_func *nameless;	/* one whose parameters have none, or NULL */
};

static void add_type(struct names *n, struct go_type *t)
{
	if (t && !(*map_put(&n->seen, (u64)(uintptr_t)t))++)
		*vec_push(&n->todo) = t;
}

static void add_behind(struct names *n, const struct go_type *t)
{
	for (size_t i = 0; i < n->d.nboxed; i++)
		add_type(n, n->d.boxed[i]);
	for (size_t i = 0; i < n->d.nerrors; i++)
		add_type(n, n->d.errors[i]);
	for (size_t i = 0; t->va && t->nmethods && i < n->d.nitabs; i++)
		if (n->d.itabs[i].inter_va == t->va)
			add_type(n, go_type_at(n->p->prog, n->d.itabs[i].type_va));
}

/* Whatever the limits are: pointers are followed to the end. */
static void add_fields(struct names *n)
{
	while (n->todo.n) {
		struct go_type *t = go_type_load(n->p->prog, n->todo.at[--n->todo.n]);

		for (size_t i = 0; i < t->nfields; i++) {
			*vec_push(&n->all) = t->fields[i].name;
			add_type(n, t->fields[i].type);
		}
		if (t->kind == GO_INTERFACE)
			add_behind(n, t);
		add_type(n, t->key);
		add_type(n, t->elem);
	}
}

static void add_params(struct names *n, const struct go_param *params, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		*vec_push(&n->all) = params[i].name;
		add_type(n, params[i].type);
	}
}

static void add_signature(struct names *n, const struct go_sig *sig)
{
	add_params(n, sig->params, sig->nparams);
	add_params(n, sig->results, sig->nresults);
}

static void gather(struct names *n)
{
	for (u32 i = 0; i < n->p->nfuncs; i++) {
		const struct plan_func *f = &n->p->funcs[i];
		const struct go_func *method;
		const struct go_sig *sig;

		if (!f->shown)
			continue;
		sig = go_sig_of(n->p->prog, f->func);
		*vec_push(&n->all) = f->func->name;
		*vec_push(&n->all) = f->method;
		add_signature(n, sig);
		if (sig->from != SIG_DWARF && !n->nameless &&
		    !(f->method.n && n->p->prog->has_dwarf))
			n->nameless = f->func;
		method = f->method.n ? go_func_named(n->p->prog, f->method) : NULL;
		if (method)
			add_signature(n, go_sig_of(n->p->prog, method));
	}
	add_fields(n);
}

static void all_functions(struct names *n)
{
	const struct go_program *prog = n->p->prog;
	struct str *inlined;
	size_t count = go_inlined_names(prog, &n->p->arena, &inlined);

	for (size_t i = 0; i < prog->nfuncs; i++)
		*vec_push(&n->all) = prog->funcs[i].name;
	for (size_t i = 0; i < count; i++)
		*vec_push(&n->all) = inlined[i];
}

static void all_fields(struct names *n)
{
	struct go_type **types;
	size_t count = go_types_all(n->p->prog, &types);

	for (size_t i = 0; i < count; i++)
		add_type(n, types[i]);
	count = go_dwarf_types(n->p->prog, &types);
	for (size_t i = 0; i < count; i++)
		add_type(n, types[i]);
	add_fields(n);
}

static void all_params(struct names *n)
{
	const struct go_program *prog = n->p->prog;

	for (size_t i = 0; i < prog->nfuncs; i++)
		add_signature(n, go_sig_of(prog, &prog->funcs[i]));
}

/* Those of functions that exist only inlined are told of at each such place. */
static void all_inlined_params(struct names *n)
{
	const struct go_program *prog = n->p->prog;
	struct inlines inlines;

	inlines_make(&inlines, prog, &n->p->arena);
	for (size_t i = 0; i < inlines.n; i++) {
		const struct inlined_place *at = &inlines.at[i];
		struct go_frame frames[GO_FRAMES];
		size_t levels = go_frames_at(prog, at->in, at->pc, frames), count;
		u64 va = prog->md.text_va + at->pc;
		struct go_param *params;

		if (levels < 2)
			continue;
		count = go_inlined_params(prog, at->in, va, va, levels - 2, levels - 1, &params);
		add_params(n, params, count);
	}
}

static bool says_nothing(const struct names *n, const char *text, struct err *err)
{
	if (n->nameless)
		return err_set(err, ERR_USAGE, "--redact %s: nothing that is traced is called so, "
			       "and this program has no names for the parameters of %.*s: write "
			       "arg0, arg1, …, or the function's name", text,
			       STR_F(n->nameless->name));
	return err_set(err, ERR_USAGE, "--redact %s: nothing that is traced is called so, neither "
		       "a function nor a parameter or field", text);
}

static void release(struct names *n)
{
	vec_release(&n->all);
	vec_release(&n->todo);
	map_release(&n->seen);
}

static bool is_one_of(const struct names *n, const char *whole)
{
	const char *text = whole + (*whole == '!');
	OWN(patterns) one = { 0 };
	struct err err;
	bool any = false;

	if (!patterns_compile(&one, &text, 1, &err))
		return false;
	for (size_t i = 0; i < n->all.n && !any; i++)
		any = n->all.at[i].n && patterns_match_text(&one, n->all.at[i]);
	return any;
}

bool redact_may_hide(const struct plan *p, const struct plan_func *f)
{
	const struct go_func *method;
	const struct go_sig *sig;

	if (!p->redact.n || !f->method.n || !p->prog->has_dwarf ||
	    go_sig_of(p->prog, f->func)->from == SIG_DWARF)
		return false;
	method = go_func_named(p->prog, f->method);
	if (!method || method == f->func)
		return true;
	sig = go_sig_of(p->prog, method);
	for (size_t i = 0; i < sig->nparams; i++)
		if (plan_redacts(p, sig->params[i].name))
			return true;
	for (size_t i = 0; i < sig->nresults; i++)
		if (plan_redacts(p, sig->results[i].name))
			return true;
	return sig->from != SIG_DWARF;
}

bool redact_check(struct plan *p, struct err *err)
{
	struct names n = { .p = p };
	bool ok = true;

	if (!p->request.nredact)
		return true;
	dynamic_types_find(&n.d, p);
	gather(&n);
	for (size_t i = 0; ok && i < p->request.nredact; i++)
		ok = is_one_of(&n, p->request.redact[i]) ||
		     says_nothing(&n, p->request.redact[i], err);
	release(&n);
	return ok;
}

bool redact_check_program(const struct go_program *prog, const char *const *redact, size_t count,
			  struct err *err)
{
	/* what takes longest comes last, and only for a name that nothing has had */
	static void (*const more[])(struct names *) = {
		all_functions, all_fields, all_params, all_inlined_params,
	};
	struct plan p = { .prog = prog };
	struct names n = { .p = &p };
	size_t next = 0;
	bool ok = patterns_compile(&p.redact, redact, count, err);

	for (size_t i = 0; ok && i < count; i++) {
		while (!(ok = is_one_of(&n, redact[i])) && next < ARRAY_LEN(more))
			more[next++](&n);
		if (!ok)
			err_set(err, ERR_USAGE, "--redact %s: nothing in this program is called "
				"so, neither a function nor a parameter or field%s", redact[i],
				prog->has_dwarf ? "" : "; it has no names for parameters: write "
				"arg0, arg1, …, or the function's name");
	}
	release(&n);
	plan_release(&p);
	return ok;
}
