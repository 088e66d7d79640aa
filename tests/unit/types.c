#include "memory.h"

Suite *types_suite(void);

static struct memory_program m;

/* A name among the types; gives its offset. */
static u32 name_at(const char *text, u8 flags, const char *tag)
{
	size_t n = strlen(text), k = tag ? strlen(tag) : 0;
	u64 va = memory_room(&m, 3 + n + k);

	memory_put(&m, va, flags | (tag ? 2 : 0), 1);
	memory_put(&m, va + 1, n, 1);
	memory_copy(&m, va + 2, text, n);
	if (tag) {
		memory_put(&m, va + 2 + n, k, 1);
		memory_copy(&m, va + 3 + n, tag, k);
	}
	return (u32)(va - TYPES_VA);
}

enum { UNCOMMON = 1, EXTRA_STAR = 2, NAMED = 4, DIRECT_OLD = 32, DIRECT_NEW = 32 };

/* A descriptor with room for what its kind has behind the head. */
static u64 type_at(u8 kind, u64 size, u8 align, const char *name, u8 tflag, size_t more)
{
	u32 str = name_at(name, 0, NULL);
	u64 va = memory_room(&m, 48 + more);

	memory_put(&m, va, size, 8);
	memory_put(&m, va + 20, tflag, 1);
	memory_put(&m, va + 21, align, 1);
	memory_put(&m, va + 22, align, 1);
	memory_put(&m, va + 23, kind, 1);
	memory_put(&m, va + 24, 1, 8);		/* comparable */
	memory_put(&m, va + 40, str, 4);
	return va;
}

static u64 int_type(void)
{
	return type_at(GO_INT, 8, 8, "*int", NAMED | EXTRA_STAR, 0);
}

static u64 string_type(void)
{
	return type_at(GO_STRING, 16, 8, "string", NAMED, 0);
}

static u64 elem_type(u8 kind, u64 size, const char *name, u64 elem)
{
	u64 va = type_at(kind, size, 8, name, 0, 24);

	memory_put(&m, va + 48, elem, 8);
	return va;
}

struct wish_field {
	const char *name, *tag;
	u64 type, offset;
	bool embedded;
};

static u64 struct_type(const char *name, u8 tflag, u64 size, const struct wish_field *f, size_t n)
{
	bool shifted = m.prog.rel->field_offset_shifted;
	u64 va = type_at(GO_STRUCT, size, 8, name, tflag, 48 + 16 * 4),
	    at = memory_room(&m, 24 * n);

	memory_put(&m, va + 56, at, 8);
	memory_put(&m, va + 64, n, 8);
	memory_put(&m, va + 72, n, 8);
	for (size_t i = 0; i < n; i++) {
		u8 flags = !shifted && f[i].embedded ? 8 : 0;
		u64 name_va = TYPES_VA + name_at(f[i].name, flags, f[i].tag);

		memory_put(&m, at + 24 * i, name_va, 8);
		memory_put(&m, at + 24 * i + 8, f[i].type, 8);
		memory_put(&m, at + 24 * i + 16,
			   shifted ? f[i].offset << 1 | f[i].embedded : f[i].offset, 8);
	}
	return va;
}

static u64 user_type(void)
{
	u64 i = int_type(), s = string_type();
	struct wish_field f[] = {
		{ "ID", "json:\"id\"", i, 0, false },
		{ "Name", NULL, s, 8, false },
		{ "Emb", NULL, i, 24, true },
	};

	return struct_type("main.User", NAMED, 32, f, 3);
}

static struct go_type *load(u64 va)
{
	struct go_type *t = go_type_at(&m.prog, va);

	ck_assert_ptr_nonnull(t);
	ck_assert_ptr_eq(go_type_at(&m.prog, va), t);
	return go_type_load(&m.prog, t);
}

static void ck_str(struct str s, const char *text)
{
	ck_assert_msg(str_eq(s, str_of(text)), "%.*s is not %s", STR_F(s), text);
}

static const unsigned minors[] = { 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27 };

START_TEST(reads_a_struct_of_each_release)
{
	struct go_type *t;

	memory_begin(&m, minors[_i]);
	t = load(user_type());
	ck_assert_uint_eq(t->kind, GO_STRUCT);
	ck_str(t->name, "main.User");
	ck_assert(t->named && t->comparable);
	ck_assert_uint_eq(t->nfields, 3);
	ck_str(t->fields[0].name, "ID");
	ck_str(t->fields[0].tag, "json:\"id\"");
	ck_str(t->fields[0].type->name, "int");
	ck_assert_uint_eq(t->fields[1].offset, 8);
	ck_assert(!t->fields[1].embedded);
	ck_assert_uint_eq(t->fields[2].offset, 24);
	ck_assert(t->fields[2].embedded);
	memory_end(&m);
}
END_TEST

START_TEST(knows_where_a_value_is_its_own_interface_word)
{
	u64 p, i;

	memory_begin(&m, minors[_i]);
	i = int_type();
	p = elem_type(GO_PTR, 8, "*int", i);
	if (minors[_i] >= 26)
		memory_put(&m, p + 20, DIRECT_NEW, 1);
	else
		memory_put(&m, p + 23, GO_PTR | DIRECT_OLD, 1);
	ck_assert(go_type_is_pointer_shaped(&m.prog, go_type_at(&m.prog, p)));
	ck_assert(!go_type_is_pointer_shaped(&m.prog, go_type_at(&m.prog, i)));
	ck_assert_uint_eq(load(p)->kind, GO_PTR);
	memory_end(&m);
}
END_TEST

/* The group type, of which only its first field's name matters here. */
static u64 group_type(const char *first)
{
	struct wish_field f = { first, NULL, int_type(), 0, false };

	return struct_type("group", 0, 8, &f, 1);
}

static u64 map_type(const char *first, size_t more)
{
	u64 key = string_type(), elem = int_type(), group = group_type(first);
	u64 va = type_at(GO_MAP, 8, 8, "map[string]int", 0, more);

	memory_put(&m, va + 48, key, 8);
	memory_put(&m, va + 56, elem, 8);
	memory_put(&m, va + 64, group, 8);
	return va;
}

static u64 bucket_map(void)
{
	u64 va = map_type("topbits", 40);

	memory_put(&m, va + 80, 16, 1);
	memory_put(&m, va + 81, 8, 1);
	memory_put(&m, va + 82, 208, 2);
	return va;
}

START_TEST(reads_maps_of_buckets)	/* 1.25 with noswissmap, too */
{
	static const unsigned with[] = { 17, 23, 24, 25 };
	struct go_type *t;

	memory_begin(&m, with[_i]);
	t = load(bucket_map());
	ck_assert_uint_eq(t->kind, GO_MAP);
	ck_assert_uint_eq(t->map.layout, GO_MAP_HMAP);
	ck_assert_uint_eq(t->map.key_size, 16);
	ck_assert_uint_eq(t->map.elem_size, 8);
	ck_assert_uint_eq(t->map.bucket_size, 208);
	ck_assert(!t->map.indirect_key);
	memory_end(&m);
}
END_TEST

START_TEST(reads_swiss_maps)
{
	struct go_type *t;
	u64 va;

	memory_begin(&m, 24);
	va = map_type("ctrl", 64);
	memory_put(&m, va + 80, 8 + 8 * 24, 8);		/* group size */
	memory_put(&m, va + 88, 24, 8);			/* slot */
	memory_put(&m, va + 96, 16, 8);			/* elem in it */
	t = load(va);
	ck_assert_uint_eq(t->map.layout, GO_MAP_SWISS);
	ck_assert_uint_eq(t->map.keys_off, 8);
	ck_assert_uint_eq(t->map.key_stride, 24);
	ck_assert_uint_eq(t->map.elems_off, 24);
	ck_assert_uint_eq(t->map.elem_stride, 24);
	memory_end(&m);
}
END_TEST

START_TEST(reads_swiss_maps_with_strides)
{
	struct go_type *t;
	u64 va;

	memory_begin(&m, 27);
	va = map_type("ctrl", 88);
	memory_put(&m, va + 80, 8 + 8 * 16 + 8 * 8, 8);	/* keys, then elems */
	memory_put(&m, va + 88, 8, 8);
	memory_put(&m, va + 96, 16, 8);
	memory_put(&m, va + 104, 8 + 8 * 16, 8);
	memory_put(&m, va + 112, 8, 8);
	memory_put(&m, va + 128, 4, 4);			/* indirect key */
	t = load(va);
	ck_assert_uint_eq(t->map.layout, GO_MAP_SWISS_STRIDES);
	ck_assert_uint_eq(t->map.key_stride, 16);
	ck_assert_uint_eq(t->map.elems_off, 136);
	ck_assert_uint_eq(t->map.elem_stride, 8);
	ck_assert(t->map.indirect_key && !t->map.indirect_elem);
	ck_assert_uint_eq(t->map.key_size, 8);
	memory_end(&m);
}
END_TEST

START_TEST(a_map_may_hold_maps_of_its_own_type)
{
	u64 va;

	memory_begin(&m, 22);
	va = bucket_map();
	memory_put(&m, va + 56, va, 8);
	ck_assert_uint_eq(load(va)->kind, GO_MAP);
	ck_assert_ptr_eq(load(va)->elem, load(va));
	memory_end(&m);
}
END_TEST

/* func(int, ...string) (int): with the uncommon part between the counts and the types. */
static u64 func_type(u8 tflag)
{
	u64 i = int_type(), s = elem_type(GO_SLICE, 24, "[]string", string_type());
	u64 va = type_at(GO_FUNC, 8, 8, "func(int, ...string) int", tflag, 8 + 16 + 24);
	u64 types = va + 56 + (tflag & UNCOMMON ? 16 : 0);

	memory_put(&m, va + 48, 2, 2);
	memory_put(&m, va + 50, 1 | 0x8000, 2);
	memory_put(&m, types, i, 8);
	memory_put(&m, types + 8, s, 8);
	memory_put(&m, types + 16, i, 8);
	return va;
}

START_TEST(reads_func_types)
{
	struct go_type *t;

	memory_begin(&m, 22);
	t = load(func_type(_i ? UNCOMMON : 0));
	ck_assert_uint_eq(t->kind, GO_FUNC);
	ck_assert_uint_eq(t->nin, 2);
	ck_assert_uint_eq(t->nout, 1);
	ck_assert(t->variadic);
	ck_str(go_type_load(&m.prog, t->in[1])->name, "[]string");
	ck_str(go_type_load(&m.prog, t->out[0])->name, "int");
	memory_end(&m);
}
END_TEST

/* A named struct with the method Do, whose code is the function at pc 0x40. */
static u64 type_with_method(void)
{
	u64 func = func_type(0), va = struct_type("main.T", NAMED | UNCOMMON, 0, NULL, 0), methods;

	memory_put(&m, va + 80, name_at("main", 0, NULL), 4);
	memory_put(&m, va + 84, 1, 2);
	memory_put(&m, va + 86, 1, 2);
	methods = va + 96;
	memory_put(&m, va + 88, methods - (va + 80), 4);
	memory_put(&m, methods, name_at("Do", 1, NULL), 4);
	memory_put(&m, methods + 4, func - TYPES_VA, 4);
	memory_put(&m, methods + 8, 0x80, 4);
	memory_put(&m, methods + 12, 0x40, 4);
	return va;
}

static void link_types(const u64 *vas, size_t n)
{
	u64 at = GOFUNC_VA;

	for (size_t i = 0; i < n; i++)
		memory_put(&m, at + 4 * i, vas[i] - TYPES_VA, 4);
	m.prog.md.typelinks_va = at;
	m.prog.md.ntypelinks = n;
}

START_TEST(finds_the_method_that_a_function_is)
{
	struct go_func funcs[2] = {
		{ .pc = 0x40, .size = 16, .room = 16, .name = STR("main.T.Do") },
		{ .pc = 0x40, .size = 16, .room = 16, .name = STR("main.other") },
	};
	struct go_type *receiver = NULL;
	const struct go_method *method;
	u64 t, p;

	memory_begin(&m, 22);
	t = type_with_method();
	p = elem_type(GO_PTR, 8, "*main.T", t);
	link_types(&p, 1);
	m.prog.funcs = funcs;
	m.prog.nfuncs = 2;
	method = go_method_of(&m.prog, &funcs[0], &receiver);
	ck_assert_ptr_nonnull(method);
	ck_str(method->name, "Do");
	ck_assert_ptr_eq(receiver, load(t));
	ck_assert_uint_eq(method->tfn_va, TEXT_VA + 0x40);
	ck_assert_uint_eq(go_type_load(&m.prog, method->type)->nin, 2);
	ck_assert_ptr_null(go_method_of(&m.prog, &funcs[1], &receiver));
	memory_end(&m);
}
END_TEST

START_TEST(finds_types_by_name)
{
	u64 vas[2], user;

	memory_begin(&m, 22);
	user = user_type();
	vas[0] = elem_type(GO_PTR, 8, "*main.User", user);
	vas[1] = elem_type(GO_SLICE, 24, "[]string", string_type());
	link_types(vas, 2);
	ck_assert_ptr_eq(go_type_named(&m.prog, STR("main.User")), load(user));
	ck_assert_ptr_eq(go_type_named(&m.prog, STR("*main.User")), load(vas[0]));
	ck_assert_ptr_eq(go_type_named(&m.prog, STR("[]string")), load(vas[1]));
	ck_str(go_type_named(&m.prog, STR("string"))->name, "string"); /* only reached by another */
	ck_assert_ptr_null(go_type_named(&m.prog, STR("main.None")));
	memory_end(&m);
}
END_TEST

/* A package is not always called as its path ends. */
START_TEST(finds_types_by_the_path_of_their_package)
{
	static const struct {
		const char *path, *name, *asked, *other;
	} cases[] = {
		{ "a.org/yaml.v3", "yaml.Node", "a.org/yaml.v3.Node", "a.org/yaml.v2.Node" },
		{ "a.org/go-lite", "lite.Node", "a.org/go-lite.Node", "a.org/lite.Node" },
		{ "a.org/list/v2", "list.Node", "a.org/list/v2.Node", "a.org/list/v2.ode" },
		{ "a.org/list", "list.Node", "a.org/list.Node", "b.org/list.Node" },
		{ "a.org/list", "list.Of[b.org/c.T]", "a.org/list.Of[b.org/c.T]",
		  "a.org/list.Of[b.org/d.T]" },
	};
	char pointer[64], asked[64];
	u64 t, p;

	memory_begin(&m, 22);
	t = struct_type(cases[_i].name, NAMED | UNCOMMON, 0, NULL, 0);
	memory_put(&m, t + 80, name_at(cases[_i].path, 0, NULL), 4);
	snprintf(pointer, sizeof(pointer), "*%s", cases[_i].name);
	snprintf(asked, sizeof(asked), "*%s", cases[_i].asked);
	p = elem_type(GO_PTR, 8, pointer, t);
	link_types(&p, 1);
	ck_assert_ptr_eq(go_type_named(&m.prog, str_of(cases[_i].asked)), load(t));
	ck_assert_ptr_eq(go_type_named(&m.prog, str_of(asked)), load(p));
	ck_assert_ptr_null(go_type_named(&m.prog, str_of(cases[_i].other)));
	memory_end(&m);
}
END_TEST

/* 1.27: the linked types stand back to back from offset 8. */
START_TEST(walks_the_types_of_1_27)
{
	u64 user, name, at = TYPES_VA + 8, all[3];
	static const char *const names[] = { "*int", "[]int", "[]uint8" };

	memory_begin(&m, 27);
	m.next_va = TYPES_VA + 0x800;
	user = int_type();
	for (size_t i = 0; i < 3; i++, at += 56) {
		name = name_at(names[i], 0, NULL);
		memory_put(&m, at, i ? 24 : 8, 8);
		memory_put(&m, at + 21, 8, 1);
		memory_put(&m, at + 23, i ? GO_SLICE : GO_PTR, 1);
		memory_put(&m, at + 40, name, 4);
		memory_put(&m, at + 48, user, 8);
		all[i] = at;
	}
	m.prog.md.typedesclen = at - TYPES_VA;
	ck_assert_ptr_eq(go_type_named(&m.prog, STR("[]uint8")), load(all[2]));
	ck_assert_ptr_eq(go_type_named(&m.prog, STR("int")), load(user));
	memory_end(&m);
}
END_TEST

START_TEST(has_predeclared_types_that_the_program_lacks)
{
	struct go_type *t;

	memory_begin(&m, 22);
	t = go_type_basic(&m.prog, GO_COMPLEX64);
	ck_assert_uint_eq(t->size, 8);
	ck_assert_uint_eq(t->align, 4);
	t = go_type_basic(&m.prog, GO_INTERFACE);
	ck_str(t->name, "error");
	ck_assert_uint_eq(t->nmethods, 1);
	ck_str(t->methods[0].name, "Error");
	ck_assert_ptr_eq(go_type_basic(&m.prog, GO_INTERFACE), t);
	ck_assert_ptr_null(go_type_basic(&m.prog, GO_STRUCT));
	memory_end(&m);
}
END_TEST

/* Each changes one thing in a sound type, and makes it bad. */
struct lie {
	const char *what;
	u64 (*type)(void);
	u32 at;			/* in the descriptor; or in what its word at `through` points to */
	u32 through;
	u64 value;
	u8 size;
};

static u64 array_type(void)
{
	u64 va = elem_type(GO_ARRAY, 32, "[4]int", int_type());

	memory_put(&m, va + 64, 4, 8);
	return va;
}

static u64 slice_type(void)
{
	return elem_type(GO_SLICE, 24, "[]int", int_type());
}

static u64 plain_func(void)
{
	return func_type(0);
}

static const struct lie lies[] = {
	{ "no such kind", user_type, 23, 0, 27, 1 },
	{ "kind 0", user_type, 23, 0, 0, 1 },
	{ "an alignment of 3", user_type, 21, 0, 3, 1 },
	{ "an alignment of 16", user_type, 21, 0, 16, 1 },
	{ "more pointers than bytes", user_type, 8, 0, 33, 8 },
	{ "a name far away", user_type, 40, 0, 0x7ffffff0, 4 },
	{ "no name", user_type, 40, 0, 0, 4 },
	{ "a slice of 8 bytes", slice_type, 0, 0, 8, 8 },
	{ "an element at 0", slice_type, 48, 0, 0, 8 },
	{ "an element outside", slice_type, 48, 0, TEXT_VA, 8 },
	{ "an array of more elements", array_type, 64, 0, 5, 8 },
	{ "an array of fewer elements", array_type, 64, 0, 3, 8 },
	{ "an array whose size wraps", array_type, 64, 0, 0x2000000000000004, 8 },
	{ "a field behind the end", user_type, 40, 56, 40, 8 },
	{ "a field that reaches over the end", user_type, 64, 56, 25, 8 },
	{ "fields that overlap", user_type, 40, 56, 4, 8 },
	{ "a field without a type", user_type, 8, 56, 0, 8 },
	{ "a field's name outside", user_type, 24, 56, 1, 8 },
	{ "fields outside", user_type, 56, 0, BASE_VA + MEMORY_SIZE, 8 },
	{ "fields without end", user_type, 64, 0, UINT64_MAX / 24, 8 },
	{ "a method table outside", type_with_method, 88, 0, 0xfffffff0, 4 },
	{ "methods without end", type_with_method, 84, 0, 0xffff, 2 },
	{ "parameters without end", plain_func, 48, 0, 0xffff, 2 },
	{ "a parameter at 0", plain_func, 56, 0, 0, 8 },
	{ "buckets that hold no eight keys", bucket_map, 82, 0, 16, 2 },
	{ "a key of another size", bucket_map, 80, 0, 17, 1 },
};

START_TEST(believes_no_lies)
{
	const struct lie *lie = &lies[_i];
	struct go_type *t;
	u64 va, at;

	memory_begin(&m, 22);
	va = lie->type();
	ck_assert_uint_ne(load(va)->kind, GO_BAD);
	memory_end(&m);

	memory_begin(&m, 22);
	at = va = lie->type();
	if (lie->through)
		ck_assert(image_u64(&m.img, va + lie->through, &at));
	memory_put(&m, at + lie->at, lie->value, lie->size);
	t = load(va);
	ck_assert_msg(t->kind == GO_BAD, "%s: kind %u", lie->what, t->kind);
	ck_assert_uint_eq(t->nfields + t->nmethods + t->nin + t->nout, 0);
	ck_assert_ptr_null(t->elem);
	memory_end(&m);
}
END_TEST

START_TEST(a_value_does_not_hold_itself)
{
	u64 a, b, at;
	struct wish_field f = { "x", NULL, 0, 0, false };

	memory_begin(&m, 22);
	f.type = int_type();
	a = struct_type("main.A", NAMED, 8, &f, 1);
	f.type = a;
	b = struct_type("main.B", NAMED, 8, &f, 1);
	ck_assert(image_u64(&m.img, a + 56, &at));
	memory_put(&m, at + 8, b, 8);
	ck_assert_uint_eq(load(a)->kind, GO_BAD);
	ck_assert_uint_eq(load(b)->kind, GO_BAD);
	memory_end(&m);
}
END_TEST

START_TEST(structs_nest_only_so_deep)
{
	struct wish_field f = { "x", NULL, 0, 0, false };
	u64 va;

	memory_begin(&m, 22);
	va = int_type();
	for (unsigned i = 0; i < 60; i++) {
		f.type = va;
		va = struct_type("s", 0, 8, &f, 1);
	}
	ck_assert_uint_eq(load(va)->kind, GO_STRUCT);
	memory_end(&m);

	/* deeper than any honest program: the reader recurses only so far */
	memory_begin(&m, 22);
	va = int_type();
	for (unsigned i = 0; i < 105; i++) {
		f.type = va;
		va = type_at(GO_ARRAY, 8, 8, "a", 0, 24);
		memory_put(&m, va + 48, f.type, 8);
		memory_put(&m, va + 64, 1, 8);
	}
	ck_assert_uint_eq(load(va)->kind, GO_BAD);
	memory_end(&m);
}
END_TEST

static void look_at_all(u64 first, u64 last)
{
	struct go_func f = { .pc = 0x40, .size = 16, .room = 16, .name = STR("main.T.Do") };
	struct go_type *receiver, **all;
	size_t n = go_types_all(&m.prog, &all);

	ck_assert_uint_lt(n, 200);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_ne(go_type_load(&m.prog, all[i])->kind, GO_BAD);
	for (u64 va = first; va < last; va += 8)
		go_type_load(&m.prog, go_type_at(&m.prog, va));
	go_method_of(&m.prog, &f, &receiver);
	go_type_named(&m.prog, STR("main.User"));
}

/* Every byte of a small program's types is changed, to each of some values. */
START_TEST(no_changed_byte_leads_astray)
{
	static const u8 values[] = { 0x00, 0x01, 0x80, 0xff };
	static const unsigned with[] = { 18, 22, 24, 27 };
	u64 last = TYPES_VA + 0x400;

	for (u64 va = TYPES_VA; va < last; va++) {
		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			u64 vas[3];

			memory_begin(&m, with[_i]);
			vas[0] = elem_type(GO_PTR, 8, "*main.T", type_with_method());
			vas[1] = elem_type(GO_PTR, 8, "*main.User", user_type());
			vas[2] = bucket_map();
			link_types(vas, 3);
			if (with[_i] == 27)
				m.prog.md.typedesclen = 0x400;
			last = MIN(last, m.next_va);
			memory_put(&m, va, values[v], 1);
			look_at_all(TYPES_VA, last);
			memory_end(&m);
		}
	}
}
END_TEST

/* The types' end lies at each place. */
START_TEST(types_may_end_anywhere)
{
	for (u64 end = 0; end < 0x400; end++) {
		u64 vas[3];

		memory_begin(&m, 22);
		vas[0] = elem_type(GO_PTR, 8, "*main.T", type_with_method());
		vas[1] = elem_type(GO_PTR, 8, "*main.User", user_type());
		vas[2] = bucket_map();
		link_types(vas, 3);
		m.prog.md.etypes_va = TYPES_VA + end;
		look_at_all(TYPES_VA, TYPES_VA + end);
		memory_end(&m);
	}
}
END_TEST

Suite *types_suite(void)
{
	Suite *s = suite_create("types");
	TCase *t = tcase_create("descriptors");

	tcase_add_loop_test(t, reads_a_struct_of_each_release, 0, ARRAY_LEN(minors));
	tcase_add_loop_test(t, knows_where_a_value_is_its_own_interface_word, 0, ARRAY_LEN(minors));
	tcase_add_loop_test(t, reads_maps_of_buckets, 0, 4);
	tcase_add_test(t, reads_swiss_maps);
	tcase_add_test(t, reads_swiss_maps_with_strides);
	tcase_add_test(t, a_map_may_hold_maps_of_its_own_type);
	tcase_add_loop_test(t, reads_func_types, 0, 2);
	tcase_add_test(t, finds_the_method_that_a_function_is);
	tcase_add_test(t, finds_types_by_name);
	tcase_add_loop_test(t, finds_types_by_the_path_of_their_package, 0, 5);
	tcase_add_test(t, walks_the_types_of_1_27);
	tcase_add_test(t, has_predeclared_types_that_the_program_lacks);
	suite_add_tcase(s, t);

	t = tcase_create("lies");
	tcase_add_loop_test(t, believes_no_lies, 0, ARRAY_LEN(lies));
	tcase_add_test(t, a_value_does_not_hold_itself);
	tcase_add_test(t, structs_nest_only_so_deep);
	tcase_add_loop_test(t, no_changed_byte_leads_astray, 0, 4);
	tcase_add_test(t, types_may_end_anywhere);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}
