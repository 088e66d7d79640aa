/* Records of newproc1, and the births that come of them. */
#include <check.h>
#include <string.h>

#include "event/calls.h"
#include "go/release.h"
#include "plan/creations.h"

Suite *births_suite(void);

static struct go_program prog;
static struct plan plan;
static struct plan_func fn;
static struct births births;

static void begin(void)
{
	prog = (struct go_program){ .rel = release_of(22) };
	plan = (struct plan){ .prog = &prog };
	fn = (struct plan_func){ .hook = HOOK_NEWPROC1, .entry = { .size = RECORD_HEAD },
				 .exit = { .size = 48 } };
	creations_read(&plan, &fn);
}

static void end(void)
{
	births_release(&births);
	arena_release(&plan.arena);
}

struct word {
	u32 at;
	u64 value;
};

/* A record whose words at hook_at + at can be read, but for those that are not given. */
static bool feed(enum site_kind kind, u64 g0, const struct word *words, u32 n, struct birth *b)
{
	const struct reading *rd = kind == SITE_ENTRY ? &fn.entry : &fn.exit;
	u8 bytes[256] = { 0 };
	u32 read = 8;

	for (u32 i = 0; i < n; i++) {
		memcpy(bytes + rd->hook_at + words[i].at, &words[i].value, 8);
		memcpy(bytes + rd->hook_at + words[i].at - 8, &read, 4);
	}
	return births_record(&births, &fn, &(struct record){
		.kind = kind, .time_ns = 5, .goid = g0, .bytes = bytes, .size = rd->size }, b);
}

static bool enter(u64 g0, u64 parent)
{
	struct birth b;

	return feed(SITE_ENTRY, g0, &(struct word){ CREATION_PARENT, parent }, 1, &b);
}

static bool leave(u64 g0, u64 goid, struct birth *b)
{
	const struct word words[] = {
		{ CREATION_GOID, goid }, { CREATION_START, 100 }, { CREATION_AT, 200 },
	};

	return feed(SITE_EXIT, g0, words, 3, b);
}

START_TEST(entry_and_exit_make_a_birth)
{
	struct birth b;

	ck_assert(!enter(1, 7));
	ck_assert(!enter(2, 0));	/* another thread at the same time; the runtime's first */
	ck_assert(leave(1, 8, &b));
	ck_assert_uint_eq(b.goid, 8);
	ck_assert(b.parent_known && b.parent_goid == 7);
	ck_assert(b.start_rt == 100 && b.return_rt == 200 && b.time_ns == 5);
	ck_assert(leave(2, 9, &b));
	ck_assert(b.goid == 9 && b.parent_known && b.parent_goid == 0);
}
END_TEST

START_TEST(a_lost_entry_is_not_another)
{
	const struct word goid = { CREATION_GOID, 9 };
	struct birth b;

	enter(1, 7);
	ck_assert(leave(1, 8, &b));
	ck_assert(leave(1, 9, &b) && !b.parent_known);		/* its entry was lost */
	enter(1, 7);
	(void)feed(SITE_ENTRY, 1, NULL, 0, &b);			/* not to be read */
	ck_assert(leave(1, 9, &b) && !b.parent_known);
	ck_assert(!feed(SITE_EXIT, 1, &goid, 1, &b)); /* half of it unreadable: no birth */
}
END_TEST

/* What else is read at newproc1 stays as it is. */
START_TEST(steps_are_added_behind_others)
{
	static struct read one[] = { { .kind = READ_INT, .at = 32, .size = 8 } };
	struct plan_func f = { .entry = { .reads = one, .nreads = 1, .size = 40 },
			       .exit = { .size = RECORD_HEAD } };

	creations_read(&plan, &f);
	ck_assert_uint_eq(f.entry.nreads, 3);
	ck_assert(f.entry.reads[0].at == 32 && f.entry.reads[1].at == 40 &&
		  f.entry.reads[1].reg == prog.rel->newproc1_caller);
	ck_assert(f.entry.hook_at == 48 && f.entry.size == 64);
	ck_assert_int_eq(f.entry.reads[2].disp, prog.rel->g_goid);
	ck_assert(f.exit.nreads == 4 && f.exit.size == RECORD_HEAD + 8 + 3 * 16);
}
END_TEST

START_TEST(a_refusal_is_told)
{
	struct exit_point exits[] = { { .refusal = REFUSE_NONE },
				      { .refusal = REFUSE_TIGHT_EXIT } };
	struct plan p = { .funcs = &fn, .nfuncs = 1 };

	ck_assert_uint_eq(creations_refusal(&p), REFUSE_NONE);
	fn.patches.exits = exits;
	fn.patches.nexits = 2;
	ck_assert_uint_eq(creations_refusal(&p), REFUSE_TIGHT_EXIT);
	fn.refusal = REFUSE_SHORT;
	ck_assert_uint_eq(creations_refusal(&p), REFUSE_SHORT);
	p.nfuncs = 0;
	ck_assert_uint_ne(creations_refusal(&p), REFUSE_NONE);
}
END_TEST

Suite *births_suite(void)
{
	Suite *s = suite_create("births");
	TCase *t = tcase_create("births");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, entry_and_exit_make_a_birth);
	tcase_add_test(t, a_lost_entry_is_not_another);
	tcase_add_test(t, steps_are_added_behind_others);
	tcase_add_test(t, a_refusal_is_told);
	suite_add_tcase(s, t);
	return s;
}
