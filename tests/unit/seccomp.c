/* Filters as programs write them, and what they say of calls that goshawk would inject. */
#include <check.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "inline/seccomp.h"

Suite *seccomp_suite(void);

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARG(n)                                                                                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (n))
#define IF(op, k, yes, no) BPF_JUMP(BPF_JMP | (op) | BPF_K, k, yes, no)
#define RET(k) BPF_STMT(BPF_RET | BPF_K, k)

static u32 run(const struct sock_filter *code, size_t n, long nr, int prot)
{
	u64 args[6] = { 0, 4096, (u64)prot, MAP_PRIVATE | MAP_ANONYMOUS };

	return seccomp_run(code, n, nr, args);
}

START_TEST(a_list_of_what_is_allowed)
{
	static const struct sock_filter code[] = {
		LOAD(arch), IF(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0), RET(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr), IF(BPF_JEQ, SYS_mmap, 2, 0), IF(BPF_JEQ, SYS_madvise, 1, 0),
		RET(SECCOMP_RET_ERRNO | 1), RET(SECCOMP_RET_ALLOW),
	};

	ck_assert_uint_eq(run(code, ARRAY_LEN(code), SYS_mmap, PROT_READ), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(run(code, ARRAY_LEN(code), SYS_madvise, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(run(code, ARRAY_LEN(code), SYS_memfd_create, 0), SECCOMP_RET_ERRNO | 1);
}
END_TEST

START_TEST(memory_that_is_written_is_not_executed)
{
	static const struct sock_filter code[] = {
		LOAD(nr), IF(BPF_JEQ, SYS_mmap, 1, 0), RET(SECCOMP_RET_ALLOW),
		LOAD_ARG(2), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
		IF(BPF_JEQ, PROT_WRITE | PROT_EXEC, 0, 1), RET(SECCOMP_RET_ERRNO | 1),
		RET(SECCOMP_RET_ALLOW),
	};

	ck_assert_uint_eq(run(code, ARRAY_LEN(code), SYS_mmap, PROT_READ | PROT_EXEC),
			  SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(run(code, ARRAY_LEN(code), SYS_mmap, PROT_WRITE | PROT_EXEC),
			  SECCOMP_RET_ERRNO | 1);
}
END_TEST

/* Where a call will be made is not known when we ask. */
START_TEST(the_place_of_a_call_is_not_guessed)
{
	static const struct sock_filter code[] = {
		LOAD(nr), IF(BPF_JEQ, SYS_close, 0, 1), RET(SECCOMP_RET_ALLOW),
		LOAD(instruction_pointer), IF(BPF_JEQ, 0, 0, 1), RET(SECCOMP_RET_ALLOW),
		RET(SECCOMP_RET_ALLOW),
	};

	ck_assert_uint_eq(run(code, ARRAY_LEN(code), SYS_close, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(run(code, ARRAY_LEN(code), SYS_mmap, 0), SECCOMP_RET_KILL_PROCESS);
}
END_TEST

START_TEST(registers_memory_and_arithmetic)
{
	static const struct sock_filter code[] = {
		LOAD(nr), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_IMM, 7), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 28),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2), BPF_STMT(BPF_LDX | BPF_MEM, 3),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1), RET(SECCOMP_RET_LOG),
		RET(SECCOMP_RET_TRAP),
	};

	ck_assert_uint_eq(run(code, ARRAY_LEN(code), SYS_close, 0), SECCOMP_RET_LOG);
}
END_TEST

static const struct sock_filter wrong[][2] = {
	{ LOAD(nr), LOAD(nr) },							/* no end */
	{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET(SECCOMP_RET_ALLOW) },	/* past the data */
	{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET(SECCOMP_RET_ALLOW) },	/* not aligned */
	{ BPF_STMT(BPF_ST, 16), RET(SECCOMP_RET_ALLOW) },			/* no such word */
	{ BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(SECCOMP_RET_ALLOW) },
	{ BPF_STMT(BPF_JMP | BPF_JA, 0x7fffffff), RET(SECCOMP_RET_ALLOW) },
};

START_TEST(what_the_kernel_would_not_take_permits_nothing)
{
	ck_assert_uint_eq(run(wrong[_i], 2, SYS_mmap, 0), SECCOMP_RET_KILL_PROCESS);
}
END_TEST

Suite *seccomp_suite(void)
{
	Suite *s = suite_create("seccomp");
	TCase *t = tcase_create("filters");

	tcase_add_test(t, a_list_of_what_is_allowed);
	tcase_add_test(t, memory_that_is_written_is_not_executed);
	tcase_add_test(t, the_place_of_a_call_is_not_guessed);
	tcase_add_test(t, registers_memory_and_arithmetic);
	tcase_add_loop_test(t, what_the_kernel_would_not_take_permits_nothing, 0, ARRAY_LEN(wrong));
	suite_add_tcase(s, t);
	return s;
}
