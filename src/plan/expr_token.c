/* Tokens of expressions: Go's numbers, characters, texts and operators. A number with a unit behind
 * it (50ms, 1m30s) is a duration: nanoseconds. */
#include "plan/expr_token.h"

#include <stdio.h>

#include "base/out.h"

static const struct { const char *text; u8 op, level; } operators[] = {
	{ "||", EX_OR, 1 }, { "&&", EX_AND, 2 },
	{ "==", EX_EQ, 3 }, { "!=", EX_NE, 3 }, { "<=", EX_LE, 3 }, { ">=", EX_GE, 3 },
	{ "<<", EX_SHL, 5 }, { ">>", EX_SHR, 5 }, { "&^", EX_ANDNOT, 5 },
	{ "<", EX_LT, 3 }, { ">", EX_GT, 3 },
	{ "+", EX_ADD, 4 }, { "-", EX_SUB, 4 }, { "|", EX_BITOR, 4 }, { "^", EX_XOR, 4 },
	{ "*", EX_MUL, 5 }, { "/", EX_DIV, 5 }, { "%", EX_REM, 5 }, { "&", EX_BITAND, 5 },
};

bool expr_token_wrong(struct parser *p, u32 at, const char *sentence)
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
			return expr_token_wrong(p, p->at, "a unit is missing: ns, us, ms, s, m, h");
	}
	if (many || sum >> 63)
		return expr_token_wrong(p, p->start, "a duration of more than 292 years");
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
				return expr_token_wrong(p, p->at, "a digit was expected here");
			return !many || expr_token_wrong(p, p->start, "more than 64 bits");
		}
	if (peek(p, 0) == '0' && (is_digit(peek(p, 1)) || peek(p, 1) == '_')) {
		if (!digits(p, 8, &p->whole, &many) || is_digit(peek(p, 0)))
			return expr_token_wrong(p, p->at,
						"no digit of an octal number (0 at its front)");
		return !many || expr_token_wrong(p, p->start, "more than 64 bits");
	}
	(void)digits(p, 10, &p->whole, &many);
	if (unit_of(p, &unit, &size))
		return many ? expr_token_wrong(p, p->start, "more than 64 bits")
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
			if (tiny || many)
				return expr_token_wrong(p, p->start,
							"more digits than a duration has");
			return duration(p, p->whole, part, scale, unit, size);
		}
	}
	if ((peek(p, 0) | 0x20) == 'e' && (is_digit(peek(p, 1)) ||
	    ((peek(p, 1) == '-' || peek(p, 1) == '+') && is_digit(peek(p, 2))))) {
		p->token = T_FLOAT;
		for (p->at += 2; is_digit(peek(p, 0));)
			p->at++;
	}
	if (is_letter(peek(p, 0)))
		return expr_token_wrong(p, p->at,
			     "a number ends here, and no unit begins (ns, us, ms, s, m, h)");
	if (p->token == T_INT)
		return !many || expr_token_wrong(p, p->start, "more than 64 bits");
	size = 0;
	for (u32 i = p->start; i < p->at && size + 1 < sizeof(text); i++)
		if (p->text[i] != '_')
			text[size++] = p->text[i];
	text[size] = 0;
	if (p->at - p->start >= sizeof(text) || sscanf(text, "%lf", &p->real) != 1)
		return expr_token_wrong(p, p->start, "more digits than a number has");
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
		return expr_token_wrong(p, p->at, "no escape of Go's");
	}
	*byte = count < 4;
	for (*value = 0; count--; p->at++) {
		unsigned d = digit_of(peek(p, 0));

		if (d >= base)
			return expr_token_wrong(p, p->at, "a digit of an escape was expected here");
		*value = *value * base + d;
	}
	if (*byte ? *value > 0xff : *value > 0x10ffff || (*value >= 0xd800 && *value < 0xe000))
		return expr_token_wrong(p, p->at - 1, "an escape that is no character");
	return true;
}

static bool quoted(struct parser *p, char quote)
{
	char *to = arena_alloc(p->a, p->n - p->at + 4);
	u32 n = 0, value = 0;
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
		return expr_token_wrong(p, p->start, "a quote that is not closed");
	p->at++;
	p->token = T_STRING;
	p->word = (struct str){ to, n };
	return true;
}

static bool rune(struct parser *p)
{
	u32 value = 0;
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
			return expr_token_wrong(p, p->at, "no character between these quotes");
		p->at += (u32)n;
	}
	if (peek(p, 0) != '\'')
		return expr_token_wrong(p, p->start,
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
		return expr_token_wrong(p, p->at, "= would change the program; == compares");
	return expr_token_wrong(p, p->at, "no part of an expression");
}

bool expr_token(struct parser *p)
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
