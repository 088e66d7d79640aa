/* What lies in a record is shown as its type has it (maps: valuemaps.c). */
#include "valued.h"

Suite *values_suite(void);

BASIC(t_bool, "bool", GO_BOOL, 1);
BASIC(t_int8, "int8", GO_INT8, 1);
BASIC(t_int16, "int16", GO_INT16, 2);
BASIC(t_uint8, "uint8", GO_UINT8, 1);
BASIC(t_uint32, "uint32", GO_UINT32, 4);
BASIC(t_uint64, "uint64", GO_UINT64, 8);
BASIC(t_uintptr, "uintptr", GO_UINTPTR, 8);
BASIC(t_float32, "float32", GO_FLOAT32, 4);
BASIC(t_float64, "float64", GO_FLOAT64, 8);
BASIC(t_complex128, "complex128", GO_COMPLEX128, 16);
BASIC(t_duration, "time.Duration", GO_INT64, 8);
BASIC(t_any, "interface {}", GO_INTERFACE, 16);
static struct go_method error_method = { NAMED("Error") };
static struct go_type t_error =
	TYPE(NAMED("error"), .kind = GO_INTERFACE, .size = 16, .nmethods = 1,
	     .methods = &error_method);
static struct go_type t_ints =
	TYPE(NAMED("[]int"), .kind = GO_SLICE, .size = 24, .elem = &t_int);
static struct go_type t_strings =
	TYPE(NAMED("[]string"), .kind = GO_SLICE, .size = 24, .elem = &t_string);
static struct go_type t_bytes =
	TYPE(NAMED("[]uint8"), .kind = GO_SLICE, .size = 24, .elem = &t_uint8);
static struct go_type t_array =
	TYPE(NAMED("[3]int"), .kind = GO_ARRAY, .size = 24, .elem = &t_int, .len = 3);
static struct go_field user_fields[] = {
	{ NAMED("ID"), .type = &t_int, .offset = 0 },
	{ NAMED("_"), .type = &t_int, .offset = 8 },
	{ NAMED("Name"), .type = &t_string, .offset = 16 },
};
static struct go_type t_user =
	TYPE(NAMED("main.User"), .kind = GO_STRUCT, .size = 32, .fields = user_fields,
	     .nfields = 3);
static struct go_type t_user_ptr =
	TYPE(NAMED("*main.User"), .kind = GO_PTR, .size = 8, .elem = &t_user, .direct_iface = true);
static struct go_type t_int_ptr = TYPE(NAMED("*int"), .kind = GO_PTR, .size = 8, .elem = &t_int);
static struct go_type t_chan = TYPE(NAMED("chan int"), .kind = GO_CHAN, .size = 8, .elem = &t_int);
static struct go_type t_func = TYPE(NAMED("func()"), .kind = GO_FUNC, .size = 8);
static struct go_type t_time = TYPE(NAMED("time.Time"), .kind = GO_STRUCT, .size = 24);
/* A dynamic type that the program has at `va`. */
static void at_va(u64 va, const struct go_type *t)
{
	struct go_type *to = go_type_at(&prog, va);

	ck_assert_ptr_nonnull(to);
	*to = *t;
	to->va = va;
}

START_TEST(numbers_are_masked_to_their_size)
{
	fresh();
	put(VALUE_AT, UINT64_MAX);
	shows(&t_int, 8, "-1", TYPED("int", "'value':-1"));
	shows(&t_int8, 1, "-1", TYPED("int8", "'value':-1"));
	shows(&t_int16, 2, "-1", TYPED("int16", "'value':-1"));
	shows(&t_uint8, 1, "255", TYPED("uint8", "'value':255"));
	shows(&t_uint32, 4, "4294967295", TYPED("uint32", "'value':4294967295"));
	shows(&t_uint64, 8, "18446744073709551615",
	      TYPED("uint64", "'value':'18446744073709551615'"));
	shows(&t_uintptr, 8, "0xffffffffffffffff",
	      TYPED("uintptr", "'value':'0xffffffffffffffff'"));
	put(VALUE_AT, 0xabcd01);
	shows(&t_bool, 1, "true", TYPED("bool", "'value':true"));
	put(VALUE_AT, 0xabcd00);
	shows(&t_bool, 1, "false", TYPED("bool", "'value':false"));
}
END_TEST

START_TEST(floats_and_complex)
{
	float f = 0.1f;

	fresh();
	memcpy(record.bytes + VALUE_AT, &(double){ 2.5 }, 8);
	memcpy(record.bytes + VALUE_AT + 8, &(double){ -1 }, 8);
	shows(&t_float64, 8, "2.5", TYPED("float64", "'value':2.5"));
	shows(&t_complex128, 16, "(2.5-1i)", TYPED("complex128", "'value':'(2.5-1i)'"));
	memcpy(record.bytes + VALUE_AT + 8, &(double){ 1 }, 8);
	shows(&t_complex128, 16, "(2.5+1i)", TYPED("complex128", "'value':'(2.5+1i)'"));
	memcpy(record.bytes + VALUE_AT, &f, 4);
	shows(&t_float32, 4, "0.1", TYPED("float32", "'value':0.1"));
	put(VALUE_AT, 0x7ff8000000000000);
	shows(&t_float64, 8, "NaN", TYPED("float64", "'value':'NaN'"));
}
END_TEST

START_TEST(times)
{
	fresh();
	put(VALUE_AT, 1500000000);
	shows(&t_duration, 8, "1.5s", TYPED("time.Duration", "'value':1500000000"));
	put(VALUE_AT, 0);
	shows(&t_time, 24, "0001-01-01T00:00:00Z",
	      TYPED("time.Time", "'value':'0001-01-01T00:00:00Z'"));
	/* 2024-11-25T02:40:38.5Z, with a monotonic reading: seconds since 1885 in bits 30 to 62 */
	put(VALUE_AT, 1ull << 63 | (1732502438ull + 2682288000ull) << 30 | 500000000);
	put(VALUE_AT + 8, 12345);
	shows(&t_time, 24, "2024-11-25T02:40:38.5Z",
	      TYPED("time.Time", "'value':'2024-11-25T02:40:38.5Z'"));
	put(VALUE_AT, 7);
	put(VALUE_AT + 8, 1732502438ull + 62135596800ull);
	shows(&t_time, 24, "2024-11-25T02:40:38.000000007Z",
	      TYPED("time.Time", "'value':'2024-11-25T02:40:38.000000007Z'"));
}
END_TEST

START_TEST(strings)
{
	fresh();
	shows(&t_string, 16, "\"\"", TYPED("string", "'value':''"));
	put_string(VALUE_AT, 64, "h\"i");
	shows(&t_string, 16, "\"h\\\"i\"", TYPED("string", "'value':'h\\\"i'"));
	put(VALUE_AT + 8, 4096);	/* what was cut says its length */
	shows(&t_string, 16, "\"h\\\"i\"…(4096)", TYPED("string", "'value':'h\\\"i','len':4096"));
	fresh();
	put_string(VALUE_AT, 64, "a\xc3\xa9\xff");
	shows(&t_string, 16, "\"aé\\xff\"",
	      TYPED("string", "'value':'aé\xef\xbf\xbd','base64':'YcOp/w=='"));
	put(56, 2);			/* the limit fell into a rune: that is no bad text */
	shows(&t_string, 16, "\"a\"…(4)", TYPED("string", "'value':'a','len':4"));
}
END_TEST

START_TEST(strings_that_lie)
{
	fresh();
	put(VALUE_AT, 0xdead);
	put(VALUE_AT + 8, 5);
	lead(READ_BYTES, VALUE_AT, 64, 64, CAPTURE_UNREADABLE);
	shows(&t_string, 16, "string(0xdead, 5)<unreadable>",
	      TYPED("string", "'error':'unreadable','address':'0xdead','len':5"));
	put(VALUE_AT + 8, (u64)-5);
	shows(&t_string, 16, "string(0xdead, -5)<bad length>",
	      TYPED("string", "'error':'bad length','address':'0xdead','len':-5"));
	put(VALUE_AT, 0);
	put(VALUE_AT + 8, 5);
	shows(&t_string, 16, "string(0x0, 5)<unreadable>",
	      TYPED("string", "'error':'unreadable','address':'0x0','len':5"));
	fresh();
	put(VALUE_AT, 0xdead);
	put(VALUE_AT + 8, 5);
	shows(&t_string, 16, "string(0xdead, 5)",
	      TYPED("string", "'error':'not captured','address':'0xdead','len':5"));
	view.strings = 0;
	shows(&t_string, 16, "\"\"…(5)", TYPED("string", "'value':'','len':5"));
	/* more was copied than the plan made room for, or than lies in the record; or it says of
	 * a text that has a place that it lies elsewhere */
	fresh();
	put_string(VALUE_AT, 64, "abc");
	put(VALUE_AT + 8, 1 << 30);
	put(56, 0x7fff);
	reads[0].size = 8;
	for (u32 i = 0; i < 2; i++) {
		shows(&t_string, 16, "\"abc\\x00\\x00\\x00\\x00\\x00\"…(1073741824)",
		      TYPED("string", "'value':'abc\\u0000\\u0000\\u0000\\u0000\\u0000',"
				      "'len':1073741824"));
		put(56, record_status(0x7fff, 40));
	}
}
END_TEST

START_TEST(slices)
{
	fresh();
	shows(&t_ints, 24, "nil", TYPED("[]int", "'value':null"));
	put(VALUE_AT, 0x2000);
	shows(&t_ints, 24, "[]int{}", TYPED("[]int", "'value':[]"));
	put(VALUE_AT + 8, 100);
	lead(READ_BYTES, VALUE_AT, 64, 64, 24)->elem = 8;
	put(64, 1);
	put(72, 2);
	put(80, 3);
	shows(&t_ints, 24, "[]int{1, 2, 3}…(100)", TYPED("[]int", "'value':[1,2,3],'len':100"));
	view.elements = 2;
	shows(&t_ints, 24, "[]int{1, 2}…(100)", TYPED("[]int", "'value':[1,2],'len':100"));
	put(56, CAPTURE_UNREADABLE);
	shows(&t_ints, 24, "[]int(0x2000, 100)<unreadable>",
	      TYPED("[]int", "'error':'unreadable','address':'0x2000','len':100"));
}
END_TEST

START_TEST(bytes_are_text_or_base64)
{
	fresh();
	put_string(VALUE_AT, 64, "GET /");
	shows(&t_bytes, 24, "[]byte(\"GET /\")",
	      TYPED("[]uint8", "'value':{'base64':'R0VUIC8='}"));
	put(VALUE_AT + 8, 4096);
	shows(&t_bytes, 24, "[]byte(\"GET /\")…(4096)",
	      TYPED("[]uint8", "'value':{'base64':'R0VUIC8=','len':4096}"));
}
END_TEST

START_TEST(strings_in_slices)
{
	fresh();
	put(VALUE_AT, 0x2000);
	put(VALUE_AT + 8, 2);
	lead(READ_BYTES, VALUE_AT, 64, 64, 32)->elem = 16;
	put_string(64, 136, "a");
	put_string(80, 216, "bc");
	shows(&t_strings, 24, "[]string{\"a\", \"bc\"}", TYPED("[]string", "'value':['a','bc']"));
	put(88, 9);
	shows(&t_strings, 24, "[]string{\"a\", \"bc\"…(9)}",
	      TYPED("[]string", "'value':['a',{'value':'bc','len':9}]"));
}
END_TEST

START_TEST(arrays_and_structs)
{
	fresh();
	put(VALUE_AT, 7);
	put(VALUE_AT + 8, 8);
	put(VALUE_AT + 16, 9);
	shows(&t_array, 24, "[3]int{7, 8, 9}", TYPED("[3]int", "'value':[7,8,9]"));
	shows(&t_array, 16, "[3]int{7, 8}…(3)", TYPED("[3]int", "'value':[7,8],'len':3"));
	put_string(VALUE_AT + 16, 104, "x");
	shows(&t_user, 32, "main.User{ID:7, Name:\"x\"}",
	      TYPED("main.User", "'value':{'ID':7,'Name':'x'}"));
	shows(&t_user, 16, "main.User{ID:7, …}",
	      TYPED("main.User", "'value':{'ID':7,'Name':{'error':'not captured'}}"));
}
END_TEST

START_TEST(pointers)
{
	fresh();
	shows(&t_user_ptr, 8, "nil", TYPED("*main.User", "'value':null"));
	put(VALUE_AT, 0xc000010000);
	shows(&t_user_ptr, 8, "(*main.User)(0xc000010000)",
	      TYPED("*main.User", "'value':{'address':'0xc000010000'}"));
	lead(READ_MEM, VALUE_AT, 64, 32, 32);
	put(64, 7);
	put_string(80, 104, "x");
	shows(&t_user_ptr, 8, "(*main.User)(0xc000010000){ID:7, Name:\"x\"}",
	      TYPED("*main.User",
		    "'value':{'address':'0xc000010000','value':{'ID':7,'Name':'x'}}"));
	put(56, CAPTURE_UNREADABLE);
	shows(&t_user_ptr, 8, "(*main.User)(0xc000010000)<unreadable>",
	      TYPED("*main.User", "'value':{'address':'0xc000010000','error':'unreadable'}"));
	fresh();
	put(VALUE_AT, 0xc000010000);
	lead(READ_MEM, VALUE_AT, 64, 8, 8);
	put(64, 5);
	shows(&t_int_ptr, 8, "(*int)(0xc000010000){5}",
	      TYPED("*int", "'value':{'address':'0xc000010000','value':5}"));
}
END_TEST

START_TEST(errors_show_what_they_are)
{
	fresh();
	at_va(TYPES + 0x100, &t_user_ptr);
	shows(&t_error, 16, "nil", TYPED("error", "'value':null"));
	put(VALUE_AT, 0x700000);	/* an itab whose type word was captured */
	put(VALUE_AT + 8, 0xc000010000);
	lead(READ_MEM, VALUE_AT, 64, 8, 8)->disp = 8;
	put(64, TYPES + 0x100 + bias);
	shows(&t_error, 16, "error(*main.User)(0xc000010000)",
	      TYPED("error", "'value':{'type':'*main.User','value':{'address':'0xc000010000'}}"));
	lead(READ_MEM, VALUE_AT + 8, 80, 32, 32);
	put(80, 7);
	put_string(96, 120, "x");
	shows(&t_error, 16, "error(*main.User){ID:7, Name:\"x\"}",
	      TYPED("error", "'value':{'type':'*main.User','value':"
			     "{'address':'0xc000010000','value':{'ID':7,'Name':'x'}}}"));
	put(VALUE_AT + 8, 0);
	shows(&t_error, 16, "error(*main.User)(nil)",
	      TYPED("error", "'value':{'type':'*main.User','value':null}"));
	put(64, 0x7f0000000000);	/* a type that the binary does not have */
	shows(&t_error, 16, "error(0x7f0000000000)",
	      TYPED("error", "'value':{'address':'0x7f0000000000','error':'unknown type'}"));
}
END_TEST

/* Steps for several types share their bytes: only the one whose condition holds has run. */
START_TEST(dynamic_types_are_told_apart)
{
	fresh();
	at_va(TYPES + 0x200, &t_int);
	at_va(TYPES + 0x300, &t_string);
	at_va(TYPES + 0x400, &t_uint64);
	put(VALUE_AT, TYPES + 0x200 + bias);
	put(VALUE_AT + 8, 0xc000010000);
	for (u32 i = 0; i < 2; i++) {
		struct read *when = &reads[reading.nreads++];

		*when = (struct read){ .kind = READ_WHEN, .size = i ? 2 : 1, .when_at = VALUE_AT };
		when->when = TYPES + (i ? 0x300 : 0x200);
		when->when_va = true;
		lead(READ_MEM, VALUE_AT + 8, 64, i ? 16 : 8, i ? 16 : 8);
	}
	lead(READ_BYTES, 64, 88, 64, 2);
	put(56, 8);
	put(64, 42);
	shows(&t_any, 16, "int(42)", TYPED("interface {}", "'value':{'type':'int','value':42}"));
	put(VALUE_AT, TYPES + 0x300 + bias);
	put(56, 16);
	put(64, 0x1000);
	put(72, 2);
	memcpy(record.bytes + 88, "hi", 2);
	shows(&t_any, 16, "string(\"hi\")",
	      TYPED("interface {}", "'value':{'type':'string','value':'hi'}"));
	put(VALUE_AT, TYPES + 0x400 + bias);	/* none of them */
	shows(&t_any, 16, "uint64(?)",
	      TYPED("interface {}", "'value':{'type':'uint64','error':'not captured'}"));
}
END_TEST

START_TEST(channels_and_funcs)
{
	fresh();
	shows(&t_chan, 8, "nil", TYPED("chan int", "'value':null"));
	put(VALUE_AT, 0xc000020000);
	shows(&t_chan, 8, "(chan int)(0xc000020000)",
	      TYPED("chan int", "'value':{'address':'0xc000020000','error':'not captured'}"));
	lead(READ_MEM, VALUE_AT, 64, 16, 16);
	put(64, 2);
	put(72, 10);
	shows(&t_chan, 8, "chan int(len 2, cap 10)",
	      TYPED("chan int", "'value':{'address':'0xc000020000','len':2,'cap':10}"));
	fresh();
	shows(&t_func, 8, "nil", TYPED("func()", "'value':null"));
	put(VALUE_AT, 0xc000030000);
	lead(READ_MEM, VALUE_AT, 64, 8, 8);
	put(64, TEXT + 0x100 + bias);
	shows(&t_func, 8, "func main.work.func1", TYPED("func()", "'value':'main.work.func1'"));
	put(64, 0x1234);
	shows(&t_func, 8, "(func())(0xc000030000)",
	      TYPED("func()", "'value':{'address':'0xc000030000'}"));
}
END_TEST

START_TEST(shapes)
{
	fresh();
	put(VALUE_AT, 5);
	put(VALUE_AT + 8, 0x4c2f10);
	shows(NULL, 8, "0x5", "{'name':'x','from':'shape','value':'0x5'}");
	shows(NULL, 16, "{0x5, 0x4c2f10}",
	      "{'name':'x','from':'shape','value':['0x5','0x4c2f10']}");
}
END_TEST

START_TEST(what_is_not_shown)
{
	static const char *secret[] = { "Name" };
	struct err err;
	struct json j;

	fresh();
	slot = (struct slot){ .param = &param };
	param = (struct go_param){ .name = STR("x"), .type = &t_int, .size = 8 };
	out_release(&text);
	out_memory(&text);
	value_begin(&view);
	value_text(&text, &view, &slot);
	json_begin(&j, &text);
	value_json(&j, &view, &slot);
	slot.redacted = true;
	value_text(&text, &view, &slot);
	json_begin(&j, &text);
	value_json(&j, &view, &slot);
	is_json("?" TYPED("int", "'error':'not captured'")
		"‹redacted›" TYPED("int", "'value':'‹redacted›'"));

	ck_assert(patterns_compile(&plan.redact, secret, 1, &err));
	put(VALUE_AT, 7);
	shows(&t_user, 32, "main.User{ID:7, Name:‹redacted›}",
	      TYPED("main.User", "'value':{'ID':7,'Name':'‹redacted›'}"));
	patterns_release(&plan.redact);
}
END_TEST

/* Types come from the program: one that contains itself, or promises elements without end. */
START_TEST(types_that_lie)
{
	static struct go_type loop, wide;
	static struct go_field self[2] = {
		{ NAMED("A"), .type = &loop }, { NAMED("B"), .type = &loop },
	};
	struct json j;

	fresh();
	loop = (struct go_type)TYPE(NAMED("main.L"), .kind = GO_STRUCT, .size = 8, .fields = self,
				    .nfields = 2);
	wide = (struct go_type)TYPE(NAMED("[9]main.E"), .kind = GO_ARRAY, .len = 1ull << 60,
				    .elem = &wide);
	view.elements = UINT64_MAX;
	for (int i = 0; i < 2; i++) {
		param = (struct go_param){ .name = STR("x"), .type = i ? &wide : &loop, .size = 8 };
		slot = (struct slot){ .param = &param, .at = VALUE_AT, .taken = true };
		out_release(&text);
		out_memory(&text);
		value_begin(&view);
		value_text(&text, &view, &slot);
		json_begin(&j, &text);
		value_begin(&view);
		value_json(&j, &view, &slot);
		ck_assert_uint_eq(j.depth, 0);
		ck_assert_uint_lt(text.n, 1 << 20);
	}
	shows(&(struct go_type)TYPE(NAMED("?"), .kind = GO_BAD), 8, "?",
	      TYPED("?", "'error':'unknown type'"));
	shows(&(struct go_type)TYPE(NAMED("[]?"), .kind = GO_SLICE, .size = 24), 24, "nil",
	      TYPED("[]?", "'value':null"));
}
END_TEST

Suite *values_suite(void)
{
	Suite *s = suite_create("values");
	TCase *t = tcase_create("values");

	tcase_add_test(t, numbers_are_masked_to_their_size);
	tcase_add_test(t, floats_and_complex);
	tcase_add_test(t, times);
	tcase_add_test(t, strings);
	tcase_add_test(t, strings_that_lie);
	tcase_add_test(t, slices);
	tcase_add_test(t, bytes_are_text_or_base64);
	tcase_add_test(t, strings_in_slices);
	tcase_add_test(t, arrays_and_structs);
	tcase_add_test(t, pointers);
	tcase_add_test(t, errors_show_what_they_are);
	tcase_add_test(t, dynamic_types_are_told_apart);
	tcase_add_test(t, channels_and_funcs);
	tcase_add_test(t, shapes);
	tcase_add_test(t, what_is_not_shown);
	tcase_add_test(t, types_that_lie);
	suite_add_tcase(s, t);
	return s;
}
