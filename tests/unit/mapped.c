/* Which file lies at an address, and which function: of a core's note, and of this very process. */
#include <check.h>
#include <unistd.h>

#include "image/image.h"
#include "image/mapped.h"

Suite *mapped_suite(void);

/* A function that says no size, as some of those written in assembly. */
__asm__(".text\n.globl says_no_size\nsays_no_size:\n\tnop\n\tnop\n\tnop\n\tret\n");
extern char says_no_size[];

struct note {
	u64 n, page;
	u64 pieces[4][3];	/* from, to, page in the file */
	char names[64];
};

static const struct note note = {
	4, 4096,
	{ { 0x400000, 0x401000, 0 }, { 0x401000, 0x405000, 1 },
	  { 0x7f0000000000, 0x7f0000002000, 0 }, { 0x7f0000002000, 0x7f0000004000, 8 } },
	"/srv/app\0/srv/app\0/lib/libc.so.6\0/lib/libc.so.6",
};

static bool look(u64 rt, size_t cut, struct arena *a, struct mapped *m)
{
	return mapped_by_core(rd_of(&note, sizeof(note) - cut, "files"), rt, a, m);
}

START_TEST(a_cores_note_says_which_file_and_where_in_it)
{
	static const struct {
		u64 rt;
		const char *path;
		u64 off, first;
	} cases[] = {
		{ 0x400000, "/srv/app", 0, 0x400000 },
		{ 0x401234, "/srv/app", 0x1234, 0x400000 },
		{ 0x404fff, "/srv/app", 0x4fff, 0x400000 },
		{ 0x7f0000001abc, "/lib/libc.so.6", 0x1abc, 0x7f0000000000 },
		{ 0x7f0000002abc, "/lib/libc.so.6", 0x8abc, 0x7f0000000000 },
	};
	OWN(arena) a = { 0 };
	struct mapped m;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(look(cases[i].rt, 0, &a, &m), "%zu", i);
		ck_assert(str_eq(m.path, str_of(cases[i].path)));
		ck_assert_uint_eq(m.off, cases[i].off);
		ck_assert_uint_eq(m.first_rt, cases[i].first);
	}
	ck_assert(!look(0x3fffff, 0, &a, &m) && !look(0x405000, 0, &a, &m) && !look(0, 0, &a, &m));
}
END_TEST

START_TEST(a_cut_note_tells_what_it_has_or_nothing)
{
	OWN(arena) a = { 0 };
	struct mapped m;
	/* what it takes: all names up to the end of that piece's own, with its NUL */
	size_t first = offsetof(struct note, names) + sizeof("/srv/app"),
	       last = offsetof(struct note, names) +
		      sizeof("/srv/app\0/srv/app\0/lib/libc.so.6\0/lib/libc.so.6");

	for (size_t n = 0; n <= sizeof(note); n++) {
		bool found = look(0x7f0000002abc, sizeof(note) - n, &a, &m);

		ck_assert_msg(found == (n >= last), "%zu", n);
		ck_assert(!found || (m.off == 0x8abc && str_eq(m.path, STR("/lib/libc.so.6"))));
		found = look(0x400123, sizeof(note) - n, &a, &m);
		ck_assert_msg(found == (n >= first), "%zu", n);
		ck_assert(!found || (m.off == 0x123 && str_eq(m.path, STR("/srv/app"))));
	}
	ck_assert(!mapped_by_core(rd_of("", 0, "files"), 0x400000, &a, &m));
}
END_TEST

static struct str function_of(const void *code, struct arena *a)
{
	struct image img = { 0 };
	struct mapped m;
	struct err err;
	struct str name;

	ck_assert(image_open_pid(&img, getpid(), &err));
	ck_assert(image_mapped(&img, (u64)(uintptr_t)code, a, &m));
	name = mapped_function(&img, &m, a);
	ck_assert(m.path.n && m.path.p[0] == '/');
	m.first_rt = 0;		/* nobody has seen that it is that file */
	ck_assert(!mapped_function(&img, &m, a).n);
	image_release(&img);
	return name;
}

START_TEST(a_symbol_says_which_function_it_is)
{
	OWN(arena) a = { 0 };

	ck_assert(str_eq(function_of((const char *)(uintptr_t)mapped_suite + 3, &a),
			 STR("mapped_suite+0x3")));
	ck_assert(str_eq(function_of(says_no_size + 2, &a), STR("at or after says_no_size")));
}
END_TEST

START_TEST(memory_that_no_file_has_has_none)
{
	OWN(arena) a = { 0 };
	struct image img = { 0 };
	struct mapped m;
	struct err err;

	ck_assert(image_open_pid(&img, getpid(), &err));
	ck_assert(!image_mapped(&img, 8, &a, &m));
	ck_assert(!image_mapped(&img, (u64)(uintptr_t)&m, &a, &m));	/* a stack */
	image_release(&img);
}
END_TEST

Suite *mapped_suite(void)
{
	Suite *s = suite_create("mapped");
	TCase *t = tcase_create("mapped");

	tcase_add_test(t, a_cores_note_says_which_file_and_where_in_it);
	tcase_add_test(t, a_cut_note_tells_what_it_has_or_nothing);
	tcase_add_test(t, a_symbol_says_which_function_it_is);
	tcase_add_test(t, memory_that_no_file_has_has_none);
	suite_add_tcase(s, t);
	return s;
}
