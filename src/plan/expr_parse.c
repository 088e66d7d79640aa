/* Go's grammar of expressions, as much of it as is promised: precedence climbing over tokens that
 * are cut on the way. A number with a unit behind it (50ms, 1m30s) is a duration: nanoseconds. */
#include "plan/expr_impl.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/out.h"
#include "base/vec.h"

enum {
	LEVELS_MAX = 48,	/* of parentheses and operators inside each other */
	NODES_MAX = 400,	/* bounds every walk over the tree */
	TEXT_MAX = 4096,
};

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

static const struct { const char *text; u8 op, level; } operators[] = {
	{ "||", EX_OR, 1 }, { "&&", EX_AND, 2 },
	{ "==", EX_EQ, 3 }, { "!=", EX_NE, 3 }, { "<=", EX_LE, 3 }, { ">=", EX_GE, 3 },
	{ "<<", EX_SHL, 5 }, { ">>", EX_SHR, 5 }, { "&^", EX_ANDNOT, 5 },
	{ "<", EX_LT, 3 }, { ">", EX_GT, 3 },
	{ "+", EX_ADD, 4 }, { "-", EX_SUB, 4 }, { "|", EX_BITOR, 4 }, { "^", EX_XOR, 4 },
	{ "*", EX_MUL, 5 }, { "/", EX_DIV, 5 }, { "%", EX_REM, 5 }, { "&", EX_BITAND, 5 },
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

static bool wrong(struct parser *p, u32 at, const char *sentence)
{
	return expr_wrong(p->option, p->text, at, p->err, "%s", sentence);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static unsigned digit_of(char c)
{
	return is_digit(c) ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) :
	       c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10) : 99;
}

static char peek(const struct parser *p, u32 ahead)
{
	return p->at + ahead < p->n ? p->text[p->at + ahead] : 0;
}

/* Digits of a base, with _ between them. False: no digit, or too many. */
static bool digits(struct parser *p, unsigned base, u64 *to, bool *many)
{
	bool any = false;

	*to = 0;
	for (;; p->at++) {
		unsigned d = digit_of(peek(p, 0));

		if (peek(p, 0) == '_' && any && digit_of(peek(p, 1)) < base)
			continue;
		if (d >= base)
			return any;
		any = true;
		*many |= __builtin_mul_overflow(*to, base, to) ||
			 __builtin_add_overflow(*to, d, to);
	}
}

static bool unit_of(const struct parser *p, u64 *ns, u32 *size)
{
	static const struct { const char *text; u64 ns; } units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "µs", 1000 }, { "μs", 1000 }, { "ms", 1000000 },
		{ "s", 1000000000 }, { "m", 60000000000 }, { "h", 3600000000000 },
	};
	struct str rest = { p->text + p->at, p->n - p->at };

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		struct str u = str_of(units[i].text);

		if (str_starts(rest, u) && (rest.n == u.n || !is_letter(rest.p[u.n]))) {
			*ns = units[i].ns;
			*size = (u32)u.n;
			return true;
		}
	}
	return false;
}

/* `whole` and `part` / `scale` of a unit are at hand; more may follow: 1m30.5s. */
static bool duration(struct parser *p, u64 whole, u64 part, u64 scale, u64 unit, u32 size)
{
	u64 sum = 0, ns;
	bool many = false;

	for (;;) {
		p->at += size;
		if (many)
			break;
		many |= __builtin_mul_overflow(whole, unit, &ns) ||
			__builtin_add_overflow(sum, ns, &sum) ||
			__builtin_add_overflow(sum, (u64)((unsigned __int128)part * unit / scale),
					       &sum);
		part = 0;
		scale = 1;
		if (!is_digit(peek(p, 0)))
			break;
		(void)digits(p, 10, &whole, &many);
		if (peek(p, 0) == '.' && is_digit(peek(p, 1))) {
			u32 from = ++p->at;

			(void)digits(p, 10, &part, &many);
			for (u32 i = from; i < p->at; i++)
				many |= is_digit(p->text[i]) &&
					__builtin_mul_overflow(scale, 10, &scale);
		}
		if (!unit_of(p, &unit, &size))
			return wrong(p, p->at, "a unit is missing: ns, us, ms, s, m, h");
	}
	if (many || sum >> 63)
		return wrong(p, p->start, "a duration of more than 292 years");
	p->token = T_INT;
	p->whole = sum;
	return true;
}

static bool number(struct parser *p)
{
	static const struct { char letter; unsigned base; } bases[] = {
		{ 'x', 16 }, { 'X', 16 }, { 'o', 8 }, { 'O', 8 }, { 'b', 2 }, { 'B', 2 },
	};
	bool many = false;
	u64 unit, part = 0, scale = 1;
	char text[64];
	u32 size;

	p->token = T_INT;
	for (size_t i = 0; i < ARRAY_LEN(bases) && peek(p, 0) == '0'; i++)
		if (peek(p, 1) == bases[i].letter) {
			p->at += 2;
			if (!digits(p, bases[i].base, &p->whole, &many) || is_digit(peek(p, 0)) ||
			    is_letter(peek(p, 0)))
				return wrong(p, p->at, "a digit was expected here");
			return !many || wrong(p, p->start, "more than 64 bits");
		}
	if (peek(p, 0) == '0' && is_digit(peek(p, 1))) {
		if (!digits(p, 8, &p->whole, &many) || is_digit(peek(p, 0)))
			return wrong(p, p->at, "no digit of an octal number (0 at its front)");
		return !many || wrong(p, p->start, "more than 64 bits");
	}
	(void)digits(p, 10, &p->whole, &many);
	if (unit_of(p, &unit, &size))
		return many ? wrong(p, p->start, "more than 64 bits")
			    : duration(p, p->whole, 0, 1, unit, size);
	if (peek(p, 0) == '.' && is_digit(peek(p, 1))) {
		u32 from = ++p->at;
		bool tiny = false;

		p->token = T_FLOAT;
		(void)digits(p, 10, &part, &tiny);
		if (unit_of(p, &unit, &size)) {
			for (u32 i = from; i < p->at; i++)
				tiny |= is_digit(p->text[i]) &&
					__builtin_mul_overflow(scale, 10, &scale);
			return tiny || many ? wrong(p, p->start, "more digits than a duration has")
					    : duration(p, p->whole, part, scale, unit, size);
		}
	}
	if ((peek(p, 0) | 0x20) == 'e' && (is_digit(peek(p, 1)) ||
	    ((peek(p, 1) == '-' || peek(p, 1) == '+') && is_digit(peek(p, 2))))) {
		p->token = T_FLOAT;
		for (p->at += 2; is_digit(peek(p, 0));)
			p->at++;
	}
	if (is_letter(peek(p, 0)))
		return wrong(p, p->at,
			     "a number ends here, and no unit begins (ns, us, ms, s, m, h)");
	if (p->token == T_INT)
		return !many || wrong(p, p->start, "more than 64 bits");
	size = 0;
	for (u32 i = p->start; i < p->at && size + 1 < sizeof(text); i++)
		if (p->text[i] != '_')
			text[size++] = p->text[i];
	text[size] = 0;
	if (p->at - p->start >= sizeof(text) || sscanf(text, "%lf", &p->real) != 1)
		return wrong(p, p->start, "more digits than a number has");
	return true;
}

static void put_rune(char *to, u32 *n, u32 r)
{
	if (r < 0x80) {
		to[(*n)++] = (char)r;
	} else if (r < 0x800) {
		to[(*n)++] = (char)(0xc0 | r >> 6);
		to[(*n)++] = (char)(0x80 | (r & 0x3f));
	} else if (r < 0x10000) {
		to[(*n)++] = (char)(0xe0 | r >> 12);
		to[(*n)++] = (char)(0x80 | (r >> 6 & 0x3f));
		to[(*n)++] = (char)(0x80 | (r & 0x3f));
	} else {
		to[(*n)++] = (char)(0xf0 | r >> 18);
		to[(*n)++] = (char)(0x80 | (r >> 12 & 0x3f));
		to[(*n)++] = (char)(0x80 | (r >> 6 & 0x3f));
		to[(*n)++] = (char)(0x80 | (r & 0x3f));
	}
}

/* Behind a backslash. *byte: it is a byte (\x, octal), not a rune. */
static bool escape(struct parser *p, char quote, u32 *value, bool *byte)
{
	static const char letters[] = "abfnrtv\\", means[] = "\a\b\f\n\r\t\v\\";
	char c = peek(p, 0);
	const char *l = c ? strchr(letters, c) : NULL;
	u32 count = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 3, base = 16;

	*byte = false;
	if (l || c == quote) {
		*value = l ? (u32)means[l - letters] : (u32)quote;
		p->at++;
		return true;
	}
	if (c >= '0' && c <= '7') {
		base = 8;
	} else if (c == 'x' || c == 'u' || c == 'U') {
		p->at++;
	} else {
		return wrong(p, p->at, "no escape of Go's");
	}
	*byte = count < 4;
	for (*value = 0; count--; p->at++) {
		unsigned d = digit_of(peek(p, 0));

		if (d >= base)
			return wrong(p, p->at, "a digit of an escape was expected here");
		*value = *value * base + d;
	}
	if (*byte ? *value > 0xff : *value > 0x10ffff || (*value >= 0xd800 && *value < 0xe000))
		return wrong(p, p->at - 1, "an escape that is no character");
	return true;
}

static bool quoted(struct parser *p, char quote)
{
	char *to = arena_alloc(p->a, p->n - p->at + 4);
	u32 n = 0, value;
	bool byte;

	for (p->at++; p->at < p->n && p->text[p->at] != quote;) {
		if (p->text[p->at] != '\\' || quote == '`') {
			to[n++] = p->text[p->at++];
			continue;
		}
		p->at++;
		if (!escape(p, quote, &value, &byte))
			return false;
		if (byte)
			to[n++] = (char)value;
		else
			put_rune(to, &n, value);
	}
	if (p->at >= p->n)
		return wrong(p, p->start, "a quote that is not closed");
	p->at++;
	p->token = T_STRING;
	p->word = (struct str){ to, n };
	return true;
}

static bool rune(struct parser *p)
{
	u32 value;
	size_t n;
	bool byte;

	p->at++;
	if (peek(p, 0) == '\\') {
		p->at++;
		if (!escape(p, '\'', &value, &byte))
			return false;
	} else {
		n = utf8_rune((struct str){ p->text, p->n }, p->at, &value);
		if (!n || value == '\'')
			return wrong(p, p->at, "no character between these quotes");
		p->at += (u32)n;
	}
	if (peek(p, 0) != '\'')
		return wrong(p, p->start,
			     "one character stands between these quotes; a text is in \"…\"");
	p->at++;
	p->token = T_INT;
	p->whole = value;
	return true;
}

static bool punctuation(struct parser *p)
{
	static const struct { char c; enum token token; } marks[] = {
		{ '(', T_OPEN }, { ')', T_CLOSE }, { '[', T_BRACKET }, { ']', T_BRACKET_END },
		{ '.', T_DOT }, { ',', T_COMMA },
	};
	struct str rest = { p->text + p->at, p->n - p->at };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (rest.p[0] == marks[i].c) {
			p->token = marks[i].token;
			p->at++;
			return true;
		}
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (str_starts(rest, str_of(operators[i].text))) {
			p->token = T_BINARY;
			p->op = operators[i].op;
			p->level = operators[i].level;
			p->at += (u32)strlen(operators[i].text);
			return true;
		}
	if (rest.p[0] == '!') {
		p->token = T_NOT;
		p->at++;
		return true;
	}
	if (rest.p[0] == '=')
		return wrong(p, p->at, "= would change the program; == compares");
	return wrong(p, p->at, "no part of an expression");
}

/* The next token. */
static bool next(struct parser *p)
{
	while (p->at < p->n && (p->text[p->at] == ' ' || p->text[p->at] == '\t' ||
				p->text[p->at] == '\n' || p->text[p->at] == '\r'))
		p->at++;
	p->start = p->at;
	p->token = T_END;
	if (p->at >= p->n)
		return true;
	if (is_digit(peek(p, 0)))
		return number(p);
	if (is_letter(peek(p, 0))) {
		while (is_letter(peek(p, 0)) || is_digit(peek(p, 0)))
			p->at++;
		p->token = T_NAME;
		p->word = (struct str){ p->text + p->start, p->at - p->start };
		return true;
	}
	if (peek(p, 0) == '"' || peek(p, 0) == '`')
		return quoted(p, peek(p, 0));
	if (peek(p, 0) == '\'')
		return rune(p);
	return punctuation(p);
}

static struct expr_node *node(struct parser *p, enum node_kind kind, u32 at)
{
	struct expr_node *n = ARENA_NEW(p->a, struct expr_node);

	if (++p->nodes > NODES_MAX) {
		wrong(p, at, "an expression of more than 400 parts");
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
	return p->token == token ? next(p) : wrong(p, p->start, sentence);
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
		wrong(p, at, "only len, cap, has_prefix and contains can be called");
		return NULL;
	}
	if (!n || !next(p))
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
		return next(p) ? n : NULL;
	case T_STRING:
		n = node(p, NODE_STRING, at);
		if (!n)
			return NULL;
		n->text = word;
		return next(p) ? n : NULL;
	case T_NAME:
		n = node(p, NODE_NAME, at);
		if (!n || !next(p))
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
		if (!next(p))
			return NULL;
		inner = binary(p, 1);
		return inner && expect(p, T_CLOSE, "a ) was expected here") ? inner : NULL;
	case T_END:
		wrong(p, at, at ? "the expression breaks off here" : "no expression");
		return NULL;
	default:
		wrong(p, at, "a value was expected here");
		return NULL;
	}
}

/* .name, .(type), [index], as often as they come. */
static const struct expr_node *postfix(struct parser *p)
{
	const struct expr_node *of = primary(p);
	struct expr_node *n;

	while (of && (p->token == T_DOT || p->token == T_BRACKET)) {
		bool dot = p->token == T_DOT;

		if (!next(p))
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
			n->kind = NODE_TYPE;
			if (!next(p) || p->token != T_NAME || !str_eq(p->word, STR("type"))) {
				wrong(p, p->start, "only .(type) can be asked for");
				return NULL;
			}
			if (!next(p) || !expect(p, T_CLOSE, "a ) was expected here"))
				return NULL;
		} else if (p->token == T_NAME) {
			n->text = p->word;
			if (!next(p))
				return NULL;
		} else {
			wrong(p, p->start, "the name of a field was expected here");
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
		wrong(p, at, op == EX_BITAND ? "addresses can't be taken" :
					       "a value was expected here");
		return NULL;
	}
	if (++p->depth > LEVELS_MAX) {
		wrong(p, at, "too many levels");
		return NULL;
	}
	n = node(p, op == EX_MUL ? NODE_DEREF : NODE_UNARY, at);
	if (!n || !next(p))
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
		wrong(p, p->start, "too many levels");
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
		if (!next(p))
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
	ok = next(&p);
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
			.text = ask->text, .root = root,
			.source = trimmed(str_cut((struct str){ p.text, p.n }, from, p.start)),
		};
		if (p.token == T_END)
			break;
		if (p.token != T_COMMA || ask->role != EXPR_SHOW)
			ok = wrong(&p, p.start, p.token == T_COMMA ? "one expression is enough" :
				   "an operator was expected here");
		ok = ok && next(&p);
	}
	if (ok) {
		*n = list.n;
		*to = arena_copy(a, list.at, list.n * sizeof(*list.at));
	}
	vec_release(&list);
	return ok;
}
