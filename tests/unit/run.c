/* One life of a program: what is kept of what it says, how it ends, and that nothing is left. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "stress/run.h"

Suite *run_suite(void);

enum { SECOND = 1000000000 };

static void begin(struct run *r, const char *script)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };
	struct run_ask ask = { .path = "/bin/sh", .argv = argv };
	struct err err = { 0 };

	ck_assert_msg(run_start(r, &ask, &err), "%s", err.msg);
}

START_TEST(ends_by_itself)
{
	struct run r;

	begin(&r, "echo much talk >&2; exit 3");
	runs_wait(&(struct run *){ &r }, 1, now_ns() + 20ll * SECOND);
	ck_assert(r.over && !r.crashed && !r.stopped);
	ck_assert_int_eq(WEXITSTATUS(r.status), 3);
	ck_assert_uint_eq(r.n, 0);
	run_release(&r);
}
END_TEST

START_TEST(keeps_what_tells_of_a_crash)
{
	struct run r;

	begin(&r, "i=0; while [ $i -lt 20000 ]; do echo a line before $i; i=$((i+1)); done >&2; "
		  "printf 'panic: one\\n\\ngoroutine 1 [running]:\\n' >&2; exit 2");
	runs_wait(&(struct run *){ &r }, 1, now_ns() + 20ll * SECOND);
	ck_assert(r.over && r.crashed && r.ended_ns >= r.began_ns);
	ck_assert(
		str_eq((struct str){ r.text, r.n }, STR("panic: one\n\ngoroutine 1 [running]:\n")));
	run_release(&r);
}
END_TEST

START_TEST(a_crash_that_does_not_end_is_ended)
{
	struct run r;
	i64 began = now_ns();

	begin(&r, "echo 'fatal error: found pointer to free object' >&2; exec sleep 1000");
	runs_wait(&(struct run *){ &r }, 1, began + 20ll * SECOND);
	ck_assert(r.over && r.crashed && !r.stopped);
	ck_assert_int_lt(now_ns() - began, 10ll * SECOND);
	run_release(&r);
}
END_TEST

START_TEST(is_stopped_with_what_it_started)
{
	struct run r;
	pid_t group;

	begin(&r, "sleep 1000 & sleep 1000");
	runs_wait(&(struct run *){ &r }, 1, now_ns() + SECOND / 20);
	ck_assert(!r.over);
	group = r.pid;
	run_stop(&r);
	ck_assert(r.over && r.stopped);
	run_release(&r);
	for (i64 until = now_ns() + 10ll * SECOND; kill(-group, 0) == 0 || errno != ESRCH;)
		ck_assert_int_lt(now_ns(), until);	/* until init has seen to them */
}
END_TEST

static void *reads_slowly(void *fd)
{
	struct timespec pause = { 0, 1000000 };
	char bytes[4096];

	while (read(*(int *)fd, bytes, sizeof(bytes)) > 0)
		nanosleep(&pause, NULL);
	return NULL;
}

/* It is shown to somebody who reads slowly: when we have shown some, there is more. */
static void begin_talk(struct run *r, const char *script)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };
	struct run_ask ask = { .path = "/bin/sh", .argv = argv, .show = true };
	struct err err = { 0 };
	static int to[2];
	pthread_t t;

	ck_assert(!pipe(to) && dup2(to[1], STDERR_FILENO) >= 0);
	ck_assert(!pthread_create(&t, NULL, reads_slowly, to));
	ck_assert_msg(run_start(r, &ask, &err), "%s", err.msg);
}

START_TEST(is_never_silent)
{
	i64 began = now_ns();
	struct run r;

	begin_talk(&r, "exec cat /dev/zero >&2");
	runs_wait(&(struct run *){ &r }, 1, began + SECOND / 4);
	ck_assert(!r.over && !r.crashed);
	run_release(&r);
	ck_assert_int_lt(now_ns() - began, 20ll * SECOND);
}
END_TEST

START_TEST(who_has_left_its_group_is_never_silent)
{
	struct run r;

	begin_talk(&r, "{ setsid sh -c 'echo up; exec cat /dev/zero >&2' & } | read up; exit 3");
	runs_wait(&(struct run *){ &r }, 1, now_ns() + 20ll * SECOND);
	ck_assert(r.over && !r.stopped);
	ck_assert_int_eq(WEXITSTATUS(r.status), 3);
	run_release(&r);
}
END_TEST

START_TEST(several_at_once)
{
	struct run r[3], *all[] = { &r[0], &r[1], &r[2] };
	u32 over = 0;

	begin(&r[0], "exec sleep 1000");
	begin(&r[1], "exit 0");
	begin(&r[2], "echo 'panic: two' >&2; exit 2");
	for (i64 until = now_ns() + 20ll * SECOND; over < 2 && now_ns() < until;) {
		runs_wait(all, 3, until);
		over = r[1].over + r[2].over;
	}
	ck_assert(!r[0].over && r[1].over && r[2].over && r[2].crashed);
	for (u32 i = 0; i < 3; i++)
		run_release(&r[i]);
}
END_TEST

START_TEST(has_processors_and_tells_of_all_goroutines)
{
	struct run r;

	setenv("GOMAXPROCS", "1", 1);
	setenv("GOTRACEBACK", "none", 1);
	begin(&r, "echo panic: $GOMAXPROCS $GOTRACEBACK >&2");
	runs_wait(&(struct run *){ &r }, 1, now_ns() + 20ll * SECOND);
	ck_assert(str_eq((struct str){ r.text, r.n }, STR("panic: 4 all\n")));
	run_release(&r);
}
END_TEST

START_TEST(what_cannot_be_started)
{
	char *argv[] = { "x", NULL };
	struct run_ask ask = { .path = "/nowhere/x", .argv = argv };
	struct err err = { 0 };
	struct run r;

	ck_assert(!run_start(&r, &ask, &err));
	ck_assert_str_eq(err.msg, "/nowhere/x: cannot start it: No such file or directory");
	ask.path = "/etc/passwd";
	ck_assert(!run_start(&r, &ask, &err));
	ck_assert_int_eq(err.kind, ERR_DENIED);
}
END_TEST

Suite *run_suite(void)
{
	Suite *s = suite_create("run");
	TCase *t = tcase_create("run");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, ends_by_itself);
	tcase_add_test(t, keeps_what_tells_of_a_crash);
	tcase_add_test(t, a_crash_that_does_not_end_is_ended);
	tcase_add_test(t, is_stopped_with_what_it_started);
	tcase_add_test(t, is_never_silent);
	tcase_add_test(t, who_has_left_its_group_is_never_silent);
	tcase_add_test(t, several_at_once);
	tcase_add_test(t, has_processors_and_tells_of_all_goroutines);
	tcase_add_test(t, what_cannot_be_started);
	suite_add_tcase(s, t);
	return s;
}
