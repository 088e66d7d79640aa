/* Instructions: read by hand and by the decoder, the same. */
#include "code.h"
#include "x86/decode.h"

Suite *decode_suite(void);

static bool same(const struct insn *x, const struct insn *y)
{
	return x->at == y->at && x->size == y->size && x->kind == y->kind &&
	       x->disp_at == y->disp_at && x->rel_size == y->rel_size &&
	       x->relocatable == y->relocatable && x->may_fault == y->may_fault &&
	       x->in_frame == y->in_frame && x->moves_rsp == y->moves_rsp &&
	       x->target == y->target;
}

static bool compare(const u8 *code)
{
	struct insn x, y = { 0 }, z;

	if (!decode_by_hand(code, 12, 0x40, &x))
		return false;
	ck_assert_msg(decode_by_zydis(code, 12, 0x40, &y) && same(&x, &y),
		      "%02x %02x %02x %02x: kind %u %u, size %u %u", code[0], code[1], code[2],
		      code[3], x.kind, y.kind, x.size, y.size);
	for (size_t n = 0; n < x.size; n++)	/* the rest lies in the next function */
		ck_assert(!decode_by_hand(code, n, 0x40, &z));
	return true;
}

static void compare_all(u8 op, u8 rex, bool map)
{
	static const u8 sibs[] = { 0x24, 0x25, 0x05, 0xc8, 0x8d, 0x64, 0xe4, 0xff };

	for (u32 modrm = 0; modrm < 256; modrm++)
		for (u32 s = 0; s < (modrm % 8 == 4 ? ARRAY_LEN(sibs) : 1); s++) {
			u8 code[16] = { rex, 0x0f, op, (u8)modrm, sibs[s],
					0x88, 0x77, 0x66, 0xf5, 0x44, 0x33, 0x22, 0x11 };

			if (!map)
				memmove(code + 1, code + 2, sizeof(code) - 2);
			compare(rex == 0x3f ? code + 1 : code);
		}
}

/* Every opcode of one byte and behind 0f, every prefix of registers, every ModRM byte and some
 * SIB bytes. */
START_TEST(read_by_hand_as_by_the_decoder)
{
	for (u32 op = 16 * (u32)_i; op < 16 * (u32)_i + 16; op++)
		for (u32 rex = 0x3f; rex < 0x50; rex++)
			for (u32 map = 0; map < 2; map++)
				compare_all((u8)op, (u8)rex, map);
}
END_TEST

START_TEST(reads_the_usual_ones_by_hand)
{
	static const u8 usual[][12] = {
		{ 0x48, 0x89, 0x44, 0x24, 0x10 }, { 0x48, 0x8b, 0x05, 1, 2, 3, 4 },
		{ 0xe8, 1, 2, 3, 4 }, { 0x0f, 0x84, 1, 2, 3, 4 }, { 0x83, 0x3d, 1, 2, 3, 4, 0 },
		{ 0x48, 0x8d, 0x6c, 0x24, 8 }, { 0x41, 0xff, 0xd4 }, { 0x0f, 0x1f, 0x40, 0 },
		{ 0xc3 }, { 0x90 }, { 0x0f, 0x11, 0x44, 0x24, 8 }, { 0x49, 0xb9, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		ck_assert_msg(compare(usual[i]), "%zu", i);
}
END_TEST

Suite *decode_suite(void)
{
	Suite *s = suite_create("decode");
	TCase *t = tcase_create("instructions");

	tcase_add_loop_test(t, read_by_hand_as_by_the_decoder, 0, 16);
	tcase_add_test(t, reads_the_usual_ones_by_hand);
	suite_add_tcase(s, t);
	return s;
}
