/* hunt - from the suspicion of a race on a value of several words to its proof.
 *
 *   search    delays at all sites, long ones, and short ones at some of their passes, because a
 *             program that waits everywhere gets to nothing; then at some of those sites that are
 *             passed at all; until a run dies
 *   narrow    half of the sites, as long as a half still dies
 *   confirm   the rest again and again: how often, how soon, with how short a delay; if fewer
 *             than half of the runs die, luck has led astray: narrow and confirm once more
 *   control   the same program without delays, and with delays elsewhere: it must live, or die
 *             far more seldom; where some die and it is not plain yet, more runs of both
 *
 * Owns     nothing: what it finds lies in the lab's arena.
 * Units    ns; sites are indexes as in the lab's trials.
 * Fails    what a trial fails with. That nothing was found is no failure.
 * Threads  one. */
#ifndef STRESS_HUNT_H
#define STRESS_HUNT_H

#include "stress/lab.h"

struct hunt_ask {
	u32 nsites;
	const u8 *tiers; /* of each site, below HUNT_TIERS: lower ones are tried more often */
	i64 for_ns;		/* of the search */
	i64 delay_ns;
	u64 seed;
	/* How often has a run waited at this site, at most? NULL: nobody knows. */
	u32 (*waits)(void *ctx, u32 site);
	/* Called once, as soon as a run has died. */
	void (*died)(void *ctx, const struct trial *t);
};
enum { HUNT_TIERS = 3, SERIES_MOST = 32 };

/* Runs of one kind, and how many of them died of a torn value. */
struct series {
	u32 runs, died;
	i64 median_ns;		/* of those that died */
	i64 each_ns;		/* that those which lived were given */
	i64 all_ns;		/* that all of them ran, together */
	i64 times[SERIES_MOST];	/* of those that died, the shortest first */
};

struct hunt {
	bool found;
	i64 took_ns;		/* until then, or until it was given up */
	struct trial first;	/* the run that died first */
	const u32 *sites;	/* the fewest with which it still died */
	u32 nsites;
	i64 delay_ns;		/* that these were found with */
	u32 one_in;		/* ... at so many of their passes */
	i64 shortest_ns;	/* the shortest that did it, too */
	u32 again;		/* deaths while it was narrowed down */
	struct series confirmed, without, elsewhere;
	u32 runs;		/* of the search */
	u32 others;		/* of these, ended by what a torn value does not do */
	struct trial other;	/* the first of them */
	u32 ended;		/* ended by themselves */
	int status;		/* of the last of these, as waitpid gives it */
};

bool hunt(struct hunt *h, struct lab *l, const struct hunt_ask *a, struct err *err) MUST_CHECK;

/* It dies with the delays, and without them it lives; or dies so much more seldom that this is
 * chance in less than one case of a thousand. A program that races can die of it any time: on a
 * busy machine the kernel itself stops threads between two words. */
bool hunt_proves(const struct hunt *h);
/* It dies about as often without the delays: they say nothing of why. */
bool hunt_refutes(const struct hunt *h);

#endif
