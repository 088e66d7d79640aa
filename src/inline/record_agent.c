/* The call of the agent (propagate.h), as part of a record. */
#include "inline/emit.h"
#include "inline/record.h"
#include "plan/extra.h"

/* What trace contexts have to do with this record (propagate.h): all but the two registers that are
 * saved here are kept by the caller, or by C. A signal handler has none of these functions in it;
 * should one come in between nonetheless, the stack is taken. */
void record_call_agent(struct emitter *e, const struct reading *r, enum site_kind kind,
		       unsigned nobody)
{
	struct assembler *a = &e->a;
	size_t busy, none = 0;

	if (e->fn->role == PROPAGATE_LINE) {	/* most lines are no traceparent */
		op_mem(a, false, 0x83, 7, R12, (i32)(r->hook_at + EXTRA_STATUS));
		PUT(a, 0x00, 0x0f, 0x84);		/* cmp dword [r12+status], 0; je none */
		none = hole(a);
	}
	load(a, R15, R12, SCRATCH_HELD);
	PUT(a, 0x4c, 0x89, 0xfa);			/* mov rdx, r15 */
	PUT(a, 0x48, 0x81, 0xe2);			/* and rdx, -4096: the ring */
	asm_u32(a, (u32)-4096);
	PUT(a, 0x45, 0x31, 0xed);			/* xor r13d, r13d */
	op_mem(a, true, 0xff, 0, RDX, RING_AGENT);	/* inc qword [rdx+agent] */
	op_mem(a, true, 0x83, 7, RDX, RING_AGENT);	/* cmp qword [rdx+agent], 1 */
	PUT(a, 0x01);
	PUT(a, 0x0f, 0x85);				/* jne busy */
	busy = hole(a);
	store(a, R10, R15, SCRATCH_CALL);
	store(a, R11, R15, SCRATCH_CALL + 8);
	PUT(a, 0x49, 0x89, 0xe5);			/* mov r13, rsp */
	lea(a, RSP, RDX, RING_SCRATCH);
	lea_rip(a, RDI, e->l->near_rt + NEAR_PROPAGATE);
	PUT(a, 0x4c, 0x89, 0xe6);			/* mov rsi, r12 */
	PUT(a, 0x4d, 0x89, 0xe8);			/* mov r8, r13 */
	mov_imm64(a, RCX, agent_how(e->fn->role, kind, r));
	mov_imm64(a, R9, agent_keys(r));
	PUT(a, 0xe8);					/* call */
	asm_rel32_to(a, e->stubs->agent_rt);
	PUT(a, 0x4c, 0x89, 0xec);			/* mov rsp, r13 */
	PUT(a, 0x41, 0x89, 0xc5);			/* mov r13d, eax */
	load(a, R10, R15, SCRATCH_CALL);
	load(a, R11, R15, SCRATCH_CALL + 8);
	PUT(a, 0x4c, 0x89, 0xfa);			/* mov rdx, r15 */
	PUT(a, 0x48, 0x81, 0xe2);			/* and rdx, -4096 */
	asm_u32(a, (u32)-4096);
	fill(a, busy);
	op_mem(a, true, 0xff, 1, RDX, RING_AGENT);	/* dec qword [rdx+agent] */
	if (record_may_be_unneeded(e->fn)) {
		PUT(a, 0x45, 0x84, 0xed);		/* test r13b, r13b */
		jcc(a, CC_NE, nobody);
	}
	if (none)
		fill(a, none);
}

void record_ask_for(struct emitter *e)
{
	struct assembler *a = &e->a;
	u8 role = e->fn->role;

	if (e->abi0 || !(role >= PROPAGATE_SPAN && role <= PROPAGATE_ASK))
		return;
	_Static_assert(sizeof(struct propagate_goroutines) == 128, "it is shifted");
	load(a, R13, R12, offsetof(struct record_head, goid));
	PUT(a, 0x41, 0x83, 0xe5, GOROUTINE_SETS_NEAR - 1);	/* and r13d, sets - 1 */
	PUT(a, 0x41, 0xc1, 0xe5, 7);				/* shl r13d, 7 */
	lea_rip(a, R15, e->l->near_rt + NEAR_PROPAGATE +
			offsetof(struct propagate, goroutines_near));
	PUT(a, 0x43, 0x0f, 0x0d, 0x0c, 0x2f);			/* prefetchw [r15+r13] */
}

/* A record is lost: the agent has to know. */
void record_lost(struct emitter *e)
{
	struct assembler *a = &e->a;

	if (!e->fn->role)
		return;
	PUT(a, 0xf0, 0x48, 0xff, 0x05);			/* lock inc qword [lost] */
	asm_rel32_to(a, e->l->near_rt + NEAR_PROPAGATE + offsetof(struct propagate, lost));
}
