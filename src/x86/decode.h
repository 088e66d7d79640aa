/* decode - one instruction: how long it is, where control goes, what may fault.
 *
 * Nine of ten are of the few forms that are read by hand; Zydis reads the others, and it reads the
 * same in all of them (a test compares every opcode, prefix and ModRM byte).
 *
 * Owns     nothing.
 * Units    `at` counts from the function's entry; p is where the instruction begins, with n bytes.
 * Fails    false: bytes that are no instruction; decode_by_hand: or one of a form that it leaves.
 * Threads  any. */
#ifndef X86_DECODE_H
#define X86_DECODE_H

#include "x86/flow.h"

/* Jumps are INSN_TAIL: whether the target lies inside is not known here. */
bool decode_insn(const u8 *p, size_t n, u32 at, struct insn *to);
/* The two of which it is made: for tests. */
bool decode_by_hand(const u8 *p, size_t n, u32 at, struct insn *to);
bool decode_by_zydis(const u8 *p, size_t n, u32 at, struct insn *to);

#endif
