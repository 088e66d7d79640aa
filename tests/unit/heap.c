/* Which object of which span an address lies in. */
#include <check.h>

#include "go/heap.h"
#include "go/release.h"

Suite *heap_suite(void);

static struct go_span spans[] = {
	{ .base = 0xc000002000, .size = 8192, .elem = 48, .nelems = 170 },
	{ .base = 0xc000004000, .size = 16384, .elem = 16384, .nelems = 1 },
	{ .base = 0xc00000a000, .size = 8192, .elem = 16, .nelems = 512 },
};
static const struct go_heap heap = { .at = spans, .n = ARRAY_LEN(spans) };

START_TEST(finds_the_object_that_an_address_lies_in)
{
	struct go_object o;

	ck_assert(go_heap_object(&heap, 0xc000002000, &o));
	ck_assert_uint_eq(o.base, 0xc000002000);
	ck_assert(go_heap_object(&heap, 0xc000002000 + 48 * 3 + 47, &o));
	ck_assert_uint_eq(o.base, 0xc000002000 + 48 * 3);
	ck_assert_uint_eq(o.index, 3);
	ck_assert(go_heap_object(&heap, 0xc000007fff, &o));
	ck_assert_uint_eq(o.base, 0xc000004000);
	ck_assert(go_heap_object(&heap, 0xc00000bfff, &o));
	ck_assert_uint_eq(o.index, 511);
}
END_TEST

START_TEST(an_address_outside_lies_in_none)
{
	static const u64 outside[] = {
		0, 0xc000001fff, 0xc000008000, 0xc00000c000, ~0ull,
		0xc000002000 + 48 * 170,	/* what no object fits in any more */
	};
	struct go_object o;

	for (size_t i = 0; i < ARRAY_LEN(outside); i++)
		ck_assert_msg(!go_heap_object(&heap, outside[i], &o), "0x%lx", outside[i]);
	ck_assert(!go_heap_object(&(struct go_heap){ 0 }, 0xc000002000, &o));
}
END_TEST

START_TEST(each_release_has_a_layout)
{
	for (unsigned m = RELEASE_FIRST; m <= RELEASE_LAST; m++) {
		const struct go_heap_layout *l = go_heap_layout(m);

		ck_assert_ptr_nonnull(l);
		ck_assert_uint_le(l->since, m);
	}
	ck_assert_ptr_null(go_heap_layout(RELEASE_FIRST - 1));
	ck_assert_ptr_null(go_heap_layout(RELEASE_LAST + 1));
}
END_TEST

Suite *heap_suite(void)
{
	Suite *s = suite_create("heap");
	TCase *t = tcase_create("heap");

	tcase_add_test(t, finds_the_object_that_an_address_lies_in);
	tcase_add_test(t, an_address_outside_lies_in_none);
	tcase_add_test(t, each_release_has_a_layout);
	suite_add_tcase(s, t);
	return s;
}
