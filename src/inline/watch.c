#include "inline/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "inline/glance.h"

enum {
	KEPT = 4 << 20,		/* of what it says: more is cut at the beginning */
	OPTIONS = PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC,
};

struct run {
	struct watched *w;
	pid_t pid;
	int said, signals;
	int failed;		/* says why it could not be executed */
	sigset_t before;	/* what was blocked when we came */
	bool looked, ended;
};

static NORETURN void child(const char *path, char **argv, const sigset_t *blocked, int go,
			   int said, int failed)
{
	char c;
	int why;

	/* not before it is traced */
	if (read(go, &c, 1) == 1) {
		dup2(said, STDERR_FILENO);
		setenv("GOTRACEBACK", "crash", 1);
		sigprocmask(SIG_SETMASK, blocked, NULL);
		execv(path, argv);
		why = errno;
		if (write(failed, &why, sizeof(why)) < 0)
			_exit(126);
	}
	_exit(127);
}

/* What it says goes on to our stderr. False: there is nothing at the moment. */
static bool pass_on(struct run *r)
{
	char bytes[16384];
	ssize_t n = read(r->said, bytes, sizeof(bytes));

	if (n <= 0)
		return false;
	if (write(STDERR_FILENO, bytes, (size_t)n) < 0)
		errno = 0;	/* nobody reads it */
	if (r->w->said.n > 2 * KEPT) {
		memmove(r->w->said.at, r->w->said.at + r->w->said.n - KEPT, KEPT);
		r->w->said.n = KEPT;
	}
	vec_reserve(&r->w->said, r->w->said.n + (size_t)n);
	memcpy(r->w->said.at + r->w->said.n, bytes, (size_t)n);
	r->w->said.n += (size_t)n;
	return true;
}

/* Does this signal end it: is it one that does, and has it no handler? */
static bool is_deadly(pid_t pid, int signal)
{
	static const int all[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT,
				   SIGQUIT };
	u64 mask = 1ull << (signal - 1);

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i] == signal)
			return !((process_status(pid, 0, "SigCgt", 16, 0) |
				  process_status(pid, 0, "SigIgn", 16, 0)) & mask);
	return false;
}

/* Nothing comes of the first thread where it has ended, as long as others live or their ends have
 * not been taken: the dying one's for example. */
static bool stands(const struct run *r, pid_t tid)
{
	bool first = tid == r->pid;
	int status;
	pid_t got;

	(void)ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	while (!(got = waitpid(tid, &status, __WALL | (first ? WNOHANG : 0)))) {
		if (process_is_zombie(tid))
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return got == tid && WIFSTOPPED(status);
}

/* The others stand still as well; those that have ended meanwhile are left out. */
static bool look(struct run *r, pid_t dying, int signal)
{
	VEC(struct os_thread) threads = { 0 };
	siginfo_t info = { 0 };
	char path[64];
	struct dirent *e;
	bool good;
	DIR *dir;

	if (!thread_look(dying, vec_push(&threads))) {
		vec_release(&threads);
		return false;
	}
	threads.at[0].signal = signal;
	if (!ptrace(PTRACE_GETSIGINFO, dying, 0, &info)) {
		threads.at[0].has_info = true;
		threads.at[0].code = info.si_code;
		threads.at[0].address = (u64)(uintptr_t)info.si_addr;
	}
	snprintf(path, sizeof(path), "/proc/%d/task", r->pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);

		if (tid <= 0 || tid == dying || !stands(r, tid))
			continue;
		if (!thread_look(tid, vec_push(&threads)))
			threads.n--;
	}
	if (dir)
		closedir(dir);
	good = r->w->at_end(r->w->ctx, r->pid, threads.at, threads.n);
	vec_release(&threads);
	return good;
}

static void note_fault(struct watched *w, pid_t tid)
{
	siginfo_t info = { 0 };

	if (!ptrace(PTRACE_GETSIGINFO, tid, 0, &info) && info.si_code > 0 &&
	    thread_look(tid, &w->fault)) {
		w->fault.has_info = true;
		w->fault.code = info.si_code;
		w->fault.address = (u64)(uintptr_t)info.si_addr;
	}
}

static void stopped(struct run *r, pid_t tid, int status)
{
	int signal = WSTOPSIG(status);

	if (status >> 16) {	/* a new thread, exec, our own interruption */
		/* a group stop is kept up */
		if (status >> 16 == PTRACE_EVENT_STOP && signal != SIGTRAP)
			(void)ptrace(PTRACE_LISTEN, tid, 0, 0);
		else
			(void)ptrace(PTRACE_CONT, tid, 0, 0);
		return;
	}
	/* what its handler makes of a fault (a panic) keeps no registers */
	if (signal == SIGSEGV || signal == SIGBUS)
		note_fault(r->w, tid);
	if (!r->looked && is_deadly(r->pid, signal)) {
		r->looked = true;
		while (pass_on(r))
			;
		(void)look(r, tid, signal);
		kill(r->pid, SIGKILL);	/* it is dying: no core, and no second look */
		r->w->signal = signal;
		r->w->status = 128 + signal;
	}
	(void)ptrace(PTRACE_CONT, tid, 0, signal);
}

static void take_changes(struct run *r)
{
	int status;
	pid_t tid;

	while (!r->ended && (tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		if (WIFSTOPPED(status)) {
			stopped(r, tid, status);
		} else if (tid == r->pid) {
			r->ended = true;
			if (r->w->signal)
				continue;
			r->w->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
			r->w->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
							   : WEXITSTATUS(status);
		}
	}
}

/* What would end us would end the program with us, unasked. It has what a terminal sends as well;
 * what somebody sends to us alone it gets from us, for it can't do without us: we read its stderr.
 * Then it ends in its own way, or not. */
static void take_signals(struct run *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL && !r->ended)
			kill(r->pid, (int)info.ssi_signo);
}

static void follow(struct run *r)
{
	struct pollfd fds[2] = { { .fd = r->said, .events = POLLIN },
				 { .fd = r->signals, .events = POLLIN } };

	while (!r->ended) {
		(void)poll(fds, 2, -1);
		take_signals(r);
		while (pass_on(r))
			;
		if (fds[0].revents & (POLLHUP | POLLERR) && !(fds[0].revents & POLLIN))
			fds[0].fd = -1;	/* it has closed its stderr */
		take_changes(r);
	}
	while (pass_on(r))	/* what its children say later is not waited for */
		;
}

static bool begin(struct run *r, const char *path, char **argv, struct err *err)
{
	enum { GO, SAID, FAILED, PIPES };
	int p[PIPES][2];
	bool traced;

	for (int i = 0; i < PIPES; i++) {
		if (!pipe2(p[i], O_CLOEXEC))
			continue;
		err_set(err, ERR_IO, "no pipe: %s", strerror(errno));
		while (i-- > 0)
			close(p[i][0]), close(p[i][1]);
		return false;
	}
	r->pid = fork();
	if (r->pid == 0) {
		close(p[GO][1]);
		child(path, argv, &r->before, p[GO][0], p[SAID][1], p[FAILED][1]);
	}
	close(p[GO][0]), close(p[SAID][1]), close(p[FAILED][1]);
	r->said = p[SAID][0];
	r->failed = p[FAILED][0];
	fcntl(r->said, F_SETFL, O_NONBLOCK);
	traced = r->pid > 0 && !ptrace(PTRACE_SEIZE, r->pid, 0, OPTIONS);
	if (!traced || write(p[GO][1], "", 1) != 1) {
		close(p[GO][1]);
		if (r->pid > 0)
			waitpid(r->pid, NULL, 0);
		close(r->said), close(r->failed);
		return err_set(err, ERR_DENIED,
			       "%s: ptrace is not permitted here (goshawk doctor says what would "
			       "permit it)", path);
	}
	close(p[GO][1]);
	r->w->pid = r->pid;
	return true;
}

/* Asked when it is over: it may be stopped on its way to what it executes. */
static bool has_run(const struct run *r, const char *path, struct err *err)
{
	OWN(image) img = { 0 };
	int why;

	if (read(r->failed, &why, sizeof(why)) != sizeof(why))
		return true;
	/* what it is tells more */
	if ((why == ENOEXEC || why == EACCES) && !image_open(&img, path, err))
		return false;
	return err_set(err, why == EACCES ? ERR_DENIED : why == ENOEXEC ? ERR_FORMAT : ERR_IO,
		       "%s: can't be started: %s", path, strerror(why));
}

static const int signals[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT };

bool watch_run(struct watched *w, char **program, struct err *err)
{
	struct run r = { .w = w };
	struct arena a = { 0 };
	sigset_t taken;
	const char *path;
	bool ok;

	ok = proc_is_mounted(err) && find_program(&a, program[0], &path, err);
	if (ok && file_is_set_uid(path))
		ok = err_set(err, ERR_REFUSED,
			     "%s: a set-uid or set-gid program: watched it would run without its "
			     "rights", path);
	sigemptyset(&taken);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaddset(&taken, signals[i]);
	sigprocmask(SIG_BLOCK, &taken, &r.before);
	r.signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	ok = ok && begin(&r, path, program, err);
	if (ok) {
		follow(&r);
		ok = has_run(&r, path, err);
		close(r.said), close(r.failed);
	}
	r.ended = true;
	take_signals(&r);	/* what came too late for the program does not end us now */
	close(r.signals);
	sigprocmask(SIG_SETMASK, &r.before, NULL);
	arena_release(&a);
	return ok;
}

void watched_release(struct watched *w)
{
	vec_release(&w->said);
}
