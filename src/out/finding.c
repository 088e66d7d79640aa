#include "out/finding.h"

enum { WIDTH = 88 };

static void print_place(struct out *o, struct str file, i32 line)
{
	if (!file.n)
		return;
	out_z(o, "  ");
	out_clean(o, file);
	if (line > 0)
		out_fmt(o, ":%d", line);
}

/* How a function on the way is called, by the step before it. */
static void print_call(struct out *o, const struct finding_step *by)
{
	switch (by->kind) {
	case CALL_SYSTEMSTACK: out_z(o, "  handed to a system stack"); break;
	case CALL_INTERFACE: out_z(o, "  through an interface"); break;
	case CALL_FUNC_VALUE: out_z(o, "  through a func value"); break;
	case CALL_DEFER: out_z(o, "  deferred"); break;
	default: break;
	}
	if (by->certainty != CERTAIN)
		out_z(o, " (candidate)");
}

static void print_path(struct out *o, const struct finding *f)
{
	for (size_t i = 0; i < f->npath; i++) {
		const struct finding_step *s = &f->path[i];

		out_z(o, i ? "    -> " : "    ");
		out_clean(o, s->func);
		if (i)
			print_call(o, s - 1);
		if (i + 1 < f->npath)
			print_place(o, s->file, s->line);
		out_line(o);
	}
}

void finding_print(struct out *o, const struct finding *f)
{
	out_color(o, f->rule->level == LEVEL_ERROR ? "1;31" : "1;33");
	out_z(o, f->rule->id);
	out_plain(o);
	out_fmt(o, " %s, %s: ", finding_level_name(f->rule->level), certainty_name(f->certainty));
	out_clean(o, f->message);
	out_line(o);
	if (f->func.n) {
		out_z(o, "  in ");
		out_clean(o, f->func);
		print_place(o, f->file, f->line);
		out_line(o);
	}
	if (f->npath) {
		out_z(o, "  the way there:");
		out_line(o);
		print_path(o, f);
	}
	out_z(o, "  to do: ");
	out_clean(o, f->advice);
	out_line(o);
}

static void json_line_number(struct json *j, i32 line)
{
	json_key(j, "line");
	if (line > 0)
		json_i64(j, line);
	else
		json_null(j);
}

static void json_step(struct json *j, const struct finding *f, size_t i)
{
	const struct finding_step *s = &f->path[i];

	json_object(j);
	json_key(j, "func");
	json_str(j, s->func);
	json_text(j, "file", s->file);
	json_line_number(j, s->line);
	json_key(j, "system_stack");
	json_bool(j, s->system);
	json_key(j, "by");
	if (i)
		json_z(j, call_kind_name(s[-1].kind));
	else
		json_null(j);
	json_key(j, "certainty");
	json_z(j, certainty_name(i ? s[-1].certainty : CERTAIN));
	json_object_end(j);
}

void finding_json(struct json *j, const struct finding *f)
{
	json_object(j);
	json_key(j, "type");
	json_z(j, "finding");
	json_key(j, "rule");
	json_z(j, f->rule->id);
	json_key(j, "level");
	json_z(j, finding_level_name(f->rule->level));
	json_key(j, "certainty");
	json_z(j, certainty_name(f->certainty));
	json_key(j, "message");
	json_str(j, f->message);
	json_text(j, "func", f->func);
	json_text(j, "file", f->file);
	json_line_number(j, f->line);
	json_key(j, "address");
	if (f->va)
		json_hex(j, f->va);
	else
		json_null(j);
	json_key(j, "path");
	json_array(j);
	for (size_t i = 0; i < f->npath; i++)
		json_step(j, f, i);
	json_array_end(j);
	json_text(j, "advice", f->advice);
	json_object_end(j);
	json_line(j);
}

void check_print_end(struct out *o, const struct check *c)
{
	size_t notes = 0, n;

	for (size_t i = 0; i < c->findings.n; i++)
		notes += c->findings.at[i].rule->level == LEVEL_NOTE;
	n = c->findings.n - notes;
	if (n)
		out_fmt(o, "%zu finding%s", n, n == 1 ? "" : "s");
	else
		out_z(o, "no findings");
	if (notes)
		out_fmt(o, ", %zu note%s", notes, notes == 1 ? "" : "s");
	out_fmt(o, "; %zu functions may run on a system stack, %u calls there could not be "
		   "followed", c->reach.order.n, c->reach.unknown);
	out_line(o);
}

void rules_print(struct out *o, const struct rule *const *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		out_fmt(o, "%-10s %-8s %s", rules[i]->id, finding_level_name(rules[i]->level),
			rules[i]->what);
		out_line(o);
	}
}

/* Words of one paragraph in lines. */
static void print_paragraph(struct out *o, struct str text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.n;) {
		size_t end = i;

		while (end < text.n && text.p[end] != ' ')
			end++;
		if (column && column + 1 + (end - i) > WIDTH) {
			out_line(o);
			column = 0;
		}
		if (column)
			out_c(o, ' ');
		out_str(o, str_cut(text, i, end));
		column += (column > 0) + (end - i);
		i = end + 1;
	}
	out_line(o);
}

static void explain_one(struct out *o, const struct rule *r)
{
	struct str rest = str_of(r->page);

	out_fmt(o, "%s (%s): %s", r->id, finding_level_name(r->level), r->what);
	out_line(o);
	while (rest.n) {
		ptrdiff_t end = str_find(rest, STR("\n\n"));
		size_t n = end < 0 ? rest.n : (size_t)end;

		out_line(o);
		print_paragraph(o, str_cut(rest, 0, n));
		rest = str_cut(rest, n + 2, rest.n);
	}
}

void rules_explain(struct out *o, const struct rule *const *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			out_line(o);
		explain_one(o, rules[i]);
	}
}

void rules_json(struct out *o, const struct rule *const *rules, size_t n)
{
	struct json j;

	json_begin(&j, o);
	for (size_t i = 0; i < n; i++) {
		json_object(&j);
		json_key(&j, "type");
		json_z(&j, "rule");
		json_key(&j, "id");
		json_z(&j, rules[i]->id);
		json_key(&j, "level");
		json_z(&j, finding_level_name(rules[i]->level));
		json_key(&j, "live");
		json_bool(&j, rules[i]->live);
		json_key(&j, "what");
		json_z(&j, rules[i]->what);
		json_key(&j, "page");
		json_z(&j, rules[i]->page);
		json_object_end(&j);
		json_line(&j);
	}
}
