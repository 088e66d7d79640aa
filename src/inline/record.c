/* What a site records. R12, R13 and R15 hold nothing at a function's entry and at its exits, and
 * X15 is zero and stays so; everything else is put back. No stack is used.
 *
 *     cmp  [gate], 0 ; je skip          this process still wants records
 *     m -> slot of the table -> ring    (claim, once for each thread)
 *     head <= limit ? xadd head, size   (full, when not; `size` is what it has at most)
 *     rdtsc, goid, depth, g             the head of the record
 *     words of arguments or results
 *     captures                          with the registers they use kept in the ring's scratch; a
 *                                       few as code, many as a table of steps; packed texts last
 *     head is the record's end ?        (a signal handler's may follow it)
 *         cmpxchg head, ...             what was not needed is given back; it is all zero
 *     commit                            x86 keeps stores in order: whoever sees it sees the rest
 * skip:
 */
#include "inline/record.h"

#include <string.h>

#include "go/release.h"
#include "inline/emit.h"
#include "inline/predicate.h"

enum {
	LINE = 64,
	AHEAD = 2048,
	ASKED = 6 * LINE,
};
_Static_assert(AHEAD + ASKED <= RING_ROOM, "what is asked for must be the ring's");
/* labels of one record */
enum {
	L_CLAIMED, L_CLAIM, L_CLAIM_BACK, L_RESERVE, L_FULL, L_FULL_BACK, L_SKIP,
	L_WANTED, L_VOID, L_UNREADABLE, L_FREE, L_BEGINS
};

static const struct reading no_results = { .size = RECORD_HEAD };

static const struct reading *site_reading(const struct plan_func *fn, enum site_kind kind)
{
	return kind == SITE_ENTRY ? &fn->entry : kind == SITE_TAIL ? &no_results : &fn->exit;
}

static u32 most_of(const struct reading *r)
{
	return r->size + r->texts;
}

u32 site_size(const struct plan *p, u32 site)
{
	return site / 4 < p->nfuncs ? most_of(site_reading(&p->funcs[site / 4], site % 4)) : 0;
}

const struct reading *site_reads(const struct plan *p, u32 site)
{
	return site_reading(&p->funcs[site / 4], site % 4);
}

/* Up to here the record is written whatever is captured. */
static u32 written(const struct reading *r)
{
	u32 end = r->propagated_at ? r->propagated_at + (u32)sizeof(struct propagated) :
				     RECORD_HEAD;

	for (u32 i = 0; i < r->nreads; i++)
		if (r->reads[i].kind < READ_MEM)
			end = MAX(end, r->reads[i].at + r->reads[i].size);
	return (u32)round_up(end, 8);
}

static void stack_bytes(struct emitter *e, const struct read *r)
{
	struct assembler *a = &e->a;
	u32 done = 0;

	while (done < r->size) {
		u32 left = r->size - done, n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;

		load_sized(a, R13, RSP, r->disp + (i32)(e->pushed + done), n);
		store_sized(a, R13, R12, (i32)(r->at + done), n);
		done += n;
	}
}

static void raw_step(struct emitter *e, const struct read *r)
{
	struct assembler *a = &e->a;

	switch (r->kind) {
	case READ_INT:
		store_sized(a, abi_regs[r->reg], R12, (i32)r->at, r->size);
		break;
	case READ_FLOAT:	/* movq or movd [r12+at], xmm */
		PUT(a, 0x66, (u8)(0x41 | (r->size == 8) << 3 | (r->reg >> 3) << 2), 0x0f, 0x7e,
		    (u8)(0x84 | (r->reg & 7) << 3), 0x24);
		asm_u32(a, r->at);
		break;
	case READ_STACK:
		stack_bytes(e, r);
		break;
	case READ_G:
		store(a, e->abi0 ? R15 : R14, R12, (i32)r->at);
		break;
	default:
		break;
	}
}

static void tsc_in_rdx(struct assembler *a)
{
	PUT(a, 0x0f, 0x31);				/* rdtsc */
	PUT(a, 0x48, 0xc1, 0xe2, 0x20);			/* shl rdx, 32 */
	PUT(a, 0x48, 0x09, 0xc2);			/* or rdx, rax */
}

/* rax and rdx are kept in r13 and r15. */
static void take_time(struct assembler *a, bool keep_rdx)
{
	PUT(a, 0x49, 0x89, 0xc5);			/* mov r13, rax */
	if (keep_rdx)
		PUT(a, 0x49, 0x89, 0xd7);		/* mov r15, rdx */
	tsc_in_rdx(a);
	PUT(a, 0x49, 0x89, 0x54, 0x24, 0x08);		/* mov [r12+8], rdx */
	PUT(a, 0x4c, 0x89, 0xe8);			/* mov rax, r13 */
	if (keep_rdx)
		PUT(a, 0x4c, 0x89, 0xfa);		/* mov rdx, r15 */
}

/* The head of the record, but for the time. */
static void head(struct emitter *e)
{
	struct assembler *a = &e->a;
	unsigned g = e->abi0 ? R15 : R14;

	if (e->abi0)
		load_fs(a, R15, e->l->tls);
	load(a, R13, g, e->p->prog->rel->g_goid);
	store(a, R13, R12, 16);
	load(a, R13, g, G_STACK_HI);
	PUT(a, 0x49, 0x29, 0xe5);			/* sub r13, rsp */
	if (e->pushed)
		lea(a, R13, R13, -(i32)(e->pushed + e->fn->line_sp));
	PUT(a, 0x45, 0x89, 0x6c, 0x24, 0x18);		/* mov [r12+24], r13d */
	op_mem(a, false, 0x89, g, R12, 28);		/* mov [r12+28], g (low half) */
}

/* Registers that captures use: the last of them only a table of steps and the callers do. */
static const u8 kept[] = { RAX, RCX, RDX, RSI, RDI, R8, R9 };

static u32 keeps(const struct plan_func *fn, const struct reading *r, bool agent)
{
	bool all = !record_has_code(fn, r) || agent;

	if (!reading_has_captures(r) && !agent)
		return 0;
	for (u32 i = 0; i < r->nreads; i++)
		all |= r->reads[i].kind == READ_FRAMES;
	return ARRAY_LEN(kept) - !all;
}

/* r12: the ring; keeps registers in a piece of its scratch, r15. One instruction takes the piece:
 * a signal handler that comes in between takes the next one, and has given it back when it ends. */
static void scratch_take(struct assembler *a, u32 keep)
{
	op_mem(a, false, 0x81, 0, R12, RING_TOP);	/* add dword [r12+top], size */
	asm_u32(a, SCRATCH_SIZE);
	op_mem(a, false, 0x8b, R15, R12, RING_TOP);	/* mov r15d, [r12+top] */
	PUT(a, 0x41, 0x81, 0xe7);			/* and r15d, mask */
	asm_u32(a, SCRATCH_MASK);
	PUT(a, 0x4f, 0x8d, 0xbc, 0x3c);			/* lea r15, [r12+r15+scratch] */
	asm_u32(a, RING_SCRATCH);
	for (u32 i = 0; i < keep; i++)
		store(a, kept[i], R15, (i32)(SCRATCH_REGS + 8 * i));
}

/* What shrink() and rub_out() begin with: ecx: the bytes that were captured, rax: the ring's head,
 * rdx: where it was before this record. Gives the hole of a jump for where somebody has reserved
 * behind it. */
static size_t is_last(struct emitter *e, u32 most)
{
	struct assembler *a = &e->a;

	op_mem(a, false, 0x8b, RCX, R15, SCRATCH_END);	/* mov ecx, [r15+end] */
	PUT(a, 0x83, 0xc1, 0x07, 0x83, 0xe1, 0xf8);	/* add ecx, 7; and ecx, -8 */
	load(a, RAX, RDI, RING_HEAD);
	lea(a, RDX, RAX, -(i32)most);
	PUT(a, 0x48, 0x8d, 0xb4, 0x17);			/* lea rsi, [rdi+rdx+data] */
	asm_u32(a, RING_DATA);
	PUT(a, 0x4c, 0x29, 0xe6);			/* sub rsi, r12 */
	PUT(a, 0xf7, 0xc6);				/* test esi, buffer - 1 */
	asm_u32(a, (u32)(e->l->buffer - 1));
	PUT(a, 0x0f, 0x85);				/* jne behind */
	return hole(a);
}

/* r13 = the first word of a record of rcx bytes, which has its time by then. */
static void first_word(struct assembler *a, u32 word)
{
	load(a, RAX, R15, SCRATCH_TIME);
	store(a, RAX, R12, offsetof(struct record_head, tsc));
	PUT(a, 0x48, 0xc1, 0xe1, 0x20);			/* shl rcx, 32 */
	PUT(a, 0x41, 0xbd);				/* mov r13d, word */
	asm_u32(a, word);
	PUT(a, 0x49, 0x09, 0xcd);			/* or r13, rcx */
}

static void ecx_is(struct assembler *a, u32 most)
{
	PUT(a, 0xb9);					/* mov ecx, most */
	asm_u32(a, most);
}

/* r13 = the record's first word. Where nobody has reserved behind it, the ring's head goes back to
 * the end of what was captured: in one instruction, for a signal handler may come before it.
 * r12: the record, rdi: the ring, r15: the scratch; rax, rcx, rdx, rsi dirty. */
static void shrink(struct emitter *e, u32 most, u32 word)
{
	struct assembler *a = &e->a;
	size_t behind = is_last(e, most), done;

	PUT(a, 0x48, 0x01, 0xca);			/* add rdx, rcx */
	PUT(a, 0x48, 0x0f, 0xb1, 0x17);			/* cmpxchg [rdi], rdx */
	PUT(a, 0x0f, 0x84);				/* je done */
	done = hole(a);
	fill(a, behind);
	ecx_is(a, most);
	fill(a, done);
	first_word(a, word);
}

/* The same of one that nobody needs: its room is zero again, and all of it goes back; then r13 is
 * 0, and whoever comes next may have it. Else it is void. */
static void rub_out(struct emitter *e, u32 most, u32 word)
{
	struct assembler *a = &e->a;
	size_t behind = is_last(e, most), gone;

	PUT(a, 0x45, 0x31, 0xed);			/* xor r13d, r13d */
	PUT(a, 0x4d, 0x89, 0x6c, 0x0c, 0xf8);		/* again: mov [r12+rcx-8], r13 */
	PUT(a, 0x83, 0xe9, 0x08);			/* sub ecx, 8 */
	PUT(a, 0x75, 0xf6);				/* jne again */
	PUT(a, 0x48, 0x0f, 0xb1, 0x17);			/* cmpxchg [rdi], rdx */
	PUT(a, 0x0f, 0x84);				/* je gone */
	gone = hole(a);
	fill(a, behind);
	ecx_is(a, most);
	first_word(a, RECORD_VOID | word);
	fill(a, gone);
}

/* r12: the record. A ring begins on a page, and its scratch lies in its first. r13: as of shrink().
 */
static void scratch_give_back(struct emitter *e, u32 keep, u32 most, u32 word, bool needed)
{
	struct assembler *a = &e->a;

	load(a, R15, R12, SCRATCH_HELD);
	PUT(a, 0x4c, 0x89, 0xff);			/* mov rdi, r15 */
	PUT(a, 0x48, 0x81, 0xe7);			/* and rdi, -4096 */
	asm_u32(a, (u32)-4096);
	(needed ? shrink : rub_out)(e, most, word);
	for (u32 i = 0; i < keep; i++)
		load(a, kept[i], R15, (i32)(SCRATCH_REGS + 8 * i));
	PUT(a, 0x49, 0x81, 0xe7);			/* and r15, -4096 */
	asm_u32(a, (u32)-4096);
	op_mem(a, false, 0x81, 5, R15, RING_TOP);	/* sub dword [r15+top], size */
	asm_u32(a, SCRATCH_SIZE);
	PUT(a, 0x45, 0x0f, 0x57, 0xff);			/* xorps xmm15, xmm15 */
}

/* The reader has cleared what lies ahead, so its lines are in another processor's cache: they are
 * asked for many records before they are written. r12: the record. At the ring's end that is the
 * room behind it, for nothing. */
static void ask_ahead(struct assembler *a, u32 size)
{
	for (u32 line = 0; line < MIN(size, ASKED); line += LINE) {
		PUT(a, 0x41, 0x0f, 0x0d, 0x8c, 0x24);	/* prefetchw [r12+…] */
		asm_u32(a, AHEAD + line);
	}
}

/* Puts registers back; then the record is there. */
static void commit(struct emitter *e, u32 keep, u32 most, u32 word)
{
	struct assembler *a = &e->a;

	if (keep) {
		scratch_give_back(e, keep, most, word, true);
		store(a, R13, R12, 0);
		return;
	}
	op_mem(a, true, 0xc7, 0, R12, 0);		/* mov qword [r12], word */
	asm_u32(a, word);
}

/* Puts registers back; nobody needs the record. */
static void discard(struct emitter *e, u32 keep, u32 most, u32 word)
{
	struct assembler *a = &e->a;
	size_t gone;

	if (!keep) {
		commit(e, keep, most, RECORD_VOID | word);
		return;
	}
	scratch_give_back(e, keep, most, word, false);
	PUT(a, 0x4d, 0x85, 0xed, 0x0f, 0x84);		/* test r13, r13; jz gone */
	gone = hole(a);
	store(a, R13, R12, 0);
	fill(a, gone);
}

/* In the ring of the thread, as emit_count() does. r12: the record. */
static void count_unreadable(struct assembler *a)
{
	load(a, R15, R12, SCRATCH_HELD);
	PUT(a, 0x49, 0x81, 0xe7);			/* and r15, -4096 */
	asm_u32(a, (u32)-4096);
	op_mem(a, true, 0xff, 0, R15, RING_UNREADABLE);	/* inc qword [r15+…] */
}

/* To L_SKIP where no records are wanted. */
static void gate(struct emitter *e)
{
	struct assembler *a = &e->a;

	PUT(a, 0x83, 0x3d);				/* cmp dword [gate], 0 */
	asm_rel32_tail(a, e->l->near_rt + NEAR_GATE, 1);
	PUT(a, 0x00);
	jcc(a, CC_E, L_SKIP);
}

/* r12: the thread's ring, r15: the shared memory; r13 dirty. */
static void find_ring(struct emitter *e)
{
	struct assembler *a = &e->a;
	u64 stride = ring_stride(e->l->buffer);

	if (e->abi0) {
		load_fs(a, R12, e->l->tls);
		load(a, R12, R12, G_M);
	} else {
		load(a, R12, R14, G_M);
	}
	mov_imm64(a, R15, e->l->shared_rt);
	hash_reg(a, R13, R12, RINGS_LOG2);
	PUT(a, 0x4f, 0x39, 0xa4, 0xef);			/* cmp [r15+r13*8+table], r12 */
	asm_u32(a, SHARED_TABLE);
	jcc(a, CC_NE, L_CLAIM);
	asm_label(a, L_CLAIMED);
	PUT(a, 0x47, 0x0f, 0xb7, 0xac, 0x6f);		/* movzx r13d, word [r15+r13*2+number] */
	asm_u32(a, SHARED_NUMBER);
	PUT(a, 0x4d, 0x69, 0xed);			/* imul r13, r13, stride */
	asm_u32(a, (u32)stride);
	PUT(a, 0x4f, 0x8d, 0xa4, 0x2f);			/* lea r12, [r15+r13+rings] */
	asm_u32(a, SHARED_RINGS);
}

/* What find_ring needs, out of its way. */
static void claim_ring(struct emitter *e)
{
	struct assembler *a = &e->a;

	asm_label(a, L_CLAIM);
	PUT(a, 0x66, 0x4c, 0x0f, 0x6e, 0xf8);		/* movq xmm15, rax */
	lea_label(a, RAX, L_CLAIM_BACK);
	jmp_to(a, e->stubs->claim_rt);
	asm_label(a, L_CLAIM_BACK);
	jcc(a, CC_AE, L_CLAIMED);			/* no carry */
	record_lost(e);
	jmp(a, L_SKIP);
}

/* A count for each function stands in the thread's ring instead of records. Only the thread itself
 * writes it, in one instruction, so no signal handler comes between. */
static void emit_count(struct emitter *e)
{
	struct assembler *a = &e->a;

	e->code->sites++;
	asm_new_scope(a);
	gate(e);
	find_ring(e);
	op_mem(a, true, 0xff, 0, R12, (i32)ring_count_at(e->index));	/* inc qword [r12+…] */
	jmp(a, L_SKIP);
	claim_ring(e);
	asm_label(a, L_SKIP);
}

void record_emit(struct emitter *e, enum site_kind kind)
{
	struct assembler *a = &e->a;
	const struct reading *r = site_reading(e->fn, kind);
	bool agent = e->fn->role && kind != SITE_TAIL &&
		     (e->fn->role != PROPAGATE_LINE || kind != SITE_ENTRY);
	u32 keep = keeps(e->fn, r, agent), most = most_of(r);
	u64 steps = !record_has_code(e->fn, r) ? record_table(e, r) : 0;
	struct predicate if_ = {
		.a = a, .l = e->l, .p = e->p, .fn = e->fn, .abi0 = e->abi0, .label = L_FREE,
	};
	/* pairing needs every hook; and a line has no exits to leave marks for */
	bool asked = e->fn->shown && !e->fn->hook && !e->fn->line_at;
	bool before = asked && predicate_before_any(&if_);
	bool after = asked && predicate_after_any(&if_);
	bool found = kind == SITE_ENTRY && e->fn->found;
	bool counts = kind == SITE_ENTRY && after && predicate_counts(&if_);

	if (e->p->request.count_only) {
		emit_count(e);
		return;
	}
	if (e->fn->alone && kind == SITE_ENTRY)
		return;
	e->code->sites++;
	asm_new_scope(a);
	gate(e);
	record_only(e, kind, L_SKIP, L_BEGINS);
	if (kind == SITE_ENTRY && before)
		predicate_before(&if_, L_SKIP);
	else if (kind != SITE_ENTRY && (before || after))
		predicate_find(&if_, L_SKIP);
	find_ring(e);
	PUT(a, 0x4d, 0x8b, 0x2c, 0x24);			/* mov r13, [r12]: head */
	PUT(a, 0x4d, 0x3b, 0x6c, 0x24, RING_LIMIT);	/* cmp r13, [r12+limit] */
	jcc(a, CC_A, L_FULL);
	asm_label(a, L_RESERVE);
	if (keep)
		scratch_take(a, keep);
	PUT(a, 0x41, 0xbd);				/* mov r13d, size */
	asm_u32(a, most);
	PUT(a, 0x4d, 0x0f, 0xc1, 0x2c, 0x24);		/* xadd [r12], r13 */
	PUT(a, 0x41, 0x81, 0xe5);			/* and r13d, buffer - 1 */
	asm_u32(a, (u32)(e->l->buffer - 1));
	PUT(a, 0x4f, 0x8d, 0xa4, 0x2c);			/* lea r12, [r12+r13+data] */
	asm_u32(a, RING_DATA);
	ask_ahead(a, most);
	if (keep) {
		store(a, R15, R12, SCRATCH_HELD);
		op_mem(a, false, 0xc7, 0, R15, SCRATCH_END);	/* mov dword [r15+end], … */
		asm_u32(a, written(r));
		op_mem(a, false, 0xc7, 0, R15, SCRATCH_PLACED);	/* mov dword [r15+placed], … */
		asm_u32(a, r->size);
	} else {
		take_time(a, kind == SITE_ENTRY || kind == SITE_TAIL);
	}
	head(e);
	if (agent && kind == SITE_ENTRY)
		record_ask_for(e);
	for (u32 i = 0; i < r->nreads; i++)
		raw_step(e, &r->reads[i]);
	if (keep) {
		tsc_in_rdx(a);
		load(a, R15, R12, SCRATCH_HELD);
		store(a, RDX, R15, SCRATCH_TIME);
		record_captures(e, r, steps);
		if (agent)
			record_call_agent(e, r, kind, L_VOID);
		if (found)
			record_if_found(e, r, L_VOID);
		if (kind == SITE_ENTRY && after)
			predicate_after(&if_, L_WANTED, L_VOID,
					counts ? L_UNREADABLE : L_WANTED);
	}
	if (kind == SITE_ENTRY && (before || after)) {
		asm_label(a, L_WANTED);
		if (plan_sees_exits(e->p, e->fn))
			predicate_mark(&if_);
	}
	commit(e, keep, most, 1 + 4 * e->index + kind);
	jmp(a, L_SKIP);
	if (counts) {
		asm_label(a, L_UNREADABLE);
		count_unreadable(a);
	}
	if ((kind == SITE_ENTRY && after) || found || (agent && record_may_be_unneeded(e->fn))) {
		asm_label(a, L_VOID);
		discard(e, keep, most, 1 + 4 * e->index + kind);
		jmp(a, L_SKIP);
	}

	claim_ring(e);
	asm_label(a, L_FULL);
	lea_label(a, R13, L_FULL_BACK);
	jmp_to(a, e->stubs->full_rt);
	asm_label(a, L_FULL_BACK);
	jcc(a, CC_AE, L_RESERVE);
	record_lost(e);
	asm_label(a, L_SKIP);
}

/* In the middle of a function everything is live, what lies below SP too (Go up to 1.25 keeps BP
 * there across duffcopy). The stack check has seen to the room: 800 bytes are left for functions
 * without one. */
void record_emit_inside(struct emitter *e)
{
	struct assembler *a = &e->a;

	PUT(a, 0x48, 0x8d, 0x64, 0x24, 0x80);		/* lea rsp, [rsp-128] */
	PUT(a, 0x9c);					/* pushfq */
	PUT(a, 0x41, 0x54, 0x41, 0x55, 0x41, 0x57);	/* push r12; push r13; push r15 */
	lea(a, RSP, RSP, -16);
	PUT(a, 0x44, 0x0f, 0x11, 0x3c, 0x24);		/* movups [rsp], xmm15 */
	e->pushed = 128 + 4 * 8 + 16;
	record_emit(e, SITE_ENTRY);
	e->pushed = 0;
	PUT(a, 0x44, 0x0f, 0x10, 0x3c, 0x24);		/* movups xmm15, [rsp] */
	lea(a, RSP, RSP, 16);
	PUT(a, 0x41, 0x5f, 0x41, 0x5d, 0x41, 0x5c);	/* pop r15; pop r13; pop r12 */
	PUT(a, 0x9d);					/* popfq */
	lea(a, RSP, RSP, 128);
}
