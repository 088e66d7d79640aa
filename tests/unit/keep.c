/* Memory of a process that is kept as it was, and of a core in whatever order it lies there. */
#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/memory.h"

Suite *keep_suite(void);

static struct image img;
static struct err err;

static u64 word_at(const void *p)
{
	u64 v = 0;

	ck_assert(image_read_rt(&img, (u64)(uintptr_t)p, &v, sizeof(v)));
	return v;
}

static struct extent extent_of(const void *p, u64 size)
{
	return (struct extent){ (u64)(uintptr_t)p, size };
}

START_TEST(what_was_kept_stays_as_it_was)
{
	static u64 words[4096], all[4090];
	struct extent e[3];

	if (!image_open_pid(&img, getpid(), &err))
		return;	/* a system that lets nobody look at himself */
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		words[i] = i;
	e[0] = extent_of(&words[0], 16);
	e[1] = extent_of(&words[4], 8);	/* near enough to be one with the first */
	e[2] = extent_of(&words[4000], 64);
	image_keep(&img, e, 3);
	memset(words, 0xff, sizeof(words));
	ck_assert_uint_eq(word_at(&words[0]), 0);
	ck_assert_uint_eq(word_at(&words[1]), 1);
	ck_assert_uint_eq(word_at(&words[4]), 4);
	ck_assert_uint_eq(word_at(&words[4007]), 4007);
	ck_assert_uint_eq(word_at(&words[4008]), ~0ull);	/* not kept: as it is now */
	ck_assert_uint_eq(word_at(&words[3999]), ~0ull);
	/* over a gap: what was kept behind it, too */
	ck_assert(image_read_rt(&img, (u64)(uintptr_t)&words[2], all, sizeof(all)));
	ck_assert_uint_eq(all[3998 - 2], ~0ull);
	ck_assert_uint_eq(all[4000 - 2], 4000);
	ck_assert_uint_eq(all[4007 - 2], 4007);
	ck_assert_uint_eq(all[4008 - 2], ~0ull);
	image_keep(&img, e, 1);		/* the latest counts */
	ck_assert_uint_eq(word_at(&words[0]), ~0ull);
	image_release(&img);
}
END_TEST

START_TEST(what_is_not_there_is_left_out)
{
	u8 *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static u64 behind = 7;
	struct extent e[3];
	u64 v;

	if (!image_open_pid(&img, getpid(), &err))
		return;
	ck_assert(p != MAP_FAILED);
	memset(p, 1, 3 * 4096);
	munmap(p + 4096, 4096);
	e[0] = extent_of(p, 3 * 4096);
	e[1] = (struct extent){ ~0ull - 4, 100 };	/* wraps: no extent */
	e[2] = extent_of(&behind, 8);
	if (e[2].rt < e[0].rt) {
		struct extent first = e[2];

		e[2] = e[0];
		e[0] = first;
	}
	image_keep(&img, e, 3);
	ck_assert_uint_eq(word_at(p), 0x0101010101010101);
	ck_assert(!image_read_rt(&img, (u64)(uintptr_t)p + 4092, &v, 8));
	ck_assert_uint_eq(image_read_some(&img, (u64)(uintptr_t)p + 4092, &v, 8), 4);
	ck_assert_uint_eq(word_at(p + 2 * 4096), 0x0101010101010101);
	behind = 8;
	ck_assert_uint_eq(word_at(&behind), 7);
	image_release(&img);
}
END_TEST

/* So many that several hands take them; what one of them can't read is missing alone. */
START_TEST(none_of_many_is_forgotten)
{
	enum { PIECES = 40000, EACH = 1024, HOLE = 8 * 4096 };
	size_t size = (size_t)PIECES * EACH;
	u8 *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct extent *e = mem_resize(NULL, PIECES * sizeof(*e));
	size_t hole = size / 2 & ~(size_t)4095;

	if (!image_open_pid(&img, getpid(), &err))
		return;
	ck_assert(p != MAP_FAILED);
	for (u64 i = 0; i < PIECES; i++) {
		e[i] = extent_of(p + i * EACH, 16);
		memcpy(p + i * EACH, &i, sizeof(i));
	}
	munmap(p + hole, HOLE);
	image_keep(&img, e, PIECES);
	memset(p, 0xff, hole);
	memset(p + hole + HOLE, 0xff, size - hole - HOLE);
	for (u64 i = 0; i < PIECES; i++)
		if (i * EACH < hole || i * EACH >= hole + HOLE)
			ck_assert_uint_eq(word_at(p + i * EACH), i);
	munmap(p, size);
	mem_free(e);
	image_release(&img);
}
END_TEST

START_TEST(a_piece_is_found_among_many)
{
	struct dumped all[] = { { 100, 0, 10 }, { 200, 10, 1 }, { 300, 11, 50 } };

	ck_assert_ptr_null(dumped_at(all, 3, 99));
	ck_assert_ptr_eq(dumped_at(all, 3, 100), &all[0]);
	ck_assert_ptr_eq(dumped_at(all, 3, 109), &all[0]);
	ck_assert_ptr_null(dumped_at(all, 3, 110));
	ck_assert_ptr_eq(dumped_at(all, 3, 200), &all[1]);
	ck_assert_ptr_null(dumped_at(all, 3, 201));
	ck_assert_ptr_eq(dumped_at(all, 3, 349), &all[2]);
	ck_assert_ptr_null(dumped_at(all, 3, ~0ull));
	ck_assert_ptr_null(dumped_at(all, 0, 100));
}
END_TEST

Suite *keep_suite(void)
{
	Suite *s = suite_create("keep");
	TCase *t = tcase_create("memory");

	tcase_add_test(t, what_was_kept_stays_as_it_was);
	tcase_add_test(t, what_is_not_there_is_left_out);
	tcase_add_test(t, none_of_many_is_forgotten);
	tcase_add_test(t, a_piece_is_found_among_many);
	suite_add_tcase(s, t);
	return s;
}
