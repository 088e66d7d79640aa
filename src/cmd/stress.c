/* stress - stores of several words that can be seen half done. */
#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/stress_file.h"
#include "inline/file.h"
#include "out/torn.h"

struct stress_args {
	struct common_args common;
	const char *pid, *output;
	bool list, undo, plan;
	struct opt_list sites;
	struct delay_args delay;
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

/* Text that has a place of its own: the copy goes to -o. */
static bool copy(const struct stress_args *a, const struct target *t, struct err *err)
{
	struct file_args file = { .delay = a->delay, .sites = &a->sites, .output = a->output,
				  .plan = a->plan, .json = a->common.json };
	OWN(out_file) text = {0};

	return out_file_open(&text, a->plan ? a->output : NULL, false, err) &&
	       stress_file(&file, t, &text.out, err) && out_file_commit(&text, err);
}

static bool stress(const void *args, const char **rest, size_t nrest, char **program, int *status,
		   struct err *err)
{
	const struct stress_args *a = args;
	OWN(target) t = {0};
	OWN(out_file) file = {0};

	(void)program;
	(void)status;
	if (!a->list && !a->plan && !a->output)
		return err_set(err, ERR_USAGE, "stress: what to do? --list lists the stores, -o NEW "
			       "writes a copy in which they are delayed");
	if (!target_open(&t, "stress", a->pid, rest, nrest, err))
		return false;
	if (a->undo)
		return delayed_undo(&t.img, a->output, err);
	if (!a->list)
		return copy(a, &t, err);
	return out_file_open(&file, a->output, false, err) && list(a, &t, &file.out, err) &&
	       out_file_commit(&file, err);
}

static const struct opt opts[] = {
	TARGET_PID_OPTION(struct stress_args),
	OPT(struct stress_args, 'o', "output", OPT_TEXT, "NEW", output,
	    "write a copy in which the stores are delayed; with --list or --plan the text"),
	OPT(struct stress_args, 0, "list", OPT_FLAG, NULL, list,
	    "list the stores; all but those of the runtime, sync and internal packages without a "
	    "pattern that names them"),
	OPT(struct stress_args, 0, "site", OPT_LIST, "ID", sites,
	    "delay this store, as --list names it; may be given again"),
	OPT(struct stress_args, 0, "delay", OPT_DURATION, "D", delay.delay_ns,
	    "how long (default 100us)"),
	OPT(struct stress_args, 0, "every", OPT_NUM, "N", delay.every,
	    "wait at every Nth pass of a store (default 1)"),
	OPT(struct stress_args, 0, "chance", OPT_TEXT, "P", delay.chance,
	    "wait at random instead, at so many of its passes: 0.01, 1%"),
	OPT(struct stress_args, 0, "seed", OPT_NUM, "S", delay.seed,
	    "of the random choice (default: one that the program's bytes give; it is printed)"),
	OPT(struct stress_args, 0, "max-overhead", OPT_NUM, "PERCENT", delay.max_overhead,
	    "do not wait once all threads together have waited this much of the time since the "
	    "first wait (default 50; 0: no limit)"),
	OPT(struct stress_args, 0, "undo", OPT_FLAG, NULL, undo,
	    "take the delays out of a copy: -o gets the original, byte for byte"),
	OPT(struct stress_args, 0, "plan", OPT_FLAG, NULL, plan,
	    "print every byte that would be changed, and the code; write no copy"),
};

static const struct stress_args defaults = {
	.delay = { .delay_ns = 100000, .max_overhead = 50 },
};

const struct command cmd_stress = {
	.name = "stress",
	.usage = "[OPTIONS] FILE [PATTERN…]",
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
	.defaults = &defaults,
	.examples = {
		{ "goshawk stress --list ./service 'main.*'", "the stores of one package" },
		{ "goshawk stress ./service 'main.*' -o ./service-torn --delay 1ms --chance 1%",
		  "a copy in which one pass in a hundred waits" },
		{ "goshawk stress --undo ./service-torn -o ./service", "the way back" },
	},
	.run = stress,
};
