/* bpfworld - a program of a few functions, written as hex digits, 64 bytes apart; a plan made by
 * hand; its probes, and the program behind them on the machine of bpfvm.h.
 *
 * Owns     w, between world_begin() and world_end().
 * Units    cookies are rows of the sites, in the order of the plan.
 * Fails    a test.
 * Threads  one. */
#ifndef TESTS_BPFWORLD_H
#define TESTS_BPFWORLD_H

#include "bpfvm.h"
#include "memory.h"

#include "go/fork.h"

struct bpf_world {
	struct memory_program mem;
	struct go_func funcs[4];
	struct plan plan;
	struct plan_func plan_funcs[4];
	struct probes probes;
	struct bpf_insn code[PROGRAM_ROOM];
	u32 ncode;
	struct vm vm;
	u8 slots[2 * SLOTS_EACH][SLOT_BYTES];
	u64 counts[COUNTS_ROOM];
	u64 marks[1 << MARKS_LOG2];
	bool decides;	/* also where no row does */
	bool (*more)(u64 va, u64 n, void *to);	/* what else is in memory, or NULL */
	u64 g[64];
	u64 stack[128];
	struct arena arena;
};
static struct bpf_world w;

enum { SLOT = 64, GOID = 42, BIAS = 0x1000 };

static inline void world_begin(void)
{
	memset(&w, 0, sizeof(w));
	memory_begin(&w.mem, 22);
	memset(w.mem.bytes, 0xcc, 0x1000);
	w.mem.prog.funcs = w.funcs;
	w.plan = (struct plan){ .prog = &w.mem.prog, .funcs = w.plan_funcs };
	w.plan.request.probes = true;
}

static inline void world_end(void)
{
	probes_release(&w.probes);
	arena_release(&w.arena);
	memory_end(&w.mem);
}

static inline void add_func(const char *hex, const struct reading *entry,
			    const struct reading *exit)
{
	static const struct reading nothing = { .size = RECORD_HEAD };
	u32 k = w.plan.nfuncs, size = 0;
	struct plan_func *f = &w.plan_funcs[k];
	struct flow flow;
	struct err err = { 0 };

	for (const char *p = hex; *p; ) {
		char *end;

		memory_put(&w.mem, TEXT_VA + SLOT * k + size++, strtoul(p, &end, 16), 1);
		for (p = end; *p == ' '; p++)
			;
	}
	w.funcs[k] = (struct go_func){ .pc = SLOT * k, .size = size, .room = SLOT, .pcsp = 1,
				       .name = STR("f") };
	*f = (struct plan_func){ .func = &w.funcs[k], .shown = true,
				 .entry = entry ? *entry : nothing,
				 .exit = exit ? *exit : nothing };
	w.mem.prog.nfuncs = ++w.plan.nfuncs;
	ck_assert_msg(go_flow(&w.mem.prog, f->func, &w.arena, &flow, &err), "%s", err.msg);
	patches_make(&f->patches, &w.arena, &flow);
}

static inline bool in_memory(u64 va, u64 n, void *to)
{
	const struct { const void *p; u64 n; } known[] = {
		{ w.g, sizeof(w.g) }, { w.stack, sizeof(w.stack) },
	};

	for (u32 i = 0; i < ARRAY_LEN(known); i++)
		if (vm_within(known[i].p, known[i].n, va, n)) {
			memcpy(to, (void *)(uintptr_t)va, n);
			return true;
		}
	return w.more && w.more(va, n, to);
}

/* Sets up everything behind the plan; `sleeps` as in bpf_facts. */
static inline void load_program(bool sleeps)
{
	struct bpf_facts facts = {
		.sites_fd = VM_SITES, .steps_fd = VM_STEPS, .slots_fd = VM_SLOTS,
		.counts_fd = VM_COUNTS, .ring_fd = VM_RING, .marks_fd = VM_MARKS, .tgid = 7,
		.nslots = 2 * SLOTS_EACH,
		.g_goid = w.mem.prog.rel->g_goid, .sleeps = sleeps,
		.count_only = w.plan.request.count_only,
	};
	struct bpf_code c;
	struct err err = { 0 };

	probes_make(&w.probes, &w.plan, BIAS);
	facts.most_turns = w.probes.most_turns;
	facts.goes_back = w.probes.goes_back;
	facts.decides = w.decides || w.probes.decides;
	bpf_code_start(&c, w.code, PROGRAM_ROOM);
	bpf_program(&c, &facts);
	ck_assert_msg(bpf_code_ok(&c, &err), "%s", err.msg);
	w.ncode = c.n;
	w.vm = (struct vm){ .tgid = 7, .time = 1000, .fetch = in_memory };
	w.vm.map[VM_SITES] = (struct vm_map){ (u8 *)w.probes.sites.at, sizeof(struct bpf_site),
					      (u32)w.probes.sites.n };
	w.vm.map[VM_STEPS] = (struct vm_map){ (u8 *)w.probes.steps.at, sizeof(struct bpf_step),
					      (u32)w.probes.steps.n };
	w.vm.map[VM_SLOTS] = (struct vm_map){ w.slots[0], SLOT_BYTES, 2 * SLOTS_EACH };
	w.vm.map[VM_MARKS] = (struct vm_map){ (u8 *)w.marks, 8, 1 << MARKS_LOG2 };
	w.vm.map[VM_COUNTS] = (struct vm_map){ (u8 *)w.counts, 8, COUNTS_ROOM };
	w.g[1] = (u64)(uintptr_t)(w.stack + ARRAY_LEN(w.stack));
	w.g[w.mem.prog.rel->g_goid / 8] = GOID;
	w.vm.regs[1] = (u64)(uintptr_t)w.g;			/* R14 */
	w.vm.regs[19] = (u64)(uintptr_t)(w.stack + 64);		/* RSP */
}

static inline struct record_head hit(u64 cookie, u32 k)
{
	struct record_head h = { 0 };

	w.vm.cookie = cookie;
	vm_run(&w.vm, w.code, w.ncode);
	if (k < w.vm.nout)
		memcpy(&h, w.vm.out[k], sizeof(h));
	return h;
}

static inline u64 random_u64(void)
{
	static u64 x = 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static inline u32 below(u32 n)
{
	return (u32)(random_u64() >> 16) % n;
}

#endif
