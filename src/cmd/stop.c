#include "cmd/stop.h"

#include <signal.h>

#include "inline/tracee.h"

static volatile sig_atomic_t alone, terminal;

static void on_signal(int sig, siginfo_t *info, void *ctx)
{
	(void)ctx;
	if (info->si_code == SI_KERNEL)
		terminal = sig;
	else
		alone = sig;
}

/* The last: where it is ignored, nobody would learn of the end of a child. */
static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD };
static struct sigaction old[ARRAY_LEN(caught)];

void stop_catch(void)
{
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t ignored;

	alone = terminal = 0;
	sigemptyset(&ignored);
	for (size_t i = 0; i < ARRAY_LEN(caught); i++) {
		int sig = caught[i];

		sigaction(sig, NULL, &old[i]);
		if (old[i].sa_handler == SIG_IGN)
			sigaddset(&ignored, sig);
		if (sig != SIGHUP || old[i].sa_handler != SIG_IGN)
			sigaction(sig, sig == SIGCHLD ? &usual : &act, NULL);
	}
	tracee_ignores(&ignored);
}

void stop_uncatch(void)
{
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaction(caught[i], &old[i], NULL);
}

bool stop_asked(void)
{
	return alone;
}

bool stop_by_terminal(void)
{
	return terminal;
}
