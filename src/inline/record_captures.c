/* What hangs on the words of a record: as code where there is little of it, or where it runs most;
 * else as a table of steps that a stub runs (stubs.h), which takes less room and more time. Packed
 * texts come last, for they lie behind all that has a place. */
#include "inline/emit.h"
#include "inline/record.h"

enum { IN_LINE = 4 };	/* captures that are worth code of their own */

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
	if (!r->packed)
		lea(a, RDX, R12, (i32)r->at);
	lea(a, R15, R12, (i32)r->status);
	PUT(a, 0x4c, 0x8d, 0x2d);			/* lea r13, [rip+next] */
	after = hole(a);
	jmp_to(a, r->packed ? e->stubs->text_rt : e->stubs->copy_rt);
	fill(a, after);
	fill(a, nil);
	if (none)
		fill(a, none);
}

bool record_has_code(const struct plan_func *fn, const struct reading *r)
{
	u32 n = 0;

	/* these are few, and every request passes them */
	if (fn->role || (fn->extra && !fn->found))
		return true;
	for (u32 i = 0; i < r->nreads; i++) {
		if (r->reads[i].kind == READ_WHEN)
			return false;
		n += r->reads[i].kind >= READ_MEM;
	}
	return n <= IN_LINE;
}

/* Gives the hole of a jump for where the condition does not hold. */
static size_t condition(struct emitter *e, const struct read *r)
{
	struct assembler *a = &e->a;
	u64 value = r->when + (r->when_va ? e->l->bias : 0);

	if (value <= INT32_MAX) {
		op_mem(a, true, 0x81, 7, R12, (i32)r->when_at);	/* cmp qword [r12+…], value */
		asm_u32(a, (u32)value);
	} else {
		mov_imm64(a, RAX, value);
		op_mem(a, true, 0x3b, RAX, R12, (i32)r->when_at);	/* cmp rax, [r12+…] */
	}
	PUT(a, 0x0f, r->when_not ? 0x84 : 0x85);		/* je or jne past */
	return hole(a);
}

/* in: everything kept. Back to `top`, unless that was often enough. */
static void again(struct emitter *e, const struct read *r, u64 top)
{
	struct assembler *a = &e->a;
	size_t done;

	load(a, RCX, R12, (i32)r->len_at);
	PUT(a, 0xb8);					/* mov eax, most */
	asm_u32(a, r->log ? AGAIN_LOG_MOST : AGAIN_MOST);
	PUT(a, 0x48, 0x39, 0xc1);			/* cmp rcx, rax */
	PUT(a, 0x48, 0x0f, 0x47, 0xc8);			/* cmova rcx, rax */
	if (r->log) {
		PUT(a, 0xb8);				/* mov eax, 1 */
		asm_u32(a, 1);
		PUT(a, 0xd3, 0xe0, 0x8d, 0x48, 0xff);	/* shl eax, cl; lea ecx, [rax-1] */
	}
	op_mem(a, true, 0x39, RCX, R12, (i32)r->at);	/* cmp [r12+count], rcx */
	PUT(a, 0x0f, 0x83);				/* jae done */
	done = hole(a);
	op_mem(a, true, 0xff, 0, R12, (i32)r->at);	/* inc qword [r12+count] */
	op_mem(a, true, 0x81, 0, R12, (i32)r->from);	/* add qword [r12+from], elem */
	asm_u32(a, r->elem);
	load(a, R15, R12, SCRATCH_HELD);
	PUT(a, 0xb8);					/* mov eax, end */
	asm_u32(a, MAX(r->at, r->from) + 8);
	op_mem(a, false, 0x3b, RAX, R15, SCRATCH_END);	/* cmp eax, [r15+end] */
	PUT(a, 0x0f, 0x86);				/* jbe top */
	asm_rel32_to(a, top);
	op_mem(a, false, 0x89, RAX, R15, SCRATCH_END);	/* mov [r15+end], eax */
	jmp_to(a, top);
	fill(a, done);
}

/* `top`: where the condition around them is tested. */
static void capture_steps(struct emitter *e, const struct read *r, u32 n, u64 top)
{
	for (u32 i = 0; i < n; i++) {
		u64 here = asm_here(&e->a);
		size_t past;

		if (r[i].kind < READ_MEM || !r[i].size || r[i].packed)
			continue;
		if (r[i].kind == READ_AGAIN) {
			again(e, &r[i], top);
			continue;
		}
		if (r[i].kind != READ_WHEN) {
			capture_step(e, &r[i]);
			continue;
		}
		past = condition(e, &r[i]);
		capture_steps(e, &r[i + 1], r[i].size, here);
		fill(&e->a, past);
		i += r[i].size;
	}
}

static void table_steps(struct emitter *e, const struct reading *r, bool packed)
{
	struct assembler *a = &e->a;

	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];
		u32 block = 0;

		if (d->packed != packed)
			continue;
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
			asm_u32(a, (d->kind == READ_MEM ? STEP_MEM : packed ? STEP_TEXT :
				    STEP_BYTES) | d->from << 16);
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
		case READ_AGAIN:
			asm_u32(a, STEP_AGAIN | (u32)d->log << 8 | d->from << 16);
			asm_u32(a, d->at | d->len_at << 16);
			asm_u32(a, d->elem | (u32)(d->log ? AGAIN_LOG_MOST : AGAIN_MOST) << 16);
			asm_u32(a, STEP_SIZE * (d->size + 1u));
			break;
		default:
			break;
		}
	}
}

/* The steps as data (stubs.h); one table serves every function whose values have these types. */
u64 record_table(struct emitter *e, const struct reading *r)
{
	struct assembler *a = &e->a;
	u64 *known = map_put(&e->tables, (u64)(uintptr_t)r->reads);

	if (*known)
		return *known;
	while (a->n % 8)
		PUT(a, 0xcc);
	*known = asm_here(a);
	table_steps(e, r, false);
	table_steps(e, r, true);
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
	lea(a, RSI, RSP, r->disp + (i32)e->pushed);
	PUT(a, 0x49, 0x89, 0xe9);			/* mov r9, rbp */
	if (r->disp) {	/* where the function has a frame, that is where it kept the caller's BP */
		lea(a, R8, RSI, -8);
		PUT(a, 0x4d, 0x39, 0xc8);		/* cmp r8, r9 */
		PUT(a, 0x4d, 0x0f, 0x44, 0x08);		/* cmove r9, [r8] */
	}
	PUT(a, 0xb9);					/* mov ecx, most */
	asm_u32(a, r->size / 8);
	PUT(a, 0x4c, 0x8d, 0x2d);			/* lea r13, [rip+back] */
	back = hole(a);
	jmp_to(a, e->stubs->frames_rt);
	fill(a, back);
}

void record_captures(struct emitter *e, const struct reading *r, u64 table_rt)
{
	struct assembler *a = &e->a;
	size_t back;

	for (u32 i = 0; i < r->nreads; i++)
		if (r->reads[i].kind == READ_FRAMES)
			frames(e, &r->reads[i]);
	if (!table_rt) {
		capture_steps(e, r->reads, r->nreads, 0);
		for (u32 i = 0; i < r->nreads; i++)
			if (r->reads[i].packed)
				capture_step(e, &r->reads[i]);
		return;
	}
	PUT(a, 0x48, 0x8d, 0x05);			/* lea rax, [rip+back] */
	back = hole(a);
	load(a, R15, R12, SCRATCH_HELD);
	store(a, RAX, R15, SCRATCH_LINK);
	lea_rip(a, R9, table_rt);
	jmp_to(a, e->stubs->steps_rt);
	fill(a, back);
}

/* Tables lie before the trampolines that use them. */
void record_tables(struct emitter *e, bool exits)
{
	if (!record_has_code(e->fn, &e->fn->entry))
		(void)record_table(e, &e->fn->entry);
	if (exits && !record_has_code(e->fn, &e->fn->exit))
		(void)record_table(e, &e->fn->exit);
}
