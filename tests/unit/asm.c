#include "code.h"

#include "x86/asm.h"

Suite *asm_suite(void);

static struct arena arena;

static const char *hex(const u8 *p, size_t n)
{
	struct str text = STR("");

	for (size_t i = 0; i < n; i++)
		text = str_fmt(&arena, "%.*s%s%02x", STR_F(text), i ? " " : "", p[i]);
	return str_z(&arena, text);
}

START_TEST(labels_lead_forward_and_back)
{
	u8 buf[64];
	struct assembler a;
	struct err err = { 0 };

	asm_start(&a, buf, sizeof(buf), 0x1000);
	PUT(&a, 0x0f, 0x84); asm_rel32(&a, 1);		/* jz 1 */
	asm_label(&a, 0);
	PUT(&a, 0x90);
	PUT(&a, 0xe9); asm_rel32(&a, 0);		/* jmp 0 */
	asm_label(&a, 1);
	PUT(&a, 0xc3);
	ck_assert(asm_ok(&a, &err));
	ck_assert_str_eq(hex(buf, a.n), "0f 84 06 00 00 00 90 e9 fa ff ff ff c3");
	ck_assert_uint_eq(asm_here(&a), 0x100d);
}
END_TEST

START_TEST(a_new_scope_forgets_labels)
{
	u8 buf[64];
	struct assembler a;
	struct err err = { 0 };

	asm_start(&a, buf, sizeof(buf), 0);
	for (int i = 0; i < 1000; i++) {
		a.n = 0;
		PUT(&a, 0xe9); asm_rel32(&a, 3);
		PUT(&a, 0xcc);
		asm_label(&a, 3);
		asm_new_scope(&a);
	}
	ck_assert(asm_ok(&a, &err));
	ck_assert_str_eq(hex(buf, a.n), "e9 01 00 00 00 cc");
}
END_TEST

START_TEST(without_a_buffer_it_counts)
{
	struct assembler a;
	struct err err = { 0 };

	asm_start(&a, NULL, 0, 0);
	PUT(&a, 1, 2, 3);
	asm_u32(&a, 0);
	asm_u64(&a, 0);
	asm_rel32(&a, 0);
	asm_label(&a, 0);
	asm_rel32_to(&a, 0x7fffffffffff);	/* where the code will lie is not known yet */
	ck_assert(asm_ok(&a, &err));
	ck_assert_uint_eq(a.n, 23);
}
END_TEST

static const char *why_not(const struct assembler *a)
{
	static struct err err;

	ck_assert(!asm_ok(a, &err));
	ck_assert_int_eq(err.kind, ERR_REFUSED);
	return err.msg;
}

START_TEST(errors_stick)
{
	u8 buf[8];
	struct assembler a;

	asm_start(&a, buf, sizeof(buf), 0);
	PUT(&a, 1, 2, 3, 4, 5, 6, 7, 8, 9);
	PUT(&a, 1);
	ck_assert_str_eq(why_not(&a), "generated code: it does not fit into its mapping");

	asm_start(&a, buf, sizeof(buf), 0x1000);
	asm_rel32_to(&a, 0x1004ull + 0x80000000);
	ck_assert_str_eq(why_not(&a),
			 "generated code: a displacement does not reach (more than 2 GiB)");

	asm_start(&a, buf, sizeof(buf), 0);
	asm_rel32(&a, 7);
	ck_assert_str_eq(why_not(&a), "generated code: label 7 is used and never placed");
	asm_new_scope(&a);
	ck_assert_str_eq(why_not(&a), "generated code: a label is used and never placed");

	asm_start(&a, buf, sizeof(buf), 0);
	asm_label(&a, 1);
	asm_label(&a, 1);
	ck_assert_str_eq(why_not(&a), "generated code: a label is placed twice, or has no number");
}
END_TEST

START_TEST(the_farthest_displacements_reach)
{
	u8 buf[8];
	struct assembler a;
	struct err err = { 0 };

	asm_start(&a, buf, sizeof(buf), 0x100000000);
	asm_rel32_to(&a, 0x100000004 + 0x7fffffffull);
	asm_rel32_to(&a, 0x100000008 - 0x80000000ull);
	ck_assert(asm_ok(&a, &err));
	ck_assert_str_eq(hex(buf, a.n), "ff ff ff 7f 00 00 00 80");
}
END_TEST

/* Each instruction stands at the entry of a function at 0x401000 and is moved to 0x501000. */
static const struct {
	const char *what, *was, *is;
} moves[] = {
	{ "add rsp, 16",		"48 83 c4 10", "48 83 c4 10" },
	{ "jbe, short",			"76 10", "0f 86 0c 00 f0 ff" },
	{ "jbe, near",			"0f 86 10 00 00 00", "0f 86 10 00 f0 ff" },
	{ "jmp, short",			"eb 10", "e9 0d 00 f0 ff" },
	{ "jmp, near, backward",	"e9 00 ff ff ff", "e9 00 ff ef ff" },
	{ "mov rax, [rip+16]",		"48 8b 05 10 00 00 00", "48 8b 05 10 00 f0 ff" },
	{ "cmp [rip+16], 0 (an immediate)", "83 3d 10 00 00 00 00", "83 3d 10 00 f0 ff 00" },
	{ "mov [rip+16], imm32",	"48 c7 05 10 00 00 00 01 00 00 00",
					"48 c7 05 10 00 f0 ff 01 00 00 00" },
	{ "vmovdqu ymm0, [rip+16]",	"c5 fe 6f 05 10 00 00 00", "c5 fe 6f 05 10 00 f0 ff" },
	{ "jmp [rax+rcx*8]",		"ff 24 c8", "ff 24 c8" },
	{ "ret",			"c3", "c3" },
};

START_TEST(moved_instructions_lead_where_they_led)
{
	struct flow f = code_flow(&arena, moves[_i].was);
	struct assembler a;
	struct err err = { 0 };
	u8 buf[32];

	asm_start(&a, buf, sizeof(buf), 0x501000);
	asm_relocated(&a, &f, &f.insns[0], 0x401000);
	ck_assert_msg(asm_ok(&a, &err), "%s: %s", moves[_i].what, err.msg);
	ck_assert_msg(!strcmp(hex(buf, a.n), moves[_i].is), "%s: %s, not %s", moves[_i].what,
		      hex(buf, a.n), moves[_i].is);
}
END_TEST

START_TEST(load_bias_is_where_the_entry_runs)
{
	struct flow f = code_flow(&arena, "90 48 8d 05 10 00 00 00");	/* nop; lea rax, [rip+16] */
	struct assembler a;
	struct err err = { 0 };
	u8 buf[32];

	asm_start(&a, buf, sizeof(buf), 0x555555560000);
	asm_relocated(&a, &f, &f.insns[1], 0x555555550000);
	ck_assert(asm_ok(&a, &err));
	ck_assert_str_eq(hex(buf, a.n), "48 8d 05 11 00 ff ff");
}
END_TEST

START_TEST(call_morestack_returns_to_the_original)
{
	struct flow f = code_flow(&arena, "49 3b 66 10 "	/*  0: cmp rsp, [r14+16] */
					  "76 01 "		/*  4: jbe 7 */
					  "c3 "			/*  6: ret */
					  "e8 fc 0f 00 00 "	/*  7: call 0x1008 */
					  "eb f2 ");		/* 12: jmp 0 */
	struct assembler a;
	struct err err = { 0 };
	u8 buf[32];

	asm_start(&a, buf, sizeof(buf), 0x501000);
	asm_relocated(&a, &f, &f.insns[3], 0x401000);
	ck_assert(asm_ok(&a, &err));
	ck_assert_str_eq(hex(buf, a.n), "4c 8d 25 05 00 f0 ff "	/* lea r12, [0x40100c] */
					"41 54 "		/* push r12 */
					"e9 fa 0f f0 ff");	/* jmp 0x402008 */
}
END_TEST

START_TEST(what_cant_move_is_refused)
{
	static const char *const codes[] = { "e8 00 10 00 00 c3", "e3 00 c3", "cc", "0f 05" };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct flow f = code_flow(&arena, codes[i]);
		struct assembler a;
		u8 buf[32];

		asm_start(&a, buf, sizeof(buf), 0x501000);
		asm_relocated(&a, &f, &f.insns[0], 0x401000);
		ck_assert_str_eq(why_not(&a), "generated code: an instruction can't be moved");
	}
}
END_TEST

Suite *asm_suite(void)
{
	Suite *s = suite_create("asm");
	TCase *t = tcase_create("asm");

	tcase_add_test(t, labels_lead_forward_and_back);
	tcase_add_test(t, a_new_scope_forgets_labels);
	tcase_add_test(t, without_a_buffer_it_counts);
	tcase_add_test(t, errors_stick);
	tcase_add_test(t, the_farthest_displacements_reach);
	tcase_add_loop_test(t, moved_instructions_lead_where_they_led, 0, ARRAY_LEN(moves));
	tcase_add_test(t, load_bias_is_where_the_entry_runs);
	tcase_add_test(t, call_morestack_returns_to_the_original);
	tcase_add_test(t, what_cant_move_is_refused);
	suite_add_tcase(s, t);
	return s;
}
