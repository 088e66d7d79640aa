/* Does what an interface points to fit what it says: by made-up types in a made-up heap. */
#include <check.h>

#include "diag/boxed.h"

Suite *boxed_suite(void);

enum { BASE = 0xc000002000, SMALL = 0x500000 };

static struct go_span spans[] = {
	{ .base = BASE, .size = 8192, .elem = 16, .nelems = 512, .freeindex = 512 },
	{ .base = BASE + 8192, .size = 8192, .elem = 64, .nelems = 127, .freeindex = 127,
	  .pointers = true },
};

static struct go_type number = { .loaded = true, .kind = GO_INT, .size = 8 },
		      pair = { .loaded = true, .kind = GO_STRUCT, .size = 16 },
		      large = { .loaded = true, .kind = GO_STRUCT, .size = 48 },
		      nothing = { .loaded = true, .kind = GO_STRUCT },
		      many = { .loaded = true, .kind = GO_ARRAY, .size = 1 << 30 };
#define PTR_TO(t) { .loaded = true, .kind = GO_PTR, .size = 8, .direct_iface = true, .elem = t }
static struct go_type to_number = PTR_TO(&number), to_large = PTR_TO(&large),
		      to_nothing = PTR_TO(&nothing), to_many = PTR_TO(&many),
		      of_map = { .loaded = true, .kind = GO_MAP, .size = 8, .direct_iface = true };

static const struct {
	struct go_type *says;
	u64 data;
	enum boxed_fault fault;
} cases[] = {
	{ &number, BASE, BOXED_RIGHT },
	{ &number, BASE + 8, BOXED_RIGHT },	/* a tiny one, or a field */
	{ &number, BASE + 12, BOXED_OVER },
	{ &pair, BASE + 32, BOXED_RIGHT },
	{ &pair, BASE + 8, BOXED_OVER },
	{ &large, BASE, BOXED_OVER },
	{ &large, BASE + 8192 + 64, BOXED_RIGHT },
	{ &large, BASE + 8192 + 64 + 16, BOXED_RIGHT },
	{ &large, BASE + 8192 + 64 + 24, BOXED_OVER },
	{ &to_large, BASE, BOXED_OVER },
	{ &to_large, 0, BOXED_RIGHT },		/* a nil pointer */
	{ &large, 0, BOXED_NOTHING },
	{ &large, 7, BOXED_NOTHING },
	{ &to_large, 7, BOXED_NOTHING },
	{ &nothing, 0, BOXED_RIGHT },
	{ &to_nothing, BASE + 15, BOXED_RIGHT },
	{ &to_many, BASE, BOXED_RIGHT },	/* a way to make slices */
	{ &number, SMALL + 8, BOXED_RIGHT },
	{ &to_number, SMALL + 8, BOXED_SMALL },
	{ &pair, SMALL + 8, BOXED_SMALL },
	{ &pair, SMALL + 4096, BOXED_RIGHT },	/* some variable */
	{ &large, 0x7f0000001000, BOXED_RIGHT },	/* a stack, or mapped memory */
	{ &of_map, BASE, BOXED_OVER },
	{ &of_map, BASE + 8192, BOXED_RIGHT },
};

START_TEST(tells_what_no_correct_program_has)
{
	struct go_program prog = { 0 };
	struct image img = { 0 };
	struct go_heap heap = { .img = &img, .prog = &prog, .at = spans, .n = ARRAY_LEN(spans) };
	struct boxes b = { &prog, &img, &heap, SMALL, SMALL + 2048 };
	OWN(arena) a = { 0 };
	struct boxed x;
	bool wrong = boxed_wrong(&b, cases[_i].says, cases[_i].data, &x);

	ck_assert_msg(x.fault == cases[_i].fault, "%d: %d", _i, x.fault);
	ck_assert(wrong == (cases[_i].fault != BOXED_RIGHT));
	ck_assert(!wrong == !boxed_text(&x, &a).n);
	arena_release(&prog.arena);
}
END_TEST

START_TEST(no_first_word_is_no_accusation)
{
	struct go_program prog = { 0 };
	struct image img = { .lo_va = 0x400000, .hi_va = 0x600000 };
	struct go_heap heap = { .img = &img, .prog = &prog, .at = spans, .n = ARRAY_LEN(spans) };
	struct boxes b = { &prog, &img, &heap, 0, 0 };
	static const u64 nil[2] = { 0, BASE }, low[2] = { 5, BASE }, code[2] = { 0x450000, BASE };
	struct boxed x;

	ck_assert(!interface_wrong(&b, false, nil, &x) && !interface_wrong(&b, true, nil, &x));
	ck_assert(interface_wrong(&b, false, low, &x) && x.fault == BOXED_NO_TYPE);
	ck_assert(interface_wrong(&b, true, code, &x) && x.fault == BOXED_NO_TYPE);
	arena_release(&prog.arena);
}
END_TEST

Suite *boxed_suite(void)
{
	Suite *s = suite_create("boxed");
	TCase *t = tcase_create("boxed");

	tcase_add_loop_test(t, tells_what_no_correct_program_has, 0, ARRAY_LEN(cases));
	tcase_add_test(t, no_first_word_is_no_accusation);
	suite_add_tcase(s, t);
	return s;
}
