/* The same as JSON (docs/json.md). */
#include "out/goroutine.h"

static void number(struct json *j, const char *key, i64 n, bool known)
{
	json_key(j, key);
	if (known)
		json_i64(j, n);
	else
		json_null(j);
}

static void arguments(struct json *j, struct goroutine_view *v, const struct go_level *l,
		      size_t at, size_t frames)
{
	const struct reading *r = args_read(&v->args, &v->unwinder, l, at, frames);

	json_key(j, "args");
	if (!r) {
		json_null(j);
		return;
	}
	v->values.reading = r;
	v->values.record = (const u8 *)v->args.record;
	value_begin(&v->values);
	json_array(j);
	for (u32 i = 0; i < r->nslots; i++)
		if (!r->slots[i].param->dictionary)
			value_json(j, &v->values, &r->slots[i]);
	json_array_end(j);
	if (at + 1 == frames && go_sig_of(v->prog, l->func)->cut) {
		json_key(j, "args_cut");
		json_bool(j, true);
	}
}

static void frame(struct json *j, struct goroutine_view *v, const struct go_level *l,
		  const struct stack_frame *f, size_t at, size_t frames)
{
	json_object(j);
	json_text(j, "func", f->func);
	json_text(j, "file", f->file);
	number(j, "line", f->line, f->file.n);
	json_key(j, "pc");
	json_hex(j, l->pc_rt);
	if (f->inlined) {
		json_key(j, "inlined");
		json_bool(j, true);
	}
	if (f->wrapper) {
		json_key(j, "wrapper");
		json_bool(j, true);
	}
	arguments(j, v, l, at, frames);
	json_object_end(j);
}

static void stack(struct json *j, struct goroutine_view *v)
{
	size_t n;

	json_key(j, "stack");
	json_array(j);
	for (size_t i = 0; i < v->nlevels; i++) {
		const struct go_level *l = &v->levels[i];
		const struct stack_frame *f = stack_at(&v->stacks, l->pc_rt, l->exact, &n);

		for (size_t k = 0; k < n; k++)
			frame(j, v, l, &f[k], k, n);
	}
	json_array_end(j);
	json_key(j, "stack_end");
	json_z(j, unwind_end_name(v->end));
}

static void channel(struct json *j, struct goroutine_view *v, const struct wait_channel *c)
{
	struct go_type *t = c->elem_va ? go_type_at(v->prog, c->elem_va) : NULL;

	json_object(j);
	json_key(j, "address");
	json_hex(j, c->address);
	if (c->readable) {
		json_text(j, "elem", t && go_type_load(v->prog, t)->kind ? t->name : STR(""));
		json_key(j, "len");
		json_u64(j, c->len);
		json_key(j, "cap");
		json_u64(j, c->cap);
		json_key(j, "closed");
		json_bool(j, c->closed);
	}
	json_object_end(j);
}

static void may_have(struct json *j, const struct held *held)
{
	if (!held)
		return;
	json_key(j, "may_have");
	json_array(j);
	for (u32 i = 0; i < held->n; i++) {
		json_object(j);
		json_key(j, "goid");
		json_i64(j, held->at[i].g->goid);
		json_key(j, "by");
		json_z(j, held_by_name(held->at[i].by));
		json_object_end(j);
	}
	json_array_end(j);
}

static void waits_for(struct json *j, struct goroutine_view *v, const struct wait *w)
{
	json_key(j, "waits_for");
	if (!w->kind) {
		json_null(j);
		return;
	}
	json_object(j);
	json_key(j, "kind");
	json_z(j, wait_kind_name(w->kind));
	json_key(j, "address");
	json_hex(j, w->address);
	if (w->n) {
		json_key(j, "channels");
		json_array(j);
		for (u32 i = 0; i < w->n; i++)
			channel(j, v, &w->at[i]);
		json_array_end(j);
	}
	if (w->known && w->kind != WAIT_WAITGROUP) {
		json_key(j, "locked");
		json_bool(j, w->locked);
	}
	if (w->known && w->kind != WAIT_MUTEX)
		number(j, w->kind == WAIT_WAITGROUP ? "counter" : "readers", (i64)w->count, true);
	may_have(j, goroutine_held(v, w));
	json_object_end(j);
}

void goroutine_json(struct json *j, struct goroutine_view *v, const struct goroutine *g)
{
	i64 waits = goroutine_waits_ns(v, g);
	struct str first = STR("");
	struct wait w;
	size_t n;
	const struct stack_frame *by = goroutine_creator(v, g);

	goroutine_look(v, g);
	wait_of(&w, &v->unwinder, g, v->levels, v->nlevels);
	if (g->startpc)
		first = stack_at(&v->stacks, g->startpc, true, &n)[0].func;
	json_object(j);
	json_key(j, "type");
	json_z(j, "goroutine");
	json_key(j, "goid");
	json_i64(j, g->goid);
	json_key(j, "state");
	json_z(j, goroutine_state(v->prog, g));
	json_text(j, "wait_reason", str_of(goroutine_reason(v->prog, g)));
	number(j, "waiting_ns", waits, waits >= 0);
	json_text(j, "func", first);
	json_text(j, "created_by", by ? by->func : STR(""));
	number(j, "parent_goid", g->parent, g->parent);
	number(j, "thread", g->tid, g->tid);
	json_key(j, "system");
	json_bool(j, g->system);
	waits_for(j, v, &w);
	stack(j, v);
	json_object_end(j);
	json_line(j);
}
