/* What the agent says of the record at hand, and what becomes of that: it is void, or shorter. And
 * where there is no agent: what was found in it. */
#include "stepped.h"

#include "plan/extra.h"

Suite *agentcall_suite(void);

/* The agent says of records whether anybody needs them. RAX and X0 are what was read of who makes
 * a goroutine, and of that. */
static struct cpu birth(bool known)
{
	static const struct propagate_ask ask;
	struct cpu c = machine_cpu(&mc.t);
	struct reading r = two();

	_Static_assert(NEAR_AT + NEAR_SIZE <= REGION, "the tables must have room");
	r.hook_at = 32;
	machine_probe(&mc, NOTHING, r, r);
	mc.plan.request.propagate = &ask;
	mc.plan.funcs[0].hook = HOOK_NEWPROC1;
	mc.plan.funcs[0].role = PROPAGATE_BIRTH;
	machine_patch(&mc);
	c.r[RAX] = known ? 8 : CAPTURE_UNREADABLE;
	c.x[0][0] = 4 * GOROUTINE_SETS;
	return c;
}

START_TEST(births_that_nobody_inherits_by_leave_nothing)
{
	struct propagate *p = (void *)(mc.region + NEAR_AT + NEAR_PROPAGATE);
	struct cpu c = birth(_i & 1);

	p->goroutines_near[0].goid[WAYS - 1] = _i & 2 ? 4 * GOROUTINE_SETS : 0;
	(void)machine_call(&mc, NOTHING, c);
	if (_i != 1)		/* not known, or in a span */
		ck_assert_uint_eq((u32)machine_next(&mc, &mc.t), 1 + SITE_ENTRY);
	if (_i == 3)
		ck_assert_uint_eq((u32)machine_next(&mc, &mc.t), 1 + SITE_EXIT);
	ck_assert_uint_eq(machine_next(&mc, &mc.t), 0);
	ck_assert_uint_eq(*ring_word_at(machine_ring(&mc, &mc.t), RING_LOST), 0);
}
END_TEST

/* What a handler wrote stays, and what it came in between of is void where its room could not be
 * given back any more. */
START_TEST(a_handler_may_come_before_every_instruction)
{
	struct cpu c = birth(true);
	u32 voids = 0;

	(void)machine_call(&mc, NOTHING, c);
	comes = handler_records;
	wanted = 0;
	do {
		u64 commit;
		u32 n = 0;

		step_through(c);
		while ((commit = machine_next(&mc, &mc.t))) {
			ck_assert((u32)commit == 1 + SITE_TAIL || commit & RECORD_VOID);
			n += (u32)commit == 1 + SITE_TAIL;
			voids += !!(commit & RECORD_VOID);
		}
		ck_assert_uint_eq(n, steps > wanted);
	} while (steps > wanted++);
	ck_assert_uint_gt(wanted, 200);
	ck_assert(voids > 50 && voids < wanted);
}
END_TEST

enum { AT_FIELDS = 32 };	/* in the record */

/* RAX and RBX are a slice of fields, whose names are read (plan/extra.c). */
static struct reading frame_reading(bool keyed)
{
	struct read *to = ARENA_ARRAY(&mc.arena, struct read, 3 + EXTRA_FIELDS_MOST);
	u32 at = AT_FIELDS, n = 0, list = at + EXTRA_FIELD;

	for (u32 i = 0; i < 2; i++)
		to[n++] = (struct read){ .kind = READ_INT, .reg = (u8)i, .size = 8,
					 .at = at + EXTRA_COUNT - 8 + 8 * i };
	to[n++] = (struct read){
		.kind = READ_BYTES, .from = at + EXTRA_COUNT - 8, .len_at = at + EXTRA_COUNT,
		.elem = EXTRA_FIELD_SIZE, .size = EXTRA_FIELDS_MOST * EXTRA_FIELD_SIZE,
		.at = list, .status = list - 8,
	};
	for (u32 i = 0; i < EXTRA_FIELDS_MOST; i++)
		to[n++] = (struct read){
			.kind = READ_BYTES, .from = list + i * EXTRA_FIELD_SIZE,
			.len_at = list + i * EXTRA_FIELD_SIZE + 8, .elem = 1,
			.size = EXTRA_NAME_MOST, .at = at + extra_name_at(i),
			.status = at + extra_name_at(i) - 8,
		};
	return (struct reading){ .reads = to, .nreads = n, .hook_at = at,
				 .key_at = keyed ? at + EXTRA_COUNT - 8 : 0,
				 .subkey_at = keyed ? at + EXTRA_COUNT : 0,
				 .size = at + extra_name_at(EXTRA_FIELDS_MOST) };
}

static void put_name(u32 i, const char *name)
{
	u64 words[2] = { (u64)(uintptr_t)heap + 2048 + 64 * i, strlen(name) };

	memcpy(heap + i * EXTRA_FIELD_SIZE, words, sizeof(words));
	memcpy(heap + 2048 + 64 * i, name, strlen(name));
}

/* What was read of them is given back to the ring, and zero (machine_take looks). */
START_TEST(fields_that_say_nothing_leave_nothing)
{
	static const char *const names[] = { ":path", ":authority", "te", "user-agent" };
	static const struct propagate_ask ask;
	struct propagate *p = (void *)(mc.region + NEAR_AT + NEAR_PROPAGATE);
	struct cpu c = machine_cpu(&mc.t);
	u8 got[RECORD_MAX];
	struct record_head h;
	u32 last = (u32)ARRAY_LEN(names) - 1, end = _i ? extra_name_at(last) + 16 : EXTRA_FIELD - 8;
	u64 commit;
	u8 *ring;

	heap_begin();
	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		put_name(i, names[i]);
	if (_i)
		put_name(1, "traceparent");
	p->how = PROPAGATOR_W3C;
	machine_probe(&mc, NOTHING, frame_reading(false), (struct reading){ 0 });
	mc.plan.request.propagate = &ask;
	mc.plan.funcs[0].role = PROPAGATE_FRAME;
	mc.plan.funcs[0].no_end = true;
	machine_patch(&mc);
	c.r[RAX] = (u64)(uintptr_t)heap;
	c.r[RBX] = ARRAY_LEN(names);
	for (u32 i = 0; i < 100; i++) {
		(void)machine_call(&mc, NOTHING, c);
		ring = machine_ring(&mc, &mc.t);
		memcpy(&commit, ring + RING_DATA + (*ring_word_at(ring, RING_TAIL) & (BUFFER - 1)),
		       sizeof(commit));
		ck_assert_uint_eq(commit >> 32, AT_FIELDS + end);
		ck_assert(machine_take(&mc, &mc.t, got, &h));
		expect_nothing_more();
	}
}
END_TEST

/* Where all was seen, nobody needs the record either; but that of a request that says something. */
START_TEST(a_frame_with_a_key_that_says_nothing_leaves_nothing)
{
	static const struct propagate_ask ask;
	struct propagate *p = (void *)(mc.region + NEAR_AT + NEAR_PROPAGATE);
	struct cpu c = machine_cpu(&mc.t);

	heap_begin();
	put_name(0, ":path");
	put_name(1, _i & 1 ? "traceparent" : "te");
	p->how = PROPAGATOR_W3C;
	p->since = _i & 2 ? SETTLED : 0;
	machine_probe(&mc, NOTHING, frame_reading(true), (struct reading){ 0 });
	mc.plan.request.propagate = &ask;
	mc.plan.funcs[0].role = PROPAGATE_FRAME;
	mc.plan.funcs[0].no_end = true;
	machine_patch(&mc);
	c.r[RAX] = (u64)(uintptr_t)heap;
	c.r[RBX] = 2;
	(void)machine_call(&mc, NOTHING, c);
	if (_i != 2)
		ck_assert_uint_eq((u32)machine_next(&mc, &mc.t), 1 + SITE_ENTRY);
	ck_assert_uint_eq(machine_next(&mc, &mc.t), 0);
	ck_assert_uint_eq(p->keyed, _i != 2);
}
END_TEST

/* RAX and RBX are the value that is read, of one of two names. */
START_TEST(fields_say_themselves_whether_they_are_needed)
{
	static const char *const only[] = { "traceparent", "tracestate" };
	static const u16 sizes[] = { 8, 8 };
	static const struct plan_extra x = {
		.kind = EXTRA_FIELDS, .only = only, .nonly = ARRAY_LEN(only), .sizes = sizes,
	};
	u32 at = AT_FIELDS + extra_value_at(&x, (u32)_i & 1);
	struct read reads[] = {
		{ .kind = READ_INT, .reg = 0, .size = 8, .at = AT_FIELDS },
		{ .kind = READ_INT, .reg = 1, .size = 8, .at = AT_FIELDS + 8 },
		{ .kind = READ_BYTES, .from = AT_FIELDS, .len_at = AT_FIELDS + 8, .elem = 1,
		  .size = 8, .at = at, .status = at - 8 },
	};
	struct reading r = { .reads = reads, .nreads = ARRAY_LEN(reads), .hook_at = AT_FIELDS,
			     .size = AT_FIELDS + extra_value_at(&x, 2) };
	struct cpu c = machine_cpu(&mc.t);

	heap_begin();
	machine_probe(&mc, NOTHING, r, (struct reading){ 0 });
	mc.plan.funcs[0].no_end = true;
	mc.plan.funcs[0].found = true;
	mc.plan.funcs[0].extra = &x;
	machine_patch(&mc);
	c.r[RAX] = (u64)(uintptr_t)heap;
	c.r[RBX] = _i < 2 ? 8 : 0;
	for (u32 i = 0; i < 100; i++) {
		(void)machine_call(&mc, NOTHING, c);
		if (_i < 2)
			ck_assert_uint_eq((u32)machine_next(&mc, &mc.t), 1 + SITE_ENTRY);
		ck_assert_uint_eq(machine_next(&mc, &mc.t), 0);
		expect_nothing_more();
	}
}
END_TEST

Suite *agentcall_suite(void)
{
	Suite *s = suite_create("agentcall");
	TCase *t = tcase_create("code");

	tcase_add_checked_fixture(t, shapes_begin, shapes_end);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, births_that_nobody_inherits_by_leave_nothing, 0, 4);
	tcase_add_test(t, a_handler_may_come_before_every_instruction);
	tcase_add_loop_test(t, fields_that_say_nothing_leave_nothing, 0, 2);
	tcase_add_loop_test(t, a_frame_with_a_key_that_says_nothing_leaves_nothing, 0, 4);
	tcase_add_loop_test(t, fields_say_themselves_whether_they_are_needed, 0, 3);
	suite_add_tcase(s, t);
	return s;
}
