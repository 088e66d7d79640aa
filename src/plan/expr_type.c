/* Operators and their types. Go's rules, with one thing made easier, because there are no
 * conversions here: whole numbers of different types may meet. They are compared as numbers, and
 * what is computed from them has 64 bits. A constant takes the type of what it meets, and has to
 * fit into it. */
#include "plan/expr_bind.h"

#include <float.h>
#include <stdarg.h>
#include <stdio.h>

#include "plan/expr_binder.h"

enum { TEXT_SEEN = 256, TEXT_SEARCHED = 1024 };	/* bytes copied for a == b, for contains(a, …) */

bool bind_wrong(struct binder *b, u32 at, const char *fmt, ...)
{
	char sentence[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	return expr_wrong(b->e->option, b->e->text, at, b->err, "%s", sentence);
}

static bool same_guard(const struct expr_step *a, const struct expr_step *b)
{
	return (a->op == EX_BEHIND || a->op == EX_IS) && a->op == b->op && a->exit == b->exit &&
	       a->guard == b->guard && a->at == b->at && a->status == b->status &&
	       a->cap == b->cap && a->data == b->data && a->imm == b->imm;
}

u16 bind_step(struct binder *b, struct expr_step s)
{
	for (size_t i = 0; i < b->steps.n; i++)
		if (same_guard(&b->steps.at[i], &s))
			return (u16)i;
	*vec_push(&b->steps) = s;
	return (u16)(b->steps.n - 1);
}

static struct expr_step *step_of(struct binder *b, const struct operand *o)
{
	return &b->steps.at[o->step];
}

static bool is_constant(const struct operand *o)
{
	return o->kind >= OPERAND_INT && o->kind <= OPERAND_BOOL;
}

static const char *kind_text(const struct binder *b, const struct operand *o)
{
	static const char *const kinds[] = {
		[EXPR_BOOL] = "a bool", [EXPR_INT] = "a whole number",
		[EXPR_UINT] = "a whole number", [EXPR_FLOAT] = "a number with a fraction",
		[EXPR_STRING] = "a text", [EXPR_VALUE] = "a value of several parts",
	};

	switch (o->kind) {
	case OPERAND_INT: return "a whole number";
	case OPERAND_FLOAT: return "a number with a fraction";
	case OPERAND_TEXT: return "a text";
	case OPERAND_BOOL: return "a bool";
	case OPERAND_NIL: return "nil";
	case OPERAND_STEP: return kinds[b->steps.at[o->step].kind];
	case OPERAND_PLACE: break;
	}
	return "a value";
}

/* Its Go type where there is one, else what it is. */
static struct str what_it_is(const struct binder *b, const struct operand *o)
{
	if ((o->kind == OPERAND_PLACE || o->kind == OPERAND_STEP) && o->type)
		return o->type->name;
	return str_of(kind_text(b, o));
}

/* A constant as a step with the kind, size and type of its partner. */
static bool give_type(struct binder *b, struct operand *o, u8 kind, u8 size, struct go_type *type)
{
	struct expr_step s = { .op = EX_CONST, .kind = kind, .size = size, .type = type };
	unsigned bits = size ? 8 * size : 64;
	__int128 one = 1, lowest = 0, highest = 0;

	if (kind == EXPR_INT || kind == EXPR_UINT) {
		if (o->kind == OPERAND_FLOAT && o->real == (double)(i64)o->real) {
			o->kind = OPERAND_INT;
			o->whole = (i64)o->real;
		}
		if (o->kind != OPERAND_INT)
			return bind_wrong(b, o->node->at,
					  "a whole number was expected here, not %s",
					  kind_text(b, o));
		lowest = kind == EXPR_INT ? -(one << (bits - 1)) : 0;
		highest = (kind == EXPR_INT && type ? one << (bits - 1) : one << bits) - 1;
		if (o->whole < lowest || o->whole > highest)
			return bind_wrong(b, o->node->at, "this does not fit into %.*s",
					  STR_F(type ? type->name : STR("a word")));
		s.imm = (u64)o->whole;
	} else if (kind == EXPR_FLOAT) {
		double d = o->kind == OPERAND_INT ? (double)o->whole : o->real;

		if (o->kind != OPERAND_INT && o->kind != OPERAND_FLOAT)
			return bind_wrong(b, o->node->at, "a number was expected here, not %s",
					  kind_text(b, o));
		if (size == 4 && (d > (double)FLT_MAX || d < -(double)FLT_MAX))
			return bind_wrong(b, o->node->at, "this does not fit into float32");
		if (size == 4)
			d = (double)(float)d;
		memcpy(&s.imm, &d, sizeof(d));
	} else if (kind == EXPR_STRING) {
		if (o->kind != OPERAND_TEXT)
			return bind_wrong(b, o->node->at, "a text was expected here, not %s",
					  kind_text(b, o));
		s.text = o->text;
	} else if (kind == EXPR_BOOL) {
		if (o->kind != OPERAND_BOOL)
			return bind_wrong(b, o->node->at, "a bool was expected here, not %s",
					  kind_text(b, o));
		s.imm = o->whole != 0;
	}
	o->kind = OPERAND_STEP;
	o->type = type;
	o->step = bind_step(b, s);
	return true;
}

bool bind_own_type(struct binder *b, struct operand *o)
{
	const struct go_program *prog = b->p->prog;

	switch (o->kind) {
	case OPERAND_INT:
		return give_type(b, o, o->whole > INT64_MAX ? EXPR_UINT : EXPR_INT, 8,
				 go_type_basic(prog, o->whole > INT64_MAX ? GO_UINT64 : GO_INT));
	case OPERAND_FLOAT:
		return give_type(b, o, EXPR_FLOAT, 8, go_type_basic(prog, GO_FLOAT64));
	case OPERAND_TEXT:
		return give_type(b, o, EXPR_STRING, 0, go_type_basic(prog, GO_STRING));
	case OPERAND_BOOL:
		return give_type(b, o, EXPR_BOOL, 1, go_type_basic(prog, GO_BOOL));
	default:
		return bind_wrong(b, o->node->at, "nil has no type here");
	}
}

bool bind_result(struct binder *b, struct operand *to, struct expr_step s)
{
	to->kind = OPERAND_STEP;
	to->type = s.type;
	to->step = bind_step(b, s);
	return true;
}

static bool is_whole(u8 kind)
{
	return kind == EXPR_INT || kind == EXPR_UINT;
}

/* Both sides of an operator become steps. A constant takes the other's type. */
static bool both(struct binder *b, const struct expr_node *n, struct operand *x, struct operand *y)
{
	bool texts = (bind_is_text(b, x) && y->kind == OPERAND_TEXT) ||
		     (bind_is_text(b, y) && x->kind == OPERAND_TEXT) ||
		     (bind_is_text(b, x) && bind_is_text(b, y));
	const struct operand *text = x->kind == OPERAND_TEXT ? x :
				     y->kind == OPERAND_TEXT ? y : NULL;
	u32 want = !texts ? 0 : text ? (u32)text->text.n + 1 : TEXT_SEEN;
	struct operand *constant = is_constant(x) ? x : y, *other = constant == x ? y : x;
	const struct expr_step *s, *t;

	if (!bind_load(b, x, want) || !bind_load(b, y, want))
		return false;
	if (is_constant(constant)) {
		s = step_of(b, other);
		return give_type(b, constant, s->kind, s->size, s->type);
	}
	s = step_of(b, x);
	t = step_of(b, y);
	if (s->kind == t->kind || (is_whole(s->kind) && is_whole(t->kind)))
		return true;
	return bind_wrong(b, n->mark, "%.*s and %.*s do not go together",
			  STR_F(what_it_is(b, x)), STR_F(what_it_is(b, y)));
}

static bool fold(struct binder *b, const struct expr_node *n, struct operand *x,
		 const struct operand *y);

u64 bind_descriptor(struct binder *b, struct str name)
{
	struct go_type **all, *t;
	size_t n, lo = 0, hi;
	u64 va = 0;

	if (str_find(name, STR("/")) >= 0) {
		t = go_type_named(b->p->prog, name);
		return t ? t->va : 0;
	}
	n = hi = go_types_all(b->p->prog, &all);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(all[mid]->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && str_eq(all[lo]->name, name); lo++) {
		if (!all[lo]->va)
			continue;	/* without a descriptor no interface holds it */
		if (va)
			return 0;
		va = all[lo]->va;
	}
	return va;
}

/* A type's name is compared as a type, where there is one of that name. */
static void name_type(struct binder *b, const struct operand *type, const struct operand *name)
{
	struct expr_step *s = step_of(b, name);

	if (step_of(b, type)->op == EX_TYPE && s->op == EX_CONST)
		s->imm = bind_descriptor(b, s->text);
}

static bool comparison(struct binder *b, const struct expr_node *n, struct operand *x,
		       struct operand *y, struct operand *to)
{
	bool order = n->op != EX_EQ && n->op != EX_NE;

	if (x->kind == OPERAND_NIL || y->kind == OPERAND_NIL) {
		struct operand *other = x->kind == OPERAND_NIL ? y : x,
			       *nil = x->kind == OPERAND_NIL ? x : y;

		if (order || other->kind == OPERAND_NIL)
			return bind_wrong(b, n->mark, "nil can only be equal to something, or not");
		if (other->kind == OPERAND_STEP && step_of(b, other)->op == EX_TYPE) {
			nil->kind = OPERAND_TEXT;
			nil->text = STR("nil");
		} else {
			nil->kind = OPERAND_INT;
			nil->whole = 0;
			if (!bind_first_word(b, other))
				return false;
		}
	}
	if (!both(b, n, x, y))
		return false;
	if (order && step_of(b, x)->kind == EXPR_BOOL)
		return bind_wrong(b, n->mark, "bools have no order");
	if (!order) {
		name_type(b, x, y);
		name_type(b, y, x);
	}
	return bind_result(b, to, (struct expr_step){ .op = n->op, .kind = EXPR_BOOL, .size = 1,
						 .a = x->step, .b = y->step,
						 .type = go_type_basic(b->p->prog, GO_BOOL) });
}

static bool is_bool(struct binder *b, struct operand *o)
{
	if (!(is_constant(o) ? bind_own_type(b, o) : bind_load(b, o, 0)))
		return false;
	return step_of(b, o)->kind == EXPR_BOOL ||
	       bind_wrong(b, o->node->at, "a condition was expected here; this is %.*s",
			  STR_F(what_it_is(b, o)));
}

static bool logic(struct binder *b, const struct expr_node *n, struct operand *to)
{
	struct operand x = { 0 }, y = { 0 };

	if (!bind_node(b, n->a, &x) || !is_bool(b, &x) || !bind_node(b, n->b, &y) ||
	    !is_bool(b, &y))
		return false;
	return bind_result(b, to, (struct expr_step){ .op = n->op, .kind = EXPR_BOOL, .size = 1,
						 .a = x.step, .b = y.step,
						 .type = go_type_basic(b->p->prog, GO_BOOL) });
}

/* Left stays what it is; the right side counts bits. */
static bool shift(struct binder *b, const struct expr_node *n, struct operand *x, struct operand *y,
		  struct operand *to)
{
	const struct expr_step *s;

	if (is_constant(x) && !bind_own_type(b, x))
		return false;
	if (!bind_load(b, x, 0))
		return false;
	if (y->kind == OPERAND_INT && y->whole < 0)
		return bind_wrong(b, y->node->at, "a negative shift");
	if (!(is_constant(y) ? bind_own_type(b, y) : bind_load(b, y, 0)))
		return false;
	s = step_of(b, x);
	if (!is_whole(s->kind) || !is_whole(step_of(b, y)->kind))
		return bind_wrong(b, n->mark, "only whole numbers have bits");
	return bind_result(b, to, (struct expr_step){ .op = n->op, .kind = s->kind, .size = s->size,
						 .a = x->step, .b = y->step, .type = s->type });
}

static bool arithmetic(struct binder *b, const struct expr_node *n, struct operand *x,
		       struct operand *y, struct operand *to)
{
	const struct expr_step *s, *t;
	struct expr_step r = { .op = n->op };

	if (n->op == EX_SHL || n->op == EX_SHR)
		return shift(b, n, x, y, to);
	if (!both(b, n, x, y))
		return false;
	s = step_of(b, x);
	t = step_of(b, y);
	if (!is_whole(s->kind) && s->kind != EXPR_FLOAT)
		return bind_wrong(b, n->mark, "%.*s can't be computed with",
				  STR_F(what_it_is(b, x)));
	if (s->kind == EXPR_FLOAT && n->op > EX_DIV)
		return bind_wrong(b, n->mark, "only whole numbers have this operation");
	if (t->op == EX_CONST && !t->imm && is_whole(t->kind) &&
	    (n->op == EX_DIV || n->op == EX_REM))
		return bind_wrong(b, n->mark, "a division by zero");
	r.a = x->step;
	r.b = y->step;
	r.kind = s->kind;
	r.size = s->size;
	r.type = s->type;
	if (s->type != t->type && (s->kind != t->kind || s->size != t->size || is_whole(s->kind))) {
		bool sign = s->kind == EXPR_INT || t->kind == EXPR_INT;

		if (is_whole(s->kind)) {
			r.kind = sign ? EXPR_INT : EXPR_UINT;
			r.size = 8;
			r.type = go_type_basic(b->p->prog, sign ? GO_INT64 : GO_UINT64);
		} else {
			r.size = 8;
			r.type = go_type_basic(b->p->prog, GO_FLOAT64);
		}
	}
	return bind_result(b, to, r);
}

static bool bind_binary(struct binder *b, const struct expr_node *n, struct operand *to)
{
	struct operand x = { 0 }, y = { 0 };

	if (n->op == EX_AND || n->op == EX_OR)
		return logic(b, n, to);
	if (!bind_node(b, n->a, &x) || !bind_node(b, n->b, &y))
		return false;
	if (is_constant(&x) && is_constant(&y)) {
		if (!fold(b, n, &x, &y))
			return false;
		x.node = n;
		*to = x;
		return true;
	}
	return n->op >= EX_EQ ? comparison(b, n, &x, &y, to) : arithmetic(b, n, &x, &y, to);
}

static bool compared(u8 op, int order)
{
	switch (op) {
	case EX_EQ: return !order;
	case EX_NE: return order;
	case EX_LT: return order < 0;
	case EX_LE: return order <= 0;
	case EX_GT: return order > 0;
	default: return order >= 0;
	}
}

static bool fold_float(struct binder *b, const struct expr_node *n, struct operand *x, double l,
		       double r)
{
	x->kind = OPERAND_FLOAT;
	switch (n->op) {
	case EX_ADD: x->real = l + r; return true;
	case EX_SUB: x->real = l - r; return true;
	case EX_MUL: x->real = l * r; return true;
	case EX_DIV:
		x->real = l / r;
		return r != 0 || bind_wrong(b, n->mark, "a division by zero");
	default:
		break;
	}
	if (n->op < EX_EQ)
		return bind_wrong(b, n->mark, "only whole numbers have this operation");
	x->kind = OPERAND_BOOL;
	x->whole = compared(n->op, l < r ? -1 : l > r);
	return true;
}

static bool fold_whole(struct binder *b, const struct expr_node *n, struct operand *x, __int128 r)
{
	__int128 l = x->whole, most = (__int128)UINT64_MAX;

	if ((n->op == EX_DIV || n->op == EX_REM) && !r)
		return bind_wrong(b, n->mark, "a division by zero");
	if ((n->op == EX_SHL || n->op == EX_SHR) && (r < 0 || r > 63))
		return bind_wrong(b, n->mark, "a shift by 0 to 63 bits was expected here");
	switch (n->op) {
	case EX_ADD: x->whole = l + r; break;
	case EX_SUB: x->whole = l - r; break;
	case EX_MUL: x->whole = (__int128)((unsigned __int128)l * (unsigned __int128)r); break;
	case EX_DIV: x->whole = l / r; break;
	case EX_REM: x->whole = l % r; break;
	case EX_BITAND: x->whole = l & r; break;
	case EX_BITOR: x->whole = l | r; break;
	case EX_XOR: x->whole = l ^ r; break;
	case EX_ANDNOT: x->whole = l & ~r; break;
	case EX_SHL: x->whole = (__int128)((unsigned __int128)l << r); break;
	case EX_SHR: x->whole = l >> r; break;
	default:
		x->kind = OPERAND_BOOL;
		x->whole = compared(n->op, l < r ? -1 : l > r);
		return true;
	}
	return (x->whole <= most && x->whole >= INT64_MIN) ||
	       bind_wrong(b, n->mark, "more than 64 bits");
}

/* Two constants: *x becomes their result. */
static bool fold(struct binder *b, const struct expr_node *n, struct operand *x,
		 const struct operand *y)
{
	bool numbers = x->kind <= OPERAND_FLOAT && y->kind <= OPERAND_FLOAT;

	if (numbers && x->kind == OPERAND_INT && y->kind == OPERAND_INT)
		return fold_whole(b, n, x, y->whole);
	if (numbers)
		return fold_float(b, n, x, x->kind == OPERAND_INT ? (double)x->whole : x->real,
				  y->kind == OPERAND_INT ? (double)y->whole : y->real);
	if (x->kind == y->kind && n->op >= EX_EQ) {
		int order = x->kind == OPERAND_TEXT ? str_cmp(x->text, y->text) :
						      (int)(x->whole - y->whole);

		if (x->kind == OPERAND_BOOL && n->op > EX_NE)
			return bind_wrong(b, n->mark, "bools have no order");
		x->kind = OPERAND_BOOL;
		x->whole = compared(n->op, order);
		return true;
	}
	return bind_wrong(b, n->mark, "%s and %s do not go together", kind_text(b, x),
			  kind_text(b, y));
}

static bool bind_unary(struct binder *b, const struct expr_node *n, struct operand *to)
{
	const struct expr_step *s;
	struct operand x = { 0 };

	if (!bind_node(b, n->a, &x))
		return false;
	if (n->op == EX_NOT) {
		if (x.kind == OPERAND_BOOL) {
			x.whole = !x.whole;
			*to = x;
			return true;
		}
		return is_bool(b, &x) &&
		       bind_result(b, to, (struct expr_step){
			       .op = EX_NOT, .kind = EXPR_BOOL, .size = 1, .a = x.step,
			       .type = x.type,
		       });
	}
	if (x.kind == OPERAND_INT || x.kind == OPERAND_FLOAT) {
		if (n->op == EX_COMPLEMENT && x.kind == OPERAND_FLOAT)
			return bind_wrong(b, n->mark, "only whole numbers have bits");
		x.whole = n->op == EX_NEG ? -x.whole : ~x.whole;
		x.real = -x.real;
		*to = x;
		to->node = n;
		return true;
	}
	if (!bind_load(b, &x, 0))
		return false;
	if (x.kind != OPERAND_STEP)
		return bind_wrong(b, n->mark, "%s can't be computed with", kind_text(b, &x));
	s = step_of(b, &x);
	if (!is_whole(s->kind) && (s->kind != EXPR_FLOAT || n->op == EX_COMPLEMENT))
		return bind_wrong(b, n->mark, "%.*s can't be computed with",
				  STR_F(what_it_is(b, &x)));
	return bind_result(b, to, (struct expr_step){ .op = n->op, .kind = s->kind, .size = s->size,
						 .a = x.step, .type = s->type });
}

/* has_prefix(s, t), contains(s, t) */
static bool bind_text_function(struct binder *b, const struct expr_node *n, struct operand *to)
{
	bool prefix = str_eq(n->text, STR("has_prefix"));
	struct operand args[2] = { 0 };

	for (u32 i = 0; i < 2; i++) {
		struct operand *o = &args[i];
		u32 want = !prefix ? TEXT_SEARCHED : TEXT_SEEN;

		if (!bind_node(b, i ? n->b : n->a, o))
			return false;
		if (!i && prefix && n->b->kind == NODE_STRING)
			want = (u32)n->b->text.n + 1;
		if (o->kind == OPERAND_TEXT ? !bind_own_type(b, o) : !bind_load(b, o, want))
			return false;
		if (o->kind != OPERAND_STEP || step_of(b, o)->kind != EXPR_STRING)
			return bind_wrong(b, o->node->at, "a text was expected here; this is %.*s",
					  STR_F(what_it_is(b, o)));
	}
	return bind_result(b, to, (struct expr_step){
		.op = prefix ? EX_HAS_PREFIX : EX_CONTAINS, .kind = EXPR_BOOL, .size = 1,
		.a = args[0].step, .b = args[1].step, .type = go_type_basic(b->p->prog, GO_BOOL),
	});
}

bool bind_node(struct binder *b, const struct expr_node *n, struct operand *to)
{
	to->node = n;
	switch ((enum node_kind)n->kind) {
	case NODE_INT:
		to->kind = OPERAND_INT;
		to->whole = (__int128)n->whole;
		return true;
	case NODE_FLOAT:
		to->kind = OPERAND_FLOAT;
		to->real = n->real;
		return true;
	case NODE_STRING:
		to->kind = OPERAND_TEXT;
		to->text = n->text;
		return true;
	case NODE_BOOL:
		to->kind = OPERAND_BOOL;
		to->whole = (__int128)n->whole;
		return true;
	case NODE_NIL:
		to->kind = OPERAND_NIL;
		return true;
	case NODE_NAME:
		return bind_name(b, n, to);
	case NODE_FIELD:
		return bind_field(b, n, to);
	case NODE_INDEX:
		return bind_index(b, n, to);
	case NODE_TYPE:
		return bind_dynamic_type(b, n, to);
	case NODE_AS:
		return bind_as(b, n, to);
	case NODE_DEREF:
		return bind_deref(b, n, to);
	case NODE_CALL:
		return n->b ? bind_text_function(b, n, to) : bind_length(b, n, to);
	case NODE_UNARY:
		return bind_unary(b, n, to);
	case NODE_BINARY:
		return bind_binary(b, n, to);
	}
	return false;
}
