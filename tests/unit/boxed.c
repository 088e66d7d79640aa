/* Does what an interface points to fit what it says: by made-up types in a made-up heap. */
#include <check.h>

#include "diag/boxed.h"
#include "memory.h"

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

/* A heap of 31 objects of 128 bytes, of which those from the fourth on may be free, with a bit for
 * each word behind them, and one of 16 objects without pointers. */
enum { OBJECT = 128, HEAP = 0x406000, WORD_BITS = HEAP + 4096 - 64, ALLOC = HEAP + 4096,
       MARKS = ALLOC + 8, PLAIN = HEAP + 6144, ELEM = 0x402800 };
#define AT(i) (HEAP + (u64)(i) * OBJECT)

static const struct go_span filled[] = {
	{ .base = HEAP, .size = 4096, .elem = OBJECT, .nelems = 31, .freeindex = 4,
	  .alloc_rt = ALLOC, .mark_rt = MARKS, .pointers = true, .small_bits = true },
	{ .base = PLAIN, .size = 2048, .elem = OBJECT, .nelems = 16, .freeindex = 16 },
};

static struct go_type holder = { .loaded = true, .kind = GO_STRUCT, .size = 16 },
		      elem = { .va = ELEM, .loaded = true, .kind = GO_INT, .size = 8 },
		      of_chan = { .loaded = true, .kind = GO_CHAN, .size = 8, .direct_iface = true,
				  .elem = &elem },
		      of_func = { .loaded = true, .kind = GO_FUNC, .size = 8,
				  .direct_iface = true };

static const struct {
	struct go_type *says;
	u64 data, word;		/* what is at the object's `off` */
	u8 off;
	enum boxed_fault fault;
	const char *text;	/* in what is said of it */
} objects[] = {
	{ &number, AT(3), 0, 0, BOXED_RIGHT, "" },
	{ &number, AT(4), 0, 0, BOXED_RIGHT, "" },
	{ &number, AT(5), 0, 0, BOXED_FREE, "of 128 bytes at 0x406280 is free, and marked" },
	{ &number, AT(6), 0, 0, BOXED_FREE, "of 128 bytes at 0x406300 is free" },
	{ &number, AT(6) + 124, 0, 0, BOXED_OVER, "ends after 4" },	/* that says more */
	{ &holder, AT(1), 0, 0, BOXED_RIGHT, "" },
	{ &holder, AT(2), 0, 0, BOXED_NO_POINTER,
	  "has a pointer in byte 8, but the object of 128 bytes at 0x406100 was made without one" },
	{ &holder, PLAIN, 0, 0, BOXED_NO_POINTER, "was made without any" },
	{ &number, PLAIN, 0, 0, BOXED_RIGHT, "" },
	{ &of_chan, AT(1), ELEM, 40, BOXED_RIGHT, "" },
	{ &of_chan, AT(1), 0, 40, BOXED_RIGHT, "" },		/* not made yet */
	{ &of_chan, AT(1), ELEM + 64, 40, BOXED_CHAN, "at 0x406080 is no such channel" },
	{ &of_func, AT(1), TEXT_VA + 16, 0, BOXED_RIGHT, "" },
	{ &of_func, AT(1), TEXT_VA - 16, 0, BOXED_FUNC, "at 0x406080 leads to no code" },
};

START_TEST(tells_what_the_object_is)
{
	struct memory_program m;
	struct go_heap heap = { .bits = HEAP_BITS_LAST, .at = (struct go_span *)filled,
				.n = ARRAY_LEN(filled) };
	struct boxes b = { .heap = &heap };
	OWN(arena) a = { 0 };
	struct boxed x;
	struct str text;

	memory_begin(&m, 27);
	b.prog = heap.prog = &m.prog;
	b.img = heap.img = &m.img;
	m.img.kind = IMAGE_CORE;	/* what it lacks is as in the file */
	memory_put(&m, ALLOC, 1 << 4, 8);
	memory_put(&m, MARKS, 1 << 5, 8);
	memory_put(&m, WORD_BITS + (AT(1) - HEAP) / 64, 1 << 1, 1);	/* in its second word */
	holder.va = memory_room(&m, 48);
	memory_put(&m, holder.va, 16, 8);
	memory_put(&m, holder.va + 8, 16, 8);		/* of which the collector looks at all */
	memory_put(&m, holder.va + 21, 0x08 << 8 | 0x08, 2);
	memory_put(&m, holder.va + 23, GO_STRUCT, 1);
	memory_put(&m, holder.va + 32, holder.va + 44, 8);
	memory_put(&m, holder.va + 44, 1 << 1, 1);	/* its second word is a pointer */
	memory_put(&m, objects[_i].data + objects[_i].off, objects[_i].word, 8);
	ck_assert_int_eq(boxed_wrong(&b, objects[_i].says, objects[_i].data, &x),
			 objects[_i].fault != BOXED_RIGHT);
	ck_assert_msg(x.fault == objects[_i].fault, "%d: %d", _i, x.fault);
	text = boxed_text(&x, &a);
	ck_assert_msg(*objects[_i].text ? str_find(text, str_of(objects[_i].text)) > 0 : !text.n,
		      "%d: %.*s", _i, STR_F(text));
	ck_assert(x.marked == (x.fault == BOXED_FREE && str_ends(text, STR("marked"))));
	memory_end(&m);
}
END_TEST

Suite *boxed_suite(void)
{
	Suite *s = suite_create("boxed");
	TCase *t = tcase_create("boxed");

	tcase_add_loop_test(t, tells_what_no_correct_program_has, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(t, tells_what_the_object_is, 0, ARRAY_LEN(objects));
	tcase_add_test(t, no_first_word_is_no_accusation);
	suite_add_tcase(s, t);
	return s;
}
