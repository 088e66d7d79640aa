/* Literals become `?`, comments go, runs of blanks become one. */
#include "span/sql_text.h"

#include <string.h>

#include "base/out.h"
#include "span/sql_secret.h"

struct scan {
	struct sql_text *to;
	struct str in;
	size_t at;
	enum sql_dialect dialect;
	bool blank;		/* one is due */
	struct sql_secret secret;
	bool full;
};

static char peek(const struct scan *s, size_t ahead)
{
	return s->at + ahead < s->in.n ? s->in.p[s->at + ahead] : 0;
}

static void put(struct scan *s, struct str text)
{
	struct sql_text *to = s->to;

	s->full |= to->ntext + text.n + 1 > SQL_TEXT_MOST;
	if (s->full)
		return;
	if (s->blank && to->ntext)
		to->text[to->ntext++] = ' ';
	s->blank = false;
	memcpy(to->text + to->ntext, text.p, text.n);
	to->ntext += text.n;
}

/* What is to come is not looked at. */
static void cut(struct scan *s)
{
	s->to->cut = true;
	s->at = s->in.n;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool sql_is(struct str word, const char *lower_case)
{
	size_t n = strlen(lower_case);

	if (word.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (lower(word.p[i]) != lower_case[i])
			return false;
	return true;
}

bool sql_is_one_of(struct str word, const char *const *lower_case, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sql_is(word, lower_case[i]))
			return true;
	return false;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (u8)c >= 0x80;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* May it stand in a name, but not at its beginning? Elsewhere '#' is an operator, or begins a
 * comment. */
static bool is_inner(const struct scan *s, char c)
{
	return is_letter(c) || is_digit(c) || c == '$' || (c == '@' && s->dialect == SQL_SERVER) ||
	       (c == '#' && (s->dialect == SQL_SERVER || s->dialect == SQL_ORACLE));
}

/* To behind the quote that ends it. A quote behind an odd number of backslashes may be one of its
 * characters, or its end. */
static bool quoted(struct scan *s, bool escapes)
{
	char quote = s->in.p[s->at++];
	size_t backslashes = 0;

	if (s->dialect == SQL_OTHER && peek(s, 0) == quote && peek(s, 1) == quote)
		return false;	/* three of them may be a quote of its own kind */
	for (; s->at < s->in.n; s->at++) {
		char c = s->in.p[s->at];

		if (c == quote && backslashes % 2 && !escapes)
			return false;
		if (c == quote && !(backslashes % 2)) {
			s->at++;
			if (peek(s, 0) != quote)
				return true;
		}
		backslashes = c == '\\' ? backslashes + 1 : 0;
	}
	return false;
}

static void literal(struct scan *s, bool escapes)
{
	bool whole = quoted(s, escapes);

	put(s, STR("?"));
	if (!whole)
		cut(s);
}

/* A name in quotes is kept as it is. */
static void name(struct scan *s)
{
	size_t from = s->at;

	if (quoted(s, false))
		put(s, str_cut(s->in, from, s->at));
	else
		cut(s);
}

/* $tag$ text $tag$ */
static void dollars(struct scan *s)
{
	size_t n = 1;
	struct str tag;
	ptrdiff_t end;

	while (is_letter(peek(s, n)) || is_digit(peek(s, n)))
		n++;
	if (is_digit(peek(s, 1)) || peek(s, n) != '$') {
		put(s, str_cut(s->in, s->at, s->at + n));	/* $1 */
		s->at += n;
		return;
	}
	tag = str_cut(s->in, s->at, s->at + n + 1);
	s->at += tag.n;
	end = str_find(str_cut(s->in, s->at, s->in.n), tag);
	put(s, STR("?"));
	if (end < 0)
		cut(s);
	else
		s->at += (size_t)end + tag.n;
}

static bool is_mysql_or_unknown(const struct scan *s)
{
	return s->dialect == SQL_MYSQL || s->dialect == SQL_OTHER;
}

static void block_comment(struct scan *s)
{
	size_t depth = 1;

	if (is_mysql_or_unknown(s) && (peek(s, 2) == '!' || peek(s, 2) == 'M')) {
		cut(s);		/* what MySQL runs: it has literals */
		return;
	}
	for (s->at += 2; s->at < s->in.n && depth; s->at++) {
		if (peek(s, 0) == '*' && peek(s, 1) == '/') {
			depth--;
			s->at++;
		} else if (peek(s, 0) == '/' && peek(s, 1) == '*') {
			if (s->dialect != SQL_POSTGRESQL)
				break;	/* only some count them */
			depth++;
			s->at++;
		}
	}
	s->blank = true;
	if (depth)
		cut(s);
}

/* A carriage return alone ends it in PostgreSQL, and not in MySQL and SQLite. */
static void line_comment(struct scan *s)
{
	while (s->at < s->in.n && peek(s, 0) != '\n' && peek(s, 0) != '\r')
		s->at++;
	s->blank = true;
	if (peek(s, 0) == '\r' && peek(s, 1) != '\n' && s->dialect != SQL_POSTGRESQL)
		cut(s);
}

/* Two dashes begin a comment everywhere, but in MySQL only before a blank. */
static void dashes(struct scan *s)
{
	if (is_mysql_or_unknown(s) && s->at + 2 < s->in.n && !is_blank(peek(s, 2)))
		cut(s);
	else
		line_comment(s);
}

/* 12, .5, 1e-3, 0xff, 1_000: all that hangs together. */
static void number(struct scan *s)
{
	bool hex = peek(s, 0) == '0' && lower(peek(s, 1)) == 'x';

	while (is_letter(peek(s, 0)) || is_digit(peek(s, 0)) || peek(s, 0) == '.') {
		bool e = !hex && lower(peek(s, 0)) == 'e';
		bool sign = e && (peek(s, 1) == '+' || peek(s, 1) == '-');

		s->at += sign && is_digit(peek(s, 2)) ? 2 : 1;
	}
	if (!s->to->ntext || s->blank || s->to->text[s->to->ntext - 1] != '?')
		put(s, STR("?"));	/* not after ?12, which is a parameter */
}

/* N'…', x'…', _utf8'…': part of the literal, not a word. */
static bool is_prefix(struct str w)
{
	static const char *const prefixes[] = { "e", "n", "b", "x", "r", "u", "rb", "br" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (sql_is(w, prefixes[i]))
			return true;
	return w.p[0] == '_';
}

/* Oracle's passwords never have such quotes. */
static bool is_secret_next(struct scan *s, struct str w)
{
	return sql_secret_next(&s->secret, w, str_cut(s->in, s->at, s->in.n),
			       s->dialect == SQL_ORACLE || s->dialect == SQL_OTHER);
}

static void word(struct scan *s)
{
	size_t from = s->at++;
	struct str w;

	while (is_inner(s, peek(s, 0)))
		s->at++;
	w = str_cut(s->in, from, s->at);
	if (peek(s, 0) != '\'') {
		put(s, w);
		if (is_secret_next(s, w))
			cut(s);
	} else if (sql_is(w, "q") || sql_is(w, "nq")) {
		cut(s);		/* Oracle's own quotes: q'[it's]' */
	} else if (is_prefix(w)) {
		literal(s, s->dialect == SQL_POSTGRESQL && lower(w.p[0]) == 'e');
	} else {
		put(s, w);
		literal(s, false);
	}
}

static void signs(struct scan *s, size_t n)
{
	put(s, str_cut(s->in, s->at, s->at + n));
	s->at += n;
}

static void symbol(struct scan *s)
{
	if (peek(s, 0) == ';')
		sql_secret_end(&s->secret);
	signs(s, 1);
}

static void dollar(struct scan *s)
{
	switch (s->dialect) {
	case SQL_POSTGRESQL:
		dollars(s);
		break;
	case SQL_OTHER:		/* a parameter, or a quote */
		if (!is_digit(peek(s, 1))) {
			cut(s);
			break;
		}
		dollars(s);
		break;
	case SQL_SERVER:	/* money */
		symbol(s);
		break;
	case SQL_MYSQL: case SQL_SQLITE: case SQL_ORACLE:
		word(s);
		break;
	}
}

/* [a name], or what indexes an array. In SQL Server ]] is a bracket of the name. */
static void bracket(struct scan *s)
{
	bool names = s->dialect == SQL_SERVER || s->dialect == SQL_SQLITE, quote = false;
	size_t n = 1;

	for (; s->at + n < s->in.n; n++) {
		char c = peek(s, n);

		quote |= c == '\'' || c == '"' || c == '`';
		if (c == ']' && !(s->dialect == SQL_SERVER && peek(s, n + 1) == ']'))
			break;
		n += c == ']';
	}
	if (!names && !(s->dialect == SQL_OTHER && quote)) {
		symbol(s);
	} else if (!names || s->at + n >= s->in.n) {
		cut(s);
	} else {
		struct str text = str_cut(s->in, s->at, s->at + n + 1);

		put(s, text);
		s->at += text.n;
		if (is_secret_next(s, str_cut(text, 1, text.n - 1)))
			cut(s);
	}
}

static void hash(struct scan *s)
{
	if (s->dialect == SQL_MYSQL)
		line_comment(s);
	else if (s->dialect == SQL_SERVER)
		word(s);	/* a table that is there for a while */
	else if (s->dialect == SQL_OTHER)
		cut(s);
	else
		symbol(s);
}

/* Money in SQL Server: how long is the sign in front of its digits? */
static size_t money(const struct scan *s)
{
	static const u16 signs[][2] = {
		{ 0xa2, 0xa5 }, { 0x9f2, 0x9f3 }, { 0xe3f, 0xe3f }, { 0x17db, 0x17db },
		{ 0x20a0, 0x20cf }, { 0xfdfc, 0xfdfc }, { 0xfe69, 0xfe69 }, { 0xff04, 0xff04 },
		{ 0xffe0, 0xffe6 },
	};
	u32 rune = 0;
	size_t n = utf8_rune(s->in, s->at, &rune);

	if ((s->dialect != SQL_SERVER && s->dialect != SQL_OTHER) || !is_digit(peek(s, n)))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (rune >= signs[i][0] && rune <= signs[i][1])
			return n;
	return 0;
}

/* Is it of a name? In PostgreSQL it is of operators. */
static bool at_names(const struct scan *s)
{
	return s->dialect != SQL_POSTGRESQL &&
	       (!is_digit(peek(s, 1)) || (s->dialect != SQL_OTHER && s->dialect != SQL_ORACLE));
}

static void one(struct scan *s)
{
	char c = peek(s, 0);

	if (is_blank(c)) {
		s->blank = true;
		s->at++;
	} else if (c == '\'') {
		literal(s, false);
	} else if (c == '"') {
		if (s->dialect == SQL_POSTGRESQL)
			name(s);
		else
			literal(s, false);	/* a name in some, a text in others */
	} else if (c == '`') {
		if (s->dialect == SQL_MYSQL || s->dialect == SQL_SQLITE || s->dialect == SQL_OTHER)
			name(s);
		else
			cut(s);
	} else if (c == '-' && peek(s, 1) == '-') {
		dashes(s);
	} else if (c == '/' && peek(s, 1) == '*') {
		block_comment(s);
	} else if (c == '#') {
		hash(s);
	} else if (c == '[') {
		bracket(s);
	} else if (c == '$') {
		dollar(s);
	} else if (is_digit(c) || (c == '.' && is_digit(peek(s, 1)))) {
		number(s);
	} else if ((u8)c >= 0x80 && money(s)) {
		signs(s, money(s));
	} else if (is_letter(c) || (c == '@' && at_names(s))) {
		word(s);
	} else if ((u8)c < 0x20 || c == 0x7f) {
		cut(s);
	} else {
		symbol(s);
	}
}

void sql_text_of(struct sql_text *to, enum sql_dialect dialect, struct str query, bool was_cut)
{
	struct scan s = { .to = to, .in = query, .dialect = dialect };

	to->ntext = to->nsummary = 0;
	to->prepares = dialect != SQL_SERVER;
	to->cut = was_cut;
	while (s.at < s.in.n && !s.full)
		one(&s);
	to->cut |= s.full;
	sql_summary_of(to);
	if (to->cut) {
		memcpy(to->text + to->ntext, "…", sizeof("…"));
		to->ntext += strlen("…");
	}
}
