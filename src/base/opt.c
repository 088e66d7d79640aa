#include "base/opt.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

static const struct opt common[] = {
	OPT(struct common_args, 0, "json", OPT_FLAG, NULL, json, "JSON Lines, one object a line"),
	OPT(struct common_args, 0, "color", OPT_TEXT, "auto|always|never", color,
	    "colours; auto (the default): on a terminal, unless NO_COLOR is set"),
	OPT(struct common_args, 'h', "help", OPT_FLAG, NULL, help, "this text"),
};

size_t opt_count(const struct command *cmd)
{
	return cmd->nopts + ARRAY_LEN(common);
}

const struct opt *opt_at(const struct command *cmd, size_t i)
{
	return i < cmd->nopts ? &cmd->opts[i] : &common[i - cmd->nopts];
}

const char *opt_nearest(const char *typed, const char *const *names, size_t n)
{
	unsigned limit = (unsigned)strlen(typed) / 3 + 1, best = limit + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < n && strlen(typed) > 1; i++)
		if (str_starts(str_of(names[i]), str_of(typed)))	/* it breaks off */
			return names[i];
	for (size_t i = 0; i < n; i++) {
		unsigned d = str_distance(str_of(typed), str_of(names[i]), limit);

		if (d < best) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}

/* Reads "12", "1.5" without locale; what follows stays in *p. False: no digits or too large.
 * The value is whole + part / unit. */
struct decimal {
	u64 whole, part, unit;
};

static bool decimal(const char **p, struct decimal *d)
{
	const char *from = *p;
	bool any = false;

	*d = (struct decimal){ .unit = 1 };
	for (; **p >= '0' && **p <= '9'; ++*p, any = true)
		if (__builtin_mul_overflow(d->whole, 10, &d->whole) ||
		    __builtin_add_overflow(d->whole, (u64)(**p - '0'), &d->whole))
			return false;
	if (**p != '.')
		return *p > from;
	for (++*p; **p >= '0' && **p <= '9'; ++*p, any = true) {
		if (d->unit < 1000000000) {	/* further digits are below a nanosecond */
			d->part = d->part * 10 + (u64)(**p - '0');
			d->unit *= 10;
		}
	}
	return any;
}

/* (whole + part / unit) * times, or false when it does not fit. */
static bool scaled(const struct decimal *d, u64 times, u64 *to)
{
	u64 fraction = (u64)((unsigned __int128)d->part * times / d->unit);

	return !__builtin_mul_overflow(d->whole, times, to) &&
	       !__builtin_add_overflow(*to, fraction, to);
}

struct unit {
	const char *name;
	u64 times;
};

/* The longest unit that *p begins with. */
static const struct unit *unit_at(const char **p, const struct unit *units, size_t n)
{
	const struct unit *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (!strncmp(*p, units[i].name, strlen(units[i].name)) &&
		    (!best || strlen(units[i].name) > strlen(best->name)))
			best = &units[i];
	if (best)
		*p += strlen(best->name);
	return best;
}

bool parse_duration(const char *text, i64 *ns, struct err *err)
{
	static const struct unit units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "µs", 1000 }, { "μs", 1000 }, { "ms", 1000000 },
		{ "s", 1000000000 }, { "m", 60000000000 }, { "h", 3600000000000 },
		{ "d", 86400000000000 },
	};
	u64 sum = 0;

	*ns = 0;
	if (!strcmp(text, "0"))
		return true;
	for (const char *p = text; *p || p == text;) {
		const struct unit *unit;
		struct decimal d;
		u64 part;

		if (!decimal(&p, &d) || !(unit = unit_at(&p, units, ARRAY_LEN(units))))
			return err_set(err, ERR_USAGE,
				       "\"%s\" is not a duration (such as 50us, 1.5s, 2m)", text);
		if (!scaled(&d, unit->times, &part) || __builtin_add_overflow(sum, part, &sum) ||
		    sum > INT64_MAX)
			return err_set(err, ERR_USAGE, "\"%s\" is too long a duration", text);
	}
	*ns = (i64)sum;
	return true;
}

bool parse_size(const char *text, u64 *bytes, struct err *err)
{
	static const struct unit units[] = {
		{ "", 1 }, { "B", 1 }, { "K", 1 << 10 }, { "KiB", 1 << 10 }, { "M", 1 << 20 },
		{ "MiB", 1 << 20 }, { "G", 1 << 30 }, { "GiB", 1 << 30 }, { "T", (u64)1 << 40 },
		{ "TiB", (u64)1 << 40 },
	};
	const struct unit *unit;
	const char *p = text;
	struct decimal d;

	*bytes = 0;
	if (!decimal(&p, &d) || !(unit = unit_at(&p, units, ARRAY_LEN(units))) || *p)
		return err_set(err, ERR_USAGE, "\"%s\" is not a size (such as 4096, 64KiB, 1GiB)",
			       text);
	if (!scaled(&d, unit->times, bytes))
		return err_set(err, ERR_USAGE, "\"%s\" is too large a size", text);
	return true;
}

static bool parse_number(const char *text, u64 *to, struct err *err)
{
	char *end;

	errno = 0;
	*to = strtoull(text, &end, text[0] == '0' && text[1] == 'x' ? 16 : 10);
	if (text[0] < '0' || text[0] > '9' || *end)
		return err_set(err, ERR_USAGE, "\"%s\" is not a number", text);
	if (errno)
		return err_set(err, ERR_USAGE, "\"%s\" is too large", text);
	return true;
}

/* Is text one of the words of "auto|always|never"? Values without `|` are free. */
static bool one_of(const char *words, const char *text, struct err *err)
{
	size_t n = strlen(text);

	if (!strchr(words, '|'))
		return true;
	for (const char *p = words; p; p = strchr(p, '|')) {
		p += *p == '|';
		if (!strncmp(p, text, n) && n && (p[n] == '|' || !p[n]))
			return true;
	}
	return err_set(err, ERR_USAGE, "\"%s\" is none of %s", text, words);
}

/* What a parse carries along. */
struct parse {
	const struct command *cmd;
	struct arena *arena;
	void *args;
	size_t argc;	/* bounds what a list can grow to */
	struct err *err;
};

static void set_flag(const struct parse *p, const struct opt *o)
{
	*(bool *)((u8 *)p->args + o->offset) = true;
}

/* Not for flags, which have no value. */
static bool store(const struct parse *p, const struct opt *o, const char *value)
{
	void *to = (u8 *)p->args + o->offset;
	struct opt_list *list = to;

	switch ((enum opt_kind)o->kind) {
	case OPT_FLAG:
		return false;
	case OPT_NUM:
		return parse_number(value, to, p->err);
	case OPT_DURATION:
		return parse_duration(value, to, p->err);
	case OPT_SIZE:
		return parse_size(value, to, p->err);
	case OPT_TEXT:
		if (*(const char **)to && !strchr(o->value, '|'))
			return err_set(p->err, ERR_USAGE, "given twice");
		*(const char **)to = value;
		return one_of(o->value, value, p->err);
	case OPT_LIST:
		if (!list->n)
			list->at = ARENA_ARRAY(p->arena, const char *, p->argc);
		list->at[list->n++] = value;
		return true;
	}
	return false;
}

static const struct opt *by_name(const struct command *cmd, struct str name)
{
	for (size_t i = 0; i < opt_count(cmd); i++) {
		const struct opt *o = opt_at(cmd, i);

		if (strlen(o->name) == name.n && !memcmp(o->name, name.p, name.n))
			return o;
	}
	return NULL;
}

static const struct opt *by_letter(const struct command *cmd, char letter)
{
	for (size_t i = 0; i < opt_count(cmd); i++)
		if (opt_at(cmd, i)->letter == letter)
			return opt_at(cmd, i);
	return NULL;
}

static bool unknown_name(const struct parse *p, struct str name)
{
	size_t n = opt_count(p->cmd);
	const char **names = ARENA_ARRAY(p->arena, const char *, n), *nearest;

	for (size_t i = 0; i < n; i++)
		names[i] = opt_at(p->cmd, i)->name;
	nearest = opt_nearest(str_z(p->arena, name), names, n);
	if (nearest)
		return err_set(p->err, ERR_USAGE, "no option --%.*s; the nearest is --%s",
			       STR_F(name), nearest);
	return err_set(p->err, ERR_USAGE, "no option --%.*s; `goshawk %s --help` lists them",
		       STR_F(name), p->cmd->name);
}

/* --name, --name=value, --name value. `next` is the argument that follows, or NULL; *used says
 * whether it was taken. */
static bool long_option(const struct parse *p, const char *text, const char *next, bool *used)
{
	const char *equals = strchr(text, '=');
	struct str name = { text, equals ? (size_t)(equals - text) : strlen(text) };
	const struct opt *o = by_name(p->cmd, name);
	const char *value = equals ? equals + 1 : next;

	if (!o)
		return unknown_name(p, name);
	if (o->kind == OPT_FLAG && equals)
		return err_set(p->err, ERR_USAGE, "--%s takes no value", o->name);
	if (o->kind == OPT_FLAG) {
		set_flag(p, o);
		return true;
	}
	if (!value)
		return err_set(p->err, ERR_USAGE, "--%s needs a value: --%s %s", o->name, o->name,
			       o->value);
	*used = !equals;
	return store(p, o, value) || err_in(p->err, "--%s", o->name);
}

/* -a, -abc (flags), -pVALUE, -p VALUE. */
static bool short_options(const struct parse *p, const char *text, const char *next, bool *used)
{
	for (; *text; text++) {
		const struct opt *o = by_letter(p->cmd, *text);

		if (!o)
			return err_set(p->err, ERR_USAGE,
				       "no option -%c; `goshawk %s --help` lists them", *text,
				       p->cmd->name);
		if (o->kind == OPT_FLAG) {
			set_flag(p, o);
			continue;
		}
		*used = !text[1];
		if (*used && !next)
			return err_set(p->err, ERR_USAGE, "-%c needs a value: -%c %s", *text, *text,
				       o->value);
		return store(p, o, *used ? next : text + 1) || err_in(p->err, "-%c", *text);
	}
	return true;
}

bool opt_parse(const struct command *cmd, int argc, char **argv, struct arena *a, void *args,
	       struct parsed *to, struct err *err)
{
	const struct parse p = { cmd, a, args, (size_t)argc, err };
	struct common_args *c = args;
	bool used, programs = strstr(cmd->usage, "-- PROGRAM");

	*to = (struct parsed){ .rest = ARENA_ARRAY(a, const char *, argc + 1) };
	if (cmd->defaults)
		memcpy(args, cmd->defaults, cmd->args_size);
	else
		memset(args, 0, cmd->args_size);
	c->color = c->color ? c->color : "auto";
	for (int i = 1; i < argc && !c->help; i++) {
		const char *text = argv[i], *next = argv[i + 1];

		used = false;
		if (!strcmp(text, "--")) {
			if (programs && !next)
				return err_set(err, ERR_USAGE, "%s: no program after --",
					       cmd->name);
			if (programs)
				to->program = argv + i + 1;
			for (i++; !programs && i < argc; i++)
				to->rest[to->nrest++] = argv[i];
			return true;
		}
		if (text[0] != '-' || !text[1])
			to->rest[to->nrest++] = text;
		else if (text[1] == '-' ? !long_option(&p, text + 2, next, &used)
					: !short_options(&p, text + 1, next, &used))
			return err_in(err, "%s", cmd->name);
		i += used;
	}
	return true;
}

bool use_color(const struct common_args *c, int fd)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!strcmp(c->color, "always"))
		return true;
	if (!strcmp(c->color, "never") || (none && *none) || !term || !strcmp(term, "dumb"))
		return false;
	return isatty(fd);
}

/* "-o, --output FILE", and how many columns it takes. */
static size_t left_column(struct out *o, const struct opt *opt)
{
	size_t from = o->n, columns = 0;

	if (opt->letter)
		out_fmt(o, "  -%c, ", opt->letter);
	else
		out_z(o, "      ");
	out_fmt(o, "--%s", opt->name);
	if (opt->value)
		out_fmt(o, " %s", opt->value);
	for (size_t i = from; i < o->n; i++)
		columns += ((u8)o->buf[i] & 0xc0) != 0x80;
	return columns;
}

/* Words of `text` in lines up to column 80; further lines begin at column `indent`. */
static void wrapped(struct out *o, const char *text, size_t column, size_t indent)
{
	while (*text) {
		size_t n = strcspn(text, " \n"), wide = 0;

		for (size_t i = 0; i < n; i++)
			wide += ((u8)text[i] & 0xc0) != 0x80;
		if (column > indent && column + 1 + wide > 80) {
			out_fmt(o, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			out_c(o, ' ');
			column++;
		}
		out_str(o, (struct str){ text, n });
		column += wide;
		text += n;
		text += *text != 0;
	}
	out_line(o);
}

void opt_help(const struct command *cmd, struct out *o)
{
	enum { INDENT = 28 };
	const char *about = cmd->about;

	out_fmt(o, "goshawk %s: %s\n\nUsage: goshawk %s %s\n\nOptions:\n", cmd->name, cmd->what,
		cmd->name, cmd->usage);
	for (size_t i = 0; i < opt_count(cmd); i++) {
		struct out left;
		size_t n;

		out_memory(&left);
		n = left_column(&left, opt_at(cmd, i));
		out_str(o, (struct str){ left.buf, left.n });
		out_release(&left);
		if (n + 2 > INDENT)
			out_line(o);
		out_fmt(o, "%*s", (int)(n + 2 > INDENT ? INDENT : INDENT - n), "");
		wrapped(o, opt_at(cmd, i)->help, INDENT, INDENT);
	}
	out_z(o, "\nExamples:\n");
	for (size_t i = 0; i < ARRAY_LEN(cmd->examples) && cmd->examples[i].line; i++)
		out_fmt(o, "  %s\n      %s\n", cmd->examples[i].line, cmd->examples[i].what);
	while (about && *about) {	/* paragraphs are divided by empty lines */
		const char *end = strstr(about, "\n\n");
		struct out one;

		out_memory(&one);
		out_str(&one, (struct str){ about, end ? (size_t)(end - about) : strlen(about) });
		out_c(&one, 0);
		out_line(o);
		wrapped(o, one.buf, 0, 0);
		out_release(&one);
		about = end ? end + 2 : NULL;
	}
}
