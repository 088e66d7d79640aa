#include "inline/inject.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include "base/fault.h"
#include "inline/emit.h"
#include "inline/session.h"

/* What the kernel leaves in RAX of a system call that a stop has interrupted (linux/errno.h). */
enum {
	ERESTARTSYS_ = -512,
	ERESTARTNOINTR_ = -513,
	ERESTARTNOHAND_ = -514,
	ERESTART_RESTARTBLOCK_ = -516,
};
enum { STUB_ROOM = 256, CARRY_OF = 1 << 11, WORDS = 112 };

/* Restored in this order: RAX serves for the flags before. */
enum {
	AT_RDI, AT_RSI, AT_RDX, AT_R10, AT_R8, AT_R9, AT_RCX, AT_R11, AT_FLAGS, AT_RAX, AT_RIP,
	SAVED
};

#define STUB_MAGIC 0x627574736b736f67ull	/* "goskstub" */

/* A stopped system call is to be made again, as the kernel would see to if the thread simply went
 * on. */
static struct user_regs_struct finished(struct user_regs_struct r)
{
	if ((i64)r.orig_rax >= 0) {
		switch ((i64)r.rax) {
		case ERESTARTSYS_:
		case ERESTARTNOINTR_:
		case ERESTARTNOHAND_:
			r.rax = r.orig_rax;
			r.rip -= 2;
			break;
		case ERESTART_RESTARTBLOCK_:
			r.rax = SYS_restart_syscall;
			r.rip -= 2;
			break;
		default:
			break;
		}
	}
	r.orig_rax = (u64)-1;
	return r;
}

/* How willingly we take a thread. One in a call that must not simply be made again comes late; one
 * that stands before a signal comes last, because it would get it from us, who don't know all that
 * the kernel has to say about it (where memory faulted). */
static unsigned rank(const struct stopped_thread *t, const struct user_regs_struct *r)
{
	if (t->signal)
		return 3;
	return (i64)r->orig_rax < 0 ? 0 : (i64)r->rax != ERESTARTNOHAND_ ? 1 : 2;
}

/* A fault that has not come to it yet: the call would meet it, and what the kernel says would be
 * lost. */
static bool has_faulted(const struct inject *in, pid_t tid)
{
	u64 faults = 1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1) | 1ull << (SIGFPE - 1) |
		     1ull << (SIGILL - 1) | 1ull << (SIGTRAP - 1) | 1ull << (SIGSYS - 1);

	return process_status(in->stopped->pid, tid, "SigPnd", 16, faults) & faults;
}

/* The first thread only if nobody else is as good: its end is hard to wait for. */
static bool choose(struct inject *in, struct err *err)
{
	enum { NOBODY = 8 };
	unsigned best = NOBODY;

	for (size_t i = 0; i < in->stopped->n; i++) {
		const struct stopped_thread *t = &in->stopped->at[i];
		struct user_regs_struct r;
		unsigned of_this;

		if (ptrace(PTRACE_GETREGS, t->tid, 0, &r))
			continue;
		if (r.rip - in->stub_rt < STUB_ROOM) {
			in->occupied = true;
			return err_set(err, ERR_REFUSED, "process %d: a goshawk has just died in "
				       "it; try again", in->stopped->pid);
		}
		of_this = 2 * rank(t, &r) + (t->tid == in->stopped->pid);
		if (of_this >= best || has_faulted(in, t->tid))
			continue;
		best = of_this;
		in->thread = i;
	}
	in->occupied = best == NOBODY;
	return best < NOBODY ||
	       err_set(err, ERR_REFUSED,
		       "process %d: each of its threads has just faulted; try again",
		       in->stopped->pid);
}

/* rip-relative: the saved word number `k`. */
static void saved(struct assembler *a, unsigned reg, u64 words_rt, unsigned k)
{
	PUT(a, (u8)(0x48 | ((reg >> 3) << 2)), 0x8b, (u8)(0x05 | ((reg & 7) << 3)));
	asm_rel32_to(a, words_rt + 8 * k);		/* mov reg, [rip+…] */
}

static size_t stub(u8 *to, u64 rt, const struct user_regs_struct *r, const struct note *note,
		   struct err *err)
{
	static const u8 regs[] = { RDI, RSI, RDX, R10, R8, R9, RCX, R11 };
	struct assembler a;
	bool of = r->eflags & CARRY_OF;
	const u64 words[SAVED] = {
		[AT_RDI] = r->rdi, [AT_RSI] = r->rsi, [AT_RDX] = r->rdx, [AT_R10] = r->r10,
		[AT_R8] = r->r8, [AT_R9] = r->r9, [AT_RCX] = r->rcx, [AT_R11] = r->r11,
		[AT_FLAGS] = (r->eflags & 0xff) << 8 | of, [AT_RAX] = r->rax, [AT_RIP] = r->rip,
	};

	asm_start(&a, to, STUB_ROOM, rt);
	PUT(&a, 0x0f, 0x05);				/* syscall */
	for (unsigned i = 0; i < ARRAY_LEN(regs); i++)
		saved(&a, regs[i], rt + WORDS, i);
	saved(&a, RAX, rt + WORDS, AT_FLAGS);
	PUT(&a, 0x04, 0x7f);				/* add al, 0x7f: OF if al was 1 */
	PUT(&a, 0x9e);					/* sahf: the other flags */
	saved(&a, RAX, rt + WORDS, AT_RAX);
	PUT(&a, 0xff, 0x25);				/* jmp [rip+…] */
	asm_rel32_to(&a, rt + WORDS + 8 * AT_RIP);
	while (a.n < WORDS)
		PUT(&a, 0xcc);
	for (unsigned i = 0; i < SAVED; i++)
		asm_u64(&a, words[i]);
	asm_u64(&a, STUB_MAGIC);
	for (unsigned i = 0; i < NOTES; i++) {
		asm_u64(&a, note[i].lo);
		asm_u64(&a, note[i].hi);
	}
	return asm_ok(&a, err) ? a.n : 0;
}

static bool place_of_stub(const struct go_program *prog, u64 bias, u64 *rt, struct str *was)
{
	const struct go_func *f = go_func_named(prog, STR("runtime.rt0_go"));

	*was = f ? image_bytes(prog->img, go_func_va(prog, f), STUB_ROOM) : (struct str){ 0 };
	*rt = f ? go_func_va(prog, f) + bias : 0;
	return was->n && f->size >= STUB_ROOM;
}

static void read_left(struct inject *in)
{
	u64 words[(STUB_ROOM - WORDS) / 8 - SAVED];

	in->is_left = mem_read(in->mem_fd, in->stub_rt + WORDS + 8 * SAVED, words, sizeof(words)) &&
		      words[0] == STUB_MAGIC;
	for (unsigned i = 0; in->is_left && i < NOTES; i++)
		in->left[i] = (struct note){ words[1 + 2 * i], words[2 + 2 * i] };
}

bool inject_begin(struct inject *in, struct stopped *st, int mem_fd, const struct go_program *prog,
		  u64 bias, struct err *err)
{
	*in = (struct inject){ .stopped = st, .mem_fd = mem_fd };
	if (!place_of_stub(prog, bias, &in->stub_rt, &in->was))
		return err_set(err, ERR_REFUSED, "runtime.rt0_go: not found, so there is no place "
			       "for a system call in the program");
	read_left(in);
	return choose(in, err);
}

/* Goes on to the next stop at a system call. Signals that come are kept for later. */
static bool to_syscall_stop(struct inject *in)
{
	pid_t tid = in->stopped->at[in->thread].tid;
	int status;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, tid, 0, 0) ||
		    !tracee_wait_among(in->stopped, tid, &status))
			return false;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			return true;
		tracee_keep_signal(in->stopped, in->thread, status);
	}
}

bool inject_syscall(struct inject *in, long nr, const u64 args[6], i64 *result, struct err *err)
{
	pid_t tid = in->stopped->at[in->thread].tid;
	struct user_regs_struct r, back;
	u8 code[STUB_ROOM];
	size_t n;

	/* where it stands now: it may have been moved on since it was chosen */
	if (ptrace(PTRACE_GETREGS, tid, 0, &r))
		return err_set(err, ERR_GONE, "process %d has ended", in->stopped->pid);
	r = back = finished(r);
	n = stub(code, in->stub_rt, &back, in->note, err);
	if (!n)
		return false;
	r.rip = in->stub_rt;
	r.rax = (u64)nr;
	r.rdi = args[0];
	r.rsi = args[1];
	r.rdx = args[2];
	r.r10 = args[3];
	r.r8 = args[4];
	r.r9 = args[5];
	if (!mem_write(in->mem_fd, tid, in->stub_rt, code, n))
		return err_set(err, ERR_DENIED,
			       "process %d: its text can't be written (see goshawk "
			       "doctor)",
			       in->stopped->pid);
	if (ptrace(PTRACE_SETREGS, tid, 0, &r))
		return err_set(err, ERR_GONE, "process %d has ended", in->stopped->pid);
	fault_point("injecting");
	if (!to_syscall_stop(in))
		return err_set(err, ERR_GONE, "process %d ended in a system call that goshawk made "
			       "for it", in->stopped->pid);
	fault_point("injected");
	if (!to_syscall_stop(in) || ptrace(PTRACE_GETREGS, tid, 0, &r) ||
	    ptrace(PTRACE_SETREGS, tid, 0, &back))
		return err_set(err, ERR_GONE, "process %d ended in a system call that goshawk made "
			       "for it", in->stopped->pid);
	*result = (i64)r.rax;
	return true;
}

bool inject_end(struct inject *in, struct err *err)
{
	return mem_write(in->mem_fd, in->stopped->at[in->thread].tid, in->stub_rt, in->was.p,
			 in->was.n) ||
	       err_set(err, ERR_GONE, "process %d has ended", in->stopped->pid);
}

bool inject_is_left(int mem_fd, const struct go_program *prog, u64 bias)
{
	u8 now[STUB_ROOM];
	struct str was;
	u64 rt;

	return place_of_stub(prog, bias, &rt, &was) && mem_read(mem_fd, rt, now, sizeof(now)) &&
	       memcmp(now, was.p, sizeof(now));
}
