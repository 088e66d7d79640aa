/* A trampoline's registers: at a function's entry and at its exits R12, R13 and R15 hold nothing,
 * and X15 is zero and stays so; everything else is put back. No stack is used.
 *
 *     cmp  [gate], 0 ; je skip          this process still wants records
 *     m -> slot of the table -> ring    (claim, once for each thread)
 *     head <= limit ? xadd head, size   (full, when not)
 *     rdtsc, goid, depth, g             the head of the record
 *     words of arguments or results
 *     captures                          with the registers they use kept in the scratch; a few as
 *                                       code, many as a table of steps
 *     commit                            x86 keeps stores in order: whoever sees it sees the rest
 * skip:
 */
#include "inline/trampoline.h"

#include <string.h>
#include <sys/mman.h>

#include "go/release.h"
#include "inline/emit.h"
#include "inline/predicate.h"

enum { IN_LINE = 4 };	/* captures that are worth code of their own */
/* labels of one record */
enum {
	L_CLAIMED, L_CLAIM, L_CLAIM_BACK, L_RESERVE, L_FULL, L_FULL_BACK, L_SKIP,
	L_WANTED, L_VOID, L_FREE
};

struct emitter {
	struct assembler a;
	const struct plan *p;
	const struct layout *l;
	const struct stubs *stubs;
	struct code *code;
	struct map tables;	/* reads -> address of their table */
	/* the function at hand */
	const struct plan_func *fn;
	const struct flow *flow;
	u32 index;
	u64 entry_rt;
	bool abi0;
};

/* The registers of ABIInternal, in order of assignment. */
static const u8 int_regs[] = { RAX, RBX, RCX, RDI, RSI, R8, R9, R10, R11 };

static size_t hole(struct assembler *a)
{
	asm_u32(a, 0);
	return a->n - 4;
}

static void fill(struct assembler *a, size_t at)
{
	u32 rel = (u32)(a->n - at - 4);

	if (a->buf && !a->bad)
		memcpy(a->buf + at, &rel, sizeof(rel));
}

static u32 slot_size(const struct reading *r)
{
	return r->size + (reading_has_captures(r) ? SCRATCH : 0);
}

static const struct reading no_results = { .size = RECORD_HEAD };

static const struct reading *site_reading(const struct plan_func *fn, enum site_kind kind)
{
	return kind == SITE_ENTRY ? &fn->entry : kind == SITE_TAIL ? &no_results : &fn->exit;
}

u32 site_size(const struct plan *p, u32 site)
{
	return site / 4 < p->nfuncs ? slot_size(site_reading(&p->funcs[site / 4], site % 4)) : 0;
}

static void stack_bytes(struct assembler *a, const struct read *r)
{
	u32 done = 0;

	while (done < r->size) {
		u32 left = r->size - done, n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;

		load_sized(a, R13, RSP, r->disp + (i32)done, n);
		store_sized(a, R13, R12, (i32)(r->at + done), n);
		done += n;
	}
}

static void raw_step(struct emitter *e, const struct read *r)
{
	struct assembler *a = &e->a;

	switch (r->kind) {
	case READ_INT:
		store_sized(a, int_regs[r->reg], R12, (i32)r->at, r->size);
		break;
	case READ_FLOAT:	/* movq or movd [r12+at], xmm */
		PUT(a, 0x66, (u8)(0x41 | (r->size == 8) << 3 | (r->reg >> 3) << 2), 0x0f, 0x7e,
		    (u8)(0x84 | (r->reg & 7) << 3), 0x24);
		asm_u32(a, r->at);
		break;
	case READ_STACK:
		stack_bytes(a, r);
		break;
	case READ_G:
		store(a, e->abi0 ? R15 : R14, R12, (i32)r->at);
		break;
	default:
		break;
	}
}

/* in: everything kept. What is behind a pointer that is nil or of a count that is not positive is
 * left out: its status stays 0. */
static void capture_step(struct emitter *e, const struct read *r)
{
	struct assembler *a = &e->a;
	size_t nil, none = 0, after;

	load(a, RSI, R12, (i32)r->from);
	PUT(a, 0x48, 0x85, 0xf6, 0x0f, 0x84);		/* test rsi, rsi; jz next */
	nil = hole(a);
	if (r->kind == READ_BYTES) {
		load(a, RCX, R12, (i32)r->len_at);
		PUT(a, 0x48, 0x85, 0xc9, 0x0f, 0x8e);	/* test rcx, rcx; jle next */
		none = hole(a);
		PUT(a, 0xb8);				/* mov eax, most */
		asm_u32(a, r->size / r->elem);
		PUT(a, 0x48, 0x39, 0xc1);		/* cmp rcx, rax */
		PUT(a, 0x48, 0x0f, 0x47, 0xc8);		/* cmova rcx, rax */
		if (r->elem != 1) {
			PUT(a, 0x69, 0xc9);		/* imul ecx, ecx, elem */
			asm_u32(a, r->elem);
		}
	} else {
		PUT(a, 0xb9);				/* mov ecx, size */
		asm_u32(a, r->size);
	}
	if (r->disp) {
		PUT(a, 0x48, 0x81, 0xc6);		/* add rsi, disp */
		asm_u32(a, (u32)r->disp);
	}
	lea(a, RDX, R12, (i32)r->at);
	lea(a, R15, R12, (i32)r->status);
	PUT(a, 0x4c, 0x8d, 0x2d);			/* lea r13, [rip+next] */
	after = hole(a);
	jmp_to(a, e->stubs->copy_rt);
	fill(a, after);
	fill(a, nil);
	if (none)
		fill(a, none);
}

static bool few(const struct reading *r)
{
	u32 n = 0;

	for (u32 i = 0; i < r->nreads; i++) {
		if (r->reads[i].kind == READ_WHEN)
			return false;
		n += r->reads[i].kind >= READ_MEM;
	}
	return n <= IN_LINE;
}

/* The steps as data (stubs.h); one table serves every function whose values have these types. */
static u64 table(struct emitter *e, const struct reading *r)
{
	struct assembler *a = &e->a;
	u64 *known = map_put(&e->tables, (u64)(uintptr_t)r->reads);

	if (*known)
		return *known;
	while (a->n % 8)
		PUT(a, 0xcc);
	*known = asm_here(a);
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];
		u32 block = 0;

		if (d->kind >= READ_MEM &&
		    !d->size) { /* nothing to copy: a condition without a block */
			asm_u32(a, STEP_WHEN);
			asm_u32(a, 0);
			asm_u64(a, 0);
			continue;
		}
		switch (d->kind) {
		case READ_MEM:
		case READ_BYTES:
			asm_u32(a, (d->kind == READ_MEM ? STEP_MEM : STEP_BYTES) | d->from << 16);
			asm_u32(a, d->at | d->status << 16);
			asm_u32(a,
				d->kind == READ_MEM ? d->size : d->size / d->elem | d->elem << 16);
			asm_u32(a, d->kind == READ_MEM ? (u32)d->disp : d->len_at);
			break;
		case READ_WHEN:
			for (u32 k = i + 1; k <= i + d->size; k++)
				block += STEP_SIZE * (r->reads[k].kind >= READ_MEM);
			asm_u32(a, (d->when_not ? STEP_WHEN_NOT : STEP_WHEN) | d->when_at << 16);
			asm_u32(a, block);
			asm_u64(a, d->when + (d->when_va ? e->l->bias : 0));
			break;
		default:
			break;
		}
	}
	asm_u64(a, STEP_END);
	asm_u64(a, 0);
	return *known;
}

static void frames(struct emitter *e, const struct read *r)
{
	struct assembler *a = &e->a;
	size_t back;

	if (e->abi0)
		load_fs(a, R15, e->l->tls);
	else
		PUT(a, 0x4d, 0x89, 0xf7);		/* mov r15, r14 */
	lea(a, RDX, R12, (i32)r->at);
	PUT(a, 0xb9);					/* mov ecx, most */
	asm_u32(a, r->size / 8);
	PUT(a, 0x4c, 0x8d, 0x2d);			/* lea r13, [rip+back] */
	back = hole(a);
	jmp_to(a, e->stubs->frames_rt);
	fill(a, back);
}

static void captures(struct emitter *e, const struct reading *r, u64 table_rt)
{
	struct assembler *a = &e->a;
	size_t back;

	for (u32 i = 0; i < r->nreads; i++)
		if (r->reads[i].kind == READ_FRAMES)
			frames(e, &r->reads[i]);
	if (!table_rt) {
		for (u32 i = 0; i < r->nreads; i++)
			if (r->reads[i].kind >= READ_MEM && r->reads[i].size)
				capture_step(e, &r->reads[i]);
		return;
	}
	PUT(a, 0x48, 0x8d, 0x05);			/* lea rax, [rip+back] */
	back = hole(a);
	store(a, RAX, R12, -8);
	lea_rip(a, R9, table_rt);
	jmp_to(a, e->stubs->steps_rt);
	fill(a, back);
}

static void head(struct emitter *e, bool keep_rdx)
{
	struct assembler *a = &e->a;
	unsigned g = e->abi0 ? R15 : R14;

	PUT(a, 0x49, 0x89, 0xc5);			/* mov r13, rax */
	if (keep_rdx)
		PUT(a, 0x49, 0x89, 0xd7);		/* mov r15, rdx */
	PUT(a, 0x0f, 0x31);				/* rdtsc */
	PUT(a, 0x48, 0xc1, 0xe2, 0x20);			/* shl rdx, 32 */
	PUT(a, 0x48, 0x09, 0xc2);			/* or rdx, rax */
	PUT(a, 0x49, 0x89, 0x54, 0x24, 0x08);		/* mov [r12+8], rdx */
	PUT(a, 0x4c, 0x89, 0xe8);			/* mov rax, r13 */
	if (keep_rdx)
		PUT(a, 0x4c, 0x89, 0xfa);		/* mov rdx, r15 */
	if (e->abi0)
		load_fs(a, R15, e->l->tls);
	load(a, R13, g, e->p->prog->rel->g_goid);
	store(a, R13, R12, 16);
	load(a, R13, g, G_STACK_HI);
	PUT(a, 0x49, 0x29, 0xe5);			/* sub r13, rsp */
	PUT(a, 0x45, 0x89, 0x6c, 0x24, 0x18);		/* mov [r12+24], r13d */
	op_mem(a, false, 0x89, g, R12, 28);		/* mov [r12+28], g (low half) */
}

/* Registers that captures use. */
static const u8 kept[] = { RAX, RCX, RDX, RSI, RDI, R8, R9 };

/* Puts registers back; then the record is there. */
static void commit(struct emitter *e, bool deep, u32 word)
{
	struct assembler *a = &e->a;

	if (deep) {
		for (unsigned i = 0; i < ARRAY_LEN(kept); i++)
			load(a, kept[i], R12, (i32)(-SCRATCH + 8 + 8 * (int)i));
		PUT(a, 0x45, 0x0f, 0x57, 0xff);		/* xorps xmm15, xmm15 */
	}
	op_mem(a, true, 0xc7, 0, R12, deep ? -SCRATCH : 0);	/* mov qword [r12], word */
	asm_u32(a, word);
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
	PUT(a, 0x4d, 0x69, 0xec);			/* imul r13, r12, hash */
	asm_u32(a, 0x9e3779b1u);
	PUT(a, 0x49, 0xc1, 0xed, 64 - RINGS_LOG2);	/* shr r13, … */
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

static void emit_record(struct emitter *e, enum site_kind kind)
{
	struct assembler *a = &e->a;
	const struct reading *r = site_reading(e->fn, kind);
	bool deep = reading_has_captures(r);
	u64 steps = deep && !few(r) ? table(e, r) : 0;
	struct predicate if_ = {
		.a = a, .l = e->l, .p = e->p, .fn = e->fn, .abi0 = e->abi0, .label = L_FREE,
	};
	bool asked = e->fn->shown && !e->fn->hook;	/* pairing needs every hook */
	bool before = asked && predicate_before_any(&if_);
	bool after = asked && predicate_after_any(&if_);

	if (e->p->request.count_only) {
		emit_count(e);
		return;
	}
	e->code->sites++;
	asm_new_scope(a);
	gate(e);
	if (kind == SITE_ENTRY && before)
		predicate_before(&if_, L_SKIP);
	else if (kind != SITE_ENTRY && (before || after))
		predicate_find(&if_, L_SKIP);
	find_ring(e);
	PUT(a, 0x4d, 0x8b, 0x2c, 0x24);			/* mov r13, [r12]: head */
	PUT(a, 0x4d, 0x3b, 0x6c, 0x24, RING_LIMIT);	/* cmp r13, [r12+limit] */
	jcc(a, CC_A, L_FULL);
	asm_label(a, L_RESERVE);
	PUT(a, 0x41, 0xbd);				/* mov r13d, size */
	asm_u32(a, slot_size(r));
	PUT(a, 0x4d, 0x0f, 0xc1, 0x2c, 0x24);		/* xadd [r12], r13 */
	PUT(a, 0x41, 0x81, 0xe5);			/* and r13d, buffer - 1 */
	asm_u32(a, (u32)(e->l->buffer - 1));
	PUT(a, 0x4f, 0x8d, 0xa4, 0x2c);			/* lea r12, [r12+r13+data] */
	asm_u32(a, RING_DATA + (deep ? SCRATCH : 0));

	head(e, kind == SITE_ENTRY || kind == SITE_TAIL);
	for (u32 i = 0; i < r->nreads; i++)
		raw_step(e, &r->reads[i]);
	if (deep) {
		for (unsigned i = 0; i < ARRAY_LEN(kept); i++)
			store(a, kept[i], R12, (i32)(-SCRATCH + 8 + 8 * (int)i));
		captures(e, r, steps);
		if (kind == SITE_ENTRY && after)
			predicate_after(&if_, L_WANTED, L_VOID);
	}
	if (kind == SITE_ENTRY && (before || after)) {
		asm_label(a, L_WANTED);
		predicate_mark(&if_);
	}
	commit(e, deep, 1 + 4 * e->index + kind);
	jmp(a, L_SKIP);
	if (kind == SITE_ENTRY && after) {
		asm_label(a, L_VOID);
		commit(e, deep, RECORD_VOID + 1 + 4 * e->index + kind);
		jmp(a, L_SKIP);
	}

	claim_ring(e);
	asm_label(a, L_FULL);
	lea_label(a, R13, L_FULL_BACK);
	jmp_to(a, e->stubs->full_rt);
	asm_label(a, L_FULL_BACK);
	jcc(a, CC_AE, L_RESERVE);
	asm_label(a, L_SKIP);
}

static const struct exit_point *exit_at(const struct patches *pt, u32 insn)
{
	for (u32 i = 0; i < pt->nexits; i++)
		if (pt->exits[i].insn == insn)
			return &pt->exits[i];
	return NULL;
}

/* A branch that we take over; its displacement is filled in later. */
static size_t branch_hole(struct emitter *e, const struct insn *in)
{
	const u8 *p = e->flow->bytes + in->at;

	if (in->kind == INSN_JMP)
		PUT(&e->a, 0xe9);
	else if (in->rel_size == 1)
		PUT(&e->a, 0x0f, (u8)(p[in->size - 2] + 0x10));
	else
		PUT(&e->a, 0x0f, p[in->size - 5]);
	return hole(&e->a);
}

/* A branch that leaves the piece for code which the trampoline has to hold as well. */
struct branch {
	size_t hole;
	const struct landing *landing;	/* a copy of this, or... */
	const struct insn *tail; /* ...the record of an exit, and a jump to where this one leads */
};
VEC_TYPE(branches, struct branch);

static bool goes_on(const struct insn *in)
{
	return in->kind != INSN_RET && in->kind != INSN_TAIL && in->kind != INSN_JMP &&
	       in->kind != INSN_TRAP && in->kind != INSN_TABLE;
}

/* Copies a run of instructions as x86/patch.h says. record_at: an entry record comes before the
 * copy of this one (count: behind them all; more: none). */
static void piece(struct emitter *e, u32 first, u32 count, u32 record_at, bool exits,
		  struct branches *out)
{
	const struct patches *pt = &e->fn->patches;
	struct assembler *a = &e->a;
	VEC(struct { size_t hole; u32 insn; }) inner = { 0 };

	for (u32 k = 0; k < count; k++) {
		const struct insn *in = &e->flow->insns[first + k];
		bool branch = in->rel_size && (in->kind == INSN_JCC || in->kind == INSN_JMP);
		bool leaves = branch && (in->target < 0 || in->target >= e->flow->size);
		i64 to = branch && !leaves ? flow_find(e->flow, in->target) : -1;
		const struct exit_point *x = exits ? exit_at(pt, first + k) : NULL;
		const struct landing *landing = to >= 0 ? patches_landing(pt, (u32)to) : NULL;

		for (size_t i = 0; i < inner.n; i++)
			if (inner.at[i].insn == first + k)
				fill(a, inner.at[i].hole);
		if (k == record_at)
			emit_record(e, SITE_ENTRY);
		if ((in->kind == INSN_RET || in->kind == INSN_TAIL) && x && !x->refusal)
			emit_record(e, in->kind == INSN_TAIL ? SITE_TAIL :
				    in->after_deferreturn ? SITE_EXIT_DEFER : SITE_EXIT);
		if (leaves && in->kind == INSN_JCC && x && !x->refusal) {
			*vec_push(out) = (struct branch){ branch_hole(e, in), NULL, in };
		} else if (to > (i64)first + k && to < (i64)first + count) {
			vec_push(&inner)->insn = (u32)to;
			inner.at[inner.n - 1].hole = branch_hole(e, in);
		} else if (landing) {
			*vec_push(out) = (struct branch){ branch_hole(e, in), landing, NULL };
		} else {
			if (in->may_fault)
				*vec_push(&e->code->fixups) =
					(struct fixup){ asm_here(a), e->entry_rt + in->at };
			asm_relocated(a, e->flow, in, e->entry_rt);
		}
	}
	if (record_at == count)
		emit_record(e, SITE_ENTRY);
	if (goes_on(&e->flow->insns[first + count - 1]))
		jmp_to(a, e->entry_rt + e->flow->insns[first + count - 1].at +
			  e->flow->insns[first + count - 1].size);
	vec_release(&inner);
}

static void emit_window(struct emitter *e, const struct window *w, bool exits)
{
	struct branches out = { 0 };

	piece(e, w->first, w->count, w->entry ? w->record_after : w->count + 1, exits, &out);
	for (size_t i = 0; i < out.n; i++) {
		struct branch b = out.at[i];

		fill(&e->a, b.hole);
		if (b.landing) {
			piece(e, b.landing->first, b.landing->count, b.landing->count + 1, exits,
			      &out);
		} else {
			emit_record(e, SITE_TAIL);
			jmp_to(&e->a, e->entry_rt + (u64)b.tail->target);
		}
	}
	vec_release(&out);
}

/* Where another session's hook at this place leads, or 0. */
static u64 below(const struct layout *l, u64 rt)
{
	for (u32 i = 0; i < l->nbelow; i++)
		if (l->below[i].rt == rt)
			return l->below[i].to_rt;
	return 0;
}

static void add_jump(struct emitter *e, u64 rt, const u8 *was, u64 to, u32 func)
{
	struct jump *j = vec_push(&e->code->jumps);
	i32 rel = (i32)(to - (rt + 5));

	*j = (struct jump){
		.rt = rt, .func = func, .to_rt = to, .size = (u32)(asm_here(&e->a) - to)
	};
	memcpy(j->was, was, 5);
	j->is[0] = 0xe9;
	memcpy(j->is + 1, &rel, sizeof(rel));
}

/* In front of another session's hook, which does what was displaced. */
static void add_jump_over(struct emitter *e, u64 rt, u64 below_rt, u64 to, u32 func)
{
	i32 rel = (i32)(below_rt - (rt + 5));
	u8 was[5] = { 0xe9 };

	memcpy(was + 1, &rel, sizeof(rel));
	add_jump(e, rt, was, to, func);
}

/* Where exits are not wanted the entry's window is enough, unless others lead into it. Windows into
 * which others lead are written last: jumps go out in this order, and are taken back in reverse. */
static void emit_func(struct emitter *e, u32 index, struct arena *scratch)
{
	const struct plan_func *fn = &e->p->funcs[index];
	bool exits = plan_sees_exits(e->p, fn);
	struct flow *flow = ARENA_NEW(scratch, struct flow);
	struct err err;

	if (fn->refusal || !plan_flow(e->p->prog, fn->func, scratch, flow, &err))
		return;
	e->fn = fn;
	e->flow = flow;
	e->index = index;
	e->entry_rt = go_func_va(e->p->prog, fn->func) + e->l->bias;
	e->abi0 = fn->func->assembly;
	if (!few(&fn->entry)) /* tables lie before the trampolines that use them */
		(void)table(e, &fn->entry);
	if (exits && !few(&fn->exit))
		(void)table(e, &fn->exit);
	if (!fn->shown && below(e->l, e->entry_rt)) {
		u64 to = asm_here(&e->a);

		emit_record(e, SITE_ENTRY);
		jmp_to(&e->a, below(e->l, e->entry_rt));
		add_jump_over(e, e->entry_rt, below(e->l, e->entry_rt), to, index);
		return;
	}
	for (u32 pass = 0; pass < 2; pass++)
		for (u32 i = 0; i < fn->patches.nwindows && !e->a.bad; i++) {
			const struct window *w = &fn->patches.windows[i];
			u64 to = asm_here(&e->a);

			if (w->inner != pass ||
			    (!w->entry && !exits && !fn->patches.windows[0].inner))
				continue;
			emit_window(e, w, exits);
			add_jump(e, e->entry_rt + w->at, flow->bytes + w->at, to, index);
			e->code->jumps.at[e->code->jumps.n - 1].inner = w->inner;
			e->code->jumps.at[e->code->jumps.n - 1].may_fault = w->may_fault;
		}
}

/* The windows of the signal handlers come last, behind the fix-ups that they search. */
static bool emit_hooks(struct emitter *e, struct arena *scratch, u64 table_rt, struct err *err)
{
	static const char *const names[] = { "runtime.sigtramp", "runtime.cgoSigtramp" };
	const struct go_program *prog = e->p->prog;

	for (size_t i = 0; i < prog->nfuncs; i++) {
		const struct go_func *f = &prog->funcs[i];
		struct patches pt = { 0 };
		u64 to = asm_here(&e->a);
		struct flow *flow;
		const struct window *w;

		if (!str_eq(f->name, str_of(names[0])) && !str_eq(f->name, str_of(names[1])))
			continue;
		flow = ARENA_NEW(scratch, struct flow);
		if (!plan_flow(prog, f, scratch, flow, err))
			return err_in(err, "%.*s", STR_F(f->name));
		patches_make(&pt, scratch, flow);
		w = &pt.windows[0];
		if (pt.entry)
			return err_set(err, ERR_REFUSED, "%.*s: can't be hooked (%s)",
				       STR_F(f->name), refusal_text(pt.entry));
		e->flow = flow;
		e->entry_rt = go_func_va(prog, f) + e->l->bias;
		sigtramp_hook_emit(&e->a, e->stubs, e->l, to, table_rt, e->code->fixups.n);
		if (below(e->l, e->entry_rt)) {
			jmp_to(&e->a, below(e->l, e->entry_rt));
			asm_new_scope(&e->a);
			add_jump_over(e, e->entry_rt, below(e->l, e->entry_rt), to, NOT_PLANNED);
		} else {
			for (u32 k = 0; k < w->count; k++)
				asm_relocated(&e->a, flow, &flow->insns[k], e->entry_rt);
			jmp_to(&e->a, e->entry_rt + w->size);
			asm_new_scope(&e->a);
			add_jump(e, e->entry_rt, flow->bytes, to, NOT_PLANNED);
		}
		e->code->hooked = true;
	}
	if (!e->code->hooked)
		return err_set(err, ERR_REFUSED,
			       "runtime.sigtramp: not found, so a fault could not be mended");
	return true;
}

bool code_make(struct code *c, const struct plan *p, const struct layout *l, struct err *err)
{
	struct emitter e = { .p = p, .l = l, .code = c };
	struct arena scratch = { 0 };
	u64 table_rt;
	bool ok;

	c->room = CODE_ROOM;
	c->bytes = mmap(NULL, c->room, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->bytes == MAP_FAILED) {
		c->bytes = NULL;
		return err_set(err, ERR_IO,
			       "no memory for generated code (256 MiB of address space)");
	}
	asm_start(&e.a, c->bytes, c->room, l->code_rt);
	stubs_emit(&e.a, &c->stubs, l, p->prog);
	e.stubs = &c->stubs;
	for (u32 i = 0; i < p->nfuncs; i++) {
		emit_func(&e, i, &scratch);
		arena_reset(&scratch);
	}
	while (e.a.n % 8)
		PUT(&e.a, 0xcc);
	table_rt = asm_here(&e.a);
	for (size_t i = 0; i < c->fixups.n; i++) {
		asm_u64(&e.a, c->fixups.at[i].copy_rt);
		asm_u64(&e.a, c->fixups.at[i].original_rt);
	}
	ok = emit_hooks(&e, &scratch, table_rt, err) && asm_ok(&e.a, err);
	c->size = e.a.n;
	arena_release(&scratch);
	map_release(&e.tables);
	return ok;
}

void code_forget(struct code *c)
{
	if (c->bytes)
		munmap(c->bytes, c->room);
	c->bytes = NULL;
}

void code_release(struct code *c)
{
	code_forget(c);
	vec_release(&c->jumps);
	vec_release(&c->fixups);
	*c = (struct code){ 0 };
}
