#include "x86/decode.h"

#include <string.h>

#include "x86/effect.h"

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

static bool may_fault(const ZydisDecodedInstruction *z, bool framed)
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
	return !framed;
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

void decoder_init(struct decoder *d, struct forms *forms)
{
	d->forms = forms;
	ZydisDecoderInit(&d->zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ZydisDecoderEnableMode(&d->zydis, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
}

/* How many bytes of it decide what it is: those before the displacement and the constant. Of 3DNow!
 * the last byte does, too; VEX and the like are rare. 0: not known. */
static u32 begin_of(const ZydisDecodedInstruction *z)
{
	u32 begin = z->length;

	if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return 0;
	if (z->raw.disp.size)
		begin = MIN(begin, z->raw.disp.offset);
	for (size_t k = 0; k < ARRAY_LEN(z->raw.imm); k++)
		if (z->raw.imm[k].size)
			begin = MIN(begin, z->raw.imm[k].offset);
	return begin;
}

static void ask_effect(const u8 *p, struct insn *to)
{
	struct flow alone = { .bytes = p, .size = to->size };
	struct effect e;

	effect_of(&alone, to, &e);
	to->writes = e.writes;
	to->stores_by_rsp = e.kind == EFFECT_STORE && e.mem.base == GP_RSP;
}

/* All of it but where it stands and where it leads to. */
static bool ask_zydis(const struct decoder *d, const u8 *p, size_t n, struct insn *to)
{
	ZydisDecodedInstruction z;
	u32 begin;

	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d->zydis, NULL, p, n, &z)))
		return false;
	*to = (struct insn){ .size = z.length, .kind = (u8)kind_of(&z) };
	to->relocatable = relocatable(&z, to->kind);
	to->in_frame = in_frame(&z, p);
	to->may_fault = may_fault(&z, to->in_frame);
	to->moves_rsp = moves_rsp(&z);
	if (rip_relative(&z))
		to->disp_at = z.raw.disp.offset;
	if (z.raw.imm[0].is_relative)
		to->rel_size = z.raw.imm[0].size / 8;
	ask_effect(p, to);
	begin = begin_of(&z);
	if (d->forms && begin)
		forms_keep(d->forms, p, begin, to);
	return true;
}

/* The relative constant of a direct branch, which ends it. */
static i64 relative(const u8 *end, u8 size)
{
	i32 rel32;
	i16 rel16;

	switch (size) {
	case 1:
		return (i8)end[-1];
	case 2:
		memcpy(&rel16, end - 2, sizeof(rel16));
		return rel16;
	default:
		memcpy(&rel32, end - 4, sizeof(rel32));
		return rel32;
	}
}

u32 decode_insn(const struct decoder *d, const u8 *p, size_t n, u32 at, struct insn *to)
{
	u32 size = d->forms ? forms_find(d->forms, p, n, to) : 0;

	if (!size && ask_zydis(d, p, n, to))
		size = to->size;
	if (!size)
		return 0;
	to->at = at;
	to->target = 0;
	if (to->rel_size)
		to->target = (i64)at + size + relative(p + size, to->rel_size);
	return size;
}
