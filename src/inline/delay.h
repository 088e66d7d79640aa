/* delay - code that waits between the words of a store: one routine, and a piece for each site.
 *
 * Each site has a cell: how many more times it is passed before the next wait, and its random
 * state. A pass costs a `dec`; whoever brings the cell below 0 calls the routine, which draws the
 * next gap and waits: by nanosleep, or below 50 µs by a loop on the time stamp counter, whose rate
 * the routine finds out itself. All of it is relative to RIP.
 *
 * The flags must be dead at a check; at a store where they are not, they are kept. Registers are
 * kept on the goroutine's stack, at most DELAY_STACK bytes with the flags: wherever a check of the
 * write barrier stands, at least that much is there, because the function has the same SP when it
 * calls gcWriteBarrier, which takes 128 at once and counts in the linker's check of nosplit chains
 * (runtime/asm_amd64.s). Vector registers are left alone.
 *
 * data:   OFFSET SIZE    MEANING
 *         0      8       how long to wait, ns
 *         8      16      the same as a struct timespec
 *         24     8       seed
 *         32     8       most percent of the time that may be waited; 0: no limit
 *         40     8       ticks in 1024 ns, once they are known
 *         48     24      for that: somebody has begun; the clock's ns, and the ticks, then
 *         72     8       ticks at the first wait
 *         80     8       ticks waited so far
 *         88     8       waits
 *         96     8       waits left out because of the limit
 *         104    8       sites that were passed at all
 *         128    4*256   gaps: a site waits at the so-manieth pass from now. One is drawn
 *         1152   16*n    cells: i32 passes left, u32 waits, u64 random state (0: not begun). Zero
 *                        at start
 *
 * Of the time that may be waited a site which has waited more often than others gets half only: a
 * hot one must not keep all others from being delayed.
 *
 * In a process (not in a file) there is a gate: 0 means that nobody waits, and a fork's child reads
 * 0. Who would wait while the goshawk that put the delays in is dead shuts it.
 *
 * Owns     nothing.
 * Units    rt addresses.
 * Fails    sticky, as x86/asm.h.
 * Threads  the code may run on any number at once: the counts of a site are not exact then. */
#ifndef INLINE_DELAY_H
#define INLINE_DELAY_H

#include "x86/asm.h"
#include "x86/patch.h"

enum {
	DELAY_NS = 0,
	DELAY_SPEC = 8,
	DELAY_SEED = 24,
	DELAY_PERCENT = 32,
	DELAY_RATE = 40,
	DELAY_CLAIM = 48,
	DELAY_ANCHOR_NS = 56,
	DELAY_ANCHOR_TSC = 64,
	DELAY_START = 72,
	DELAY_WAITED = 80,
	DELAY_WAITS = 88,
	DELAY_OVER = 96,
	DELAY_SEEN = 104,
	DELAY_GAPS = 128,
	DELAY_GAPS_COUNT = 256,
	DELAY_CELLS = DELAY_GAPS + 4 * DELAY_GAPS_COUNT,
	DELAY_CELL = 16,
	DELAY_CELL_WAITS = 4,
	DELAY_CELL_STATE = 8,

	DELAY_STACK = 96,
	DELAY_SLEEPS_NS = 50000,	/* shorter ones are waited awake */
	DELAY_GROUP = 12,		/* pieces of checks that share their ends */
	DELAY_CHECK_PIECE = 10,		/* bytes of such a piece */
};

struct delay_ask {
	i64 ns;
	u64 every;		/* wait at every so-manieth pass; 0: by chance */
	u32 per_million;	/* ... which is this */
	u64 seed;		/* 0: one that the program's bytes give */
	u32 percent;
	bool fips_resum;	/* in a file: also what a FIPS 140 build sums, and sum it anew */
};
enum { DELAY_MOST_EVERY = 0x7fffffff, DELAY_MOST_PERCENT = 10000 };

/* The first DELAY_CELLS bytes. */
void delay_data(u8 *to, const struct delay_ask *ask);
/* How fast the time stamp counter counts, where somebody knows: ns per tick, times 2^32. */
void delay_rate(u8 *data, u64 mult);

struct delay_code {
	u64 data_rt, flag_rt;	/* flag: runtime.writeBarrier */
	u64 check_rt, window_rt;	/* the routine's entries */
	u64 gate_rt, owner_rt;		/* u32: the gate, and a robust lock; 0: none, in a file */
};
static inline u64 delay_cell(const struct delay_code *d, u32 site)
{
	return d->data_rt + DELAY_CELLS + (u64)site * DELAY_CELL;
}

/* The routine; fills its entries. */
void delay_routine(struct assembler *a, struct delay_code *d);
/* For one site, in front of what its jump displaced: counts, and waits when it is time. */
void delay_pass(struct assembler *a, const struct delay_code *d, u32 site, bool keep_flags);
/* The same with what was displaced, and the way back. Gives where it begins. */
u64 delay_window(struct assembler *a, const struct delay_code *d, u32 site, const struct flow *f,
		 const struct window *w, u64 entry_rt);
/* For n <= DELAY_GROUP checks, sites first, first + 1, …: behind a CALL and a 2-byte NOP in the
 * place of each check's cmpl. The piece of the k'th begins at pieces[k]. */
void delay_checks(struct assembler *a, const struct delay_code *d, u32 first, u32 n, u64 *pieces);

#endif
