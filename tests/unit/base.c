/* Arenas, maps, vectors, texts, errors. */
#include <check.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

Suite *base_suite(void);

START_TEST(arena_gives_zeroed_aligned_memory)
{
	struct arena a = { 0 };
	u8 *big, *last = NULL;

	for (size_t n = 0; n < 3000; n += 7) {
		static const u8 zeros[3000];
		u8 *p = arena_alloc(&a, n);

		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		ck_assert(!n || !memcmp(p, zeros, n));
		if (n)
			memset(p, 0xff, n);
	}
	/* a big one does not use up the room of small ones */
	last = arena_alloc(&a, 16);
	big = arena_alloc(&a, 1u << 20);
	memset(big, 1, 1u << 20);
	ck_assert_ptr_eq((u8 *)arena_alloc(&a, 16), last - 16);
	ck_assert(!memcmp(arena_copy(&a, "abc", 3), "abc", 3));
	arena_release(&a);
	ck_assert_ptr_null(a.blocks);
}
END_TEST

static void fill(struct arena *a, size_t n)
{
	u8 *p = arena_alloc(a, n);

	ck_assert(!p[0] && !memcmp(p, p + 1, n - 1));	/* nothing but zeros */
	memset(p, 0xff, n);
}

/* A second round of the same needs no more blocks, and what is there is as new. */
START_TEST(arena_begins_anew_with_what_it_needed)
{
	static const size_t sizes[] = { 40, 30000, 70000, 50000, 8, 400000 };
	struct arena a = { 0 };

	for (u32 round = 0; round < 3; round++) {
		struct arena_block *first = a.blocks;

		for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
			fill(&a, sizes[i]);
		ck_assert(!round || a.blocks == first);
		arena_reset(&a);
	}
	fill(&a, 3u << 20);	/* what is rarely that large is not kept */
	arena_reset(&a);
	ck_assert_uint_le(a.left, 1u << 20);
	fill(&a, a.left);
	arena_release(&a);
	arena_reset(&a);
	ck_assert_ptr_null(a.blocks);
}
END_TEST

/* Those of a core that is made to be slow: most bits of them are alike, once they are folded. */
START_TEST(map_keys_can_not_be_chosen_to_meet)
{
	struct map m = { 0 };

	for (u64 k = 0; k < 100000; k++) {
		u64 half = k << 5 & 0xffffffff;

		*map_put(&m, half << 32 | half) = k;
	}
	ck_assert_uint_eq(m.n, 100000);
	map_release(&m);
}
END_TEST

START_TEST(map_keeps_what_is_put_and_forgets_what_is_removed)
{
	struct map m = { 0 };

	ck_assert_ptr_null(map_get(&m, 0));
	for (u64 k = 0; k < 5000; k++)
		*map_put(&m, k * 0x10001) = k;
	ck_assert_uint_eq(m.n, 5000);
	for (u64 k = 0; k < 5000; k += 2)
		map_remove(&m, k * 0x10001);
	map_remove(&m, 12345678901);
	ck_assert_uint_eq(m.n, 2500);
	for (u64 k = 0; k < 5000; k++) {
		u64 *v = map_get(&m, k * 0x10001);

		if (k % 2)
			ck_assert(v && *v == k);
		else
			ck_assert_ptr_null(v);
	}
	ck_assert_uint_eq(*map_put(&m, 0), 0);	/* new keys start with zero */
	map_release(&m);
}
END_TEST

START_TEST(vec_grows)
{
	VEC(u32) v = { 0 };

	for (u32 i = 0; i < 1000; i++)
		*vec_push(&v) = i;
	ck_assert_uint_eq(v.n, 1000);
	ck_assert_uint_eq(v.at[999], 999);
	vec_release(&v);
	ck_assert_uint_eq(v.n, 0);
}
END_TEST

START_TEST(str_compares_and_finds)
{
	struct str s = STR("net/http.Get"), empty = { NULL, 0 };

	ck_assert(str_eq(s, STR("net/http.Get")) && !str_eq(s, STR("net/http.Ge")));
	ck_assert(str_eq(empty, STR("")));
	ck_assert(str_starts(s, STR("net/")) && !str_starts(s, STR("http"))
		  && str_starts(s, empty));
	ck_assert(str_ends(s, STR(".Get")) && !str_ends(STR("t"), STR("Get")));
	ck_assert(str_eq(str_cut(s, 4, 8), STR("http")));
	ck_assert_uint_eq(str_cut(s, 9, 3).n, 0);
	ck_assert_uint_eq(str_cut(s, 100, 200).n, 0);
	ck_assert_int_eq(str_find(s, STR("http")), 4);
	ck_assert_int_eq(str_find(s, STR("https")), -1);
	ck_assert_int_eq(str_find(empty, STR("a")), -1);
	ck_assert_int_eq(str_find_last(s, 't'), 11);
	ck_assert_int_eq(str_find_last(s, 'z'), -1);
	ck_assert_int_lt(str_cmp(STR("ab"), STR("abc")), 0);
	ck_assert_int_gt(str_cmp(STR("b"), STR("abc")), 0);
	ck_assert_uint_eq(str_hash(STR("a")), str_hash(str_cut(STR("ba"), 1, 2)));
}
END_TEST

static const struct {
	const char *text, *rest;
	u64 is;
	bool there;
} numbers[] = {
	{ "", "", 0, false },
	{ "x", "x", 0, false },
	{ "0", "", 0, true },
	{ "33 +0x1b5", " +0x1b5", 33, true },
	{ "12ab", "ab", 12, true },
	{ "0x1bG", "G", 0x1b, true },
	{ "0x", "0x", 0, false },
	{ "0xg", "0xg", 0, false },
	{ "0xfF", "F", 0xf, true },
	{ "0xffffffffffffffff1", "1", UINT64_MAX, true },
	{ "0x0000000000000012", "", 0x12, true },
	{ "999999999999999999", "", 999999999999999999, true },
	{ "1000000000000000000", "0", 100000000000000000, true },
	{ "-1", "-1", 0, false },
};

START_TEST(str_takes_numbers)
{
	struct str s = str_of(numbers[_i].text);
	u64 is = 7;

	ck_assert_int_eq(str_take_number(&s, &is), numbers[_i].there);
	ck_assert_uint_eq(is, numbers[_i].is);
	ck_assert(str_eq(s, str_of(numbers[_i].rest)));
}
END_TEST

START_TEST(str_measures_distance)
{
	ck_assert_uint_eq(str_distance(STR("main"), STR("main"), 3), 0);
	ck_assert_uint_eq(str_distance(STR("main"), STR("mian"), 3), 2);
	ck_assert_uint_eq(str_distance(STR("handle"), STR("handler"), 3), 1);
	ck_assert_uint_eq(str_distance(STR("abc"), STR("xyz"), 2), 3);	/* limit + 1 */
	ck_assert_uint_eq(str_distance(STR("a"), STR("abcdefgh"), 2), 3);
}
END_TEST

START_TEST(err_carries_one_sentence)
{
	struct err err = { 0 };
	char longest[2000];

	ck_assert(!err_set(&err, ERR_FORMAT, "at %d", 7));
	ck_assert(!err_in(&err, "file %s", "x"));
	ck_assert_str_eq(err.msg, "file x: at 7");
	ck_assert_int_eq(err_exit_status(&err), 3);
	ck_assert(!err_set(&err, ERR_USAGE, "main.\x1b[m has no é\n  ^"));
	ck_assert_str_eq(err.msg, "main.\\x1b[m has no é\n  ^");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	ck_assert(!err_set(&err, ERR_IO, "%s", longest));
	ck_assert(!err_in(&err, "%s", longest));
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
	ck_assert_int_eq(err_exit_status(&err), 8);
}
END_TEST

START_TEST(err_kinds_are_exit_statuses)
{
	static const int want[] = {
		[ERR_NONE] = 0,	   [ERR_USAGE] = 2,  [ERR_FORMAT] = 3, [ERR_UNSUPPORTED] = 4,
		[ERR_REFUSED] = 5, [ERR_DENIED] = 6, [ERR_GONE] = 7,   [ERR_IO] = 8
	};

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct err err = { .kind = (enum err_kind)i };

		ck_assert_int_eq(err_exit_status(&err), want[i]);
	}
}
END_TEST

Suite *base_suite(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");

	tcase_add_test(t, arena_gives_zeroed_aligned_memory);
	tcase_add_test(t, arena_begins_anew_with_what_it_needed);
	tcase_add_test(t, map_keeps_what_is_put_and_forgets_what_is_removed);
	tcase_add_test(t, map_keys_can_not_be_chosen_to_meet);
	tcase_add_test(t, vec_grows);
	tcase_add_test(t, str_compares_and_finds);
	tcase_add_loop_test(t, str_takes_numbers, 0, ARRAY_LEN(numbers));
	tcase_add_test(t, str_measures_distance);
	tcase_add_test(t, err_carries_one_sentence);
	tcase_add_test(t, err_kinds_are_exit_statuses);
	suite_add_tcase(s, t);
	return s;
}
