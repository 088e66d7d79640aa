#include "stress/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	KEPT = 1 << 20,		/* bytes of stderr */
	SLOW_NS = 2000000000,	/* that a program may take to print its goroutines and end */
	MOST = 64,		/* programs at once */
	AT_ONCE = 16 << 10,	/* bytes of a read */
	READS = 4,		/* of one before others have their turn */
};

bool run_raises_procs(void)
{
	const char *asked = getenv("GOMAXPROCS");

	return (asked ? strtol(asked, NULL, 10) : sysconf(_SC_NPROCESSORS_ONLN)) < RUN_PROCS;
}

/* What a program needs to die of its race: other Ps that go on while one waits; and to say who was
 * there when it did. */
static void environment(void)
{
	if (run_raises_procs())
		setenv("GOMAXPROCS", RUN_PROCS_TEXT, 1);
	setenv("GOTRACEBACK", "all", 1);
}

/* A copy runs for us alone, and nobody else knows of it. Where we are killed (a timeout in CI, too
 * little memory), it must not stay behind and keep the processors busy: it is killed, too. Who has
 * died before this was asked for is no parent any more. */
static bool dies_with(pid_t parent)
{
	return !prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent;
}

static _Noreturn void child(const struct run_ask *a, pid_t parent, int err_fd, int failed_fd)
{
	struct rlimit none = { 0, 0 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), failed;

	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &none);
	environment();
	if (null >= 0 && dies_with(parent) && dup2(null, STDIN_FILENO) >= 0 &&
	    (a->show || dup2(null, STDOUT_FILENO) >= 0) && dup2(err_fd, STDERR_FILENO) >= 0)
		execv(a->path, a->argv);
	failed = errno;
	if (write(failed_fd, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

bool run_start(struct run *r, const struct run_ask *a, struct err *err)
{
	int said[2], failed[2], why = 0;
	pid_t us = getpid();

	*r = (struct run){ .pid = -1, .pid_fd = -1, .err_fd = -1, .show = a->show };
	if (pipe2(said, O_CLOEXEC) < 0)
		return err_set(err, ERR_IO, "cannot make a pipe: %s", strerror(errno));
	if (pipe2(failed, O_CLOEXEC) < 0) {
		close(said[0]), close(said[1]);
		return err_set(err, ERR_IO, "cannot make a pipe: %s", strerror(errno));
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);	/* what it has started is ours to wait for, too */
	r->began_ns = now_ns();
	r->pid = fork();
	if (!r->pid)
		child(a, us, said[1], failed[1]);
	close(said[1]), close(failed[1]);
	r->err_fd = said[0];
	if (r->pid < 0)
		why = errno;
	else if (read(failed[0], &why, sizeof(why)) == sizeof(why))
		waitpid(r->pid, NULL, 0), r->pid = -1;
	close(failed[0]);
	if (why) {
		run_release(r);
		return err_set(err, why == EACCES || why == EPERM ? ERR_DENIED : ERR_IO,
			       "%s: cannot start it: %s", a->path, strerror(why));
	}
	setpgid(r->pid, r->pid);	/* whoever of us comes first */
	fcntl(r->err_fd, F_SETFL, O_NONBLOCK);
	r->pid_fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	return true;
}

/* What does not tell of a crash is dropped, line by line. */
static void drop(struct run *r)
{
	struct str text = { r->text, r->n };
	ptrdiff_t from = crash_begins(text);

	if (from >= 0) {
		r->crashed = true;
		r->ended_ns = now_ns();
	} else {
		from = str_find_last(text, '\n') + 1;
		if (!from && r->n == KEPT)
			from = KEPT;
	}
	r->n -= (size_t)from;
	memmove(r->text, r->text + from, r->n);
}

/* It may write faster than we show or look at it. */
static void listen_to(struct run *r, unsigned reads)
{
	char bytes[AT_ONCE];
	ssize_t got = 1;

	while (reads-- && (got = read(r->err_fd, bytes, sizeof(bytes))) > 0) {
		size_t n = (size_t)got;

		if (r->show && write(STDERR_FILENO, bytes, n) < 0)
			r->show = false;
		if (!r->text)
			r->text = mem_resize(NULL, KEPT);
		n = MIN(n, KEPT - r->n);
		memcpy(r->text + r->n, bytes, n);
		r->n += n;
		if (!r->crashed)
			drop(r);
	}
	if (!got || (got < 0 && errno != EAGAIN && errno != EINTR))
		close(r->err_fd), r->err_fd = -1;
}

/* It, and what it has started: who is killed may still do what he was at, as make the folder of the
 * copy once more, so all of them are waited for. */
static void end_all(struct run *r)
{
	kill(-r->pid, SIGKILL);
	kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &r->status, 0) < 0 && errno == EINTR)
		;
	while (waitpid(-r->pid, NULL, 0) > 0 || errno == EINTR)
		;
	r->over = true;
	if (r->err_fd >= 0)	/* who has left the group may go on writing */
		listen_to(r, KEPT / AT_ONCE);
}

static void reap(struct run *r)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
		return;
	end_all(r);
	if (!r->crashed)
		r->ended_ns = now_ns();
}

void runs_wait(struct run *const *runs, u32 n, i64 until_ns)
{
	for (;;) {
		struct pollfd fds[2 * MOST];
		struct run *of[2 * MOST];
		nfds_t nfds = 0;
		i64 now = now_ns(), until = until_ns;
		bool ended = false, any = false;

		for (u32 i = 0; i < n && i < MOST; i++) {
			struct run *r = runs[i];

			if (r->over)
				continue;
			if (r->crashed && now > r->ended_ns + SLOW_NS)
				run_stop(r);
			reap(r);
			ended |= r->over;
			if (r->over)
				continue;
			any = true;
			if (r->crashed)
				until = MIN(until, r->ended_ns + SLOW_NS + 1);
			if (r->err_fd >= 0)
				of[nfds] = r, fds[nfds++] = (struct pollfd){ r->err_fd, POLLIN, 0 };
			of[nfds] = NULL, fds[nfds++] = (struct pollfd){ r->pid_fd, POLLIN, 0 };
		}
		if (ended || !any || now >= until_ns)
			return;
		if (poll(fds, nfds, (int)((until - now) / 1000000 + 1)) < 0)
			return;		/* a signal: the caller knows whether to go on */
		for (nfds_t i = 0; i < nfds; i++)
			if (of[i] && fds[i].revents)
				listen_to(of[i], READS);
	}
}

void run_stop(struct run *r)
{
	if (r->pid <= 0 || r->over)
		return;
	r->stopped = !r->crashed;
	end_all(r);
	if (!r->ended_ns)
		r->ended_ns = now_ns();
}

void run_release(struct run *r)
{
	run_stop(r);
	if (r->err_fd >= 0)
		close(r->err_fd);
	if (r->pid_fd >= 0)
		close(r->pid_fd);
	mem_free(r->text);
	*r = (struct run){ .pid = -1, .pid_fd = -1, .err_fd = -1 };
}
