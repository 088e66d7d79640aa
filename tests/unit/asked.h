/* asked - one function of one program, for tests of expressions: its parameters and results have
 * every kind of type, and one call of it stands in memory.
 *
 *	func f(n int, u uint8, w int32, s string, p *T, sl []int, ok bool, f float64,
 *	       m map[string]int, ch chan int, e any, err error, arr [3]int16, names []string,
 *	       d time.Duration, nilp *T, bad *T, lost, hidden string,
 *	       h float32) (ret0 int, why error)
 *	type T struct { ID int; Name string; Next *T; Flags uint16; In struct{X, Y int32}; *Base }
 *	type Base struct { Kind int; Secret string }
 *
 * The call: f(-7, 200, -3, "hello, world", &T{…}, …) = (42, *main.Oops).
 *
 * Owns     world, between asked_begin() and asked_end().
 * Units    `heap` is what pointers lead to.
 * Fails    a test.
 * Threads  one. */
#ifndef TESTS_ASKED_H
#define TESTS_ASKED_H

#include "event/calls.h"
#include "go/release.h"
#include "memory.h"

#include "plan/interpret.h"
#include "plan/expr_bind.h"
#include "plan/reading.h"

enum { HEAP_SIZE = 4096, STACK = 1024, ASKS = 8 };

struct world {
	struct memory_program m;
	struct plan plan;
	struct dynamic_types dynamic;
	struct reading_cache cache;
	struct go_func func;
	struct go_sig sig;
	struct plan_func fn;
	struct expr_ask asks[ASKS];
	struct go_type *t, *base, *integer, *text, *error, *oops, *duration;
	struct go_param params[24], results[4];
	u8 heap[HEAP_SIZE], stack[STACK];
	u32 used;
	struct interpreter in, out;
	u8 entry[RECORD_MAX], exit[RECORD_MAX];
	bool fatal;
	u32 most;		/* bytes of a text; 0: as always */
};

static struct world world;

static inline struct go_type *a_type(u8 kind, u64 size, u8 align, const char *name)
{
	struct go_type *t = go_type_at(&world.m.prog, memory_room(&world.m, 8));

	ck_assert_ptr_nonnull(t);
	t->loaded = true;
	t->kind = kind;
	t->size = size;
	t->align = align;
	t->name = str_of(name);
	t->direct_iface = kind == GO_PTR || kind == GO_MAP || kind == GO_CHAN;
	return t;
}

static inline struct go_type *of(struct go_type *t, struct go_type *elem)
{
	t->elem = elem;
	return t;
}

static inline void a_field(struct go_type *t, const char *name, struct go_type *f, bool embedded)
{
	if (!t->fields)
		t->fields = ARENA_ARRAY(&world.plan.arena, struct go_field, 8);
	t->size = round_up(t->size, f->align);
	t->fields[t->nfields++] = (struct go_field){
		.name = str_of(name), .type = f, .offset = t->size, .embedded = embedded,
	};
	t->size += f->size;
	t->align = MAX(t->align, f->align);
}

static inline bool from_heap(u64 va, u64 n, void *to)
{
	u64 at = va - (u64)(uintptr_t)world.heap;

	if (at > HEAP_SIZE || n > HEAP_SIZE - at)
		return false;
	memcpy(to, world.heap + at, n);
	return true;
}

/* Puts bytes into the heap; gives their address. */
static inline u64 put(const void *p, size_t n)
{
	u32 at = world.used;

	ck_assert_uint_le(at + n, HEAP_SIZE);
	memcpy(world.heap + at, p, n);
	world.used = (u32)round_up(at + n, 8);
	return (u64)(uintptr_t)world.heap + at;
}

/* A value into the places of a parameter or result. */
static inline void give(struct interpreter *in, const struct go_param *p, const void *value)
{
	const u8 *v = value;

	for (size_t i = 0; i < p->nplaces; i++) {
		const struct go_place *pl = &p->places[i];

		if (pl->kind == PLACE_INT) {
			in->ints[pl->reg] = 0xeeeeeeeeeeeeeeeeu;	/* above: garbage */
			memcpy(&in->ints[pl->reg], v + pl->at, pl->size);
		} else if (pl->kind == PLACE_FLOAT) {
			memcpy(&in->floats[pl->reg], v + pl->at, pl->size);
		} else {
			memcpy(world.stack + pl->off, v + pl->at, pl->size);
		}
	}
}

static inline void param(struct abi_state *st, const char *name, struct go_type *t,
			 const void *value)
{
	struct go_param *p = &world.params[world.sig.nparams++];

	p->name = str_of(name);
	abi_assign(st, &world.m.prog, t, false, &world.plan.arena, p);
	give(&world.in, p, value);
}

static inline void asked_types(void)
{
	struct go_type *in = a_type(GO_STRUCT, 0, 1, "struct { X, Y int32 }");
	struct go_type *narrow = a_type(GO_INT32, 4, 4, "int32");

	world.integer = a_type(GO_INT, 8, 8, "int");
	world.text = a_type(GO_STRING, 16, 8, "string");
	world.error = a_type(GO_INTERFACE, 16, 8, "error");
	world.error->methods = ARENA_NEW(&world.plan.arena, struct go_method);
	world.error->nmethods = 1;
	world.duration = a_type(GO_INT64, 8, 8, "time.Duration");
	world.oops = a_type(GO_PTR, 8, 8, "*main.Oops");
	a_field(in, "X", narrow, false);
	a_field(in, "Y", narrow, false);
	world.base = a_type(GO_STRUCT, 0, 1, "main.Base");
	a_field(world.base, "Kind", world.integer, false);
	a_field(world.base, "Secret", world.text, false);
	world.t = a_type(GO_STRUCT, 0, 1, "main.T");
	a_field(world.t, "ID", world.integer, false);
	a_field(world.t, "Name", world.text, false);
	a_field(world.t, "Next", of(a_type(GO_PTR, 8, 8, "*main.T"), world.t), false);
	a_field(world.t, "Flags", a_type(GO_UINT16, 2, 2, "uint16"), false);
	a_field(world.t, "In", in, false);
	a_field(world.t, "Base", of(a_type(GO_PTR, 8, 8, "*main.Base"), world.base), true);
	world.t->size = round_up(world.t->size, 8);
}

static inline u64 a_t(i64 id, const char *name, u64 next, u64 base)
{
	u64 w[7] = { (u64)id, put(name, strlen(name)), strlen(name), next };

	((u16 *)w)[16] = 0x8001;
	((i32 *)w)[9] = -5;
	((i32 *)w)[10] = 6;
	w[6] = base;
	return put(w, sizeof(w));
}

/* The words of a string or of the like. */
static inline void words(u64 *to, u64 address, u64 len)
{
	to[0] = address;
	to[1] = to[2] = len;
}

/* map[string]int of three, in the one group of a small map (go1.24 and later); the first is
 * deleted, as the runtime leaves it where only the pointer was cleared. */
static inline u64 a_map(struct go_type *t)
{
	static const char long_key[] = "more than eight letters";
	u64 map[6] = { 3 }, group[25] = { 0 };

	t->key = world.text;
	t->elem = world.integer;
	t->map = (struct go_map_facts){
		.layout = GO_MAP_SWISS, .key_size = 16, .elem_size = 8, .group_size = sizeof(group),
		.keys_off = 8, .elems_off = 24, .key_stride = 24, .elem_stride = 24,
	};
	words(group + 1, 0, 3);
	words(group + 4, put("two", 3), 3);
	group[6] = 2;
	words(group + 10, put(long_key, sizeof(long_key) - 1), sizeof(long_key) - 1);
	group[12] = 25;
	words(group + 22, put("six", 3), 3);
	group[24] = 8;
	map[2] = put(group, sizeof(group));
	return put(map, sizeof(map));
}

static inline void asked_call(void)
{
	static const char hello[] = "hello, world";
	const i16 three[] = { 10, -20, 30 };
	const i64 ints[] = { 5, 6, 7, -8 }, n = -7, duration = 1500000000;
	struct abi_state st = { 0 };
	const u8 u = 200, ok = 1;
	const i32 w = -3;
	const double f = 2.5;
	const float h = 0.1f;
	u64 base[3] = { 99, put("key", 3), 3 }, chan[2] = { 4, 10 }, v[3], nil = 0;
	u64 names[4] = { put("ab", 2), 2, put("cde", 3), 3 }, bad = 8;
	u64 itab[2] = { 0, world.oops->va }, b = put(base, sizeof(base)), t, at;
	struct go_type *pt = world.t->fields[2].type;
	struct go_type *arr = of(a_type(GO_ARRAY, 6, 2, "[3]int16"),
				 a_type(GO_INT16, 2, 2, "int16")), *of_map;

	arr->len = 3;
	t = a_t(71, "first", a_t(72, "second", 0, b), b);
	param(&st, "n", world.integer, &n);
	param(&st, "u", a_type(GO_UINT8, 1, 1, "uint8"), &u);
	param(&st, "w", world.t->fields[4].type->fields[0].type, &w);
	words(v, put(hello, sizeof(hello) - 1), sizeof(hello) - 1);
	param(&st, "s", world.text, v);
	param(&st, "p", pt, &t);
	words(v, put(ints, sizeof(ints)), 4);
	param(&st, "sl", of(a_type(GO_SLICE, 24, 8, "[]int"), world.integer), v);
	param(&st, "ok", a_type(GO_BOOL, 1, 1, "bool"), &ok);
	param(&st, "f", a_type(GO_FLOAT64, 8, 8, "float64"), &f);
	of_map = a_type(GO_MAP, 8, 8, "map[string]int");
	at = a_map(of_map);
	param(&st, "m", of_map, &at);
	at = put(chan, sizeof(chan));
	param(&st, "ch", of(a_type(GO_CHAN, 8, 8, "chan int"), world.integer), &at);
	v[0] = world.integer->va;
	v[1] = put(&n, 8);
	param(&st, "e", a_type(GO_INTERFACE, 16, 8, "interface {}"), v);
	v[0] = put(itab, sizeof(itab));
	v[1] = b;
	param(&st, "err", world.error, v);
	param(&st, "arr", arr, three);
	words(v, put(names, sizeof(names)), 2);
	param(&st, "names", of(a_type(GO_SLICE, 24, 8, "[]string"), world.text), v);
	param(&st, "d", world.duration, &duration);
	param(&st, "nilp", pt, &nil);
	param(&st, "bad", pt, &bad);
	words(v, 8, 5);
	param(&st, "lost", world.text, v);
	words(v, put("hunter2", 7), 7);
	param(&st, "hidden", world.text, v);
	param(&st, "h", a_type(GO_FLOAT32, 4, 4, "float32"), &h);
}

static inline void asked_results(void)
{
	struct abi_state st = { 0 };
	const i64 answer = 42;
	u64 itab[2] = { 0, world.oops->va }, v[2] = { put(itab, sizeof(itab)), 8 };

	world.results[0].name = STR("ret0");
	abi_assign(&st, &world.m.prog, world.integer, false, &world.plan.arena, &world.results[0]);
	give(&world.out, &world.results[0], &answer);
	world.results[1].name = STR("why");
	abi_assign(&st, &world.m.prog, world.error, false, &world.plan.arena, &world.results[1]);
	give(&world.out, &world.results[1], v);
	world.sig.nresults = 2;
	world.sig.results_known = true;
}

static inline void asked_begin(const char *redact)
{
	struct err err = { 0 };

	world = (struct world){ 0 };
	memory_begin(&world.m, 22);
	world.func = (struct go_func){ .name = STR("main.f"), .size = 16, .room = 16 };
	world.m.prog.funcs = &world.func;
	world.m.prog.nfuncs = 1;
	world.plan.prog = &world.m.prog;
	world.plan.request = (struct plan_request){
		.strings = 64, .elements = 8, .depth = 1, .packed = true,
	};
	if (redact) {
		world.plan.request.nredact = 1;
		ck_assert(patterns_compile(&world.plan.redact, &redact, 1, &err));
	}
	world.in.fetch = world.out.fetch = from_heap;
	world.in.sp = world.out.sp = world.stack;
	world.in.g = put((u64[8]){ 0, 0, 0, 0, 1 }, 64);	/* it panics */
	world.sig = (struct go_sig){ .params = world.params, .results = world.results,
				     .from = SIG_DWARF };
	asked_types();
	asked_call();
	asked_results();
	world.fn = (struct plan_func){ .func = &world.func, .sig = &world.sig, .shown = true };
	world.plan.funcs = &world.fn;
	world.plan.nfuncs = 1;
}

static inline void asked_end(void)
{
	reading_cache_release(&world.cache);
	plan_release(&world.plan);
	memory_end(&world.m);
}

/* Parses and binds; then the call is recorded. */
static inline bool asked_bind(enum expr_role role, const char *text, struct err *err)
{
	size_t fitted;

	world.asks[world.plan.request.nasks++] = (struct expr_ask){
		.role = role, .option = "--if", .text = text, .most = world.most };
	world.plan.request.asks = world.asks;
	if (!exprs_parse(&world.plan, err) ||
	    !exprs_bind(&world.plan, &world.fn, &world.dynamic, &world.cache, false, &fitted,
			&world.fatal, err))
		return false;
	interpret(&world.in, world.fn.entry.reads, world.fn.entry.nreads, world.fn.entry.size,
		  world.entry);
	interpret(&world.out, world.fn.exit.reads, world.fn.exit.nreads, world.fn.exit.size,
		  world.exit);
	return true;
}

static inline struct expr_input asked_input(void)
{
	return (struct expr_input){
		.plan = &world.plan, .fn = &world.fn,
		.record = { expr_record_of(&world.fn.entry, world.entry),
			    expr_record_of(&world.fn.exit, world.exit) },
		.goid = 18, .duration_ns = 2500000, .depth = 3,
	};
}

#endif
