/* program_impl - the program's registers, its stack and its labels, for the files that write it.
 *
 *   r6  the context: struct pt_regs of the thread that hit the probe
 *   r7  the slot in which the record is put together
 *   r8  the row of the site, later of the step at hand
 *   r9  the cookie, later turns of a loop
 *   fp-4   key for lookups        fp-8    next step, u32    fp-12  end of the steps, u32
 *   fp-24  SP                     fp-32   row of the site   fp-40  g
 *   fp-48  bytes to read          fp-56   from where        fp-64  to where
 *   fp-72  1: this is the second row of an instruction
 *   fp-256 copy of the head of g; of that, once the record has its head:
 *     +0   stack.lo   +8  stack.hi    +16  the next frame pointer   +24  the lowest that it may be
 *     +32  what lies at it: the one after it, and a return address
 *     +48  where another return address lies, below it; 0: nowhere
 *     +56  1: the address that was taken last is in runtime.sigpanic
 *   fp-264 the mark of this call
 *
 * The verifier must see that the loop ends (r9 is a number that it knows), and that no access
 * leaves the slot (offsets are masked, sizes compared): what the rows say need not be trusted. An
 * offset of a row is at most RECORD_MAX - 1 and a size at most RECORD_MAX, so what would run over
 * the record stays within SLOT_BYTES.
 *
 * Owns     nothing.  Units  as bpf/asm.h.  Fails  sticky, as there.  Threads  any. */
#ifndef BPF_PROGRAM_IMPL_H
#define BPF_PROGRAM_IMPL_H

#include <stddef.h>

#include "bpf/gen.h"

enum {
	R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP,
	KEY = -4, NEXT = -8, END = -12, SP = -24, ROW = -32, G = -40, BYTES = -48, FROM = -56,
	TO = -64, SECOND = -72, HEAD = -256, MARK = -264,
	HEAD_ROOM = 184,
	LO = HEAD, HI = HEAD + 8, CHAIN = HEAD + 16, LOWEST = HEAD + 24, LINK = HEAD + 32,
	BESIDE = HEAD + 48, PANICS = HEAD + 56,
};

enum label {
	L_OUT, L_ROW, L_NEXT, L_LOST, L_NO_G, L_RELEASE, L_FLAGS_SET, L_TAKE, L_TRY, L_HAVE,
	L_LOOP, L_DONE, L_INT, L_INT4, L_INT2, L_INT1, L_STACK, L_WHEN, L_EQUAL, L_SKIP, L_BYTES,
	L_AGAIN, L_FEW, L_PLAIN, L_CAP, L_COPY, L_COPIED, L_STATUS, L_FRAMES, L_FRAME, L_CHAIN_ENDS,
	L_BEGIN, L_IN_FRAME, L_TAKEN, L_UP,
	L_SOUGHT, L_MARKED, L_LOAD, L_DECIDE, L_UNSURE, L_UNWANTED, L_CONST, L_OPERANDS, L_COMPUTE,
	L_EXTEND, L_SIGN, L_VAR, L_HOLDS, L_SENSE, L_OP, L_TEST = L_OP + OPS,
	LABELS = L_TEST + TESTS,
};
_Static_assert((u32)LABELS <= (u32)BPF_LABELS, "the assembler has so many");

/* r0 = the row with the number at fp-4; none: where to go if there is none. Takes r1 … r5. */
void program_lookup(struct bpf_code *c, int map_fd, enum label none);
/* dst = a field of 2 bytes of the step, below RECORD_MAX, as an address in the slot */
void program_slot_place(struct bpf_code *c, u8 dst, size_t field);

/* program_if.c, only where something is decided (decide.h). An exit without a mark has no record;
 * an entry leaves one; where the kinds of steps (in r1) lead; and their code. */
void program_seek(struct bpf_code *c, const struct bpf_facts *f);
void program_leave(struct bpf_code *c, const struct bpf_facts *f);
void program_if_kinds(struct bpf_code *c);
void program_if_steps(struct bpf_code *c, const struct bpf_facts *f);

#endif
