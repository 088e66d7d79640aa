#include "out/function.h"

#include "out/signature.h"

enum { ADDRESS_COLUMN = 10, SIZE_COLUMN = 7 };

static void print_line(struct out *o, struct go_line at)
{
	if (!at.file.n)
		return;
	out_z(o, "  ");
	out_clean(o, at.file);
	out_c(o, ':');
	out_i64(o, at.line);
}

static void pad(struct out *o, size_t from, size_t width)
{
	while (o->n - from < width)
		out_c(o, ' ');
}

static void print_place(struct out *o, u64 va, u64 size)
{
	size_t from = o->n;

	out_hex(o, va);
	pad(o, from, ADDRESS_COLUMN);
	out_c(o, ' ');
	from = o->n;
	out_u64(o, size);
	pad(o, from, SIZE_COLUMN);
	out_c(o, ' ');
}

/* Where the call stood: the line of the frame around the inlined body. */
static struct go_line call_line(const struct go_program *prog, const struct inlined_place *p)
{
	struct go_frame frames[GO_FRAMES];
	size_t n = go_frames_at(prog, p->in, p->pc, frames);

	for (size_t i = 0; i + 1 < n; i++)
		if (str_eq(frames[i].name, p->name))
			return frames[i + 1].at;
	return go_line_at(prog, p->in, p->pc);
}

void function_print(struct out *o, const struct function_view *v)
{
	if (v->func) {
		enum sig_source from;

		print_place(o, go_func_va(v->prog, v->func), v->func->size);
		out_clean(o, v->name);
		from = signature_brief(o, v->prog, v->func);
		out_z(o, "  [");
		out_z(o, sig_source_name(from));
		out_z(o, v->race ? ", race]" : "]");
		print_line(o, go_func_line(v->prog, v->func));
		if (v->probed && v->refusal)
			out_fmt(o, "  refused: %s", refusal_text(v->refusal));
	} else {
		out_fmt(o, "%-*s %-*s ", ADDRESS_COLUMN, "-", SIZE_COLUMN, "-");
		out_clean(o, v->name);
		out_z(o, "  only inlined");
	}
	out_line(o);
	for (size_t i = 0; i < v->nplaces; i++) {
		const struct inlined_place *p = &v->places[i];

		out_fmt(o, "%*s at ", ADDRESS_COLUMN + SIZE_COLUMN, "");
		out_hex(o, v->prog->md.text_va + p->pc);
		out_z(o, " in ");
		out_clean(o, p->in->name);
		print_line(o, call_line(v->prog, p));
		out_line(o);
	}
}

/* Package paths escape dots behind the last slash and a few others: sub%2epkg. */
static void json_package(struct json *j, struct str escaped)
{
	struct arena a = { 0 };
	char *to = arena_alloc(&a, escaped.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < escaped.n; i++) {
		char c = escaped.p[i];

		if (c == '%' && i + 2 < escaped.n && hex_digit(escaped.p[i + 1]) >= 0
		    && hex_digit(escaped.p[i + 2]) >= 0) {
			c = (char)(hex_digit(escaped.p[i + 1]) * 16 + hex_digit(escaped.p[i + 2]));
			i += 2;
		}
		to[n++] = c;
	}
	json_str(j, (struct str){ to, n });
	arena_release(&a);
}

static void json_line_keys(struct json *j, struct go_line at)
{
	json_text(j, "file", at.file);
	json_key(j, "line");
	if (at.file.n)
		json_i64(j, at.line);
	else
		json_null(j);
}

static void json_places(struct json *j, const struct function_view *v)
{
	json_key(j, "inlined_at");
	json_array(j);
	for (size_t i = 0; i < v->nplaces; i++) {
		const struct inlined_place *p = &v->places[i];

		json_object(j);
		json_key(j, "func");
		json_str(j, p->in->name);
		json_key(j, "address");
		json_hex(j, v->prog->md.text_va + p->pc);
		json_line_keys(j, call_line(v->prog, p));
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_func(struct json *j, const struct function_view *v)
{
	static const struct go_sig unknown = { .from = SIG_NONE };
	struct go_line nowhere = { STR(""), 0 };

	json_key(j, "address");
	if (v->func)
		json_hex(j, go_func_va(v->prog, v->func));
	else
		json_null(j);
	json_key(j, "size");
	if (v->func)
		json_u64(j, v->func->size);
	else
		json_null(j);
	json_line_keys(j, v->func ? go_func_line(v->prog, v->func) : nowhere);
	signature_json(j, v->prog, v->func ? go_sig_of(v->prog, v->func) : &unknown);
	json_key(j, "race_instrumented");
	json_bool(j, v->race);
	json_key(j, "probe");
	json_z(j, v->func && !v->refusal ? "ok" : "refused");
	json_key(j, "reason");
	if (!v->func)
		json_z(j, "only inlined");
	else if (v->refusal)
		json_z(j, refusal_text(v->refusal));
	else
		json_null(j);
}

void function_json(struct json *j, const struct function_view *v)
{
	struct go_name n = go_name_split(v->name);

	json_object(j);
	json_key(j, "type");
	json_z(j, "function");
	json_key(j, "name");
	json_str(j, v->name);
	json_key(j, "package");
	json_package(j, n.package);
	json_text(j, "receiver", n.receiver);
	json_func(j, v);
	if (v->inlines)
		json_places(j, v);
	json_object_end(j);
	json_line(j);
}
