/* Who calls whom, and what runs on system stacks: on a program of a few functions made here. */
#include <check.h>

#include "base/out.h"
#include "diag/reach.h"
#include "go/release.h"

Suite *callgraph_suite(void);

enum {
	TEXT = 0x401000, EACH = 128, FUNCS = 16,	/* every function has EACH bytes */
	RODATA = 0x402000, DATA = 0x403000, SEGMENT = 0x1000,
};

static struct world {
	u8 bytes[3 * SEGMENT];
	struct segment segs[3];
	struct image img;
	struct go_program prog;
	struct go_func funcs[FUNCS];
	struct callgraph g;
	struct reach r;
	bool asked;
	u8 *at;			/* where code is written */
} w;

static void begin(void)
{
	memset(&w, 0, sizeof(w));
	for (size_t i = 0; i < ARRAY_LEN(w.segs); i++)
		w.segs[i] = (struct segment){
			.va = TEXT + i * SEGMENT, .size = SEGMENT, .off = i * SEGMENT,
			.filesz = SEGMENT, .read = true, .exec = !i, .write = i == 2,
		};
	memset(w.bytes, 0xcc, SEGMENT);
	w.img = (struct image){ .bytes = w.bytes, .size = sizeof(w.bytes), .segs = w.segs,
				.nsegs = ARRAY_LEN(w.segs) };
	w.prog = (struct go_program){ .img = &w.img, .rel = release_of(22), .funcs = w.funcs };
	w.prog.md.text_va = TEXT;
	w.prog.md.etext_va = TEXT + FUNCS * EACH;
}

static void end(void)
{
	if (w.asked)
		reach_release(&w.r);
	callgraph_release(&w.g);
	arena_release(&w.prog.arena);
}

static u32 index_of(const char *name)
{
	for (u32 i = 0; i < w.prog.nfuncs; i++)
		if (str_eq(w.funcs[i].name, str_of(name)))
			return i;
	ck_abort_msg("no function %s", name);
}

/* All names first, so that code can call forwards. */
static void functions(const char *const *names)
{
	for (u32 i = 0; names[i]; i++) {
		w.funcs[i] = (struct go_func){ .pc = i * EACH, .size = 1, .room = EACH,
					       .name = str_of(names[i]) };
		w.bytes[i * EACH] = 0xc3;
		w.prog.nfuncs++;
	}
}
#define FUNCTIONS(...) functions((const char *const[]){ __VA_ARGS__, NULL })

static void code(const char *hex)
{
	for (char *e; *hex; hex = e)
		*w.at++ = (u8)strtoul(hex, &e, 16);
}

static void rel32(u64 to)
{
	i32 rel = (i32)(to - (TEXT + (u64)(w.at + 4 - w.bytes)));

	memcpy(w.at, &rel, 4);
	w.at += 4;
}

/* Instructions of one function, up to done(). */
static u32 self;
static void in(const char *name)
{
	self = index_of(name);
	w.at = w.bytes + w.funcs[self].pc;
}

static void call(const char *name)
{
	code("e8");
	rel32(TEXT + w.funcs[index_of(name)].pc);
}

/* lea, or mov, with an operand relative to RIP */
static void rip(const char *opcode, u64 va)
{
	code(opcode);
	rel32(va);
}
#define LEA_RAX "48 8d 05"
#define LEA_RCX "48 8d 0d"
#define LOAD_RDX "48 8b 15"
#define STORE_RAX "48 89 05"

static void done(void)
{
	code("c3");
	w.funcs[self].size = (u32)(w.at - w.bytes) - w.funcs[self].pc;
}

static u64 code_va(const char *name)
{
	return TEXT + w.funcs[index_of(name)].pc;
}

static void word(u64 va, u64 value)
{
	memcpy(w.bytes + (va - TEXT), &value, sizeof(value));
}

static const char *calls_of(const char *name)
{
	static char text[512];
	const struct calls *c;
	size_t n = 0;

	if (!w.g.roles)
		callgraph_make(&w.g, &w.prog);
	c = callgraph_calls(&w.g, index_of(name));
	text[0] = 0;
	for (u32 i = 0; i < c->n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s %.*s", n ? ", " : "",
				      certainty_name(c->at[i].certainty),
				      call_kind_name(c->at[i].kind),
				      STR_F(w.funcs[c->at[i].to].name));
	if (c->unknown)
		snprintf(text + n, sizeof(text) - n, "%s%u unknown", n ? ", " : "", c->unknown);
	return text;
}

/* "stack: name -> name" of the way to a function; empty if it is on no system stack. */
static const char *way_to(const char *name)
{
	static char text[512];
	struct path_step steps[REACH_PATH];
	u32 func = index_of(name);
	size_t n = 0, count;

	if (!w.asked) {
		callgraph_make(&w.g, &w.prog);
		reach_make(&w.r, &w.g);
		w.asked = true;
	}
	text[0] = 0;
	count = reach_path(&w.r, func, steps);
	if (count)
		n += (size_t)snprintf(text, sizeof(text), "%s %s:",
				      w.r.of[func].stack == STACK_G0 ? "g0" : "gsignal",
				      certainty_name(w.r.of[func].certainty));
	for (size_t i = 0; i < count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %.*s%s",
				      STR_F(w.funcs[steps[i].func].name),
				      steps[i].system ? "" : "|");
	return text;
}

START_TEST(direct_calls_and_jumps_out_are_certain)
{
	begin();
	FUNCTIONS("main.f", "main.g", "main.h");
	in("main.f");
	call("main.g");
	call("main.g");
	code("e9");		/* jmp main.h */
	rel32(code_va("main.h"));
	done();
	ck_assert_str_eq(calls_of("main.f"), "certain call main.g, certain jump main.h");
	ck_assert_str_eq(calls_of("main.g"), "");
	end();
}
END_TEST

START_TEST(a_closure_without_captures_handed_to_systemstack)
{
	begin();
	FUNCTIONS("main.f", "main.f.func1", "runtime.systemstack");
	word(RODATA, code_va("main.f.func1"));
	in("main.f");
	rip(LEA_RAX, RODATA);
	code("48 89 04 24");	/* mov [rsp], rax */
	call("runtime.systemstack");
	done();
	ck_assert_str_eq(calls_of("main.f"), "certain call runtime.systemstack, "
					     "certain systemstack main.f.func1");
	end();
}
END_TEST

START_TEST(a_closure_in_the_frame_handed_to_systemstack)
{
	begin();
	FUNCTIONS("main.f", "main.f.func1", "runtime.systemstack");
	in("main.f");
	rip(LEA_RCX, code_va("main.f.func1"));
	code("48 89 4c 24 10");		/* mov [rsp+16], rcx */
	code("48 89 5c 24 18");		/* mov [rsp+24], rbx: what it captures */
	code("48 8d 44 24 10");		/* lea rax, [rsp+16] */
	code("48 89 04 24");
	call("runtime.systemstack");
	done();
	ck_assert_str_eq(calls_of("main.f"), "certain call runtime.systemstack, "
					     "certain systemstack main.f.func1");
	end();
}
END_TEST

/* As `defer` does where it needs no record: the closure, and its address, wait in the frame. */
START_TEST(a_deferred_closure_that_waits_in_the_frame)
{
	begin();
	FUNCTIONS("main.f", "main.f.func1", "main.g");
	in("main.f");
	code("48 83 ec 38");		/* sub rsp, 56 */
	rip(LEA_RCX, code_va("main.f.func1"));
	code("48 89 4c 24 10");
	code("48 8d 54 24 10");		/* lea rdx, [rsp+16] */
	code("48 89 54 24 20");		/* mov [rsp+32], rdx */
	call("main.g");
	code("48 8b 54 24 20");		/* mov rdx, [rsp+32] */
	code("48 8b 02 ff d0");		/* mov rax, [rdx]; call rax */
	code("48 83 c4 38");
	done();
	ck_assert_str_eq(calls_of("main.f"),
			 "certain call main.g, certain func_value main.f.func1");
	end();
}
END_TEST

START_TEST(what_go_and_mcall_are_given_is_in_rax)
{
	begin();
	FUNCTIONS("main.f", "main.new", "main.park", "runtime.newproc", "runtime.mcall");
	word(RODATA, code_va("main.new"));
	word(RODATA + 8, code_va("main.park"));
	in("main.f");
	rip(LEA_RAX, RODATA);
	call("runtime.newproc");
	rip(LEA_RAX, RODATA + 8);
	call("runtime.mcall");
	done();
	ck_assert_str_eq(calls_of("main.f"),
			 "certain call runtime.newproc, certain go main.new, "
			 "certain call runtime.mcall, certain systemstack main.park");
	end();
}
END_TEST

START_TEST(gopark_calls_its_argument_on_g0_or_nothing)
{
	begin();
	FUNCTIONS("main.f", "main.unlock", "runtime.gopark");
	word(RODATA, code_va("main.unlock"));
	in("main.f");
	rip(LEA_RAX, RODATA);
	call("runtime.gopark");
	rip(LEA_RCX, code_va("main.f"));
	code("31 c0");			/* xor eax, eax */
	call("runtime.gopark");
	done();
	ck_assert_str_eq(calls_of("main.f"),
			 "certain call runtime.gopark, certain systemstack main.unlock");
	end();
}
END_TEST

START_TEST(a_func_variable_has_what_it_began_with_and_what_is_stored)
{
	begin();
	FUNCTIONS("main.f", "main.set", "main.first", "main.second");
	word(RODATA, code_va("main.first"));
	word(RODATA + 8, code_va("main.second"));
	word(DATA, RODATA);
	in("main.f");
	rip(LOAD_RDX, DATA);
	code("48 8b 0a ff d1");		/* mov rcx, [rdx]; call rcx */
	done();
	in("main.set");
	rip(LEA_RAX, RODATA + 8);
	rip(STORE_RAX, DATA);
	done();
	ck_assert_str_eq(calls_of("main.f"), "candidate func_value main.first, "
					     "candidate func_value main.second");
	end();
}
END_TEST

START_TEST(a_parameter_is_what_callers_pass)
{
	begin();
	FUNCTIONS("main.f", "main.each", "main.hook");
	word(RODATA, code_va("main.hook"));
	in("main.each");
	code("48 89 c2");		/* mov rdx, rax */
	code("48 8b 0a ff d1");
	done();
	in("main.f");
	rip(LEA_RAX, RODATA);
	call("main.each");
	done();
	ck_assert_str_eq(calls_of("main.each"), "candidate func_value main.hook");
	end();
}
END_TEST

/* The field report with a func value: a setter stores its parameter. */
START_TEST(a_setter_is_followed_to_its_callers)
{
	begin();
	FUNCTIONS("main.f", "main.set", "main.begin", "main.hook");
	word(RODATA, code_va("main.hook"));
	in("main.f");
	rip(LOAD_RDX, DATA);
	code("48 8b 0a ff d1");
	done();
	in("main.set");
	rip(STORE_RAX, DATA);
	done();
	in("main.begin");
	rip(LEA_RAX, RODATA);
	call("main.set");
	done();
	ck_assert_str_eq(calls_of("main.f"), "candidate func_value main.hook");
	end();
}
END_TEST

START_TEST(a_method_in_a_known_itab)
{
	begin();
	FUNCTIONS("main.f", "main.T.One", "main.T.Two");
	word(RODATA + 24, code_va("main.T.One"));
	word(RODATA + 32, code_va("main.T.Two"));
	in("main.f");
	rip(LEA_RAX, RODATA);
	code("48 8b 48 20 ff d1");	/* mov rcx, [rax+32]; call rcx */
	done();
	ck_assert_str_eq(calls_of("main.f"), "certain interface main.T.Two");
	end();
}
END_TEST

START_TEST(what_comes_out_of_the_heap_is_unknown)
{
	begin();
	FUNCTIONS("main.f", "main.g");
	in("main.f");
	code("48 8b 50 08");		/* mov rdx, [rax+8] */
	code("48 8b 0a ff d1");
	call("main.g");
	done();
	ck_assert_str_eq(calls_of("main.f"), "certain call main.g, 1 unknown");
	end();
}
END_TEST

START_TEST(code_that_does_not_decode_says_so)
{
	begin();
	FUNCTIONS("main.f");
	in("main.f");
	code("06");			/* push es: not in 64 bit mode */
	done();
	calls_of("main.f");
	ck_assert(callgraph_calls(&w.g, 0)->undecoded);
	end();
}
END_TEST

/* f calls g, which a closure on g0 calls, too; what that starts as a goroutine is not on g0. */
static void make_stacks(void)
{
	begin();
	FUNCTIONS("runtime.newproc", "runtime.newproc.func1", "runtime.newproc1", "main.f",
		  "main.g", "main.new", "main.after", "runtime.gopanic", "runtime.sigtrampgo",
		  "runtime.systemstack");
	word(RODATA, code_va("runtime.newproc.func1"));
	word(RODATA + 8, code_va("main.new"));
	word(RODATA + 16, code_va("main.g"));
	word(DATA, RODATA + 16);
	in("runtime.newproc");
	rip(LEA_RAX, RODATA);
	code("48 89 04 24");
	call("runtime.systemstack");
	done();
	in("runtime.newproc.func1");
	call("runtime.newproc1");
	done();
	in("runtime.newproc1");
	rip(LOAD_RDX, DATA);
	code("48 8b 0a ff d1");
	done();
	in("main.f");
	call("main.g");
	done();
	in("main.g");
	rip(LEA_RAX, RODATA + 8);
	call("runtime.newproc");
	call("runtime.gopanic");
	done();
	in("runtime.gopanic");
	call("main.after");
	done();
}

START_TEST(the_way_to_a_system_stack)
{
	make_stacks();
	ck_assert_str_eq(way_to("runtime.newproc1"),
			 "g0 certain: runtime.newproc| runtime.newproc.func1 runtime.newproc1");
	ck_assert_str_eq(way_to("main.g"), "g0 candidate: runtime.newproc| "
			 "runtime.newproc.func1 runtime.newproc1 main.g");
	ck_assert_str_eq(way_to("runtime.sigtrampgo"), "gsignal certain: runtime.sigtrampgo");
	end();
}
END_TEST

START_TEST(what_is_on_no_system_stack)
{
	make_stacks();
	ck_assert_str_eq(way_to("main.f"), "");		/* it calls, and is not called */
	ck_assert_str_eq(way_to("main.new"), "");	/* a goroutine of its own */
	ck_assert_str_eq(way_to("main.after"), "");	/* gopanic ends there */
	end();
}
END_TEST

/* The candidate is met first; the certain way is longer. */
START_TEST(a_certain_way_is_taken_before_a_shorter_candidate)
{
	begin();
	FUNCTIONS("runtime.schedule", "runtime.a", "runtime.b", "main.g");
	word(RODATA, code_va("main.g"));
	word(DATA, RODATA);
	in("runtime.schedule");
	rip(LOAD_RDX, DATA);
	code("48 8b 0a ff d1");
	call("runtime.a");
	done();
	in("runtime.a");
	call("runtime.b");
	done();
	in("runtime.b");
	call("main.g");
	done();
	ck_assert_str_eq(way_to("main.g"),
			 "g0 certain: runtime.schedule runtime.a runtime.b main.g");
	end();
}
END_TEST

static bool is_f(const struct callgraph *g, u32 func)
{
	return str_eq(g->prog->funcs[func].name, STR("main.f"));
}

static bool is_new(const struct callgraph *g, u32 func)
{
	return str_eq(g->prog->funcs[func].name, STR("main.new"));
}

/* f calls g, and hands to systemstack what calls `new`; h is a candidate of f. */
static size_t count_from(const struct reach_from *how)
{
	struct reach r;
	size_t n;

	begin();
	FUNCTIONS("main.f", "main.g", "main.h", "main.f.func1", "main.new",
		  "runtime.systemstack");
	word(RODATA, code_va("main.f.func1"));
	word(RODATA + 8, code_va("main.h"));
	word(DATA, RODATA + 8);
	in("main.f");
	call("main.g");
	rip(LEA_RAX, RODATA);
	code("48 89 04 24");
	call("runtime.systemstack");
	rip(LOAD_RDX, DATA);
	code("48 8b 0a ff d1");
	done();
	in("main.f.func1");
	call("main.new");
	done();
	callgraph_make(&w.g, &w.prog);
	reach_from(&r, &w.g, how);
	n = r.order.n;
	reach_release(&r);
	end();
	return n;
}

START_TEST(from_other_functions_and_by_what_is_asked_for)
{
	struct reach_from how = { .begins = is_f, .stack = STACK_ANY };

	ck_assert_uint_eq(count_from(&how), 2);		/* f, g */
	how.candidates = true;
	ck_assert_uint_eq(count_from(&how), 3);		/* h */
	how.handed = true;
	ck_assert_uint_eq(count_from(&how), 5);		/* f.func1, new */
	how.avoids = is_new;
	ck_assert_uint_eq(count_from(&how), 4);
	how.begins = is_new;
	ck_assert_uint_eq(count_from(&how), 0);
}
END_TEST

Suite *callgraph_suite(void)
{
	Suite *s = suite_create("callgraph");
	TCase *t = tcase_create("callgraph");

	suite_add_tcase(s, t);
	tcase_add_test(t, direct_calls_and_jumps_out_are_certain);
	tcase_add_test(t, a_closure_without_captures_handed_to_systemstack);
	tcase_add_test(t, a_closure_in_the_frame_handed_to_systemstack);
	tcase_add_test(t, a_deferred_closure_that_waits_in_the_frame);
	tcase_add_test(t, what_go_and_mcall_are_given_is_in_rax);
	tcase_add_test(t, gopark_calls_its_argument_on_g0_or_nothing);
	tcase_add_test(t, a_func_variable_has_what_it_began_with_and_what_is_stored);
	tcase_add_test(t, a_parameter_is_what_callers_pass);
	tcase_add_test(t, a_setter_is_followed_to_its_callers);
	tcase_add_test(t, a_method_in_a_known_itab);
	tcase_add_test(t, what_comes_out_of_the_heap_is_unknown);
	tcase_add_test(t, code_that_does_not_decode_says_so);
	tcase_add_test(t, the_way_to_a_system_stack);
	tcase_add_test(t, what_is_on_no_system_stack);
	tcase_add_test(t, a_certain_way_is_taken_before_a_shorter_candidate);
	tcase_add_test(t, from_other_functions_and_by_what_is_asked_for);
	return s;
}
