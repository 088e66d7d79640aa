#include "base/opt.h"

#include <check.h>
#include <stdlib.h>
#include <wordexp.h>

#include "base/arena.h"
#include "cmd/cmds.h"

struct test_args {
	struct common_args common;
	bool all, brief;
	u64 strings, buffer;
	i64 span;
	const char *output, *engine;
	struct opt_list redact;
};

static const struct opt table[] = {
	OPT(struct test_args, 'a', "all", OPT_FLAG, NULL, all, "everything"),
	OPT(struct test_args, 'b', "brief", OPT_FLAG, NULL, brief, "less"),
	OPT(struct test_args, 0, "strings", OPT_NUM, "N", strings, "bytes of a string"),
	OPT(struct test_args, 0, "buffer", OPT_SIZE, "SIZE", buffer, "ring size"),
	OPT(struct test_args, 0, "for", OPT_DURATION, "DURATION", span, "stop after this"),
	OPT(struct test_args, 'o', "output", OPT_TEXT, "FILE", output, "where to"),
	OPT(struct test_args, 0, "engine", OPT_TEXT, "auto|inline", engine, "which"),
	OPT(struct test_args, 0, "redact", OPT_LIST, "PATTERN", redact, "not shown"),
};
static const struct test_args defaults = { .strings = 64 };
static const struct command starts = {
	.name = "starts", .usage = "[OPTIONS] PATTERN… -- PROGRAM [ARG…]", .opts = table,
	.nopts = ARRAY_LEN(table), .args_size = sizeof(struct test_args), .defaults = &defaults,
};
static const struct command reads = {
	.name = "reads", .usage = "[OPTIONS] TARGET", .opts = table, .nopts = ARRAY_LEN(table),
	.args_size = sizeof(struct test_args),
};

static struct arena arena;
static struct test_args args;
static struct parsed parsed;
static struct err err;

static bool parse(const struct command *cmd, const char *line)
{
	char *argv[32] = { (char *)(uintptr_t)cmd->name }, *save = NULL;
	int argc = 1;

	for (char *w = strtok_r(str_z(&arena, str_of(line)), " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	err = (struct err){0};
	return opt_parse(cmd, argc, arena_copy(&arena, argv, sizeof(argv)), &arena, &args, &parsed,
			 &err);
}

START_TEST(values_come_behind_equals_or_as_the_next_word)
{
	ck_assert(
		parse(&starts,
		      "--strings=8 --buffer 64KiB --for 1.5s -oout --engine inline main.* -- ./p"));
	ck_assert_uint_eq(args.strings, 8);
	ck_assert_uint_eq(args.buffer, 65536);
	ck_assert_int_eq(args.span, 1500000000);
	ck_assert_str_eq(args.output, "out");
	ck_assert_str_eq(args.engine, "inline");
	ck_assert(parse(&starts, "-o out x"));
	ck_assert_str_eq(args.output, "out");
}
END_TEST

START_TEST(defaults_hold_until_an_option_says_otherwise)
{
	ck_assert(parse(&starts, "x"));
	ck_assert_uint_eq(args.strings, 64);
	ck_assert_str_eq(args.common.color, "auto");
	ck_assert(parse(&starts, "--strings 0"));
	ck_assert_uint_eq(args.strings, 0);
	ck_assert(parse(&reads, "x"));
	ck_assert_uint_eq(args.strings, 0);
}
END_TEST

START_TEST(flags_may_be_bundled_and_end_with_a_value)
{
	ck_assert(parse(&starts, "-abo out"));
	ck_assert(args.all && args.brief);
	ck_assert_str_eq(args.output, "out");
	ck_assert(parse(&starts, "-abofile"));
	ck_assert_str_eq(args.output, "file");
}
END_TEST

START_TEST(lists_keep_their_order)
{
	ck_assert(parse(&starts, "--redact a --redact=b x --redact c"));
	ck_assert_uint_eq(args.redact.n, 3);
	ck_assert_str_eq(args.redact.at[0], "a");
	ck_assert_str_eq(args.redact.at[2], "c");
	ck_assert_uint_eq(parsed.nrest, 1);
}
END_TEST

START_TEST(a_text_is_given_once_and_the_last_of_some_words_holds)
{
	ck_assert(!parse(&starts, "-o a --output b x"));
	ck_assert_int_eq(err.kind, ERR_USAGE);
	ck_assert_str_eq(err.msg, "starts: --output: given twice");
	ck_assert(!parse(&starts, "--output=b -oa"));
	ck_assert_str_eq(err.msg, "starts: -o: given twice");
	ck_assert(parse(&starts, "--engine auto --engine inline --strings 1 --strings 2"));
	ck_assert_str_eq(args.engine, "inline");
	ck_assert_uint_eq(args.strings, 2);
}
END_TEST

START_TEST(two_dashes_begin_the_program)
{
	ck_assert(parse(&starts, "main.* net/... -- ./p -o --help --"));
	ck_assert_uint_eq(parsed.nrest, 2);
	ck_assert_ptr_null(parsed.rest[2]);
	ck_assert_ptr_nonnull(parsed.program);
	ck_assert_str_eq(parsed.program[0], "./p");
	ck_assert_str_eq(parsed.program[3], "--");
	ck_assert(!args.common.help && !args.output);
	ck_assert(!parse(&starts, "main.* --"));
	ck_assert(strstr(err.msg, "no program"));
}
END_TEST

START_TEST(two_dashes_only_end_the_options_of_a_command_without_program)
{
	ck_assert(parse(&reads, "-a -- -odd-name"));
	ck_assert_ptr_null(parsed.program);
	ck_assert_uint_eq(parsed.nrest, 1);
	ck_assert_str_eq(parsed.rest[0], "-odd-name");
}
END_TEST

START_TEST(one_dash_is_a_name)
{
	ck_assert(parse(&reads, "-"));
	ck_assert_str_eq(parsed.rest[0], "-");
}
END_TEST

START_TEST(help_wins_over_what_stands_behind_it)
{
	ck_assert(parse(&starts, "--help --nonsense"));
	ck_assert(args.common.help);
	ck_assert(parse(&starts, "-h"));
	ck_assert(args.common.help);
}
END_TEST

static const struct {
	const char *line, *message;
} wrong[] = {
	{ "--strngs 8", "starts: no option --strngs; the nearest is --strings" },
	{ "--outptu=f", "starts: no option --outptu; the nearest is --output" },
	{ "--out f", "starts: no option --out; the nearest is --output" },
	{ "--zzzzzzzz", "starts: no option --zzzzzzzz; `goshawk starts --help` lists them" },
	{ "-az", "starts: no option -z; `goshawk starts --help` lists them" },
	{ "--all=yes", "starts: --all takes no value" },
	{ "--strings", "starts: --strings needs a value: --strings N" },
	{ "-o", "starts: -o needs a value: -o FILE" },
	{ "--strings many", "starts: --strings: \"many\" is not a number" },
	{ "--strings -1", "starts: --strings: \"-1\" is not a number" },
	{ "--strings 18446744073709551616",
	  "starts: --strings: \"18446744073709551616\" is too large" },
	{ "--for 10", "starts: --for: \"10\" is not a duration (such as 50us, 1.5s, 2m)" },
	{ "--buffer 10x", "starts: --buffer: \"10x\" is not a size (such as 4096, 64KiB, 1GiB)" },
	{ "--engine uprobe", "starts: --engine: \"uprobe\" is none of auto|inline" },
	{ "--color alw", "starts: --color: \"alw\" is none of auto|always|never" },
};

START_TEST(a_wrong_line_is_a_usage_error_that_says_what_is_right)
{
	ck_assert(!parse(&starts, wrong[_i].line));
	ck_assert_str_eq(err.msg, wrong[_i].message);
	ck_assert_int_eq(err_exit_status(&err), 2);
}
END_TEST

static const struct {
	const char *text;
	i64 ns;
} durations[] = {
	{ "0", 0 }, { "1ns", 1 }, { "50us", 50000 }, { "50µs", 50000 }, { "1.5s", 1500000000 },
	{ ".5ms", 500000 }, { "2m", 120000000000 }, { "1h30m", 5400000000000 },
	{ "1.000000001s", 1000000001 }, { "2540400h", 9145440000000000000 },
	{ "7d", 604800000000000 },
	{ "", -1 }, { "s", -1 }, { ".s", -1 }, { "1", -1 }, { "-1s", -1 }, { "1s ", -1 },
	{ "1 s", -1 }, { "2562048h", -1 }, { "99999999999999999999s", -1 }, { "1w", -1 },
};

START_TEST(durations_are_those_of_go)
{
	i64 ns;
	bool ok = parse_duration(durations[_i].text, &ns, &err);

	ck_assert_int_eq(ok, durations[_i].ns >= 0);
	if (ok)
		ck_assert_int_eq(ns, durations[_i].ns);
}
END_TEST

static const struct {
	const char *text;
	u64 bytes;
	bool bad;
} sizes[] = {
	{ "4096", 4096, false }, { "0", 0, false }, { "64KiB", 65536, false },
	{ "1.5K", 1536, false }, { "1GiB", 1 << 30, false }, { "12B", 12, false },
	{ "16T", (u64)16 << 40, false }, { "", 0, true }, { "KiB", 0, true }, { "1 KiB", 0, true },
	{ "-1", 0, true }, { "1KB", 0, true }, { "18446744073709551616", 0, true },
	{ "16777216TiB", 0, true },
};

START_TEST(sizes_are_binary)
{
	u64 bytes;

	ck_assert_int_eq(parse_size(sizes[_i].text, &bytes, &err), !sizes[_i].bad);
	if (!sizes[_i].bad)
		ck_assert_uint_eq(bytes, sizes[_i].bytes);
}
END_TEST

/* ---- the tables of all commands ---- */

static const struct command *command_under_test(int i)
{
	return commands[i];
}

START_TEST(every_option_has_help_and_a_name_of_its_own)
{
	const struct command *cmd = command_under_test(_i);

	ck_assert_msg(*cmd->what && *cmd->usage, "%s", cmd->name);
	ck_assert(cmd->args_size >= sizeof(struct common_args));
	for (size_t i = 0; i < opt_count(cmd); i++) {
		const struct opt *o = opt_at(cmd, i);

		ck_assert_msg(o->help && strlen(o->help) > 3, "%s --%s", cmd->name, o->name);
		ck_assert_msg(!o->value == (o->kind == OPT_FLAG), "%s --%s", cmd->name, o->name);
		ck_assert_msg(o->offset < cmd->args_size, "%s --%s", cmd->name, o->name);
		for (size_t k = 0; k < i; k++) {
			ck_assert_str_ne(o->name, opt_at(cmd, k)->name);
			ck_assert_msg(!o->letter || o->letter != opt_at(cmd, k)->letter, "%s -%c",
				      cmd->name, o->letter);
			ck_assert_msg(o->offset != opt_at(cmd, k)->offset,
				      "%s --%s and --%s share a field", cmd->name, o->name,
				      opt_at(cmd, k)->name);
		}
	}
}
END_TEST

/* What stands behind "goshawk", up to the shell's next command, in words as the shell splits. */
START_TEST(every_command_has_three_examples_that_parse)
{
	const struct command *cmd = command_under_test(_i);

	for (size_t i = 0; i < ARRAY_LEN(cmd->examples); i++) {
		const char *line = cmd->examples[i].line, *at, *end;
		struct parsed to;
		wordexp_t words;

		ck_assert_msg(line && cmd->examples[i].what, "%s: example %zu", cmd->name, i);
		at = strstr(line, "goshawk ");
		ck_assert_msg(at, "%s", line);
		at += strlen("goshawk ");
		for (end = at; *end && !strchr("|>;&", *end) && strncmp(end, "2>", 2); end++)
			if (*end == '\'')
				end += strcspn(end + 1, "'") + 1;
		ck_assert_int_eq(wordexp(str_z(&arena, (struct str){ at, (size_t)(end - at) }),
					 &words, WRDE_NOCMD),
				 0);
		ck_assert_str_eq(words.we_wordv[0], cmd->name);
		ck_assert_msg(opt_parse(cmd, (int)words.we_wordc, words.we_wordv, &arena,
					arena_alloc(&arena, cmd->args_size), &to, &err),
			      "%s: %s", line, err.msg);
		wordfree(&words);
	}
}
END_TEST

START_TEST(help_fits_a_terminal_and_names_every_option)
{
	const struct command *cmd = command_under_test(_i);
	struct out o;
	size_t column = 0;

	out_memory(&o);
	opt_help(cmd, &o);
	for (size_t i = 0; i < opt_count(cmd); i++)
		ck_assert(str_find((struct str){ o.buf, o.n },
				   str_fmt(&arena, "--%s", opt_at(cmd, i)->name)) >= 0);
	for (size_t i = 0; i < o.n; i++) {
		column = o.buf[i] == '\n' ? 0 : column + (((u8)o.buf[i] & 0xc0) != 0x80);
		ck_assert_msg(column <= 100, "%s: %.*s", cmd->name, 60, o.buf + i - 60);
	}
	out_release(&o);
}
END_TEST

START_TEST(the_nearest_name_is_near)
{
	const char *const names[] = { "strings", "stack", "for" };

	ck_assert_str_eq(opt_nearest("string", names, 3), "strings");
	ck_assert_str_eq(opt_nearest("stakc", names, 3), "stack");
	ck_assert_ptr_null(opt_nearest("elephants", names, 3));
}
END_TEST

Suite *opt_suite(void)
{
	Suite *s = suite_create("opt");
	TCase *parsing = tcase_create("parsing"), *tables = tcase_create("tables of commands");
	int n = (int)ncommands;

	tcase_add_test(parsing, values_come_behind_equals_or_as_the_next_word);
	tcase_add_test(parsing, defaults_hold_until_an_option_says_otherwise);
	tcase_add_test(parsing, flags_may_be_bundled_and_end_with_a_value);
	tcase_add_test(parsing, lists_keep_their_order);
	tcase_add_test(parsing, a_text_is_given_once_and_the_last_of_some_words_holds);
	tcase_add_test(parsing, two_dashes_begin_the_program);
	tcase_add_test(parsing, two_dashes_only_end_the_options_of_a_command_without_program);
	tcase_add_test(parsing, one_dash_is_a_name);
	tcase_add_test(parsing, help_wins_over_what_stands_behind_it);
	tcase_add_test(parsing, the_nearest_name_is_near);
	tcase_add_loop_test(parsing, a_wrong_line_is_a_usage_error_that_says_what_is_right, 0,
			    ARRAY_LEN(wrong));
	tcase_add_loop_test(parsing, durations_are_those_of_go, 0, ARRAY_LEN(durations));
	tcase_add_loop_test(parsing, sizes_are_binary, 0, ARRAY_LEN(sizes));
	suite_add_tcase(s, parsing);
	tcase_add_loop_test(tables, every_option_has_help_and_a_name_of_its_own, 0, n);
	tcase_add_loop_test(tables, every_command_has_three_examples_that_parse, 0, n);
	tcase_add_loop_test(tables, help_fits_a_terminal_and_names_every_option, 0, n);
	suite_add_tcase(s, tables);
	return s;
}
