/* Build information: versions, modules, settings, and where the blob lies. */
#include <check.h>

#include "../fake/fake.h"
#include "go/modver.h"
#include "go/tables.h"

Suite *buildinfo_suite(void);

static struct fake fake;
static struct image img;
static struct go_program prog;
static struct err err;

static void open_wish(const struct fake_wish *w)
{
	fake_make(&fake, w);
	ck_assert_msg(fake_open(&fake, &img, &err) && go_open(&prog, &img, &err), "%s", err.msg);
}

static void close_all(void)
{
	go_program_release(&prog);
	image_release(&img);
	fake_release(&fake);
}

static const struct { const char *text; bool known; unsigned minor, patch; } versions[] = {
	{ "go1.26.8", true, 26, 8 }, { "go1.17", true, 17, 0 }, { "go1.27rc1", true, 27, 0 },
	{ "devel go1.28-c2097c7c Tue", true, 28, 0 }, { "go1.26.0-X:nogreenteagc", true, 26, 0 },
	{ "go1.22.1 X:noswissmap", true, 22, 1 }, { "go1.21.0+vendor.3", true, 21, 0 },
	{ "go1.999999999999", true, 999999, 0 }, { "go1.", false, 0, 0 },
	{ "unknown", false, 0, 0 },
	{ "go2.1", false, 0, 0 }, { "", false, 0, 0 },
};

START_TEST(reads_versions)
{
	struct go_version v = version_parse(str_of(versions[_i].text));

	ck_assert_int_eq(v.known, versions[_i].known);
	if (v.minor < 100000)
		ck_assert_uint_eq(v.minor, versions[_i].minor);
	ck_assert_uint_eq(v.patch, versions[_i].patch);
	ck_assert(str_eq(v.text, str_of(versions[_i].text)));
}
END_TEST

static void setting_is(size_t i, const char *key, const char *value)
{
	ck_assert_msg(str_eq(prog.settings[i].key, str_of(key))
			      && str_eq(prog.settings[i].value, str_of(value)),
		      "%.*s=%.*s", STR_F(prog.settings[i].key), STR_F(prog.settings[i].value));
}

/* 17: the texts by pointers (static and PIE); later: inline. */
static const struct fake_wish forms[] = {
	{ .minor = 17 }, { .minor = 17, .pie = true, .zero_bytes = true }, { .minor = 18 },
	{ .minor = 22, .decoy = true }, { .minor = 27, .sections = true, .decoy = true },
};

START_TEST(reads_modules_and_settings)
{
	open_wish(&forms[_i]);
	ck_assert_uint_eq(prog.version.minor, forms[_i].minor);
	ck_assert_uint_eq(prog.version.patch, 3);
	ck_assert(str_eq(prog.main_path, STR("example.org/fixture")));
	ck_assert(str_eq(prog.main_module.path, STR("example.org/fixture")));
	ck_assert(str_eq(prog.main_module.version, STR("(devel)")));
	ck_assert_uint_eq(prog.ndeps, 2);
	ck_assert(str_eq(prog.deps[0].path, STR("example.org/b")));	/* replaced */
	ck_assert(str_eq(prog.deps[0].version, STR("v1.1.0")));
	ck_assert(str_eq(prog.deps[1].path, STR("example.org/c")));
	ck_assert_uint_eq(prog.nsettings, 3);
	setting_is(0, "-compiler", "gc");
	setting_is(1, "-ldflags", "-X main.a=\"b c\"");
	setting_is(2, "odd=key", "v");
	ck_assert_str_eq(go_setting(&prog, "-compiler"), "gc");
	ck_assert_ptr_null(go_setting(&prog, "-race"));
	ck_assert(str_eq(prog.build_id, STR("abc/def")));
}
END_TEST

START_TEST(does_without_modules)
{
	open_wish(&(struct fake_wish){ .minor = 17, .modules = "" });
	ck_assert_uint_eq(prog.version.minor, 17);
	ck_assert_uint_eq(prog.ndeps + prog.nsettings, 0);
}
END_TEST

START_TEST(reads_odd_module_texts)
{
	open_wish(&(struct fake_wish){
		.minor = 22,
		.modules = "=>\tx\ty\nbuild\nbuild\t\nbuild\tk\nbuild\t\"\\\nnonsense\n"
			   "build\ta=`b`\nbuild\tc=\"\\n\\t\\\\\"\n" });
	ck_assert_uint_eq(prog.ndeps, 0);
	ck_assert_uint_eq(prog.nsettings, 6);
	setting_is(2, "k", "");
	setting_is(4, "a", "b");
	setting_is(5, "c", "\n\t\\");
}
END_TEST

START_TEST(says_what_was_built)
{
	open_wish(&(struct fake_wish){
		.minor = 22,
		.modules = "path\tx\nbuild\t-race=true\nbuild\t-trimpath=true\n"
			   "build\t-buildmode=pie\n" });
	ck_assert(prog.race && !prog.cgo && !prog.trimpath && !prog.has_symtab && !prog.has_dwarf);
	ck_assert(str_eq(prog.buildmode, STR("pie")));
}
END_TEST

static const struct { const char *a, *b; int is; } orders[] = {
	{ "v1.66.0", "1.66.0", 0 }, { "v1.9.0", "1.10.0", -1 }, { "v2.0.0", "1.99.99", 1 },
	{ "v1.66.0-dev", "1.66.0", -1 }, { "v1.66.1-rc.1", "1.66.0", 1 },
	{ "v0.0.0-20230101000000-abcdef123456", "0.0.1", -1 }, { "(devel)", "99.0.0", 1 },
	{ "", "99.0.0", 1 }, { "v1.2", "1.2.0", 0 }, { "v8.11.5+incompatible", "8.11.5", 0 },
};

START_TEST(orders_versions_of_modules)
{
	struct str a = str_of(orders[_i].a), b = str_of(orders[_i].b);

	ck_assert_int_eq(version_compare(a, b), orders[_i].is);
	ck_assert_int_eq(version_compare(b, a), -orders[_i].is);
}
END_TEST

START_TEST(a_module_is_found_by_the_path_that_imports_name)
{
	open_wish(&(struct fake_wish){
		.minor = 22,
		.modules = "path\tx\nmod\tx\t(devel)\ndep\tg/one\tv1.2.3\th1:a\n"
			   "dep\tg/two\tv1.0.0\n=>\tfork/two\tv1.0.9\th1:b\n" });
	ck_assert(str_eq(go_module_version(&prog, STR("g/one")), STR("v1.2.3")));
	ck_assert(str_eq(go_module_version(&prog, STR("g/two")), STR("v1.0.9")));
	ck_assert(str_eq(go_module_version(&prog, STR("x")), STR("(devel)")));
	ck_assert(!go_module_version(&prog, STR("fork/two")).n);
}
END_TEST

Suite *buildinfo_suite(void)
{
	Suite *s = suite_create("buildinfo");
	TCase *t = tcase_create("buildinfo");

	tcase_add_checked_fixture(t, NULL, close_all);
	tcase_add_loop_test(t, reads_versions, 0, ARRAY_LEN(versions));
	tcase_add_loop_test(t, reads_modules_and_settings, 0, ARRAY_LEN(forms));
	tcase_add_test(t, does_without_modules);
	tcase_add_test(t, reads_odd_module_texts);
	tcase_add_test(t, says_what_was_built);
	tcase_add_loop_test(t, orders_versions_of_modules, 0, ARRAY_LEN(orders));
	tcase_add_test(t, a_module_is_found_by_the_path_that_imports_name);
	suite_add_tcase(s, t);
	return s;
}
