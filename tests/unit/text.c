#include "inline/text.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 3, WAS = 0x11, IS = 0x22 };

static const u8 was[TEXT_JUMP] = { WAS, WAS, WAS, WAS, WAS };
static const u8 is[TEXT_JUMP] = { IS, IS, IS, IS, IS };
static const u8 is_too[TEXT_JUMP] = { IS + 1, IS + 1, IS + 1, IS + 1, IS + 1 };

/* This process's own memory stands for a text. */
static u8 *memory;
static int mem_fd;
static struct text t;

static u64 rt(size_t at)
{
	return (u64)(size_t)memory + at;
}

static void begin(void)
{
	memory = mmap(NULL, PAGES * TEXT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	ck_assert(memory != MAP_FAILED);
	memset(memory, WAS, PAGES * TEXT_PAGE);
	mem_fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(mem_fd, 0);
	text_begin(&t, mem_fd, getpid());
}

static void end(void)
{
	munmap(memory, PAGES * TEXT_PAGE);
	close(mem_fd);
}

/* How many bytes are not as they were at first. */
static size_t changed(void)
{
	size_t n = 0;

	for (size_t i = 0; i < PAGES * TEXT_PAGE; i++)
		n += memory[i] != WAS;
	return n;
}

START_TEST(five_bytes_take_the_place_of_five_others_and_nothing_else_does)
{
	static const size_t at[] = { 0, 5, 100, 90, TEXT_PAGE - 5, TEXT_PAGE, 2 * TEXT_PAGE + 60,
				     2 * TEXT_PAGE + 7 };

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		ck_assert(text_change(&t, rt(at[i]), was, is));
	ck_assert(text_end(&t));
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		ck_assert_mem_eq(memory + at[i], is, TEXT_JUMP);
	ck_assert_uint_eq(changed(), ARRAY_LEN(at) * TEXT_JUMP);
}
END_TEST

START_TEST(what_somebody_else_has_written_stays)
{
	memory[101] = 0x33;
	ck_assert(text_change(&t, rt(90), was, is));
	ck_assert(!text_change(&t, rt(100), was, is));
	ck_assert(!t.gone);
	ck_assert(text_change(&t, rt(110), was, is));
	ck_assert(text_end(&t));
	ck_assert_uint_eq(changed(), 2 * TEXT_JUMP + 1);
	ck_assert_int_eq(memory[101], 0x33);
}
END_TEST

START_TEST(a_change_is_seen_by_the_next_one_at_its_place)
{
	ck_assert(text_change(&t, rt(20), was, is));
	ck_assert(!text_change(&t, rt(20), was, is));
	ck_assert(text_change(&t, rt(20), is, is_too));
	ck_assert(text_end(&t));
	ck_assert_mem_eq(memory + 20, is_too, TEXT_JUMP);
}
END_TEST

/* Windows into which others lead are taken back before these, and that may be on another page. */
START_TEST(pages_are_written_in_the_order_in_which_they_are_named)
{
	ck_assert(text_change(&t, rt(2 * TEXT_PAGE), was, is));
	ck_assert_uint_eq(changed(), 0);
	ck_assert(text_change(&t, rt(9), was, is));
	ck_assert_mem_eq(memory + 2 * TEXT_PAGE, is, TEXT_JUMP);
	ck_assert_uint_eq(changed(), TEXT_JUMP);
	ck_assert(text_change(&t, rt(2 * TEXT_PAGE + 50), was, is));
	ck_assert_uint_eq(changed(), 2 * TEXT_JUMP);
	ck_assert(text_end(&t));
	ck_assert_uint_eq(changed(), 3 * TEXT_JUMP);
}
END_TEST

START_TEST(one_that_lies_in_two_pages_comes_in_its_turn)
{
	ck_assert(text_change(&t, rt(8), was, is));
	ck_assert(text_change(&t, rt(TEXT_PAGE - 2), was, is));
	ck_assert_uint_eq(changed(), 2 * TEXT_JUMP);
	ck_assert(!text_change(&t, rt(TEXT_PAGE - 2), was, is));
	ck_assert(text_change(&t, rt(TEXT_PAGE + 3), was, is));
	ck_assert(text_end(&t));
	ck_assert_uint_eq(changed(), 3 * TEXT_JUMP);
}
END_TEST

START_TEST(memory_that_is_gone_is_told_from_other_bytes)
{
	ck_assert(text_change(&t, rt(8), was, is));
	munmap(memory + TEXT_PAGE, TEXT_PAGE);
	ck_assert(!text_change(&t, rt(TEXT_PAGE + 8), was, is));
	ck_assert(t.gone);
	ck_assert(!text_change(&t, rt(8), was, is));
	ck_assert(!t.gone);
	ck_assert(text_end(&t));
	ck_assert_mem_eq(memory + 8, is, TEXT_JUMP);
}
END_TEST

START_TEST(a_page_that_cannot_be_written_is_said)
{
	close(mem_fd);
	mem_fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);	/* and nobody traces himself */
	text_begin(&t, mem_fd, getpid());
	ck_assert(text_change(&t, rt(8), was, is));
	ck_assert(!text_end(&t));
	ck_assert_uint_eq(changed(), 0);
}
END_TEST

/* Reads and writes of this thread so far; 0: this kernel does not count them. */
static u64 calls(void)
{
	char line[64];
	unsigned long long n, all = 0;
	FILE *f = fopen("/proc/thread-self/io", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "syscr: %llu", &n) == 1 || sscanf(line, "syscw: %llu", &n) == 1)
			all += n;
	if (f)
		fclose(f);
	return all;
}

/* (Check writes at each assertion, too.) */
START_TEST(a_page_takes_one_read_and_one_write)
{
	u64 before = calls(), looking = calls() - before, did;
	bool ok = true;

	before = calls();
	for (size_t at = 0; at + TEXT_JUMP < 2 * TEXT_PAGE; at += 16)
		ok &= text_change(&t, rt(at), was, is);
	ok &= text_end(&t);
	did = calls() - before - looking;
	ck_assert(ok);
	ck_assert_uint_eq(changed(), 2 * TEXT_PAGE / 16 * TEXT_JUMP);
	ck_assert(did == 4 || !looking);
}
END_TEST

Suite *text_suite(void)
{
	Suite *suite = suite_create("text");
	TCase *c = tcase_create("text");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, five_bytes_take_the_place_of_five_others_and_nothing_else_does);
	tcase_add_test(c, what_somebody_else_has_written_stays);
	tcase_add_test(c, a_change_is_seen_by_the_next_one_at_its_place);
	tcase_add_test(c, pages_are_written_in_the_order_in_which_they_are_named);
	tcase_add_test(c, one_that_lies_in_two_pages_comes_in_its_turn);
	tcase_add_test(c, memory_that_is_gone_is_told_from_other_bytes);
	tcase_add_test(c, a_page_that_cannot_be_written_is_said);
	tcase_add_test(c, a_page_takes_one_read_and_one_write);
	suite_add_tcase(suite, c);
	return suite;
}
