#include "inline/tracee.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/vec.h"
#include "inline/seize.h"
#include "inline/session.h"

enum {
	ROUNDS = 1000,
	PATIENCE_NS = 1000000000,
	GLANCE_NS = 20000,
	GLANCES = 50,
	HURRY = -15,
	ENDING_MS = 20,
};

/* Threads that were told to stop and could not in time: ptrace lets go of those only that stand. */
static VEC(pid_t) late;

static bool gone(struct err *err, pid_t pid)
{
	return err_set(err, ERR_GONE, "process %d ended while it was being prepared", pid);
}

bool tracee_wait(pid_t tid, int *status)
{
	pid_t got;

	do
		got = waitpid(tid, status, __WALL);
	while (got < 0 && errno == EINTR);
	return got == tid && WIFSTOPPED(*status);
}

/* Our end must be its end until it is traced: PTRACE_TRACEME by an orphan makes init its tracer,
 * and init would never let it go on. Once it is traced, EXITKILL sees to that. */
static bool traced_by(pid_t parent)
{
	return !prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent &&
	       !ptrace(PTRACE_TRACEME, 0, 0, 0) && !prctl(PR_SET_PDEATHSIG, 0);
}

static sigset_t ignored;

void tracee_ignores(const sigset_t *signals)
{
	ignored = *signals;
}

/* The program gets the signals that we were started with: we block none, exec puts our handlers
 * back to the default, and what was ignored is so again. */
static NORETURN void child(const char *path, char **argv, pid_t parent, int report)
{
	int e;

	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&ignored, sig) == 1)
			signal(sig, SIG_IGN);
	if (traced_by(parent))
		execv(path, argv);
	e = errno;
	if (write(report, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

/* Signals may come to it before: they would stop it there for ever. */
static bool run_to_exec(pid_t pid)
{
	int status;

	while (tracee_wait(pid, &status)) {
		if (WSTOPSIG(status) == SIGTRAP)
			return true;
		(void)ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(status));
	}
	return false;
}

static bool auxv_entry(pid_t pid, u64 *entry)
{
	char path[64];
	u64 pair[2];
	bool found = false;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && !found && read(fd, pair, sizeof(pair)) == sizeof(pair))
		if (pair[0] == AT_ENTRY) {
			*entry = pair[1];
			found = true;
		}
	if (fd >= 0)
		close(fd);
	return found;
}

/* Lets the dynamic loader do its work: an int3 at the entry point, taken away again at once. */
static bool run_to_entry(pid_t pid, u64 entry, struct err *err)
{
	struct user_regs_struct regs;
	long word;
	int status, sig = 0;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, entry, 0);
	if (errno || ptrace(PTRACE_POKETEXT, pid, entry, (word & ~0xffl) | 0xcc))
		return gone(err, pid);
	for (;;) {
		if (ptrace(PTRACE_CONT, pid, 0, sig) || !tracee_wait(pid, &status))
			return gone(err, pid);
		sig = WSTOPSIG(status);
		if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
			return gone(err, pid);
		if (sig == SIGTRAP && regs.rip == entry + 1)
			break;
	}
	regs.rip = entry;
	if (ptrace(PTRACE_POKETEXT, pid, entry, word) || ptrace(PTRACE_SETREGS, pid, 0, &regs))
		return gone(err, pid);
	return true;
}

bool tracee_start(const char *path, char **argv, bool interp, pid_t *pid,
		  u64 *entry_rt, struct err *err)
{
	int report[2], e = 0;
	pid_t self = getpid();
	bool begun;
	ssize_t n;

	if (!proc_is_mounted(err))
		return false;
	if (file_is_set_uid(path))
		return err_set(err, ERR_REFUSED,
			       "%s: a set-uid or set-gid program: started under ptrace it would "
			       "run without its rights; trace a copy without that bit", path);
	if (pipe2(report, O_CLOEXEC))
		return err_set(err, ERR_IO, "no pipe: %s", strerror(errno));
	*pid = fork();
	if (*pid < 0) {
		close(report[0]);
		close(report[1]);
		return err_set(err, ERR_IO, "%s: can't start a process: %s", path, strerror(errno));
	}
	if (*pid == 0)
		child(path, argv, self, report[1]);
	close(report[1]);
	begun = run_to_exec(*pid);
	n = begun ? 0 : read(report[0], &e, sizeof(e));
	close(report[0]);
	if (n == sizeof(e) && e == EPERM)
		return err_set(err, ERR_DENIED,
			       "%s: ptrace is not permitted here (goshawk doctor says what "
			       "would permit it)", path);
	if (n == sizeof(e))
		return err_set(err, e == EACCES ? ERR_DENIED : ERR_IO, "%s: can't be started: %s",
			       path, strerror(e));
	if (!begun)
		return gone(err, *pid);
	if (ptrace(PTRACE_SETOPTIONS, *pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD)) {
		tracee_kill(*pid);
		return err_set(err, ERR_DENIED, "%s: ptrace: %s", path, strerror(errno));
	}
	if (!auxv_entry(*pid, entry_rt) || (interp && !run_to_entry(*pid, *entry_rt, err))) {
		tracee_kill(*pid);
		return err->kind ? false : gone(err, *pid);
	}
	return true;
}

void tracee_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
}

static bool known(const struct stopped *st, pid_t tid)
{
	for (size_t i = 0; i < st->n; i++)
		if (st->at[i].tid == tid)
			return true;
	return false;
}

/* Takes the end of a thread that we trace: its process can't end before. That the process itself
 * has ended is for whoever waits for it to learn. */
static void reap(const struct stopped *st, pid_t tid)
{
	int status;

	if (tid != st->pid)
		while (waitpid(tid, &status, __WALL) < 0 && errno == EINTR)
			;
}

void tracee_keep_signal(struct stopped *st, size_t thread, int status)
{
	if (status >> 16)	/* a stop of ptrace's own */
		return;
	if (!st->at[thread].signal)
		st->at[thread].signal = WSTOPSIG(status);
	else
		*vec_push(&st->more) = (struct kept_signal){ st->at[thread].tid, WSTOPSIG(status) };
}

/* Tells a thread to stop, without waiting for it: a hundred of them then stop at once. */
static bool interrupt(struct stopped *st, pid_t tid)
{
	if (!seize(st, tid))
		return false;
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0)) {
		reap(st, tid);
		tid = st->pid;	/* an exec has given it the first thread's number */
		if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) || known(st, tid))
			return false;
	}
	*vec_push(st) = (struct stopped_thread){ .tid = tid };
	return true;
}

/* One that is ending has no program any more, and can't be traced either. */
static bool has_no_program(pid_t pid, pid_t tid)
{
	char path[64], target[16];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/exe", pid, tid);
	return readlink(path, target, sizeof(target)) < 0 && errno != EACCES;
}

/* One that was killed a moment ago still has it. */
static bool has_ended(pid_t pid)
{
	return has_no_program(pid, pid) ||
	       process_status(pid, 0, "ShdPnd", 16, 0) >> (SIGKILL - 1) & 1;
}

/* Has this one come to stand? `ended`: it never will. The end of a process is not taken here. */
static bool stands(struct stopped *st, size_t i, bool *ended)
{
	siginfo_t info = { 0 };

	*ended = waitid(P_PID, (id_t)st->at[i].tid, &info, WSTOPPED | WNOHANG | __WALL);
	if (*ended || !info.si_pid)
		return false;
	/* a signal that arrived first is handed on when the thread goes on */
	tracee_keep_signal(st, i, info.si_status << 8 | 0x7f);
	return true;
}

/* Looks at all that were not seen to stand yet. What ended instead is taken off the list. */
static void look_at_all(struct stopped *st)
{
	bool ended;

	for (size_t i = st->standing; i < st->n;) {
		struct stopped_thread *next = &st->at[st->standing], t;

		if (stands(st, i, &ended)) {
			t = st->at[i];
			st->at[i++] = *next;
			*next = t;
			st->standing++;
		} else if (ended) {
			reap(st, st->at[i].tid);
			st->at[i] = st->at[--st->n];
		} else {
			i++;
		}
	}
}

static pid_t tracer_of(pid_t pid, pid_t tid)
{
	return (pid_t)process_status(pid, tid, "TracerPid", 10, 0);
}

/* Who has not come to stand is the first thread, and it never will. After an exec it is another
 * one that has its number. */
static bool is_ending(const struct stopped *st)
{
	return st->standing + 1 == st->n && st->at[st->standing].tid == st->pid &&
	       (has_ended(st->pid) || tracer_of(st->pid, st->pid) != gettid());
}

/* Waits for those that were told to stop, in whatever order they come: that the first thread has
 * ended is told to nobody, and no exec goes on, before the others are taken. */
static void wait_all(struct stopped *st)
{
	i64 until = now_ns() + PATIENCE_NS;
	unsigned looks = 0;

	for (;;) {
		struct timespec pause = { 0, looks++ < GLANCES ? GLANCE_NS : 50 * GLANCE_NS };

		look_at_all(st);
		if (st->standing == st->n || now_ns() >= until ||
		    (looks > GLANCES && is_ending(st)))
			break;
		if (looks > GLANCES)
			seize_take_ends(st);
		nanosleep(&pause, NULL);
	}
	for (size_t i = st->standing; i < st->n; i++)
		if (tracer_of(st->pid, st->at[i].tid) == gettid())
			*vec_push(&late) = st->at[i].tid;
	st->n = st->standing;
}

/* The first thread's end is told to nobody before its process's other threads are taken away, which
 * are ours: it is not waited for, but looked for. */
bool tracee_wait_among(const struct stopped *st, pid_t tid, int *status)
{
	struct timespec pause = { 0, GLANCE_NS };

	if (tid != st->pid || st->n < 2)
		return tracee_wait(tid, status);
	for (;;) {
		pid_t got = waitpid(tid, status, __WALL | WNOHANG);

		if (got == tid)
			return WIFSTOPPED(*status);
		if ((got < 0 && errno != EINTR) || has_ended(st->pid))
			return false;
		nanosleep(&pause, NULL);
	}
}

bool tracee_failed(pid_t pid, struct err *err)
{
	struct timespec ms = { 0, 1000000 };
	bool ended = false;

	for (unsigned i = 0; i < ENDING_MS && err->kind != ERR_GONE && !ended; i++) {
		if (i)
			nanosleep(&ms, NULL);
		ended = has_ended(pid);
	}
	return ended ? err_set(err, ERR_GONE, "process %d has ended", pid) : false;
}

/* Tells a thread to stop. `tracer`: somebody else has it. False: we may not. */
static bool want(struct stopped *st, pid_t tid, pid_t *tracer)
{
	errno = 0;
	if (interrupt(st, tid) || errno == ESRCH)
		return true;
	*tracer = tracer_of(st->pid, tid);
	if (*tracer == gettid())	/* it has ended: that of a first thread is not taken */
		*tracer = 0;
	return *tracer || has_no_program(st->pid, tid);
}

/* Their list may lack some: where one ends while it is read, the kernel loses its place in it. So
 * they are counted. */
static bool all_stand(const struct stopped *st, const char *list)
{
	struct stat dir;
	bool first_ended = !known(st, st->pid) && has_no_program(st->pid, st->pid);

	return !stat(list, &dir) && dir.st_nlink == 2 + st->n + first_ended;
}

static bool resume(struct stopped *st)
{
	bool all = true;

	for (size_t i = 0; i < st->n; i++) /* one that can't be let go was killed where it stood */
		if (ptrace(PTRACE_DETACH, st->at[i].tid, 0, st->at[i].signal)) {
			reap(st, st->at[i].tid);
			all = false;
		}
	for (size_t i = 0; i < st->more.n; i++)
		syscall(SYS_tgkill, st->pid, st->more.at[i].tid, st->more.at[i].signal);
	vec_release(&st->more);
	vec_release(st);
	st->standing = 0;
	return all;
}

/* One round over the threads. `more`: some do not stand yet. */
static bool interrupt_all(struct stopped *st, bool *more, pid_t *tracer, struct err *err)
{
	bool denied = false, anew;
	char path[64];
	struct dirent *d;
	DIR *dir;

	*tracer = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", st->pid);
	dir = opendir(path);
	if (!dir)
		return err_set(err, ERR_GONE, "process %d has ended", st->pid);
	seize_begin();
	while (!*tracer && (d = readdir(dir))) {
		pid_t tid = (pid_t)strtol(d->d_name, NULL, 10);

		if (tid > 0 && !known(st, tid))
			denied |= !want(st, tid, tracer);
	}
	closedir(dir);
	wait_all(st);
	anew = seize_end() || (known(st, st->pid) && tracer_of(st->pid, st->pid) != gettid());
	*more = anew || !all_stand(st, path);
	if (anew)	/* an exec has taken away what we had */
		resume(st);
	if (anew || st->n || *tracer || late.n)
		return true;
	if (denied)
		return err_set(err, ERR_DENIED, "process %d: ptrace is not permitted (goshawk "
			       "doctor says what would permit it)", st->pid);
	return !has_ended(st->pid) || err_set(err, ERR_GONE, "process %d has ended", st->pid);
}

void tracee_let_late_go(void)
{
	size_t n = 0;

	for (size_t i = 0; i < late.n; i++) {
		int status;
		pid_t got = waitpid(late.at[i], &status, WNOHANG | __WALL);

		if (!got)
			late.at[n++] = late.at[i];
		else if (got > 0 && WIFSTOPPED(status))
			ptrace(PTRACE_DETACH, late.at[i], 0,
			       status >> 16 ? 0 : WSTOPSIG(status));
	}
	late.n = n;
}

static bool all_in_time(pid_t pid, struct err *err)
{
	return !late.n || err_set(err, ERR_IO, "process %d: its thread %d waits in the kernel "
				  "where nothing can stop it (for a disk, or a child that is "
				  "being started); try again when it has come back",
				  pid, late.at[0]);
}

/* While somebody stands still for us we are in a hurry, as far as we may be, and a terminal does
 * not stop us: he would stand as long as we do. */
static void hurry(bool on)
{
	static const int stops[] = { SIGTSTP, SIGTTIN, SIGTTOU };
	static bool hurried;
	static sigset_t before;
	static int nice;
	sigset_t without;

	if (on == hurried)
		return;
	hurried = on;
	if (on) {
		sigemptyset(&without);
		for (size_t i = 0; i < ARRAY_LEN(stops); i++)
			sigaddset(&without, stops[i]);
		sigprocmask(SIG_BLOCK, &without, &before);
		nice = getpriority(PRIO_PROCESS, 0);
	}
	/* a user without rights can't: then it takes longer */
	(void)setpriority(PRIO_PROCESS, 0, on ? MIN(nice, HURRY) : nice);
	if (!on)
		sigprocmask(SIG_SETMASK, &before, NULL);
}

/* All threads or none: another goshawk that comes at the same moment may have got some of them. It
 * holds them for some milliseconds; a debugger does so for ever. */
static bool stop_all(pid_t pid, struct stopped *st, struct err *err)
{
	struct timespec pause = { 0, 1000000 + getpid() % 16 * 100000 }, glance = { 0, GLANCE_NS };
	bool more = true;
	pid_t tracer = 0;

	*st = (struct stopped){ .pid = pid };
	tracee_let_late_go();
	if (!all_in_time(pid, err))
		return false;
	for (unsigned rounds = 0; more && rounds < ROUNDS; rounds++) {
		if (!interrupt_all(st, &more, &tracer, err) || !all_in_time(pid, err)) {
			resume(st);
			return false;
		}
		if (tracer) {
			resume(st);
			nanosleep(&pause, NULL);
			more = true;
		} else if (more) {	/* one that is ending needs a processor for that */
			nanosleep(rounds < GLANCES ? &glance : &pause, NULL);
		}
	}
	if (!more)
		return true;
	resume(st);
	if (!tracer)
		return err_set(err, ERR_REFUSED, "process %d: not all of its threads can be "
			       "stopped (they are made too fast, or some not by us); try again",
			       pid);
	return err_set(err, ERR_DENIED, "process %d: process %d traces it already (a debugger, or "
		       "strace), and only one can; end that first", pid, tracer);
}

bool tracee_stop_all(pid_t pid, struct stopped *st, struct err *err)
{
	bool ok;

	hurry(true);
	ok = stop_all(pid, st, err);
	if (!ok)
		hurry(false);
	return ok || tracee_failed(pid, err);
}

void tracee_resume_all(struct stopped *st)
{
	resume(st);
	hurry(false);
}

bool tracee_let_go(struct stopped *st, struct err *err)
{
	pid_t pid = st->pid;

	return resume(st) || gone(err, pid);
}
