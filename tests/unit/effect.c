/* What instructions do: read by hand and by the decoder, the same. */
#include <Zydis/Zydis.h>

#include "code.h"
#include "x86/effect.h"

Suite *effect_suite(void);

static u8 length(const ZydisDecoder *decoder, const u8 *at)
{
	ZydisDecodedInstruction in;

	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, NULL, at, 11, &in)) ? in.length
											: 0;
}

static bool same(const struct effect *x, const struct effect *y)
{
	return x->kind == y->kind && x->reg == y->reg && x->from == y->from &&
	       x->size == y->size && x->mem.base == y->mem.base && x->mem.index == y->mem.index &&
	       x->mem.scale == y->mem.scale && x->mem.rip == y->mem.rip &&
	       x->mem.disp == y->mem.disp && x->imm == y->imm && x->writes == y->writes &&
	       x->sp == y->sp && x->sp_known == y->sp_known && x->reads_flags == y->reads_flags &&
	       x->kills_flags == y->kills_flags && x->writes_memory == y->writes_memory;
}

static void compare(const ZydisDecoder *decoder, const u8 *at)
{
	struct flow f = { .bytes = at, .size = 11 };
	struct insn insn = { .size = length(decoder, at) };
	struct effect x = effect_nothing, y;

	if (!insn.size || !effect_by_hand(&f, &insn, &x))
		return;
	effect_by_zydis(&f, &insn, &y);
	ck_assert_msg(same(&x, &y), "%02x %02x %02x %02x", at[0], at[1], at[2], at[3]);
}

static void compare_all(const ZydisDecoder *decoder, u8 op, u8 rex, bool map)
{
	static const u8 sibs[] = { 0x24, 0x25, 0x05, 0xc8, 0x8d, 0x64, 0xff };

	for (u32 modrm = 0; modrm < 256; modrm++)
		for (u32 s = 0; s < (modrm % 8 == 4 ? ARRAY_LEN(sibs) : 1); s++) {
			u8 code[16] = { rex, 0x0f, op, (u8)modrm, sibs[s],
					0x88, 0x77, 0x66, 0xf5, 0x44, 0x33, 0x22, 0x11 };

			if (!map)
				memmove(code + 1, code + 2, sizeof(code) - 2);
			compare(decoder, rex == 0x3f ? code + 1 : code);
		}
}

/* Every opcode of one byte and behind 0f, every prefix of registers, every ModRM byte and some
 * SIB bytes. */
START_TEST(read_by_hand_as_by_the_decoder)
{
	ZydisDecoder decoder;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (u32 op = 16 * (u32)_i; op < 16 * (u32)_i + 16; op++)
		for (u32 rex = 0x3f; rex < 0x50; rex++)
			for (u32 map = 0; map < 2; map++)
				compare_all(&decoder, (u8)op, (u8)rex, map);
}
END_TEST

Suite *effect_suite(void)
{
	Suite *s = suite_create("effect");
	TCase *t = tcase_create("effects");

	tcase_add_loop_test(t, read_by_hand_as_by_the_decoder, 0, 16);
	suite_add_tcase(s, t);
	return s;
}
