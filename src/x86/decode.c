#include "x86/decode.h"

#include <Zydis/Zydis.h>

/* Zydis runs in its minimal mode: lengths, mnemonics and the raw parts of an instruction, without
 * operands, which is several times faster. What operands would say is read off ModRM and SIB here.
 *
 * The stack is taken to be mapped: Go checks it on entry. So RSP-based operands without an index,
 * push, pop, call and ret do not fault; neither do RIP-relative operands, which lie in the image,
 * nor FS-relative ones, which lie in the thread's block. All else may. */

enum { RSP = 4 };	/* its number in ModRM and SIB */

static bool has_modrm(const ZydisDecodedInstruction *z)
{
	return z->attributes & ZYDIS_ATTRIB_HAS_MODRM;
}

static bool memory_operand(const ZydisDecodedInstruction *z)
{
	return has_modrm(z) && z->raw.modrm.mod != 3;
}

static bool rip_relative(const ZydisDecodedInstruction *z)
{
	return memory_operand(z) && z->raw.modrm.mod == 0 && z->raw.modrm.rm == 5;
}

/* The minimal mode leaves most prefix attributes out, but lists the bytes. */
static bool has_prefix(const ZydisDecodedInstruction *z, u8 byte)
{
	for (u8 k = 0; k < z->raw.prefix_count; k++)
		if (z->raw.prefixes[k].value == byte)
			return true;
	return false;
}

/* The bit that makes a base 8 to 15 (R12 instead of RSP). VEX and EVEX bytes hold it inverted. */
static bool base_is_extended(const ZydisDecodedInstruction *z, const u8 *p)
{
	switch (z->encoding) {
	case ZYDIS_INSTRUCTION_ENCODING_LEGACY: return z->raw.rex.B;
	case ZYDIS_INSTRUCTION_ENCODING_VEX:
		return z->raw.vex.size == 3 && !(p[z->raw.vex.offset + 1] & 0x20);
	case ZYDIS_INSTRUCTION_ENCODING_EVEX: return !(p[z->raw.evex.offset + 1] & 0x20);
	default: return true;		/* XOP, 3DNow!: not known, so not RSP */
	}
}

static bool index_is_none(const ZydisDecodedInstruction *z, const u8 *p)
{
	if (z->raw.sib.index != 4)
		return false;
	switch (z->encoding) {
	case ZYDIS_INSTRUCTION_ENCODING_LEGACY: return !z->raw.rex.X;
	case ZYDIS_INSTRUCTION_ENCODING_VEX:
		return z->raw.vex.size != 3 || (p[z->raw.vex.offset + 1] & 0x40);
	case ZYDIS_INSTRUCTION_ENCODING_EVEX: return p[z->raw.evex.offset + 1] & 0x40;
	default: return false;
	}
}

static bool in_frame(const ZydisDecodedInstruction *z, const u8 *p)
{
	return memory_operand(z) && z->raw.modrm.rm == RSP && z->raw.sib.base == RSP &&
	       !base_is_extended(z, p) && index_is_none(z, p);
}

static bool may_fault(const ZydisDecodedInstruction *z, const u8 *p)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_LEA: case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_PREFETCH: case ZYDIS_MNEMONIC_PREFETCHW:
	case ZYDIS_MNEMONIC_PREFETCHNTA: case ZYDIS_MNEMONIC_PREFETCHT0:
	case ZYDIS_MNEMONIC_PREFETCHT1: case ZYDIS_MNEMONIC_PREFETCHT2:
		return false;
	case ZYDIS_MNEMONIC_DIV: case ZYDIS_MNEMONIC_IDIV:
	/* memory that no ModRM names */
	case ZYDIS_MNEMONIC_MOVSB: case ZYDIS_MNEMONIC_MOVSW: case ZYDIS_MNEMONIC_MOVSD:
	case ZYDIS_MNEMONIC_MOVSQ: case ZYDIS_MNEMONIC_STOSB: case ZYDIS_MNEMONIC_STOSW:
	case ZYDIS_MNEMONIC_STOSD: case ZYDIS_MNEMONIC_STOSQ: case ZYDIS_MNEMONIC_LODSB:
	case ZYDIS_MNEMONIC_LODSW: case ZYDIS_MNEMONIC_LODSD: case ZYDIS_MNEMONIC_LODSQ:
	case ZYDIS_MNEMONIC_SCASB: case ZYDIS_MNEMONIC_SCASW: case ZYDIS_MNEMONIC_SCASD:
	case ZYDIS_MNEMONIC_SCASQ: case ZYDIS_MNEMONIC_CMPSB: case ZYDIS_MNEMONIC_CMPSW:
	case ZYDIS_MNEMONIC_CMPSD: case ZYDIS_MNEMONIC_CMPSQ: case ZYDIS_MNEMONIC_XLAT:
	case ZYDIS_MNEMONIC_MASKMOVDQU: case ZYDIS_MNEMONIC_VMASKMOVDQU:
	case ZYDIS_MNEMONIC_MASKMOVQ: case ZYDIS_MNEMONIC_LEAVE: case ZYDIS_MNEMONIC_ENTER:
		return true;
	default:
		break;
	}
	if (z->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	    z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	    (z->opcode & 0xfc) == 0xa0) /* mov with a 64-bit address */
		return true;
	if (!memory_operand(z) || rip_relative(z))
		return false;
	if (has_prefix(z, 0x64))		/* FS */
		return false;
	if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	    z->opcode_map == ZYDIS_OPCODE_MAP_0F38 &&
	    ((z->opcode & 0xfc) == 0x90 || (z->opcode & 0xfc) == 0xa0))
		return true;		/* gather and scatter: the index is a vector */
	return !in_frame(z, p);
}

/* Only asked where an indirect jump has to be told from a computed goto: doubt is "yes". */
static bool moves_rsp(const ZydisDecodedInstruction *z)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_PUSH: case ZYDIS_MNEMONIC_POP: case ZYDIS_MNEMONIC_PUSHFQ:
	case ZYDIS_MNEMONIC_POPFQ: case ZYDIS_MNEMONIC_LEAVE: case ZYDIS_MNEMONIC_ENTER:
		return true;
	case ZYDIS_MNEMONIC_CMP: case ZYDIS_MNEMONIC_TEST: case ZYDIS_MNEMONIC_JMP:
	case ZYDIS_MNEMONIC_CALL:
		return false;
	default:
		return has_modrm(z) && (z->raw.modrm.reg == RSP ||
					(z->raw.modrm.mod == 3 && z->raw.modrm.rm == RSP));
	}
}

static enum insn_kind kind_of(const ZydisDecodedInstruction *z)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_NOP: return INSN_NOP;
	case ZYDIS_MNEMONIC_CALL: return INSN_CALL;
	case ZYDIS_MNEMONIC_JMP: return INSN_TAIL;	/* until its target is seen to lie inside */
	case ZYDIS_MNEMONIC_RET:
		return z->opcode == 0xc3 || z->opcode == 0xc2 ? INSN_RET : INSN_TRAP;
	case ZYDIS_MNEMONIC_INT3: case ZYDIS_MNEMONIC_INT1: case ZYDIS_MNEMONIC_INT:
	case ZYDIS_MNEMONIC_UD0: case ZYDIS_MNEMONIC_UD1: case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT: case ZYDIS_MNEMONIC_IRET: case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
	case ZYDIS_MNEMONIC_SYSRET: case ZYDIS_MNEMONIC_SYSEXIT:
		return INSN_TRAP;
	default:
		return z->raw.imm[0].is_relative ? INSN_JCC : INSN_PLAIN;	/* xbegin too */
	}
}

static bool relocatable(const ZydisDecodedInstruction *z, enum insn_kind kind)
{
	if (kind == INSN_TRAP || kind == INSN_CALL)
		return false;		/* somebody will look at the address */
	switch (z->mnemonic) {
	/* rel8 only */
	case ZYDIS_MNEMONIC_LOOP: case ZYDIS_MNEMONIC_LOOPE: case ZYDIS_MNEMONIC_LOOPNE:
	case ZYDIS_MNEMONIC_JCXZ: case ZYDIS_MNEMONIC_JECXZ: case ZYDIS_MNEMONIC_JRCXZ:
	case ZYDIS_MNEMONIC_XBEGIN:
	/* a thread may stay in it */
	case ZYDIS_MNEMONIC_SYSCALL: case ZYDIS_MNEMONIC_SYSENTER:
		return false;
	default:
		break;
	}
	if (z->raw.imm[0].is_relative && has_prefix(z, 0x66))
		return false;		/* 16 or 32 bits, by maker */
	return !(rip_relative(z) && has_prefix(z, 0x67));
}

bool decode_by_zydis(const u8 *p, size_t n, u32 at, struct insn *to)
{
	ZydisDecoder decoder;
	ZydisDecodedInstruction z;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, p, n, &z)))
		return false;
	*to = (struct insn){ .at = at, .size = z.length, .kind = (u8)kind_of(&z) };
	to->relocatable = relocatable(&z, to->kind);
	to->may_fault = may_fault(&z, p);
	to->in_frame = in_frame(&z, p);
	to->moves_rsp = moves_rsp(&z);
	if (rip_relative(&z))
		to->disp_at = z.raw.disp.offset;
	if (z.raw.imm[0].is_relative) {
		to->rel_size = z.raw.imm[0].size / 8;
		to->target = (i64)at + z.length + z.raw.imm[0].value.s;
	}
	return true;
}

/* The usual forms ------------------------------------------------------------------------------ */

enum form {
	ZYDIS,		/* not read by hand */
	MODRM,		/* ModRM and what belongs to it */
	NO_STACK,	/* the same; compares only, so it does not change SP */
	FAULTS_NOT,	/* the same; does not touch the memory (lea, nop) */
	MODRM_8,	/* ... and an immediate of 1 byte */
	MODRM_32,	/* ... of 4 */
	GROUP_8,	/* add to cmp by 1 byte: /7 compares only */
	GROUP_32,
	SHIFT,		/* by 1 byte; not /6 */
	INC_CALL,	/* inc, dec, call */
	PUSH_POP,
	IMM,		/* mov reg, imm32 or imm64 */
	JUMP_8, JUMP_32, JCC_8, JCC_32, CALL_32,
	RETURN, NOP_1,
};

static const u8 forms[256] = {
	[0x01] = MODRM, [0x03] = MODRM, [0x09] = MODRM, [0x0b] = MODRM, [0x21] = MODRM,
	[0x23] = MODRM, [0x29] = MODRM, [0x2b] = MODRM, [0x31] = MODRM, [0x33] = MODRM,
	[0x38 ... 0x3b] = NO_STACK, [0x50 ... 0x5f] = PUSH_POP, [0x63] = MODRM,
	[0x70 ... 0x7f] = JCC_8, [0x80] = GROUP_8, [0x81] = GROUP_32, [0x83] = GROUP_8,
	[0x84 ... 0x85] = NO_STACK, [0x88 ... 0x8b] = MODRM, [0x8d] = FAULTS_NOT,
	[0x90] = NOP_1, [0xb8 ... 0xbf] = IMM, [0xc1] = SHIFT, [0xc3] = RETURN,
	[0xc6] = MODRM_8, [0xc7] = MODRM_32, [0xe8] = CALL_32, [0xe9] = JUMP_32,
	[0xeb] = JUMP_8, [0xff] = INC_CALL,
};

static const u8 forms_0f[256] = {	/* behind 0f */
	[0x10 ... 0x11] = MODRM, [0x1f] = FAULTS_NOT, [0x28 ... 0x29] = MODRM,
	[0x40 ... 0x4f] = MODRM, [0x57] = MODRM, [0x80 ... 0x8f] = JCC_32,
	[0x90 ... 0x9f] = MODRM, [0xaf] = MODRM, [0xb6 ... 0xb7] = MODRM,
	[0xbe ... 0xbf] = MODRM,
};

/* ModRM at m. False: not read by hand, or not all there. */
static bool read_modrm(const u8 *p, const u8 *m, size_t n, u8 rex, enum form form,
		       struct insn *to)
{
	u8 mod, rm, reg, size = (u8)(m - p) + 1;

	if (n < size + 1u)	/* room for SIB */
		return false;
	mod = m[0] >> 6;
	rm = m[0] & 7;
	reg = m[0] >> 3 & 7;
	if (mod != 3) {
		u8 base = rm;

		if (rm == RSP) {
			base = m[1] & 7;
			size++;
			to->in_frame = base == RSP && !(rex & 1) && (m[1] >> 3 & 7) == 4 &&
				       !(rex & 2);
		} else if (!mod && rm == 5) {
			to->disp_at = size;
		}
		size = (u8)(size + (mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0));
		to->may_fault = !to->in_frame && !to->disp_at && form != FAULTS_NOT;
	} else if (form == FAULTS_NOT) {
		return false;		/* lea of a register */
	}
	to->moves_rsp = form != NO_STACK && (reg == RSP || (mod == 3 && rm == RSP));
	switch (form) {
	case GROUP_8: case GROUP_32:
		to->moves_rsp = to->moves_rsp && reg != 7;
		break;
	case MODRM_8: case MODRM_32:
		if (reg)
			return false;
		break;
	case SHIFT:
		if (reg == 6)
			return false;
		break;
	case INC_CALL:
		if (reg > 2)
			return false;
		if (reg == 2) {
			to->kind = INSN_CALL;
			to->moves_rsp = to->relocatable = false;
		}
		break;
	default:
		break;
	}
	to->size = (u8)(size + (form == MODRM_8 || form == GROUP_8 || form == SHIFT ? 1 :
				form == MODRM_32 || form == GROUP_32 ? 4 : 0));
	return to->size <= n;
}

static bool branch(const u8 *p, u8 opcodes, u8 rel_size, size_t n, enum insn_kind kind,
		   struct insn *to)
{
	i32 rel;

	to->size = (u8)(opcodes + rel_size);
	if (to->size > n)
		return false;
	if (rel_size == 1)
		rel = (i8)p[opcodes];
	else
		memcpy(&rel, p + opcodes, sizeof(rel));
	to->kind = (u8)kind;
	to->rel_size = rel_size;
	to->target = (i64)to->at + to->size + rel;
	return true;
}

bool decode_by_hand(const u8 *p, size_t n, u32 at, struct insn *to)
{
	const u8 *q = p;
	u8 rex = 0, form;

	if (n < 3)
		return false;
	*to = (struct insn){ .at = at, .size = 1, .relocatable = true };
	if ((*q & 0xf0) == 0x40)
		rex = *q++;
	if (*q == 0x0f) {
		form = forms_0f[*++q];
		if (form == FAULTS_NOT && q + 1 < p + n && q[1] & 0x38)
			return false;
	} else {
		form = forms[*q];
	}
	if (form >= JUMP_8 && rex)
		return false;
	switch (form) {
	case ZYDIS:
		return false;
	case PUSH_POP:
		to->size = rex ? 2 : 1;
		to->moves_rsp = true;
		return true;
	case IMM:
		to->size = (u8)(rex & 8 ? 10 : rex ? 6 : 5);
		return to->size <= n;
	case JUMP_8: return branch(p, 1, 1, n, INSN_TAIL, to);
	case JUMP_32: return branch(p, 1, 4, n, INSN_TAIL, to);
	case JCC_8: return branch(p, 1, 1, n, INSN_JCC, to);
	case JCC_32: return branch(p, 2, 4, n, INSN_JCC, to);
	case CALL_32:
		to->relocatable = false;
		return branch(p, 1, 4, n, INSN_CALL, to);
	case RETURN:
		to->kind = INSN_RET;
		return true;
	case NOP_1:
		to->kind = INSN_NOP;
		return true;
	default:
		if (q - p == (rex != 0) + 1 && form == FAULTS_NOT)	/* 0f 1f */
			to->kind = INSN_NOP;
		return read_modrm(p, q + 1, n, rex, form, to);
	}
}

bool decode_insn(const u8 *p, size_t n, u32 at, struct insn *to)
{
	return decode_by_hand(p, n, at, to) || decode_by_zydis(p, n, at, to);
}
