/* The code of conditions. In registers every value has 64 bits, extended by its sign or zeros. */
#include <string.h>

#include "go/release.h"
#include "inline/emit.h"
#include "inline/predicate_impl.h"

enum { READABLE = 0x10000 };	/* no capture is that long */

/* The registers of ABIInternal, in order of assignment. */
static const u8 int_regs[] = { RAX, RBX, RCX, RDI, RSI, R8, R9, R10, R11 };

static void g_into(struct predicate_gen *g, unsigned reg)
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
static void check_guard(struct predicate_gen *g, u16 guard)
{
	struct assembler *a = g->s->a;
	const struct expr_step *s;

	if (!guard)
		return;
	s = &g->c.steps[guard - 1];
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

static void guards_of(struct predicate_gen *g, u32 i)
{
	const struct expr_step *s = &g->c.steps[i], *pointer;
	struct assembler *a = g->s->a;
	unsigned out;

	if (!g->c.after)
		return;
	if (s->or_zero) {	/* nothing was copied from behind nil: it is 0 there */
		pointer = &g->c.steps[s->guard - 1];
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

static void load_step(struct predicate_gen *g, const struct expr_step *s, unsigned reg)
{
	struct assembler *a = g->s->a;
	bool sign = s->kind == EXPR_INT;
	const struct read *d;

	if (g->c.after) {
		extend(a, reg, true, R12, (i32)s->at, s->size, sign);
		return;
	}
	if (s->guard) {
		const struct read *field = condition_of_g(g->c.r, &g->c.steps[s->guard - 1]);

		g_into(g, reg);
		extend(a, reg, true, reg, field->disp + (i32)(s->at - field->at), s->size, sign);
		return;
	}
	d = condition_raw(g->c.r, s->at, s->size);
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

static void value(struct predicate_gen *g, u32 i, u32 k);

/* regs[k] = regs[k] op b */
static void operate(struct predicate_gen *g, const struct expr_step *s, u32 k)
{
	struct assembler *a = g->s->a;
	const struct expr_step *b = &g->c.steps[s->b];
	/* add, or, and, sub, xor: op reg, reg; and the group of the form with a constant */
	u8 op = s->op == EX_ADD ? 0x01 : s->op == EX_BITOR ? 0x09 : s->op == EX_SUB ? 0x29 :
		s->op == EX_XOR ? 0x31 : 0x21;
	unsigned reg = g->regs[k], other;

	if (condition_is_imm(b)) {
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
static void value(struct predicate_gen *g, u32 i, u32 k)
{
	struct assembler *a = g->s->a;
	const struct expr_step *s = &g->c.steps[i];
	unsigned reg = g->regs[k];

	switch ((enum expr_op)s->op) {
	case EX_CONST:
		mov_imm64(a, reg, s->imm);
		return;
	case EX_GOID:
		if (g->c.after) {
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
		    (u8)g->c.steps[s->b].imm);		/* shl, sar, shr reg, imm */
		break;
	default:
		value(g, s->a, k);
		operate(g, s, k);
		break;
	}
	if (s->size < 8)
		extend(a, reg, false, reg, 0, s->size, s->kind == EXPR_INT);
}

/* The bytes of a constant against those in the record; jumps when they differ. */
static void text_bytes(struct predicate_gen *g, u32 at, struct str text, unsigned differ)
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

static void text_test(struct predicate_gen *g, const struct expr_step *s, bool want, unsigned to)
{
	struct assembler *a = g->s->a;
	const struct expr_step *x = &g->c.steps[s->a], *y = &g->c.steps[s->b];
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

static void type_test(struct predicate_gen *g, const struct expr_step *s, bool want, unsigned to)
{
	struct assembler *a = g->s->a;
	const struct expr_step *x = &g->c.steps[s->a], *y = &g->c.steps[s->b];
	struct expr_step word = { .op = EX_LOAD, .kind = EXPR_UINT, .at = x->at, .size = 8 };
	bool to_if_same = (s->op == EX_EQ) == want;
	unsigned out = g->s->label++, differ = to_if_same ? out : to;

	load_step(g, &word, R13);
	reg_reg(a, 0x85, R13, R13);			/* test r13, r13: nil */
	if (condition_names_nil(y)) {
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

static void compare(struct predicate_gen *g, const struct expr_step *s, bool want, unsigned to)
{
	/* signed, unsigned; the opposite of a condition is its number ^ 1 */
	static const u8 conditions[][2] = {
		[EX_EQ - EX_EQ] = { CC_E, CC_E }, [EX_NE - EX_EQ] = { CC_NE, CC_NE },
		[EX_LT - EX_EQ] = { CC_L, CC_B }, [EX_LE - EX_EQ] = { CC_LE, CC_BE },
		[EX_GT - EX_EQ] = { CC_G, CC_A }, [EX_GE - EX_EQ] = { CC_GE, CC_AE },
	};
	const struct expr_step *y = &g->c.steps[s->b];
	u8 cc = conditions[s->op - EX_EQ][!condition_is_signed(&g->c, s)];

	value(g, s->a, 0);
	if (condition_is_imm(y)) {
		reg_imm(g->s->a, 7, g->regs[0], (u32)y->imm);		/* cmp reg, imm */
	} else {
		value(g, s->b, 1);
		reg_reg(g->s->a, 0x39, g->regs[0], g->regs[1]);	/* cmp reg, reg */
	}
	jcc(g->s->a, want ? cc : cc ^ 1, to);
}

/* Jumps if the condition is what is wanted, else goes on. */
void predicate_test(struct predicate_gen *g, u32 i, bool want, unsigned to)
{
	struct assembler *a = g->s->a;
	const struct expr_step *s = &g->c.steps[i];
	unsigned out;

	switch ((enum expr_op)s->op) {
	case EX_NOT:
		predicate_test(g, s->a, !want, to);
		return;
	case EX_AND: case EX_OR:
		if ((s->op == EX_OR) == want) {
			predicate_test(g, s->a, want, to);
			predicate_test(g, s->b, want, to);
			return;
		}
		out = g->s->label++;
		predicate_test(g, s->a, !want, out);
		predicate_test(g, s->b, want, to);
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
		if (condition_is_text(&g->c, s))
			text_test(g, s, want, to);
		else if (condition_is_type(&g->c, s))
			type_test(g, s, want, to);
		else
			compare(g, s, want, to);
		return;
	}
}

void predicate_test_length(struct predicate_gen *g, const struct expr_step *s, unsigned no)
{
	const struct expr_step *x = &g->c.steps[s->a], *y = &g->c.steps[s->b];
	struct expr_step len = { .op = EX_LOAD, .kind = EXPR_UINT, .at = x->at + 8, .size = 8 };

	load_step(g, &len, R12);
	reg_imm(g->s->a, 7, R12, (u32)y->text.n);	/* cmp r12, length */
	jcc(g->s->a, s->op == EX_EQ ? CC_NE : CC_B, no);
}
