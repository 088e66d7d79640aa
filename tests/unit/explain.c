/* What is said of a text: kind, how sure, of which function. */
#include <check.h>
#include <string.h>

#include "diag/explain.h"

Suite *explain_suite(void);

#define MAIN "\ngoroutine 1 [running]:\nmain.work(0x1)\n\t/src/main.go:9 +0x1b5\n" \
	     "main.main()\n\t/src/main.go:3 +0x1b\n"
#define CGO "\ngoroutine 1 [syscall]:\nruntime.cgocall(0x1, 0x2)\n" \
	    "\t/go/src/runtime/cgocall.go:1 +0x2\n" \
	    "main._Cfunc_crash()\n\t_cgo_gotypes.go:4 +0x3\n" \
	    "main.work()\n\t/src/main.go:9 +0x1\n"

#define BY_STACK "goroutine 1 [running]:\nruntime/debug.Stack()\n" \
		 "\t/go/src/runtime/debug/stack.go:26 +0x5e\nmain.handle.func1()\n" \
		 "\t/src/main.go:5 +0x3d\npanic({0x4b7620?, 0xc000016090?})\n" \
		 "\t/go/src/runtime/panic.go:792 +0x132\nmain.handle(0x1)\n\t/src/main.go:7 +0x1\n"
#define BY_HAND "goroutine 1 [running]:\nmain.handle.func1()\n" \
		"\t/src/main.go:5 +0x3d\npanic({0x4b7620?, 0xc000016090?})\n" \
		"\t/go/src/runtime/panic.go:792 +0x132\nmain.handle(0x1)\n\t/src/main.go:7 +0x1\n"

#define RACE "==================\nWARNING: DATA RACE\nRead at 0x00c00007c150 by goroutine 8:\n" \
	     "  runtime.mapaccess1()\n      /go/src/runtime/map.go:13 +0x0\n" \
	     "  main.get()\n      /src/main.go:16 +0xba\n\n" \
	     "Previous write at 0x00c00007c150 by goroutine 7:\n" \
	     "  runtime.mapassign()\n      /go/src/runtime/map.go:20 +0x0\n" \
	     "  main.put()\n      /src/main.go:15 +0xb4\n\n" \
	     "Goroutine 8 (running) created at:\n  main.main()\n      /src/main.go:27 +0x1\n\n" \
	     "Goroutine 7 (finished) created at:\n  main.main()\n      /src/main.go:26 +0x1\n" \
	     "==================\n"

static const struct {
	const char *name, *text, *kind;
	enum sureness sure;
	bool cause;
	const char *func;	/* "" none */
} cases[] = {
	{ "nothing", "all is well\n", "unknown", UNKNOWN, false, "" },
	{ "an end that nobody knows", "fatal error: what is that\n" MAIN, "unknown", UNKNOWN, false,
	  "main.work" },
	{ "a quit", "SIGQUIT: quit\nPC=0x46c6a0 m=0 sigcode=0\n" MAIN, "stopped", CERTAIN, false,
	  "" },
	{ "an abort from outside", "SIGABRT: abort\nPC=0x46c6a0 m=0 sigcode=0\n" MAIN, "stopped",
	  CERTAIN, false, "" },
	{ "an abort from outside, in C",
	  "SIGABRT: abort\nPC=0x7f1 m=0 sigcode=0\nsignal arrived during cgo execution\n" CGO,
	  "stopped", CERTAIN, false, "" },
	{ "C that gave up",
	  "SIGABRT: abort\nPC=0x7f1 m=0 sigcode=18446744073709551610\n"
	  "signal arrived during cgo execution\n" CGO, "fault_in_c", CERTAIN, true, "main.work" },
	{ "a division in C",
	  "SIGFPE: floating-point exception\nPC=0x508026 m=0 sigcode=1\n"
	  "signal arrived during cgo execution\n" CGO, "fault_in_c", CERTAIN, true, "main.work" },
	{ "C that gave up in a place that nothing tells of",
	  "SIGABRT: abort\nPC=0x7f1 m=3 sigcode=18446744073709551610\n\ngoroutine 0 [idle]:\n"
	  "runtime: g 0: unknown pc 0x7f1\n" MAIN, "fault_in_c", LIKELY, true, "" },
	{ "no thread, where C makes it",
	  "runtime/cgo: runtime/cgo: pthread_create failed: Resource temporarily unavailable\nup\n"
	  "SIGABRT: abort\nPC=0x7f1 m=3 sigcode=18446744073709551610\n\ngoroutine 0 [idle]:\n"
	  "runtime: unknown pc 0x7f1\n" MAIN, "threads_exhausted", CERTAIN, true, "main.work" },
	{ "a fault in C",
	  "fatal error: unexpected signal during runtime execution\n"
	  "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x7f00]\n\n"
	  "runtime stack:\nruntime.throw({0x1, 0x2})\n\t/go/src/runtime/panic.go:1 +0x2\n" CGO,
	  "fault_in_c", CERTAIN, true, "main.work" },
	{ "a zombie",
	  "runtime: marked free object in span 0x7f5e, elemsize=16 freeindex=11 (bad use)\n"
	  "fatal error: found pointer to free object\n" MAIN, "marked_free_object", LIKELY, true,
	  "" },
	{ "a bad pointer",
	  "fatal error: found bad pointer in Go heap (incorrect use of unsafe or cgo?)\n" MAIN,
	  "bad_pointer", LIKELY, true, "" },
	{ "a return probe",
	  "runtime: g 1: unexpected return pc for main.work called from 0x7fffffffe000\n"
	  "stack: frame={sp:0xc00004}\nfatal error: unknown caller pc\n" MAIN,
	  "foreign_return_address", CERTAIN, true, "main.work" },
	{ "a return address that is not known",
	  "runtime: g 1: unexpected return pc for main.work called from 0x1234\n"
	  "fatal error: unknown caller pc\n" MAIN, "foreign_return_address", LIKELY, true,
	  "main.work" },
	{ "the stack of g0", "fatal error: morestack on g0\n" MAIN, "stack_on_g0", CERTAIN, true,
	  "main.work" },
	{ "a stack split", "fatal error: runtime: stack split at bad time\n" MAIN, "stack_split",
	  CERTAIN, true, "main.work" },
	{ "a checked pointer",
	  "fatal error: checkptr: converted pointer straddles multiple allocations\n" MAIN,
	  "checkptr", CERTAIN, true, "main.work" },
	{ "a sum that does not match", "panic: fips140: verification mismatch\n" MAIN,
	  "fips_selfcheck", CERTAIN, true, "main.work" },
	{ "a setting that is none", "panic: fips140: unknown GODEBUG setting fips140=1\n" MAIN,
	  "panic", CERTAIN, true, "main.work" },
	{ "no thread",
	  "runtime: failed to create new OS thread (have 5 already; errno=11)\n"
	  "runtime: may need to increase max user processes (ulimit -u)\n"
	  "fatal error: newosproc\n" MAIN, "threads_exhausted", CERTAIN, true, "main.work" },
	{ "an instruction that is not there",
	  "SIGILL: illegal instruction\nPC=0x46c6a0 m=0 sigcode=2\n" MAIN, "illegal_instruction",
	  LIKELY, true, "main.work" },
	{ "a lock", "fatal error: sync: unlock of unlocked mutex\n" MAIN, "sync_misuse", CERTAIN,
	  true, "main.work" },
	{ "a lock of readers", "fatal error: sync: RUnlock of unlocked RWMutex\n" MAIN,
	  "sync_misuse", CERTAIN, true, "main.work" },
	{ "a setting of cgo", "fatal error: cgocheck > 1 mode is no longer supported at runtime. "
	  "Use GOEXPERIMENT=cgocheck2 at build time instead.\n" MAIN, "unknown", UNKNOWN, false,
	  "main.work" },
	{ "a Go pointer in C", "write of Go pointer 0xc000010000 to non-Go memory 0x7f00\n"
	  "fatal error: Go pointer stored into non-Go memory\n" MAIN, "cgo_misuse", CERTAIN, true,
	  "main.work" },
	{ "the same from Go 1.21 on",
	  "fatal error: unpinned Go pointer stored into non-Go memory\n" MAIN, "cgo_misuse",
	  CERTAIN, true, "main.work" },
	{ "an argument", "panic: runtime error: cgo argument has Go pointer to Go pointer\n" MAIN,
	  "cgo_misuse", CERTAIN, true, "main.work" },
	{ "the same from Go 1.26 on", "panic: runtime error: argument of cgo function has Go "
	  "pointer to unpinned Go slice\n" MAIN, "cgo_misuse", CERTAIN, true, "main.work" },
	{ "a result", "panic: runtime error: cgo result is unpinned Go pointer or points to "
	  "unpinned Go pointer\n" MAIN, "cgo_misuse", CERTAIN, true, "main.work" },
	{ "the same from Go 1.26 on", "panic: runtime error: _cgo_gotypes.go:56: result of Go "
	  "function give called from cgo is unpinned Go string or points to unpinned Go string\n"
	  MAIN, "cgo_misuse", CERTAIN, true, "main.work" },
	{ "a fault on g0 that is not the detector's",
	  "SIGSEGV: segmentation violation\nPC=0x41d5f0 m=0 sigcode=1 addr=0x10\n\n"
	  "goroutine 0 [idle]:\n" MAIN, "wild_address", CERTAIN, true, "main.work" },
	{ "kill -SEGV",
	  "SIGSEGV: segmentation violation\nPC=0x40ee2e m=0 sigcode=0 addr=0x503d\n" MAIN,
	  "stopped", CERTAIN, false, "" },
	{ "tgkill", "SIGBUS: bus error\nPC=0x40ee2e m=0 sigcode=18446744073709551610 addr=0x503d\n"
	  MAIN, "stopped", CERTAIN, false, "" },
	{ "tgkill, of which the runtime made a panic",
	  "panic: runtime error: invalid memory address or nil pointer dereference\n[signal "
	  "SIGSEGV: segmentation violation code=0xfffffffffffffffa addr=0x3 pc=0x40ee2e]\n" MAIN,
	  "stopped", CERTAIN, false, "" },
	{ "kill -ILL", "SIGILL: illegal instruction\nPC=0x46c6a0 m=0 sigcode=0\n" MAIN, "stopped",
	  CERTAIN, false, "" },
	{ "kill -SYS, and the stacks of other threads",
	  "SIGSYS: bad system call\nPC=0x48bfc1 m=0 sigcode=0\n" MAIN "\n-----\n\n"
	  "SIGQUIT: quit\nPC=0x46c6a1 m=1 sigcode=0\n" MAIN, "stopped", CERTAIN, false, "" },
	{ "a signal that nothing raises by itself",
	  "SIGSTKFLT: stack fault\nPC=0x48bfc1 m=0 sigcode=0\n" MAIN, "stopped", CERTAIN, false,
	  "" },
	{ "seccomp", "SIGSYS: bad system call\nPC=0x48bfc1 m=0 sigcode=1\n" MAIN,
	  "refused_system_call", CERTAIN, true, "main.work" },
	{ "an address that no pointer can have",
	  "SIGSEGV: segmentation violation\nPC=0x41d5f0 m=0 sigcode=128 addr=0x0\n" MAIN,
	  "wild_address", CERTAIN, true, "main.work" },
	{ "any address, as a panic (debug.SetPanicOnFault)",
	  "panic: runtime error: invalid memory address or nil pointer dereference\n[signal "
	  "SIGSEGV: segmentation violation code=0x1 addr=0x7f1200000000 pc=0x47b6a1]\n" MAIN,
	  "wild_address", CERTAIN, true, "main.work" },
	{ "a panic", "panic: boom\n" MAIN, "panic", CERTAIN, true, "main.work" },
	{ "a panic below a module without a dot",
	  "panic: boom\n\ngoroutine 7 [running]:\nencoding/json.f(...)\n"
	  "\t/go/src/encoding/json/decode.go:9\nshop/db.Query(...)\n\t/home/u/shop/db/db.go:10\n"
	  "created by main.main\n\t/home/u/shop/main.go:5 +0x25\n", "panic", CERTAIN, true,
	  "shop/db.Query" },
	{ "a panic of a goroutine that has labels",
	  "panic: boom\n\ngoroutine 7 [running] {a: b, \"c d\": \"x]:\"}:\nmain.work(0x1)\n"
	  "\t/src/main.go:9 +0x1b5\n", "panic", CERTAIN, true, "main.work" },
	{ "the same by Go 1.26",
	  "panic: boom\n\ngoroutine 7 [running labels:{\"a\": \"b]\"}]:\nmain.work(0x1)\n"
	  "\t/src/main.go:9 +0x1b5\n", "panic", CERTAIN, true, "main.work" },
	{ "a panic behind what had no end", "50 % panic: boom\n" MAIN, "panic", CERTAIN, true,
	  "main.work" },
	{ "a panic of several lines", "panic: one\ntwo\n" MAIN, "panic", CERTAIN, true,
	  "main.work" },
	{ "a panic without its goroutine", "panic: boom\nexit status 2\n", "panic", LIKELY, true,
	  "" },
	{ "a line like a panic's", "panic: is not a panic\nall is well\n", "unknown", UNKNOWN,
	  false, "" },
	{ "a logger's line", "INFO: panic: button pressed at the disco\n", "unknown", UNKNOWN,
	  false, "" },
	{ "a logger's line, and others",
	  "msg=\"starts\"\nmsg=\"recovered from panic: boom\"\nmsg=\"goes on\"\n", "unknown",
	  UNKNOWN, false, "" },
	{ "what was recovered, and logged", "2026/11/30 06:20:42 panic: boom\n" BY_STACK
	  "2026/11/30 06:20:42 goes on\n", "unknown", UNKNOWN, false, "" },
	{ "what was recovered, and logged with runtime.Stack", "panic: boom\n" BY_HAND, "unknown",
	  UNKNOWN, false, "" },
	{ "what was recovered, and a panic", "2026/11/30 06:20:12 panic: boom\n" BY_STACK
	  "panic: the real one\n" MAIN, "panic", CERTAIN, true, "main.work" },
	{ "what was recovered, and a deadlock", "panic: boom\n" BY_HAND
	  "fatal error: all goroutines are asleep - deadlock!\n" MAIN, "deadlock", CERTAIN, true,
	  "main.work" },
	{ "a line like a panic's, and goroutines that were asked for",
	  "panic: is not a panic\n\ngoroutine 1 [chan receive]:\nmain.work(0x1)\n"
	  "\t/src/main.go:9 +0x1b5\n", "unknown", UNKNOWN, false, "" },
	{ "data races", RACE RACE "exit status 66\n", "data_race", CERTAIN, true, "main.put" },
	{ "a data race in the standard library",
	  "WARNING: DATA RACE\nWrite at 0x1 by goroutine 9:\n  bytes.(*Buffer).Next()\n"
	  "      /go/src/bytes/buffer.go:359 +0x1\n  main.take()\n      /src/a.go:77 +0x1\n\n"
	  "Previous write at 0x1 by goroutine 8:\n  bytes.(*Buffer).Write()\n"
	  "      /go/src/bytes/buffer.go:206 +0x3\n  main.put()\n      /src/a.go:70 +0x1\n"
	  "==================\n", "data_race", CERTAIN, true, "main.take" },
	{ "a data race of one function",
	  "WARNING: DATA RACE\nRead at 0x1 by main goroutine:\n  main.put()\n"
	  "      /src/main.go:5 +0x1\n\nPrevious write at 0x1 by goroutine 9:\n  main.put()\n"
	  "      /src/main.go:6 +0x1\n==================\n", "data_race", CERTAIN, true,
	  "main.put" },
	{ "a data race whose stacks are gone",
	  "WARNING: DATA RACE\nWrite at 0x1 by goroutine 7:\n  [failed to restore the stack]\n\n"
	  "Previous write at 0x1 by goroutine 9:\n  [failed to restore the stack]\n", "data_race",
	  CERTAIN, true, "" },
	{ "a data race that is cut", "WARNING: DATA RACE\nWrite at 0x1 by gor", "data_race",
	  CERTAIN, true, "" },
	{ "a data race, and a death", RACE "panic: boom\n" MAIN, "panic", CERTAIN, true,
	  "main.work" },
	{ "too many goroutines for the detector",
	  "race: limit on 8128 simultaneously alive goroutines is exceeded, dying\n",
	  "race_detector_goroutines", CERTAIN, true, "" },
	{ "no memory for the detector",
	  "==29331==ERROR: ThreadSanitizer failed to allocate 0x40000 (262144) bytes at address "
	  "6001407c0000 (errno: 12)\nFATAL: ThreadSanitizer can not mmap thread trace "
	  "(0x6001407c0000/0x000000040000)\n", "race_detector_memory", CERTAIN, true, "" },
	{ "no memory for a newer one",
	  "==29375==ERROR: ThreadSanitizer: out of memory: failed to allocate 0x20000 (131072) "
	  "bytes of TracePart (error code: 12)\nThreadSanitizer: CHECK failed: "
	  "sanitizer_common.cpp:61 \"((0 && \"unable to mmap\")) != (0)\" (0x0, 0x0)\n",
	  "race_detector_memory", CERTAIN, true, "" },
	{ "no memory for itself",
	  "==4807==FATAL: ThreadSanitizer: internal allocator is out of memory trying to allocate "
	  "0xfef8 bytes\n", "race_detector_memory", CERTAIN, true, "" },
	{ "a detector that fails",
	  "ThreadSanitizer: CHECK failed: tsan_rtl.cpp:61 \"((x)) != (0)\" (0x0, 0x0)\n",
	  "race_detector_failed", CERTAIN, true, "" },
	{ "a line like a panic's, and what net/http has recovered",
	  "panic: is not a panic\nhttp: panic serving 127.0.0.1:34144: boom\n" BY_HAND, "unknown",
	  UNKNOWN, false, "" },
};

START_TEST(says_what_it_was)
{
	OWN(arena) a = { 0 };
	struct death d = { .a = &a };
	struct diagnosis found;

	death_of_text(&d, str_of(cases[_i].text));
	explain(&found, &d);
	ck_assert_msg(!strcmp(found.kind, cases[_i].kind), "%s: %s", cases[_i].name, found.kind);
	ck_assert_msg(found.certainty == cases[_i].sure, "%s: %s", cases[_i].name,
		      sureness_name(found.certainty));
	ck_assert_msg(found.cause == cases[_i].cause, "%s", cases[_i].name);
	ck_assert_msg(str_eq(found.func, str_of(cases[_i].func)), "%s: %.*s", cases[_i].name,
		      STR_F(found.func));
	ck_assert_uint_gt(found.summary.n, 0);
}
END_TEST

#define FAULT "unexpected fault address 0xc001000000\nfatal error: fault\n" \
	      "[signal SIGSEGV: segmentation violation code=0x1 addr=0xc001000000 pc=0x46]\n" MAIN
#define ALL_STACKS "SIGQUIT: quit\nPC=0x46c6a0 m=0 sigcode=0\n" MAIN "\n-----\n\n" \
		   "SIGQUIT: quit\nPC=0x46c6a1 m=1 sigcode=0\n" MAIN

static const struct {
	const char *log, *kind;
	u32 earlier;
} several[] = {
	{ "panic: boom\n" MAIN, "panic", 0 },
	{ "panic: boom\n" MAIN "restarted\nfatal error: concurrent map writes\n" MAIN,
	  "concurrent_map", 1 },
	{ "fatal error: concurrent map writes\n" MAIN "panic: boom\n" MAIN, "panic", 1 },
	{ "panic: a\n" MAIN "panic: b\n" MAIN "\nfatal error: all goroutines are asleep - "
	  "deadlock!\n" MAIN, "deadlock", 2 },
	{ "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\nagain\n"
	  "fatal error: concurrent map writes\n" MAIN, "concurrent_map", 1 },
	{ "panic: one\n" MAIN "SIGQUIT: quit\nPC=0x46c6a0 m=0 sigcode=0\n" MAIN, "stopped", 1 },
	/* what was recovered is no death, before or behind */
	{ "panic: a\n" BY_STACK "panic: b\n" MAIN "2026/11/30 06:20:12 panic: c\n" BY_STACK,
	  "panic", 0 },
	/* lines of one death */
	{ "panic: one\n\tpanic: two\n\tpanic: three\n" MAIN, "panic", 0 },
	{ "panic: one [recovered]\n\tpanic: one\n" MAIN, "panic", 0 },
	{ FAULT, "wild_address", 0 },
	{ FAULT "restarted\n" FAULT, "wild_address", 1 },
	{ "panic: one\n\tpanic: fatal error: panic while printing panic value\n" MAIN, "panic",
	  0 },
	{ "fatal error: concurrent map writes\n\nruntime stack:\nruntime.throw({0x1, 0x2})\n"
	  "\t/go/src/runtime/panic.go:1 +0x2\n" MAIN "fatal error: unexpected signal during "
	  "runtime execution\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]\n"
	  "panic during panic\n", "concurrent_map", 0 },
	{ "runtime: goroutine stack exceeds 1000000000-byte limit\nruntime: sp=0xc0200e0388 "
	  "stack=[0xc0200e0000, 0xc0400e0000]\nfatal error: stack overflow\n" MAIN,
	  "stack_overflow", 0 },
	{ ALL_STACKS, "stopped", 0 },
	{ "panic: boom\n" MAIN "\n-----\n\n" ALL_STACKS, "panic", 0 },
};

START_TEST(tells_of_the_last_of_several)
{
	OWN(arena) a = { 0 };
	struct death d = { .a = &a };
	struct diagnosis found;

	death_of_text(&d, str_of(several[_i].log));
	explain(&found, &d);
	ck_assert_msg(!strcmp(found.kind, several[_i].kind), "%d: %s", _i, found.kind);
	ck_assert_uint_eq(d.earlier, several[_i].earlier);
	if (d.earlier)
		ck_assert_int_ge(str_find(found.evidence[found.nevidence - 1],
					  STR("the last that is told of; there")), 0);
}
END_TEST

#define BAD "fatal error: found bad pointer in Go heap (incorrect use of unsafe or cgo?)\n" MAIN
#define ZOMBIES "runtime: marked free object in span 0x7f5e, elemsize=16 freeindex=11 (bad use)\n"
#define OBJECT_OF_32 "object=0xc0000ae040 s.base()=0xc0000ae000 s.limit=0xc0000b0000 " \
		     "s.spanclass=8 s.elemsize=32 s.state=mSpanInUse\n"
#define ON_A_STACK "object=0xc000060000 s.base()=0xc000060000 s.limit=0xc000068000 s.spanclass=0 " \
		   "s.elemsize=0 s.state=mSpanManual\n"
static const struct {
	const char *text, *says, *not;
} heaps[] = {
	{ "runtime: pointer 0xc000100028 to unallocated span span.base()=0xc0000c4000 "
	  "span.limit=0xc0000cc000 span.state=0\n" BAD, "0xc000100028 lies where no "
	  "object is (any more)", NULL },
	{ "runtime: pointer 0xc000100028 to unallocated span span.base()=0xc000100000 "
	  "span.limit=0xc000102000 span.state=2\n" BAD, "0xc000100028 lies where a stack is",
	  NULL },
	{ "runtime: pointer 0xc000101ff8 to unused region of span span.base()=0xc000100000 "
	  "span.limit=0xc000101ff0 span.state=1\n" BAD,
	  "0xc000101ff8 lies where no object is, outside of those from 0xc000100000 to "
	  "0xc000101ff0", NULL },
	{ "runtime: found in object at *(0xc0000ae040+0x10)\n"
	  "object=0xc0000ae040 s.base()=0xc0000ae000 s.limit=0xc0000b0000 s.spanclass=8 "
	  "s.elemsize=32 s.state=mSpanInUse\n *(object+0) = 0xc0000ae020\n *(object+8) = 0x0\n"
	  " *(object+16) = 0xc000100028 <==\n *(object+24) = 0x4d\n" BAD,
	  "it stands in an object of up to 32 bytes (size class 4) at 0xc0000ae040, 16 behind its "
	  "beginning|the word before it is 0x0, the word behind it 0x4d, which may be the length",
	  NULL },
	{ "runtime: found in object at *(0x5b0000+0x8)\nobject=0x5b0000 s=nil\n" BAD,
	  "it stands outside the heap, at 0x5b0008", NULL },
	{ "runtime: found in object at *(0xc000060000+0x0)\nobject=0xc000060000 "
	  "s.base()=0xc000060000 s.limit=0xc000068000 s.spanclass=0 s.elemsize=0 "
	  "s.state=mSpanManual\n *(object+0) = 0xc000100028 <==\n" BAD,
	  "it stands on a stack, at 0xc000060000", NULL },
	{ "runtime: found in object at *(0xc000060000+0x8)\n" ON_A_STACK
	  " *(object+0) = 0x7\n *(object+8) = 0xc000100028 <==\n" BAD,
	  "it stands on a stack, at 0xc000060008|the word before it is 0x7", "last one" },
	{ "runtime: found in object at *(0xc0000ae040+0x18)\n" OBJECT_OF_32
	  " *(object+0) = 0x1\n *(object+8) = 0x0\n *(object+16) = 0x4d\n"
	  " *(object+24) = 0xc000100028 <==\n" BAD,
	  "it is the object's last one; the word before it is 0x4d", "first one" },
	{ "runtime: found in object at *(0xc0000ae040+0x0)\n" OBJECT_OF_32
	  " *(object+0) = 0xc000100028 <==\n *(object+8) = 0x4d\n *(object+16) = 0x0\n" BAD,
	  "it is the first one there; the word behind it is 0x4d, which may be the length of",
	  "last one" },
	/* a large object, of which not all is printed */
	{ "runtime: found in object at *(0xc0000ae040+0x10)\n" OBJECT_OF_32
	  " *(object+0) = 0x1\n *(object+8) = 0x2\n *(object+16) = 0xc000100028 <==\n" BAD,
	  "the word before it is 0x2", "last one" },
	{ "runtime: found in object at *(0xc0000ae040+0x10)\n" OBJECT_OF_32
	  " *(object+16) = 0xc000100028 <==\n *(object+24) = 0xffffffff\n" BAD,
	  "the word behind it is 0xffffffff", "last one|first one|may be the length" },
	{ ZOMBIES "0xc000012000 alloc marked  \n0xc000012010 free  marked   zombie\n"
	  "0xc000012010:  0x1\n0xc000012020 free  unmarked\n0xc000012030 free  marked   zombie\n"
	  "fatal error: found pointer to free object\n" MAIN,
	  "of the objects of 16 bytes 2 are free, and yet something led there: 0xc000012010, "
	  "0xc000012030", NULL },
	{ ZOMBIES "fatal error: found pointer to free object\n" MAIN,
	  "something led to a free object of 16 bytes; which one it was is not printed", NULL },
	{ "runtime: pointer 0x\nruntime: found in object at *(\n" BAD, "the collector found it",
	  NULL },
};

static bool has_any(struct str all, struct str of, bool every)
{
	while (of.n) {
		ptrdiff_t bar = str_find(of, STR("|"));
		bool has = str_find(all, str_cut(of, 0, bar < 0 ? of.n : (size_t)bar)) >= 0;

		if (has != every)
			return has;
		of = bar < 0 ? STR("") : str_cut(of, (size_t)bar + 1, of.n);
	}
	return every;
}

static struct str evidence_of(const struct diagnosis *found, struct arena *a)
{
	struct str all = STR("");

	for (u32 i = 0; i < found->nevidence; i++)
		all = str_fmt(a, "%.*s\n%.*s", STR_F(all), STR_F(found->evidence[i]));
	return str_fmt(a, "%.*s\n%.*s", STR_F(all), STR_F(found->why));
}

START_TEST(tells_what_is_printed_of_a_heap)
{
	OWN(arena) a = { 0 };
	struct death d = { .a = &a };
	struct diagnosis found;
	struct str all;

	death_of_text(&d, str_of(heaps[_i].text));
	explain(&found, &d);
	all = evidence_of(&found, &a);
	ck_assert_msg(has_any(all, str_of(heaps[_i].says), true), "%d: %.*s", _i, STR_F(all));
	ck_assert_msg(!heaps[_i].not || !has_any(all, str_of(heaps[_i].not), false), "%d: %.*s",
		      _i, STR_F(all));
}
END_TEST

#define NIL "panic: runtime error: invalid memory address or nil pointer dereference"
#define AT_8 "[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x49a100]\n"
#define DEFERRED "\ngoroutine 1 [running]:\nmain.work.func1()\n\t/src/main.go:20 +0x6e\n" \
		 "panic({0x55c598?, 0x56f370?})\n\t/go/src/runtime/panic.go:859 +0x125\n" \
		 "main.work(0x0?)\n\t/src/main.go:9\nmain.main()\n\t/src/main.go:3 +0x1b\n"
#define ALARM "\ngoroutine 5 [running]:\ntesting.(*M).startAlarm.func1()\n" \
	      "\t/go/src/testing/testing.go:2961 +0x34a\n\ngoroutine 1 [chan receive]:\n" \
	      "testing.(*T).Run(0x1)\n\t/go/src/testing/testing.go:2268 +0x4f2\n" \
	      "testing.tRunner(0x1)\n\t/go/src/testing/testing.go:2195 +0xea\n" \
	      "main.main()\n\t_testmain.go:54 +0x9b\n"
#define RUNS(name, goid) "\ngoroutine " goid " [sync.Mutex.Lock]:\nsync.(*Mutex).Lock(...)\n" \
	"\t/go/src/sync/mutex.go:46\nruntime.f()\n\t/go/src/runtime/sema.go:95 +0x25\n" \
	"x.helper(0x1)\n\t/src/x_test.go:6 +0x34\nx." name "(0x1)\n\t/src/x_test.go:4 +0x49\n" \
	"testing.tRunner(0x1)\n\t/go/src/testing/testing.go:2195 +0xea\n" \
	"created by testing.(*T).Run in goroutine 1\n\t/go/src/testing/testing.go:2260 +0x4d4\n"
#define EIGHT(text) text text text text text text text text
#define LOCKS "\ngoroutine 8 [sync.Mutex.Lock]:\nmain.f()\n\t/src/a.go:7 +0x1\n"
#define TWICE "\ngoroutine 1 gp=0xc000 m=0 mp=0xa17e20 [running]:\n" \
	      "panic({0x1, 0x2})\n\t/go/src/runtime/panic.go:859 +0x125\n" \
	      "main.close()\n\t/src/main.go:30 +0x1\n" \
	      "panic({0x1, 0x2})\n\t/go/src/runtime/panic.go:859 +0x125\n" \
	      "main.work.func1()\n\t/src/main.go:20 +0x6e\n" \
	      "panic({0x1, 0x2})\n\t/go/src/runtime/panic.go:859 +0x125\n" \
	      "runtime.goPanicIndex(0x3, 0x0)\n\t/go/src/runtime/panic.go:115 +0x74\n" \
	      "main.work(0x0?)\n\t/src/main.go:9\n"

static const struct {
	const char *text, *kind, *summary, *says, *not;
} summaries[] = {
	{ NIL " [recovered, repanicked]\n" AT_8 DEFERRED, "nil_dereference",
	  "nil dereference in main.work", "the address: 0x8|in main.work /src/main.go:9|"
	  "recovered and panicked again in main.work.func1 /src/main.go:20", "then, " },
	{ NIL " [recovered]\n\t" NIL "\n" AT_8 DEFERRED, "nil_dereference",
	  "nil dereference in main.work", "the address: 0x8|recovered and panicked again in "
	  "main.work.func1", "then, " },
	{ "panic: no port\n\t" NIL "\n" AT_8 DEFERRED, "panic", "panic: no port, in main.work",
	  "panic: no port|at /src/main.go:9|then, while it ran deferred calls, in main.work.func1 "
	  "/src/main.go:20: " NIL, "0x8" },
	/* two faults: the signal is the second one's */
	{ NIL "\n\t" NIL "\n" AT_8 DEFERRED, "nil_dereference", "nil dereference in main.work",
	  "then, while it ran deferred calls, in main.work.func1", "0x8|panicked again" },
	{ "panic: one [recovered]\n\tpanic: two: one\n" DEFERRED, "panic",
	  "panic: one, in main.work", "in main.work.func1 /src/main.go:20: panic: two: one",
	  "panicked again" },
	{ "panic: runtime error: index out of range [3] with length 0 [recovered, repanicked]\n"
	  "\tpanic: no\n" TWICE, "runtime_error",
	  "panic: runtime error: index out of range [3] with length 0, in main.work",
	  "recovered and panicked again in main.work.func1 /src/main.go:20|in main.close "
	  "/src/main.go:30: panic: no", NULL },
	{ NIL "\n" AT_8 DEFERRED, "nil_dereference", "nil dereference in main.work",
	  "then, while it ran deferred calls, in main.work.func1", "0x8|panicked again" },
	{ "panic: boom [recovered, repanicked]\n" TWICE, "panic", "panic: boom, in main.work",
	  "again in main.work.func1|again in main.close", "then" },
	{ "unexpected fault address 0x68c23d\nfatal error: fault\n[signal SIGSEGV: segmentation "
	  "violation code=0x2 addr=0x68c23d pc=0x620db7]\n" MAIN, "wild_address",
	  "main.work touched memory in a way that is not permitted there", "0x68c23d", NULL },
	{ "unexpected fault address 0x0\nfatal error: fault\n[signal SIGSEGV: segmentation "
	  "violation code=0x80 addr=0x0 pc=0x620db7]\n" MAIN, "wild_address",
	  "main.work touched memory that is not there", "not canonical", "the address: 0x" },
	{ "runtime: program exceeds 10-thread limit\nfatal error: thread exhaustion\n" MAIN,
	  "threads_exhausted", "more than 10 threads: the limit that was set (debug.SetMaxThreads)",
	  "in main.work", NULL },
	{ "runtime: program exceeds 10000-thread limit\nfatal error: thread exhaustion\n" MAIN,
	  "threads_exhausted", "more than 10000 threads: Go's own limit", "in main.work", NULL },
	{ "runtime: goroutine stack exceeds 1048576-byte limit\nfatal error: stack overflow\n",
	  "stack_overflow", "a goroutine's stack grew beyond its limit (1048576 bytes)",
	  "fatal error: stack overflow", NULL },
	{ "panic: test timed out after 1s\n\trunning tests:\n\t\tTestHang (1s)\n\t\tTestOther/a "
	  "(0s)\n" ALARM RUNS("TestHang", "18"), "test_timeout", "the tests took longer than their "
	  "limit, 1s; what ran: TestHang (1s), TestOther/a (0s)", "panic: test timed out after 1s|"
	  "goroutine 18 runs x.TestHang, and is there [sync.Mutex.Lock]: x.helper /src/x_test.go:6",
	  "goroutine 1 " },
	{ "panic: test timed out after 1s\nrunning tests:\n\tTestHang (1s)\n" ALARM,
	  "test_timeout", "the tests took longer than their limit, 1s; what ran: TestHang (1s)",
	  "panic: ", "runs" },
	{ "panic: test timed out after 1s\n" ALARM RUNS("TestHang", "18") RUNS("TestB", "19"),
	  "test_timeout", "the tests took longer than their limit, 1s", "goroutine 18 runs "
	  "x.TestHang|goroutine 19 runs x.TestB", NULL },
	/* a test whose parts run in parallel waits for them in code of testing's */
	{ "panic: test timed out after 1s\n" ALARM "\ngoroutine 7 [chan receive]:\n"
	  "testing.tRunner.func1()\n\t/go/src/testing/testing.go:2144 +0x1\n"
	  "testing.tRunner(0x1)\n\t/go/src/testing/testing.go:2195 +0x1\n"
	  EIGHT(EIGHT(LOCKS)) RUNS("TestHang", "18"), "test_timeout",
	  "the tests took longer than their limit, 1s", "goroutine 18 runs x.TestHang",
	  "goroutine 7 " },
	{ "fatal error: all goroutines are asleep - deadlock!\n" EIGHT(EIGHT(LOCKS))
	  "\ngoroutine 9 [chan receive]:\nmain.g()\n\t/src/a.go:9 +0x1\n", "deadlock",
	  "every goroutine waits, and nobody is left to wake one", "taken in two orders",
	  "locked twice" },
	{ "fatal error: all goroutines are asleep - deadlock!\n\n"
	  "goroutine 1 [chan send] {\"a\\\"\": b}:\nmain.main()\n\t/a.go:1 +0x1\n\n"
	  "goroutine 7 [chan send labels:{\"a\": \"b\"}]:\nmain.f()\n\t/a.go:7 +0x1\n",
	  "deadlock", "every goroutine waits, and nobody is left to wake one",
	  "goroutine 1 [chan send] in main.main|goroutine 7 [chan send] in main.f", NULL },
	{ "fatal error: sync: WaitGroup.Add called from multiple synctest bubbles\n" MAIN,
	  "sync_misuse", "a WaitGroup was used in a bubble of testing/synctest, and outside of it "
	  "or in another one", "in main.work", NULL },
	{ "fatal error: sync: inconsistent mutex state\n" MAIN, "sync_misuse",
	  "a lock's state is one that it can't have", "in main.work", NULL },
	{ "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive (nil "
	  "chan), 3 minutes, locked to thread]:\nmain.main()\n\t/a.go:1 +0x1\n", "deadlock",
	  "every goroutine waits, and nobody is left to wake one", "the channel is nil", NULL },
	/* whose panics are not all printed, or cut: where the later ones were is not said */
	{ "panic: one\n\tpanic: two\n" TWICE, "panic", "panic: one, in main.work",
	  "deferred calls,: panic: two", "main.close" },
	{ "panic: one [recovered]\n", "panic", "panic: one", "no goroutine", NULL },
	/* logged by who caught it; and a stack that tells of none */
	{ "http: panic serving [::1]:9: boom\n" BY_HAND "served 7\n" "http: panic serving "
	  "[::1]:9: nil\n" BY_STACK, "unknown", "nothing here tells of the end of a Go program",
	  "the last of 2: a panic was logged with its stack, and came from main.handle "
	  "/src/main.go:7: http: panic serving [::1]:9: nil", NULL },
	{ "state\n" MAIN, "unknown", "nothing here tells of the end of a Go program", "",
	  "a panic was logged" },
};

START_TEST(says_it_in_one_sentence)
{
	OWN(arena) a = { 0 };
	struct death d = { .a = &a };
	struct diagnosis found;
	struct str all;

	death_of_text(&d, str_of(summaries[_i].text));
	explain(&found, &d);
	all = evidence_of(&found, &a);
	ck_assert_msg(!strcmp(found.kind, summaries[_i].kind), "%d: %s", _i, found.kind);
	ck_assert_msg(str_eq(found.summary, str_of(summaries[_i].summary)), "%d: %.*s", _i,
		      STR_F(found.summary));
	ck_assert_msg(has_any(all, str_of(summaries[_i].says), true), "%d: %.*s", _i, STR_F(all));
	ck_assert_msg(!summaries[_i].not || !has_any(all, str_of(summaries[_i].not), false),
		      "%d: %.*s", _i, STR_F(all));
}
END_TEST

Suite *explain_suite(void)
{
	Suite *s = suite_create("explain");
	TCase *t = tcase_create("texts");

	tcase_add_loop_test(t, says_what_it_was, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(t, tells_of_the_last_of_several, 0, ARRAY_LEN(several));
	tcase_add_loop_test(t, tells_what_is_printed_of_a_heap, 0, ARRAY_LEN(heaps));
	tcase_add_loop_test(t, says_it_in_one_sentence, 0, ARRAY_LEN(summaries));
	suite_add_tcase(s, t);
	return s;
}
