/* --if in the program of the kernel's probes: on the call in asked.h, as the reader decides. */
#include "conditions.h"

#include "bpfworld.h"

Suite *bpfif_suite(void);

enum { ENTRY = 0, EXIT = 1 };	/* cookies */

static bool asked_memory(u64 va, u64 n, void *to)
{
	if (vm_within(world.stack, STACK, va, n)) {
		memcpy(to, (void *)(uintptr_t)va, n);
		return true;
	}
	return from_heap(va, n, to);
}

static struct plan_func *add_asked(const char *hex)
{
	struct plan_func *fn;

	add_func(hex, &world.fn.entry, &world.fn.exit);
	fn = &w.plan_funcs[w.plan.nfuncs - 1];
	fn->codes = world.fn.codes;
	fn->condition = world.fn.condition;
	w.plan.exprs = world.plan.exprs;
	w.plan.nexprs = world.plan.nexprs;
	return fn;
}

/* The registers and the stack of the call. */
static void asked_registers(void)
{
	static const u8 of[] = { 10, 5, 11, 14, 13, 9, 8, 7, 6 };	/* AX BX CX DI SI R8 … */

	for (u32 i = 0; i < ARRAY_LEN(of); i++)
		w.vm.regs[of[i]] = world.in.ints[i];
	w.vm.regs[19] = (u64)(uintptr_t)world.stack;	/* RSP */
	w.g[1] = (u64)(uintptr_t)(world.stack + STACK);
}

/* Of kernel probes, which read no floats: false if it needs one. */
static bool begin(const char *text, const char *hex, enum plan_hook hook)
{
	struct err err = { 0 };

	probes_release(&w.probes);
	w.plan.nfuncs = 0;
	w.more = asked_memory;
	memset(w.marks, 0, sizeof(w.marks));
	asked_begin(NULL);
	world.plan.request.probes = true;
	world.in.g = (u64)(uintptr_t)w.g;
	world.in.fetch = in_memory;
	if (!asked_bind(EXPR_IF, text, &err)) {
		ck_assert_msg(strstr(err.msg, "f is in a vector register"), "%s", err.msg);
		return false;
	}
	add_asked(hex)->hook = (u8)hook;
	condition_types(BIAS);
	load_program(true);
	condition_types(0);
	asked_registers();
	return true;
}

static bool recorded(u32 cookie)
{
	u32 busy = 0;

	w.vm.turns = 0;
	hit(cookie, 0);
	ck_assert_uint_eq(w.counts[COUNT_LOST] + w.counts[COUNT_NO_G], 0);
	for (u32 i = 0; i < 2 * SLOTS_EACH; i++)
		busy += w.slots[i][SLOT_BUSY] != 0;
	ck_assert_uint_eq(busy, 0);
	return w.vm.nout;
}

/* The record is whole: what decides reads nothing and writes nothing. */
static void expect_whole_record(void)
{
	static u8 want[RECORD_MAX];

	ck_assert_uint_eq(w.vm.size[0], world.fn.entry.size);
	world.in.bias = BIAS;
	memset(want, 0, sizeof(want));
	interpret(&world.in, world.fn.entry.reads, world.fn.entry.nreads, world.fn.entry.size,
		  want);
	ck_assert_mem_eq(want + RECORD_HEAD, w.vm.out[0] + RECORD_HEAD,
			 world.fn.entry.size - RECORD_HEAD);
}

static bool holds(void)
{
	struct expr_input in = asked_input();
	u64 unreadable = 0;

	in.goid = GOID;
	return expr_entry_passes(&in, &unreadable);
}

/* goid is 77 in the table. */
static bool is_about_goid(const char *text)
{
	return strstr(text, "goid");
}

START_TEST(conditions_are_decided_in_the_kernel)
{
	const char *text = conditions[_i].text;
	bool wanted = strchr("ru", conditions[_i].is), is;

	if (is_about_goid(text) || !begin(text, "31 c0 c3", HOOK_NONE))
		return;
	is = recorded(ENTRY);
	ck_assert_msg(is == wanted, "%s: %s", text, is ? "recorded" : "not recorded");
	if (is)
		expect_whole_record();
	ck_assert_msg(recorded(EXIT) == wanted, "%s: its exit", text);
	ck_assert_msg(!holds() || is, "%s holds, and was not recorded", text);
	asked_end();
}
END_TEST

START_TEST(a_goroutine_is_told_from_others)
{
	ck_assert(begin("goid == 42", "31 c0 c3", HOOK_NONE));
	ck_assert(recorded(ENTRY));
	asked_end();
	ck_assert(begin("goid != 42", "31 c0 c3", HOOK_NONE));
	ck_assert(!recorded(ENTRY));
	asked_end();
}
END_TEST

START_TEST(a_hook_is_recorded_all_the_same)
{
	ck_assert(begin("n > 0", "31 c0 c3", HOOK_GOPANIC));
	ck_assert(recorded(ENTRY));
	ck_assert(recorded(EXIT));
	asked_end();
}
END_TEST

START_TEST(random_conditions_are_decided_as_the_reader_does)
{
	u32 yes = 0, no = 0, left = 0;
	char text[2000];

	for (u32 round = 0; round < 1500; round++) {
		struct expr_input in;
		u64 unreadable = 0;
		bool is, passes;

		text[0] = 0;
		condition_random(text, sizeof(text), 3);
		if (!condition_binds(text))
			continue;
		ck_assert(begin(text, "31 c0 c3", HOOK_NONE));
		is = recorded(ENTRY);
		in = asked_input();
		in.goid = GOID;
		passes = expr_entry_passes(&in, &unreadable);
		ck_assert_msg(!unreadable, "%s is not readable", text);
		ck_assert_msg(!passes || is, "%s holds, and was not recorded", text);
		ck_assert_int_eq(recorded(EXIT), is);
		yes += passes;
		no += !is;
		left += is && !passes;
		asked_end();
	}
	ck_assert_uint_gt(yes, 200);
	ck_assert_uint_gt(no, 200);
	ck_assert_uint_lt(left, no / 10);	/* the goid is unsigned, and others are not */
}
END_TEST

/* What is only `ret` is entered and left by one probe. */
START_TEST(an_exit_at_the_entry_is_left_out_with_it)
{
	ck_assert(begin("n > 0", "c3", HOOK_NONE));
	ck_assert(!recorded(ENTRY));
	asked_end();
	ck_assert(begin("n < 0", "c3", HOOK_NONE));
	ck_assert(recorded(ENTRY));
	ck_assert_uint_eq(w.vm.nout, 2);
	asked_end();
}
END_TEST

static void at_depth(u64 depth)
{
	w.g[1] = (u64)(uintptr_t)world.stack + depth;
}

static void with_n(i64 n)
{
	w.vm.regs[10] = (u64)n;
}

START_TEST(a_mark_is_for_one_call)
{
	ck_assert(begin("n == 5", "31 c0 c3", HOOK_NONE));
	at_depth(512);
	with_n(5);
	ck_assert(recorded(ENTRY));
	at_depth(520);		/* a callee, which is not wanted */
	with_n(6);
	ck_assert(!recorded(ENTRY));
	ck_assert(!recorded(EXIT));
	at_depth(512);
	ck_assert(recorded(EXIT));
	ck_assert(!recorded(ENTRY));
	ck_assert(!recorded(EXIT));
	with_n(5);		/* one that ends by a panic */
	ck_assert(recorded(ENTRY));
	with_n(6);
	ck_assert(!recorded(ENTRY));
	ck_assert(!recorded(EXIT));
	for (u32 i = 0; i < ARRAY_LEN(w.marks); i++)
		ck_assert_uint_eq(w.marks[i], 0);
	asked_end();
}
END_TEST

/* Many calls are open at once, in the places of each other: none loses its exit. */
START_TEST(calls_that_share_a_place_keep_their_exits)
{
	enum { OPEN = 3000, STEP = MARK_DEEP / OPEN / 64 };
	u32 shared = 0, without_entry = 0;
	u64 depths[OPEN];

	ck_assert(begin("n == 5", "31 c0 c3", HOOK_NONE));
	with_n(5);
	for (u32 i = 0; i < OPEN; i++) {
		depths[i] = 64 * (u64)(STEP * i + below(STEP));
		at_depth(depths[i]);
		ck_assert(recorded(ENTRY));
	}
	with_n(6);
	for (u32 i = 0; i < OPEN; i++) {
		at_depth(depths[i] + 8);
		ck_assert(!recorded(ENTRY));
		without_entry += recorded(EXIT);
	}
	for (u32 i = 0; i < OPEN; i++) {
		at_depth(depths[i]);
		ck_assert(recorded(EXIT));
	}
	for (u32 i = 0; i < ARRAY_LEN(w.marks); i++) {
		ck_assert_uint_le(w.marks[i], MARK_SHARED);
		shared += w.marks[i] == MARK_SHARED;
	}
	ck_assert_uint_gt(shared, 0);
	ck_assert_uint_lt(without_entry, OPEN / 20);
	asked_end();
}
END_TEST

START_TEST(so_deep_there_are_no_marks)
{
	ck_assert(begin("n == 5", "31 c0 c3", HOOK_NONE));
	with_n(5);
	at_depth(MARK_DEEP);
	ck_assert(recorded(ENTRY));
	ck_assert(recorded(EXIT));
	with_n(6);
	ck_assert(!recorded(ENTRY));
	ck_assert(recorded(EXIT));
	asked_end();
}
END_TEST

/* A part of the condition comes before captures that it does not need. */
START_TEST(what_is_not_wanted_is_not_read)
{
	static const struct { const char *text; u32 from, to; } asks[] = {
		{ "n > 0", 0, 14 }, { "p.ID == 72", 14, 200 },
	};
	const struct bpf_steps *s;
	u32 first = 0;

	for (u32 i = 0; i < ARRAY_LEN(asks); i++) {
		ck_assert(begin(asks[i].text, "31 c0 c3", HOOK_NONE));
		s = &w.probes.steps;
		for (first = 0; first < s->n && s->at[first].kind != STEP_UNWANTED; first++)
			;
		ck_assert_uint_lt(first, w.probes.sites.at[ENTRY].nsteps);
		for (u32 k = 0; k < first; k++)
			ck_assert(i || s->at[k].kind != STEP_MEM);
		asked_end();
	}
}
END_TEST

START_TEST(steps_that_are_the_same_are_kept_once)
{
	u32 first;

	ck_assert(begin("n > 0", "31 c0 c3", HOOK_NONE));
	first = w.probes.sites.at[ENTRY].first;
	probes_release(&w.probes);
	add_asked("31 c0 90 c3");
	load_program(true);
	ck_assert_uint_eq(w.probes.sites.n, 4);
	ck_assert_uint_eq(w.probes.sites.at[ENTRY].first, first);
	ck_assert_uint_eq(w.probes.sites.at[2].first, first);
	asked_registers();
	ck_assert(!recorded(2));
	asked_end();
}
END_TEST

Suite *bpfif_suite(void)
{
	Suite *s = suite_create("bpfif");
	TCase *t = tcase_create("conditions");

	tcase_add_checked_fixture(t, world_begin, world_end);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, conditions_are_decided_in_the_kernel, 0, ARRAY_LEN(conditions));
	tcase_add_test(t, a_goroutine_is_told_from_others);
	tcase_add_test(t, a_hook_is_recorded_all_the_same);
	tcase_add_test(t, random_conditions_are_decided_as_the_reader_does);
	tcase_add_test(t, an_exit_at_the_entry_is_left_out_with_it);
	tcase_add_test(t, a_mark_is_for_one_call);
	tcase_add_test(t, calls_that_share_a_place_keep_their_exits);
	tcase_add_test(t, so_deep_there_are_no_marks);
	tcase_add_test(t, what_is_not_wanted_is_not_read);
	tcase_add_test(t, steps_that_are_the_same_are_kept_once);
	suite_add_tcase(s, t);
	return s;
}
