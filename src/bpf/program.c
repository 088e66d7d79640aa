#include "bpf/program_impl.h"

#include <asm/ptrace-abi.h>

/* offsets in struct pt_regs */
enum {
	PT_R14 = 8, PT_RBP = 32, PT_RBX = 40, PT_R11 = 48, PT_R10 = 56, PT_R9 = 64, PT_R8 = 72,
	PT_RAX = 80, PT_RCX = 88, PT_RSI = 104, PT_RDI = 112, PT_FLAGS = 144, PT_RSP = 152,
};

/* in the order of ABIInternal, then g */
static const i16 int_regs[] = {
	PT_RAX, PT_RBX, PT_RCX, PT_RDI, PT_RSI, PT_R8, PT_R9, PT_R10, PT_R11, PT_R14,
};

void program_lookup(struct bpf_code *c, int map_fd, enum label none)
{
	bpf_map(c, R1, map_fd);
	bpf_op(c, BPF_MOV, R2, FP);
	bpf_op_imm(c, BPF_ADD, R2, KEY);
	bpf_helper(c, BPF_FUNC_map_lookup_elem);
	bpf_jump_imm(c, BPF_JEQ, R0, 0, none);
}

void program_slot_place(struct bpf_code *c, u8 dst, size_t field)
{
	bpf_load(c, BPF_H, dst, R8, (i16)field);
	bpf_op_imm(c, BPF_AND, dst, RECORD_MAX - 1);
	bpf_op(c, BPF_ADD, dst, R7);
}

/* `n` bytes at r3 of the target to fp + `to`; r0 is 0 if they are there. */
static void read_to_stack(struct bpf_code *c, i32 to, i32 n)
{
	bpf_op(c, BPF_MOV, R1, FP);
	bpf_op_imm(c, BPF_ADD, R1, to);
	bpf_op_imm(c, BPF_MOV, R2, n);
	bpf_helper(c, BPF_FUNC_probe_read_user);
}

/* Is it our process, a site that is on, and a jump that goes the way that counts? */
static void filter(struct bpf_code *c, const struct bpf_facts *f)
{
	bpf_op(c, BPF_MOV, R6, R1);
	if (f->tgid) {
		bpf_helper(c, BPF_FUNC_get_current_pid_tgid);
		bpf_op_imm(c, BPF_RSH, R0, 32);
		bpf_jump_imm(c, BPF_JNE, R0, (i32)f->tgid, L_OUT);
	}
	bpf_op(c, BPF_MOV, R1, R6);
	bpf_helper(c, BPF_FUNC_get_attach_cookie);
	bpf_op(c, BPF_MOV, R9, R0);
	bpf_store_imm(c, BPF_W, FP, KEY, GENERATION);
	program_lookup(c, f->counts_fd, L_OUT);
	bpf_load(c, BPF_DW, R1, R0, 0);
	bpf_op(c, BPF_MOV, R2, R9);
	bpf_op_imm(c, BPF_RSH, R2, COOKIE_ROW_BITS);
	bpf_jump_if(c, BPF_JNE, R1, R2, L_OUT);
	bpf_op_imm(c, BPF_AND, R9, (1 << COOKIE_ROW_BITS) - 1);
	bpf_store(c, BPF_W, FP, KEY, R9);
	bpf_op_imm(c, BPF_MOV, R1, 0);
	bpf_store(c, BPF_DW, FP, SECOND, R1);
	bpf_label(c, L_ROW);
	program_lookup(c, f->sites_fd, L_OUT);
	bpf_op(c, BPF_MOV, R8, R0);
	bpf_store(c, BPF_DW, FP, ROW, R8);
	bpf_op_imm(c, BPF_MOV, R1, 1);
	bpf_atomic(c, BPF_ADD, R8, offsetof(struct bpf_site, hits), R1);
	bpf_load(c, BPF_B, R1, R8, offsetof(struct bpf_site, off));
	bpf_jump_imm(c, BPF_JNE, R1, 0, L_NEXT);
	bpf_load(c, BPF_DW, R1, R6, PT_FLAGS);
	bpf_op(c, BPF_MOV, R2, R1);
	bpf_op_imm(c, BPF_RSH, R2, 7);		/* sign */
	bpf_op(c, BPF_MOV, R3, R1);
	bpf_op_imm(c, BPF_RSH, R3, 11);		/* overflow */
	bpf_op(c, BPF_XOR, R2, R3);
	bpf_op_imm(c, BPF_AND, R2, 1);
	bpf_op_imm(c, BPF_LSH, R2, 15);		/* FLAGS_UNLIKE */
	bpf_op(c, BPF_OR, R1, R2);
	bpf_load(c, BPF_H, R2, R8, offsetof(struct bpf_site, mask));
	bpf_op(c, BPF_AND, R1, R2);
	bpf_load(c, BPF_B, R2, R8, offsetof(struct bpf_site, sense));
	bpf_jump_imm(c, BPF_JNE, R1, 0, L_FLAGS_SET);
	bpf_jump_imm(c, BPF_JNE, R2, 0, L_NEXT);
	bpf_jump(c, L_TAKE);
	bpf_label(c, L_FLAGS_SET);
	bpf_jump_imm(c, BPF_JEQ, R2, 0, L_NEXT);
	bpf_label(c, L_TAKE);
}

static void count_event(struct bpf_code *c)
{
	bpf_op_imm(c, BPF_MOV, R1, 1);
	bpf_atomic(c, BPF_ADD, R8, offsetof(struct bpf_site, events), R1);
}

/* A slot of this processor's that nobody is at. */
static void claim(struct bpf_code *c, const struct bpf_facts *f)
{
	bpf_helper(c, BPF_FUNC_get_smp_processor_id);
	bpf_op_imm(c, BPF_MUL, R0, SLOTS_EACH);
	bpf_op32_imm(c, BPF_MOD, R0, (i32)f->nslots);
	bpf_store(c, BPF_W, FP, KEY, R0);
	bpf_op_imm(c, BPF_MOV, R9, 0);
	bpf_label(c, L_TRY);
	program_lookup(c, f->slots_fd, L_LOST);
	bpf_op_imm(c, BPF_MOV, R1, 1);
	bpf_atomic(c, BPF_XCHG, R0, SLOT_BUSY, R1);
	bpf_jump_imm(c, BPF_JEQ, R1, 0, L_HAVE);
	bpf_load(c, BPF_W, R1, FP, KEY);
	bpf_op_imm(c, BPF_ADD, R1, 1);
	bpf_store(c, BPF_W, FP, KEY, R1);
	bpf_op_imm(c, BPF_ADD, R9, 1);
	bpf_jump_imm(c, BPF_JLT, R9, SLOTS_EACH, L_TRY);
	bpf_jump(c, L_LOST);
	bpf_label(c, L_HAVE);
	bpf_op(c, BPF_MOV, R7, R0);
}

/* An empty record, the registers beside it, and its head. */
static void head(struct bpf_code *c, const struct bpf_facts *f)
{
	enum { AT = SLOT_RECORD };

	for (u32 i = 0; i < ARRAY_LEN(int_regs); i++) {
		bpf_load(c, BPF_DW, R1, R6, int_regs[i]);
		bpf_store(c, BPF_DW, R7, (i16)(SLOT_REGS + 8 * i), R1);
	}
	bpf_load(c, BPF_DW, R1, R6, PT_RSP);
	bpf_store(c, BPF_DW, FP, SP, R1);
	bpf_load(c, BPF_H, R2, R8, offsetof(struct bpf_site, size));
	bpf_jump_imm(c, BPF_JGT, R2, RECORD_MAX, L_RELEASE);
	bpf_op(c, BPF_MOV, R1, R7);
	bpf_op_imm(c, BPF_ADD, R1, SLOT_RECORD);
	bpf_op(c, BPF_MOV, R3, R7);
	bpf_op_imm(c, BPF_ADD, R3, SLOT_ZERO);
	bpf_helper(c, BPF_FUNC_probe_read_kernel);
	bpf_load(c, BPF_W, R1, R8, offsetof(struct bpf_site, site));
	bpf_op_imm(c, BPF_ADD, R1, 1);
	bpf_store(c, BPF_DW, R7, AT + offsetof(struct record_head, commit), R1);
	bpf_load(c, BPF_DW, R3, R6, PT_R14);	/* g */
	bpf_store(c, BPF_DW, FP, G, R3);
	read_to_stack(c, HEAD, MIN(f->g_goid + 8, HEAD_ROOM));
	bpf_jump_imm(c, BPF_JNE, R0, 0, L_NO_G);
	bpf_load(c, BPF_DW, R1, FP, (i16)(HEAD + f->g_goid));
	bpf_store(c, BPF_DW, R7, AT + offsetof(struct record_head, goid), R1);
	bpf_load(c, BPF_DW, R1, FP, HEAD + 8);	/* stack.hi */
	bpf_load(c, BPF_DW, R2, FP, SP);
	bpf_op(c, BPF_SUB, R1, R2);
	bpf_store(c, BPF_W, R7, AT + offsetof(struct record_head, depth), R1);
	bpf_load(c, BPF_DW, R1, FP, G);
	bpf_store(c, BPF_W, R7, AT + offsetof(struct record_head, g), R1);
	bpf_helper(c, BPF_FUNC_ktime_get_ns);
	bpf_store(c, BPF_DW, R7, AT + offsetof(struct record_head, tsc), R0);
}

/* r2 bytes at r3 of the target to where the step says: all of them or none. */
static void copy(struct bpf_code *c, const struct bpf_facts *f)
{
	bpf_label(c, L_COPY);
	bpf_jump_imm(c, BPF_JEQ, R2, 0, L_LOOP);
	bpf_jump_imm(c, BPF_JGT, R2, RECORD_MAX, L_LOOP);
	bpf_load(c, BPF_W, R4, R8, offsetof(struct bpf_step, disp));
	bpf_op_imm(c, BPF_LSH, R4, 32);
	bpf_op_imm(c, BPF_ARSH, R4, 32);
	bpf_op(c, BPF_ADD, R3, R4);
	program_slot_place(c, R1, offsetof(struct bpf_step, at));
	bpf_op_imm(c, BPF_ADD, R1, SLOT_RECORD);
	bpf_store(c, BPF_DW, FP, BYTES, R2);
	bpf_store(c, BPF_DW, FP, FROM, R3);
	bpf_store(c, BPF_DW, FP, TO, R1);
	bpf_helper(c, BPF_FUNC_probe_read_user);
	bpf_jump_imm(c, BPF_JEQ, R0, 0, L_COPIED);
	if (f->sleeps) {	/* a page of the file or of swap that is not there yet */
		bpf_load(c, BPF_DW, R1, FP, TO);
		bpf_load(c, BPF_DW, R2, FP, BYTES);
		bpf_load(c, BPF_DW, R3, FP, FROM);
		bpf_helper(c, BPF_FUNC_copy_from_user);
		bpf_jump_imm(c, BPF_JEQ, R0, 0, L_COPIED);
	}
	bpf_op32_imm(c, BPF_MOV, R2, (i32)CAPTURE_UNREADABLE);
	bpf_jump(c, L_STATUS);
	bpf_label(c, L_COPIED);
	bpf_load(c, BPF_DW, R2, FP, BYTES);
	bpf_label(c, L_STATUS);
	bpf_load(c, BPF_B, R1, R8, offsetof(struct bpf_step, kind));
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_STACK, L_LOOP);
	program_slot_place(c, R1, offsetof(struct bpf_step, status));
	bpf_store(c, BPF_W, R1, SLOT_RECORD, R2);
	bpf_jump(c, L_LOOP);
}

static void step_int(struct bpf_code *c)
{
	static const struct { u8 size; enum label label; u8 width; } forms[] = {
		{ 8, L_INT, BPF_DW }, { 4, L_INT4, BPF_W }, { 2, L_INT2, BPF_H },
		{ 1, L_INT1, BPF_B },
	};

	bpf_label(c, L_INT);
	bpf_load(c, BPF_B, R2, R8, offsetof(struct bpf_step, reg));
	bpf_op_imm(c, BPF_AND, R2, 15);
	bpf_op_imm(c, BPF_LSH, R2, 3);
	bpf_op(c, BPF_ADD, R2, R7);
	bpf_load(c, BPF_DW, R2, R2, SLOT_REGS);
	program_slot_place(c, R1, offsetof(struct bpf_step, at));
	bpf_load(c, BPF_H, R3, R8, offsetof(struct bpf_step, size));
	for (u32 i = 1; i < ARRAY_LEN(forms); i++)
		bpf_jump_imm(c, BPF_JEQ, R3, forms[i].size, forms[i].label);
	for (u32 i = 0; i < ARRAY_LEN(forms); i++) {
		if (i)
			bpf_label(c, forms[i].label);
		bpf_store(c, forms[i].width, R1, SLOT_RECORD, R2);
		bpf_jump(c, L_LOOP);
	}
}

static void step_when(struct bpf_code *c)
{
	bpf_label(c, L_WHEN);
	program_slot_place(c, R2, offsetof(struct bpf_step, from));
	bpf_load(c, BPF_DW, R2, R2, SLOT_RECORD);
	bpf_load(c, BPF_DW, R3, R8, offsetof(struct bpf_step, when));
	bpf_jump_if(c, BPF_JEQ, R2, R3, L_EQUAL);
	bpf_jump_imm(c, BPF_JNE, R1, STEP_WHEN, L_LOOP);
	bpf_jump(c, L_SKIP);
	bpf_label(c, L_EQUAL);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_WHEN, L_LOOP);
	bpf_label(c, L_SKIP);
	bpf_load(c, BPF_W, R1, FP, NEXT);
	bpf_load(c, BPF_H, R2, R8, offsetof(struct bpf_step, size));
	bpf_op(c, BPF_ADD, R1, R2);
	bpf_store(c, BPF_W, FP, NEXT, R1);
	bpf_jump(c, L_LOOP);
}

/* Back to the condition around it, with a word moved on. */
static void step_again(struct bpf_code *c)
{
	bpf_label(c, L_AGAIN);
	program_slot_place(c, R2, offsetof(struct bpf_step, len_at));
	bpf_load(c, BPF_DW, R2, R2, SLOT_RECORD);
	bpf_load(c, BPF_H, R4, R8, offsetof(struct bpf_step, most));
	bpf_jump_if(c, BPF_JLE, R2, R4, L_FEW);
	bpf_op(c, BPF_MOV, R2, R4);
	bpf_label(c, L_FEW);
	bpf_load(c, BPF_B, R3, R8, offsetof(struct bpf_step, reg));
	bpf_jump_imm(c, BPF_JEQ, R3, 0, L_PLAIN);
	bpf_op_imm(c, BPF_AND, R2, 63);
	bpf_op_imm(c, BPF_MOV, R4, 1);
	bpf_op(c, BPF_LSH, R4, R2);
	bpf_op(c, BPF_MOV, R2, R4);
	bpf_op_imm(c, BPF_SUB, R2, 1);
	bpf_label(c, L_PLAIN);
	program_slot_place(c, R1, offsetof(struct bpf_step, at));
	bpf_load(c, BPF_DW, R3, R1, SLOT_RECORD);
	bpf_jump_if(c, BPF_JGE, R3, R2, L_LOOP);
	bpf_op_imm(c, BPF_ADD, R3, 1);
	bpf_store(c, BPF_DW, R1, SLOT_RECORD, R3);
	program_slot_place(c, R1, offsetof(struct bpf_step, from));
	bpf_load(c, BPF_DW, R3, R1, SLOT_RECORD);
	bpf_load(c, BPF_H, R4, R8, offsetof(struct bpf_step, elem));
	bpf_op(c, BPF_ADD, R3, R4);
	bpf_store(c, BPF_DW, R1, SLOT_RECORD, R3);
	bpf_load(c, BPF_W, R1, FP, NEXT);
	bpf_load(c, BPF_H, R2, R8, offsetof(struct bpf_step, size));
	bpf_op(c, BPF_SUB, R1, R2);
	bpf_store(c, BPF_W, FP, NEXT, R1);
	bpf_jump(c, L_LOOP);
}

/* MEM and BYTES: r1 is the kind. */
static void step_behind(struct bpf_code *c)
{
	program_slot_place(c, R3, offsetof(struct bpf_step, from));
	bpf_load(c, BPF_DW, R3, R3, SLOT_RECORD);
	bpf_jump_imm(c, BPF_JEQ, R3, 0, L_LOOP);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_BYTES, L_BYTES);
	bpf_load(c, BPF_H, R2, R8, offsetof(struct bpf_step, size));
	bpf_jump(c, L_COPY);
	bpf_label(c, L_BYTES);
	program_slot_place(c, R2, offsetof(struct bpf_step, len_at));
	bpf_load(c, BPF_DW, R2, R2, SLOT_RECORD);
	bpf_jump_imm(c, BPF_JSLE, R2, 0, L_LOOP);
	bpf_load(c, BPF_H, R4, R8, offsetof(struct bpf_step, most));
	bpf_jump_if(c, BPF_JLE, R2, R4, L_CAP);
	bpf_op(c, BPF_MOV, R2, R4);
	bpf_label(c, L_CAP);
	bpf_load(c, BPF_H, R4, R8, offsetof(struct bpf_step, elem));
	bpf_op(c, BPF_MUL, R2, R4);
	bpf_jump(c, L_COPY);
}

/* r2 goes where the step says, and is counted. Takes r1 and r3. */
static void keep_address(struct bpf_code *c)
{
	program_slot_place(c, R1, offsetof(struct bpf_step, at));
	bpf_store(c, BPF_DW, R1, SLOT_RECORD, R2);
	program_slot_place(c, R1, offsetof(struct bpf_step, status));
	bpf_load(c, BPF_W, R3, R1, SLOT_RECORD);
	bpf_op_imm(c, BPF_ADD, R3, 1);
	bpf_store(c, BPF_W, R1, SLOT_RECORD, R3);
}

/* r2: the address that was taken last. What it says about where the next one lies. */
static void address_taken(struct bpf_code *c, const struct bpf_facts *f)
{
	bpf_label(c, L_TAKEN);
	if (f->bare || f->sigpanic_size) {
		bpf_imm64(c, R4, f->text_rt);
		bpf_op(c, BPF_SUB, R2, R4);
	}
	for (u32 i = 0; f->bare && i < f->bare->n; i++) {
		bpf_op_imm(c, BPF_MOV, R1, (i32)f->bare->at[i].up);
		bpf_jump_imm(c, BPF_JEQ, R2, (i32)f->bare->at[i].return_pc, L_UP);
	}
	if (f->sigpanic_size) {
		bpf_op_imm(c, BPF_SUB, R2, (i32)f->sigpanic_pc);
		bpf_jump_imm(c, BPF_JGT, R2, (i32)f->sigpanic_size, L_LOOP);
		bpf_store_imm(c, BPF_DW, FP, PANICS, 1);
	}
	bpf_jump(c, L_LOOP);
	if (!f->bare || !f->bare->n)	/* the verifier wants no code that nothing leads to */
		return;
	bpf_label(c, L_UP);
	bpf_load(c, BPF_DW, R2, FP, LOWEST);
	bpf_op(c, BPF_ADD, R2, R1);
	bpf_store(c, BPF_DW, FP, BESIDE, R2);
	bpf_jump(c, L_LOOP);
}

/* The return address: at SP, or as far above it as the step says. The chain begins at BP, if that
 * is in the stack of g; where the function has made its frame, BP is where it kept its caller's. */
static void step_frames(struct bpf_code *c, const struct bpf_facts *f)
{
	bpf_label(c, L_FRAMES);
	bpf_store_imm(c, BPF_DW, FP, BESIDE, 0);
	bpf_store_imm(c, BPF_DW, FP, PANICS, 0);
	program_slot_place(c, R1, offsetof(struct bpf_step, at));
	bpf_op_imm(c, BPF_ADD, R1, SLOT_RECORD);
	bpf_op_imm(c, BPF_MOV, R2, 8);
	bpf_load(c, BPF_DW, R3, FP, SP);
	bpf_load(c, BPF_W, R4, R8, offsetof(struct bpf_step, disp));
	bpf_op(c, BPF_ADD, R3, R4);
	bpf_store(c, BPF_DW, FP, FROM, R3);
	bpf_helper(c, BPF_FUNC_probe_read_user);
	program_slot_place(c, R1, offsetof(struct bpf_step, status));
	bpf_store_imm(c, BPF_W, R1, SLOT_RECORD, 1);
	if (f->sigpanic_size)
		bpf_store_imm(c, BPF_W, R1, SLOT_RECORD + 4, 1);
	bpf_load(c, BPF_DW, R1, FP, FROM);
	bpf_load(c, BPF_DW, R2, FP, LO);
	bpf_jump_if(c, BPF_JLT, R1, R2, L_CHAIN_ENDS);
	bpf_load(c, BPF_DW, R2, FP, HI);
	bpf_jump_if(c, BPF_JGE, R1, R2, L_CHAIN_ENDS);
	bpf_op_imm(c, BPF_ADD, R1, 8);
	bpf_store(c, BPF_DW, FP, LOWEST, R1);
	bpf_op_imm(c, BPF_SUB, R1, 16);
	bpf_load(c, BPF_DW, R3, R6, PT_RBP);
	bpf_store(c, BPF_DW, FP, CHAIN, R3);
	bpf_jump_if(c, BPF_JNE, R1, R3, L_BEGIN);
	read_to_stack(c, CHAIN, 8);
	bpf_label(c, L_BEGIN);
	program_slot_place(c, R1, offsetof(struct bpf_step, at));
	bpf_load(c, BPF_DW, R2, R1, SLOT_RECORD);
	address_taken(c, f);
}

/* Not at the next frame, but just behind what was read last. */
static void step_beside(struct bpf_code *c)
{
	bpf_load(c, BPF_DW, R3, FP, BESIDE);
	bpf_jump_imm(c, BPF_JEQ, R3, 0, L_IN_FRAME);
	bpf_load(c, BPF_DW, R2, FP, HI);
	bpf_op_imm(c, BPF_SUB, R2, 16);
	bpf_jump_if(c, BPF_JGT, R3, R2, L_CHAIN_ENDS);
	read_to_stack(c, LINK, 8);
	bpf_jump_imm(c, BPF_JNE, R0, 0, L_CHAIN_ENDS);
	bpf_load(c, BPF_DW, R2, FP, LINK);
	keep_address(c);
	bpf_load(c, BPF_DW, R1, FP, BESIDE);
	bpf_store_imm(c, BPF_DW, FP, BESIDE, 0);
	bpf_load(c, BPF_DW, R3, FP, PANICS);
	bpf_store_imm(c, BPF_DW, FP, PANICS, 0);
	bpf_jump_imm(c, BPF_JNE, R3, 0, L_LOOP);	/* perhaps it is no return address */
	bpf_op_imm(c, BPF_ADD, R1, 8);
	bpf_store(c, BPF_DW, FP, LOWEST, R1);
	bpf_jump(c, L_TAKEN);
}

/* As inline/frames.c: it only climbs, in the stack and on words. */
static void step_frame(struct bpf_code *c)
{
	bpf_label(c, L_FRAME);
	step_beside(c);
	bpf_label(c, L_IN_FRAME);
	bpf_load(c, BPF_DW, R3, FP, CHAIN);
	bpf_load(c, BPF_DW, R2, FP, LOWEST);
	bpf_jump_if(c, BPF_JLT, R3, R2, L_CHAIN_ENDS);
	bpf_load(c, BPF_DW, R2, FP, HI);
	bpf_op_imm(c, BPF_SUB, R2, 16);
	bpf_jump_if(c, BPF_JGT, R3, R2, L_CHAIN_ENDS);
	bpf_op(c, BPF_MOV, R2, R3);
	bpf_op_imm(c, BPF_AND, R2, 7);
	bpf_jump_imm(c, BPF_JNE, R2, 0, L_CHAIN_ENDS);
	bpf_op_imm(c, BPF_ADD, R3, 16);
	bpf_store(c, BPF_DW, FP, LOWEST, R3);
	bpf_op_imm(c, BPF_SUB, R3, 16);
	read_to_stack(c, LINK, 16);
	bpf_jump_imm(c, BPF_JNE, R0, 0, L_CHAIN_ENDS);
	bpf_load(c, BPF_DW, R1, FP, LINK);
	bpf_store(c, BPF_DW, FP, CHAIN, R1);
	bpf_load(c, BPF_DW, R2, FP, LINK + 8);
	keep_address(c);
	bpf_load(c, BPF_DW, R1, FP, PANICS);
	bpf_jump_imm(c, BPF_JEQ, R1, 0, L_TAKEN);
	bpf_load(c, BPF_DW, R1, FP, LOWEST);
	bpf_store(c, BPF_DW, FP, BESIDE, R1);
	bpf_jump(c, L_LOOP);
	bpf_label(c, L_CHAIN_ENDS);
	bpf_op_imm(c, BPF_MOV, R1, 0);		/* below every stack: nor has it a next one */
	bpf_store(c, BPF_DW, FP, CHAIN, R1);
	bpf_store(c, BPF_DW, FP, BESIDE, R1);
	bpf_op_imm(c, BPF_MOV, R1, -1);
	bpf_store(c, BPF_DW, FP, LOWEST, R1);
	bpf_jump(c, L_LOOP);
}

static void steps(struct bpf_code *c, const struct bpf_facts *f)
{
	bpf_load(c, BPF_W, R1, R8, offsetof(struct bpf_site, first));
	bpf_store(c, BPF_W, FP, NEXT, R1);
	bpf_load(c, BPF_H, R2, R8, offsetof(struct bpf_site, nsteps));
	bpf_op(c, BPF_ADD, R1, R2);
	bpf_store(c, BPF_W, FP, END, R1);
	bpf_op_imm(c, BPF_MOV, R9, 0);

	bpf_label(c, L_LOOP);
	if (f->may_leave) {
		bpf_may_leave(c, L_DONE);
	} else {
		bpf_jump_imm(c, BPF_JGE, R9, (i32)f->most_turns, L_DONE);
		bpf_op_imm(c, BPF_ADD, R9, 1);
	}
	bpf_load(c, BPF_W, R1, FP, NEXT);
	bpf_load(c, BPF_W, R2, FP, END);
	bpf_jump_if(c, BPF_JGE, R1, R2, L_DONE);
	bpf_store(c, BPF_W, FP, KEY, R1);
	bpf_op_imm(c, BPF_ADD, R1, 1);
	bpf_store(c, BPF_W, FP, NEXT, R1);
	program_lookup(c, f->steps_fd, L_DONE);
	bpf_op(c, BPF_MOV, R8, R0);
	bpf_load(c, BPF_B, R1, R8, offsetof(struct bpf_step, kind));
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_INT, L_INT);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_STACK, L_STACK);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_WHEN, L_WHEN);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_WHEN_NOT, L_WHEN);
	if (f->goes_back)
		bpf_jump_imm(c, BPF_JEQ, R1, STEP_AGAIN, L_AGAIN);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_FRAME, L_FRAME);
	bpf_jump_imm(c, BPF_JEQ, R1, STEP_FRAMES, L_FRAMES);
	if (f->decides)
		program_if_kinds(c);
	step_behind(c);
	bpf_label(c, L_STACK);
	bpf_load(c, BPF_DW, R3, FP, SP);
	bpf_load(c, BPF_H, R2, R8, offsetof(struct bpf_step, size));
	copy(c, f);
	step_int(c);
	step_when(c);
	if (f->goes_back)
		step_again(c);
	step_frames(c, f);
	step_frame(c);
	if (f->decides)
		program_if_steps(c, f);
	bpf_label(c, L_DONE);
}

static void count(struct bpf_code *c, const struct bpf_facts *f, u32 which, enum label after)
{
	bpf_store_imm(c, BPF_W, FP, KEY, (i32)which);
	program_lookup(c, f->counts_fd, after);
	bpf_op_imm(c, BPF_MOV, R1, 1);
	bpf_atomic(c, BPF_ADD, R0, 0, R1);
	bpf_jump(c, after);
}

/* Nobody is woken: the reader looks by himself, many times a second. */
static void hand_over(struct bpf_code *c, const struct bpf_facts *f)
{
	bpf_load(c, BPF_DW, R8, FP, ROW);
	if (f->decides)
		program_leave(c, f);
	bpf_load(c, BPF_H, R3, R8, offsetof(struct bpf_site, size));
	bpf_jump_imm(c, BPF_JLT, R3, RECORD_HEAD, L_RELEASE);
	bpf_jump_imm(c, BPF_JGT, R3, RECORD_MAX, L_RELEASE);
	bpf_map(c, R1, f->ring_fd);
	bpf_op(c, BPF_MOV, R2, R7);
	bpf_op_imm(c, BPF_ADD, R2, SLOT_RECORD);
	bpf_op_imm(c, BPF_MOV, R4, BPF_RB_NO_WAKEUP);
	bpf_helper(c, BPF_FUNC_ringbuf_output);
	bpf_jump_imm(c, BPF_JEQ, R0, 0, L_RELEASE);
	count(c, f, COUNT_LOST, L_RELEASE);
	bpf_label(c, L_NO_G);
	count(c, f, COUNT_NO_G, L_RELEASE);
	bpf_label(c, L_RELEASE);
	bpf_op_imm(c, BPF_MOV, R1, 0);
	bpf_atomic(c, BPF_XCHG, R7, SLOT_BUSY, R1);
	bpf_jump(c, L_NEXT);
	bpf_label(c, L_LOST);
	count(c, f, COUNT_LOST, L_NEXT);
}

static void next_row(struct bpf_code *c)
{
	bpf_label(c, L_NEXT);		/* of a function that is only `ret`: its exit */
	bpf_load(c, BPF_DW, R8, FP, ROW);
	bpf_load(c, BPF_W, R1, R8, offsetof(struct bpf_site, also));
	bpf_jump_imm(c, BPF_JEQ, R1, 0, L_OUT);
	bpf_load(c, BPF_DW, R2, FP, SECOND);
	bpf_jump_imm(c, BPF_JNE, R2, 0, L_OUT);
	bpf_store(c, BPF_W, FP, KEY, R1);
	bpf_op_imm(c, BPF_MOV, R2, 1);
	bpf_store(c, BPF_DW, FP, SECOND, R2);
	bpf_jump(c, L_ROW);
	bpf_label(c, L_OUT);
	bpf_op_imm(c, BPF_MOV, R0, 0);
	bpf_leave(c);
}

void bpf_program(struct bpf_code *c, const struct bpf_facts *f)
{
	filter(c, f);
	if (f->count_only) {
		count_event(c);
	} else {
		claim(c, f);
		head(c, f);
		if (f->decides)
			program_seek(c, f);
		steps(c, f);
		hand_over(c, f);
	}
	next_row(c);
}

const char *bpf_helper_name(i32 id)
{
	switch (id) {
	case BPF_FUNC_map_lookup_elem: return "map_lookup_elem";
	case BPF_FUNC_get_current_pid_tgid: return "get_current_pid_tgid";
	case BPF_FUNC_get_attach_cookie: return "get_attach_cookie";
	case BPF_FUNC_get_smp_processor_id: return "get_smp_processor_id";
	case BPF_FUNC_probe_read_kernel: return "probe_read_kernel";
	case BPF_FUNC_probe_read_user: return "probe_read_user";
	case BPF_FUNC_copy_from_user: return "copy_from_user";
	case BPF_FUNC_ktime_get_ns: return "ktime_get_ns";
	case BPF_FUNC_ringbuf_output: return "ringbuf_output";
	default: return NULL;
	}
}
