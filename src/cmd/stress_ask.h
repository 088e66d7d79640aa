/* stress_ask - how long and how often stores wait: what the options say, and what is said of it.
 *
 * Owns     nothing.  Units  ns.
 * Fails    ERR_USAGE.
 * Threads  one. */
#ifndef CMD_STRESS_ASK_H
#define CMD_STRESS_ASK_H

#include "base/out.h"
#include "inline/delay.h"

struct delay_args {
	i64 delay_ns;
	u64 every, seed, max_overhead;	/* every, seed: 0 where nothing is said */
	const char *chance;
	bool fips_resum;
};

bool stress_ask(const struct delay_args *a, struct delay_ask *ask, struct err *err) MUST_CHECK;
/* " by 100µs at every 3rd pass, at most 50 % of the time; seed 7" */
void stress_print_how(struct out *o, const struct delay_ask *ask);
/* At so many of its passes; where it is by chance. */
double stress_chance(const struct delay_ask *ask);
/* Says so where a process (0: one that is yet to be started from here) has one processor only, as
 * far as that can be seen. */
void stress_one_p(struct out *o, int pid);
/* A line on stores that can't be delayed, where there are some; `how` tells why. */
void stress_print_refused(struct out *o, u32 n, const char *how);

#endif
