/* Finding pclntab and moduledata in the layout of each release, and refusing what only looks so. */
#include <check.h>

#include "../fake/fake.h"
#include "go/program.h"
#include "go/release.h"

Suite *moduledata_suite(void);

static struct fake fake;
static struct image img;
static struct go_program prog;
static struct err err;

static bool open_fake(const struct fake_wish *w)
{
	fake_make(&fake, w);
	return fake_open(&fake, &img, &err) && go_open(&prog, &img, &err);
}

static bool reopen(void)
{
	return fake_open(&fake, &img, &err) && go_open(&prog, &img, &err);
}

static void close_all(void)
{
	go_program_release(&prog);
	image_release(&img);
	fake_release(&fake);
}

/* Static, PIE as Go links it, PIE as lld does, with section headers, garbled. */
static const struct fake_wish variants[] = {
	{ .minor = 0 }, { .pie = true }, { .pie = true, .zero_bytes = true }, { .sections = true },
	{ .other_magic = true }, { .decoy = true, .sections = true },
};

START_TEST(opens_each_release_and_variant)
{
	struct fake_wish w = variants[_i % (int)ARRAY_LEN(variants)];

	w.minor = RELEASE_FIRST + (unsigned)_i / (unsigned)ARRAY_LEN(variants);
	ck_assert_msg(open_fake(&w), "go1.%u: %s", w.minor, err.msg);
	ck_assert_uint_eq(prog.rel->minor, w.minor);
	ck_assert_uint_eq(prog.nfuncs, FAKE_FUNCS);
	ck_assert_uint_eq(prog.md.text_va, fake.base + fake.at_text);
	ck_assert_uint_eq(prog.md.types_va, fake.base + fake.at_types);
	ck_assert_uint_eq(prog.md.etypes_va - prog.md.types_va, 64);
	ck_assert_uint_eq(prog.md.gofunc_va, w.minor == 17 ? 0 : fake.base + fake.at_gofunc);
	ck_assert_uint_eq(prog.md.findfunctab_va, fake.base + fake.at_findfunctab);
	ck_assert_uint_eq(prog.md.data_va, img.segs[2].va);
	ck_assert_uint_eq(prog.md.hasmain, 1);
	ck_assert_uint_eq(prog.cutab.n, 20);
	ck_assert(str_eq(prog.buildmode, w.pie ? STR("pie") : STR("exe")));
}
END_TEST

/* Without build information: what the tables alone can tell. */
static const struct { unsigned minor; const char *says; } alone[] = {
	{ 17, NULL }, { 18, "fit go1.18 as well as go1.19" },
	{ 19, "fit go1.18 as well as go1.19" }, { 20, NULL }, { 21, NULL },
	{ 22, "fit go1.22 as well as go1.23" },
	{ 23, "fit go1.22 as well as go1.23" }, { 24, NULL },
	{ 25, NULL }, { 26, NULL }, { 27, NULL },
};

START_TEST(tells_the_release_by_its_tables_or_not_at_all)
{
	bool ok = open_fake(&(struct fake_wish){ .minor = alone[_i].minor, .no_buildinfo = true });

	ck_assert_msg(ok == !alone[_i].says, "go1.%u: %s", alone[_i].minor,
		      ok ? "opened" : err.msg);
	if (ok) {
		ck_assert_uint_eq(prog.rel->minor, alone[_i].minor);
		ck_assert(!prog.version.known);
	} else {
		ck_assert_msg(strstr(err.msg, alone[_i].says) != NULL, "%s", err.msg);
		ck_assert_int_eq(err.kind, ERR_UNSUPPORTED);
	}
}
END_TEST

START_TEST(finds_the_version_in_the_data)
{
	ck_assert_msg(open_fake(&(struct fake_wish){
			      .minor = 18, .no_buildinfo = true, .version_in_data = true }),
		      "%s", err.msg);
	ck_assert_uint_eq(prog.rel->minor, 18);
	ck_assert(str_eq(prog.version.text, STR("go1.18.9")));
	close_all();
	/* a name that does not fit the tables is some other text */
	ck_assert(open_fake(&(struct fake_wish){ .minor = 18,
						 .no_buildinfo = true,
						 .version_in_data = true,
						 .second_version = true }));
	close_all();
	/* two that fit: nobody knows, and the tables are 1.22's as well as 1.23's */
	ck_assert(!open_fake(&(struct fake_wish){ .minor = 23,
						  .no_buildinfo = true,
						  .version_in_data = true,
						  .second_version = true }));
	ck_assert_int_eq(err.kind, ERR_UNSUPPORTED);
}
END_TEST

static const struct { struct fake_wish wish; enum err_kind kind; const char *says; } refused[] = {
	{ { .minor = 22, .version = "go1.16.15" }, ERR_UNSUPPORTED,
	  "built by go1.16.15; goshawk knows go1.17 to go1.27" },
	{ { .minor = 27, .version = "devel go1.28-c2097c7c" }, ERR_UNSUPPORTED,
	  "built by devel go1.28-c2097c7c; goshawk" },
	{ { .minor = 27, .version = "go1.28" }, ERR_UNSUPPORTED, "goshawk knows go1.17 to go1.27" },
	{ { .minor = 22, .version = "go1.26.1" }, ERR_FORMAT,
	  "says that it was built by go1.26.1, but its tables are those of go1.21" },
	{ { .minor = 22, .no_gotables = true }, ERR_FORMAT,
	  "built by go1.22.3, but its function table is gone" },
	{ { .minor = 22, .no_gotables = true, .no_buildinfo = true }, ERR_FORMAT,
	  "not a Go program (no build information and no function table)" },
};

START_TEST(refuses_what_it_does_not_know)
{
	ck_assert(!open_fake(&refused[_i].wish));
	ck_assert_msg(strstr(err.msg, refused[_i].says) != NULL, "%s", err.msg);
	ck_assert_int_eq(err.kind, refused[_i].kind);
}
END_TEST

START_TEST(names_upx)
{
	fake_make(&fake,
		  &(struct fake_wish){ .minor = 22, .no_gotables = true, .no_buildinfo = true });
	fake_put(&fake, fake.at_text, 0x21585055, 4);	/* UPX! */
	ck_assert(!reopen());
	ck_assert_msg(strstr(err.msg, "packed by UPX") != NULL, "%s", err.msg);
	ck_assert_int_eq(err.kind, ERR_UNSUPPORTED);
}
END_TEST

/* A word of moduledata that breaks one of the proofs: then there is no function table. Value 0:
 * eight more than it was. */
static const struct { const char *what; u16 at; u64 value; } broken[] = {
	{ "pcHeader", 0, 0 }, { "funcnametab", 8, 0 }, { "cutab", 0x20, 0 }, { "filetab", 0x38, 0 },
	{ "pctab", 0x50, 0 }, { "pclntable", 0x68, 0 }, { "length of pctab", 0x58, 1u << 30 },
	{ "ftab", 0x80, 0 }, { "length of ftab", 0x88, 3 }, { "findfunctab", 0x98, 8 },
	{ "minpc", 0xa0, 0x400000 }, { "maxpc", 0xa8, 0x400000 }, { "text", 0xb0, 0x400008 },
	{ "etext", 0xb8, 0x50000000 },
};

START_TEST(believes_no_moduledata_that)
{
	size_t at;

	fake_make(&fake, &(struct fake_wish){ .minor = 24 });
	at = fake.at_md + broken[_i].at;
	fake_put(&fake, at, broken[_i].value ? broken[_i].value : fake_get(&fake, at, 8) + 8, 8);
	ck_assert_msg(!reopen(), "%s", broken[_i].what);
	ck_assert_msg(strstr(err.msg, "its function table is gone or damaged") != NULL, "%s",
		      err.msg);
}
END_TEST

static const struct { enum fake_field field; u64 value; unsigned size; } broken_tail[] = {
	{ F_TYPES, 8, 8 }, { F_ETYPES, 8, 8 }, { F_TEXTSECTMAP, 8, 8 }, { F_HASMAIN, 2, 1 },
	{ F_BAD, 1, 1 }, { F_NEXT, 8, 8 }, { F_GOFUNC, 8, 8 },
};

START_TEST(believes_no_tail_of_moduledata_that_lies)
{
	unsigned minor = RELEASE_FIRST + (unsigned)_i / (unsigned)ARRAY_LEN(broken_tail);
	size_t i = (size_t)_i % ARRAY_LEN(broken_tail),
	       at = fake_field(minor, broken_tail[i].field);

	if (!at)
		return;
	fake_make(&fake, &(struct fake_wish){ .minor = minor });
	fake_put(&fake, fake.at_md + at, broken_tail[i].value, broken_tail[i].size);
	ck_assert_msg(!reopen(), "go1.%u, field %zu", minor, i);
	ck_assert_int_eq(err.kind, ERR_FORMAT);
}
END_TEST

START_TEST(believes_no_section_name)
{
	fake_make(&fake, &(struct fake_wish){ .minor = 25, .sections = true });
	fake_put(&fake, fake.at_shdrs + 64 * 3 + 16, fake.base + fake.at_text, 8);
	ck_assert_msg(reopen(), "%s", err.msg);	/* found by searching */
	ck_assert_uint_eq(prog.pclntab_va, fake.base + fake.at_pclntab);
}
END_TEST

START_TEST(tells_libraries_from_programs)
{
	fake_make(&fake, &(struct fake_wish){ .minor = 25, .pie = true });
	fake_put(&fake, fake.at_md + fake_field(25, F_HASMAIN), 0, 1);
	ck_assert_msg(reopen(), "%s", err.msg);
	ck_assert(str_eq(prog.buildmode, STR("c-shared")));
}
END_TEST

Suite *moduledata_suite(void)
{
	Suite *s = suite_create("moduledata");
	TCase *t = tcase_create("moduledata");
	const int releases = RELEASE_LAST - RELEASE_FIRST + 1;

	tcase_add_checked_fixture(t, NULL, close_all);
	tcase_add_loop_test(t, opens_each_release_and_variant, 0,
			    releases * (int)ARRAY_LEN(variants));
	tcase_add_loop_test(t, tells_the_release_by_its_tables_or_not_at_all, 0, ARRAY_LEN(alone));
	tcase_add_test(t, finds_the_version_in_the_data);
	tcase_add_loop_test(t, refuses_what_it_does_not_know, 0, ARRAY_LEN(refused));
	tcase_add_test(t, names_upx);
	tcase_add_loop_test(t, believes_no_moduledata_that, 0, ARRAY_LEN(broken));
	tcase_add_loop_test(t, believes_no_tail_of_moduledata_that_lies, 0,
			    releases * (int)ARRAY_LEN(broken_tail));
	tcase_add_test(t, believes_no_section_name);
	tcase_add_test(t, tells_libraries_from_programs);
	suite_add_tcase(s, t);
	return s;
}
