#include <check.h>

#include "plan/pattern.h"

Suite *pattern_suite(void);

static struct go_func funcs[] = {
	{ .pc = 0x000, .size = 32, .room = 32, .name = STR("main.handle") },
	{ .pc = 0x020, .size = 32, .room = 32, .name = STR("main.handle.func1") },
	{ .pc = 0x040,
	  .size = 32,
	  .room = 32,
	  .name = STR("main.Map[go.shape.int,go.shape.string]") },
	{ .pc = 0x060, .size = 32, .room = 32, .name = STR("net/http.(*Server).Serve") },
	{ .pc = 0x080, .size = 32, .room = 32, .name = STR("net/http/httputil.DumpRequest") },
	{ .pc = 0x0a0, .size = 32, .room = 32, .name = STR("net/httptest.New") },
	{ .pc = 0x0c0, .size = 32, .room = 32, .name = STR("runtime.mallocgc") },
	{ .pc = 0x0e0, .size = 32, .room = 32, .name = STR("memeqbody") },
};
static const struct go_program prog = { .funcs = funcs,
					.nfuncs = ARRAY_LEN(funcs),
					.md = { .text_va = 0x401000 } };

/* The names that patterns match, one character each: its index. */
static const char *matched(const char *const *texts, size_t n, bool named_only)
{
	static char got[ARRAY_LEN(funcs) + 1];
	OWN(patterns) p = { 0 };
	struct err err;
	size_t k = 0;

	ck_assert_msg(patterns_compile(&p, texts, n, &err), "%s", err.msg);
	for (size_t i = 0; i < ARRAY_LEN(funcs); i++) {
		bool named;

		if (patterns_match_func(&p, &prog, &funcs[i], &named) && (named || !named_only))
			got[k++] = (char)('0' + i);
	}
	got[k] = 0;
	return got;
}
#define MATCHED(...)                                                                               \
	matched((const char *[]){ __VA_ARGS__ }, ARRAY_LEN(((const char *[]){ __VA_ARGS__ })),     \
		false)
#define NAMED(...)                                                                                 \
	matched((const char *[]){ __VA_ARGS__ }, ARRAY_LEN(((const char *[]){ __VA_ARGS__ })), true)

START_TEST(a_name_matches_itself_only)
{
	ck_assert_str_eq(MATCHED("main.handle"), "0");
	ck_assert_str_eq(MATCHED("net/http.(*Server).Serve"), "3");
}
END_TEST

START_TEST(a_star_is_any_run_of_characters)
{
	ck_assert_str_eq(MATCHED("main.*"), "012");
	ck_assert_str_eq(MATCHED("*.Serve"), "3");
	ck_assert_str_eq(MATCHED("*http*"), "345");
	ck_assert_str_eq(MATCHED("m*h*e"), "0");
}
END_TEST

START_TEST(a_generic_function_matches_by_its_plain_name)
{
	ck_assert_str_eq(MATCHED("main.Map"), "2");
	ck_assert_str_eq(MATCHED("main.Map[go.shape.int*"), "2");
}
END_TEST

START_TEST(dots_take_a_package_and_all_below_it)
{
	ck_assert_str_eq(MATCHED("net/http/..."), "34");
}
END_TEST

START_TEST(dots_take_also_what_is_no_function)
{
	static const struct { const char *pattern, *text; bool is; } rows[] = {
		{ "go/...", "go/ast.Ident", true }, { "go/...", "*go/ast.Ident", true },
		{ "go/ast/...", "**go/ast.Ident", true }, { "go/as/...", "go/ast.Ident", false },
		{ "gopkg.in/yaml.v3/...", "*gopkg.in/yaml.v3.Node", true },
		{ "strings/...", "strings.Index", true }, { "strings/...", "strings", false },
		{ "crypto/...", "crypto", false },
		{ "main/...", "main.Map[net/http.Request]", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		OWN(patterns) p = { 0 };
		struct err err;
		u64 hits = 0;

		ck_assert(patterns_compile(&p, &rows[i].pattern, 1, &err));
		ck_assert_msg(patterns_match_text(&p, str_of(rows[i].text)) == rows[i].is, "%s %s",
			      rows[i].pattern, rows[i].text);
		patterns_count_name(&p, str_of(rows[i].text), &hits);
		ck_assert_uint_eq(hits, rows[i].is);
	}
}
END_TEST

START_TEST(an_address_takes_the_function_around_it)
{
	ck_assert_str_eq(MATCHED("0x401025"), "1");
	ck_assert_str_eq(MATCHED("0x500000"), "");
}
END_TEST

START_TEST(an_expression_is_not_anchored)
{
	ck_assert_str_eq(MATCHED("re:h[ao]ndle$"), "0");
	ck_assert_str_eq(MATCHED("re:^net/"), "345");
}
END_TEST

START_TEST(an_exclamation_mark_takes_away_what_came_before)
{
	ck_assert_str_eq(MATCHED("main.*", "!*.func1"), "02");
	ck_assert_str_eq(MATCHED("main.*", "!main.*", "main.handle"), "0");
	ck_assert_str_eq(MATCHED("!main.*"), "34567");
}
END_TEST

START_TEST(the_runtime_is_meant_only_where_it_is_named)
{
	ck_assert_str_eq(NAMED("*"), "");
	ck_assert_str_eq(NAMED("runtime.*"), "6");
	ck_assert_str_eq(NAMED("*malloc*"), "");
	ck_assert_str_eq(NAMED("re:^runtime\\."), "6");
}
END_TEST

START_TEST(only_whole_names_and_addresses_say_exactly)
{
	static const char *const texts[] = { "main.handle", "net/*", "0x401090" };
	OWN(patterns) p = { 0 };
	struct err err;

	ck_assert(patterns_compile(&p, texts, 3, &err));
	ck_assert(patterns_say_exactly(&p, &prog, &funcs[0]));
	ck_assert(!patterns_say_exactly(&p, &prog, &funcs[3]));
	ck_assert(patterns_say_exactly(&p, &prog, &funcs[4]));
}
END_TEST

START_TEST(a_pattern_that_is_wrong_is_a_usage_error)
{
	static const char *const bad[] = { "", "!", "re:(", "0xzz" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		OWN(patterns) p = { 0 };
		struct err err;

		ck_assert(!patterns_compile(&p, &bad[i], 1, &err));
		ck_assert_int_eq(err.kind, ERR_USAGE);
	}
}
END_TEST

START_TEST(a_pattern_without_a_match_names_what_is_near)
{
	static const char *const texts[] = { "main.*", "main.handel" };
	OWN(patterns) p = { 0 };
	u64 hits[2] = { 0 };
	struct err err;

	ck_assert(patterns_compile(&p, texts, 2, &err));
	for (size_t i = 0; i < ARRAY_LEN(funcs); i++)
		patterns_count(&p, &prog, &funcs[i], STR(""), hits);
	ck_assert_uint_eq(hits[0], 3);
	ck_assert(!patterns_check_hits(&p, &prog, hits, &err));
	ck_assert_int_eq(err.kind, ERR_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "'main.handel'"));
	ck_assert_ptr_nonnull(strstr(err.msg, "main.handle"));
}
END_TEST

Suite *pattern_suite(void)
{
	Suite *s = suite_create("pattern");
	TCase *t = tcase_create("pattern");

	tcase_add_test(t, a_name_matches_itself_only);
	tcase_add_test(t, a_star_is_any_run_of_characters);
	tcase_add_test(t, a_generic_function_matches_by_its_plain_name);
	tcase_add_test(t, dots_take_a_package_and_all_below_it);
	tcase_add_test(t, dots_take_also_what_is_no_function);
	tcase_add_test(t, an_address_takes_the_function_around_it);
	tcase_add_test(t, an_expression_is_not_anchored);
	tcase_add_test(t, an_exclamation_mark_takes_away_what_came_before);
	tcase_add_test(t, the_runtime_is_meant_only_where_it_is_named);
	tcase_add_test(t, only_whole_names_and_addresses_say_exactly);
	tcase_add_test(t, a_pattern_that_is_wrong_is_a_usage_error);
	tcase_add_test(t, a_pattern_without_a_match_names_what_is_near);
	suite_add_tcase(s, t);
	return s;
}
