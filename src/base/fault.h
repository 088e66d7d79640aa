/* fault - places where a debug build dies on purpose (make V=faults): GOSHAWK_FAULT names one.
 *
 * Tests kill goshawk there, as SIGKILL would, to see that the target lives or has not started.
 * "name:N" is the Nth time that it comes there; at "name:stop" it stands still once, until a test
 * sends it on (SIGCONT). GOSHAWK_FAULT=list and =list-restore print the names, of the start and of
 * the restoration.
 *
 * Owns     nothing.  Units  none.  Fails  that is its purpose.  Threads  any. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef GOSHAWK_FAULTS
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void fault_point(const char *name)
{
	const char *want = getenv("GOSHAWK_FAULT");

	if (want && !strcmp(want, "list")) {
		puts("started injecting injected mapped jumps prepared running");
		exit(0);
	}
	if (want && !strcmp(want, "list-restore")) {
		puts("stopped restoring restored");
		exit(0);
	}
	if (want && !strncmp(want, name, strlen(name))) {
		const char *nth = want + strlen(name);
		static long n;

		if (!strcmp(nth, ":stop") && !n++)
			kill(getpid(), SIGSTOP);
		else if (!*nth || (*nth == ':' && ++n == strtol(nth + 1, NULL, 10)))
			kill(getpid(), SIGKILL);
	}
}
#else
static inline void fault_point(const char *name)
{
	(void)name;
}
#endif

#endif
