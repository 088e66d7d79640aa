#include "inline/predicate.h"

#include <string.h>

#include "go/release.h"
#include "inline/emit.h"

enum {
	LABELS = 26,	/* that the conditions before, and those after the captures may use... */
	USES = 110,	/* ...and jumps to them: half of what the assembler has */
	TEXT = 64,	/* bytes of a text that are compared here */
	READABLE = 0x10000,	/* no capture is that long */
};

/* Registers in which values are computed: before the record there are three. */
static const u8 before_regs[] = { R12, R13, R15 }, after_regs[] = { R13, R15, RAX, RCX };

struct gen {
	struct predicate *s;
	const struct expr_step *steps;
	const u8 *regs;
	u32 nregs;
	bool after;
	unsigned unsure;	/* after: where doubts lead */
	u32 labels, uses;	/* while looking: how many it would take */
};

/* The registers of ABIInternal, in order of assignment. */
static const u8 int_regs[] = { RAX, RBX, RCX, RDI, RSI, R8, R9, R10, R11 };

/* The step that puts these bytes into the record as they are. */
static const struct read *raw_of(const struct reading *r, u32 at, u32 size)
{
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];

		if (d->kind <= READ_G && at >= d->at && at + size <= d->at + d->size)
			return d;
	}
	return NULL;
}

/* A field of g: what the guard of a load stands for. */
static const struct read *of_g(const struct reading *r, const struct expr_step *guard)
{
	const struct read *g = raw_of(r, guard->at, 8);

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

static bool is_imm(const struct expr_step *s)
{
	return s->op == EX_CONST && is_whole(s) && fits_imm(s->imm);
}

/* How many registers its value takes; more than there are when it can't be computed here. */
static u32 registers(const struct gen *g, u32 i)
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
			return !s->or_zero && of_g(r, &g->steps[s->guard - 1]) ? 1 : NEVER;
		return raw_of(r, s->at, s->size) &&
		       (raw_of(r, s->at, s->size)->kind != READ_INT ||
			raw_of(r, s->at, s->size)->at == s->at) &&
		       raw_of(r, s->at, s->size)->kind != READ_FLOAT ? 1 : NEVER;
	case EX_NEG: case EX_COMPLEMENT:
		return registers(g, s->a);
	case EX_SHL: case EX_SHR:
		return g->steps[s->b].op == EX_CONST && g->steps[s->b].imm < 64 ?
		       registers(g, s->a) : NEVER;
	case EX_ADD: case EX_SUB: case EX_MUL: case EX_BITAND: case EX_BITOR: case EX_XOR:
	case EX_ANDNOT:
		a = registers(g, s->a);
		b = registers(g, s->b);
		return is_imm(&g->steps[s->b]) ? a : MAX(a, b + 1);
	default:
		return NEVER;
	}
}

static bool signs_agree(const struct expr_step *a, const struct expr_step *b)
{
	return a->kind == b->kind || (a->kind == EXPR_UINT ? a : b)->size < 8;
}

/* A text that stands in the record, and a constant one. */
static bool is_text_test(const struct gen *g, const struct expr_step *s)
{
	const struct expr_step *a = &g->steps[s->a], *b = &g->steps[s->b];

	return g->after && a->op == EX_STRING && !a->exit && b->op == EX_CONST &&
	       b->text.n <= TEXT && b->text.n < a->cap &&
	       (s->op == EX_EQ || s->op == EX_NE || s->op == EX_HAS_PREFIX);
}

static bool names_nil(const struct expr_step *s)
{
	return str_eq(s->text, STR("nil"));
}

/* A dynamic type, and the one type of a name. */
static bool is_type_test(const struct gen *g, const struct expr_step *s)
{
	const struct expr_step *a = &g->steps[s->a], *b = &g->steps[s->b];

	return a->op == EX_TYPE && !a->exit && b->op == EX_CONST && (b->imm || names_nil(b)) &&
	       (s->op == EX_EQ || s->op == EX_NE) &&
	       (g->after || (!a->guard && raw_of(&g->s->fn->entry, a->at, 8) &&
			     (!a->status || names_nil(b))));
}

static bool can_test(struct gen *g, u32 i)
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
		g->uses += 8 + TEXT / 8;
		if (is_text_test(g, s) || is_type_test(g, s))
			return true;
		return s->op != EX_HAS_PREFIX && is_whole(a) && is_whole(b) && signs_agree(a, b) &&
		       registers(g, s->a) <= g->nregs &&
		       (is_imm(b) || MAX(registers(g, s->a), registers(g, s->b) + 1) <= g->nregs);
	default:
		return false;
	}
}

static void g_into(struct gen *g, unsigned reg)
{
	if (g->s->abi0)
		load_fs(g->s->a, reg, g->s->l->tls);
	else
		PUT(g->s->a, (u8)(0x4c | (reg >> 3)), 0x89, (u8)(0xf0 | (reg & 7)));
						/* mov reg, r14 */
}

/* reg = `size` bytes, extended: of a register (mod 3), or of [base+disp]. */
static void extend(struct assembler *a, unsigned reg, bool memory, unsigned from, i32 disp,
		   unsigned size, bool sign)
{
	u8 rex = (u8)(0x48 | (reg >> 3) << 2 | from >> 3), w = rex;
	u8 modrm = (u8)((memory ? 0x80 : 0xc0) | (reg & 7) << 3 | (from & 7));

	if (size == 4 && !sign)
		w &= (u8)~8;
	if (size == 1 || size == 2)	/* movsx, movzx */
		PUT(a, w, 0x0f, (u8)((sign ? 0xbe : 0xb6) | (size == 2)), modrm);
	else
		PUT(a, w, (u8)(size == 4 && sign ? 0x63 : 0x8b), modrm);	/* movsxd, mov */
	if (memory && (from & 7) == 4)
		PUT(a, 0x24);
	if (memory)
		asm_u32(a, (u32)disp);
}

/* Does a pointer on the way not lead to what is needed? Then the reader is to say. */
static void check_guard(struct gen *g, u16 guard)
{
	struct assembler *a = g->s->a;
	const struct expr_step *s;

	if (!guard)
		return;
	s = &g->steps[guard - 1];
	check_guard(g, s->guard);
	load_sized(a, RAX, R12, (i32)s->status, 4);
	PUT(a, 0x2d);					/* sub eax, cap */
	asm_u32(a, s->cap);
	PUT(a, 0x3d);					/* cmp eax, … */
	asm_u32(a, READABLE);
	jcc(a, CC_A, g->unsure);
	load(a, RAX, R12, (i32)s->at);
	PUT(a, 0x48, 0x85, 0xc0);			/* test rax, rax */
	jcc(a, CC_E, g->unsure);
	if (s->data) {
		mov_imm64(a, RAX, s->imm);
		op_mem(a, true, 0x3b, RAX, R12, (i32)s->data);	/* cmp rax, [length] */
		jcc(a, CC_AE, g->unsure);
	}
}

static void guards_of(struct gen *g, u32 i)
{
	const struct expr_step *s = &g->steps[i], *pointer;
	struct assembler *a = g->s->a;
	unsigned out;

	if (!g->after)
		return;
	if (s->or_zero) {	/* nothing was copied from behind nil: it is 0 there */
		pointer = &g->steps[s->guard - 1];
		out = g->s->label++;
		check_guard(g, pointer->guard);
		load(a, RAX, R12, (i32)pointer->at);
		PUT(a, 0x48, 0x85, 0xc0);		/* test rax, rax */
		jcc(a, CC_E, out);
		check_guard(g, s->guard);
		asm_label(a, out);
		return;
	}
	check_guard(g, s->guard);
	if (s->op >= EX_NOT)
		guards_of(g, s->a);
	if (s->op >= EX_AND)
		guards_of(g, s->b);
}

static void load_step(struct gen *g, const struct expr_step *s, unsigned reg)
{
	struct assembler *a = g->s->a;
	const struct reading *r = &g->s->fn->entry;
	bool sign = s->kind == EXPR_INT;
	const struct read *d;

	if (g->after) {
		extend(a, reg, true, R12, (i32)s->at, s->size, sign);
		return;
	}
	if (s->guard) {
		const struct read *field = of_g(r, &g->steps[s->guard - 1]);

		g_into(g, reg);
		extend(a, reg, true, reg, field->disp + (i32)(s->at - field->at), s->size, sign);
		return;
	}
	d = raw_of(r, s->at, s->size);
	if (d->kind == READ_INT)
		extend(a, reg, false, int_regs[d->reg], 0, s->size, sign);
	else if (d->kind == READ_STACK)
		extend(a, reg, true, RSP, d->disp + (i32)(s->at - d->at), s->size, sign);
	else
		g_into(g, reg);
}

static void reg_reg(struct assembler *a, u8 op, unsigned to, unsigned from)
{
	PUT(a, (u8)(0x48 | (from >> 3) << 2 | to >> 3), op,
	    (u8)(0xc0 | (from & 7) << 3 | (to & 7)));
}

static void reg_imm(struct assembler *a, u8 group, unsigned reg, u32 imm)
{
	PUT(a, (u8)(0x48 | reg >> 3), 0x81, (u8)(0xc0 | group << 3 | (reg & 7)));
	asm_u32(a, imm);
}

static void not_reg(struct assembler *a, u8 group, unsigned reg)
{
	PUT(a, (u8)(0x48 | reg >> 3), 0xf7, (u8)(0xc0 | group << 3 | (reg & 7)));
}

static void value(struct gen *g, u32 i, u32 k);

/* regs[k] = regs[k] op b */
static void operate(struct gen *g, const struct expr_step *s, u32 k)
{
	struct assembler *a = g->s->a;
	const struct expr_step *b = &g->steps[s->b];
	/* add, or, and, sub, xor: op reg, reg; and the group of the form with a constant */
	u8 op = s->op == EX_ADD ? 0x01 : s->op == EX_BITOR ? 0x09 : s->op == EX_SUB ? 0x29 :
		s->op == EX_XOR ? 0x31 : 0x21;
	unsigned reg = g->regs[k], other;

	if (is_imm(b)) {
		if (s->op == EX_MUL) {		/* imul reg, reg, imm */
			PUT(a, (u8)(0x48 | (reg >> 3) << 2 | reg >> 3), 0x69,
			    (u8)(0xc0 | (reg & 7) << 3 | (reg & 7)));
			asm_u32(a, (u32)b->imm);
		} else {
			reg_imm(a, (u8)(op >> 3), reg,
				(u32)(s->op == EX_ANDNOT ? ~b->imm : b->imm));
		}
		return;
	}
	value(g, s->b, k + 1);
	other = g->regs[k + 1];
	if (s->op == EX_MUL)			/* imul reg, other */
		PUT(a, (u8)(0x48 | (reg >> 3) << 2 | other >> 3), 0x0f, 0xaf,
		    (u8)(0xc0 | (reg & 7) << 3 | (other & 7)));
	else if (s->op == EX_ANDNOT)
		not_reg(a, 2, other);
	if (s->op != EX_MUL)
		reg_reg(a, op, reg, other);
}

/* The step's value into regs[k], extended to 64 bits; registers behind k are used. */
static void value(struct gen *g, u32 i, u32 k)
{
	struct assembler *a = g->s->a;
	const struct expr_step *s = &g->steps[i];
	unsigned reg = g->regs[k];

	switch ((enum expr_op)s->op) {
	case EX_CONST:
		mov_imm64(a, reg, s->imm);
		return;
	case EX_GOID:
		if (g->after) {
			load(a, reg, R12, 16);
		} else {
			g_into(g, reg);
			load(a, reg, reg, g->s->p->prog->rel->g_goid);
		}
		return;
	case EX_LOAD:
		load_step(g, s, reg);
		return;
	case EX_NEG: case EX_COMPLEMENT:
		value(g, s->a, k);
		not_reg(a, s->op == EX_NEG ? 3 : 2, reg);
		break;
	case EX_SHL: case EX_SHR:
		value(g, s->a, k);
		PUT(a, (u8)(0x48 | reg >> 3), 0xc1,
		    (u8)((s->op == EX_SHL ? 0xe0 : s->kind == EXPR_INT ? 0xf8 : 0xe8) | (reg & 7)),
		    (u8)g->steps[s->b].imm);		/* shl, sar, shr reg, imm */
		break;
	default:
		value(g, s->a, k);
		operate(g, s, k);
		break;
	}
	if (s->size < 8)
		extend(a, reg, false, reg, 0, s->size, s->kind == EXPR_INT);
}

static void test(struct gen *g, u32 i, bool want, unsigned to);

/* The bytes of a constant against those in the record; jumps when they differ. */
static void text_bytes(struct gen *g, u32 at, struct str text, unsigned differ)
{
	struct assembler *a = g->s->a;

	for (size_t k = 0; k < text.n;) {
		size_t left = text.n - k;
		unsigned n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
		u64 bytes = 0;

		memcpy(&bytes, text.p + k, n);
		mov_imm64(a, RAX, bytes);
		extend(a, RCX, true, R12, (i32)(at + k), n, false);
		reg_reg(a, 0x39, RCX, RAX);		/* cmp rcx, rax */
		jcc(a, CC_NE, differ);
		k += n;
	}
}

static void text_test(struct gen *g, const struct expr_step *s, bool want, unsigned to)
{
	struct assembler *a = g->s->a;
	const struct expr_step *x = &g->steps[s->a], *y = &g->steps[s->b];
	bool equal = s->op != EX_NE;
	unsigned out = g->s->label++, differ = equal == want ? out : to;

	load(a, RAX, R12, (i32)x->at + 8);
	PUT(a, 0x48, 0x3d);				/* cmp rax, length */
	asm_u32(a, (u32)y->text.n);
	jcc(a, s->op == EX_HAS_PREFIX ? CC_B : CC_NE, differ);
	if (y->text.n) {
		load_sized(a, RAX, R12, (i32)x->status, 4);
		PUT(a, 0x2d);				/* sub eax, length */
		asm_u32(a, (u32)y->text.n);
		PUT(a, 0x3d);				/* cmp eax, … */
		asm_u32(a, READABLE);
		jcc(a, CC_A, g->unsure);
		text_bytes(g, x->data, y->text, differ);
	}
	if (equal == want)
		jmp(a, to);
	asm_label(a, out);
}

static void type_test(struct gen *g, const struct expr_step *s, bool want, unsigned to)
{
	struct assembler *a = g->s->a;
	const struct expr_step *x = &g->steps[s->a], *y = &g->steps[s->b];
	struct expr_step word = { .op = EX_LOAD, .kind = EXPR_UINT, .at = x->at, .size = 8 };
	bool to_if_same = (s->op == EX_EQ) == want;
	unsigned out = g->s->label++, differ = to_if_same ? out : to;

	load_step(g, &word, R13);
	reg_reg(a, 0x85, R13, R13);			/* test r13, r13: nil */
	if (names_nil(y)) {
		jcc(a, to_if_same ? CC_E : CC_NE, to);
		asm_label(a, out);
		return;
	}
	jcc(a, CC_E, differ);
	if (x->status) {
		load_sized(a, RAX, R12, (i32)x->status, 4);
		PUT(a, 0x83, 0xf8, 0x08);		/* cmp eax, 8 */
		jcc(a, CC_NE, g->unsure);
	}
	word.at = x->data;
	load_step(g, &word, R13);
	mov_imm64(a, R15, y->imm + g->s->l->bias);
	reg_reg(a, 0x39, R13, R15);			/* cmp r13, r15 */
	jcc(a, to_if_same ? CC_E : CC_NE, to);
	asm_label(a, out);
}

static void compare(struct gen *g, const struct expr_step *s, bool want, unsigned to)
{
	/* signed, unsigned; the opposite of a condition is its number ^ 1 */
	static const u8 conditions[][2] = {
		[EX_EQ - EX_EQ] = { CC_E, CC_E }, [EX_NE - EX_EQ] = { CC_NE, CC_NE },
		[EX_LT - EX_EQ] = { CC_L, CC_B }, [EX_LE - EX_EQ] = { CC_LE, CC_BE },
		[EX_GT - EX_EQ] = { CC_G, CC_A }, [EX_GE - EX_EQ] = { CC_GE, CC_AE },
	};
	const struct expr_step *x = &g->steps[s->a], *y = &g->steps[s->b];
	bool sign = x->kind == EXPR_INT || y->kind == EXPR_INT;
	u8 cc = conditions[s->op - EX_EQ][!sign];

	value(g, s->a, 0);
	if (is_imm(y)) {
		reg_imm(g->s->a, 7, g->regs[0], (u32)y->imm);		/* cmp reg, imm */
	} else {
		value(g, s->b, 1);
		reg_reg(g->s->a, 0x39, g->regs[0], g->regs[1]);	/* cmp reg, reg */
	}
	jcc(g->s->a, want ? cc : cc ^ 1, to);
}

/* Jumps if the condition is what is wanted, else goes on. */
static void test(struct gen *g, u32 i, bool want, unsigned to)
{
	struct assembler *a = g->s->a;
	const struct expr_step *s = &g->steps[i];
	unsigned out;

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
		out = g->s->label++;
		test(g, s->a, !want, out);
		test(g, s->b, want, to);
		asm_label(a, out);
		return;
	case EX_CONST:
		if ((s->imm != 0) == want)
			jmp(a, to);
		return;
	case EX_LOAD:
		guards_of(g, i);
		value(g, i, 0);
		reg_reg(a, 0x85, g->regs[0], g->regs[0]);	/* test reg, reg */
		jcc(a, want ? CC_NE : CC_E, to);
		return;
	default:
		guards_of(g, i);
		if (is_text_test(g, s))
			text_test(g, s, want, to);
		else if (is_type_test(g, s))
			type_test(g, s, want, to);
		else
			compare(g, s, want, to);
		return;
	}
}

/* A text's length is known before its bytes are, and mostly says no. */
static bool has_length_test(const struct gen *g, const struct expr_step *s)
{
	const struct expr_step *x = &g->steps[s->a], *y = &g->steps[s->b];

	return (s->op == EX_EQ || s->op == EX_HAS_PREFIX) && x->op == EX_STRING && !x->exit &&
	       !x->guard && y->op == EX_CONST && raw_of(&g->s->fn->entry, x->at + 8, 8);
}

static void length_test(struct gen *g, const struct expr_step *s, unsigned no)
{
	const struct expr_step *x = &g->steps[s->a], *y = &g->steps[s->b];
	struct expr_step len = { .op = EX_LOAD, .kind = EXPR_UINT, .at = x->at + 8, .size = 8 };

	load_step(g, &len, R12);
	reg_imm(g->s->a, 7, R12, (u32)y->text.n);	/* cmp r12, length */
	jcc(g->s->a, s->op == EX_EQ ? CC_NE : CC_B, no);
}

static struct gen gen_of(struct predicate *s, bool after)
{
	const struct expr *e = plan_expr(s->p, EXPR_IF);

	return (struct gen){
		.s = s, .steps = e && s->fn->codes ? s->fn->codes[e->index].steps : NULL,
		.after = after, .regs = after ? after_regs : before_regs,
		.nregs = after ? ARRAY_LEN(after_regs) : ARRAY_LEN(before_regs),
	};
}

/* Does anything of it come from behind a pointer (but g)? */
static bool needs_captures(const struct gen *g, u32 i)
{
	struct gen before = *g;

	before.after = false;
	before.regs = before_regs;
	before.nregs = ARRAY_LEN(before_regs);
	return !can_test(&before, i);
}

/* The conditions that are decided here, one after the other: how many. */
static u32 each(struct gen *g, unsigned no, bool emit)
{
	const struct expr *e = plan_expr(g->s->p, EXPR_IF);
	const struct expr_code *c = g->steps ? &g->s->fn->codes[e->index] : NULL;
	u32 labels = 0, uses = 0, n = 0;

	for (u32 i = 0; c && i < c->nentry; i++) {
		bool later = needs_captures(g, c->conjuncts[i]);

		if (later && !g->after && has_length_test(g, &g->steps[c->conjuncts[i]])) {
			n++;
			if (emit)
				length_test(g, &g->steps[c->conjuncts[i]], no);
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
			test(g, c->conjuncts[i], false, no);
	}
	return n;
}

bool predicate_before_any(const struct predicate *s)
{
	struct predicate copy = *s;
	struct gen g = gen_of(&copy, false);

	return each(&g, 0, false);
}

bool predicate_after_any(const struct predicate *s)
{
	struct predicate copy = *s;
	struct gen g = gen_of(&copy, true);

	return reading_has_captures(&s->fn->entry) && each(&g, 0, false);
}

struct predicate_parts predicate_parts(const struct plan *p, const struct plan_func *fn)
{
	const struct expr *e = plan_expr(p, EXPR_IF);
	const struct expr_code *c = e && fn->codes ? &fn->codes[e->index] : NULL;
	struct predicate s = { .p = p, .fn = fn };
	struct gen before = gen_of(&s, false), after = gen_of(&s, true);
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
	struct gen g = gen_of(s, false);

	(void)each(&g, no, true);
}

void predicate_after(struct predicate *s, unsigned yes, unsigned no)
{
	struct gen g = gen_of(s, true);

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
