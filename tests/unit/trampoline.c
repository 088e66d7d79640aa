#include "machine.h"

#include <pthread.h>
#include <sys/uio.h>
#include <time.h>

#include "interpret.h"

Suite *trampoline_suite(void);

/* 64 bytes apart, so calls to morestack from slot N are at -64 * N. */
enum { MORESTACK, FRAME, LEAF, FLOATS, TIGHT, TAIL, JCC_TAIL, FAULT, NOTHING, RIP, DEFERS, BRANCHES, ABI0, NOTHING0, SIGTRAMP, SLOTS };
enum { BUFFER = 1 << 15, MORESTACKS = 128 / 8 };

static const struct function functions[SLOTS] = {
	[MORESTACK] = { .name = "runtime.morestack", .hex =
		"49 c7 46 10 00 00 00 00 "	/* mov qword [r14+16], 0: the guard */
		"49 ff 86 80 00 00 00 c3 " },	/* inc qword [r14+128]; ret */
	[FRAME] = { .name = "main.frame", .hex =
		"49 3b 66 10 76 15 "		/*  0: cmp rsp, [r14+16]; jbe 27 */
		"55 48 89 e5 48 83 ec 10 "	/*  6: push rbp; mov rbp, rsp; sub rsp, 16 */
		"f2 0f 58 c1 48 ff c0 "		/* 14: addsd xmm0, xmm1; inc rax */
		"48 83 c4 10 5d c3 "		/* 21: add rsp, 16; pop rbp; ret */
		"48 89 44 24 08 "		/* 27: mov [rsp+8], rax */
		"e8 9b ff ff ff "		/* 32: call morestack */
		"48 8b 44 24 08 eb d4 " },	/* 37: mov rax, [rsp+8]; jmp 0 */
	[LEAF] = { .name = "main.leaf", .hex =
		"48 8d 04 18 48 ff c3 c3 " },	/* lea rax, [rax+rbx]; inc rbx; ret */
	[FLOATS] = { .name = "main.floats", .hex =
		"f2 0f 58 c1 f2 0f 10 ca c3 " },	/* addsd xmm0, xmm1; movsd xmm1, xmm2; ret */
	[TIGHT] = { .name = "main.tight", .hex =
		"48 85 c0 74 05 "		/*  0: test rax, rax; je 10 */
		"48 83 c3 07 90 c3 " },		/*  5: add rbx, 7; nop; 10: ret */
	[TAIL] = { .name = "main.tail", .hex =
		"48 83 c0 05 90 e9 36 ff ff ff " },	/* add rax, 5; nop; jmp leaf */
	[JCC_TAIL] = { .name = "main.jccTail", .hex =
		"48 85 c0 0f 84 f7 fe ff ff "	/* test rax, rax; je leaf */
		"48 83 c3 09 90 c3 " },		/* add rbx, 9; nop; ret */
	[FAULT] = { .name = "main.fault", .hex =
		"48 ff c3 48 8b 00 c3 " },	/* inc rbx; 3: mov rax, [rax]; ret */
	[NOTHING] = { .name = "main.nothing", .hex = "0f 1f 44 00 00 0f 1f 44 00 00 c3 " },
	[RIP] = { .name = "main.rip", .hex =
		"48 8b 05 f9 1f 00 00 90 c3 " },	/* mov rax, [rip+0x1ff9] */
	[DEFERS] = { .name = "main.defers", .deferreturn = 23, .hex =
		"49 3b 66 10 76 1c "		/*  0: cmp rsp, [r14+16]; jbe 34 */
		"55 48 89 e5 48 83 ec 10 "	/*  6: push rbp; mov rbp, rsp; sub rsp, 16 */
		"48 ff c0 "			/* 14: inc rax */
		"48 83 c4 10 5d c3 "		/* 17: add rsp, 16; pop rbp; ret */
		"e8 64 ff ff ff "		/* 23: call nothing, as if it were deferreturn */
		"48 83 c4 10 5d c3 "		/* 28: add rsp, 16; pop rbp; ret */
		"e8 59 fd ff ff eb d7 " },	/* 34: call morestack; jmp 0 */
	[BRANCHES] = { .name = "main.branches", .hex =
		"48 83 f8 03 7f 06 "		/*  0: cmp rax, 3; jg 12 */
		"48 83 c3 01 90 c3 "		/*  6: add rbx, 1; nop; ret */
		"48 83 fb 00 75 02 "		/* 12: cmp rbx, 0; jne 20 */
		"90 c3 "			/* 18: nop; ret */
		"48 83 c3 02 75 02 90 90 c3 " },	/* 20: add rbx, 2; jne 28; nop; nop; 28: ret */
	[ABI0] = { .name = "main.abi0", .assembly = true, .hex =
		"48 8b 44 24 08 48 89 44 24 10 c3 " },	/* mov rax, [rsp+8]; mov [rsp+16], rax; ret */
	[NOTHING0] = { .name = "main.nothing0", .assembly = true, .hex = "0f 1f 44 00 00 0f 1f 44 00 00 c3 " },
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

/* Heap ------------------------------------------------------------------------------------------- */

enum { HEAP_PAGES = 16, PAGE_SIZE = 4096 };
static u8 *heap;

static bool page_is_there(u64 page)
{
	return page != 5 && page != 11;
}

static u64 wild(void)
{
	static const u64 odd[] = { 0, 8, 4095, 0x8000000000000000u, 0xffffffffffffffffu, 0xfffffffffffff000u,
				   0x0000800000000000u, 0xdeadbeefdeadbeefu, 0x7ffffffff000u, 3, 1, 100 };
	u64 r = machine_random();

	return r % 3 ? (u64)(uintptr_t)heap + (r >> 8) % (HEAP_PAGES * PAGE_SIZE) : odd[(r >> 8) % ARRAY_LEN(odd)];
}

static void heap_begin(void)
{
	u8 *all = mmap(NULL, (HEAP_PAGES + 2) * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(all, MAP_FAILED);
	heap = all + PAGE_SIZE;
	for (u64 i = 0; i < HEAP_PAGES; i++) {
		if (!page_is_there(i))
			continue;
		ck_assert(!mprotect(heap + i * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE));
		for (u64 k = 0; k < PAGE_SIZE; k += 8) {
			u64 r = machine_random(), v = r % 4 ? r % 4 == 1 ? r >> 60 : wild() : machine_random();

			memcpy(heap + i * PAGE_SIZE + k, &v, 8);
		}
	}
}

static bool readable(u64 va, u64 n)
{
	u64 at = va - (u64)(uintptr_t)heap;

	if (at >= HEAP_PAGES * PAGE_SIZE || n > HEAP_PAGES * PAGE_SIZE - at)
		return false;
	for (u64 i = at / PAGE_SIZE; i <= (at + n - 1) / PAGE_SIZE; i++)
		if (!page_is_there(i))
			return false;
	return true;
}

/* Junk may be an address by chance: a sanitizer maps a good part of all there are. */
static bool fetch(u64 va, u64 n, void *to)
{
	struct iovec local = { to, n }, remote = { (void *)(uintptr_t)va, n };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)n;
}

/* Random readings ------------------------------------------------------------------------------------ */

static struct interpreter interpreter_of(const struct cpu *c)
{
	static const u8 regs[] = { RAX, RBX, RCX, RDI, RSI, R8, R9, R10, R11 };
	struct interpreter in = { .sp = (u8 *)(uintptr_t)c->r[RSP], .bias = mc.layout.bias, .fetch = fetch };

	for (u32 i = 0; i < ARRAY_LEN(in.ints); i++)
		in.ints[i] = c->r[regs[i]];
	for (u32 i = 0; i < ARRAY_LEN(in.floats); i++)
		in.floats[i] = c->x[i][0];
	return in;
}

struct random_plan {
	struct read reads[128];
	u32 n, at, top;
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
		if (kind >= READ_MEM) {
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
			interpret(&g->in, g->reads, at, g->state);
			r->when = below(2) ? word_in(g->state, r->when_at) : machine_random();
			r->when_va = below(2);
			r->when_not = below(2);
			if (r->when_va)
				r->when -= mc.layout.bias;
			random_captures(g, below(4), depth + 1);
			g->reads[at].size = (u16)(g->n - at - 1);
			if (below(2))
				g->at = base;	/* an alternative: the next one has the same bytes */
			continue;
		}
		if (below(2)) {
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

static void expect_head(const struct record_head *h, const struct thread *t, u32 site, u32 depth)
{
	ck_assert_uint_eq(record_site(h), site);
	ck_assert_uint_eq(h->goid, t->g[mc.mem.prog.rel->g_goid / 8]);
	ck_assert_uint_eq(h->depth, depth);
	ck_assert_uint_eq(h->g, (u32)(uintptr_t)t->g);
	ck_assert_uint_gt(h->tsc, 0);
}

enum { DEPTH = 8 * (STACK_WORDS - AT_CALL) };

static void expect_bytes(const struct reading *r, const struct cpu *c, u32 site)
{
	u8 want[RECORD_MAX] = { 0 }, got[SLOT_MAX];
	struct interpreter in = interpreter_of(c);
	struct record_head h;

	ck_assert(machine_take(&mc, &mc.t, got, &h));
	expect_head(&h, &mc.t, site, DEPTH);
	interpret(&in, r->reads, r->nreads, want);
	for (u32 i = RECORD_HEAD; i < r->size; i++)
		ck_assert_msg(want[i] == got[i], "site %u: byte %u of %u is %#x, not %#x", site, i, r->size, got[i],
			      want[i]);
}

static void expect_nothing_more(void)
{
	u8 bytes[SLOT_MAX];
	struct record_head h;

	ck_assert(!machine_take(&mc, &mc.t, bytes, &h));
}

/* One reading at entry and exit of a function that changes nothing. */
static void run_reading(const struct read *reads, u32 n, u32 size, const struct cpu *c, u32 slot)
{
	struct reading r = { .reads = arena_copy(&mc.arena, reads, n * sizeof(*reads)), .nreads = n, .size = size };

	machine_unpatch(&mc);
	machine_probe(&mc, slot, r, r);
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
			c.r[i] = below(4) ? wild() : machine_random() >> (below(2) ? 0 : 48 + below(16));
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
		g = (struct random_plan){ .at = RECORD_HEAD, .top = RECORD_HEAD, .in = interpreter_of(&c) };
		random_raw(&g);
		random_captures(&g, below(round % 2 ? 5 : 14), round % 3 ? 0 : 9);
		run_reading(g.reads, g.n, g.top, &c, slot);
		for (u32 i = 0; i < g.n; i++) {
			captures += g.reads[i].kind >= READ_MEM;
			when |= g.reads[i].kind == READ_WHEN;
		}
		tables += captures > 4 || when;
		in_line += captures && captures <= 4 && !when;
		if (!captures || captures > 4 || when)
			continue;
		for (u32 i = 0; i < 5; i++)	/* steps that copy nothing: the same reading as a table */
			g.reads[g.n++] = (struct read){ .kind = READ_MEM };
		run_reading(g.reads, g.n, g.top, &c, slot);
	}
	ck_assert_uint_gt(tables, 50);
	ck_assert_uint_gt(in_line, 50);
}
END_TEST

/* What pointers and lengths lead to ------------------------------------------------------------------ */

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
		{ .kind = READ_BYTES, .from = 32, .len_at = 40, .size = 64, .elem = 1, .status = 48, .at = 56 },
		{ .kind = READ_MEM }, { .kind = READ_MEM }, { .kind = READ_MEM }, { .kind = READ_MEM },
	};
	struct reading r = { .reads = reads, .nreads = _i % 2 ? ARRAY_LEN(reads) : 3, .size = 120 };
	u8 got[SLOT_MAX];
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

/* Functions of every shape ----------------------------------------------------------------------------- */

static const struct read two_words[] = {
	{ .kind = READ_INT, .reg = 0, .size = 8, .at = 32 },
	{ .kind = READ_FLOAT, .reg = 0, .size = 8, .at = 40 },
	{ .kind = READ_STACK, .disp = 8, .size = 16, .at = 48 },
};

static struct reading two(void)
{
	return (struct reading){ .reads = arena_copy(&mc.arena, two_words, sizeof(two_words)),
				 .nreads = ARRAY_LEN(two_words), .size = 64 };
}

static void expect_words(const struct cpu *c, u32 site)
{
	u8 got[SLOT_MAX];
	struct record_head h;

	ck_assert(machine_take(&mc, &mc.t, got, &h));
	expect_head(&h, &mc.t, site, DEPTH);
	if (site % 4 == SITE_TAIL)
		return;
	ck_assert_uint_eq(word_in(got, 32), c->r[RAX]);
	ck_assert_uint_eq(word_in(got, 40), c->x[0][0]);
	ck_assert_uint_eq(word_in(got, 48), mc.t.stack[AT_CALL + 1]);
	ck_assert_uint_eq(word_in(got, 56), mc.t.stack[AT_CALL + 2]);
}

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
		ck_assert_msg(!mc.plan.funcs[0].patches.exits[i].refusal, "%s: exit %u is refused", s->what, i);
	memset(mc.mem.bytes + SLOT * RIP + 0x2000, 0x5a, 8);
	machine_patch(&mc);
	mc.rdx = s->exit == SITE_TAIL;
	for (u32 again = 0; again < 3; again++) {
		out = machine_call(&mc, s->slot, c);
		ck_assert_uint_eq(out.r[RSP], c.r[RSP] + 8);
		if (s->slot == ABI0)	/* it has written to its results by now */
			mc.t.stack[AT_CALL + 2] = mc.t.stack[AT_CALL + 1];
		if (s->slot == ABI0 && !again) {
			u8 got[SLOT_MAX];
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

/* Gate, table and rings ---------------------------------------------------------------------------------- */

static void probe_nothing(void)
{
	machine_probe(&mc, NOTHING, two(), two());
	machine_patch(&mc);
}

START_TEST(a_closed_gate_writes_nothing)
{
	struct cpu c = machine_cpu(&mc.t);

	probe_nothing();
	mc.region[NEAR_AT + NEAR_GATE] = 0;
	(void)machine_call(&mc, NOTHING, c);
	ck_assert_ptr_null(machine_ring(&mc, &mc.t));
	for (u32 i = 0; i < SHARED_RINGS; i++)
		if (i / 8 != SHARED_READY / 8)
			ck_assert_uint_eq(mc.shared[i], 0);
	mc.region[NEAR_AT + NEAR_GATE] = 1;
	(void)machine_call(&mc, NOTHING, c);
	ck_assert_ptr_nonnull(machine_ring(&mc, &mc.t));
}
END_TEST

static bool kept(const struct cpu *in, const struct cpu *out)
{
	bool ok = out->r[RSP] == in->r[RSP] + 8 && !memcmp(in->x, out->x, sizeof(in->x));

	for (unsigned i = 0; i < 16; i++)
		ok &= (i == RDX && !mc.rdx) || i == RSP || i == R12 || i == R13 || i == R15 || in->r[i] == out->r[i];
	return ok;
}

struct worker {
	pthread_t id;
	struct thread t;
	u32 calls;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	for (w->calls = 0; w->calls < 100; w->calls++) {
		struct cpu c = machine_cpu(&w->t), out = machine_run(&mc, &w->t, NOTHING, 0, &c);

		if (!kept(&c, &out))
			break;
	}
	return NULL;
}

START_TEST(threads_have_rings_of_their_own)
{
	static struct worker w[2];
	u8 got[SLOT_MAX];
	struct record_head h;

	probe_nothing();
	for (u32 i = 0; i < 2; i++)
		thread_begin(&mc, &w[i].t, 100 + i);
	for (u32 i = 0; i < 2; i++)
		ck_assert(!pthread_create(&w[i].id, NULL, work, &w[i]));
	for (u32 i = 0; i < 2; i++)
		pthread_join(w[i].id, NULL);
	ck_assert_ptr_ne(machine_ring(&mc, &w[0].t), machine_ring(&mc, &w[1].t));
	for (u32 i = 0; i < 2; i++) {
		u64 before = 0;

		ck_assert_uint_eq(w[i].calls, 100);
		for (u32 k = 0; k < 200; k++) {
			ck_assert(machine_take(&mc, &w[i].t, got, &h));
			expect_head(&h, &w[i].t, k % 2 ? SITE_EXIT : SITE_ENTRY, DEPTH);
			ck_assert_uint_le(before, h.tsc);
			before = h.tsc;
		}
		ck_assert(!machine_take(&mc, &w[i].t, got, &h));
	}
}
END_TEST

static u64 *table_word(u64 i)
{
	return (u64 *)(void *)(mc.shared + SHARED_OWNER + 8 * i);
}

static u64 slot_of(const struct thread *t)
{
	return (u64)(uintptr_t)t->m * 0xffffffff9e3779b1u >> (64 - RINGS_LOG2);
}

START_TEST(a_full_table_loses_and_counts)
{
	struct cpu c = machine_cpu(&mc.t);
	u64 lost;

	probe_nothing();
	for (u64 i = 0; i < RINGS; i++)
		*table_word(i) = 1;
	(void)machine_call(&mc, NOTHING, c);
	memcpy(&lost, mc.shared + SHARED_LOST, 8);
	ck_assert_uint_eq(lost, 2);		/* entry and exit */
	ck_assert_ptr_null(machine_ring(&mc, &mc.t));
}
END_TEST

/* All slots but one are somebody else's: every distance from the first one that is tried, around the end. */
START_TEST(a_thread_finds_the_free_slot)
{
	static const u32 away[] = { 0, 1, 2, 500, RINGS - 1 };
	u64 first, lost;

	probe_nothing();
	first = slot_of(&mc.t);
	for (u32 k = 0; k < ARRAY_LEN(away); k++) {
		u64 free_one = (first + away[k]) % RINGS;
		struct cpu c = machine_cpu(&mc.t), out;
		u8 *ring;

		for (u64 i = 0; i < RINGS; i++)
			*table_word(i) = i == free_one ? 0 : 1;
		memset(mc.shared + SHARED_TABLE, 0, 8 * RINGS);
		out = machine_call(&mc, NOTHING, c);
		ck_assert_uint_eq(*table_word(free_one), (u64)(uintptr_t)mc.t.m);
		expect_words(&c, SITE_ENTRY);
		expect_words(&out, SITE_EXIT);
		(void)machine_call(&mc, NOTHING, c);	/* and finds it again */
		expect_words(&c, SITE_ENTRY);
		expect_words(&out, SITE_EXIT);
		ring = machine_ring(&mc, &mc.t);
		ck_assert_uint_eq(*ring_word_at(ring, RING_LOST), 0);
	}
	memcpy(&lost, mc.shared + SHARED_LOST, 8);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

static u64 *shared_word(u64 at)
{
	return (u64 *)(void *)(mc.shared + at);
}

START_TEST(without_a_ready_ring_the_slot_is_given_back)
{
	struct cpu c = machine_cpu(&mc.t), out;

	probe_nothing();
	*shared_word(SHARED_READY) = 0;
	(void)machine_call(&mc, NOTHING, c);
	ck_assert_uint_eq(*shared_word(SHARED_LOST), 2);
	ck_assert_uint_eq(*shared_word(SHARED_NEXT), 0);
	ck_assert_uint_eq(*table_word(slot_of(&mc.t)), 0);
	*shared_word(SHARED_READY) = 1;
	out = machine_call(&mc, NOTHING, c);
	ck_assert_uint_eq(*shared_word(SHARED_NEXT), 1);
	expect_words(&c, SITE_ENTRY);
	expect_words(&out, SITE_EXIT);
}
END_TEST

enum { CLAIMERS = 4, OWNERS = 200 };

/* One thread after the other that has just begun; each calls until it has a ring. */
static void *claim_many(void *arg)
{
	struct thread *t = arg;

	for (u32 i = 0; i < OWNERS; i++) {
		struct cpu c = machine_cpu(&t[i]);

		thread_begin(&mc, &t[i], i);
		while (!machine_ring(&mc, &t[i]))
			(void)machine_run(&mc, &t[i], NOTHING, 0, &c);
	}
	return NULL;
}

START_TEST(a_ring_is_handed_out_once)
{
	static struct thread t[CLAIMERS][OWNERS];
	static u8 seen[RINGS];
	pthread_t id[CLAIMERS];

	probe_nothing();
	*shared_word(SHARED_READY) = 0;
	for (u32 i = 0; i < CLAIMERS; i++)
		ck_assert(!pthread_create(&id[i], NULL, claim_many, t[i]));
	while (__atomic_load_n(shared_word(SHARED_NEXT), __ATOMIC_RELAXED) < CLAIMERS * OWNERS) {
		u64 next = __atomic_load_n(shared_word(SHARED_NEXT), __ATOMIC_RELAXED);

		__atomic_store_n(shared_word(SHARED_READY), MIN(next + 1, (u64)RINGS), __ATOMIC_RELEASE);
	}
	for (u32 i = 0; i < CLAIMERS; i++)
		pthread_join(id[i], NULL);
	for (u32 i = 0; i < CLAIMERS * OWNERS; i++) {
		u8 *ring = machine_ring(&mc, &t[i / OWNERS][i % OWNERS]);
		u64 number = (u64)(ring - mc.shared - SHARED_RINGS) / ring_stride(BUFFER);

		ck_assert_msg(!seen[number]++, "ring %u has two writers", (u32)number);
	}
}
END_TEST

/* A signal handler came between the two steps of a claim, on the same thread. */
START_TEST(a_slot_that_is_owned_and_not_entered_loses_the_record)
{
	struct cpu c = machine_cpu(&mc.t);

	probe_nothing();
	*table_word(slot_of(&mc.t)) = (u64)(uintptr_t)mc.t.m;
	(void)machine_call(&mc, NOTHING, c);
	ck_assert_uint_eq(*shared_word(SHARED_LOST), 2);
	ck_assert_uint_eq(*shared_word(SHARED_NEXT), 0);
}
END_TEST

/* Calls until there is no room; gives how many records there are. */
static u32 fill_ring(void)
{
	struct cpu c = machine_cpu(&mc.t);
	u8 *ring;
	u32 n = 0;

	(void)machine_run(&mc, &mc.t, NOTHING, 0, &c);
	ring = machine_ring(&mc, &mc.t);
	while (*ring_word_at(ring, RING_HEAD) <= BUFFER - RING_SLACK) {
		(void)machine_run(&mc, &mc.t, NOTHING, 0, &c);
		ck_assert_uint_lt(++n, 10000);
	}
	ck_assert_uint_eq(*ring_word_at(ring, RING_LOST), 0);
	ck_assert_uint_le(*ring_word_at(ring, RING_HEAD), BUFFER - RING_SLACK + 64);
	return (u32)(*ring_word_at(ring, RING_HEAD) / 64);
}

START_TEST(a_full_ring_loses_counts_and_goes_on)
{
	struct cpu c = machine_cpu(&mc.t), out;
	u8 got[SLOT_MAX], *ring;
	struct record_head h;
	u32 n;

	probe_nothing();
	n = fill_ring();
	ring = machine_ring(&mc, &mc.t);
	for (u32 i = 1; i <= 3; i++) {
		(void)machine_call(&mc, NOTHING, c);
		ck_assert_uint_eq(*ring_word_at(ring, RING_HEAD), 64 * n);
		ck_assert_uint_ge(*ring_word_at(ring, RING_LOST), 2 * i - 1);
		ck_assert_uint_le(*ring_word_at(ring, RING_LOST), 2 * i);
	}
	for (u32 i = 0; i < n; i++)
		ck_assert(machine_take(&mc, &mc.t, got, &h));
	expect_nothing_more();
	out = machine_call(&mc, NOTHING, c);
	expect_words(&c, SITE_ENTRY);
	expect_words(&out, SITE_EXIT);
	expect_nothing_more();
}
END_TEST

/* Several times around, with a reader that keeps up: records of a size that divides nothing. */
START_TEST(records_run_past_the_end_of_the_ring)
{
	struct read reads[] = {
		{ .kind = READ_INT, .reg = 0, .size = 8, .at = 32 },
		{ .kind = READ_MEM, .from = 32, .size = 1000, .status = 40, .at = 48 },
	};
	struct reading r = { .reads = reads, .nreads = 2, .size = 1048 };

	heap_begin();
	machine_probe(&mc, NOTHING, r, r);
	machine_patch(&mc);
	for (u32 i = 0; i < 200; i++) {
		struct cpu c = machine_cpu(&mc.t);

		c.r[RAX] = (u64)(uintptr_t)heap + 8 * i;
		(void)machine_call(&mc, NOTHING, c);
		expect_bytes(&r, &c, SITE_ENTRY);
		expect_bytes(&r, &c, SITE_EXIT);
	}
	ck_assert_uint_gt(*ring_word_at(machine_ring(&mc, &mc.t), RING_TAIL), 10 * BUFFER);
}
END_TEST

/* Lossless ----------------------------------------------------------------------------------------------- */

static void set_shared(u64 at, u64 v)
{
	memcpy(mc.shared + at, &v, 8);
}

static u64 lossless(u64 wait)
{
	mc.layout.lossless = true;
	mc.plan.request.entry_only = mc.rdx = true;
	set_shared(SHARED_WAIT, wait);
	probe_nothing();
	return fill_ring();
}

static u64 lost(void)
{
	return *ring_word_at(machine_ring(&mc, &mc.t), RING_LOST);
}

static void *read_later(void *arg)
{
	u8 *ring = arg;
	struct timespec ts = { .tv_nsec = 30 * 1000 * 1000 };

	nanosleep(&ts, NULL);
	__atomic_store_n(ring_word_at(ring, RING_TAIL), *ring_word_at(ring, RING_HEAD), __ATOMIC_RELEASE);
	return NULL;
}

static i64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (i64)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

START_TEST(lossless_waits_for_the_reader)
{
	struct cpu c = machine_cpu(&mc.t), out;
	pthread_t id;
	u64 head;
	i64 before;

	head = 64 * lossless(~0ull);
	ck_assert(!pthread_create(&id, NULL, read_later, machine_ring(&mc, &mc.t)));
	before = now_ns();
	out = machine_run(&mc, &mc.t, NOTHING, 0, &c);
	ck_assert_int_ge(now_ns() - before, 25 * 1000 * 1000);
	pthread_join(id, NULL);
	ck_assert(kept(&c, &out));
	ck_assert_uint_eq(lost(), 0);
	ck_assert_uint_eq(*ring_word_at(machine_ring(&mc, &mc.t), RING_HEAD), head + 64);
}
END_TEST

static u64 waited(struct thread *t)
{
	struct cpu c = machine_cpu(t), out;
	u64 before = __builtin_ia32_rdtsc(), after;

	out = machine_run(&mc, t, NOTHING, 0, &c);
	after = __builtin_ia32_rdtsc();
	ck_assert(kept(&c, &out));
	return after - before;
}

/* If it waited it would wait for ever, and the test would run out of time. */
START_TEST(nobody_waits_for_a_dead_reader)
{
	(void)lossless(~0ull);
	set_shared(SHARED_READER, 0x40000000);
	(void)waited(&mc.t);
	ck_assert_uint_eq(lost(), 1);
	set_shared(SHARED_READER, 0);
	(void)waited(&mc.t);		/* given up once is given up until he moves */
	ck_assert_uint_eq(lost(), 2);
}
END_TEST

START_TEST(a_wait_ends_at_its_limit_and_is_the_last)
{
	enum { LIMIT = 40 * 1000 * 1000 };
	u64 *tail;

	(void)lossless(LIMIT);
	ck_assert_uint_gt(waited(&mc.t), LIMIT);
	ck_assert_uint_eq(lost(), 1);
	set_shared(SHARED_WAIT, ~0ull);
	(void)waited(&mc.t);
	ck_assert_uint_eq(lost(), 2);
	tail = ring_word_at(machine_ring(&mc, &mc.t), RING_TAIL);
	*tail += 8;			/* he moves, but not far enough: waiting is worth while again */
	set_shared(SHARED_WAIT, LIMIT);
	ck_assert_uint_gt(waited(&mc.t), LIMIT / 2);
}
END_TEST

/* R14 may hold anything in assembly: what counts is TLS. */
START_TEST(the_scheduler_and_signal_handlers_never_wait)
{
	u64 *g = _i % 2 ? mc.t.g0 : mc.t.gsignal;
	struct cpu c = machine_cpu(&mc.t), out;
	u64 m_word[] = { M_G0, mc.mem.prog.rel->m_gsignal };
	u64 was;

	(void)lossless(~0ull);
	was = mc.t.m[m_word[_i % 2 ? 0 : 1] / 8];
	ck_assert_uint_eq(was, (u64)(uintptr_t)g);
	memcpy(g, mc.t.g, sizeof(mc.t.g));
	c.r[R14] = (u64)(uintptr_t)g;
	mc.t.stack[AT_CALL] = (u64)(uintptr_t)machine_left;
	tls_g = (u64)(uintptr_t)g;
	machine_enter(&c, &out, mc.text_rt + SLOT * NOTHING);
	ck_assert_uint_eq(lost(), 1);
	ck_assert(kept(&c, &out));
}
END_TEST

/* Faults -------------------------------------------------------------------------------------------------- */

typedef void handler_fn(int sig, siginfo_t *si, void *uc);
static u64 fault_seen, fault_passed;

/* As the kernel calls it. What Go would panic about ends the call here. */
static void on_fault(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	greg_t *rip = &uc->uc_mcontext.gregs[REG_RIP], was = *rip;

	fault_seen++;
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
			{ .kind = READ_MEM, .from = 32, .size = sizes[k / ARRAY_LEN(before)], .status = 40, .at = 48 },
			{ .kind = READ_INT, .reg = 1, .size = 8, .at = 152 },
			{ .kind = READ_MEM }, { .kind = READ_MEM }, { .kind = READ_MEM }, { .kind = READ_MEM },
		};
		struct reading r = { .reads = reads, .nreads = k % 2 ? ARRAY_LEN(reads) : 3, .size = 160 };
		u64 p = (u64)(uintptr_t)heap + 5 * PAGE_SIZE + (u64)(i64)before[k % ARRAY_LEN(before)];
		struct cpu c = machine_cpu(&mc.t);
		u8 got[SLOT_MAX];
		struct record_head h;
		u32 status;

		for (u64 page = p >> 12; page <= (p + 100) >> 12; page++)
			memcpy(mc.region + NEAR_AT + NEAR_PAGES + 8 * (page & 0xffff), &page, 8);
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
	static const int not_ours[] = { SIGPROF, SIGURG, SIGTRAP, SIGILL, SIGINT, SIGUSR2, SIGTERM, 32, 64 };
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

Suite *trampoline_suite(void)
{
	Suite *s = suite_create("trampoline");
	TCase *t = tcase_create("code");

	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, random_readings_are_read_as_by_the_interpreter);
	tcase_add_loop_test(t, strings_never_fault, 0, 2 * ARRAY_LEN(odd_strings));
	tcase_add_loop_test(t, functions_run_as_before_and_are_seen, 0, ARRAY_LEN(shapes));
	tcase_add_test(t, a_call_that_grows_the_stack_is_seen_once);
	tcase_add_test(t, a_recovered_call_leaves_by_its_own_exit);
	tcase_add_test(t, entry_only_leaves_exits_alone);
	tcase_add_test(t, many_functions_have_sites_of_their_own);
	tcase_add_test(t, a_closed_gate_writes_nothing);
	tcase_add_test(t, threads_have_rings_of_their_own);
	tcase_add_test(t, a_full_table_loses_and_counts);
	tcase_add_test(t, without_a_ready_ring_the_slot_is_given_back);
	tcase_add_test(t, a_slot_that_is_owned_and_not_entered_loses_the_record);
	tcase_add_test(t, a_thread_finds_the_free_slot);
	tcase_add_test(t, a_ring_is_handed_out_once);
	tcase_add_test(t, a_full_ring_loses_counts_and_goes_on);
	tcase_add_test(t, records_run_past_the_end_of_the_ring);
	tcase_add_test(t, lossless_waits_for_the_reader);
	tcase_add_test(t, nobody_waits_for_a_dead_reader);
	tcase_add_test(t, a_wait_ends_at_its_limit_and_is_the_last);
	tcase_add_loop_test(t, the_scheduler_and_signal_handlers_never_wait, 0, 2);
	tcase_add_test(t, a_copy_that_faults_is_unreadable);
	tcase_add_test(t, a_displaced_load_faults_at_its_own_address);
	tcase_add_test(t, the_hook_moves_what_it_must_and_nothing_else);
	tcase_add_test(t, without_sigtramp_there_is_no_code);
	suite_add_tcase(s, t);
	return s;
}
