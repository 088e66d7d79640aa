/* stress_hunt - `stress --until-crash`.
 *
 * Owns     nothing.  Units  ns.
 * Fails    as the search for a program, its opening, and its start.
 * Threads  one. */
#ifndef CMD_STRESS_HUNT_H
#define CMD_STRESS_HUNT_H

#include "base/opt.h"

struct hunt_args {
	const char **patterns;
	size_t npatterns;
	const struct opt_list *sites;	/* or ids, in place of patterns */
	char **program;
	i64 for_ns, delay_ns;
	u64 seed;
	const char *report;	/* a folder for what is kept, or NULL */
	bool show_output, json;
};

/* *found: it died of what a torn value does, and does not do so by itself. */
bool stress_until_crash(const struct hunt_args *a, struct out *o, bool *found,
			struct err *err) MUST_CHECK;

#endif
