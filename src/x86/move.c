/* What a compiler adds to have a value where it is needed: copies between registers, spills to the
 * stack and back, constants made anew, and nothing at all. */
#include "x86/flow.h"

/* The operand of a ModRM byte is a register, or lies at a fixed distance from RSP or RIP. */
static bool is_near(const u8 *p, size_t n, bool b_extended)
{
	u8 mod, rm;

	if (!n)
		return false;
	mod = p[0] >> 6;
	rm = p[0] & 7;
	if (mod == 3)
		return true;
	return rm == 4 && n > 1 && (p[1] & 0x3f) == 0x24 && !b_extended;
}

bool flow_is_move(const struct flow *f, const struct insn *i)
{
	const u8 *p = f->bytes + i->at, *end = p + i->size;
	bool b = false;

	if (i->kind == INSN_NOP)
		return true;
	if (i->kind != INSN_PLAIN)
		return false;
	while (p < end && (*p == 0x66 || *p == 0xf2 || *p == 0xf3))
		p++;
	if (p < end && (*p & 0xf0) == 0x40)
		b = *p++ & 1;
	if (p == end)
		return false;
	if (p[0] >= 0xb8 && p[0] <= 0xbf)		/* mov reg, imm */
		return true;
	if (end - p < 2)
		return p[0] == 0x90;
	switch (p[0]) {
	case 0x31: case 0x33:				/* xor reg, itself */
		return p[1] >> 6 == 3 && (p[1] >> 3 & 7) == (p[1] & 7);
	case 0x88: case 0x89: case 0x8a: case 0x8b:	/* mov */
	case 0x63:					/* movsxd */
		return is_near(p + 1, (size_t)(end - p - 1), b);
	case 0x8d:					/* lea reg, [rsp+…] or [rip+…] */
		return p[1] >> 6 != 3 && ((p[1] & 0xc7) == 0x05 ||
					  is_near(p + 1, (size_t)(end - p - 1), b));
	case 0xc7:					/* mov reg, imm32 */
		return p[1] >> 6 == 3;
	case 0x0f:
		break;
	default:
		return false;
	}
	switch (p[1]) {
	case 0x10: case 0x11: case 0x28: case 0x29:	/* movups, movss, movsd, movaps */
	case 0x6e: case 0x6f: case 0x7e: case 0x7f: case 0xd6:	/* movd, movq, movdqu */
		return is_near(p + 2, (size_t)(end - p - 2), b);
	case 0xb6: case 0xb7: case 0xbe: case 0xbf:	/* movzx, movsx from the stack */
		return end - p > 2 && p[2] >> 6 != 3 &&
		       is_near(p + 2, (size_t)(end - p - 2), b);
	default:
		return false;
	}
}
