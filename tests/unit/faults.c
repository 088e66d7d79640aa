#include "stepped.h"

Suite *faults_suite(void);

typedef void handler_fn(int sig, siginfo_t *si, void *uc);
static u64 fault_seen, fault_passed;
static bool records_meanwhile;	/* a function that the handler calls is recorded, too */

/* As the kernel calls it. What Go would panic about ends the call here. */
static void on_fault(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	greg_t *rip = &uc->uc_mcontext.gregs[REG_RIP], was = *rip;

	fault_seen++;
	if (records_meanwhile)
		handler_records();
	((handler_fn *)(uintptr_t)(mc.text_rt + SLOT * SIGTRAMP))(sig, si, context);
	if ((u64)*rip - mc.text_rt < MEMORY_SIZE) {
		fault_passed = (u64)*rip;
		*rip = (greg_t)(uintptr_t)machine_left;
	} else if (*rip == was) {
		signal(sig, SIG_DFL);
	}
}

static void handle_faults(void)
{
	static u8 stack[1 << 16];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	fault_seen = fault_passed = 0;
	ck_assert(!sigaltstack(&alt, NULL));
	ck_assert(!sigaction(SIGSEGV, &sa, NULL) && !sigaction(SIGBUS, &sa, NULL));
}

/* Every way that the copy takes by its size, with pages that were there when we looked. */
START_TEST(a_copy_that_faults_is_unreadable)
{
	static const u16 sizes[] = { 1, 2, 3, 4, 7, 8, 15, 16, 17, 100 };
	static const i32 before[] = { 0, -1, -8, -17 };

	heap_begin();
	handle_faults();
	for (u32 k = 0; k < ARRAY_LEN(sizes) * ARRAY_LEN(before); k++) {
		struct read reads[] = {
			{ .kind = READ_INT, .reg = 0, .size = 8, .at = 32 },
			{ .kind = READ_MEM,
			  .from = 32,
			  .size = sizes[k / ARRAY_LEN(before)],
			  .status = 40,
			  .at = 48 },
			{ .kind = READ_INT, .reg = 1, .size = 8, .at = 152 },
			{ .kind = READ_MEM },
			{ .kind = READ_MEM },
			{ .kind = READ_MEM },
			{ .kind = READ_MEM },
		};
		struct reading r = { .reads = reads,
				     .nreads = k % 2 ? ARRAY_LEN(reads) : 3,
				     .size = 160 };
		u64 p = (u64)(uintptr_t)heap + 5 * PAGE_SIZE +
			(u64)(i64)before[k % ARRAY_LEN(before)];
		struct cpu c = machine_cpu(&mc.t);
		u8 got[RECORD_MAX];
		struct record_head h;
		u32 status;

		for (u64 page = p >> 12; page <= (p + 100) >> 12; page++)
			machine_knows(&mc, page);
		c.r[RAX] = p;
		machine_unpatch(&mc);
		machine_probe(&mc, NOTHING, r, (struct reading){ 0 });
		machine_patch(&mc);
		fault_seen = 0;
		(void)machine_call(&mc, NOTHING, c);
		ck_assert(machine_take(&mc, &mc.t, got, &h));
		memcpy(&status, got + 40, 4);
		if (readable(p, reads[1].size)) {
			ck_assert_uint_eq(status, reads[1].size);
		} else {
			ck_assert_uint_eq(fault_seen, 1);
			ck_assert_uint_eq(status, CAPTURE_UNREADABLE);
		}
		ck_assert_uint_eq(word_in(got, 152), c.r[RBX]);
		ck_assert(machine_take(&mc, &mc.t, got, &h));
		ck_assert_uint_eq(record_site(&h), SITE_EXIT);
	}
}
END_TEST

static u32 status_of_page(u64 page)
{
	static const struct read reads[] = {
		{ .kind = READ_INT, .reg = 0, .size = 8, .at = 32 },
		{ .kind = READ_MEM, .from = 32, .size = 8, .status = 40, .at = 48 },
	};
	struct reading r = { .reads = arena_copy(&mc.arena, reads, sizeof(reads)),
			     .nreads = ARRAY_LEN(reads), .size = 56 };
	struct cpu c = machine_cpu(&mc.t);
	struct record_head h;
	u8 got[RECORD_MAX];
	u32 status;

	c.r[RAX] = page << 12;
	machine_unpatch(&mc);
	machine_probe(&mc, NOTHING, r, (struct reading){ 0 });
	machine_patch(&mc);
	fault_seen = 0;
	(void)machine_call(&mc, NOTHING, c);
	ck_assert(machine_take(&mc, &mc.t, got, &h));
	memcpy(&status, got + 40, 4);
	ck_assert(machine_take(&mc, &mc.t, got, &h));
	return status;
}

static u64 *group_at(u64 page)
{
	return (u64 *)(void *)(mc.region + NEAR_AT + NEAR_PAGES) +
	       (page >> PAGES_LOG2 & (NEAR_PAGES_COUNT - 1));
}

/* One that is not known is asked of the kernel, so that nothing faults; what is known of its
 * neighbours stays, and of pages that have the same place it is forgotten. */
START_TEST(what_is_known_of_a_page_says_nothing_of_others)
{
	const u64 alias = (u64)NEAR_PAGES_COUNT << PAGES_LOG2;
	u64 there, gone;

	heap_begin();
	there = (u64)(uintptr_t)heap >> 12;
	gone = there + 5;
	handle_faults();
	machine_knows(&mc, gone + alias);
	machine_knows(&mc, gone + 2 * alias);
	machine_knows(&mc, gone ^ 1);
	ck_assert_uint_eq(status_of_page(gone), CAPTURE_UNREADABLE);
	ck_assert_uint_eq(fault_seen, 0);
	ck_assert_uint_eq(*group_at(gone) >> (gone & 31) & 1, 0);
	machine_knows(&mc, gone);
	ck_assert_uint_eq(status_of_page(gone), CAPTURE_UNREADABLE);
	ck_assert_uint_eq(fault_seen, 1);
	machine_knows(&mc, (there + alias) ^ 1);
	ck_assert_uint_eq(status_of_page(there), 8);
	ck_assert_uint_eq(*group_at(there), there >> PAGES_LOG2 << 32 | 1u << (there & 31));
	machine_knows(&mc, there ^ 1);
	ck_assert_uint_eq(status_of_page(there), 8);
	ck_assert_uint_eq(*group_at(there), there >> PAGES_LOG2 << 32 | 3u << (there & 30));
	*group_at(there) = 0;
	machine_knows(&mc, there ^ 1);
	ck_assert_uint_eq(status_of_page(there), 8);	/* asked, and known from now on */
	ck_assert_uint_eq(*group_at(there), there >> PAGES_LOG2 << 32 | 3u << (there & 30));
	/* page 0 has an empty word's number */
	ck_assert_uint_eq(status_of_page(1), CAPTURE_UNREADABLE);
	ck_assert_uint_eq(fault_seen, 0);
}
END_TEST

/* A text of 5 bytes that may have 64, behind a value that faults when it is copied. */
static u32 size_of_record(struct record_head *h)
{
	static const struct read reads[] = {
		{ .kind = READ_INT, .reg = 0, .size = 8, .at = 32 },
		{ .kind = READ_INT, .reg = 1, .size = 8, .at = 40 },
		{ .kind = READ_INT, .reg = 2, .size = 8, .at = 48 },
		{ .kind = READ_BYTES, .packed = true, .from = 40, .len_at = 48, .elem = 1,
		  .size = 64, .status = 56 },
		{ .kind = READ_MEM, .from = 32, .size = 40, .status = 64, .at = 72 },
		/* nothing: the text must not lie where this would */
		{ .kind = READ_MEM, .from = 72, .size = 8, .status = 112, .at = 120 },
	};
	struct reading r = { .reads = arena_copy(&mc.arena, reads, sizeof(reads)),
			     .nreads = ARRAY_LEN(reads), .size = 128, .texts = 64 };
	struct cpu c = machine_cpu(&mc.t);
	u64 page = ((u64)(uintptr_t)heap + 5 * PAGE_SIZE) >> 12;
	u8 got[RECORD_MAX], *ring;
	u32 status, size;

	machine_knows(&mc, page);
	c.r[RAX] = page << 12;
	c.r[RBX] = (u64)(uintptr_t)heap + 100;
	c.r[RCX] = 5;
	memcpy(heap + 100, "hello", 5);
	machine_unpatch(&mc);
	machine_probe(&mc, NOTHING, r, (struct reading){ 0 });
	machine_patch(&mc);
	(void)machine_call(&mc, NOTHING, c);
	ring = machine_ring(&mc, &mc.t);
	memcpy(&size, ring + RING_DATA + (*ring_word_at(ring, RING_TAIL) & (BUFFER - 1)) +
		      RECORD_BYTES, sizeof(size));
	ck_assert(machine_take(&mc, &mc.t, got, h));
	memcpy(&status, got + 64, 4);
	ck_assert_uint_eq(status, CAPTURE_UNREADABLE);
	memcpy(&status, got + 56, 4);
	ck_assert_uint_eq(status, record_status(5, 128));
	ck_assert_mem_eq(got + 128, "hello\0\0", 8);
	ck_assert_uint_eq(word_in(got, 112) | word_in(got, 120), 0);
	return size;
}

START_TEST(what_a_record_does_not_need_is_given_back)
{
	struct record_head h;

	heap_begin();
	handle_faults();
	for (u32 i = 0; i < 1000; i++) {	/* more than a lap */
		ck_assert_uint_eq(size_of_record(&h), 136);
		ck_assert_uint_eq(record_site(&h), SITE_ENTRY);
		ck_assert(machine_take(&mc, &mc.t, (u8[RECORD_MAX]){ 0 }, &h));
	}
	expect_nothing_more();
}
END_TEST

START_TEST(a_handlers_record_lies_behind_the_whole_room)
{
	struct record_head h;

	heap_begin();
	handle_faults();
	records_meanwhile = true;
	for (u32 i = 0; i < 1000; i++) {
		ck_assert_uint_eq(size_of_record(&h), 128 + 64);
		ck_assert(machine_take(&mc, &mc.t, (u8[RECORD_MAX]){ 0 }, &h));
		ck_assert_uint_eq(record_site(&h), SITE_TAIL);
		ck_assert(machine_take(&mc, &mc.t, (u8[RECORD_MAX]){ 0 }, &h));
		ck_assert_uint_eq(record_site(&h), SITE_EXIT);
	}
	records_meanwhile = false;
	expect_nothing_more();
}
END_TEST

START_TEST(a_displaced_load_faults_at_its_own_address)
{
	struct cpu c = machine_cpu(&mc.t), out;

	heap_begin();
	handle_faults();
	machine_probe(&mc, FAULT, two(), two());
	machine_patch(&mc);
	c.r[RAX] = (u64)(uintptr_t)heap;
	out = machine_call(&mc, FAULT, c);
	ck_assert_uint_eq(out.r[RAX], word_in(heap, 0));
	ck_assert_uint_eq(fault_seen, 0);
	expect_words(&c, SITE_ENTRY);
	expect_words(&out, SITE_EXIT);
	c.r[RAX] = 0;
	out = machine_call(&mc, FAULT, c);
	ck_assert_uint_eq(fault_seen, 2);	/* also where nothing is displaced */
	ck_assert_uint_eq(fault_passed, mc.text_rt + SLOT * FAULT + 3);
	ck_assert_uint_eq(out.r[RBX], c.r[RBX] + 1);
	ck_assert_uint_eq(out.r[RSP], c.r[RSP]);
	expect_words(&c, SITE_ENTRY);
	expect_nothing_more();
}
END_TEST

static u64 hooked(int sig, int code, u64 rip)
{
	static siginfo_t si;
	static ucontext_t uc;

	si.si_code = code;
	uc.uc_mcontext.gregs[REG_RIP] = (greg_t)rip;
	((handler_fn *)(uintptr_t)(mc.text_rt + SLOT * SIGTRAMP))(sig, &si, &uc);
	return (u64)uc.uc_mcontext.gregs[REG_RIP];
}

START_TEST(the_hook_moves_what_it_must_and_nothing_else)
{
	static const int not_ours[] = { SIGPROF, SIGURG,  SIGTRAP, SIGILL, SIGINT,
					SIGUSR2, SIGTERM, 32,	   64 };
	const struct fixup *f;
	struct stubs s;

	heap_begin();
	for (u32 slot = FRAME; slot <= ABI0; slot++)
		machine_probe(&mc, slot, two(), two());
	machine_patch(&mc);
	s = mc.code.stubs;
	ck_assert_uint_ge(mc.code.fixups.n, 2);
	for (u32 i = 0; i < mc.code.fixups.n; i++) {
		f = &mc.code.fixups.at[i];
		ck_assert(!i || f[-1].copy_rt < f->copy_rt);
		ck_assert_uint_eq(hooked(SIGSEGV, 1, f->copy_rt), f->original_rt);
		ck_assert_uint_eq(hooked(SIGBUS, 2, f->copy_rt), f->original_rt);
		ck_assert_uint_eq(hooked(SIGFPE, 1, f->copy_rt), f->original_rt);
		ck_assert_uint_eq(hooked(SIGSEGV, 1, f->copy_rt + 1), f->copy_rt + 1);
		ck_assert_uint_eq(hooked(SIGSEGV, 1, f->copy_rt - 1), f->copy_rt - 1);
		ck_assert_uint_eq(hooked(SIGSEGV, 0, f->copy_rt), f->copy_rt);
		ck_assert_uint_eq(hooked(SIGSEGV, -6, f->copy_rt), f->copy_rt);
		for (u32 k = 0; k < ARRAY_LEN(not_ours); k++)
			ck_assert_uint_eq(hooked(not_ours[k], 1, f->copy_rt), f->copy_rt);
	}
	ck_assert_uint_eq(hooked(SIGSEGV, 1, s.copy_lo_rt), s.copy_fault_rt);
	ck_assert_uint_eq(hooked(SIGSEGV, 1, s.copy_hi_rt - 1), s.copy_fault_rt);
	ck_assert_uint_eq(hooked(SIGSEGV, 1, s.copy_lo_rt - 1), s.copy_lo_rt - 1);
	ck_assert_uint_eq(hooked(SIGSEGV, 1, s.copy_hi_rt), s.copy_hi_rt);
	ck_assert_uint_eq(hooked(SIGSEGV, 0, s.copy_lo_rt), s.copy_lo_rt);
	ck_assert_uint_eq(hooked(SIGPROF, 1, s.copy_lo_rt), s.copy_lo_rt);
	ck_assert_uint_eq(hooked(SIGSEGV, 1, mc.text_rt), mc.text_rt);
	ck_assert_uint_eq(hooked(SIGSEGV, 1, 0), 0);
}
END_TEST

START_TEST(without_sigtramp_there_is_no_code)
{
	struct err err = { 0 };

	mc.funcs[SIGTRAMP].name = STR("runtime.other");
	machine_probe(&mc, NOTHING, two(), two());
	ck_assert(!code_make(&mc.code, &mc.plan, &mc.layout, &err));
	ck_assert_int_eq(err.kind, ERR_REFUSED);
}
END_TEST

Suite *faults_suite(void)
{
	Suite *s = suite_create("faults");
	TCase *t = tcase_create("code");

	tcase_add_checked_fixture(t, shapes_begin, shapes_end);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, a_copy_that_faults_is_unreadable);
	tcase_add_test(t, what_is_known_of_a_page_says_nothing_of_others);
	tcase_add_test(t, what_a_record_does_not_need_is_given_back);
	tcase_add_test(t, a_handlers_record_lies_behind_the_whole_room);
	tcase_add_test(t, a_displaced_load_faults_at_its_own_address);
	tcase_add_test(t, the_hook_moves_what_it_must_and_nothing_else);
	tcase_add_test(t, without_sigtramp_there_is_no_code);
	suite_add_tcase(s, t);
	return s;
}
