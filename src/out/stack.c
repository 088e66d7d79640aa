#include "out/stack.h"

/* As far to the right as the functions of calls stand, and two more. */
static const char indent[] = "                                   ";

static void line(struct out *o, const struct stack_frame *f)
{
	out_z(o, indent);
	if (f->func.n)
		out_clean(o, f->func);
	else
		out_hex(o, f->pc_rt);
	if (f->file.n) {
		out_c(o, ' ');
		out_color(o, "2");
		out_clean(o, f->file);
		out_c(o, ':');
		out_i64(o, f->line);
		out_plain(o);
	}
	if (f->inlined)
		out_z(o, " (inlined)");
	out_line(o);
}

void stack_text(struct out *o, struct stacks *s, const struct reading *r, const u8 *entry)
{
	struct stack_frames all;
	enum stack_end end;

	if (!r->stack_at || !entry)
		return;
	all = stack_frames(s, r, entry, &end);
	for (size_t i = 0; i < all.n; i++)
		line(o, &all.at[i]);
	if (end == STACK_WHOLE)
		return;
	out_z(o, indent);
	out_z(o, end == STACK_CUT ? "… (--frames shows more)"
				  : "… (no frame pointers from here on)");
	out_line(o);
}

void stack_json(struct json *j, struct stacks *s, const struct reading *r, const u8 *entry)
{
	struct stack_frames all;
	enum stack_end end;

	if (!r->stack_at)
		return;
	json_key(j, "stack");
	if (!entry) {
		json_null(j);
		return;
	}
	all = stack_frames(s, r, entry, &end);
	json_array(j);
	for (size_t i = 0; i < all.n; i++) {
		const struct stack_frame *f = &all.at[i];

		json_object(j);
		json_key(j, "func");
		if (f->func.n) {
			json_str(j, f->func);
		} else {
			json_null(j);
			json_key(j, "address");
			json_hex(j, f->pc_rt);
		}
		json_key(j, "file");
		if (f->file.n)
			json_str(j, f->file);
		else
			json_null(j);
		json_key(j, "line");
		if (f->file.n)
			json_i64(j, f->line);
		else
			json_null(j);
		if (f->inlined) {
			json_key(j, "inlined");
			json_bool(j, true);
		}
		json_object_end(j);
	}
	json_array_end(j);
	json_key(j, "stack_end");
	json_z(j, stack_end_name(end));
}
