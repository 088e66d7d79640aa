/* The same option tables once more: as manual pages (mdoc) and as completion for bash and zsh. */
#include "base/opt.h"
#include "base/version.h"

/* ---- mdoc ---- */

/* Text as troff reads it: a backslash, a hyphen that is to be copied, a rune beyond ASCII, and a
 * control character at the start of a line need a word of their own. */
static void troff(struct out *o, const char *text)
{
	struct str s = str_of(text);
	bool fresh = true;
	u32 rune;

	for (size_t at = 0, n; at < s.n; at += n) {
		n = utf8_rune(s, at, &rune);
		if (!n)
			die("option tables: not UTF-8: %s", text);
		if (fresh && (rune == '.' || rune == '\''))
			out_z(o, "\\&");
		fresh = rune == '\n';
		if (rune == '\\')
			out_z(o, "\\e");
		else if (rune == '-')
			out_z(o, "\\-");
		else if (rune == '"')
			out_z(o, "\\(dq");
		else if (rune >= 0x80)
			out_fmt(o, "\\[u%04X]", rune);
		else
			out_c(o, (char)rune);
	}
}

static void line(struct out *o, const char *before, const char *text, const char *after)
{
	out_z(o, before);
	troff(o, text);
	out_z(o, after);
	out_c(o, '\n');
}

static void head(struct out *o, const char *command, const char *what)
{
	out_z(o, ".Dd " GOSHAWK_DATE "\n.Dt GOSHAWK");
	if (command)
		out_c(o, '-');
	for (const char *p = command; p && *p; p++)
		out_c(o, (char)(*p & ~0x20));
	out_z(o, " 1\n.Os goshawk " GOSHAWK_VERSION "\n.Sh NAME\n.Nm goshawk");
	if (command)
		out_fmt(o, "\\-%s", command);
	line(o, "\n.Nd \"", what, "\"");
}

static void man_option(struct out *o, const struct opt *opt)
{
	out_z(o, ".It ");
	if (opt->letter)
		out_fmt(o, "Fl %c , ", opt->letter);
	line(o, "Fl \\-", opt->name, "");
	if (opt->value) {
		o->n--;		/* on the same line */
		line(o, " Ar ", opt->value, "");
	}
	line(o, "", opt->help, "");
}

/* Paragraphs are divided by empty lines. */
static void paragraphs(struct out *o, const char *text)
{
	for (const char *p = text; *p;) {
		const char *end = strchr(p, '\n');
		struct str s = { p, end ? (size_t)(end - p) : strlen(p) };
		struct arena a = {0};

		if (s.n)
			line(o, "", str_z(&a, s), "");
		else
			out_z(o, ".Pp\n");
		arena_release(&a);
		p += s.n + (end != NULL);
	}
}

static void man_command(const struct command *cmd, struct out *o)
{
	head(o, cmd->name, cmd->what);
	out_fmt(o, ".Sh SYNOPSIS\n.Nm goshawk %s\n", cmd->name);
	line(o, "", cmd->usage, "");
	if (cmd->about) {
		out_z(o, ".Sh DESCRIPTION\n");
		paragraphs(o, cmd->about);
	}
	out_z(o, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < opt_count(cmd); i++)
		man_option(o, opt_at(cmd, i));
	out_z(o, ".El\n.Sh EXAMPLES\n");
	for (size_t i = 0; i < ARRAY_LEN(cmd->examples) && cmd->examples[i].line; i++) {
		if (i)
			out_z(o, ".Pp\n");
		line(o, "", cmd->examples[i].what, ":");
		line(o, ".Bd -literal -offset indent\n", cmd->examples[i].line, "\n.Ed");
	}
	out_z(o, ".Sh SEE ALSO\n.Xr goshawk 1 :\npatterns, values, exit statuses, environment\n");
}

static void man_all(const struct command *const *cmds, size_t n, struct out *o)
{
	head(o, NULL, "looks into, stresses and instruments compiled Go programs from the outside");
	out_z(o, ".Sh SYNOPSIS\n.Nm goshawk\n.Ar COMMAND\n.Op Ar OPTIONS\n.Op Ar ARGUMENTS\n"
		 ".Sh COMMANDS\n"
		 ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < n; i++) {
		out_fmt(o, ".It Cm %s\n", cmds[i]->name);
		line(o, "", cmds[i]->what, ".");
		out_fmt(o, "See\n.Xr goshawk\\-%s 1 .\n", cmds[i]->name);
	}
	out_z(o, ".It Cm help Ar COMMAND\nOptions and examples of a command.\n"
		 ".It Fl \\-version\nWhich goshawk this is.\n.El\n");
}

void opt_man(const struct command *const *cmds, size_t n, const struct command *one, struct out *o)
{
	if (one)
		man_command(one, o);
	else
		man_all(cmds, n, o);
}

/* ---- completion ---- */

static bool is_file(const struct opt *o)
{
	return o->value && (!strcmp(o->value, "FILE") || !strcmp(o->value, "DIR"));
}

/* "auto|always|never" with spaces. */
static void words(struct out *o, const char *value)
{
	for (const char *p = value; *p; p++)
		out_c(o, *p == '|' ? ' ' : *p);
}

static void bash_values(const struct command *cmd, const struct opt *opt, struct out *o)
{
	bool choice;

	if (!opt->value)
		return;
	choice = strchr(opt->value, '|');
	out_z(o, "\t");
	if (opt->letter)
		out_fmt(o, "%s:-%c | ", cmd->name, opt->letter);
	out_fmt(o, "%s:--%s) ", cmd->name, opt->name);
	if (choice) {
		out_z(o, "_goshawk_reply -W '");
		words(o, opt->value);
		out_z(o, "'; return ;;\n");
	} else if (!strcmp(opt->value, "PID")) {
		out_z(o, "_goshawk_reply -W \"$(cd /proc && echo [0-9]*)\"; return ;;\n");
	} else {
		out_fmt(o, "%sreturn ;;\n", is_file(opt) ? "_goshawk_reply -f; " : "");
	}
}

static void names(const struct command *const *cmds, size_t n, struct out *o)
{
	for (size_t i = 0; i < n; i++)
		out_fmt(o, "%s ", cmds[i]->name);
}

static void bash(const struct command *const *cmds, size_t n, struct out *o)
{
	out_z(o, "# bash completion for goshawk, made from its option tables\n"
		 "_goshawk() {\n"
		 "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i\n"
		 "\t_goshawk_reply() { COMPREPLY=($(compgen \"$@\" -- \"$cur\")); }\n"
		 "\t# --name=value comes as three words\n"
		 "\tif [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then "
		 "prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
		 "\tif ((COMP_CWORD == 1)); then _goshawk_reply -W '");
	names(cmds, n, o);
	out_z(o, "help --help --version'; return; fi\n"
		 "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
		 "\t\t[[ ${COMP_WORDS[i]} == -- ]] || continue\n"
		 "\t\tdeclare -F _command_offset >/dev/null && _command_offset $((i + 1)) || "
		 "_goshawk_reply -c\n"
		 "\t\treturn\n"
		 "\tdone\n"
		 "\tcase ${COMP_WORDS[1]}:$prev in\n");
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < opt_count(cmds[i]); k++)
			bash_values(cmds[i], opt_at(cmds[i], k), o);
	out_z(o, "\thelp:*) _goshawk_reply -W '");
	names(cmds, n, o);
	out_z(o, "'; return ;;\n\tesac\n\tif [[ $cur != -* ]]; then _goshawk_reply -f; return; fi\n"
		 "\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; i < n; i++) {
		out_fmt(o, "\t%s) _goshawk_reply -W '", cmds[i]->name);
		for (size_t k = 0; k < opt_count(cmds[i]); k++)
			out_fmt(o, "%s--%s", k ? " " : "", opt_at(cmds[i], k)->name);
		out_z(o, "' ;;\n");
	}
	out_z(o, "\tesac\n}\ncomplete -o filenames -F _goshawk goshawk\n");
}

/* Within '...' and where zsh takes `special` as its own. */
static void zsh_text(struct out *o, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'') {
			out_z(o, "'\\''");
			continue;
		}
		if (strchr(special, *text))
			out_c(o, '\\');
		out_c(o, *text);
	}
}

static void zsh_option(const struct opt *opt, struct out *o)
{
	bool value = opt->value;

	out_z(o, "\t\t");
	if (opt->kind == OPT_LIST)
		out_z(o, "'*'");
	else if (opt->letter)
		out_fmt(o, "'(-%c --%s)'", opt->letter, opt->name);
	if (opt->letter)
		out_fmt(o, "{-%c%s,--%s%s}", opt->letter, value ? "+" : "", opt->name,
			value ? "=" : "");
	else
		out_fmt(o, "--%s%s", opt->name, value ? "=" : "");
	out_z(o, "'[");
	zsh_text(o, opt->help, "[]:\\");
	out_c(o, ']');
	if (value && strchr(opt->value, '|')) {
		out_z(o, ":value:(");
		words(o, opt->value);
		out_c(o, ')');
	} else if (value) {
		out_fmt(o, ":%s:%s", opt->value,
			is_file(opt) ? "_files" : strcmp(opt->value, "PID") ? " " : "_pids");
	}
	out_z(o, "' \\\n");
}

static void zsh(const struct command *const *cmds, size_t n, struct out *o)
{
	out_z(o, "#compdef goshawk\n# zsh completion for goshawk, made from its option tables\n"
		 "local -a commands=(\n");
	for (size_t i = 0; i < n; i++) {
		out_fmt(o, "\t'%s:", cmds[i]->name);
		zsh_text(o, cmds[i]->what, ":\\");
		out_z(o, "'\n");
	}
	out_z(o,
	      "\t'help:options and examples of a command'\n)\n"
	      "local -i program=${words[(i)--]}\n"
	      "if ((CURRENT == 2)); then\n\t_describe command commands\n\treturn\nfi\n"
	      "if ((program < CURRENT)); then\t# what follows `--` is a command line of its own\n"
	      "\tshift $program words\n\t((CURRENT -= program))\n\t_normal\n\treturn\nfi\n"
	      "local name=$words[2]\nshift words\n((CURRENT--))\ncase $name in\n"
	      "help) _describe command commands ;;\n");
	for (size_t i = 0; i < n; i++) {
		out_fmt(o, "%s)\n\t_arguments -s \\\n", cmds[i]->name);
		for (size_t k = 0; k < opt_count(cmds[i]); k++)
			zsh_option(opt_at(cmds[i], k), o);
		out_z(o, "\t\t'*: :_files'\n\t;;\n");
	}
	out_z(o, "esac\n");
}

void opt_completion(const struct command *const *cmds, size_t n, const char *shell, struct out *o)
{
	if (!strcmp(shell, "bash"))
		bash(cmds, n, o);
	else
		zsh(cmds, n, o);
}
