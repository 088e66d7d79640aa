/* What a text of SQL does, and to what: its operations, each followed by the tables that it names,
 * as "SELECT orders customers". No grammar, but the words that stand before a table's name; what
 * looks different is left out. */
#include "span/sql_text.h"

#include <string.h>

enum { DEPTH_MOST = 32 };

struct reader {
	struct sql_text *to;
	struct str rest;
	struct str word, before;	/* this token, and the one before it */
	u32 depth;
	bool has_from[DEPTH_MOST];	/* what is going on at this depth takes FROM tables... */
	bool in_from[DEPTH_MOST];	/* ...and one follows a comma */
	bool with, several, wants, inserts, calls, full;
	bool first;		/* of a statement, or of what is in parentheses */
	u32 noperations, ntargets;
};

enum { NESTED = 4 };	/* that may stand in parentheses */

static const char *const verbs[] = {
	"select", "insert", "update", "delete", "replace", "merge", "upsert", "truncate", "create",
	"alter", "drop", "call", "exec", "execute", "begin", "start", "commit", "rollback",
	"savepoint", "release", "set", "show", "use", "pragma", "vacuum", "analyze", "explain",
	"copy", "lock", "grant", "revoke", "declare", "fetch", "close", "listen", "notify",
	"unlisten", "reindex", "attach", "detach", "describe", "optimize", "values",
};

/* Behind these no comma separates tables any more. */
static const char *const ends_from[] = {
	"where", "group", "order", "having", "limit", "on", "set", "using", "union", "values",
	"returning", "window", "except", "intersect", "offset", "for",
};

/* They stand between the word that is about a table and its name. */
static const char *const modifiers[] = {
	"only", "table", "if", "not", "exists", "ignore", "low_priority", "into", "lateral",
};

static bool is_inner(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '$' || c == '#' || c == '@' || (u8)c >= 0x80;
}

/* How long the name is that begins there: in quotes or not. 0: there is none. */
static size_t name_length(struct str s)
{
	size_t n = 0;

	if (s.n && (s.p[0] == '"' || s.p[0] == '`' || s.p[0] == '[')) {
		char quote = s.p[0] == '[' ? ']' : s.p[0];

		for (n = 1; n < s.n && s.p[n] != quote; n++)
			;
		return n < s.n ? n + 1 : 0;
	}
	while (n < s.n && is_inner(s.p[n]))
		n++;
	return n;
}

static void say(struct reader *r, struct str what)
{
	struct sql_text *to = r->to;
	size_t blank = to->nsummary ? 1 : 0;

	r->full |= to->nsummary + blank + what.n > SQL_SUMMARY_MOST;
	if (r->full)
		return;
	if (blank)
		to->summary[to->nsummary++] = ' ';
	memcpy(to->summary + to->nsummary, what.p, what.n);
	to->nsummary += what.n;
}

/* The word and what is joined to it by dots. */
static void target(struct reader *r)
{
	struct str whole = r->word;
	struct str rest = r->rest;

	while (rest.n > 1 && rest.p[0] == '.') {
		size_t n = name_length(str_cut(rest, 1, rest.n));

		if (!n)
			break;
		whole.n += n + 1;
		rest = str_cut(rest, n + 1, rest.n);
	}
	r->rest = rest;
	r->wants = false;
	if (!r->inserts && !r->calls && (str_starts(rest, STR("(")) || str_starts(rest, STR(" ("))))
		return;		/* a function that gives rows */
	r->ntargets++;
	*(r->calls ? &r->to->procedure : &r->to->collection) = whole;
	say(r, whole);
}

static void operation(struct reader *r)
{
	static const char *const then[] = {
		"update", "truncate", "call", "exec", "execute", "merge", "replace",
	};
	static const char *const calls[] = { "call", "exec", "execute" };
	static const char *const from[] = { "select", "delete", "update" };

	r->noperations++;
	if (r->noperations == 1)
		r->to->operation = r->word;
	r->has_from[r->depth] = SQL_ONE_OF(r->word, from);
	r->in_from[r->depth] = false;
	r->inserts = sql_is(r->word, "insert") || sql_is(r->word, "replace") ||
		     sql_is(r->word, "merge") || sql_is(r->word, "upsert");
	r->calls = SQL_ONE_OF(r->word, calls);
	r->wants = SQL_ONE_OF(r->word, then) && !sql_is(r->word, "replace");
	say(r, r->word);
}

static bool begins_operation(const struct reader *r, bool first)
{
	if (sql_is(r->word, "select"))
		return true;
	if (!sql_is_one_of(r->word, verbs, r->depth ? NESTED : ARRAY_LEN(verbs)))
		return false;
	return first || (r->with && str_eq(r->before, STR(")")) && r->depth == 0);
}

static void word(struct reader *r)
{
	static const char *const ddl[] = { "create", "alter", "drop", "truncate" };
	bool first = r->first;

	r->first = false;
	if (first && sql_is(r->word, "with")) {
		r->with = true;
	} else if (begins_operation(r, first)) {
		operation(r);
	} else if (sql_is(r->word, "from")) {
		r->wants = r->in_from[r->depth] = r->has_from[r->depth] &&
						  !sql_is(r->before, "distinct");
		r->inserts = false;
	} else if (sql_is(r->word, "join") || (sql_is(r->word, "into") && r->inserts)) {
		r->wants = true;
	} else if (sql_is(r->word, "table") && SQL_ONE_OF(r->before, ddl)) {
		say(r, r->word);
		r->wants = r->inserts = true;	/* a list of columns may follow */
	} else if (r->wants && !SQL_ONE_OF(r->word, modifiers)) {
		target(r);
	} else if (SQL_ONE_OF(r->word, ends_from)) {
		r->in_from[r->depth] = false;
	}
}

static void symbol(struct reader *r)
{
	switch (r->word.p[0]) {
	case '(':
		r->wants = false;
		if (r->depth + 1 < DEPTH_MOST)
			r->depth++;
		else
			r->full = true;
		r->has_from[r->depth] = r->in_from[r->depth] = false;
		r->first = true;
		return;
	case ')':
		r->depth -= r->depth > 0;
		break;
	case ';':
		r->several |= r->noperations && r->rest.n > 1;
		r->has_from[r->depth] = r->with = r->wants = false;
		r->first = true;
		return;
	case ',':
		r->wants = r->in_from[r->depth];
		break;
	default:
		r->wants = false;
		break;
	}
	r->first = false;
}

void sql_summary_of(struct sql_text *to)
{
	struct reader r = { .to = to, .rest = { to->text, to->ntext }, .first = true };
	bool whole;

	to->nsummary = 0;
	to->operation = to->collection = to->procedure = (struct str){ 0 };
	while (r.rest.n && !r.full) {
		size_t n;

		if (r.rest.p[0] == ' ') {
			r.rest = str_cut(r.rest, 1, r.rest.n);
			continue;
		}
		n = name_length(r.rest);
		r.before = r.word;
		r.word = str_cut(r.rest, 0, MAX(n, (size_t)1));
		r.rest = str_cut(r.rest, r.word.n, r.rest.n);
		(n ? word : symbol)(&r);
	}
	whole = !r.several && !r.full && !to->cut && r.noperations == 1;
	if (r.several || r.with)
		to->operation = (struct str){ 0 };
	if (!whole || r.ntargets != 1 || r.with)
		to->collection = to->procedure = (struct str){ 0 };
	if (to->prepares && sql_is(to->operation, "execute"))
		to->procedure = (struct str){ 0 };
	to->summary[to->nsummary] = 0;
}
