/* stress - stores of several words that can be seen half done. */
#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/stress_sites.h"
#include "cmd/target.h"
#include "out/torn.h"

struct stress_args {
	struct common_args common;
	const char *pid, *output;
	bool list;
};

static void show(const struct target *t, const struct torn_stores *stores, bool as_json,
		 struct out *o)
{
	struct json j;

	json_begin(&j, o);
	if (as_json)
		target_json_begin(t, o);
	for (size_t i = 0; i < stores->n; i++) {
		if (as_json)
			torn_json(&j, &t->prog, &stores->at[i]);
		else
			torn_print(o, &stores->at[i]);
	}
	if (as_json)
		target_json_end(o);
}

static bool list(const struct stress_args *a, const struct target *t, struct out *o,
		 struct err *err)
{
	OWN(arena) arena = {0};
	struct torn_stores stores;

	if (!stress_stores(&stores, &t->prog, t->rest, t->nrest, &arena, err))
		return false;
	show(t, &stores, a->common.json, o);
	return true;
}

static bool stress(const void *args, const char **rest, size_t nrest, char **program, int *status,
		   struct err *err)
{
	const struct stress_args *a = args;
	OWN(target) t = {0};
	OWN(out_file) file = {0};

	(void)program;
	(void)status;
	if (!a->list)
		return err_set(err, ERR_USAGE, "stress: what to do? --list lists the stores");
	return target_open(&t, "stress", a->pid, rest, nrest, err) &&
	       out_file_open(&file, a->output, false, err) && list(a, &t, &file.out, err) &&
	       out_file_commit(&file, err);
}

static const struct opt opts[] = {
	TARGET_PID_OPTION(struct stress_args),
	TARGET_OUTPUT_OPTION(struct stress_args),
	OPT(struct stress_args, 0, "list", OPT_FLAG, NULL, list,
	    "list the stores; all but those of the runtime, sync and internal packages without a "
	    "pattern that names them"),
};

const struct command cmd_stress = {
	.name = "stress",
	.usage = "--list [OPTIONS] FILE [PATTERN…]",
	.what = "stores of strings, slices and interfaces that can be seen half done",
	.about = "A string, a slice and an interface are stored word by word. Whoever reads one "
		 "without synchronisation while it is written may find the new length beside the "
		 "old pointer. Each line names such a store: the function and the place in it "
		 "(together they are its id), the kind, what is written, which words are stored "
		 "before the gap and which behind it (first | then), how sure the kind is, and "
		 "file:line.\n\n"
		 "The kind is certain where a type says so, likely where a word that is stored "
		 "says so; possible are also neighbouring words of other types.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.args_size = sizeof(struct stress_args),
	.examples = {
		{ "goshawk stress --list ./service 'main.*'", "the stores of one package" },
		{ "goshawk stress --list --json ./service | jq -r .id", "the ids of all" },
		{ "goshawk stress --list ./service 'sync.*'", "packages that are left out else" },
	},
	.run = stress,
};
