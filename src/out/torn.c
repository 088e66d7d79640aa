#include "out/torn.h"

static void print_words(struct out *o, const struct torn_store *t, u8 words)
{
	bool some = false;

	for (unsigned k = 0; k < 8; k++)
		if (words & 1u << k) {
			out_z(o, some ? "," : "");
			out_z(o, torn_word_name(t->kind, k));
			some = true;
		}
}

void torn_print_place(struct out *o, const struct torn_store *t)
{
	if (t->line.file.n) {
		out_z(o, "  ");
		out_clean(o, t->line.file);
		out_fmt(o, ":%d", t->line.line);
	}
	if (t->inlined_from.n) {
		out_z(o, "  inlined from ");
		out_clean(o, t->inlined_from);
	}
}

void torn_print_what(struct out *o, const struct torn_store *t)
{
	out_fmt(o, "%s ", torn_kind_name(t->kind));
	out_clean(o, t->object);
	out_z(o, "  ");
	print_words(o, t, t->first);
	out_z(o, " | ");
	print_words(o, t, t->then);
	out_fmt(o, "  %s", torn_certainty_name(t->certainty));
}

/* ID  KIND OBJECT  FIRST | THEN  CERTAINTY  FILE:LINE, in which inlined function, refusal or where
 * it can be delayed */
void torn_print(struct out *o, const struct torn_store *t)
{
	struct arena a = { 0 };

	out_clean(o, torn_id(t, &a));
	arena_release(&a);
	out_z(o, "  ");
	torn_print_what(o, t);
	torn_print_place(o, t);
	if (t->refusal)
		out_fmt(o, "  refused: %s", refusal_text(t->refusal));
	else if (t->copy_only)
		out_z(o, "  in a copy only");
	out_line(o);
}

static void json_words(struct json *j, const char *key, const struct torn_store *t, u8 words)
{
	json_key(j, key);
	json_array(j);
	for (unsigned k = 0; k < 8; k++)
		if (words & 1u << k)
			json_z(j, torn_word_name(t->kind, k));
	json_array_end(j);
}

void torn_json(struct json *j, const struct go_program *prog, const struct torn_store *t,
	       enum refusal refusal)
{
	struct arena a = { 0 };

	json_object(j);
	json_key(j, "type");
	json_z(j, "torn_store");
	json_key(j, "id");
	json_str(j, torn_id(t, &a));
	arena_release(&a);
	json_key(j, "func");
	json_str(j, t->func->name);
	json_text(j, "inlined_from", t->inlined_from);
	json_text(j, "file", t->line.file);
	json_key(j, "line");
	if (t->line.file.n)
		json_i64(j, t->line.line);
	else
		json_null(j);
	json_key(j, "address");
	json_hex(j, go_func_va(prog, t->func) + t->at);
	json_key(j, "kind");
	json_z(j, torn_kind_name(t->kind));
	json_text(j, "object", t->object);
	json_words(j, "first", t, t->first);
	json_words(j, "then", t, t->then);
	json_key(j, "certainty");
	json_z(j, torn_certainty_name(t->certainty));
	json_key(j, "delayable");
	json_bool(j, !refusal);
	json_text(j, "reason", refusal ? str_of(refusal_text(refusal)) : STR(""));
	json_key(j, "copy_only");
	json_bool(j, t->copy_only);
	json_object_end(j);
	json_line(j);
}
