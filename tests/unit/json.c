#include <check.h>
#include <math.h>

#include "base/out.h"

Suite *json_suite(void);

static struct out memory;
static struct json j;

static void fresh(void)
{
	out_release(&memory);
	out_memory(&memory);
	json_begin(&j, &memory);
}

static const char *written(void)
{
	out_c(&memory, 0);
	return memory.buf;
}

#define PRINTS(call, want) do { fresh(); call; ck_assert_str_eq(written(), want); } while (0)

START_TEST(commas_and_nesting)
{
	fresh();
	for (int line = 0; line < 2; line++) {
		json_object(&j);
		json_key(&j, "a");
		json_u64(&j, 1);
		json_key(&j, "b");
		json_array(&j);
		json_array(&j);
		json_array_end(&j);
		json_object(&j);
		json_object_end(&j);
		json_null(&j);
		json_array_end(&j);
		json_key(&j, "c");
		json_bool(&j, true);
		json_object_end(&j);
		json_line(&j);
	}
	ck_assert_str_eq(written(), "{\"a\":1,\"b\":[[],{},null],\"c\":true}\n"
				    "{\"a\":1,\"b\":[[],{},null],\"c\":true}\n");
}
END_TEST

START_TEST(numbers_beyond_2_to_53_are_strings)
{
	PRINTS(json_u64(&j, (u64)1 << 53), "9007199254740992");
	PRINTS(json_u64(&j, ((u64)1 << 53) + 1), "\"9007199254740993\"");
	PRINTS(json_i64(&j, -((i64)1 << 53)), "-9007199254740992");
	PRINTS(json_i64(&j, INT64_MIN), "\"-9223372036854775808\"");
	PRINTS(json_i64(&j, INT64_MAX), "\"9223372036854775807\"");
	PRINTS(json_f64(&j, 1e300), "1e+300");
	PRINTS(json_f64(&j, NAN), "\"NaN\"");
	PRINTS(json_f64(&j, -INFINITY), "\"-Inf\"");
	PRINTS(json_hex(&j, 0xdead), "\"0xdead\"");
	PRINTS(json_time(&j, 1), "\"1970-01-01T00:00:00.000000001Z\"");
}
END_TEST

START_TEST(text_is_escaped)
{
	PRINTS(json_z(&j, "a\"\\\n\t\r"), "\"a\\\"\\\\\\n\\t\\r\"");
	PRINTS(json_str(&j, STR("\x00\x1b\x7f")), "\"\\u0000\\u001b\\u007f\"");
	PRINTS(json_z(&j, "é世\xf0\x9f\x98\x80"), "\"é世\xf0\x9f\x98\x80\"");
	PRINTS(json_z(&j, "\xc2\x9b"), "\"\\u009b\"");
	PRINTS(json_z(&j, "a\xff\xc3z"), "\"a\xef\xbf\xbd\xef\xbf\xbdz\"");
	PRINTS((json_object(&j), json_key_str(&j, STR("\n")), json_null(&j), json_object_end(&j)),
	       "{\"\\n\":null}");
}
END_TEST

START_TEST(base64_is_padded)
{
	PRINTS(json_base64(&j, STR("")), "\"\"");
	PRINTS(json_base64(&j, STR("f")), "\"Zg==\"");
	PRINTS(json_base64(&j, STR("fo")), "\"Zm8=\"");
	PRINTS(json_base64(&j, STR("foo")), "\"Zm9v\"");
	PRINTS(json_base64(&j, STR("foob\xff")), "\"Zm9vYv8=\"");
}
END_TEST

Suite *json_suite(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("json");

	tcase_add_test(t, commas_and_nesting);
	tcase_add_test(t, numbers_beyond_2_to_53_are_strings);
	tcase_add_test(t, text_is_escaped);
	tcase_add_test(t, base64_is_padded);
	suite_add_tcase(s, t);
	return s;
}
