/* How often: a line for each function, or each value of --by, most first.
 *
 *      120934  main.parse
 *          12  main.discount */
#include <stdlib.h>

#include "base/out.h"
#include "out/interval.h"
#include "out/keys.h"

struct ranked {
	u64 count;
	u32 key;
};

enum { NOW, ALL };	/* this interval, the intervals before it */

struct count {
	struct tables t;
	struct keys keys;
	u64 *counts[2];		/* of each key */
	struct ranked *ranked;	/* room to sort them */
};

static void on_call(void *ctx, const struct call *c)
{
	struct count *s = ctx;

	u32 key = keys_of(&s->keys, c);

	if (key != KEY_NONE)
		s->counts[NOW][key]++;
}

static void on_counted(void *ctx, const struct plan_func *fn, u64 calls)
{
	struct count *s = ctx;

	s->counts[NOW][plan_first(s->keys.t->plan, fn)] += calls;
}

static int by_count(const void *a, const void *b, void *keys)
{
	const struct ranked *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return keys_compare(keys, x->key, y->key);
}

static void row(struct count *s, const struct ranked *r, const struct interval *when)
{
	struct out *o = s->t.line.o;
	struct json *j = &s->t.json;

	if (!s->t.as_json) {
		out_right(o, 12, r->count);
		out_str(o, STR("  "));
		keys_text(o, &s->keys, r->key);
		out_line(o);
		return;
	}
	interval_json(&s->t, "count", when);
	keys_json(j, &s->keys, r->key);
	json_key(j, "count");
	json_u64(j, r->count);
	json_object_end(j);
	json_line(j);
}

static void merge(struct count *s)
{
	for (u32 i = 0; i < s->keys.n; i++) {
		s->counts[ALL][i] += s->counts[NOW][i];
		s->counts[NOW][i] = 0;
	}
}

static void on_tick(void *ctx, i64 from_ns, i64 to_ns, bool last)
{
	struct count *s = ctx;
	struct interval when = tables_tick(&s->t, from_ns, to_ns, last);
	size_t n = 0;

	if (last)
		merge(s);
	for (u32 i = 0; i < s->keys.n; i++)
		if (s->counts[last ? ALL : NOW][i])
			s->ranked[n++] = (struct ranked){ s->counts[last ? ALL : NOW][i], i };
	qsort_r(s->ranked, n, sizeof(*s->ranked), by_count, &s->keys);
	if (!s->t.as_json)
		interval_text(&s->t, &when);
	for (size_t i = 0; i < n; i++)
		row(s, &s->ranked[i], &when);
	if (!last)
		merge(s);
}

struct sink sink_count_new(struct arena *a, struct out *o, const struct target_facts *t, bool json)
{
	struct count *s = ARENA_NEW(a, struct count);

	tables_init(&s->t, a, o, t, json);
	keys_init(&s->keys, a, t);
	s->counts[NOW] = ARENA_ARRAY(a, u64, s->keys.room + 1);
	s->counts[ALL] = ARENA_ARRAY(a, u64, s->keys.room + 1);
	s->ranked = ARENA_ARRAY(a, struct ranked, s->keys.room + 1);
	return (struct sink){
		.ctx = s, .call = on_call, .entry = on_call, .counted = on_counted,
		.lost = tables_lost, .tick = on_tick,
	};
}
