/* Ends that the runtime itself names. Rows where the text alone says the cause; the rest are small
 * functions with more to look at. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "diag/explain.h"
#include "diag/frame.h"

bool explain_return(struct diagnosis *to, struct death *d)
{
	ptrdiff_t at = str_find(d->lead, STR("unexpected return pc for "));
	struct str line = STR(""), address;
	bool uprobe;

	if (!d->died)
		return false;
	if (at < 0 && !explain_says(d, "fatal error: unknown caller pc") &&
	    !explain_says(d, "fatal error: unexpected return pc"))
		return false;
	if (at >= 0)
		line = str_cut(d->lead, (size_t)at, (size_t)at + 300);
	if (line.n && str_find(line, STR("\n")) >= 0)
		line = str_cut(line, 0, (size_t)str_find(line, STR("\n")));
	address = str_find(line, STR("called from ")) >= 0 ?
		  str_cut(line, (size_t)str_find(line, STR("called from ")) + 12, line.n) : STR("");
	/* the kernel's page for return probes lies at the end of the address space */
	uprobe = str_starts(address, STR("0x7fffffff")) && address.n >= 14;
	to->kind = "foreign_return_address";
	to->certainty = uprobe ? CERTAIN : LIKELY;
	to->cause = true;
	to->summary =
		uprobe ? STR("a return probe (uretprobe) replaced a return address on a "
			     "goroutine's stack, and the runtime met it")
		       : STR("a return address on a goroutine's stack is not Go's: foreign code "
			     "put it there, or the stack was overwritten");
	evidence(to, d, "%.*s", STR_F(d->message));
	if (line.n)
		evidence(to, d, "%.*s", STR_F(line));
	if (uprobe)
		evidence(to, d, "%.*s lies in the kernel's [uprobes] page", STR_F(address));
	if (line.n > 25) {
		ptrdiff_t end = str_find(str_cut(line, 25, line.n), STR(" called"));

		if (end > 0)
			to->func = str_cut(line, 25, 25 + (size_t)end);
	}
	to->why =
		STR("a stack that grows or is scanned is walked by its return addresses; one that "
		    "leads out of Go's code ends the program (runtime/traceback.go)");
	to->advice =
		uprobe ? STR("remove uretprobes from Go functions (bpftrace uretprobe:, perf probe "
			     "…%return, an eBPF agent): probe each RET instead, as `goshawk trace "
			     "--engine uprobe` does")
		       : STR("look for what patches or hooks this process: `goshawk check -p PID`");
	return true;
}

/* How long one turn of a recursion is, in frames: the shortest that comes three times. */
static u32 turn(const struct death *d, u32 from)
{
	for (u32 p = 1; p <= 16; p++) {
		u32 i = 0;

		while (i < 3 * p && from + i + p < d->nframes &&
		       str_eq(d->frames[from + i].func, d->frames[from + i + p].func))
			i++;
		if (i >= 3 * p)
			return p;
	}
	return 0;
}

/* From one line on: the next that begins with this. Empty: there is none. */
static struct str next_line(struct str *rest, struct str begins)
{
	ptrdiff_t at = str_find(*rest, begins), end;
	struct str line;

	if (at < 0)
		return STR("");
	line = str_cut(*rest, (size_t)at + 1, rest->n);
	end = str_find(line, STR("\n"));
	*rest = end < 0 ? STR("") : str_cut(line, (size_t)end, line.n);
	return end < 0 ? line : str_cut(line, 0, (size_t)end);
}

/* Two of the calls of to->func in a part of a goroutine's text. Words that may be old the runtime
 * marks with ?: they tell nothing. */
static void calls_in(struct diagnosis *to, struct death *d, struct str text, bool last,
		     const char *what)
{
	struct str begins = str_fmt(d->a, "\n%.*s(", STR_F(to->func)), line, kept[2];
	u32 n = 0;

	while ((line = next_line(&text, begins)).n)
		if (str_find(line, STR("?")) < 0 && (last || n < 2))
			kept[n++ % 2] = line;
	for (u32 i = n > 2 ? n - 2 : 0; i < n; i++)
		evidence(to, d, "%s: %.*s", what, STR_F(kept[i % 2]));
}

/* From Go 1.21 on fifty frames of each end are printed, before that the inner end only. Of that
 * memory tells more, where it is there. */
void explain_overflow_text(struct diagnosis *to, struct death *d)
{
	struct str rest, begins = str_fmt(d->a, "\n%.*s(", STR_F(to->func));
	ptrdiff_t at = str_find(d->text, begins), end;

	if (strcmp(to->kind, "stack_overflow") || !to->func.n || at < 0)
		return;
	/* but for the innermost, which has not begun */
	rest = str_cut(d->text, (size_t)at + 1, d->text.n);
	end = str_find(rest, STR("\n\n"));	/* of the goroutine */
	rest = end < 0 ? rest : str_cut(rest, 0, (size_t)end);
	if (!d->gs)
		calls_in(to, d, rest, false, "a call");
	end = str_find(rest, STR(" frames elided...\n"));
	if (end >= 0)
		calls_in(to, d, str_cut(rest, (size_t)end, rest.n), true, "one of the first");
}

bool explain_overflow(struct diagnosis *to, struct death *d)
{
	u32 from = 0, p;
	struct str list = STR("");

	if (!explain_says(d, "fatal error: stack overflow") &&
	    !explain_says(d, "runtime: goroutine stack exceeds"))
		return false;
	while (from < d->nframes && (d->frames[from].stack != STACK_OF_GOROUTINE ||
				     frame_is_runtime(d->frames[from].func)))
		from++;
	for (p = 0; !p && from < d->nframes; from++)
		p = turn(d, from);
	from -= p != 0;
	to->kind = "stack_overflow";
	to->certainty = CERTAIN;
	to->cause = true;
	evidence(to, d, "%.*s", STR_F(d->message));
	for (u32 i = p; i--; )
		list = list.n ? str_fmt(d->a, "%.*s → %.*s", STR_F(list),
					STR_F(d->frames[from + i].func)) : d->frames[from + i].func;
	if (p) {
		explain_place(to, &d->frames[from]);
		to->summary = p == 1 ? str_fmt(d->a, "%.*s calls itself without end", STR_F(list)) :
			str_fmt(d->a, "a recursion without end: %.*s → %.*s", STR_F(list),
				STR_F(d->frames[from + p - 1].func));
		/* the innermost one has not begun: its parameters are on their way to memory */
		for (u32 i = 1; i <= MIN(MAX(3u, p), (u32)CALLS_MOST); i++)
			to->calls[to->ncalls++] = from + i;
		for (u32 i = 0; i < p && i < 8; i++)
			evidence(to, d, "again and again: %.*s %.*s:%d",
				 STR_F(d->frames[from + i].func), STR_F(d->frames[from + i].file),
				 d->frames[from + i].line);
	} else {
		to->summary = STR("a goroutine's stack grew beyond its limit");
		explain_place(to, death_own(d));
	}
	to->why = STR("each call takes a frame; a goroutine's stack may grow to 1 GB, unless "
		      "debug.SetMaxStack says otherwise");
	to->advice = STR(
		"look for the condition that should end the recursion: a cycle in the data, "
		"a String or MarshalJSON method that prints itself, an Error that wraps itself");
	explain_overflow_text(to, d);
	explain_limits_text(to, d);
	return true;
}

bool explain_map(struct diagnosis *to, struct death *d)
{
	const struct death_frame *own = death_own(d);

	if (!explain_says(d, "fatal error: concurrent map") &&
	    !explain_says(d, "fatal error: small map with no empty slot"))
		return false;
	to->kind = "concurrent_map";
	to->certainty = CERTAIN;
	to->cause = true;
	explain_place(to, own);
	to->summary = own ? str_fmt(d->a,
				    "two goroutines used one map at once, and one of them wrote; "
				    "this one stood in %.*s",
				    STR_F(own->func))
			  : STR("two goroutines used one map at once, and one of them wrote");
	evidence(to, d, "%.*s", STR_F(d->message));
	for (u32 k = 1; k < d->crash.ngoroutines; k++) {
		const struct crash_goroutine *g = &d->crash.goroutines[k];

		for (u32 i = 0; i < g->nframes && i < 6; i++)
			if (str_find(g->frames[i].func, STR("mapassign")) >= 0 ||
			    str_find(g->frames[i].func, STR("mapaccess")) >= 0 ||
			    str_find(g->frames[i].func, STR("internal/runtime/maps.")) >= 0)
				evidence(to, d,
					 "goroutine %lld was in %.*s, called by %.*s %.*s:%d",
					 (long long)g->id, STR_F(g->frames[i].func),
					 STR_F(g->frames[MIN(i + 1, g->nframes - 1)].func),
					 STR_F(g->frames[MIN(i + 1, g->nframes - 1)].file),
					 g->frames[MIN(i + 1, g->nframes - 1)].line);
	}
	to->why = STR("a map marks itself while it is written, and whoever finds the mark ends the "
		      "program; the other one may have gone on by now");
	to->advice = STR("guard the map by a sync.Mutex, or use sync.Map; -race names both places");
	return true;
}

#define NO_MEMORY                                                                                  \
	"out_of_memory", "the system gave no more memory",                                         \
	"the heap (or a single allocation) is larger than what the machine, the container or "     \
	"ulimit -v permits",                                                                       \
	"look at what is allocated at this place, and at what holds the heap: a heap profile; "    \
	"GOMEMLIMIT makes the collector work earlier"

#define NO_THREAD                                                                                  \
	"threads_exhausted", "no more threads: the system refused to make one",                    \
	"goroutines that block in system calls or C each hold a thread; the limit of processes "   \
	"(ulimit -u, the container's pids.max) was reached",                                       \
	"limit how many goroutines block at once (files, DNS by C, cgo), or raise the limit"

#define NOT_LOCKED                                                                                 \
	"sync_misuse", "a lock was unlocked that was not locked",                                  \
	"an Unlock without its Lock, a double Unlock, or a lock that was copied",                  \
	"go vet finds copied locks; look at the frame below sync"

#define STORED_IN_C                                                                                \
	"cgo_misuse", "a Go pointer was stored in C's memory",                                     \
	"the collector does not look there, so that nothing keeps what it leads to (cmd/cgo, "     \
	"Passing pointers; GOEXPERIMENT=cgocheck2, up to Go 1.20 GODEBUG=cgocheck=2, looks at "    \
	"it)",                                                                                     \
	"pin it (runtime.Pinner), or store a cgo.Handle"

#define ARGUMENT_OF_C                                                                              \
	"cgo_misuse", "C was given memory that holds Go's pointers",                               \
	"C must not get pointers to memory with unpinned Go pointers in it (cmd/cgo)",             \
	"pin it (runtime.Pinner), or copy it to C's memory"

#define RESULT_TO_C                                                                                \
	"cgo_misuse", "C was given a Go pointer to keep", "see cmd/cgo, Passing pointers", ""

static const struct {
	const char *begins;	/* or stands in it, if it has a blank first */
	const char *kind, *summary, *why, *advice;
} rows[] = {
	{ "fatal error: runtime: out of memory", NO_MEMORY },
	{ "fatal error: out of memory", NO_MEMORY },
	{ "runtime: out of memory: cannot allocate", NO_MEMORY },
	{ "fatal error: too many address space collisions for -race mode", "out_of_memory",
	  "no more memory at the addresses that the race detector covers",
	  "the system refused it there: a limit (ulimit -v, the container's) is reached, or "
	  "something else lies there",
	  "a -race build takes five to ten times the memory: raise the limit, or use less" },
	{ "fatal error: runtime: cannot allocate memory", "out_of_memory",
	  "the system gave no more memory", "memory for the runtime itself was refused",
	  "raise the limit (ulimit -v, the container's), or use less" },
	{ "runtime: failed to create new OS thread", NO_THREAD },
	{ "runtime/cgo: pthread_create failed", NO_THREAD },
	{ "fatal error: newosproc", NO_THREAD },
	{ "fatal error: thread exhaustion", "threads_exhausted",
	  "more threads than Go's own limit, or the one that was set, permits",
	  "goroutines that block in system calls or C each hold a thread (debug.SetMaxThreads)",
	  "limit how many goroutines block at once (files, DNS by C, cgo)" },
	{ "fatal error: checkptr", "checkptr", "unsafe code made a pointer that breaks Go's rules",
	  "checkptr (-race, -d=checkptr) saw a conversion of unsafe.Pointer to a type that does "
	  "not fit what is there, or arithmetic that left the object",
	  "the frame below checkptr is the place" },
	{ "panic: fips140: verification mismatch", "fips_selfcheck",
	  "the self-check of Go's FIPS 140 module failed: its code is not what was built",
	  "with fips140=on the module's code and data are summed up at the start and compared with "
	  "what the linker wrote; a tool changed the file after that, or a probe is in its code",
	  "leave crypto/internal/fips140/… unpatched, or have the sum written anew; `goshawk check "
	  "FILE` tells whether the file was changed" },
	{ "fatal error: morestack on g0", "stack_on_g0", "a system stack (g0) was used up",
	  "code that runs on g0 has a fixed stack of some kilobytes (with cgo that of the thread); "
	  "something deep or large ran there: a signal handler in C, a callback, injected code",
	  "find what runs there (the path above), and call less of it there" },
	{ "fatal: morestack on g0", "stack_on_g0", "a system stack (g0) was used up",
	  "code that runs on g0 has a fixed stack of some kilobytes; something deep or large ran "
	  "there",
	  "find what runs there, and call less of it there" },
	{ "fatal error: morestack on gsignal", "stack_on_gsignal",
	  "a signal handler's stack was used up", "Go's signal stack has 32 KiB",
	  "find what runs in the handler" },
	{ "fatal error: runtime: stack split at bad time", "stack_split",
	  "a function with a stack check ran where a stack may not grow",
	  "the runtime holds locks or is in a system call there; only //go:nosplit code may run. "
	  "Injected or linknamed code is usually what does it",
	  "mark what is called there //go:nosplit, or call it elsewhere; `goshawk check FILE`" },
	{ "fatal error: attempt to execute system stack code on user stack", "systemstack",
	  "a function of the system stack was called on a user's", "see its //go:systemstack",
	  "call it by runtime.systemstack" },
	{ "fatal error: no goroutines (main called runtime.Goexit)", "main_goexit",
	  "main called runtime.Goexit and all other goroutines have ended",
	  "Goexit ends the goroutine, not the program (t.FailNow outside of a test does so, too)",
	  "return from main, or call os.Exit" },
	{ "fatal error: sync: unlock of", NOT_LOCKED },
	{ "fatal error: sync: RUnlock of", NOT_LOCKED },
	{ "fatal error: sync: Unlock of", NOT_LOCKED },
	{ "fatal error: sync: WaitGroup.Add called from", "sync_misuse",
	  "a WaitGroup was used in a bubble of testing/synctest, and outside of it or in another "
	  "one",
	  "what waits in a bubble may only wait for what is in it",
	  "make the WaitGroup in the function that synctest.Test is given" },
	{ "fatal error: sync: inconsistent mutex state", "sync_misuse",
	  "a lock's state is one that it can't have",
	  "its memory was overwritten, or a lock was copied while it was used",
	  "go vet finds copied locks; look at the frame below sync" },
	{ "fatal error: runtime·lock: lock count", "runtime_locks",
	  "the runtime's locks are broken",
	  "memory was overwritten, or code that the runtime did not expect ran in it", "" },
	{ "fatal error: lfstack.push", "heap_address",
	  "an address that Go's lock-free stack can't "
	  "hold",
	  "memory was overwritten", "" },
	{ "fatal error: Go pointer stored into non-Go memory", STORED_IN_C },
	{ "fatal error: unpinned Go pointer stored into non-Go memory", STORED_IN_C },
	{ "panic: runtime error: cgo argument has Go pointer", ARGUMENT_OF_C },
	{ "panic: runtime error: argument of cgo function has Go pointer", ARGUMENT_OF_C },
	{ "panic: runtime error: cgo result", RESULT_TO_C },
	{ " called from cgo is unpinned Go ", RESULT_TO_C },
};

bool explain_fatal(struct diagnosis *to, struct death *d)
{
	struct str message = d->message, more = d->crash.detail;

	for (size_t i = 0; i < ARRAY_LEN(rows) && d->died; i++) {
		struct str begins = str_of(rows[i].begins);

		if (!str_starts(message, begins) && !str_starts(more, begins) &&
		    !str_starts(d->text, begins) &&
		    (begins.p[0] != ' ' || str_find(message, begins) < 0))
			continue;
		to->kind = rows[i].kind;
		to->certainty = CERTAIN;
		to->cause = true;
		to->summary = str_of(rows[i].summary);
		to->why = str_of(rows[i].why);
		to->advice = str_of(rows[i].advice);
		explain_place(to, death_own(d));
		evidence(to, d, "%.*s", STR_F(message));
		if (more.n)
			evidence(to, d, "%.*s", STR_F(more));
		if (to->func.n)
			evidence(to, d, "in %.*s %.*s:%d", STR_F(to->func), STR_F(to->file),
				 to->line);
		if (d->img && d->prog && !strcmp(to->kind, "out_of_memory"))
			explain_held(to, d);
		explain_limits_text(to, d);
		return true;
	}
	return false;
}

void explain_panics(struct diagnosis *to, struct death *d)
{
	for (u32 i = 1; i < d->npanics; i++) {
		const struct death_panic *p = &d->panics[i];
		const struct death_frame *f = p->at < 0 ? NULL : &d->frames[p->at];
		struct str in = f ? str_fmt(d->a, " in %.*s %.*s:%d", STR_F(f->func),
					    STR_F(f->file), f->line) : STR("");

		if (p->again)
			evidence(to, d, "recovered and panicked again%.*s", STR_F(in));
		else
			evidence(to, d, "then, while it ran deferred calls,%.*s: %.*s", STR_F(in),
				 STR_F(p->message));
	}
}

bool explain_panic(struct diagnosis *to, struct death *d)
{
	const struct death_frame *own = death_own(d);

	if (!explain_says(d, "panic: "))
		return false;
	if (death_was_sent(d) && explain_says(d, "panic: runtime error: invalid memory address"))
		return false;	/* up to 1.19 made of a signal of tgkill */
	to->kind = explain_says(d, "panic: runtime error: ")	    ? "runtime_error"
		   : explain_says(d, "panic: interface conversion") ? "interface_conversion"
								    : "panic";
	to->certainty = CERTAIN;
	to->cause = true;
	explain_place(to, own);
	to->summary = own ? str_fmt(d->a, "%.*s, in %.*s", STR_F(d->message), STR_F(own->func)) :
		      d->message;
	evidence(to, d, "%.*s", STR_F(d->message));
	if (own)
		evidence(to, d, "at %.*s:%d", STR_F(own->file), own->line);
	explain_panics(to, d);
	explain_creators(to, d);
	to->why = STR(
		"nobody up the goroutine's stack recovered the panic; one that is not recovered "
		"ends the whole program, whichever goroutine it is in");
	to->advice = STR("mend what it says, or recover in the function that the goroutine begins "
			 "with");
	return true;
}

/* Who sent it, by its code (asm-generic/siginfo.h). */
static const char *sender(i32 code)
{
	switch (code) {
	case SI_USER:
		return "by kill";
	case SI_TKILL:
		return "to one thread (tgkill, or raise in C)";
	case SI_QUEUE:
		return "by sigqueue";
	}
	return "not raised by what the code did";
}

bool explain_stopped(struct diagnosis *to, struct death *d)
{
	bool quit = explain_says(d, "SIGQUIT") || (d->signal == SIGQUIT && d->died);
	bool sent = d->died && death_was_sent(d);
	struct str name = quit ? STR("SIGQUIT") : STR("SIGABRT");

	/* what it died of may have stood behind the end of a cut core */
	if ((d->img && d->img->cut) || (!quit && !sent && !explain_says(d, "SIGABRT") &&
				       !explain_says(d, "SIGTERM")))
		return false;
	if (sent && !quit && d->signal)
		name = death_signal_name(d->signal);
	to->kind = "stopped";
	to->certainty = CERTAIN;
	to->summary = str_fmt(d->a,
			      "it was ended by a signal from outside or by itself (%.*s): nothing "
			      "here says that something was wrong",
			      STR_F(name));
	evidence(to, d, "%.*s", STR_F(d->message));
	if (sent)
		evidence(to, d, "the signal was sent, %s (its code is %d)", sender(d->code),
			 d->code);
	if (d->gs)
		explain_waits(to, d);
	to->advice = STR("`goshawk goroutines` shows where its goroutines stood");
	return true;
}
