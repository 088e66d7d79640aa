/* What loggers put behind a text, on each line of it, with names that stay the same:
 *
 *	10:09AM ERR panic: boom app=api n=7		zerolog's ConsoleWriter
 *	10:09AM ERR app=api n=8				an empty line
 *	ERRO[0000] main.main()            app=api	logrus on a terminal */
#include "diag/death.h"

enum { FIELDS_MOST = 32 };

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Takes "name=value" or "name=\"a value\"", and the blanks behind it. */
static bool take_field(struct str *s, struct str *name)
{
	size_t i = 0;

	while (i < s->n && s->p[i] != '=' && s->p[i] != '"' && !blank(s->p[i]))
		i++;
	if (!i || i == s->n || s->p[i] != '=')
		return false;
	*name = str_cut(*s, 0, i++);
	if (i < s->n && s->p[i] == '"') {
		for (i++; i < s->n && s->p[i] != '"'; i++)
			i += s->p[i] == '\\';
		if (i++ >= s->n)
			return false;
	}
	while (i < s->n && !blank(s->p[i]))
		i++;
	while (i < s->n && blank(s->p[i]))
		i++;
	*s = str_cut(*s, i, s->n);
	return true;
}

bool death_is_fields(struct str s)
{
	struct str name;

	while (s.n && take_field(&s, &name))
		;
	return !s.n;
}

/* The last fields of a line that has nothing else behind them. More are part of a text. */
struct tail {
	struct str names[FIELDS_MOST];
	size_t at[FIELDS_MOST];
	size_t n;	/* also of those before the last ones */
};

/* In one pass: lines may be long, and made to be difficult. */
static struct tail tail_of(struct str line)
{
	struct tail t = { 0 };
	struct str rest = line, name;

	while (rest.n) {
		size_t at = line.n - rest.n, i = 0;

		if (take_field(&rest, &name)) {
			t.names[t.n % FIELDS_MOST] = name;
			t.at[t.n++ % FIELDS_MOST] = at;
			continue;
		}
		while (i < rest.n && !blank(rest.p[i]))
			i++;
		while (i < rest.n && blank(rest.p[i]))
			i++;
		rest = str_cut(rest, i, rest.n);
		t.n = 0;
	}
	return t;
}

/* How many of the last ones have the same names. */
static size_t common(const struct tail *a, const struct tail *b)
{
	size_t most = MIN(MIN(a->n, b->n), (size_t)FIELDS_MOST), n = 0;

	while (n < most && str_eq(a->names[(a->n - n - 1) % FIELDS_MOST],
				  b->names[(b->n - n - 1) % FIELDS_MOST]))
		n++;
	return n;
}

/* Where the last n of them begin. */
static size_t begin(const struct tail *t, size_t n)
{
	return t->at[(t->n - n) % FIELDS_MOST];
}

struct str death_fields(struct str line, struct str next)
{
	struct tail a = tail_of(line), b = tail_of(next);
	size_t n = common(&a, &b);

	if (n && !begin(&a, n))		/* a line has a text */
		n--;
	return n ? str_cut(line, begin(&a, n), line.n) : STR("");
}

struct str death_without_fields(struct str line, struct str fields)
{
	struct tail f = tail_of(fields), l = { 0 };
	size_t n;

	if (!f.n)
		return line;
	l = tail_of(line);
	if (common(&f, &l) < f.n)
		return line;
	n = begin(&l, f.n);
	while (n && line.p[n - 1] == ' ')
		n--;
	return str_cut(line, 0, n);
}
