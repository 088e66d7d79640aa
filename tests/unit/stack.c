/* Return addresses as words, and the stack that they are.
 *
 * Functions are the letters: m main.main, a main.a, w a wrapper, x runtime.goexit,
 * p runtime.gopanic, s runtime.sigpanic, l a leaf without a frame. A word is a letter and an offset
 * in the function; 0 is an address outside of Go code. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "event/stack.h"
#include "go/release.h"

Suite *stack_suite(void);

enum { SLOT = 64, TEXT = 0x401000, BIAS = 0x10000, MOST = 8 };

static const char letters[] = "mawxpsl";
static struct go_func funcs[] = {
	{ .name = { "main.main", 9 } }, { .name = { "main.a", 6 } },
	{ .name = { "main.w", 6 }, .wrapper = true }, { .name = { "runtime.goexit", 14 } },
	{ .name = { "runtime.gopanic", 15 } }, { .name = { "runtime.sigpanic", 16 } },
	{ .name = { "main.leaf", 9 } },
};
/* one table: SP is where it was at the entry, all over the function */
static const u8 pctab[] = { 0, 2, SLOT, 0 };
static struct image image;
static struct go_program prog;
static struct read frames = { .kind = READ_FRAMES, .size = 8 * MOST };
static const struct reading reading = {
	.reads = &frames, .nreads = 1, .stack_at = 32, .caller_at = 40, .size = 40 + 8 * MOST,
};

static u64 address(const char *word)
{
	const char *letter = strchr(letters, *word);

	if (*word == '0')
		return 0x1234;
	return BIAS + TEXT + SLOT * (u64)(letter - letters) + strtoul(word + 1, NULL, 10);
}

static void make(u8 *record, const char *words, bool more)
{
	u32 n = 0;

	memset(record, 0, 40 + 8 * MOST);
	for (const char *p = words; *p; p += strcspn(p, " "), p += *p == ' ', n++) {
		u64 a = address(p);

		memcpy(record + 40 + 8 * n, &a, 8);
	}
	memcpy(record + 32, &n, 4);
	record[36] = more;
}

static void begin(void)
{
	prog = (struct go_program){ .img = &image, .rel = release_of(22), .funcs = funcs,
				    .nfuncs = ARRAY_LEN(funcs), .md.text_va = TEXT,
				    .md.etext_va = TEXT + SLOT * ARRAY_LEN(funcs),
				    .pctab = { (const char *)pctab, sizeof(pctab) } };
	for (u32 i = 0; i < ARRAY_LEN(funcs); i++) {
		funcs[i].pc = SLOT * i;
		funcs[i].size = funcs[i].room = SLOT;
	}
	funcs[6].pcsp = 1;
}

static const struct {
	const char *why, *words, *names, *caller;
	enum stack_end end;
	bool more;	/* behind what faulted stands the word at SP */
} rows[] = {
	{ "a goroutine's", "a9 m9 x1", "main.a main.main runtime.goexit", "main.a", STACK_WHOLE,
	  true },
	{ "called by nobody", "x1", "runtime.goexit", NULL, STACK_WHOLE, true },
	{ "what is above the first function", "m9 x1 a9", "main.main runtime.goexit", "main.main",
	  STACK_WHOLE, true },
	{ "cut", "a9 a9 a9 a9 a9 a9 a9 a9",
	  "main.a main.a main.a main.a main.a main.a main.a main.a", "main.a", STACK_CUT, true },
	{ "broken", "a9 m9", "main.a main.main", "main.a", STACK_BROKEN, true },
	{ "nothing", "", "", NULL, STACK_BROKEN, true },
	{ "not Go", "0 m9 x1", "- main.main runtime.goexit", "-", STACK_WHOLE, true },
	{ "not Go further up: no return address", "a9 m9 0 x1", "main.a main.main", "main.a",
	  STACK_BROKEN, true },
	{ "a wrapper", "w9 m9 x1", "main.main runtime.goexit", "main.main", STACK_WHOLE, true },
	{ "a wrapper that panics", "p9 w9 m9 x1", "runtime.gopanic main.w main.main runtime.goexit",
	  "runtime.gopanic", STACK_WHOLE, true },
	{ "a wrapper alone", "w9", "", "main.w", STACK_BROKEN, true },
	/* no call returns there: the runtime makes that up, and means the function */
	{ "a function's first byte", "a0 x1", "main.a runtime.goexit", "main.a", STACK_WHOLE,
	  true },
	{ "a fault in a leaf", "p9 s9 l0 a9 m9 x1", "runtime.gopanic runtime.sigpanic main.leaf "
	  "main.a main.main runtime.goexit", "runtime.gopanic", STACK_WHOLE, true },
	{ "a fault in a frame", "p9 s9 a9 m9 m9 x1", "runtime.gopanic runtime.sigpanic main.a "
	  "main.main runtime.goexit", "runtime.gopanic", STACK_WHOLE, true },
	{ "a fault, without the word", "p9 s9 a9 m9 x1", "runtime.gopanic runtime.sigpanic main.a "
	  "main.main runtime.goexit", "runtime.gopanic", STACK_WHOLE, false },
	{ "a fault at a function's first byte", "s9 l0 m9 x1",
	  "runtime.sigpanic main.leaf main.main runtime.goexit", "runtime.sigpanic", STACK_WHOLE,
	  true },
};

START_TEST(addresses_become_frames)
{
	struct stacks s = stacks_of(&prog, BIAS);
	char names[256] = "";
	u8 record[40 + 8 * MOST];
	const struct stack_frame *caller;
	struct stack_frames all;
	enum stack_end end;

	make(record, rows[_i].words, rows[_i].more);
	for (u32 again = 0; again < 2; again++) {
		all = stack_frames(&s, &reading, record, &end);
		names[0] = 0;
		for (size_t i = 0; i < all.n; i++)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%.*s",
				 i ? " " : "", all.at[i].func.n ? (int)all.at[i].func.n : 1,
				 all.at[i].func.n ? all.at[i].func.p : "-");
		ck_assert_msg(!strcmp(names, rows[_i].names), "%s: %s", rows[_i].why, names);
		ck_assert_msg(end == rows[_i].end, "%s: %s", rows[_i].why, stack_end_name(end));
		caller = stack_caller(&s, &reading, record);
		ck_assert_msg(!caller == !rows[_i].caller, "%s", rows[_i].why);
		if (caller && *rows[_i].caller != '-')
			ck_assert(str_eq(caller->func, str_of(rows[_i].caller)));
	}
	stacks_release(&s);
}
END_TEST

/* What a record says of itself is not believed. */
START_TEST(counts_that_lie)
{
	struct stacks s = stacks_of(&prog, BIAS);
	u8 record[40 + 8 * MOST];
	enum stack_end end;

	make(record, "a9 a9 a9 a9 a9 a9 a9 a9", true);
	memset(record + 32, 0xff, 4);
	ck_assert_uint_eq(stack_frames(&s, &reading, record, &end).n, MOST);
	ck_assert_int_eq(end, STACK_CUT);
	memset(record + 32, 0, 8);
	ck_assert_uint_eq(stack_frames(&s, &reading, record, &end).n, 0);
	ck_assert_ptr_null(stack_caller(&s, &reading, record));
	ck_assert_ptr_null(stack_caller(&s, &(struct reading){ .size = 32 }, record));
	stacks_release(&s);
}
END_TEST

START_TEST(the_caller_alone)
{
	const struct reading one = { .caller_at = 40, .size = 48 };
	struct stacks s = stacks_of(&prog, BIAS);
	u8 record[40 + 8 * MOST];

	make(record, "m9", true);
	ck_assert(str_eq(stack_caller(&s, &one, record)->func, STR("main.main")));
	ck_assert(str_eq(stack_frame_at(&s, address("a3"))->func, STR("main.a")));
	ck_assert_ptr_null(stack_frame_at(&s, address("0")));
	ck_assert_ptr_null(stack_frame_at(&s, address("w3")));
	stacks_release(&s);
}
END_TEST

START_TEST(what_leads_nowhere_takes_no_room)
{
	struct stacks s = stacks_of(&prog, BIAS);
	const struct stack_frame *first, *f;
	size_t n;

	first = stack_at(&s, 8, true, &n);
	for (u64 at = 16; at < 8000; at += 8) {
		f = stack_at(&s, at, true, &n);
		ck_assert(f == first && n == 1 && !f->func.n && f->pc_rt == at);
	}
	stacks_release(&s);
}
END_TEST

Suite *stack_suite(void)
{
	Suite *s = suite_create("stack");
	TCase *t = tcase_create("stack");

	tcase_add_checked_fixture(t, begin, NULL);
	tcase_add_loop_test(t, addresses_become_frames, 0, ARRAY_LEN(rows));
	tcase_add_test(t, counts_that_lie);
	tcase_add_test(t, the_caller_alone);
	tcase_add_test(t, what_leads_nowhere_takes_no_room);
	suite_add_tcase(s, t);
	return s;
}
