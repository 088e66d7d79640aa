#include "inline/seize.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

enum { OFTEN_NS = 10000000 };

static const struct stopped *volatile having;
static volatile sig_atomic_t taken;
static struct sigaction before;
static timer_t timer;
static bool ticks;

static bool has_ended(pid_t tid)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, (id_t)tid, &info, WEXITED | WNOWAIT | WNOHANG | __WALL) &&
	       info.si_pid && info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED;
}

/* Not that of the process; and stops, which are shown to us as well, are for whoever waits for
 * them. */
void seize_take_ends(const struct stopped *st)
{
	for (size_t i = 0; i < st->n; i++)
		if (st->at[i].tid != st->pid && has_ended(st->at[i].tid) &&
		    waitpid(st->at[i].tid, NULL, WNOHANG | __WALL) > 0)
			taken |= i < st->standing;
}

static void tick(int sig)
{
	int e = errno;

	(void)sig;
	if (having)
		seize_take_ends(having);
	errno = e;
}

void seize_begin(void)
{
	struct sigaction act = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec often = { { 0, OFTEN_NS }, { 0, OFTEN_NS } };

	taken = false;
	sigaction(SIGRTMIN, &act, &before);
	ticks = !timer_create(CLOCK_MONOTONIC, &event, &timer) &&
		!timer_settime(timer, 0, &often, NULL);
}

bool seize(const struct stopped *st, pid_t tid)
{
	bool ok;

	having = st;
	ok = !ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD);
	having = NULL;
	return ok;
}

bool seize_end(void)
{
	if (ticks)
		timer_delete(timer);
	sigaction(SIGRTMIN, &before, NULL);
	return taken;
}
