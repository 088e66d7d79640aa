#include "bpfworld.h"
#include "plan/interpret.h"

Suite *bpfread_suite(void);

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
			if (below(2)) {
				r = make(m, READ_AGAIN, 16);
				r->size = (u16)(m->n - 1 - block);
				r->from = from > r->at || from < RECORD_HEAD ? r->at + 8 : from;
				r->len_at = some_word(m);
				r->elem = below(400);
				r->log = below(2);
			}
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
	interpret(&in, r->reads, r->nreads, r->size, want);
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
	w.decides = true;
	load_program(true);
	w.vm.wait = page_comes;
	for (u32 round = 0; round < 2000; round++) {
		u64 *steps = (u64 *)w.probes.steps.at;

		for (u32 k = 0; k < 8; k++)
			steps[below((u32)(w.probes.steps.n * sizeof(struct bpf_step) / 8))] =
				random_u64();
		w.probes.sites.at[0].size = (u16)random_u64();
		w.probes.sites.at[0].nsteps = (u16)random_u64();
		w.probes.sites.at[0].marks = below(3);
		w.vm.turns = 0;
		hit(below(3), 0);
	}
}
END_TEST

Suite *bpfread_suite(void)
{
	Suite *s = suite_create("bpfread");
	TCase *t = tcase_create("readings");

	tcase_add_checked_fixture(t, world_begin, world_end);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, random_readings_are_read_as_by_the_interpreter);
	tcase_add_loop_test(t, a_program_that_sleeps_waits_for_pages, 0, 2);
	tcase_add_test(t, no_row_leads_out_of_the_slot);
	suite_add_tcase(s, t);
	return s;
}
