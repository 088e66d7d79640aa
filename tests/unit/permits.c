#include "inline/permits.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct permit *named(const struct permit *p, const char *name)
{
	for (size_t i = 0; i < PERMITS; i++)
		if (!strcmp(p[i].name, name))
			return &p[i];
	ck_abort_msg("no permit %s", name);
}

START_TEST(every_need_says_what_was_found_and_how_to_change_it)
{
	struct permit p[PERMITS];

	permits_probe(p);
	for (size_t i = 0; i < PERMITS; i++) {
		ck_assert_msg(p[i].found[0], "%s", p[i].name);
		ck_assert_msg(p[i].state == PERMIT_YES || p[i].change[0], "%s", p[i].name);
	}
}
END_TEST

START_TEST(no_child_is_left)
{
	struct permit p[PERMITS];

	permits_probe(p);
	ck_assert_int_eq(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
START_TEST(a_limit_on_address_space_is_seen)
{
	struct permit p[PERMITS];

	ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){ 512 << 20, 512 << 20 }), 0);
	permits_probe(p);
	ck_assert_int_eq(named(p, "memory")->state, PERMIT_LIMITED);
	ck_assert_int_eq(named(p, "rings")->state, PERMIT_NO);
}
END_TEST

/* No engine begins without it, whatever ptrace permits. */
START_TEST(without_proc_no_process_is_traced)
{
	static const char *const needs[] = { "launch", "attach", "write_text", "seccomp" };
	char folder[] = "/tmp/goshawk-permits-XXXXXX";
	struct permit p[PERMITS];

	ck_assert(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	if (chroot(".") < 0 && (unshare(CLONE_NEWUSER) < 0 || chroot(".") < 0))
		return;		/* it takes root, or a user namespace */
	permits_probe(p);
	for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
		ck_assert_int_eq(named(p, needs[i])->state, PERMIT_NO);
		ck_assert_str_eq(named(p, needs[i])->change, "mount -t proc proc /proc");
	}
}
END_TEST

/* It is not ptrace that is forbidden then. */
START_TEST(a_limit_on_open_files_is_no_lack_of_rights)
{
	static const char *const needs[] = { "launch", "attach", "write_text" };
	struct permit p[PERMITS];

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 3, 3 }), 0);
	permits_probe(p);
	for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
		ck_assert_int_eq(named(p, needs[i])->state, PERMIT_NO);
		ck_assert(strstr(named(p, needs[i])->change, "ulimit -n"));
	}
}
END_TEST
#endif

START_TEST(a_forbidden_clock_is_seen)
{
	struct permit p[PERMITS];

	ck_assert_int_eq(prctl(PR_SET_TSC, PR_TSC_SIGSEGV), 0);
	permits_probe(p);
	ck_assert_int_eq(named(p, "clock")->state, PERMIT_NO);
	prctl(PR_SET_TSC, PR_TSC_ENABLE);
}
END_TEST

START_TEST(what_runs_a_bpf_program_takes_the_right_to_load_one)
{
	struct permit p[PERMITS];

	if (!getuid())
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	permits_probe(p);
	if (named(p, "bpf")->state == PERMIT_NO)
		ck_assert_int_eq(named(p, "uprobes")->state, PERMIT_NO);
}
END_TEST

Suite *permits_suite(void)
{
	Suite *s = suite_create("permits");
	TCase *t = tcase_create("permits");

	tcase_add_test(t, every_need_says_what_was_found_and_how_to_change_it);
	tcase_add_test(t, no_child_is_left);
#ifndef __SANITIZE_ADDRESS__	/* its shadow memory is beyond any limit, and it reads /proc */
	tcase_add_test(t, a_limit_on_address_space_is_seen);
	tcase_add_test(t, without_proc_no_process_is_traced);
	tcase_add_test(t, a_limit_on_open_files_is_no_lack_of_rights);
#endif
	tcase_add_test(t, a_forbidden_clock_is_seen);
	tcase_add_test(t, what_runs_a_bpf_program_takes_the_right_to_load_one);
	suite_add_tcase(s, t);
	return s;
}
