#include "out/waterfall.h"

#include "out/attribute.h"
#include "out/span_json.h"
#include "span/traceparent.h"

enum {
	ID_SHOWN = 16,		/* digits of an id that a table has */
	ROWS_MOST = 1000,	/* spans that are drawn */
	INDENTS_MOST = 12,	/* levels; what is deeper says its number */
	NAME_LEAST = 16, DURATION = 14, COLORS = 5,
};

static const char *const colors[COLORS] = { "36", "32", "35", "34", "33" };

struct bar waterfall_bar(const struct stored_trace *about, const struct span *s, unsigned n)
{
	i64 from = about->start_ns;	/* doubles have no single ns of times */
	double all = (double)MAX(about->end_ns - from, 1);
	double at = (double)(s->start_ns - from) / all * n;
	double end = (double)(s->end_ns - from) / all * n;
	struct bar b = {
		(unsigned)MIN(MAX(at, 0), n - 1), (unsigned)MIN(MAX(end + 0.5, 0), n)
	};

	b.to = MAX(b.to, b.from + 1);
	return b;
}

bool waterfall_is_mixed(const struct stored_spans *s)
{
	for (size_t i = 1; i < s->n; i++)
		if (!str_eq(s->at[i].service, s->at[0].service))
			return true;
	return false;
}

static unsigned columns_of(struct str s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += (s.p[i] & 0xc0) != 0x80;
	return n;
}

/* As many columns as that, no more and no fewer. `s` is clean. */
static void field(struct out *o, struct str s, unsigned columns)
{
	unsigned have = columns_of(s), n = 0;
	size_t at = 0;

	for (; have > columns && at < s.n; at++) {
		n += (s.p[at] & 0xc0) != 0x80;
		if (n == columns)
			break;
	}
	if (have > columns) {
		out_str(o, str_cut(s, 0, at));
		out_z(o, "…");
		return;
	}
	out_str(o, s);
	for (; have < columns; have++)
		out_c(o, ' ');
}

/* Lines of cells ----------------------------------------------------------------------------- */

enum { CELLS = 7 };

struct cells {
	struct out text;
	size_t end[CELLS];
	unsigned n;
};

static void cell_end(struct cells *c)
{
	c->end[c->n++] = c->text.n;
}

static struct str cell(const struct cells *c, unsigned i)
{
	return str_cut((struct str){ c->text.buf, c->text.n }, i ? c->end[i - 1] : 0, c->end[i]);
}

static void make_cells(struct cells *c, const struct stored_trace *t)
{
	char id[2 * TRACE_ID + 1];

	c->text.n = c->n = 0;
	out_date(&c->text, t->start_ns / 1000000000, 0);
	cell_end(c);
	out_duration(&c->text, t->end_ns - t->start_ns);
	cell_end(c);
	out_u64(&c->text, t->spans);
	cell_end(c);
	out_u64(&c->text, t->errors);
	cell_end(c);
	trace_id_hex(id, t->id);
	out_str(&c->text, (struct str){ id, ID_SHOWN });
	cell_end(c);
	out_clean(&c->text, t->service);
	cell_end(c);
	out_clean(&c->text, t->root);
	cell_end(c);
}

static const char *const heads[CELLS] = {
	"time", "duration", "spans", "errors", "trace", "service", "root"
};

static bool is_number(unsigned i)
{
	return i >= 1 && i <= 3;
}

static void put_line(struct out *o, const struct str *texts, const unsigned *width)
{
	for (unsigned i = 0; i < CELLS; i++) {
		for (unsigned k = columns_of(texts[i]); is_number(i) && k < width[i]; k++)
			out_c(o, ' ');
		if (is_number(i) || i == CELLS - 1)
			out_str(o, texts[i]);
		else
			field(o, texts[i], width[i]);
		out_z(o, i == CELLS - 1 ? "" : "  ");
	}
}

void traces_text(struct out *o, const struct stored_traces *t)
{
	struct cells c = { 0 };
	unsigned width[CELLS];
	struct str texts[CELLS];

	out_memory(&c.text);
	for (unsigned i = 0; i < CELLS; i++)
		width[i] = (unsigned)strlen(heads[i]);
	for (size_t i = 0; i < t->n; i++) {
		make_cells(&c, &t->at[i]);
		for (unsigned k = 0; k < CELLS; k++)
			width[k] = MAX(width[k], columns_of(cell(&c, k)));
	}
	for (unsigned i = 0; i < CELLS; i++)
		texts[i] = str_of(heads[i]);
	out_color(o, "2");
	put_line(o, texts, width);
	out_plain(o);
	out_line(o);
	for (size_t i = 0; i < t->n; i++) {
		make_cells(&c, &t->at[i]);
		for (unsigned k = 0; k < CELLS; k++)
			texts[k] = cell(&c, k);
		out_color(o, t->at[i].errors ? "31" : "0");
		put_line(o, texts, width);
		out_plain(o);
		out_line(o);
	}
	if (t->all > t->n) {
		out_fmt(o, "… and %llu more: --json has all",
			(unsigned long long)(t->all - t->n));
		out_line(o);
	}
	out_release(&c.text);
}

/* The waterfall ------------------------------------------------------------------------------ */

struct drawing {
	struct out *o;
	const struct stored_spans *s;
	struct out line;	/* scratch */
	unsigned name, bars;	/* columns */
	bool mixed;
};

static const char *color_of(const struct drawing *d, const struct stored_span *s)
{
	if (s->span.status == STATUS_ERROR)
		return "1;31";
	return colors[d->mixed ? str_hash(s->service) % COLORS : 0];
}

/* The name, moved to the right by how deep it is. */
static void make_name(struct drawing *d, const struct stored_span *s)
{
	struct out *o = &d->line;

	o->n = 0;
	for (u32 i = 0; i < MIN(s->depth, (u32)INDENTS_MOST); i++)
		out_z(o, "  ");
	if (s->depth > INDENTS_MOST)
		out_fmt(o, "(%u) ", s->depth);
	out_clean(o, s->span.name);
	if (d->mixed && s->service.n) {
		out_z(o, " [");
		out_clean(o, s->service);
		out_c(o, ']');
	}
}

static void indent(struct drawing *d, const struct stored_span *s)
{
	for (u32 i = 0; i <= MIN(s->depth, (u32)INDENTS_MOST); i++)
		out_z(d->o, "  ");
}

static void draw_attributes(struct drawing *d, const struct stored_span *s)
{
	bool message = s->span.message.n > 0;

	if (!s->span.nattrs && !message)
		return;
	indent(d, s);
	out_color(d->o, "2");
	for (u32 i = 0; i < s->span.nattrs; i++) {
		if (i)
			out_c(d->o, ' ');
		out_clean(d->o, s->span.attrs[i].key);
		out_c(d->o, '=');
		attribute_text(d->o, &s->span.attrs[i]);
	}
	if (message) {
		out_z(d->o, s->span.nattrs ? " " : "");
		out_clean(d->o, s->span.message);
	}
	out_plain(d->o);
	out_line(d->o);
}

static void draw_events(struct drawing *d, const struct stored_span *s)
{
	struct out *o = d->o;

	for (u32 i = 0; i < s->span.nevents; i++) {
		const struct span_event *e = &s->span.events[i];

		indent(d, s);
		out_z(o, "at ");
		out_duration(o, e->time_ns - s->span.start_ns);
		out_c(o, ' ');
		out_clean(o, e->name);
		for (u32 k = 0; k < e->nattrs; k++) {
			out_c(o, ' ');
			out_clean(o, e->attrs[k].key);
			out_c(o, '=');
			attribute_text(o, &e->attrs[k]);
		}
		out_line(o);
	}
	if (s->span.dropped_events) {
		indent(d, s);
		out_fmt(o, "and %u more events", s->span.dropped_events);
		out_line(o);
	}
}

static void draw(struct drawing *d, const struct stored_span *s)
{
	struct bar b = waterfall_bar(&d->s->about, &s->span, d->bars);
	struct out *o = d->o;

	make_name(d, s);
	field(o, (struct str){ d->line.buf, d->line.n }, d->name);
	out_c(o, ' ');
	out_color(o, color_of(d, s));
	for (unsigned i = 0; i < d->bars; i++)
		out_z(o, i >= b.from && i < b.to ? "█" : " ");
	out_plain(o);
	out_c(o, ' ');
	out_duration(o, s->span.end_ns - s->span.start_ns);
	if (s->span.status == STATUS_ERROR)
		out_z(o, " error");
	if (s->orphan)
		out_z(o, " (its parent is not here)");
	out_line(o);
	draw_attributes(d, s);
	draw_events(d, s);
}

static void head(struct out *o, const struct stored_trace *t)
{
	char id[2 * TRACE_ID + 1];

	trace_id_hex(id, t->id);
	out_fmt(o, "trace %s  ", id);
	out_date(o, t->start_ns / 1000000000, 0);
	out_z(o, "  ");
	out_duration(o, t->end_ns - t->start_ns);
	out_fmt(o, "  %llu span%s", (unsigned long long)t->spans, t->spans == 1 ? "" : "s");
	if (t->errors)
		out_fmt(o, "  %llu error%s", (unsigned long long)t->errors,
			t->errors == 1 ? "" : "s");
	out_line(o);
}

void waterfall_text(struct out *o, const struct stored_spans *s, unsigned columns)
{
	struct drawing d = {
		.o = o, .s = s, .mixed = waterfall_is_mixed(s), .name = NAME_LEAST,
	};
	size_t n = MIN(s->n, (size_t)ROWS_MOST);

	columns = MAX(columns, (unsigned)(3 * NAME_LEAST + DURATION));
	out_memory(&d.line);
	for (size_t i = 0; i < n; i++) {
		make_name(&d, &s->at[i]);
		d.name = MAX(d.name, columns_of((struct str){ d.line.buf, d.line.n }));
	}
	d.name = MIN(d.name, columns * 45 / 100);
	d.bars = columns - d.name - DURATION;
	head(o, &s->about);
	for (size_t i = 0; i < n; i++)
		draw(&d, &s->at[i]);
	if (s->about.spans > n) {
		out_fmt(o, "… and %llu more spans: --json has %s",
			(unsigned long long)(s->about.spans - n),
			s->about.spans > s->n ? "more of them" : "all");
		out_line(o);
	}
	out_release(&d.line);
}

/* JSON --------------------------------------------------------------------------------------- */

static void number(struct json *j, const char *key, u64 v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void trace_json(struct out *o, const struct stored_trace *t)
{
	char id[2 * TRACE_ID + 1];
	struct json j;

	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "trace");
	json_key(&j, "time");
	json_time(&j, t->start_ns);
	number(&j, "duration_ns", (u64)MAX(t->end_ns - t->start_ns, 0));
	trace_id_hex(id, t->id);
	json_key(&j, "trace_id");
	json_z(&j, id);
	json_text(&j, "root", t->root);
	json_text(&j, "service", t->service);
	number(&j, "spans", t->spans);
	number(&j, "errors", t->errors);
	json_object_end(&j);
	json_line(&j);
}

static void end_json(struct out *o, u64 traces, u64 spans)
{
	struct json j;

	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "end");
	number(&j, "traces", traces);
	number(&j, "spans", spans);
	json_object_end(&j);
	json_line(&j);
}

void traces_json(struct out *o, const struct stored_traces *t)
{
	u64 spans = 0;

	for (size_t i = 0; i < t->n; i++) {
		trace_json(o, &t->at[i]);
		spans += t->at[i].spans;
	}
	end_json(o, t->n, spans);
}

void waterfall_json(struct out *o, const struct stored_spans *s)
{
	trace_json(o, &s->about);
	for (size_t i = 0; i < s->n; i++)
		span_json_line(o, &s->at[i].span, s->at[i].service);
	end_json(o, 1, s->n);
}
