/* Stopping processes of many threads, whatever these do meanwhile. */
#include <check.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "inline/tracee.h"

Suite *tracee_suite(void);

enum { SECOND = 1000000000, THREADS = 200, STACK = 64 << 10 };

static void *waits(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* Makes another one, and ends. */
static void *goes_on_in_another(void *arg)
{
	pthread_attr_t alone;
	pthread_t t;

	pthread_attr_init(&alone);
	pthread_attr_setdetachstate(&alone, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&t, &alone, goes_on_in_another, NULL))
		_exit(1);
	return arg;
}

static NORETURN void child(unsigned n, void *(*does)(void *), int up)
{
	pthread_attr_t small;
	pthread_t t;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&t, &small, does, NULL))
			_exit(1);
	if (write(up, "", 1) == 1)
		waits(NULL);
	_exit(1);
}

static pid_t with_threads(unsigned n, void *(*does)(void *))
{
	int up[2];
	char byte;
	pid_t pid;

	ck_assert(!pipe(up));
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		child(n, does, up[1]);
	close(up[1]);
	ck_assert_int_eq(read(up[0], &byte, 1), 1);
	close(up[0]);
	return pid;
}

struct killer {
	pthread_t thread;
	pid_t pid;
	i64 at_ns;
};

static void *kills(void *arg)
{
	const struct killer *k = arg;

	while (now_ns() < k->at_ns)
		;
	kill(k->pid, SIGKILL);
	return NULL;
}

/* Whenever it comes: whoever waits for its end is not kept waiting. */
START_TEST(killed_while_it_is_stopped)
{
	for (unsigned turn = 0; turn < 60; turn++) {
		struct killer k = { .pid = with_threads(THREADS, waits) };
		struct err err = { 0 };
		struct stopped st;
		i64 began = now_ns();
		bool ok;

		k.at_ns = began + turn * 50000;
		ck_assert(!pthread_create(&k.thread, NULL, kills, &k));
		ok = tracee_stop_all(k.pid, &st, &err);
		if (ok)
			tracee_resume_all(&st);
		ck_assert(ok || err.kind == ERR_GONE || err.kind == ERR_DENIED);
		ck_assert_int_eq(waitpid(k.pid, NULL, 0), k.pid);
		ck_assert_int_lt(now_ns() - began, SECOND);
		pthread_join(k.thread, NULL);
	}
}
END_TEST

static bool stands(pid_t pid, long tid)
{
	char path[64], state = 'X';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%ld/stat", pid, tid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	if (f)
		fclose(f);
	return strchr("tZX", state);
}

static void all_stand(pid_t pid)
{
	struct dirent *d;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	ck_assert(dir != NULL);
	while ((d = readdir(dir)))
		ck_assert_msg(stands(pid, strtol(d->d_name, NULL, 10)), "%s runs", d->d_name);
	closedir(dir);
}

static i64 *exec_at;	/* shared with the child */

static void *becomes_another_program(void *arg)
{
	while (now_ns() < __atomic_load_n(exec_at, __ATOMIC_ACQUIRE))
		;
	execl("/bin/sleep", "sleep", "1000", NULL);
	return arg;
}

static void *the_last_execs(void *arg)
{
	static unsigned n;
	pthread_t t;

	if (__atomic_add_fetch(&n, 1, __ATOMIC_RELAXED) == THREADS &&
	    pthread_create(&t, NULL, becomes_another_program, NULL))
		_exit(1);
	return waits(arg);
}

/* Who execs holds off ptrace, and waits for the ends of threads that we have. */
START_TEST(it_execs_while_it_is_stopped)
{
	exec_at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(exec_at != MAP_FAILED);
	for (unsigned turn = 0; turn < 60; turn++) {
		struct err err = { 0 };
		struct stopped st;
		i64 began;
		pid_t pid;

		*exec_at = INT64_MAX;
		pid = with_threads(THREADS, the_last_execs);
		began = now_ns();
		__atomic_store_n(exec_at, began + turn * 50000, __ATOMIC_RELEASE);
		if (tracee_stop_all(pid, &st, &err)) {
			all_stand(pid);
			tracee_resume_all(&st);
		}
		ck_assert_int_lt(now_ns() - began, SECOND);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	}
}
END_TEST

START_TEST(while_threads_come_and_go)
{
	pid_t pid = with_threads(4, goes_on_in_another);

	for (unsigned turn = 0; turn < 2000; turn++) {
		struct err err = { 0 };
		struct stopped st;

		if (!tracee_stop_all(pid, &st, &err)) {
			ck_assert_msg(err.kind == ERR_DENIED, "%s", err.msg);
			break;
		}
		all_stand(pid);
		tracee_resume_all(&st);
	}
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

Suite *tracee_suite(void)
{
	Suite *s = suite_create("tracee");
	TCase *c = tcase_create("tracee");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, killed_while_it_is_stopped);
	tcase_add_test(c, while_threads_come_and_go);
	tcase_add_test(c, it_execs_while_it_is_stopped);
	suite_add_tcase(s, c);
	return s;
}
