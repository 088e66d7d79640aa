#include "bpfvm.h"
#include "interpret.h"
#include "memory.h"

#include "go/fork.h"

Suite *bpf_suite(void);

/* The assembler */

static const char *listed(const struct bpf_code *c, struct out *o)
{
	out_memory(o);
	bpf_list(o, c->buf, c->n, NULL, bpf_helper_name);
	out_c(o, 0);
	return o->buf;
}

START_TEST(labels_lead_forward_and_back)
{
	struct bpf_insn buf[8];
	struct bpf_code c;
	struct err err = { 0 };
	OWN(out) o;

	bpf_code_start(&c, buf, ARRAY_LEN(buf));
	bpf_label(&c, 0);
	bpf_jump_imm(&c, BPF_JEQ, 1, 7, 1);
	bpf_op_imm(&c, BPF_ADD, 1, 1);
	bpf_jump(&c, 0);
	bpf_label(&c, 1);
	bpf_leave(&c);
	ck_assert_msg(bpf_code_ok(&c, &err), "%s", err.msg);
	ck_assert_str_eq(listed(&c, &o), "    0  if r1 == 7 goto 3\n"
					 "    1  r1 += 1\n"
					 "    2  goto 0\n"
					 "    3  exit\n");
}
END_TEST

START_TEST(every_form_has_its_text)
{
	struct bpf_insn buf[16];
	struct bpf_code c;
	OWN(out) o;

	bpf_code_start(&c, buf, ARRAY_LEN(buf));
	bpf_op(&c, BPF_MOV, 6, 1);
	bpf_op32_imm(&c, BPF_ARSH, 2, 3);
	bpf_load(&c, BPF_W, 1, 6, 8);
	bpf_store(&c, BPF_DW, 10, -16, 1);
	bpf_store_imm(&c, BPF_B, 7, 0, -1);
	bpf_atomic(&c, BPF_XCHG, 7, 8, 2);
	bpf_atomic(&c, BPF_ADD, 7, 8, 2);
	bpf_map(&c, 1, 5);
	bpf_imm64(&c, 3, 0x123456789abcdef0);
	bpf_helper(&c, BPF_FUNC_ktime_get_ns);
	bpf_helper(&c, 9999);
	ck_assert_str_eq(listed(&c, &o), "    0  r6 = r1\n"
					 "    1  w2 s>>= 3\n"
					 "    2  r1 = *(u32 *)(r6 + 8)\n"
					 "    3  *(u64 *)(r10 - 16) = r1\n"
					 "    4  *(u8 *)(r7 + 0) = -1\n"
					 "    5  r2 = xchg(*(u64 *)(r7 + 8), r2)\n"
					 "    6  lock *(u64 *)(r7 + 8) += r2\n"
					 "    7  r1 = map 5\n"
					 "    9  r3 = 0x123456789abcdef0\n"
					 "   11  call ktime_get_ns\n"
					 "   12  call 9999\n");
}
END_TEST

START_TEST(without_a_buffer_it_counts)
{
	struct bpf_code c;
	struct err err = { 0 };

	bpf_code_start(&c, NULL, 0);
	bpf_imm64(&c, 1, 1);
	bpf_leave(&c);
	ck_assert(bpf_code_ok(&c, &err));
	ck_assert_uint_eq(c.n, 3);
}
END_TEST

static void expect_bad(const struct bpf_code *c, const char *why)
{
	struct err err = { 0 };

	ck_assert(!bpf_code_ok(c, &err));
	ck_assert_msg(strstr(err.msg, why) != NULL, "%s", err.msg);
}

START_TEST(errors_stick)
{
	static struct bpf_insn buf[40000];
	struct bpf_code c;

	bpf_code_start(&c, buf, 1);
	bpf_leave(&c);
	bpf_leave(&c);
	expect_bad(&c, "does not fit");
	bpf_code_start(&c, buf, 4);
	bpf_jump(&c, 3);
	expect_bad(&c, "label 3 is used and never placed");
	bpf_code_start(&c, buf, 4);
	bpf_label(&c, 1);
	bpf_label(&c, 1);
	expect_bad(&c, "twice");
	bpf_code_start(&c, buf, 4);
	bpf_jump(&c, BPF_LABELS);
	expect_bad(&c, "no number");
	bpf_code_start(&c, buf, 4);
	bpf_op(&c, BPF_MOV, 11, 0);
	expect_bad(&c, "register");
	bpf_code_start(&c, buf, ARRAY_LEN(buf));
	bpf_jump(&c, 0);
	for (u32 i = 0; i < 32768; i++)
		bpf_leave(&c);
	bpf_label(&c, 0);
	expect_bad(&c, "reach");
}
END_TEST

/* Where probes go */

struct world {
	struct memory_program mem;
	struct go_func funcs[4];
	struct plan plan;
	struct plan_func plan_funcs[4];
	struct probes probes;
	struct bpf_insn code[PROGRAM_ROOM];
	u32 ncode;
	struct vm vm;
	u8 slots[2 * SLOTS_EACH][SLOT_BYTES];
	u64 counts[COUNTS_ROOM];
	u64 g[64];
	u64 stack[128];
	struct arena arena;
};
static struct world w;

enum { SLOT = 64, GOID = 42, BIAS = 0x1000 };

static void world_begin(void)
{
	memset(&w, 0, sizeof(w));
	memory_begin(&w.mem, 22);
	memset(w.mem.bytes, 0xcc, 0x1000);
	w.mem.prog.funcs = w.funcs;
	w.plan = (struct plan){ .prog = &w.mem.prog, .funcs = w.plan_funcs };
	w.plan.request.probes = true;
}

static void world_end(void)
{
	probes_release(&w.probes);
	arena_release(&w.arena);
	memory_end(&w.mem);
}

static void add_func(const char *hex, const struct reading *entry, const struct reading *exit)
{
	static const struct reading nothing = { .size = RECORD_HEAD };
	u32 k = w.plan.nfuncs, size = 0;
	struct plan_func *f = &w.plan_funcs[k];
	struct flow flow;
	struct err err = { 0 };

	for (const char *p = hex; *p; ) {
		char *end;

		memory_put(&w.mem, TEXT_VA + SLOT * k + size++, strtoul(p, &end, 16), 1);
		for (p = end; *p == ' '; p++)
			;
	}
	w.funcs[k] = (struct go_func){ .pc = SLOT * k, .size = size, .room = SLOT, .pcsp = 1,
				       .name = STR("f") };
	*f = (struct plan_func){ .func = &w.funcs[k], .shown = true,
				 .entry = entry ? *entry : nothing,
				 .exit = exit ? *exit : nothing };
	w.mem.prog.nfuncs = ++w.plan.nfuncs;
	ck_assert_msg(go_flow(&w.mem.prog, f->func, &w.arena, &flow, &err), "%s", err.msg);
	patches_make(&f->patches, &w.arena, &flow);
}

static const struct {
	const char *what, *hex, *probes;
} places[] = {
	{ "behind the stack check", "49 3b 66 10 76 03 31 c0 c3 90 eb f4",
	  "0@4 if 41=0, 1@8 if 0=0, " },
	{ "at the entry where there is none", "31 c0 c3", "0@0 if 0=0, 1@2 if 0=0, " },
	{ "each exit", "31 c0 74 01 c3 c3", "0@0 if 0=0, 1@4 if 0=0, 1@5 if 0=0, " },
	{ "a function that is only ret", "c3", "0@0 if 0=0 and 1, 1@0 if 0=0, " },
	{ "a tail call", "31 c0 eb 7e", "0@0 if 0=0, 3@2 if 0=0, " },
	{ "a tail call that is taken if zero", "31 c0 74 7e c3",
	  "0@0 if 0=0, 3@2 if 40=1, 1@4 if 0=0, " },
	{ "... if greater", "31 c0 7f 7e c3", "0@0 if 0=0, 3@2 if 8040=0, 1@4 if 0=0, " },
	{ "an entry with a lock prefix", "f0 48 ff 00 c3", "no 0: its first instruction, " },
};

START_TEST(probes_are_where_they_belong)
{
	OWN(out) o;

	add_func(places[_i].hex, NULL, NULL);
	probes_make(&w.probes, &w.plan, 0);
	out_memory(&o);
	for (u32 i = 0; i < w.probes.sites.n; i++) {
		const struct bpf_site *s = &w.probes.sites.at[i];

		out_fmt(&o, "%u@%u if %x=%u", s->site, (u32)(w.probes.vas.at[i] - TEXT_VA), s->mask,
			s->sense);
		if (s->also)
			out_fmt(&o, " and %u", s->also);
		out_z(&o, ", ");
	}
	for (u32 i = 0; i < w.probes.refused.n; i++)
		out_fmt(&o, "no %u: %s, ", (u32)(w.probes.refused.at[i].va - TEXT_VA),
			strstr(w.probes.refused.at[i].why, "its"));
	out_c(&o, 0);
	ck_assert_msg(!strcmp(o.buf, places[_i].probes), "%s: %s", places[_i].what, o.buf);
}
END_TEST

/* What the program does */

static bool in_memory(u64 va, u64 n, void *to)
{
	const struct { const void *p; u64 n; } known[] = {
		{ w.g, sizeof(w.g) }, { w.stack, sizeof(w.stack) },
	};

	for (u32 i = 0; i < ARRAY_LEN(known); i++)
		if (vm_within(known[i].p, known[i].n, va, n)) {
			memcpy(to, (void *)(uintptr_t)va, n);
			return true;
		}
	return false;
}

/* Sets up everything behind the plan; `sleeps` as in bpf_facts. */
static void load_program(bool sleeps)
{
	struct bpf_facts facts = {
		.sites_fd = VM_SITES, .steps_fd = VM_STEPS, .slots_fd = VM_SLOTS,
		.counts_fd = VM_COUNTS, .ring_fd = VM_RING, .tgid = 7, .nslots = 2 * SLOTS_EACH,
		.g_goid = w.mem.prog.rel->g_goid, .sleeps = sleeps,
		.count_only = w.plan.request.count_only,
	};
	struct bpf_code c;
	struct err err = { 0 };

	probes_make(&w.probes, &w.plan, BIAS);
	facts.most_steps = w.probes.most_steps;
	bpf_code_start(&c, w.code, PROGRAM_ROOM);
	bpf_program(&c, &facts);
	ck_assert_msg(bpf_code_ok(&c, &err), "%s", err.msg);
	w.ncode = c.n;
	w.vm = (struct vm){ .tgid = 7, .time = 1000, .fetch = in_memory };
	w.vm.map[VM_SITES] = (struct vm_map){ (u8 *)w.probes.sites.at, sizeof(struct bpf_site),
					      (u32)w.probes.sites.n };
	w.vm.map[VM_STEPS] = (struct vm_map){ (u8 *)w.probes.steps.at, sizeof(struct bpf_step),
					      (u32)w.probes.steps.n };
	w.vm.map[VM_SLOTS] = (struct vm_map){ w.slots[0], SLOT_BYTES, 2 * SLOTS_EACH };
	w.vm.map[VM_COUNTS] = (struct vm_map){ (u8 *)w.counts, 8, COUNTS_ROOM };
	w.g[1] = (u64)(uintptr_t)(w.stack + ARRAY_LEN(w.stack));
	w.g[w.mem.prog.rel->g_goid / 8] = GOID;
	w.vm.regs[1] = (u64)(uintptr_t)w.g;			/* R14 */
	w.vm.regs[19] = (u64)(uintptr_t)(w.stack + 64);		/* RSP */
}

static struct record_head hit(u64 cookie, u32 k)
{
	struct record_head h = { 0 };

	w.vm.cookie = cookie;
	vm_run(&w.vm, w.code, w.ncode);
	if (k < w.vm.nout)
		memcpy(&h, w.vm.out[k], sizeof(h));
	return h;
}

START_TEST(a_record_says_who_and_when)
{
	struct record_head h;

	add_func("31 c0 c3", NULL, NULL);
	load_program(true);
	h = hit(1, 0);
	ck_assert_uint_eq(w.vm.nout, 1);
	ck_assert_uint_eq(w.vm.size[0], RECORD_HEAD);
	ck_assert_uint_eq(h.commit, 1 + SITE_EXIT);
	ck_assert_uint_eq(h.tsc, 1000);
	ck_assert_uint_eq(h.goid, GOID);
	ck_assert_uint_eq(h.depth, 8 * 64);
	ck_assert_uint_eq(h.g, (u32)(uintptr_t)w.g);
	ck_assert_uint_eq(w.probes.sites.at[1].hits, 1);
	for (u32 i = 0; i < 2 * SLOTS_EACH; i++)
		ck_assert_uint_eq(w.slots[i][SLOT_BUSY], 0);
}
END_TEST

START_TEST(what_is_only_ret_is_entered_and_then_left)
{
	add_func("c3", NULL, NULL);
	load_program(true);
	ck_assert_uint_eq(hit(0, 0).commit, 1 + SITE_ENTRY);
	ck_assert_uint_eq(w.vm.nout, 2);
	ck_assert_uint_eq(hit(0, 1).commit, 1 + SITE_EXIT);
}
END_TEST

START_TEST(other_processes_are_not_recorded)
{
	add_func("31 c0 c3", NULL, NULL);
	load_program(true);
	w.vm.tgid = 8;
	hit(0, 0);
	ck_assert_uint_eq(w.vm.nout, 0);
	ck_assert_uint_eq(w.probes.sites.at[0].hits, 0);
}
END_TEST

START_TEST(counting_writes_no_records)
{
	w.plan.request.count_only = true;
	add_func("49 3b 66 10 76 03 31 c0 c3 90 eb f4", NULL, NULL);
	load_program(true);
	for (u32 i = 0; i < 5; i++)
		hit(0, 0);
	w.vm.regs[18] = FLAGS_BE;	/* the way to morestack */
	hit(0, 0);
	ck_assert_uint_eq(w.vm.nout, 0);
	ck_assert_uint_eq(w.probes.sites.at[0].events, 5);
	ck_assert_uint_eq(w.probes.sites.at[0].hits, 6);
}
END_TEST

START_TEST(probes_of_another_generation_do_not_count)
{
	add_func("31 c0 c3", NULL, NULL);
	load_program(true);
	w.counts[GENERATION] = 3;
	hit(1, 0);
	ck_assert_uint_eq(w.vm.nout, 0);
	ck_assert_uint_eq(hit(3 << COOKIE_ROW_BITS | 1, 0).commit, 1 + SITE_EXIT);
	w.counts[GENERATION] = 0;
}
END_TEST

START_TEST(a_site_that_is_off_only_counts)
{
	add_func("31 c0 c3", NULL, NULL);
	load_program(true);
	w.probes.sites.at[0].off = 1;
	hit(0, 0);
	ck_assert_uint_eq(w.vm.nout, 0);
	ck_assert_uint_eq(w.probes.sites.at[0].hits, 1);
}
END_TEST

START_TEST(losses_are_counted)
{
	add_func("31 c0 c3", NULL, NULL);
	load_program(true);
	w.vm.full = true;
	hit(0, 0);
	ck_assert_uint_eq(w.counts[COUNT_LOST], 1);
	w.vm.full = false;
	for (u32 i = 0; i < 2 * SLOTS_EACH; i++)	/* everybody is at work */
		w.slots[i][SLOT_BUSY] = 1;
	hit(0, 0);
	ck_assert_uint_eq(w.counts[COUNT_LOST], 2);
	w.slots[2 * SLOTS_EACH - 1][SLOT_BUSY] = 0;
	ck_assert_uint_eq(hit(0, 0).goid, GOID);
	w.vm.regs[1] = 8;				/* no g there */
	hit(0, 0);
	ck_assert_uint_eq(w.vm.nout, 0);
	ck_assert_uint_eq(w.counts[COUNT_NO_G], 1);
	ck_assert_uint_eq(w.counts[COUNT_LOST], 2);
	ck_assert_uint_eq(w.slots[2 * SLOTS_EACH - 1][SLOT_BUSY], 0);
}
END_TEST

/* The processor's own condition of jcc, by its number. */
static bool condition(u32 cc, u64 flags)
{
	bool cf = flags & 1, pf = flags & 4, zf = flags & 64, sf = flags & 128, of = flags & 2048;
	const bool plain[8] = { of, cf, zf, cf || zf, sf, pf, sf != of, zf || sf != of };

	return plain[cc / 2] != (cc & 1);
}

START_TEST(a_conditional_tail_call_is_seen_when_it_is_taken)
{
	char hex[32];

	snprintf(hex, sizeof(hex), "31 c0 %02x 7e c3", 0x70 + _i);
	add_func(hex, NULL, NULL);
	load_program(true);
	for (u64 flags = 2; flags < 4096; flags += 4) {
		w.vm.regs[18] = flags;
		hit(1, 0);
		ck_assert_msg(w.vm.nout == condition((u32)_i, flags), "flags 0x%lx", flags);
	}
}
END_TEST

START_TEST(the_way_to_morestack_is_no_call)
{
	add_func("49 3b 66 10 76 03 31 c0 c3 90 eb f4", NULL, NULL);
	load_program(true);
	for (u64 flags = 2; flags < 4096; flags += 4) {
		w.vm.regs[18] = flags;
		hit(0, 0);
		ck_assert_uint_eq(w.vm.nout, !condition(6, flags));
	}
}
END_TEST

/* Random readings */

static u64 random_u64(void)
{
	static u64 x = 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static u32 below(u32 n)
{
	return (u32)(random_u64() >> 16) % n;
}

/* Pointers to what is there, to what is not, nil, and counts. */
static u64 some_value(void)
{
	switch (below(6)) {
	case 0: return 0;
	case 1: return below(40);
	case 2: return random_u64();
	default: return (u64)(uintptr_t)w.stack + 8 * below(ARRAY_LEN(w.stack));
	}
}

struct maker {
	struct read reads[200];
	u32 n, at;
};

static struct read *make(struct maker *m, enum read_kind kind, u32 size)
{
	struct read *r = &m->reads[m->n++];

	*r = (struct read){ .kind = (u8)kind, .size = (u16)size };
	if (kind == READ_MEM || kind == READ_BYTES) {
		r->status = m->at;
		m->at += 8;
	}
	r->at = m->at;
	m->at += (u32)round_up(size, 8);
	return r;
}

static u32 some_word(const struct maker *m)
{
	return 8 * below(m->at / 8);
}

static void make_steps(struct maker *m, u32 count, u32 depth)
{
	static const u8 sizes[] = { 8, 8, 4, 2, 1 };
	static const u32 elems[] = { 1, 2, 3, 8, 24 };

	while (count-- && m->n < 150 && m->at < 3000) {
		u32 elem = elems[below(5)], from = some_word(m), len_at = some_word(m);
		struct read *r;

		switch (below(depth < 3 ? 6 : 5)) {
		case 0:
			make(m, READ_INT, sizes[below(5)])->reg = (u8)below(9);
			break;
		case 1:
			make(m, READ_STACK, 1 + below(60))->disp = (i32)(8 * below(56));
			break;
		case 2:
		case 3:
			r = make(m, READ_MEM, below(200));
			r->from = from;
			r->disp = below(2) ? 0 : (i32)below(200) - 100;
			break;
		case 4:
			r = make(m, READ_BYTES, elem * (1 + below(20)));
			r->elem = elem;
			r->from = from;
			r->len_at = len_at;
			break;
		default: {
			u32 block = m->n;

			r = make(m, READ_WHEN, 0);
			r->when_at = from;
			r->when = below(2) ? 0 : some_value();
			r->when_va = r->when && below(2);
			if (r->when_va)
				r->when -= BIAS;
			r->when_not = below(2);
			make_steps(m, below(5), depth + 1);
			m->reads[block].size = (u16)(m->n - block - 1);
		}
		}
	}
}

static void expect_same(const struct reading *r)
{
	static const u8 of[] = { 10, 5, 11, 14, 13, 9, 8, 7, 6 };	/* AX BX CX DI SI R8 … */
	static u8 want[RECORD_MAX];
	struct interpreter in = {
		.sp = (const u8 *)(w.stack + 64), .bias = BIAS, .fetch = in_memory,
	};

	for (u32 i = 0; i < ARRAY_LEN(of); i++)
		in.ints[i] = w.vm.regs[of[i]] = some_value();
	hit(0, 0);
	ck_assert_uint_eq(w.vm.nout, 1);
	ck_assert_uint_eq(w.vm.size[0], r->size);
	memset(want, 0, sizeof(want));
	memcpy(want, w.vm.out[0], RECORD_HEAD);
	interpret(&in, r->reads, r->nreads, want);
	for (u32 i = RECORD_HEAD; i < r->size; i++)
		ck_assert_msg(want[i] == w.vm.out[0][i],
			      "byte %u of the record is 0x%02x, not 0x%02x", i,
			      w.vm.out[0][i], want[i]);
}

START_TEST(random_readings_are_read_as_by_the_interpreter)
{
	for (u32 round = 0; round < 120; round++) {
		struct maker m = { .at = RECORD_HEAD };
		struct reading r;

		probes_release(&w.probes);
		w.plan.nfuncs = 0;
		make_steps(&m, 1 + below(40), 0);
		r = (struct reading){ .reads = m.reads, .nreads = m.n, .size = m.at };
		add_func("31 c0 c3", &r, NULL);
		load_program(below(2));
		for (u32 i = 0; i < ARRAY_LEN(w.stack); i++)
			w.stack[i] = some_value();
		expect_same(&r);
	}
}
END_TEST

static bool page_comes(u64 va, u64 n, void *to)
{
	(void)va;
	memset(to, 'p', n);
	return true;
}

/* Text of the program that nobody has read yet is not in memory. */
START_TEST(a_program_that_sleeps_waits_for_pages)
{
	struct read steps[] = {
		{ .kind = READ_INT, .size = 8, .at = 32 },
		{ .kind = READ_MEM, .size = 8, .at = 48, .status = 40, .from = 32 },
	};
	struct reading r = { .reads = steps, .nreads = 2, .size = 56 };
	u32 status;

	add_func("31 c0 c3", &r, NULL);
	load_program(_i);
	w.vm.wait = page_comes;
	w.vm.regs[10] = 0x12345678;
	hit(0, 0);
	memcpy(&status, w.vm.out[0] + 40, 4);
	ck_assert_uint_eq(status, _i ? 8 : CAPTURE_UNREADABLE);
	ck_assert_uint_eq(w.vm.out[0][48], _i ? 'p' : 0);
}
END_TEST

/* Rows are not trusted: whatever stands in them, nothing is touched but the slot. */
START_TEST(no_row_leads_out_of_the_slot)
{
	struct maker m = { .at = RECORD_HEAD };
	struct reading r;

	make_steps(&m, 60, 0);
	r = (struct reading){ .reads = m.reads, .nreads = m.n, .size = m.at };
	add_func("31 c0 c3", &r, NULL);
	load_program(true);
	w.vm.wait = page_comes;
	for (u32 round = 0; round < 2000; round++) {
		u64 *steps = (u64 *)w.probes.steps.at;

		for (u32 k = 0; k < 8; k++)
			steps[below((u32)(w.probes.steps.n * sizeof(struct bpf_step) / 8))] =
				random_u64();
		w.probes.sites.at[0].size = (u16)random_u64();
		w.probes.sites.at[0].nsteps = (u16)random_u64();
		w.vm.turns = 0;
		hit(below(3), 0);
	}
}
END_TEST

Suite *bpf_suite(void)
{
	Suite *s = suite_create("bpf");
	TCase *a = tcase_create("assembler"), *t = tcase_create("program");

	tcase_add_test(a, labels_lead_forward_and_back);
	tcase_add_test(a, every_form_has_its_text);
	tcase_add_test(a, without_a_buffer_it_counts);
	tcase_add_test(a, errors_stick);
	suite_add_tcase(s, a);
	tcase_add_checked_fixture(t, world_begin, world_end);
	tcase_set_timeout(t, 20);
	tcase_add_loop_test(t, probes_are_where_they_belong, 0, ARRAY_LEN(places));
	tcase_add_test(t, a_record_says_who_and_when);
	tcase_add_test(t, what_is_only_ret_is_entered_and_then_left);
	tcase_add_test(t, other_processes_are_not_recorded);
	tcase_add_test(t, counting_writes_no_records);
	tcase_add_test(t, probes_of_another_generation_do_not_count);
	tcase_add_test(t, a_site_that_is_off_only_counts);
	tcase_add_test(t, losses_are_counted);
	tcase_add_loop_test(t, a_conditional_tail_call_is_seen_when_it_is_taken, 0, 16);
	tcase_add_test(t, the_way_to_morestack_is_no_call);
	tcase_add_test(t, random_readings_are_read_as_by_the_interpreter);
	tcase_add_loop_test(t, a_program_that_sleeps_waits_for_pages, 0, 2);
	tcase_add_test(t, no_row_leads_out_of_the_slot);
	suite_add_tcase(s, t);
	return s;
}
