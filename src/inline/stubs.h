/* stubs - what all trampolines share: claiming a ring, a full ring, the checked copy, the signal
 * hook.
 *
 * They use no stack: a goroutine's may be all but full. Registers are handed over as stubs.c says
 * at each of them.
 *
 * Owns     nothing.  Units  rt addresses.  Fails  as x86/asm.h.  Threads  any. */
#ifndef INLINE_STUBS_H
#define INLINE_STUBS_H

#include "inline/layout.h"
#include "x86/asm.h"

/* A capture step as data: where many hang on one value (an error's dynamic types), code for each
 * would be megabytes. A WHEN's block begins behind it. TEXT is BYTES that are packed: its `at` is
 * where what was captured ends.
 *
 *   OFFSET  MEM      BYTES, TEXT     WHEN, WHEN_NOT
 *   0  u8   kind     kind            kind
 *   2  u16  from     from            when_at
 *   4  u16  at       at              u32: bytes of the block
 *   6  u16  status   status
 *   8  u16  size     most elements   u64: value
 *   10 u16           elem
 *   12 i32  disp     u16: len_at                                     */
enum { STEP_END, STEP_MEM, STEP_BYTES, STEP_TEXT, STEP_WHEN, STEP_WHEN_NOT, STEP_AGAIN,
       STEP_SIZE = 16 };

struct stubs {
	u64 claim_rt, full_rt, copy_rt, text_rt, steps_rt, frames_rt, agent_rt;
	u64 copy_lo_rt, copy_hi_rt, copy_fault_rt;	/* a fault in [lo, hi) goes to copy_fault */
};

void stubs_emit(struct assembler *a, struct stubs *s, const struct layout *l,
		const struct plan *p);
/* steps.c: the one that runs such a table. */
void steps_emit(struct assembler *a, const struct stubs *s);

/* An instruction of the target that a trampoline runs and that may fault. Ascending by copy_rt. */
struct fixup {
	u64 copy_rt, original_rt;
};
/* The code that a jump at the entry of runtime.sigtramp leads to, up to and without what it
 * displaced. The table of fix-ups lies at table_rt. */
void sigtramp_hook_emit(struct assembler *a, const struct stubs *s, const struct layout *l,
			u64 code_end_rt, u64 table_rt, u64 nfixups);

#endif
