/* The stub that runs a table of capture steps. */
#include "inline/emit.h"
#include "inline/layout.h"
#include "inline/stubs.h"

/* The record has been written up to the end of the word at r12+rax. r15: the scratch. */
static void written(struct assembler *a, unsigned before)
{
	PUT(a, 0x83, 0xc0, 0x08);			/* add eax, 8 */
	op_mem(a, false, 0x3b, RAX, R15, SCRATCH_END);	/* cmp eax, [r15+end] */
	jcc(a, CC_BE, before);
	op_mem(a, false, 0x89, RAX, R15, SCRATCH_END);	/* mov [r15+end], eax */
	asm_label(a, before);
}

/* rsi: the word that moves on. The step: kind, log, from; count, limit; elem, most; bytes back.
 * Falls through where it goes back. */
static void again(struct assembler *a, unsigned skip, const unsigned own[3])
{
	unsigned plain = own[0];

	PUT(a, 0x41, 0x0f, 0xb7, 0x49, 0x06);		/* movzx ecx, word [r9+6]: limit */
	PUT(a, 0x49, 0x8b, 0x0c, 0x0c);			/* mov rcx, [r12+rcx] */
	PUT(a, 0x41, 0x0f, 0xb7, 0x41, 0x0a);		/* movzx eax, word [r9+10]: most */
	PUT(a, 0x48, 0x39, 0xc1);			/* cmp rcx, rax */
	PUT(a, 0x48, 0x0f, 0x47, 0xc8);			/* cmova rcx, rax */
	PUT(a, 0x41, 0x80, 0x79, 0x01, 0x00);		/* cmp byte [r9+1], 0: log */
	jcc(a, CC_E, plain);
	PUT(a, 0xb8);					/* mov eax, 1 */
	asm_u32(a, 1);
	PUT(a, 0xd3, 0xe0, 0x8d, 0x48, 0xff);		/* shl eax, cl; lea ecx, [rax-1] */
	asm_label(a, plain);
	PUT(a, 0x41, 0x0f, 0xb7, 0x41, 0x04);		/* movzx eax, word [r9+4]: count */
	PUT(a, 0x49, 0x39, 0x0c, 0x04);			/* cmp [r12+rax], rcx */
	jcc(a, CC_AE, skip);
	PUT(a, 0x49, 0xff, 0x04, 0x04);			/* inc qword [r12+rax] */
	load(a, R15, R12, SCRATCH_HELD);
	written(a, own[1]);
	PUT(a, 0x41, 0x0f, 0xb7, 0x41, 0x08);		/* movzx eax, word [r9+8]: elem */
	PUT(a, 0x48, 0x01, 0xc6);			/* add rsi, rax */
	PUT(a, 0x41, 0x0f, 0xb7, 0x41, 0x02);		/* movzx eax, word [r9+2]: from */
	PUT(a, 0x49, 0x89, 0x34, 0x04);			/* mov [r12+rax], rsi */
	written(a, own[2]);
	PUT(a, 0x41, 0x8b, 0x49, 0x0c);			/* mov ecx, [r9+12]: back */
	PUT(a, 0x49, 0x29, 0xc9);			/* sub r9, rcx */
}

/* Runs a table of capture steps (stubs.h).
 * in: r9 table, r12 record, its link in the scratch; the registers of copy are kept. All those
 * dirty. */
void steps_emit(struct assembler *a, const struct stubs *s)
{
	enum { NEXT, SKIP, WHEN, EQUAL, PAST, BYTES, COPY, TEXT, AGAIN, END, OWN };
	static const unsigned own[] = { OWN, OWN + 1, OWN + 2 };

	asm_new_scope(a);
	asm_label(a, NEXT);
	PUT(a, 0x41, 0x0f, 0xb6, 0x01);			/* movzx eax, byte [r9]: kind */
	PUT(a, 0x85, 0xc0);				/* test eax, eax */
	jcc(a, CC_E, END);
	PUT(a, 0x41, 0x0f, 0xb7, 0x49, 0x02);		/* movzx ecx, word [r9+2]: from */
	PUT(a, 0x49, 0x8b, 0x34, 0x0c);			/* mov rsi, [r12+rcx] */
	PUT(a, 0x83, 0xf8, STEP_WHEN);			/* cmp eax, STEP_WHEN */
	jcc(a, CC_AE, WHEN);
	PUT(a, 0x48, 0x85, 0xf6);			/* test rsi, rsi */
	jcc(a, CC_E, SKIP);
	PUT(a, 0x41, 0x0f, 0xb7, 0x51, 0x04);		/* movzx edx, word [r9+4]: at */
	PUT(a, 0x4c, 0x01, 0xe2);			/* add rdx, r12 */
	PUT(a, 0x45, 0x0f, 0xb7, 0x79, 0x06);		/* movzx r15d, word [r9+6]: status */
	PUT(a, 0x4d, 0x01, 0xe7);			/* add r15, r12 */
	PUT(a, 0x83, 0xf8, STEP_BYTES);			/* cmp eax, STEP_BYTES */
	jcc(a, CC_AE, BYTES);
	PUT(a, 0x41, 0x0f, 0xb7, 0x49, 0x08);		/* movzx ecx, word [r9+8]: size */
	PUT(a, 0x49, 0x63, 0x41, 0x0c);			/* movsxd rax, dword [r9+12]: disp */
	PUT(a, 0x48, 0x01, 0xc6);			/* add rsi, rax */
	jmp(a, COPY);
	asm_label(a, BYTES);
	PUT(a, 0x41, 0x0f, 0xb7, 0x49, 0x0c); /* movzx ecx, word [r9+12]: where the count is */
	PUT(a, 0x49, 0x8b, 0x0c, 0x0c);			/* mov rcx, [r12+rcx] */
	PUT(a, 0x48, 0x85, 0xc9);			/* test rcx, rcx */
	jcc(a, CC_LE, SKIP);
	PUT(a, 0x41, 0x0f, 0xb7, 0x41, 0x08);		/* movzx eax, word [r9+8]: most */
	PUT(a, 0x48, 0x39, 0xc1);			/* cmp rcx, rax */
	PUT(a, 0x48, 0x0f, 0x47, 0xc8);			/* cmova rcx, rax */
	PUT(a, 0x41, 0x0f, 0xb7, 0x41, 0x0a);		/* movzx eax, word [r9+10]: elem */
	PUT(a, 0x0f, 0xaf, 0xc8);			/* imul ecx, eax */
	PUT(a, 0x41, 0x80, 0x39, STEP_TEXT);		/* cmp byte [r9], STEP_TEXT */
	jcc(a, CC_E, TEXT);
	asm_label(a, COPY);
	lea_label(a, R13, SKIP);
	jmp_to(a, s->copy_rt);
	asm_label(a, TEXT);
	lea_label(a, R13, SKIP);
	jmp_to(a, s->text_rt);
	asm_label(a, WHEN);
	PUT(a, 0x83, 0xf8, STEP_AGAIN);			/* cmp eax, STEP_AGAIN */
	jcc(a, CC_E, AGAIN);
	PUT(a, 0x49, 0x3b, 0x71, 0x08);			/* cmp rsi, [r9+8]: value */
	jcc(a, CC_E, EQUAL);
	PUT(a, 0x83, 0xf8, STEP_WHEN_NOT);		/* cmp eax, STEP_WHEN_NOT */
	jcc(a, CC_E, SKIP);
	asm_label(a, PAST);
	PUT(a, 0x41, 0x8b, 0x49, 0x04);			/* mov ecx, [r9+4]: bytes of the block */
	PUT(a, 0x49, 0x01, 0xc9);			/* add r9, rcx */
	jmp(a, SKIP);
	asm_label(a, EQUAL);
	PUT(a, 0x83, 0xf8, STEP_WHEN_NOT);
	jcc(a, CC_E, PAST);
	jmp(a, SKIP);
	asm_label(a, AGAIN);
	again(a, SKIP, own);
	asm_label(a, SKIP);
	PUT(a, 0x49, 0x83, 0xc1, 0x10);			/* add r9, 16 */
	jmp(a, NEXT);
	asm_label(a, END);
	load(a, R15, R12, SCRATCH_HELD);
	op_mem(a, false, 0xff, 4, R15, SCRATCH_LINK);	/* jmp [r15+link] */
}
