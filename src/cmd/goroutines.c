/* goroutines - every goroutine of a process or a core: where it stands, and what for. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/target.h"
#include "go/inlines.h"
#include "go/release.h"
#include "inline/glance.h"
#include "out/goroutine.h"
#include "plan/redact.h"

struct goroutines_args {
	struct common_args common;
	const char *pid, *output, *state;
	struct opt_list func, redact;
	i64 older;
	bool folded, runtime, all;
	u64 strings, elements, depth;
};

/* What is shown, by what was asked for. */
struct picked {
	const struct goroutine **at;
	u64 *hashes;
	size_t n;
	size_t system;		/* left out because they are the runtime's */
	struct arena arena;
};

static bool has_state(const struct go_program *prog, const struct goroutine *g, const char *want)
{
	static const char *const words[] = { "", "", "running", "syscall", "waiting" };
	const char *state = goroutine_state(prog, g);

	if (!want || str_find(str_of(state), str_of(want)) >= 0)
		return true;
	return g->status < ARRAY_LEN(words) && !strcmp(want, words[g->status]);
}

static bool pick(struct picked *p, const struct goroutines_args *a, struct goroutine_view *v,
		 struct err *err)
{
	const struct goroutines *gs = v->all;
	struct patterns funcs = { 0 };

	if (!patterns_compile(&funcs, a->func.at, a->func.n, err))
		return false;
	p->at = ARENA_ARRAY(&p->arena, const struct goroutine *, gs->all.n + 1);
	for (size_t i = 0; i < gs->all.n; i++) {
		const struct goroutine *g = &gs->all.at[i];

		if (!has_state(v->prog, g, a->state) ||
		    (a->older && goroutine_waits_ns(v, g) < a->older) ||
		    (a->func.n && !goroutine_has(v, g, &funcs)))
			continue;
		if (g->system && !a->all && !a->common.json)
			p->system++;
		else
			p->at[p->n++] = g;
	}
	patterns_release(&funcs);
	return true;
}

static void json(const struct picked *p, struct goroutine_view *v, struct out *o)
{
	struct json j;

	json_begin(&j, o);
	for (size_t i = 0; i < p->n; i++)
		goroutine_json(&j, v, p->at[i]);
}

struct group {
	const struct goroutine **at;
	size_t n;
};

static int larger_first(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->at[0]->goid < y->at[0]->goid ? -1 : 1;
}

/* Those that stand at the same place, in the order of their goids; the largest group first. */
static size_t groups_make(struct picked *p, struct goroutine_view *v, struct group **to)
{
	u64 *of = ARENA_ARRAY(&p->arena, u64, p->n + 1);
	struct group *groups = ARENA_ARRAY(&p->arena, struct group, p->n + 1);
	struct map by_hash = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		u64 *at = map_put(&by_hash, goroutine_hash(v, p->at[i]));

		if (!*at)
			*at = ++n;
		of[i] = *at - 1;
		groups[of[i]].n++;
	}
	for (size_t i = 0; i < n; i++) {
		groups[i].at = ARENA_ARRAY(&p->arena, const struct goroutine *, groups[i].n);
		groups[i].n = 0;
	}
	for (size_t i = 0; i < p->n; i++)
		groups[of[i]].at[groups[of[i]].n++] = p->at[i];
	map_release(&by_hash);
	if (n)
		qsort(groups, n, sizeof(*groups), larger_first);
	*to = groups;
	return n;
}

static void text(struct picked *p, const struct goroutines_args *a, struct goroutine_view *v,
		 i64 stop_ns, struct out *o)
{
	struct group *groups;
	size_t n = groups_make(p, v, &groups);

	for (size_t i = 0; i < n; i++) {
		if (a->folded) {
			goroutine_folded(o, v, groups[i].at[0]);
			out_fmt(o, " %zu", groups[i].n);
			out_line(o);
			continue;
		}
		goroutine_group_print(o, v, groups[i].at, groups[i].n);
		out_line(o);
	}
	if (a->folded)
		return;
	out_fmt(o, "%zu goroutine%s", p->n, p->n == 1 ? "" : "s");
	if (p->system)
		out_fmt(o, ", and %zu of the runtime's own (--all)", p->system);
	if (v->all->unreadable)
		out_fmt(o, "; %llu could not be read", (unsigned long long)v->all->unreadable);
	if (v->prog->img->cut)
		out_z(o, "; the core is cut: its end is missing");
	if (stop_ns) {
		out_z(o, "; the process stood still for ");
		out_duration(o, stop_ns / 1000 * 1000);
	}
	out_line(o);
}

static void json_end_counts(const struct picked *p, const struct goroutine_view *v, i64 stop_ns,
			    struct out *o)
{
	struct json j;

	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "end");
	json_key(&j, "goroutines");
	json_u64(&j, p->n);
	json_key(&j, "unreadable");
	json_u64(&j, v->all->unreadable);
	json_key(&j, "stop_ns");
	json_i64(&j, stop_ns);
	json_object_end(&j);
	json_line(&j);
}

static bool show(const struct goroutines_args *a, const struct target *t,
		 const struct goroutines *gs, i64 stop_ns, struct out *o, struct err *err)
{
	struct plan_request limits = {
		.strings = a->strings, .elements = a->elements, .depth = a->depth,
		.redact = a->redact.at, .nredact = a->redact.n,
	};
	struct goroutine_view *v = mem_resize(NULL, sizeof(*v));
	struct picked p = { 0 };
	bool ok = goroutine_view_init(v, gs, &limits, err);

	v->runtime = a->runtime;
	v->now = t->img.kind == IMAGE_PROCESS ? now_ns() : 0;
	ok = ok && pick(&p, a, v, err);
	if (ok && !a->folded)
		goroutine_find_holders(v);
	if (ok && a->common.json) {
		target_json_begin(t, o);
		json(&p, v, o);
		json_end_counts(&p, v, stop_ns, o);
	} else if (ok) {
		text(&p, a, v, stop_ns, o);
	}
	arena_release(&p.arena);
	goroutine_view_release(v);
	mem_free(v);
	return ok;
}

/* Of a goroutine, and what it waits for, some have the same name. */
static bool is_named_before(const struct go_program *prog, size_t n, const char *state)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(goroutine_state_at(prog, i), state))
			return true;
	return false;
}

/* Is there a state with this in it? Of those that are there, the plain forms are named: "chan
 * receive (nil chan)" is one more of "chan receive". */
static bool check_state(const struct go_program *prog, const char *want, struct err *err)
{
	struct out list;
	const char *state;
	bool found = false;

	out_memory(&list);
	for (size_t i = 0; (state = goroutine_state_at(prog, i)); i++) {
		found |= str_find(str_of(state), str_of(want)) >= 0;
		if (!strchr(state, '(') && !is_named_before(prog, i, state))
			out_fmt(&list, "%s%s", i ? ", " : "", state);
	}
	if (!found)
		err_set(err, ERR_USAGE, "goroutines: no goroutine of go1.%u is ever in a state "
			"like '%.50s'; there are: %.*s", prog->rel->minor, want, (int)list.n,
			list.buf);
	out_release(&list);
	return found;
}

/* Does a function have such a name, or what was inlined into one? */
static bool check_func(const struct go_program *prog, const char *pattern, struct err *err)
{
	struct patterns one = { 0 };
	struct inlines inlines = { 0 };
	OWN(arena) a = {0};
	bool ok = patterns_compile(&one, &pattern, 1, err), met = false;
	u64 hits = 0;

	for (size_t i = 0; ok && !hits && i < prog->nfuncs; i++)
		patterns_count(&one, prog, &prog->funcs[i], STR(""), &hits);
	if (ok && !hits)
		inlines_make(&inlines, prog, &a);
	for (size_t i = 0; !met && i < inlines.n; i = inlines_next_name(&inlines, i))
		met = patterns_match_text(&one, inlines.at[i].name);
	ok = ok && (met || patterns_check_hits(&one, prog, &hits, err));
	patterns_release(&one);
	return ok;
}

/* What can't be there is not looked for, and the process runs on. */
static bool check_asked(const struct goroutines_args *a, const struct go_program *prog,
			struct err *err)
{
	for (size_t i = 0; i < a->func.n; i++)
		if (!check_func(prog, a->func.at[i], err))
			return false;
	return (!a->state || check_state(prog, a->state, err)) &&
	       redact_check_program(prog, a->redact.at, a->redact.n, err);
}

static bool goroutines(const void *args, const char **rest, size_t nrest, char **program,
		       int *status, struct err *err)
{
	const struct goroutines_args *a = args;
	OWN(target) t = {0};
	OWN(out_file) file = {0};
	OWN(goroutines) gs = {0};
	i64 stop_ns = 0;
	bool ok;

	(void)program;
	(void)status;
	if (a->folded && a->common.json)
		return err_set(err, ERR_USAGE, "goroutines: --folded and --json are two forms of "
			       "output: give one");
	ok = target_open_memory(&t, "goroutines", a->pid, rest, nrest, err) &&
	     check_asked(a, &t.prog, err);
	if (ok && t.img.kind == IMAGE_PROCESS)
		ok = glance(&gs, &t.img, &t.prog, &stop_ns, err);
	else if (ok)
		ok = goroutines_gather(&gs, &t.img, &t.prog, NULL, 0, err) ||
		     err_in(err, "%s", rest[0]);
	if (!ok)
		return false;
	goroutines_settle(&gs);
	if (!target_output(&file, a->output, false, &t.img, err))
		return false;
	file.out.color = !a->common.json && use_color(&a->common, file.out.fd);
	return show(a, &t, &gs, stop_ns, &file.out, err) && out_file_commit(&file, err);
}

static const struct goroutines_args defaults = { .strings = 64, .elements = 8, .depth = 1 };

static const struct opt opts[] = {
	TARGET_PID_OPTION(struct goroutines_args),
	OPT(struct goroutines_args, 0, "state", OPT_TEXT, "STATE", state,
	    "only those in this state: running, runnable, syscall, waiting, or a part of what they "
	    "wait for ('chan receive', Mutex)"),
	OPT(struct goroutines_args, 0, "func", OPT_LIST, "PATTERN", func,
	    "only those that have a function like this on their stack"),
	OPT(struct goroutines_args, 0, "older", OPT_DURATION, "DURATION", older,
	    "only those that have waited at least so long"),
	OPT(struct goroutines_args, 0, "all", OPT_FLAG, NULL, all,
	    "the runtime's own goroutines, too"),
	OPT(struct goroutines_args, 0, "runtime", OPT_FLAG, NULL, runtime,
	    "the runtime's functions, too, which tracebacks leave out"),
	OPT(struct goroutines_args, 0, "folded", OPT_FLAG, NULL, folded,
	    "one line for each stack and how many stand there, as flame graphs are made of"),
	OPT(struct goroutines_args, 0, "redact", OPT_LIST, "PATTERN", redact,
	    "show no parameter, field or function of a name like this"),
	OPT(struct goroutines_args, 0, "strings", OPT_NUM, "N", strings,
	    "show so many bytes of a string (64)"),
	OPT(struct goroutines_args, 0, "elements", OPT_NUM, "N", elements,
	    "show so many elements of a slice or map (8)"),
	OPT(struct goroutines_args, 0, "depth-of-values", OPT_NUM, "N", depth,
	    "follow pointers in values so many times (1)"),
	TARGET_OUTPUT_OPTION(struct goroutines_args),
};

const struct command cmd_goroutines = {
	.name = "goroutines",
	.usage = "[OPTIONS] TARGET [FILE]",
	.what = "goroutines of a process or core: where they stand, since when, for what",
	.about = "TARGET is a process (a number, or -p PID) or a core file, which its executable "
		 "may follow. A process stands still for some milliseconds, nothing is written "
		 "into it, and how long it was is said. Works stripped.\n\n"
		 "Goroutines that stand at the same place are one group; its arguments are those "
		 "of the first one. An argument is shown where the compiler says that the function "
		 "keeps it at that moment, and is ? elsewhere. What lies behind pointers is read "
		 "when the process runs again. How long one has waited counts from the first "
		 "collection of garbage after it began, and is not known in a core.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.args_size = sizeof(struct goroutines_args),
	.defaults = &defaults,
	.examples = {
		{ "goshawk goroutines -p caddy", "what a running program is busy with" },
		{ "goshawk goroutines --state Mutex --older 1m 4711", "what has hung for a "
								      "minute" },
		{ "goshawk goroutines core ./service", "the same of a core file" },
	},
	.run = goroutines,
};
