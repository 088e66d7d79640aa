/* Evaluates bound expressions on records. Records are not trusted, and were checked for their size
 * only: every word is read within it. */
#include "plan/expr.h"

#include <string.h>

#include "plan/expr_flat.h"
#include "plan/plan.h"

struct eval {
	const struct expr_input *in;
	const struct expr_step *steps;
	bool unreadable;	/* why it failed */
};

struct val {
	u64 u;		/* INT, UINT, BOOL */
	double f;
	struct str text;
	u64 len;	/* of a text in the program: more than text.n where it was cut */
};

static bool value(struct eval *e, u32 i, struct val *to);

/* False where the record is not there. */
static inline bool bytes(const struct eval *e, bool exit, u32 at, u32 n, void *to)
{
	const struct expr_record *r = &e->in->record[exit];

	if ((u64)at + n > r->size)
		return false;
	memcpy(to, r->at + at, n);
	return true;
}

static inline u64 word(const struct eval *e, bool exit, u32 at)
{
	u64 w = 0;

	return bytes(e, exit, at, 8, &w) ? w : 0;
}

static inline u32 count(const struct eval *e, bool exit, u32 at)
{
	u32 n = 0;

	return bytes(e, exit, at, 4, &n) ? record_captured(n) : 0;
}

/* Where the bytes of a text begin, which may be packed. */
static inline u32 begins(const struct eval *e, const struct expr_step *s, u32 at)
{
	u32 status = 0;

	return s->status && bytes(e, s->exit, s->status, 4, &status) ? record_text(status, at) :
								       at;
}

static bool unreadable(struct eval *e)
{
	e->unreadable = true;
	return false;
}

static inline bool there(const struct eval *e, const struct expr_step *s)
{
	return e->in->record[s->exit].at;
}

/* Is it of that type? That it is of another one is no failure to read. */
static bool holds(struct eval *e, const struct expr_step *g)
{
	if (!word(e, g->exit, g->at))
		return false;
	if (g->status && count(e, g->exit, g->status) < 8)
		return unreadable(e);
	return word(e, g->exit, g->data) - e->in->bias == g->imm;
}

/* Guards of a step, the outermost pointer first: why it fails is what the first one says. */
static bool guarded(struct eval *e, u16 guard)
{
	const struct expr_step *g;

	if (!guard)
		return true;
	g = &e->steps[guard - 1];
	if (!there(e, g))
		return false;
	if (!guarded(e, g->guard))
		return false;
	if (g->op == EX_IS)
		return holds(e, g);
	if (!word(e, g->exit, g->at) || count(e, g->exit, g->status) < g->cap)
		return unreadable(e);
	if (g->data && word(e, g->exit, g->data) <= g->imm)
		return unreadable(e);
	return true;
}

static u64 extended(u64 w, u8 kind, u8 size)
{
	unsigned shift = size && size < 8 ? 64 - 8 * size : 0;

	return kind == EXPR_INT ? (u64)((i64)(w << shift) >> shift) : w << shift >> shift;
}

static inline bool load(struct eval *e, const struct expr_step *s, u32 at, struct val *to)
{
	u64 w = 0;
	float f;

	if (s->size == 8 ? !bytes(e, s->exit, at, 8, &w) :
			   !bytes(e, s->exit, at, MIN(s->size, (u8)8), &w))
		return false;
	if (s->kind == EXPR_FLOAT && s->size == 4) {
		memcpy(&f, &w, 4);
		to->f = (double)f;
	} else if (s->kind == EXPR_FLOAT) {
		memcpy(&to->f, &w, 8);
	} else {
		to->u = s->kind == EXPR_BOOL ? w != 0 : extended(w, s->kind, s->size);
	}
	return true;
}

static inline bool loaded(struct eval *e, const struct expr_step *s, struct val *to)
{
	const struct expr_step *g = s->guard ? &e->steps[s->guard - 1] : NULL;

	if (!there(e, s))
		return false;
	if (s->or_zero && g && !word(e, g->exit, g->at) && guarded(e, g->guard)) {
		to->u = 0;
		return true;
	}
	return guarded(e, s->guard) && load(e, s, s->at, to);
}

static bool element(struct eval *e, const struct expr_step *s, struct val *to)
{
	struct val index, len;
	u64 end;

	if (!there(e, s) || !guarded(e, s->guard) || !value(e, s->a, &index) ||
	    !value(e, s->b, &len))
		return false;
	if ((i64)index.u < 0 || index.u >= len.u || index.u >= s->cap)
		return unreadable(e);
	end = (index.u + 1) * s->stride;
	if (s->status && end > count(e, s->exit, s->status))
		return unreadable(e);
	return load(e, s, begins(e, s, s->at) + (u32)index.u * s->stride, to);
}

static inline bool text(struct eval *e, const struct expr_step *s, struct val *to)
{
	enum { ABSURD = 47 };	/* no length reaches the size of the address space */
	const struct expr_record *r = &e->in->record[s->exit];
	u32 at = begins(e, s, s->data), got;

	if (!there(e, s) || !guarded(e, s->guard))
		return false;
	to->len = word(e, s->exit, s->at + 8);
	to->text = STR("");
	if (!to->len)
		return true;
	got = count(e, s->exit, s->status);
	if (to->len >> ABSURD || !got || (u64)at + got > r->size)
		return unreadable(e);
	to->text = (struct str){ (const char *)r->at + at,
				 MIN(MIN((u64)got, (u64)s->cap), to->len) };
	return true;
}

static bool dynamic_type(struct eval *e, const struct expr_step *s, struct val *to)
{
	const struct go_program *prog = e->in->plan->prog;
	const struct moduledata *md = &prog->md;
	u64 va;
	struct go_type *t;

	if (!there(e, s) || !guarded(e, s->guard))
		return false;
	to->text = STR("nil");
	to->len = to->text.n;
	to->u = 0;
	if (!word(e, s->exit, s->at))
		return true;
	if (s->status && count(e, s->exit, s->status) < 8)
		return unreadable(e);
	va = word(e, s->exit, s->data) - e->in->bias;
	if (va < md->types_va || va >= md->etypes_va)	/* made while it runs */
		return unreadable(e);
	t = go_type_load(prog, go_type_at(prog, va));
	if (t->kind == GO_BAD)
		return unreadable(e);
	to->text = t->name;
	to->len = t->name.n;
	to->u = va;
	return true;
}

/* The innermost function at the call, also one that was inlined there. */
static bool caller(struct eval *e, const struct expr_step *s, struct val *to)
{
	const struct go_program *prog = e->in->plan->prog;
	const struct moduledata *md = &prog->md;
	struct go_frame frames[GO_FRAMES];
	const struct go_func *f;
	u64 va;

	if (!there(e, s))
		return false;
	va = word(e, false, s->at) - e->in->bias - 1;	/* the call, not what follows it */
	f = va >= md->text_va && va < md->etext_va ? go_func_at(prog, va - md->text_va) : NULL;
	if (!f)
		return unreadable(e);
	to->text = go_frames_at(prog, f, va - md->text_va, frames) ? frames[0].name : f->name;
	to->len = to->text.n;
	return true;
}

static double as_double(const struct expr_step *s, const struct val *v)
{
	return s->kind == EXPR_FLOAT ? v->f : s->kind == EXPR_INT ? (double)(i64)v->u :
								    (double)v->u;
}

/* -1, 0, 1; 2 for NaN. */
static int number_order(const struct expr_step *a, const struct val *x, const struct expr_step *b,
			const struct val *y)
{
	if (a->kind == EXPR_FLOAT || b->kind == EXPR_FLOAT) {
		double l = as_double(a, x), r = as_double(b, y);

		return l < r ? -1 : l > r ? 1 : l == r ? 0 : 2;
	}
	if (a->kind == EXPR_INT && (i64)x->u < 0 && (b->kind != EXPR_INT || (i64)y->u >= 0))
		return -1;
	if (b->kind == EXPR_INT && (i64)y->u < 0 && (a->kind != EXPR_INT || (i64)x->u >= 0))
		return 1;
	return x->u < y->u ? -1 : x->u > y->u;	/* two negative ones: as unsigned ones */
}

/* False: both were cut, and are the same as far as they go. */
static bool text_order(const struct val *x, const struct val *y, int *order)
{
	size_t n = MIN(x->text.n, y->text.n);
	int d = n ? memcmp(x->text.p, y->text.p, n) : 0;

	if (d) {
		*order = d < 0 ? -1 : 1;
		return true;
	}
	*order = x->len < y->len ? -1 : x->len > y->len;
	/* the shorter one was seen whole: it is a prefix */
	if ((x->text.n == x->len && x->len == n) || (y->text.n == y->len && y->len == n))
		return true;
	return false;
}

static bool comparison(struct eval *e, const struct expr_step *s, struct val *to)
{
	const struct expr_step *a = &e->steps[s->a], *b = &e->steps[s->b];
	struct val x = { 0 }, y = { 0 };
	int order;

	if (!value(e, s->a, &x) || !value(e, s->b, &y))
		return false;
	if (a->op + b->op == EX_TYPE + EX_CONST && a->op != b->op && (a->imm | b->imm)) {
		order = x.u != y.u;
	} else if (a->kind == EXPR_STRING) {
		bool known = text_order(&x, &y, &order);

		/* lengths alone tell that they differ */
		if (!known && (s->op > EX_NE || x.len == y.len))
			return unreadable(e);
	} else {
		order = number_order(a, &x, b, &y);
	}
	switch (s->op) {
	case EX_EQ: to->u = order == 0; break;
	case EX_NE: to->u = order != 0; break;
	case EX_LT: to->u = order == -1; break;
	case EX_LE: to->u = order == -1 || order == 0; break;
	case EX_GT: to->u = order == 1; break;
	default: to->u = order == 1 || order == 0; break;
	}
	return true;
}

static bool search(struct eval *e, const struct expr_step *s, struct val *to)
{
	struct val x = { 0 }, y = { 0 };

	if (!value(e, s->a, &x) || !value(e, s->b, &y))
		return false;
	if (y.text.n < y.len)
		return unreadable(e);
	if (s->op == EX_HAS_PREFIX) {
		if (x.len >= y.len && x.text.n < y.text.n &&
		    str_starts(y.text, x.text))
			return unreadable(e);
		to->u = str_starts(x.text, y.text);
		return true;
	}
	to->u = str_find(x.text, y.text) >= 0;
	if (!to->u && x.text.n < x.len)
		return unreadable(e);
	return true;
}

static bool whole_arithmetic(struct eval *e, const struct expr_step *s, const struct expr_step *b,
			     u64 x, u64 y, u64 *to)
{
	bool sign = s->kind == EXPR_INT;

	switch (s->op) {
	case EX_ADD: *to = x + y; return true;
	case EX_SUB: *to = x - y; return true;
	case EX_MUL: *to = x * y; return true;
	case EX_BITAND: *to = x & y; return true;
	case EX_BITOR: *to = x | y; return true;
	case EX_XOR: *to = x ^ y; return true;
	case EX_ANDNOT: *to = x & ~y; return true;
	case EX_DIV:
	case EX_REM:
		if (!y)
			return unreadable(e);
		if (sign && (i64)y == -1)	/* the one quotient that overflows */
			*to = s->op == EX_DIV ? 0 - x : 0;
		else if (sign)
			*to = (u64)(s->op == EX_DIV ? (i64)x / (i64)y : (i64)x % (i64)y);
		else
			*to = s->op == EX_DIV ? x / y : x % y;
		return true;
	case EX_SHL:
	case EX_SHR:
		if (b->kind == EXPR_INT && (i64)y < 0)
			return unreadable(e);
		if (s->op == EX_SHL)
			*to = y < 64 ? x << y : 0;
		else if (sign)
			*to = (u64)((i64)x >> MIN(y, (u64)63));
		else
			*to = y < 64 ? x >> y : 0;
		return true;
	default:
		return false;
	}
}

static bool arithmetic(struct eval *e, const struct expr_step *s, struct val *to)
{
	const struct expr_step *a = &e->steps[s->a], *b = &e->steps[s->b];
	struct val x = { 0 }, y = { 0 };

	if (!value(e, s->a, &x) || !value(e, s->b, &y))
		return false;
	if (s->kind == EXPR_FLOAT) {
		double l = as_double(a, &x), r = as_double(b, &y);

		to->f = s->op == EX_ADD ? l + r : s->op == EX_SUB ? l - r :
			s->op == EX_MUL ? l * r : l / r;
		if (s->size == 4)
			to->f = (double)(float)to->f;
		return true;
	}
	if (!whole_arithmetic(e, s, b, x.u, y.u, &to->u))
		return false;
	to->u = extended(to->u, s->kind, s->size);
	return true;
}

static bool constant(const struct expr_step *s, struct val *to)
{
	to->u = s->imm;
	to->text = s->text;
	to->len = s->text.n;
	memcpy(&to->f, &s->imm, sizeof(to->f));
	return true;
}

/* Recursion is bounded by the number of nodes that the parser takes. */
static bool value(struct eval *e, u32 i, struct val *to)
{
	const struct expr_step *s = &e->steps[i];

	switch ((enum expr_op)s->op) {
	case EX_CONST:
		return constant(s, to);
	case EX_LOAD:
		return loaded(e, s, to);
	case EX_ELEM:
		return element(e, s, to);
	case EX_STRING:
		return text(e, s, to);
	case EX_TYPE:
		return dynamic_type(e, s, to);
	case EX_VALUE:
		return there(e, s) && guarded(e, s->guard);
	case EX_BEHIND:
	case EX_IS:
		return false;
	case EX_GOID:
		to->u = e->in->goid;
		return true;
	case EX_DEPTH:
		to->u = e->in->depth;
		return true;
	case EX_DURATION:
		to->u = (u64)e->in->duration_ns;
		return e->in->duration_ns >= 0;
	case EX_FUNC:
		to->text = e->in->fn->func->name;
		to->len = to->text.n;
		return true;
	case EX_CALLER:
		return caller(e, s, to);
	case EX_NOT:
		if (!value(e, s->a, to))
			return false;
		to->u = !to->u;
		return true;
	case EX_NEG:
	case EX_COMPLEMENT:
		if (!value(e, s->a, to))
			return false;
		to->f = -to->f;
		to->u = extended(s->op == EX_NEG ? 0 - to->u : ~to->u, s->kind, s->size);
		return true;
	case EX_AND:
	case EX_OR:
		if (!value(e, s->a, to))
			return false;
		return (to->u != 0) == (s->op == EX_OR) || value(e, s->b, to);
	case EX_ADD: case EX_SUB: case EX_MUL: case EX_DIV: case EX_REM: case EX_BITAND:
	case EX_BITOR: case EX_XOR: case EX_ANDNOT: case EX_SHL: case EX_SHR:
		return arithmetic(e, s, to);
	case EX_EQ: case EX_NE: case EX_LT: case EX_LE: case EX_GT: case EX_GE:
		return comparison(e, s, to);
	case EX_HAS_PREFIX: case EX_CONTAINS:
		return search(e, s, to);
	}
	return false;
}

enum expr_kind expr_kind_of(const struct plan_func *fn, const struct expr *e)
{
	const struct expr_code *c = &fn->codes[e->index];

	return c->n ? c->steps[c->n - 1].kind : EXPR_VALUE;
}

struct go_type *expr_type_of(const struct plan_func *fn, const struct expr *e)
{
	const struct expr_code *c = &fn->codes[e->index];

	return c->n ? c->steps[c->n - 1].type : NULL;
}

bool expr_waits(const struct plan_func *fn, const struct expr *e)
{
	const struct expr_code *c = fn->codes ? &fn->codes[e->index] : NULL;

	return c && (e->role == EXPR_IF ? c->nentry < c->nconjuncts : c->needs_exit);
}

bool expr_by_steps(const struct expr_input *in, const struct expr_code *c, struct expr_result *v)
{
	struct eval ev = { .in = in, .steps = c->steps };
	const struct expr_step *s;
	struct val x = { 0 };

	*v = (struct expr_result){ 0 };
	if (!c->n || !value(&ev, c->n - 1, &x)) {
		v->unreadable = ev.unreadable;
		return false;
	}
	s = &c->steps[c->n - 1];
	v->kind = s->kind;
	v->type = s->type;
	v->text = x.text;
	v->len = x.len;
	v->slot = c->slot;
	v->exit = s->exit;
	if (s->kind == EXPR_FLOAT)
		v->f = x.f;
	else if (s->kind == EXPR_BOOL)
		v->b = x.u != 0;
	else
		v->u = x.u;
	return true;
}

static bool hold(const struct expr_input *in, bool late, u64 *unreadables)
{
	const struct expr *e = in->fn->condition;
	const struct expr_code *c;
	struct eval ev = { .in = in };

	if (!e)
		return true;
	c = &in->fn->codes[e->index];
	ev.steps = c->steps;
	for (u32 i = late ? c->nentry : 0; i < (late ? c->nconjuncts : c->nentry); i++) {
		struct val x = { 0 };

		if (!value(&ev, c->conjuncts[i], &x)) {
			*unreadables += ev.unreadable;
			return false;
		}
		if (!x.u)
			return false;
	}
	return true;
}

bool expr_entry_passes(const struct expr_input *in, u64 *unreadables)
{
	return hold(in, false, unreadables);
}

bool expr_exit_passes(const struct expr_input *in, u64 *unreadables)
{
	return hold(in, true, unreadables);
}
