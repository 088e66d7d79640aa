/* Where values come from: through copies, spills, joins and loops. */
#include "base/out.h"
#include "code.h"
#include "x86/origin.h"

Suite *origin_suite(void);

static struct arena arena;

static const char *const regs[] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi" };

static void print(struct out *o, const struct origin *x)
{
	switch (x->kind) {
	case ORIGIN_ENTRY:
		out_z(o, regs[x->reg]);
		break;
	case ORIGIN_STACK:
		out_fmt(o, "arg%lld", (long long)x->at);
		break;
	case ORIGIN_CONST:
		out_fmt(o, "=%lld", (long long)x->at);
		break;
	case ORIGIN_ADDRESS:
		out_fmt(o, "&%lld", (long long)x->at);
		break;
	case ORIGIN_LOAD:
		out_c(o, '*');
		print(o, x->from);
		break;
	case ORIGIN_CALL:
		out_fmt(o, "call.%s", regs[x->reg]);
		break;
	case ORIGIN_ELEMENT:
		print(o, x->from);
		out_z(o, "[");
		print(o, x->other);
		out_z(o, "]");
		break;
	case ORIGIN_EITHER:
		out_c(o, '(');
		print(o, x->from);
		out_c(o, '|');
		print(o, x->other);
		out_c(o, ')');
		break;
	default:
		out_c(o, '?');
	}
	if (x->off)
		out_fmt(o, "%+lld", (long long)x->off);
}

static bool keeps(const void *ctx, i64 target)
{
	(void)ctx;
	return target >= 0x2000;
}

/* What rax holds at the last instruction. */
static const struct {
	const char *what, *hex, *origin;
} cases[] = {
	{ "nothing was done", "c3", "rax" },
	{ "a copy", "48 89 d8 c3", "rbx" },
	{ "a field's address", "48 8d 43 10 c3", "rbx+16" },
	{ "an add", "48 89 d8 48 83 c0 08 c3", "rbx+8" },
	{ "a load", "48 8b 43 10 c3", "*rbx+16" },
	{ "a field of what was loaded", "48 8b 43 10 48 8d 40 18 c3", "*rbx+16+24" },
	{ "a constant", "31 c0 c3", "=0" },
	{ "an address", "48 8d 05 00 01 00 00 c3", "&263" },
	{ "an element", "48 8d 04 cb c3", "rbx[?]" },
	{ "a sum", "48 01 d8 c3", "rax[rbx]" },
	{ "a spill", "48 89 5c 24 10 31 db 48 8b 44 24 10 c3", "rbx" },
	{ "a spill that was overwritten", "48 89 5c 24 10 31 db 89 5c 24 14 48 8b 44 24 10 c3",
	  "?" },
	{ "a spill before the frame was made",
	  "48 89 5c 24 08 55 48 83 ec 10 48 8b 44 24 20 c3", "rbx" },
	{ "the only spill, past a loop",
	  "48 83 ec 20 48 89 5c 24 08 48 ff c9 75 fb 48 8b 44 24 08 c3", "rbx" },
	{ "one of two spills",
	  "48 83 ec 20 48 89 5c 24 08 48 85 c9 74 05 48 89 44 24 08 48 8b 44 24 08 c3",
	  "(rax|rbx)" },
	{ "a spill over which more is written",
	  "48 83 ec 20 48 89 5c 24 08 0f 11 04 24 48 8b 44 24 08 c3", "?" },
	{ "a spill of another frame",
	  "48 83 ec 20 48 89 5c 24 08 48 83 ec 08 48 8b 44 24 08 c3", "arg-32" },
	{ "an argument on the stack", "55 48 83 ec 10 48 8b 44 24 20 c3", "arg8" },
	{ "what a call returns", "e8 00 10 00 00 c3", "call.rax" },
	{ "a spill over a call", "48 89 5c 24 10 e8 00 10 00 00 48 8b 44 24 10 c3", "rbx" },
	{ "a call that changes nothing", "e8 00 20 00 00 c3", "rax" },
	{ "two ways with the same",
	  "48 85 c9 74 05 48 89 d8 eb 03 48 89 d8 c3", "rbx" },
	{ "two ways with two", "48 85 c9 74 03 48 89 d8 c3", "(rbx|rax)" },
	{ "a conditional move", "48 0f 44 c3 c3", "(rax|rbx)" },
	{ "a loop that leaves it alone", "48 89 d8 48 ff c9 75 fb c3", "rbx" },
	{ "a loop that walks a list", "48 89 d8 48 8b 40 08 48 85 c9 75 f7 c3", "*(rbx|*?)+8" },
	{ "padding behind a jump", "48 89 d8 eb 04 0f 1f 40 00 c3", "rbx" },
	{ "half of it was written", "b0 01 c3", "?" },
	{ "exchanged", "48 87 d8 c3", "?" },
};

START_TEST(values_are_followed_back)
{
	struct flow f = code_flow(&arena, cases[_i].hex);
	struct origins o;
	struct out text;

	origins_begin(&o, &f, &arena, keeps, NULL);
	out_memory(&text);
	print(&text, origin_of(&o, f.n - 1, GP_RAX));
	out_c(&text, 0);
	ck_assert_msg(!strcmp(text.buf, cases[_i].origin), "%s: %s", cases[_i].what, text.buf);
	out_release(&text);
	origins_end(&o);
}
END_TEST

/* Each of many joins could double the work, or go deeper than the stack. */
START_TEST(comes_to_an_end)
{
	enum { JOINS = 4000, EACH = 5 };
	char *hex = arena_alloc(&arena, JOINS * EACH * 3 + 8);
	struct origins o;
	struct flow f;

	for (u32 i = 0; i < JOINS; i++)		/* je +3; mov rax, [rax] */
		memcpy(hex + i * EACH * 3, "74 03 48 8b 00 ", EACH * 3);
	memcpy(hex + JOINS * EACH * 3, "c3", 2);
	f = code_flow(&arena, hex);
	origins_begin(&o, &f, &arena, keeps, NULL);
	ck_assert_ptr_nonnull(origin_of(&o, f.n - 1, GP_RAX));
	origins_end(&o);
}
END_TEST

static u64 random_state;

static u32 any(u32 below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (u32)(random_state >> 33) % below;
}

/* Copies, loads, sums and branches, so that ways meet and come back to themselves. */
static struct flow any_flow(u32 number)
{
	enum { SLOTS = 30, SIZE = 4 };
	static char hex[SLOTS * SIZE * 3 + 3];
	u8 code[SLOTS * SIZE];
	u32 kinds;	/* the more, the more branches */

	random_state = (number + 1) * 0x9e3779b97f4a7c15ull;
	kinds = 4 + any(20);
	for (u32 i = 0; i < SLOTS; i++) {
		u8 two = (u8)(any(4) << 3 | any(4)), *p = code + i * SIZE;

		switch (any(kinds)) {
		case 0: memcpy(p, (u8[]){ 0x48, 0x89, 0xc0 | two, 0x90 }, SIZE); break;
		case 1: memcpy(p, (u8[]){ 0x48, 0x8b, 0x40 | two, 8 }, SIZE); break;
		case 2: memcpy(p, (u8[]){ 0x48, 0x8d, 0x40 | two, 8 }, SIZE); break;
		default: memcpy(p, (u8[]){ any(6) ? 0x75 : 0xeb, (u8)((any(SLOTS) - i) * SIZE - 2),
					   0x90, 0x90 }, SIZE);
		}
	}
	for (u32 i = 0; i < sizeof(code); i++)
		snprintf(hex + i * 3, 4, "%02x ", code[i]);
	memcpy(hex + sizeof(code) * 3, "c3", 3);
	return code_flow(&arena, hex);
}

/* Down to where they have a thousand parts. */
static bool alike(const struct origin *x, const struct origin *y, u32 depth)
{
	if (!x || !y || x == y || !depth)
		return !x == !y;
	return x->kind == y->kind && x->reg == y->reg && x->insn == y->insn && x->at == y->at &&
	       x->off == y->off && alike(x->from, y->from, depth - 1) &&
	       alike(x->other, y->other, depth - 1);
}

START_TEST(no_way_that_was_spared_brings_anything_else)
{
	enum { PROGRAMS = 100, DEEP = 322 /* 48 places that are open at once */ };

	for (u32 i = 0; i <= PROGRAMS; i++) {
		struct flow f = any_flow(i < PROGRAMS ? i : DEEP);
		struct origins anew, spared;

		origins_begin(&anew, &f, &arena, keeps, NULL);
		origins_begin(&spared, &f, &arena, keeps, NULL);
		anew.anew = true;
		for (u32 k = f.n; k-- > 0;)
			for (u8 reg = GP_RAX; reg <= GP_RBX; reg++)
				ck_assert_msg(alike(origin_of(&anew, k, reg),
						    origin_of(&spared, k, reg), 10),
					      "program %u: %s at %u", i, regs[reg], k);
		origins_end(&anew);
		origins_end(&spared);
		arena_reset(&arena);
	}
}
END_TEST

static void end(void)
{
	arena_release(&arena);
}

Suite *origin_suite(void)
{
	Suite *s = suite_create("origin");
	TCase *t = tcase_create("values");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, NULL, end);
	tcase_add_loop_test(t, values_are_followed_back, 0, ARRAY_LEN(cases));
	tcase_add_test(t, comes_to_an_end);
	tcase_add_test(t, no_way_that_was_spared_brings_anything_else);
	suite_add_tcase(s, t);
	return s;
}
