#include "asked.h"

#include <stdio.h>

#include "inline/predicate.h"
#include "shapes.h"

Suite *predicate_suite(void);

/* Conditions of the call in asked.h, run as generated code. What becomes of the entry:
 *   n  nothing: it was decided before anything was recorded
 *   v  a void record: decided after the captures
 *   r  a record: it holds, or the reader is to say */
static const struct { const char *text; char is; } conditions[] = {
	{ "n < 0", 'r' }, { "n > 0", 'n' }, { "n == -7", 'r' }, { "n != -7", 'n' },
	{ "n <= -8", 'n' }, { "n >= -7", 'r' }, { "u == 200", 'r' }, { "u < 200", 'n' },
	{ "u > 127", 'r' }, { "w == -3", 'r' }, { "w > -3", 'n' }, { "n < u", 'r' },
	{ "u < n", 'n' },
	{ "ok", 'r' }, { "!ok", 'n' }, { "ok == false", 'n' }, { "n < 0 && u > 250", 'n' },
	{ "n > 0 || u > 250", 'n' }, { "n > 0 || u > 150", 'r' }, { "!(n < 0 && u == 200)", 'n' },
	{ "!(n > 0 || u == 3)", 'r' }, { "(n > 0 || ok) && (w < 0 || ok)", 'r' },
	{ "n + u == 193", 'r' }, { "n + u * 2 == 394", 'n' }, { "u + 100 == 44", 'r' },
	{ "u << 1 == 144", 'r' }, { "n >> 1 == -4", 'r' }, { "^u == 55", 'r' }, { "-n == 7", 'r' },
	{ "u &^ 8 == 192", 'r' }, { "n - (w - (u - n)) == 203", 'r' },
	{ "n == 0x123456789abcdef", 'n' }, { "goid == 77", 'r' }, { "goid != 77", 'n' },
	{ "len(s) == 12", 'r' }, { "len(s) > 12", 'n' }, { "len(sl) == cap(sl)", 'r' },
	{ "p == nil", 'n' }, { "p != nil", 'r' }, { "nilp == nil", 'r' }, { "err == nil", 'n' },
	{ "e != nil && sl != nil", 'r' }, { "d > 1s", 'r' }, { "d < 1s", 'n' },
	{ "panicking", 'n' },
	{ "!panicking", 'r' }, { "false", 'n' }, { "true", 'r' }, { "arr[1] == -20", 'r' },
	{ "arr[2] == -20", 'n' },
	/* texts: by their length, else by their bytes */
	{ "s == \"hello\"", 'n' }, { "s == \"hello, worle\"", 'v' },
	{ "s == \"hello, world\"", 'r' },
	{ "s != \"hello, world\"", 'v' }, { "has_prefix(s, \"hello\")", 'r' },
	{ "has_prefix(s, \"helpo\")", 'v' }, { "has_prefix(s, \"hello, world!\")", 'n' },
	{ "s == \"\"", 'n' }, { "has_prefix(s, \"\")", 'r' },
	{ "s == \"hello, world\" || n > 0", 'r' }, { "!(s == \"hello, world\")", 'v' },
	{ "s == \"x\" || s == \"y\"", 'v' }, { "lost == \"abcde\"", 'r' },
	/* behind pointers */
	{ "p.ID == 71", 'r' }, { "p.ID == 72", 'v' }, { "p.Next.Name == \"second\"", 'r' },
	{ "p.Next.Name == \"thirdd\"", 'v' }, { "p.Flags > 0x8000", 'r' },
	{ "p.Flags < 0x8000", 'v' },
	{ "p.In.X == -5 && p.In.X < p.In.Y", 'r' }, { "p.Kind == 98", 'v' }, { "len(m) == 3", 'r' },
	{ "len(m) > 3", 'v' }, { "cap(ch) - len(ch) == 6", 'r' }, { "sl[3] == -8", 'r' },
	{ "sl[3] > 0", 'v' }, { "nilp != nil && nilp.ID == 3", 'n' },
	{ "nilp == nil || nilp.ID == 3", 'r' }, { "p.ID == 72 && n < 0", 'v' },
	{ "p.ID == 71 && n > 0", 'n' },
	/* types that interfaces hold */
	{ "e.(type) == \"int\"", 'r' }, { "e.(type) != \"int\"", 'n' }, { "e.(type) == nil", 'n' },
	{ "err.(type) == \"*main.Oops\"", 'r' }, { "err.(type) != \"*main.Oops\"", 'v' },
	{ "err.(type) == nil", 'n' }, { "err.(type) != nil", 'r' },
	{ "e.(type) == \"*main.Oops\" || n > 0", 'n' },
	{ "err.(type) == \"int\" || err.(type) == \"*main.Oops\"", 'r' },
	{ "!(err.(type) == \"*main.Oops\") && n < 0", 'v' },
	/* the reader is to say */
	{ "nilp.ID == 3", 'r' }, { "bad.ID == 3", 'r' }, { "sl[4] == 3", 'r' },
	{ "n / 2 > 9", 'r' },
	{ "f > 9", 'r' }, { "contains(s, \"x\")", 'r' }, { "func == \"x\"", 'r' },
	{ "duration > 1h", 'r' }, { "s < \"a\"", 'r' }, { "err.(type) == \"x\"", 'r' },
	{ "sl[u - 199] == 9", 'r' },
	/* in part */
	{ "f > 9 && n > 0", 'n' }, { "duration > 1h && n > 0", 'n' },
	{ "ret0 == 42 && p.ID == 1", 'v' },
	{ "n < 0 && (n > 0 || f > 9)", 'r' },
};

/* The program of asked.h is linked where it runs, the machine's is not. */
static void name_types(u64 bias)
{
	struct expr_code *c = &world.fn.codes[0];

	for (u32 i = 0; i < c->n; i++) {
		if (str_eq(c->steps[i].text, STR("*main.Oops")))
			c->steps[i].imm = world.oops->va - bias;
		if (str_eq(c->steps[i].text, STR("int")))
			c->steps[i].imm = world.integer->va - bias;
	}
}

/* Runs the function of the plan once, as the call of asked.h. */
static void run(const char *text, enum plan_hook hook)
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
	fn->hook = (u8)hook;
	mc.plan.exprs = world.plan.exprs;
	mc.plan.nexprs = world.plan.nexprs;
	name_types(mc.layout.bias);
	machine_patch(&mc);
	name_types(0);
	memset(mc.region + NEAR_AT + NEAR_MARKS, 0, 1 << NEAR_MARKS_LOG2);
	c = machine_cpu(&mc.t);
	for (u32 i = 0; i < ARRAY_LEN(regs); i++)
		c.r[regs[i]] = world.in.ints[i];
	for (u32 i = 0; i < ARRAY_LEN(world.in.floats); i++)
		c.x[i][0] = world.in.floats[i];
	memcpy(&mc.t.stack[AT_CALL + 1], world.stack + 8, STACK - 8);
	(void)machine_call(&mc, NOTHING, c);
}

/* What stands in the ring, which is emptied: the entry's letter, and whether an exit follows. */
static char taken(bool *exit)
{
	u8 *ring = machine_ring(&mc, &mc.t), *slot;
	char is = 'n';
	u64 commit, size;

	*exit = false;
	if (!ring)
		return is;
	for (u64 *tail = ring_word_at(ring, RING_TAIL); *tail != *ring_word_at(ring, RING_HEAD);) {
		slot = ring + RING_DATA + (*tail & (mc.layout.buffer - 1));
		memcpy(&commit, slot, 8);
		ck_assert_uint_ne(commit, 0);
		size = site_size(&mc.plan, (u32)((commit & ~(u64)RECORD_VOID) - 1));
		ck_assert_uint_gt(size, 0);
		if (((commit - 1) & 3) == SITE_ENTRY)
			is = commit & RECORD_VOID ? 'v' : 'r';
		else
			*exit = true;
		memset(slot, 0, size);
		*tail += size;
	}
	return is;
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
	asked_end();
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

/* Random conditions, as text. */

static u32 below(u32 n)
{
	return (u32)(machine_random() >> 16) % n;
}

static void add(char *text, size_t room, const char *s)
{
	size_t n = strlen(text);

	snprintf(text + n, room - n, "%s", s);
}

static void random_number(char *text, size_t room, u32 depth)
{
	static const char *const names[] = {
		"n", "u", "w", "len(s)", "p.ID", "p.Flags", "p.In.X", "p.Next.In.Y", "goid",
		"arr[1]", "sl[2]", "len(m)", "d", "p.Kind",
	};
	static const char *const operators[] = { "+", "-", "*", "&", "|", "^", "&^", "<<3", ">>2" };
	const char *op = operators[below(ARRAY_LEN(operators))];
	char number[32];

	if (depth && below(2)) {
		add(text, room, below(4) ? "(" : "-(");
		random_number(text, room, depth - 1);
		add(text, room, op);
		if (op[1] == 0 || op[1] == '^')
			random_number(text, room, depth - 1);
		add(text, room, ")");
	} else if (depth < 2 && !below(4)) {
		snprintf(number, sizeof(number), "%u", below(100));
		add(text, room, number);
	} else {
		add(text, room, names[below(ARRAY_LEN(names))]);
	}
}

static void random_condition(char *text, size_t room, u32 depth)
{
	static const char *const compare[] = { "==", "!=", "<", "<=", ">", ">=" };
	static const char *const whole[] = {
		"ok", "!ok", "p == nil", "nilp == nil", "s == \"hello, world\"",
		"has_prefix(s, \"hell\")", "s != \"no\"", "p.Name == \"first\"", "panicking",
	};

	if (depth && below(2)) {
		add(text, room, below(3) ? "(" : "!(");
		random_condition(text, room, depth - 1);
		add(text, room, below(2) ? " && " : " || ");
		random_condition(text, room, depth - 1);
		add(text, room, ")");
	} else if (!below(3)) {
		add(text, room, whole[below(ARRAY_LEN(whole))]);
	} else {
		random_number(text, room, 2);
		add(text, room, compare[below(ARRAY_LEN(compare))]);
		random_number(text, room, 1);
	}
}

/* The parser refuses a constant that does not fit; such a text is not run. */
static bool binds(const char *text)
{
	struct err err = { 0 };
	bool ok;

	asked_begin(NULL);
	ok = asked_bind(EXPR_IF, text, &err);
	asked_end();
	return ok;
}

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
		random_condition(text, sizeof(text), 3);
		if (!binds(text))
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
	ck_assert_uint_gt(counts['n'], 200);
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
	tcase_add_loop_test(t, a_hook_is_recorded_all_the_same, 0, 2);
	tcase_add_test(t, random_conditions_are_decided_as_the_reader_does);
	suite_add_tcase(s, t);
	return s;
}
