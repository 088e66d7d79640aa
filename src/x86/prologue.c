#include "x86/flow.h"

/* Go's stack check (cmd/internal/obj/x86/obj6.go, stacksplit), by the size of the frame:
 *
 *   small    cmp rsp, [r14+16]                                        49 3b 66 10         jbe
 *   large    lea r12, [rsp-N]; cmp r12, [r14+16]                      4d 3b 66 10         jbe
 *   huge     mov r12, rsp; sub r12, N; jb; cmp r12, [r14+16]                              jbe
 *
 * [r14+24] (stackguard1) instead of 16 in functions that only run on system stacks. Assembly (ABI0)
 * loads g first:  mov r14, fs:[disp32],  or in a PIE  mov r14, imm32 (linked by the system's linker
 * mov r14, [rip+disp32]); mov r14, fs:[r14].
 * When the last jcc is not taken, the call goes on exactly once, and SP and all arguments are as
 * they were at the entry. */

struct form {
	u8 n, bytes[8];
};

static const struct form
	load_g = { 5, { 0x64, 0x4c, 0x8b, 0x34, 0x25 } },
	offset = { 3, { 0x49, 0xc7, 0xc6 } },
	offset_at = { 3, { 0x4c, 0x8b, 0x35 } },
	load_g_pie = { 4, { 0x64, 0x4d, 0x8b, 0x36 } },
	cmp_rsp = { 3, { 0x49, 0x3b, 0x66 } },
	cmp_r12 = { 3, { 0x4d, 0x3b, 0x66 } },
	lea8 = { 4, { 0x4c, 0x8d, 0x64, 0x24 } },
	lea32 = { 4, { 0x4c, 0x8d, 0xa4, 0x24 } },
	mov_r12 = { 3, { 0x49, 0x89, 0xe4 } },
	sub8 = { 3, { 0x49, 0x83, 0xec } },
	sub32 = { 3, { 0x49, 0x81, 0xec } };

static bool reads(const struct flow *f, u32 k, const struct form *form)
{
	return k < f->n && f->insns[k].size >= form->n &&
	       !memcmp(f->bytes + f->insns[k].at, form->bytes, form->n);
}

/* jb is condition 2, jbe 6; short or near. */
static bool jumps_if(const struct flow *f, u32 k, u8 condition)
{
	const u8 *p;

	if (k >= f->n || f->insns[k].kind != INSN_JCC)
		return false;
	p = f->bytes + f->insns[k].at;
	return f->insns[k].target > f->insns[k].at &&
	       (p[0] == 0x70 + condition || (p[0] == 0x0f && p[1] == 0x80 + condition));
}

/* The assembler puts NOPs where a jump would cross a 32-byte line. */
static u32 skip_nops(const struct flow *f, u32 k)
{
	while (k < f->n && f->insns[k].kind == INSN_NOP)
		k++;
	return k;
}

u32 stack_check_of(const struct flow *f)
{
	const struct form *cmp = &cmp_r12;
	u32 k = 0;

	if (reads(f, 0, &load_g))
		k = 1;
	else if ((reads(f, 0, &offset) || reads(f, 0, &offset_at)) && reads(f, 1, &load_g_pie))
		k = 2;
	if (reads(f, k, &mov_r12) && (reads(f, k + 1, &sub8) || reads(f, k + 1, &sub32))) {
		k = skip_nops(f, k + 2);
		if (!jumps_if(f, k++, 2))
			return 0;
	} else if (reads(f, k, &lea8) || reads(f, k, &lea32)) {
		k++;
	} else {
		cmp = &cmp_rsp;
	}
	if (!reads(f, k, cmp) || f->insns[k].size != 4 ||
	    (f->bytes[f->insns[k].at + 3] != 16 && f->bytes[f->insns[k].at + 3] != 24))
		return 0;
	k = skip_nops(f, k + 1);
	return jumps_if(f, k, 6) ? k + 1 : 0;
}

static bool starts(struct str bytes, const struct form *form)
{
	return bytes.n >= form->n && !memcmp(bytes.p, form->bytes, form->n);
}

static struct str behind(struct str bytes, size_t n)
{
	return str_cut(bytes, MIN(n, bytes.n), bytes.n);
}

/* cmp, and the displacement of the guard that it is with */
static bool compares(struct str bytes, const struct form *cmp)
{
	return starts(bytes, cmp) && bytes.n > cmp->n &&
	       (bytes.p[cmp->n] == 16 || bytes.p[cmp->n] == 24);
}

bool stack_check_begins(struct str bytes)
{
	if (starts(bytes, &load_g))
		bytes = behind(bytes, 9);
	else if ((starts(bytes, &offset) || starts(bytes, &offset_at)) &&
		 starts(behind(bytes, 7), &load_g_pie))
		bytes = behind(bytes, 11);
	if (starts(bytes, &mov_r12))
		return starts(behind(bytes, 3), &sub8) || starts(behind(bytes, 3), &sub32);
	if (starts(bytes, &lea8))
		return compares(behind(bytes, 5), &cmp_r12);
	if (starts(bytes, &lea32))
		return compares(behind(bytes, 8), &cmp_r12);
	return compares(bytes, &cmp_rsp);
}
