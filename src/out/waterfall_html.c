#include "out/waterfall.h"
#include "out/attribute.h"
#include "span/traceparent.h"

enum { PLACES = 10000, DEPTH_MOST = 24, COLORS = 6 };

static const char begin_page[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	"style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n<title>";
static const char style[] =
	"</title>\n<style>\n"
	"body{font:14px/1.5 system-ui,sans-serif;margin:1.5em;color:#222;background:#fff}\n"
	"h1{font-size:1.3em;margin:0}code,dd{font-family:ui-monospace,monospace}\n"
	"summary{display:grid;grid-template-columns:minmax(14em,32%) 1fr 8em;gap:.6em;"
	"align-items:center;cursor:pointer;list-style:none;border-top:1px solid #ddd}\n"
	"summary:hover{background:#f3f6f9}.n{overflow:hidden;white-space:nowrap;"
	"text-overflow:ellipsis}.n small{color:#777}.d{text-align:right}\n"
	".t{position:relative;height:1em}.t i{position:absolute;top:.1em;bottom:.1em;"
	"min-width:2px;border-radius:2px}\n"
	".s0{background:#2a7ab9}.s1{background:#2e9e6b}.s2{background:#8d5cc2}"
	".s3{background:#b9862a}.s4{background:#3aa6a6}.s5{background:#6b7a8f}"
	".e .t i{background:#c62f2f}"
	".e .d,.e .n{color:#c62f2f}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1em;margin:.3em 0 .8em 2em}"
	"dt{color:#777}dd{margin:0;overflow-wrap:anywhere}\n"
	"</style></head><body>\n";

/* The texts are not ours. */
static void escaped(struct out *o, struct str text)
{
	struct out clean;

	out_memory(&clean);
	out_clean(&clean, text);
	for (size_t i = 0; i < clean.n; i++) {
		char c = clean.buf[i];

		switch (c) {
		case '&':
			out_z(o, "&amp;");
			break;
		case '<':
			out_z(o, "&lt;");
			break;
		case '>':
			out_z(o, "&gt;");
			break;
		case '"':
			out_z(o, "&quot;");
			break;
		case '\'':
			out_z(o, "&#39;");
			break;
		default:
			out_c(o, c);
		}
	}
	out_release(&clean);
}

static void term(struct out *o, struct str key, struct str value)
{
	out_z(o, "<dt>");
	escaped(o, key);
	out_z(o, "</dt><dd>");
	escaped(o, value);
	out_z(o, "</dd>\n");
}

static void events(struct out *o, const struct stored_span *s)
{
	struct out key, value;

	out_memory(&key);
	out_memory(&value);
	for (u32 i = 0; i < s->span.nevents; i++) {
		const struct span_event *e = &s->span.events[i];

		key.n = value.n = 0;
		out_z(&key, "at ");
		out_duration(&key, e->time_ns - s->span.start_ns);
		out_str(&value, e->name);
		for (u32 k = 0; k < e->nattrs; k++) {
			out_c(&value, ' ');
			out_str(&value, e->attrs[k].key);
			out_c(&value, '=');
			if (e->attrs[k].kind == ATTR_TEXT)
				out_str(&value, e->attrs[k].text);
			else
				attribute_text(&value, &e->attrs[k]);
		}
		term(o, (struct str){ key.buf, key.n }, (struct str){ value.buf, value.n });
	}
	out_release(&key);
	out_release(&value);
}

static void attributes(struct out *o, const struct stored_span *s)
{
	char id[2 * SPAN_ID + 1];
	struct out value;

	span_id_hex(id, s->span.self.span);
	out_z(o, "<dl>\n");
	out_memory(&value);
	for (u32 i = 0; i < s->span.nattrs; i++) {
		value.n = 0;
		if (s->span.attrs[i].kind == ATTR_TEXT)
			out_str(&value, s->span.attrs[i].text);	/* cleaned once, by escaped() */
		else
			attribute_text(&value, &s->span.attrs[i]);
		term(o, s->span.attrs[i].key, (struct str){ value.buf, value.n });
	}
	out_release(&value);
	if (s->span.message.n)
		term(o, STR("message"), s->span.message);
	if (s->service.n)
		term(o, STR("service"), s->service);
	if (s->span.scope.n)
		term(o, STR("scope"), s->span.scope);
	term(o, STR("span"), str_of(id));
	events(o, s);
	out_z(o, "</dl>");
}

static void percent(struct out *o, unsigned places)
{
	out_fmt(o, "%u.%02u%%", places / 100, places % 100);
}

static void row(struct out *o, const struct stored_spans *all, const struct stored_span *s,
		bool mixed)
{
	struct bar b = waterfall_bar(&all->about, &s->span, PLACES);
	bool error = s->span.status == STATUS_ERROR;

	out_fmt(o, "<details%s><summary><span class=\"n\" style=\"padding-left:%uem\">",
		error ? " class=\"e\"" : "", MIN(s->depth, (u32)DEPTH_MOST));
	escaped(o, s->span.name);
	if (mixed || s->orphan) {
		out_z(o, " <small>");
		escaped(o, mixed ? s->service : (struct str){ 0 });
		out_z(o, s->orphan ? " (its parent is not here)</small>" : "</small>");
	}
	out_fmt(o, "</span><span class=\"t\"><i class=\"s%u\" style=\"left:",
		mixed ? (unsigned)(str_hash(s->service) % COLORS) : 0);
	percent(o, b.from);
	out_z(o, ";width:");
	percent(o, b.to - b.from);
	out_z(o, "\"></i></span><span class=\"d\">");
	out_duration(o, s->span.end_ns - s->span.start_ns);
	out_z(o, error ? " error</span></summary>" : "</span></summary>");
	attributes(o, s);
	out_z(o, "</details>\n");
}

void waterfall_html(struct out *o, const struct stored_spans *s)
{
	const struct stored_trace *t = &s->about;
	bool mixed = waterfall_is_mixed(s);
	char id[2 * TRACE_ID + 1];

	trace_id_hex(id, t->id);
	out_z(o, begin_page);
	escaped(o, t->root);
	out_z(o, style);
	out_z(o, "<h1>");
	escaped(o, t->root);
	out_z(o, "</h1>\n<p>");
	escaped(o, t->service);
	out_z(o, " · ");
	out_date(o, t->start_ns / 1000000000, 0);
	out_z(o, " · ");
	out_duration(o, t->end_ns - t->start_ns);
	out_fmt(o, " · %llu spans · %llu errors · trace <code>%s</code></p>\n",
		(unsigned long long)t->spans, (unsigned long long)t->errors, id);
	for (size_t i = 0; i < s->n; i++)
		row(o, s, &s->at[i], mixed);
	if (t->spans > s->n)
		out_fmt(o, "<p>… and %llu more spans</p>\n",
			(unsigned long long)(t->spans - s->n));
	out_z(o, "</body></html>\n");
}
