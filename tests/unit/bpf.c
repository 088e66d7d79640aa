#include "bpfworld.h"

Suite *bpf_suite(void);

/* Where probes go */

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

Suite *bpf_suite(void)
{
	Suite *s = suite_create("bpf");
	TCase *t = tcase_create("program");

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
	suite_add_tcase(s, t);
	return s;
}
