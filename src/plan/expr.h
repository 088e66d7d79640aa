/* expr - expressions of --if, --show, --by, --hist: parsed once, bound to
 * the types of each function of the plan, evaluated on its records.
 *
 * Three forms. The parsed one (struct expr) is a tree of what was written. The bound one (struct
 * expr_code) exists once for each function: an array of small steps in which operands stand before
 * what uses them, and every value has an offset in a record of that function. Both engines may
 * compile it; expr_value() interprets it. What it reads from behind pointers was added to the
 * function's readings when it was bound, so evaluation reads records only.
 *
 * How to ask: put an expr_ask for each option into plan_request.asks. After plan_make
 * plan.exprs[i] are the parsed ones (one --show text may give several), and with EXPR_BY
 *
 *	const struct expr *by = plan_expr(plan, EXPR_BY);
 *	struct expr_result v;
 *	if (by && expr_value(&input, by, &v)) ...
 *
 * where `input` comes from expr_input_of() (event/calls.h). Roles decide what is allowed: EXPR_IF
 * is bool, EXPR_HIST a number, EXPR_BY a number, string or bool, EXPR_SHOW anything; EXPR_PLACE is
 * the words of a value in a record, for who reads on from there. Functions that lack a name
 * are refused in the plan (REFUSE_EXPRESSION), so every call has every expression.
 *
 * Owns     nothing: everything lies in the plan's arena. Results are views into records, the
 *          program and the plan.
 * Units    `at` and `status` are offsets in the entry or exit record (plan/record.h).
 * Fails    parsing and binding: ERR_USAGE with a caret under the place. expr_value: false when it
 *          can't be computed (nil step, unreadable memory, index out of range, division by zero, no
 *          exit record); `unreadable` says whether that counts in end.unreadable. Never a fault.
 * Threads  immutable once bound. */
#ifndef PLAN_EXPR_H
#define PLAN_EXPR_H

#include "go/types.h"

struct plan;
struct plan_func;
struct slot;

enum expr_role { EXPR_IF, EXPR_SHOW, EXPR_BY, EXPR_HIST, EXPR_PLACE };

struct expr_ask {
	enum expr_role role;
	const char *option;	/* for messages: "--if" */
	const char *text;
	/* This function alone is meant, by its full name; where it does not fit, it is left out of
	 * it (expr_code.why). NULL: every function that nobody has asked so of, nor set apart by
	 * an extra (plan.h). */
	const char *func;
	/* EXPR_BY: bytes of a text; 0: as --strings says. EXPR_SHOW: not 0 asks for numbers, bools
	 * and texts as such, not as values to be printed. */
	u32 most;
	bool beside;	/* with `func`: other expressions are meant for it as well */
};

struct expr_node;	/* expr_impl.h */
struct expr {
	enum expr_role role;
	u32 index;		/* in plan.exprs, and in plan_func.codes */
	const char *option;
	const char *text;	/* the whole option */
	struct str source;	/* the part of it that is this expression */
	const char *func;	/* of the ask */
	u32 most;
	const struct expr_node *root;
};

enum expr_kind {
	EXPR_BOOL,
	EXPR_INT,	/* signed, any size; nanoseconds where type is time.Duration */
	EXPR_UINT,	/* unsigned, and addresses */
	EXPR_FLOAT,
	EXPR_STRING,
	EXPR_VALUE,	/* struct, slice, map, interface...: only --show can have it */
};

/* Steps. "record" is the entry record, or the exit's where `exit` is set. Operands a and b are
 * indexes of earlier steps; a guard is such an index + 1, or 0 for none.
 *
 * A value behind pointers has a guard: a step EX_BEHIND that must hold before the value is there
 * (and which has a guard itself when the pointer lay behind one), or EX_IS. && and || do not
 * evaluate their right side, guards included, when the left one decides. Any evaluated step that
 * fails makes the whole expression fail. */
enum expr_op {
	EX_CONST,	/* imm (int, uint, bool; the bits of a double), or text; beside an EX_TYPE
			 * also the descriptor of the type that it names (va), 0 if there is none
			 * or more than one */
	EX_LOAD,	/* `size` bytes at `at`, extended by kind; floats of 4 or 8 bytes.
			 * or_zero: 0 when the pointer of its guard is nil (len of a nil map) */
	EX_ELEM,	/* the same at `at` + a * stride; a in [0, b), and a < `cap`, and where
			 * `status` is not 0, (a + 1) * stride <= the u32 there */
	EX_STRING,	/* header {address, length} at `at`; its bytes (READ_BYTES) were copied to
			 * `data`, at most `cap`, their count to `status` */
	EX_TYPE,	/* name of the dynamic type of the interface at `at` (string): its type word
			 * is at `data`; where that was copied (u32 at `status`, else 0), the word
			 * at `at` is its itab. "nil" where the word at `at` is 0 */
	EX_VALUE,	/* expr_code.slot: a value to be printed */
	EX_BEHIND,	/* guard: the pointer at `at` is not nil, and at least `cap` bytes from
			 * behind it were copied: u32 at `status`. Where `data` is not 0, the word
			 * there (a length) is more than imm */
	EX_IS,		/* guard: the interface at `at` holds the type imm (va); its type word is as
			 * EX_TYPE says */
	EX_GOID, EX_DEPTH, EX_DURATION, EX_FUNC, EX_CALLER /* return address at `at` */,
	/* one operand */
	EX_NOT, EX_NEG, EX_COMPLEMENT,
	/* two: && and || of bools; arithmetic wraps at `size` bytes */
	EX_AND, EX_OR,
	EX_ADD, EX_SUB, EX_MUL, EX_DIV, EX_REM, EX_BITAND, EX_BITOR, EX_XOR, EX_ANDNOT,
	EX_SHL, EX_SHR,
	/* two numbers (mathematically: signed and unsigned may meet), two strings, two bools */
	EX_EQ, EX_NE, EX_LT, EX_LE, EX_GT, EX_GE,
	EX_HAS_PREFIX, EX_CONTAINS,
};

struct expr_step {
	u8 op;		/* enum expr_op */
	u8 kind;	/* enum expr_kind of the result */
	u8 size;	/* bytes of the value: 1, 2, 4, 8 */
	bool exit;	/* the record is the exit's */
	bool or_zero;
	u16 a, b, guard;
	u32 at, data, status, cap, stride;
	u64 imm;
	struct str text;
	struct go_type *type;	/* Go type of the result; NULL for words without one */
};

struct expr_flat;
struct expr_code {
	struct expr_step *steps;
	u32 n;			/* 0: not bound (the function is refused); the last is the result */
	bool needs_exit;	/* results or duration: not known at the entry */
	const struct expr_flat *flat;	/* a shorter way to most of its values; or NULL */
	const struct slot *slot;	/* EX_VALUE */
	const char *why;	/* it was asked of this function alone and does not fit; or NULL */
	/* EXPR_IF: the steps whose conjunction the condition is (operands of the outermost &&s);
	 * those that can be decided at the entry come first */
	u16 *conjuncts;
	u32 nconjuncts, nentry;
};

struct expr_input {
	const struct plan *plan;
	const struct plan_func *fn;
	struct expr_record {
		const u8 *at;	/* NULL: it is not there */
		u32 size;
	} record[2];		/* the entry's and the exit's */
	u64 goid;
	i64 duration_ns;	/* -1: not known */
	u32 depth;		/* traced callers */
	u64 bias;
};

struct expr_result {
	enum expr_kind kind;
	struct go_type *type;	/* may be NULL */
	union {
		bool b;
		i64 i;
		u64 u;
		double f;
	};
	struct str text;	/* EXPR_STRING: what was copied of it, in whole runes */
	u64 len;		/* EXPR_STRING: its length in the program */
	/* EXPR_VALUE: like a parameter, in the entry record or the exit's; its name is the
	 * source */
	const struct slot *slot;
	bool exit;
	bool unreadable;	/* after false: it counts */
};

/* One option's text: one expression, or several with commas for EXPR_SHOW. Appends to *to. */
bool expr_parse(struct arena *a, const struct expr_ask *ask, struct expr **to, size_t *n,
		struct err *err) MUST_CHECK;
/* The plan's first expression with this role, or NULL. */
const struct expr *plan_expr(const struct plan *p, enum expr_role role);
/* What kind of result it has for this function. */
enum expr_kind expr_kind_of(const struct plan_func *fn, const struct expr *e);
/* The Go type of its result, or NULL. */
struct go_type *expr_type_of(const struct plan_func *fn, const struct expr *e);
/* Is it known only when the call has ended? */
bool expr_waits(const struct plan_func *fn, const struct expr *e);
bool expr_value(const struct expr_input *in, const struct expr *e, struct expr_result *v);
/* --if: what can be decided at the entry; what could not be. True without --if. *unreadable is
 * added to. */
bool expr_entry_passes(const struct expr_input *in, u64 *unreadable);
bool expr_exit_passes(const struct expr_input *in, u64 *unreadable);

#endif
