/* Write-barrier checks in the shapes that the compiler gives them, and what stands around them. */
#include "code.h"
#include "base/out.h"
#include "x86/barrier.h"

Suite *barrier_suite(void);

enum { FLAG = 0x8000 };	/* runtime.writeBarrier, from the function's entry */

static struct arena arena;

/* "CHECK" in the digits stands for `cmp dword [rip+FLAG], 0`. */
static struct flow flow_of(const char *text)
{
	char hex[1024];
	size_t n = 0;
	u32 at = 0;

	for (const char *p = text; *p;) {
		i32 disp = FLAG - (i32)(at + 7);

		ck_assert_uint_lt(n, sizeof(hex) - 32);
		if (!strncmp(p, "CHECK", 5)) {
			n += (size_t)snprintf(hex + n, sizeof(hex) - n, "83 3d %x %x %x %x 00",
					      disp & 0xff, disp >> 8 & 0xff, disp >> 16 & 0xff,
					      disp >> 24 & 0xff);
			at += 7;
			p += 5;
			continue;
		}
		at += *p == ' ' && p[1] != ' ' && p[1] != 'C' && p[1];
		at += p == text;
		hex[n++] = *p++;
	}
	hex[n] = 0;
	return code_flow(&arena, hex);
}

static const char *const kinds[] = { "string", "slice", "interface", "append" };

/* "string 2|1 at 4; string 2|1 at 27 pair". By place alone: whether two words in a row are
 * believed to be an interface is for others to say. */
static void found(const struct flow *f, struct out *o)
{
	struct barrier *b;
	u32 n = barriers_find(f, FLAG, &arena, &b);

	for (u32 i = 0; i < n; i++)
		for (u32 k = b[i].nbefore; k < b[i].nstores; k++) {
			struct tear t;

			if (!(k == b[i].nbefore && barrier_tear(&b[i], k, &t)) &&
			    !barrier_pair(&b[i], k, &t))
				continue;
			out_fmt(o, "%s%s %u|%u at %u%s", o->n ? "; " : "", kinds[t.kind], t.first,
				t.then, f->insns[t.insn].at, t.pair ? " pair" : "");
		}
}

static const struct {
	const char *what, *hex, *found;
} shapes[] = {
	{ "up to 1.20: the call stores",
	  "48 89 48 08 CHECK 75 05 48 89 18 eb 08 48 89 c7 e8 00 10 00 00 c3", "string 2|1 at 4" },
	{ "1.21: falls into the stores",
	  "48 89 48 08 CHECK 74 08 e8 00 10 00 00 49 89 1b 48 89 18 c3", "string 2|1 at 4" },
	{ "1.21, jne and a reload",
	  "48 89 48 08 CHECK 75 07 48 8b 5c 24 08 eb 0d e8 00 10 00 00 48 8b 5c 24 08 49 89 1b "
	  "48 89 18 c3", "string 2|1 at 4" },
	{ "nop before the branch",
	  "48 89 48 08 CHECK 66 90 74 08 e8 00 10 00 00 49 89 1b 48 89 18 c3", "string 2|1 at 4" },
	{ "near branch", "48 89 48 08 CHECK 0f 84 08 00 00 00 e8 00 10 00 00 49 89 1b 48 89 18 c3",
	  "string 2|1 at 4" },
	{ "an interface", "48 89 18 CHECK 75 04 48 89 48 08 c3", "interface 1|2 at 3" },
	{ "a slice", "48 89 48 08 48 89 78 10 CHECK 75 03 48 89 18 c3", "slice 6|1 at 8" },
	{ "nil to a slice", "44 0f 11 78 08 CHECK 75 07 48 c7 00 00 00 00 00 c3",
	  "slice 6|1 at 5" },
	{ "append", "48 89 48 10 CHECK 75 03 48 89 18 48 89 70 08 c3",
	  "append 4|3 at 4; interface 1|2 at 16 pair" },
	{ "one pointer", "CHECK 75 03 48 89 18 c3", "" },
	{ "a number too far away", "48 89 48 20 CHECK 75 03 48 89 18 c3", "" },
	{ "half a word", "89 48 08 CHECK 75 03 48 89 18 c3", "" },
	{ "the nearer neighbour counts",
	  "48 89 48 18 48 89 50 08 CHECK 75 04 48 89 58 10 c3", "interface 1|2 at 8" },
	{ "an element", "48 89 54 c8 08 CHECK 75 04 48 89 1c c8 c3", "string 2|1 at 5" },
	{ "an element of another index", "48 89 54 c8 08 CHECK 75 04 48 89 1c d0 c3", "" },
	{ "index and base the other way round, after an add",
	  "48 89 54 08 08 48 01 c1 CHECK 75 03 48 89 19 c3", "string 2|1 at 8" },
	{ "the base was loaded again",
	  "48 89 44 24 20 48 89 48 08 CHECK 75 08 48 8b 54 24 20 48 89 1a c3", "string 2|1 at 9" },
	{ "the slot has changed since",
	  "48 89 44 24 20 48 89 48 08 48 89 74 24 20 CHECK 75 08 48 8b 54 24 20 48 89 1a c3", "" },
	{ "the base has changed since", "48 89 48 08 48 8b 06 CHECK 75 03 48 89 18 c3", "" },
	{ "the base has moved on", "48 89 48 08 48 83 c0 10 CHECK 75 04 48 89 58 f0 c3",
	  "string 2|1 at 8" },
	{ "the address was computed", "48 8d 78 10 48 89 48 18 CHECK 75 03 48 89 1f c3",
	  "string 2|1 at 8" },
	{ "a global", "48 89 0d 00 20 00 00 CHECK 75 07 48 89 1d e8 1f 00 00 c3",
	  "string 2|1 at 7" },
	{ "a spill is no store", "48 89 48 08 CHECK 75 08 48 89 4c 24 10 48 89 18 c3",
	  "string 2|1 at 4" },
	{ "a call stands between", "48 89 48 08 e8 00 10 00 00 CHECK 75 03 48 89 18 c3", "" },
	{ "a branch leads between", "48 85 c9 74 04 48 89 48 08 90 CHECK 75 03 48 89 18 c3", "" },
	{ "a loop's head is the check",
	  "48 89 48 08 CHECK 75 03 48 89 18 48 ff c9 75 ef c3", "string 2|1 at 4" },
	{ "no je nor jne", "48 89 48 08 CHECK 78 03 48 89 18 c3", "" },
	{ "another word", "48 89 48 08 83 3d 00 10 00 00 00 75 03 48 89 18 c3", "" },
	{ "1.22: two strings, one check",
	  "48 89 48 08 CHECK 74 0c e8 00 10 00 00 49 89 1b 49 89 73 08 48 89 18 48 89 78 18 "
	  "48 89 70 10 c3", "string 2|1 at 4; string 2|1 at 32 pair" },
	{ "of the second pointer the collector is not told: it is a number",
	  "48 89 48 08 CHECK 74 08 e8 00 10 00 00 49 89 1b 48 89 18 48 89 78 18 48 89 70 10 c3",
	  "string 2|1 at 4" },
	{ "of the old pointer alone: nil is stored",
	  "48 89 48 08 CHECK 74 0b 48 8b 10 e8 00 10 00 00 49 89 13 48 c7 00 00 00 00 00 c3",
	  "string 2|1 at 4" },
	{ "another word's old pointer: two numbers behind it",
	  "CHECK 74 0c 48 8b 48 08 e8 00 10 00 00 49 89 0b 48 c7 40 08 00 00 00 00 "
	  "48 c7 00 00 00 00 00 48 c7 40 10 00 00 00 00 c3", "" },
	{ "1.21: two pointers side by side, each with its check",
	  "CHECK 74 08 e8 00 10 00 00 49 89 3b 48 89 38 CHECK 74 09 e8 00 10 00 00 49 89 3b "
	  "48 89 78 08 c3", "" },
	{ "up to 1.20: a pointer that the call stores, and numbers on both sides",
	  "CHECK 75 06 48 89 58 08 eb 09 48 8d 78 08 e8 00 10 00 00 48 89 48 10 48 89 08 c3", "" },
	{ "up to 1.20: two pointers that the calls store",
	  "48 89 48 08 CHECK 75 09 48 89 18 48 89 78 10 eb 11 48 89 c7 e8 00 10 00 00 48 8d 78 10 "
	  "e8 00 10 00 00 c3", "string 2|1 at 4" },
	{ "its base is loaded again on both ways",
	  "48 89 48 08 CHECK 75 07 48 8b 44 24 18 eb 10 e8 00 10 00 00 48 8b 44 24 18 48 8b 08 "
	  "49 89 0b 48 89 48 08 48 89 18 c3", "string 2|1 at 40 pair" },
	{ "1.22: a string and an interface",
	  "48 89 48 08 CHECK 75 0b 48 89 18 48 89 78 10 48 89 70 18 c3",
	  "string 2|1 at 4; interface 1|2 at 20 pair" },
	{ "1.22: a slice behind",
	  "CHECK 75 13 48 89 18 48 89 78 20 48 89 70 28 48 89 50 18 c3",
	  "interface 1|2 at 16 pair; slice 6|1 at 20 pair" },
};

START_TEST(shapes_are_known)
{
	struct flow f = flow_of(shapes[_i].hex);
	struct out o;

	out_memory(&o);
	found(&f, &o);
	out_c(&o, 0);
	ck_assert_msg(!strcmp(o.buf, shapes[_i].found), "%s: %s", shapes[_i].what, o.buf);
	out_release(&o);
}
END_TEST

static const struct {
	const char *what, *hex;
	bool live;
} flags[] = {
	{ "read by a branch", "48 89 18 74 00 c3", true },
	{ "read by setcc", "48 89 18 0f 94 c0 c3", true },
	{ "written anew", "48 89 18 48 85 c0 74 00 c3", false },
	{ "not written by a move", "48 89 18 48 89 d9 74 00 c3", true },
	{ "inc leaves the carry", "48 89 18 48 ff c0 72 00 c3", true },
	{ "a shift may leave them", "48 89 18 48 d3 e0 74 00 c3", true },
	{ "nobody behind a return", "48 89 18 c3", false },
	{ "nobody in a call", "48 89 18 e8 00 10 00 00 74 00 c3", false },
	{ "on one of two ways", "48 89 18 eb 03 48 85 c0 74 00 c3", true },
	{ "where a branch leads that reads none", "48 89 18 e3 03 48 85 c0 74 00 c3", true },
	{ "round a loop", "48 89 18 48 89 d9 eb f8 c3", false },
};

START_TEST(flags_are_live_where_somebody_reads_them)
{
	struct flow f = code_flow(&arena, flags[_i].hex);

	ck_assert_msg(flags_live_at(&f, 0, &arena) == flags[_i].live, "%s", flags[_i].what);
}
END_TEST

START_TEST(what_is_stored)
{
	/* mov qword [rax], 7; lea rcx, [rip+0x100]; mov [rax+8], rcx; xor edx, edx;
	 * mov [rax+16], rdx; mov [rax+24], rbx; check; jne; ret */
	struct flow f = flow_of("48 c7 00 07 00 00 00 48 8d 0d 00 01 00 00 48 89 48 08 31 d2 "
				"48 89 50 10 48 89 58 18 CHECK 75 00 c3");
	struct barrier *b;

	ck_assert_uint_eq(barriers_find(&f, FLAG, &arena, &b), 1);
	ck_assert_uint_eq(b->nstores, 4);
	ck_assert_uint_eq(b->nbefore, 4);
	ck_assert(b->stores[0].source == WORD_CONST && b->stores[0].value == 7);
	ck_assert(b->stores[1].source == WORD_ADDRESS && b->stores[1].value == 0x10e);
	ck_assert(b->stores[2].source == WORD_CONST && b->stores[2].value == 0);
	ck_assert(b->stores[3].source == WORD_UNKNOWN && b->stores[3].disp == 24);
}
END_TEST

static void end(void)
{
	arena_release(&arena);
}

Suite *barrier_suite(void)
{
	Suite *s = suite_create("barrier");
	TCase *t = tcase_create("checks");

	tcase_add_checked_fixture(t, NULL, end);
	tcase_add_loop_test(t, shapes_are_known, 0, ARRAY_LEN(shapes));
	tcase_add_loop_test(t, flags_are_live_where_somebody_reads_them, 0, ARRAY_LEN(flags));
	tcase_add_test(t, what_is_stored);
	suite_add_tcase(s, t);
	return s;
}
