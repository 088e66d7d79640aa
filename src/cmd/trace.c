/* trace - calls of functions, with typed arguments and results. */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/pump.h"
#include "inline/inline.h"
#include "out/sinks.h"

struct trace_args {
	struct common_args common;
	bool entry, plan, lossless, stack;
	const char *output;
	struct opt_list redact;
	bool graph, summary, count;
	i64 for_ns, every_ns;
	u64 max, strings, elements, depth, buffer, frames;
};

#define O(letter, name, kind, value, field, help)                                                  \
	OPT(struct trace_args, letter, name, kind, value, field, help)
static const struct opt opts[] = {
	O('o', "output", OPT_TEXT, "FILE", output,
	  "write the calls to FILE ('-' is stdout), not to stderr"),
	O(0, "entry", OPT_FLAG, NULL, entry, "entries only, at once: for calls that never return"),
	O(0, "stack", OPT_FLAG, NULL, stack, "the Go stack of each call, with inlined calls"),
	O(0, "frames", OPT_NUM, "N", frames, "return addresses of a stack that are read (32)"),
	O(0, "graph", OPT_FLAG, NULL, graph, "nested calls of each goroutine"),
	O(0, "summary", OPT_FLAG, NULL, summary,
	  "a table at the end: calls, times, errors and panics of each function"),
	O(0, "count", OPT_FLAG, NULL, count, "a table at the end: how often each function was called"),
	O(0, "every", OPT_DURATION, "DURATION", every_ns,
	  "a table for each interval of this length too"),
	O(0, "for", OPT_DURATION, "DURATION", for_ns,
	  "stop tracing after this long (50ms, 1.5s, 2m)"),
	O(0, "max", OPT_NUM, "N", max, "stop tracing after N calls"),
	O(0, "strings", OPT_NUM, "N", strings, "bytes of a string that are shown (64)"),
	O(0, "elements", OPT_NUM, "N", elements,
	  "elements of a slice, array or map that are shown (8)"),
	O(0, "depth-of-values", OPT_NUM, "N", depth, "levels of pointers that are followed (2)"),
	O(0, "redact", OPT_LIST, "PATTERN", redact,
	  "parameters, fields or functions whose values are neither copied nor shown"),
	O(0, "buffer", OPT_SIZE, "SIZE", buffer, "buffer for each thread of the program (8MiB)"),
	O(0, "lossless", OPT_FLAG, NULL, lossless,
	  "the program waits for room in its buffer instead of losing calls"),
	O(0, "plan", OPT_FLAG, NULL, plan,
	  "print what would be done, and the generated code; start nothing"),
};

static bool check(const struct trace_args *a, size_t npatterns, char **program, struct err *err)
{
	if (!npatterns)
		return err_set(err, ERR_USAGE,
			       "no pattern: name the functions to trace, for example 'main.*'");
	if (!program || !program[0])
		return err_set(
			err, ERR_USAGE,
			"no program: write it behind `--`, for example: goshawk trace 'main.*' "
			"-- ./server");
	if (a->buffer < 64 << 10 || a->buffer > 1 << 30)
		return err_set(err, ERR_USAGE, "--buffer: between 64KiB and 1GiB");
	if (a->depth > 8 || a->strings > 2048 || a->elements > 64)
		return err_set(err, ERR_USAGE,
			       "at most --depth-of-values 8, --strings 2048, --elements 64");
	if (a->frames < 1 || a->frames > 128)
		return err_set(err, ERR_USAGE, "--frames: between 1 and 128");
	return true;
}

/* Forms of output: one at a time, and what goes with each. */
static bool check_form(const struct trace_args *a, struct err *err)
{
	const struct { bool on; const char *name; } forms[] = {
		{ a->entry, "--entry" }, { a->graph, "--graph" }, { a->summary, "--summary" },
		{ a->count, "--count" },
	};
	const char *form = NULL;
	bool table = a->summary || a->count;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (form && forms[i].on)
			return err_set(err, ERR_USAGE, "%s and %s: one form of output at a time",
				       form, forms[i].name);
		if (forms[i].on)
			form = forms[i].name;
	}
	if ((table || a->graph) && a->stack)
		return err_set(err, ERR_USAGE, "%s and --stack: only lines of calls have stacks",
			       form);
	if (a->every_ns && !table)
		return err_set(err, ERR_USAGE, "--every is for tables: --summary, --count");
	if (a->every_ns && a->every_ns < 10000000)
		return err_set(err, ERR_USAGE, "--every: at least 10ms");
	return true;
}

static struct sink sink_of(const struct trace_args *a, struct arena *arena, struct out *out,
			   const struct target_facts *t)
{
	if (a->summary)
		return sink_summary_new(arena, out, t, a->common.json);
	if (a->count)
		return sink_count_new(arena, out, t, a->common.json);
	if (a->common.json)	/* calls say their depth and caller */
		return sink_json_new(arena, out, t);
	return a->graph ? sink_graph_new(arena, out, t) : sink_text_new(arena, out, t);
}

/* What was asked for and is not done: by name where these are few, in any case with the way to see
 * all. */
static void refusals(const struct plan *p)
{
	u32 counts[REFUSE_COUNT] = { 0 }, kinds = 0;

	for (u32 i = 0; i < p->nfuncs; i++) {
		const struct plan_func *f = &p->funcs[i];

		if (!f->refusal || !f->shown)
			continue;
		counts[f->refusal]++;
		if (p->nrefused <= 3)
			fprintf(stderr, "goshawk: %.*s is not traced: %s\n", STR_F(f->func->name),
				refusal_text(f->refusal));
	}
	if (p->nrefused <= 3)
		return;
	fprintf(stderr, "goshawk: %u functions are not traced (--plan lists them):", p->nrefused);
	for (u32 r = 0; r < REFUSE_COUNT; r++)
		if (counts[r])
			fprintf(stderr, "%s %u: %s", kinds++ ? ";" : "", counts[r],
				refusal_text(r));
	fputc('\n', stderr);
}

static bool traced(const struct trace_args *a, const struct plan *plan, const struct launch *l,
		   struct out *out, int *status, struct err *err)
{
	struct source src = { 0 };
	struct pump_limits limits = { a->for_ns, a->max, a->every_ns };
	struct pump_result r = { 0 };
	struct arena arena = { 0 };
	struct end_facts end = { 0 };
	struct sink sink;
	OWN(stacks) stacks = { 0 };
	OWN(out) talk;
	bool ok = inline_launch(&src, plan, l, err);

	out_open(&talk, STDERR_FILENO);
	talk.lines = true;
	if (ok) {
		struct target_facts t = {
			.prog = plan->prog,
			.plan = plan,
			.stacks = &stacks,
			.path = l->path,
			.pid = src.pid,
			.bias = src.bias,
			.read_rt = src.read_rt,
			.read_ctx = src.session,
		};

		stacks = stacks_of(plan->prog, src.bias);
		if (a->common.json)
			sink_json_begin(out, &t);
		sink = sink_of(a, &arena, out, &t);
		refusals(plan);
		ok = pump(&src, plan, &sink, out, &limits, &r, err);
		end = (struct end_facts){
			.calls = r.shown,
			.lost = r.lost,
			.unreadable = r.unreadable,
			.sites = src.sites(src.session),
			.refused = plan->nrefused,
			.engine = src.engine,
			.stop_ns = src.stop_ns(src.session),
			.elapsed_ns = r.elapsed_ns,
			.exited = r.exited,
			.program_exit = r.program_exit,
		};
		if (a->common.json)
			sink_json_end(out, &end);
		else
			sink_text_end(&talk, &end);
		*status = r.exited ? r.program_exit : 0;
	}
	source_release(&src);
	arena_release(&arena);
	return ok;
}

/* --plan: what would be done. */
static bool planned(const struct plan *plan, const char *path, struct out *out, bool json,
		    struct err *err)
{
	struct target_facts t = { .prog = plan->prog, .plan = plan, .path = path };
	struct end_facts end = { .refused = plan->nrefused, .engine = "inline" };

	if (json)
		sink_json_begin(out, &t);
	if (!inline_print(plan, out, json, &end.sites, err))
		return false;
	if (json)
		sink_json_end(out, &end);
	return true;
}

static bool trace(const void *args, const char **rest, size_t nrest, char **program, int *status,
		  struct err *err)
{
	const struct trace_args *a = args;
	struct plan_request request = {
		.patterns = rest, .npatterns = nrest,
		.strings = a->strings, .elements = a->elements, .depth = a->depth,
		.redact = a->redact.at, .nredact = a->redact.n,
		.entry_only = a->entry || a->count, .frames = a->stack ? a->frames : 0,
		.values = a->summary ? VALUES_ERROR : a->count ? VALUES_NONE : VALUES_ALL,
	};
	struct launch launch = { .argv = program, .lossless = a->lossless, .buffer = 64 << 10 };
	OWN(arena) arena = { 0 };
	OWN(image) img = { 0 };
	OWN(go_program) prog = { 0 };
	OWN(plan) plan = { 0 };
	OWN(out_file) file = { 0 };

	while (launch.buffer < a->buffer)	/* a power of two */
		launch.buffer *= 2;
	if (!check(a, nrest, program, err) || !check_form(a, err) ||
	    !find_program(&arena, program[0], &launch.path, err) ||
	    !image_open(&img, launch.path, err) || !go_open(&prog, &img, err) ||
	    !plan_make(&plan, &prog, &request, err))
		return false;
	if (!a->output && !a->plan)	/* stdout is the program's */
		out_open(&file.out, STDERR_FILENO);
	else if (!out_file_open(&file, a->output, true, err))
		return false;
	file.out.held = !a->plan;
	file.out.color = use_color(&a->common, file.out.fd);
	if (a->plan ? !planned(&plan, launch.path, &file.out, a->common.json, err)
		    : !traced(a, &plan, &launch, &file.out, status, err))
		return false;
	return out_file_commit(&file, err);
}

static const struct trace_args defaults = {
	.strings = 64, .elements = 8, .depth = 2, .buffer = 8 << 20, .frames = 32
};

const struct command cmd_trace = {
	.name = "trace",
	.usage = "[OPTIONS] PATTERN… -- PROGRAM [ARG…]",
	.what = "show calls of functions with typed arguments, results and durations",
	.about = "PATTERN says which functions: main.handle, 'main.*', '*.ServeHTTP', "
		 "'net/http/...', store.go:88, 0x459e60, 're:EXPR'; '!PATTERN' takes away. "
		 "The runtime and its internals match only when a pattern names them.\n\n"
		 "The program keeps its input, output and signals; goshawk ends with its status. "
		 "Calls are printed on stderr, or to the file of -o.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.examples = {
		{ "goshawk trace 'main.*' -- ./server -port 8080",
		  "all functions of package main" },
		{ "goshawk trace --json -o calls.json '*.ServeHTTP' -- ./server", "for machines" },
		{ "goshawk trace --entry --max 10 --redact password 'main.login' -- ./server",
		  "the first ten entries, without passwords" },
	},
	.args_size = sizeof(struct trace_args),
	.run = trace,
	.defaults = &defaults,
};
