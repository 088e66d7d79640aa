/* expr_token - an expression's text cut into tokens.
 *
 * Owns     nothing: bytes of texts lie in the parser's arena.
 * Units    places are byte offsets in the text.
 * Fails    ERR_USAGE with a caret.
 * Threads  one. */
#ifndef PLAN_EXPR_TOKEN_H
#define PLAN_EXPR_TOKEN_H

#include "plan/expr_impl.h"

enum token {
	T_END,
	T_INT,
	T_FLOAT,
	T_STRING,
	T_NAME,
	T_OPEN,
	T_CLOSE,
	T_BRACKET,
	T_BRACKET_END,
	T_DOT,
	T_COMMA,
	T_NOT,
	T_BINARY, /* `op` and `level` say which; * - ^ stand before operands as well */
};

struct parser {
	struct arena *a;
	const char *option, *text;
	u32 n, at;		/* at: behind the token at hand */
	u32 start;		/* where it starts */
	enum token token;
	u8 op, level;
	struct str word;	/* T_NAME: itself; T_STRING: its bytes */
	u64 whole;
	double real;
	u32 nodes, depth;
	struct err *err;
};

/* The next one is at hand then. */
bool expr_token(struct parser *p);
/* Always false. */
bool expr_token_wrong(struct parser *p, u32 at, const char *sentence);

#endif
