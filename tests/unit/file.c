#include "base/file.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/goshawk-file-XXXXXX";
static struct err err;

static void make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_folder(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *content(const char *path)
{
	static char text[64];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = 0;
	return n < 0 ? NULL : text;
}

static void put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

START_TEST(a_file_has_its_name_only_when_it_is_whole)
{
	struct out_file f;
	struct stat st;

	put("report", "old", 0644);
	ck_assert(out_file_open(&f, "report", false, &err));
	out_z(&f.out, "new");
	ck_assert(out_flush(&f.out));
	ck_assert_str_eq(content("report"), "old");
	ck_assert(out_file_commit(&f, &err));
	ck_assert_str_eq(content("report"), "new");
	ck_assert_int_eq(stat("report", &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	out_file_release(&f);
}
END_TEST

START_TEST(a_file_of_one_who_was_killed_has_no_name)
{
	struct out_file f;

	ck_assert(out_file_open(&f, "report", false, &err));
	out_z(&f.out, "half");
	out_flush(&f.out);
	if (f.unnamed)	/* as most file systems can */
		ck_assert_int_eq(rmdir(folder), 0);
	out_file_release(&f);
}
END_TEST

START_TEST(what_another_left_under_our_number_is_no_hindrance)
{
	struct out_file f;
	char left[32];

	snprintf(left, sizeof(left), ".report.%06d", getpid() % 1000000);
	put(left, "half", 0600);
	put("report", "old", 0600);
	ck_assert(out_file_open(&f, "report", false, &err));
	out_z(&f.out, "new");
	ck_assert(out_file_commit(&f, &err));
	out_file_release(&f);
	ck_assert_str_eq(content("report"), "new");
	ck_assert_int_eq(unlink("report"), 0);
	if (!access(left, F_OK))	/* where a file can't be without a name */
		unlink(left);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* In a folder that has no /proc. */
static bool named_at_once(void)
{
	struct out_file f;
	bool good;

	if (unshare(CLONE_NEWUSER) || chroot("."))	/* not permitted here */
		return true;
	good = out_file_open(&f, "report", false, &err) && !f.unnamed;
	out_z(&f.out, "new");
	good = good && out_file_commit(&f, &err);
	out_file_release(&f);
	return good && !strcmp(content("report"), "new");
}

START_TEST(a_file_that_can_t_be_named_later_has_a_name_at_once)
{
	int status;
	pid_t pid;

	put("report", "old", 0600);
	pid = fork();
	if (!pid)
		_exit(!named_at_once());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(what_is_not_committed_leaves_nothing)
{
	struct out_file f;

	ck_assert(out_file_open(&f, "report", false, &err));
	out_z(&f.out, "half");
	out_flush(&f.out);
	out_file_release(&f);
	ck_assert_int_eq(rmdir(folder), 0);	/* only an empty folder can be removed */
}
END_TEST

START_TEST(a_symbolic_link_stays)
{
	struct out_file f;
	struct stat st;

	put("real", "old", 0600);
	ck_assert_int_eq(symlink("real", "link"), 0);
	ck_assert(out_file_open(&f, "link", false, &err));
	out_z(&f.out, "new");
	ck_assert(out_file_commit(&f, &err));
	out_file_release(&f);
	ck_assert_int_eq(lstat("link", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_str_eq(content("real"), "new");
}
END_TEST

START_TEST(a_stream_has_its_name_from_the_start)
{
	struct out_file f;

	put("events", "old, and longer", 0600);
	ck_assert(out_file_open(&f, "events", true, &err));
	out_z(&f.out, "first");
	out_flush(&f.out);
	ck_assert_str_eq(content("events"), "first");
	out_file_release(&f);
}
END_TEST

START_TEST(stderr_is_not_opened_anew)
{
	struct out_file f;
	int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);

	ck_assert_int_eq(write(log, "before ", 7), 7);
	ck_assert_int_eq(dup2(log, STDERR_FILENO), STDERR_FILENO);
	ck_assert(out_file_open(&f, "/dev/stderr", true, &err));
	out_z(&f.out, "calls");
	ck_assert(out_file_commit(&f, &err));
	out_file_release(&f);
	ck_assert_str_eq(content("log"), "before calls");
	ck_assert_int_eq(write(STDERR_FILENO, "", 0), 0);	/* still open */
}
END_TEST

START_TEST(a_device_is_written_in_place)
{
	struct out_file f;
	struct stat st;

	ck_assert(out_file_open(&f, "/dev/null", false, &err));
	out_z(&f.out, "x");
	ck_assert(out_file_commit(&f, &err));
	out_file_release(&f);
	ck_assert_int_eq(stat("/dev/null", &st), 0);
	ck_assert(S_ISCHR(st.st_mode));
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_the_old_file_stays)
{
	struct out_file f;

	ck_assert(out_file_open(&f, "/dev/full", false, &err));
	out_z(&f.out, "x");
	ck_assert(!out_file_commit(&f, &err));
	ck_assert_int_eq(err_exit_status(&err), 8);
	out_file_release(&f);
}
END_TEST

START_TEST(a_folder_is_no_output)
{
	struct out_file f;

	ck_assert(!out_file_open(&f, ".", false, &err));
	ck_assert_int_eq(err_exit_status(&err), 2);
	ck_assert(!out_file_open(&f, "no/such/report", false, &err));
	ck_assert_int_eq(err_exit_status(&err), 8);
	out_file_release(&f);
}
END_TEST

START_TEST(programs_are_found_as_the_shell_finds_them)
{
	struct arena a = {0};
	const char *path;

	ck_assert_int_eq(mkdir("one", 0700), 0);
	ck_assert_int_eq(mkdir("two", 0700), 0);
	ck_assert_int_eq(mkdir("one/tool", 0700), 0);	/* a folder of that name does not count */
	put("two/tool", "", 0700);
	put("two/data", "", 0600);
	put("here", "", 0700);
	setenv("PATH", "one:two:", 1);
	ck_assert(find_program(&a, "tool", &path, &err));
	ck_assert_str_eq(path, "two/tool");
	ck_assert(find_program(&a, "here", &path, &err));
	ck_assert_str_eq(path, "./here");
	ck_assert(find_program(&a, "./here", &path, &err));
	ck_assert(!find_program(&a, "data", &path, &err));
	ck_assert_str_eq(err.msg, "data: no such program in PATH");
	ck_assert(!find_program(&a, "two/none", &path, &err));
	ck_assert_int_eq(err_exit_status(&err), 8);
	ck_assert(!find_program(&a, "two/data", &path, &err));
	ck_assert_str_eq(err.msg, "two/data: no permission to execute it (chmod +x)");
	ck_assert_int_eq(err_exit_status(&err), 6);
	ck_assert(find_program(&a, "one/tool", &path, &err));	/* whoever opens it says more */
	arena_release(&a);
}
END_TEST

Suite *file_suite(void)
{
	Suite *s = suite_create("file");
	TCase *t = tcase_create("file");

	tcase_add_checked_fixture(t, make_folder, remove_folder);
	tcase_add_test(t, a_file_has_its_name_only_when_it_is_whole);
	tcase_add_test(t, a_file_of_one_who_was_killed_has_no_name);
	tcase_add_test(t, what_another_left_under_our_number_is_no_hindrance);
	tcase_add_test(t, a_file_that_can_t_be_named_later_has_a_name_at_once);
	tcase_add_test(t, what_is_not_committed_leaves_nothing);
	tcase_add_test(t, a_symbolic_link_stays);
	tcase_add_test(t, a_stream_has_its_name_from_the_start);
	tcase_add_test(t, stderr_is_not_opened_anew);
	tcase_add_test(t, a_device_is_written_in_place);
	tcase_add_test(t, a_full_disk_is_an_error_and_the_old_file_stays);
	tcase_add_test(t, a_folder_is_no_output);
	tcase_add_test(t, programs_are_found_as_the_shell_finds_them);
	suite_add_tcase(s, t);
	return s;
}
