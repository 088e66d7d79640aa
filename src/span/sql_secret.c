#include "span/sql_secret.h"

#include "span/sql_text.h"

enum { OBJECT_WORDS = 6 };	/* CREATE OR REPLACE GLOBAL TEMPORARY TABLE */

static const char *const about_rows[] = {
	"select", "insert", "update", "delete", "merge", "replace", "upsert", "values", "with",
};

static const char *const about_tables[] = { "table", "index", "view" };
static const char *const about_others[] = { "user", "role", "login", "system" };
static const char *const before_all[] = { "explain", "analyze", "verbose" };

static const char *const procedures[] = {
	"sp_addlogin", "sp_password", "sp_addlinkedsrvlogin", "sp_addapprole", "sp_setapprole",
	"sp_approlepassword",
};

static bool ends(struct str word, const char *end)
{
	size_t n = strlen(end);

	return word.n >= n && sql_is(str_cut(word, word.n - n, word.n), end);
}

static struct str skip_blanks(struct str s)
{
	while (s.n && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r')))
		s = str_cut(s, 1, s.n);
	return s;
}

static bool is_parameter(struct str s)
{
	return s.p[0] == '?' || (s.n > 1 && s.p[0] == '$' && s.p[1] >= '0' && s.p[1] <= '9');
}

/* May what follows be a text without quotes? */
static bool is_bare(struct str rest)
{
	rest = skip_blanks(rest);
	if (!rest.n || strchr("),;.", rest.p[0]))
		return false;
	if (rest.p[0] == '=')
		rest = skip_blanks(str_cut(rest, 1, rest.n));
	return rest.n && rest.p[0] != '\'' && !is_parameter(rest);
}

static void look(struct sql_secret *s, struct str word)
{
	if (!s->words && SQL_ONE_OF(word, before_all))
		return;
	if (!s->words++) {
		s->rows = SQL_ONE_OF(word, about_rows);
		s->connects = sql_is(word, "connect");
		s->keys = sql_is(word, "pragma") || sql_is(word, "attach");
	} else if (!s->decided && s->words <= OBJECT_WORDS) {
		s->tables = SQL_ONE_OF(word, about_tables);
		s->decided = s->tables || SQL_ONE_OF(word, about_others);
	}
}

/* IDENTIFIED BY, and outside of queries also IDENTIFIED WITH … BY */
static bool is_identified(struct sql_secret *s, struct str word)
{
	bool by = s->identified && sql_is(word, "by");

	s->identified = sql_is(word, "identified") || (s->identified && !s->rows && !by);
	return by;
}

bool sql_secret_next(struct sql_secret *s, struct str word, struct str rest, bool always)
{
	look(s, word);
	if (is_identified(s, word))
		return always || is_bare(rest);
	if (s->connects || SQL_ONE_OF(word, procedures))
		return true;
	if (s->rows || s->tables)
		return false;
	return (ends(word, "password") || ends(word, "passwd") || sql_is(word, "secret") ||
		(s->keys && ends(word, "key"))) && is_bare(rest);
}

void sql_secret_end(struct sql_secret *s)
{
	*s = (struct sql_secret){ 0 };
}
