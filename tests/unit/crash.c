/* What a program that died has printed, and what is read out of it. */
#include <check.h>
#include <string.h>

#include "diag/crash.h"
#include "diag/frame.h"

Suite *crash_suite(void);

#define STACK(goroutine, func, place) "\n" goroutine ":\n" func "\n\t" place "\n"
#define MAIN STACK("goroutine 1 [sleep]", "main.main()", "/src/main.go:9 +0x1b5")

static const struct {
	const char *name, *text;
	enum crash_kind kind;
	const char *message, *detail, *culprit;	/* "" none; culprit: "func file line" */
	i64 goid;
	u32 goroutines;
} cases[] = {
	{ "nothing", "all is well\n", CRASH_NONE, "", "", "", 0, 0 },
	{ "goroutines that were asked for", "goroutine 1 [running]:\nmain.main()\n\t/a.go:1 +0x1\n",
	  CRASH_NONE, "", "", "", 0, 0 },
	{ "a zombie",
	  "log line\n"
	  "runtime: marked free object in span 0x7f5e, elemsize=16 freeindex=11 (bad use)\n"
	  "0xc000010000 alloc unmarked\nfatal error: found pointer to free object\n"
	  "\nruntime stack:\nruntime.throw({0x1, 0x2})\n\t/go/panic.go:1 +0x2\n" MAIN STACK(
		  "goroutine 7 [runnable]", "main.(*log).write(0xc000, {0x1, 0x2})",
		  "/src/log.go:31 +0x8"),
	  CRASH_FREE_OBJECT,
	  "runtime: marked free object in span 0x7f5e, elemsize=16 freeindex=11 (bad use)",
	  "fatal error: found pointer to free object", "", 1, 2 },
	{ "a pointer to nothing",
	  "runtime: pointer 0xc0001 to unallocated span span.base()=0x1\n"
	  "fatal error: found bad pointer in Go heap (incorrect use of unsafe or cgo?)\n" MAIN,
	  CRASH_BAD_POINTER,
	  "fatal error: found bad pointer in Go heap (incorrect use of unsafe or cgo?)", "", "", 1,
	  1 },
	{ "a panic in a deferred call",
	  "panic: boom [recovered]\n\tpanic: again\n" STACK(
		  "goroutine 7 [running]", "main.late()", "/src/a.go:9 +0x1")
	  "panic({0x1, 0x2})\n\t/go/src/runtime/panic.go:7 +0x3\nmain.early()\n"
	  "\t/src/a.go:3 +0x1\n", CRASH_PANIC, "panic: boom [recovered]", "",
	  "main.early /src/a.go 3", 7, 1 },
	{ "nil",
	  "panic: runtime error: invalid memory address or nil pointer dereference\n"
	  "[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x49e0b5]\n" STACK(
		  "goroutine 12 [running]", "main.(*names).speak(...)", "/src/main.go:34"),
	  CRASH_NIL, "panic: runtime error: invalid memory address or nil pointer dereference",
	  "[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x49e0b5]",
	  "main.(*names).speak /src/main.go 34", 12, 1 },
	{ "a fault while a string was copied",
	  "unexpected fault address 0xc001000000\nfatal error: fault\n"
	  "[signal SIGSEGV: segmentation violation code=0x1 addr=0xc001000000 pc=0x46]\n"
	  "\ngoroutine 20 gp=0xc000 m=4 mp=0xc001 [running]:\n"
	  "runtime.throw({0x1?, 0x2?})\n\t/go/panic.go:1023 +0x5c fp=0x1 sp=0x2 pc=0x3\n"
	  "runtime.sigpanic()\n\t/go/signal.go:895 +0x285\n"
	  "runtime.memmove()\n\t/go/memmove.s:1 +0x1\n"
	  "main.read({0xc000, 0xbb8})\n\t/src/main.go:70 +0x11\n"
	  "created by main.main in goroutine 1\n\t/src/main.go:12 +0x1\n",
	  CRASH_COPY, "fatal error: fault", "unexpected fault address 0xc001000000",
	  "main.read /src/main.go 70", 20, 1 },
	{ "in the standard library",
	  "panic: runtime error: index out of range [7] with length 3\n\ngoroutine 9 [running]:\n"
	  "time.Sleep(0x1)\n\t/usr/go/src/runtime/time.go:195 +0x1\n"
	  "strings.cut(0x1)\n\t/usr/go/src/strings/cut.go:3 +0x1\n"
	  "example.com/x/internal/y.F(...)\n\t/usr/go/path/y.go:3 +0x1\n",
	  CRASH_LENGTH, "panic: runtime error: index out of range [7] with length 3", "",
	  "example.com/x/internal/y.F /usr/go/path/y.go 3", 9, 1 },
	{ "a slice",
	  "panic: runtime error: slice bounds out of range [:3000] with length 9\n" STACK(
		  "goroutine 5 [running]", "main.cut(0x1)", "C:/x.go:3 +0x1") "exit status 2\n",
	  CRASH_LENGTH, "panic: runtime error: slice bounds out of range [:3000] with length 9", "",
	  "main.cut C:/x.go 3", 5, 1 },
	{ "the wrong type", "panic: interface conversion: interface {} is int, not string\n" MAIN,
	  CRASH_TYPE, "panic: interface conversion: interface {} is int, not string", "",
	  "main.main /src/main.go 9", 1, 1 },
	{ "a deadlock", "fatal error: all goroutines are asleep - deadlock!\n" MAIN, CRASH_FATAL,
	  "fatal error: all goroutines are asleep - deadlock!", "", "main.main /src/main.go 9", 1,
	  1 },
	{ "the program's own panic", "panic: no config\n" MAIN, CRASH_PANIC, "panic: no config", "",
	  "main.main /src/main.go 9", 1, 1 },
	{ "C",
	  "SIGSEGV: segmentation violation\nPC=0x7f m=3 sigcode=1\n\n"
	  "goroutine 0 [idle]:\n" MAIN,
	  CRASH_FAULT, "SIGSEGV: segmentation violation", "", "", 0, 2 },
	{ "labels",
	  "panic: boom\n" STACK("goroutine 7 gp=0xc0 m=4 mp=0xc1 [running] {tenant: \"a b]:\"}",
				"main.f(...)", "/src/a.go:3 +0x1")
	  STACK("goroutine 8 [select labels:{\"a\": \"b\"}]", "main.g()", "/src/a.go:9 +0x1"),
	  CRASH_PANIC, "panic: boom", "", "main.f /src/a.go 3", 7, 2 },
	{ "below a module without a dot",
	  "panic: boom\n\ngoroutine 1 [running]:\nencoding/json.f(...)\n\tencoding/json/d.go:9\n"
	  "shop/db.Query(...)\n\tshop/db/db.go:10\nmain.main()\n\tshop/main.go:5 +0x25\n",
	  CRASH_PANIC, "panic: boom", "", "shop/db.Query shop/db/db.go 10", 1, 1 },
	{ "the first of two", "panic: one\n" MAIN "panic: runtime error: index out of range [1]\n",
	  CRASH_PANIC, "panic: one", "", "main.main /src/main.go 9", 1, 1 },
	{ "cut off",
	  "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 3 [running]:\n"
	  "main.f(0x1, {0x",
	  CRASH_LENGTH, "panic: runtime error: index out of range [5] with length 3", "", "", 3,
	  1 },
};

static bool is(struct str s, const char *z)
{
	return str_eq(s, str_of(z));
}

START_TEST(reads)
{
	OWN(arena) a = { 0 };
	struct crash c;
	const struct crash_frame *f;
	char culprit[200] = "";

	crash_read(&c, str_of(cases[_i].text), &a);
	ck_assert_msg(c.kind == cases[_i].kind, "%s: %s", cases[_i].name, crash_kind_name(c.kind));
	ck_assert_msg(is(c.message, cases[_i].message), "%s: %.*s", cases[_i].name,
		      STR_F(c.message));
	ck_assert_msg(is(c.detail, cases[_i].detail), "%s: %.*s", cases[_i].name, STR_F(c.detail));
	ck_assert_msg(c.ngoroutines == cases[_i].goroutines, "%s: %u", cases[_i].name,
		      c.ngoroutines);
	f = crash_culprit(&c);
	if (f)
		snprintf(culprit, sizeof(culprit), "%.*s %.*s %d", STR_F(f->func), STR_F(f->file),
			 f->line);
	ck_assert_msg(!strcmp(culprit, cases[_i].culprit), "%s: %s", cases[_i].name, culprit);
	if (c.ngoroutines)
		ck_assert_int_eq(c.goroutines[0].id, cases[_i].goid);
}
END_TEST

/* Wherever a logger has put it. */
START_TEST(is_found_in_a_line)
{
	static const char *const more[] = {
		"unexpected fault address 0x7f", "SIGBUS: bus error", "runtime: goroutine stack "
		"exceeds 1000000000-byte limit", "fatal error: runtime: out of memory",
		"panic: strings: negative Repeat count", "SIGSEGV: segmentation violation",
	};
	OWN(arena) a = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases) + ARRAY_LEN(more); i++) {
		const char *text = i < ARRAY_LEN(more) ? more[i] :
				   cases[i - ARRAY_LEN(more)].message;
		const char *behind[] = { "", "10:09:07 api ", "x: y [7]\t" };

		for (size_t k = 0; *text && k < ARRAY_LEN(behind); k++)
			ck_assert_msg(crash_within(str_fmt(&a, "%s%s", behind[k], text)) ==
				      (ptrdiff_t)strlen(behind[k]), "%s%s", behind[k], text);
	}
	ck_assert_int_eq(crash_within(STR("10:09 http: panic serving: x: y")), -1);
	ck_assert_int_eq(crash_within(STR("xpanic: boom")), -1);
}
END_TEST

enum whose { RUNTIME, STD, OWN_CODE };

static const struct {
	const char *func, *file;
	enum whose whose;
} frames[] = {
	{ "runtime.gopanic", "/go/src/runtime/panic.go", RUNTIME },
	{ "runtime/debug.Stack", "runtime/debug/stack.go", RUNTIME },
	{ "internal/poll.runtime_pollWait", "/go/src/runtime/netpoll.go", RUNTIME },
	{ "panic", "/go/src/runtime/panic.go", RUNTIME },
	{ "racecall", "/go/src/runtime/race_amd64.s", RUNTIME },
	{ "", "", RUNTIME },
	{ "encoding/json.Unmarshal", "/usr/local/go/src/encoding/json/decode.go", STD },
	{ "net/http.(*conn).serve", "net/http/server.go", STD },
	{ "sync.runtime_SemacquireWaitGroup", "runtime/sema.go", STD },
	{ "time.Sleep", "/go/src/runtime/time.go", STD },
	{ "slices.SortFunc[...]", "external/sdk/src/slices/sort.go", STD },
	{ "vendor/golang.org/x/net/idna.f", "/go/src/vendor/golang.org/x/net/idna/x.go", STD },
	{ "net._C2func_getaddrinfo", "_cgo_gotypes.go", STD },
	{ "main.main", "/src/main.go", OWN_CODE },
	{ "main.f", "runtime/main.go", OWN_CODE },
	{ "main._Cfunc_f", "_cgo_gotypes.go", OWN_CODE },
	{ "shop/db.Query", "/home/u/shop/db/db.go", OWN_CODE },
	{ "shop/db.Query", "shop/db/db.go", OWN_CODE },
	{ "shop/db.Query", "/home/u/go/src/shop/db/db.go", OWN_CODE },
	{ "shop/runtime.Start", "/src/runtime/start.go", OWN_CODE },
	{ "log/db.Query", "/home/u/log/db/db.go", OWN_CODE },	/* a module of that name */
	{ "racebot/api.F", "/home/u/racebot/api/f.go", OWN_CODE },
	{ "panics.F", "/home/u/panics/f.go", OWN_CODE },
	{ "example.com/x/internal/y.F", "/go/pkg/mod/example.com/x@v1.0.0/internal/y/y.go",
	  OWN_CODE },
	{ "f", "f", OWN_CODE },
};

START_TEST(is_known_whose_code_it_is)
{
	struct str func = str_of(frames[_i].func), file = str_of(frames[_i].file);
	enum whose is = frame_is_runtime(func) ? RUNTIME :
			frame_is_std(func, file) ? STD : OWN_CODE;

	ck_assert_msg(is == frames[_i].whose, "%s %s", frames[_i].func, frames[_i].file);
}
END_TEST

START_TEST(any_part_of_it_is_safe)
{
	const char *text = cases[_i].text;
	OWN(arena) a = { 0 };
	struct crash c;

	for (size_t n = 0; n <= strlen(text); n++) {
		char *part = arena_copy(&a, text, n);

		crash_read(&c, (struct str){ part, n }, &a);
		crash_culprit(&c);
		if (n) {
			part[n - 1] = '\0';
			crash_read(&c, (struct str){ part, n }, &a);
		}
	}
}
END_TEST

Suite *crash_suite(void)
{
	Suite *s = suite_create("crash");
	TCase *t = tcase_create("crash");

	tcase_add_loop_test(t, reads, 0, ARRAY_LEN(cases));
	tcase_add_test(t, is_found_in_a_line);
	tcase_add_loop_test(t, is_known_whose_code_it_is, 0, ARRAY_LEN(frames));
	tcase_add_loop_test(t, any_part_of_it_is_safe, 0, ARRAY_LEN(cases));
	suite_add_tcase(s, t);
	return s;
}
