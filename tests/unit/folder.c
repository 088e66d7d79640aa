/* Folders for copies: they are gone at the end, and those of who was killed are taken away. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "stress/folder.h"

Suite *folder_suite(void);

static char tmp[] = "/tmp/folder.XXXXXX";
static struct arena arena;

static void begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(tmp));
	ck_assert(!setenv("TMPDIR", tmp, 1));
}

/* Nothing is left in it. */
static void end(void)
{
	ck_assert(!rmdir(tmp));
	arena_release(&arena);
}

static char *under(const char *dir, const char *name)
{
	return str_z(&arena, str_fmt(&arena, "%s/%s", dir, name));
}

static char *make_dir(const char *dir, const char *name)
{
	char *path = under(dir, name);

	ck_assert(!mkdir(path, 0700));
	return path;
}

static char *make_file(const char *dir, const char *name)
{
	char *path = under(dir, name);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	ck_assert(fd >= 0 && !close(fd));
	return path;
}

static bool is_there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static void make(struct folder *f)
{
	struct err err = { 0 };

	ck_assert_msg(folder_make(f, &arena, &err), "%s", err.msg);
}

START_TEST(goes_with_all_that_is_in_it)
{
	struct folder f;
	char *outside = make_file(tmp, "outside");

	make(&f);
	make_file(make_dir(make_dir(f.path, "1"), "data"), "log");
	ck_assert(!symlink(outside, under(f.path, "to-a-file")));
	ck_assert(!symlink(tmp, under(f.path, "to-a-folder")));
	folder_release(&f);
	folder_release(&f);
	ck_assert(!unlink(outside));
}
END_TEST

START_TEST(what_was_left_is_taken_away)
{
	struct folder f, other;
	char *left = make_dir(tmp, "goshawk-stress-abcdef"),
	     *longer = make_dir(tmp, "goshawk-stress-abcdefg"),
	     *file = make_file(tmp, "goshawk-stress-abcdeg"),
	     *link = under(tmp, "goshawk-stress-abcdeh");

	make_file(make_dir(left, "1"), "program");
	ck_assert(!symlink(longer, link));
	make(&f);
	ck_assert(!is_there(left) && is_there(longer) && is_there(file) && is_there(link));
	make(&other);	/* does not take the one whose owner lives */
	ck_assert(is_there(f.path) && is_there(other.path));
	folder_release(&f);
	folder_release(&other);
	ck_assert(!rmdir(longer) && !unlink(file) && !unlink(link));
}
END_TEST

START_TEST(what_is_another_users_is_left_alone)
{
	struct folder f;
	char *left = make_dir(tmp, "goshawk-stress-abcdef");

	if (geteuid())
		return;		/* only root can give a folder away */
	ck_assert(!chown(left, 1, 1));
	make(&f);
	ck_assert(is_there(left));
	folder_release(&f);
	ck_assert(!rmdir(left));
}
END_TEST

START_TEST(where_none_can_be_made)
{
	struct err err = { 0 };
	struct folder f;

	setenv("TMPDIR", "/proc/none", 1);
	ck_assert(!folder_make(&f, &arena, &err));
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert_ptr_nonnull(strstr(err.msg, "TMPDIR says where"));
}
END_TEST

Suite *folder_suite(void)
{
	Suite *s = suite_create("folder");
	TCase *t = tcase_create("folder");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, goes_with_all_that_is_in_it);
	tcase_add_test(t, what_was_left_is_taken_away);
	tcase_add_test(t, what_is_another_users_is_left_alone);
	tcase_add_test(t, where_none_can_be_made);
	suite_add_tcase(s, t);
	return s;
}
