#include "out/shown.h"

#include "out/look.h"

bool shown_any(const struct value_view *v)
{
	return v->plan && plan_expr(v->plan, EXPR_SHOW);
}

static bool evaluate(struct value_view *v, const struct call *c, const struct expr *e,
		     struct expr_result *r)
{
	struct expr_input in = expr_input_of(v->plan, c, v->bias);

	if (!expr_value(&in, e, r)) {
		if (v->unreadable)
			*v->unreadable += r->unreadable;
		return false;
	}
	v->reading = r->exit ? &c->fn->exit : &c->fn->entry;
	v->record = r->exit ? c->exit : c->entry;
	if (r->kind == EXPR_VALUE)
		value_begin(v);
	return true;
}

static bool is_duration(const struct expr_result *r)
{
	return r->kind == EXPR_INT && r->type && look_is_duration(r->type);
}

static bool is_address(const struct expr_result *r)
{
	return r->kind == EXPR_UINT && look_is_address(r->type);
}

static struct str cut(struct str s, u64 most)
{
	return s.n > most ? utf8_whole(str_cut(s, 0, most)) : s;
}

static void text(struct out *o, struct value_view *v, const struct expr_result *r)
{
	struct str s;

	switch (r->kind) {
	case EXPR_BOOL:
		out_z(o, r->b ? "true" : "false");
		break;
	case EXPR_INT:
		if (is_duration(r))
			out_duration(o, r->i);
		else
			out_i64(o, r->i);
		break;
	case EXPR_UINT:
		if (is_address(r))
			out_hex(o, r->u);
		else
			out_u64(o, r->u);
		break;
	case EXPR_FLOAT:
		out_float(o, r->f, look_float_bits(r->type));
		break;
	case EXPR_STRING:
		s = cut(r->text, v->strings);
		out_quoted(o, s);
		if (s.n < r->len) {
			out_str(o, STR("…("));
			out_u64(o, r->len);
			out_c(o, ')');
		}
		break;
	case EXPR_VALUE:
		value_text(o, v, r->slot);
		break;
	}
}

void shown_value(struct out *o, struct value_view *v, const struct call *c,
		 const struct expr_result *r)
{
	v->reading = r->exit ? &c->fn->exit : &c->fn->entry;
	v->record = r->exit ? c->exit : c->entry;
	if (r->kind == EXPR_VALUE)
		value_begin(v);
	text(o, v, r);
}

void shown_text(struct out *o, struct value_view *v, const struct call *c)
{
	const struct plan *p = v->plan;
	struct expr_result r;
	bool first = true;

	for (size_t i = 0; i < p->nexprs; i++) {
		if (p->exprs[i].role != EXPR_SHOW)
			continue;
		if (!first)
			out_str(o, STR(", "));
		first = false;
		out_clean(o, p->exprs[i].source);
		out_c(o, '=');
		if (evaluate(v, c, &p->exprs[i], &r))
			text(o, v, &r);
		else
			out_z(o, r.unreadable ? "<unreadable>" : "?");
	}
}

static void json_shown(struct json *j, const struct expr_result *r, u64 most)
{
	struct str s = cut(r->text, most);

	json_key(j, "value");
	json_str(j, s);
	if (!str_is_utf8(s)) {
		json_key(j, "base64");
		json_base64(j, s);
	}
	if (s.n < r->len) {
		json_key(j, "len");
		json_u64(j, r->len);
	}
}

static void json_number(struct json *j, const struct expr_result *r)
{
	json_key(j, "value");
	switch (r->kind) {
	case EXPR_BOOL:
		json_bool(j, r->b);
		break;
	case EXPR_INT:
		json_i64(j, r->i);
		break;
	case EXPR_UINT:
		if (is_address(r))
			json_hex(j, r->u);
		else
			json_u64(j, r->u);
		break;
	case EXPR_FLOAT:
		json_float(j, r->f, look_float_bits(r->type));
		break;
	case EXPR_STRING:
	case EXPR_VALUE:
		break;
	}
}

static void json_one(struct json *j, struct value_view *v, const struct call *c,
		     const struct expr *e)
{
	struct expr_result r;
	bool there = evaluate(v, c, e, &r);
	struct go_type *t = there ? r.type : expr_type_of(c->fn, e);

	if (there && r.kind == EXPR_VALUE) {
		value_json(j, v, r.slot);
		return;
	}
	json_object(j);
	json_key(j, "name");
	json_str(j, e->source);
	if (t) {
		json_key(j, "type");
		json_str(j, t->name);
	}
	if (!there) {
		json_key(j, "error");
		json_z(j, r.unreadable ? "unreadable" : "not known");
	} else if (r.kind == EXPR_STRING) {
		json_shown(j, &r, v->strings);
	} else {
		json_number(j, &r);
	}
	json_object_end(j);
}

void shown_json(struct json *j, struct value_view *v, const struct call *c)
{
	const struct plan *p = v->plan;

	json_array(j);
	for (size_t i = 0; i < p->nexprs; i++)
		if (p->exprs[i].role == EXPR_SHOW)
			json_one(j, v, c, &p->exprs[i]);
	json_array_end(j);
}
