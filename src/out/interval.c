#include "out/interval.h"

void tables_init(struct tables *t, struct arena *a, struct out *o, const struct target_facts *f,
		 bool json)
{
	*t = (struct tables){ .line.o = o, .as_json = json, .arena = a };
	t->line.view = target_view(f);
	json_begin(&t->json, o);
}

struct interval tables_tick(struct tables *t, i64 from_ns, i64 to_ns, bool last)
{
	bool first = !t->printed++;

	return (struct interval){
		.from_ns = from_ns, .to_ns = to_ns, .all = last, .first = first,
		.only = last && first,
	};
}

void interval_text(struct tables *t, const struct interval *i)
{
	struct out *o = t->line.o;
	u64 lost = i->all ? t->lost_all : t->lost;

	if (!i->first)
		out_line(o);
	if (!i->only) {
		out_color(o, "2");
		out_str(o, i->all ? STR("all of ") : STR("from "));
		line_clock(&t->line, i->from_ns);
		out_str(o, STR(" to "));
		line_clock(&t->line, i->to_ns);
		out_plain(o);
		out_line(o);
	}
	if (lost) {
		out_color(o, "33");
		out_str(o, STR("[lost]   "));
		out_u64(o, lost);
		out_str(o, lost == 1 ? STR(" record") : STR(" records"));
		out_plain(o);
		out_line(o);
	}
	t->lost = 0;
}

void interval_json(struct tables *t, const char *type, const struct interval *i)
{
	struct json *j = &t->json;

	json_object(j);
	json_key(j, "type");
	json_z(j, type);
	json_key(j, "from");
	json_time(j, i->from_ns);
	json_key(j, "to");
	json_time(j, i->to_ns);
	json_key(j, "all");
	json_bool(j, i->all);
}

void tables_lost(void *tables, u64 count, i64 from_ns, i64 to_ns)
{
	struct tables *t = tables;

	t->lost += count;
	t->lost_all += count;
	if (t->as_json)
		sink_json_lost(&t->json, count, from_ns, to_ns);
}

void json_i64_or_null(struct json *j, i64 v, bool known)
{
	if (known)
		json_i64(j, v);
	else
		json_null(j);
}

void out_right(struct out *o, int width, u64 v)
{
	out_fmt(o, "%*llu", width, (unsigned long long)v);
}
