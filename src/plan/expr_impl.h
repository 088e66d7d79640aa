/* expr_impl - the parsed form of an expression, for those who bind it (expr.h).
 *
 * Owns     nothing: nodes lie in the arena that expr_parse was given.
 * Units    places are byte offsets in the option's text.
 * Fails    expr_wrong: always false.
 * Threads  immutable after parsing. */
#ifndef PLAN_EXPR_IMPL_H
#define PLAN_EXPR_IMPL_H

#include "plan/expr.h"

enum node_kind {
	NODE_INT,	/* whole; minus is an operator of its own */
	NODE_FLOAT,
	NODE_STRING,
	NODE_BOOL,
	NODE_NIL,
	NODE_NAME,
	NODE_FIELD,	/* a.name */
	NODE_INDEX,	/* a[b] */
	NODE_TYPE,	/* a.(type) */
	NODE_AS,	/* a.(T), T is the text */
	NODE_DEREF,	/* *a */
	NODE_CALL,	/* name(a) or name(a, b) */
	NODE_UNARY,	/* EX_NOT, EX_NEG, EX_COMPLEMENT */
	NODE_BINARY,
};

struct expr_node {
	u8 kind;	/* enum node_kind */
	u8 op;		/* enum expr_op */
	u32 at, end;	/* where it stands */
	u32 mark;	/* what a caret points at: the operator, the field */
	struct str text;	/* name, field, or the bytes of a string */
	u64 whole;
	double real;
	const struct expr_node *a, *b;
};

/* ERR_USAGE: "--if: sentence", then the text and a caret under the place. */
bool expr_wrong(const char *option, const char *text, u32 at, struct err *err, const char *fmt, ...)
	PRINTF(5, 6);

/* Words that mean something by themselves unless a parameter has that name. */
enum expr_word { WORD_NONE, WORD_DURATION, WORD_GOID, WORD_FUNC, WORD_CALLER, WORD_DEPTH,
		 WORD_PANICKING, WORD_G };
enum expr_word expr_word_of(struct str name);
const char *expr_word_at(u32 i);	/* each of them, then NULL */

#endif
