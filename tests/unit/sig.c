#include <stdio.h>

#include "memory.h"

Suite *sig_suite(void);

/* A stripped function in, its parameters out. ArgInfo, ArgLiveInfo and code are hex digits. */
struct example {
	const char *what;
	unsigned minor;
	const char *name;
	i32 args;
	const char *arg_info, *live_info, *code, *params;
};

static struct memory_program m;
static struct go_func func;
static char names[256];

enum { LIVE_AT = 0x80, NO_FUNCDATA = -1, PCLN_SIZE = 256 };

static size_t put_hex(u64 va, const char *hex)
{
	size_t n = 0;

	for (const char *p = hex; *p;) {
		char *end;

		if (*p == ' ' || *p == '|') {
			p++;
			continue;
		}
		memory_put(&m, va + n++, strtoul(p, &end, 16), 1);
		ck_assert_ptr_ne(p, end);
		p = end;
	}
	return n;
}

static void begin(const struct example *e)
{
	static u8 table[PCLN_SIZE];
	u32 data[8], at;
	size_t code;

	memory_begin(&m, e->minor);
	memset(data, NO_FUNCDATA, sizeof(data));
	if (e->arg_info) {
		put_hex(GOFUNC_VA, e->arg_info);
		data[FUNCDATA_ARG_INFO] = 0;
	}
	if (e->live_info) {
		put_hex(GOFUNC_VA + LIVE_AT, e->live_info);
		data[FUNCDATA_ARG_LIVE_INFO] = LIVE_AT;
	}
	at = m.prog.rel->pcln->func_size;
	memcpy(table + at, data, sizeof(data));
	m.prog.pclntable = (struct str){ (const char *)table, sizeof(table) };
	code = put_hex(TEXT_VA, e->code);
	snprintf(names, sizeof(names), "%s", e->name);
	func = (struct go_func){ .size = (u32)code, .room = (u32)code, .name = str_of(names),
				 .args = e->args, .nfuncdata = 8 };
	m.prog.funcs = &func;
	m.prog.nfuncs = 1;
}

static struct str param_text(struct arena *a, struct str s, const struct go_param *p)
{
	static const char *const ints[] = {
		"AX", "BX", "CX", "DI", "SI", "R8", "R9", "R10", "R11"
	};

	s = str_fmt(a, "%.*s%s%.*s%s", STR_F(s), s.n ? ", " : "", STR_F(p->name),
		    p->aggregate ? "{" : "");
	for (size_t i = 0; i < p->nplaces; i++) {
		const struct go_place *q = &p->places[i];

		if (q->kind == PLACE_INT)
			s = str_fmt(a, "%.*s %s:%u", STR_F(s), ints[q->reg], q->size);
		else if (q->kind == PLACE_FLOAT)
			s = str_fmt(a, "%.*s X%u:%u", STR_F(s), q->reg, q->size);
		else if (q->kind == PLACE_STACK)
			s = str_fmt(a, "%.*s %d(SP):%u", STR_F(s), q->off, q->size);
		else
			s = str_fmt(a, "%.*s ?:%u", STR_F(s), q->size);
	}
	return p->aggregate ? str_fmt(a, "%.*s }", STR_F(s)) : s;
}

static const char *params_of(struct arena *a)
{
	const struct go_sig *sig = go_sig_of(&m.prog, &func);
	struct str s = STR("");

	if (sig->from == SIG_NONE)
		return "nothing";
	ck_assert_uint_eq(sig->from, SIG_SHAPE);
	ck_assert(!sig->results_known);
	for (size_t i = 0; i < sig->nparams; i++)
		s = param_text(a, s, &sig->params[i]);
	return str_z(a, sig->cut ? str_fmt(a, "%.*s ...", STR_F(s)) : s);
}

/* cmp rsp, [r14+16]; jbe slow; ret; slow: ...; call; */
#define CHECK "49 3b 66 10 76 01 c3 "
#define MORESTACK " e8 00 00 00 00"

static const struct example examples[] = {
	{ "words in order, proved by nothing", 22, "main.f", 40,
	  "00 08 fe 08 08 10 08 fd fe 18 08 20 08 fd ff", NULL, "c3",
	  "arg0 AX:8, arg1{ BX:8 CX:8 }, arg2{ DI:8 SI:8 }" },
	{ "a float that the slow path saves", 22, "main.f", 16, "00 08 08 08 ff", NULL,
	  CHECK "f2 0f 11 44 24 08 48 89 44 24 10" MORESTACK, "arg0 X0:8, arg1 AX:8" },
	{ "floats that the slow path saves far away", 22, "main.f", 304,
	  "fe fb fb fd fe 00 08 08 08 10 08 18 08 20 08 28 08 30 08 38 08 fd fc ff", NULL,
	  CHECK "f2 0f 11 84 24 28 01 00 00 f2 0f 11 8c 24 30 01 00 00" MORESTACK,
	  "arg0{ X0:8 X1:8 }, arg1{ ?:8 ?:8 ?:8 ?:8 ?:8 ?:8 ?:8 ?:8 } ..." },
	{ "a float32 between ints", 22, "main.f", 24, "00 08 08 04 10 08 ff", NULL,
	  CHECK "48 89 44 24 08 f3 0f 11 44 24 10 48 89 5c 24 18" MORESTACK,
	  "arg0 AX:8, arg1 X0:4, arg2 BX:8" },
	{ "the register of a dead word follows from its neighbours", 22, "main.f", 24,
	  "00 08 08 08 10 08 ff", NULL, CHECK "48 89 44 24 08 48 89 4c 24 18" MORESTACK,
	  "arg0 AX:8, arg1 BX:8, arg2 CX:8" },
	{ "a dead float, too", 22, "main.f", 24, "00 08 08 08 10 08 ff", NULL,
	  CHECK "48 89 44 24 08 48 89 5c 24 18" MORESTACK, "arg0 AX:8, arg1 X0:8, arg2 BX:8" },
	{ "a float that a leaf reads, behind a pointer receiver", 22, "main.(*P).Area", 16,
	  "00 08 08 08 ff", NULL, "f2 0f 59 00 c3",
	  "recv AX:8, arg0 X0:8" }, /* mulsd xmm0, [rax] */
	{ "which of two is the float is not known", 22, "main.f", 16, "00 08 08 08 ff", NULL,
	  "f2 48 0f 2a c8 f2 0f 58 c1 c3", "arg0 ?:8, arg1 ?:8" },
	{ "zeroing a register is no use of it", 22, "main.f", 8, "00 08 ff", NULL,
	  "0f 57 c0 c3", "arg0 AX:8" },
	{ "an array, which comes on the stack: read there", 22, "main.f", 24,
	  "fe 00 08 08 08 fd 10 08 ff", NULL, "48 03 44 24 10 c3",
	  "arg0{ 8(SP):8 16(SP):8 }, arg1 AX:8" },
	{ "read behind a frame", 22, "main.f", 24, "fe 00 08 08 08 fd 10 08 ff", NULL,
	  "55 48 83 ec 10 48 03 44 24 28 48 83 c4 10 5d c3",
	  "arg0{ 8(SP):8 16(SP):8 }, arg1 AX:8" },
	{ "a struct that is not listed whole: array or not, who knows", 22, "main.f", 16,
	  "fe 00 08 fc fd ff", NULL, "c3", "arg0{ ?:8 } ..." },
	{ "its slot is tracked, so it came in registers", 22, "main.f", 16, "fe 00 08 fc fd ff",
	  "00 00", "c3", "arg0{ AX:8 } ..." },
	{ "a struct of five words that is stored first thing", 22, "main.f", 48,
	  "fe 00 08 08 08 10 08 18 08 20 08 fd 28 08 ff", NULL,
	  "48 89 44 24 08 48 89 5c 24 10 48 89 4c 24 18 48 89 7c 24 20 48 89 74 24 28 c3",
	  "arg0{ AX:8 BX:8 CX:8 DI:8 SI:8 }, arg1 R8:8" },
	{ "a string for which one register is left", 22, "main.f", 80,
	  "fe 10 08 18 08 20 08 28 08 30 08 38 08 40 08 48 08 fd fe 00 08 08 08 fd ff", NULL, "c3",
	  "arg0{ AX:8 BX:8 CX:8 DI:8 SI:8 R8:8 R9:8 R10:8 }, arg1{ 8(SP):8 16(SP):8 }" },
	{ "ten words do not fit", 22, "main.f", 88,
	  "fe 00 08 08 08 10 08 18 08 20 08 28 08 30 08 38 08 40 08 48 08 fd fc ff", NULL, "c3",
	  "arg0{ 8(SP):8 16(SP):8 24(SP):8 32(SP):8 40(SP):8 48(SP):8 56(SP):8 64(SP):8 72(SP):8 "
	  "80(SP):8 } ..." },
	{ "small words", 22, "main.f", 8, "00 01 02 02 04 04 ff", NULL, "c3",
	  "arg0 AX:1, arg1 BX:2, arg2 CX:4" },
	{ "a value of size zero", 22, "main.T.M", 8, "fe fd 00 08 ff", NULL, "c3",
	  "recv{ }, arg0 AX:8" },
	{ "nothing deeper than the compiler lists", 22, "main.f", 16,
	  "fe fe fe fe 00 08 fe fc fd fd fd fd fd ff", NULL, "c3", "arg0{ ?:8 } ..." },
	{ "no parameters", 22, "main.f", 0, NULL, NULL, "c3", "" },
	{ "results only", 22, "main.f", 16, NULL, NULL, "c3", "" },
	{ "generic: a dictionary, results, or both", 22, "main.F[go.shape.int]", 16, NULL, NULL,
	  "c3", "nothing" },
	{ "an array that nothing reads before a call, or a blank string", 22, "main.f", 16,
	  "fe 00 08 08 08 fd ff", NULL, CHECK MORESTACK, "arg0{ ?:8 ?:8 }" },
	{ "a float and an int in one struct, which a leaf reads", 22, "main.f", 8,
	  "fe 00 04 04 04 fd ff", "00 00", "f3 0f 58 c0 03 c0 c3", "arg0{ ?:4 ?:4 }" },
	{ "not a blank: it is tracked", 22, "main.f", 16, "fe 00 08 08 08 fd ff", "00 00",
	  CHECK MORESTACK, "arg0{ AX:8 BX:8 }" },
	{ "a register that is saved for another word", 22, "main.f", 96,
	  "fe 00 08 08 08 fd fc ff", NULL, CHECK "48 89 44 24 40" MORESTACK,
	  "arg0{ 8(SP):8 16(SP):8 } ..." },
	{ "a float that is read: of a parameter in the list, or of one behind its end", 22,
	  "main.f", 40, "00 08 fe 08 08 10 08 fd fc ff", NULL, "f2 0f 58 c9 c3",
	  "arg0 ?:8, arg1{ ?:8 ?:8 } ..." },
	{ "a float that is read behind duffzero", 22, "main.f", 8, "00 08 ff", NULL,
	  "48 89 6c 24 f0 48 8d 6c 24 f0 e8 00 00 00 00 48 8b 6d 00 f2 0f 58 c0 c3",
	  "arg0 X0:8" },
	{ "generic function", 22, "main.F[go.shape.int]", 16, "08 08 ff", NULL, "c3",
	  ".dict AX:8, arg0 BX:8" },
	{ "generic function of 1.18", 18, "main.F[...]", 16, "08 08 ff", NULL, "c3",
	  ".dict AX:8, arg0 BX:8" },
	{ "generic method of 1.18: dictionary first", 18, "main.(*L[...]).Push", 24,
	  "08 08 10 08 ff", NULL, "c3", ".dict AX:8, recv BX:8, arg0 CX:8" },
	{ "generic method since 1.20: receiver first", 20, "main.(*L[...]).Push", 24,
	  "08 08 10 08 ff", NULL, "c3", "recv AX:8, .dict BX:8, arg0 CX:8" },
	{ "generic method with a receiver of two words", 22, "main.L[go.shape.int].Push", 24,
	  "10 08 ff", NULL, "c3", "recv{ AX:8 BX:8 }, .dict CX:8" },
	{ "a closure in a generic function", 22, "main.F[go.shape.int].func1", 16, "08 08 ff", NULL,
	  "c3", "arg0 AX:8, arg1 BX:8" },
	{ "comparing arrays", 22, "type:.eq.[2]main.T", 16, "08 08 ff", NULL, "c3",
	  "arg0 AX:8, arg1 BX:8" },
	{ "bytes that no compiler writes", 22, "main.f", 8, "fd ff", NULL, "c3", "nothing" },
};

START_TEST(reads_shapes)
{
	const struct example *e = &examples[_i];
	struct arena a = { 0 };
	const char *is;

	begin(e);
	is = params_of(&a);
	ck_assert_msg(!strcmp(is, e->params), "%s:\n is %s\n   %s", e->what, is, e->params);
	arena_release(&a);
	memory_end(&m);
}
END_TEST

START_TEST(assembly_takes_all_from_the_stack)
{
	struct example e = { .minor = 22,
			     .name = "math.archFloor",
			     .args = 16,
			     .arg_info = "00 08 08 01 ff",
			     .code = "c3" };
	struct arena a = { 0 };

	begin(&e);
	func.assembly = true;
	ck_assert_str_eq(params_of(&a), "arg0 8(SP):8, arg1 16(SP):1");
	ck_assert(go_sig_of(&m.prog, &func)->abi0);
	arena_release(&a);
	memory_end(&m);

	e.name = "runtime.memmove";	/* written for the registers */
	begin(&e);
	func.assembly = true;
	ck_assert_str_eq(params_of(&a), "arg0 AX:8, arg1 BX:1");
	ck_assert(!go_sig_of(&m.prog, &func)->abi0);
	arena_release(&a);
	memory_end(&m);
}
END_TEST

/* Two functions of one name: the wrapper of which ABI? */
START_TEST(tells_wrappers_of_the_two_abis_apart)
{
	static const struct {
		const char *code;
		bool abi0;
	} wrappers[] = {
		/* xorps x15, x15; mov r14, fs:[-8]; call the other */
		{ "45 0f 57 ff 64 4c 8b 34 25 f8 ff ff ff e8 2e 00 00 00 c3", true },
		/* call the other; xorps x15, x15; mov r14, fs:[-8] */
		{ "e8 3b 00 00 00 45 0f 57 ff 64 4c 8b 34 25 f8 ff ff ff c3", false },
		{ "c3", false },
	};
	struct example e = { .minor = 22, .name = "main.f", .code = wrappers[_i].code };
	struct go_func pair[2];

	begin(&e);
	pair[0] = func;
	pair[0].wrapper = true;
	pair[1] = func;
	pair[1].pc = 0x40;
	m.prog.funcs = pair;
	m.prog.nfuncs = 2;
	ck_assert_int_eq(go_sig_of(&m.prog, &pair[0])->abi0, wrappers[_i].abi0);
	ck_assert(!go_sig_of(&m.prog, &pair[1])->abi0);
	memory_end(&m);
}
END_TEST

START_TEST(closures_have_a_context)
{
	static const struct {
		const char *name;
		bool closure;
	} of[] = {
		{ "main.f", false }, { "main.f.func1", true }, { "main.(*T).M-fm", true },
		{ "main.f-range1", true }, { "main.(*T).M", false },
	};
	struct example e = { .minor = 23, .name = of[_i].name, .code = "c3" };

	begin(&e);
	ck_assert_int_eq(go_sig_of(&m.prog, &func)->closure, of[_i].closure);
	memory_end(&m);
}
END_TEST

START_TEST(finds_where_g_is_kept)
{
	static const struct {
		const char *code;
		i32 off;	/* 0: not found */
	} of[] = {
		{ "90 64 4c 8b 34 25 f8 ff ff ff c3", -8 },
		{ "49 c7 c6 a0 ff ff ff 64 4d 8b 36 c3", -96 },
		{ "49 c7 c6 a0 ff ff ff c3", 0 },
		{ "64 4c 8b 34 25 08 00 00 00 c3", 0 },
		{ "64 4c 8b 34 25 fc ff ff ff c3", 0 },
		{ "64 4c 8b 34 25 f8", 0 },
		{ "c3", 0 },
	};
	struct example e = { .minor = 22, .name = "runtime.sigtramp", .code = of[_i].code };
	i32 off = 1;

	begin(&e);
	ck_assert_int_eq(go_tls_offset(&m.prog, &off), of[_i].off != 0);
	if (of[_i].off)
		ck_assert_int_eq(off, of[_i].off);
	memory_end(&m);
}
END_TEST

/* Every byte of ArgInfo and of the code may be anything, and there may be any number of them. */
START_TEST(no_byte_leads_astray)
{
	struct example e = {
		.minor = 22,
		.name = "main.(*L[go.shape.int]).Push",
		.args = 64,
		.arg_info =
			"48 08 fe 50 08 58 08 fd fe 60 08 68 08 70 08 fd fe fe 00 08 fc fd 08 "
			    "08 fd fc ff",
		.live_info = "48 00",
		.code = CHECK "48 89 44 24 08 f3 0f 11 44 24 10" MORESTACK,
	};
	size_t info = 26, code = 24;

	for (size_t at = 0; at < info + code; at++)
		for (unsigned v = 0; v < 256; v += v < 0xf8 ? 5 : 1) {
			const struct go_sig *sig;

			begin(&e);
			memory_put(&m, at < info ? GOFUNC_VA + at : TEXT_VA + at - info, v, 1);
			sig = go_sig_of(&m.prog, &func);
			ck_assert_uint_le(sig->nparams, 20);
			for (size_t i = 0; i < sig->nparams; i++)
				for (size_t k = 0; k < sig->params[i].nplaces; k++)
					ck_assert_uint_lt(sig->params[i].places[k].reg, 15);
			memory_end(&m);
		}
}
END_TEST

Suite *sig_suite(void)
{
	Suite *s = suite_create("sig");
	TCase *t = tcase_create("shapes");

	tcase_add_loop_test(t, reads_shapes, 0, ARRAY_LEN(examples));
	tcase_add_test(t, assembly_takes_all_from_the_stack);
	tcase_add_loop_test(t, tells_wrappers_of_the_two_abis_apart, 0, 3);
	tcase_add_loop_test(t, closures_have_a_context, 0, 5);
	tcase_add_loop_test(t, finds_where_g_is_kept, 0, 7);
	tcase_add_test(t, no_byte_leads_astray);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}
