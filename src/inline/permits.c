#include "inline/permits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/image.h"

/* ---- settings of the machine, and of this process ---- */

/* The first line of a small file, or false. */
static bool line_of(const char *path, char *to, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, room - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	to[n] = 0;
	to[strcspn(to, "\n")] = 0;
	return true;
}

static long setting(const char *path, long otherwise)
{
	char text[64];

	return line_of(path, text, sizeof(text)) ? strtol(text, NULL, 10) : otherwise;
}

enum capability {
	CAPABILITY_SYS_PTRACE = 19,
	CAPABILITY_SYS_ADMIN = 21,
	CAPABILITY_PERFMON = 38,
	CAPABILITY_BPF = 39
};

static bool have(enum capability c)
{
	return process_status(getpid(), 0, "CapEff", 16, 0) >> c & 1;
}

static bool kernel_is(unsigned want_major, unsigned want_minor)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	uname(&u);
	if (sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > want_major || (major == want_major && minor >= want_minor);
}

#define FOUND(p, ...) ((void)snprintf((p)->found, sizeof((p)->found), __VA_ARGS__))
#define CHANGE(p, ...) ((void)snprintf((p)->change, sizeof((p)->change), __VA_ARGS__))

/* ---- children to try it on ---- */

/* A process that waits until the write end of its pipe is closed. An orphan is not our descendant:
 * Yama's ptrace_scope 1 tells the two apart. */
struct waiter {
	pid_t pid;
	int hold;	/* closing it ends the waiter */
};

static void NORETURN wait_for_end(int fd)
{
	char c;

	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static bool waiter_start(struct waiter *w, bool orphan)
{
	int hold[2], say[2];
	pid_t pid;

	*w = (struct waiter){ .hold = -1 };
	if (pipe2(hold, O_CLOEXEC) < 0)
		return false;
	if (pipe2(say, O_CLOEXEC) < 0)
		return close(hold[0]), close(hold[1]), false;
	pid = fork();
	if (pid == 0) {
		pid_t self = orphan ? fork() : 0;

		if (self == 0) {
			self = getpid();
			close(hold[1]);
			if (write(say[1], &self, sizeof(self)) != sizeof(self))
				_exit(1);
			wait_for_end(hold[0]);
		}
		_exit(0);
	}
	close(hold[0]);
	close(say[1]);
	w->hold = hold[1];
	if (pid > 0 && orphan)
		waitpid(pid, NULL, 0);
	if (pid < 0 || read(say[0], &w->pid, sizeof(w->pid)) != sizeof(w->pid))
		w->pid = 0;
	close(say[0]);
	return w->pid > 0;
}

/* Still traced or not: it ends at once when the pipe closes, or by the signal. */
static void waiter_end(struct waiter *w)
{
	if (w->hold >= 0)
		close(w->hold);
	if (w->pid <= 0)
		return;
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, __WALL);	/* ECHILD: an orphan that was not seized */
}

/* Stops it as the engine does. 0, or errno of the call that failed. */
static int seize(pid_t pid)
{
	struct user_regs_struct regs;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return errno;
	if (waitpid(pid, &status, __WALL) < 0 || !WIFSTOPPED(status))
		return ESRCH;
	return ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0 ? errno : 0;
}

/* ---- the needs ---- */

static void why_no_ptrace(struct permit *p, int error)
{
	long scope = setting("/proc/sys/kernel/yama/ptrace_scope", 0);

	p->state = PERMIT_NO;
	if (scope == 3)
		CHANGE(p, "kernel.yama.ptrace_scope is 3, which lasts until the next boot: remove "
			  "the setting and reboot");
	else if (scope == 2 && !have(CAPABILITY_SYS_PTRACE))
		CHANGE(p, "kernel.yama.ptrace_scope is 2: sysctl kernel.yama.ptrace_scope=1, or "
			  "run with CAP_SYS_PTRACE");
	else if (process_status(getpid(), 0, "Seccomp", 10, 0))
		CHANGE(p, "a seccomp filter is in place: run the container with --cap-add "
			  "SYS_PTRACE (docker), or --security-opt seccomp=unconfined");
	else
		CHANGE(p, "ptrace(2) says \"%s\": run with CAP_SYS_PTRACE", strerror(error));
}

/* False: there is none, and p says so. */
static bool has_waiter(struct permit *p, struct waiter *w, bool orphan)
{
	if (waiter_start(w, orphan))
		return true;
	waiter_end(w);
	p->state = PERMIT_NO;
	FOUND(p, "not tried: no process could be made for it");
	CHANGE(p, "raise the limits of processes and of open files (ulimit -u, ulimit -n; a "
		  "container's --pids-limit)");
	return false;
}

static void probe_launch(struct permit *p)
{
	struct waiter w;
	int error;

	if (!has_waiter(p, &w, false))
		return;
	error = seize(w.pid);
	FOUND(p, "%s",
	      error ? "a child cannot be traced" : "a child was stopped and its registers read");
	if (error)
		why_no_ptrace(p, error);
	waiter_end(&w);
}

static void probe_attach(struct permit *p)
{
	struct waiter w;
	int error;
	bool any = have(CAPABILITY_SYS_PTRACE);

	if (!has_waiter(p, &w, true))
		return;
	error = seize(w.pid);
	if (!error) {
		FOUND(p, "a process of this user that goshawk did not start was stopped%s",
		      any ? "; CAP_SYS_PTRACE opens those of others" : "");
	} else if (setting("/proc/sys/kernel/yama/ptrace_scope", 0) == 1) {
		p->state = PERMIT_LIMITED;
		FOUND(p, "only programs that goshawk starts (kernel.yama.ptrace_scope is 1)");
		CHANGE(p, "sysctl kernel.yama.ptrace_scope=0, or run with CAP_SYS_PTRACE");
	} else {
		FOUND(p, "a process that goshawk did not start cannot be traced");
		why_no_ptrace(p, error);
	}
	waiter_end(&w);
}

/* Puts the bytes back that stand there already, into text that the target itself may not write. */
static bool rewrite_by_mem(pid_t pid, const void *text, int *error)
{
	char path[64];
	u8 bytes[8];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ok = fd >= 0 && pread(fd, bytes, sizeof(bytes), (off_t)(uintptr_t)text) == sizeof(bytes) &&
	     pwrite(fd, bytes, sizeof(bytes), (off_t)(uintptr_t)text) == sizeof(bytes);
	*error = ok ? 0 : errno;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool rewrite_by_poke(pid_t pid, const void *text)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, pid, text, 0);
	return !errno && !ptrace(PTRACE_POKEDATA, pid, text, word);
}

static void probe_text(struct permit *p)
{
	const void *text = (const void *)(uintptr_t)probe_text;
	struct waiter w;
	int error;

	if (!has_waiter(p, &w, false))
		return;
	if (seize(w.pid)) {
		p->state = PERMIT_NO;
		FOUND(p, "not tried: a child cannot be traced");
		CHANGE(p, "see \"start and trace a program\"");
	} else if (rewrite_by_mem(w.pid, text, &error)) {
		FOUND(p, "/proc/PID/mem writes to read-only text");
	} else if (rewrite_by_poke(w.pid, text)) {
		p->state = PERMIT_LIMITED;
		FOUND(p, "/proc/PID/mem says \"%s\"; PTRACE_POKEDATA works, word by word",
		      strerror(error));
		CHANGE(p, "boot with proc_mem.force_override=ptrace");
	} else {
		p->state = PERMIT_NO;
		FOUND(p, "neither /proc/PID/mem nor PTRACE_POKEDATA writes to read-only text (%s)",
		      strerror(error));
		CHANGE(p, "boot with proc_mem.force_override=ptrace, or lift the security module's "
			  "rule");
	}
	waiter_end(&w);
}

/* The engine's rings are one sparse memfd of this size, sealed, and mapped twice. */
enum { RING_GIB = 1 };

static void probe_rings(struct permit *p)
{
	const size_t size = (size_t)RING_GIB << 30;
	int fd = memfd_create("goshawk-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *map = MAP_FAILED;

	p->state = PERMIT_NO;
	if (fd < 0) {
		FOUND(p, "memfd_create: %s", strerror(errno));
		CHANGE(p, "raise the limit of open files, or let the sandbox allow memfd_create");
	} else if (ftruncate(fd, (off_t)size) < 0) {
		FOUND(p, "a sparse file of %d GiB in memory: %s", RING_GIB, strerror(errno));
		CHANGE(p, "ulimit -f unlimited");
	} else if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		FOUND(p, "sealing a memfd: %s", strerror(errno));
		CHANGE(p, "let the sandbox allow fcntl(F_ADD_SEALS)");
	} else if ((map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
			       0)) == MAP_FAILED) {
		FOUND(p, "mapping %d GiB of shared memory: %s", RING_GIB, strerror(errno));
		CHANGE(p, "ulimit -v unlimited; or a smaller --buffer");
	} else {
		p->state = PERMIT_YES;
		FOUND(p, "a sealed memfd of %d GiB was mapped", RING_GIB);
	}
	if (map != MAP_FAILED)
		munmap(map, size);
	if (fd >= 0)
		close(fd);
}

static void probe_memory(struct permit *p)
{
	struct rlimit address_space = { RLIM_INFINITY, RLIM_INFINITY };
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool wipe = page != MAP_FAILED && !madvise(page, 4096, MADV_WIPEONFORK);

	getrlimit(RLIMIT_AS, &address_space);
	if (page != MAP_FAILED)
		munmap(page, 4096);
	if (address_space.rlim_cur != RLIM_INFINITY) {
		p->state = PERMIT_LIMITED;
		FOUND(p, "address space is limited to %llu MiB",
		      (unsigned long long)address_space.rlim_cur >> 20);
		CHANGE(p, "ulimit -v unlimited");
	} else if (!wipe) {
		p->state = PERMIT_NO;
		FOUND(p, "MADV_WIPEONFORK is not there: the child of a fork could not be told from "
			 "its parent");
		CHANGE(p, "a kernel from 4.14 on");
	} else if (setting("/proc/sys/vm/overcommit_memory", 0) == 2) {
		p->state = PERMIT_LIMITED;
		FOUND(p, "vm.overcommit_memory is 2: rings count in full against the commit limit");
		CHANGE(p, "sysctl vm.overcommit_memory=0, or a smaller --buffer");
	} else {
		FOUND(p, "no limit on address space; MADV_WIPEONFORK works");
	}
}

static void probe_clock(struct permit *p)
{
	const char *path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
	char source[64] = "unknown";
	int tsc = 0;

	line_of(path, source, sizeof(source));
	if (prctl(PR_GET_TSC, &tsc) == 0 && tsc == PR_TSC_SIGSEGV) {
		p->state = PERMIT_NO;
		FOUND(p, "rdtsc is forbidden to this process (PR_SET_TSC)");
		CHANGE(p, "start goshawk from a process that is not restricted so");
	} else if (strcmp(source, "tsc") && strcmp(source, "kvm-clock")) {
		p->state = PERMIT_LIMITED;
		FOUND(p, "the kernel's clock is %s: it may not trust the processor's counter",
		      source);
		CHANGE(p, "durations across processors may be off: see `dmesg | grep -i tsc`");
	} else {
		FOUND(p, "the kernel's own clock is %s", source);
	}
}

static void probe_seccomp(struct permit *p)
{
	static const char *const modes[] = { "none", "strict", "a filter" };
	u64 mode = MIN(process_status(getpid(), 0, "Seccomp", 10, 0), 2ull);

	FOUND(p, "%s on goshawk itself, and so on what it starts", modes[mode]);
	if (mode) {
		p->state = PERMIT_LIMITED;
		CHANGE(p, "in a container: --security-opt seccomp=unconfined, if something fails "
			  "for it");
	}
}

/* Loads `r0 = 0; exit` as a program for uprobes. */
static int load_bpf(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.insns = (u64)(uintptr_t)code,
		.insn_cnt = ARRAY_LEN(code),
		.license = (u64)(uintptr_t)"GPL",
	};
	long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		return errno;
	close((int)fd);
	return 0;
}

static void probe_bpf(struct permit *p)
{
	int error = load_bpf();
	bool rights =
		have(CAPABILITY_SYS_ADMIN) || (have(CAPABILITY_BPF) && have(CAPABILITY_PERFMON));

	if (!error) {
		FOUND(p, "a BPF program for probes was loaded");
		return;
	}
	p->state = PERMIT_NO;
	FOUND(p, "bpf(2) says \"%s\"; kernel.unprivileged_bpf_disabled is %ld", strerror(error),
	      setting("/proc/sys/kernel/unprivileged_bpf_disabled", -1));
	if (!rights)
		CHANGE(p, "run as root, or with CAP_BPF and CAP_PERFMON");
	else
		CHANGE(p, "this has the rights and still is refused: a container's seccomp filter, "
			  "kernel lockdown, or a kernel without CONFIG_BPF_SYSCALL");
}

static void probe_uprobes(struct permit *p)
{
	long type = setting("/sys/bus/event_source/devices/uprobe/type", -1);

	if (type < 0) {
		p->state = PERMIT_NO;
		FOUND(p, "the kernel offers no uprobes (CONFIG_UPROBE_EVENTS), or /sys is not "
			 "mounted");
		CHANGE(p, "mount /sys, or a kernel with CONFIG_UPROBE_EVENTS");
	} else if (load_bpf()) {
		p->state = PERMIT_NO;
		FOUND(p, "the kernel has them; what they run is a BPF program, and none can be "
			 "loaded");
		CHANGE(p, "what permits BPF programs permits them, too");
	} else if (!kernel_is(6, 10)) {
		p->state = PERMIT_LIMITED;
		FOUND(p, "attached one by one; kernel.perf_event_paranoid is %ld",
		      setting("/proc/sys/kernel/perf_event_paranoid", -1));
		CHANGE(p, "a kernel from 6.10 on attaches thousands at once");
	} else {
		FOUND(p, "thousands at once; kernel.perf_event_paranoid is %ld",
		      setting("/proc/sys/kernel/perf_event_paranoid", -1));
	}
}

static void say_no_proc(struct permit *p)
{
	p->state = PERMIT_NO;
	FOUND(p, "/proc is not mounted here, or that of another pid namespace: without it nothing "
		 "is known of a process");
	CHANGE(p, "mount -t proc proc /proc");
}

void permits_probe(struct permit to[PERMITS])
{
	static const struct {
		const char *name, *need;
		void (*probe)(struct permit *p);
		bool asks_proc;
	} needs[PERMITS] = {
		{ "launch", "start and trace a program", probe_launch, true },
		{ "attach", "trace a running program", probe_attach, true },
		{ "write_text", "write to a program's code", probe_text, true },
		{ "rings", "share memory with it", probe_rings, false },
		{ "memory", "memory limits", probe_memory, false },
		{ "clock", "time by rdtsc", probe_clock, false },
		{ "seccomp", "system call filter", probe_seccomp, true },
		{ "bpf", "load BPF programs", probe_bpf, false },
		{ "uprobes", "probes by the kernel", probe_uprobes, false },
	};
	struct err ignored;
	bool proc = proc_is_mounted(&ignored);

	for (size_t i = 0; i < PERMITS; i++) {
		to[i] = (struct permit){ .name = needs[i].name, .need = needs[i].need };
		if (needs[i].asks_proc && !proc)
			say_no_proc(&to[i]);
		else
			needs[i].probe(&to[i]);
	}
}

const char *permit_state_name(enum permit_state s)
{
	static const char *const names[] = { "yes", "limited", "no" };

	return names[s];
}

void permits_print(const struct permit *p, struct out *o)
{
	static const char *const colors[] = { "32", "33", "31" };

	for (size_t i = 0; i < PERMITS; i++, p++) {
		out_color(o, colors[p->state]);
		out_fmt(o, "%-8s", permit_state_name(p->state));
		out_plain(o);
		out_fmt(o, " %-26s %s", p->need, p->found);
		out_line(o);
		if (!p->change[0])
			continue;
		out_fmt(o, "%-35s to change: %s", "", p->change);
		out_line(o);
	}
}

void permits_json(const struct permit *p, struct out *o)
{
	struct json j;

	json_begin(&j, o);
	for (size_t i = 0; i < PERMITS; i++, p++) {
		json_object(&j);
		json_key(&j, "type");
		json_z(&j, "permit");
		json_key(&j, "name");
		json_z(&j, p->name);
		json_key(&j, "state");
		json_z(&j, permit_state_name(p->state));
		json_key(&j, "found");
		json_z(&j, p->found);
		if (p->change[0]) {
			json_key(&j, "change");
			json_z(&j, p->change);
		}
		json_object_end(&j);
		json_line(&j);
	}
}
