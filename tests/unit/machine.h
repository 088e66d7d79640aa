/* machine - runs generated code in the test's own process, as a goroutine would run it.
 *
 * A program of a few functions, written as hex digits, 64 bytes apart; a plan made by hand; a copy
 * of the text, the code, the gate and the rings, all mapped here. machine_call enters a function
 * with every register as the test says and brings every register back.
 *
 * Owns     its mappings, until machine_end().
 * Units    rt: addresses of this process; slots: functions.
 * Fails    a test.
 * Threads  each has its own g, m and stack (struct thread); tls_g says which g is running. */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include "memory.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include "go/fork.h"
#include "inline/emit.h"
#include "inline/trampoline.h"

struct cpu {
	u64 r[16];	/* as the processor counts them: RAX RCX RDX RBX RSP RBP RSI RDI R8… */
	u64 x[16][2];
};

extern __thread u64 tls_g;
/* tests/fake/machine_enter.c. in->r[RSP] is SP at the entry, where machine_left is returned to. */
void machine_enter(const struct cpu *in, struct cpu *out, u64 target);
void machine_left(void);

enum { SLOT = 64, STACK_WORDS = 512, AT_CALL = 384, STOP_OF_FRAME = 200 };

struct thread {
	u64 g[64], m[64], g0[64], gsignal[64];
	u64 stack[STACK_WORDS];
};

struct function {
	const char *name, *hex;
	bool assembly;
	u32 deferreturn;
};

struct machine {
	struct memory_program mem;
	struct go_func *funcs;
	struct plan plan;
	struct layout layout;
	struct code code;
	u8 *region, *shared;	/* region: text, code, near */
	u64 text_rt;
	bool rdx; /* is compared, too: it holds nothing at a RET, but the closure at entry */
	struct thread t;
	struct arena arena;
};

enum { REGION = 32 << 20, CODE_AT = 1 << 20, NEAR_AT = 8 << 20 };

static inline u64 machine_fs(void)
{
	u64 v;

	__asm__("mov %%fs:0, %0" : "=r"(v));
	return v;
}

static inline void thread_begin(struct machine *mc, struct thread *t, u64 goid)
{
	*t = (struct thread){ 0 };
	t->g[G_STACK_LO / 8] = (u64)(uintptr_t)t->stack;
	t->g[G_STACK_HI / 8] = (u64)(uintptr_t)(t->stack + STACK_WORDS);
	t->g[G_STACKGUARD0 / 8] = (u64)(uintptr_t)(t->stack + 32);
	t->g[G_M / 8] = t->g0[G_M / 8] = t->gsignal[G_M / 8] = (u64)(uintptr_t)t->m;
	t->g[mc->mem.prog.rel->g_goid / 8] = goid;
	t->m[M_G0 / 8] = (u64)(uintptr_t)t->g0;
	t->m[mc->mem.prog.rel->m_gsignal / 8] = (u64)(uintptr_t)t->gsignal;
}

static inline void machine_begin(struct machine *mc, unsigned minor, const struct function *fs,
				 size_t n, u64 buffer)
{
	*mc = (struct machine){ 0 };
	memory_begin(&mc->mem, minor);
	memset(mc->mem.bytes, 0xcc, 0x1000);
	mc->funcs = ARENA_ARRAY(&mc->arena, struct go_func, n);
	for (size_t i = 0; i < n; i++) {
		u32 size = 0;

		for (const char *p = fs[i].hex; *p;) {
			char *end;

			if (*p == ' ') {
				p++;
				continue;
			}
			memory_put(&mc->mem, TEXT_VA + SLOT * i + size++, strtoul(p, &end, 16), 1);
			ck_assert_ptr_ne(p, end);
			p = end;
		}
		ck_assert_uint_le(size, SLOT);
		mc->funcs[i] = (struct go_func){ .pc = (u32)(SLOT * i),
						 .size = size,
						 .room = SLOT,
						 .pcsp = 1,
						 .name = str_of(fs[i].name),
						 .assembly = fs[i].assembly,
						 .deferreturn = fs[i].deferreturn };
	}
	mc->mem.prog.funcs = mc->funcs;
	mc->mem.prog.nfuncs = n;
	mc->plan = (struct plan){ .prog = &mc->mem.prog };
	mc->plan.funcs = ARENA_ARRAY(&mc->arena, struct plan_func, n);
	mc->region = mmap(NULL, REGION, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mc->shared = mmap(NULL, shared_size(buffer, RINGS), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(mc->region, MAP_FAILED);
	ck_assert_ptr_ne(mc->shared, MAP_FAILED);
	mc->text_rt = (u64)(uintptr_t)mc->region;
	mc->layout = (struct layout){ .code_rt = mc->text_rt + CODE_AT,
				      .near_rt = mc->text_rt + NEAR_AT,
				      .shared_rt = (u64)(uintptr_t)mc->shared,
				      .buffer = buffer,
				      .tls = (i32)((u64)(uintptr_t)&tls_g - machine_fs()),
				      .bias = mc->text_rt - TEXT_VA };
	mc->region[NEAR_AT + NEAR_GATE] = 1;
	*(u64 *)(void *)(mc->shared + SHARED_READY) = RINGS;
	thread_begin(mc, &mc->t, 77);
}

/* The code believes that this page is readable. */
static inline void machine_knows(struct machine *mc, u64 page)
{
	u64 group = page >> PAGES_LOG2;
	u64 *word = (u64 *)(void *)(mc->region + NEAR_AT + NEAR_PAGES) +
		    (group & (NEAR_PAGES_COUNT - 1));

	*word = (*word >> 32 == group ? *word : group << 32) | 1u << (page & 31);
}

/* A function of the plan; gives its index there. Slots in ascending order. */
static inline u32 machine_probe(struct machine *mc, u32 slot, struct reading entry,
				struct reading exit)
{
	struct plan_func *f = &mc->plan.funcs[mc->plan.nfuncs];
	struct flow flow;
	struct err err = { 0 };

	*f = (struct plan_func){
		.func = &mc->funcs[slot], .entry = entry, .exit = exit, .shown = true
	};
	f->entry.size = f->entry.size ? f->entry.size : RECORD_HEAD;
	f->exit.size = f->exit.size ? f->exit.size : RECORD_HEAD;
	ck_assert_msg(go_flow(&mc->mem.prog, f->func, &mc->arena, &flow, &err), "%s", err.msg);
	patches_make(&f->patches, &mc->arena, &flow);
	ck_assert_msg(!f->patches.entry, "slot %u: %s", slot, refusal_text(f->patches.entry));
	return mc->plan.nfuncs++;
}

static inline void machine_jumps(struct machine *mc, bool in_place)
{
	memcpy(mc->region, mc->mem.bytes, MEMORY_SIZE);
	for (size_t i = 0; in_place && i < mc->code.jumps.n; i++) {
		const struct jump *j = &mc->code.jumps.at[i];

		ck_assert_mem_eq((void *)(uintptr_t)j->rt, j->was, 5);
		memcpy((void *)(uintptr_t)j->rt, j->is, 5);
	}
}

static inline void machine_patch(struct machine *mc)
{
	struct err err = { 0 };

	ck_assert_msg(code_make(&mc->code, &mc->plan, &mc->layout, &err), "%s", err.msg);
	ck_assert_uint_le(mc->code.size, NEAR_AT - CODE_AT);
	ck_assert(mc->code.hooked);
	memcpy(mc->region + CODE_AT, mc->code.bytes, mc->code.size);
	machine_jumps(mc, true);
}

static inline void machine_unpatch(struct machine *mc)
{
	code_release(&mc->code);
	mc->plan.nfuncs = 0;
}

static inline void machine_end(struct machine *mc)
{
	code_release(&mc->code);
	munmap(mc->region, REGION);
	munmap(mc->shared, shared_size(mc->layout.buffer, RINGS));
	arena_release(&mc->arena);
	memory_end(&mc->mem);
}

static inline u64 machine_random(void)
{
	static __thread u64 x = 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Every register holds something of its own; R14 is g, X15 zero. */
static inline struct cpu machine_cpu(struct thread *t)
{
	struct cpu c;

	for (unsigned i = 0; i < 16; i++)
		c.r[i] = machine_random();
	for (unsigned i = 0; i < 30; i++)
		c.x[i / 2][i % 2] = machine_random();
	c.x[15][0] = c.x[15][1] = 0;
	c.r[RSP] = (u64)(uintptr_t)(t->stack + AT_CALL);
	c.r[RBP] = c.r[RSP] + STOP_OF_FRAME;
	c.r[R14] = (u64)(uintptr_t)t->g;
	return c;
}

/* Registers alone: the stack holds the return address and, else, what it held. */
static inline struct cpu machine_run(struct machine *mc, struct thread *t, u32 slot, u32 pc,
				     const struct cpu *in)
{
	struct cpu out;

	t->stack[AT_CALL] = (u64)(uintptr_t)machine_left;
	tls_g = (u64)(uintptr_t)t->g;
	machine_enter(in, &out, mc->text_rt + SLOT * slot + pc);
	return out;
}

/* The function as it was and the function as it is must leave the same registers, but for R12, R13,
 * R15, flags and RDX (see there), and the same stack, also below SP. */
static inline struct cpu machine_call_at(struct machine *mc, u32 slot, u32 pc, struct cpu in)
{
	struct thread *t = &mc->t, *before = arena_copy(&mc->arena, t, sizeof(*t)),
		      *plain = ARENA_NEW(&mc->arena, struct thread);
	struct cpu want, got;

	machine_jumps(mc, false);
	want = machine_run(mc, t, slot, pc, &in);
	*plain = *t;
	*t = *before;
	machine_jumps(mc, true);
	got = machine_run(mc, t, slot, pc, &in);
	for (unsigned i = 0; i < 16; i++)
		if (i != R12 && i != R13 && i != R15 && (i != RDX || mc->rdx))
			ck_assert_msg(want.r[i] == got.r[i],
				      "slot %u: register %u is %#lx, not %#lx", slot, i, got.r[i],
				      want.r[i]);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_msg(!memcmp(want.x[i], got.x[i], 16),
			      "slot %u: x%u is %#lx:%#lx, not %#lx:%#lx", slot, i, got.x[i][1],
			      got.x[i][0], want.x[i][1], want.x[i][0]);
	ck_assert_mem_eq(t, plain, sizeof(*t));
	return got;
}

static inline struct cpu machine_call(struct machine *mc, u32 slot, struct cpu in)
{
	return machine_call_at(mc, slot, 0, in);
}

/* The ring of a thread, or NULL. */
static inline u8 *machine_ring(struct machine *mc, const struct thread *t)
{
	for (u64 i = 0; i < RINGS; i++) {
		u64 m;
		u16 number;

		memcpy(&m, mc->shared + SHARED_TABLE + 8 * i, 8);
		memcpy(&number, mc->shared + SHARED_NUMBER + 2 * i, 2);
		if (m == (u64)(uintptr_t)t->m)
			return mc->shared + SHARED_RINGS + number * ring_stride(mc->layout.buffer);
	}
	return NULL;
}

static inline u64 *ring_word_at(u8 *ring, size_t at)
{
	return (u64 *)(void *)(ring + at);
}

/* Bytes of the record with this first word. */
static inline u32 machine_size(const struct machine *mc, u64 commit)
{
	u32 most = site_size(&mc->plan, ((u32)commit & ~RECORD_VOID) - 1);
	u32 size = commit >> 32 ? (u32)(commit >> 32) : most;

	ck_assert(size >= RECORD_HEAD && size <= most && size % 8 == 0);
	return size;
}

/* What was reserved and given back has never been written. */
static inline void machine_expect_zeros(const u8 *at, u32 n)
{
	ck_assert(!at[0] && !memcmp(at, at + 1, n - 1));
}

/* The first word of the thread's next record, void or not, which is taken; 0: there is none. What
 * lies ahead of the last one is zero. */
static inline u64 machine_next(struct machine *mc, const struct thread *t)
{
	u8 *ring = machine_ring(mc, t), *slot;
	u64 *tail, *head, commit = 0;

	if (!ring)
		return 0;
	tail = ring_word_at(ring, RING_TAIL);
	head = ring_word_at(ring, RING_HEAD);
	slot = ring + RING_DATA + (*tail & (mc->layout.buffer - 1));
	if (*tail != *head) {
		memcpy(&commit, slot, sizeof(commit));
		ck_assert_uint_ne(commit, 0);
		memset(slot, 0, machine_size(mc, commit));
		*tail += machine_size(mc, commit);
	}
	if (*tail == *head)
		machine_expect_zeros(slot, RECORD_MAX);
	return commit;
}

/* Takes the oldest record out of the thread's ring; false when there is none. What it ends before
 * is zero. */
static inline bool machine_take(struct machine *mc, const struct thread *t, u8 *to,
				struct record_head *head)
{
	u8 *ring = machine_ring(mc, t), *slot;
	u64 tail, commit;
	u32 site, size, most;

	if (!ring)
		return false;
	tail = *ring_word_at(ring, RING_TAIL);
	if (tail == *ring_word_at(ring, RING_HEAD))
		return false;
	slot = ring + RING_DATA + (tail & (mc->layout.buffer - 1));
	memcpy(&commit, slot, 8);
	ck_assert_uint_ne(commit, 0);
	site = (u32)commit - 1;
	ck_assert_uint_lt(site, 4 * mc->plan.nfuncs);
	size = machine_size(mc, commit);
	most = site_size(&mc->plan, site);
	memcpy(to, slot, size);
	memset(to + size, 0, most - size);
	memcpy(head, to, sizeof(*head));
	head->commit = (u32)commit;
	memset(slot, 0, size);
	*ring_word_at(ring, RING_TAIL) = tail + size;
	if (tail + size == *ring_word_at(ring, RING_HEAD))
		machine_expect_zeros(slot, most);
	return true;
}

#endif
