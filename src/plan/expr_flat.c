#include "plan/expr_flat.h"

#include <string.h>

#include "base/out.h"
#include "plan/plan.h"

enum {
	ABSURD = 47,	/* no length reaches the size of the address space */
	WORD = 8, STATUS = 4,
};

static inline u64 word(const u8 *record, u32 at)
{
	u64 w;

	memcpy(&w, record + at, sizeof(w));
	return w;
}

static inline u32 status(const u8 *record, u32 at)
{
	u32 n;

	memcpy(&n, record + at, sizeof(n));
	return n;
}

static bool is_whole(const struct expr_step *s)
{
	return s->op == EX_LOAD && s->kind <= EXPR_UINT && s->size && s->size <= WORD;
}

/* The step whose value it is, and what is done with that. */
static const struct expr_step *of_value(const struct expr_code *c, u8 *op)
{
	const struct expr_step *s = &c->steps[c->n - 1], *a = &c->steps[s->a], *b = &c->steps[s->b];

	*op = s->op;
	if (s->op == EX_EQ || s->op == EX_NE)
		return is_whole(a) && b->op == EX_CONST && !b->imm && b->kind <= EXPR_UINT ? a :
											   NULL;
	if (s->op == EX_LOAD)
		return is_whole(s) ? s : NULL;
	return s->op == EX_STRING || s->op == EX_TYPE ? s : NULL;
}

static bool is_check(const struct expr_step *g, bool exit)
{
	return g->exit == exit && MAX(MAX(g->at, g->status), g->data) < RECORD_MAX &&
	       (g->op == EX_IS ? g->data != 0 : !g->data && g->cap <= UINT16_MAX);
}

static struct expr_check check(const struct expr_step *g)
{
	return (struct expr_check){
		.at = (u16)g->at, .status = (u16)g->status, .data = (u16)g->data, .is = g->imm,
		.need = g->op != EX_IS ? (u16)g->cap : g->status ? 8 : 0,
	};
}

const struct expr_flat *expr_flat_of(const struct expr_code *c, struct arena *a)
{
	u8 op;
	const struct expr_step *s = of_value(c, &op), *g;
	struct expr_flat *f;
	u32 n = 0;

	if (!s || MAX(MAX(s->at, s->status), s->data) >= RECORD_MAX)
		return NULL;
	for (u16 next = s->guard; next; next = g->guard, n++) {
		g = &c->steps[next - 1];
		if (!is_check(g, s->exit))
			return NULL;
	}
	f = arena_alloc(a, sizeof(*f) + n * sizeof(f->checks[0]));
	*f = (struct expr_flat){
		.op = op, .kind = s->kind, .size = s->size, .exit = s->exit, .at = (u16)s->at,
		.data = (u16)s->data, .status = (u16)s->status,
		.cap = (u16)MIN(s->cap, (u32)UINT16_MAX), .type = c->steps[c->n - 1].type,
	};
	f->reach = MAX(s->at + (s->op == EX_STRING ? 2 * WORD : s->op == EX_LOAD ? s->size : WORD),
		       s->status + STATUS);
	for (u16 next = s->guard; next; next = g->guard) {
		g = &c->steps[next - 1];
		f->checks[f->nchecks++] = check(g);
		f->reach = MAX(f->reach, MAX(g->at, g->data) + WORD);
		f->reach = MAX(f->reach, g->status + STATUS);
	}
	return f;
}

static inline bool all_hold(const struct expr_input *in, const struct expr_flat *f, const u8 *r)
{
	for (u32 i = 0; i < f->nchecks; i++) {
		const struct expr_check *k = &f->checks[i];

		if (!word(r, k->at) || record_captured(status(r, k->status)) < k->need)
			return false;
		if (k->data && word(r, k->data) - in->bias != k->is)
			return false;
	}
	return true;
}

static inline bool text(const struct expr_flat *f, const struct expr_record *r,
			struct expr_result *v)
{
	u32 said = status(r->at, f->status), got = record_captured(said);
	u32 at = record_text(said, f->data);

	v->len = word(r->at, f->at + WORD);
	if (v->len >> ABSURD || (v->len && (!got || (u64)at + got > r->size)))
		return false;
	v->text = STR("");
	if (v->len)
		v->text = (struct str){ (const char *)r->at + at,
					MIN(MIN(got, (u32)f->cap), v->len) };
	return true;
}

static inline u64 load(const struct expr_flat *f, const u8 *at)
{
	u64 w = 0;
	unsigned shift;

	if (f->size == sizeof(w))
		return word(at, 0);
	memcpy(&w, at, f->size);
	shift = 64 - 8u * f->size;
	return f->kind == EXPR_INT ? (u64)((i64)(w << shift) >> shift) : w;
}

/* False where anything is not as in most calls. */
static inline bool value(const struct expr_input *in, const struct expr_flat *f,
			 struct expr_result *v)
{
	const struct expr_record *r = &in->record[f->exit];

	if (!r->at || f->reach > r->size || !all_hold(in, f, r->at))
		return false;
	*v = (struct expr_result){ .kind = f->kind, .type = f->type, .exit = f->exit };
	switch (f->op) {
	case EX_STRING:
		return text(f, r, v);
	case EX_TYPE:
		v->text = STR("nil");
		v->len = v->text.n;
		return !word(r->at, f->at);
	case EX_LOAD:
		v->u = load(f, r->at + f->at);
		if (f->kind == EXPR_BOOL)
			v->u = v->u != 0;
		return true;
	default:
		v->kind = EXPR_BOOL;
		v->b = !load(f, r->at + f->at) == (f->op == EX_EQ);
		return true;
	}
}

bool expr_value(const struct expr_input *in, const struct expr *e, struct expr_result *v)
{
	const struct expr_code *c = &in->fn->codes[e->index];

	if (!(c->flat && value(in, c->flat, v)) && !expr_by_steps(in, c, v))
		return false;
	if (v->kind == EXPR_STRING && v->text.n < v->len)
		v->text = utf8_whole(v->text);
	return true;
}
