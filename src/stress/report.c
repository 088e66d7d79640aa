#include "stress/report.h"

#include "out/line.h"
#include "out/torn.h"

/* What it is that killed the program, for each kind of crash that a torn value can cause. */
static const char *const meanings[CRASH_KINDS] = {
	[CRASH_FREE_OBJECT] =
		"the collector met a pointer to an object that is free: a pointer and a "
		"length that do not belong together lead behind the end of an object",
	[CRASH_BAD_POINTER] =
		"the collector met a pointer to no object: a pointer and a length that do "
		"not belong together lead behind the end of an object",
	[CRASH_HEAP] =
		"the collector found its own records damaged: somebody has written behind the "
		"end of an object",
	[CRASH_NIL] = "a nil pointer was followed, in a value whose words do not belong together",
	[CRASH_FAULT] =
		"memory was read that is not there, by a length or a type that does not belong to "
		"the pointer",
	[CRASH_COPY] =
		"bytes were read behind the end of memory, by a length that does not belong to the "
		"pointer",
	[CRASH_LENGTH] = "a length that does not belong to its pointer was used",
	[CRASH_TYPE] = "an interface's type does not belong to its data",
};

/* What says nothing of the stores is not explained by them. */
static const char *meaning(const struct hunt *h)
{
	return hunt_refutes(h) ? "no proof of a torn value: it dies without any delay, too"
			       : meanings[h->first.crash.kind];
}

static void print_site(struct out *o, const struct torn_store *t, struct arena *a)
{
	out_clean(o, torn_id(t, a));
	out_fmt(o, "  %s ", torn_kind_name(t->kind));
	out_clean(o, t->object);
	torn_print_place(o, t);
}

void report_died(struct out *o, const struct trial *t)
{
	out_z(o, "died after ");
	line_duration_short(o, t->time_ns);
	out_fmt(o, " in run %u: ", t->number);
	out_clean(o, t->crash.message);
	out_line(o);
	out_flush(o);
}

static void json_frames(struct json *j, const struct crash_goroutine *g)
{
	json_array(j);
	for (u32 i = 0; g && i < g->nframes; i++) {
		json_object(j);
		json_key(j, "func");
		json_str(j, g->frames[i].func);
		json_key(j, "file");
		json_str(j, g->frames[i].file);
		json_key(j, "line");
		json_i64(j, g->frames[i].line);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_sites(struct json *j, const u32 *at, u32 n, const struct torn_store *const *sites)
{
	struct arena a = { 0 };

	json_key(j, "sites");
	json_array(j);
	for (u32 i = 0; i < n; i++)
		json_str(j, torn_id(sites[at[i]], &a));
	json_array_end(j);
	arena_release(&a);
}

void report_died_json(struct json *j, const struct trial *t, const struct torn_store *const *sites)
{
	const struct crash_goroutine *g = t->crash.ngoroutines ? t->crash.goroutines : NULL;

	json_object(j);
	json_key(j, "type");
	json_z(j, "crash");
	json_key(j, "signature");
	json_z(j, crash_kind_name(t->crash.kind));
	json_key(j, "message");
	json_str(j, t->crash.message);
	json_key(j, "time_ns");
	json_i64(j, t->time_ns);
	json_key(j, "run");
	json_u64(j, t->number);
	json_key(j, "seed");
	json_u64(j, t->seed);
	json_sites(j, t->sites, t->nsites, sites);
	json_key(j, "goroutine");
	if (g)
		json_i64(j, g->id);
	else
		json_null(j);
	json_key(j, "stack");
	json_frames(j, g);
	json_object_end(j);
	json_line(j);
}

static void print_series(struct out *o, const struct series *s)
{
	if (!s->runs) {
		out_z(o, "not tried"), out_line(o);
		return;
	}
	out_fmt(o, "%u of %u runs died", s->died, s->runs);
	if (s->died) {
		out_z(o, ", median ");
		line_duration_short(o, s->median_ns);
	}
	if (s->died < s->runs) {
		out_z(o, s->died ? "; the others lived " : ", each for ");
		line_duration_short(o, s->each_ns);
		out_z(o, s->died ? "" : " or to its end");
	}
	out_line(o);
}

/* "[rcx+0x8]", "(string)": a register and a type say nothing to who reads it. */
static bool has_name(struct str object)
{
	return !str_starts(object, STR("[")) &&
	       !(str_starts(object, STR("(")) && str_ends(object, STR(")")));
}

/* What is stored: "b.list", or "the slice of lists.go:31". */
static void print_value(struct out *o, const struct torn_store *t)
{
	ptrdiff_t slash = str_find_last(t->line.file, '/');

	if (has_name(t->object) || !t->line.file.n) {
		out_clean(o, t->object);
		return;
	}
	out_fmt(o, "the %s of ", torn_kind_name(t->kind == TORN_APPEND ? TORN_SLICE : t->kind));
	out_clean(o, str_cut(t->line.file, (size_t)(slash + 1), t->line.file.n));
	out_fmt(o, ":%d", t->line.line);
}

/* The program's own functions that the goroutines were in, each once. */
static void print_goroutines(struct out *o, const struct crash *c)
{
	enum { SHOWN = 6 };
	const struct crash_frame *f = crash_culprit(c);
	u32 n = 0;

	if (f) {
		out_clean(o, f->func);
		out_z(o, "  ");
		out_clean(o, f->file);
		out_fmt(o, ":%d  goroutine %lld", f->line, (long long)c->goroutines[0].id);
		out_line(o);
		return;
	}
	out_z(o, "not known: the collector found it later");
	for (u32 i = 0; i < c->ngoroutines && n < SHOWN; i++) {
		const struct crash_frame *own = crash_own_frame(&c->goroutines[i]);
		bool known = !own;

		for (u32 k = 0; k < i && !known; k++) {
			const struct crash_frame *before = crash_own_frame(&c->goroutines[k]);

			known = before && str_eq(before->func, own->func);
		}
		if (known)
			continue;
		out_z(o, n++ ? ", " : "; goroutines were in ");
		out_clean(o, own->func);
	}
	out_line(o);
}

static void print_advice(struct out *o, const struct report *r)
{
	const struct hunt *h = r->hunt;
	const struct torn_store *t = r->sites[h->sites[0]];

	if (hunt_refutes(h)) {
		out_z(o, "it dies without any delay, too: no proof of a torn value; look at the "
			 "crash itself (goshawk explain)");
		return;
	}
	if (!h->confirmed.runs || !h->without.runs) {
		out_z(o, "it died, and was stopped before there was a proof");
		return;
	}
	if (!h->confirmed.died) {
		if (h->again)
			out_fmt(o, "it died %u times, but in none of the runs that are counted: "
				"name these functions as the pattern, and it is looked for there "
				"alone", h->again + 1);
		else
			out_z(o, "it died once, and not again: give --for more time, or fewer "
				 "stores by a pattern");
		return;
	}
	print_value(o, t);
	out_z(o, " is stored in ");
	out_clean(o, t->func->name);
	out_z(o, " while another goroutine reads it: let both hold the same mutex, or publish a "
		 "pointer to a value that never changes by atomic.Pointer; a build with -race "
		 "names the reader");
}

static void print_shortest(struct out *o, const struct hunt *h)
{
	out_duration(o, h->delay_ns);
	if (h->shortest_ns < h->delay_ns) {
		out_z(o, "; ");
		out_duration(o, h->shortest_ns);
		out_z(o, " is enough");
	}
	if (h->one_in > 1)
		out_fmt(o, ", at a pass in %u", h->one_in);
}

void report_text(struct out *o, const struct report *r)
{
	const struct hunt *h = r->hunt;
	struct arena a = { 0 };

	out_z(o, "what       "), out_z(o, meaning(h)), out_line(o);
	for (u32 i = 0; i < h->nsites; i++) {
		out_z(o, i ? "           " : h->nsites == 1 ? "store      " : "stores     ");
		print_site(o, r->sites[h->sites[i]], &a);
		out_line(o);
	}
	out_z(o, "delay      "), print_shortest(o, h), out_line(o);
	out_z(o, "with it    "), print_series(o, &h->confirmed);
	out_z(o, "without    "), print_series(o, &h->without);
	if (h->elsewhere.runs)
		out_z(o, "elsewhere  "), print_series(o, &h->elsewhere);
	out_z(o, "reader     "), print_goroutines(o, &h->first.crash);
	out_z(o, "again      "), out_str(o, r->command), out_line(o);
	out_z(o, "advice     "), print_advice(o, r), out_line(o);
	arena_release(&a);
}

static void key_series(struct json *j, const char *runs, const char *died, const struct series *s)
{
	json_key(j, runs);
	json_u64(j, s->runs);
	json_key(j, died);
	json_u64(j, s->died);
}

void report_json(struct json *j, const struct report *r)
{
	const struct hunt *h = r->hunt;
	struct series control = { .runs = h->without.runs + h->elsewhere.runs,
				  .died = h->without.died + h->elsewhere.died };
	struct out advice;

	out_memory(&advice);
	print_advice(&advice, r);
	json_object(j);
	json_key(j, "type");
	json_z(j, "report");
	json_key(j, "signature");
	json_z(j, crash_kind_name(h->first.crash.kind));
	json_sites(j, h->sites, h->nsites, r->sites);
	json_key(j, "delay_ns");
	json_i64(j, h->delay_ns);
	json_key(j, "shortest_ns");
	json_i64(j, h->shortest_ns);
	json_key(j, "one_in");
	json_u64(j, MAX(h->one_in, 1u));
	key_series(j, "runs", "crashed", &h->confirmed);
	json_key(j, "median_ns");
	json_i64(j, h->confirmed.median_ns);
	key_series(j, "control_runs", "control_crashed", &control);
	json_key(j, "proof");
	json_bool(j, hunt_proves(h));
	json_key(j, "command");
	json_str(j, r->command);
	json_key(j, "advice");
	json_str(j, (struct str){ advice.buf, advice.n });
	json_object_end(j);
	json_line(j);
	out_release(&advice);
}

static void stack_markdown(struct out *o, const struct crash *c)
{
	const struct crash_goroutine *g = c->goroutines;

	if (!c->ngoroutines)
		return;
	out_fmt(o, "\n```\n");
	out_clean(o, c->message), out_c(o, '\n');
	if (c->detail.n)
		out_clean(o, c->detail), out_c(o, '\n');
	out_fmt(o, "\ngoroutine %lld [", (long long)g->id);
	out_clean(o, g->state), out_z(o, "]:\n");
	for (u32 i = 0; i < g->nframes; i++) {
		out_clean(o, g->frames[i].func), out_z(o, "\n\t");
		out_clean(o, g->frames[i].file), out_fmt(o, ":%d\n", g->frames[i].line);
	}
	out_z(o, "```\n");
}

void report_markdown(struct out *o, const struct report *r)
{
	const struct hunt *h = r->hunt;
	struct arena a = { 0 };

	out_z(o, hunt_proves(h)	   ? "# A race on "
		 : hunt_refutes(h) ? "# No proof of a race on "
				   : "# A suspicion of a race on ");
	print_value(o, r->sites[h->sites[0]]);
	out_fmt(o, ": %s\n\n", crash_kind_name(h->first.crash.kind));
	print_advice(o, r), out_z(o, ".\n\n## The store\n\n");
	for (u32 i = 0; i < h->nsites; i++)
		out_z(o, "- `"), print_site(o, r->sites[h->sites[i]], &a), out_z(o, "`\n");
	out_z(o, "\nIts words are stored one after the other; the delay between them was ");
	print_shortest(o, h);
	out_z(o, ".\n\n## The crash\n\n");
	out_z(o, meaning(h)), out_z(o, ".\n");
	stack_markdown(o, &h->first.crash);
	out_z(o, "\nReader: "), print_goroutines(o, &h->first.crash);
	out_z(o, "\n## The proof\n\n- with the delay: "), print_series(o, &h->confirmed);
	out_z(o, "- without: "), print_series(o, &h->without);
	if (h->elsewhere.runs)
		out_z(o, "- with the delay at other stores: "), print_series(o, &h->elsewhere);
	out_z(o, "\n## Again\n\n```sh\n"), out_str(o, r->command), out_z(o, "\n```\n");
	arena_release(&a);
}
