/* opt - one table per command makes its parser, --help, man page and shell completion.
 *
 * Owns     nothing: tables are constants, texts point into argv, lists lie in the caller's arena.
 * Units    OPT_DURATION: ns (i64); OPT_SIZE: bytes (u64); OPT_NUM: u64.
 * Fails    ERR_USAGE, with the option's name and the nearest one.
 * Threads  any. */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/out.h"

enum opt_kind {
	OPT_FLAG,	/* bool */
	OPT_NUM,	/* u64 */
	OPT_DURATION,	/* i64 ns: 50us, 1.5s, 2m */
	OPT_SIZE,	/* u64: 64KiB, 1GiB, 4096 */
	OPT_TEXT,	/* const char *; once, unless it is one of some words */
	OPT_LIST,	/* struct opt_list: may be given again and again */
};

struct opt_list {
	const char **at;
	size_t n;
};

struct opt {
	char letter;		/* 0: none */
	const char *name;	/* "strings" */
	u8 kind;
	const char *value;	/* "N", "DURATION"; "auto|always|never": one of these; NULL: flag */
	size_t offset;		/* in the arguments struct */
	const char *help;	/* one or two lines */
};
/* OPT(struct trace_args, 'o', "output", OPT_TEXT, "FILE", output, "help") */
#define OPT(T, letter, name, kind, value, field, help) \
	{ letter, name, kind, value, offsetof(T, field), help }

struct example {
	const char *line, *what;
};

struct command {
	const char *name;
	/* "[OPTIONS] PATTERN… -- PROGRAM [ARG…]". Where it says "-- PROGRAM", what follows `--` is
	 * a program; elsewhere `--` only ends the options. */
	const char *usage;
	const char *what;		/* one line */
	const char *about;		/* more paragraphs for the man page and --help, or NULL */
	const struct opt *opts;
	size_t nopts;
	struct example examples[3];
	size_t args_size;
	/* args is the filled struct; rest what is no option before `--`; program what follows it
	 * (NULL without `--`). Gives the exit status; prints its own failure through *err by
	 * returning false: main prints it. */
	bool (*run)(const void *args, const char **rest, size_t nrest, char **program, int *status,
		    struct err *err);
	const void *defaults;		/* what args holds before parsing; NULL: zero */
};

/* Options that every command has are added by opt_parse itself: --help, --color, --json. Every
 * arguments struct begins with this one. */
struct common_args {
	bool help, json;
	const char *color;	/* auto, always, never */
};

struct parsed {
	const char **rest;	/* what is no option, in order; NULL ends it */
	size_t nrest;
	char **program;		/* what follows `--`, or NULL */
};
/* argv[0] is the command's name. Stops at --help. */
bool opt_parse(const struct command *cmd, int argc, char **argv, struct arena *a, void *args,
	       struct parsed *to, struct err *err) MUST_CHECK;
/* The command's options, then the common ones. */
size_t opt_count(const struct command *cmd);
const struct opt *opt_at(const struct command *cmd, size_t i);
/* The name nearest to a mistyped one, or NULL when none is near. */
const char *opt_nearest(const char *typed, const char *const *names, size_t n);

void opt_help(const struct command *cmd, struct out *o);
void opt_man(const struct command *const *cmds, size_t n, const struct command *one, struct out *o);
void opt_completion(const struct command *const *cmds, size_t n, const char *shell, struct out *o);
bool parse_duration(const char *text, i64 *ns, struct err *err) MUST_CHECK;
bool parse_size(const char *text, u64 *bytes, struct err *err) MUST_CHECK;
bool use_color(const struct common_args *c, int fd);

#endif
