/* disasm - the instructions of functions. */
#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/target.h"
#include "go/fork.h"
#include "go/vars.h"
#include "out/code.h"
#include "plan/torn_search.h"

struct disasm_args {
	struct common_args common;
	const char *pid, *output;
};

/* What all functions share. */
struct listing {
	const struct go_program *prog;
	struct race_calls race;
	struct torn_search torn;
	bool has_torn;
};

static void listing_begin(struct listing *l, const struct go_program *prog)
{
	*l = (struct listing){ .prog = prog, .race = race_calls_of(prog), .torn.prog = prog };
	l->has_torn = go_write_barrier_va(prog, &l->torn.flag_va);
	if (l->has_torn)
		place_finder_make(&l->torn.places, prog);
}

static void listing_release(struct listing *l)
{
	place_finder_release(&l->torn.places);
	torn_search_release(&l->torn);
}

static void find_torn(struct listing *l, const struct go_func *f, struct code_view *v)
{
	l->torn.to.n = 0;
	if (l->has_torn)
		torn_search(&l->torn, f, true);
	v->torn = l->torn.to.at;
	v->ntorn = l->torn.to.n;
}

static bool show_func(const struct disasm_args *a, struct listing *l, const struct go_func *f,
		      struct out *o, struct err *err)
{
	const struct go_program *prog = l->prog;
	OWN(arena) arena = {0};
	struct code_view v = {
		.function = { .prog = prog, .func = f, .name = f->name, .probed = true }
	};
	struct json j;

	v.function.race = go_is_race_instrumented(prog, &l->race, f);
	v.function.refusal = plan_probe(prog, f, true, &arena, &v.patches);
	if (!go_listing(prog, f, &arena, &v.flow, err))
		return err_in(err, "%.*s", STR_F(f->name));
	find_torn(l, f, &v);
	if (a->common.json) {
		json_begin(&j, o);
		code_json(&j, &v);
	} else {
		code_print(o, &v);
		out_line(o);
	}
	return true;
}

static bool show(const struct disasm_args *a, const struct target *t, struct out *o,
		 struct err *err)
{
	OWN(arena) arena = {0};
	OWN(patterns) patterns = {0};
	OWN(listing) l = {0};
	u64 *hits = ARENA_ARRAY(&arena, u64, t->nrest + 1);
	bool named;

	if (!t->nrest)
		return err_set(err, ERR_USAGE,
			       "disasm: which function? Give its name, or an address in it");
	if (!patterns_compile(&patterns, t->rest, t->nrest, err))
		return false;
	listing_begin(&l, &t->prog);
	if (a->common.json)
		target_json_begin(t, o);
	for (size_t i = 0; i < t->prog.nfuncs; i++) {
		const struct go_func *f = &t->prog.funcs[i];

		patterns_count(&patterns, &t->prog, f, STR(""), hits);
		if (patterns_match_func(&patterns, &t->prog, f, &named) && f->size &&
		    !show_func(a, &l, f, o, err))
			return false;
	}
	if (a->common.json)
		target_json_end(o);
	return patterns_check_hits(&patterns, &t->prog, hits, err);
}

static bool disasm(const void *args, const char **rest, size_t nrest, char **program, int *status,
		   struct err *err)
{
	const struct disasm_args *a = args;
	OWN(target) t = {0};
	OWN(out_file) file = {0};

	(void)program;
	(void)status;
	if (!target_open(&t, "disasm", a->pid, rest, nrest, err) ||
	    !target_output(&file, a->output, false, &t.img, err))
		return false;
	file.out.color = use_color(&a->common, file.out.fd);
	return show(a, &t, &file.out, err) && out_file_commit(&file, err);
}

static const struct opt opts[] = {
	TARGET_PID_OPTION(struct disasm_args),
	TARGET_OUTPUT_OPTION(struct disasm_args),
};

const struct command cmd_disasm = {
	.name = "disasm",
	.usage = "[OPTIONS] TARGET FUNC|0xADDR…",
	.what = "instructions with source lines, inlined calls, what is called, where probes go",
	.about = "A function is meant by a pattern or by an address in it. First where each "
		 "argument lies at the entry and each result at the exits; then the instructions "
		 "under the source lines they come from. A bar marks the windows: instructions "
		 "that a probe runs elsewhere. An exit that no probe reaches says why. A torn "
		 "store is one whose halves a delay before that instruction shows (goshawk "
		 "stress).",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.args_size = sizeof(struct disasm_args),
	.examples = {
		{ "goshawk disasm ./service main.handle", "one function" },
		{ "goshawk disasm /usr/bin/hugo 0x459e60", "the function at an address" },
		{ "goshawk disasm --json ./service main.handle | jq -r .text",
		  "the instructions alone" },
	},
	.run = disasm,
};
