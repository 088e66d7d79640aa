/* Logs: what a program printed when it died, taken out of what loggers made of it.
 *
 *	Nov 28 20:00:01 host app[7]: panic: boom	a prefix of fixed width, or up to a sign
 *	app_1  | panic: boom
 *	db_1   | ready				another program's lines between them are left out
 *
 * A prefix is what stands before a line that tells of a death, and before others around it, too. A
 * line of which only that can be said may be the program's own, which has logged what it
 * recovered: "INFO: panic: …". */
#include "diag/death.h"

enum { PREFIX_MOST = 500, FIELDS_MOST = 1000 };	/* bytes: each line is compared with them */

const char *const death_signals[] = {
	"SIGQUIT: quit", "SIGABRT: abort", "SIGILL: illegal instruction",
	"SIGFPE: floating-point exception", "SIGTRAP: trace trap",
	"SIGSYS: bad system call", "SIGSTKFLT: stack fault", NULL,
};

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Does the line begin as the prefix does, but for digits? */
static bool same_shape(struct str prefix, struct str line)
{
	if (line.n < prefix.n)
		return false;
	for (size_t i = 0; i < prefix.n; i++)
		if (prefix.p[i] != line.p[i] && !(digit(prefix.p[i]) && digit(line.p[i])))
			return false;
	return true;
}

/* The line without its prefix: of the same shape, or up to the sign that ends it. */
static struct str strip(struct str prefix, struct str line)
{
	struct str sign = str_cut(prefix, prefix.n >= 2 ? prefix.n - 2 : 0, prefix.n);
	size_t count = 0;
	struct str rest = prefix;
	ptrdiff_t at;

	if (sign.n && digit(sign.p[0]))
		sign = STR("");	/* a number's end is no sign */
	if (same_shape(prefix, line))
		return str_cut(line, prefix.n, line.n);
	if (prefix.n >= 2 && same_shape(str_cut(prefix, 0, prefix.n - 1), line) &&
	    line.n == prefix.n - 1)
		return STR("");	/* an empty line whose blank was cut */
	while (sign.n == 2 && (at = str_find(rest, sign)) >= 0) {
		count++;
		rest = str_cut(rest, (size_t)at + 2, rest.n);
	}
	for (rest = line; count; count--) {
		at = str_find(rest, sign);
		if (at < 0)
			return line;
		rest = str_cut(rest, (size_t)at + 2, rest.n);
	}
	return rest.p == line.p ? line : rest;
}

/* Where what it printed at its end begins in a line: a death, or that it was stopped; or what the
 * race detector has found. */
static ptrdiff_t begins(struct str line)
{
	ptrdiff_t at = crash_within(line);
	bool signal = at < 0 && str_find(line, STR("SIG")) >= 0;

	for (size_t i = 0; signal && at < 0 && death_signals[i]; i++)
		at = str_find(line, str_of(death_signals[i]));
	if (at < 0)
		at = str_find(line, STR("WARNING: DATA RACE"));
	return at > 0 && str_ends(str_cut(line, 0, (size_t)at), STR("[signal ")) ? -1 : at;
}

/* Further panics of one death are indented: that is no prefix. */
static bool only_tabs(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\t')
			return false;
	return true;
}

/* What the runtime prints right behind the line that says why. */
static bool follows_death(struct str line)
{
	return !line.n || line.p[0] == '\t' || str_starts(line, STR("[signal ")) ||
	       str_starts(line, STR("goroutine "));
}

/* A line, and those around it. */
struct lines {
	struct str before, line, next;
	struct str prefix;	/* of those that tell of the death; empty: none */
	struct str fields;	/* behind them, as another line had them; empty: none */
};

/* Whose lines they are, where a prefix says so: "api-1  | ", "[pod/api-7b9/api] ", "h app[12]: ",
 * "2026-11-30T10:09:07Z stderr F ", because the runtime prints on stderr. A time says nothing of
 * that, nor does a level, which changes as often. */
static struct str source_of(struct str prefix)
{
	ptrdiff_t bar = str_find(prefix, STR("|")), end = str_find(prefix, STR("]: ")), from, open;
	ptrdiff_t blank = str_find(prefix, STR(" "));
	struct str s = str_cut(prefix, (size_t)MAX(blank, 0), prefix.n);

	if (str_starts(s, STR(" stderr F ")) || str_starts(s, STR(" stdout F ")))
		return str_cut(s, 1, 7);
	if (str_starts(prefix, STR("[pod/")))
		return str_cut(prefix, 0, (size_t)MAX(str_find(prefix, STR("]")), 0));
	if (bar > 0) {
		for (s = str_cut(prefix, 0, (size_t)bar); str_ends(s, STR(" "));)
			s.n--;
		for (size_t i = 0; i < s.n; i++)
			if (s.p[i] == ':' || s.p[i] == ' ')
				return STR("");
		return s.n && !digit(s.p[0]) ? s : STR("");
	}
	if (end <= 0)
		return STR("");
	s = str_cut(prefix, 0, (size_t)end);
	from = str_find_last(s, ' ');
	s = str_cut(s, (size_t)(from + 1), s.n);
	open = str_find_last(s, '[');
	for (size_t i = (size_t)(open + 1); i < s.n; i++)
		open = digit(s.p[i]) ? open : 0;
	return open > 0 && (size_t)open + 1 < s.n ? s : STR("");
}

/* Lines of several programs in one log: is it another one's than what the prefix is of? */
static bool is_others(struct str prefix, struct str line)
{
	struct str of = source_of(prefix), is = of.n ? source_of(line) : STR("");

	return is.n && !str_eq(of, is);
}

static bool has_prefix(struct str prefix, struct str line)
{
	struct str rest = strip(prefix, line);

	return rest.n != line.n && begins(line) != 0;
}

/* A line that tells of a death at `at`: from it on prefixes are like its own. */
static void take_prefix(struct lines *l, size_t at)
{
	struct str prefix = str_cut(l->line, 0, at), said = str_cut(l->line, at, l->line.n);
	bool panic = str_starts(said, STR("panic: "));
	bool fatal = str_starts(said, STR("fatal error: "));

	if (at >= l->prefix.n && same_shape(l->prefix, l->line) && !is_others(l->prefix, prefix) &&
	    only_tabs(str_cut(l->line, l->prefix.n, at)))
		return;
	if (only_tabs(prefix)) {
		l->prefix = STR("");
	} else if (at < PREFIX_MOST && (has_prefix(prefix, l->next) ||
					(fatal && same_shape(prefix, l->before)))) {
		l->prefix = prefix;
	} else {
		l->prefix = STR("");
		if ((!panic && !fatal) || (l->next.p && follows_death(l->next)))
			l->line = said;	/* behind a line that had no end */
	}
}

/* What is told of a death, without what is around it. */
static struct str bare_of(const struct lines *l, struct str line)
{
	return l->prefix.n ? death_without_fields(strip(l->prefix, line), l->fields) : line;
}

static void take_fields(struct lines *l)
{
	struct str fields;

	if (!l->prefix.n)
		return;
	fields = death_fields(strip(l->prefix, l->line), strip(l->prefix, l->next));
	l->fields = fields.n && fields.n < FIELDS_MOST ? fields : l->fields;
}

/* A place below its function, or a panic below another one, of which a page or a terminal has made
 * the tab blanks, or nothing; rsyslog writes it as #011. In the reports of the race detector there
 * are blanks before both lines. */
static bool lacks_tab(struct str *line, struct str above)
{
	struct str s = *line, path, behind;
	ptrdiff_t end;
	u64 n;

	if (str_starts(s, STR("\t")) || str_starts(above, STR(" ")))
		return false;
	if (str_starts(s, STR("#011")))
		s = str_cut(s, 4, s.n);
	while (str_starts(s, STR(" ")))
		s = str_cut(s, 1, s.n);
	if (s.n < line->n && str_starts(s, STR("panic: ")) &&
	    str_starts(str_cut(above, str_starts(above, STR("\t")), above.n), STR("panic: "))) {
		*line = s;
		return true;
	}
	if (!str_ends(above, STR(")")) && !str_starts(above, STR("created by ")))
		return false;
	end = str_find(s, STR(" "));
	path = str_cut(s, 0, end < 0 ? s.n : (size_t)end);
	behind = str_cut(s, path.n, s.n);
	if (behind.n && !str_starts(behind, STR(" +0x")) && !str_starts(behind, STR(" fp=0x")))
		return false;
	end = str_find_last(path, ':');
	path = str_cut(path, (size_t)(end + 1), path.n);
	if (end < 2 || !str_take_number(&path, &n) || path.n)
		return false;
	*line = s;
	return true;
}

/* Leaves out what colours it: ESC [ 3 1 m. */
static size_t uncolor(char *text, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] != '\x1b' || i + 1 == n || text[i + 1] != '[') {
			text[to++] = text[i];
			continue;
		}
		for (i += 2; i < n && text[i] >= ' ' && text[i] < '@'; i++)
			;
		if (i < n && (text[i] < '@' || text[i] > '~'))
			i--;	/* it was torn */
	}
	return to;
}

struct str death_clean(struct str log, struct arena *a)
{
	struct lines l = { .line = STR("") };
	struct str rest, flat = death_unwrap(death_plain(log, a), a), before = STR("");
	struct str above = STR("");
	char *out = arena_copy(a, flat.p, flat.n);
	size_t n = 0;

	rest = (struct str){ out, uncolor(out, flat.n) };
	out = arena_alloc(a, 2 * rest.n + 2);	/* for tabs */
	while (rest.n) {
		struct str after, bare;
		bool others;
		ptrdiff_t at;

		l.before = before;
		l.line = before = str_next_line(&rest);
		after = rest;
		l.next = rest.n ? str_next_line(&after) : (struct str){ 0 };
		bare = bare_of(&l, l.line);
		others = is_others(l.prefix, l.line);
		if (!others && lacks_tab(&bare, above)) {
			out[n++] = '\t';
			l.line = bare;
		} else {
			at = begins(l.line);
			if (at >= 0)
				take_prefix(&l, (size_t)at), take_fields(&l);
			if (others && is_others(l.prefix, l.line))
				continue;
			l.line = bare_of(&l, l.line);
		}
		memcpy(out + n, l.line.p, l.line.n);
		above = (struct str){ out + n, l.line.n };
		n += l.line.n;
		out[n++] = '\n';
	}
	return (struct str){ out, n };
}
