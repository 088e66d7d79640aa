/* What loggers put behind a text, on each line of it, with names that stay the same:
 *
 *	10:09AM ERR panic: boom app=api n=7		zerolog's ConsoleWriter
 *	10:09AM ERR app=api n=8				an empty line
 *	ERRO[0000] main.main()            app=api	logrus on a terminal */
#include "diag/death.h"

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

static bool same_names(struct str a, struct str b)
{
	struct str of_a, of_b;

	while (a.n && b.n)
		if (!take_field(&a, &of_a) || !take_field(&b, &of_b) || !str_eq(of_a, of_b))
			return false;
	return !a.n && !b.n;
}

/* Where the fields with these names begin that end the line; its length: nowhere. */
static size_t fields_at(struct str line, struct str fields)
{
	for (size_t i = 0; i < line.n; i++)
		if ((!i || blank(line.p[i - 1])) && line.p[i] == fields.p[0] &&
		    same_names(str_cut(line, i, line.n), fields))
			return i;
	return line.n;
}

struct str death_fields(struct str line, struct str next)
{
	for (size_t i = 1; i < line.n; i++) {
		struct str fields = str_cut(line, i, line.n);

		if (blank(line.p[i - 1]) && !blank(line.p[i]) && death_is_fields(fields) &&
		    fields_at(next, fields) < next.n)
			return fields;
	}
	return STR("");
}

struct str death_without_fields(struct str line, struct str fields)
{
	size_t n = fields.n ? fields_at(line, fields) : line.n;

	if (n == line.n)
		return line;
	while (n && line.p[n - 1] == ' ')
		n--;
	return str_cut(line, 0, n);
}
