/* The code of conditions: rows (plan/condition.h) as instructions. Variables are registers; each
 * value has all 64 bits of one. */
#include <stddef.h>

#include "go/release.h"
#include "inline/emit.h"
#include "inline/predicate_impl.h"

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

/* Before there is a record, its words are where they are read from. */
static void load_row(struct predicate_gen *g, const struct condition_row *w)
{
	struct assembler *a = g->s->a;
	unsigned reg = g->regs[w->var];
	const struct read *d;

	if (g->c.after) {
		extend(a, reg, true, R12, w->at, w->size, w->sign);
		return;
	}
	if (w->at == offsetof(struct record_head, goid)) {
		g_into(g, reg);
		load(a, reg, reg, g->s->p->prog->rel->g_goid);
		return;
	}
	d = condition_raw(g->c.r, w->at, w->size);
	if (!d) {
		d = condition_of_g(g->c.r, w->at, w->size);
		g_into(g, reg);
		extend(a, reg, true, reg, d->disp + (i32)(w->at - d->at), w->size, w->sign);
	} else if (d->kind == READ_INT) {
		extend(a, reg, false, abi_regs[d->reg], 0, w->size, w->sign);
	} else if (d->kind == READ_STACK) {
		extend(a, reg, true, RSP, d->disp + (i32)(w->at - d->at), w->size, w->sign);
	} else {
		g_into(g, reg);
	}
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

/* imul reg, reg, imm; or imul reg, other */
static void multiply(struct assembler *a, unsigned reg, bool imm, unsigned other, u32 by)
{
	if (imm) {
		PUT(a, (u8)(0x48 | (reg >> 3) << 2 | reg >> 3), 0x69,
		    (u8)(0xc0 | (reg & 7) << 3 | (reg & 7)));
		asm_u32(a, by);
	} else {
		PUT(a, (u8)(0x48 | (reg >> 3) << 2 | other >> 3), 0x0f, 0xaf,
		    (u8)(0xc0 | (reg & 7) << 3 | (other & 7)));
	}
}

static void compute_row(struct predicate_gen *g, const struct condition_row *w)
{
	/* op reg, reg; and from it the group of the form with a constant; shifts have a group */
	static const u8 codes[OPS] = {
		[OP_ADD] = 0x01, [OP_OR] = 0x09, [OP_AND] = 0x21, [OP_SUB] = 0x29, [OP_XOR] = 0x31,
		[OP_SHL] = 0xe0, [OP_SHR] = 0xe8, [OP_SAR] = 0xf8,
	};
	struct assembler *a = g->s->a;
	bool imm = w->other == NO_VAR;
	unsigned reg = g->regs[w->var], other = imm ? 0 : g->regs[w->other];

	switch ((enum condition_op)w->op) {
	case OP_MOV:
		mov_imm64(a, reg, w->imm + (w->va ? g->s->l->bias : 0));
		return;
	case OP_MUL:
		multiply(a, reg, imm, other, (u32)w->imm);
		break;
	case OP_SHL: case OP_SHR: case OP_SAR:	/* by a constant: condition.c sees to that */
		PUT(a, (u8)(0x48 | reg >> 3), 0xc1, (u8)(codes[w->op] | (reg & 7)), (u8)w->imm);
		break;
	default:
		if (imm)
			reg_imm(a, codes[w->op] >> 3, reg, (u32)w->imm);
		else
			reg_reg(a, codes[w->op], reg, other);
		break;
	}
	if (w->size < 8)
		extend(a, reg, false, reg, 0, w->size, w->sign);
}

static void jump_row(struct predicate_gen *g, const struct condition_row *w, unsigned to)
{
	/* the opposite of a condition is its number ^ 1 */
	static const u8 conditions[TESTS] = {
		[TEST_EQ] = CC_E, [TEST_LT] = CC_B, [TEST_LE] = CC_BE, [TEST_SLT] = CC_L,
		[TEST_SLE] = CC_LE,
	};
	struct assembler *a = g->s->a;
	unsigned reg = g->regs[w->var];

	if (w->op == TEST_NEVER) {
		jmp(a, to);
		return;
	}
	if (w->other != NO_VAR)
		reg_reg(a, 0x39, reg, g->regs[w->other]);	/* cmp reg, reg */
	else if (w->op == TEST_EQ && !w->imm)
		reg_reg(a, 0x85, reg, reg);			/* test reg, reg */
	else
		reg_imm(a, 7, reg, (u32)w->imm);		/* cmp reg, imm */
	jcc(a, conditions[w->op] ^ !w->sense, to);
}

/* The label of a row: those that jumps lead to have one each. */
static unsigned label_of(struct predicate_gen *g, u16 to)
{
	u32 i = 0;

	if (to >= TO_UNREADABLE)
		return to == TO_NO ? g->no : to == TO_UNSURE ? g->unsure : g->unreadable;
	while (i < g->nplaces && g->places[i] != to)
		i++;
	if (i == g->nplaces)
		g->places[g->nplaces++] = to;
	return g->s->label + i;
}

static void place_labels(struct predicate_gen *g, u32 row)
{
	for (u32 i = 0; i < g->nplaces; i++)
		if (g->places[i] == row)
			asm_label(g->s->a, g->s->label + i);
}

void predicate_rows(struct predicate_gen *g, const struct condition_rows *rows)
{
	g->nplaces = 0;
	for (u32 i = 0; i < rows->n; i++) {
		const struct condition_row *w = &rows->at[i];

		place_labels(g, i);
		if (w->kind == ROW_LOAD)
			load_row(g, w);
		else if (w->kind == ROW_COMPUTE)
			compute_row(g, w);
		else
			jump_row(g, w, label_of(g, w->to));
	}
	place_labels(g, (u32)rows->n);
	g->s->label += g->nplaces;
}
