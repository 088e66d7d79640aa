/* Sound descriptors, of each release (others: typelies.c). */
#include "descriptors.h"

Suite *types_suite(void);

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

Suite *types_suite(void)
{
	Suite *s = suite_create("types");
	TCase *t = tcase_create("types");

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
	return s;
}
