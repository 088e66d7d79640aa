/* decode - one instruction: how long it is, where control goes, what may fault.
 *
 * Owns     nothing.
 * Units    `at` counts from the function's entry; p is where the instruction begins, with n bytes.
 * Fails    0: bytes that are no instruction.
 * Threads  one for each table of forms. */
#ifndef X86_DECODE_H
#define X86_DECODE_H

#include <Zydis/Zydis.h>

#include "x86/form.h"

struct decoder {
	ZydisDecoder zydis;
	struct forms *forms;	/* or NULL */
};

void decoder_init(struct decoder *d, struct forms *forms);
/* How long it is. Jumps are INSN_TAIL: whether the target lies inside is not known here. */
u32 decode_insn(const struct decoder *d, const u8 *p, size_t n, u32 at, struct insn *to);

#endif
