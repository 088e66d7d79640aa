/* Faults: a read or write of memory that is not there, an instruction that the machine has not. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag/explain.h"
#include "go/fork.h"
#include "plan/torn_place.h"

enum { SMALL = 4096, SOURCE_MOST = 16 << 20 };

static const char *const names[16] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

/* A log names what it likes: a device, a FIFO, a file that is no source. */
static FILE *open_source(struct death *d, struct str path)
{
	static const char *const ends[] = { ".go", ".s", ".c", ".h" };
	struct stat st;
	bool source = false;
	FILE *f = NULL;
	int fd;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		source |= str_ends(path, str_of(ends[i]));
	fd = source ? open(str_z(d->a, path), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size < SOURCE_MOST)
		f = fdopen(fd, "r");
	if (fd >= 0 && !f)
		close(fd);
	return f;
}

/* The line itself, where its file is here. */
static struct str source_line(struct death *d, struct str file, i32 line)
{
	FILE *f = open_source(d, file);
	struct str s = STR("");
	char *text = NULL;
	size_t room = 0;
	ssize_t n = 0;

	for (i32 i = 0; f && i < line && n >= 0; i++)
		n = getline(&text, &room, f);
	if (f)
		fclose(f);
	if (n > 0)
		s = (struct str){ text, (size_t)n };
	while (s.n && (s.p[0] == '\t' || s.p[0] == ' '))
		s = str_cut(s, 1, s.n);
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	s = str_of(str_z(d->a, s));
	mem_free(text);
	return s;
}

/* The instruction, what it touches in Go's words, and the register that led there. */
static void instruction(struct diagnosis *to, struct death *d)
{
	u64 pc = d->pc - d->u->text_rt;
	const struct go_func *f = go_func_at(d->prog, pc);
	struct place_finder p;
	struct go_memory m;
	struct effect e;
	struct flow flow;
	struct err err;
	struct str name;
	char text[128];
	i64 i;

	if (!f || !f->pcsp || !go_flow(d->prog, f, d->a, &flow, &err))
		return;
	i = flow_find(&flow, (i64)(pc - f->pc));
	if (i < 0 || !flow_text(&flow, &flow.insns[i], text, sizeof(text)))
		return;
	evidence(to, d, "the instruction: %s (0x%" PRIx64 ")", text, d->pc);
	effect_of(&flow, &flow.insns[i], &e);
	if (e.kind != EFFECT_LOAD && e.kind != EFFECT_STORE)
		return;
	if (e.mem.base < 16 && d->has_ints)
		evidence(to, d,
			 "%s is 0x%" PRIx64 ", and the field lies %" PRId64 " bytes behind it",
			 names[e.mem.base], d->ints[e.mem.base], e.mem.disp);
	place_finder_make(&p, d->prog);
	place_finder_enter(&p, f, &flow, d->a);
	m = memory_at(&p, origin_of_place(&p.origins, (u32)i, &e.mem));
	name = m.t || m.name.n ? memory_name(&p, &m, d->a) : STR("");
	place_finder_leave(&p);
	place_finder_release(&p);
	if (name.n)
		evidence(to, d, "it %s %.*s", e.kind == EFFECT_LOAD ? "reads" : "writes",
			 STR_F(name));
	if (name.n && d->has_address && d->address < SMALL)
		to->summary = str_fmt(
			d->a, "nil dereference: %.*s %s %.*s, and what leads there is nil",
			STR_F(to->func), e.kind == EFFECT_LOAD ? "reads" : "writes", STR_F(name));
}

static void where(struct diagnosis *to, struct death *d)
{
	struct str source = source_line(d, to->file, to->line);

	if (to->func.n)
		evidence(to, d, "in %.*s %.*s:%d", STR_F(to->func), STR_F(to->file), to->line);
	if (source.n)
		evidence(to, d, "the line: %.*s", STR_F(source));
	if (d->prog && d->has_pc && d->signal != SIGSYS)	/* there it is the one behind */
		instruction(to, d);
}

/* What is known of C code that died; `own` has called it, or is not known. */
static void say_of_c(struct diagnosis *to, struct death *d, const struct death_frame *own)
{
	to->kind = "fault_in_c";
	to->cause = true;
	while (own && own - d->frames + 1 < d->nframes &&
	       str_find(own->func, STR("._Cfunc_")) >= 0)
		own++;	/* what cgo made */
	explain_place(to, own);
	to->summary = own ? str_fmt(d->a, "C code that %.*s called died of %.*s", STR_F(own->func),
				    STR_F(d->message)) :
		      str_fmt(d->a, "C code died of %.*s", STR_F(d->message));
	for (u32 i = 0; own && i < d->nframes; i++)
		if (str_starts(d->frames[i].func, STR("main._Cfunc_")) ||
		    str_find(d->frames[i].func, STR("._Cfunc_")) >= 0) {
			evidence(to, d, "the C function: %.*s",
				 STR_F(str_cut(d->frames[i].func,
					       (size_t)str_find(d->frames[i].func, STR("_Cfunc_")) +
						       7,
					       d->frames[i].func.n)));
			break;
		}
	if (d->code_file.n)
		evidence(to, d, "its code lies in %.*s", STR_F(d->code_file));
	if (d->has_address && (d->signal == SIGSEGV || d->signal == SIGBUS))
		evidence(to, d, "it touched 0x%" PRIx64, d->address);
	if (own)
		evidence(to, d, "called at %.*s:%d", STR_F(own->file), own->line);
	to->why = STR("Go can't turn a fault in C into a panic: the program ends");
	to->advice = STR("gdb on a core shows the C stack");
}

/* Code that is not Go's: C that Go has called, or a library, or a thread that C has made. There
 * Go's handler raises the signal once more. */
static bool in_c(struct diagnosis *to, struct death *d)
{
	bool aborts = d->signal == SIGABRT || explain_says(d, "SIGABRT");
	bool thread = death_frame_of(d, "runtime.badsignal");
	bool called = thread || death_frame_of(d, "runtime.cgocall") ||
		      death_frame_of(d, "runtime.asmcgocall") ||
		      str_find(d->text, STR("signal arrived during cgo execution")) >= 0;
	/* abort() sends it to its own thread (SI_TKILL); kill(), from outside, to the process */
	bool gave_up = d->gave_up || thread ||
		       (d->has_code && d->code == SI_TKILL &&
			(called || str_find(d->text, STR("unknown pc 0x")) >= 0));

	if ((aborts ? !gave_up : !called) || explain_says(d, "panic: "))
		return false;
	to->certainty = called ? CERTAIN : LIKELY;
	say_of_c(to, d, called ? death_own(d) : NULL);
	if (thread)
		evidence(to, d, "in a thread that C has made");
	if (aborts)
		to->why = STR("C code called abort(): what it printed before says why. Go's own "
			      "does so where the system refuses it a thread (runtime/cgo: "
			      "pthread_create failed)");
	return true;
}

/* The part of the program's file that the address lies in; NULL: none, or not known. */
static const struct segment *segment_at(const struct death *d, u64 rt)
{
	const struct image *img = d->prog ? d->prog->img : NULL;

	for (size_t i = 0; img && i < img->nsegs; i++)
		if (rt - img->bias - img->segs[i].va < img->segs[i].size)
			return &img->segs[i];
	return NULL;
}

/* Memory that is there, but not for this. */
static void not_permitted(struct diagnosis *to, struct death *d)
{
	const struct segment *s = segment_at(d, d->address);
	const struct death_frame *own = death_own(d);
	struct str who = own ? own->func : STR("it");

	if (s && !s->write && s->read && !(d->has_pc && d->pc == d->address)) {
		to->summary = str_fmt(d->a, "%.*s wrote to read-only memory of the program's "
				      "file (%s?)", STR_F(who),
				      s->exec ? "its code" : "a string constant");
		to->why = STR("constants and code are mapped so that they can only be read; "
			      "unsafe code led there, or a string's bytes were taken for a slice");
	} else {
		to->summary = str_fmt(d->a, "%.*s touched memory in a way that is not permitted "
				      "there", STR_F(who));
		to->why = STR("the memory is mapped (code 2). Either it was written to and may "
			      "only be read, as string constants and code; or it is only "
			      "reserved, as around the heap, and a torn or overwritten value (a "
			      "race), or unsafe code led there");
	}
	to->advice = STR("copy a string before its bytes are changed ([]byte(s)); -race, "
			 "-d=checkptr");
}

static void wild_address(struct diagnosis *to, struct death *d, const struct death_frame *own)
{
	bool odd = death_uncanonical(d);

	to->kind = "wild_address";
	to->certainty = d->has_address || odd ? CERTAIN : LIKELY;
	to->summary = own ? str_fmt(d->a, "%.*s touched memory that is not there",
				    STR_F(own->func))
			  : STR("memory that is not there was touched");
	to->why = STR("no Go pointer leads there: a torn or overwritten value (a race), unsafe "
		      "code, or memory that was unmapped");
	to->advice = STR("-race, -d=checkptr; `goshawk stress --until-crash -- PROGRAM`");
	if (odd)
		to->why = STR("the upper bits of the address were not all alike, as they are in "
			      "each pointer: text or a number was taken for one, of a torn or "
			      "overwritten value (a race) or by unsafe code");
	if (d->has_address && d->has_code && d->code == SEGV_ACCERR && d->signal == SIGSEGV)
		not_permitted(to, d);
}

bool explain_fault(struct diagnosis *to, struct death *d)
{
	const struct death_frame *own = death_own(d);
	bool address = d->crash.kind == CRASH_NIL ||
		       explain_says(d, "panic: runtime error: invalid memory address");
	/* debug.SetPanicOnFault makes the same panic of any address */
	bool nil = address && !death_uncanonical(d) && !(d->has_address && d->address >= SMALL);
	bool wild = (address && !nil) || explain_says(d, "unexpected fault address") ||
		    explain_says(d, "fatal error: fault") ||
		    explain_says(d, "fatal error: unexpected signal") ||
		    explain_says(d, "SIGSEGV") || d->crash.kind == CRASH_FAULT ||
		    d->crash.kind == CRASH_COPY;

	if (!d->died || d->signal == SIGQUIT || (death_was_sent(d) && d->signal != SIGABRT))
		return false;
	/* of a system call that a filter refuses more is known */
	if ((wild || d->signal) && d->signal != SIGSYS && in_c(to, d))
		return true;
	if (d->signal == SIGABRT && !nil && !wild)
		return false;
	explain_place(to, own);
	if (d->signal == SIGILL) {
		to->kind = "illegal_instruction";
		to->certainty = LIKELY;
		to->summary =
			STR("an instruction that this processor does not have: the program was "
			    "built for a newer one (GOAMD64), or code was overwritten");
		to->why = STR("GOAMD64=v2, v3 and v4 use instructions that older processors lack");
		to->advice = STR("`goshawk info` shows GOAMD64; build with GOAMD64=v1");
	} else if (d->signal == SIGSYS) {
		to->kind = "refused_system_call";
		to->certainty = d->has_code ? CERTAIN : LIKELY;
		to->summary = STR("a system call that is not permitted here: a filter (seccomp) "
				  "answered it with SIGSYS");
		to->why = STR("a container's profile, systemd's SystemCallFilter= or the program "
			      "itself lists the system calls that it may make");
		to->advice = STR("permit the call in the profile, or have it answered with EPERM: "
				 "Go does without most new ones");
	} else if (d->signal == SIGBUS) {
		to->kind = "bus_error";
		to->certainty = LIKELY;
		to->summary =
			STR("mapped memory without a file behind it: the file was cut while it was "
			    "mapped, or its disk failed");
		to->why = STR("reading a page of a mapping beyond the file's end gives SIGBUS");
		to->advice =
			STR("do not truncate files that are mapped: write a new one and rename it");
	} else if (nil) {
		to->kind = "nil_dereference";
		to->certainty = CERTAIN;
		to->summary = own ? str_fmt(d->a, "nil dereference in %.*s", STR_F(own->func)) :
				    STR("nil dereference");
		to->why =
			STR("a field or element of something that is nil was read or written; the "
			    "address is small: 0 and the field's offset");
		to->advice =
			STR("see who left it nil; where it should be impossible and the value is "
			    "shared, a race on an interface or slice does the same: -race, or "
			    "`goshawk stress --until-crash`");
	} else if (wild) {
		wild_address(to, d, own);
	} else {
		return false;
	}
	to->cause = true;
	evidence(to, d, "%.*s", STR_F(d->message));
	if (d->has_address && (d->address || nil))
		evidence(to, d, "the address: 0x%" PRIx64, d->address);
	if (death_uncanonical(d))
		evidence(to, d, "the address is not told: it was none that a pointer can have (not "
			 "canonical)");
	if (d->signal == SIGSYS && d->has_ints)
		evidence(to, d, "the system call's number: %" PRIu64, d->ints[0]);
	where(to, d);
	explain_panics(to, d);
	if (nil || wild)
		explain_torn(to, d);
	if (own)
		to->calls[to->ncalls++] = (u32)(own - d->frames);
	to->variables = true;
	return true;
}
