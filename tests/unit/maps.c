/* What this very process has mapped, and where its heap may grow. */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "inline/maps.h"

Suite *maps_suite(void);

static const struct span *at(const struct spans *s, u64 rt)
{
	for (size_t i = 0; i < s->n; i++)
		if (rt >= s->at[i].lo && rt < s->at[i].hi)
			return &s->at[i];
	return NULL;
}

/* The kernel calls everything so that lies where brk() begins, ours as well: a session whose memory
 * has that label was not found again. */
START_TEST(what_the_kernel_calls_heap_has_no_name)
{
	struct spans maps = { 0 };
	const struct span *heap;

	ck_assert_ptr_ne(sbrk(1 << 16), (void *)-1);
	maps_read(&maps, getpid());
	heap = at(&maps, (u64)(uintptr_t)sbrk(0) - 1);
	ck_assert_ptr_nonnull(heap);
	ck_assert(!heap->named);
	ck_assert(maps_has(&maps, heap->lo, heap->hi, "rw-p"));
	ck_assert(at(&maps, (u64)(uintptr_t)maps_suite)->named);
	maps_release(&maps);
}
END_TEST

START_TEST(the_heap_is_kept_where_it_begins)
{
	const u64 size = 1ull << 28;
	struct spans maps = { 0 };
	bool met = false;

	ck_assert_ptr_ne(sbrk(1 << 16), (void *)-1);
	maps_read(&maps, getpid());
	maps_keep_heap(&maps, getpid(), size);
	for (size_t i = 0; i < maps.n; i++) {
		const struct span *m = &maps.at[i];

		ck_assert(!i || maps.at[i - 1].lo <= m->lo);
		met |= m->hi - m->lo == size && m->lo < (u64)(uintptr_t)sbrk(0) &&
		       (u64)(uintptr_t)sbrk(0) - m->lo < size;
	}
	ck_assert(met);
	maps_release(&maps);
}
END_TEST

START_TEST(a_process_that_has_gone_has_nothing)
{
	struct spans maps = { 0 };

	maps_read(&maps, 1 << 30);
	maps_keep_heap(&maps, 1 << 30, 4096);
	ck_assert_uint_eq(maps.n, 0);
}
END_TEST

Suite *maps_suite(void)
{
	Suite *s = suite_create("maps");
	TCase *t = tcase_create("maps");

	tcase_add_test(t, what_the_kernel_calls_heap_has_no_name);
	tcase_add_test(t, the_heap_is_kept_where_it_begins);
	tcase_add_test(t, a_process_that_has_gone_has_nothing);
	suite_add_tcase(s, t);
	return s;
}
