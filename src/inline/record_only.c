/* Calls that are not recorded at all: decided before anything is written, by what stands in
 * registers and at SP. */
#include <string.h>

#include "go/release.h"
#include "inline/emit.h"
#include "inline/record.h"
#include "plan/extra.h"
#include "plan/sender.h"

/* To `skip` where the text that is returned begins as none of those that are asked for: most header
 * lines are of no interest, and there are many. */
static void only_if_begins(struct emitter *e, unsigned skip, unsigned begins)
{
	struct assembler *a = &e->a;
	const struct plan_extra *x = e->fn->alone;
	unsigned at = abi_regs[x->reg], n = abi_regs[x->reg + 1];

	PUT(a, (u8)(0x48 | n >> 3), 0x83, (u8)(0xf8 | (n & 7)), 0x08);
	jcc(a, CC_L, skip);				/* cmp n, 8; jl skip */
	load(a, R13, at, 0);
	for (size_t i = 0; i < x->nonly; i++) {
		u64 head;

		if (strlen(x->only[i]) < sizeof(head)) {
			PUT(a, 0x45, 0x89, 0xef);	/* mov r15d, r13d */
			PUT(a, 0x41, 0x81, 0xe7);	/* and r15d, three bytes */
			asm_u32(a, 0xffffff);
			PUT(a, 0x41, 0x81, 0xff);	/* cmp r15d, … */
			asm_u32(a, (u32)(u8)x->only[i][0] | (u32)(u8)x->only[i][1] << 8 |
				   (u32)(u8)x->only[i][2] << 16);
		} else {
			memcpy(&head, x->only[i], sizeof(head));
			mov_imm64(a, R15, head);
			PUT(a, 0x4d, 0x39, 0xfd);	/* cmp r13, r15 */
		}
		jcc(a, CC_E, begins);
	}
	jmp(a, skip);
	asm_label(a, begins);
}

/* To `skip` where somebody else calls than those who are meant: the return address is what SP
 * points to, at the entry as at the exits. */
static void only_from_caller(struct emitter *e, unsigned skip)
{
	struct assembler *a = &e->a;
	size_t found[CALLERS_MOST];
	u32 last = e->fn->ncallers - 1;

	for (u32 i = 0; i <= last; i++) {
		const struct plan_caller *by = &e->fn->callers[i];

		load(a, R13, RSP, (i32)e->pushed);
		mov_imm64(a, R15, by->lo_va + e->l->bias);
		PUT(a, 0x4d, 0x29, 0xfd);		/* sub r13, r15 */
		PUT(a, 0x49, 0x81, 0xfd);		/* cmp r13, size */
		asm_u32(a, (u32)(by->hi_va - by->lo_va));
		if (i == last)
			break;
		PUT(a, 0x0f, 0x82);			/* jb found */
		found[i] = hole(a);
	}
	jcc(a, CC_AE, skip);
	for (u32 i = 0; i < last; i++)
		fill(a, found[i]);
}

/* To `skip` where the goroutine that is made, or has ended, begins where those do that are not
 * wanted. newproc1 is given a closure, whose first word is where it begins, and returns the g. */
static void only_if_told(struct emitter *e, enum site_kind kind, unsigned skip, unsigned told)
{
	struct assembler *a = &e->a;
	bool made = e->fn->hook == HOOK_NEWPROC1;

	if (made && kind == SITE_ENTRY) {
		PUT(a, 0x48, 0x85, 0xc0);		/* test rax, rax */
		jcc(a, CC_E, told);
		load(a, R13, RAX, 0);
	} else {
		load(a, R13, made ? RAX : R14, e->p->prog->rel->g_startpc);
	}
	for (u32 i = 0; i < e->p->nquiet; i++) {
		mov_imm64(a, R15, e->p->quiet_va[i] + e->l->bias);
		PUT(a, 0x4d, 0x39, 0xfd);		/* cmp r13, r15 */
		jcc(a, CC_E, skip);
	}
	asm_label(a, told);
}

/* To `skip` where the text in two registers is none of the names. */
static void only_if_named(struct emitter *e, unsigned skip, unsigned begins)
{
	struct assembler *a = &e->a;
	const struct plan_extra *x = e->fn->named;
	unsigned at = abi_regs[x->reg], n = abi_regs[x->reg + 1];

	for (size_t i = 0; i < x->nnames; i++) {
		size_t size = strlen(x->names[i]), next;
		u32 head = 0;

		memcpy(&head, x->names[i], MIN(size, sizeof(head)));
		PUT(a, (u8)(0x48 | n >> 3), 0x83, (u8)(0xf8 | (n & 7)), (u8)size, 0x0f, 0x85);
		next = hole(a);				/* cmp n, size; jne next */
		if (size < sizeof(head))
			PUT(a, 0x66);
		op_mem(a, false, 0x81, 7, at, 0);	/* cmp dword [at], head */
		if (size < sizeof(head))
			PUT(a, (u8)head, (u8)(head >> 8));
		else
			asm_u32(a, head);
		jcc(a, CC_E, begins);
		fill(a, next);
	}
	jmp(a, skip);
	asm_label(a, begins);
}

/* To `skip` while every header block was one that a server answers with: nothing goes into those.
 * What begins a request's, on this goroutine, has said so before. */
static void only_if_sent(struct emitter *e, unsigned skip)
{
	struct assembler *a = &e->a;

	PUT(a, 0x83, 0x3d);				/* cmp dword [streams], 0 */
	asm_rel32_tail(a, e->l->near_rt + NEAR_PROPAGATE + offsetof(struct propagate, streams), 1);
	PUT(a, 0x00);
	jcc(a, CC_E, skip);
}

void record_if_found(struct emitter *e, const struct reading *r, unsigned nobody)
{
	struct assembler *a = &e->a;
	const struct plan_extra *x = e->fn->extra;
	size_t found[HEADERS];
	u32 n = 0;

	for (u32 k = 0; k < x->nonly; k++) {
		op_mem(a, false, 0x83, 7, R12, (i32)(r->hook_at + extra_value_at(x, k) - 8));
		PUT(a, 0x00);				/* cmp dword [r12+status], 0 */
		if (k + 1 == x->nonly) {
			jcc(a, CC_E, nobody);
			break;
		}
		PUT(a, 0x0f, 0x85);			/* jne found */
		found[n++] = hole(a);
	}
	while (n)
		fill(a, found[--n]);
}

void record_only(struct emitter *e, enum site_kind kind, unsigned skip, unsigned begins)
{
	if (e->p->nquiet && !e->abi0 && kind != SITE_TAIL &&
	    (e->fn->hook == HOOK_NEWPROC1 || e->fn->hook == HOOK_GOEXIT1))
		only_if_told(e, kind, skip, begins);
	if (e->fn->alone && e->fn->alone->nonly && kind != SITE_TAIL)
		only_if_begins(e, skip, begins);
	if (e->fn->ncallers)
		only_from_caller(e, skip);
	if (e->fn->named && kind == SITE_ENTRY)
		only_if_named(e, skip, begins);
	if (e->fn->role == PROPAGATE_BLOCK)
		only_if_sent(e, skip);
}
