#include <stddef.h>
#include <string.h>

#include "plan/condition_impl.h"

struct use {
	u32 row, label;
};

struct generator {
	const struct condition *c;
	struct condition_rows *rows;
	VEC(struct use) uses;	/* of labels that are not placed yet */
	u32 labels;
};

enum { NO, UNSURE, UNREADABLE, LABELS };	/* labels that are never placed */

static struct condition_row *row(struct generator *g, enum condition_kind kind, u32 var, u8 op,
				 u64 imm)
{
	struct condition_row *r = vec_push(g->rows);

	*r = (struct condition_row){
		.kind = (u8)kind, .op = op, .var = (u8)var, .other = NO_VAR, .size = 8, .imm = imm,
	};
	return r;
}

static void label(struct generator *g, u32 which)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->uses.n; i++) {
		const struct use *u = &g->uses.at[i];

		if (u->label == which)
			g->rows->at[u->row].to = (u16)g->rows->n;
		else
			g->uses.at[kept++] = *u;
	}
	g->uses.n = kept;
}

/* If (var op imm) is what is wanted. */
static struct condition_row *jump(struct generator *g, u32 var, enum condition_test test, u64 imm,
				  bool want, u32 to)
{
	static const u16 places[LABELS] = { TO_NO, TO_UNSURE, TO_UNREADABLE };
	struct condition_row *r = row(g, ROW_JUMP, var, (u8)test, imm);

	r->sense = want;
	r->to = to < LABELS ? places[to] : 0;
	if (to >= LABELS)
		*vec_push(&g->uses) = (struct use){ .row = (u32)g->rows->n - 1, .label = to };
	return r;
}

static void jump_if_same(struct generator *g, u32 var, u32 other, bool want, u32 to)
{
	jump(g, var, TEST_EQ, 0, want, to)->other = (u8)other;
}

static struct condition_row *compute(struct generator *g, u32 var, enum condition_op op, u64 imm)
{
	return row(g, ROW_COMPUTE, var, (u8)op, imm);
}

static void load(struct generator *g, u32 var, u32 at, u32 size, bool sign)
{
	struct condition_row *r = row(g, ROW_LOAD, var, 0, 0);

	r->at = (u16)at;
	r->size = (u8)size;
	r->sign = sign;
}

/* Were fewer bytes copied than these? */
static void check_status(struct generator *g, u32 at, u32 least, u32 to)
{
	load(g, 0, at, 4, true);	/* CAPTURE_UNREADABLE is less than nothing */
	jump(g, 0, TEST_SLT, least, true, to);
}

/* Does a pointer on the way not lead to what is needed, or hold an interface another type? Then
 * the whole condition is false. */
static void check_guard(struct generator *g, u16 guard)
{
	const struct expr_step *s;

	if (!guard)
		return;
	s = &g->c->steps[guard - 1];
	check_guard(g, s->guard);
	if (s->op == EX_IS) {
		load(g, 0, s->at, 8, false);
		jump(g, 0, TEST_EQ, 0, true, NO);
		if (s->status)
			check_status(g, s->status, 8, UNREADABLE);
		compute(g, 1, OP_MOV, s->imm)->va = true;
		load(g, 0, s->data, 8, false);
		jump_if_same(g, 0, 1, false, NO);
		return;
	}
	check_status(g, s->status, s->cap, UNREADABLE);
	load(g, 0, s->at, 8, false);
	jump(g, 0, TEST_EQ, 0, true, UNREADABLE);
	if (s->data) {
		compute(g, 1, OP_MOV, s->imm);
		load(g, 0, s->data, 8, false);
		jump(g, 0, TEST_LE, 0, true, UNREADABLE)->other = 1;
	}
}

static void guards_of(struct generator *g, u32 i)
{
	const struct expr_step *s = &g->c->steps[i], *pointer;
	u32 out;

	if (!g->c->after && !g->c->means->record)
		return;
	if (s->or_zero) {	/* nothing was copied from behind nil: it is 0 there */
		pointer = &g->c->steps[s->guard - 1];
		out = g->labels++;
		check_guard(g, pointer->guard);
		load(g, 0, pointer->at, 8, false);
		jump(g, 0, TEST_EQ, 0, true, out);
		check_guard(g, s->guard);
		label(g, out);
		return;
	}
	check_guard(g, s->guard);
	if (s->op >= EX_NOT)
		guards_of(g, s->a);
	if (s->op >= EX_AND)
		guards_of(g, s->b);
}

static void value(struct generator *g, u32 i, u32 var);

/* var = var op (a constant, or the next variable) */
static void operate(struct generator *g, const struct expr_step *s, u32 var)
{
	static const u8 ops[] = {
		[EX_ADD - EX_ADD] = OP_ADD, [EX_SUB - EX_ADD] = OP_SUB, [EX_MUL - EX_ADD] = OP_MUL,
		[EX_BITAND - EX_ADD] = OP_AND, [EX_BITOR - EX_ADD] = OP_OR,
		[EX_XOR - EX_ADD] = OP_XOR, [EX_ANDNOT - EX_ADD] = OP_AND,
		[EX_SHL - EX_ADD] = OP_SHL, [EX_SHR - EX_ADD] = OP_SHR,
	};
	const struct expr_step *b = &g->c->steps[s->b];
	u8 op = s->op == EX_SHR && s->kind == EXPR_INT ? OP_SAR : ops[s->op - EX_ADD];
	u64 flip = s->op == EX_ANDNOT ? ~(u64)0 : 0;
	bool imm = condition_is_imm(b);

	if (!imm) {
		value(g, s->b, var + 1);
		if (flip)
			compute(g, var + 1, OP_XOR, flip);
	}
	compute(g, var, (enum condition_op)op, imm ? b->imm ^ flip : 0)->other =
		imm ? NO_VAR : (u8)(var + 1);
}

/* The step's value into a variable; those behind it are used. */
static void value(struct generator *g, u32 i, u32 var)
{
	const struct expr_step *s = &g->c->steps[i];
	struct condition_row *last;

	switch ((enum expr_op)s->op) {
	case EX_CONST:
		compute(g, var, OP_MOV, s->imm);
		return;
	case EX_GOID:
		load(g, var, offsetof(struct record_head, goid), 8, false);
		return;
	case EX_LOAD:
		load(g, var, s->at, s->size, s->kind == EXPR_INT);
		return;
	case EX_NEG: case EX_COMPLEMENT:
		value(g, s->a, var);
		compute(g, var, s->op == EX_NEG ? OP_MUL : OP_XOR, ~(u64)0);
		break;
	default:
		value(g, s->a, var);
		operate(g, s, var);
		break;
	}
	last = &g->rows->at[g->rows->n - 1];
	last->size = s->size;
	last->sign = s->kind == EXPR_INT;
}

static void text_test(struct generator *g, const struct expr_step *s, bool want, u32 to)
{
	const struct expr_step *x = &g->c->steps[s->a], *y = &g->c->steps[s->b];
	bool equal = s->op != EX_NE;
	u32 out = g->labels++, differ = equal == want ? out : to;

	load(g, 0, x->at + 8, 8, false);
	if (s->op == EX_HAS_PREFIX)
		jump(g, 0, TEST_LT, y->text.n, true, differ);
	else
		jump(g, 0, TEST_EQ, y->text.n, false, differ);
	if (y->text.n)
		check_status(g, x->status, (u32)y->text.n, UNSURE);
	for (size_t k = 0; k < y->text.n;) {
		size_t left = y->text.n - k;
		u32 n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
		u64 bytes = 0;

		memcpy(&bytes, y->text.p + k, n);
		compute(g, 1, OP_MOV, bytes);
		load(g, 0, x->data + (u32)k, n, false);
		jump_if_same(g, 0, 1, false, differ);
		k += n;
	}
	if (equal == want)
		jump(g, 0, TEST_NEVER, 0, false, to);
	label(g, out);
}

static void type_test(struct generator *g, const struct expr_step *s, bool want, u32 to)
{
	const struct expr_step *x = &g->c->steps[s->a], *y = &g->c->steps[s->b];
	bool to_if_same = (s->op == EX_EQ) == want;
	u32 out = g->labels++;

	load(g, 0, x->at, 8, false);
	if (condition_names_nil(y)) {
		jump(g, 0, TEST_EQ, 0, to_if_same, to);
	} else {
		jump(g, 0, TEST_EQ, 0, true, to_if_same ? out : to);
		if (x->status)
			check_status(g, x->status, 8, UNREADABLE);
		load(g, 0, x->data, 8, false);
		compute(g, 1, OP_MOV, y->imm)->va = true;
		jump_if_same(g, 0, 1, to_if_same, to);
	}
	label(g, out);
}

static void compare(struct generator *g, const struct expr_step *s, bool want, u32 to)
{
	static const struct { u8 test[2]; bool opposite; } tests[] = {	/* unsigned, signed */
		[EX_EQ - EX_EQ] = { { TEST_EQ, TEST_EQ }, false },
		[EX_NE - EX_EQ] = { { TEST_EQ, TEST_EQ }, true },
		[EX_LT - EX_EQ] = { { TEST_LT, TEST_SLT }, false },
		[EX_LE - EX_EQ] = { { TEST_LE, TEST_SLE }, false },
		[EX_GT - EX_EQ] = { { TEST_LE, TEST_SLE }, true },
		[EX_GE - EX_EQ] = { { TEST_LT, TEST_SLT }, true },
	};
	const struct expr_step *x = &g->c->steps[s->a], *y = &g->c->steps[s->b];
	bool sign = x->kind == EXPR_INT || y->kind == EXPR_INT, imm = condition_is_imm(y);
	u8 test = tests[s->op - EX_EQ].test[sign];

	value(g, s->a, 0);
	if (!imm)
		value(g, s->b, 1);
	jump(g, 0, (enum condition_test)test, imm ? y->imm : 0,
	     want != tests[s->op - EX_EQ].opposite, to)->other = imm ? NO_VAR : 1;
}

/* Jumps if the condition is what is wanted, else goes on. */
static void test(struct generator *g, u32 i, bool want, u32 to)
{
	const struct expr_step *s = &g->c->steps[i];
	u32 out;

	switch ((enum expr_op)s->op) {
	case EX_NOT:
		test(g, s->a, !want, to);
		return;
	case EX_AND: case EX_OR:
		if ((s->op == EX_OR) == want) {
			test(g, s->a, want, to);
			test(g, s->b, want, to);
			return;
		}
		out = g->labels++;
		test(g, s->a, !want, out);
		test(g, s->b, want, to);
		label(g, out);
		return;
	case EX_CONST:
		if ((s->imm != 0) == want)
			jump(g, 0, TEST_NEVER, 0, false, to);
		return;
	case EX_LOAD:
		guards_of(g, i);
		value(g, i, 0);
		jump(g, 0, TEST_EQ, 0, !want, to);
		return;
	default:
		guards_of(g, i);
		if (condition_is_text(g->c, s))
			text_test(g, s, want, to);
		else if (condition_is_type(g->c, s))
			type_test(g, s, want, to);
		else
			compare(g, s, want, to);
		return;
	}
}

static void length_test(struct generator *g, const struct expr_step *s)
{
	const struct expr_step *x = &g->c->steps[s->a], *y = &g->c->steps[s->b];

	load(g, 0, x->at + 8, 8, false);
	jump(g, 0, s->op == EX_EQ ? TEST_EQ : TEST_LT, y->text.n, s->op != EX_EQ, NO);
}

void condition_rows_of(const struct condition *c, u32 step, bool length,
		       struct condition_rows *rows)
{
	struct generator g = { .c = c, .rows = rows, .labels = LABELS };

	if (length)
		length_test(&g, &c->steps[step]);
	else
		test(&g, step, false, NO);
	vec_release(&g.uses);
}
