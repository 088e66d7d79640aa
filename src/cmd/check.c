/* check - what is wrong with a program, seen in its file, and what others put into a process. */
#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/target.h"
#include "out/finding.h"
#include "out/sarif.h"

struct check_args {
	struct common_args common;
	const char *pid, *output;
	bool rules, sarif;
};

static const struct rule *rule_named(const char *id, struct err *err)
{
	const char *names[32], *near;
	size_t n = 0;

	for (; n < ncheck_rules && n < ARRAY_LEN(names); n++) {
		names[n] = check_rules[n]->id;
		if (!strcmp(id, names[n]))
			return check_rules[n];
	}
	near = opt_nearest(id, names, n);
	err_set(err, ERR_USAGE, "check: no rule is called %s%s%s; --rules lists them", id,
		near ? ", did you mean " : "", near ? near : "");
	return NULL;
}

static bool explain_rules(const struct check_args *a, const char **ids, size_t nids,
			  struct out_file *file, struct err *err)
{
	OWN(arena) arena = {0};
	struct out *o = &file->out;
	const struct rule *const *rules = check_rules;
	const struct rule **asked;
	size_t n = nids ? nids : ncheck_rules;

	if (a->sarif || a->pid)
		return err_set(err, ERR_USAGE, "check: --rules tells of the rules, and looks at no "
			       "program: without --sarif and -p");
	asked = ARENA_ARRAY(&arena, const struct rule *, nids + 1);
	for (size_t i = 0; i < nids; i++)
		if (!(asked[i] = rule_named(ids[i], err)))
			return false;
	if (nids)
		rules = asked;
	if (!out_file_open(file, a->output, false, err))
		return false;
	if (a->common.json) {
		target_json_begin(&(struct target){ 0 }, o);
		rules_json(o, rules, n);
		target_json_end(o);
	} else if (nids) {
		rules_explain(o, rules, n);
	} else {
		rules_print(o, rules, n);
	}
	return true;
}

static void show(const struct check_args *a, const struct target *t, const struct check *c,
		 struct out *o)
{
	struct json j;

	if (a->sarif) {
		sarif_write(o, c);
		return;
	}
	json_begin(&j, o);
	if (a->common.json)
		target_json_begin(t, o);
	for (size_t i = 0; i < c->findings.n; i++) {
		if (a->common.json)
			finding_json(&j, &c->findings.at[i]);
		else
			finding_print(o, &c->findings.at[i]);
	}
	if (a->common.json)
		target_json_end(o);
	else
		check_print_end(o, c);
}

static bool look(const struct check_args *a, const char **rest, size_t nrest,
		 struct out_file *file, int *status, struct err *err)
{
	OWN(target) t = {0};
	OWN(check) c = {0};

	if (!target_open(&t, "check", a->pid, rest, nrest, err))
		return false;
	if (t.nrest)
		return err_set(err, ERR_USAGE, "check: takes one target, but got also %s",
			       t.rest[0]);
	if (t.img.kind == IMAGE_CORE)
		return err_set(err, ERR_USAGE, "check: takes a program's file or a process, and "
			       "this is a core file");
	if (!target_output(file, a->output, false, &t.img, err))
		return false;
	file->out.color = use_color(&a->common, file->out.fd);
	check_run(&c, &t.prog);
	show(a, &t, &c, &file->out);
	*status = check_accuses(&c);
	return true;
}

static bool check(const void *args, const char **rest, size_t nrest, char **program, int *status,
		  struct err *err)
{
	const struct check_args *a = args;
	OWN(out_file) file = {0};

	(void)program;
	if (a->sarif && a->common.json)
		return err_set(err, ERR_USAGE, "check: --sarif and --json are two forms of the "
			       "same output: choose one");
	return (a->rules ? explain_rules(a, rest, nrest, &file, err)
			 : look(a, rest, nrest, &file, status, err)) &&
	       out_file_commit(&file, err);
}

static const struct opt opts[] = {
	TARGET_PID_OPTION(struct check_args),
	TARGET_OUTPUT_OPTION(struct check_args),
	OPT(struct check_args, 0, "sarif", OPT_FLAG, NULL, sarif,
	    "write SARIF 2.1.0, which code-scanning services read"),
	OPT(struct check_args, 0, "rules", OPT_FLAG, NULL, rules,
	    "list the rules; with IDs, explain these"),
};

const struct command cmd_check = {
	.name = "check",
	.usage = "[OPTIONS] FILE | -p PID | --rules [ID…]",
	.what = "what is wrong with a program and will crash it, proved from its file",
	.about = "Each finding has the id of its rule, what is wrong and where, the calls that "
		 "lead there, and what to do. `certain` is what must be so; `candidate` is what a "
		 "call through an interface or a func value leads to, as far as the file shows. "
		 "The status is 1 if a warning or an error was found; notes blame nothing, and "
		 "leave it 0.\n\n"
		 "Of a process it also says what others have put into it: breakpoints, kernel "
		 "probes, jumps, libraries; and what they will do to it. The process runs on, and "
		 "nothing is written to it.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.args_size = sizeof(struct check_args),
	.examples = {
		{ "goshawk check ./service", "before it runs: in CI, after the build" },
		{ "goshawk check --rules G0RACE", "what a rule means, and how to cure it" },
		{ "goshawk check --sarif -o service.sarif ./service",
		  "for a service that shows findings beside the code" },
	},
	.run = check,
};
