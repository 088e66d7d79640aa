/* The bounds-checked reader. */
#include <check.h>

#include "base/rd.h"

Suite *rd_suite(void);

static const u8 bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 'h', 'i', 0, 'x' };
static struct err err;

START_TEST(reads_little_endian)
{
	struct rd r = rd_of(bytes, sizeof(bytes), "it");

	ck_assert_uint_eq(rd_u8(&r), 1);
	ck_assert_uint_eq(rd_u16(&r), 0x0302);
	rd_seek(&r, 0);
	ck_assert_uint_eq(rd_u32(&r), 0x04030201);
	rd_seek(&r, 0);
	ck_assert_uint_eq(rd_u64(&r), 0x0807060504030201);
	ck_assert(str_eq(rd_z(&r), STR("hi")));
	ck_assert_uint_eq(rd_left(&r), 1);
	ck_assert(rd_ok(&r, &err));
}
END_TEST

START_TEST(stays_bad_after_the_first_bad_read)
{
	struct rd r = rd_of(bytes, sizeof(bytes), "it");

	rd_seek(&r, 10);
	ck_assert_uint_eq(rd_u32(&r), 0);
	ck_assert_uint_eq(rd_u8(&r), 0);
	rd_seek(&r, 0);
	ck_assert_uint_eq(rd_u8(&r), 0);
	rd_fail(&r, "something else");
	ck_assert(!rd_ok(&r, &err));
	ck_assert_str_eq(err.msg, "it: ends too early, at +0xa");
	ck_assert_int_eq(err.kind, ERR_FORMAT);
}
END_TEST

START_TEST(counts_only_what_fits)
{
	struct rd r = rd_of(bytes, sizeof(bytes), "it");

	ck_assert_uint_eq(rd_count(&r, 3, 4), 3);
	ck_assert_uint_eq(rd_count(&r, 4, 4), 0);
	ck_assert(!rd_ok(&r, &err));
	ck_assert_str_eq(err.msg, "it: counts more entries than it has room for, at +0");
	r = rd_of(bytes, sizeof(bytes), "it");
	ck_assert_uint_eq(rd_count(&r, ~(u64)0, 8), 0);
}
END_TEST

START_TEST(gives_parts)
{
	struct rd r = rd_of(bytes, sizeof(bytes), "it"), s = rd_sub(&r, 8, 3);

	ck_assert(str_eq(rd_z(&s), STR("hi")));
	s = rd_sub(&r, 8, 2);
	ck_assert_uint_eq(rd_z(&s).n, 0);
	ck_assert(!rd_ok(&s, &err));
	ck_assert_str_eq(err.msg, "it: has a text without an end, at +0");
	s = rd_sub(&r, 8, ~(u64)0);
	ck_assert(!rd_ok(&s, &err));
	s = rd_sub(&r, 13, 0);
	ck_assert(!rd_ok(&s, &err));
	ck_assert(rd_ok(&r, &err));
	rd_skip(&r, ~(u64)0);
	ck_assert(!rd_ok(&r, &err));
}
END_TEST

START_TEST(reads_uvarints)
{
	static const u8 numbers[] = { 0x7f, 0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				      0xff, 0xff, 0xff, 0x01, 0x80, 0x80, 0x80, 0x80, 0x80,
				      0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00 };
	struct rd r = rd_of(numbers, sizeof(numbers), "it");

	ck_assert_uint_eq(rd_uvarint(&r), 127);
	ck_assert_uint_eq(rd_uvarint(&r), 128);
	ck_assert_uint_eq(rd_uvarint(&r), ~(u64)0);
	ck_assert(rd_ok(&r, &err));
	ck_assert_uint_eq(rd_uvarint(&r), 0);	/* eleven bytes */
	ck_assert(!rd_ok(&r, &err));
	r = rd_of(numbers + 1, 1, "it");
	ck_assert_uint_eq(rd_uvarint(&r), 0);
	ck_assert(!rd_ok(&r, &err));
}
END_TEST

START_TEST(reads_nothing_from_nothing)
{
	struct rd r = rd_of(NULL, 5, "it");

	ck_assert_uint_eq(rd_left(&r), 0);
	ck_assert_uint_eq(rd_z(&r).n, 0);
	ck_assert(!rd_ok(&r, &err));
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("rd");
	TCase *t = tcase_create("rd");

	tcase_add_test(t, reads_little_endian);
	tcase_add_test(t, stays_bad_after_the_first_bad_read);
	tcase_add_test(t, counts_only_what_fits);
	tcase_add_test(t, gives_parts);
	tcase_add_test(t, reads_uvarints);
	tcase_add_test(t, reads_nothing_from_nothing);
	suite_add_tcase(s, t);
	return s;
}
