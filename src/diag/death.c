#include "diag/death.h"

#include <signal.h>

#include "diag/frame.h"

const struct death_frame *death_frame_of(const struct death *d, const char *func)
{
	for (u32 i = 0; i < d->nframes; i++)
		if (str_eq(d->frames[i].func, str_of(func)))
			return &d->frames[i];
	return NULL;
}

const struct death_frame *death_own_between(const struct death *d, u32 from, u32 to)
{
	const struct death_frame *library = NULL;

	for (u32 i = from; i < to; i++) {
		const struct death_frame *f = &d->frames[i];

		if (frame_is_runtime(f->func))
			continue;
		if (!frame_is_std(f->func, f->file))
			return f;
		library = library ? library : f;
	}
	return library;
}

const struct death_frame *death_own(const struct death *d)
{
	return death_own_between(d, d->outermost, d->nframes);
}

bool death_was_sent(const struct death *d)
{
	return d->has_code && d->code <= 0;
}

bool death_uncanonical(const struct death *d)
{
	return d->signal == SIGSEGV && d->has_code && d->code == SI_KERNEL;
}

/* runtime/sigtab_linux_generic.go */
static const struct { int signal; const char *text; } signals[] = {
	{ SIGSEGV, "SIGSEGV: segmentation violation" },
	{ SIGBUS, "SIGBUS: bus error" },
	{ SIGILL, "SIGILL: illegal instruction" },
	{ SIGFPE, "SIGFPE: floating-point exception" },
	{ SIGTRAP, "SIGTRAP: trace trap" },
	{ SIGABRT, "SIGABRT: abort" },
	{ SIGQUIT, "SIGQUIT: quit" },
	{ SIGSYS, "SIGSYS: bad system call" },
	{ SIGSTKFLT, "SIGSTKFLT: stack fault" },
};

struct str death_signal_text(int signal)
{
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (signals[i].signal == signal)
			return str_of(signals[i].text);
	return STR("");
}

struct str death_signal_name(int signal)
{
	struct str text = death_signal_text(signal);

	return str_cut(text, 0, (size_t)(text.n ? str_find(text, STR(":")) : 0));
}

int death_signal_in(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (str_find(s, death_signal_name(signals[i].signal)) >= 0)
			return signals[i].signal;
	return 0;
}

void death_faulted(struct death *d, const struct os_thread *t)
{
	if (d->has_ints || !t->tid || !d->has_pc || t->ip != d->pc ||
	    (!d->has_address && !death_uncanonical(d)) || t->address != d->address)
		return;
	for (size_t i = 0; i < ARRAY_LEN(d->ints); i++)
		d->ints[i] = t->ints[i];
	d->has_ints = true;
}
