/* stress_live - stores that wait in a program that is started, or in one that runs.
 *
 * Owns     nothing.  Units  ns.
 * Fails    ERR_USAGE, and as inline/inline.h.
 * Threads  one. */
#ifndef CMD_STRESS_LIVE_H
#define CMD_STRESS_LIVE_H

#include "cmd/stress_ask.h"
#include "cmd/stress_sites.h"

struct live_args {
	struct delay_args delay;
	const char **patterns;
	size_t npatterns;
	const struct opt_list *sites;	/* or ids, in place of patterns */
	const char *pid;		/* or... */
	char **program;
	const char *output;		/* for what is printed in the end, or NULL */
	i64 for_ns;			/* 0: until it ends */
	bool plan, json;
};

/* *status: that of a program that was started, when it has ended. */
bool stress_live(const struct live_args *a, int *status, struct err *err) MUST_CHECK;

#endif
