/* condition - which parts of --if an engine decides in the target, when, in which order, and how.
 *
 * A part is an operand of the outermost &&s that is known when a call begins. It is decided before
 * anything is recorded if words that registers, the stack and g hold are enough for it; after the
 * captures, on what they have copied, if not. Of a text its length is known before its bytes are,
 * and mostly says no. What no engine decides, and any doubt (a text that was copied in part), is
 * left to the reader, who evaluates the whole condition once more (plan/expr.h). He is not asked
 * where one part has said no, so a call that one part excludes does not count as unreadable for
 * the sake of another one. That it is unreadable (a nil step, memory that is not there) makes the
 * whole condition false: an engine that decides all parts of the entry can count that itself.
 *
 * A part is given as rows: loads of words, whole numbers computed from them in a few variables of
 * 64 bits, and jumps forward. Its last row falls through where the part holds.
 *
 *	struct condition c = condition_of(fn, &means, after);
 *	while (condition_next(&c, &rows)) ...
 *
 * Owns     nothing; the rows are the caller's.
 * Units    `at`: bytes in the entry's record; `to`: rows of the part.
 * Fails    never: what is too much for an engine is left to the reader.
 * Threads  any. */
#ifndef PLAN_CONDITION_H
#define PLAN_CONDITION_H

#include "base/vec.h"
#include "plan/plan.h"

enum condition_kind {
	ROW_LOAD,	/* var = the `size` bytes at `at` */
	ROW_COMPUTE,	/* var = var op other, of `size` bytes */
	ROW_JUMP,	/* to `to` if (var op other) is `sense` */
};

enum condition_op { OP_MOV, OP_ADD, OP_SUB, OP_MUL, OP_AND, OP_OR, OP_XOR, OP_SHL, OP_SHR, OP_SAR,
		    OPS };
enum condition_test { TEST_EQ, TEST_LT, TEST_LE, TEST_SLT, TEST_SLE, TEST_NEVER,
		      TESTS = TEST_NEVER };

enum {
	NO_VAR = 255,
	TO_NO = 0xffff,		/* the call is not wanted */
	TO_UNSURE = 0xfffe,	/* no other part is to say so any more */
	TO_UNREADABLE = 0xfffd,	/* it is not wanted, but counts; or as TO_UNSURE */
};

struct condition_row {
	u8 kind, op;
	u8 var, other;		/* other: NO_VAR: imm */
	u8 size;		/* of the result, which is extended to 64 bits... */
	bool sign;		/* ...by its sign, or by zeros */
	bool sense;
	bool va;		/* imm is a link-time address */
	u16 at, to;
	u64 imm;		/* fits into an i32, but for OP_MOV */
};
VEC_TYPE(condition_rows, struct condition_row);

/* What an engine has for it. */
struct condition_means {
	u32 before, after;	/* variables */
	u32 places, jumps;	/* that jumps lead to; of all parts before, of all after */
	bool record;		/* what is decided before the captures is looked at in the record */
};

struct condition {
	const struct condition_means *means;
	const struct reading *r;
	const struct expr_code *code;	/* NULL: there is no --if */
	const struct expr_step *steps;
	bool after;
	u32 next, places, jumps;	/* where condition_next is, and what parts have taken */
};

struct condition condition_of(const struct plan_func *fn,
			      const struct condition_means *means, bool after);
/* False behind the last part. */
bool condition_next(struct condition *c, struct condition_rows *rows);
/* Is there one? */
bool condition_any(struct condition c);

/* How many parts are decided where, for a printer. at_entry, at_end: by the reader. */
struct condition_parts {
	u32 before, after, at_entry, at_end;
};
struct condition_parts condition_parts(const struct plan_func *fn,
				       const struct condition_means *means, bool after);

/* The read that puts these bytes into the record as they are, or NULL; the one that copies them
 * from behind g. */
const struct read *condition_raw(const struct reading *r, u32 at, u32 size);
const struct read *condition_of_g(const struct reading *r, u32 at, u32 size);

#endif
