/* A walk over all paths from the entry, each up to its first call (but runtime.duffzero's): a call
 * may pass registers on as they came, which is no use of them that tells anything. Each instruction
 * is looked at on the first path that comes to it only, and a few hundred of them at most. */
#include "x86/live.h"

#include <Zydis/Zydis.h>
#include <string.h>

enum {
	STEPS = 300,
	PATHS = 32,
	STACK_CHECK = 64,
	SEEN = 4096,	/* bytes of code that the walk looks at */
	OTHER = 0xff,
};

struct path {
	u32 at;
	u16 ints, floats;	/* written on the way */
	i32 sp;			/* SP - SP at the entry */
	bool sp_known;
	bool slow;		/* to runtime.morestack */
};

struct walk {
	struct live *live;
	struct str code;
	ZydisDecoder decoder;
	struct path todo[PATHS];
	u32 ntodo, steps;
	u8 seen[SEEN / 8];
};

static u8 int_index(ZydisRegister r)
{
	switch (ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r)) {
	case ZYDIS_REGISTER_RAX: return 0;
	case ZYDIS_REGISTER_RBX: return 1;
	case ZYDIS_REGISTER_RCX: return 2;
	case ZYDIS_REGISTER_RDI: return 3;
	case ZYDIS_REGISTER_RSI: return 4;
	case ZYDIS_REGISTER_R8: return 5;
	case ZYDIS_REGISTER_R9: return 6;
	case ZYDIS_REGISTER_R10: return 7;
	case ZYDIS_REGISTER_R11: return 8;
	default: return OTHER;
	}
}

static u8 float_index(ZydisRegister r)
{
	if (r >= ZYDIS_REGISTER_XMM0 && r < ZYDIS_REGISTER_XMM0 + LIVE_FLOATS)
		return (u8)(r - ZYDIS_REGISTER_XMM0);
	if (r >= ZYDIS_REGISTER_YMM0 && r < ZYDIS_REGISTER_YMM0 + LIVE_FLOATS)
		return (u8)(r - ZYDIS_REGISTER_YMM0);
	return OTHER;
}

static void read_register(struct walk *w, const struct path *p, ZydisRegister r, unsigned bits)
{
	u8 i = int_index(r), f = float_index(r);

	if (i != OTHER && !(p->ints & 1u << i))
		w->live->ints |= (u16)(1u << i);
	if (f == OTHER || p->floats & 1u << f)
		return;
	w->live->floats |= (u16)(1u << f);
	if (!w->live->float_size[f])
		w->live->float_size[f] = bits == 32 ? 4 : bits == 64 ? 8 : 0;
}

/* A part that is written counts as all of it: what is left of the argument is no use any more. */
static void write_register(struct path *p, ZydisRegister r)
{
	u8 i = int_index(r), f = float_index(r);

	if (i != OTHER)
		p->ints |= (u16)(1u << i);
	if (f != OTHER)
		p->floats |= (u16)(1u << f);
}

/* xor r, r and its like only write. */
static bool is_zeroing(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *ops)
{
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_XOR: case ZYDIS_MNEMONIC_XORPS: case ZYDIS_MNEMONIC_XORPD:
	case ZYDIS_MNEMONIC_PXOR: case ZYDIS_MNEMONIC_SUB:
		return ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		       ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		       ops[0].reg.value == ops[1].reg.value;
	default:
		return false;
	}
}

/* These take the upper half of their first operand along, which is nobody's argument. */
static bool is_conversion(ZydisMnemonic m)
{
	return m == ZYDIS_MNEMONIC_CVTSI2SD || m == ZYDIS_MNEMONIC_CVTSI2SS ||
	       m == ZYDIS_MNEMONIC_CVTSS2SD || m == ZYDIS_MNEMONIC_CVTSD2SS ||
	       m == ZYDIS_MNEMONIC_SQRTSD || m == ZYDIS_MNEMONIC_SQRTSS ||
	       m == ZYDIS_MNEMONIC_ROUNDSD || m == ZYDIS_MNEMONIC_MOVSD ||
	       m == ZYDIS_MNEMONIC_MOVSS;
}

static void note_store(struct walk *w, const struct path *p, const ZydisDecodedOperand *ops)
{
	const ZydisDecodedOperandMem *mem = &ops[0].mem;
	ZydisRegister reg = ops[1].reg.value;
	u8 i = int_index(reg), f = float_index(reg);
	i64 off = p->sp + mem->disp.value;
	bool came = (i != OTHER && !(p->ints & 1u << i)) || (f != OTHER && !(p->floats & 1u << f));

	if (!p->sp_known || mem->base != ZYDIS_REGISTER_RSP || mem->index != ZYDIS_REGISTER_NONE ||
	    !came || off < 8 || off > INT32_MAX || w->live->nstores == LIVE_STORES)
		return;
	w->live->stores[w->live->nstores++] = (struct live_store){
		.off = (i32)off, .size = (u8)(ops[0].size / 8),
		.reg = i != OTHER ? i : f, .is_float = i == OTHER, .slow = p->slow,
	};
}

static void note_load(struct walk *w, const struct path *p, const ZydisDecodedOperandMem *mem)
{
	i64 off = p->sp + mem->disp.value;

	if (!p->sp_known || mem->base != ZYDIS_REGISTER_RSP || mem->index != ZYDIS_REGISTER_NONE ||
	    off < 8 || off > INT32_MAX || w->live->nloads == LIVE_LOADS)
		return;
	for (u32 i = 0; i < w->live->nstores; i++)
		if (w->live->stores[i].off <= off &&
		    off < w->live->stores[i].off + w->live->stores[i].size)
			return;
	w->live->loads[w->live->nloads++] = (i32)off;
}

static void move_sp(struct path *p, const ZydisDecodedInstruction *in,
		    const ZydisDecodedOperand *ops)
{
	bool plain = ops[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
		     ops[1].imm.value.s > -(1 << 30) && ops[1].imm.value.s < 1 << 30;

	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
		p->sp -= 8;
		break;
	case ZYDIS_MNEMONIC_POP:
		p->sp += 8;
		break;
	case ZYDIS_MNEMONIC_SUB:
		p->sp_known &= plain;
		p->sp -= plain ? (i32)ops[1].imm.value.s : 0;
		break;
	case ZYDIS_MNEMONIC_ADD:
		p->sp_known &= plain;
		p->sp += plain ? (i32)ops[1].imm.value.s : 0;
		break;
	default:
		p->sp_known = false;
	}
	p->sp_known &= p->sp > -(1 << 30) && p->sp < 1 << 30;
}

static void apply(struct walk *w, struct path *p, const ZydisDecodedInstruction *in,
		  const ZydisDecodedOperand *ops)
{
	bool zeroing = is_zeroing(in, ops);
	bool store = in->operand_count_visible == 2 && ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		     ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		     (in->mnemonic == ZYDIS_MNEMONIC_MOV || in->mnemonic == ZYDIS_MNEMONIC_MOVSD ||
		      in->mnemonic == ZYDIS_MNEMONIC_MOVSS);

	if (store)
		note_store(w, p, ops);
	for (u8 i = 0; i < in->operand_count; i++) {
		const ZydisDecodedOperand *op = &ops[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			read_register(w, p, op->mem.base, 64);
			read_register(w, p, op->mem.index, 64);
			if (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ &&
			    op->mem.type == ZYDIS_MEMOP_TYPE_MEM)
				note_load(w, p, &op->mem);
		} else if (op->type == ZYDIS_OPERAND_TYPE_REGISTER && !zeroing &&
			   op->actions & ZYDIS_OPERAND_ACTION_MASK_READ &&
			   !(i == 0 && is_conversion(in->mnemonic))) {
			read_register(w, p, op->reg.value,
				      op->element_count == 1 ? op->element_size : 0);
		}
	}
	for (u8 i = 0; i < in->operand_count; i++) {
		const ZydisDecodedOperand *op = &ops[i];

		if (op->type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		write_register(p, op->reg.value);
		if (op->reg.value == ZYDIS_REGISTER_RSP)
			move_sp(p, in, ops);
	}
}

static void go_to(struct walk *w, const struct path *p, i64 at)
{
	if (at < 0 || (u64)at >= w->code.n || at >= SEEN || w->ntodo == PATHS)
		return;
	w->todo[w->ntodo] = *p;
	w->todo[w->ntodo++].at = (u32)at;
}

/* runtime.duffzero and duffcopy, called as the compiler calls nothing else: with a frame pointer of
 * their own. They change registers that the compiler holds no argument in. */
static bool is_duff(const struct walk *w, u32 behind)
{
	static const struct str before = { "\x48\x8d\x6c\x24\xf0", 5 };	/* lea rbp, [rsp-16] */
	static const struct str after = { "\x48\x8b\x6d\x00", 4 };	/* mov rbp, [rbp] */
	enum { CALL = 5 };

	return behind > CALL && str_ends(str_cut(w->code, 0, behind - CALL), before) &&
	       str_starts(str_cut(w->code, behind, w->code.n), after);
}

/* One path, up to its end; branches off it are left for later. */
static void follow(struct walk *w, struct path p)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];

	while (p.at < w->code.n && p.at < SEEN && w->steps++ < STEPS) {
		u8 bit = (u8)(1u << p.at % 8), *seen = &w->seen[p.at / 8];

		if (*seen & bit ||
		    !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&w->decoder, w->code.p + p.at,
							 w->code.n - p.at, &in, ops)))
			return;
		*seen |= bit;
		p.at += in.length;
		switch (in.meta.category) {
		case ZYDIS_CATEGORY_CALL:
			if (!is_duff(w, p.at))
				return;
			break;
		case ZYDIS_CATEGORY_RET:
		case ZYDIS_CATEGORY_INTERRUPT: case ZYDIS_CATEGORY_SYSCALL:
			return;
		case ZYDIS_CATEGORY_NOP: case ZYDIS_CATEGORY_WIDENOP:
			break;
		case ZYDIS_CATEGORY_COND_BR:
			if (ops[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
				break;
			/* The stack check's slow path saves registers and nothing else: first. */
			if (in.mnemonic == ZYDIS_MNEMONIC_JBE && p.at < STACK_CHECK) {
				go_to(w, &p, p.at);
				p.at += (u32)ops[0].imm.value.s;
				p.slow = w->live->checks = true;
			} else {
				go_to(w, &p, p.at + ops[0].imm.value.s);
			}
			break;
		case ZYDIS_CATEGORY_UNCOND_BR:
			if (ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
				go_to(w, &p, p.at + ops[0].imm.value.s);
			return;
		default:
			apply(w, &p, &in, ops);
		}
	}
}

void live_in(struct live *l, struct str code)
{
	struct walk w = { .live = l, .code = code };

	memset(l, 0, sizeof(*l));
	ZydisDecoderInit(&w.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	go_to(&w, &(struct path){ .sp_known = true }, 0);
	while (w.ntodo)
		follow(&w, w.todo[--w.ntodo]);
}
