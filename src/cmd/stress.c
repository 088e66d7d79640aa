/* stress - stores of several words that can be seen half done, and what happens when they are. */
#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/stress_file.h"
#include "cmd/stress_hunt.h"
#include "cmd/stress_live.h"
#include "inline/file.h"
#include "out/torn.h"

#define HUNT_NS 60000000000
enum {
	NOT_GIVEN = -1,		/* of what may be given as 0 */
	USUAL_NS = 100000,	/* what is not given */
	PERCENT = 50,
};

struct stress_args {
	struct common_args common;
	const char *pid, *output, *report;
	bool list, undo, plan, until_crash, show_output;
	i64 for_ns;
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
			torn_json(&j, &t->prog, &stores->at[i], stores->at[i].refusal);
		else
			torn_print(o, &stores->at[i]);
	}
	if (as_json)
		target_json_end(o);
}

/* An empty list is no failure, but looks like one. */
static void say_nothing_stored(const struct target *t)
{
	talk("%.*s: %s stores no value of several words", STR_F(t->img.path),
	     t->nrest ? "what these patterns match" : "the program");
}

static bool list(const struct stress_args *a, const struct target *t, struct out *o,
		 struct err *err)
{
	OWN(arena) arena = {0};
	struct torn_stores stores;

	if (!manifest_absent(&t->img, err) ||
	    !stress_stores(&stores, &t->prog, t->rest, t->nrest, &arena, err))
		return false;
	if (!stores.n)
		say_nothing_stored(t);
	show(t, &stores, a->common.json, o);
	return true;
}

/* Text that has a place of its own: the copy goes to -o. */
static bool copy(const struct stress_args *a, const struct target *t, struct err *err)
{
	struct file_args file = { .delay = a->delay, .sites = &a->sites, .output = a->output,
				  .plan = a->plan, .json = a->common.json };
	OWN(out_file) text = {0};

	return target_output(&text, a->plan ? a->output : NULL, false, &t->img, err) &&
	       stress_file(&file, t, &text.out, err) && out_file_commit(&text, err);
}

static bool hunted(const struct stress_args *a, const char **rest, size_t nrest, char **program,
		   int *status, struct err *err)
{
	struct hunt_args h = {
		.patterns = rest, .npatterns = nrest, .sites = &a->sites, .program = program,
		.for_ns = a->for_ns ? a->for_ns : HUNT_NS,
		.delay_ns = a->delay.delay_ns, .seed = a->delay.seed,
		.report = a->report, .show_output = a->show_output, .json = a->common.json,
	};
	OWN(out_file) file = {0};
	OWN(arena) arena = {0};
	struct delay_ask ask;
	const char *path;
	bool found;

	if (!program || !program[0])
		return err_set(err, ERR_USAGE,
			       "stress --until-crash: which program? Name it behind `--`");
	if (a->pid || a->delay.every || a->delay.chance || a->list || a->undo || a->plan)
		return err_set(err, ERR_USAGE,
			       "stress --until-crash: chooses by itself where and how "
			       "often; without -p, --list, --undo, --plan, --every, --chance");
	if (!stress_ask(&a->delay, &ask, err) || !find_program(&arena, program[0], &path, err) ||
	    !target_spares(path, "program", a->output, err) ||
	    !out_file_open(&file, a->output, true, err) ||
	    !stress_until_crash(&h, &file.out, &found, err))
		return false;
	*status = found;
	return out_file_commit(&file, err);
}

static bool live(const struct stress_args *a, const char **rest, size_t nrest, char **program,
		 int *status, struct err *err)
{
	struct live_args l = {
		.delay = a->delay, .patterns = rest, .npatterns = nrest, .sites = &a->sites,
		.pid = a->pid, .program = program, .output = a->output, .for_ns = a->for_ns,
		.plan = a->plan, .json = a->common.json,
	};

	if (a->pid && program)
		return err_set(err, ERR_USAGE, "-p PID and a program: one of them");
	if (a->list || a->undo)
		return err_set(err, ERR_USAGE, "stress: --list and --undo look at a file, or at "
			       "-p PID; they start no program");
	return stress_live(&l, status, err);
}

/* An option that says how to delay; NULL: none is given. */
static const char *about_delays(const struct stress_args *a)
{
	const struct delay_args *d = &a->delay;

	return a->sites.n ? "site" : d->delay_ns != NOT_GIVEN ? "delay" :
	       d->every != (u64)NOT_GIVEN ? "every" : d->chance ? "chance" : d->seed ? "seed" :
	       d->max_overhead != (u64)NOT_GIVEN ? "max-overhead" :
	       d->fips_resum ? "fips-resum" : NULL;
}

/* From here on, 0 is what was not given, but for --delay and --max-overhead. */
static bool settle(struct stress_args *a, struct err *err)
{
	if (!a->for_ns || !a->delay.every)
		return err_set(err, ERR_USAGE, "stress: --%s 0: give more than 0",
			       a->for_ns ? "every" : "for");
	if (a->until_crash && (a->delay.fips_resum || a->delay.max_overhead != (u64)NOT_GIVEN))
		return err_set(err, ERR_USAGE, "stress --until-crash: without --%s",
			       a->delay.fips_resum ? "fips-resum" : "max-overhead");
	if ((a->list || a->undo) && about_delays(a))
		return err_set(err, ERR_USAGE, "stress --%s: nothing is delayed: without --%s",
			       a->list ? "list" : "undo", about_delays(a));
	if (!a->until_crash && (a->report || a->show_output))
		return err_set(err, ERR_USAGE, "stress: --%s: with --until-crash",
			       a->report ? "report" : "show-output");
	if (a->for_ns == NOT_GIVEN)
		a->for_ns = 0;
	if (a->delay.every == (u64)NOT_GIVEN)
		a->delay.every = 0;
	if (a->delay.delay_ns == NOT_GIVEN)
		a->delay.delay_ns = USUAL_NS;
	if (a->delay.max_overhead == (u64)NOT_GIVEN)
		a->delay.max_overhead = PERCENT;
	return true;
}

static bool stress(const void *args, const char **rest, size_t nrest, char **program, int *status,
		   struct err *err)
{
	struct stress_args given = *(const struct stress_args *)args, *a = &given;
	OWN(target) t = {0};
	OWN(out_file) file = {0};

	if (!settle(a, err))
		return false;
	if (a->until_crash)
		return hunted(a, rest, nrest, program, status, err);
	if (program || (a->pid && !a->list && !a->undo))
		return live(a, rest, nrest, program, status, err);
	if (a->for_ns)
		return err_set(err, ERR_USAGE, "--for: with a process, a program, or "
			       "--until-crash");
	if (a->list + a->undo + a->plan > 1)
		return err_set(err, ERR_USAGE, "stress: --list, --plan and --undo: one of them");
	if (a->undo && (!a->output || nrest > 1))
		return err_set(err, ERR_USAGE, "stress --undo: takes all delays out of one copy, "
			       "and needs -o OLD, which gets the original");
	if (!a->list && !a->plan && !a->output)
		return err_set(
			err, ERR_USAGE,
			"stress: what to do? --list lists the stores, -o NEW "
			"writes a copy in which they are delayed, -p PID and -- PROGRAM delay "
			"them in a process, --until-crash -- PROGRAM looks for a race");
	if (!target_open(&t, "stress", a->pid, rest, nrest, err))
		return false;
	if (a->undo)
		return delayed_undo(&t.img, a->output, err);
	if (!a->list)
		return copy(a, &t, err);
	return target_output(&file, a->output, false, &t.img, err) &&
	       list(a, &t, &file.out, err) && out_file_commit(&file, err);
}

static const struct opt opts[] = {
	TARGET_PID_OPTION(struct stress_args),
	OPT(struct stress_args, 'o', "output", OPT_TEXT, "NEW", output,
	    "write a copy in which the stores are delayed; with --list, --plan, a process or a "
	    "program: what is printed"),
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
	OPT(struct stress_args, 0, "fips-resum", OPT_FLAG, NULL, delay.fips_resum,
	    "delay Go's FIPS 140 module, too, and make its self-check pass; it is then no "
	    "validated module any more"),
	OPT(struct stress_args, 0, "plan", OPT_FLAG, NULL, plan,
	    "print what would be changed, and the code; write no copy, touch no process"),
	OPT(struct stress_args, 0, "until-crash", OPT_FLAG, NULL, until_crash,
	    "run copies of PROGRAM until one dies of what a torn value does, then find the fewest "
	    "stores that do it, and prove it"),
	OPT(struct stress_args, 0, "for", OPT_DURATION, "D", for_ns,
	    "stop delaying after this long; with --until-crash: search at most so long (default "
	    "1m)"),
	OPT(struct stress_args, 0, "report", OPT_TEXT, "DIR", report,
	    "with --until-crash: keep the copy that dies, and report.md"),
	OPT(struct stress_args, 0, "show-output", OPT_FLAG, NULL, show_output,
	    "with --until-crash: let through what the runs print"),
};

static const struct stress_args defaults = {
	.for_ns = NOT_GIVEN,
	.delay = { .delay_ns = NOT_GIVEN, .every = (u64)NOT_GIVEN,
		   .max_overhead = (u64)NOT_GIVEN },
};

const struct command cmd_stress = {
	.name = "stress",
	.usage = "[OPTIONS] (FILE [PATTERN…] | [PATTERN…] (-p PID | -- PROGRAM [ARG…]))",
	.what = "make a race on a string, a slice or an interface crash today, not once a month",
	.about = "A string, a slice and an interface are stored word by word. Whoever reads one "
		 "without synchronisation while it is written may find the new length beside the "
		 "old pointer, and the program dies far away: in the collector, or in a copy.\n\n"
		 "--list names the stores: the function and the place in it (together they are the "
		 "id), the kind, what is written, which words are stored before the gap and which "
		 "behind it (first | then), how sure the kind is, and file:line. It is certain "
		 "where "
		 "a type says so, likely where a word that is stored says so; possible are also "
		 "neighbouring words of other types.\n\n"
		 "-o NEW writes a copy in which goroutines wait between these words; nothing else "
		 "changes. -p PID and -- PROGRAM do the same to a process that runs, or to one "
		 "that is started, and put everything back in the end (--for, Ctrl-C): then it "
		 "is said which stores were passed, and how often each has waited.\n\n"
		 "--until-crash runs such copies until one dies. Then it looks for the fewest "
		 "stores and the shortest delay that do it, counts how often it dies, and runs the "
		 "program without delays and with delays elsewhere: it must live. The status is 1 "
		 "if it died of a torn value, and 0 if it lived, or dies without any delay as "
		 "well. The runs have GOMAXPROCS of at least 4, because who waits keeps a "
		 "processor; what they print is dropped. Without a pattern the program's own "
		 "packages come first.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.args_size = sizeof(struct stress_args),
	.defaults = &defaults,
	.examples = {
		{ "goshawk stress --until-crash 'main.*' -- ./service",
		  "is there a race on a string, a slice or an interface in package main?" },
		{ "goshawk stress ./service 'main.*' -o ./service-torn --delay 1ms --chance 1%",
		  "a copy in which one pass in a hundred waits" },
		{ "goshawk stress -p service 'main.*' --for 10s",
		  "delays in a process that runs, for ten seconds" },
	},
	.run = stress,
};
