/* Columns stay where they are from line to line, so that they can be compared by eye.
 *
 * The time of day is the local one, as in other tracers and in most logs. */
#include "out/line.h"

#include "out/shown.h"

#include <time.h>

static u32 width_of(u64 v)
{
	u32 n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

void line_spaces(struct out *o, int n)
{
	for (; n > 0; n--)
		out_c(o, ' ');
}

/* g0 has no goroutine id: what runs there is the scheduler, and it is told apart by thread only. */
void line_goroutine(struct out *o, u64 goid)
{
	enum { WIDTH = 8 };

	out_color(o, "2");
	if (goid >> 63) {
		out_str(o, STR("[g0]"));
		line_spaces(o, WIDTH - 4);
	} else {
		out_str(o, STR("[g "));
		out_u64(o, goid);
		out_c(o, ']');
		line_spaces(o, WIDTH - 4 - (int)width_of(goid));
	}
	out_c(o, ' ');
	out_plain(o);
}

void line_clock(struct line *l, i64 ns)
{
	i64 second = ns / 1000000000, micros = ns / 1000 % 1000000;
	struct tm tm;

	if (second != l->second || !l->clock[0]) {
		time_t t = (time_t)second;

		localtime_r(&t, &tm);
		strftime(l->clock, sizeof(l->clock), "%H:%M:%S", &tm);
		l->second = second;
	}
	out_z(l->o, l->clock);
	out_c(l->o, '.');
	for (i64 unit = 100000; unit; unit /= 10)
		out_c(l->o, (char)('0' + micros / unit % 10));
}

/* Gives its width. */
static int short_duration(struct out *o, i64 ns, bool write)
{
	static const struct unit { i64 from; int places; const char *name; } units[] = {
		{ 1000000000, 9, "s" }, { 1000000, 6, "ms" }, { 1000, 3, "µs" }, { 1, 0, "ns" },
	};
	const struct unit *unit = units;
	int decimals, whole;
	char digits[9];
	i64 rest;

	while (ns < unit->from && unit->places)
		unit++;
	whole = (int)width_of((u64)(ns / unit->from));
	rest = ns % unit->from;
	for (int i = unit->places - 1; i >= 0; i--, rest /= 10)
		digits[i] = (char)('0' + rest % 10);
	decimals = MIN(MAX(4 - whole, 0), unit->places);
	if (write) {
		out_u64(o, (u64)(ns / unit->from));
		if (decimals)
			out_c(o, '.');
		out_str(o, (struct str){ digits, (size_t)decimals });
		out_z(o, unit->name);
	}
	return whole + (decimals ? 1 + decimals : 0) + (unit == units ? 1 : 2);
}

void line_duration_short(struct out *o, i64 ns)
{
	if (ns < 0)
		out_c(o, '-');
	else
		short_duration(o, ns, true);
}

void line_duration(struct out *o, i64 ns)
{
	enum { WIDTH = 9 };

	line_spaces(o, WIDTH - (ns < 0 ? 1 : short_duration(o, ns, false)));
	line_duration_short(o, ns);
}

static void arguments(struct line *l, const struct call *c)
{
	const struct reading *r = &c->fn->entry;
	bool first = true;

	if (!c->entry || !c->fn->sig || c->fn->sig->from == SIG_NONE) {
		out_c(l->o, '?');
		return;
	}
	l->view.reading = r;
	l->view.record = c->entry;
	value_begin(&l->view);
	for (u32 i = 0; i < r->nslots; i++) {
		const struct slot *slot = &r->slots[i];

		if (slot->param->dictionary)
			continue;
		if (!first)
			out_str(l->o, STR(", "));
		first = false;
		out_clean(l->o, slot->param->name);
		out_c(l->o, '=');
		value_text(l->o, &l->view, slot);
	}
	if (c->fn->sig->cut)
		out_z(l->o, first ? "…" : ", …");
}

/* As in stacks; an address where no line is known. */
static void place(struct line *l, const struct plan_func *fn)
{
	out_c(l->o, ' ');
	out_color(l->o, "2");
	if (fn->line.file.n) {
		out_clean(l->o, fn->line.file);
		out_c(l->o, ':');
		out_i64(l->o, fn->line.line);
	} else {
		out_hex(l->o, go_func_va(l->view.prog, fn->func) + fn->line_at);
	}
	out_plain(l->o);
}

void line_call(struct line *l, const struct call *c)
{
	out_color(l->o, "1");
	out_clean(l->o, c->fn->func->name);
	out_plain(l->o);
	if (c->fn->line_at) {
		place(l, c->fn);
		if (!shown_any(&l->view))
			return;
	}
	out_c(l->o, '(');
	if (shown_any(&l->view))
		shown_text(l->o, &l->view, c);
	else
		arguments(l, c);
	out_c(l->o, ')');
}

static void results(struct line *l, const struct call *c)
{
	const struct reading *r = &c->fn->exit;

	if (c->end == END_RECOVERED) {
		out_color(l->o, "33");
		out_str(l->o, STR(" = <recovered>"));
		out_plain(l->o);
	}
	if (c->fn->sig && c->fn->sig->results_known && !r->nslots)
		return;
	out_z(l->o, c->end == END_RECOVERED ? " " : " = ");
	if (!c->exit || !c->fn->sig || !c->fn->sig->results_known) {
		out_c(l->o, '?');
		return;
	}
	l->view.reading = r;
	l->view.record = c->exit;
	value_begin(&l->view);
	if (r->nslots > 1)
		out_c(l->o, '(');
	for (u32 i = 0; i < r->nslots; i++) {
		if (i)
			out_str(l->o, STR(", "));
		value_text(l->o, &l->view, &r->slots[i]);
	}
	if (r->nslots > 1)
		out_c(l->o, ')');
}

void line_end(struct line *l, const struct call *c)
{
	if (c->end == END_RETURN || c->end == END_RECOVERED) {
		results(l, c);
		return;
	}
	out_str(l->o, STR(" = "));
	out_color(l->o, c->end == END_PANIC ? "31" : "33");
	out_c(l->o, '<');
	out_z(l->o, call_end_name(c->end));
	out_c(l->o, '>');
	out_plain(l->o);
}

void line_lost(struct line *l, u64 count, i64 from_ns, i64 to_ns)
{
	out_color(l->o, "33");
	out_str(l->o, STR("[lost]   "));
	line_clock(l, from_ns);
	out_str(l->o, STR("            "));
	out_u64(l->o, count);
	out_str(l->o, count == 1 ? STR(" record, up to ") : STR(" records, up to "));
	line_clock(l, to_ns);
	out_plain(l->o);
	out_line(l->o);
}
