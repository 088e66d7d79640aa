/* trace - calls of functions, with typed arguments and results. */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "bpf/bpf.h"
#include "cmd/cmds.h"
#include "cmd/engine.h"
#include "cmd/form.h"
#include "cmd/pump.h"
#include "cmd/stop.h"
#include "cmd/target.h"
#include "inline/inline.h"
#include "out/sinks.h"
#include "plan/creations.h"
#include "plan/redact.h"

enum { ASKS = 4 };	/* expressions, besides those of --show */
enum { FRAMES = 32 };	/* of a stack, if --frames does not say it */
#define NOT_GIVEN UINT64_MAX

struct trace_args {
	struct common_args common;
	bool entry, plan, lossless, stack, goroutines;
	const char *output, *pid, *engine;
	struct opt_list redact, show;
	const char *condition;
	struct form form;
	i64 for_ns;
	u64 max, max_overhead, strings, elements, depth, buffer, frames;
};

#define O(letter, name, kind, value, field, help)                                                  \
	OPT(struct trace_args, letter, name, kind, value, field, help)
static const struct opt opts[] = {
	O('p', "pid", OPT_TEXT, "PID", pid,
	  "trace this process (a number, or a name that one process has)"),
	O('o', "output", OPT_TEXT, "FILE", output,
	  "write the calls to FILE ('-' is stdout)"),
	O(0, "entry", OPT_FLAG, NULL, entry, "entries only, at once: for calls that never return"),
	O(0, "if", OPT_TEXT, "EXPR", condition,
	  "only calls for which this holds: 'len(url) > 9 && err != nil && duration > 5ms'"),
	O(0, "show", OPT_LIST, "EXPR,…", show,
	  "show this in the place of the arguments: 'user.ID, len(body), err.(type)'"),
	O(0, "stack", OPT_FLAG, NULL, stack, "the Go stack of each call, with inlined calls"),
	O(0, "frames", OPT_NUM, "N", frames,
	  "return addresses of a stack that are read (32, up to 128)"),
	O(0, "goroutines", OPT_FLAG, NULL, goroutines,
	  "goroutines that are made and end, too; PATTERN may then be left out"),
	FORM_OPTIONS(struct trace_args, form),
	O(0, "for", OPT_DURATION, "DURATION", for_ns,
	  "stop tracing after this long (50ms, 1.5s, 2m)"),
	O(0, "max", OPT_NUM, "N", max, "stop tracing after N calls (without PATTERN: after N "
	  "goroutines were made)"),
	O(0, "strings", OPT_NUM, "N", strings, "bytes of a string that are shown (64, up to 2048)"),
	O(0, "elements", OPT_NUM, "N", elements,
	  "elements of a slice, array or map that are shown (8, up to 64)"),
	O(0, "depth-of-values", OPT_NUM, "N", depth,
	  "levels of pointers that are followed (2, up to 8)"),
	O(0, "redact", OPT_LIST, "PATTERN", redact,
	  "parameters, fields or functions whose values are neither copied nor shown"),
	O(0, "buffer", OPT_SIZE, "SIZE", buffer,
	  "buffer for each thread of the program (8MiB; 64KiB to 1GiB)"),
	O(0, "lossless", OPT_FLAG, NULL, lossless,
	  "the program waits for room in its buffer instead of losing calls"),
	O(0, "engine", OPT_TEXT, "NAME", engine,
	  "auto (inline where that is permitted, else uprobe), inline, uprobe (kernel probes)"),
	O(0, "max-overhead", OPT_NUM, "PERCENT", max_overhead,
	  "with --engine uprobe: switch off what is too hot when kernel probes take more of a "
	  "processor than this"),
	O(0, "plan", OPT_FLAG, NULL, plan,
	  "print what would be done, and the generated code; start nothing"),
};

/* What says something of calls. */
static const char *about_calls(const struct trace_args *a)
{
	return a->condition ? "if" : a->show.n ? "show" : a->stack ? "stack" :
	       a->entry ? "entry" : NULL;
}

static bool check(const struct trace_args *a, size_t npatterns, char **program, struct err *err)
{
	const struct form *f = &a->form;

	if (a->goroutines &&
	    (f->graph || f->summary || f->count || f->hist || f->hist_linear))
		return err_set(err, ERR_USAGE, "--goroutines: goroutines are shown among lines of "
			       "calls, not in other forms of output");
	if (!npatterns && !a->goroutines)
		return err_set(err, ERR_USAGE,
			       "no pattern: name the functions to trace, for example 'main.*'");
	if (!npatterns && about_calls(a))
		return err_set(err, ERR_USAGE, "--%s is about calls: name the functions to trace, "
			       "for example 'main.*'", about_calls(a));
	if (a->pid && program)
		return err_set(err, ERR_USAGE, "-p PID and a program: one of them");
	if (!a->pid && (!program || !program[0]))
		return err_set(
			err, ERR_USAGE,
			"no program: give -p PID, or write it behind `--`, for example: "
			"goshawk trace 'main.*' -- ./server");
	if (a->buffer < 64 << 10 || a->buffer > 1 << 30)
		return err_set(err, ERR_USAGE, "--buffer: between 64KiB and 1GiB");
	if (a->depth > 8 || a->strings > 2048 || a->elements > 64)
		return err_set(err, ERR_USAGE,
			       "at most --depth-of-values 8, --strings 2048, --elements 64");
	if (a->frames == NOT_GIVEN)
		return true;
	if (!a->stack)
		return err_set(err, ERR_USAGE, "--frames: without --stack no stack is read");
	return (a->frames >= 1 && a->frames <= 128) ||
	       err_set(err, ERR_USAGE, "--frames: between 1 and 128");
}

static bool check_left(const struct plan *plan, const char **patterns, size_t n, struct err *err)
{
	for (u32 i = 0; i < plan->nfuncs; i++)
		if (plan->funcs[i].shown)
			return true;
	return !n || patterns_left_nothing(patterns, n, "trace", err);
}

/* Is anything to be seen? An engine may refuse more than the plan does. */
static bool check_seen(const struct plan *plan, struct err *err)
{
	enum err_kind kind = ERR_USAGE;	/* an expression fits nothing */
	u32 n = 0;

	for (u32 i = 0; i < plan->nfuncs; i++) {
		const struct plan_func *f = &plan->funcs[i];

		if (!f->shown)
			continue;
		if (!f->refusal)
			return true;
		if (f->refusal != REFUSE_EXPRESSION)
			kind = ERR_REFUSED;
		n++;
	}
	if (!n || plan->request.goroutines)
		return true;
	engine_refusals(plan);
	return err_set(err, kind, "nothing is left to trace");
}

static bool traced(const struct trace_args *a, const struct form *form, struct plan *plan,
		   const struct engine_request *l,
		   struct out *out, int *status, bool *gone, struct err *err)
{
	struct source src = { 0 };
	struct pump_limits limits = {
		.for_ns = a->for_ns, .max = a->max, .every_ns = form->every_ns,
	};
	struct pump_result r = { 0 };
	struct arena arena = { 0 };
	struct end_facts end = { 0 };
	struct sink sink;
	u64 unreadable = 0;
	OWN(stacks) stacks = { 0 };
	OWN(out) talk;
	bool ok;

	out_open(&talk, STDERR_FILENO);
	talk.lines = true;
	stop_catch();
	ok = engine_start(&src, plan, l, err) && (!l->pid || check_seen(plan, err));
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
			.unreadable = &unreadable,
		};

		stacks = stacks_of(plan->prog, src.bias);
		if (a->common.json)
			sink_json_begin(out, &t);
		sink = form_sink(form, &arena, out, &t);
		engine_refusals(plan);
		if (a->goroutines && creations_refusal(plan))
			fprintf(stderr, TALK "how goroutines are made is not seen: "
				"runtime.newproc1: %s\n", refusal_text(creations_refusal(plan)));
		ok = pump(&src, plan, &sink, out, &limits, &r, err);
		engine_held(&src, plan);
		end = (struct end_facts){
			.calls = r.shown,
			.lost = r.lost,
			.unreadable = r.unreadable + unreadable,
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
		*gone = r.gone;
	}
	source_release(&src);
	stop_uncatch();
	arena_release(&arena);
	return ok;
}

/* --plan: what would be done. */
static bool planned(const struct plan *plan, const char *path, struct out *out, bool json,
		    struct err *err)
{
	struct target_facts t = { .prog = plan->prog, .plan = plan, .path = path,
				  .pid = plan->prog->img->pid };
	struct end_facts end = { .refused = plan->nrefused, .engine = "inline" };

	if (plan->request.probes)
		end.engine = "uprobe";
	if (json)
		sink_json_begin(out, &t);
	if (!(plan->request.probes ? bpf_print : inline_print)(plan, out, json, &end.sites, err))
		return false;
	if (json)
		sink_json_end(out, &end);
	return true;
}

/* --if and --show, behind what the form of output asks for. */
static void ask(const struct trace_args *a, struct plan_request *r, struct expr_ask *asks)
{
	if (a->condition)
		asks[r->nasks++] = (struct expr_ask){
			.role = EXPR_IF, .option = "--if", .text = a->condition };
	for (size_t i = 0; i < a->show.n; i++)
		asks[r->nasks++] = (struct expr_ask){
			.role = EXPR_SHOW, .option = "--show", .text = a->show.at[i] };
}

/* From here on, 0 is what was not given. */
static bool settle(struct trace_args *a, struct err *err)
{
	const char *zero = !a->for_ns ? "for" : !a->max ? "max" : !a->form.every_ns ? "every" :
			   NULL;

	if (zero)
		return err_set(err, ERR_USAGE, "--%s 0: give more than 0", zero);
	a->for_ns = MAX(a->for_ns, 0);
	a->form.every_ns = MAX(a->form.every_ns, 0);
	if (a->max == NOT_GIVEN)
		a->max = 0;
	return true;
}

static bool trace(const void *args, const char **rest, size_t nrest, char **program, int *status,
		  struct err *err)
{
	struct trace_args given = *(const struct trace_args *)args;
	const struct trace_args *a = &given;
	struct form *form = &given.form;
	struct plan_request request = {
		.patterns = rest, .npatterns = nrest,
		.strings = a->strings, .elements = a->elements, .depth = a->depth,
		.redact = a->redact.at, .nredact = a->redact.n,
		.entry_only = a->entry,
		.frames = !a->stack ? 0 : a->frames == NOT_GIVEN ? FRAMES : a->frames,
		.goroutines = a->goroutines, .packed = true,
		.wrappers = true,
	};
	struct engine_request how = {
		.argv = program, .lossless = a->lossless, .buffer = 64 << 10
	};
	OWN(arena) arena = { 0 };
	OWN(image) img = { 0 };
	OWN(go_program) prog = { 0 };
	OWN(plan) plan = { 0 };
	OWN(out_file) file = { 0 };
	struct expr_ask *asks;
	bool gone = false;

	if (!settle(&given, err) || !check(a, nrest, program, err) ||
	    !form_check(form, &arena, a->entry, a->stack, a->show.n, err) ||
	    !engine_named(a->engine, &how.engine, err))
		return false;
	while (how.buffer < a->buffer)	/* a power of two */
		how.buffer *= 2;
	form->json = a->common.json;
	asks = ARENA_ARRAY(&arena, struct expr_ask, ASKS + a->show.n);
	request.asks = asks;
	form_request(form, &request, asks);
	ask(a, &request, asks);
	request.count_only = form->count && !request.nasks && !a->max;
	if (a->max_overhead && how.engine != ENGINE_UPROBE)
		return err_set(err, ERR_USAGE, "--max-overhead: with --engine uprobe only");
	how.max_overhead = a->max_overhead;
	request.probes = how.engine == ENGINE_UPROBE;
	if (!target_to_run(&img, a->pid, program, &arena, &how.path, err) ||
	    !go_open(&prog, &img, err) || !plan_make(&plan, &prog, &request, err) ||
	    !check_left(&plan, rest, nrest, err) || !form_suits(form, &plan, err) ||
	    !redact_check(&plan, err) || (!a->plan && !check_seen(&plan, err)))
		return false;
	how.pid = img.pid;
	if (!a->output && !a->plan && !a->pid)	/* stdout is the program's */
		out_open(&file.out, STDERR_FILENO);
	else if (!target_output(&file, a->output, true, &img, err))
		return false;
	file.out.held = !a->plan;
	file.out.color = use_color(&a->common, file.out.fd);
	if (a->plan ? !planned(&plan, how.path, &file.out, a->common.json, err)
		    : !traced(a, form, &plan, &how, &file.out, status, &gone, err))
		return file.own_fd && file.out.failed ? err_in(err, "%s", file.path) : false;
	if (!out_file_commit(&file, err))
		return false;
	return !gone || err_set(err, ERR_GONE, "process %d has ended; what it did until then was "
				"written", how.pid);
}

static const struct trace_args defaults = {
	.strings = 64, .elements = 8, .depth = 2, .buffer = 8 << 20, .frames = NOT_GIVEN,
	.for_ns = -1, .max = NOT_GIVEN, .form.every_ns = -1,
};

const struct command cmd_trace = {
	.name = "trace",
	.usage = "[OPTIONS] PATTERN… (-p PID | -- PROGRAM [ARG…])",
	.what = "show calls of functions with typed arguments, results and durations",
	.about = "PATTERN says which functions: main.handle, 'main.*', '*.ServeHTTP', "
		 "'net/http/...', store.go:88, 0x459e60, 're:EXPR'; '!PATTERN' takes away from "
		 "what those before it match, and where it is the first, from everything. "
		 "The runtime and its internals match only when a pattern names them. "
		 "A line or an address inside a function is shown each time that control "
		 "reaches it, without arguments.\n\n"
		 "The program keeps its input, output and signals; goshawk ends with its status. "
		 "Calls are printed on stderr, with -p on stdout, or to the file of -o.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.examples = {
		{ "goshawk trace 'main.*' -- ./server -port 8080",
		  "all functions of package main" },
		{ "goshawk trace --summary --for 10s -p caddy 'net/http.*'",
		  "a table of what a running server does in ten seconds" },
		{ "goshawk trace --entry --max 10 --redact password 'main.login' -- ./server",
		  "the first ten entries, without passwords (stripped: --redact arg1)" },
	},
	.args_size = sizeof(struct trace_args),
	.run = trace,
	.defaults = &defaults,
};
