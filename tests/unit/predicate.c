#include "conditions.h"

#include "inline/predicate.h"
#include "shapes.h"

Suite *predicate_suite(void);

/* All places for marks: `mark`. */
static void fill_marks(u64 mark)
{
	u8 *at = mc.region + NEAR_AT + NEAR_MARKS;

	for (u32 i = 0; i < 1 << NEAR_MARKS_LOG2; i++)
		memcpy(at + 8 * i, &mark, sizeof(mark));
}

static u32 places_without(u64 mark)
{
	u8 *at = mc.region + NEAR_AT + NEAR_MARKS;
	u32 n = 0;

	for (u32 i = 0; i < 1 << NEAR_MARKS_LOG2; i++)
		n += memcmp(at + 8 * i, &mark, sizeof(mark)) != 0;
	return n;
}

/* Runs the function of the plan once, as the call of asked.h. */
static void run_on(const char *text, enum plan_hook hook)
{
	static const u8 regs[] = { RAX, RBX, RCX, RDI, RSI, R8, R9, R10, R11 };
	struct err err = { 0 };
	struct plan_func *fn;
	struct cpu c;

	asked_begin(NULL);
	world.in.g = (u64)(uintptr_t)mc.t.g;
	world.in.fetch = fetch;
	ck_assert_msg(asked_bind(EXPR_IF, text, &err), "%s", err.msg);
	machine_unpatch(&mc);
	fn = &mc.plan.funcs[machine_probe(&mc, NOTHING, world.fn.entry, world.fn.exit)];
	fn->codes = world.fn.codes;
	fn->condition = world.fn.condition;
	fn->hook = (u8)hook;
	mc.plan.exprs = world.plan.exprs;
	mc.plan.nexprs = world.plan.nexprs;
	condition_types(mc.layout.bias);
	machine_patch(&mc);
	condition_types(0);
	c = machine_cpu(&mc.t);
	for (u32 i = 0; i < ARRAY_LEN(regs); i++)
		c.r[regs[i]] = world.in.ints[i];
	for (u32 i = 0; i < ARRAY_LEN(world.in.floats); i++)
		c.x[i][0] = world.in.floats[i];
	memcpy(&mc.t.stack[AT_CALL + 1], world.stack + 8, STACK - 8);
	(void)machine_call(&mc, NOTHING, c);
}

static void run(const char *text, enum plan_hook hook)
{
	fill_marks(0);
	run_on(text, hook);
}

/* Was the room for a record, with what it needs besides, taken since we looked last? */
static bool room_was_taken(void)
{
	u8 *ring = machine_ring(&mc, &mc.t);
	u64 all = 0;

	for (u32 at = RING_SCRATCH; ring && at < RING_DATA; at += SCRATCH_SIZE) {
		all |= *ring_word_at(ring, at + SCRATCH_TIME);
		*ring_word_at(ring, at + SCRATCH_TIME) = 0;
	}
	return all;
}

/* Has a call been counted as unreadable since we looked last? */
static bool was_unreadable(void)
{
	u8 *ring = machine_ring(&mc, &mc.t);
	u64 n = ring ? *ring_word_at(ring, RING_UNREADABLE) : 0;

	if (ring)
		*ring_word_at(ring, RING_UNREADABLE) = 0;
	ck_assert_uint_le(n, 1);
	return n;
}

/* What stands in the ring, which is emptied: r, for a record; v, if it was given up when it had
 * been written; u, if it counts as unreadable; n, if there is none. And whether an exit follows. */
static char taken(bool *exit)
{
	bool unreadable = was_unreadable();
	char is = 'n';
	u64 commit;

	*exit = false;
	while ((commit = machine_next(&mc, &mc.t))) {
		if (((commit - 1) & 3) == SITE_ENTRY)
			is = commit & RECORD_VOID ? 'v' : 'r';
		else
			*exit = true;
	}
	if (room_was_taken() && is == 'n')
		is = 'v';
	ck_assert(!unreadable || is == 'v');
	return unreadable ? 'u' : is;
}

START_TEST(conditions_are_decided_in_the_target)
{
	bool exit, holds;
	u64 unreadable = 0;
	struct expr_input in;
	char is;

	run(conditions[_i].text, HOOK_NONE);
	is = taken(&exit);
	ck_assert_msg(is == conditions[_i].is, "%s: %c", conditions[_i].text, is);
	ck_assert_msg(exit == (is == 'r'), "%s: %c, and an exit that does not fit",
		      conditions[_i].text, is);
	in = asked_input();
	in.goid = 77;
	holds = expr_entry_passes(&in, &unreadable);
	ck_assert_msg(!holds || is == 'r', "%s holds, and was not recorded", conditions[_i].text);
	ck_assert_msg(is != 'u' || unreadable == 1, "%s is readable", conditions[_i].text);
	asked_end();
}
END_TEST

static bool exit_after(const char *text, char wanted)
{
	bool exit;

	run_on(text, HOOK_NONE);
	ck_assert_int_eq(taken(&exit), wanted);
	asked_end();
	return exit;
}

START_TEST(an_exit_takes_the_mark_of_its_call_away)
{
	fill_marks(0);
	ck_assert(exit_after("n < 0", 'r'));
	ck_assert_uint_eq(places_without(0), 0);
	ck_assert(!exit_after("n > 0", 'n'));
	ck_assert(exit_after("p.ID == 71", 'r'));
	ck_assert(!exit_after("p.ID == 72", 'v'));
}
END_TEST

/* Of two calls that are open at once none loses its exit. */
START_TEST(a_mark_where_there_is_one_is_for_both)
{
	enum { OTHER = 4711 };

	fill_marks(OTHER);
	ck_assert(!exit_after("n > 0", 'n'));
	ck_assert_uint_eq(places_without(OTHER), 0);
	ck_assert(exit_after("n < 0", 'r'));
	ck_assert_uint_eq(places_without(OTHER), 1);
	ck_assert(exit_after("n > 0", 'v'));	/* one of them might be this; its exit takes room */
	ck_assert(exit_after("n < 0", 'r'));
	ck_assert_uint_eq(places_without(OTHER), 1);
}
END_TEST

/* Somebody asked for runtime.gopanic, with a condition; pairing needs all of its entries. */
START_TEST(a_hook_is_recorded_all_the_same)
{
	static const char *const no[] = { "n > 0", "p.ID == 72" };
	bool exit;

	run(no[_i], HOOK_GOPANIC);
	ck_assert_int_eq(taken(&exit), 'r');
	ck_assert(exit);
	asked_end();
}
END_TEST

START_TEST(random_conditions_are_decided_as_the_reader_does)
{
	u32 counts[128] = { 0 };
	char text[2000];

	for (u32 round = 0; round < 1500; round++) {
		bool exit, holds;
		u64 unreadable = 0;
		struct expr_input in;
		char is;

		text[0] = 0;
		condition_random(text, sizeof(text), 3);
		if (!condition_binds(text))
			continue;
		run(text, HOOK_NONE);
		is = taken(&exit);
		in = asked_input();
		in.goid = 77;
		holds = expr_entry_passes(&in, &unreadable);
		ck_assert_msg(!unreadable, "%s is not readable", text);
		if (holds)
			ck_assert_msg(is == 'r', "%s holds, and was not recorded", text);
		ck_assert_int_eq(exit, is == 'r');
		counts[(u8)is]++;
		counts[holds ? 1 : 0] += is == 'r';
		asked_end();
	}
	/* nearly all are decided here: few are left to the reader who then says no */
	ck_assert_uint_gt(counts['n'], 150);
	ck_assert_uint_gt(counts['v'], 100);
	ck_assert_uint_gt(counts[1], 200);
	ck_assert_uint_lt(counts[0], (counts['n'] + counts['v']) / 3);
}
END_TEST

Suite *predicate_suite(void)
{
	Suite *s = suite_create("predicate");
	TCase *t = tcase_create("predicate");

	tcase_add_checked_fixture(t, shapes_begin, shapes_end);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, conditions_are_decided_in_the_target, 0, ARRAY_LEN(conditions));
	tcase_add_test(t, an_exit_takes_the_mark_of_its_call_away);
	tcase_add_test(t, a_mark_where_there_is_one_is_for_both);
	tcase_add_loop_test(t, a_hook_is_recorded_all_the_same, 0, 2);
	tcase_add_test(t, random_conditions_are_decided_as_the_reader_does);
	suite_add_tcase(s, t);
	return s;
}
