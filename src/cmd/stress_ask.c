#include "cmd/stress_ask.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

enum { MILLION = 1000000 };
#define LONGEST_DELAY 10000000000

/* "0.01", "1%" */
static bool parse_chance(const char *text, u32 *per_million, struct err *err)
{
	char *end;
	double v = strtod(text, &end);

	if (end != text && *end == '%')
		v /= 100, end++;
	if (end == text || *end || !(v >= 1.0 / MILLION) || v > 1)
		return err_set(err, ERR_USAGE, "--chance %s: give a number from 0.000001 to 1, or "
			       "a percentage (1%%)", text);
	*per_million = (u32)(v * MILLION + 0.5);
	return true;
}

bool stress_ask(const struct delay_args *a, struct delay_ask *ask, struct err *err)
{
	*ask = (struct delay_ask){ .ns = a->delay_ns, .every = a->every, .seed = a->seed,
				   .percent = (u32)a->max_overhead,
				   .fips_resum = a->fips_resum };
	if (a->delay_ns < 0 || a->delay_ns > LONGEST_DELAY)
		return err_set(err, ERR_USAGE, "--delay: at most 10s");
	if (a->every > DELAY_MOST_EVERY)
		return err_set(err, ERR_USAGE, "--every %lu: at most %d", (unsigned long)a->every,
			       DELAY_MOST_EVERY);
	if (a->max_overhead > DELAY_MOST_PERCENT)
		return err_set(err, ERR_USAGE, "--max-overhead %lu: at most %d",
			       (unsigned long)a->max_overhead, DELAY_MOST_PERCENT);
	if (a->chance && a->every)
		return err_set(err, ERR_USAGE, "--every and --chance exclude each other");
	if (a->chance)
		return parse_chance(a->chance, &ask->per_million, err);
	ask->every = a->every ? a->every : 1;
	return true;
}

double stress_chance(const struct delay_ask *ask)
{
	return (double)ask->per_million / MILLION;
}

static const char *th(u64 n)
{
	static const char *const ends[] = { "th", "st", "nd", "rd" };

	return n / 10 % 10 == 1 || n % 10 > 3 ? "th" : ends[n % 10];
}

void stress_print_how(struct out *o, const struct delay_ask *ask)
{
	out_z(o, " by ");
	out_duration(o, ask->ns);
	if (ask->every > 1)
		out_fmt(o, " at every %lu%s pass", (unsigned long)ask->every, th(ask->every));
	else if (!ask->every)
		out_fmt(o, " at a pass in %g, at random", 1 / stress_chance(ask));
	if (ask->percent)
		out_fmt(o, ", at most %u %% of the time", ask->percent);
	out_fmt(o, "; seed %lu", (unsigned long)ask->seed);
}

/* What GOMAXPROCS was when the process began. */
static bool says_one(int pid)
{
	OWN(arena) a = { 0 };
	const char *ours = getenv("GOMAXPROCS");
	struct str procs = pid ? process_variable(pid, "GOMAXPROCS", &a) : str_of(ours ? ours : "");

	return str_eq(procs, STR("1"));
}

void stress_print_refused(struct out *o, u32 n, const char *how)
{
	if (!n)
		return;
	out_fmt(o, TALK "%u other%s can't be delayed (%s says why)", n, n == 1 ? "" : "s", how);
	out_line(o);
}

void stress_one_p(struct out *o, int pid)
{
	bool one = says_one(pid);
	cpu_set_t cpus;

	if (!sched_getaffinity(pid, sizeof(cpus), &cpus))
		one |= CPU_COUNT(&cpus) == 1;
	if (!one)
		return;
	out_z(o, TALK "with GOMAXPROCS=1 nothing else runs while a store waits, so "
		 "that nobody sees it half done; set it to 4");
	out_line(o);
}
