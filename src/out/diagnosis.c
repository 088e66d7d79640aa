#include "out/diagnosis.h"

enum { WIDTH = 88 };

/* In lines of WIDTH, each indented by two. */
static void wrapped(struct out *o, struct str s)
{
	while (s.n) {
		size_t n = MIN(s.n, (size_t)WIDTH);

		while (n < s.n && n && s.p[n] != ' ')
			n--;
		if (!n)
			for (n = MIN(s.n, (size_t)WIDTH); n < s.n && s.p[n] != ' '; n++)
				;
		out_z(o, "  ");
		out_clean(o, str_cut(s, 0, n));
		out_line(o);
		s = str_cut(s, n + 1, s.n);
	}
}

static void part(struct out *o, const char *head, struct str s)
{
	if (!s.n)
		return;
	out_line(o);
	out_color(o, "1");
	out_z(o, head);
	out_plain(o);
	out_line(o);
	wrapped(o, s);
}

void diagnosis_print(struct out *o, const struct diagnosis *d)
{
	out_color(o, d->cause ? "1;31" : "1");
	out_clean(o, d->summary);
	out_plain(o);
	out_line(o);
	out_z(o, "  ");
	out_z(o, d->kind);
	if (d->cause)
		out_fmt(o, ", %s", sureness_name(d->certainty));
	if (d->func.n) {
		out_z(o, ": ");
		out_clean(o, d->func);
		if (d->file.n) {
			out_c(o, ' ');
			out_clean(o, d->file);
			out_fmt(o, ":%d", d->line);
		}
	}
	out_line(o);
	if (d->nevidence) {
		out_line(o);
		out_color(o, "1");
		out_z(o, "evidence");
		out_plain(o);
		out_line(o);
	}
	for (u32 i = 0; i < d->nevidence; i++) {
		out_z(o, "  - ");
		out_clean(o, d->evidence[i]);
		out_line(o);
	}
	part(o, "cause", d->why);
	part(o, "what to do", d->advice);
}

void diagnosis_json(struct json *j, const struct diagnosis *d)
{
	json_object(j);
	json_key(j, "type");
	json_z(j, "diagnosis");
	json_key(j, "kind");
	json_z(j, d->kind);
	json_key(j, "certainty");
	json_z(j, sureness_name(d->certainty));
	json_key(j, "named");
	json_bool(j, d->cause);
	json_key(j, "summary");
	json_str(j, d->summary);
	json_key(j, "evidence");
	json_array(j);
	for (u32 i = 0; i < d->nevidence; i++)
		json_str(j, d->evidence[i]);
	json_array_end(j);
	json_text(j, "cause", d->why);
	json_text(j, "func", d->func);
	json_text(j, "file", d->file);
	json_key(j, "line");
	if (d->file.n)
		json_i64(j, d->line);
	else
		json_null(j);
	json_text(j, "advice", d->advice);
	json_object_end(j);
	json_line(j);
}
