/* A death from memory and registers: which thread died, and the stacks that it stood on, one after
 * the other: the signal's, the thread's own (g0), the goroutine's.
 *
 * The race detector's C code is called with SP aligned, and on g0; the caller's is kept in R12
 * (runtime/race_amd64.s, racecall). Where the C code has moved R12 away, the return address into
 * racecall says where SP was, if it was on g0 already. */
#include "diag/death.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "go/release.h"
#include "go/sig.h"
#include "go/types.h"
#include "image/mapped.h"

enum { LEVELS = 256, TEXT_MOST = 512, R12 = 12, R14 = 14, UCONTEXT = 304, C_STACK = 4096 };

struct walk {
	struct death *d;
	const struct os_thread *t;
	u64 m, curg;
	VEC(struct death_frame) frames;
};

static u64 word_at(const struct death *d, u64 rt)
{
	u64 v = 0;

	return rt && image_read_rt(d->img, rt, &v, 8) ? v : 0;
}

static void add(struct walk *w, const struct go_level *levels, size_t n, u8 stack)
{
	struct death *d = w->d;
	struct go_frame f[GO_FRAMES];

	for (size_t i = 0; i < n && w->frames.n < LEVELS * 2; i++) {
		const struct go_level *l = &levels[i];
		u64 pc = l->pc_rt - d->u->text_rt - !l->exact;
		size_t k = 0;

		if (l->func)
			k = go_frames_at(d->prog, l->func, MAX(pc, (u64)l->func->pc), f);
		for (size_t m = 0; m < MAX(k, (size_t)1); m++)
			*vec_push(&w->frames) = (struct death_frame){
				.func = k ? f[m].name : STR(""), .file = k ? f[m].at.file : STR(""),
				.line = k ? f[m].at.line : 0, .stack = stack,
				.inlined = k && f[m].inlined, .exact = l->exact,
				.pc_rt = l->pc_rt, .sp_rt = l->sp_rt, .in = l->func,
				.return_at = m + 1 == MAX(k, (size_t)1) ? l->return_at : 0,
			};
	}
}

static bool is_go(const struct death *d, u64 pc_rt)
{
	const struct go_func *f = go_func_at(d->prog, pc_rt - d->u->text_rt);

	return f && f->pcsp;
}

/* One stack; what is known of where the code stood is that of its innermost frame. */
static void stack(struct walk *w, u64 pc, u64 sp, u64 g, bool exact, u8 which)
{
	struct go_level levels[LEVELS];
	struct death *d = w->d;
	struct go_spot at = { pc, sp, word_at(d, g + G_STACK_LO), word_at(d, g + G_STACK_HI),
			      exact };
	size_t n = unwind(d->u, &at, levels, LEVELS, &d->end);

	add(w, levels, n, which);
}

static bool on_stack_of(const struct death *d, u64 g, u64 sp)
{
	return g && sp - word_at(d, g + G_STACK_LO) <
			    word_at(d, g + G_STACK_HI) - word_at(d, g + G_STACK_LO);
}

/* Is it the address behind a call of what hands over to the race detector? */
static bool called_detector(const struct death *d, u64 rt)
{
	struct rd r = image_rd(d->img, rt - d->img->bias - 5, 5, "code");
	bool call = rd_u8(&r) == 0xe8;
	u64 to = rt + (u64)(i64)(i32)rd_u32(&r) - d->u->text_rt;
	const struct go_func *f = call && !r.bad ? go_func_at(d->prog, to) : NULL;

	return f && (str_starts(f->name, STR("runtime.race")) || str_starts(f->name, STR("race")));
}

/* Where Go's stack goes on above C code of the race detector; 0: not known. Below it lies the
 * address behind racecall's CALL, and between them what aligned SP: nothing or a word. */
static u64 above_c(const struct death *d, u64 sp, u64 g0, u64 user)
{
	u64 kept = d->ints[R12];

	if ((on_stack_of(d, g0, kept) || on_stack_of(d, user, kept)) &&
	    called_detector(d, word_at(d, kept)))
		return kept;
	for (u64 a = round_up(sp, 8); a < sp + C_STACK && on_stack_of(d, g0, a); a += 8) {
		const struct go_func *f = go_func_at(d->prog, word_at(d, a) - d->u->text_rt);

		if (!f || !str_eq(f->name, STR("racecall")))
			continue;
		return called_detector(d, word_at(d, a + 8)) ? a + 8 :
		       called_detector(d, word_at(d, a + 16)) ? a + 16 : 0;
	}
	return 0;
}

static void from_registers(struct walk *w, u64 pc, u64 sp, u64 g0)
{
	struct death *d = w->d;
	u64 user = w->curg;
	bool exact = true, on_user;

	if (!is_go(d, pc)) {
		struct go_level c = { go_func_at(d->prog, pc - d->u->text_rt), pc, sp, 0, true };

		sp = above_c(d, sp, g0, user);
		add(w, &c, 1, sp && on_stack_of(d, user, sp) ? STACK_OF_GOROUTINE
							     : STACK_OF_THREAD);
		pc = word_at(d, sp);
		exact = false;
		sp = sp ? sp + 8 : 0;
	}
	on_user = on_stack_of(d, user, sp);
	if (on_user) {
		stack(w, pc, sp, user, exact, STACK_OF_GOROUTINE);
		return;
	}
	if (sp)
		stack(w, pc, sp, g0, exact, STACK_OF_THREAD);
	if (!user)
		return;
	for (size_t i = 0; d->gs && i < d->gs->all.n; i++) /* where it went over to g0, or to C */
		if (d->gs->all.at[i].g_rt == user && !d->gs->all.at[i].exact)
			stack(w, d->gs->all.at[i].pc, d->gs->all.at[i].sp, user, false,
			      STACK_OF_GOROUTINE);
}

/* A thread's m, and the stacks that it may stand on. */
struct stands {
	const struct os_thread *t;
	u64 g, m, curg, g0, gsignal;
	bool in_handler;
	struct go_interrupted i;	/* if so */
	int told; /* the signal that the handler was called for, if a fault's, or abort()'s */
	int sent; /* the same, if it is one of those and was sent */
	i32 code; /* of it */
};

static bool is_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
	       signal == SIGSYS || signal == SIGSTKFLT;
}

/* What a handler was called for, by its siginfo: signal, errno, code. */
static void called_for(const struct death *d, struct stands *s, int signal, i32 code, u64 pc)
{
	bool fault = is_fault(signal);

	if ((fault && code > 0) || (signal == SIGABRT && code == SI_TKILL && !is_go(d, pc)))
		s->told = signal;
	else if (fault && !s->told)
		s->sent = signal;
	else
		return;
	s->code = code;
}

static struct stands stands_of(const struct death *d, const struct os_thread *t, i32 off)
{
	struct stands s = { .t = t, .g = word_at(d, t->fs_base + (u64)(i64)off) };
	struct go_interrupted i;
	u64 lo, hi;
	u32 head[4];

	s.m = s.g ? word_at(d, s.g + G_M) : 0;
	if (!s.m)
		return s;
	s.curg = word_at(d, s.m + d->prog->rel->m_curg);
	s.gsignal = word_at(d, s.m + d->prog->rel->m_gsignal);
	s.g0 = word_at(d, s.m + M_G0);
	if (!on_stack_of(d, s.gsignal, t->sp))
		return s;
	lo = word_at(d, s.gsignal + G_STACK_LO);
	hi = word_at(d, s.gsignal + G_STACK_HI);
	/* a handler may have been interrupted itself: by the signal that was to end it all */
	for (u64 sp = t->sp; sp - lo < hi - lo && go_interrupted(d->img, sp, lo, hi, &i);
	     sp = i.sp) {
		s.in_handler = true;
		s.i = i;
		/* behind the ucontext, of 304 bytes, comes the siginfo (linux asm/sigframe.h) */
		if (image_read_rt(d->img, i.ucontext + UCONTEXT, head, sizeof(head)))
			called_for(d, &s, (int)head[0], (i32)head[2], i.pc);
		if (i.sp <= i.ucontext)
			break;
	}
	return s;
}

/* Whose end it was: who handles a fault (where all have to print their stacks, the last of them
 * aborts), else the first thread that a deadly signal stopped. */
static struct stands victim(const struct death *d, const struct os_thread *t, size_t n, i32 off)
{
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT,
				      SIGQUIT };
	struct stands sent = { 0 };
	bool died = false;

	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
			died |= t[k].signal == deadly[i];
	for (size_t k = 0; k < n && died; k++) {
		struct stands s = stands_of(d, &t[k], off);

		if (s.told)
			return s;
		if (s.sent)
			sent = s;
	}
	if (sent.t)
		return sent;
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
			if (t[k].signal == deadly[i])
				return stands_of(d, &t[k], off);
	return (struct stands){ 0 };
}

static bool printable(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((u8)p[i] < ' ' || (u8)p[i] >= 0x7f)
			return false;
	return n;
}

static struct str text_at(const struct death *d, u64 rt, u64 n)
{
	char *p;

	if (!n || n > TEXT_MOST)
		return STR("");
	p = arena_alloc(d->a, n);
	return image_read_rt(d->img, rt, p, n) ? (struct str){ p, n } : STR("");
}

/* What runtime.throw was given: its frame has it, for the closure that prints it. Anything but a
 * line of text is none. */
static struct str thrown_in(const struct death *d, const struct death_frame *f)
{
	for (u64 at = f->sp_rt; at + 16 <= f->return_at + 24 && at < f->sp_rt + 512; at += 8) {
		u64 n = word_at(d, at + 8);
		struct str s = n >= 4 && n < 256 ? text_at(d, word_at(d, at), n) : STR("");

		if (printable(s.p, s.n))
			return s;
	}
	return STR("");
}

static struct str thrown(const struct death *d)
{
	static const char *const throwers[] = { "runtime.throw", "runtime.fatal" };

	for (size_t i = 0; i < ARRAY_LEN(throwers); i++) {
		const struct death_frame *f = death_frame_of(d, throwers[i]);
		struct str s = f && f->return_at ? thrown_in(d, f) : STR("");

		if (s.n)
			return str_fmt(d->a, "fatal error: %.*s", STR_F(s));
		if (f)
			return STR("fatal error: (its text is not to be read)");
	}
	return STR("");
}

/* A panic's value: its type, and its text where it is one. Of runtime.Goexit there is none. */
static struct str panic_text(const struct death *d, u64 arg)
{
	u64 type_rt = word_at(d, arg), data = word_at(d, arg + 8);
	struct go_type *t = type_rt ? go_type_at(d->prog, type_rt - d->img->bias) : NULL;
	struct str s = STR("");

	if (!type_rt)
		return STR("");
	if (!t || !go_type_load(d->prog, t)->kind)
		return STR("panic: (a value of unknown type)");
	if (str_eq(t->name, STR("runtime.boundsError")))
		return STR("panic: runtime error: index or slice bounds out of range");
	if (t->kind == GO_STRING || str_ends(t->name, STR("errors.errorString")))
		s = text_at(d, word_at(d, data), word_at(d, data + 8));
	if (str_eq(t->name, STR("runtime.errorString")))
		return str_fmt(d->a, "panic: runtime error: %.*s", STR_F(s));
	if (str_eq(t->name, STR("runtime.errorAddressString")))
		return str_fmt(d->a, "panic: runtime error: %.*s",
			       STR_F(text_at(d, word_at(d, data), word_at(d, data + 8))));
	if (s.n)
		return str_fmt(d->a, "panic: %.*s", STR_F(s));
	return str_fmt(d->a, "panic: (a %.*s)", STR_F(t->name));
}

/* Has it the value of the one before it? Those that are errors are texts by now; but since 1.23 not
 * where the same value was panicked with before, and of the runtime's own it can be no other. */
static bool same_value(const struct death *d, u64 arg, struct str text, u64 before, struct str of)
{
	static const char *const runtimes[] = {
		"panic: runtime error: index or slice", "panic: (a runtime.", "panic: (a *runtime.",
	};

	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++)
		if (str_starts(text, str_of(runtimes[i])))
			return true;
	return (word_at(d, arg) == word_at(d, before) &&
		word_at(d, arg + 8) == word_at(d, before + 8)) ||
	       (str_eq(text, of) && !str_starts(text, STR("panic: (a ")));
}

/* The goroutine's panics; the innermost is in its g, and tells of the one before it.
 *
 *	_panic	arg, an interface {type, data}: at 8 up to 1.25, at 0 since
 *		link, behind it */
static void panicked(struct death *d)
{
	enum { LINK = 16, NESTED = 64 };
	struct str all[NESTED];
	u64 args[NESTED];
	u64 panic = d->g ? word_at(d, d->g->g_rt + G_PANIC) : 0;
	u32 n = 0;

	if (d->message.n || !panic || !death_frame_of(d, "runtime.gopanic"))
		return;
	for (u32 i = 0; panic && i < NESTED; i++) {
		args[n] = panic + d->prog->rel->panic_arg;
		panic = word_at(d, args[n] + LINK);
		all[n] = panic_text(d, args[n]);
		n += all[n].n != 0;
	}
	for (u32 i = n; i-- && d->npanics < PANICS_MOST; )
		d->panics[d->npanics++] = (struct death_panic){
			.message = all[i], .at = -1,
			.again = i + 1 < n &&
				 same_value(d, args[i], all[i], args[i + 1], all[i + 1]),
		};
	d->message = d->npanics ? d->panics[0].message : STR("panic: (a value of unknown type)");
}

static void registers_of(struct death *d, const struct stands *s)
{
	memcpy(d->ints, s->in_handler ? s->i.ints : s->t->ints, sizeof(d->ints));
	d->pc = s->in_handler ? s->i.pc : s->t->ip;
	d->has_ints = d->has_pc = true;
	if (s->told || s->sent) {
		d->signal = s->told ? s->told : s->sent;
		d->code = s->code;
		d->has_code = true;
	}
	d->gave_up = s->told == SIGABRT;
	if (s->told == SIGSEGV || s->told == SIGBUS) {
		d->address = word_at(d, s->i.ucontext + UCONTEXT + 16);
		d->has_address = !death_uncanonical(d);
	} else if (!s->in_handler && s->t->has_info && s->t->code > 0) {
		d->code = s->t->code;
		d->has_code = true;
		d->address = s->t->address;
		d->has_address = !death_uncanonical(d);
	}
}

/* Behind runtime.sigpanic the fault is the goroutine's: what was at hand then is in its g; up to
 * 1.19 it is called on g0, too, where C code faults, and what was at hand is in that one's. */
static void fault_of_panic(struct walk *w)
{
	const struct death_frame *f = death_frame_of(w->d, "runtime.sigpanic");
	const struct go_release *rel = w->d->prog->rel;
	struct death *d = w->d;
	u64 g = f && f->stack == STACK_OF_THREAD ? word_at(d, w->m + M_G0) : w->curg, sig;

	if (!f || !g || !rel->g_sig)
		return;
	sig = word_at(d, g + rel->g_sig) & 0xffffffff;
	if (!sig || sig > 64)
		return;
	d->signal = (int)sig;
	d->code = (i32)word_at(d, g + rel->g_sigcode0);
	d->has_code = true;
	d->address = word_at(d, g + rel->g_sigcode0 + 8);
	d->pc = word_at(d, g + rel->g_sigcode0 + 16);
	d->has_address = !death_uncanonical(d);
	d->has_pc = true;
	d->has_ints = false;
}

static void code_file(struct death *d)
{
	struct mapped m;
	struct str name;

	if (is_go(d, d->pc) || !image_mapped(d->img, d->pc, d->a, &m))
		return;
	name = mapped_function(d->img, &m, d->a);
	d->code_file = name.n ? str_fmt(d->a, "%.*s+0x%" PRIx64 " (%.*s)", STR_F(m.path), m.off,
					STR_F(name))
			      : str_fmt(d->a, "%.*s+0x%" PRIx64, STR_F(m.path), m.off);
}

void death_of_image(struct death *d, const struct os_thread *threads, size_t n)
{
	struct walk w = { .d = d };
	struct stands s;
	i32 off;

	d->goid = -1;
	if (d->img->kind == IMAGE_CORE) {
		threads = d->img->threads;
		n = d->img->nthreads;
	}
	if (!go_tls_offset(d->prog, &off))
		return;
	s = victim(d, threads, n, off);
	if (!s.t)
		return;
	d->died = true;
	d->signal = s.t->signal;
	w.t = s.t;
	w.m = s.m;
	w.curg = s.curg;
	for (size_t k = 0; d->gs && k < d->gs->all.n; k++)
		if (d->gs->all.at[k].g_rt == s.curg)
			d->g = &d->gs->all.at[k];
	d->goid = d->g ? d->g->goid : -1;
	registers_of(d, &s);
	if (on_stack_of(d, s.gsignal, s.t->sp))
		stack(&w, s.t->ip, s.t->sp, s.gsignal, true, STACK_OF_SIGNAL);
	if (s.in_handler)
		from_registers(&w, s.i.pc, s.i.sp, s.g0);
	else if (!w.frames.n)
		from_registers(&w, s.t->ip, s.t->sp, s.g0);
	d->frames = arena_copy(d->a, w.frames.at, w.frames.n * sizeof(w.frames.at[0]));
	d->nframes = (u32)w.frames.n;
	vec_release(&w.frames);
	/* whose code it was: R14 says it in Go code, and in C that the race detector is */
	d->g_rt = d->ints[R14] == s.g0 || d->ints[R14] == s.curg ? d->ints[R14] : s.g;
	if (d->g_rt && (d->g_rt == s.g0 || d->g_rt == s.curg)) {
		d->on_g0 = d->g_rt == s.g0;
		d->has_racectx = true;
		d->racectx = word_at(d, d->g_rt + d->prog->rel->g_racectx);
	}
	fault_of_panic(&w);
	code_file(d);
	d->message = thrown(d);
	panicked(d);
	death_panics_place(d);
	death_panics_fault(d);
	if (!d->message.n)
		d->message = death_signal_text(d->signal);
}
