/* stepped - a call of the machine (shapes.h) that runs one instruction at a time, with a signal
 * handler before one of them.
 *
 * Owns     nothing.  Units  instructions of our code.  Fails  a test.  Threads  one. */
#ifndef TESTS_STEPPED_H
#define TESTS_STEPPED_H

#include "shapes.h"

static u32 steps, wanted;	/* so far; it comes before this one */
static void (*comes)(void);

static inline void on_step(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;
	u64 rip = (u64)uc->uc_mcontext.gregs[REG_RIP];

	(void)sig;
	(void)si;
	if (rip - mc.layout.code_rt < NEAR_AT - CODE_AT && steps++ == wanted)
		comes();
}

static inline void step_through(struct cpu c)
{
	static u8 stack[1 << 16];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	ck_assert(!sigaltstack(&alt, NULL));
	ck_assert(!sigaction(SIGTRAP, &sa, NULL));
	steps = 0;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" : : : "memory", "cc");
	(void)machine_run(&mc, &mc.t, NOTHING, 0, &c);
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" : : : "memory", "cc");
}

/* A handler that is recorded itself. */
static inline void handler_records(void)
{
	u8 *ring = machine_ring(&mc, &mc.t);
	u64 *head = ring_word_at(ring, RING_HEAD);
	struct record_head h = { .commit = 1 + SITE_TAIL, .tsc = 1 };

	memcpy(ring + RING_DATA + (*head & (mc.layout.buffer - 1)), &h, sizeof(h));
	*head += RECORD_HEAD;
}

#endif
