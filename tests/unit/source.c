/* Of the source that a text names one line is shown, and nothing of any other file. */
#include <check.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag/explain.h"

Suite *source_suite(void);

static struct str line_shown(struct arena *a, const char *path, int line)
{
	struct death d = { .a = a };
	struct diagnosis found;
	struct str shown = STR("the line: ");

	death_of_text(&d, str_fmt(a, "panic: runtime error: invalid memory address or nil pointer "
				     "dereference\n[signal SIGSEGV: segmentation violation "
				     "code=0x1 addr=0x8 pc=0x49a100]\n\ngoroutine 1 [running]:\n"
				     "main.f()\n\t%s:%d +0x1\n", path, line));
	explain(&found, &d);
	ck_assert_str_eq(found.kind, "nil_dereference");
	for (u32 i = 0; i < found.nevidence; i++) {
		struct str rest = found.evidence[i];
		ptrdiff_t at = str_find(rest, shown);

		if (at < 0)
			continue;
		rest = str_cut(rest, (size_t)at + shown.n, rest.n);
		return str_next_line(&rest);
	}
	return STR("");
}

/* The path is the log's. */
START_TEST(reads_of_a_source_its_line_only)
{
	static const char *const names[] = { "fifo.go", "zero.go", "folder.go", "secret", "a.go" };
	OWN(arena) a = { 0 };
	char folder[] = "/tmp/goshawk-unit.XXXXXX";
	const char *path[ARRAY_LEN(names)];
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		path[i] = str_fmt(&a, "%s/%s", folder, names[i]).p;
	f = fopen(path[4], "we");
	fprintf(f, "// %5000s\n\n\tx = u.Name\r\nlast", "");
	fclose(f);
	ck_assert_int_eq(mkfifo(path[0], 0600), 0);
	ck_assert_int_eq(symlink("/dev/zero", path[1]), 0);
	ck_assert_int_eq(mkdir(path[2], 0700), 0);
	ck_assert_int_eq(link(path[4], path[3]), 0);
	ck_assert(str_eq(line_shown(&a, path[4], 3), STR("x = u.Name")));
	ck_assert(str_eq(line_shown(&a, path[4], 4), STR("last")));
	ck_assert(str_eq(line_shown(&a, path[4], 2), STR("")));
	ck_assert(str_eq(line_shown(&a, path[4], 2000000000), STR("")));
	for (size_t i = 0; i < 4; i++) {
		ck_assert(str_eq(line_shown(&a, path[i], 4), STR("")));
		ck_assert(str_eq(line_shown(&a, path[i], 2000000000), STR("")));
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_int_eq(remove(path[i]), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

Suite *source_suite(void)
{
	Suite *s = suite_create("source");
	TCase *t = tcase_create("lines");

	tcase_add_test(t, reads_of_a_source_its_line_only);
	suite_add_tcase(s, t);
	return s;
}
