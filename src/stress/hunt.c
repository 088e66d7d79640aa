#include "stress/hunt.h"

#include <stdlib.h>

#include "base/clock.h"

enum {
	SERIES = 5,		/* runs that a figure of the report rests on */
	AGAIN = 4,		/* times that a figure which is no proof yet is added to */
	TRIES = 3,		/* runs before half of the sites, or a delay, is given up */
	PARTS = 16,		/* that the sites are split into at most */
};
#define MS 1000000ll
#define SECOND (1000 * MS)
#define LONGEST (5 * MS)	/* who stands still for longer holds up collections */
#define PATIENCE (20 * SECOND)	/* that a run gets at most, once one has died */

struct hunter {
	struct hunt *h;
	struct lab *l;
	const struct hunt_ask *a;
	u64 random;
	i64 limit_ns;		/* that a run gets after the first has died: some times as long
				 * as the slowest death took */
	u32 again;		/* as in struct hunt */
	struct err *err;
};

static u64 draw(struct hunter *x)
{
	x->random ^= x->random << 13;
	x->random ^= x->random >> 7;
	x->random ^= x->random << 17;
	return x->random;
}

/* What is tried, one after the other. */
static const struct way {
	u32 one_in;		/* of the sites */
	u32 longer;		/* than the delay that was asked for */
	u32 pass;		/* one in so many passes of a site */
	bool all;		/* also sites that no run has passed yet */
} ways[] = {
	{ 1, 10, 1, true }, { 1, 10, 4, true }, { 1, 1, 4, false }, { 1, 10, 4, false },
	{ 1, 1, 4, false }, { 2, 10, 4, false }, { 4, 10, 1, false }, { 2, 1, 4, false },
};

static bool passed(const struct hunter *x, u32 site)
{
	return x->a->waits && x->a->waits(x->l->ctx, site);
}

/* The first death may have been luck, and a run that is given too little time proves nothing. */
static void wait_longer(struct hunter *x, i64 died_after_ns)
{
	x->limit_ns = MAX(x->limit_ns, MIN(4 * died_after_ns, PATIENCE));
}

static void choose(struct hunter *x, struct trial *t, u8 tier, const struct way *w)
{
	u32 *sites = ARENA_ARRAY(&x->l->arena, u32, x->a->nsites);
	bool all = true;

	for (u32 i = 0; i < x->a->nsites && all && !w->all; i++)
		all = x->a->tiers[i] > tier || !passed(x, i);
	do {
		t->nsites = 0;
		for (u32 i = 0; i < x->a->nsites; i++)
			if (x->a->tiers[i] <= tier && (all || passed(x, i)) &&
			    draw(x) % w->one_in == 0)
				sites[t->nsites++] = i;
	} while (!t->nsites);
	t->sites = sites;
}

static void seen(struct hunter *x, const struct trial *t)
{
	struct hunt *h = x->h;

	if (!t->number)
		return;
	h->runs++;
	if (t->died && !h->found) {
		h->found = true;
		h->first = *t;
		x->a->died(x->l->ctx, t);
	} else if (t->other && !h->others++) {
		h->other = *t;
	}
	if (t->ended) {
		h->ended++;
		h->status = t->status;
	}
}

/* One round: as many runs as there are jobs, each in another way. Sites of a tier that is empty up
 * to here are those of the next. */
static bool round_of(struct hunter *x, u32 round, i64 left)
{
	struct trial trials[LAB_JOBS] = { 0 };
	u32 jobs = MIN(x->l->jobs, LAB_JOBS);
	u8 lowest = HUNT_TIERS - 1;
	/* most die at once, or only when their heap has grown for some seconds */
	i64 limit = SECOND << (round ? MIN(3 + (round - 1) / 2, 5u) : 0);

	for (u32 i = 0; i < x->a->nsites; i++)
		lowest = MIN(lowest, x->a->tiers[i]);
	for (u32 i = 0; i < jobs; i++) {
		u32 k = round * jobs + i, turn = k / ARRAY_LEN(ways) % 6;
		const struct way *w = &ways[k % ARRAY_LEN(ways)];
		u8 tier = turn == 5 ? 2 : turn == 2 || turn == 4;	/* 0 0 1 0 1 2 */

		choose(x, &trials[i], MAX(lowest, tier), w);
		trials[i].one_in = w->pass;
		trials[i].delay_ns = MAX(MIN(x->a->delay_ns * w->longer, LONGEST), x->a->delay_ns);
		trials[i].seed = draw(x);
		trials[i].limit_ns = MIN(limit, left);
	}
	if (!lab_run(x->l, trials, jobs, true, x->err))
		return false;
	for (u32 i = 0; i < jobs; i++)
		seen(x, &trials[i]);
	return true;
}

static bool search(struct hunter *x)
{
	i64 began = now_ns(), end = began + x->a->for_ns;
	bool ok = true;

	for (u32 round = 0; ok && !x->h->found && !x->l->stop(); round++) {
		i64 left = end - now_ns();

		if (left < 10 * MS && round)
			break;
		ok = round_of(x, round, MAX(left, 10 * MS));
	}
	x->h->took_ns = now_ns() - began;
	return ok;
}

static int by_time(const void *a, const void *b)
{
	i64 x = *(const i64 *)a, y = *(const i64 *)b;

	return (x > y) - (x < y);
}

/* Adds runs of one choice of sites; `first`: only until one dies. */
static bool add(struct hunter *x, struct series *s, const u32 *sites, u32 nsites, i64 delay, u32 n,
		i64 limit, bool first)
{
	struct trial trials[SERIES] = { 0 };

	s->each_ns = limit;
	for (u32 i = 0; i < n; i++)
		trials[i] = (struct trial){ .sites = sites, .nsites = nsites, .delay_ns = delay,
					    .one_in = x->h->one_in, .seed = draw(x),
					    .limit_ns = limit };
	if (!lab_run(x->l, trials, n, first, x->err))
		return false;
	for (u32 i = 0; i < n; i++) {
		if (trials[i].died && s->died < SERIES_MOST)
			s->times[s->died++] = trials[i].time_ns;
		s->runs += trials[i].ran;
		s->all_ns += trials[i].ran ? trials[i].time_ns : 0;
	}
	qsort(s->times, s->died, sizeof(s->times[0]), by_time);
	s->median_ns = s->died ? s->times[s->died / 2] : 0;
	return true;
}

static bool series(struct hunter *x, struct series *s, const u32 *sites, u32 nsites, i64 delay,
		   u32 n, i64 limit, bool first)
{
	*s = (struct series){ 0 };
	return add(x, s, sites, nsites, delay, n, limit, first);
}

/* Part `i` of k of the sites, or all others. */
static void part(struct hunter *x, struct trial *t, u32 i, u32 k, bool others)
{
	const struct hunt *h = x->h;
	u32 lo = (u32)((u64)h->nsites * i / k), hi = (u32)((u64)h->nsites * (i + 1) / k), n = 0;
	u32 *sites = ARENA_ARRAY(&x->l->arena, u32, h->nsites);

	for (u32 s = 0; s < h->nsites; s++)
		if ((s >= lo && s < hi) != others)
			sites[n++] = h->sites[s];
	*t = (struct trial){ .sites = sites, .nsites = n, .delay_ns = h->delay_ns,
			     .one_in = h->one_in, .seed = draw(x), .limit_ns = x->limit_ns };
}

/* Both halves several times, the one that waits more often earlier; or once all but each of k
 * parts. The first that dies is kept. */
static bool split(struct hunter *x, u32 k, bool others, bool *smaller)
{
	static const u8 halves[2 * TRIES] = { 0, 0, 1, 0, 1, 1 };
	struct trial trials[PARTS];
	u32 n = 0;

	for (u32 i = 0; i < (others ? k : ARRAY_LEN(halves)); i++)
		part(x, &trials[n++], others ? i : halves[i], k, others);
	if (!lab_run(x->l, trials, n, true, x->err))
		return false;
	for (u32 i = 0; i < n; i++) {
		if (!trials[i].died)
			continue;
		x->h->sites = trials[i].sites;
		x->h->nsites = trials[i].nsites;
		x->again++;
		wait_longer(x, trials[i].time_ns);
		*smaller = true;
		return true;
	}
	return true;
}

static int by_waits(const void *a, const void *b, void *ctx)
{
	struct hunter *x = ctx;
	u32 s = *(const u32 *)a, t = *(const u32 *)b;
	u32 of_s = x->a->waits(x->l->ctx, s), of_t = x->a->waits(x->l->ctx, t);

	return of_s == of_t ? (s > t) - (s < t) : of_s < of_t ? 1 : -1;
}

/* What no run has waited at can't have done it; what waits often is more probable than what is
 * passed once, at the start. Until it has died again, too, however long that takes. */
static bool drop_others(struct hunter *x)
{
	struct hunt *h = x->h;
	u32 *sites = ARENA_ARRAY(&x->l->arena, u32, h->nsites), n = 0;
	struct series s = { 0 };

	for (u32 i = 0; i < h->nsites; i++)
		if (passed(x, h->sites[i]))
			sites[n++] = h->sites[i];
	if (!n)
		return true;
	qsort_r(sites, n, sizeof(*sites), by_waits, x);
	if (!series(x, &s, sites, n, h->delay_ns, TRIES, x->limit_ns, true) ||
	    (!s.died && !series(x, &s, sites, n, h->delay_ns, TRIES, PATIENCE, true)))
		return false;
	x->again += s.died;
	if (s.died) {
		h->sites = sites;
		h->nsites = n;
		wait_longer(x, s.median_ns);
	}
	return true;
}

/* Halves; where neither dies by itself several sites are needed, and smaller parts are left out as
 * long as the rest dies (Zeller's delta debugging). */
static bool narrow(struct hunter *x)
{
	struct hunt *h = x->h;

	h->sites = h->first.sites;
	h->nsites = h->first.nsites;
	h->delay_ns = h->first.delay_ns;
	h->one_in = h->first.one_in;
	if (!drop_others(x))
		return false;
	for (u32 k = 2; h->nsites > 1 && !x->l->stop();) {
		bool smaller = false;

		k = MIN(k, h->nsites);
		if (k == 2 && !split(x, k, false, &smaller))
			return false;
		if (smaller)
			continue;
		if (k > 2 && !split(x, k, true, &smaller))
			return false;
		if (smaller)
			k = MAX(k - 1, 2u);
		else if (k == MIN(h->nsites, PARTS))
			break;
		else
			k = MIN(2 * k, PARTS);
	}
	return true;
}

/* On a busy machine a half without the store that does it dies now and then, too, and of what is
 * left there hardly any run does: then all is done once more, and the better of both counts. */
static bool narrow_and_confirm(struct hunter *x)
{
	struct hunt *h = x->h, first = { 0 };

	for (u32 i = 0; i < 2; i++) {
		if (!narrow(x) || !series(x, &h->confirmed, h->sites, h->nsites, h->delay_ns,
					  SERIES, x->limit_ns, false))
			return false;
		if (i && first.confirmed.died > h->confirmed.died)
			*h = first;
		if (2 * h->confirmed.died >= h->confirmed.runs)
			break;
		first = *h;
	}
	return true;
}

static bool shorten(struct hunter *x, i64 limit)
{
	struct hunt *h = x->h;

	h->shortest_ns = h->delay_ns;
	for (i64 d = h->delay_ns / 10; d >= 100 && !x->l->stop(); d /= 10) {
		struct series s;

		if (!series(x, &s, h->sites, h->nsites, d, TRIES, limit, true))
			return false;
		if (!s.died)
			break;
		h->shortest_ns = d;
	}
	return true;
}

/* As many sites as were found, others: those that some run has passed first. */
static bool elsewhere(struct hunter *x, i64 limit)
{
	struct hunt *h = x->h;
	u32 all = x->a->nsites, *others = ARENA_ARRAY(&x->l->arena, u32, all), n = 0;

	for (u32 k = 0; k < 2 * all && n < h->nsites; k++) {
		u32 site = k < all ? k : k - all;
		bool found = passed(x, site) != (k < all);

		for (u32 i = 0; i < h->nsites; i++)
			found |= h->sites[i] == site;
		if (!found)
			others[n++] = site;
	}
	return !n || series(x, &h->elsewhere, others, n, h->delay_ns, TRIES, limit, false);
}

/* If deaths came as often in each second of both series, how probable would it be that so many of
 * them fall into the first? A binomial sum: of n deaths, k or more. */
static double by_chance(const struct series *with, const struct series *without)
{
	double share = (double)with->all_ns / (double)(with->all_ns + without->all_ns), sum = 0;
	u32 n = with->died + without->died;

	for (u32 k = with->died; k <= n; k++) {
		double term = 1;

		for (u32 i = 0; i < n; i++)
			term *= i < k ? share * (n - i) / (k - i) : 1 - share;
		sum += term;
	}
	return sum;
}

bool hunt_proves(const struct hunt *h)
{
	if (!h->confirmed.died || !h->without.runs)
		return false;
	return !h->without.died || by_chance(&h->confirmed, &h->without) < 0.001;
}

bool hunt_refutes(const struct hunt *h)
{
	return h->without.died && !hunt_proves(h);
}

/* A machine that is busy enough kills the control, too, now and then: more runs of both tell. */
static bool tell_apart(struct hunter *x, i64 control)
{
	struct hunt *h = x->h;
	bool ok = true;

	for (u32 i = 0; ok && i < AGAIN && h->without.died && !hunt_proves(h) && !x->l->stop(); i++)
		ok = add(x, &h->confirmed, h->sites, h->nsites, h->delay_ns, SERIES, x->limit_ns,
			 false) &&
		     add(x, &h->without, NULL, 0, 0, SERIES, control, false);
	return ok;
}

bool hunt(struct hunt *h, struct lab *l, const struct hunt_ask *a, struct err *err)
{
	struct hunter x = { .h = h, .l = l, .a = a, .random = a->seed * 2 + 1, .err = err };
	i64 control;

	*h = (struct hunt){ 0 };
	if (!search(&x))
		return false;
	if (!h->found)
		return true;
	x.limit_ns = MIN(MAX(4 * h->first.time_ns, 2 * SECOND), PATIENCE);
	if (!narrow_and_confirm(&x))
		return false;
	h->again = x.again;
	control = MIN(MAX(4 * h->confirmed.median_ns, SECOND), 10 * SECOND);
	return shorten(&x, control) &&
	       series(&x, &h->without, NULL, 0, 0, SERIES, control, false) &&
	       tell_apart(&x, control) && elsewhere(&x, control);
}
