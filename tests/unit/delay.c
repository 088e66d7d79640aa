/* Delays: the code of both kinds of sites, run in the test's own process with registers full. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "code.h"
#include "inline/delay.h"
#include "inline/emit.h"

Suite *delay_suite(void);

struct cpu {
	u64 r[16], x[16][2];
};
/* tests/fake/machine_enter.c */
void machine_enter(const struct cpu *in, struct cpu *out, u64 target);
void machine_left(void);

enum {
	REGION = 1 << 20, TEXT = 0, CODE = 0x10000, DATA = 0x80000, SITES = 30, STEP = 32,
	FLAGS = SITES + 1,
	FLAG = DATA - 64, ANSWER = DATA - 32, GATE = DATA - 96, OWNER = DATA - 128,
	STACK_WORDS = 256, AT_CALL = 200,
};

static u8 *region;
static struct delay_code code;
static struct arena arena;
static u64 stack[STACK_WORDS];

static u64 rt(u64 at)
{
	return (u64)(uintptr_t)region + at;
}

static u64 *word(u64 at)
{
	return (u64 *)(void *)(region + at);
}

static u64 datum(u64 at)
{
	return *word(DATA + at);
}

/* Function k: `cmp dword [flag], 0; sete [answer]; ret`, its check redirected. */
static void make_checks(struct assembler *a)
{
	u64 pieces[SITES];

	for (u32 k = 0; k < SITES; k += DELAY_GROUP)
		delay_checks(a, &code, k, MIN(DELAY_GROUP, SITES - k), pieces + k);
	for (u32 k = 0; k < SITES; k++) {
		struct assembler t;

		asm_start(&t, region + TEXT + STEP * k, STEP, rt(TEXT + STEP * k));
		PUT(&t, 0xe8);
		asm_rel32_to(&t, pieces[k]);
		PUT(&t, 0x66, 0x90);
		PUT(&t, 0x0f, 0x94, 0x05);
		asm_rel32_to(&t, rt(ANSWER));
		PUT(&t, 0xc3);
	}
}

/* The function behind them: `mov [rax], rcx; lea rbx, [rbx+1]; ret` with a window on all of it. */
static void make_window(struct assembler *a)
{
	struct flow *f = ARENA_NEW(&arena, struct flow);
	struct window w = { .count = 3, .size = 8 };
	struct assembler t;
	u64 entry = rt(TEXT + STEP * SITES), to;

	*f = code_flow(&arena, "48 89 08 48 8d 5b 01 c3");
	to = delay_window(a, &code, SITES, f, &w, entry);
	asm_start(&t, region + TEXT + STEP * SITES, STEP, entry);
	PUT(&t, 0xe9);
	asm_rel32_to(&t, to);
}

/* And one more: `cmp rdx, rbx; mov [rax], rcx; lea rbx, [rbx+1]; setl [answer]; ret`, with a window
 * on the two in the middle. */
static void make_window_in_flags(struct assembler *a)
{
	struct flow *f = ARENA_NEW(&arena, struct flow);
	struct window w = { .first = 1, .count = 2, .at = 3, .size = 7, .keep_flags = true };
	struct assembler t;
	u64 entry = rt(TEXT + STEP * FLAGS), to;

	*f = code_flow(&arena, "48 39 da 48 89 08 48 8d 5b 01 c3");
	to = delay_window(a, &code, FLAGS, f, &w, entry);
	asm_start(&t, region + TEXT + STEP * FLAGS, STEP, entry);
	PUT(&t, 0x48, 0x39, 0xda, 0xe9);
	asm_rel32_to(&t, to);
	PUT(&t, 0x66, 0x90, 0x0f, 0x9c, 0x05);
	asm_rel32_to(&t, rt(ANSWER));
	PUT(&t, 0xc3);
}

/* in_process: with a gate, and an owner who may die. */
static void begin_there(const struct delay_ask *ask, bool in_process)
{
	struct assembler a;
	struct err err;

	region = mmap(NULL, REGION, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	ck_assert_ptr_ne(region, MAP_FAILED);
	code = (struct delay_code){ .data_rt = rt(DATA), .flag_rt = rt(FLAG) };
	if (in_process) {
		code.gate_rt = rt(GATE);
		code.owner_rt = rt(OWNER);
		*word(GATE) = 1;
		*word(OWNER) = 4711;
	}
	delay_data(region + DATA, ask);
	asm_start(&a, region + CODE, DATA - CODE - 4096, rt(CODE));
	delay_routine(&a, &code);
	make_checks(&a);
	make_window(&a);
	make_window_in_flags(&a);
	ck_assert_msg(asm_ok(&a, &err), "%s", err.msg);
}

static void begin(const struct delay_ask *ask)
{
	begin_there(ask, false);
}

static void end(void)
{
	munmap(region, REGION);
	arena_release(&arena);
}

static u64 random_word(void)
{
	static u64 x = 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Runs one function and sees to it that nothing is lost. */
static void pass(u32 k)
{
	static u64 target, before[STACK_WORDS];
	struct cpu in, out;
	u64 flag = random_word() % 2;
	bool less;

	for (unsigned i = 0; i < 16; i++) {
		in.r[i] = random_word();
		in.x[i][0] = random_word();
		in.x[i][1] = random_word();
	}
	for (unsigned i = 0; i < STACK_WORDS; i++)
		before[i] = stack[i] = random_word();
	before[AT_CALL] = stack[AT_CALL] = (u64)(uintptr_t)machine_left;
	in.r[RSP] = (u64)(uintptr_t)&stack[AT_CALL];
	if (k >= SITES)
		in.r[RAX] = (u64)(uintptr_t)&target;
	*word(FLAG) = flag << 20;
	machine_enter(&in, &out, rt(TEXT + STEP * k));
	in.r[RSP] += 8;
	less = (i64)in.r[RDX] < (i64)in.r[RBX];
	in.r[RBX] += k >= SITES;
	for (unsigned i = 0; i < 16; i++)
		ck_assert_msg(in.r[i] == out.r[i], "register %u: %#lx became %#lx", i, in.r[i],
			      out.r[i]);
	ck_assert_mem_eq(in.x, out.x, sizeof(in.x));
	if (k >= SITES)
		ck_assert_uint_eq(target, in.r[RCX]);
	if (k != SITES)
		ck_assert_uint_eq(region[ANSWER], k == FLAGS ? less : !flag);
	ck_assert_mem_eq(before + AT_CALL, stack + AT_CALL, sizeof(stack) - 8 * AT_CALL);
	ck_assert_mem_eq(before, stack, 8 * AT_CALL - DELAY_STACK);
}

static void passes(u32 k, u32 n)
{
	while (n--)
		pass(k);
}

static i64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Delays of every length, at each piece of a group and at a window. */
static const i64 lengths[] = { 0, 1, 300, 20000, 49999, 50000, 200000 };

START_TEST(leaves_registers_flags_and_stack_as_they_were)
{
	for (u32 there = 0; there < 2; there++) {
		begin_there(&(struct delay_ask){ .ns = lengths[_i], .every = 1 }, there);
		for (u32 n = 0; n < 4; n++)
			for (u32 k = 0; k <= FLAGS; k++)
				pass(k);
		ck_assert_uint_eq(datum(DELAY_WAITS), lengths[_i] ? 4 * (FLAGS + 1) : 0);
		ck_assert_uint_eq(datum(DELAY_SEEN), FLAGS + 1);
		end();
	}
}
END_TEST

/* Before it is opened, in the child of a fork, and when nobody is there any more. */
START_TEST(nobody_waits_behind_a_shut_gate)
{
	begin_there(&(struct delay_ask){ .ns = 1000, .every = 2 }, true);
	*word(GATE) = 0;
	passes(SITES, 100);
	ck_assert_uint_eq(datum(DELAY_SEEN), 0);
	*word(GATE) = 1;
	passes(SITES, 100);
	ck_assert_uint_eq(datum(DELAY_WAITS), 50);
	end();
}
END_TEST

/* The kernel marks the lock of who has died (FUTEX_OWNER_DIED). */
START_TEST(whoever_would_wait_for_the_dead_shuts_the_gate)
{
	begin_there(&(struct delay_ask){ .ns = 1000, .every = 3 }, true);
	passes(SITES, 3);
	ck_assert_uint_eq(datum(DELAY_WAITS), 1);
	*word(OWNER) |= 0x40000000;
	passes(SITES, 2);
	ck_assert_uint_eq(*word(GATE), 1);
	pass(SITES);
	ck_assert_uint_eq(*word(GATE), 0);
	passes(SITES, 10);
	ck_assert_uint_eq(datum(DELAY_WAITS), 1);
	end();
}
END_TEST

/* Then no system call is needed to find it out. */
START_TEST(a_rate_that_is_known_is_used)
{
	begin(&(struct delay_ask){ .ns = 20000, .every = 1 });
	delay_rate(region + DATA, (u64)1 << 33);	/* 2 ns a tick */
	ck_assert_uint_eq(datum(DELAY_RATE), 512);
	passes(0, 10);
	ck_assert_uint_eq(datum(DELAY_CLAIM), 0);
	ck_assert_uint_ge(datum(DELAY_WAITED), 10 * 10000);
	delay_rate(region + DATA, 1);	/* 0.2 ps a tick: nobody has that */
	ck_assert_uint_eq(datum(DELAY_RATE), 512);
	end();
}
END_TEST

/* The first ones by the clock, then by the counter, whose rate is then known. */
START_TEST(waits_as_long_as_it_should)
{
	i64 ns = lengths[_i], least = INT64_MAX;

	begin(&(struct delay_ask){ .ns = ns, .every = 1 });
	for (u32 n = 0; n < 300 || (ns < DELAY_SLEEPS_NS && !datum(DELAY_RATE)); n++) {
		i64 from = now();

		pass(n % 2 ? 0 : SITES);
		least = MIN(least, now() - from);
		ck_assert_int_ge(now() - from, ns - ns / 20);
	}
	ck_assert_int_lt(least, ns * 2 + 60000);
	if (ns < DELAY_SLEEPS_NS)
		ck_assert_uint_gt(datum(DELAY_RATE), 0);
	end();
}
END_TEST

START_TEST(waits_at_every_third_pass)
{
	begin(&(struct delay_ask){ .ns = 1, .every = 3 });
	for (u32 n = 1; n <= 12; n++) {
		pass(0);
		pass(SITES);
		ck_assert_uint_eq(datum(DELAY_WAITS), 2 * (n / 3));
	}
	end();
}
END_TEST

static u64 waits_of(u64 seed, u32 per_million, u32 k, u32 n)
{
	u64 waits;

	begin(&(struct delay_ask){ .ns = 1, .per_million = per_million, .seed = seed });
	passes(k, n);
	waits = datum(DELAY_WAITS);
	end();
	return waits;
}

START_TEST(waits_at_random_as_often_as_asked)
{
	ck_assert_uint_eq(waits_of(1, 1000000, 0, 100), 100);
	for (u64 seed = 1; seed < 4; seed++) {
		u64 n = waits_of(seed, 10000, seed % 2 ? 3 : SITES, 60000);

		ck_assert_msg(n > 500 && n < 700, "%lu waits in 60000 passes", n);
		n = waits_of(seed, 500000, 1, 4000);
		ck_assert_msg(n > 1850 && n < 2150, "%lu waits in 4000 passes", n);
	}
}
END_TEST

/* When a site waits: a bit for each pass. */
static u64 pattern(u64 seed, u32 k)
{
	u64 bits = 0, before = 0;

	begin(&(struct delay_ask){ .ns = 1, .per_million = 250000, .seed = seed });
	for (u32 n = 0; n < 64; n++) {
		pass(k);
		bits |= (datum(DELAY_WAITS) - before) << n;
		before = datum(DELAY_WAITS);
	}
	end();
	return bits;
}

START_TEST(the_same_seed_waits_at_the_same_passes)
{
	ck_assert_uint_eq(pattern(7, 0), pattern(7, 0));
	ck_assert_uint_ne(pattern(7, 0), pattern(8, 0));
	ck_assert_uint_ne(pattern(7, 0), pattern(7, 1));
}
END_TEST

START_TEST(keeps_to_its_share_of_the_time)
{
	i64 from;

	begin(&(struct delay_ask){ .ns = 20000, .every = 1, .percent = 10 });
	for (from = now(); now() < from + 200000000;)
		pass(0);
	/* a site that waits no more often than others has all of it: 200 ms / 10 / 20 µs */
	ck_assert_uint_gt(datum(DELAY_WAITS), 20);
	ck_assert_uint_le(datum(DELAY_WAITS), 1010);
	ck_assert_uint_gt(datum(DELAY_OVER), 100);
	end();
}
END_TEST

START_TEST(a_hot_site_leaves_time_for_others)
{
	u64 rare = 0;

	begin(&(struct delay_ask){ .ns = 20000, .every = 1, .percent = 1 });
	for (i64 from = now(); now() < from + 500000000;) {
		u64 before;

		passes(0, 60);
		before = datum(DELAY_WAITS);
		pass(1);
		rare += datum(DELAY_WAITS) - before;
	}
	ck_assert_msg(rare >= datum(DELAY_WAITS) / 4, "%lu of %lu waits", rare, datum(DELAY_WAITS));
	end();
}
END_TEST

/* In the child of a fork, where the memory is wiped. */
START_TEST(does_nothing_when_its_data_are_zero)
{
	begin(&(struct delay_ask){ .ns = 100000000, .every = 1 });
	memset(region + DATA, 0, DELAY_CELLS + DELAY_CELL * (SITES + 1));
	passes(0, 100);
	passes(SITES, 100);
	ck_assert_uint_eq(datum(DELAY_WAITS), 0);
	end();
}
END_TEST

Suite *delay_suite(void)
{
	Suite *s = suite_create("delay");
	TCase *t = tcase_create("delay");

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, leaves_registers_flags_and_stack_as_they_were, 0,
			    ARRAY_LEN(lengths));
	tcase_add_loop_test(t, waits_as_long_as_it_should, 1, ARRAY_LEN(lengths));
	tcase_add_test(t, waits_at_every_third_pass);
	tcase_add_test(t, waits_at_random_as_often_as_asked);
	tcase_add_test(t, the_same_seed_waits_at_the_same_passes);
	tcase_add_test(t, keeps_to_its_share_of_the_time);
	tcase_add_test(t, a_hot_site_leaves_time_for_others);
	tcase_add_test(t, does_nothing_when_its_data_are_zero);
	tcase_add_test(t, nobody_waits_behind_a_shut_gate);
	tcase_add_test(t, whoever_would_wait_for_the_dead_shuts_the_gate);
	tcase_add_test(t, a_rate_that_is_known_is_used);
	suite_add_tcase(s, t);
	return s;
}
