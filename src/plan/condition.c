#include "plan/condition_impl.h"

const struct read *condition_raw(const struct reading *r, u32 at, u32 size)
{
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];

		if (d->kind <= READ_G && at >= d->at && at + size <= d->at + d->size)
			return d;
	}
	return NULL;
}

const struct read *condition_of_g(const struct reading *r, u32 at, u32 size)
{
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i], *g;

		if (d->kind != READ_MEM || at < d->at || at + size > d->at + d->size)
			continue;
		g = condition_raw(r, d->from, 8);
		return g && g->kind == READ_G ? d : NULL;
	}
	return NULL;
}

static bool is_whole(const struct expr_step *s)
{
	return s->kind == EXPR_INT || s->kind == EXPR_UINT || s->kind == EXPR_BOOL;
}

static bool fits_imm(u64 v)
{
	return (i64)v == (i32)(i64)v;
}

bool condition_is_imm(const struct expr_step *s)
{
	return s->op == EX_CONST && is_whole(s) && fits_imm(s->imm);
}

/* Words of registers lie where they begin; others may be looked at from within. */
static bool loads_raw(const struct reading *r, const struct expr_step *s)
{
	const struct read *d = condition_raw(r, s->at, s->size);

	return d && d->kind != READ_FLOAT && (d->kind != READ_INT || d->at == s->at);
}

/* A field of g itself: nothing else is in the way. */
static bool is_of_g(const struct condition *c, const struct expr_step *s)
{
	const struct expr_step *guard = &c->steps[s->guard - 1];

	return !guard->guard && !guard->data && condition_of_g(c->r, s->at, s->size);
}

/* How many values are at hand while it is computed; more than there can be when it can't be. */
static u32 values(const struct condition *c, u32 i)
{
	enum { NEVER = 99 };
	const struct expr_step *s = &c->steps[i];
	u32 a, b;

	if (s->exit || !is_whole(s) || (!s->size && s->op != EX_CONST))
		return NEVER;
	switch ((enum expr_op)s->op) {
	case EX_CONST:
	case EX_GOID:
		return 1;
	case EX_LOAD:
		if (c->after)
			return 1;
		if (s->guard)
			return s->or_zero || !is_of_g(c, s) ? NEVER : 1;
		return loads_raw(c->r, s) ? 1 : NEVER;
	case EX_NEG: case EX_COMPLEMENT:
		return values(c, s->a);
	case EX_SHL: case EX_SHR:
		return c->steps[s->b].op == EX_CONST && c->steps[s->b].imm < 64 ?
		       values(c, s->a) : NEVER;
	case EX_ADD: case EX_SUB: case EX_MUL: case EX_BITAND: case EX_BITOR: case EX_XOR:
	case EX_ANDNOT:
		a = values(c, s->a);
		b = values(c, s->b);
		return condition_is_imm(&c->steps[s->b]) ? a : MAX(a, b + 1);
	default:
		return NEVER;
	}
}

static bool signs_agree(const struct expr_step *a, const struct expr_step *b)
{
	return a->kind == b->kind || (a->kind == EXPR_UINT ? a : b)->size < 8;
}

bool condition_is_text(const struct condition *c, const struct expr_step *s)
{
	const struct expr_step *a = &c->steps[s->a], *b = &c->steps[s->b];

	return c->after && a->op == EX_STRING && !a->exit && b->op == EX_CONST &&
	       b->text.n <= CONDITION_TEXT && b->text.n < a->cap &&
	       (s->op == EX_EQ || s->op == EX_NE || s->op == EX_HAS_PREFIX);
}

bool condition_names_nil(const struct expr_step *s)
{
	return str_eq(s->text, STR("nil"));
}

bool condition_is_type(const struct condition *c, const struct expr_step *s)
{
	const struct expr_step *a = &c->steps[s->a], *b = &c->steps[s->b];

	return a->op == EX_TYPE && !a->exit && b->op == EX_CONST &&
	       (b->imm || condition_names_nil(b)) &&
	       (s->op == EX_EQ || s->op == EX_NE) &&
	       (c->after || (!a->guard && condition_raw(c->r, a->at, 8) &&
			     (!a->status || condition_names_nil(b))));
}

static bool can_test(const struct condition *c, u32 i)
{
	u32 most = c->after ? c->means->after : c->means->before;
	const struct expr_step *s = &c->steps[i], *a, *b;

	switch ((enum expr_op)s->op) {
	case EX_AND: case EX_OR:
		return can_test(c, s->a) && can_test(c, s->b);
	case EX_NOT:
		return can_test(c, s->a);
	case EX_CONST:
		return s->kind == EXPR_BOOL;
	case EX_LOAD:
		return s->kind == EXPR_BOOL && values(c, i) <= most;
	case EX_EQ: case EX_NE: case EX_LT: case EX_LE: case EX_GT: case EX_GE:
	case EX_HAS_PREFIX:
		a = &c->steps[s->a];
		b = &c->steps[s->b];
		if (condition_is_text(c, s) || condition_is_type(c, s))
			return true;
		return s->op != EX_HAS_PREFIX && is_whole(a) && is_whole(b) && signs_agree(a, b) &&
		       values(c, s->a) <= most &&
		       (condition_is_imm(b) || values(c, s->b) < most);
	default:
		return false;
	}
}

static bool has_length_test(const struct condition *c, const struct expr_step *s)
{
	const struct expr_step *x = &c->steps[s->a], *y = &c->steps[s->b];

	return (s->op == EX_EQ || s->op == EX_HAS_PREFIX) && x->op == EX_STRING && !x->exit &&
	       !x->guard && y->op == EX_CONST && condition_raw(c->r, x->at + 8, 8);
}

/* Does anything of it come from behind a pointer (but g)? */
static bool needs_captures(const struct condition *c, u32 i)
{
	struct condition before = *c;

	before.after = false;
	return !can_test(&before, i);
}

struct condition condition_of(const struct plan_func *fn,
			      const struct condition_means *means, bool after)
{
	const struct expr *e = fn->condition;
	const struct expr_code *code = e ? &fn->codes[e->index] : NULL;

	return (struct condition){ .means = means, .r = &fn->entry, .code = code,
				   .steps = code ? code->steps : NULL, .after = after };
}

static bool leads_there(const struct condition_row *w, u16 to)
{
	return w->kind == ROW_JUMP && w->to == to;
}

/* Is there room for what a part takes? */
static bool takes(struct condition *c, const struct condition_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct condition_row *w = &rows->at[i];
		size_t first = 0;

		if (w->kind != ROW_JUMP)
			continue;
		while (!leads_there(&rows->at[first], w->to))
			first++;
		c->jumps++;
		c->places += first == i && w->to < TO_UNREADABLE;
	}
	return c->places <= c->means->places && c->jumps <= c->means->jumps;
}

bool condition_next(struct condition *c, struct condition_rows *rows)
{
	while (c->code && c->next < c->code->nentry) {
		u32 step = c->code->conjuncts[c->next++];
		bool later = needs_captures(c, step);
		bool length = later && !c->after && has_length_test(c, &c->steps[step]);

		rows->n = 0;
		if (!length && (later != c->after || !can_test(c, step)))
			continue;
		condition_rows_of(c, step, length, rows);
		if (takes(c, rows))
			return true;
		c->next = c->code->nentry;
	}
	return false;
}

bool condition_any(struct condition c)
{
	struct condition_rows rows = { 0 };
	bool some = condition_next(&c, &rows);

	vec_release(&rows);
	return some;
}

struct condition_parts condition_parts(const struct plan_func *fn,
				       const struct condition_means *means, bool after)
{
	struct condition first = condition_of(fn, means, false);
	struct condition then = condition_of(fn, means, true);
	struct condition_parts parts = { 0 };

	for (u32 i = 0; first.code && i < first.code->nconjuncts; i++) {
		u16 step = first.code->conjuncts[i];

		if (i >= first.code->nentry)
			parts.at_end++;
		else if (can_test(&first, step))
			parts.before++;
		else if (after && can_test(&then, step))
			parts.after++;
		else
			parts.at_entry++;
	}
	return parts;
}
