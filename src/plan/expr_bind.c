/* A function's codes: every expression of the plan bound to its types, and its two readings with
 * what the expressions need. */
#include "plan/expr_bind.h"

#include "plan/expr_binder.h"
#include "plan/expr_flat.h"
#include "plan/extra.h"

static bool mentions(const struct expr_node *n, struct str name)
{
	return n && ((n->kind == NODE_NAME && str_eq(n->text, name)) || mentions(n->a, name) ||
		     mentions(n->b, name));
}

bool exprs_parse(struct plan *p, struct err *err)
{
	const struct plan_request *r = &p->request;

	for (size_t i = 0; i < r->nasks; i++)
		if (!expr_parse(&p->arena, &r->asks[i], &p->exprs, &p->nexprs, err))
			return false;
	for (size_t i = 0; i < p->nexprs; i++)
		p->request.caller |= mentions(p->exprs[i].root, STR("caller"));
	return true;
}

const struct expr *plan_expr(const struct plan *p, enum expr_role role)
{
	for (size_t i = 0; i < p->nexprs; i++)
		if (p->exprs[i].role == role)
			return &p->exprs[i];
	return NULL;
}

/* Does a step, or what it stands on, need the end of the call? */
static bool needs_exit(const struct expr_step *steps, u32 i)
{
	const struct expr_step *s = &steps[i];

	if (s->exit || (s->guard && needs_exit(steps, s->guard - 1u)))
		return true;
	if (s->op >= EX_NOT && needs_exit(steps, s->a))
		return true;
	if (s->op >= EX_AND && needs_exit(steps, s->b))
		return true;
	return s->op == EX_ELEM && (needs_exit(steps, s->a) || needs_exit(steps, s->b));
}

static void split(struct expr_code *c, u16 at, u32 *n)
{
	const struct expr_step *s = &c->steps[at];

	if (s->op == EX_AND) {
		split(c, s->a, n);
		split(c, s->b, n);
	} else {
		c->conjuncts[(*n)++] = at;
	}
}

/* Those that the entry decides come first, otherwise in the order of writing. A depth counts the
 * calls that are seen, so a condition with one lets no call be left out. */
static void sort_conjuncts(struct expr_code *c, struct arena *a, bool at_entry)
{
	u16 *all = ARENA_ARRAY(a, u16, c->n + 1), *sorted = ARENA_ARRAY(a, u16, c->n + 1);
	u32 n = 0, k = 0;

	c->conjuncts = all;
	split(c, (u16)(c->n - 1), &n);
	for (u32 late = 0; late < 2; late++) {
		for (u32 i = 0; i < n; i++)
			if ((!at_entry || needs_exit(c->steps, all[i])) == late)
				sorted[k++] = all[i];
		if (!late)
			c->nentry = k;
	}
	c->conjuncts = sorted;
	c->nconjuncts = n;
}

/* A place becomes a value for a printer: a parameter of its own. */
static bool show(struct binder *b, struct operand *o, struct expr_code *c)
{
	struct arena *a = &b->p->arena;
	struct go_param *param = ARENA_NEW(a, struct go_param);
	struct slot *slot = ARENA_NEW(a, struct slot);
	u32 at = o->place.at;

	if (o->type && !bind_show(b, o, &at))
		return false;
	*param = (struct go_param){
		.name = b->e->source, .type = o->type, .aggregate = o->place.words > 1,
		.size = o->type ? (u32)o->type->size : 8 * o->place.words,
	};
	*slot = (struct slot){ .param = param, .at = at, .taken = true };
	c->slot = slot;
	(void)bind_step(b, (struct expr_step){
		.op = EX_VALUE, .kind = EXPR_VALUE, .type = o->type, .at = at,
		.exit = o->place.exit, .guard = o->place.guard,
	});
	return true;
}

/* Its value is an address, which only nil is compared with. */
static bool is_reference(const struct go_type *t)
{
	return t && (t->kind == GO_PTR || t->kind == GO_MAP || t->kind == GO_CHAN ||
		     t->kind == GO_FUNC);
}

/* The role says what the result may be. */
static bool finish(struct binder *b, struct operand *o, struct expr_code *c)
{
	u32 at = b->e->root->at;
	u8 kind;

	if (b->e->role == EXPR_SHOW && o->kind == OPERAND_PLACE && !o->place.computed &&
	    !(b->e->most && bind_is_single(b, o)))
		return show(b, o, c);
	if (b->e->role == EXPR_PLACE)
		return o->kind == OPERAND_PLACE && o->type && !o->place.computed ? show(b, o, c) :
		       bind_wrong(b, at, "it is not a value in a place");
	if (o->kind != OPERAND_PLACE && o->kind != OPERAND_STEP) {
		if (!bind_own_type(b, o))
			return false;
	} else if (!bind_load(b, o, b->e->role == EXPR_BY ?
			      b->e->most ? b->e->most :
			      (u32)MAX(b->p->request.strings, (u64)64) : 0)) {
		return false;
	}
	kind = b->steps.at[o->step].kind;
	if (b->e->role == EXPR_IF && kind != EXPR_BOOL && is_reference(o->type))
		return bind_wrong(b, at, "a condition was expected; this is %.*s",
				  STR_F(o->type->name));
	if (b->e->role == EXPR_IF && kind != EXPR_BOOL)
		return bind_wrong(b, at, "a condition was expected; this is %s",
				  kind == EXPR_STRING ? "a text" : "a number");
	if (b->e->role == EXPR_HIST && (kind == EXPR_BOOL || kind == EXPR_STRING))
		return bind_wrong(b, at, "a number was expected; this is %s",
				  kind == EXPR_BOOL ? "a bool" : "a text");
	return true;
}

static bool bind_one(struct binder *b, struct expr_code *c)
{
	struct operand o = { 0 };

	b->steps.n = 0;
	if (!bind_node(b, b->e->root, &o) || !finish(b, &o, c))
		return false;
	c->n = (u32)b->steps.n;
	c->steps = arena_copy(&b->p->arena, b->steps.at, c->n * sizeof(*c->steps));
	c->needs_exit = needs_exit(c->steps, c->n - 1);
	c->flat = expr_flat_of(c, &b->p->arena);
	return true;
}

static bool uses_depth(const struct plan *p, const struct plan_func *f)
{
	for (size_t i = 0; i < p->nexprs; i++)
		for (u32 k = 0; k < f->codes[i].n; k++)
			if (f->codes[i].steps[k].op == EX_DEPTH)
				return true;
	return false;
}

bool exprs_wait(const struct plan *p)
{
	for (u32 i = 0; i < p->nfuncs; i++)
		for (size_t k = 0; k < p->nexprs; k++)
			if (expr_waits(&p->funcs[i], &p->exprs[k]))
				return true;
	return false;
}

/* Is this expression meant for this function? */
static bool is_meant(const struct binder *b, bool apart)
{
	return b->e->func ? str_eq(b->fn->func->name, str_of(b->e->func)) : !apart;
}

static bool bind_all(struct binder *b, size_t *fitted)
{
	struct plan *p = b->p;
	bool apart = extra_sets_apart(&p->request, b->fn->func->name);

	b->fn->codes = ARENA_ARRAY(&p->arena, struct expr_code, p->nexprs);
	for (*fitted = 0; *fitted < p->nexprs; ++*fitted) {
		struct expr_code *c = &b->fn->codes[*fitted];

		b->e = &p->exprs[*fitted];
		if (!is_meant(b, apart) || bind_one(b, c))
			continue;
		if (!b->e->func || b->e->role == EXPR_IF)
			return false;
		b->fatal = false;
		c->why = str_z(&p->arena, str_of(b->err->msg));
		*b->err = (struct err){ 0 };
	}
	for (size_t i = 0; i < p->nexprs; i++)
		if (p->exprs[i].role == EXPR_IF && b->fn->codes[i].n) {
			b->fn->condition = &p->exprs[i];
			sort_conjuncts(&b->fn->codes[i], &p->arena, !uses_depth(p, b->fn));
		}
	return true;
}

bool exprs_bind(struct plan *p, struct plan_func *f, const struct dynamic_types *d,
		struct reading_cache *c, bool secret, size_t *fitted, bool *fatal, struct err *err)
{
	const struct go_sig *sig = f->sig;
	bool all = p->request.values == VALUES_ALL, ok;
	bool show_args = all && !plan_expr(p, EXPR_SHOW);
	bool stack = p->request.frames || p->request.caller;
	struct builder entry, exit;
	struct binder b = { .p = p, .fn = f, .entry = &entry, .exit = &exit, .err = err };

	reading_begin(&entry, &f->entry, p, d, sig->params, sig->nparams, secret, stack);
	reading_begin(&exit, &f->exit, p, d, sig->results, sig->nresults, secret, false);
	ok = bind_all(&b, fitted);
	*fatal = b.fatal;
	vec_release(&b.steps);
	if (p->request.values == VALUES_ERROR && sig->nresults && sig->results_known) {
		u32 last = (u32)sig->nresults - 1;
		const struct go_type *t = sig->results[last].type;

		if (t && str_eq(t->name, STR("error")) && reading_slot(&exit, last))
			f->error_at = f->exit.slots[last].at;
	}
	/* nothing asked for: what other functions of these types have serves as well */
	if (show_args && !entry.touched) {
		reading_drop(&entry);
		reading_make(&f->entry, p, d, c, sig->params, sig->nparams, secret, true);
	} else {
		reading_finish(&entry, show_args);
	}
	if (all && !exit.touched) {
		reading_drop(&exit);
		reading_make(&f->exit, p, d, c, sig->results, sig->nresults, secret, false);
	} else {
		reading_finish(&exit, all);
	}
	return ok;
}

bool fit_bind(struct fit *fit, struct plan *p, struct plan_func *f, const struct dynamic_types *d,
	      struct reading_cache *c, bool secret)
{
	struct err err = { 0 };
	bool fatal = false;
	size_t n = 0;

	if (exprs_bind(p, f, d, c, secret, &n, &fatal, &err)) {
		fit->some |= !extra_sets_apart(&p->request, f->func->name);
		return true;
	}
	if (extra_sets_apart(&p->request, f->func->name))
		return false;
	if (!fit->fatal && (!fit->why.kind || n > fit->most || fatal)) {
		fit->most = n;
		fit->why = err;
	}
	fit->fatal |= fatal;
	return false;
}
