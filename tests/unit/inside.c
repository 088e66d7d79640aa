/* Windows in the middle of functions, and their code: nothing may change but what is dead. */
#include "machine.h"

Suite *inside_suite(void);

enum { MORESTACK, LIVE, SHORTS, SIGTRAMP, SLOTS };
enum { BUFFER = 1 << 15, SITE = 22, DEAD = 128 };

static const struct function functions[SLOTS] = {
	[MORESTACK] = { .name = "runtime.morestack", .hex = "c3" },
	[LIVE] = { .name = "main.live",
		   .hex = "49 3b 66 10 76 32 " /*  0: cmp rsp, [r14+16]; jbe 56 */
			  "55 48 89 e5 48 83 ec 10 " /*  6: push rbp; mov rbp, rsp; sub rsp, 16 */
			  "4c 89 7c 24 80 48 39 d8 " /* 14: mov [rsp-128], r15; cmp rax, rbx */
			  "48 8d 49 01 48 89 d2 " /* 22: lea rcx, [rcx+1]; mov rdx, rdx */
			  "9c 58 " /* 29: pushfq; pop rax */
			  "4c 89 e3 4c 89 ee " /* 31: mov rbx, r12; mov rsi, r13 */
			  "4c 89 ff " /* 37: mov rdi, r15 */
			  "4c 8b 44 24 80 " /* 40: mov r8, [rsp-128] */
			  "66 4d 0f 7e f9 " /* 45: movq r9, xmm15 */
			  "48 83 c4 10 5d c3 " /* 50: add rsp, 16; pop rbp; ret */
			  "e8 83 ff ff ff eb c1 " }, /* 56: call morestack; jmp 0 */
	[SHORTS] = { .name = "main.shorts",
		     .hex = "49 3b 66 10 76 2f " /*  0: cmp rsp, [r14+16]; jbe 53 */
			    "48 ff c0 " /*  6: inc rax */
			    "48 ff c3 48 85 db " /*  9: 9: inc rbx; test rbx, rbx */
			    "75 f8 " /* 15: jne 9 */
			    "48 8b 08 " /* 17: mov rcx, [rax] */
			    "90 90 90 " /* 20: nops */
			    "e8 64 ff ff ff " /* 23: call morestack, as any function */
			    "90 " /* 28: nop */
			    "e8 5e ff ff ff " /* 29: call it again */
			    "48 ff c0 90 90 " /* 34: inc rax; nops */
			    "e9 08 00 00 00 " /* 39: jmp 52 */
			    "90 90 90 90 90 90 90 90 " /* 44: nops */
			    "c3 " /* 52: ret */
			    "e8 46 ff ff ff eb c4 " }, /* 53: call morestack; jmp 0 */
	[SIGTRAMP] = { .name = "runtime.sigtramp", .hex = "55 48 89 e5 90 5d c3 " },
};

static struct machine mc;

static void begin(void)
{
	machine_begin(&mc, 22, functions, SLOTS, BUFFER);
}

static void end(void)
{
	machine_end(&mc);
}

static enum refusal window_at(u32 slot, u32 at, struct flow *flow, const struct window *others,
			      u32 n, struct window *w)
{
	struct err err = { 0 };
	i64 k;

	ck_assert_msg(go_flow(&mc.mem.prog, &mc.funcs[slot], &mc.arena, flow, &err), "%s", err.msg);
	k = flow_find(flow, at);
	ck_assert_int_ge(k, 0);
	return window_inside(flow, (u32)k, NULL, others, n, w);
}

struct place {
	u32 at;
	enum refusal why;
	u32 window_at, size, before;	/* before: bytes of the window in front of the record */
	bool may_fault;
};

static const struct place places[] = {
	{ 0, REFUSE_STACK_CHECK, 0, 0, 0, false },
	{ 4, REFUSE_STACK_CHECK, 0, 0, 0, false },
	{ 6, REFUSE_SHORT, 0, 0, 0, false },		/* a loop begins behind it */
	{ 9, REFUSE_NONE, 9, 6, 0, false },
	{ 12, REFUSE_NONE, 12, 5, 0, false },
	{ 15, REFUSE_NONE, 12, 5, 3, false },		/* what can't fault is better */
	{ 17, REFUSE_NONE, 12, 5, 5, false },
	{ 20, REFUSE_NONE, 17, 5, 3, true },
	{ 23, REFUSE_NONE, 17, 6, 6, true },		/* a call, in a window that ends there */
	{ 28, REFUSE_CALL, 0, 0, 0, false },
	{ 29, REFUSE_CALL, 0, 0, 0, false },		/* too little between two calls */
	{ 34, REFUSE_NONE, 34, 5, 0, false },
	{ 37, REFUSE_NONE, 37, 7, 0, false },
	{ 39, REFUSE_NONE, 39, 5, 0, false },
	{ 52, REFUSE_SHORT, 0, 0, 0, false },		/* a target: nothing before it helps */
	{ 53, REFUSE_STACK_CHECK, 0, 0, 0, false },
};

START_TEST(windows_lie_where_control_comes_by_the_record)
{
	const struct place *p = &places[_i];
	struct flow flow;
	struct window w;
	enum refusal why = window_at(SHORTS, p->at, &flow, NULL, 0, &w);

	ck_assert_msg(why == p->why, "at %u: %s", p->at, refusal_name(why));
	if (why)
		return;
	ck_assert_uint_eq(w.at, p->window_at);
	ck_assert_uint_eq(w.size, p->size);
	ck_assert_uint_eq(flow.insns[w.first].at, w.at);
	ck_assert_uint_eq(flow.insns[w.first + w.record_after - 1].at +
			  flow.insns[w.first + w.record_after - 1].size - w.at,
			  w.record_after ? p->before :
			  flow.insns[w.first - 1].at + flow.insns[w.first - 1].size - w.at);
	ck_assert_int_eq(w.may_fault, p->may_fault);
}
END_TEST

START_TEST(windows_leave_each_other_alone)
{
	struct flow flow;
	struct window first, second;

	ck_assert_int_eq(window_at(SHORTS, 34, &flow, NULL, 0, &first), REFUSE_NONE);
	ck_assert_int_eq(window_at(SHORTS, 37, &flow, &first, 1, &second), REFUSE_TAKEN);
	ck_assert_int_eq(window_at(SHORTS, 39, &flow, &first, 1, &second), REFUSE_NONE);
}
END_TEST

START_TEST(without_a_stack_check_there_may_be_no_stack)
{
	struct flow flow;
	struct window w;

	ck_assert_int_eq(window_at(SIGTRAMP, 1, &flow, NULL, 0, &w), REFUSE_NO_STACK_CHECK);
}
END_TEST

/* The record, with the return address in it. */
static void probe(void)
{
	static struct read caller = { .kind = READ_STACK, .size = 8, .at = 32, .disp = 24 };
	struct plan_func *f = &mc.plan.funcs[0];
	struct flow flow;

	*f = (struct plan_func){
		.func = &mc.funcs[LIVE], .shown = true, .line_at = SITE, .line_sp = 24,
		.entry = { .reads = &caller, .nreads = 1, .size = 40, .caller_at = 32 },
		.exit = { .size = RECORD_HEAD },
	};
	f->patches = (struct patches){ .windows = ARENA_NEW(&mc.arena, struct window),
				       .nwindows = 1 };
	ck_assert_int_eq(window_at(LIVE, SITE, &flow, NULL, 0, f->patches.windows), REFUSE_NONE);
	mc.plan.nfuncs = 1;
	machine_patch(&mc);
}

/* Every register, and the stack but for what lies more than 128 bytes below SP. */
static void runs_the_same(void)
{
	struct cpu in = machine_cpu(&mc.t), want, got;
	u64 *stack = mc.t.stack, before[STACK_WORDS], plain[STACK_WORDS];
	u32 live = AT_CALL - (24 + DEAD) / 8;

	in.x[15][0] = machine_random();
	in.x[15][1] = machine_random();
	for (u32 i = 0; i < STACK_WORDS; i++)
		before[i] = stack[i] = machine_random();
	machine_jumps(&mc, false);
	want = machine_run(&mc, &mc.t, LIVE, 0, &in);
	memcpy(plain, stack, sizeof(plain));
	memcpy(stack, before, sizeof(before));
	machine_jumps(&mc, true);
	got = machine_run(&mc, &mc.t, LIVE, 0, &in);
	for (u32 i = 0; i < 16; i++)
		ck_assert_msg(want.r[i] == got.r[i], "register %u is %#lx, not %#lx", i, got.r[i],
			      want.r[i]);
	ck_assert_mem_eq(want.x, got.x, sizeof(want.x));
	ck_assert_mem_eq(stack + live, plain + live, 8 * (STACK_WORDS - live));
	ck_assert_uint_eq(want.r[RDI], in.r[R15]);	/* they are there to be seen */
	ck_assert_uint_eq(want.r[R8], in.r[R15]);
	ck_assert_uint_eq(want.r[R9], in.x[15][0]);
}

START_TEST(all_that_is_live_is_kept)
{
	u8 got[RECORD_MAX];
	struct record_head h;

	probe();
	for (u32 i = 0; i < 100; i++) {	/* the first one claims a ring */
		runs_the_same();
		ck_assert(machine_take(&mc, &mc.t, got, &h));
		ck_assert_uint_eq(record_site(&h), SITE_ENTRY);
		ck_assert_uint_eq(h.goid, 77);
		ck_assert_uint_eq(h.depth, 8 * (STACK_WORDS - AT_CALL));
		ck_assert_uint_eq(*(u64 *)(void *)(got + 32), (u64)(uintptr_t)machine_left);
		ck_assert(!machine_take(&mc, &mc.t, got, &h));
	}
}
END_TEST

START_TEST(all_that_is_live_is_kept_when_the_ring_is_full)
{
	probe();
	for (u32 i = 0; i < 2 * BUFFER / 40; i++)
		runs_the_same();
	ck_assert_uint_gt(*ring_word_at(machine_ring(&mc, &mc.t), RING_LOST), 100);
}
END_TEST

START_TEST(a_shut_gate_leaves_no_record)
{
	u8 got[RECORD_MAX];
	struct record_head h;

	probe();
	mc.region[NEAR_AT + NEAR_GATE] = 0;
	runs_the_same();
	ck_assert(!machine_take(&mc, &mc.t, got, &h));
}
END_TEST

START_TEST(it_is_counted_without_a_record)
{
	mc.plan.request.entry_only = mc.plan.request.count_only = true;
	probe();
	for (u32 i = 0; i < 7; i++)
		runs_the_same();
	ck_assert_uint_eq(*ring_word_at(machine_ring(&mc, &mc.t), ring_count_at(0)), 7);
}
END_TEST

Suite *inside_suite(void)
{
	Suite *s = suite_create("inside");
	TCase *t = tcase_create("inside");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_loop_test(t, windows_lie_where_control_comes_by_the_record, 0,
			    ARRAY_LEN(places));
	tcase_add_test(t, windows_leave_each_other_alone);
	tcase_add_test(t, without_a_stack_check_there_may_be_no_stack);
	tcase_add_test(t, all_that_is_live_is_kept);
	tcase_add_test(t, all_that_is_live_is_kept_when_the_ring_is_full);
	tcase_add_test(t, a_shut_gate_leaves_no_record);
	tcase_add_test(t, it_is_counted_without_a_record);
	suite_add_tcase(s, t);
	return s;
}
