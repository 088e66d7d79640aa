/* A filter is a program of classic BPF over struct seccomp_data (linux/seccomp.h). We run it as the
 * kernel would, on the call that we mean to inject: asking costs nothing, being wrong kills the
 * program. */
#include "inline/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>

#include "base/arena.h"
#include "image/image.h"

#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif

enum { FILTERS_MOST = 64, STEPS_MOST = 1 << 16 };

bool seccomp_on(pid_t pid, pid_t tid)
{
	/* what can't be read is not taken for harmless */
	return process_status(pid, tid, "Seccomp", 10, 1) != 0;
}

static bool alu(u16 op, u32 *a, u32 v)
{
	switch (op) {
	case BPF_ADD: *a += v; return true;
	case BPF_SUB: *a -= v; return true;
	case BPF_MUL: *a *= v; return true;
	case BPF_DIV: *a = v ? *a / v : 0; return v != 0;
	case BPF_OR: *a |= v; return true;
	case BPF_AND: *a &= v; return true;
	case BPF_XOR: *a ^= v; return true;
	case BPF_LSH: *a = v < 32 ? *a << v : 0; return true;
	case BPF_RSH: *a = v < 32 ? *a >> v : 0; return true;
	case BPF_NEG: *a = -*a; return true;
	}
	return false;
}

static bool jumps(u16 op, u32 a, u32 v, bool *yes)
{
	switch (op) {
	case BPF_JEQ: *yes = a == v; return true;
	case BPF_JGT: *yes = a > v; return true;
	case BPF_JGE: *yes = a >= v; return true;
	case BPF_JSET: *yes = (a & v) != 0; return true;
	}
	return false;
}

u32 seccomp_run(const struct sock_filter *code, size_t n, long nr, const u64 args[6])
{
	struct seccomp_data data = { .nr = (int)nr, .arch = AUDIT_ARCH_X86_64 };
	u32 a = 0, x = 0, mem[BPF_MEMWORDS] = { 0 };

	for (unsigned i = 0; i < 6; i++)
		data.args[i] = args[i];
	for (size_t pc = 0; pc < n; pc++) {
		struct sock_filter in = code[pc];
		u32 v = BPF_SRC(in.code) == BPF_X ? x : in.k;
		bool yes;

		switch (BPF_CLASS(in.code)) {
		case BPF_LD:
		case BPF_LDX:
			/* the place of a call: nobody knows it, ours come from several */
			if (BPF_MODE(in.code) == BPF_ABS &&
			    in.k / 8 == offsetof(struct seccomp_data, instruction_pointer) / 8)
				return SECCOMP_RET_KILL_PROCESS;
			if (BPF_MODE(in.code) == BPF_ABS && in.k <= sizeof(data) - 4 &&
			    in.k % 4 == 0)
				memcpy(&v, (const u8 *)&data + in.k, 4);
			else if (BPF_MODE(in.code) == BPF_LEN)
				v = sizeof(data);
			else if (BPF_MODE(in.code) == BPF_MEM && in.k < BPF_MEMWORDS)
				v = mem[in.k];
			else if (BPF_MODE(in.code) != BPF_IMM)
				return SECCOMP_RET_KILL_PROCESS;
			*(BPF_CLASS(in.code) == BPF_LD ? &a : &x) = v;
			break;
		case BPF_ST:
		case BPF_STX:
			if (in.k >= BPF_MEMWORDS)
				return SECCOMP_RET_KILL_PROCESS;
			mem[in.k] = BPF_CLASS(in.code) == BPF_ST ? a : x;
			break;
		case BPF_ALU:
			if (!alu(BPF_OP(in.code), &a, v))
				return SECCOMP_RET_KILL_PROCESS;
			break;
		case BPF_JMP:
			if (BPF_OP(in.code) == BPF_JA) {
				pc += in.k;
				break;
			}
			if (!jumps(BPF_OP(in.code), a, v, &yes))
				return SECCOMP_RET_KILL_PROCESS;
			pc += yes ? in.jt : in.jf;
			break;
		case BPF_RET:
			return BPF_RVAL(in.code) == BPF_A ? a : in.k;
		case BPF_MISC:
			if (BPF_MISCOP(in.code) == BPF_TAX)
				x = a;
			else
				a = x;
			break;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

static bool allows(u32 verdict)
{
	verdict &= SECCOMP_RET_ACTION_FULL;
	return verdict == SECCOMP_RET_ALLOW || verdict == SECCOMP_RET_LOG;
}

bool seccomp_ask(pid_t pid, pid_t tid, long nr, const u64 args[6], const char *what,
		 struct err *err)
{
	for (unsigned long k = 0; k < FILTERS_MOST; k++) {
		long n = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, k, NULL);
		struct sock_filter *code;
		u32 verdict;

		if (n < 0 && errno == ENOENT && k)
			return true;
		if (n < 0)
			return err_set(
				err, ERR_REFUSED,
				"process %d: it runs under a seccomp filter that "
				"can't be read (%s), and a system call which that does not "
				"permit could kill it: run goshawk outside of its sandbox, with "
				"CAP_SYS_ADMIN",
				pid, strerror(errno));
		code = mem_resize(NULL, (size_t)n * sizeof(*code));
		n = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, k, code);
		verdict = n < 0 ? SECCOMP_RET_KILL_PROCESS : seccomp_run(code, (size_t)n, nr, args);
		mem_free(code);
		if (!allows(verdict))
			return err_set(err, ERR_REFUSED,
				       "process %d: its seccomp filter does not permit "
				       "what is needed for %s",
				       pid, what);
	}
	return err_set(err, ERR_REFUSED, "process %d: more seccomp filters than goshawk reads",
		       pid);
}
