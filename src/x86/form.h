/* form - what Zydis has said of instructions, by the bytes that decide it.
 *
 * Prefixes, opcode, ModRM and SIB decide how long an instruction is and what it does; the
 * displacement and the constant behind them only say where and how much. A program of 17 MB has
 * some ten thousand such beginnings and a million instructions: Zydis is asked once for each
 * beginning, and for whatever is not kept here. How long a beginning is, Zydis says too.
 *
 * Owns     nothing: the table lies in the arena that it was made in.
 * Units    bytes.
 * Fails    never: what is not kept is not found.
 * Threads  one. */
#ifndef X86_FORM_H
#define X86_FORM_H

#include "x86/flow.h"

struct forms *forms_make(struct arena *a);
/* How long the instruction at p is, of which there are n bytes, or 0. Its `at` and `target` are for
 * the caller. */
u32 forms_find(const struct forms *f, const u8 *p, size_t n, struct insn *to);
/* `begin` bytes of it decide. */
void forms_keep(struct forms *f, const u8 *p, u32 begin, const struct insn *i);

#endif
