/* One object a line (docs/json.md). */
#include "base/version.h"
#include "out/shown.h"
#include "out/sinks.h"
#include "out/birth.h"
#include "out/stack.h"

struct place {
	struct go_line at;
	bool looked_up;
};

struct sink_json {
	struct json j;
	const struct target_facts *t;
	struct value_view view;
	struct place *places;	/* of the plan's functions, looked up when first needed */
};

struct value_view target_view(const struct target_facts *t)
{
	return (struct value_view){
		.prog = t->prog, .plan = t->plan, .bias = t->bias, .read_rt = t->read_rt,
		.read_ctx = t->read_ctx, .strings = t->plan->request.strings,
		.elements = t->plan->request.elements, .unreadable = t->unreadable,
	};
}

static void begin(struct json *j, const char *type)
{
	json_object(j);
	json_key(j, "type");
	json_z(j, type);
}

static void end(struct json *j)
{
	json_object_end(j);
	json_line(j);
}

static void number(struct json *j, const char *key, u64 v)
{
	json_key(j, key);
	json_u64(j, v);
}

/* A list of values; null where the record is not there or the signature is not known. */
static void values(struct sink_json *s, const char *key, const struct reading *r, const u8 *record,
		   bool known)
{
	struct json *j = &s->j;

	json_key(j, key);
	if (!known || (!record && r->nslots)) {
		json_null(j);
		return;
	}
	s->view.reading = r;
	s->view.record = record;
	if (record)
		value_begin(&s->view);
	json_array(j);
	for (u32 i = 0; i < r->nslots; i++)
		if (!r->slots[i].param->dictionary)
			value_json(j, &s->view, &r->slots[i]);
	json_array_end(j);
}

/* What a call and an entry have in common. */
static void head(struct sink_json *s, const char *type, const struct call *c)
{
	struct json *j = &s->j;
	struct place *p = &s->places[c->fn - s->t->plan->funcs];
	const struct go_sig *sig = c->fn->sig;

	if (!p->looked_up) {
		p->at = c->fn->line_at ? c->fn->line :
			go_func_line(s->t->prog, c->fn->func);
		p->looked_up = true;
	}
	begin(j, type);
	json_key(j, "time");
	json_time(j, c->start_ns);
	number(j, "goid", c->goid >> 63 ? 0 : c->goid);
	json_key(j, "func");
	json_str(j, c->fn->func->name);
	json_key(j, "file");
	if (p->at.file.n)
		json_str(j, p->at.file);
	else
		json_null(j);
	json_key(j, "line");
	if (p->at.line > 0)
		json_i64(j, p->at.line);
	else
		json_null(j);
	if (shown_any(&s->view)) {
		json_key(j, "args");
		shown_json(j, &s->view, c);
		return;
	}
	values(s, "args", &c->fn->entry, c->entry, c->entry && sig && sig->from != SIG_NONE);
	if (c->entry && sig && sig->cut) {
		json_key(j, "args_cut");
		json_bool(j, true);
	}
}

/* Who called, if the record tells; else the nearest traced function that is open. */
static void caller(struct sink_json *s, const struct call *c)
{
	const struct reading *r = &c->fn->entry;
	const struct stack_frame *f = NULL;

	if (c->entry && r->caller_at)
		f = stack_caller(s->t->stacks, r, c->entry);
	json_key(&s->j, "caller");
	if (f)
		json_str(&s->j, f->func);
	else if (c->caller && !(c->entry && r->caller_at))
		json_str(&s->j, c->caller->func->name);
	else
		json_null(&s->j);
}

static void on_call(void *ctx, const struct call *c)
{
	struct sink_json *s = ctx;
	struct json *j = &s->j;
	bool returned = c->end == END_RETURN || c->end == END_RECOVERED;

	head(s, "call", c);
	values(s, "results", &c->fn->exit, c->exit,
	       returned && c->fn->sig && c->fn->sig->results_known);
	json_key(j, "duration_ns");
	if (c->duration_ns >= 0)
		json_i64(j, c->duration_ns);
	else
		json_null(j);
	number(j, "depth", c->level);
	caller(s, c);
	json_key(j, "end");
	json_z(j, call_end_name(c->end));
	stack_json(j, s->t->stacks, &c->fn->entry, c->entry);
	end(j);
}

static void on_entry(void *ctx, const struct call *c)
{
	struct sink_json *s = ctx;

	head(s, "entry", c);
	stack_json(&s->j, s->t->stacks, &c->fn->entry, c->entry);
	end(&s->j);
}

void sink_json_lost(struct json *j, u64 count, i64 from_ns, i64 to_ns)
{
	begin(j, "lost");
	number(j, "count", count);
	json_key(j, "from");
	json_time(j, from_ns);
	json_key(j, "to");
	json_time(j, to_ns);
	end(j);
}

static void on_lost(void *ctx, u64 count, i64 from_ns, i64 to_ns)
{
	sink_json_lost(&((struct sink_json *)ctx)->j, count, from_ns, to_ns);
}

static void on_go(void *ctx, const struct birth *b)
{
	struct sink_json *s = ctx;

	birth_json(&s->j, s->t->stacks, b);
}

static void on_go_end(void *ctx, u64 goid, i64 time_ns)
{
	birth_end_json(&((struct sink_json *)ctx)->j, goid, time_ns);
}

struct sink sink_json_new(struct arena *a, struct out *o, const struct target_facts *t)
{
	struct sink_json *s = ARENA_NEW(a, struct sink_json);

	json_begin(&s->j, o);
	s->t = t;
	s->view = target_view(t);
	s->places = ARENA_ARRAY(a, struct place, t->plan->nfuncs + 1);
	return (struct sink){ .ctx = s, .call = on_call, .entry = on_entry, .lost = on_lost,
			      .go = on_go, .go_end = on_go_end };
}

void sink_json_begin(struct out *o, const struct target_facts *t)
{
	struct json j;

	json_begin(&j, o);
	begin(&j, "begin");
	json_key(&j, "version");
	json_z(&j, GOSHAWK_VERSION);
	number(&j, "schema", JSON_SCHEMA);
	json_key(&j, "pid");
	if (t->pid > 0)
		json_i64(&j, t->pid);
	else
		json_null(&j);
	json_key(&j, "target");
	json_z(&j, t->path);
	end(&j);
}

void sink_json_end(struct out *o, const struct end_facts *e)
{
	struct json j;

	json_begin(&j, o);
	begin(&j, "end");
	number(&j, "calls", e->calls);
	number(&j, "lost", e->lost);
	number(&j, "unreadable", e->unreadable);
	number(&j, "sites", e->sites);
	number(&j, "refused", e->refused);
	json_key(&j, "engine");
	json_z(&j, e->engine);
	json_key(&j, "stop_ns");
	json_i64(&j, e->stop_ns);
	json_key(&j, "elapsed_ns");
	json_i64(&j, e->elapsed_ns);
	json_key(&j, "program_exit");
	if (e->exited)
		json_i64(&j, e->program_exit);
	else
		json_null(&j);
	end(&j);
}
