/* One row for each function (by its name) that was called, those that took most first:
 *
 *     TOTAL      SELF      MEAN       P50       P99       MAX     CALLS  ERRORS  PANICS  FUNCTION
 *   1.204ms   904.1us   120.4us   118.0us   204.7us   204.7us        10       2       0  main.f
 *
 * The total of a recursive function counts its outermost calls only, so that it is time that
 * passed. Calls whose end or beginning was not seen are counted and have no duration. */
#include <stdlib.h>

#include "base/out.h"
#include "event/histogram.h"
#include "out/interval.h"
#include "out/sinks.h"

struct row {
	u64 calls, errors, panics;
	i64 total_ns, self_ns;
	struct histogram *durations;	/* made at the first call */
};

struct ranked {
	const struct row *row;
	const struct plan_func *fn;
};

enum { NOW, ALL };	/* this interval, the intervals before it */

struct summary {
	struct tables t;
	const struct plan *plan;
	struct row *rows[2];	/* of each function of the plan, by plan_first */
	struct ranked *ranked;	/* room to sort them */
};

static void on_call(void *ctx, const struct call *c)
{
	struct summary *s = ctx;
	struct row *r = &s->rows[NOW][plan_first(s->plan, c->fn)];
	u64 word = 0;

	r->calls++;
	r->panics += c->end == END_PANIC;
	if (c->fn->error_at && c->exit)
		memcpy(&word, c->exit + c->fn->error_at, sizeof(word));
	r->errors += word != 0;
	if (c->duration_ns < 0)
		return;
	if (!r->durations)
		r->durations = ARENA_NEW(s->t.arena, struct histogram);
	histogram_add(r->durations, s->t.arena, c->duration_ns);
	r->self_ns += c->self_ns;
	if (!c->recursive)
		r->total_ns += c->duration_ns;
}

static void merge(struct summary *s)
{
	for (u32 i = 0; i < s->plan->nfuncs; i++) {
		struct row *from = &s->rows[NOW][i], *to = &s->rows[ALL][i];

		to->calls += from->calls;
		to->errors += from->errors;
		to->panics += from->panics;
		to->total_ns += from->total_ns;
		to->self_ns += from->self_ns;
		if (from->durations && from->durations->count) {
			if (!to->durations)
				to->durations = ARENA_NEW(s->t.arena, struct histogram);
			histogram_merge(to->durations, s->t.arena, from->durations);
			histogram_clear(from->durations);
		}
		*from = (struct row){ .durations = from->durations };
	}
}

static int by_total(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->row->total_ns != y->row->total_ns)
		return x->row->total_ns < y->row->total_ns ? 1 : -1;
	if (x->row->calls != y->row->calls)
		return x->row->calls < y->row->calls ? 1 : -1;
	return str_cmp(x->fn->func->name, y->fn->func->name);
}

static void text_row(struct out *o, const struct ranked *r)
{
	static const struct histogram none;
	const struct histogram *h = r->row->durations ? r->row->durations : &none;
	bool known = h->count;
	i64 columns[] = {
		r->row->total_ns, r->row->self_ns, histogram_mean(h), histogram_at(h, 500),
		histogram_at(h, 990), h->max,
	};

	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		out_c(o, ' ');
		line_duration(o, known ? columns[i] : -1);
	}
	out_right(o, 10, r->row->calls);
	if (r->fn->error_at)
		out_right(o, 8, r->row->errors);
	else
		out_fmt(o, "%8s", "-");
	out_right(o, 8, r->row->panics);
	out_str(o, STR("  "));
	out_clean(o, r->fn->func->name);
	out_line(o);
}

static void text(struct summary *s, const struct ranked *ranked, size_t n)
{
	struct out *o = s->t.line.o;

	if (n) {
		out_color(o, "1");
		out_fmt(o, "%10s%10s%10s%10s%10s%10s%10s%8s%8s  %s", "TOTAL", "SELF", "MEAN",
			"P50", "P99", "MAX", "CALLS", "ERRORS", "PANICS", "FUNCTION");
		out_plain(o);
		out_line(o);
	}
	for (size_t i = 0; i < n; i++)
		text_row(o, &ranked[i]);
}

static void json_row(struct summary *s, const struct ranked *r, const struct interval *when)
{
	static const struct histogram none;
	const struct histogram *h = r->row->durations ? r->row->durations : &none;
	const struct { const char *name; i64 ns; } columns[] = {
		{ "total_ns", r->row->total_ns }, { "self_ns", r->row->self_ns },
		{ "mean_ns", histogram_mean(h) }, { "p50_ns", histogram_at(h, 500) },
		{ "p99_ns", histogram_at(h, 990) }, { "max_ns", h->max },
	};
	struct json *j = &s->t.json;

	interval_json(&s->t, "summary_row", when);
	json_key(j, "func");
	json_str(j, r->fn->func->name);
	json_key(j, "calls");
	json_u64(j, r->row->calls);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		json_key(j, columns[i].name);
		json_i64_or_null(j, columns[i].ns, h->count);
	}
	json_key(j, "errors");
	json_i64_or_null(j, (i64)r->row->errors, r->fn->error_at);
	json_key(j, "panics");
	json_u64(j, r->row->panics);
	json_object_end(j);
	json_line(j);
}

/* Rows of the interval, or of all intervals: those without --every are one. */
static void on_tick(void *ctx, i64 from_ns, i64 to_ns, bool last)
{
	struct summary *s = ctx;
	struct interval when = tables_tick(&s->t, from_ns, to_ns, last);
	const struct row *rows;
	struct ranked *ranked;
	size_t n = 0;

	if (last && !when.only)
		merge(s);
	rows = s->rows[last && !when.only ? ALL : NOW];
	ranked = s->ranked;
	for (u32 i = 0; i < s->plan->nfuncs; i++)
		if (rows[i].calls)
			ranked[n++] = (struct ranked){ &rows[i], &s->plan->funcs[i] };
	qsort(ranked, n, sizeof(*ranked), by_total);
	if (s->t.as_json) {
		for (size_t i = 0; i < n; i++)
			json_row(s, &ranked[i], &when);
	} else {
		interval_text(&s->t, &when);
		text(s, ranked, n);
	}
	if (!last)
		merge(s);
}

struct sink sink_summary_new(struct arena *a, struct out *o, const struct target_facts *t,
			     bool json)
{
	struct summary *s = ARENA_NEW(a, struct summary);

	tables_init(&s->t, a, o, t, json);
	s->plan = t->plan;
	s->rows[NOW] = ARENA_ARRAY(a, struct row, t->plan->nfuncs + 1);
	s->rows[ALL] = ARENA_ARRAY(a, struct row, t->plan->nfuncs + 1);
	s->ranked = ARENA_ARRAY(a, struct ranked, t->plan->nfuncs + 1);
	return (struct sink){
		.ctx = s, .call = on_call, .lost = tables_lost, .tick = on_tick,
	};
}
