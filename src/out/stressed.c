#include "out/stressed.h"

#include <stdlib.h>

enum { SHOWN = 20 };

static int by_waits(const void *a, const void *b)
{
	const struct stressed *x = a, *y = b;

	if (x->waits != y->waits)
		return x->waits < y->waits ? 1 : -1;
	if (x->store->func != y->store->func)
		return x->store->func->pc < y->store->func->pc ? -1 : 1;
	return x->store->at < y->store->at ? -1 : x->store->at > y->store->at;
}

void stressed_print(struct out *o, struct stressed_list *list)
{
	struct arena a = { 0 };
	size_t n = 0;

	if (list->n)
		qsort(list->at, list->n, sizeof(*list->at), by_waits);
	for (; n < MIN(list->n, (size_t)SHOWN) && list->at[n].waits; n++) {
		const struct torn_store *t = list->at[n].store;

		out_fmt(o, "%10u  ", list->at[n].waits);
		out_clean(o, torn_id(t, &a));
		out_fmt(o, "  %s ", torn_kind_name(t->kind));
		out_clean(o, t->object);
		torn_print_place(o, t);
		out_line(o);
	}
	if (n && n < list->n) {
		out_fmt(o, "            and %zu that waited less or not at all (--json has them)",
			list->n - n);
		out_line(o);
	}
	arena_release(&a);
}

void stressed_json(struct out *o, const struct stressed_list *list)
{
	struct arena a = { 0 };
	struct json j;

	json_begin(&j, o);
	for (size_t i = 0; i < list->n; i++) {
		json_object(&j);
		json_key(&j, "type");
		json_z(&j, "delayed");
		json_key(&j, "id");
		json_str(&j, torn_id(list->at[i].store, &a));
		json_key(&j, "waits");
		json_u64(&j, list->at[i].waits);
		json_object_end(&j);
		json_line(&j);
	}
	arena_release(&a);
}

void stressed_end_print(struct out *talk, const struct stressed_end *e)
{
	out_fmt(talk, "%u of %u %s %s passed, and waited %lu %s", e->passed, e->stores,
		e->stores == 1 ? "store" : "stores", e->passed == 1 ? "was" : "were",
		(unsigned long)e->waits, e->waits == 1 ? "time" : "times");
	if (e->waits) {
		out_z(talk, ", ");
		out_duration(talk, e->waited_ns < 1000000 ? e->waited_ns
							  : e->waited_ns / 1000 * 1000);
		out_z(talk, " in all");
	}
	if (e->left_out)
		out_fmt(talk, "; %lu %s left out, because the limit is %lu %% of the time",
			(unsigned long)e->left_out, e->left_out == 1 ? "wait was" : "waits were",
			(unsigned long)e->percent);
	if (e->stop_ns)
		out_fmt(talk, "; the process stood still for %.1f ms", (double)e->stop_ns / 1e6);
	out_line(talk);
}

static void number(struct json *j, const char *key, u64 v)
{
	json_key(j, key);
	json_u64(j, v);
}

void stressed_end_json(struct out *o, const struct stressed_end *e)
{
	struct json j;

	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "end");
	number(&j, "sites", e->stores);
	number(&j, "refused", e->refused);
	number(&j, "seed", e->seed);
	number(&j, "passed", e->passed);
	number(&j, "waits", e->waits);
	number(&j, "waited_ns", (u64)e->waited_ns);
	number(&j, "left_out", e->left_out);
	json_key(&j, "engine");
	json_z(&j, "inline");
	number(&j, "stop_ns", (u64)e->stop_ns);
	number(&j, "elapsed_ns", (u64)e->elapsed_ns);
	json_key(&j, "program_exit");
	if (e->exited)
		json_i64(&j, e->program_exit);
	else
		json_null(&j);
	json_object_end(&j);
	json_line(&j);
}
