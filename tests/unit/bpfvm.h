/* bpfvm - runs an eBPF program as the kernel would, on maps and a target that a test makes up.
 *
 * Every access must lie in the program's stack, its context or a value of a map: what the kernel's
 * verifier proves is checked here at each step.
 *
 * Owns     nothing.
 * Units    pointers are addresses of this process; those of the target go to `fetch` only.
 * Fails    a test.
 * Threads  one. */
#ifndef TESTS_BPFVM_H
#define TESTS_BPFVM_H

#include <check.h>
#include <string.h>

#include "bpf/gen.h"

struct vm_map {
	u8 *values;
	u32 size, n;
};

enum { VM_SITES = 1, VM_STEPS, VM_SLOTS, VM_COUNTS, VM_RING, VM_MARKS, VM_MAPS };

struct vm {
	struct vm_map map[VM_MAPS];
	u64 regs[21];			/* struct pt_regs */
	u64 stack[64];
	u64 cookie, tgid, time;
	bool (*fetch)(u64 va, u64 n, void *to);	/* what is in memory */
	bool (*wait)(u64 va, u64 n, void *to);	/* what would be, after a page fault */
	bool full;			/* the ring */
	u8 out[4][RECORD_MAX];
	u32 size[4], nout;
	u64 turns;
};

static inline bool vm_within(const void *base, u64 room, u64 at, u64 n)
{
	return n <= room && at - (u64)(uintptr_t)base <= room - n;
}

static inline void *vm_at(struct vm *v, u64 at, u64 n)
{
	bool good = vm_within(v->stack, sizeof(v->stack), at, n) ||
		    vm_within(v->regs, sizeof(v->regs), at, n);

	for (u32 i = 0; i < VM_MAPS && !good; i++) {
		const struct vm_map *m = &v->map[i];
		u64 off = at - (u64)(uintptr_t)m->values;

		good = m->n && off < (u64)m->size * m->n && off % m->size + n <= m->size;
	}
	if (!good)	/* an assertion that holds is a system call of Check's */
		ck_abort_msg("an access of %lu bytes leaves everything", n);
	return (void *)(uintptr_t)at;
}

static inline u64 vm_read(struct vm *v, u64 dst, u64 n, u64 from,
			  bool (*fetch)(u64 va, u64 n, void *to))
{
	void *to = vm_at(v, dst, n);

	if (fetch && fetch(from, n, to))
		return 0;
	memset(to, 0, n);
	return (u64)-14;
}

static inline u64 vm_helper(struct vm *v, i32 id, const u64 *r)
{
	const struct vm_map *m = &v->map[r[1] % VM_MAPS];
	u32 key;

	switch (id) {
	case BPF_FUNC_map_lookup_elem:
		ck_assert_uint_lt(r[1], VM_MAPS);
		memcpy(&key, vm_at(v, r[2], 4), 4);
		return key < m->n ? (u64)(uintptr_t)(m->values + (u64)key * m->size) : 0;
	case BPF_FUNC_get_attach_cookie:
		return v->cookie;
	case BPF_FUNC_get_current_pid_tgid:
		return v->tgid << 32 | 99;
	case BPF_FUNC_get_smp_processor_id:
		return 1;
	case BPF_FUNC_ktime_get_ns:
		return v->time++;
	case BPF_FUNC_probe_read_kernel:
		memcpy(vm_at(v, r[1], r[2]), vm_at(v, r[3], r[2]), r[2]);
		return 0;
	case BPF_FUNC_probe_read_user:
		return vm_read(v, r[1], r[2], r[3], v->fetch);
	case BPF_FUNC_copy_from_user:
		return vm_read(v, r[1], r[2], r[3], v->wait);
	case BPF_FUNC_ringbuf_output:
		ck_assert_uint_eq(r[1], VM_RING);
		ck_assert_uint_eq(r[4], BPF_RB_NO_WAKEUP);
		if (v->full || v->nout == ARRAY_LEN(v->out))
			return (u64)-11;
		memcpy(v->out[v->nout], vm_at(v, r[2], r[3]), r[3]);
		v->size[v->nout++] = (u32)r[3];
		return 0;
	default:
		ck_abort_msg("helper %d is not known", id);
	}
}

static inline u64 vm_alu(u8 op, u64 a, u64 b, bool wide)
{
	unsigned shift = (unsigned)b & (wide ? 63 : 31);

	switch (op) {
	case BPF_ADD: return a + b;
	case BPF_SUB: return a - b;
	case BPF_MUL: return a * b;
	case BPF_OR: return a | b;
	case BPF_AND: return a & b;
	case BPF_XOR: return a ^ b;
	case BPF_LSH: return a << shift;
	case BPF_RSH: return a >> shift;
	case BPF_ARSH: return wide ? (u64)((i64)a >> shift) : (u32)((i32)a >> shift);
	case BPF_MOD: return wide ? a % b : (u32)a % (u32)b;
	case BPF_MOV: return b;
	default: ck_abort_msg("operation 0x%x is not known", op);
	}
}

static inline bool vm_jumps(u8 op, u64 a, u64 b)
{
	switch (op) {
	case BPF_JA: return true;
	case JCOND: return false;
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSLT: return (i64)a < (i64)b;
	case BPF_JSLE: return (i64)a <= (i64)b;
	default: ck_abort_msg("jump 0x%x is not known", op);
	}
}

static inline void vm_atomic(struct vm *v, const struct bpf_insn *i, u64 *r)
{
	u64 *at = vm_at(v, r[i->dst_reg] + (u64)(i64)i->off, 8), was = *at;

	switch (i->imm) {
	case BPF_ADD:
		*at = was + r[i->src_reg];
		return;
	case BPF_XCHG:
		*at = r[i->src_reg];
		r[i->src_reg] = was;
		return;
	case BPF_CMPXCHG:
		*at = was == r[0] ? r[i->src_reg] : was;
		r[0] = was;
		return;
	default:
		ck_abort_msg("atomic operation 0x%x is not known", i->imm);
	}
}

static inline void vm_run(struct vm *v, const struct bpf_insn *code, u32 n)
{
	static const u8 sizes[] = { 4, 2, 1, 8 };
	u64 r[11] = { [1] = (u64)(uintptr_t)v->regs,
		      [10] = (u64)(uintptr_t)(v->stack + ARRAY_LEN(v->stack)) };

	v->nout = 0;
	for (u32 pc = 0; ; pc++) {
		const struct bpf_insn *i = &code[pc];
		u8 class = BPF_CLASS(i->code), size = sizes[BPF_SIZE(i->code) >> 3];
		u64 *d = &r[i->dst_reg], value = 0;
		u64 s = BPF_SRC(i->code) == BPF_X ? r[i->src_reg] : (u64)(i64)i->imm;

		if (pc >= n || v->turns++ >= 1000000)
			ck_abort_msg("instruction %u of %u, after %lu", pc, n, v->turns);
		if (class == BPF_ALU64) {
			*d = vm_alu(BPF_OP(i->code), *d, s, true);
		} else if (class == BPF_ALU) {
			*d = (u32)vm_alu(BPF_OP(i->code), (u32)*d, (u32)s, false);
		} else if (class == BPF_LD) {
			*d = (u32)i[0].imm | (u64)(u32)i[1].imm << 32;
			pc++;
		} else if (class == BPF_LDX) {
			memcpy(&value, vm_at(v, r[i->src_reg] + (u64)(i64)i->off, size), size);
			*d = value;
		} else if (class == BPF_ST) {
			value = (u64)(i64)i->imm;
			memcpy(vm_at(v, *d + (u64)(i64)i->off, size), &value, size);
		} else if (class == BPF_STX && BPF_MODE(i->code) == BPF_ATOMIC) {
			vm_atomic(v, i, r);
		} else if (class == BPF_STX) {
			memcpy(vm_at(v, *d + (u64)(i64)i->off, size), &r[i->src_reg], size);
		} else if (BPF_OP(i->code) == BPF_EXIT) {
			ck_assert_uint_eq(r[0], 0);
			return;
		} else if (BPF_OP(i->code) == BPF_CALL) {
			r[0] = vm_helper(v, i->imm, r);
			for (u32 k = 1; k <= 5; k++)	/* a helper may change these */
				r[k] = 0xdeadbeefdeadbeefull;
		} else if (vm_jumps(BPF_OP(i->code), *d, s)) {
			pc += (u32)(i32)i->off;
		}
	}
}

#endif
