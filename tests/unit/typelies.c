/* Descriptors that lie: nothing of what they say is kept, and who reads them comes to an end. */
#include "descriptors.h"
#include "go/types_impl.h"

Suite *typelies_suite(void);

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

/* One list of parts for many types: the more it was copied, the more memory that took. */
START_TEST(a_list_is_not_shared)
{
	enum { FIELDS = 150, TYPES = 30 };
	struct wish_field f[FIELDS];
	u64 first, va = 0, at;

	memory_begin(&m, 22);
	f[0] = (struct wish_field){ "x", NULL, struct_type("empty", 0, 0, NULL, 0), 0, false };
	for (size_t i = 1; i < FIELDS; i++)
		f[i] = f[0];
	first = struct_type("main.T", NAMED, 0, f, FIELDS);
	ck_assert(image_u64(&m.img, first + 56, &at));
	ck_assert_uint_eq(load(first)->nfields, FIELDS);
	for (size_t i = 0; i < TYPES; i++) {
		va = struct_type("main.T", NAMED, 0, NULL, 0);
		memory_put(&m, va + 56, at, 8);
		memory_put(&m, va + 64, FIELDS, 8);
		load(va);
	}
	ck_assert_uint_eq(load(va)->kind, GO_BAD);
	memory_end(&m);
}
END_TEST

START_TEST(a_type_is_not_linked_without_end)
{
	enum { METHODS = 8, LINKS = 1000 };
	struct go_func f = { .pc = 0x40, .size = 16, .room = 16, .name = STR("main.T.Do") };
	struct go_type *receiver;
	u64 links[LINKS], at;

	memory_begin(&m, 22);
	links[0] = type_with_method();
	at = memory_room(&m, 16 * METHODS);
	memory_put(&m, links[0] + 84, METHODS, 2);
	memory_put(&m, links[0] + 88, at - (links[0] + 80), 4);
	for (size_t i = 0; i < METHODS; i++)
		memory_put(&m, at + 16 * i + 12, 0x40, 4);
	for (size_t i = 1; i < LINKS; i++)
		links[i] = links[0];
	link_types(links, LINKS);
	go_method_of(&m.prog, &f, &receiver);
	ck_assert_uint_le(m.prog.types->rows.n, TYPES_SIZE / 8);
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

Suite *typelies_suite(void)
{
	Suite *s = suite_create("typelies");
	TCase *t = tcase_create("typelies");

	tcase_add_loop_test(t, believes_no_lies, 0, ARRAY_LEN(lies));
	tcase_add_test(t, a_value_does_not_hold_itself);
	tcase_add_test(t, structs_nest_only_so_deep);
	tcase_add_test(t, a_list_is_not_shared);
	tcase_add_test(t, a_type_is_not_linked_without_end);
	tcase_add_loop_test(t, no_changed_byte_leads_astray, 0, 4);
	tcase_add_test(t, types_may_end_anywhere);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}
