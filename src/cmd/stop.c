#include "cmd/stop.h"

#include <signal.h>

static volatile sig_atomic_t alone, terminal;

static void on_signal(int sig, siginfo_t *info, void *ctx)
{
	(void)ctx;
	if (info->si_code == SI_KERNEL)
		terminal = sig;
	else
		alone = sig;
}

static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static struct sigaction old[ARRAY_LEN(caught)];

void stop_catch(void)
{
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	alone = terminal = 0;
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaction(caught[i], &act, &old[i]);
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
