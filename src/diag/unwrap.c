/* Texts that loggers have put in quotes, and what is around them.
 *
 *	{"log":"panic: boom\n","stream":"stderr"}	JSON: one field of an object, or of each
 *	{"events":[{"message":"panic: boom"},…]}	object beside it
 *	    "message": "panic: boom",			the same over several lines
 *	time=… level=ERROR msg="panic: boom"		slog, logrus, go-kit
 *	child died: "panic: boom\n\ngoroutine 1 …"	%q
 *
 * Which field it is, a list says; but a text that has a whole death in it is taken in any one. What
 * comes out may be in quotes again: docker writes JSON around a program's own. */
#include "diag/death.h"

static const char *const fields[] = {
	"log", "message", "msg", "MESSAGE", "textPayload", "body", "text", "line", "Output",
	"error", "stderr",
};
enum { FIELDS = ARRAY_LEN(fields), DEPTH = 3 };
enum { PART = 16 << 10 };	/* docker cuts longer lines; the last part has the line's end */

struct unwrap {
	char *to;
	size_t n;
	bool some;	/* something was in quotes */
	bool logfmt;	/* ... behind msg= */
	/* JSON over several lines: */
	bool pretty;
	size_t indent, rank;	/* of the field that is taken */
};

static u32 hex4(struct str s)
{
	u32 v = 0;

	for (size_t i = 0; i < 4 && i < s.n; i++) {
		char c = s.p[i];

		v = v << 4 | (u32)(c >= 'a' ? c - 'a' + 10 : c >= 'A' ? c - 'A' + 10 : c - '0');
	}
	return v;
}

/* A text without escapes, as a line; never longer than what it is made from and its quotes. */
static void put(struct unwrap *u, struct str s)
{
	static const char from[] = "nrtbf", is[] = "\n\r\t\b\f";

	for (size_t i = 0; i < s.n; i++) {
		const char *k;

		if (s.p[i] != '\\' || i + 1 == s.n) {
			u->to[u->n++] = s.p[i];
			continue;
		}
		i++;
		k = s.p[i] ? strchr(from, s.p[i]) : NULL;
		if (k) {
			u->to[u->n++] = is[k - from];
		} else if (s.p[i] == 'u' && s.n - i > 4) {
			u32 v = hex4(str_cut(s, i + 1, i + 5));

			u->to[u->n++] = v < 0x80 ? (char)v : '?';
			i += 4;
		} else {
			u->to[u->n++] = s.p[i];
		}
	}
	if (!u->n || u->to[u->n - 1] != '\n' || !s.n)
		u->to[u->n++] = '\n';
	u->some = true;
}

static struct str without_blanks(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_cut(s, 1, s.n);
	return s;
}

/* Up to the quote that ends it; `rest` is what is behind that. */
static struct str take_quoted(struct str s, struct str *rest)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != '"')
		i += s.p[i] == '\\' ? 2 : 1;
	*rest = str_cut(s, i + 1, s.n);
	return str_cut(s, 0, i);
}

/* "…": its text, behind a colon or a sign of equality. */
static bool take_value(struct str *s, struct str *text)
{
	struct str at = without_blanks(*s);

	if (!str_starts(at, STR("\"")))
		return false;
	*text = take_quoted(str_cut(at, 1, at.n), s);
	return true;
}

struct pair {
	struct str key, text;
	size_t depth;
};

/* The next "key": "text" of some JSON. */
static bool next_pair(struct str *s, size_t *depth, struct pair *to)
{
	while (s->n) {
		char c = s->p[0];
		struct str behind;

		*s = str_cut(*s, 1, s->n);
		*depth += c == '{' || c == '[';
		*depth -= *depth && (c == '}' || c == ']');
		if (c != '"')
			continue;
		*to = (struct pair){ .key = take_quoted(*s, s), .depth = *depth };
		behind = without_blanks(*s);
		if (!str_starts(behind, STR(":")))
			continue;
		behind = str_cut(behind, 1, behind.n);
		if (!take_value(&behind, &to->text))
			continue;
		*s = behind;
		return true;
	}
	return false;
}

/* Is all of a death in it: a line that says why, and a goroutine? */
static bool is_death(struct str text)
{
	static const char *const inside[] = { "\\npanic: ", "\\nfatal error: " };

	if (str_find(text, STR("\\ngoroutine ")) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(inside); i++)
		if (str_find(text, str_of(inside[i])) >= 0)
			return true;
	return crash_line(text) != CRASH_NONE;
}

/* The lower it is, the rather it is taken; FIELDS: it is not. */
static size_t rank_of(struct str key, struct str text)
{
	if (is_death(text))
		return 0;
	for (size_t i = 0; i < FIELDS; i++)
		if (str_eq(key, str_of(fields[i])))
			return i + 1;
	return FIELDS + 1;
}

/* What stands before quotes may tell of a death itself, as `panic: {"error":"no"}` does. */
static bool is_told_before(struct str line, size_t from)
{
	return from && crash_within(str_cut(line, 0, from)) >= 0;
}

static bool json(struct unwrap *u, struct str line)
{
	ptrdiff_t from = str_find(line, STR("{\""));
	struct str all, rest;
	size_t depth = 0, rank = FIELDS + 1;
	struct pair p, best = { 0 };

	from = from < 0 ? str_find(line, STR("{ \"")) : from;
	if (from < 0 || is_told_before(line, (size_t)from))
		return false;
	if (from && line.p[from - 1] == '[')
		from--;
	all = rest = str_cut(line, str_starts(line, STR("{")) ? 0 : (size_t)from, line.n);
	while (next_pair(&rest, &depth, &p)) {
		size_t r = rank_of(p.key, p.text);

		if (r < rank) {
			rank = r;
			best = p;
		}
	}
	if (rank > FIELDS)
		return false;
	for (depth = 0; next_pair(&all, &depth, &p);)
		if (p.depth == best.depth && str_eq(p.key, best.key)) {
			put(u, p.text);
			u->n -= p.text.n >= PART && str_eq(p.key, STR("log")) &&
				!str_ends(p.text, STR("\\n"));
		}
	return true;
}

/* One line of an object that has many: `"key": "text",`. The others say nothing. */
static bool pretty(struct unwrap *u, struct str line)
{
	struct str s = without_blanks(line), key, text;
	size_t indent = line.n - s.n, rank;

	if (!str_starts(s, STR("\""))) {
		size_t signs = 0;

		while (signs < s.n && strchr("{}[],", s.p[signs]))
			signs++;
		u->pretty &= signs && signs == s.n;
		return u->pretty;
	}
	key = take_quoted(str_cut(s, 1, s.n), &s);
	s = without_blanks(s);
	if (!str_starts(s, STR(":"))) {
		u->pretty = false;
		return false;
	}
	s = str_cut(s, 1, s.n);
	if (!take_value(&s, &text))
		return u->pretty;
	rank = rank_of(key, text);
	if (rank > FIELDS || (u->pretty && (indent != u->indent || rank > u->rank)))
		return u->pretty;
	u->pretty = true;
	u->indent = indent;
	u->rank = rank;
	put(u, text);
	return true;
}

/* Where a word begins so, or -1. */
static ptrdiff_t word(struct str line, const char *begins)
{
	size_t from = 0;

	for (;;) {
		ptrdiff_t at = str_find(str_cut(line, from, line.n), str_of(begins));

		if (at < 0)
			return -1;
		from += (size_t)at;
		if (!from || line.p[from - 1] == ' ' || line.p[from - 1] == '\t')
			return (ptrdiff_t)from;
		from++;
	}
}

/* time=… level=error msg="…" */
static bool logfmt(struct unwrap *u, struct str line)
{
	static const char *const marks[] = { "level=", "lvl=", "severity=" };
	static const char *const keys[] = { "msg=", "message=", "log=", "error=", "err=" };
	struct str best = { 0 };
	ptrdiff_t at = -1;

	for (size_t i = 0; i < ARRAY_LEN(marks) && at < 0; i++)
		at = word(line, marks[i]);
	if (at < 0 || is_told_before(line, (size_t)at))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct str s, text;

		at = word(line, keys[i]);
		if (at < 0)
			continue;
		s = str_cut(line, (size_t)at + strlen(keys[i]), line.n);
		if (!take_value(&s, &text)) {
			ptrdiff_t blank = str_find(s, STR(" "));

			text = str_cut(s, 0, blank < 0 ? s.n : (size_t)blank);
		}
		if (!best.p || is_death(text))
			best = text;
		if (is_death(text))
			break;
	}
	/* logrus leaves out a text that is empty */
	if (!best.p && u->logfmt && death_is_fields(line))
		best = STR("");
	if (!best.p)
		return false;
	put(u, best);
	u->logfmt = true;
	return true;
}

static bool quoted(struct unwrap *u, struct str line)
{
	struct str rest = line;
	ptrdiff_t at;

	if (str_find(line, STR("\\ngoroutine ")) < 0)
		return false;
	while ((at = str_find(rest, STR("\""))) >= 0) {
		struct str s = str_cut(rest, (size_t)at + 1, rest.n), text;

		rest = s;
		if (crash_line(s) == CRASH_NONE)
			continue;
		text = take_quoted(s, &rest);
		if (!is_death(text))
			continue;
		if (is_told_before(line, (size_t)(text.p - line.p)))
			return false;
		put(u, text);
		return true;
	}
	return false;
}

/* What zap's console puts behind a message. */
static struct str without_fields(struct str line)
{
	ptrdiff_t at = str_ends(line, STR("}")) ? str_find(line, STR("\t{\"")) : -1;

	return at < 0 ? line : str_cut(line, 0, (size_t)at);
}

struct str death_unwrap(struct str log, struct arena *a)
{
	struct unwrap u = { .some = true };

	for (int i = 0; i < DEPTH && u.some; i++) {
		struct str rest = log;

		/* an empty line without an end takes one byte more than it has */
		u = (struct unwrap){ .to = arena_alloc(a, log.n + 2) };
		while (rest.n) {
			struct str line = str_next_line(&rest);

			if (pretty(&u, line) || json(&u, line) || logfmt(&u, line) ||
			    quoted(&u, line))
				continue;
			line = without_fields(line);
			memcpy(u.to + u.n, line.p, line.n);
			u.n += line.n;
			u.to[u.n++] = '\n';
		}
		log = (struct str){ u.to, u.n };
	}
	return log;
}
