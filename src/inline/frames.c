/* At an entry the return address is at SP, and BP is the frame pointer of the caller: what lies
 * there is the frame pointer of his caller, and above it a return address.
 *
 * No read can fault: SP lies in g's stack, and each frame pointer lies above what was read before,
 * below the stack's end and on a word. So the chain also ends: it only climbs. Where SP is not in
 * g's stack (a call into the vDSO, a signal) nothing but the return address is taken.
 *
 * In a callback from C the chain leads to the C stack: runtime.cgocallback saved the BP of C. But
 * where its frame lies is known, and its size, and behind it SP was when asmcgocall left for C:
 *
 *     frame pointer of cgocallbackg's frame     read last
 *     + 16                                      SP of cgocallback
 *     + its frame + the return address          SP of asmcgocall
 *
 * With a frame of its own (1.21) that is where asmcgocall saved BP. Without, its return address is
 * there, and the frame pointer of runtime.cgocall follows from the size of cgocall's frame.
 * Source: runtime/asm_amd64.s (cgocallback, asmcgocall). */
#include "inline/frames.h"

#include "go/release.h"
#include "inline/emit.h"

enum { WORD = 8 };

/* mov [base+index*8], reg */
static void store_indexed(struct assembler *a, unsigned reg, unsigned base, unsigned index)
{
	PUT(a, (u8)(0x48 | (reg >> 3) << 2 | (index >> 3) << 1 | (base >> 3)), 0x89,
	    (u8)(0x04 | (reg & 7) << 3), (u8)(0xc0 | (index & 7) << 3 | (base & 7)));
}

/* Bytes between SP in a function's body and its return address. */
static u32 frame_size(const struct go_program *prog, const struct go_func *f)
{
	i32 most = 0;

	for (u64 pc = f->pc; pc < f->pc + f->size; pc++)
		most = MAX(most, go_pcvalue(prog, f, f->pcsp, pc));
	return (u32)most;
}

/* The chain ended: rsi is behind the frame that was read last. Goes on at `loop` with its next
 * frame pointer in rax if that frame is of a callback from C; else falls through. */
static void callback(struct assembler *a, const struct go_program *prog, u64 bias, unsigned loop,
		     unsigned end)
{
	const struct go_func *back = go_func_named(prog, STR("runtime.cgocallback"));
	const struct go_func *call = go_func_named(prog, STR("runtime.cgocall"));

	if (!back || !call)
		return;
	load(a, R9, RSI, -WORD);			/* the address that was read last */
	lea_rip(a, RAX, go_func_va(prog, back) + bias);
	PUT(a, 0x49, 0x29, 0xc1);			/* sub r9, rax */
	PUT(a, 0x49, 0x81, 0xf9);			/* cmp r9, size */
	asm_u32(a, back->size);
	jcc(a, CC_A, end);
	lea(a, RAX, RSI, (i32)frame_size(prog, back) + WORD);
	if (prog->rel->asmcgocall_frame) {
		jmp(a, loop);
		return;
	}
	PUT(a, 0x4c, 0x39, 0xc0);			/* cmp rax, r8 */
	jcc(a, CC_A, end);
	load(a, R9, RAX, 0);
	store_indexed(a, R9, RDX, RDI);
	PUT(a, 0xff, 0xc7);				/* inc edi */
	lea(a, RAX, RAX, (i32)frame_size(prog, call));
	jmp(a, loop);
}

void frames_emit(struct assembler *a, const struct go_program *prog, u64 bias)
{
	enum { LOOP, CHAIN_ENDS, END };

	asm_new_scope(a);
	load(a, RAX, RSP, 0);
	store(a, RAX, RDX, 0);
	PUT(a, 0xbf);					/* mov edi, 1: taken */
	asm_u32(a, 1);
	load(a, R8, R15, G_STACK_HI);
	PUT(a, 0x4c, 0x39, 0xc4);			/* cmp rsp, r8 */
	jcc(a, CC_AE, END);
	op_mem(a, true, 0x3b, RSP, R15, G_STACK_LO);	/* cmp rsp, [r15+lo] */
	jcc(a, CC_B, END);
	PUT(a, 0x49, 0x83, 0xe8, 2 * WORD);		/* sub r8, 16: the highest frame pointer */
	lea(a, RSI, RSP, WORD);				/* and the lowest */
	PUT(a, 0x48, 0x89, 0xe8);			/* mov rax, rbp */
	asm_label(a, LOOP);
	PUT(a, 0x39, 0xcf);				/* cmp edi, ecx */
	jcc(a, CC_AE, END);
	PUT(a, 0x48, 0x39, 0xf0);			/* cmp rax, rsi */
	jcc(a, CC_B, CHAIN_ENDS);
	PUT(a, 0x4c, 0x39, 0xc0);			/* cmp rax, r8 */
	jcc(a, CC_A, CHAIN_ENDS);
	PUT(a, 0xa8, WORD - 1);				/* test al, 7 */
	jcc(a, CC_NE, CHAIN_ENDS);
	load(a, R9, RAX, WORD);
	store_indexed(a, R9, RDX, RDI);
	PUT(a, 0xff, 0xc7);				/* inc edi */
	lea(a, RSI, RAX, 2 * WORD);
	load(a, RAX, RAX, 0);
	jmp(a, LOOP);
	asm_label(a, CHAIN_ENDS);
	callback(a, prog, bias, LOOP, END);
	asm_label(a, END);
	op_mem(a, false, 0x89, RDI, RDX, -8);		/* mov [rdx-8], edi */
	PUT(a, 0x41, 0xff, 0xe5);			/* jmp r13 */
}
