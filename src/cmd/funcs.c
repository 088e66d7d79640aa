/* funcs - the functions of a program. */
#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/target.h"
#include "out/function.h"

struct funcs_args {
	struct common_args common;
	const char *pid, *output;
	bool refused, inlined;
};

struct listing {
	const struct funcs_args *args;
	const struct go_program *prog;
	struct patterns patterns;
	struct inlines inlines;		/* with --inlined */
	struct race_calls race;
	struct out *out;
	struct json json;
	bool met;	/* something is listed, but for --refused */
};

static void show(struct listing *l, const struct function_view *v)
{
	l->met = true;
	if (l->args->refused && !v->refusal)
		return;
	if (l->args->common.json)
		function_json(&l->json, v);
	else
		function_print(l->out, v);
}

/* Whether it can be probed takes decoding it: asked for where few functions or machines want to
 * know. */
static bool wants_probe(const struct listing *l)
{
	return l->args->refused || l->args->common.json || l->patterns.n;
}

static void show_func(struct listing *l, const struct go_func *f, bool named)
{
	struct function_view v = { .prog = l->prog, .func = f, .name = f->name };
	OWN(arena) scratch = {0};
	struct patches patches;

	v.race = go_is_race_instrumented(l->prog, &l->race, f);
	v.inlines = l->args->inlined;
	v.places = inlines_of(&l->inlines, f->name, &v.nplaces);
	v.probed = wants_probe(l);
	if (v.probed)
		v.refusal = plan_probe(l->prog, f, named, &scratch, &patches);
	show(l, &v);
}

static void show_funcs(struct listing *l, u64 *hits)
{
	for (size_t i = 0; i < l->prog->nfuncs; i++) {
		const struct go_func *f = &l->prog->funcs[i];
		bool named = false;

		patterns_count(&l->patterns, l->prog, f, STR(""), hits);
		if (!patterns_match_func(&l->patterns, l->prog, f, &named))
			continue;
		if (!l->patterns.n || named || !go_is_runtime(go_name_split(f->name).package))
			show_func(l, f, named);
	}
}

/* Names that no function has. */
static void show_only_inlined(struct listing *l, u64 *hits)
{
	for (size_t i = 0, next; i < l->inlines.n; i = next) {
		struct function_view v = { .prog = l->prog, .name = l->inlines.at[i].name };

		next = inlines_next_name(&l->inlines, i);
		v.inlines = true;
		v.places = &l->inlines.at[i];
		v.nplaces = next - i;
		if (go_func_named(l->prog, v.name))
			continue;
		patterns_count_name(&l->patterns, v.name, hits);
		if (patterns_match_text(&l->patterns, v.name))
			show(l, &v);
	}
}

static bool list(struct listing *l, struct target *t, struct err *err)
{
	OWN(arena) a = {0};
	u64 *hits = ARENA_ARRAY(&a, u64, t->nrest + 1);

	if (!patterns_compile(&l->patterns, t->rest, t->nrest, err))
		return false;
	l->race = race_calls_of(l->prog);
	if (l->args->inlined)
		inlines_make(&l->inlines, l->prog, &a);
	if (l->args->common.json)
		target_json_begin(t, l->out);
	show_funcs(l, hits);
	if (l->args->inlined)
		show_only_inlined(l, hits);
	if (l->args->common.json)
		target_json_end(l->out);
	return patterns_check_hits(&l->patterns, l->prog, hits, err) &&
	       (l->met || !t->nrest || patterns_left_nothing(t->rest, t->nrest, "list", err));
}

static bool funcs(const void *args, const char **rest, size_t nrest, char **program, int *status,
		  struct err *err)
{
	struct listing l = { .args = args };
	OWN(target) t = {0};
	OWN(out_file) file = {0};
	bool ok;

	(void)program;
	(void)status;
	if (!target_open(&t, "funcs", l.args->pid, rest, nrest, err)
	    || !target_output(&file, l.args->output, false, &t.img, err))
		return false;
	l.prog = &t.prog;
	l.out = &file.out;
	json_begin(&l.json, l.out);
	ok = list(&l, &t, err) && out_file_commit(&file, err);
	patterns_release(&l.patterns);
	return ok;
}

static const struct opt opts[] = {
	TARGET_PID_OPTION(struct funcs_args),
	TARGET_OUTPUT_OPTION(struct funcs_args),
	OPT(struct funcs_args, 0, "refused", OPT_FLAG, NULL, refused,
	    "only those that can't be probed, each with the reason"),
	OPT(struct funcs_args, 0, "inlined", OPT_FLAG, NULL, inlined,
	    "also where each was inlined, and functions that exist only inlined"),
};

const struct command cmd_funcs = {
	.name = "funcs",
	.usage = "[OPTIONS] TARGET [PATTERN…]",
	.what = "functions with address, size, signature and line; works on stripped programs",
	.about = "Each line has the address, the size in bytes, the function with its parameters "
		 "and results, in brackets where that signature comes from (dwarf: names and "
		 "types; types: types without names, from the runtime's data; shape: the sizes of "
		 "the words; none), and file:line. `race` in the brackets marks code that was "
		 "built with -race.\n\n"
		 "Whether a function can be probed is said with patterns, --refused and --json: it "
		 "takes decoding the function.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.args_size = sizeof(struct funcs_args),
	.examples = {
		{ "goshawk funcs /usr/bin/hugo 'net/http.(*Server).*'", "methods of one type" },
		{ "goshawk funcs --refused ./service", "what can't be traced, and why" },
		{ "goshawk funcs --json -p 1234 | jq -r .name",
		  "names of all functions of a running program" },
	},
	.run = funcs,
};
