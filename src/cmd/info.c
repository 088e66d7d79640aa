/* info - what is in a program, and what can be done with it. */
#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/stress_file.h"
#include "out/program.h"

struct info_args {
	struct common_args common;
	const char *pid, *output;
};

static bool print(const struct info_args *a, const struct target *t, struct out *o,
		  struct err *err)
{
	struct json j;

	if (!a->common.json) {
		program_print(o, &t->prog);
		return stress_info(&t->img, NULL, o, err);
	}
	json_begin(&j, o);
	target_json_begin(t, o);
	program_json(&j, &t->prog);
	if (!stress_info(&t->img, &j, o, err))
		return false;
	target_json_end(o);
	return true;
}

static bool info(const void *args, const char **rest, size_t nrest, char **program, int *status,
		 struct err *err)
{
	const struct info_args *a = args;
	OWN(target) t = {0};
	OWN(out_file) file = {0};

	(void)program;
	(void)status;
	if (!target_open(&t, "info", a->pid, rest, nrest, err))
		return false;
	if (t.nrest)
		return err_set(err, ERR_USAGE, "info: takes one target, but got also %s",
			       t.rest[0]);
	return target_output(&file, a->output, false, &t.img, err) &&
	       print(a, &t, &file.out, err) && out_file_commit(&file, err);
}

static const struct opt opts[] = {
	TARGET_PID_OPTION(struct info_args),
	TARGET_OUTPUT_OPTION(struct info_args),
};

const struct command cmd_info = {
	.name = "info",
	.usage = "[OPTIONS] TARGET",
	.what = "release, modules, build settings, link mode, sizes, and what can be done with it",
	.about = "TARGET is a program's file, a core file, or a process (a number, or -p PID).",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.args_size = sizeof(struct info_args),
	.examples = {
		{ "goshawk info /usr/bin/hugo", "what a stripped program from a distribution is" },
		{ "goshawk info -p hugo", "the same of a running one" },
		{ "goshawk info --json ./service | jq -r 'select(.type == \"program\") | .release'",
		  "which Go built it" },
	},
	.run = info,
};
