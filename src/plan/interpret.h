/* interpret - the third implementation of a reading (plan/plan.h): slow and straight. It reads
 * values out of processes that stand still and out of cores; tests compare it with what the engines
 * generate.
 *
 * Owns     nothing.
 * Units    as plan.h; the record is RECORD_MAX bytes, all zero before.
 * Fails    never.
 * Threads  any. */
#ifndef PLAN_INTERPRET_H
#define PLAN_INTERPRET_H

#include <string.h>

#include "plan/plan.h"

struct interpreter {
	u64 ints[9];			/* AX BX CX DI SI R8 R9 R10 R11 */
	u64 floats[15];
	const u8 *sp;			/* what lies at SP, and at the offsets that are asked for */
	u64 bp, stack_lo, stack_hi, g;
	u64 bias;
	const struct go_bare_calls *bare;	/* NULL: none */
	u64 text_rt;
	const struct image *img;		/* whose memory; NULL: */
	bool (*fetch)(u64 va, u64 n, void *to);	/* all of it or nothing; n > 0 */
};

static inline u64 word_in(const u8 *rec, u32 at)
{
	u64 v;

	memcpy(&v, rec + at, 8);
	return v;
}

/* Packed texts lie `behind` what has a place of its own (reading.size). */
void interpret(const struct interpreter *in, const struct read *reads, u32 n, u32 behind, u8 *rec);

#endif
