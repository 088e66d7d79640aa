#include "bpf/decide.h"

#include <stddef.h>
#include <string.h>

enum {
	ROWS_MAX = 600,	/* for one site; and each turns the program's loop once more */
	BEFORE = 3,	/* as the inline engine: the order of the parts is the same */
};

static const struct condition_means means = {
	.before = BEFORE, .after = VARS, .labels = UINT32_MAX, .uses = UINT32_MAX,
};

struct use {
	u32 row, label;
};

struct generator {
	struct condition c;
	u64 bias;
	struct bpf_steps *rows;
	VEC(struct use) uses;
	u32 labels, unsure;	/* label: where doubts lead */
	bool doubts;
	u32 ready;
};

static struct bpf_step *row(struct generator *g, enum step_kind kind, u32 reg)
{
	struct bpf_step *s = vec_push(g->rows);

	memset(s, 0, sizeof(*s));
	s->kind = (u8)kind;
	s->reg = (u8)reg;
	return s;
}

static void label(struct generator *g, u32 which)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->uses.n; i++) {
		const struct use *u = &g->uses.at[i];

		if (u->label == which)
			g->rows->at[u->row].size = (u16)(g->rows->n - u->row - 1);
		else
			g->uses.at[kept++] = *u;
	}
	g->uses.n = kept;
}

/* To `to` if (var op v) is what is wanted. */
static struct bpf_step *jump(struct generator *g, u32 var, enum step_test test, u64 v, bool want,
			     u32 to)
{
	struct bpf_step *s;

	*vec_push(&g->uses) = (struct use){ .row = (u32)g->rows->n, .label = to };
	s = row(g, STEP_JUMP, var);
	s->op = (u8)test;
	s->other = NO_VAR;
	s->sense = want;
	s->when = v;
	g->doubts |= to == g->unsure;
	return s;
}

static struct bpf_step *compute(struct generator *g, u32 var, enum step_op op, u64 v)
{
	struct bpf_step *s = row(g, STEP_COMPUTE, var);

	s->op = (u8)op;
	s->other = NO_VAR;
	s->when = v;
	return s;
}

static void extended(struct bpf_step *s, u32 size, bool sign)
{
	s->drop = (u8)(64 - 8 * size);
	s->sense = sign;
}

/* How many reads come before these bytes of the record are whole; a block is read to its end. */
static u32 ready(const struct reading *r, u32 at, u32 size)
{
	u32 last = 0;

	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];
		bool status = d->kind == READ_MEM || d->kind == READ_BYTES ||
			      d->kind == READ_FRAMES;

		if ((d->kind != READ_WHEN && at < d->at + d->size && d->at < at + size) ||
		    (status && at < d->status + 8 && d->status < at + size))
			last = i + 1;
	}
	for (u32 i = 0; i < r->nreads; i++)
		if (r->reads[i].kind == READ_WHEN && last > i && last < i + 1 + r->reads[i].size)
			last = i + 1 + r->reads[i].size;
	return last;
}

static void load(struct generator *g, u32 var, u32 at, u32 size, bool sign)
{
	struct bpf_step *s = row(g, STEP_LOAD, var);

	s->at = (u16)at;
	extended(s, size, sign);
	g->ready = MAX(g->ready, ready(g->c.r, at, size));
}

/* Were fewer bytes copied than these? */
static void check_status(struct generator *g, u32 at, u64 least)
{
	load(g, 0, at, 4, true);	/* CAPTURE_UNREADABLE is less than nothing */
	jump(g, 0, TEST_SLT, least, true, g->unsure);
}

/* Does a pointer on the way not lead to what is needed? */
static void check_guard(struct generator *g, u16 guard)
{
	const struct expr_step *s;

	if (!guard)
		return;
	s = &g->c.steps[guard - 1];
	check_guard(g, s->guard);
	check_status(g, s->status, s->cap);
	load(g, 0, s->at, 8, false);
	jump(g, 0, TEST_EQ, 0, true, g->unsure);
	if (s->data) {
		load(g, 0, s->data, 8, false);
		jump(g, 0, TEST_LE, s->imm, true, g->unsure);
	}
}

static void guards_of(struct generator *g, u32 i)
{
	const struct expr_step *s = &g->c.steps[i], *pointer;
	u32 out;

	if (s->or_zero) {	/* nothing was copied from behind nil: it is 0 there */
		pointer = &g->c.steps[s->guard - 1];
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

/* The second operand: a constant, or the next variable. */
static void operate(struct generator *g, const struct expr_step *s, u32 var)
{
	static const u8 ops[] = {
		[EX_ADD - EX_ADD] = OP_ADD, [EX_SUB - EX_ADD] = OP_SUB, [EX_MUL - EX_ADD] = OP_MUL,
		[EX_BITAND - EX_ADD] = OP_AND, [EX_BITOR - EX_ADD] = OP_OR,
		[EX_XOR - EX_ADD] = OP_XOR, [EX_ANDNOT - EX_ADD] = OP_AND,
		[EX_SHL - EX_ADD] = OP_SHL, [EX_SHR - EX_ADD] = OP_SHR,
	};
	const struct expr_step *b = &g->c.steps[s->b];
	u8 op = s->op == EX_SHR && s->kind == EXPR_INT ? OP_SAR : ops[s->op - EX_ADD];
	u64 flip = s->op == EX_ANDNOT ? ~(u64)0 : 0;
	struct bpf_step *of;

	if (b->op != EX_CONST) {
		value(g, s->b, var + 1);
		if (flip)
			compute(g, var + 1, OP_XOR, flip);
	}
	of = compute(g, var, (enum step_op)op, b->imm ^ flip);
	if (b->op != EX_CONST)
		of->other = (u8)(var + 1);
}

/* The step's value, extended to 64 bits, into a variable; those behind it are used. */
static void value(struct generator *g, u32 i, u32 var)
{
	const struct expr_step *s = &g->c.steps[i];

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
	case EX_NEG:
		value(g, s->a, var);
		compute(g, var, OP_MUL, ~(u64)0);
		break;
	case EX_COMPLEMENT:
		value(g, s->a, var);
		compute(g, var, OP_XOR, ~(u64)0);
		break;
	default:
		value(g, s->a, var);
		operate(g, s, var);
		break;
	}
	extended(&g->rows->at[g->rows->n - 1], s->size, s->kind == EXPR_INT);
}

static void text_test(struct generator *g, const struct expr_step *s, bool want, u32 to)
{
	const struct expr_step *x = &g->c.steps[s->a], *y = &g->c.steps[s->b];
	bool equal = s->op != EX_NE;
	u32 out = g->labels++, differ = equal == want ? out : to;

	load(g, 0, x->at + 8, 8, false);
	if (s->op == EX_HAS_PREFIX)
		jump(g, 0, TEST_LT, y->text.n, true, differ);
	else
		jump(g, 0, TEST_EQ, y->text.n, false, differ);
	if (y->text.n)
		check_status(g, x->status, y->text.n);
	for (size_t k = 0; k < y->text.n; k += 8) {
		u32 n = (u32)MIN(y->text.n - k, (size_t)8);
		u64 bytes = 0;

		memcpy(&bytes, y->text.p + k, n);
		load(g, 0, x->data + (u32)k, n, false);
		jump(g, 0, TEST_EQ, bytes, false, differ);
	}
	if (equal == want)
		jump(g, 0, TEST_NEVER, 0, false, to);
	label(g, out);
}

static void type_test(struct generator *g, const struct expr_step *s, bool want, u32 to)
{
	const struct expr_step *x = &g->c.steps[s->a], *y = &g->c.steps[s->b];
	bool to_if_same = (s->op == EX_EQ) == want;
	u32 out = g->labels++;

	load(g, 0, x->at, 8, false);
	if (condition_names_nil(y)) {
		jump(g, 0, TEST_EQ, 0, to_if_same, to);
	} else {
		jump(g, 0, TEST_EQ, 0, true, to_if_same ? out : to);
		if (x->status)
			check_status(g, x->status, 8);
		load(g, 0, x->data, 8, false);
		jump(g, 0, TEST_EQ, y->imm + g->bias, to_if_same, to);
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
	const struct expr_step *y = &g->c.steps[s->b];
	u8 test = tests[s->op - EX_EQ].test[condition_is_signed(&g->c, s)];
	struct bpf_step *j;

	value(g, s->a, 0);
	if (y->op != EX_CONST)
		value(g, s->b, 1);
	j = jump(g, 0, (enum step_test)test, y->imm, want != tests[s->op - EX_EQ].opposite, to);
	if (y->op != EX_CONST)
		j->other = 1;
}

/* Jumps if the condition is what is wanted, else goes on. */
static void test(struct generator *g, u32 i, bool want, u32 to)
{
	const struct expr_step *s = &g->c.steps[i];
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
		if (condition_is_text(&g->c, s))
			text_test(g, s, want, to);
		else if (condition_is_type(&g->c, s))
			type_test(g, s, want, to);
		else
			compare(g, s, want, to);
		return;
	}
}

static void length_test(struct generator *g, const struct expr_step *s, u32 to)
{
	const struct expr_step *x = &g->c.steps[s->a], *y = &g->c.steps[s->b];

	load(g, 0, x->at + 8, 8, false);
	jump(g, 0, s->op == EX_EQ ? TEST_EQ : TEST_LT, y->text.n, s->op == EX_EQ, to);
}

/* Where it holds, it leads behind its rows. */
static void part(struct generator *g, const struct condition_part *p)
{
	u32 yes = g->labels++;

	g->unsure = g->labels++;
	g->doubts = false;
	if (p->length)
		length_test(g, &g->c.steps[p->step], yes);
	else
		test(g, p->step, true, yes);
	row(g, STEP_UNWANTED, 0);	/* goes on in doubt */
	label(g, g->unsure);
	if (g->doubts)
		row(g, STEP_UNSURE, 0);
	label(g, yes);
}

void decision_make(struct decision *d, const struct plan *p, const struct plan_func *fn, u64 bias)
{
	struct generator g = { .bias = bias, .rows = &d->rows };
	struct condition_part of;

	*d = (struct decision){ 0 };
	if (!fn->shown || fn->hook)	/* pairing needs every hook */
		return;
	for (u32 after = 0; after < 2; after++) {
		struct condition c = condition_of(p, fn, &means, after);

		g.c = c;
		while (condition_next(&c, &of)) {
			u32 first = (u32)d->rows.n;

			part(&g, &of);
			if (d->rows.n > ROWS_MAX) {
				d->rows.n = first;
				break;
			}
			*vec_push(&d->parts) = (struct decision_part){
				.ready = g.ready, .first = first, .n = (u32)d->rows.n - first,
			};
		}
	}
	vec_release(&g.uses);
}

void decision_release(struct decision *d)
{
	vec_release(&d->parts);
	vec_release(&d->rows);
}

struct condition_parts decision_parts(const struct plan *p, const struct plan_func *fn)
{
	struct condition_parts parts = condition_parts(p, fn, &means, true);

	parts.after += parts.before;
	parts.before = 0;
	return parts;
}
