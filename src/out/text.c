/* One line for each finished call, in columns that stay where they are:
 *
 *   [g 18]   12:00:01.123456   13.25µs  main.handle(id=7, url="https://…") = nil
 *
 * The time of day is the local one, as in other tracers and in most logs. */
#include <time.h>

#include "base/out.h"
#include "out/sinks.h"

struct sink_text {
	struct out *o;
	const struct target_facts *t;
	struct value_view view;
	i64 second;		/* whose time of day stands in `clock` */
	char clock[sizeof("hh:mm:ss")];
};

static u32 width_of(u64 v)
{
	u32 n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

static void spaces(struct out *o, int n)
{
	for (; n > 0; n--)
		out_c(o, ' ');
}

/* g0 has no goroutine id: what runs there is the scheduler, and it is told apart by thread only. */
static void goroutine(struct out *o, u64 goid)
{
	enum { WIDTH = 8 };

	out_color(o, "2");
	if (goid >> 63) {
		out_str(o, STR("[g0]"));
		spaces(o, WIDTH - 4);
	} else {
		out_str(o, STR("[g "));
		out_u64(o, goid);
		out_c(o, ']');
		spaces(o, WIDTH - 4 - (int)width_of(goid));
	}
	out_c(o, ' ');
	out_plain(o);
}

static void clock_time(struct sink_text *s, struct out *o, i64 ns)
{
	i64 second = ns / 1000000000, micros = ns / 1000 % 1000000;
	struct tm tm;

	if (second != s->second || !s->clock[0]) {
		time_t t = (time_t)second;

		localtime_r(&t, &tm);
		strftime(s->clock, sizeof(s->clock), "%H:%M:%S", &tm);
		s->second = second;
	}
	out_z(o, s->clock);
	out_c(o, '.');
	for (i64 unit = 100000; unit; unit /= 10)
		out_c(o, (char)('0' + micros / unit % 10));
}

/* Four digits are enough to compare by: 800ns, 13.25µs, 1.234s. In a column of nine. */
static void duration(struct out *o, i64 ns)
{
	enum { WIDTH = 9 };
	static const struct unit { i64 from; int places; const char *name; } units[] = {
		{ 1000000000, 9, "s" }, { 1000000, 6, "ms" }, { 1000, 3, "µs" }, { 1, 0, "ns" },
	};
	const struct unit *unit = units;
	int decimals, whole;
	char digits[9];
	i64 rest;

	if (ns < 0) {
		spaces(o, WIDTH - 1);
		out_c(o, '-');
		return;
	}
	while (ns < unit->from && unit->places)
		unit++;
	whole = (int)width_of((u64)(ns / unit->from));
	rest = ns % unit->from;
	for (int i = unit->places - 1; i >= 0; i--, rest /= 10)
		digits[i] = (char)('0' + rest % 10);
	decimals = MIN(MAX(4 - whole, 0), unit->places);
	spaces(o, WIDTH - whole - (decimals ? 1 + decimals : 0) - (unit == units ? 1 : 2));
	out_u64(o, (u64)(ns / unit->from));
	if (decimals)
		out_c(o, '.');
	out_str(o, (struct str){ digits, (size_t)decimals });
	out_z(o, unit->name);
}

static void arguments(struct sink_text *s, const struct call *c)
{
	const struct reading *r = &c->fn->entry;
	bool first = true;

	if (!c->entry || !c->fn->sig || c->fn->sig->from == SIG_NONE) {
		out_c(s->o, '?');
		return;
	}
	s->view.reading = r;
	s->view.record = c->entry;
	value_begin(&s->view);
	for (u32 i = 0; i < r->nslots; i++) {
		const struct slot *slot = &r->slots[i];

		if (slot->param->dictionary)
			continue;
		if (!first)
			out_str(s->o, STR(", "));
		first = false;
		out_clean(s->o, slot->param->name);
		out_c(s->o, '=');
		value_text(s->o, &s->view, slot);
	}
	if (c->fn->sig->cut)
		out_z(s->o, first ? "…" : ", …");
}

static void results(struct sink_text *s, const struct call *c)
{
	const struct reading *r = &c->fn->exit;

	if (c->end == END_RECOVERED) {
		out_color(s->o, "33");
		out_str(s->o, STR(" = <recovered>"));
		out_plain(s->o);
	}
	if (c->fn->sig && c->fn->sig->results_known && !r->nslots)
		return;
	out_z(s->o, c->end == END_RECOVERED ? " " : " = ");
	if (!c->exit || !c->fn->sig || !c->fn->sig->results_known) {
		out_c(s->o, '?');
		return;
	}
	s->view.reading = r;
	s->view.record = c->exit;
	value_begin(&s->view);
	if (r->nslots > 1)
		out_c(s->o, '(');
	for (u32 i = 0; i < r->nslots; i++) {
		if (i)
			out_str(s->o, STR(", "));
		value_text(s->o, &s->view, &r->slots[i]);
	}
	if (r->nslots > 1)
		out_c(s->o, ')');
}

static void head(struct sink_text *s, const struct call *c, bool with_duration)
{
	goroutine(s->o, c->goid);
	clock_time(s, s->o, c->start_ns);
	out_c(s->o, ' ');
	if (with_duration)
		duration(s->o, c->duration_ns);
	out_str(s->o, STR("  "));
	out_color(s->o, "1");
	out_clean(s->o, c->fn->func->name);
	out_plain(s->o);
	out_c(s->o, '(');
	arguments(s, c);
	out_c(s->o, ')');
}

static void on_call(void *ctx, const struct call *c)
{
	struct sink_text *s = ctx;

	head(s, c, true);
	if (c->end == END_RETURN || c->end == END_RECOVERED) {
		results(s, c);
	} else {
		out_str(s->o, STR(" = "));
		out_color(s->o, c->end == END_PANIC ? "31" : "33");
		out_c(s->o, '<');
		out_z(s->o, call_end_name(c->end));
		out_c(s->o, '>');
		out_plain(s->o);
	}
	out_line(s->o);
}

static void on_entry(void *ctx, const struct call *c)
{
	struct sink_text *s = ctx;

	head(s, c, false);
	out_line(s->o);
}

static void on_lost(void *ctx, u64 count, i64 from_ns, i64 to_ns)
{
	struct sink_text *s = ctx;

	out_color(s->o, "33");
	out_str(s->o, STR("[lost]   "));
	clock_time(s, s->o, from_ns);
	out_str(s->o, STR("            "));
	out_u64(s->o, count);
	out_str(s->o, count == 1 ? STR(" record, up to ") : STR(" records, up to "));
	clock_time(s, s->o, to_ns);
	out_plain(s->o);
	out_line(s->o);
}

struct sink sink_text_new(struct arena *a, struct out *o, const struct target_facts *t)
{
	struct sink_text *s = ARENA_NEW(a, struct sink_text);

	s->o = o;
	s->t = t;
	s->view = target_view(t);
	return (struct sink){ s, on_call, on_entry, on_lost };
}

/* "; 3 records lost", nothing for none. */
static void some(struct out *o, u64 n, const char *thing, const char *what)
{
	if (!n)
		return;
	out_str(o, STR("; "));
	out_u64(o, n);
	out_c(o, ' ');
	out_z(o, thing);
	out_z(o, n == 1 ? " " : "s ");
	out_z(o, what);
}

/* 12 calls in 1.204s by the inline engine at 24 sites; 1 site refused; 3 records lost */
void sink_text_end(struct out *talk, const struct end_facts *e)
{
	out_u64(talk, e->calls);
	out_z(talk, e->calls == 1 ? " call in " : " calls in ");
	out_duration(talk, e->elapsed_ns < 1000000000 ? e->elapsed_ns / 1000 * 1000
						      : e->elapsed_ns / 1000000 * 1000000);
	out_fmt(talk, " by the %s engine at ", e->engine);
	out_u64(talk, e->sites);
	out_z(talk, e->sites == 1 ? " site" : " sites");
	some(talk, e->refused, "site", "refused");
	some(talk, e->lost, "record", "lost");
	some(talk, e->unreadable, "value", "unreadable");
	out_line(talk);
}
