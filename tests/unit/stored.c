/* Which bytes of its frame a function has certainly stored: main.main of the fake with code of its
 * own. SP goes down by 40 at 10 and up at 85; lines are 10, from 8 on 12 (16 to 48 are inlined
 * there), from 48 on 13; a recovered panic goes on at 70. */
#include <check.h>

#include "../fake/fake.h"
#include "go/stored.h"

Suite *stored_suite(void);

#define STORE "\x48\x89\x44\x24\x08"		/* mov [rsp+8], rax */
#define HALF "\x89\x44\x24\x08"			/* mov [rsp+8], eax */
#define LEA "\x48\x8d\x44\x24\x10"		/* lea rax, [rsp+16] */
#define CLEAR "\x0f\x11\x40\xf8"		/* movups [rax-8], xmm0 */
#define INC "\x48\xff\x44\x24\x08"		/* inc qword [rsp+8] */
#define SKIP "\x74\x05"				/* je, over the five bytes behind it */
#define BACK_TO_10 "\xeb\xc8"			/* at 64 */
#define BACK_TO_50 "\xeb\xf0"			/* at 64 */
enum { OFF = 8 - 40, WORD = 0xff };

static const struct {
	struct {
		u32 at;
		const char *code;
	} put[3];
	u32 pc;
	i32 line, declared;
	u64 bytes;
	bool stored;
} cases[] = {
	{ { { 10, STORE } }, 60, 13, 12, WORD, true },
	{ { { 0, "" } }, 60, 13, 12, WORD, false },
	{ { { 10, STORE } }, 60, 13, 13, WORD, false },		/* before its declaration */
	{ { { 10, STORE } }, 10, 12, 12, WORD, false },		/* not yet */
	{ { { 10, STORE } }, 60, 13, 12, 0x1ff, false },	/* one byte more */
	{ { { 10, HALF } }, 60, 13, 12, WORD, false },
	{ { { 10, HALF } }, 60, 13, 12, 0x0f, true },
	{ { { 8, SKIP }, { 10, STORE } }, 60, 13, 12, WORD, false },
	{ { { 10, STORE } }, 75, 13, 12, WORD, false },		/* behind a recovered panic */
	{ { { 10, LEA }, { 15, CLEAR } }, 60, 13, 12, 0xffff, true },
	{ { { 10, LEA }, { 15, "\x31\xc0" }, { 17, CLEAR } }, 60, 13, 12, 0xffff, false },
	/* one more of this line is still to come */
	{ { { 10, STORE }, { 60, STORE } }, 50, 13, 12, WORD, false },
	{ { { 10, STORE }, { 60, STORE } }, 20, 12, 12, WORD, true },
	{ { { 10, STORE }, { 60, INC } }, 50, 13, 12, WORD, true },
	/* around again, by its declaration or past it */
	{ { { 10, STORE }, { 64, BACK_TO_10 } }, 50, 13, 12, WORD, true },
	{ { { 10, STORE }, { 56, STORE }, { 64, BACK_TO_50 } }, 61, 13, 12, WORD, true },
	{ { { 50, SKIP }, { 52, STORE }, { 64, BACK_TO_50 } }, 61, 13, 12, WORD, false },
};

static struct fake fake;
static struct image img;
static struct go_program prog;
static struct err err;

static void open_with(int i)
{
	fake_make(&fake, &(struct fake_wish){ .minor = 27 });
	for (u32 at = 0; at < 89; at++)
		fake_put(&fake, fake.at_text + at, 0x90, 1);
	fake_put(&fake, fake.at_text + 89, 0xc3, 1);
	for (u32 k = 0; i >= 0 && k < 3 && cases[i].put[k].code; k++)
		for (u32 b = 0; cases[i].put[k].code[b]; b++)
			fake_put(&fake, fake.at_text + cases[i].put[k].at + b,
				 (u8)cases[i].put[k].code[b], 1);
	ck_assert_msg(fake_open(&fake, &img, &err) && go_open(&prog, &img, &err), "%s", err.msg);
}

static void close_all(void)
{
	go_program_release(&prog);
	image_release(&img);
	fake_release(&fake);
}

START_TEST(knows_what_is_stored)
{
	struct stored s;

	open_with(_i);
	stored_begin(&s, &prog, &prog.funcs[FAKE_MAIN], cases[_i].pc, -1, cases[_i].line);
	ck_assert_int_eq(stored_certainly(&s, OFF, cases[_i].bytes, cases[_i].declared),
			 cases[_i].stored);
	stored_end(&s);
	close_all();
}
END_TEST

START_TEST(of_what_is_not_known_nothing_is_stored)
{
	const struct go_func *f;
	struct stored s;

	open_with(0);
	f = &prog.funcs[FAKE_MAIN];
	stored_begin(&s, &prog, f, 60, -1, 0);		/* no line */
	ck_assert(!stored_certainly(&s, OFF, WORD, 12));
	stored_end(&s);
	stored_begin(&s, &prog, f, 93, -1, 13);		/* in its padding */
	ck_assert(!stored_certainly(&s, OFF, WORD, 12));
	stored_end(&s);
	stored_begin(&s, &prog, f, 20, 0, 31);		/* of the call inlined there, none */
	ck_assert(!stored_certainly(&s, OFF, WORD, 12));
	stored_end(&s);
	ck_assert_ptr_eq(go_frame_stores(&prog, f), go_frame_stores(&prog, f));
	ck_assert_uint_eq(go_frame_stores(&prog, f)->n, 1);
	close_all();
}
END_TEST

Suite *stored_suite(void)
{
	Suite *s = suite_create("stored");
	TCase *t = tcase_create("stored");

	tcase_add_loop_test(t, knows_what_is_stored, 0, ARRAY_LEN(cases));
	tcase_add_test(t, of_what_is_not_known_nothing_is_stored);
	suite_add_tcase(s, t);
	return s;
}
