/* How values are distributed, for each function or each value of --by, most values first:
 *
 *     main.parse:
 *     [512ns, 1.024us)          3 |@@@@@@@@@@@@@@@@@@@@                                |
 *     [1.024us, 2.048us)        8 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
 *
 * Counts of neighbouring buckets are allocated together when the first value falls among them. */
#include <errno.h>
#include <stdlib.h>

#include "base/opt.h"
#include "base/out.h"
#include "out/interval.h"
#include "out/keys.h"
#include "out/look.h"

enum {
	NOW, ALL,	/* this interval, the intervals before it */
	PAGE = 64,	/* buckets allocated together */
	ZERO = 64,	/* powers of two: the bucket of 0, between 64 of each sign */
	BAR = 52,
	LABEL = 16,
	LINEAR_MAX = 1000,
};

/* Bounds of a bucket, up to 2^64. */
typedef __int128 bound;

struct ranked {
	u64 count;
	u32 key;
};

struct hist {
	struct tables t;
	struct keys keys;
	const struct expr *expr;
	struct hist_scale scale;
	u32 buckets, pages;	/* of each key */
	u64 **counts[2];	/* pages of each key: [key * pages + page] */
	u64 *totals[2];		/* of each key */
	bool *durations;	/* each key: its values are durations */
	struct ranked *ranked;
};

/* The greatest integer that is not greater; a float that is none has none. */
static bool whole(const struct expr_result *v, bound *to)
{
	double f;

	switch (v->kind) {
	case EXPR_BOOL:
		*to = v->b;
		return true;
	case EXPR_INT:
		*to = v->i;
		return true;
	case EXPR_UINT:
		*to = v->u;
		return true;
	case EXPR_FLOAT:
		f = v->f;
		*to = f >= 0x1p64 ? (bound)UINT64_MAX : f < -0x1p63 ? (bound)INT64_MIN : (bound)f;
		*to -= f > -0x1p63 && (double)*to > f;
		return f == f;
	default:
		return false;
	}
}

static u32 bucket_of(const struct hist *h, bound v)
{
	const struct hist_scale *s = &h->scale;

	if (s->step && v < s->min)
		return 0;
	if (s->step)
		return v >= s->max ? h->buckets - 1 : 1 + (u32)((v - s->min) / s->step);
	if (!v)
		return ZERO;
	if (v > 0)
		return ZERO + 64 - (u32)__builtin_clzll((u64)v);
	return v == -1 ? ZERO - 1 : ZERO + (u32)__builtin_clzll((u64)(-v - 1)) - 65;
}

static bound linear_buckets(const struct hist_scale *s)
{
	return ((bound)s->max - s->min + s->step - 1) / s->step;
}

struct bounds {
	bound lo, hi;
	bool open_lo, open_hi;	/* nothing is too small, or too large, for it */
};

static struct bounds bounds_of(const struct hist *h, u32 i)
{
	const struct hist_scale *s = &h->scale;
	bound lo = s->min + (bound)(i - 1) * s->step, one = 1;

	if (s->step && !i)
		return (struct bounds){ .open_lo = true, .hi = s->min };
	if (s->step && i == h->buckets - 1)
		return (struct bounds){ .lo = s->max, .open_hi = true };
	if (s->step)
		return (struct bounds){ .lo = lo, .hi = MIN(lo + s->step, (bound)s->max) };
	if (i > ZERO)
		return (struct bounds){ .lo = one << (i - ZERO - 1), .hi = one << (i - ZERO) };
	if (i == ZERO)
		return (struct bounds){ .lo = 0, .hi = 1 };
	return (struct bounds){
		.lo = -(one << (ZERO - 1 - i)), .hi = i == ZERO - 1 ? 0 : -(one << (ZERO - 2 - i)),
	};
}

static void add(struct hist *h, int set, u32 key, u32 bucket, u64 n)
{
	u64 **page = &h->counts[set][(size_t)key * h->pages + bucket / PAGE];

	if (!*page)
		*page = ARENA_ARRAY(h->t.arena, u64, PAGE);
	(*page)[bucket % PAGE] += n;
	h->totals[set][key] += n;
}

static u64 count_at(const struct hist *h, int set, u32 key, u32 bucket)
{
	const u64 *page = h->counts[set][(size_t)key * h->pages + bucket / PAGE];

	return page ? page[bucket % PAGE] : 0;
}

static void on_call(void *ctx, const struct call *c)
{
	struct hist *h = ctx;
	struct expr_result v;
	bound value;
	u32 key;

	if (!keys_value(h->keys.t, c, h->expr, &v) || !whole(&v, &value))
		return;
	key = keys_of(&h->keys, c);
	if (key == KEY_NONE)
		return;
	if (!h->totals[NOW][key])
		h->durations[key] = v.type && look_is_duration(v.type);
	add(h, NOW, key, bucket_of(h, value), 1);
}

static void merge(struct hist *h)
{
	for (u32 key = 0; key < h->keys.n; key++) {
		if (!h->totals[NOW][key])
			continue;
		for (u32 i = 0; i < h->buckets; i++) {
			u64 n = count_at(h, NOW, key, i);

			if (!n)
				continue;
			add(h, ALL, key, i, n);
			h->counts[NOW][(size_t)key * h->pages + i / PAGE][i % PAGE] = 0;
		}
		h->totals[NOW][key] = 0;
	}
}

static int by_count(const void *a, const void *b, void *keys)
{
	const struct ranked *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return keys_compare(keys, x->key, y->key);
}

/* 4K for 4096, where that is exact. */
static void text_bound(struct out *o, const struct hist *h, u32 key, bound v)
{
	static const char units[] = "KMGTPE";
	u64 size = (u64)(v < 0 ? -v : v);
	int unit = 0;

	if (h->durations[key] && h->scale.step) {	/* small steps need all digits */
		out_duration(o, (i64)v);
		return;
	}
	if (h->durations[key]) {
		if (v < 0)
			out_c(o, '-');
		line_duration_short(o, (i64)MIN(size, (u64)INT64_MAX));
		return;
	}
	if (v < 0)
		out_c(o, '-');
	if (v > UINT64_MAX) {		/* 2^64 */
		out_str(o, STR("16E"));
		return;
	}
	while (!h->scale.step && size && size % 1024 == 0 && units[unit]) {
		size /= 1024;
		unit++;
	}
	out_u64(o, size);
	if (unit)
		out_c(o, units[unit - 1]);
}

static void label(struct out *o, const struct hist *h, u32 key, u32 bucket)
{
	struct bounds b = bounds_of(h, bucket);

	o->n = 0;
	out_c(o, b.open_lo ? '(' : '[');
	if (b.open_lo)
		out_str(o, STR("..."));
	else
		text_bound(o, h, key, b.lo);
	if (b.open_lo || b.open_hi || b.hi - b.lo != 1) {
		out_str(o, STR(", "));
		if (b.open_hi)
			out_str(o, STR("..."));
		else
			text_bound(o, h, key, b.hi);
		out_c(o, ')');
	} else {
		out_c(o, ']');
	}
}

static int columns(struct str s)
{
	int n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((u8)s.p[i] & 0xc0) != 0x80;
	return n;
}

struct range {
	u32 first, last;	/* buckets with values, and those between */
	u64 most;
};

static struct range range_of(const struct hist *h, int set, u32 key)
{
	struct range r = { UINT32_MAX, 0, 0 };

	for (u32 i = 0; i < h->buckets; i++) {
		u64 n = count_at(h, set, key, i);

		if (!n)
			continue;
		r.first = MIN(r.first, i);
		r.last = i;
		r.most = MAX(r.most, n);
	}
	return r;
}

static void text_hist(struct hist *h, int set, u32 key)
{
	struct range r = range_of(h, set, key);
	struct out *o = h->t.line.o;
	OWN(out) name;
	int width = LABEL;

	out_memory(&name);
	for (u32 i = r.first; i <= r.last; i++) {
		label(&name, h, key, i);
		width = MAX(width, columns((struct str){ name.buf, name.n }));
	}
	out_color(o, "1");
	keys_text(o, &h->keys, key);
	out_plain(o);
	out_c(o, ':');
	out_line(o);
	for (u32 i = r.first; i <= r.last; i++) {
		u64 n = count_at(h, set, key, i);
		int bar = (int)((unsigned __int128)n * BAR / r.most);

		label(&name, h, key, i);
		out_str(o, (struct str){ name.buf, name.n });
		line_spaces(o, width - columns((struct str){ name.buf, name.n }));
		out_right(o, 10, n);
		out_str(o, STR(" |"));
		for (int k = 0; k < bar; k++)
			out_c(o, '@');
		line_spaces(o, BAR - bar);
		out_c(o, '|');
		out_line(o);
	}
}

static void json_bound(struct json *j, const char *key, bound v, bool open)
{
	json_key(j, key);
	if (open)
		json_null(j);
	else if (v > UINT64_MAX)
		json_z(j, "18446744073709551616");
	else if (v > INT64_MAX)
		json_u64(j, (u64)v);
	else
		json_i64(j, (i64)v);
}

static void json_hist(struct hist *h, int set, u32 key, const struct interval *when)
{
	struct range r = range_of(h, set, key);
	struct json *j = &h->t.json;

	interval_json(&h->t, "hist", when);
	keys_json(j, &h->keys, key);
	json_key(j, "unit");
	if (h->durations[key])
		json_z(j, "ns");
	else
		json_null(j);
	json_key(j, "count");
	json_u64(j, h->totals[set][key]);
	json_key(j, "buckets");
	json_array(j);
	for (u32 i = r.first; i <= r.last; i++) {
		struct bounds b = bounds_of(h, i);

		json_object(j);
		json_bound(j, "lo", b.lo, b.open_lo);
		json_bound(j, "hi", b.hi, b.open_hi);
		json_key(j, "count");
		json_u64(j, count_at(h, set, key, i));
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	json_line(j);
}

static void on_tick(void *ctx, i64 from_ns, i64 to_ns, bool last)
{
	struct hist *h = ctx;
	struct interval when = tables_tick(&h->t, from_ns, to_ns, last);
	int set = last ? ALL : NOW;
	size_t n = 0;

	if (last)
		merge(h);
	for (u32 i = 0; i < h->keys.n; i++)
		if (h->totals[set][i])
			h->ranked[n++] = (struct ranked){ h->totals[set][i], i };
	qsort_r(h->ranked, n, sizeof(*h->ranked), by_count, &h->keys);
	if (!h->t.as_json)
		interval_text(&h->t, &when);
	for (size_t i = 0; i < n; i++) {
		if (h->t.as_json) {
			json_hist(h, set, h->ranked[i].key, &when);
			continue;
		}
		if (i)
			out_line(h->t.line.o);
		text_hist(h, set, h->ranked[i].key);
	}
	if (!last)
		merge(h);
}

/* A whole number, or a duration. */
static bool scale_number(struct str text, i64 *v)
{
	char z[32], *end;
	struct err err;

	if (!text.n || text.n >= sizeof(z))
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = 0;
	errno = 0;
	*v = strtoll(z, &end, 10);
	return (!*end && !errno) || parse_duration(z, v, &err);
}

bool hist_scale_parse(struct arena *a, const char *text, const char **expr,
		      struct hist_scale *scale, struct err *err)
{
	i64 *const numbers[] = { &scale->step, &scale->max, &scale->min };
	struct str left = str_of(text);

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		ptrdiff_t comma = str_find_last(left, ',');

		if (comma < 0 ||
		    !scale_number(str_cut(left, (size_t)comma + 1, left.n), numbers[i]))
			return err_set(err, ERR_USAGE,
				       "--hist-linear %s: write EXPR,MIN,MAX,STEP, for example "
				       "'len(url),0,200,10' or 'duration,0,10ms,100us'", text);
		left.n = (size_t)comma;
	}
	if (scale->step <= 0 || scale->max <= scale->min)
		return err_set(err, ERR_USAGE,
			       "--hist-linear %s: MIN must be below MAX, and STEP above 0", text);
	if (linear_buckets(scale) > LINEAR_MAX)
		return err_set(err, ERR_USAGE,
			       "--hist-linear %s: at most %d steps between MIN and MAX", text,
			       LINEAR_MAX);
	*expr = str_z(a, left);
	return true;
}

struct sink sink_hist_new(struct arena *a, struct out *o, const struct target_facts *t, bool json,
			  const struct hist_scale *scale)
{
	struct hist *h = ARENA_NEW(a, struct hist);
	size_t keys;

	tables_init(&h->t, a, o, t, json);
	keys_init(&h->keys, a, t);
	h->expr = plan_expr(t->plan, EXPR_HIST);
	h->scale = *scale;
	h->buckets = scale->step ? 2 + (u32)linear_buckets(scale) : 2 * ZERO + 1;
	h->pages = (h->buckets + PAGE - 1) / PAGE;
	keys = h->keys.room + 1;
	for (int set = NOW; set <= ALL; set++) {
		h->counts[set] = ARENA_ARRAY(a, u64 *, keys * h->pages);
		h->totals[set] = ARENA_ARRAY(a, u64, keys);
	}
	h->durations = ARENA_ARRAY(a, bool, keys);
	h->ranked = ARENA_ARRAY(a, struct ranked, keys);
	return (struct sink){ .ctx = h, .call = on_call, .lost = tables_lost, .tick = on_tick };
}
