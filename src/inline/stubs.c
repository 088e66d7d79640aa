#include "inline/stubs.h"

#include "go/release.h"
#include "inline/emit.h"
#include "inline/frames.h"

enum { SYS_RT_SIGPROCMASK = 14, SYS_NANOSLEEP = 35, EFAULT_NEGATIVE = -14 };

/* Gives this thread's slot of the table: the one that holds its m, or a free one and a new ring.
 * The slot is owned first and entered in the table last: a signal handler in between, on the same
 * m, finds it owned and not entered, and loses its record. in:  rax link, xmm15 low the caller's
 * rax, r12 m, r13 first slot, r15 shared out: r13 slot, carry clear; or carry set: no ring. rax as
 * the caller had it, xmm15 zero, r12 lost */
static void claim(struct assembler *a)
{
	enum { TRY, TAKEN, NEW, OURS, FOUND, GIVE_BACK, NONE, OUT };

	asm_new_scope(a);
	PUT(a, 0x66, 0x4c, 0x0f, 0x3a, 0x22, 0xf8, 0x01);	/* pinsrq xmm15, rax, 1: the link */
	asm_label(a, TRY);
	PUT(a, 0x4b, 0x8b, 0x84, 0xef);			/* mov rax, [r15+r13*8+owner] */
	asm_u32(a, SHARED_OWNER);	/* without a lock: threads pass here for each record */
	PUT(a, 0x48, 0x85, 0xc0);				/* test rax, rax */
	jcc(a, CC_NE, TAKEN);
	PUT(a, 0xf0, 0x4f, 0x0f, 0xb1, 0xa4, 0xef); /* lock cmpxchg [r15+r13*8+owner], r12 */
	asm_u32(a, SHARED_OWNER);
	jcc(a, CC_E, NEW);
	asm_label(a, TAKEN);
	PUT(a, 0x4c, 0x39, 0xe0);				/* cmp rax, r12 */
	jcc(a, CC_E, OURS);
	PUT(a, 0x41, 0xff, 0xc5);				/* inc r13d */
	PUT(a, 0x41, 0x81, 0xe5);				/* and r13d, RINGS - 1 */
	asm_u32(a, RINGS - 1);
	hash_reg(a, RAX, R12, RINGS_LOG2);			/* the first slot again */
	PUT(a, 0x4c, 0x39, 0xe8);				/* cmp rax, r13 */
	jcc(a, CC_E, NONE);
	jmp(a, TRY);
	asm_label(a, OURS);
	PUT(a, 0x4f, 0x39, 0xa4, 0xef);				/* cmp [r15+r13*8+table], r12 */
	asm_u32(a, SHARED_TABLE);
	jcc(a, CC_E, FOUND);
	jmp(a, NONE);
	asm_label(a, NEW); /* never past ready, not even for a moment: */
	load(a, RAX, R15, SHARED_NEXT); /* a number that is given back may be another's */
	op_mem(a, true, 0x3b, RAX, R15, SHARED_READY);		/* cmp rax, [r15+ready] */
	jcc(a, CC_AE, GIVE_BACK);
	lea(a, R12, RAX, 1);
	PUT(a, 0xf0, 0x4d, 0x0f, 0xb1, 0xa7);			/* lock cmpxchg [r15+next], r12 */
	asm_u32(a, SHARED_NEXT);
	jcc(a, CC_NE, NEW);
	PUT(a, 0x4f, 0x8b, 0xa4, 0xef); /* mov r12, [r15+r13*8+owner]: m again */
	asm_u32(a, SHARED_OWNER);
	PUT(a, 0x66, 0x43, 0x89, 0x84, 0x6f);			/* mov [r15+r13*2+number], ax */
	asm_u32(a, SHARED_NUMBER);
	PUT(a, 0x4f, 0x89, 0xa4, 0xef);				/* mov [r15+r13*8+table], r12 */
	asm_u32(a, SHARED_TABLE);
	asm_label(a, FOUND);
	PUT(a, 0xf8);						/* clc */
	jmp(a, OUT);
	asm_label(a, GIVE_BACK);
	PUT(a, 0x4b, 0xc7, 0x84, 0xef);				/* mov qword [r15+r13*8+owner], 0 */
	asm_u32(a, SHARED_OWNER);
	asm_u32(a, 0);
	asm_label(a, NONE);
	PUT(a, 0xf0, 0x49, 0xff, 0x87);				/* lock inc qword [r15+lost] */
	asm_u32(a, SHARED_LOST);
	PUT(a, 0xf9);						/* stc */
	asm_label(a, OUT);
	PUT(a, 0x66, 0x4d, 0x0f, 0x3a, 0x16, 0xfc, 0x01);	/* pextrq r12, xmm15, 1 */
	PUT(a, 0x66, 0x4c, 0x0f, 0x7e, 0xf8);			/* movq rax, xmm15 */
	PUT(a, 0x45, 0x0f, 0x57, 0xff);				/* xorps xmm15, xmm15 */
	PUT(a, 0x41, 0xff, 0xe4);				/* jmp r12 */
}

/* rdx:rax of rdtsc as one number in rax. */
static void tsc_in_rax(struct assembler *a)
{
	PUT(a, 0x0f, 0x31);			/* rdtsc */
	PUT(a, 0x48, 0xc1, 0xe2, 0x20);		/* shl rdx, 32 */
	PUT(a, 0x48, 0x09, 0xd0);		/* or rax, rdx */
}

/* What the reader has consumed, r12's ring. After begin_again() that is all before its new place,
 * also when he does not know yet. */
static void tail_in_r15(struct assembler *a, const struct layout *l, unsigned same)
{
	load(a, R15, R12, RING_TAIL);
	lea(a, R15, R15, 1);
	op_mem(a, true, 0x3b, R15, R12, RING_AGAIN);	/* cmp r15, [r12+again] */
	jcc(a, CC_NE, same);
	PUT(a, 0x49, 0x81, 0xcf);			/* or r15, buffer - 1 */
	asm_u32(a, (u32)(l->buffer - 1));
	lea(a, R15, R15, 2);
	asm_label(a, same);
	lea(a, R15, R15, -1);
}

/* Where the reader has consumed all, the ring goes on at its beginning: what is written there is in
 * a cache, and the other end of a large ring is not. Positions go on at the next multiple of the
 * ring's size. First it is said from where, then the head moves, unless a signal handler has
 * reserved in between: then what was said is taken back, unless the handler has done all this
 * itself. What is left of the ring is more than handlers can write meanwhile.
 * r12: the ring; r15 lost; xmm15 zero */
static void begin_again(struct assembler *a, const struct layout *l, unsigned out)
{
	size_t moved, done;

	if (l->buffer < 4 * RING_AGAIN_FROM)
		return;
	load(a, R15, R12, RING_TAIL);
	op_mem(a, true, 0x3b, R15, R12, RING_HEAD);	/* cmp r15, [r12+head] */
	jcc(a, CC_NE, out);
	PUT(a, 0x41, 0xf7, 0xc7);			/* test r15d, … */
	asm_u32(a, (u32)(l->buffer / 2));
	jcc(a, CC_NE, out);
	PUT(a, 0x41, 0xf7, 0xc7);			/* test r15d, … */
	asm_u32(a, (u32)(l->buffer / 2 - RING_AGAIN_FROM));
	jcc(a, CC_E, out);
	PUT(a, 0x66, 0x4c, 0x0f, 0x6e, 0xf8);		/* movq xmm15, rax */
	PUT(a, 0x4c, 0x89, 0xf8);			/* mov rax, r15 */
	lea(a, R15, R15, 1);
	PUT(a, 0x66, 0x4d, 0x0f, 0x3a, 0x22, 0xff, 0x01);	/* pinsrq xmm15, r15, 1 */
	store(a, R15, R12, RING_AGAIN);
	PUT(a, 0x49, 0x81, 0xcf);			/* or r15, buffer - 1 */
	asm_u32(a, (u32)(l->buffer - 1));
	lea(a, R15, R15, 1);
	PUT(a, 0x4d, 0x0f, 0xb1, 0x3c, 0x24);		/* cmpxchg [r12], r15 */
	PUT(a, 0x0f, 0x84);				/* je done */
	moved = hole(a);
	PUT(a, 0x4c, 0x29, 0xf8, 0x0f, 0x89);		/* sub rax, r15; jns done */
	done = hole(a);
	PUT(a, 0x66, 0x4c, 0x0f, 0x3a, 0x16, 0xf8, 0x01);	/* pextrq rax, xmm15, 1 */
	PUT(a, 0x45, 0x31, 0xff);			/* xor r15d, r15d */
	PUT(a, 0x4d, 0x0f, 0xb1, 0x7c, 0x24, RING_AGAIN);	/* cmpxchg [r12+again], r15 */
	fill(a, moved);
	fill(a, done);
	PUT(a, 0x66, 0x4c, 0x0f, 0x7e, 0xf8);		/* movq rax, xmm15 */
	PUT(a, 0x45, 0x0f, 0x57, 0xff);			/* xorps xmm15, xmm15 */
}

/* The ring looks full: the limit may be old. Lossless: sleep until the reader makes room, never on
 * g0 or gsignal, where the scheduler or a signal handler would wait: these have room that the
 * others leave them. The reader takes records in the order of their times, so our turn may come
 * late: it is his beat that must go on, not our ring's tail. How long it may stand still he says
 * himself: 10 ms while he waits for his own output, a second while he works and so can only be
 * short of a processor. If he has died (the kernel then marks his mutex) nobody waits, and one wait
 * that was given up is the last until the tail moves again.
 * in:  r12 ring, r13 link
 * out: carry clear: there is room; carry set: the record is lost and counted. r15 lost */
static void full(struct assembler *a, const struct layout *l, const struct go_release *rel)
{
	enum { AGAIN, FAR, FAR_TOO, LOST, ROOM, LOOP, MOVED, GIVE_UP, BACK, DONE, TIRED, NO_WAIT };
	static const u8 saved[] = { RAX, RCX, RSI, RDI, R11 };

	asm_new_scope(a);
	begin_again(a, l, AGAIN);
	asm_label(a, AGAIN);
	tail_in_r15(a, l, FAR);
	PUT(a, 0x49, 0x81, 0xc7);			/* add r15, … */
	asm_u32(a, (u32)ring_waits(l));
	store(a, R15, R12, RING_LIMIT);
	op_mem(a, true, 0x39, R15, R12, RING_HEAD);	/* cmp [r12+head], r15 */
	jcc(a, CC_BE, ROOM);
	if (l->lossless) {
		load_fs(a, R15, l->tls); /* g, also in assembly and on signal stacks */
		load(a, R15, R15, G_M);
		PUT(a, 0x66, 0x4d, 0x0f, 0x6e, 0xfe);	/* movq xmm15, r14 */
		load(a, R14, R15, M_G0);
		PUT(a, 0x64, 0x4c, 0x3b, 0x34, 0x25);	/* cmp r14, fs:tls */
		asm_u32(a, (u32)l->tls);
		jcc(a, CC_E, NO_WAIT);
		load(a, R14, R15, rel->m_gsignal);
		PUT(a, 0x64, 0x4c, 0x3b, 0x34, 0x25);	/* cmp r14, fs:tls */
		asm_u32(a, (u32)l->tls);
		jcc(a, CC_E, NO_WAIT);
		load(a, R14, R12, RING_TAIL);
		PUT(a, 0x49, 0xff, 0xc6);		/* inc r14 */
		op_mem(a, true, 0x3b, R14, R12, RING_WAIT_DEAD);	/* cmp r14, [r12+dead] */
		jcc(a, CC_E, GIVE_UP);
		for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
			store(a, saved[i], R12, (i32)(RING_SAVE + 8 * i));
		PUT(a, 0x49, 0x89, 0xd6);		/* mov r14, rdx */
		op_mem(a, true, 0xc7, 0, R12, RING_WAIT_SPEC);	/* mov qword [r12+spec], 0 */
		asm_u32(a, 0);
		op_mem(a, true, 0xc7, 0, R12, RING_WAIT_SPEC + 8);
		asm_u32(a, 50000);			/* ns */
		asm_label(a, MOVED);
		mov_imm64(a, RCX, l->shared_rt);
		load(a, R15, RCX, SHARED_BEAT);
		store(a, R15, R12, RING_WAIT_BEAT);
		tsc_in_rax(a);
		store(a, RAX, R12, RING_WAIT_START);
		asm_label(a, LOOP);
		PUT(a, 0xb8);				/* mov eax, nanosleep */
		asm_u32(a, SYS_NANOSLEEP);
		lea(a, RDI, R12, RING_WAIT_SPEC);
		PUT(a, 0x31, 0xf6, 0x0f, 0x05);		/* xor esi, esi; syscall */
		load(a, R15, R12, RING_TAIL);
		PUT(a, 0x4c, 0x89, 0xf8);		/* mov rax, r15 */
		PUT(a, 0x48, 0x05);			/* add rax, … */
		asm_u32(a, (u32)ring_waits(l));
		store(a, RAX, R12, RING_LIMIT);
		op_mem(a, true, 0x39, RAX, R12, RING_HEAD);	/* cmp [r12+head], rax */
		jcc(a, CC_BE, DONE);
		mov_imm64(a, RCX, l->shared_rt);
		load(a, RAX, RCX, SHARED_BEAT);
		op_mem(a, true, 0x3b, RAX, R12, RING_WAIT_BEAT); /* cmp rax, [r12+wait beat] */
		jcc(a, CC_NE, MOVED);
		tsc_in_rax(a);
		op_mem(a, true, 0x2b, RAX, R12, RING_WAIT_START);	/* sub rax, [r12+start] */
		op_mem(a, true, 0x3b, RAX, RCX, SHARED_WAIT);	/* cmp rax, [rcx+wait] */
		jcc(a, CC_A, TIRED);
		op_mem(a, false, 0xf7, 0, RCX,
		       SHARED_READER); /* test dword [rcx+reader], FUTEX_OWNER_DIED */
		asm_u32(a, 0x40000000);
		jcc(a, CC_E, LOOP);
		asm_label(a, TIRED);
		PUT(a, 0x49, 0xff, 0xc7);		/* inc r15 */
		store(a, R15, R12, RING_WAIT_DEAD);
		asm_label(a, DONE);			/* room, or not: the limit tells */
		PUT(a, 0x4c, 0x89, 0xf2);		/* mov rdx, r14 */
		for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
			load(a, saved[i], R12, (i32)(RING_SAVE + 8 * i));
		PUT(a, 0x66, 0x4d, 0x0f, 0x7e, 0xfe);	/* movq r14, xmm15 */
		PUT(a, 0x45, 0x0f, 0x57, 0xff);		/* xorps xmm15, xmm15 */
		load(a, R15, R12, RING_LIMIT);
		op_mem(a, true, 0x39, R15, R12, RING_HEAD);
		jcc(a, CC_BE, ROOM);
		jmp(a, LOST);
		asm_label(a, NO_WAIT);
		PUT(a, 0x66, 0x4d, 0x0f, 0x7e, 0xfe);	/* movq r14, xmm15 */
		PUT(a, 0x45, 0x0f, 0x57, 0xff);		/* xorps xmm15, xmm15 */
		tail_in_r15(a, l, FAR_TOO);
		PUT(a, 0x49, 0x81, 0xc7);		/* add r15, … */
		asm_u32(a, (u32)ring_holds(l));
		op_mem(a, true, 0x39, R15, R12, RING_HEAD);
		jcc(a, CC_BE, ROOM);
		jmp(a, LOST);
		asm_label(a, GIVE_UP);
		PUT(a, 0x66, 0x4d, 0x0f, 0x7e, 0xfe);	/* movq r14, xmm15 */
		PUT(a, 0x45, 0x0f, 0x57, 0xff);		/* xorps xmm15, xmm15 */
	}
	asm_label(a, LOST);
	op_mem(a, true, 0xff, 0, R12, RING_LOST);	/* inc qword [r12+lost] */
	PUT(a, 0xf9);					/* stc */
	jmp(a, BACK);
	asm_label(a, ROOM);
	PUT(a, 0xf8);					/* clc */
	asm_label(a, BACK);
	PUT(a, 0x41, 0xff, 0xe5);			/* jmp r13 */
}

/* r8: the word of the group that page rax is in (layout.h); rdi dirty. */
static void group_in_r8(struct assembler *a, const struct layout *l)
{
	lea_rip(a, R8, l->near_rt + NEAR_PAGES);
	PUT(a, 0x89, 0xc7);				/* mov edi, eax */
	PUT(a, 0xc1, 0xef, PAGES_LOG2 - 3);		/* shr edi, … */
	PUT(a, 0x81, 0xe7);				/* and edi, 8 * (groups - 1) */
	asm_u32(a, 8 * (NEAR_PAGES_COUNT - 1));
}

/* rax: a page that is readable, as others of its group may be that are known already; what is
 * there is read once and written once, for other threads do the same. rdi, r8, xmm15 dirty. */
static void know_page(struct assembler *a, const struct layout *l, unsigned same)
{
	PUT(a, 0x66, 0x4c, 0x0f, 0x6e, 0xfa);		/* movq xmm15, rdx */
	group_in_r8(a, l);
	PUT(a, 0x49, 0x01, 0xf8);			/* add r8, rdi */
	PUT(a, 0x48, 0x89, 0xc7);			/* mov rdi, rax */
	PUT(a, 0x48, 0xc1, 0xef, PAGES_LOG2);		/* shr rdi, …: the group */
	PUT(a, 0x49, 0x8b, 0x10);			/* mov rdx, [r8] */
	PUT(a, 0x48, 0xc1, 0xc2, 0x20);			/* rol rdx, 32 */
	PUT(a, 0x39, 0xfa);				/* cmp edx, edi */
	jcc(a, CC_E, same);
	PUT(a, 0x31, 0xd2);				/* xor edx, edx */
	asm_label(a, same);
	PUT(a, 0x48, 0xc1, 0xea, 0x20);			/* shr rdx, 32 */
	PUT(a, 0x0f, 0xab, 0xc2);			/* bts edx, eax */
	PUT(a, 0x48, 0xc1, 0xe7, 0x20);			/* shl rdi, 32 */
	PUT(a, 0x48, 0x09, 0xfa);			/* or rdx, rdi */
	PUT(a, 0x49, 0x89, 0x10);			/* mov [r8], rdx */
	PUT(a, 0x66, 0x4c, 0x0f, 0x7e, 0xfa);		/* movq rdx, xmm15 */
}

/* One page of what is to be copied: known to be mapped, or asked of the kernel. rt_sigprocmask
 * reads its set before it looks at `how`, and with a `how` that does not exist it changes nothing;
 * every Go program may call it. The set is not at the page's start: at address 0 there is none to
 * read. in: rsi source, rcx count, rdx destination; rax page number. Falls through when it is
 * readable. */
static void check_page(struct assembler *a, const struct layout *l, unsigned ask, unsigned same,
		       unsigned known, unsigned fault)
{
	static const u8 saved[] = { R10, R11, RSI, RCX, RDX };

	if (!l->faults_are_fatal) {
		group_in_r8(a, l);
		PUT(a, 0x4d, 0x8b, 0x04, 0x38);		/* mov r8, [r8+rdi] */
		PUT(a, 0x41, 0x0f, 0xa3, 0xc0);		/* bt r8d, eax */
		jcc(a, CC_AE, ask);			/* no carry */
		PUT(a, 0x48, 0x89, 0xc7);		/* mov rdi, rax */
		PUT(a, 0x48, 0xc1, 0xef, PAGES_LOG2);	/* shr rdi, … */
		PUT(a, 0x49, 0xc1, 0xe8, 0x20);		/* shr r8, 32 */
		PUT(a, 0x49, 0x39, 0xf8);		/* cmp r8, rdi */
		jcc(a, CC_E, known);
	}
	asm_label(a, ask);
	load(a, R8, R12, SCRATCH_HELD);
	for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
		store(a, saved[i], R8, (i32)(SCRATCH_CALL + 8 * i));
	PUT(a, 0x66, 0x4c, 0x0f, 0x6e, 0xf8);		/* movq xmm15, rax */
	PUT(a, 0x48, 0x89, 0xc6);			/* mov rsi, rax */
	PUT(a, 0x48, 0xc1, 0xe6, 0x0c);			/* shl rsi, 12 */
	PUT(a, 0x48, 0x83, 0xce, 0x08);			/* or rsi, 8 */
	PUT(a, 0x83, 0xcf, 0xff);			/* or edi, -1: how */
	PUT(a, 0x31, 0xd2);				/* xor edx, edx */
	PUT(a, 0x41, 0xba);				/* mov r10d, 8 */
	asm_u32(a, 8);
	PUT(a, 0xb8);					/* mov eax, rt_sigprocmask */
	asm_u32(a, SYS_RT_SIGPROCMASK);
	PUT(a, 0x0f, 0x05);				/* syscall */
	for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
		load(a, saved[i], R8, (i32)(SCRATCH_CALL + 8 * i));
	PUT(a, 0x83, 0xf8, (u8)EFAULT_NEGATIVE);	/* cmp eax, -EFAULT */
	jcc(a, CC_E, fault);
	PUT(a, 0x66, 0x4c, 0x0f, 0x7e, 0xf8);		/* movq rax, xmm15 */
	know_page(a, l, same);
	asm_label(a, known);
}

/* The record has been written up to the end of what is copied, and of its status. */
static void move_end(struct assembler *a, unsigned before)
{
	load(a, R8, R12, SCRATCH_HELD);
	PUT(a, 0x48, 0x8d, 0x04, 0x0a);			/* lea rax, [rdx+rcx] */
	lea(a, RDI, R15, 8);
	PUT(a, 0x48, 0x39, 0xc7);			/* cmp rdi, rax */
	PUT(a, 0x48, 0x0f, 0x47, 0xc7);			/* cmova rax, rdi */
	PUT(a, 0x4c, 0x29, 0xe0);			/* sub rax, r12 */
	op_mem(a, false, 0x3b, RAX, R8, SCRATCH_END);	/* cmp eax, [r8+end] */
	jcc(a, CC_BE, before);
	op_mem(a, false, 0x89, RAX, R8, SCRATCH_END);	/* mov [r8+end], eax */
	asm_label(a, before);
}

/* Copies bytes of the target that may not be there.
 * in:  rsi source, rcx count (1 to RECORD_MAX), rdx destination, r15 status word, r13 link, r12
 * record; rax rcx rdx rsi rdi r8 are kept in the scratch by the caller out: the status says how
 * many bytes there are, or CAPTURE_UNREADABLE. rdx is kept, xmm15 dirty */
static void copy(struct assembler *a, struct stubs *s, const struct layout *l)
{
	enum { BEFORE, ASK1, SAME1, KNOWN1, ASK2, SAME2, KNOWN2, FAULT, BIG, EIGHT, FOUR, LOOP,
	       DONE };

	asm_new_scope(a);
	move_end(a, BEFORE);
	PUT(a, 0x48, 0x89, 0xf0);			/* mov rax, rsi */
	PUT(a, 0x48, 0xc1, 0xe8, 0x0c);			/* shr rax, 12 */
	check_page(a, l, ASK1, SAME1, KNOWN1, FAULT);
	PUT(a, 0x48, 0x8d, 0x44, 0x0e, 0xff);		/* lea rax, [rsi+rcx-1] */
	PUT(a, 0x48, 0x89, 0xc7);			/* mov rdi, rax */
	PUT(a, 0x48, 0x31, 0xf7);			/* xor rdi, rsi */
	PUT(a, 0x48, 0xc1, 0xef, 0x0c);			/* shr rdi, 12 */
	jcc(a, CC_E, KNOWN2);				/* the same page */
	PUT(a, 0x48, 0xc1, 0xe8, 0x0c);			/* shr rax, 12 */
	check_page(a, l, ASK2, SAME2, KNOWN2, FAULT);

	s->copy_lo_rt = asm_here(a);
	PUT(a, 0x83, 0xf9, 0x10);			/* cmp ecx, 16 */
	jcc(a, CC_AE, BIG);
	PUT(a, 0x83, 0xf9, 0x08);			/* cmp ecx, 8 */
	jcc(a, CC_AE, EIGHT);
	PUT(a, 0x83, 0xf9, 0x04);			/* cmp ecx, 4 */
	jcc(a, CC_AE, FOUR);
	PUT(a, 0x0f, 0xb6, 0x06);			/* 1..3: movzx eax, byte [rsi] */
	PUT(a, 0x88, 0x02);				/* mov [rdx], al */
	PUT(a, 0x0f, 0xb6, 0x44, 0x0e, 0xff);		/* movzx eax, byte [rsi+rcx-1] */
	PUT(a, 0x88, 0x44, 0x0a, 0xff);			/* mov [rdx+rcx-1], al */
	PUT(a, 0x89, 0xcf, 0xd1, 0xef);			/* mov edi, ecx; shr edi, 1 */
	PUT(a, 0x0f, 0xb6, 0x04, 0x3e);			/* movzx eax, byte [rsi+rdi] */
	PUT(a, 0x88, 0x04, 0x3a);			/* mov [rdx+rdi], al */
	jmp(a, DONE);
	asm_label(a, FOUR);
	PUT(a, 0x8b, 0x06);				/* mov eax, [rsi] */
	PUT(a, 0x8b, 0x7c, 0x0e, 0xfc);			/* mov edi, [rsi+rcx-4] */
	PUT(a, 0x89, 0x02);				/* mov [rdx], eax */
	PUT(a, 0x89, 0x7c, 0x0a, 0xfc);			/* mov [rdx+rcx-4], edi */
	jmp(a, DONE);
	asm_label(a, EIGHT);
	PUT(a, 0x48, 0x8b, 0x06);			/* mov rax, [rsi] */
	PUT(a, 0x48, 0x8b, 0x7c, 0x0e, 0xf8);		/* mov rdi, [rsi+rcx-8] */
	PUT(a, 0x48, 0x89, 0x02);			/* mov [rdx], rax */
	PUT(a, 0x48, 0x89, 0x7c, 0x0a, 0xf8);		/* mov [rdx+rcx-8], rdi */
	jmp(a, DONE);
	asm_label(a, BIG);
	PUT(a, 0x31, 0xff);				/* xor edi, edi */
	asm_label(a, LOOP);
	PUT(a, 0x44, 0x0f, 0x10, 0x3c, 0x3e);		/* movups xmm15, [rsi+rdi] */
	PUT(a, 0x44, 0x0f, 0x11, 0x3c, 0x3a);		/* movups [rdx+rdi], xmm15 */
	PUT(a, 0x83, 0xc7, 0x10);			/* add edi, 16 */
	PUT(a, 0x8d, 0x47, 0x10);			/* lea eax, [rdi+16] */
	PUT(a, 0x39, 0xc8);				/* cmp eax, ecx */
	jcc(a, CC_BE, LOOP);
	PUT(a, 0x44, 0x0f, 0x10, 0x7c, 0x0e, 0xf0);	/* movups xmm15, [rsi+rcx-16] */
	PUT(a, 0x44, 0x0f, 0x11, 0x7c, 0x0a, 0xf0);	/* movups [rdx+rcx-16], xmm15 */
	asm_label(a, DONE);
	PUT(a, 0x41, 0x89, 0x0f);			/* mov [r15], ecx */
	PUT(a, 0x41, 0xff, 0xe5);			/* jmp r13 */
	s->copy_hi_rt = asm_here(a);
	s->copy_fault_rt = asm_here(a);
	asm_label(a, FAULT);
	PUT(a, 0x41, 0xc7, 0x07);			/* mov dword [r15], CAPTURE_UNREADABLE */
	asm_u32(a, CAPTURE_UNREADABLE);
	PUT(a, 0x41, 0xff, 0xe5);			/* jmp r13 */
}

/* The same, to behind all that has a place, and what was captured; the status then says where. */
static void text(struct assembler *a, const struct stubs *s)
{
	enum { BACK, UNREADABLE };

	asm_new_scope(a);
	load(a, R8, R12, SCRATCH_HELD);
	store(a, R13, R8, SCRATCH_TEXT_LINK);
	op_mem(a, false, 0x8b, RDX, R8, SCRATCH_END);	/* mov edx, [r8+end] */
	op_mem(a, false, 0x8b, RAX, R8, SCRATCH_PLACED);	/* mov eax, [r8+placed] */
	PUT(a, 0x39, 0xc2, 0x0f, 0x42, 0xd0);		/* cmp edx, eax; cmovb edx, eax */
	PUT(a, 0x83, 0xc2, 0x07, 0x83, 0xe2, 0xf8);	/* add edx, 7; and edx, -8 */
	PUT(a, 0x4c, 0x01, 0xe2);			/* add rdx, r12 */
	lea_label(a, R13, BACK);
	jmp_to(a, s->copy_rt);
	asm_label(a, BACK);
	PUT(a, 0x41, 0x83, 0x3f, 0xff);			/* cmp dword [r15], CAPTURE_UNREADABLE */
	jcc(a, CC_E, UNREADABLE);
	PUT(a, 0x48, 0x89, 0xd0);			/* mov rax, rdx */
	PUT(a, 0x4c, 0x29, 0xe0);			/* sub rax, r12 */
	PUT(a, 0xc1, 0xe0, 0x0d);			/* shl eax, 13: words, in the high half */
	PUT(a, 0x41, 0x09, 0x07);			/* or [r15], eax */
	asm_label(a, UNREADABLE);
	load(a, R13, R12, SCRATCH_HELD);
	op_mem(a, false, 0xff, 4, R13, SCRATCH_TEXT_LINK);	/* jmp [r13+link] */
}

void stubs_emit(struct assembler *a, struct stubs *s, const struct layout *l,
		const struct plan *p)
{
	const struct go_program *prog = p->prog;

	s->claim_rt = asm_here(a);
	claim(a);
	s->full_rt = asm_here(a);
	full(a, l, prog->rel);
	s->copy_rt = asm_here(a);
	copy(a, s, l);
	s->text_rt = asm_here(a);
	text(a, s);
	s->steps_rt = asm_here(a);
	steps_emit(a, s);
	s->frames_rt = asm_here(a);
	frames_emit(a, prog, &p->bare, l->bias);
	if (p->request.propagate) {
		while (a->n % 16)
			PUT(a, 0xcc);
		s->agent_rt = asm_here(a) + (u64)((const u8 *)agent_at - __start_agent);
		for (const u8 *at = __start_agent; at < __stop_agent; at++)
			PUT(a, *at);
	}
	asm_new_scope(a);
}

/* Runs at the entry of the signal handler, as C calls it: edi signal, rsi siginfo, rdx ucontext. A
 * fault (si_code > 0: the kernel's own) in our copy goes on at its fix-up; one in an instruction
 * that we run for the target is shown to Go at the instruction's own address, so that it panics and
 * recovers as always. Anything else, a SIGPROF in a trampoline above all, is left as it is. rax,
 * rcx and r8 to r11 are free here. */
void sigtramp_hook_emit(struct assembler *a, const struct stubs *s, const struct layout *l,
			u64 code_end_rt, u64 table_rt, u64 nfixups)
{
	enum { OUT, SEARCH, LOOP, UPPER };
	enum { SI_CODE = 8, UC_RIP = 168 };

	asm_new_scope(a);
	PUT(a, 0x8d, 0x47, 0xf9); /* lea eax, [rdi-7]: SIGBUS 7, SIGFPE 8, SIGSEGV 11 */
	PUT(a, 0x83, 0xf8, 0x04);			/* cmp eax, 4 */
	jcc(a, CC_A, OUT);
	PUT(a, 0x83, 0x7e, SI_CODE, 0x00);		/* cmp dword [rsi+8], 0 */
	jcc(a, CC_LE, OUT);
	load(a, RAX, RDX, UC_RIP);
	lea_rip(a, RCX, l->code_rt);
	PUT(a, 0x48, 0x39, 0xc8);			/* cmp rax, rcx */
	jcc(a, CC_B, OUT);
	lea_rip(a, RCX, code_end_rt);
	PUT(a, 0x48, 0x39, 0xc8);			/* cmp rax, rcx */
	jcc(a, CC_AE, OUT);
	lea_rip(a, RCX, s->copy_lo_rt);
	PUT(a, 0x48, 0x39, 0xc8);
	jcc(a, CC_B, SEARCH);
	lea_rip(a, RCX, s->copy_hi_rt);
	PUT(a, 0x48, 0x39, 0xc8);
	jcc(a, CC_AE, SEARCH);
	lea_rip(a, RCX, s->copy_fault_rt);
	store(a, RCX, RDX, UC_RIP);
	PUT(a, 0xc3);					/* ret: to the kernel's restorer */
	asm_label(a, SEARCH);
	lea_rip(a, R8, table_rt); /* r8 table; r9 low, r10 high: the entry is in [low, high) */
	PUT(a, 0x45, 0x31, 0xc9);			/* xor r9d, r9d */
	PUT(a, 0x41, 0xba);				/* mov r10d, nfixups */
	asm_u32(a, (u32)nfixups);
	asm_label(a, LOOP);
	PUT(a, 0x45, 0x39, 0xd1);			/* cmp r9d, r10d */
	jcc(a, CC_AE, OUT);
	PUT(a, 0x47, 0x8d, 0x1c, 0x11);			/* lea r11d, [r9+r10] */
	PUT(a, 0x41, 0xd1, 0xeb);			/* shr r11d, 1 */
	PUT(a, 0x44, 0x89, 0xd9);			/* mov ecx, r11d */
	PUT(a, 0x48, 0xc1, 0xe1, 0x04);			/* shl rcx, 4 */
	PUT(a, 0x4c, 0x01, 0xc1);			/* add rcx, r8 */
	PUT(a, 0x48, 0x3b, 0x01);			/* cmp rax, [rcx] */
	jcc(a, CC_A, UPPER);
	PUT(a, 0x45, 0x89, 0xda);			/* mov r10d, r11d */
	jcc(a, CC_B, LOOP);
	load(a, RCX, RCX, 8);
	store(a, RCX, RDX, UC_RIP);
	jmp(a, OUT);
	asm_label(a, UPPER);
	PUT(a, 0x45, 0x8d, 0x4b, 0x01);			/* lea r9d, [r11+1] */
	jmp(a, LOOP);
	asm_label(a, OUT);
}
