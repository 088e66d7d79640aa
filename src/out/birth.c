/* A line stands in the columns of the calls:
 *
 *   [g 1]    12:00:01.123456             go [g 18] main.worker, by main.main /src/main.go:12
 *   [g 18]   12:00:01.223456             ends */
#include "out/birth.h"

static struct str function(const struct stacks *s, u64 entry_rt)
{
	const struct go_func *f = go_func_at(s->prog, entry_rt - s->bias - s->prog->md.text_va);

	return f ? f->name : STR("");
}

static void head(struct line *l, u64 goid, i64 time_ns)
{
	enum { DURATION = 12 };

	line_goroutine(l->o, goid);
	line_clock(l, time_ns);
	line_spaces(l->o, DURATION);
}

void birth_text(struct line *l, const struct birth *b)
{
	const struct stack_frame *by = stack_frame_at(l->stacks, b->return_rt);
	struct str func = function(l->stacks, b->start_rt);

	head(l, b->parent_known ? b->parent_goid : 0, b->time_ns);
	out_fmt(l->o, "go [g %llu] ", (unsigned long long)b->goid);
	out_color(l->o, "1");
	if (func.n)
		out_clean(l->o, func);
	else
		out_hex(l->o, b->start_rt);
	out_plain(l->o);
	if (by) {
		out_z(l->o, ", by ");
		out_clean(l->o, by->func);
		out_c(l->o, ' ');
		out_color(l->o, "2");
		out_clean(l->o, by->file);
		out_c(l->o, ':');
		out_i64(l->o, by->line);
		out_plain(l->o);
	}
	out_line(l->o);
}

void birth_end_text(struct line *l, u64 goid, i64 time_ns)
{
	head(l, goid, time_ns);
	out_z(l->o, "ends");
	out_line(l->o);
}

static void begin(struct json *j, const char *type, u64 goid, i64 time_ns)
{
	json_object(j);
	json_key(j, "type");
	json_z(j, type);
	json_key(j, "time");
	json_time(j, time_ns);
	json_key(j, "goid");
	json_u64(j, goid);
}

void birth_json(struct json *j, struct stacks *s, const struct birth *b)
{
	const struct stack_frame *by = stack_frame_at(s, b->return_rt);
	struct str func = function(s, b->start_rt);

	begin(j, "go", b->goid, b->time_ns);
	json_key(j, "parent_goid");
	if (b->parent_known)
		json_u64(j, b->parent_goid);
	else
		json_null(j);
	json_key(j, "func");
	if (func.n)
		json_str(j, func);
	else
		json_null(j);
	json_key(j, "created_at");
	if (by) {
		json_object(j);
		json_key(j, "func");
		json_str(j, by->func);
		json_key(j, "file");
		json_str(j, by->file);
		json_key(j, "line");
		json_i64(j, by->line);
		json_object_end(j);
	} else {
		json_null(j);
	}
	json_object_end(j);
	json_line(j);
}

void birth_end_json(struct json *j, u64 goid, i64 time_ns)
{
	begin(j, "go_end", goid, time_ns);
	json_object_end(j);
	json_line(j);
}
