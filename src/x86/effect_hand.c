/* What nine of ten instructions do, read by hand: Zydis's operands cost ten times as much. A test
 * compares the two on every opcode, prefix and ModRM byte. */
#include "x86/effect.h"

struct operands {
	u8 reg, rm;		/* rm: GP_NONE where it is memory */
	struct memop mem;
};

/* ModRM, SIB and displacement at p, which has `n` bytes up to the end of the instruction. False:
 * not all there. `tail` bytes of immediate follow. */
static bool modrm(const struct insn *i, const u8 *p, size_t n, u8 rex, u32 tail,
		  struct operands *to)
{
	u8 mod, rm;
	size_t at = 1;
	i32 disp = 0;
	i8 disp8;

	if (!n)
		return false;
	mod = p[0] >> 6;
	rm = p[0] & 7;
	*to = (struct operands){ .reg = (u8)((p[0] >> 3 & 7) | (rex & 4) << 1), .rm = GP_NONE,
				 .mem = effect_nothing.mem };
	if (mod == 3) {
		to->rm = (u8)(rm | (rex & 1) << 3);
		return n == at + tail;
	}
	to->mem.base = (u8)(rm | (rex & 1) << 3);
	if (rm == 4) {
		if (n < 2)
			return false;
		at = 2;
		to->mem.base = (u8)((p[1] & 7) | (rex & 1) << 3);
		to->mem.index = (u8)((p[1] >> 3 & 7) | (rex & 2) << 2);
		to->mem.scale = (u8)(1u << (p[1] >> 6));
		if (to->mem.index == GP_RSP) {
			to->mem.index = GP_NONE;
			to->mem.scale = 0;
		}
		if ((p[1] & 7) == 5 && !mod)
			to->mem.base = GP_NONE;
	}
	if (mod == 1) {
		if (n < at + 1)
			return false;
		memcpy(&disp8, p + at++, 1);
		disp = disp8;
	} else if (mod == 2 || (!mod && (rm == 5 || to->mem.base == GP_NONE))) {
		if (n < at + 4)
			return false;
		memcpy(&disp, p + at, 4);
		at += 4;
	}
	to->mem.disp = disp;
	if (!mod && rm == 5) {
		to->mem.rip = true;
		to->mem.base = GP_NONE;
		to->mem.disp += (i64)i->at + i->size;
	}
	return n == at + tail;
}

static void write_register(struct effect *to, u8 reg)
{
	to->writes |= 1u << reg;
}

/* 89, 8b: mov between registers and memory; 0f 10, 0f 11: movups. */
static void quick_mov(const struct operands *o, bool load, u8 size, struct effect *to)
{
	bool memory = o->rm == GP_NONE;

	to->size = size;
	if (memory && !load) {
		to->kind = EFFECT_STORE;
		to->mem = o->mem;
		to->reg = o->reg;
		to->writes_memory = true;
		return;
	}
	to->reg = load || memory ? o->reg : o->rm;
	write_register(to, to->reg);
	if (memory) {
		to->kind = EFFECT_LOAD;
		to->mem = o->mem;
	} else if (size >= 8) {
		to->kind = EFFECT_MOVE;
		to->from = load ? o->rm : o->reg;
	}
}

static void quick_store(const struct operands *o, u8 size, i64 imm, struct effect *to)
{
	to->kind = EFFECT_STORE;
	to->size = size;
	to->mem = o->mem;
	to->imm = imm;
	to->writes_memory = true;
}

static void quick_constant(u8 reg, u8 size, i64 imm, struct effect *to)
{
	to->kind = EFFECT_CONST;
	to->reg = reg;
	to->size = size;
	to->imm = size == 4 ? (i64)(u32)imm : imm;
	write_register(to, reg);
}

static void quick_write(const struct operands *o, struct effect *to)
{
	if (o->rm == GP_NONE)
		to->writes_memory = true;
	else
		write_register(to, o->rm);
}

/* reg += imm */
static void quick_add(u8 reg, i64 imm, struct effect *to)
{
	to->kind = EFFECT_ADD;
	to->reg = reg;
	to->imm = imm;
	to->sp_known = reg == GP_RSP;
	to->sp = to->sp_known ? imm : 0;
}

enum { ADD, OR, ADC, SBB, AND, SUB, XOR, CMP };

/* 80, 81, 83: with a constant. */
static bool quick_group(const struct operands *o, u8 size, i64 imm, struct effect *to)
{
	u8 what = o->reg & 7;

	if (what == ADC || what == SBB || (size == 1 && what != CMP))
		return false;
	to->kills_flags = true;
	if (what == CMP)
		return true;
	quick_write(o, to);
	if (o->rm != GP_NONE && size == 8 && (what == ADD || what == SUB))
		quick_add(o->rm, what == ADD ? imm : -imm, to);
	return true;
}

/* 01, 03, 09 …: with a register. */
static void quick_arithmetic(const struct operands *o, u8 op, u8 size, struct effect *to)
{
	u8 what = op >> 3;
	struct operands turned = { o->rm, o->reg, o->mem };

	to->kills_flags = true;
	if (op & 2)
		o = &turned;
	quick_write(o, to);
	if (what == XOR && o->rm != GP_NONE && o->rm == o->reg) {
		quick_constant(o->rm, size, 0, to);
	} else if (what == ADD && o->rm != GP_NONE && o->reg != GP_NONE && size == 8) {
		to->kind = EFFECT_ADD;
		to->reg = o->rm;
		to->from = o->reg;
	}
}

static i64 constant(const u8 *end, u32 size)
{
	i32 imm;

	if (size == 1)
		return (i8)end[-1];
	memcpy(&imm, end - 4, 4);
	return imm;
}

/* Behind 0f. */
static bool quick_0f(const struct insn *i, const u8 *p, const u8 *end, u8 rex, struct effect *to)
{
	struct operands o;
	u8 op;

	if (p == end)
		return false;
	op = *p++;
	if ((op & 0xf0) == 0x80) {
		to->reads_flags = true;
		return !rex;
	}
	switch (op) {
	case 0x10: case 0x11:
		if (!modrm(i, p, (size_t)(end - p), rex, 0, &o))
			return false;
		o.reg += GP_XMM0;
		if (o.rm != GP_NONE)
			o.rm += GP_XMM0;
		quick_mov(&o, op == 0x10, 16, to);
		return true;
	case 0x1f:
		return modrm(i, p, (size_t)(end - p), rex, 0, &o) && !(o.reg & 7);
	case 0xaf: case 0xb6: case 0xb7: case 0xbe: case 0xbf:
		if (!modrm(i, p, (size_t)(end - p), rex, 0, &o))
			return false;
		write_register(to, o.reg);
		to->kills_flags = op == 0xaf;
		return true;
	default:
		return false;
	}
}

bool effect_by_hand(const struct flow *f, const struct insn *i, struct effect *to)
{
	const u8 *p = f->bytes + i->at, *end = p + i->size;
	u8 rex = (*p & 0xf0) == 0x40 ? *p++ : 0, size = rex & 8 ? 8 : 4, op;
	struct operands o;
	u32 tail = 0;

	if (p == end)
		return false;
	op = *p++;
	switch (op) {
	case 0x0f:
		return quick_0f(i, p, end, rex, to);
	case 0x50 ... 0x57:			/* push */
		to->writes_memory = true;
		to->sp = -8;
		to->sp_known = true;
		write_register(to, GP_RSP);
		return p == end;
	case 0x58 ... 0x5f:			/* pop */
		to->sp = 8;
		to->sp_known = true;
		write_register(to, GP_RSP);
		write_register(to, (u8)((op & 7) | (rex & 1) << 3));
		return p == end;
	case 0x70 ... 0x7f:			/* jcc */
		to->reads_flags = true;
		return !rex && end - p == 1;
	case 0xb8 ... 0xbf:			/* mov reg, imm */
		if (size == 8 || end - p != 4)
			return false;
		quick_constant((u8)((op & 7) | (rex & 1) << 3), 4, constant(end, 4), to);
		return true;
	case 0x80: case 0x83: case 0xc1: case 0xc6:
		tail = 1;
		break;
	case 0x81: case 0xc7:
		tail = 4;
		break;
	case 0x01: case 0x03: case 0x09: case 0x0b: case 0x21: case 0x23: case 0x29: case 0x2b:
	case 0x31: case 0x33: case 0x39: case 0x3b: case 0x63: case 0x84: case 0x85: case 0x88:
	case 0x89: case 0x8b: case 0x8d: case 0xff:
		break;
	default:
		return false;
	}
	if (!modrm(i, p, (size_t)(end - p), rex, tail, &o))
		return false;
	switch (op) {
	case 0x39: case 0x3b: case 0x84: case 0x85:	/* cmp, test */
		to->kills_flags = true;
		return true;
	case 0x63:				/* movsxd */
		write_register(to, o.reg);
		return true;
	case 0x80:
		size = 1;
		__attribute__((fallthrough));
	case 0x81: case 0x83:
		return quick_group(&o, size, constant(end, tail), to);
	case 0x88:				/* ah, ch, dh, bh without a prefix */
		if (o.rm != GP_NONE || (!rex && o.reg >= 4))
			return false;
		quick_mov(&o, false, 1, to);
		return true;
	case 0x89: case 0x8b:
		quick_mov(&o, op == 0x8b, size, to);
		return true;
	case 0x8d:
		if (size != 8 || o.rm != GP_NONE)
			return false;
		to->kind = EFFECT_LEA;
		to->reg = o.reg;
		to->size = 8;
		to->mem = o.mem;
		write_register(to, o.reg);
		return true;
	case 0xc1:				/* shl, shr, sar: by 0 they leave the flags */
		if ((o.reg & 7) != 4 && (o.reg & 7) != 5 && (o.reg & 7) != 7)
			return false;
		quick_write(&o, to);
		return true;
	case 0xc6: case 0xc7:			/* mov [mem], imm */
		if (o.reg & 7)
			return false;
		if (o.rm == GP_NONE)
			quick_store(&o, tail == 1 ? 1 : size, constant(end, tail), to);
		else if (tail == 4)
			quick_constant(o.rm, size, constant(end, tail), to);
		return o.rm == GP_NONE || tail == 4;
	case 0xff:				/* inc, dec */
		if ((o.reg & 7) > 1)
			return false;
		quick_write(&o, to);
		return true;
	default:
		quick_arithmetic(&o, op, size, to);
		return true;
	}
}
