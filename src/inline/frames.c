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
 *     + its frame                               what the runtime takes for its return address:
 *                                               systemstack_switch, or goexit in a thread of C's
 *     + 8                                       SP of asmcgocall
 *
 * With a frame of its own (1.21) that is where asmcgocall saved BP. Without, its return address is
 * there, and the frame pointer of runtime.cgocall follows from the size of cgocall's frame.
 *
 * A caller that keeps no frame pointer (go/bare.h) is told by where it is returned to: then the
 * address that it returns to lies there, too, below the frame that the chain leads to.
 *
 * runtime.sigpanic looks as if the instruction that faulted had called it. If that one stands where
 * no frame is made (in a leaf, a prologue), BP was still that of the caller, and the chain would
 * leave him out: the return address into him lies above that of sigpanic. So that word is taken,
 * too; who reads it knows whether there was a frame.
 *
 * Source: runtime/asm_amd64.s (cgocallback, asmcgocall), runtime/signal_amd64.go (preparePanic). */
#include "inline/frames.h"

#include "go/release.h"
#include "inline/emit.h"

enum { WORD = 8 };
enum { TAKEN, LOOP, NEXT, CHAIN_ENDS, END, CHAIN, BARE };

/* mov [base+index*8], reg */
static void store_indexed(struct assembler *a, unsigned reg, unsigned base, unsigned index)
{
	PUT(a, (u8)(0x48 | (reg >> 3) << 2 | (index >> 3) << 1 | (base >> 3)), 0x89,
	    (u8)(0x04 | (reg & 7) << 3), (u8)(0xc0 | (index & 7) << 3 | (base & 7)));
}

/* Takes the word at rsi, to r9, if there is room for it and it lies on the stack. */
static void take_word(struct assembler *a)
{
	PUT(a, 0x39, 0xcf);				/* cmp edi, ecx */
	jcc(a, CC_AE, END);
	PUT(a, 0x4c, 0x39, 0xc6);			/* cmp rsi, r8 */
	jcc(a, CC_A, END);
	load(a, R9, RSI, 0);
	store_indexed(a, R9, RDX, RDI);
	PUT(a, 0xff, 0xc7);				/* inc edi */
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
	lea(a, RAX, RSI, (i32)frame_size(prog, back));
	PUT(a, 0x4c, 0x39, 0xc0);			/* cmp rax, r8 */
	jcc(a, CC_A, end);
	load(a, R9, RAX, 0);
	store_indexed(a, R9, RDX, RDI);
	PUT(a, 0xff, 0xc7);				/* inc edi */
	lea(a, RSI, RAX, WORD);
	if (prog->rel->asmcgocall_frame) {
		PUT(a, 0x48, 0x89, 0xf0);		/* mov rax, rsi */
		jmp(a, loop);
		return;
	}
	PUT(a, 0x39, 0xcf);				/* cmp edi, ecx */
	jcc(a, CC_AE, end);
	load(a, R9, RSI, 0); /* r8 is 16 below the end, so this word is there */
	store_indexed(a, R9, RDX, RDI);
	PUT(a, 0xff, 0xc7);				/* inc edi */
	lea(a, RAX, RSI, (i32)frame_size(prog, call));
	jmp(a, loop);
}

/* r9: the address that was taken last, rsi above where it lay. Takes those of callers that have
 * kept no frame pointer, one above the other. rax stays, r15 does not. */
static void bare_calls(struct assembler *a, const struct go_bare_calls *bare, u64 text_rt)
{
	u32 ups[GO_BARE_CALLS], nups = 0;

	if (!bare->n)
		return;
	for (u32 i = 0; i < bare->n; i++) {
		u32 k = 0;

		while (k < nups && ups[k] != bare->at[i].up)
			k++;
		if (k == nups)
			ups[nups++] = bare->at[i].up;
		lea_rip(a, R15, text_rt + bare->at[i].return_pc);
		PUT(a, 0x4d, 0x39, 0xf9);		/* cmp r9, r15 */
		jcc(a, CC_E, BARE + k);
	}
	jmp(a, CHAIN);
	for (u32 k = 0; k < nups; k++) {
		asm_label(a, BARE + k);
		lea(a, RSI, RSI, (i32)ups[k]);
		if (k + 1 < nups)
			jmp(a, BARE + nups);
	}
	asm_label(a, BARE + nups);
	take_word(a);
	lea(a, RSI, RSI, WORD);
	jmp(a, TAKEN);
}

/* r15: was the address in r9, which was taken last, in sigpanic? */
static void in_sigpanic(struct assembler *a, const struct go_func *sigpanic, u64 rt)
{
	if (!sigpanic)
		return;
	lea_rip(a, R15, rt);
	PUT(a, 0x49, 0xf7, 0xdf);			/* neg r15 */
	PUT(a, 0x4d, 0x01, 0xcf);			/* add r15, r9 */
	PUT(a, 0x49, 0x81, 0xff);			/* cmp r15, size */
	asm_u32(a, sigpanic->size);
	PUT(a, 0x45, 0x19, 0xff);			/* sbb r15d, r15d */
}

void frames_emit(struct assembler *a, const struct go_program *prog,
		 const struct go_bare_calls *bare, u64 bias)
{
	const struct go_func *sigpanic = go_func_named(prog, STR("runtime.sigpanic"));
	u64 sigpanic_rt = sigpanic ? go_func_va(prog, sigpanic) + bias : 0;
	u64 text_rt = prog->md.text_va + bias;

	asm_new_scope(a);
	load(a, RAX, RSI, 0);
	store(a, RAX, RDX, 0);
	PUT(a, 0xbf);					/* mov edi, 1: taken */
	asm_u32(a, 1);
	load(a, R8, R15, G_STACK_HI);
	PUT(a, 0x4c, 0x39, 0xc6);			/* cmp rsi, r8 */
	jcc(a, CC_AE, END);
	op_mem(a, true, 0x3b, RSI, R15, G_STACK_LO);	/* cmp rsi, [r15+lo] */
	jcc(a, CC_B, END);
	PUT(a, 0x49, 0x83, 0xe8, 2 * WORD);		/* sub r8, 16: the highest frame pointer */
	lea(a, RSI, RSI, WORD);				/* and the lowest */
	PUT(a, 0x49, 0x91);				/* xchg rax, r9 */
	asm_label(a, TAKEN);				/* g, in r15, is not needed any more */
	bare_calls(a, bare, text_rt);
	asm_label(a, CHAIN);
	in_sigpanic(a, sigpanic, sigpanic_rt);
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
	if (sigpanic) {
		PUT(a, 0x45, 0x85, 0xff);		/* test r15d, r15d */
		jcc(a, CC_E, NEXT);
		take_word(a);
		load(a, R9, RAX, WORD);
		load(a, RAX, RAX, 0);
		jmp(a, CHAIN);
		asm_label(a, NEXT);
	}
	load(a, RAX, RAX, 0);
	jmp(a, TAKEN);
	asm_label(a, CHAIN_ENDS);
	callback(a, prog, bias, LOOP, END);
	asm_label(a, END);
	op_mem(a, false, 0x89, RDI, RDX, -8);		/* mov [rdx-8], edi */
	if (sigpanic) {
		op_mem(a, false, 0xc7, 0, RDX, -4);	/* mov dword [rdx-4], 1 */
		asm_u32(a, 1);
	}
	PUT(a, 0x41, 0xff, 0xe5);			/* jmp r13 */
}
