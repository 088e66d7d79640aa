#include "inline/predicate.h"

#include "go/release.h"
#include "inline/emit.h"
#include "inline/predicate_impl.h"

enum {
	LABELS = 26,	/* that the conditions before, and those after the captures may use... */
	USES = 110,	/* ...and jumps to them: half of what the assembler has */
};

/* Registers in which values are computed: before the record there are three. */
static const u8 before_regs[] = { R12, R13, R15 }, after_regs[] = { R13, R15, RAX, RCX };

/* The step that puts these bytes into the record as they are. */
const struct read *predicate_raw(const struct reading *r, u32 at, u32 size)
{
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];

		if (d->kind <= READ_G && at >= d->at && at + size <= d->at + d->size)
			return d;
	}
	return NULL;
}

/* A field of g: what the guard of a load stands for. */
const struct read *predicate_of_g(const struct reading *r, const struct expr_step *guard)
{
	const struct read *g = predicate_raw(r, guard->at, 8);

	if (guard->guard || guard->data || !g || g->kind != READ_G)
		return NULL;
	for (u32 i = 0; i < r->nreads; i++)
		if (r->reads[i].kind == READ_MEM && r->reads[i].status == guard->status)
			return &r->reads[i];
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

bool predicate_is_imm(const struct expr_step *s)
{
	return s->op == EX_CONST && is_whole(s) && fits_imm(s->imm);
}

/* How many registers its value takes; more than there are when it can't be computed here. */
static u32 registers(const struct predicate_gen *g, u32 i)
{
	enum { NEVER = 99 };
	const struct expr_step *s = &g->steps[i];
	const struct reading *r = &g->s->fn->entry;
	u32 a, b;

	if (s->exit || !is_whole(s) || (!s->size && s->op != EX_CONST))
		return NEVER;
	switch ((enum expr_op)s->op) {
	case EX_CONST:
	case EX_GOID:
		return 1;
	case EX_LOAD:
		if (g->after)
			return 1;
		if (s->guard)
			return s->or_zero || !predicate_of_g(r, &g->steps[s->guard - 1]) ?
			       NEVER : 1;
		return predicate_raw(r, s->at, s->size) &&
		       (predicate_raw(r, s->at, s->size)->kind != READ_INT ||
			predicate_raw(r, s->at, s->size)->at == s->at) &&
		       predicate_raw(r, s->at, s->size)->kind != READ_FLOAT ? 1 : NEVER;
	case EX_NEG: case EX_COMPLEMENT:
		return registers(g, s->a);
	case EX_SHL: case EX_SHR:
		return g->steps[s->b].op == EX_CONST && g->steps[s->b].imm < 64 ?
		       registers(g, s->a) : NEVER;
	case EX_ADD: case EX_SUB: case EX_MUL: case EX_BITAND: case EX_BITOR: case EX_XOR:
	case EX_ANDNOT:
		a = registers(g, s->a);
		b = registers(g, s->b);
		return predicate_is_imm(&g->steps[s->b]) ? a : MAX(a, b + 1);
	default:
		return NEVER;
	}
}

static bool signs_agree(const struct expr_step *a, const struct expr_step *b)
{
	return a->kind == b->kind || (a->kind == EXPR_UINT ? a : b)->size < 8;
}

/* A text that stands in the record, and a constant one. */
bool predicate_is_text(const struct predicate_gen *g, const struct expr_step *s)
{
	const struct expr_step *a = &g->steps[s->a], *b = &g->steps[s->b];

	return g->after && a->op == EX_STRING && !a->exit && b->op == EX_CONST &&
	       b->text.n <= PREDICATE_TEXT && b->text.n < a->cap &&
	       (s->op == EX_EQ || s->op == EX_NE || s->op == EX_HAS_PREFIX);
}

bool predicate_names_nil(const struct expr_step *s)
{
	return str_eq(s->text, STR("nil"));
}

/* A dynamic type, and the one type of a name. */
bool predicate_is_type(const struct predicate_gen *g, const struct expr_step *s)
{
	const struct expr_step *a = &g->steps[s->a], *b = &g->steps[s->b];

	return a->op == EX_TYPE && !a->exit && b->op == EX_CONST &&
	       (b->imm || predicate_names_nil(b)) &&
	       (s->op == EX_EQ || s->op == EX_NE) &&
	       (g->after || (!a->guard && predicate_raw(&g->s->fn->entry, a->at, 8) &&
			     (!a->status || predicate_names_nil(b))));
}

static bool can_test(struct predicate_gen *g, u32 i)
{
	const struct expr_step *s = &g->steps[i], *a, *b;

	g->labels += s->op == EX_AND || s->op == EX_OR ? 1 : 3;
	switch ((enum expr_op)s->op) {
	case EX_AND: case EX_OR:
		return can_test(g, s->a) && can_test(g, s->b);
	case EX_NOT:
		return can_test(g, s->a);
	case EX_CONST:
		return s->kind == EXPR_BOOL;
	case EX_LOAD:
		g->uses += 4;
		return s->kind == EXPR_BOOL && registers(g, i) <= g->nregs;
	case EX_EQ: case EX_NE: case EX_LT: case EX_LE: case EX_GT: case EX_GE:
	case EX_HAS_PREFIX:
		a = &g->steps[s->a];
		b = &g->steps[s->b];
		g->uses += 8 + PREDICATE_TEXT / 8;
		if (predicate_is_text(g, s) || predicate_is_type(g, s))
			return true;
		return s->op != EX_HAS_PREFIX && is_whole(a) && is_whole(b) && signs_agree(a, b) &&
		       registers(g, s->a) <= g->nregs &&
		       (predicate_is_imm(b) || registers(g, s->b) < g->nregs);
	default:
		return false;
	}
}

/* A text's length is known before its bytes are, and mostly says no. */
static bool has_length_test(const struct predicate_gen *g, const struct expr_step *s)
{
	const struct expr_step *x = &g->steps[s->a], *y = &g->steps[s->b];

	return (s->op == EX_EQ || s->op == EX_HAS_PREFIX) && x->op == EX_STRING && !x->exit &&
	       !x->guard && y->op == EX_CONST && predicate_raw(&g->s->fn->entry, x->at + 8, 8);
}

static struct predicate_gen gen_of(struct predicate *s, bool after)
{
	const struct expr *e = plan_expr(s->p, EXPR_IF);

	return (struct predicate_gen){
		.s = s, .steps = e && s->fn->codes ? s->fn->codes[e->index].steps : NULL,
		.after = after, .regs = after ? after_regs : before_regs,
		.nregs = after ? ARRAY_LEN(after_regs) : ARRAY_LEN(before_regs),
	};
}

/* Does anything of it come from behind a pointer (but g)? */
static bool needs_captures(const struct predicate_gen *g, u32 i)
{
	struct predicate_gen before = *g;

	before.after = false;
	before.regs = before_regs;
	before.nregs = ARRAY_LEN(before_regs);
	return !can_test(&before, i);
}

/* The conditions that are decided here, one after the other: how many. */
static u32 each(struct predicate_gen *g, unsigned no, bool emit)
{
	const struct expr *e = plan_expr(g->s->p, EXPR_IF);
	const struct expr_code *c = g->steps ? &g->s->fn->codes[e->index] : NULL;
	u32 labels = 0, uses = 0, n = 0;

	for (u32 i = 0; c && i < c->nentry; i++) {
		bool later = needs_captures(g, c->conjuncts[i]);

		if (later && !g->after && has_length_test(g, &g->steps[c->conjuncts[i]])) {
			n++;
			if (emit)
				predicate_test_length(g, &g->steps[c->conjuncts[i]], no);
			continue;
		}
		g->labels = g->uses = 0;
		if (later != g->after || !can_test(g, c->conjuncts[i]))
			continue;
		labels += g->labels;
		uses += g->uses;
		if (labels > LABELS || uses > USES)
			break;
		n++;
		if (emit)
			predicate_test(g, c->conjuncts[i], false, no);
	}
	return n;
}

bool predicate_before_any(const struct predicate *s)
{
	struct predicate copy = *s;
	struct predicate_gen g = gen_of(&copy, false);

	return each(&g, 0, false);
}

bool predicate_after_any(const struct predicate *s)
{
	struct predicate copy = *s;
	struct predicate_gen g = gen_of(&copy, true);

	return reading_has_captures(&s->fn->entry) && each(&g, 0, false);
}

struct predicate_parts predicate_parts(const struct plan *p, const struct plan_func *fn)
{
	const struct expr *e = plan_expr(p, EXPR_IF);
	const struct expr_code *c = e && fn->codes ? &fn->codes[e->index] : NULL;
	struct predicate s = { .p = p, .fn = fn };
	struct predicate_gen before = gen_of(&s, false), after = gen_of(&s, true);
	bool captures = reading_has_captures(&fn->entry);
	struct predicate_parts parts = { 0 };

	for (u32 i = 0; c && i < c->nconjuncts; i++) {
		if (i >= c->nentry)
			parts.at_end++;
		else if (can_test(&before, c->conjuncts[i]))
			parts.before++;
		else if (captures && can_test(&after, c->conjuncts[i]))
			parts.after++;
		else
			parts.at_entry++;
	}
	return parts;
}

void predicate_before(struct predicate *s, unsigned no)
{
	struct predicate_gen g = gen_of(s, false);

	(void)each(&g, no, true);
}

void predicate_after(struct predicate *s, unsigned yes, unsigned no)
{
	struct predicate_gen g = gen_of(s, true);

	g.unsure = yes;
	(void)each(&g, no, true);
}

/* r13 = the place of this call's mark, of `g` in a register. */
static void mark_into_r13(struct predicate *s, unsigned g)
{
	struct assembler *a = s->a;

	load(a, R13, g, G_STACK_HI);
	PUT(a, 0x49, 0x29, 0xe5);			/* sub r13, rsp */
	PUT(a, (u8)(0x4e | g >> 3), 0x8d, 0x2c,
	    (u8)(0xe8 | (g & 7)));			/* lea r13, [g+r13*8] */
	PUT(a, 0x45, 0x69, 0xed);			/* imul r13d, r13d, hash */
	asm_u32(a, 0x9e3779b1u);
	PUT(a, 0x41, 0xc1, 0xed, 32 - NEAR_MARKS_LOG2);	/* shr r13d, … */
}

void predicate_mark(struct predicate *s)
{
	if (s->abi0)
		load_fs(s->a, R15, s->l->tls);
	mark_into_r13(s, s->abi0 ? R15 : R14);
	lea_rip(s->a, R15, s->l->near_rt + NEAR_MARKS);
	PUT(s->a, 0x43, 0xc6, 0x04, 0x2f, 0x01);	/* mov byte [r15+r13], 1 */
}

void predicate_find(struct predicate *s, unsigned no)
{
	if (s->abi0)
		load_fs(s->a, R15, s->l->tls);
	mark_into_r13(s, s->abi0 ? R15 : R14);
	lea_rip(s->a, R15, s->l->near_rt + NEAR_MARKS);
	PUT(s->a, 0x43, 0x80, 0x3c, 0x2f, 0x00);	/* cmp byte [r15+r13], 0 */
	jcc(s->a, CC_E, no);
}
