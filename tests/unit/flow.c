#include "code.h"

Suite *flow_suite(void);

static struct arena arena;

/* First instructions: what kind they are, and what is said about them. */
static const struct {
	const char *what, *hex;
	enum insn_kind kind;
	bool may_fault, fixed;
} kinds[] = {
	{ "nop", "90", INSN_NOP, false, false },
	{ "nop [rax+rax]", "0f 1f 44 00 00", INSN_NOP, false, false },
	{ "nop, two bytes", "66 90", INSN_NOP, false, false },
	{ "xchg r8, rax", "49 90", INSN_PLAIN, false, false },
	{ "pause", "f3 90", INSN_PLAIN, false, false },
	{ "ret", "c3", INSN_RET, false, false },
	{ "ret 16", "c2 10 00", INSN_RET, false, false },
	{ "call", "e8 00 10 00 00", INSN_CALL, false, true },
	{ "call [rdx]", "ff 12", INSN_CALL, true, true },
	{ "jmp out", "e9 00 10 00 00", INSN_TAIL, false, false },
	{ "jmp rcx", "ff e1", INSN_TAIL, false, false },
	{ "jbe out", "0f 86 00 10 00 00", INSN_JCC, false, false },
	{ "jrcxz", "e3 10", INSN_JCC, false, true },
	{ "loop", "e2 10", INSN_JCC, false, true },
	{ "jne, 66 prefix", "66 0f 85 10 00 00 00", INSN_JCC, false, true },
	{ "xbegin", "c7 f8 00 00 00 00", INSN_JCC, false, true },
	{ "int3", "cc", INSN_TRAP, false, true },
	{ "ud2", "0f 0b", INSN_TRAP, false, true },
	{ "hlt", "f4", INSN_TRAP, false, true },
	{ "syscall", "0f 05", INSN_PLAIN, false, true },
	{ "mov rax, [rip+0]", "48 8b 05 00 00 00 00", INSN_PLAIN, false, false },
	{ "mov eax, [eip+0]", "67 8b 05 00 00 00 00", INSN_PLAIN, false, true },
	{ "mov rax, [rsp+8]", "48 8b 44 24 08", INSN_PLAIN, false, false },
	{ "mov [rsp+rcx*8], rax", "48 89 04 cc", INSN_PLAIN, true, false },
	{ "mov rax, [r12+8]", "49 8b 44 24 08", INSN_PLAIN, true, false },
	{ "mov rax, [rsp+r12*8]", "4a 8b 04 e4", INSN_PLAIN, true, false },
	{ "mov rax, [rbp-8]", "48 8b 45 f8", INSN_PLAIN, true, false },
	{ "mov rax, [rbx]", "48 8b 03", INSN_PLAIN, true, false },
	{ "lea rax, [rbx+8]", "48 8d 43 08", INSN_PLAIN, false, false },
	{ "mov r14, fs:[-8]", "64 4c 8b 34 25 f8 ff ff ff", INSN_PLAIN, false, false },
	{ "mov rax, [0x1000]", "48 8b 04 25 00 10 00 00", INSN_PLAIN, true, false },
	{ "mov al, [64-bit address]", "a0 00 10 00 00 00 00 00 00", INSN_PLAIN, true, false },
	{ "push rbp", "55", INSN_PLAIN, false, false },
	{ "push [rax]", "ff 30", INSN_PLAIN, true, false },
	{ "rep movsq", "f3 48 a5", INSN_PLAIN, true, false },
	/* shares its name with movs */
	{ "movsd xmm0, xmm1", "f2 0f 10 c1", INSN_PLAIN, true, false },
	{ "rep stosq", "f3 48 ab", INSN_PLAIN, true, false },
	{ "idiv rcx", "48 f7 f9", INSN_PLAIN, true, false },
	{ "imul rax, rcx", "48 0f af c1", INSN_PLAIN, false, false },
	{ "prefetcht0 [rax]", "0f 18 08", INSN_PLAIN, false, false },
	{ "vmovups ymm0, [rsp+32]", "c5 fc 10 44 24 20", INSN_PLAIN, false, false },
	{ "vmovups ymm0, [r12+32]", "c4 c1 7c 10 44 24 20", INSN_PLAIN, true, false },
	{ "vmovups zmm0, [rsp+64]", "62 f1 7c 48 10 44 24 01", INSN_PLAIN, false, false },
	{ "vmovups zmm0, [r12+64]", "62 d1 7c 48 10 44 24 01", INSN_PLAIN, true, false },
	{ "vpgatherdd xmm0, [rsp+xmm4], xmm1", "c4 e2 71 90 04 24", INSN_PLAIN, true, false },
	{ "vmaskmovdqu xmm0, xmm1", "c5 f9 f7 c1", INSN_PLAIN, true, false },
};

START_TEST(kinds_and_dangers)
{
	struct flow f = code_flow(&arena, kinds[_i].hex);
	const struct insn *i = &f.insns[0];

	ck_assert_msg(f.n == 1 && i->kind == kinds[_i].kind, "%s: kind %d", kinds[_i].what,
		      i->kind);
	ck_assert_msg(i->may_fault == kinds[_i].may_fault, "%s: may_fault %d", kinds[_i].what,
		      i->may_fault);
	ck_assert_msg(i->relocatable == !kinds[_i].fixed, "%s: relocatable %d", kinds[_i].what,
		      i->relocatable);
}
END_TEST

static const char *targets(const struct flow *f)
{
	static char text[256];
	size_t n = 0;

	text[0] = 0;
	for (u32 k = 0; k < f->n; k++)
		if (f->insns[k].is_target)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u%s", n ? " " : "",
					      f->insns[k].at,
					      f->insns[k].indirect_target ? "*" : "");
	return text;
}

START_TEST(branches_calls_and_their_returns_make_targets)
{
	struct flow f = code_flow(&arena,
		"49 3b 66 10 "			/*  0: cmp rsp, [r14+16] */
		"76 0e "			/*  4: jbe 20 */
		"55 "				/*  6: push rbp */
		"48 85 c0 "			/*  7: test rax, rax */
		"74 06 "			/* 10: je 18 */
		"ff d1 "			/* 12: call rcx */
		"0f 1f 40 00 "			/* 14: nop */
		"5d "				/* 18: pop rbp */
		"c3 "				/* 19: ret */
		"e8 e7 0f 00 00 "		/* 20: call 0x1000 */
		"eb e5 "			/* 25: jmp 0 */
		"/ cc cc cc cc cc");

	ck_assert_str_eq(targets(&f), "0 14* 18 20 25*");
	ck_assert(f.insns[0].entry_target && !f.unresolved);
	ck_assert_uint_eq(f.size, 27);
	ck_assert_uint_eq(f.padding, 5);
	ck_assert_int_eq(flow_find(&f, 18), 7);
	ck_assert_int_eq(flow_find(&f, 13), -1);
	ck_assert_int_eq(flow_find(&f, 27), -1);
	ck_assert_int_eq(flow_find(&f, -1), -1);
	/* the only call that can be moved is morestack's */
	ck_assert(!f.insns[5].relocatable && f.insns[9].relocatable);
}
END_TEST

START_TEST(padding_ends_at_the_next_function)
{
	ck_assert_uint_eq(code_flow(&arena, "c3 / cc cc 55 cc").padding, 2);
	ck_assert_uint_eq(code_flow(&arena, "c3").padding, 0);
}
END_TEST

START_TEST(a_recovered_panic_arrives_at_deferreturn)
{
	struct flow_input in = code_input(&arena,
		"48 83 ec 08 "			/*  0: sub rsp, 8 */
		"48 83 c4 08 "			/*  4: add rsp, 8 */
		"c3 "				/*  8: ret */
		"e8 f2 0f 00 00 "		/*  9: call deferreturn */
		"48 83 c4 08 "			/* 14: add rsp, 8 */
		"c3 "				/* 18: ret */
		"cc ", NULL);
	struct flow f;
	struct err err = { 0 };

	in.deferreturn = 9;
	ck_assert(flow_make(&f, &arena, &in, &err));
	ck_assert_str_eq(targets(&f), "9* 14*");
	for (u32 k = 0; k < f.n; k++)
		ck_assert_msg(f.insns[k].after_deferreturn ==
			      (f.insns[k].at == 14 || f.insns[k].at == 18), "at %u", f.insns[k].at);
	in.deferreturn = 10;	/* inside of the call: the tables lie */
	ck_assert(flow_make(&f, &arena, &in, &err));
	ck_assert(f.unresolved);
}
END_TEST

/* Without open-coded defers each way out calls it; the function table names the first. */
START_TEST(each_call_of_deferreturn_counts)
{
	struct flow_input in = code_input(&arena,
		"90 "				/*  0: nop */
		"e8 fa 0f 00 00 "		/*  1: call deferreturn */
		"c3 "				/*  6: ret */
		"e8 00 20 00 00 "		/*  7: call another */
		"c3 "				/* 12: ret */
		"e8 ee 0f 00 00 "		/* 13: call deferreturn */
		"c3 ", NULL);			/* 18: ret */
	struct flow f;
	struct err err = { 0 };

	in.deferreturn = 1;
	ck_assert(flow_make(&f, &arena, &in, &err));
	for (u32 k = 0; k < f.n; k++)
		ck_assert_msg(f.insns[k].after_deferreturn ==
			      (f.insns[k].at == 6 || f.insns[k].at == 18),
			      "at %u", f.insns[k].at);
}
END_TEST

static const char table_code[] =
	"48 8d 0d f9 ff 00 00 "		/*  0: lea rcx, [TABLE_VA] */
	"48 89 c2 "			/*  7: mov rdx, rax */
	"ff 24 d1 "			/* 10: jmp [rcx+rdx*8] */
	"90 "				/* 13: nop */
	"c3 "				/* 14: ret */
	"90 "				/* 15: nop */
	"c3 ";				/* 16: ret */

START_TEST(jump_tables_end_where_the_function_ends)
{
	struct code_table t = {
		{ CODE_VA + 15, CODE_VA + 14, CODE_VA + 14, CODE_VA + 4096, CODE_VA + 13 }, 5
	};
	struct flow_input in = code_input(&arena, table_code, &t);
	struct flow f;
	struct err err = { 0 };

	ck_assert(flow_make(&f, &arena, &in, &err));
	ck_assert(!f.unresolved);
	ck_assert_int_eq(f.insns[2].kind, INSN_TABLE);
	ck_assert_str_eq(targets(&f), "14* 15*");
}
END_TEST

START_TEST(a_table_that_is_none_leaves_the_jump_unresolved)
{
	struct code_table t = { { CODE_VA + 1 }, 1 };	/* no instruction begins there */
	struct flow_input in = code_input(&arena, table_code, &t);
	struct flow f;
	struct err err = { 0 };

	ck_assert(flow_make(&f, &arena, &in, &err));
	ck_assert(f.unresolved);
}
END_TEST

/* Jumps through registers and memory that end a function, or go who knows where. */
static const struct {
	const char *what, *hex;
	bool unresolved;
} jumps[] = {
	{ "jmp rcx in a wrapper without a frame", "48 8b 08 48 8b 40 08 ff e1", false },
	{ "jmp [rip+x] in a stub", "ff 25 00 10 00 00", false },
	{ "jmp r11", "4d 8b 18 41 ff e3", false },
	{ "jmp r13, which an exit's code takes", "4c 8b 28 41 ff e5", true },
	{ "jmp [r13]", "4c 8b 28 41 ff 65 00", true },
	{ "jmp rcx behind push", "55 ff e1", true },
	{ "jmp rcx behind sub rsp", "48 83 ec 08 ff e1", true },
	{ "jmp rcx behind lea rsp", "48 8d 64 24 f8 ff e1", true },
	{ "jmp rcx where its own code's address is taken", "48 8d 0d 02 00 00 00 ff e1 c3", true },
	{ "a branch into an instruction", "eb 01 48 89 d8 c3", true },
	{ "a call of the next instruction", "e8 00 00 00 00 58 c3", false },
};

START_TEST(indirect_jumps)
{
	struct flow f = code_flow(&arena, jumps[_i].hex);

	ck_assert_msg(f.unresolved == jumps[_i].unresolved, "%s", jumps[_i].what);
}
END_TEST

START_TEST(addresses_of_own_code_are_targets)
{
	/* lea rax, [8]; nop; nop; ret */
	struct flow f = code_flow(&arena, "48 8d 05 01 00 00 00 90 90 c3");

	ck_assert_str_eq(targets(&f), "8*");
}
END_TEST

START_TEST(bytes_that_are_no_instruction)
{
	static const char *const codes[] = { "90 06 c3", "48", "e8 00 00", "90 0f" };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct flow_input in = code_input(&arena, codes[i], NULL);
		struct flow f;
		struct err err = { 0 };

		ck_assert(!flow_make(&f, &arena, &in, &err));
		ck_assert_int_eq(err.kind, ERR_UNSUPPORTED);
		/* people read on behind them */
		in.listing = true;
		ck_assert(flow_make(&f, &arena, &in, &err));
		ck_assert_int_eq(f.insns[i == 0 || i == 3].kind, INSN_BYTE);
		ck_assert(i || (f.n == 3 && f.insns[1].size == 1 && f.insns[2].kind == INSN_RET));
	}
}
END_TEST

START_TEST(a_size_past_the_bytes_is_malformed)
{
	struct flow_input in = code_input(&arena, "90 c3", NULL);
	struct flow f;
	struct err err = { 0 };

	in.size = 3;
	ck_assert(!flow_make(&f, &arena, &in, &err));
	ck_assert_int_eq(err.kind, ERR_FORMAT);
}
END_TEST

/* Stack checks: how many instructions they are. All branches lead to the last one. */
static const struct {
	const char *what, *hex;
	u32 n;
} checks[] = {
	{ "small frame", "49 3b 66 10 76 01 c3 c3", 2 },
	{ "small frame, near jump", "49 3b 66 10 0f 86 01 00 00 00 c3 c3", 2 },
	{ "small frame, g0's guard", "49 3b 66 18 76 01 c3 c3", 2 },
	{ "large frame, disp8", "4c 8d 64 24 80 4d 3b 66 10 76 01 c3 c3", 3 },
	{ "large frame, disp32", "4c 8d a4 24 00 ff ff ff 4d 3b 66 10 0f 86 01 00 00 00 c3 c3", 3 },
	{ "huge frame", "49 89 e4 49 81 ec 00 20 00 00 72 07 4d 3b 66 10 76 01 c3 c3", 5 },
	{ "huge frame, near jumps",
	  "49 89 e4 49 81 ec 00 20 00 00 0f 82 0b 00 00 00 4d 3b 66 10 0f 86 01 00 00 00 c3 c3",
	  5 },
	{ "assembly", "64 4c 8b 34 25 f8 ff ff ff 49 3b 66 10 76 01 c3 c3", 3 },
	{ "assembly, large frame",
	  "64 4c 8b 34 25 f8 ff ff ff 4c 8d 64 24 80 4d 3b 66 10 76 01 c3 c3", 4 },
	{ "assembly in a PIE", "49 c7 c6 f8 ff ff ff 64 4d 8b 36 49 3b 66 10 76 01 c3 c3", 4 },
	{ "assembly in a PIE of the system's linker",
	  "4c 8b 35 61 69 2b 03 64 4d 8b 36 4c 8d a4 24 f8 fa ff ff 4d 3b 66 10 76 01 c3 c3", 5 },
	{ "a NOP before the jump", "49 3b 66 10 90 76 01 c3 c3", 3 },
	{ "no check", "48 39 c3 76 01 c3 c3", 0 },
	{ "another word of g", "49 3b 66 20 76 01 c3 c3", 0 },
	{ "ja", "49 3b 66 10 77 01 c3 c3", 0 },
	{ "backward", "49 3b 66 10 76 fa c3", 0 },
	{ "huge frame without its first jump",
	  "49 89 e4 49 81 ec 00 20 00 00 4d 3b 66 10 76 01 c3 c3", 0 },
	{ "the function ends", "49 3b 66 10", 0 },
};

START_TEST(stack_checks)
{
	struct flow f = code_flow(&arena, checks[_i].hex);
	struct str bytes = { (const char *)f.bytes, f.size };

	ck_assert_msg(stack_check_of(&f) == checks[_i].n, "%s: %u", checks[_i].what,
		      stack_check_of(&f));
	ck_assert_msg(!checks[_i].n || stack_check_begins(bytes), "%s", checks[_i].what);
}
END_TEST

/* They are told from other code by their first bytes, and by fewer not at all. */
START_TEST(first_bytes_of_no_stack_check)
{
	static const char *const none[] = {
		"48 39 c3 76 01 c3", "49 3b 66 20 76 01 c3", "49 3b 66", "",
		"64 4c 8b 34 25 f8 ff ff ff 48 85 c0 c3", "4c 8d 64 24 80 48 85 c0 c3",
		"49 89 e4 c3", "49 c7 c6 f8 ff ff ff 49 3b 66 10",
	};

	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		struct flow_input in = code_input(&arena, none[i], NULL);

		ck_assert_msg(!stack_check_begins(in.bytes), "%s", none[i]);
	}
}
END_TEST

Suite *flow_suite(void)
{
	Suite *s = suite_create("flow");
	TCase *t = tcase_create("flow");

	tcase_add_loop_test(t, kinds_and_dangers, 0, ARRAY_LEN(kinds));
	tcase_add_test(t, branches_calls_and_their_returns_make_targets);
	tcase_add_test(t, padding_ends_at_the_next_function);
	tcase_add_test(t, a_recovered_panic_arrives_at_deferreturn);
	tcase_add_test(t, each_call_of_deferreturn_counts);
	tcase_add_test(t, jump_tables_end_where_the_function_ends);
	tcase_add_test(t, a_table_that_is_none_leaves_the_jump_unresolved);
	tcase_add_loop_test(t, indirect_jumps, 0, ARRAY_LEN(jumps));
	tcase_add_test(t, addresses_of_own_code_are_targets);
	tcase_add_test(t, bytes_that_are_no_instruction);
	tcase_add_test(t, a_size_past_the_bytes_is_malformed);
	tcase_add_loop_test(t, stack_checks, 0, ARRAY_LEN(checks));
	tcase_add_test(t, first_bytes_of_no_stack_check);
	suite_add_tcase(s, t);
	return s;
}
