/* Names: parameters and results of the function, and words that mean something by themselves. */
#include "plan/expr_binder.h"

#include <stdio.h>

#include "base/opt.h"
#include "go/release.h"

enum { NAMES_MAX = 64 };

static struct go_type duration_type = {
	.loaded = true, .named = true, .comparable = true, .kind = GO_INT64, .align = 8, .size = 8,
	.name = { "time.Duration", 13 },
};

/* Parameters may be dead there, and nothing ends. */
static bool not_inside(struct binder *b, const struct expr_node *n)
{
	return bind_wrong(b, n->mark, "%.*s is not known at a line or address inside a function; "
			  "goid, func, caller, panicking and g are", STR_F(n->text));
}

static bool unknown_name(struct binder *b, const struct expr_node *n)
{
	const struct go_sig *sig = b->fn->sig;
	const char *names[NAMES_MAX], *near;
	struct str f = b->fn->func->name;
	struct arena *a = &b->p->arena;
	char all[256] = "";
	size_t count = 0, used = 0;

	for (size_t i = 0; i < sig->nparams && count < NAMES_MAX / 2; i++)
		if (!sig->params[i].dictionary)
			names[count++] = str_z(a, sig->params[i].name);
	for (size_t i = 0; i < sig->nresults && count < NAMES_MAX / 2; i++)
		names[count++] = str_z(a, sig->results[i].name);
	for (size_t i = 0; i < count && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
					 names[i]);
	for (u32 i = 0; expr_word_at(i) && count < NAMES_MAX; i++)
		names[count++] = expr_word_at(i);
	near = n->text.n > 1 ? opt_nearest(str_z(a, n->text), names, count) : NULL;
	if (near)
		return bind_wrong(b, n->mark, "%.*s has no %.*s; the nearest name is %s", STR_F(f),
				  STR_F(n->text), near);
	if (b->fn->line_at)
		return not_inside(b, n);
	if (str_starts(n->text, STR("ret")) && !sig->results_known)
		return bind_wrong(b, n->mark, "the results of %.*s are not known in this binary",
				  STR_F(f));
	return bind_wrong(b, n->mark, "%.*s has no %.*s; it has %s", STR_F(f), STR_F(n->text),
			  *all ? all : "no parameters");
}

/* "arg2": also where the names are known. */
static bool is_numbered(struct str name, const char *what, size_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%zu", what, number);
	return str_eq(name, str_of(text));
}

static i64 find_slot(const struct reading *r, struct str name, const char *what)
{
	size_t number = 0;

	for (u32 i = 0; i < r->nslots; i++)
		if (!r->slots[i].param->dictionary && str_eq(r->slots[i].param->name, name))
			return i;
	for (u32 i = 0; i < r->nslots; i++) {
		const struct go_param *p = r->slots[i].param;

		if (p->receiver ? str_eq(name, STR("recv")) :
		    !p->dictionary && is_numbered(name, what, number++))
			return i;
	}
	return -1;
}

static bool is_float(const struct go_param *p)
{
	for (size_t i = 0; i < p->nplaces; i++)
		if (p->places[i].kind == PLACE_FLOAT)
			return true;
	return false;
}

static bool bind_slot(struct binder *b, const struct expr_node *n, bool exit, u32 i,
		      struct operand *to)
{
	struct builder *r = exit ? b->exit : b->entry;
	const struct slot *s = &r->r->slots[i];
	const struct go_param *p = s->param;

	if (exit && b->p->request.entry_only) {
		b->fatal = true;
		return bind_wrong(b, n->mark, "%.*s is a result, and --entry does not wait for it",
				  STR_F(n->text));
	}
	if (s->redacted) {
		b->fatal = true;
		return bind_wrong(b, n->mark, "%.*s is redacted", STR_F(n->text));
	}
	if (!reading_slot(r, i) && b->p->request.probes && is_float(p))
		return bind_wrong(b, n->mark, "%.*s is in a vector register, which kernel probes "
				  "can't read: --engine inline can", STR_F(n->text));
	if (!reading_slot(r, i))
		return bind_wrong(b, n->mark, "it is not known where %.*s is", STR_F(n->text));
	to->kind = OPERAND_PLACE;
	to->type = bind_type(b, p->type);
	to->place = (struct place){ .exit = exit, .at = s->at,
				    .words = p->type ? 0 : MAX(p->size / 8, 1u) };
	return true;
}

/* A place behind the current g. */
static bool behind_g(struct binder *b, u32 at, i64 disp, struct go_type *t, struct operand *to)
{
	u32 g = reading_g(b->entry);

	if (!g)
		return bind_no_room(b, at);
	to->kind = OPERAND_PLACE;
	to->type = t;
	to->place = (struct place){ .behind = true, .at = g, .disp = disp };
	return true;
}

static bool bind_word(struct binder *b, const struct expr_node *n, enum expr_word word,
		      struct operand *to)
{
	const struct go_program *prog = b->p->prog;
	struct go_type *text = go_type_basic(prog, GO_STRING), *t;
	struct operand zero = { .node = n };

	if ((word == WORD_DURATION || word == WORD_DEPTH) && b->p->request.entry_only) {
		b->fatal = true;
		return bind_wrong(b, n->mark, "%.*s is not known with --entry", STR_F(n->text));
	}
	if ((word == WORD_DURATION || word == WORD_DEPTH) && b->fn->line_at)
		return not_inside(b, n);
	switch (word) {
	case WORD_DURATION:
		return bind_result(b, to, (struct expr_step){ .op = EX_DURATION, .kind = EXPR_INT,
							 .size = 8, .exit = true,
							 .type = &duration_type });
	case WORD_GOID:
		return bind_result(b, to,
			      (struct expr_step){ .op = EX_GOID,
						  .kind = EXPR_UINT,
						  .size = 8,
						  .type = go_type_basic(prog, GO_UINT64) });
	case WORD_DEPTH:
		return bind_result(b, to,
			      (struct expr_step){ .op = EX_DEPTH,
						  .kind = EXPR_INT,
						  .size = 8,
						  .exit = true,
						  .type = go_type_basic(prog, GO_INT) });
	case WORD_FUNC:
		return bind_result(b, to, (struct expr_step){ .op = EX_FUNC, .kind = EXPR_STRING,
							 .type = text });
	case WORD_CALLER:
		return bind_result(b, to, (struct expr_step){ .op = EX_CALLER, .kind = EXPR_STRING,
							 .at = b->fn->entry.caller_at,
							 .type = text });
	case WORD_PANICKING:
		if (!behind_g(b, n->mark, G_PANIC, go_type_basic(prog, GO_UINTPTR), to) ||
		    !bind_load(b, to, 0))
			return false;
		zero.step = bind_step(b, (struct expr_step){ .op = EX_CONST, .kind = EXPR_UINT,
							     .size = 8 });
		return bind_result(b, to, (struct expr_step){
			.op = EX_NE, .kind = EXPR_BOOL, .size = 1, .a = to->step, .b = zero.step,
			.type = go_type_basic(prog, GO_BOOL),
		});
	case WORD_G:
		t = go_type_named(prog, STR("runtime.g"));
		if (!t)
			return bind_wrong(b, n->mark, "the type runtime.g is not in this program");
		return behind_g(b, n->mark, 0, bind_type(b, t), to);
	case WORD_NONE:
		break;
	}
	return unknown_name(b, n);
}

bool bind_name(struct binder *b, const struct expr_node *n, struct operand *to)
{
	i64 i = find_slot(b->entry->r, n->text, "arg");
	enum expr_word word = expr_word_of(n->text);

	if (i >= 0)
		return bind_slot(b, n, false, (u32)i, to);
	i = b->fn->sig->results_known ? find_slot(b->exit->r, n->text, "ret") : -1;
	if (i >= 0)
		return bind_slot(b, n, true, (u32)i, to);
	return word ? bind_word(b, n, word, to) : unknown_name(b, n);
}
