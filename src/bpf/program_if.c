/* --if in the program: marks of calls whose entry was recorded (decide.h), and the steps that
 * decide. Variables lie in the slot. */
#include "bpf/program_impl.h"

/* r1 = where the mark of this call is, r2 = what it is: MARK_DEEP / 8 is 20 bits, and g is an
 * address of 47, on words. */
static void mark_of(struct bpf_code *c, const struct bpf_facts *f, enum label too_deep)
{
	bpf_load(c, BPF_W, R1, R7, SLOT_RECORD + offsetof(struct record_head, depth));
	bpf_jump_imm(c, BPF_JGE, R1, MARK_DEEP, too_deep);
	bpf_op_imm(c, BPF_RSH, R1, 3);
	bpf_load(c, BPF_DW, R2, FP, G);
	bpf_op_imm(c, BPF_LSH, R2, 17);
	bpf_op(c, BPF_OR, R2, R1);
	bpf_store(c, BPF_DW, FP, MARK, R2);
	bpf_imm64(c, R1, 0x9e3779b97f4a7c15u);
	bpf_op(c, BPF_MUL, R2, R1);
	bpf_op_imm(c, BPF_RSH, R2, 64 - MARKS_LOG2);
	bpf_store(c, BPF_W, FP, KEY, R2);
	program_lookup(c, f->marks_fd, too_deep);
	bpf_op(c, BPF_MOV, R1, R0);
	bpf_load(c, BPF_DW, R2, FP, MARK);
}

/* r0 = what was there; if that is this mark, it is taken away. */
static void take_away(struct bpf_code *c)
{
	bpf_op(c, BPF_MOV, R0, R2);
	bpf_op_imm(c, BPF_MOV, R3, 0);
	bpf_atomic(c, BPF_CMPXCHG, R1, 0, R3);
}

/* At the start of a record, when nothing is in doubt yet. */
void program_seek(struct bpf_code *c, const struct bpf_facts *f)
{
	bpf_op_imm(c, BPF_MOV, R1, 0);
	bpf_store(c, BPF_DW, R7, SLOT_UNSURE, R1);
	bpf_load(c, BPF_W, R1, R8, offsetof(struct bpf_site, marks));
	bpf_jump_imm(c, BPF_JNE, R1, MARKS_SEEK, L_SOUGHT);
	mark_of(c, f, L_SOUGHT);
	take_away(c);
	bpf_jump_imm(c, BPF_JEQ, R0, MARK_SHARED, L_SOUGHT);
	bpf_jump_if(c, BPF_JNE, R0, R2, L_RELEASE);
	bpf_label(c, L_SOUGHT);
}

void program_leave(struct bpf_code *c, const struct bpf_facts *f)
{
	bpf_load(c, BPF_W, R1, R8, offsetof(struct bpf_site, marks));
	bpf_jump_imm(c, BPF_JNE, R1, MARKS_LEAVE, L_MARKED);
	mark_of(c, f, L_MARKED);
	bpf_op_imm(c, BPF_MOV, R0, 0);
	bpf_atomic(c, BPF_CMPXCHG, R1, 0, R2);
	bpf_jump_imm(c, BPF_JEQ, R0, 0, L_MARKED);
	bpf_jump_if(c, BPF_JEQ, R0, R2, L_MARKED);
	bpf_store_imm(c, BPF_DW, R1, 0, MARK_SHARED);
	bpf_label(c, L_MARKED);
}

void program_if_kinds(struct bpf_code *c)
{
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_LOAD, L_LOAD);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_COMPUTE, L_DECIDE);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_JUMP, L_DECIDE);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_UNWANTED, L_UNWANTED);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_UNSURE, L_UNSURE);
}

/* dst = the variable with the number in it, as an address behind SLOT_VARS */
static void var_place(struct bpf_code *c, u8 dst)
{
	bpf_op_imm(c, BPF_AND, dst, VARS - 1);
	bpf_op_imm(c, BPF_LSH, dst, 3);
	bpf_op(c, BPF_ADD, dst, R7);
}

/* r2, r3: the operands. */
static void operands(struct bpf_code *c)
{
	bpf_label(c, L_DECIDE);
	bpf_load(c, BPF_B, R2, R8, offsetof(struct bpf_step, reg));
	var_place(c, R2);
	bpf_load(c, BPF_DW, R2, R2, SLOT_VARS);
	bpf_load(c, BPF_B, R3, R8, offsetof(struct bpf_step, other));
	bpf_jump_imm(c, BPF_JGE, R3, VARS, L_CONST);
	var_place(c, R3);
	bpf_load(c, BPF_DW, R3, R3, SLOT_VARS);
	bpf_jump(c, L_OPERANDS);
	bpf_label(c, L_CONST);
	bpf_load(c, BPF_DW, R3, R8, offsetof(struct bpf_step, when));
	bpf_label(c, L_OPERANDS);
	bpf_load(c, BPF_B, R4, R8, offsetof(struct bpf_step, op));
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_COMPUTE, L_COMPUTE);
}

static void step_jump(struct bpf_code *c)
{
	static const u8 jumps[TESTS] = {
		[TEST_EQ] = BPF_JEQ, [TEST_LT] = BPF_JLT, [TEST_LE] = BPF_JLE,
		[TEST_SLT] = BPF_JSLT, [TEST_SLE] = BPF_JSLE,
	};

	bpf_op_imm(c, BPF_MOV, R1, 0);
	for (u32 i = 0; i < TESTS; i++)
		bpf_jump_imm(c, BPF_JEQ, R4, (i32)i, L_TEST + i);
	bpf_jump(c, L_SENSE);
	for (u32 i = 0; i < TESTS; i++) {
		bpf_label(c, L_TEST + i);
		bpf_jump_if(c, jumps[i], R2, R3, L_HOLDS);
		bpf_jump(c, L_SENSE);
	}
	bpf_label(c, L_HOLDS);
	bpf_op_imm(c, BPF_MOV, R1, 1);
	bpf_label(c, L_SENSE);
	bpf_load(c, BPF_B, R2, R8, offsetof(struct bpf_step, sense));
	bpf_jump_if(c, BPF_JEQ, R1, R2, L_SKIP);
	bpf_jump(c, L_LOOP);
}

static void step_compute(struct bpf_code *c)
{
	static const u8 ops[OPS] = {
		[OP_MOV] = BPF_MOV, [OP_ADD] = BPF_ADD, [OP_SUB] = BPF_SUB, [OP_MUL] = BPF_MUL,
		[OP_AND] = BPF_AND, [OP_OR] = BPF_OR, [OP_XOR] = BPF_XOR, [OP_SHL] = BPF_LSH,
		[OP_SHR] = BPF_RSH, [OP_SAR] = BPF_ARSH,
	};

	bpf_label(c, L_COMPUTE);
	for (u32 i = 0; i < OPS; i++)
		bpf_jump_imm(c, BPF_JEQ, R4, (i32)i, L_OP + i);
	bpf_jump(c, L_LOOP);
	for (u32 i = 0; i < OPS; i++) {
		bpf_label(c, L_OP + i);
		bpf_op(c, ops[i], R2, R3);
		bpf_jump(c, L_EXTEND);
	}
}

/* r2 is the result: what lies above its bytes becomes zero, or its sign. */
static void extend(struct bpf_code *c)
{
	bpf_label(c, L_EXTEND);
	bpf_load(c, BPF_B, R3, R8, offsetof(struct bpf_step, drop));
	bpf_op(c, BPF_LSH, R2, R3);
	bpf_load(c, BPF_B, R4, R8, offsetof(struct bpf_step, sense));
	bpf_jump_imm(c, BPF_JNE, R4, 0, L_SIGN);
	bpf_op(c, BPF_RSH, R2, R3);
	bpf_jump(c, L_VAR);
	bpf_label(c, L_SIGN);
	bpf_op(c, BPF_ARSH, R2, R3);
	bpf_label(c, L_VAR);
	bpf_load(c, BPF_B, R1, R8, offsetof(struct bpf_step, reg));
	var_place(c, R1);
	bpf_store(c, BPF_DW, R1, SLOT_VARS, R2);
	bpf_jump(c, L_LOOP);
}

void program_if_steps(struct bpf_code *c, const struct bpf_facts *f)
{
	operands(c);
	step_jump(c);
	step_compute(c);
	bpf_label(c, L_LOAD);
	program_slot_place(c, R2, offsetof(struct bpf_step, at));
	bpf_load(c, BPF_DW, R2, R2, SLOT_RECORD);
	extend(c);
	bpf_label(c, L_UNSURE);
	bpf_op_imm(c, BPF_MOV, R1, 1);
	bpf_store(c, BPF_DW, R7, SLOT_UNSURE, R1);
	bpf_jump(c, L_LOOP);
	bpf_label(c, L_UNWANTED);
	bpf_load(c, BPF_DW, R1, R7, SLOT_UNSURE);
	bpf_jump_imm(c, BPF_JNE, R1, 0, L_LOOP);
	bpf_load(c, BPF_DW, R8, FP, ROW);
	bpf_load(c, BPF_W, R1, R8, offsetof(struct bpf_site, marks));
	bpf_jump_imm(c, BPF_JNE, R1, MARKS_LEAVE, L_RELEASE);
	mark_of(c, f, L_RELEASE);
	take_away(c);			/* of an earlier call, which ended unseen */
	bpf_jump(c, L_RELEASE);
}
