#include <check.h>
#include <string.h>

#include "bpf/gen.h"

Suite *bpfasm_suite(void);

static const char *listed(const struct bpf_code *c, struct out *o)
{
	out_memory(o);
	bpf_list(o, c->buf, c->n, NULL, bpf_helper_name);
	out_c(o, 0);
	return o->buf;
}

START_TEST(labels_lead_forward_and_back)
{
	struct bpf_insn buf[8];
	struct bpf_code c;
	struct err err = { 0 };
	OWN(out) o;

	bpf_code_start(&c, buf, ARRAY_LEN(buf));
	bpf_label(&c, 0);
	bpf_jump_imm(&c, BPF_JEQ, 1, 7, 1);
	bpf_op_imm(&c, BPF_ADD, 1, 1);
	bpf_jump(&c, 0);
	bpf_label(&c, 1);
	bpf_leave(&c);
	ck_assert_msg(bpf_code_ok(&c, &err), "%s", err.msg);
	ck_assert_str_eq(listed(&c, &o), "    0  if r1 == 7 goto 3\n"
					 "    1  r1 += 1\n"
					 "    2  goto 0\n"
					 "    3  exit\n");
}
END_TEST

START_TEST(every_form_has_its_text)
{
	struct bpf_insn buf[20];
	struct bpf_code c;
	OWN(out) o;

	bpf_code_start(&c, buf, ARRAY_LEN(buf));
	bpf_op(&c, BPF_MOV, 6, 1);
	bpf_op32_imm(&c, BPF_ARSH, 2, 3);
	bpf_load(&c, BPF_W, 1, 6, 8);
	bpf_store(&c, BPF_DW, 10, -16, 1);
	bpf_store_imm(&c, BPF_B, 7, 0, -1);
	bpf_atomic(&c, BPF_XCHG, 7, 8, 2);
	bpf_atomic(&c, BPF_ADD, 7, 8, 2);
	bpf_map(&c, 1, 5);
	bpf_imm64(&c, 3, 0x123456789abcdef0);
	bpf_helper(&c, BPF_FUNC_ktime_get_ns);
	bpf_helper(&c, 9999);
	bpf_atomic(&c, BPF_CMPXCHG, 1, 0, 2);
	ck_assert_str_eq(listed(&c, &o), "    0  r6 = r1\n"
					 "    1  w2 s>>= 3\n"
					 "    2  r1 = *(u32 *)(r6 + 8)\n"
					 "    3  *(u64 *)(r10 - 16) = r1\n"
					 "    4  *(u8 *)(r7 + 0) = -1\n"
					 "    5  r2 = xchg(*(u64 *)(r7 + 8), r2)\n"
					 "    6  lock *(u64 *)(r7 + 8) += r2\n"
					 "    7  r1 = map 5\n"
					 "    9  r3 = 0x123456789abcdef0\n"
					 "   11  call ktime_get_ns\n"
					 "   12  call 9999\n"
					 "   13  r0 = cmpxchg(*(u64 *)(r1 + 0), r0, r2)\n");
}
END_TEST

START_TEST(without_a_buffer_it_counts)
{
	struct bpf_code c;
	struct err err = { 0 };

	bpf_code_start(&c, NULL, 0);
	bpf_imm64(&c, 1, 1);
	bpf_leave(&c);
	ck_assert(bpf_code_ok(&c, &err));
	ck_assert_uint_eq(c.n, 3);
}
END_TEST

static void expect_bad(const struct bpf_code *c, const char *why)
{
	struct err err = { 0 };

	ck_assert(!bpf_code_ok(c, &err));
	ck_assert_msg(strstr(err.msg, why) != NULL, "%s", err.msg);
}

START_TEST(errors_stick)
{
	static struct bpf_insn buf[40000];
	struct bpf_code c;

	bpf_code_start(&c, buf, 1);
	bpf_leave(&c);
	bpf_leave(&c);
	expect_bad(&c, "does not fit");
	bpf_code_start(&c, buf, 4);
	bpf_jump(&c, 3);
	expect_bad(&c, "label 3 is used and never placed");
	bpf_code_start(&c, buf, 4);
	bpf_label(&c, 1);
	bpf_label(&c, 1);
	expect_bad(&c, "twice");
	bpf_code_start(&c, buf, 4);
	bpf_jump(&c, BPF_LABELS);
	expect_bad(&c, "no number");
	bpf_code_start(&c, buf, 4);
	bpf_op(&c, BPF_MOV, 11, 0);
	expect_bad(&c, "register");
	bpf_code_start(&c, buf, ARRAY_LEN(buf));
	bpf_jump(&c, 0);
	for (u32 i = 0; i < 32768; i++)
		bpf_leave(&c);
	bpf_label(&c, 0);
	expect_bad(&c, "reach");
}
END_TEST

Suite *bpfasm_suite(void)
{
	Suite *s = suite_create("bpfasm");
	TCase *t = tcase_create("assembler");

	tcase_add_test(t, labels_lead_forward_and_back);
	tcase_add_test(t, every_form_has_its_text);
	tcase_add_test(t, without_a_buffer_it_counts);
	tcase_add_test(t, errors_stick);
	suite_add_tcase(s, t);
	return s;
}
