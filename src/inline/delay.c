#include "inline/delay.h"

#include <string.h>

#include "inline/emit.h"

enum { SYS_NANOSLEEP = 35, SYS_CLOCK_GETTIME = 228, CLOCK_OF_DELAYS = 1 /* CLOCK_MONOTONIC */ };
/* Ticks in 1024 ns that a processor may have: anything else is a mistake. 0.1 to 10 GHz. */
enum { SLOWEST = 102, FASTEST = 10240 };

/* How often out of 256 a gap of 1, 2, … comes: each pass waits with the same chance. */
static void gaps_by_chance(u32 *gaps, u32 per_million)
{
	double lives = 1, each = 1 - per_million / 1e6;
	u32 gap = 1;

	for (u32 k = 0; k < DELAY_GAPS_COUNT; k++) {
		double left = 1 - (k + 0.5) / DELAY_GAPS_COUNT;

		while (lives * each > left)
			lives *= each, gap++;
		gaps[k] = gap;
	}
}

static void put_u64(u8 *to, u64 v)
{
	memcpy(to, &v, sizeof(v));
}

void delay_data(u8 *to, const struct delay_ask *ask)
{
	u32 gaps[DELAY_GAPS_COUNT];

	memset(to, 0, DELAY_CELLS);
	put_u64(to + DELAY_NS, (u64)ask->ns);
	put_u64(to + DELAY_SPEC, (u64)ask->ns / 1000000000);
	put_u64(to + DELAY_SPEC + 8, (u64)ask->ns % 1000000000);
	put_u64(to + DELAY_SEED, ask->seed);
	put_u64(to + DELAY_PERCENT, ask->percent);
	for (u32 k = 0; k < DELAY_GAPS_COUNT; k++)
		gaps[k] = (u32)ask->every;
	if (!ask->every)
		gaps_by_chance(gaps, ask->per_million);
	memcpy(to + DELAY_GAPS, gaps, sizeof(gaps));
}

void delay_rate(u8 *data, u64 mult)
{
	u64 rate = mult ? ((u64)1024 << 32) / mult : 0;

	if (rate >= SLOWEST && rate <= FASTEST)
		put_u64(data + DELAY_RATE, rate);
}

static void locked(struct assembler *a)
{
	PUT(a, 0xf0);
}

/* The time stamp counter in rax; rdx lost. */
static void ticks(struct assembler *a)
{
	PUT(a, 0x0f, 0x31);			/* rdtsc */
	PUT(a, 0x48, 0xc1, 0xe2, 0x20);		/* shl rdx, 32 */
	PUT(a, 0x48, 0x09, 0xd0);		/* or rax, rdx */
}

/* cmp reg, imm32: rcx or rax */
static void cmp_imm(struct assembler *a, unsigned reg, u32 v)
{
	PUT(a, 0x48, 0x81, (u8)(0xf8 | reg));
	asm_u32(a, v);
}

/* Finds the cell: rax. The registers that the rest needs are saved. */
static void entries(struct assembler *a, struct delay_code *d, unsigned common)
{
	d->check_rt = asm_here(a); /* called from Go: [rsp] is behind a CALL of the site's piece */
	PUT(a, 0x50, 0x51);				/* push rax; push rcx */
	load(a, RAX, RSP, 16);
	PUT(a, 0x48, 0x63, 0x48, 0xfc);			/* movsxd rcx, dword [rax-4] */
	PUT(a, 0x48, 0x01, 0xc8);			/* add rax, rcx: the piece, a dec */
	PUT(a, 0x48, 0x63, 0x48, 0x02);			/* movsxd rcx, dword [rax+2] */
	PUT(a, 0x48, 0x8d, 0x44, 0x08, 0x06);		/* lea rax, [rax+rcx+6] */
	jmp(a, common);
	d->window_rt = asm_here(a); /* called from a piece: dec, jns, call */
	PUT(a, 0x50, 0x51);				/* push rax; push rcx */
	load(a, RAX, RSP, 16);
	PUT(a, 0x48, 0x63, 0x48, 0xf5);			/* movsxd rcx, dword [rax-11] */
	PUT(a, 0x48, 0x8d, 0x44, 0x08, 0xf9);		/* lea rax, [rax+rcx-7] */
	asm_label(a, common);
	PUT(a, 0x52, 0x56, 0x57);			/* push rdx; push rsi; push rdi */
	PUT(a, 0x41, 0x50, 0x41, 0x53);			/* push r8; push r11 */
	lea_rip(a, RDI, d->data_rt);
}

/* The number of passes up to the next wait. The first time that a site is passed at all counts as
 * the first pass of its first gap. in: rax cell, rdi data. out: the cell is set. rcx rdx rsi
 * lost */
static void draw(struct assembler *a, unsigned again, unsigned counted, unsigned out)
{
	const u64 odd = 0x9e3779b97f4a7c15ull, star = 0x2545f4914f6cdd1dull;

	PUT(a, 0x31, 0xf6);				/* xor esi, esi */
	load(a, RDX, RAX, DELAY_CELL_STATE);
	PUT(a, 0x48, 0x85, 0xd2);			/* test rdx, rdx */
	jcc(a, CC_NE, again);
	PUT(a, 0x48, 0x89, 0xc2, 0x48, 0x29, 0xfa);	/* mov rdx, rax; sub rdx, rdi */
	mov_imm64(a, RCX, odd);
	PUT(a, 0x48, 0x0f, 0xaf, 0xd1);			/* imul rdx, rcx */
	op_mem(a, true, 0x33, RDX, RDI, DELAY_SEED);	/* xor rdx, [rdi+seed] */
	PUT(a, 0x48, 0x0f, 0xaf, 0xd1);			/* imul rdx, rcx */
	PUT(a, 0x48, 0x83, 0xca, 0x01);			/* or rdx, 1 */
	PUT(a, 0xff, 0xc6);				/* inc esi: the first time */
	locked(a);
	op_mem(a, true, 0xff, 0, RDI, DELAY_SEEN);	/* inc qword [rdi+seen] */
	asm_label(a, again);				/* xorshift64* */
	PUT(a, 0x48, 0x89, 0xd1, 0x48, 0xc1, 0xe1, 13);	/* mov rcx, rdx; shl rcx, 13 */
	PUT(a, 0x48, 0x31, 0xca);			/* xor rdx, rcx */
	PUT(a, 0x48, 0x89, 0xd1, 0x48, 0xc1, 0xe9, 7);	/* mov rcx, rdx; shr rcx, 7 */
	PUT(a, 0x48, 0x31, 0xca);			/* xor rdx, rcx */
	PUT(a, 0x48, 0x89, 0xd1, 0x48, 0xc1, 0xe1, 17);	/* mov rcx, rdx; shl rcx, 17 */
	PUT(a, 0x48, 0x31, 0xca);			/* xor rdx, rcx */
	store(a, RDX, RAX, DELAY_CELL_STATE);
	mov_imm64(a, RCX, star);
	PUT(a, 0x48, 0x0f, 0xaf, 0xca);			/* imul rcx, rdx */
	PUT(a, 0x48, 0xc1, 0xe9, 56);			/* shr rcx, 56 */
	PUT(a, 0x8b, 0x8c, 0x8f);			/* mov ecx, [rdi+rcx*4+gaps] */
	asm_u32(a, DELAY_GAPS);
	PUT(a, 0xff, 0xc9);				/* dec ecx */
	PUT(a, 0x85, 0xf6);				/* test esi, esi */
	jcc(a, CC_E, counted);
	PUT(a, 0x31, 0xf6);				/* xor esi, esi */
	PUT(a, 0x85, 0xc9);				/* test ecx, ecx */
	jcc(a, CC_E, again);				/* its first pass waits */
	PUT(a, 0xff, 0xc9);				/* dec ecx */
	PUT(a, 0x89, 0x08);				/* mov [rax], ecx */
	jmp(a, out);
	asm_label(a, counted);
	PUT(a, 0x89, 0x08);				/* mov [rax], ecx */
}

/* Nobody gets anything from these waits any more: whoever comes by does no more than what was
 * displaced. */
static void leave_if_orphaned(struct assembler *a, const struct delay_code *d, unsigned lives,
			      unsigned out)
{
	enum { FUTEX_OWNER_DIED_ = 0x40000000 };

	if (!d->gate_rt)
		return;
	PUT(a, 0xf7, 0x05);				/* test dword [rip+owner], OWNER_DIED */
	asm_rel32_tail(a, d->owner_rt, 4);
	asm_u32(a, FUTEX_OWNER_DIED_);
	jcc(a, CC_E, lives);
	PUT(a, 0x83, 0x25);				/* and dword [rip+gate], 0 */
	asm_rel32_tail(a, d->gate_rt, 1);
	PUT(a, 0x00);
	jmp(a, out);
	asm_label(a, lives);
}

/* Is there time to wait? in: r8 now, rdi data, rsi cell. Goes to `out` if not. rax rcx rdx lost */
static void limit(struct assembler *a, unsigned started, unsigned ahead, unsigned rare,
		  unsigned allowed, unsigned out)
{
	load(a, RDX, RDI, DELAY_START);
	PUT(a, 0x48, 0x85, 0xd2);			/* test rdx, rdx */
	jcc(a, CC_NE, started);
	PUT(a, 0x31, 0xc0);				/* xor eax, eax */
	locked(a);
	PUT(a, 0x4c, 0x0f, 0xb1, 0x87);			/* cmpxchg [rdi+start], r8 */
	asm_u32(a, DELAY_START);
	PUT(a, 0x4c, 0x89, 0xc2);			/* mov rdx, r8 */
	asm_label(a, started);
	PUT(a, 0x4c, 0x89, 0xc1, 0x48, 0x29, 0xd1);	/* mov rcx, r8; sub rcx, rdx */
	jcc(a, CC_AE, ahead);
	PUT(a, 0x31, 0xc9); /* xor ecx, ecx: another processor's counter is a little behind */
	asm_label(a, ahead);
	load(a, RAX, RDI, DELAY_PERCENT);
	PUT(a, 0x48, 0x85, 0xc0);			/* test rax, rax */
	jcc(a, CC_E, allowed);
	PUT(a, 0x48, 0xc1, 0xe9, 8);			/* shr rcx, 8: nothing is to overflow */
	PUT(a, 0x48, 0x0f, 0xaf, 0xc8);			/* imul rcx, rax */
	PUT(a, 0x8b, 0x46, DELAY_CELL_WAITS);		/* mov eax, [rsi+waits] */
	op_mem(a, true, 0xf7, 4, RDI, DELAY_SEEN);	/* mul qword [rdi+seen] */
	op_mem(a, true, 0x3b, RAX, RDI, DELAY_WAITS);	/* cmp rax, [rdi+waits] */
	jcc(a, CC_BE, rare);				/* not more often than others */
	PUT(a, 0x48, 0xd1, 0xe9);			/* shr rcx, 1 */
	asm_label(a, rare);
	load(a, RAX, RDI, DELAY_WAITED);
	PUT(a, 0x48, 0xc1, 0xe8, 8);			/* shr rax, 8 */
	PUT(a, 0x48, 0x6b, 0xc0, 100);			/* imul rax, rax, 100 */
	PUT(a, 0x48, 0x39, 0xc8);			/* cmp rax, rcx */
	jcc(a, CC_BE, allowed);
	locked(a);
	op_mem(a, true, 0xff, 0, RDI, DELAY_OVER);	/* inc qword [rdi+over] */
	jmp(a, out);
	asm_label(a, allowed);
	locked(a);
	op_mem(a, true, 0xff, 0, RDI, DELAY_WAITS);	/* inc qword [rdi+waits] */
	PUT(a, 0xff, 0x46, DELAY_CELL_WAITS);		/* inc dword [rsi+waits] */
}

/* Waits by the clock, and finds out from it how fast the counter counts: once a millisecond lies
 * between two looks at both. in: rdi data. rax rcx rdx rsi r11 lost */
static void by_clock(struct assembler *a, const struct delay_code *d, unsigned look,
		     unsigned anchored, unsigned timed, unsigned since, unsigned over)
{
	PUT(a, 0x6a, 0x00);				/* push 0: when the wait began */
	PUT(a, 0x48, 0x83, 0xec, 0x10);			/* sub rsp, 16: a struct timespec */
	asm_label(a, look);
	PUT(a, 0xb8);					/* mov eax, clock_gettime */
	asm_u32(a, SYS_CLOCK_GETTIME);
	PUT(a, 0xbf);					/* mov edi, CLOCK_MONOTONIC */
	asm_u32(a, CLOCK_OF_DELAYS);
	PUT(a, 0x48, 0x89, 0xe6, 0x0f, 0x05);		/* mov rsi, rsp; syscall */
	lea_rip(a, RDI, d->data_rt);
	PUT(a, 0x85, 0xc0);				/* test eax, eax */
	jcc(a, CC_NE, over);				/* forbidden here: no wait */
	PUT(a, 0x48, 0x69, 0x34, 0x24);			/* imul rsi, [rsp], 1000000000 */
	asm_u32(a, 1000000000);
	PUT(a, 0x48, 0x03, 0x74, 0x24, 0x08);		/* add rsi, [rsp+8] */
	load(a, RDX, RDI, DELAY_ANCHOR_TSC);
	PUT(a, 0x48, 0x85, 0xd2);			/* test rdx, rdx */
	jcc(a, CC_NE, anchored);
	PUT(a, 0x31, 0xc0, 0xb9);			/* xor eax, eax; mov ecx, 1 */
	asm_u32(a, 1);
	locked(a);
	PUT(a, 0x0f, 0xb1, 0x8f);			/* cmpxchg [rdi+claim], ecx */
	asm_u32(a, DELAY_CLAIM);
	jcc(a, CC_NE, timed);
	store(a, RSI, RDI, DELAY_ANCHOR_NS);
	ticks(a);
	store(a, RAX, RDI, DELAY_ANCHOR_TSC);
	jmp(a, timed);
	asm_label(a, anchored);
	PUT(a, 0x48, 0x89, 0xf1);			/* mov rcx, rsi */
	op_mem(a, true, 0x2b, RCX, RDI, DELAY_ANCHOR_NS);	/* sub rcx, [rdi+anchor ns] */
	cmp_imm(a, RCX, 1000000);
	jcc(a, CC_B, timed);
	PUT(a, 0x48, 0x89, 0xc8, 0x48, 0xc1, 0xe8, 40);	/* mov rax, rcx; shr rax, 40 */
	jcc(a, CC_NE, timed);				/* too long ago for the division */
	ticks(a);
	op_mem(a, true, 0x2b, RAX, RDI, DELAY_ANCHOR_TSC);	/* sub rax, [rdi+anchor tsc] */
	PUT(a, 0x48, 0xc1, 0xe0, 10);			/* shl rax, 10 */
	PUT(a, 0x31, 0xd2, 0x48, 0xf7, 0xf1);		/* xor edx, edx; div rcx */
	cmp_imm(a, RAX, SLOWEST);
	jcc(a, CC_B, timed);
	cmp_imm(a, RAX, FASTEST);
	jcc(a, CC_A, timed);
	store(a, RAX, RDI, DELAY_RATE);
	asm_label(a, timed);
	load(a, RCX, RSP, 16);
	PUT(a, 0x48, 0x85, 0xc9);			/* test rcx, rcx */
	jcc(a, CC_NE, since);
	store(a, RSI, RSP, 16);
	jmp(a, look);
	asm_label(a, since);
	PUT(a, 0x48, 0x29, 0xce);			/* sub rsi, rcx */
	op_mem(a, true, 0x3b, RSI, RDI, DELAY_NS);	/* cmp rsi, [rdi+ns] */
	jcc(a, CC_B, look);
	asm_label(a, over);
	PUT(a, 0x48, 0x83, 0xc4, 0x18);			/* add rsp, 24 */
}

void delay_routine(struct assembler *a, struct delay_code *d)
{
	enum { COMMON, AGAIN, COUNTED, STARTED, AHEAD, RARE, ALLOWED, SPIN, PAUSE, CLOCK, LOOK,
	       ANCHORED, TIMED, SINCE, OVER, WAITED, LIVES, OUT };

	asm_new_scope(a);
	entries(a, d, COMMON);
	draw(a, AGAIN, COUNTED, OUT);
	op_mem(a, true, 0x83, 7, RDI, DELAY_NS);	/* cmp qword [rdi+ns], 0 */
	PUT(a, 0x00);
	jcc(a, CC_E, OUT);
	leave_if_orphaned(a, d, LIVES, OUT);
	PUT(a, 0x48, 0x89, 0xc6);			/* mov rsi, rax */
	ticks(a);
	PUT(a, 0x49, 0x89, 0xc0);			/* mov r8, rax */
	limit(a, STARTED, AHEAD, RARE, ALLOWED, OUT);
	load(a, RCX, RDI, DELAY_NS);
	cmp_imm(a, RCX, DELAY_SLEEPS_NS);
	jcc(a, CC_B, SPIN);
	PUT(a, 0xb8);					/* mov eax, nanosleep */
	asm_u32(a, SYS_NANOSLEEP);
	lea(a, RDI, RDI, DELAY_SPEC);
	PUT(a, 0x31, 0xf6, 0x0f, 0x05);			/* xor esi, esi; syscall */
	lea_rip(a, RDI, d->data_rt);
	jmp(a, WAITED);
	asm_label(a, SPIN);
	load(a, RAX, RDI, DELAY_RATE);
	PUT(a, 0x48, 0x85, 0xc0);			/* test rax, rax */
	jcc(a, CC_E, CLOCK);
	PUT(a, 0x48, 0x0f, 0xaf, 0xc8);			/* imul rcx, rax */
	PUT(a, 0x48, 0xc1, 0xe9, 10);			/* shr rcx, 10: ticks */
	asm_label(a, PAUSE);
	PUT(a, 0xf3, 0x90);				/* pause */
	ticks(a);
	PUT(a, 0x4c, 0x29, 0xc0);			/* sub rax, r8 */
	PUT(a, 0x48, 0x39, 0xc8);			/* cmp rax, rcx */
	jcc(a, CC_B, PAUSE);
	jmp(a, WAITED);
	asm_label(a, CLOCK);
	by_clock(a, d, LOOK, ANCHORED, TIMED, SINCE, OVER);
	asm_label(a, WAITED);
	ticks(a);
	PUT(a, 0x4c, 0x29, 0xc0);			/* sub rax, r8 */
	jcc(a, CC_B, OUT);				/* on another processor now */
	locked(a);
	op_mem(a, true, 0x01, RAX, RDI, DELAY_WAITED);	/* add [rdi+waited], rax */
	asm_label(a, OUT);
	PUT(a, 0x41, 0x5b, 0x41, 0x58);			/* pop r11; pop r8 */
	PUT(a, 0x5f, 0x5e, 0x5a, 0x59, 0x58);		/* pop rdi, rsi, rdx, rcx, rax */
	PUT(a, 0x83, 0x3d);				/* cmp dword [rip+flag], 0 */
	asm_rel32_tail(a, d->flag_rt, 1);
	PUT(a, 0x00, 0xc3);				/* ret */
	asm_new_scope(a);
}

static void count_down(struct assembler *a, const struct delay_code *d, u32 site)
{
	PUT(a, 0xff, 0x0d);				/* dec dword [rip+cell] */
	asm_rel32_to(a, delay_cell(d, site));
}

void delay_pass(struct assembler *a, const struct delay_code *d, u32 site, bool keep_flags)
{
	enum { DEC_JNS_CALL = 13 };

	if (keep_flags)
		PUT(a, 0x9c);				/* pushfq */
	if (d->gate_rt) {
		PUT(a, 0x83, 0x3d);			/* cmp dword [rip+gate], 0 */
		asm_rel32_tail(a, d->gate_rt, 1);
		PUT(a, 0x00, 0x74, DEC_JNS_CALL);	/* je over all of the rest */
	}
	count_down(a, d, site);
	PUT(a, 0x79, 5);				/* jns over the call */
	PUT(a, 0xe8);					/* call the routine */
	asm_rel32_to(a, d->window_rt);
	if (keep_flags)
		PUT(a, 0x9d);				/* popfq */
}

u64 delay_window(struct assembler *a, const struct delay_code *d, u32 site, const struct flow *f,
		 const struct window *w, u64 entry_rt)
{
	const struct insn *last = &f->insns[w->first + w->count - 1];
	u64 at = asm_here(a);

	delay_pass(a, d, site, w->keep_flags);
	for (u32 k = 0; k < w->count; k++)
		asm_relocated(a, f, &f->insns[w->first + k], entry_rt);
	if (insn_goes_on(last))
		jmp_to(a, entry_rt + last->at + last->size);
	return at;
}

void delay_checks(struct assembler *a, const struct delay_code *d, u32 first, u32 n, u64 *pieces)
{
	enum { PIECE = DELAY_CHECK_PIECE, DEC_JS = 8, END = 8 };

	for (u32 k = 0; k < n; k++) {
		pieces[k] = asm_here(a);
		count_down(a, d, first + k);
		PUT(a, 0x78, (u8)(PIECE * (n - k) + END - DEC_JS));	/* js to the last line */
		PUT(a, 0xeb, (u8)(PIECE * (n - k - 1)));	/* jmp to the next one */
	}
	PUT(a, 0x83, 0x3d);				/* cmp dword [rip+flag], 0 */
	asm_rel32_tail(a, d->flag_rt, 1);
	PUT(a, 0x00, 0xc3);				/* ret: flags are the cmp's */
	jmp_to(a, d->check_rt);
}
