/* A death from what was printed: message, signal, registers, the goroutine that died.
 *
 *	SIGSEGV: segmentation violation			a fault that the runtime can't turn into a
 *	PC=0x41d5f0 m=0 sigcode=1 addr=0x10		panic; registers follow, one a line
 *	[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x47b6a1]	one that it can
 *
 * Source: runtime/signal_unix.go, runtime/defs_linux_amd64.go (dumpregs). */
#include "diag/death.h"

static bool hex_after(struct str s, const char *key, u64 *to)
{
	ptrdiff_t at = str_find(s, str_of(key));

	if (at < 0)
		return false;
	s = str_cut(s, (size_t)at + strlen(key), s.n);
	return str_starts(s, STR("0x")) && str_take_number(&s, to);
}

static void registers(struct death *d)
{
	static const char *const names[16] = {
		"\nrax ", "\nrcx ", "\nrdx ", "\nrbx ", "\nrsp ", "\nrbp ", "\nrsi ", "\nrdi ",
		"\nr8 ", "\nr9 ", "\nr10 ", "\nr11 ", "\nr12 ", "\nr13 ", "\nr14 ", "\nr15 ",
	};
	size_t found = 0;

	for (size_t i = 0; i < 16; i++) {
		ptrdiff_t at = str_find(d->text, str_of(names[i]));
		struct str rest;

		if (at < 0)
			continue;
		rest = str_cut(d->text, (size_t)at + strlen(names[i]), d->text.n);
		while (rest.n && rest.p[0] == ' ')
			rest = str_cut(rest, 1, rest.n);
		found += hex_after(str_cut(rest, 0, 18), "", &d->ints[i]);
	}
	d->has_ints = found == 16;
}

/* "code=0x1", "sigcode=18446744073709551610": of the word its lower half. Of twenty digits the last
 * two are not taken. */
static void code(struct death *d, struct str line)
{
	ptrdiff_t at = str_find(line, STR("code="));
	u64 v;

	if (at < 0)
		return;
	line = str_cut(line, (size_t)at + 5, line.n);
	if (!str_take_number(&line, &v))
		return;
	d->has_code = true;
	d->code = (i32)v;
	if (line.n > 1 && line.p[0] >= '0' && line.p[0] <= '9')
		d->code = (i32)(v * 100 + (u64)(line.p[0] - '0') * 10 + (u64)(line.p[1] - '0'));
}

static void fault(struct death *d)
{
	ptrdiff_t at = str_find(d->text, STR("[signal "));
	struct str line = at < 0 ? STR("") : str_cut(d->text, (size_t)at, (size_t)at + 200);

	if (line.n) {
		line = str_next_line(&line);
		d->signal = death_signal_in(str_cut(line, 0, 32));
		d->has_pc = hex_after(line, " pc=", &d->pc);
	} else {
		at = str_find(d->text, STR("\nPC=0x"));
		if (at < 0)
			return;
		line = str_cut(d->text, (size_t)at + 1, (size_t)at + 200);
		line = str_next_line(&line);
		d->signal = death_signal_in(d->message);
		d->has_pc = hex_after(line, "PC=", &d->pc);
	}
	code(d, line);
	/* of a signal that was sent there stands who sent it */
	d->has_address = !death_was_sent(d) && !death_uncanonical(d) &&
			 hex_after(line, " addr=", &d->address);
}

static void frames(struct death *d)
{
	const struct crash_goroutine *g = d->crash.goroutines;

	d->goid = d->crash.ngoroutines ? g->id : -1;
	/* goroutine 0 is a thread's own stack: where it says nothing, the next one is on it */
	for (u32 i = 0; i + 1 < d->crash.ngoroutines && !g->nframes; i++)
		g++;
	if (!d->crash.ngoroutines)
		return;
	d->on_g0 = !d->goid;
	d->frames = ARENA_ARRAY(d->a, struct death_frame, g->nframes);
	d->nframes = g->nframes;
	for (u32 i = 0; i < g->nframes; i++)
		d->frames[i] = (struct death_frame){
			.func = g->frames[i].func, .file = g->frames[i].file,
			.line = g->frames[i].line, .stack = STACK_OF_GOROUTINE,
		};
}

/* What Go's own C code has said before it called abort(); of several threads one in another. */
static struct str said_in_c(const struct death *d)
{
	struct str before = str_cut(d->lead, 0, d->lead.n - d->text.n), said = d->crash.detail;
	ptrdiff_t at;

	while ((at = str_find(before, STR("runtime/cgo: "))) >= 0) {
		struct str rest = str_cut(before, (size_t)at, before.n);

		before = str_cut(rest, 1, rest.n);
		said = str_next_line(&rest);
	}
	return said;
}

/* A signal that the runtime says no more of: from outside, or of code that is not Go's. */
static void by_signal(struct death *d)
{
	const char *first = NULL;
	size_t from = d->text.n;

	/* where all threads have to print their stacks, each tells of the signal for that, too */
	for (size_t i = 0; death_signals[i]; i++) {
		ptrdiff_t at = str_find(d->text, str_of(death_signals[i]));

		if (at < 0 || (size_t)at >= from || (at && d->text.p[at - 1] != '\n'))
			continue;
		first = death_signals[i];
		from = (size_t)at;
	}
	if (!first)
		return;
	if (from)
		d->text = d->lead = str_cut(d->text, from, d->text.n);
	/* as a fatal error, so that its goroutines are read */
	crash_read(&d->crash, str_fmt(d->a, "fatal error: %.*s", STR_F(d->text)), d->a);
	d->crash.kind = CRASH_NONE;
	d->crash.detail = said_in_c(d);
	d->message = str_of(first);
	d->signal = death_signal_in(d->message);
	d->died = true;
}

void death_of_text(struct death *d, struct str log)
{
	struct death_told told;

	d->printed = d->text = d->lead = death_clean(log, d->a);
	d->goid = -1;
	if (death_find(&told, d->text, d->a)) {
		d->text = told.text;
		d->lead = told.lead;
		d->bare = told.bare;
		d->earlier = told.earlier;
		crash_read(&d->crash, d->text, d->a);
	}
	d->died = d->crash.kind != CRASH_NONE;
	d->message = d->crash.message;
	if (!d->died)
		by_signal(d);
	if (!d->died)
		return;
	registers(d);
	fault(d);
	frames(d);
	death_panics_of_text(d);
	death_panics_place(d);
	death_panics_fault(d);
}
