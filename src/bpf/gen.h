/* gen - a plan as uprobes: where they go, what each of them reads, and the program behind them.
 *
 * One program serves every site. What a site reads stays data: rows of two array maps, because a
 * program for each reading would have to pass the kernel's verifier anew, and plans have thousands.
 * The program walks the steps of its site (the `cookie` of a probe is the index of its row), fills
 * a record as plan/record.h has it (its time is the kernel's monotonic clock in ns), and hands it
 * to a ring buffer.
 *
 * Owns     its arrays, until probes_release(); refers to the plan.
 * Units    _va and _off as in image.h; places of code are indexes of instructions.
 * Fails    probes_make: never, what can't be probed is listed. bpf_program: as bpf/asm.h.
 * Threads  one. */
#ifndef BPF_GEN_H
#define BPF_GEN_H

#include "base/vec.h"
#include "bpf/asm.h"
#include "plan/condition.h"

/* A row of the map `sites`. The flags of the processor decide whether a conditional jump is taken,
 * and with it whether this is an event: (flags & mask) != 0 must equal `sense`. FLAGS_UNLIKE is no
 * flag of the processor: the program puts "sign is not overflow" there. */
struct bpf_site {
	u32 site;	/* 4 * (function in the plan) + enum site_kind */
	u32 first;	/* of its steps */
	u16 nsteps, size;	/* of the record */
	u16 mask;
	u8 sense;
	u8 off;		/* 1: switched off */
	u64 hits;	/* counted by the program, also when it is off */
	u64 events;	/* what would have been records: only where counts are wanted */
	u32 also;	/* a row for the same instruction, in its turn; 0: none */
	u32 marks;	/* enum site_marks */
};

enum site_marks {
	MARKS_NONE,
	MARKS_LEAVE,	/* the record of an entry leaves a mark... */
	MARKS_SEEK,	/* ...and an exit without one makes no record (decide.h) */
};

/* A row of the map `steps`: struct read, as the program likes it; or what decides --if (decide.h),
 * on variables of 64 bits. */
struct bpf_step {
	u8 kind;	/* enum step_kind */
	u8 reg;		/* of the processor, or a variable */
	u16 size;	/* WHEN: steps of the block; JUMP: that are left out */
	u16 at;
	u16 status;
	union {
		struct {
			u16 from, len_at, most, elem;
			i32 disp;
		};
		struct {
			u8 op;		/* enum condition_op, condition_test */
			u8 other;	/* the second operand, or NO_VAR: `when` */
			u8 drop;	/* bits of the result that are none of its value */
			u8 sense;	/* they become its sign; JUMP: if the test says so */
		};
	};
	u32 pad;	/* 0: rows are compared */
	u64 when;	/* run-time address, or number */
};
VEC_TYPE(bpf_steps, struct bpf_step);

enum step_kind {
	STEP_INT, STEP_STACK, STEP_MEM, STEP_BYTES, STEP_WHEN, STEP_WHEN_NOT,
	STEP_AGAIN,	/* `size` steps back, unless that was often enough (plan.h) */
	STEP_FRAMES,	/* the return address, and where the chain of frame pointers begins */
	STEP_FRAME,	/* the next address of the chain; a step for each */
	STEP_LOAD,	/* var = the word at `at` of the record */
	STEP_COMPUTE,	/* var = var op other */
	STEP_JUMP,	/* over `size` steps, if (var op other) is `sense` */
	STEP_UNSURE,	/* from here on nothing is unwanted */
	STEP_UNWANTED,	/* no record */
};

enum {
	FLAGS_UNLIKE = 1 << 15,
	FLAGS_BE = 1 << 0 | 1 << 6,	/* carry or zero */
	/* A place where the program puts a record together. Threads of the target may be put off or
	 * wait for a page in the middle of it, so each processor has several. */
	SLOT_BUSY = 0,
	SLOT_REGS = 8,
	SLOT_VARS = 96,
	SLOT_UNSURE = SLOT_VARS + 8 * 16,
	SLOT_RECORD = 256,
	SLOT_ZERO = SLOT_RECORD + RECORD_MAX,	/* always zero, and room for what would run over */
	SLOT_BYTES = SLOT_ZERO + RECORD_MAX,
	SLOTS_EACH = 8,
	VARS = 16,
	/* the map `marks`, of u64: 0, the mark of a call, or that several calls had the place */
	MARKS_LOG2 = 16, MARK_SHARED = 1,
	MARK_DEEP = 1 << 23,	/* calls so deep in a stack have none: all exits are recorded */
	REG_G = 9,	/* of a STEP_INT, behind those of the ABI */
	/* the map `counts`, of u64: what was lost, and why; which generation of probes counts */
	COUNT_LOST = 0, COUNT_NO_G, COUNTS,
	GENERATION = COUNTS, COUNTS_ROOM,
	/* A cookie is a row, and above it the generation: probes can be put in the place of others
	 * without a moment in which both count or none does. */
	COOKIE_ROW_BITS = 24,
	PROGRAM_ROOM = 2048,
};

struct probe {
	u32 row;	/* in sites: the cookie */
	u64 va, off;
};

struct probes_refused {
	u32 func;
	u8 kind;	/* enum site_kind */
	u64 va;
	const char *why;
};

struct probes {
	const struct plan *plan;
	VEC(struct probe) at;		/* ascending by function, then address */
	VEC(struct bpf_site) sites;	/* by function too; a probe may have two (`also`) */
	VEC(u64) vas;			/* of each of them */
	struct bpf_steps steps;
	VEC(struct probes_refused) refused;
	u32 most_turns;		/* of one site; where some of its rows go back, of any */
	bool goes_back;		/* there are rows that do */
	bool decides;		/* there are rows that decide */
};

/* `bias` is added to the addresses that steps compare with. */
void probes_make(struct probes *p, const struct plan *plan, u64 bias);
void probes_release(struct probes *p);

/* What a program needs to know besides the rows. */
struct bpf_facts {
	int sites_fd, steps_fd, slots_fd, counts_fd, ring_fd;
	int marks_fd;		/* where `decides` */
	u32 tgid;		/* whose hits count; 0: the kernel sees to that alone */
	u32 nslots;		/* of the map, a multiple of SLOTS_EACH */
	u32 most_turns;
	u16 g_goid;
	bool sleeps;		/* it may wait for pages of the target */
	bool count_only;	/* no records at all */
	bool goes_back, decides;	/* some rows do */
	const struct go_bare_calls *bare;	/* with the next three: for stacks; NULL: none */
	u64 text_rt;
	u32 sigpanic_pc, sigpanic_size;	/* 0: it is not known */
	bool may_leave;	/* the kernel has may_goto (6.9); else it verifies each turn */
};
/* Those that stacks are read with. */
void bpf_facts_of_stacks(struct bpf_facts *f, const struct plan *plan, u64 bias);
void bpf_program(struct bpf_code *c, const struct bpf_facts *f);
const char *bpf_helper_name(i32 id);

#endif
