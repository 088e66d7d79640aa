/* Stacks of every shape, read by the generated code as by the interpreter. */
#include "shapes.h"

Suite *frames_suite(void);

enum { MOST = 128 };

static u64 word_at(u32 i)
{
	return (u64)(uintptr_t)mc.t.stack + 8 * (u64)i;
}

/* A read of frames between a register and a text, so that its neighbours are seen to be whole. */
static void reads(u32 most, u32 slot, const struct cpu *c)
{
	struct read steps[] = {
		{ .kind = READ_FRAMES, .status = 32, .at = 40, .size = (u16)(8 * most) },
		{ .kind = READ_INT, .reg = 0, .size = 8, .at = 40 + 8 * most },
		{ .kind = READ_INT, .reg = 1, .size = 8, .at = 48 + 8 * most },
		{ .kind = READ_BYTES, .from = 40 + 8 * most, .len_at = 48 + 8 * most, .size = 32,
		  .elem = 1, .status = 56 + 8 * most, .at = 64 + 8 * most },
	};
	struct reading entry = { .reads = arena_copy(&mc.arena, steps, sizeof(steps)),
				 .nreads = ARRAY_LEN(steps), .size = 96 + 8 * most };

	machine_unpatch(&mc);
	machine_probe(&mc, slot, entry, (struct reading){ 0 });
	mc.plan.request.entry_only = true;
	machine_patch(&mc);
	mc.rdx = true;
	(void)machine_call(&mc, slot, *c);
	expect_bytes(&entry, c, SITE_ENTRY);
	expect_nothing_more();
}

static struct cpu cpu_in(u32 slot)
{
	struct cpu c = machine_cpu(&mc.t);

	if (functions[slot].assembly)
		c.r[R14] = machine_random();
	c.r[RAX] = (u64)(uintptr_t)heap + 64;
	c.r[RBX] = machine_random() % 50;
	return c;
}

START_TEST(chains_of_every_shape)
{
	static const u32 slots[] = { NOTHING, FRAME, NOTHING0, DEFERS };
	static struct go_bare_call bare[] = {
		{ 0x10, 0 }, { 0x11, 8 }, { 0x20, 0 }, { 0x300, 16 }, { 0x301, 64 },
	};

	heap_begin();
	if (_i)
		mc.plan.bare = (struct go_bare_calls){ bare, ARRAY_LEN(bare) };
	for (u32 round = 0; round < 600; round++) {
		u32 slot = slots[round % 4], most = 1 + (u32)machine_random() % MOST;
		struct cpu c = cpu_in(slot);
		u32 at = AT_CALL + 1 + (u32)(machine_random() % 20);

		for (u32 i = AT_CALL + 1; i < STACK_WORDS; i++)
			mc.t.stack[i] = machine_random() % 4 ? machine_random() :
					machine_random() % 2 ? wild() :
					mc.text_rt + bare[machine_random() % 5].return_pc;
		c.r[RBP] = word_at(at);
		while (machine_random() % 16 && at < STACK_WORDS) {
			u32 next = at + (u32)(machine_random() % 12);

			mc.t.stack[at] = word_at(next) + (machine_random() % 32 ? 0 : 4);
			if (next <= at)
				break;
			at = next;
		}
		reads(most, slot, &c);
	}
}
END_TEST

START_TEST(ends_of_the_stack)
{
	static const struct { u32 at; i32 off; } places[] = {
		{ STACK_WORDS - 2, 0 }, { STACK_WORDS - 1, 0 }, { STACK_WORDS, 0 },
		{ STACK_WORDS - 2, 1 }, { STACK_WORDS - 2, -1 }, { STACK_WORDS + 100, 0 },
		{ AT_CALL, 0 }, { AT_CALL + 1, 0 }, { AT_CALL - 1, 0 }, { 0, 0 },
	};
	u64 lo = mc.t.g[G_STACK_LO / 8];

	heap_begin();
	for (u32 i = 0; i < ARRAY_LEN(places); i++) {
		struct cpu c = cpu_in(NOTHING);

		c.r[RBP] = word_at(places[i].at) + (u64)(i64)places[i].off;
		reads(32, NOTHING, &c);
		mc.t.stack[AT_CALL + 9] = c.r[RBP];	/* the same, one frame later */
		c.r[RBP] = word_at(AT_CALL + 9);
		reads(32, NOTHING, &c);
		mc.t.g[G_STACK_LO / 8] = word_at(AT_CALL + 1);	/* SP is not in g's stack */
		reads(32, NOTHING, &c);
		mc.t.g[G_STACK_LO / 8] = lo;
	}
}
END_TEST

START_TEST(the_chain_of_a_goroutine)
{
	static const u64 pcs[] = { 0x1111, 0x2222, 0x3333 };
	struct cpu c = cpu_in(NOTHING);
	struct reading entry = { .reads = arena_copy(&mc.arena, &(struct read){
					.kind = READ_FRAMES, .status = 32, .at = 40, .size = 64 },
					sizeof(struct read)),
				 .nreads = 1, .size = 104 };
	u32 at[] = { STACK_WORDS - 30, STACK_WORDS - 12, STACK_WORDS - 5 };
	u8 got[RECORD_MAX];
	struct record_head h;

	for (u32 i = 0; i < 3; i++) {
		mc.t.stack[at[i]] = i < 2 ? word_at(at[i + 1]) : 0;
		mc.t.stack[at[i] + 1] = pcs[i];
	}
	c.r[RBP] = word_at(at[0]);
	machine_probe(&mc, NOTHING, entry, (struct reading){ 0 });
	machine_patch(&mc);
	mc.rdx = false;
	(void)machine_call(&mc, NOTHING, c);
	ck_assert(machine_take(&mc, &mc.t, got, &h));
	ck_assert_uint_eq(word_in(got, 32), 4);
	ck_assert_uint_eq(word_in(got, 40), (u64)(uintptr_t)machine_left);
	for (u32 i = 0; i < 3; i++)
		ck_assert_uint_eq(word_in(got, 48 + 8 * i), pcs[i]);
	ck_assert_uint_eq(word_in(got, 72), 0);
	mc.t.g[G_STACK_HI / 8] = word_at(AT_CALL);	/* SP is above g's stack */
	(void)machine_call(&mc, NOTHING, c);
	ck_assert(machine_take(&mc, &mc.t, got, &h));
	while (record_site(&h) != SITE_ENTRY)
		ck_assert(machine_take(&mc, &mc.t, got, &h));
	ck_assert_uint_eq(word_in(got, 32), 1);
}
END_TEST

Suite *frames_suite(void)
{
	Suite *s = suite_create("frames");
	TCase *t = tcase_create("frames");

	tcase_add_checked_fixture(t, shapes_begin, shapes_end);
	tcase_add_loop_test(t, chains_of_every_shape, 0, 2);
	tcase_add_test(t, ends_of_the_stack);
	tcase_add_test(t, the_chain_of_a_goroutine);
	suite_add_tcase(s, t);
	return s;
}
