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
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/vec.h"
#include "inline/session.h"

static bool gone(struct err *err, pid_t pid)
{
	return err_set(err, ERR_GONE, "process %d ended while it was being prepared", pid);
}

/* Waits for the next stop of a thread. */
static bool wait_stop(pid_t tid, int *status)
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

/* The program gets the signals that we were started with: we block none, and exec puts our handlers
 * back to the default. */
static NORETURN void child(const char *path, char **argv, pid_t parent, int fd, int report)
{
	int e;

	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
	if (traced_by(parent))
		execv(path, argv);
	e = errno;
	if (write(report, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
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
		if (ptrace(PTRACE_CONT, pid, 0, sig) || !wait_stop(pid, &status))
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

bool tracee_start(const char *path, char **argv, bool interp, int keep_fd, pid_t *pid,
		  u64 *entry_rt, struct err *err)
{
	int report[2], status, e = 0;
	pid_t self = getpid();
	ssize_t n;

	if (pipe2(report, O_CLOEXEC))
		return err_set(err, ERR_IO, "no pipe: %s", strerror(errno));
	*pid = fork();
	if (*pid < 0) {
		close(report[0]);
		close(report[1]);
		return err_set(err, ERR_IO, "%s: can't start a process: %s", path, strerror(errno));
	}
	if (*pid == 0)
		child(path, argv, self, keep_fd, report[1]);
	close(report[1]);
	n = read(report[0], &e, sizeof(e));
	close(report[0]);
	if (n == sizeof(e)) {
		waitpid(*pid, &status, 0);
		if (e == EPERM)
			return err_set(err, ERR_DENIED,
				       "%s: ptrace is not permitted here (goshawk doctor says what "
				       "would permit it)",
				       path);
		return err_set(err, e == EACCES ? ERR_DENIED : ERR_IO, "%s: can't be started: %s",
			       path, strerror(e));
	}
	if (!wait_stop(*pid, &status))
		return gone(err, *pid);
	if (ptrace(PTRACE_SETOPTIONS, *pid, 0, PTRACE_O_EXITKILL)) {
		tracee_kill(*pid);
		return err_set(err, ERR_DENIED, "%s: ptrace: %s", path, strerror(errno));
	}
	if (!auxv_entry(*pid, entry_rt) || (interp && !run_to_entry(*pid, *entry_rt, err))) {
		tracee_kill(*pid);
		return err->kind ? false : gone(err, *pid);
	}
	return true;
}

bool tracee_let_go(pid_t pid, struct err *err)
{
	if (ptrace(PTRACE_DETACH, pid, 0, 0))
		return gone(err, pid);
	return true;
}

void tracee_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
}

bool tracee_syscall(pid_t pid, int mem_fd, u64 scratch_rt, long nr, const u64 args[6], i64 *result,
		    struct err *err)
{
	static const u8 code[] = { 0x0f, 0x05, 0xcc };	/* syscall; int3 */
	struct user_regs_struct old, regs;
	u8 was[sizeof(code)];
	int status;

	if (ptrace(PTRACE_GETREGS, pid, 0, &old) ||
	    !mem_read(mem_fd, scratch_rt, was, sizeof(was)) ||
	    !mem_write(mem_fd, pid, scratch_rt, code, sizeof(code)))
		return gone(err, pid);
	regs = old;
	regs.rip = scratch_rt;
	regs.rax = (u64)nr;
	regs.orig_rax = (u64)-1;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	do {	/* a signal that comes now is dropped with the stop: the program has not started */
		if (ptrace(PTRACE_SETREGS, pid, 0, &regs) || ptrace(PTRACE_CONT, pid, 0, 0) ||
		    !wait_stop(pid, &status) || ptrace(PTRACE_GETREGS, pid, 0, &regs))
			return gone(err, pid);
	} while (WSTOPSIG(status) != SIGTRAP || regs.rip != scratch_rt + sizeof(code));
	*result = (i64)regs.rax;
	if (!mem_write(mem_fd, pid, scratch_rt, was, sizeof(was)) ||
	    ptrace(PTRACE_SETREGS, pid, 0, &old))
		return gone(err, pid);
	return true;
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

/* Looks before it takes. */
static bool wait_stop_only(pid_t tid, int *status)
{
	siginfo_t info;
	int bad;

	do
		bad = waitid(P_PID, (id_t)tid, &info, WSTOPPED | WEXITED | WNOWAIT | __WALL);
	while (bad && errno == EINTR);
	return !bad && (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED) &&
	       wait_stop(tid, status);
}

/* Stops one thread; false if it is gone. */
static bool stop_one(struct stopped *st, pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, 0, 0))
		return false;
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) || !wait_stop_only(tid, &status)) {
		reap(st, tid);
		return false;
	}
	/* a signal that arrived first is handed on when the thread goes on */
	vec_push(st)->tid = tid;
	st->at[st->n - 1].signal = status >> 16 ? 0 : WSTOPSIG(status);
	return true;
}

/* A process that is ending has none, and can't be traced either. */
static bool has_memory(pid_t pid)
{
	char path[64], target[16];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, target, sizeof(target)) > 0;
}

bool tracee_stop_all(pid_t pid, struct stopped *st, struct err *err)
{
	char path[64];
	bool more = true;

	st->pid = pid;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	while (more) {
		DIR *dir = opendir(path);
		struct dirent *d;

		if (!dir)
			return err_set(err, ERR_GONE, "process %d has ended", pid);
		more = false;
		while ((d = readdir(dir))) {
			pid_t tid = (pid_t)strtol(d->d_name, NULL, 10);

			if (tid <= 0 || known(st, tid))
				continue;
			errno = 0;
			if (stop_one(st, tid))
				more = true;
			else if (errno == EPERM && st->n == 0 && has_memory(pid)) {
				closedir(dir);
				return err_set(err, ERR_DENIED,
					       "process %d: ptrace is not permitted (is a debugger "
					       "attached?)",
					       pid);
			}
		}
		closedir(dir);
	}
	if (!st->n)
		return err_set(err, ERR_GONE, "process %d has ended", pid);
	return true;
}

void tracee_resume_all(struct stopped *st)
{
	for (size_t i = 0; i < st->n; i++) /* one that can't be let go was killed where it stood */
		if (ptrace(PTRACE_DETACH, st->at[i].tid, 0, st->at[i].signal))
			reap(st, st->at[i].tid);
	vec_release(st);
}
