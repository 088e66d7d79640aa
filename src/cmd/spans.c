/* spans - OpenTelemetry traces of a running Go program. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/engine.h"
#include "cmd/pump.h"
#include "cmd/spans_read.h"
#include "cmd/spans_say.h"
#include "cmd/spans_to.h"
#include "cmd/stop.h"
#include "cmd/target.h"
#include "out/shown.h"
#include "out/sinks.h"
#include "out/span_json.h"
#include "plan/redact.h"
#include "span/collect.h"
#include "span/handlers.h"

enum { TICK_NS = 200000000, BUFFER = 2 << 20, SHOWN_BYTES = 256 };
enum { NOT_GIVEN = -1 };	/* of what is refused if it is 0 */

/* To wake up costs as much as some spans do, and the processor may be the program's. The buffers
 * hold much more than what comes meanwhile. */
enum { ROUND_MS = 20 };

struct spans_args {
	struct common_args common;
	bool console, plan, no_inject, logs;
	const char *pid, *engine, *otlp, *output, *store;
	u64 store_size;
	i64 store_age;
	struct spans_read_args read;
	struct opt_list func, show, only, no, redact;
	i64 for_ns;
	u64 max;
};

#define O(letter, name, kind, value, field, help)                                                  \
	OPT(struct spans_args, letter, name, kind, value, field, help)
static const struct opt opts[] = {
	O('p', "pid", OPT_TEXT, "PID", pid,
	  "this process (a number, or a name that one process has)"),
	O(0, "otlp", OPT_TEXT, "URL", otlp,
	  "send spans to this collector by OTLP over HTTP: http://localhost:4318"),
	O(0, "console", OPT_FLAG, NULL, console,
	  "print each trace as a tree on stderr when it has ended"),
	O(0, "store", OPT_TEXT, "FILE", store,
	  "keep spans in this SQLite file (several may write to one)"),
	O(0, "store-size", OPT_SIZE, "SIZE", store_size,
	  "... which grows to this, and then loses its oldest traces (256MiB)"),
	O(0, "store-age", OPT_DURATION, "DURATION", store_age, "... and those that are older (7d)"),
	O(0, "read", OPT_TEXT, "FILE", read.file,
	  "show the newest traces of a store; nothing is started"),
	O(0, "slow", OPT_DURATION, "DURATION", read.slow_ns,
	  "... the slowest, of those that took at least so long"),
	O(0, "errors", OPT_FLAG, NULL, read.errors, "... those with errors only"),
	O(0, "trace", OPT_TEXT, "ID", read.trace,
	  "... all spans of one, told by the beginning of its id"),
	O(0, "html", OPT_TEXT, "OUT", read.html, "... as a page of HTML, which is written to OUT"),
	O('o', "output", OPT_TEXT, "FILE", output,
	  "write trees, or the objects of --json, to FILE"),
	O(0, "func", OPT_LIST, "PATTERN", func,
	  "spans for these functions as well: 'main.load*', '(*Store).Get'"),
	O(0, "show", OPT_LIST, "EXPR,…", show,
	  "attributes of the spans of --func: 'user.ID, len(body)'"),
	O(0, "logs", OPT_FLAG, NULL, logs,
	  "lines of logs (log/slog, zap, zerolog, logrus) as events of the span they are in"),
	O(0, "only", OPT_LIST, "LIST", only,
	  "these libraries only: http-server, grpc-client, … (--plan names them)"),
	O(0, "no", OPT_LIST, "LIST", no, "not these libraries"),
	O(0, "no-inject", OPT_FLAG, NULL, no_inject,
	  "write nothing into requests that the program sends (traceparent, b3, baggage)"),
	O(0, "redact", OPT_LIST, "PATTERN", redact,
	  "parameters, fields or functions whose values are neither copied nor shown"),
	O(0, "for", OPT_DURATION, "DURATION", for_ns, "stop after this long (50ms, 1.5s, 2m)"),
	O(0, "max", OPT_NUM, "N", max, "stop after N traces"),
	O(0, "engine", OPT_TEXT, "NAME", engine,
	  "auto (inline where that is permitted, else uprobe), inline, uprobe (kernel probes)"),
	O(0, "plan", OPT_FLAG, NULL, plan,
	  "print what was found in the program, what is watched, and what is off and why; start "
	  "nothing"),
};

static bool is_bounded(const struct spans_args *a)
{
	return a->store_size != (u64)NOT_GIVEN || a->store_age != NOT_GIVEN;
}

/* Is there anything that only means something when a program is looked at? */
static bool is_run(const struct spans_args *a, char **program)
{
	return program || a->pid || a->otlp || a->store || is_bounded(a) ||
	       a->console || a->plan || a->logs || a->no_inject || a->engine || a->func.n ||
	       a->show.n || a->only.n || a->no.n || a->redact.n ||
	       a->for_ns != NOT_GIVEN || a->max != (u64)NOT_GIVEN;
}

static bool check(const struct spans_args *a, size_t nrest, char **program, struct err *err)
{
	const char *zero = !a->for_ns ? "for" : !a->max ? "max" : !a->store_size ? "store-size" :
			   !a->store_age ? "store-age" : NULL;

	if (!spans_read_check(&a->read, is_run(a, program) || nrest, a->output, err))
		return false;
	if (a->read.file)
		return true;
	if (nrest)
		return err_set(err, ERR_USAGE, "spans takes no pattern: functions of your own are "
			       "named by --func");
	if (a->pid && program)
		return err_set(err, ERR_USAGE, "-p PID and a program: one of them");
	if (!a->pid && (!program || !program[0]))
		return err_set(err, ERR_USAGE, "no program: give -p PID, or write it behind `--`, "
			       "for example: goshawk spans -- ./server");
	if (a->show.n && !a->func.n)
		return err_set(err, ERR_USAGE, "--show: says what spans of --func have as "
			       "attributes; there is no --func");
	if (!a->store && is_bounded(a))
		return err_set(err, ERR_USAGE, "--store-size and --store-age are about --store "
			       "FILE, which is not there");
	if (a->store && a->output && file_is_same(a->store, a->output))
		return err_set(err, ERR_USAGE, "-o %s: is the store itself", a->output);
	if (a->common.json && a->console)
		return err_set(err, ERR_USAGE, "--json and --console: one of them");
	return !zero || err_set(err, ERR_USAGE, "--%s 0: give more than 0", zero);
}

/* How what --show asks for is printed, where it is a value of several words. */
static void show(void *ctx, const struct call *c, const struct expr_result *v, struct out *o)
{
	struct value_view *view = ctx;

	shown_value(o, view, c, v);
}

/* All that one run has, between its parts. */
struct session {
	struct arena *arena;
	struct otel_env env;
	const struct go_program *prog;
	const struct spans_args *args;
	struct rules *rules;
	struct sampler sampler;
	u32 propagators;
	struct propagate_ask propagate;
	struct plan *plan;
	struct engine_request how;
	struct out *out;
	struct spans_to to;
};

static struct spans_to_ask where(const struct session *s)
{
	const struct spans_args *a = s->args;

	return (struct spans_to_ask){
		.arena = s->arena, .env = s->env, .otlp = a->otlp, .store = a->store,
		.store_bytes = a->store_size, .store_age_ns = a->store_age,
		.printed = a->console || a->output || a->common.json, .json = a->common.json,
		.whole = a->max,
		.path = s->how.path, .prog = s->prog,
	};
}

static void end_json(const struct session *s, const struct source *src,
		     const struct collector_facts *f, const struct collected *c, u64 dropped,
		     const struct pump_result *r)
{
	struct end_facts end = {
		.sites = src->sites(src->session), .refused = s->plan->nrefused,
		.engine = src->engine, .stop_ns = src->stop_ns(src->session),
		.elapsed_ns = r->elapsed_ns,
		.exited = r->exited, .program_exit = r->program_exit,
	};

	span_json_end(s->out, &end, f, c, dropped);
}

struct enough {
	const struct collector *c;
	u64 max;
};

static bool has_enough(void *ctx)
{
	const struct enough *e = ctx;

	return collector_total(e->c).traces >= e->max;
}

static bool collect(struct session *s, struct source *src, struct pump_result *r, struct err *err)
{
	struct target_facts t = {
		.prog = s->plan->prog, .plan = s->plan, .path = s->how.path, .pid = src->pid,
		.bias = src->bias, .read_rt = src->read_rt, .read_ctx = src->session,
	};
	struct collected all;
	struct value_view view = target_view(&t);
	struct collector_facts facts = {
		.plan = s->plan, .rules = s->rules, .sampler = s->sampler,
		.propagators = s->propagators, .propagates = src->propagates,
		.ahead_ns = src->ahead_ns, .bias = src->bias, .read_rt = src->read_rt,
		.read_ctx = src->session, .to = s->to.at, .nto = s->to.n, .show = show,
		.show_ctx = &view,
	};
	struct pump_limits limits = {
		.for_ns = s->to.n ? s->args->for_ns : 1, .every_ns = TICK_NS, .round_ms = ROUND_MS,
	};
	struct enough enough = { .max = s->args->max };
	struct collector *c;
	struct sink sink;
	u64 dropped;
	bool ok;

	c = collector_new(&facts);
	enough.c = c;
	if (enough.max) {
		limits.enough = has_enough;
		limits.ctx = &enough;
	}
	sink = collector_sink(c);
	if (s->args->common.json)
		sink_json_begin(s->out, &t);
	ok = pump(src, s->plan, &sink, s->out, &limits, r, err);
	engine_held(src, s->plan);
	dropped = spans_to_end(&s->to);
	all = collector_total(c);
	if (s->args->common.json)
		end_json(s, src, &facts, &all, dropped, r);
	spans_say_end(all, dropped);
	collector_release(&c);
	return ok;
}

static bool run(struct session *s, int *status, bool *gone, struct err *err)
{
	struct source src = { 0 };
	struct spans_to_ask to = where(s);
	struct pump_result r = { 0 };
	struct err ignored;
	bool ok;

	stop_catch();
	ok = engine_start(&src, s->plan, &s->how, err);
	if (ok) {
		spans_say_off(s->rules, s->plan, stderr);
		engine_refusals(s->plan);
		ok = spans_to_begin(&s->to, &to, src.pid, s->out, err);
		if (!ok)	/* now, for the program may run for long */
			fprintf(stderr, TALK "%s; the program is left\n", err->msg);
		ok = collect(s, &src, &r, ok ? err : &ignored) && ok;
		*status = r.exited ? r.program_exit : 0;
		*gone = r.gone;
	}
	source_release(&src);
	stop_uncatch();
	return ok;
}

/* Rules first: their asks are the plan's first expressions. */
static struct plan_request request_of(const struct spans_args *a, struct rules *r,
				      struct arena *arena)
{
	size_t n = r->n + a->func.n, k = 0;
	const char **patterns = ARENA_ARRAY(arena, const char *, n + 1);
	struct expr_ask *asks = ARENA_ARRAY(arena, struct expr_ask, r->nasks + a->show.n + 1);
	struct plan_request q = {
		.patterns = patterns, .npatterns = n, .asks = asks, .extras = r->extras,
		.nextras = r->n, .ctxs = r->ctxs, .nctxs = r->nctxs, .contexts = true,
		.redact = a->redact.at, .nredact = a->redact.n,
		.strings = 64, .elements = 8, .depth = 2, .values = VALUES_ERROR,
		.goroutines = a->func.n || rules_follow(r), .packed = true,
		/* where functions of one's own are seen, any goroutine of the program may call one
		 */
		.quiet = r->quiet, .nquiet = a->func.n ? r->nquiet_always : r->nquiet,
	};

	for (size_t i = 0; i < a->func.n; i++)
		patterns[k++] = a->func.at[i];
	for (u32 i = 0; i < r->n; i++)
		patterns[k++] = r->patterns[i];
	for (u32 i = 0; i < r->nasks; i++)
		asks[q.nasks++] = r->asks[i];
	for (size_t i = 0; i < a->show.n; i++)
		asks[q.nasks++] = (struct expr_ask){
			.role = EXPR_SHOW, .option = "--show", .text = a->show.at[i],
			.most = SHOWN_BYTES,
		};
	return q;
}

/* A line and an address are patterns, too. */
static bool no_places(const struct plan *p, struct err *err)
{
	for (u32 i = 0; i < p->nfuncs; i++)
		if (p->funcs[i].line_at)
			return err_set(err, ERR_USAGE, "--func: a line or address inside a "
				       "function (%.*s) has no end, so there is no span of it; "
				       "name the function", STR_F(p->funcs[i].func->name));
	return true;
}

static bool spans(const void *args, const char **rest, size_t nrest, char **program, int *status,
		  struct err *err)
{
	struct spans_args given = *(const struct spans_args *)args;
	const struct spans_args *a = &given;
	struct rules rules = { 0 };
	struct plan_request request;
	OWN(arena) arena = { 0 };
	struct session s = {
		.args = a, .rules = &rules, .arena = &arena, .env = spans_environment(),
	};
	OWN(image) img = { 0 };
	OWN(go_program) prog = { 0 };
	OWN(plan) plan = { 0 };
	OWN(out_file) file = { 0 };
	struct spans_to_ask to;
	bool gone = false, sends;

	(void)rest;
	s.plan = &plan;
	rules.logs = a->logs;
	s.prog = &prog;
	s.how = (struct engine_request){ .argv = program, .buffer = BUFFER };
	if (!check(a, nrest, program, err))
		return false;
	if (a->read.file)
		return spans_read(&a->read, &a->common, a->output, err);
	if (a->for_ns == NOT_GIVEN)	/* from here on, 0 is what was not given */
		given.for_ns = 0;
	if (a->max == (u64)NOT_GIVEN)
		given.max = 0;
	if (a->store_size == (u64)NOT_GIVEN)
		given.store_size = 0;
	if (a->store_age == NOT_GIVEN)
		given.store_age = 0;
	if (!engine_named(a->engine, &s.how.engine, err) ||
	    !rules_wanted(&rules, &a->only, &a->no, err) ||
	    !target_to_run(&img, a->pid, program, &arena, &s.how.path, err))
		return false;
	if (!a->plan && spans_are_disabled())
		return spans_run_untouched(a->pid, s.how.path, program, err);
	if (!go_open(&prog, &img, err))
		return false;
	spans_from_environment(&s.env, &s.sampler, &s.propagators);
	sends = !a->no_inject && rules_send(&rules, &prog);
	if (!sends)	/* it only goes on */
		s.propagators &= ~(u32)PROPAGATOR_BAGGAGE;
	rules.how = s.propagators;
	rules_choose(&rules, &prog, s.how.engine == ENGINE_UPROBE, &arena);
	if (!handlers_choose(&rules, &prog, a->func.at, a->func.n, &arena, err))
		return false;
	request = request_of(a, &rules, &arena);
	request.probes = s.how.engine == ENGINE_UPROBE;
	s.propagate = (struct propagate_ask){ s.sampler.parent, s.sampler.below, s.propagators };
	if (s.propagators && sends)
		request.propagate = &s.propagate;
	if (!request.npatterns)
		return err_set(err, ERR_UNSUPPORTED, "%s: none of the libraries that spans knows "
			       "and was asked for is in this program; name functions of its own "
			       "by --func", s.how.path);
	if (!plan_make(&plan, &prog, &request, err) || !no_places(&plan, err) ||
	    (a->func.n && !redact_check(&plan, err)))
		return false;
	s.how.pid = img.pid;
	to = where(&s);
	if (!a->plan && !spans_to_try(&to, err))
		return false;
	/* stdout is the program's */
	if (!a->output && !a->plan && !(a->common.json && a->pid))
		out_open(&file.out, STDERR_FILENO);
	else if (!target_output(&file, a->output, true, &img, err))
		return false;
	s.out = &file.out;
	s.out->held = !a->plan;
	s.out->color = use_color(&a->common, s.out->fd);
	if (a->plan ? !spans_plan(&rules, &plan, s.how.path, s.out, a->common.json, err)
		    : !run(&s, status, &gone, err))
		return file.own_fd && s.out->failed ? err_in(err, "%s", file.path) : false;
	if (!out_file_commit(&file, err))
		return false;
	return !gone || err_set(err, ERR_GONE, "process %d has ended; what it did until then was "
				"written", s.how.pid);
}

static const struct spans_args defaults = {
	.for_ns = NOT_GIVEN, .max = (u64)NOT_GIVEN, .store_size = (u64)NOT_GIVEN,
	.store_age = NOT_GIVEN,
};

const struct command cmd_spans = {
	.name = "spans",
	.usage = "[OPTIONS] (--read FILE | -p PID | -- PROGRAM [ARG…])",
	.what = "OpenTelemetry traces of a running Go program, which is not rebuilt",
	.about = "Spans of what net/http and gRPC serve and send, of what databases "
		 "(database/sql, pgx), Redis (go-redis) and MongoDB (mongo-driver) are asked, of "
		 "what is sent and received by Kafka (franz-go, kafka-go, sarama), and of the "
		 "functions of --func. A goroutine is in the span of the one that started it, as "
		 "long as that is open. "
		 "A traceparent that comes with a request (or B3, if OTEL_PROPAGATORS says so) "
		 "makes the caller's span the parent.\n\n"
		 "Spans are sent to a collector by OTLP where --otlp says so, or without that, "
		 "--store, --console, --json and -o the variable OTEL_EXPORTER_OTLP_ENDPOINT; "
		 "else they are printed. A collector gets metrics of all calls as well. "
		 "OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, OTEL_PROPAGATORS, "
		 "OTEL_SDK_DISABLED, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, "
		 "OTEL_EXPORTER_OTLP_*, OTEL_BSP_*, OTEL_METRICS_EXPORTER, "
		 "OTEL_METRICS_EXEMPLAR_FILTER and OTEL_METRIC_EXPORT_* are honoured. Headers "
		 "other than User-Agent and those of OTEL_PROPAGATORS (traceparent, tracestate, "
		 "baggage), query strings and user information of URLs are not read.\n\n"
		 "The program keeps its input, output and signals; goshawk ends with its status.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.examples = {
		{ "goshawk spans -- ./server -port 8080", "each request as a tree of spans" },
		{ "goshawk spans --otlp http://localhost:4318 -p caddy",
		  "spans of a running server go to a collector" },
		{ "goshawk spans --func 'main.load' --show 'id, len(name)' -- ./server",
		  "spans of a function, with its arguments as attributes" },
	},
	.args_size = sizeof(struct spans_args),
	.defaults = &defaults,
	.run = spans,
};
