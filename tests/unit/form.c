/* What is kept of instructions by their first bytes is what Zydis says of each. */
#include <check.h>
#include <string.h>

#include "x86/decode.h"

Suite *form_suite(void);

static struct arena arena;
static struct decoder anew, kept;
static u64 random_state = 88172645463325252ull;

static void begin(void)
{
	decoder_init(&anew, NULL);
	decoder_init(&kept, forms_make(&arena));
}

static void end(void)
{
	arena_release(&arena);
}

static u8 any(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (u8)random_state;
}

static void same(const u8 *p, size_t n)
{
	struct insn a = { 0 }, b = { 0 };
	u32 is = decode_insn(&anew, p, n, 100, &a);

	ck_assert_msg(decode_insn(&kept, p, n, 100, &b) == is, "%02x %02x %02x %02x", p[0], p[1],
		      p[2], p[3]);
	if (is)
		ck_assert_msg(a.at == b.at && a.size == b.size && a.kind == b.kind &&
			      a.disp_at == b.disp_at && a.rel_size == b.rel_size &&
			      a.relocatable == b.relocatable && a.may_fault == b.may_fault &&
			      a.in_frame == b.in_frame && a.moves_rsp == b.moves_rsp &&
			      a.stores_by_rsp == b.stores_by_rsp && a.writes == b.writes &&
			      a.target == b.target,
			      "%02x %02x %02x %02x", p[0], p[1], p[2], p[3]);
}

/* The same beginning several times, with other bytes behind it. */
static void all_of(const u8 *first, size_t n)
{
	u8 bytes[16];

	memcpy(bytes, first, n);
	for (u32 times = 0; times < 2; times++) {
		for (size_t k = n; k < sizeof(bytes); k++)
			bytes[k] = any();
		same(bytes, sizeof(bytes));
	}
}

START_TEST(each_opcode_and_modrm)
{
	static const struct { u8 bytes[3], n; } before[] = {
		{ { 0 }, 0 }, { { 0x48 }, 1 }, { { 0x66 }, 1 }, { { 0xf3 }, 1 }, { { 0x0f }, 1 },
		{ { 0x66, 0x0f }, 2 }, { { 0xf2, 0x44, 0x0f }, 3 }, { { 0x0f, 0x0f }, 2 },
	};

	for (size_t k = 0; k < ARRAY_LEN(before); k++)
		for (u32 v = 0; v < 1 << 16; v++) {
			u8 first[8];

			memcpy(first, before[k].bytes, 3);
			first[before[k].n] = (u8)v;
			first[before[k].n + 1] = (u8)(v >> 8);
			all_of(first, before[k].n + 2u);
		}
}
END_TEST

START_TEST(any_bytes)
{
	u8 bytes[16];

	for (u32 i = 0; i < 50000; i++)
		all_of(bytes, 0);
}
END_TEST

/* Where the function ends in the middle of one that is kept. */
START_TEST(bytes_that_end)
{
	static const u8 code[] = { 0x48, 0x8b, 0x84, 0x24, 1, 2, 3, 4, 0xe9, 1, 2, 3, 4 };

	for (u32 times = 0; times < 2; times++)
		for (size_t from = 0; from <= 8; from += 8)
			for (size_t n = sizeof(code) - from; n; n--)
				same(code + from, n);
}
END_TEST

Suite *form_suite(void)
{
	Suite *s = suite_create("form");
	TCase *t = tcase_create("form");

	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, each_opcode_and_modrm);
	tcase_add_test(t, any_bytes);
	tcase_add_test(t, bytes_that_end);
	suite_add_tcase(s, t);
	return s;
}
