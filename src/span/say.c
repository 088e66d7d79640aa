#include "span/say.h"

#include "plan/extra.h"

enum { SHOWN_MOST = 1024 };

/* Of the type of this descriptor, or what it points to. */
static struct str package_of(const struct collector_facts *f, u64 va)
{
	const struct go_type *type = go_type_load(f->plan->prog,
						  go_type_at(f->plan->prog, va));

	if (type->kind == GO_PTR && type->elem)
		type = go_type_load(f->plan->prog, type->elem);
	return type->pkg_path;
}

static struct field_value read_one(const struct collector_facts *f, const struct expr_input *in,
				   u32 ask)
{
	const struct expr *e = &f->plan->exprs[ask];
	struct field_value to = { 0 };
	struct expr_result v;

	to.there = expr_value(in, e, &v);
	to.other = !to.there && in->fn->codes[ask].n && !v.unreadable;
	if (!to.there)
		return to;
	to.text = v.text;
	to.number = v.kind == EXPR_BOOL ? v.b : v.kind == EXPR_STRING ? 0 : v.i;
	to.cut = v.kind == EXPR_STRING && v.len > v.text.n;
	if (v.kind == EXPR_STRING && v.u)
		to.package = package_of(f, v.u);
	return to;
}

void say_fields(const struct collector_facts *f, const struct call *call, const struct rule_on *on,
		struct field_value to[FIELDS_MOST])
{
	struct expr_input in = expr_input_of(f->plan, call, f->bias);

	for (u32 i = 0; i < on->rule->nreads; i++) {
		struct field_value *at = &to[on->rule->reads[i].field];

		if (!at->there)
			*at = read_one(f, &in, on->first + i);
	}
}

struct field_value say_field(const struct collector_facts *f, const struct call *call,
			     const struct rule_on *on, u8 field)
{
	struct expr_input in = expr_input_of(f->plan, call, f->bias);
	struct field_value to = { 0 };

	for (u32 i = 0; i < on->rule->nreads && !to.there; i++)
		if (on->rule->reads[i].field == field)
			to = read_one(f, &in, on->first + i);
	return to;
}

/* The type of the error that was returned: the word is an itab's, whose second one is the type
 * (internal/abi/iface.go). Itabs and descriptors never change. */
static struct str error_type(const struct teller *t, u64 itab)
{
	u64 type;

	if (!t->f->read_rt || !t->f->read_rt(t->f->read_ctx, itab + 8, &type, sizeof(type)))
		return STR("error");
	return go_type_load(t->f->plan->prog,
			    go_type_at(t->f->plan->prog, type - t->f->bias))->name;
}

static void say_shown(struct teller *t, const struct call *call, const struct expr *e)
{
	struct expr_input in = expr_input_of(t->f->plan, call, t->f->bias);
	struct saying *s = &t->saying;
	struct span_attr *a = &s->attrs[s->span.nattrs];
	struct expr_result v;

	if (s->span.nattrs == ATTRS_MOST || !expr_value(&in, e, &v))
		return;
	*a = (struct span_attr){ .key = e->source, .kind = ATTR_INT, .number = v.i };
	switch (v.kind) {
	case EXPR_BOOL:
		a->kind = ATTR_BOOL;
		a->truth = v.b;
		break;
	case EXPR_INT:
	case EXPR_UINT:
		break;
	case EXPR_FLOAT:
		a->kind = ATTR_FLOAT;
		a->real = v.f;
		break;
	case EXPR_STRING:
		a->kind = ATTR_TEXT;
		a->text = v.text;
		break;
	case EXPR_VALUE:
		if (!t->f->show)
			return;
		t->shown.n = 0;
		t->f->show(t->f->show_ctx, call, &v, &t->shown);
		a->kind = ATTR_TEXT;
		a->text = say_fmt(s, "%.*s", (int)MIN(t->shown.n, (size_t)SHOWN_MOST),
				  t->shown.buf);
		break;
	}
	s->span.nattrs++;
}

static void say_func(struct teller *t, const struct call *call)
{
	struct saying *s = &t->saying;
	const struct plan *p = t->f->plan;
	u64 error = 0;

	s->span.name = call->fn->func->name;
	s->span.scope = call->fn->name.package;
	say_text(s, "code.function.name", call->fn->func->name);
	for (size_t i = 0; i < p->nexprs; i++)
		if (p->exprs[i].role == EXPR_SHOW)
			say_shown(t, call, &p->exprs[i]);
	if (call->fn->error_at && call->exit)
		memcpy(&error, call->exit + call->fn->error_at, sizeof(error));
	if (error)
		say_error(s, error_type(t, error), (struct str){ 0 });
}

/* The text at the end of a chain, where the pair of words that led to it is an interface that holds
 * a string. */
static struct str chained(const struct teller *t, const struct call *call,
			  const struct plan_extra *x)
{
	const struct reading *rd = x->exit ? &call->fn->exit : &call->fn->entry;
	const u8 *record = x->exit ? call->exit : call->entry;
	struct str none = { 0 };
	u64 type;
	u32 n;

	if (x->kind != EXTRA_CHAIN || !rd->hook_at || !record || x->nhops < 2)
		return none;
	record += rd->hook_at;
	memcpy(&type, record + extra_hop_at(x->nhops - 2u), sizeof(type));
	memcpy(&n, record + extra_chained_text_at(x) - 8, sizeof(n));
	if (!n || n == CAPTURE_UNREADABLE || n > x->most || !t->string_va ||
	    type - t->f->bias != t->string_va)
		return none;
	return (struct str){ (const char *)record + extra_chained_text_at(x), n };
}

static void say_library(struct teller *t, const struct call *call, const struct rule_on *on,
		     const struct open_span *o, i64 status)
{
	struct field_value fields[FIELDS_MOST] = { 0 };
	struct said said = { .rule = on->rule, .status = status, .answered = o->answered,
			     .route = { o->route, o->nroute },
			     .inner = { o->inner, o->ninner } };

	said.chained = chained(t, call, &on->rule->extra);
	say_fields(t->f, call, on, fields);
	t->saying.span.scope = str_of(on->rule->scope);
	on->library->say(&t->saying, fields, &said);
}

const struct span *say_span(struct teller *t, const struct call *call, const struct rule_on *on,
			    const struct open_span *o, i64 status)
{
	struct saying *s = &t->saying;

	s->used = 0;
	s->nothing = false;
	s->span = (struct span){
		.self = o->self, .parent_remote = o->parent_remote,
		.parent_here = o->parent_here, .kind = o->kind,
		.start_ns = o->start_ns, .end_ns = o->start_ns + call->duration_ns,
		.attrs = s->attrs, .goid = call->goid,
	};
	s->span.self.state = (struct str){ o->state, o->nstate };
	memcpy(s->span.parent, o->parent, SPAN_ID);
	events_say(o->events, &t->events, &s->span);
	if (on)
		say_library(t, call, on, o, status);
	else
		say_func(t, call);
	if (call->end == END_PANIC || call->end == END_GOEXIT)
		say_error(s, str_of(call_end_name(call->end)), (struct str){ 0 });
	else if (rule_caught(on, call))
		say_error(s, str_of(call_end_name(END_PANIC)), (struct str){ 0 });
	return s->nothing ? NULL : &s->span;
}
