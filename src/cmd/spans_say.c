#include "cmd/spans_say.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "inline/inline.h"
#include "bpf/bpf.h"
#include "go/modver.h"
#include "out/sinks.h"
#include "out/span_json.h"
#include "plan/creations.h"
#include "span/propagators.h"

bool spans_are_disabled(void)
{
	const char *v = getenv("OTEL_SDK_DISABLED");

	if (v && *v && strcasecmp(v, "true") && strcasecmp(v, "false"))
		fprintf(stderr, TALK "OTEL_SDK_DISABLED=%s: neither true nor false: taken for "
			"false\n", v);
	return v && !strcasecmp(v, "true");
}

bool spans_run_untouched(const char *pid, const char *path, char **program, struct err *err)
{
	fputs(TALK "OTEL_SDK_DISABLED is true: there are no spans\n", stderr);
	if (pid)
		return true;
	execv(path, program);
	return err_set(err, ERR_IO, "%s: can't be started: %s", path, strerror(errno));
}

static const char *get(void *ctx, const char *name)
{
	(void)ctx;
	return getenv(name);
}

static void say_it(void *ctx, const char *sentence)
{
	(void)ctx;
	fprintf(stderr, TALK "%s\n", sentence);
}

struct otel_env spans_environment(void)
{
	return (struct otel_env){ .get = get, .say = say_it };
}

void spans_from_environment(const struct otel_env *e, struct sampler *s, u32 *propagators)
{
	const char *name = otel_env(e, "OTEL_TRACES_SAMPLER");

	if (!sampler_from(s, name, otel_env(e, "OTEL_TRACES_SAMPLER_ARG")))
		otel_say(e, "OTEL_TRACES_SAMPLER=%s or its _ARG is not known: all traces are "
			 "recorded", name);
	*propagators = propagators_of(e, otel_env(e, "OTEL_PROPAGATORS"));
}

static void say(void *ctx, const char *sentence)
{
	fprintf(ctx, TALK "%s\n", sentence);
}

void spans_say_off(const struct rules *r, const struct plan *p, FILE *to)
{
	rules_off(r, p, say, to);
	if (p->request.goroutines && creations_refusal(p))
		fprintf(to, TALK "spans of other goroutines have no parent: "
			"runtime.newproc1: %s\n", refusal_text(creations_refusal(p)));
}

static void count(const char *before, u64 n, const char *after)
{
	if (n)
		fprintf(stderr, "; %s%llu%s", before, (unsigned long long)n, after);
}

void spans_say_end(struct collected c, u64 dropped)
{
	fprintf(stderr, TALK "%llu span%s in %llu trace%s", (unsigned long long)c.spans,
		c.spans == 1 ? "" : "s", (unsigned long long)c.traces, c.traces == 1 ? "" : "s");
	count("", c.unsampled, " not sampled");
	count("", c.unended, " whose end was not seen");
	count("", c.refused, " more than can be open at once");
	count("", c.forgotten, " goroutines forgotten, for there were too many");
	count("", c.outside, c.outside == 1 ? " line of a log in no span" :
					      " lines of logs in no span");
	count("", c.unwritten, c.unwritten == 1 ? " request had no room for traceparent" :
						  " requests had no room for traceparent");
	count("", c.unstated, c.unstated == 1 ? " tracestate was too long" :
						" times tracestate was too long");
	count("", c.unbagged, c.unbagged == 1 ? " baggage was too long" :
						" times baggage was too long");
	count("", dropped, " dropped");
	count("", c.lost, " records lost");
	fputc('\n', stderr);
}

static void say_out(void *ctx, const char *sentence)
{
	out_clean(ctx, str_of(sentence));
	out_line(ctx);
}

static struct str version_of(const struct go_program *prog, const struct library *l)
{
	return l->module ? go_module_version(prog, str_of(l->module)) : prog->version.text;
}

static const char *library_state(const struct rules *r, u32 i)
{
	return !r->wanted[i] ? "not wanted" : r->there[i] ? "on" : "not in this program";
}

/* A version is of what is there. */
static void say_library(const struct rules *r, u32 i, const struct go_program *prog,
			struct out *o)
{
	const struct library *l = rules_libraries[i];
	struct str version = version_of(prog, l);

	out_fmt(o, "%s: %s", l->name, l->package);
	if (r->there[i]) {
		out_z(o, " of ");
		out_clean(o, version.n ? version : STR("no known version"));
	}
	out_fmt(o, ": %s", library_state(r, i));
	out_line(o);
}

static void library_json(const struct rules *r, u32 i, const struct go_program *prog,
			 struct out *o)
{
	const struct library *l = rules_libraries[i];
	struct str version = r->there[i] ? version_of(prog, l) : (struct str){ 0 };

	span_json_library(o, str_of(l->name), str_of(l->package), version, library_state(r, i));
}

static void plan_end(const struct rules *r, const struct plan *p, u64 sites, struct out *o)
{
	struct collector_facts f = { .plan = p, .rules = r };
	struct end_facts end = {
		.sites = sites, .refused = p->nrefused,
		.engine = p->request.probes ? "uprobe" : "inline",
	};

	span_json_end(o, &end, &f, &(struct collected){ 0 }, 0);
}

bool spans_plan(const struct rules *r, const struct plan *p, const char *path, struct out *o,
		bool json, struct err *err)
{
	struct target_facts t = { .prog = p->prog, .plan = p, .path = path,
				  .pid = p->prog->img->pid };
	u64 sites = 0;

	if (json)
		sink_json_begin(o, &t);
	for (u32 i = 0; rules_libraries[i]; i++)
		(json ? library_json : say_library)(r, i, p->prog, o);
	if (!json)
		rules_off(r, p, say_out, o);
	if (!(p->request.probes ? bpf_print : inline_print)(p, o, json, &sites, err))
		return false;
	if (json)
		plan_end(r, p, sites, o);
	return true;
}
