#include "shapes.h"

Suite *trampoline_suite(void);

/* Random readings */

struct random_plan {
	struct read reads[128];
	u32 n, at, top, texts;
	struct interpreter in;
	u8 state[RECORD_MAX];
};

static u32 below(u32 n)
{
	return (u32)(machine_random() >> 16) % n;
}

static struct read *add(struct random_plan *g, enum read_kind kind, u32 size)
{
	struct read *r = &g->reads[g->n++];

	*r = (struct read){ .kind = (u8)kind, .size = (u16)size };
	if (kind != READ_WHEN) {
		if (kind >= READ_MEM && kind != READ_AGAIN) {
			r->status = g->at;
			g->at += 8;
		}
		r->at = g->at;
		g->at += (u32)round_up(size, 8);
		g->top = MAX(g->top, g->at);
	}
	return r;
}

static u32 some_word(const struct random_plan *g)
{
	return RECORD_HEAD + 8 * below((g->top - RECORD_HEAD) / 8);
}

static void random_raw(struct random_plan *g)
{
	static const u8 sizes[] = { 8, 8, 8, 4, 2, 1 };

	for (u32 i = 0; i < 9; i++)
		if (below(3))
			add(g, READ_INT, sizes[below(6)])->reg = (u8)i;
	for (u32 i = 0; i < 15; i++)
		if (!below(3))
			add(g, READ_FLOAT, below(2) ? 8 : 4)->reg = (u8)i;
	for (u32 i = below(4); i--;)
		add(g, READ_STACK, 1 + below(40))->disp = (i32)(8 + below(400));
	if (g->at == RECORD_HEAD)
		add(g, READ_INT, 8);
}

static void random_captures(struct random_plan *g, u32 count, u32 depth)
{
	static const u32 elems[] = { 1, 1, 2, 3, 8, 16, 24, 100 };

	for (u32 i = 0; i < count && g->top < 2500 && g->n < 100; i++) {
		u32 base = g->at, elem = elems[below(8)];
		struct read *r;

		if (depth < 3 && !below(3)) {
			u32 at = g->n;

			r = add(g, READ_WHEN, 0);
			r->when_at = some_word(g);
			memset(g->state, 0, sizeof(g->state));
			interpret(&g->in, g->reads, at, RECORD_MAX / 2, g->state);
			r->when = below(2) ? word_in(g->state, r->when_at) : machine_random();
			r->when_va = below(2);
			r->when_not = below(2);
			if (r->when_va)
				r->when -= mc.layout.bias;
			random_captures(g, below(4), depth + 1);
			if (below(2)) {
				u32 from = some_word(g);

				r = add(g, READ_AGAIN, 16);
				r->size = (u16)(g->n - 1 - at);
				r->from = from == r->at ? from + 8 : from;
				r->len_at = some_word(g);
				r->elem = below(400);
				r->log = below(2);
			}
			g->reads[at].size = (u16)(g->n - at - 1);
			if (below(2))
				g->at = base; /* an alternative: the next one has the same bytes */
			continue;
		}
		if (depth % 9 == 0 && !below(3)) {
			u32 size = 1 + below(60), top = g->top;

			r = add(g, READ_BYTES, size);
			r->elem = 1;
			r->packed = true;
			g->at = r->status + 8;
			g->top = MAX(top, g->at);
			g->texts += (u32)round_up(size, 8);
			r->at = 0;
		} else if (below(2)) {
			r = add(g, READ_MEM, 1 + below(below(2) ? 20 : 300));
			r->disp = below(2) ? 0 : (i32)below(200) - 100;
		} else {
			r = add(g, READ_BYTES, elem * (1 + below(6)));
			r->elem = elem;
		}
		do
			r->from = some_word(g);
		while (r->from >= r->status);
		do
			r->len_at = some_word(g);
		while (r->len_at >= r->status);
	}
}

/* One reading at entry and exit of a function that changes nothing. With a role it is code, however
 * long it is. */
static void run_reading(const struct read *reads, u32 n, u32 size, const struct cpu *c, u32 slot,
			enum propagate_role role)
{
	struct reading r = { .reads = arena_copy(&mc.arena, reads, n * sizeof(*reads)),
			     .nreads = n,
			     .size = size };

	for (u32 i = 0; i < n; i++)
		r.texts += reads[i].packed ? (u32)round_up(reads[i].size, 8) : 0;

	machine_unpatch(&mc);
	machine_probe(&mc, slot, r, r);
	mc.plan.funcs[0].role = (u8)role;
	machine_patch(&mc);
	(void)machine_call(&mc, slot, *c);
	expect_bytes(&r, c, SITE_ENTRY);
	if (!mc.plan.request.entry_only)
		expect_bytes(&r, c, SITE_EXIT);
	expect_nothing_more();
}

static struct cpu cpu_with_pointers(bool abi0)
{
	struct cpu c = machine_cpu(&mc.t);

	for (u32 i = 0; i < 12; i++)
		if (i != RSP && i != RBP)
			c.r[i] = below(4) ? wild()
					  : machine_random() >> (below(2) ? 0 : 48 + below(16));
	if (abi0)
		c.r[R14] = machine_random();
	for (u32 i = AT_CALL + 1; i < STACK_WORDS; i++)
		mc.t.stack[i] = wild();
	return c;
}

START_TEST(random_readings_are_read_as_by_the_interpreter)
{
	static struct random_plan g;
	u32 tables = 0, in_line = 0;

	heap_begin();
	for (u32 round = 0; round < 400; round++) {
		struct cpu c = cpu_with_pointers(round % 4 == 0);
		u32 slot = round % 4 ? NOTHING : NOTHING0, captures = 0;
		bool when = false;

		mc.plan.request.entry_only = mc.rdx = round % 5 == 0;
		g = (struct random_plan){ .at = RECORD_HEAD,
					  .top = RECORD_HEAD,
					  .in = interpreter_of(&c) };
		random_raw(&g);
		random_captures(&g, below(round % 2 ? 5 : 14), round % 3 ? 0 : 9);
		run_reading(g.reads, g.n, g.top, &c, slot, PROPAGATE_NONE);
		for (u32 i = 0; i < g.n; i++) {
			captures += g.reads[i].kind >= READ_MEM;
			when |= g.reads[i].kind == READ_WHEN;
		}
		in_line += captures && captures <= 4 && !when;
		if (captures > 4 || when) {
			mc.plan.request.entry_only = mc.rdx = true;
			run_reading(g.reads, g.n, g.top, &c, slot, PROPAGATE_LINE);
			tables++;
			continue;
		}
		if (!captures)
			continue;
		for (u32 i = 0; i < 5;
		     i++) /* steps that copy nothing: the same reading as a table */
			g.reads[g.n++] = (struct read){ .kind = READ_MEM };
		run_reading(g.reads, g.n, g.top, &c, slot, PROPAGATE_NONE);
	}
	ck_assert_uint_gt(tables, 50);
	ck_assert_uint_gt(in_line, 50);
}
END_TEST

/* What pointers and lengths lead to */

struct odd_string {
	const char *what;
	u64 p, len;
	bool heap;		/* p counts from there */
	u32 status;
};

static const struct odd_string odd_strings[] = {
	{ "a string", 100, 5, true, 5 },
	{ "one byte", 100, 1, true, 1 },
	{ "more than is wanted", 100, 1000, true, 64 },
	{ "exactly what is wanted", 100, 64, true, 64 },
	{ "a huge length", 100, 0x7fffffffffffffffu, true, 64 },
	{ "2^32 bytes", 100, 1ull << 32, true, 64 },
	{ "no length", 100, 0, true, 0 },
	{ "a negative length", 100, 0xffffffffffffffffu, true, 0 },
	{ "the smallest length", 100, 0x8000000000000000u, true, 0 },
	{ "nil", 0, 5, false, 0 },
	{ "page 0", 8, 5, false, CAPTURE_UNREADABLE },
	{ "not canonical", 0xdeadbeef00000000u, 5, false, CAPTURE_UNREADABLE },
	{ "the kernel's", 0xffffffff81000000u, 5, false, CAPTURE_UNREADABLE },
	{ "the last byte", 0xffffffffffffffffu, 5, false, CAPTURE_UNREADABLE },
	{ "not mapped", 5 * PAGE_SIZE + 8, 5, true, CAPTURE_UNREADABLE },
	{ "runs into a page that is not mapped", 5 * PAGE_SIZE - 4, 5, true, CAPTURE_UNREADABLE },
	{ "ends before one", 5 * PAGE_SIZE - 5, 5, true, 5 },
	{ "begins in one", 6 * PAGE_SIZE - 1, 5, true, CAPTURE_UNREADABLE },
};

START_TEST(strings_never_fault)
{
	const struct odd_string *o = &odd_strings[_i / 2];
	struct read reads[] = {
		{ .kind = READ_INT, .reg = 0, .size = 8, .at = 32 },
		{ .kind = READ_INT, .reg = 1, .size = 8, .at = 40 },
		{ .kind = READ_BYTES,
		  .from = 32,
		  .len_at = 40,
		  .size = 64,
		  .elem = 1,
		  .status = 48,
		  .at = 56 },
		{ .kind = READ_MEM },
		{ .kind = READ_MEM },
		{ .kind = READ_MEM },
		{ .kind = READ_MEM },
	};
	struct reading r = { .reads = reads, .nreads = _i % 2 ? ARRAY_LEN(reads) : 3, .size = 120 };
	u8 got[RECORD_MAX];
	struct record_head h;
	struct cpu c;
	u32 status;

	heap_begin();
	c = machine_cpu(&mc.t);
	c.r[RAX] = o->heap ? (u64)(uintptr_t)heap + o->p : o->p;
	c.r[RBX] = o->len;
	machine_probe(&mc, NOTHING, r, (struct reading){ 0 });
	machine_patch(&mc);
	for (u32 again = 0; again < 2; again++) {
		(void)machine_call(&mc, NOTHING, c);
		ck_assert(machine_take(&mc, &mc.t, got, &h));
		memcpy(&status, got + 48, 4);
		ck_assert_msg(status == o->status, "%s: status %#x", o->what, status);
		if (status && status != CAPTURE_UNREADABLE)
			ck_assert_mem_eq(got + 56, (void *)(uintptr_t)c.r[RAX], status);
		ck_assert(machine_take(&mc, &mc.t, got, &h));
		ck_assert_uint_eq(record_site(&h), SITE_EXIT);
	}
}
END_TEST

/* Functions of every shape */

struct shape {
	const char *what;
	u32 slot;
	u64 rax, rbx;
	enum site_kind exit;
};

static const struct shape shapes[] = {
	{ "a frame with a stack check", FRAME, 1, 2, SITE_EXIT },
	{ "entry and exit in one window", LEAF, 1, 2, SITE_EXIT },
	{ "floats", FLOATS, 1, 2, SITE_EXIT },
	{ "a tight exit by its branch", TIGHT, 0, 2, SITE_EXIT },
	{ "a tight exit from above", TIGHT, 1, 2, SITE_EXIT },
	{ "a jump to another function", TAIL, 1, 2, SITE_TAIL },
	{ "a conditional one, taken", JCC_TAIL, 0, 2, SITE_TAIL },
	{ "a conditional one, not taken", JCC_TAIL, 1, 2, SITE_EXIT },
	{ "data by RIP", RIP, 1, 2, SITE_EXIT },
	{ "a frame that defers", DEFERS, 1, 2, SITE_EXIT },
	{ "branches: the first way", BRANCHES, 2, 2, SITE_EXIT },
	{ "branches: the second way", BRANCHES, 4, 0, SITE_EXIT },
	{ "branches: the third way", BRANCHES, 4, 7, SITE_EXIT },
	{ "branches: the fourth way", BRANCHES, 4, (u64)-2, SITE_EXIT },
	{ "all on the stack", ABI0, 1, 2, SITE_EXIT },
};

START_TEST(functions_run_as_before_and_are_seen)
{
	const struct shape *s = &shapes[_i];
	struct cpu c = machine_cpu(&mc.t), out;

	for (u32 i = 0; i < STACK_WORDS; i++)
		mc.t.stack[i] = machine_random();
	if (functions[s->slot].assembly)
		c.r[R14] = machine_random();
	c.r[RAX] = s->rax;
	c.r[RBX] = s->rbx;
	machine_probe(&mc, s->slot, two(), two());
	for (u32 i = 0; i < mc.plan.funcs[0].patches.nexits; i++)
		ck_assert_msg(!mc.plan.funcs[0].patches.exits[i].refusal, "%s: exit %u is refused",
			      s->what, i);
	memset(mc.mem.bytes + SLOT * RIP + 0x2000, 0x5a, 8);
	machine_patch(&mc);
	mc.rdx = s->exit == SITE_TAIL;
	for (u32 again = 0; again < 3; again++) {
		out = machine_call(&mc, s->slot, c);
		ck_assert_uint_eq(out.r[RSP], c.r[RSP] + 8);
		if (s->slot == ABI0)	/* it has written to its results by now */
			mc.t.stack[AT_CALL + 2] = mc.t.stack[AT_CALL + 1];
		if (s->slot == ABI0 && !again) {
			u8 got[RECORD_MAX];
			struct record_head h;

			ck_assert(machine_take(&mc, &mc.t, got, &h));
			expect_head(&h, &mc.t, SITE_ENTRY, DEPTH);
			ck_assert_uint_eq(word_in(got, 48), mc.t.stack[AT_CALL + 1]);
		} else {
			expect_words(&c, SITE_ENTRY);
		}
		expect_words(&out, s->exit);
		expect_nothing_more();
	}
}
END_TEST

START_TEST(a_call_that_grows_the_stack_is_seen_once)
{
	struct cpu c = machine_cpu(&mc.t), out;

	machine_probe(&mc, FRAME, two(), two());
	machine_patch(&mc);
	mc.t.g[G_STACKGUARD0 / 8] = ~0ull;
	out = machine_call(&mc, FRAME, c);
	ck_assert_uint_eq(mc.t.g[MORESTACKS], 1);
	expect_words(&c, SITE_ENTRY);
	expect_words(&out, SITE_EXIT);
	expect_nothing_more();
}
END_TEST

/* As the runtime does after recover(): it goes on at `call deferreturn`, in the frame. */
START_TEST(a_recovered_call_leaves_by_its_own_exit)
{
	struct cpu c = machine_cpu(&mc.t), out;

	machine_probe(&mc, DEFERS, two(), two());
	machine_patch(&mc);
	c.r[RSP] -= 24;
	out = machine_call_at(&mc, DEFERS, 23, c);
	ck_assert_uint_eq(out.r[RSP], c.r[RSP] + 32);
	expect_words(&out, SITE_EXIT_DEFER);
	expect_nothing_more();
}
END_TEST

START_TEST(entry_only_leaves_exits_alone)
{
	struct cpu c = machine_cpu(&mc.t);

	mc.plan.request.entry_only = mc.rdx = true;
	machine_probe(&mc, FRAME, two(), two());
	machine_patch(&mc);
	ck_assert_uint_eq(mc.code.jumps.n, 2);		/* and sigtramp */
	(void)machine_call(&mc, FRAME, c);
	expect_words(&c, SITE_ENTRY);
	expect_nothing_more();
}
END_TEST

START_TEST(calls_without_an_end_are_seen_at_their_entry)
{
	struct cpu c = machine_cpu(&mc.t);

	mc.rdx = true;
	machine_probe(&mc, FRAME, two(), two());
	mc.plan.funcs[0].no_end = true;
	machine_patch(&mc);
	ck_assert_uint_eq(mc.code.jumps.n, 2);		/* and sigtramp */
	(void)machine_call(&mc, FRAME, c);
	expect_words(&c, SITE_ENTRY);
	expect_nothing_more();
}
END_TEST

static const struct { const char *text; bool seen; } texts[] = {
	{ "traceparent", true }, { "tracestate", true }, { "b3", true },
	{ "user-agent", false }, { "te", false }, { "trace", false }, { "", false },
	{ "content-type", false }, { "x-traceparent", false },
};

START_TEST(fields_with_other_names_are_not_seen)
{
	static const char *const names[] = { "traceparent", "tracestate", "b3" };
	static const struct plan_extra named = {
		.reg = 1, .names = names, .nnames = ARRAY_LEN(names),
	};
	struct cpu c = machine_cpu(&mc.t);

	mc.rdx = true;
	machine_probe(&mc, FRAME, two(), two());
	mc.plan.funcs[0].no_end = true;
	mc.plan.funcs[0].named = &named;
	machine_patch(&mc);
	c.r[RBX] = (u64)(uintptr_t)texts[_i].text;
	c.r[RCX] = strlen(texts[_i].text);
	(void)machine_call(&mc, FRAME, c);
	if (texts[_i].seen)
		expect_words(&c, SITE_ENTRY);
	expect_nothing_more();
}
END_TEST

/* Where the callers lie, by the return address. */
static const struct { struct { i64 lo, hi; } at[CALLERS_MOST]; u32 n; bool seen; } callers[] = {
	{ { { -8, 8 } }, 1, true }, { { { 0, 1 } }, 1, true }, { { { 1, 9 } }, 1, false },
	{ { { -8, 0 } }, 1, false },
	{ { { -8, 8 }, { 16, 32 } }, 2, true }, { { { 16, 32 }, { -8, 8 } }, 2, true },
	{ { { 1, 9 }, { 16, 32 } }, 2, false }, { { { -8, 0 }, { -32, -16 } }, 2, false },
};

START_TEST(calls_by_others_are_not_seen)
{
	struct cpu c = machine_cpu(&mc.t);

	mc.rdx = true;
	machine_probe(&mc, FRAME, two(), two());
	mc.plan.funcs[0].no_end = true;
	mc.plan.funcs[0].ncallers = callers[_i].n;
	for (u32 i = 0; i < callers[_i].n; i++) {
		u64 at = (u64)(uintptr_t)machine_left - mc.layout.bias;

		mc.plan.funcs[0].callers[i].lo_va = at + (u64)callers[_i].at[i].lo;
		mc.plan.funcs[0].callers[i].hi_va = at + (u64)callers[_i].at[i].hi;
	}
	machine_patch(&mc);
	(void)machine_call(&mc, FRAME, c);
	if (callers[_i].seen)
		expect_words(&c, SITE_ENTRY);
	expect_nothing_more();
}
END_TEST

START_TEST(header_blocks_are_not_seen_until_one_is_sent)
{
	static const struct propagate_ask ask = { .parent = true };
	struct cpu c = machine_cpu(&mc.t);
	struct propagate *tables;

	mc.rdx = true;
	machine_probe(&mc, FRAME, two(), two());
	mc.plan.funcs[0].no_end = true;
	mc.plan.funcs[0].role = PROPAGATE_BLOCK;
	mc.plan.request.propagate = &ask;
	machine_patch(&mc);
	tables = (void *)(uintptr_t)(mc.layout.near_rt + NEAR_PROPAGATE);
	tables->streams = _i;
	(void)machine_call(&mc, FRAME, c);
	if (_i)
		expect_words(&c, SITE_ENTRY);
	expect_nothing_more();
}
END_TEST

/* The entry's window stays where something else is in it. */
START_TEST(exits_alone)
{
	static const struct plan_extra alone = { .alone = true };
	const struct shape *s = &shapes[_i];
	struct cpu c = machine_cpu(&mc.t), out;
	bool entry = false;

	for (u32 i = 0; i < STACK_WORDS; i++)
		mc.t.stack[i] = machine_random();
	if (functions[s->slot].assembly)
		c.r[R14] = machine_random();
	c.r[RAX] = s->rax;
	c.r[RBX] = s->rbx;
	machine_probe(&mc, s->slot, two(), two());
	mc.plan.funcs[0].alone = &alone;
	memset(mc.mem.bytes + SLOT * RIP + 0x2000, 0x5a, 8);
	machine_patch(&mc);
	mc.rdx = s->exit == SITE_TAIL;
	for (size_t i = 0; i < mc.code.jumps.n; i++)
		entry |= mc.code.jumps.at[i].func == 0 &&
			 mc.code.jumps.at[i].rt == mc.text_rt + SLOT * s->slot;
	if (s->slot == FRAME || s->slot == DEFERS)
		ck_assert(!entry);
	out = machine_call(&mc, s->slot, c);
	ck_assert_uint_eq(out.r[RSP], c.r[RSP] + 8);
	if (s->slot == ABI0)
		mc.t.stack[AT_CALL + 2] = mc.t.stack[AT_CALL + 1];
	expect_words(&out, s->exit);
	expect_nothing_more();
}
END_TEST

/* newproc1 is given a closure, and gives a g; goexit1 is called by one. */
START_TEST(goroutines_that_nobody_wants_are_not_told_of)
{
	struct cpu c = machine_cpu(&mc.t);
	u64 words[64] = { 0 };
	bool made = _i < 2, told = _i & 1;

	machine_probe(&mc, NOTHING, two(), two());
	mc.plan.funcs[0].hook = made ? HOOK_NEWPROC1 : HOOK_GOEXIT1;
	mc.plan.funcs[0].shown = made;
	mc.plan.quiet_va[0] = 1000;
	mc.plan.quiet_va[1] = 2000;
	mc.plan.nquiet = 2;
	machine_patch(&mc);
	words[0] = words[mc.mem.prog.rel->g_startpc / 8] = told ? 3000 : mc.layout.bias + 2000;
	mc.t.g[mc.mem.prog.rel->g_startpc / 8] = words[0];
	c.r[RAX] = (u64)(uintptr_t)words;
	(void)machine_call(&mc, NOTHING, c);
	if (told)
		expect_words(&c, SITE_ENTRY);
	if (told && made)
		expect_words(&c, SITE_EXIT);
	expect_nothing_more();
}
END_TEST

START_TEST(many_functions_have_sites_of_their_own)
{
	static const u8 slots[] = { FRAME, LEAF, FLOATS, TAIL, NOTHING };

	for (u32 i = 0; i < ARRAY_LEN(slots); i++)
		machine_probe(&mc, slots[i], two(), two());
	machine_patch(&mc);
	for (u32 i = 0; i < ARRAY_LEN(slots); i++) {
		struct cpu c = machine_cpu(&mc.t), out = machine_call(&mc, slots[i], c);

		expect_words(&c, 4 * i + SITE_ENTRY);
		if (slots[i] == TAIL) {		/* leaves for LEAF, which is seen as well */
			expect_words(&c, 4 * i + SITE_TAIL);
			c.r[RAX] += 5;
			expect_words(&c, 4 + SITE_ENTRY);
			expect_words(&out, 4 + SITE_EXIT);
		} else {
			expect_words(&out, 4 * i + SITE_EXIT);
		}
		expect_nothing_more();
	}
}
END_TEST

Suite *trampoline_suite(void)
{
	Suite *s = suite_create("trampoline");
	TCase *t = tcase_create("code");

	tcase_add_checked_fixture(t, shapes_begin, shapes_end);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, random_readings_are_read_as_by_the_interpreter);
	tcase_add_loop_test(t, strings_never_fault, 0, 2 * ARRAY_LEN(odd_strings));
	tcase_add_loop_test(t, functions_run_as_before_and_are_seen, 0, ARRAY_LEN(shapes));
	tcase_add_test(t, a_call_that_grows_the_stack_is_seen_once);
	tcase_add_test(t, a_recovered_call_leaves_by_its_own_exit);
	tcase_add_test(t, entry_only_leaves_exits_alone);
	tcase_add_test(t, calls_without_an_end_are_seen_at_their_entry);
	tcase_add_loop_test(t, fields_with_other_names_are_not_seen, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(t, calls_by_others_are_not_seen, 0, ARRAY_LEN(callers));
	tcase_add_loop_test(t, header_blocks_are_not_seen_until_one_is_sent, 0, 2);
	tcase_add_loop_test(t, exits_alone, 0, ARRAY_LEN(shapes));
	tcase_add_loop_test(t, goroutines_that_nobody_wants_are_not_told_of, 0, 4);
	tcase_add_test(t, many_functions_have_sites_of_their_own);
	suite_add_tcase(s, t);
	return s;
}
