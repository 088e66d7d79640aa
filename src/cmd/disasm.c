/* disasm - the instructions of functions. */
#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/target.h"
#include "go/fork.h"
#include "out/code.h"

struct disasm_args {
	struct common_args common;
	const char *pid, *output;
};

static bool show_func(const struct disasm_args *a, const struct target *t, const struct go_func *f,
		      const struct race_calls *race, struct out *o, struct err *err)
{
	OWN(arena) arena = {0};
	struct code_view v = {
		.function = { .prog = &t->prog, .func = f, .name = f->name, .probed = true }
	};
	struct json j;

	v.function.race = go_is_race_instrumented(&t->prog, race, f);
	v.function.refusal = plan_probe(&t->prog, f, true, &arena, &v.patches);
	if (!go_listing(&t->prog, f, &arena, &v.flow, err))
		return err_in(err, "%.*s", STR_F(f->name));
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
	u64 *hits = ARENA_ARRAY(&arena, u64, t->nrest + 1);
	struct race_calls race;
	bool named;

	if (!t->nrest)
		return err_set(err, ERR_USAGE,
			       "disasm: which function? Give its name, or an address in it");
	if (!patterns_compile(&patterns, t->rest, t->nrest, err))
		return false;
	race = race_calls_of(&t->prog);
	if (a->common.json)
		target_json_begin(t, o);
	for (size_t i = 0; i < t->prog.nfuncs; i++) {
		const struct go_func *f = &t->prog.funcs[i];

		patterns_count(&patterns, &t->prog, f, STR(""), hits);
		if (patterns_match_func(&patterns, &t->prog, f, &named) && f->size &&
		    !show_func(a, t, f, &race, o, err))
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
		 "that a probe runs elsewhere. An exit that no probe reaches says why.",
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
