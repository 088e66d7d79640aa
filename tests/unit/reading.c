#include "letters.h"

Suite *reading_suite(void);

/* Types in, a reading out, both as letters.h writes them. */
struct example {
	const char *what, *types, *reading;
	unsigned minor;
	struct plan_request limits;	/* zeros: 16 bytes, 2 elements, 1 level */
};

static const struct example examples[] = {
	{ .what = "nothing", .types = "", .reading = "" },
	{ .what = "words", .types = "i f b", .reading = "AX@32 X0@40 BX@48" },
	{ .what = "a string", .types = "s", .reading = "AX@32 BX@40 32->#1*16@56" },
	{ .what = "two",
	  .types = "s s",
	  .reading = "AX@32 BX@40 CX@48 DI@56 32->#1*16@72 48->#1*16@96" },
	{ .what = "no strings wanted",
	  .types = "s",
	  .limits = { .elements = 1 },
	  .reading = "AX@32 BX@40" },
	{ .what = "bytes", .types = "[b", .reading = "AX@32 BX@40 CX@48 32->#1*16@64" },
	{ .what = "a slice of strings",
	  .types = "[s",
	  .reading = "AX@32 BX@40 CX@48 32->#16*2@64 64->#1*16@104 80->#1*16@128" },
	{ .what = "no elements wanted",
	  .types = "[s",
	  .limits = { .strings = 16 },
	  .reading = "AX@32 BX@40 CX@48" },
	{ .what = "a pointer to a struct",
	  .types = "*{is}",
	  .reading = "AX@32 32->0:24@48 56->#1*16@80" },
	{ .what = "texts and lengths before what is behind pointers",
	  .types = "*{is} s o",
	  .reading = "AX@32 BX@40 CX@48 DI@56 40->#1*16@72 56->0:16@96 "
		     "32->0:24@120 128->#1*16@152" },
	{ .what = "... also in a struct, and in what a slice holds",
	  .types = "{*is} [{*is}",
	  .limits = { .strings = 8, .elements = 2, .depth = 1 },
	  .reading = "AX@32 BX@40 CX@48 DI@56 SI@64 R8@72 40->#1*8@88 32->0:8@104 "
		     "56->#24*2@120 128->#1*8@176 152->#1*8@192 120->0:8@208 144->0:8@224" },
	{ .what = "a pointer to a pointer", .types = "**i", .reading = "AX@32 32->0:8@48" },
	{ .what = "two levels",
	  .types = "**i",
	  .limits = { .depth = 2 },
	  .reading = "AX@32 32->0:8@48 48->0:8@64" },
	{ .what = "no level", .types = "*s", .limits = { .strings = 1 }, .reading = "AX@32" },
	{ .what = "a pointer to nothing", .types = "*{}", .reading = "AX@32" },
	{ .what = "a struct in registers",
	  .types = "{is*i}",
	  .reading = "AX@32 BX@40 CX@48 DI@56 40->#1*16@72 56->0:8@96" },
	{ .what = "an array on the stack",
	  .types = "3s",
	  .reading = "8(SP):48@32 32->#1*16@88 48->#1*16@112" },
	{ .what = "a time", .types = "t", .reading = "AX@32 BX@40 CX@48" },
	{ .what = "a channel", .types = "o", .reading = "AX@32 32->0:16@48" },
	{ .what = "a func", .types = "u", .reading = "AX@32 32->0:8@48" },
	{ .what = "an empty interface of no known type", .types = "e", .reading = "AX@32 BX@40" },
	{ .what = "an error of no known type", .types = "r", .reading = "AX@32 BX@40 32->8:8@56" },
	{ .what = "a map with buckets",
	  .minor = 22,
	  .types = "m(i)(s)",
	  .reading = "AX@32 32->0:48@48 64->0:208@104 176->#1*16@320 192->#1*16@344" },
	{ .what = "a map with groups",
	  .minor = 24,
	  .types = "m(i)(s)",
	  .reading =
		  "AX@32 32->0:48@48 when 72=0{64->0:200@104 120->#1*16@312 144->#1*16@336} "
		  "when 72!0{64->0:8@104 104->0:32@120 136->0:200@160 "
		     "176->#1*16@368 200->#1*16@392}" },
	{ .what = "a secret field behind a pointer",
	  .types = "*{i!ii}",
	  .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:8@48 32->16:8@64" },
	{ .what = "... the first",
	  .types = "*{!ii}",
	  .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:0@48 32->8:8@56" },
	{ .what = "... the last",
	  .types = "*{i!s}",
	  .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:8@48" },
	{ .what = "... the only one",
	  .types = "*{!s}",
	  .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:0@48" },
	{ .what = "... in a field",
	  .types = "*{i{!ii}i}",
	  .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:8@48 32->16:16@64" },
	{ .what = "... in an array",
	  .types = "*2{i!i}",
	  .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:8@48 32->16:8@64" },
	{ .what = "a secret field in a register",
	  .types = "{i!si}",
	  .limits = { .nredact = 1 },
	  .reading = "AX@32 DI@56" },
	{ .what = "... of an array",
	  .types = "1{i!i}",
	  .limits = { .nredact = 1 },
	  .reading = "AX@32" },
	{ .what = "a secret field on the stack",
	  .types = "{i!i2i}",
	  .limits = { .nredact = 1 },
	  .reading = "8(SP):8@32 24(SP):16@48" },
	{ .what = "... of an array",
	  .types = "2{i!i}",
	  .limits = { .nredact = 1 },
	  .reading = "8(SP):8@32 24(SP):8@48" },
	{ .what = "a slice of secrets",
	  .types = "[{i!i}",
	  .limits = { .nredact = 1 },
	  .reading = "AX@32 BX@40 CX@48" },
	{ .what = "a slice of pointers to secrets",
	  .types = "[*{i!i}",
	  .limits = { .nredact = 1, .elements = 1, .depth = 1 },
	  .reading = "AX@32 BX@40 CX@48 32->#8*1@64 64->0:8@80" },
	{ .what = "a map of secrets",
	  .types = "m(i)({!i})",
	  .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:48@48" },
};

START_TEST(types_give_steps)
{
	const struct example *e = &examples[_i];
	struct plan_request limits = e->limits;
	struct reading r;
	struct str is;

	if (limits.nredact && !limits.elements)
		limits.elements = 2, limits.strings = 16, limits.depth = 1;
	letters_begin(e->minor ? e->minor : 22, &limits);
	r = reading_of(e->types, false);
	is = put_steps(STR(""), &r, 0, r.nreads);
	ck_assert_msg(str_eq(is, str_of(e->reading)), "%s:\n is %.*s\n   %s", e->what, STR_F(is),
		      e->reading);
	letters_end();
}
END_TEST

START_TEST(an_error_has_alternatives_in_the_same_bytes)
{
	const char *two[] = { "*{s}", "{ii}" };
	struct reading r;
	struct str is;

	letters_begin(22, &(struct plan_request){ 0 });
	for (u32 i = 0; i < 2; i++) {
		const char *p = two[i];

		dynamic.errors[dynamic.nerrors++] = parse(&p);
	}
	r = reading_of("r", false);
	is = put_steps(STR(""), &r, 0, r.nreads);
	ck_assert_str_eq(str_z(&plan.arena, is),
			 "AX@32 BX@40 32->8:8@56 when 56=18{40->0:16@72 72->#1*16@96} "
			 "when 56=20{40->0:16@72}");
	letters_end();
}
END_TEST

/* Those that others share their bytes with keep their place. */
START_TEST(texts_may_be_packed)
{
	struct expr_ask condition = { .role = EXPR_IF }, shown = { .role = EXPR_SHOW };
	struct plan_request limits = { .strings = 16, .packed = true };
	const char *two[] = { "*{s}", "{ii}" };
	struct reading r;

	letters_begin(22, &limits);
	r = reading_of("s", false);
	ck_assert_uint_eq(r.size, RECORD_HEAD + 16 + 8);
	ck_assert_uint_eq(r.texts, 16);
	for (u32 i = 0; i < 2; i++) {
		const char *p = two[i];

		dynamic.errors[dynamic.nerrors++] = parse(&p);
	}
	r = reading_of("r", false);
	ck_assert_uint_eq(r.texts, 0);
	letters_end();
	for (u32 i = 0; i < 3; i++) {	/* read in the target, by an engine that can't, and not */
		limits.asks = i ? &shown : &condition;
		limits.nasks = 1;
		limits.probes = i == 1;
		letters_begin(22, &limits);
		r = reading_of("s", false);
		ck_assert_uint_eq(r.texts, i == 2 ? 16 : 0);
		ck_assert_uint_eq(r.size + r.texts, RECORD_HEAD + 16 + 8 + 16);
		letters_end();
	}
}
END_TEST

START_TEST(a_redacted_function_gives_nothing)
{
	struct reading r;

	letters_begin(22, &(struct plan_request){ .strings = 16, .elements = 2, .depth = 2 });
	r = reading_of("s i *i", true);
	ck_assert_uint_eq(r.nreads, 0);
	ck_assert_uint_eq(r.size, RECORD_HEAD);
	for (u32 i = 0; i < 3; i++)
		ck_assert(r.slots[i].redacted && !r.slots[i].taken);
	letters_end();
}
END_TEST

START_TEST(a_redacted_parameter_is_left_out)
{
	struct go_type *t[2];
	struct go_param *params;
	struct reading r = { 0 };
	const char *p = "ss";

	letters_begin(22, &(struct plan_request){ .strings = 16, .nredact = 1 });
	t[0] = parse(&p);
	t[1] = parse(&p);
	params = params_of(t, 2, false);
	params[0].name = STR("password");
	reading_make(&r, &plan, &dynamic, &cache, params, 2, false, true);
	ck_assert(r.slots[0].redacted && !r.slots[0].taken && r.slots[1].taken &&
		  !r.slots[1].redacted);
	ck_assert_str_eq(str_z(&plan.arena, put_steps(STR(""), &r, 0, r.nreads)),
			 "CX@32 DI@40 32->#1*16@56");
	letters_end();
}
END_TEST

START_TEST(parameters_share_the_room)
{
	struct reading r;
	bool taken[3] = { 0 };

	letters_begin(22, &(struct plan_request){
		.strings = 2048, .elements = 64, .depth = 4, .packed = _i,
	});
	r = reading_of("[s [s s", false);
	for (u32 i = 0; i < r.nreads; i++)
		for (u32 k = 0; captures(&r.reads[i]) && k < 3; k++)
			taken[k] |= r.reads[i].from == r.slots[k].at && r.reads[i].size > 500;
	for (u32 k = 0; k < 3; k++)
		ck_assert_msg(taken[k], "parameter %u", k);
	ck_assert_uint_le(r.size + r.texts, RECORD_MAX);
	letters_end();
}
END_TEST

/* The same types in the same places share the steps, but never the names. */
START_TEST(readings_are_shared_by_their_types)
{
	const char *p = "s";
	struct go_type *t[2];
	struct go_param *a, *b, *c;
	struct reading ra = { 0 }, rb = { 0 }, rc = { 0 };

	letters_begin(22, &(struct plan_request){ .strings = 16 });
	t[0] = t[1] = parse(&p);
	a = params_of(t, 1, false);
	b = params_of(t, 1, false);
	c = params_of(t, 1, true);
	reading_make(&ra, &plan, &dynamic, &cache, a, 1, false, true);
	reading_make(&rb, &plan, &dynamic, &cache, b, 1, false, true);
	reading_make(&rc, &plan, &dynamic, &cache, c, 1, false, true);
	ck_assert_ptr_eq(ra.reads, rb.reads);
	ck_assert_ptr_ne(ra.reads, rc.reads);
	ck_assert_ptr_eq(ra.slots[0].param, a);
	ck_assert_ptr_eq(rb.slots[0].param, b);
	letters_end();
}
END_TEST

Suite *reading_suite(void)
{
	Suite *s = suite_create("reading");
	TCase *t = tcase_create("steps");

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, types_give_steps, 0, ARRAY_LEN(examples));
	tcase_add_test(t, an_error_has_alternatives_in_the_same_bytes);
	tcase_add_test(t, texts_may_be_packed);
	tcase_add_test(t, a_redacted_function_gives_nothing);
	tcase_add_test(t, a_redacted_parameter_is_left_out);
	tcase_add_loop_test(t, parameters_share_the_room, 0, 2);
	tcase_add_test(t, readings_are_shared_by_their_types);
	suite_add_tcase(s, t);
	return s;
}
