#include "x86/flow.h"

#include <Zydis/Zydis.h>

/* Intel's syntax in small letters, numbers in hex without leading zeros, addresses absolute. */
bool flow_text(const struct flow *f, const struct insn *i, char *to, size_t room)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction z;
	ZydisFormatter formatter;
	ZydisDecoder decoder;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE,
				  ZYDIS_PADDING_DISABLED);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_DISP_PADDING,
				  ZYDIS_PADDING_DISABLED);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_IMM_PADDING,
				  ZYDIS_PADDING_DISABLED);
	return ZYAN_SUCCESS(
		       ZydisDecoderDecodeFull(&decoder, f->bytes + i->at, i->size, &z, operands)) &&
	       ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &z, operands,
							    z.operand_count_visible, to, room,
							    f->va + i->at, NULL));
}
