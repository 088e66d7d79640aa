/* What Loki's HTTP interface answers (query_range):
 *
 *	{"status":"success","data":{"resultType":"streams","result":[
 *	  {"stream":{"app":"api","detected_level":"unknown"},
 *	   "values":[["1764503962000000007","goroutine 1 [running]:"],
 *	             ["1764503962000000003","panic: boom"]]}, …
 *
 * A program's lines are in several streams if labels come of what a line says, its level above all;
 * and in each the newest is the first, unless they were asked for otherwise. They become one object
 * a line, program by program, with the one last that has the newest line. */
#include "diag/death.h"

#include <stdlib.h>

#include "base/out.h"
#include "base/vec.h"

struct entry {
	struct str time, line;	/* in ns; as JSON has it, without its quotes */
	struct str newest;	/* time of its program's newest line */
	u32 program, order;
};

VEC_TYPE(entries, struct entry);
enum { HEAD_MOST = 1000 };

/* A text in quotes: from the first one on. */
static bool take_text(struct str *s, struct str *text)
{
	ptrdiff_t from = str_find(*s, STR("\""));
	size_t i;

	if (from < 0)
		return false;
	for (i = (size_t)from + 1; i < s->n && s->p[i] != '"'; i++)
		i += s->p[i] == '\\';
	*text = str_cut(*s, (size_t)from + 1, i);
	*s = str_cut(*s, i + 1, s->n);
	return true;
}

static char first_sign(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr(" \t\r\n,", s.p[i]))
			return s.p[i];
	return '\0';
}

/* The labels but for those of the line's level, as a number. */
static u32 program_of(struct str *labels)
{
	struct str name, value;
	u32 hash = 0;

	while (first_sign(*labels) == '"' && take_text(labels, &name) && take_text(labels, &value))
		if (str_find(name, STR("level")) < 0)
			hash += str_hash(name) * 31 + str_hash(value);
	return hash;
}

static int by_number(struct str a, struct str b)
{
	return a.n == b.n ? str_cmp(a, b) : a.n < b.n ? -1 : 1;
}

/* What else is in a list: to behind its end. */
static void skip_list(struct str *s)
{
	struct str text;

	while (s->n && s->p[0] != ']')
		if (s->p[0] != '"')
			*s = str_cut(*s, 1, s->n);
		else if (!take_text(s, &text))
			return;
	*s = str_cut(*s, 1, s->n);
}

/* [["time","line"], ["time","line",{"metadata":"x"}], …], from behind its first bracket on */
static void take_values(struct entries *to, struct str *s, u32 program)
{
	size_t from = to->n;

	while (first_sign(*s) == '[') {
		struct entry e = { .program = program };

		if (!take_text(s, &e.time) || !take_text(s, &e.line))
			return;
		*vec_push(to) = e;
		skip_list(s);
	}
	for (size_t i = from; i < to->n; i++)
		to->at[i].order = (u32)(by_number(to->at[from].time, to->at[to->n - 1].time) > 0 ?
					to->n - i : i);
}

static int in_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int d = by_number(x->newest, y->newest);

	d = d ? d : (x->program > y->program) - (x->program < y->program);
	d = d ? d : by_number(x->time, y->time);
	return d ? d : (x->order > y->order) - (x->order < y->order);
}

static void sort(struct entries *all)
{
	struct str newest = STR("");

	qsort(all->at, all->n, sizeof(all->at[0]), in_order);
	for (size_t i = all->n; i-- > 0;) {
		if (i + 1 == all->n || all->at[i].program != all->at[i + 1].program)
			newest = all->at[i].time;
		all->at[i].newest = newest;
	}
	qsort(all->at, all->n, sizeof(all->at[0]), in_order);
}

static struct str print(const struct entries *all, struct arena *a)
{
	struct out o;
	struct str s;

	out_memory(&o);
	for (size_t i = 0; i < all->n; i++) {
		out_z(&o, "{\"line\":\"");
		out_str(&o, all->at[i].line);
		out_z(&o, "\"}\n");
	}
	s = (struct str){ arena_copy(a, o.buf, o.n), o.n };
	out_release(&o);
	return s;
}

static bool is_answer(struct str log)
{
	struct str head = str_cut(log, 0, HEAD_MOST);

	return first_sign(head) == '{' && str_find(head, STR("\"resultType\"")) >= 0 &&
	       str_find(head, STR("\"streams\"")) >= 0;
}

/* Behind the next such key and what opens its value. */
static bool skip_to(struct str *s, struct str key, const char *opens)
{
	ptrdiff_t at = str_find(*s, key);

	if (at < 0)
		return false;
	*s = str_cut(*s, (size_t)at + key.n, s->n);
	at = str_find(*s, str_of(opens));
	*s = str_cut(*s, (size_t)(at + 1), s->n);
	return at >= 0;
}

struct str death_from_loki(struct str log, struct arena *a)
{
	struct entries all = { 0 };
	struct str rest = log;

	if (!is_answer(log))
		return log;
	while (skip_to(&rest, STR("\"stream\":"), "{")) {
		u32 program = program_of(&rest);

		if (!skip_to(&rest, STR("\"values\":"), "["))
			break;
		take_values(&all, &rest, program);
	}
	if (!all.n)
		return log;
	sort(&all);
	log = print(&all, a);
	vec_release(&all);
	return log;
}
