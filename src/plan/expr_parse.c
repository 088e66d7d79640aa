/* Go's grammar of expressions, as much of it as is promised: precedence climbing over tokens. */
#include "plan/expr_token.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/vec.h"

enum {
	LEVELS_MAX = 48,	/* of parentheses and operators inside each other */
	NODES_MAX = 400,	/* bounds every walk over the tree */
	TEXT_MAX = 4096,
};

static const struct { const char *name; enum expr_word word; } words[] = {
	{ "duration", WORD_DURATION }, { "goid", WORD_GOID }, { "func", WORD_FUNC },
	{ "caller", WORD_CALLER }, { "depth", WORD_DEPTH }, { "panicking", WORD_PANICKING },
	{ "g", WORD_G },
};

enum expr_word expr_word_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(name, str_of(words[i].name)))
			return words[i].word;
	return WORD_NONE;
}

const char *expr_word_at(u32 i)
{
	return i < ARRAY_LEN(words) ? words[i].name : NULL;
}

/* Columns, not bytes: a caret stands below a character. */
static u32 columns(const char *p, u32 n)
{
	u32 c = 0;

	for (u32 i = 0; i < n; i++)
		c += (p[i] & 0xc0) != 0x80;
	return c;
}

bool expr_wrong(const char *option, const char *text, u32 at, struct err *err, const char *fmt, ...)
{
	enum { BEFORE = 48, WIDTH = 72, SENTENCE = 512 };
	u32 n = (u32)strlen(text), from, to;
	char sentence[SENTENCE], shown[WIDTH * 4 + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	at = MIN(at, n);
	from = at > BEFORE && n > WIDTH ? at - BEFORE : 0;
	while (from && at - from < 2 * BEFORE && (text[from] & 0xc0) == 0x80)
		from--;
	to = MIN(n, from + WIDTH);
	while (to < n && to - from + 1 < sizeof(shown) && (text[to] & 0xc0) == 0x80)
		to++;
	for (u32 i = from; i < to; i++) /* control bytes would move the caret */
		shown[i - from] = (u8)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
	shown[to - from] = 0;
	return err_set(err, ERR_USAGE, "%s: %s\n  %s\n  %*s^", option, sentence, shown,
		       (int)columns(text + from, at - from), "");
}

static struct expr_node *node(struct parser *p, enum node_kind kind, u32 at)
{
	struct expr_node *n = ARENA_NEW(p->a, struct expr_node);

	if (++p->nodes > NODES_MAX) {
		expr_token_wrong(p, at, "an expression of more than 400 parts");
		return NULL;
	}
	n->kind = (u8)kind;
	n->at = n->mark = at;
	n->end = p->at;
	return n;
}

static const struct expr_node *binary(struct parser *p, u8 level);

static bool expect(struct parser *p, enum token token, const char *sentence)
{
	return p->token == token ? expr_token(p) : expr_token_wrong(p, p->start, sentence);
}

/* len(x), has_prefix(s, "…"): the name and its parenthesis are at hand. */
static const struct expr_node *call(struct parser *p, struct str name, u32 at)
{
	static const struct { const char *name; u32 args; } known[] = {
		{ "len", 1 }, { "cap", 1 }, { "has_prefix", 2 }, { "contains", 2 },
	};
	struct expr_node *n = node(p, NODE_CALL, at);
	const struct expr_node *args[2] = { 0 };
	u32 want = 0;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(name, str_of(known[i].name)))
			want = known[i].args;
	if (!want) {
		expr_token_wrong(p, at, "only len, cap, has_prefix and contains can be called");
		return NULL;
	}
	if (!n || !expr_token(p))
		return NULL;
	for (u32 i = 0; i < want; i++) {
		if (i && !expect(p, T_COMMA, "a comma was expected here: it takes two values"))
			return NULL;
		args[i] = binary(p, 1);
		if (!args[i])
			return NULL;
	}
	n->text = name;
	n->a = args[0];
	n->b = args[1];
	n->end = p->at;
	return expect(p, T_CLOSE, "a ) was expected here") ? n : NULL;
}

static const struct expr_node *primary(struct parser *p)
{
	const struct expr_node *inner;
	struct expr_node *n;
	struct str word = p->word;
	u32 at = p->start;

	switch (p->token) {
	case T_INT:
	case T_FLOAT:
		n = node(p, p->token == T_INT ? NODE_INT : NODE_FLOAT, at);
		if (!n)
			return NULL;
		n->whole = p->whole;
		n->real = p->real;
		return expr_token(p) ? n : NULL;
	case T_STRING:
		n = node(p, NODE_STRING, at);
		if (!n)
			return NULL;
		n->text = word;
		return expr_token(p) ? n : NULL;
	case T_NAME:
		n = node(p, NODE_NAME, at);
		if (!n || !expr_token(p))
			return NULL;
		if (p->token == T_OPEN)
			return call(p, word, at);
		n->text = word;
		if (str_eq(word, STR("nil")))
			n->kind = NODE_NIL;
		if (str_eq(word, STR("true")) || str_eq(word, STR("false"))) {
			n->kind = NODE_BOOL;
			n->whole = word.n == 4;
		}
		return n;
	case T_OPEN:
		if (!expr_token(p))
			return NULL;
		inner = binary(p, 1);
		return inner && expect(p, T_CLOSE, "a ) was expected here") ? inner : NULL;
	case T_END:
		expr_token_wrong(p, at, at ? "the expression breaks off here" : "no expression");
		return NULL;
	default:
		expr_token_wrong(p, at, "a value was expected here");
		return NULL;
	}
}

/* (type), or the name of a type, which may have all that an import path has. */
static bool assertion(struct parser *p, struct expr_node *n)
{
	u32 from = p->at, to = from, open = 1;

	while (to < p->n && open) {
		open += p->text[to] == '(';
		open -= p->text[to] == ')';
		to += open != 0;
	}
	n->text = (struct str){ p->text + from, to - from };
	n->kind = str_eq(n->text, STR("type")) ? NODE_TYPE : NODE_AS;
	if (n->kind == NODE_AS)
		n->mark = from;
	p->at = to;
	if (!n->text.n)
		return expr_token_wrong(p, from, "a type was expected here");
	return expr_token(p) && expect(p, T_CLOSE, "a ) was expected here");
}

/* .name, .(type), .(T), [index], as often as they come. */
static const struct expr_node *postfix(struct parser *p)
{
	const struct expr_node *of = primary(p);
	struct expr_node *n;

	while (of && (p->token == T_DOT || p->token == T_BRACKET)) {
		bool dot = p->token == T_DOT;

		if (!expr_token(p))
			return NULL;
		n = node(p, dot ? NODE_FIELD : NODE_INDEX, of->at);
		if (!n)
			return NULL;
		n->a = of;
		n->mark = p->start;
		if (!dot) {
			n->b = binary(p, 1);
			n->end = p->at;
			if (!n->b || !expect(p, T_BRACKET_END, "a ] was expected here"))
				return NULL;
		} else if (p->token == T_OPEN) {
			if (!assertion(p, n))
				return NULL;
		} else if (p->token == T_NAME) {
			n->text = p->word;
			if (!expr_token(p))
				return NULL;
		} else {
			expr_token_wrong(p, p->start, "the name of a field was expected here");
			return NULL;
		}
		of = n;
	}
	return of;
}

static const struct expr_node *unary(struct parser *p)
{
	u32 at = p->start;
	u8 op = p->token == T_NOT ? EX_NOT : p->token == T_BINARY ? p->op : EX_CONST;
	struct expr_node *n;

	if (op == EX_CONST)
		return postfix(p);
	if (op != EX_NOT && op != EX_SUB && op != EX_ADD && op != EX_XOR && op != EX_MUL) {
		expr_token_wrong(p, at, op == EX_BITAND ? "addresses can't be taken" :
					       "a value was expected here");
		return NULL;
	}
	if (++p->depth > LEVELS_MAX) {
		expr_token_wrong(p, at, "too many levels");
		return NULL;
	}
	n = node(p, op == EX_MUL ? NODE_DEREF : NODE_UNARY, at);
	if (!n || !expr_token(p))
		return NULL;
	n->a = unary(p);
	p->depth--;
	if (!n->a || op == EX_ADD)
		return n->a;
	n->op = op == EX_NOT ? EX_NOT : op == EX_SUB ? EX_NEG : EX_COMPLEMENT;
	n->end = n->a->end;
	return n;
}

static const struct expr_node *binary(struct parser *p, u8 level)
{
	const struct expr_node *left;
	u8 own;

	if (++p->depth > LEVELS_MAX) {
		expr_token_wrong(p, p->start, "too many levels");
		return NULL;
	}
	left = unary(p);
	if (!left)
		return NULL;
	while (p->token == T_BINARY && p->level >= level) {
		struct expr_node *n = node(p, NODE_BINARY, left->at);

		if (!n)
			return NULL;
		n->op = p->op;
		n->mark = p->start;
		n->a = left;
		own = p->level;
		if (!expr_token(p))
			return NULL;
		n->b = binary(p, (u8)(own + 1));
		if (!n->b)
			return NULL;
		n->end = n->b->end;
		left = n;
	}
	p->depth--;
	return left;
}

static struct str trimmed(struct str s)
{
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

bool expr_parse(struct arena *a, const struct expr_ask *ask, struct expr **to, size_t *n,
		struct err *err)
{
	struct parser p = { .a = a, .option = ask->option, .text = ask->text, .err = err };
	VEC(struct expr) list = { 0 };
	size_t length = strlen(ask->text);
	bool ok;

	if (length > TEXT_MAX)
		return err_set(err, ERR_USAGE, "%s: more than 4096 bytes", ask->option);
	p.n = (u32)length;
	ok = expr_token(&p);
	for (size_t i = 0; i < *n; i++)
		*vec_push(&list) = (*to)[i];
	while (ok) {
		u32 from = p.start;
		const struct expr_node *root;
		struct expr *e;

		p.depth = p.nodes = 0;
		root = binary(&p, 1);
		if (!root) {
			ok = false;
			break;
		}
		e = vec_push(&list);
		*e = (struct expr){
			.role = ask->role, .index = (u32)list.n - 1, .option = ask->option,
			.func = ask->func, .most = ask->most,
			.text = ask->text, .root = root,
			.source = trimmed(str_cut((struct str){ p.text, p.n }, from, p.start)),
		};
		if (p.token == T_END)
			break;
		if (p.token != T_COMMA || ask->role != EXPR_SHOW)
			ok = expr_token_wrong(&p, p.start, p.token == T_COMMA ?
					      "one expression is enough" :
					      "an operator was expected here");
		ok = ok && expr_token(&p);
	}
	if (ok) {
		*n = list.n;
		*to = arena_copy(a, list.at, list.n * sizeof(*list.at));
	}
	vec_release(&list);
	return ok;
}
