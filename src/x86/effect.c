#include "x86/effect.h"

#include <Zydis/Zydis.h>

const struct effect effect_nothing = {
	.reg = GP_NONE, .from = GP_NONE, .mem = { .base = GP_NONE, .index = GP_NONE },
};

static u8 reg_of(ZydisRegister r)
{
	ZydisRegister all = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);

	if (all >= ZYDIS_REGISTER_RAX && all <= ZYDIS_REGISTER_R15)
		return (u8)(all - ZYDIS_REGISTER_RAX);
	switch (ZydisRegisterGetClass(r)) {
	case ZYDIS_REGCLASS_XMM: case ZYDIS_REGCLASS_YMM: case ZYDIS_REGCLASS_ZMM:
		return (u8)(GP_XMM0 + (ZydisRegisterGetId(r) & 15));
	default:
		return GP_NONE;
	}
}

static void place_of(const struct insn *i, const ZydisDecodedOperand *op, struct memop *to)
{
	to->rip = op->mem.base == ZYDIS_REGISTER_RIP;
	to->base = to->rip ? GP_NONE : reg_of(op->mem.base);
	to->index = reg_of(op->mem.index);
	to->scale = to->index == GP_NONE ? 0 : op->mem.scale;
	to->disp = op->mem.disp.value + (to->rip ? (i64)i->at + i->size : 0);
	if (op->mem.segment == ZYDIS_REGISTER_FS || op->mem.segment == ZYDIS_REGISTER_GS)
		to->base = to->index = GP_NONE;
}

static bool is_register(const ZydisDecodedOperand *op)
{
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER && reg_of(op->reg.value) != GP_NONE;
}

/* A copy of whole words: registers of 8 bytes, 4 bytes (which clear the rest), XMM. */
static bool is_mov(ZydisMnemonic m)
{
	switch (m) {
	case ZYDIS_MNEMONIC_MOV: case ZYDIS_MNEMONIC_MOVQ: case ZYDIS_MNEMONIC_MOVD:
	case ZYDIS_MNEMONIC_MOVUPS: case ZYDIS_MNEMONIC_MOVAPS: case ZYDIS_MNEMONIC_MOVUPD:
	case ZYDIS_MNEMONIC_MOVAPD: case ZYDIS_MNEMONIC_MOVDQU: case ZYDIS_MNEMONIC_MOVDQA:
	case ZYDIS_MNEMONIC_MOVSS: case ZYDIS_MNEMONIC_MOVSD:
	case ZYDIS_MNEMONIC_VMOVDQU: case ZYDIS_MNEMONIC_VMOVUPS:
		return true;
	default:
		return false;
	}
}

/* The first two operands of a copy. */
static void copy(const struct insn *i, const ZydisDecodedOperand *ops, struct effect *to)
{
	const ZydisDecodedOperand *dst = &ops[0], *src = &ops[1];

	to->size = (u8)(dst->size / 8);
	if (dst->type == ZYDIS_OPERAND_TYPE_MEMORY) {
		if (src->type != ZYDIS_OPERAND_TYPE_IMMEDIATE && !is_register(src))
			return;
		to->kind = EFFECT_STORE;
		place_of(i, dst, &to->mem);
		to->reg = is_register(src) ? reg_of(src->reg.value) : GP_NONE;
		to->imm = to->reg == GP_NONE ? src->imm.value.s : 0;
	} else if (is_register(dst)) {
		to->reg = reg_of(dst->reg.value);
		if (src->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			to->kind = EFFECT_LOAD;
			to->size = (u8)(src->size / 8);
			place_of(i, src, &to->mem);
		} else if (src->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && dst->size >= 32) {
			to->kind = EFFECT_CONST;
			to->imm = dst->size == 32 ? (i64)(u32)src->imm.value.u : src->imm.value.s;
		} else if (is_register(src) && dst->size >= 64) {
			to->kind = EFFECT_MOVE;
			to->from = reg_of(src->reg.value);
		}
	}
}

static bool is_zeroing(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *ops)
{
	return (in->mnemonic == ZYDIS_MNEMONIC_XOR || in->mnemonic == ZYDIS_MNEMONIC_XORPS ||
		in->mnemonic == ZYDIS_MNEMONIC_PXOR) &&
	       ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER && ops[0].size >= 32 &&
	       ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       ops[0].reg.value == ops[1].reg.value;
}

/* reg += or -= a constant, reg += reg. */
static void add(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *ops,
		struct effect *to)
{
	bool minus = in->mnemonic == ZYDIS_MNEMONIC_SUB;

	if (!is_register(&ops[0]) || ops[0].size != 64)
		return;
	if (ops[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		to->imm = minus ? -ops[1].imm.value.s : ops[1].imm.value.s;
	else if (is_register(&ops[1]) && !minus)
		to->from = reg_of(ops[1].reg.value);
	else
		return;
	to->kind = EFFECT_ADD;
	to->reg = reg_of(ops[0].reg.value);
	if (to->reg == GP_RSP && to->from == GP_NONE) {
		to->sp = to->imm;
		to->sp_known = true;
	}
}

static void stack(const ZydisDecodedInstruction *in, struct effect *to)
{
	if (in->mnemonic == ZYDIS_MNEMONIC_PUSH || in->mnemonic == ZYDIS_MNEMONIC_PUSHFQ)
		to->sp = -8;
	else if (in->mnemonic == ZYDIS_MNEMONIC_POP || in->mnemonic == ZYDIS_MNEMONIC_POPFQ)
		to->sp = 8;
	to->sp_known = to->sp != 0;
}

static void flags(const ZydisDecodedInstruction *in, struct effect *to)
{
	const ZyanU32 status = ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_PF | ZYDIS_CPUFLAG_AF |
			       ZYDIS_CPUFLAG_ZF | ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF;
	const ZydisAccessedFlags *f = in->cpu_flags;
	ZyanU32 written;

	if (!f)
		return;
	written = f->modified | f->set_0 | f->set_1 | f->undefined;
	to->reads_flags = f->tested & status;
	/* a shift by a register may leave them all as they were */
	to->kills_flags = !to->reads_flags && (written & status) == status &&
			  in->meta.category != ZYDIS_CATEGORY_SHIFT &&
			  in->meta.category != ZYDIS_CATEGORY_ROTATE;
}

void effect_by_zydis(const struct flow *f, const struct insn *i, struct effect *to)
{
	ZydisDecoder decoder;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	u8 reg;

	*to = effect_nothing;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, f->bytes + i->at, i->size, &in, ops))) {
		to->writes = ~0u;
		to->reads_flags = to->writes_memory = true;
		return;
	}
	for (u8 k = 0; k < in.operand_count; k++) {
		if (!(ops[k].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		reg = ops[k].type == ZYDIS_OPERAND_TYPE_REGISTER ? reg_of(ops[k].reg.value)
								 : GP_NONE;
		if (reg < GP_COUNT)
			to->writes |= 1u << reg;
		to->writes_memory |= ops[k].type == ZYDIS_OPERAND_TYPE_MEMORY;
	}
	flags(&in, to);
	if (is_mov(in.mnemonic) && in.operand_count_visible == 2 &&
	    (in.mnemonic != ZYDIS_MNEMONIC_MOVSD || in.attributes & ZYDIS_ATTRIB_HAS_MODRM)) {
		copy(i, ops, to);
	} else if (in.mnemonic == ZYDIS_MNEMONIC_LEA && ops[0].size == 64) {
		to->kind = EFFECT_LEA;
		to->reg = reg_of(ops[0].reg.value);
		to->size = 8;
		place_of(i, &ops[1], &to->mem);
	} else if (in.mnemonic == ZYDIS_MNEMONIC_ADD || in.mnemonic == ZYDIS_MNEMONIC_SUB) {
		add(&in, ops, to);
	} else if (in.meta.category == ZYDIS_CATEGORY_CMOV && ops[0].size == 64 &&
		   is_register(&ops[1])) {
		to->kind = EFFECT_PICK;
		to->reg = reg_of(ops[0].reg.value);
		to->from = reg_of(ops[1].reg.value);
	} else if (is_zeroing(&in, ops)) {
		to->kind = EFFECT_CONST;
		to->reg = reg_of(ops[0].reg.value);
		to->size = (u8)(ops[0].size / 8);
	} else {
		stack(&in, to);
	}
}

void effect_of(const struct flow *f, const struct insn *i, struct effect *to)
{
	*to = effect_nothing;
	if (!effect_by_hand(f, i, to))
		effect_by_zydis(f, i, to);
}

u8 effect_called(const struct flow *f, const struct insn *i)
{
	const u8 *p = f->bytes + i->at;
	bool prefixed = i->size == 3 && (p[0] & 0xf0) == 0x40;
	u8 extended = prefixed && p[0] & 1 ? 8 : 0;

	p += prefixed;
	if (i->size != 2 + (p - (f->bytes + i->at)) || p[0] != 0xff ||
	    ((p[1] & 0xf8) != 0xd0 && (p[1] & 0xf8) != 0xe0))
		return GP_NONE;
	return (u8)((p[1] & 7) | extended);
}
