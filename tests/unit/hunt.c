/* Hunts of a program that is a shell script: it dies when delays are at the sites of the case. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "stress/hunt.h"

Suite *hunt_suite(void);

#define DIES "echo 'panic: runtime error: index out of range [5] with length 3' >&2; exit 2"
enum { SITES = 40, MS = 1000000 };

static struct {
	u32 culprits[2], n;	/* all of these have to be delayed */
	i64 least_ns;		/* for so long at least */
	const char *dies, *lives;	/* what it does then, and otherwise */
	u32 makes, fail_after, died;
	u32 lucky;		/* so many copies die without them, of those with few sites */
	u32 elsewhere, seen_elsewhere;	/* copies with delays at this one alone */
	char dir[32];
} world;
static struct lab lab;
static struct hunt h;
static u8 tiers[SITES];
static struct hunt_ask ask;
static char *argv[] = { "program", NULL };

static bool has(const struct trial *t, u32 site)
{
	for (u32 i = 0; i < t->nsites; i++)
		if (t->sites[i] == site)
			return true;
	return false;
}

static bool write_script(const char *to, const char *what)
{
	FILE *f = fopen(to, "w");

	fprintf(f, "#!/bin/sh\n%s\n", what);
	return !fclose(f) && !chmod(to, 0700);
}

static bool make(void *ctx, const struct trial *t, const char *to, struct err *err)
{
	bool dies = world.n && t->delay_ns >= world.least_ns;

	(void)ctx;
	ck_assert_uint_gt(t->nsites, 0);
	for (u32 i = 0; i < world.n; i++)
		dies &= has(t, world.culprits[i]);
	if (!dies && world.lucky && t->nsites < SITES)
		dies = world.lucky--;
	world.seen_elsewhere += world.elsewhere && t->nsites == 1 && t->sites[0] == world.elsewhere;
	if (world.fail_after && ++world.makes > world.fail_after)
		return err_set(err, ERR_IO, "no room");
	return write_script(to, dies ? world.dies : world.lives);
}

static bool go_on(void)
{
	return false;
}

static void died(void *ctx, const struct trial *t)
{
	(void)ctx;
	ck_assert(t->died);
	world.died++;
}

static void begin(void)
{
	static char path[64];

	memset(&world, 0, sizeof(world));
	world.dies = DIES;
	world.lives = "exit 0";
	snprintf(world.dir, sizeof(world.dir), "/tmp/hunt.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(world.dir));
	snprintf(path, sizeof(path), "%s/as-it-is", world.dir);
	ck_assert(write_script(path, "exit 0"));
	lab = (struct lab){ .path = path, .name = "program", .dir = world.dir, .argv = argv,
			    .jobs = 2, .make = make, .stop = go_on };
	memset(tiers, 0, sizeof(tiers));
	ask = (struct hunt_ask){ .nsites = SITES, .tiers = tiers, .for_ns = 10000ll * MS,
				 .delay_ns = MS / 10, .seed = 7, .died = died };
}

/* Nothing is left but the program as it is. */
static void end(void)
{
	DIR *d = opendir(world.dir);
	u32 n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	ck_assert_uint_eq(n, 3);
	ck_assert(!unlink(lab.path) && !rmdir(world.dir));
	lab_release(&lab);
}

static void run(void)
{
	struct err err = { 0 };

	ck_assert_msg(hunt(&h, &lab, &ask, &err), "%s", err.msg);
}

START_TEST(finds_the_one_site)
{
	world.n = 1, world.culprits[0] = 13;
	run();
	ck_assert(h.found);
	ck_assert_uint_eq(world.died, 1);
	ck_assert_uint_eq(h.nsites, 1);
	ck_assert_uint_eq(h.sites[0], 13);
	ck_assert_int_eq(h.first.crash.kind, CRASH_LENGTH);
	ck_assert_uint_ge(h.again, 4);	/* half of 40, half of that, … */
	ck_assert_uint_eq(h.confirmed.runs, 5);
	ck_assert_uint_eq(h.confirmed.died, 5);
	ck_assert_int_gt(h.confirmed.median_ns, 0);
	ck_assert_uint_eq(h.without.runs, 5);
	ck_assert_uint_eq(h.without.died + h.elsewhere.died, 0);
	ck_assert_uint_eq(h.elsewhere.runs, 3);
}
END_TEST

START_TEST(finds_two_that_are_needed)
{
	world.n = 2, world.culprits[0] = 3, world.culprits[1] = 37;
	run();
	ck_assert(h.found);
	ck_assert_uint_eq(h.nsites, 2);
	ck_assert_uint_eq(h.sites[0] + h.sites[1], 40);
}
END_TEST

/* A death by luck, in the half that has nothing to do with it. */
START_TEST(comes_back_from_the_wrong_half)
{
	world.n = 1, world.culprits[0] = 37;
	world.lucky = 1;
	run();
	ck_assert(h.found && !world.lucky);
	ck_assert_uint_eq(h.nsites, 1);
	ck_assert_uint_eq(h.sites[0], 37);
	ck_assert_uint_eq(h.confirmed.died, 5);
}
END_TEST

START_TEST(finds_the_shortest_delay)
{
	world.n = 1, world.least_ns = MS / 100;
	run();
	ck_assert(h.found);
	ck_assert_int_eq(h.shortest_ns, MS / 100);
}
END_TEST

START_TEST(tries_longer_delays)
{
	world.n = 1, world.least_ns = MS;
	run();
	ck_assert(h.found);
	ck_assert_int_eq(h.shortest_ns, MS);
}
END_TEST

START_TEST(tries_all_tiers)
{
	memset(tiers, 1, SITES);
	tiers[13] = 2;
	world.n = 1, world.culprits[0] = 13;
	run();
	ck_assert(h.found);
	ck_assert_uint_eq(h.sites[0], 13);
}
END_TEST

START_TEST(finds_nothing)
{
	world.lives = "exit 3";
	ask.for_ns = 200ll * MS;
	run();
	ck_assert(!h.found && !world.died);
	ck_assert_uint_gt(h.runs, 0);
	ck_assert_uint_gt(h.ended, 0);
	ck_assert_uint_ge(h.ended + lab.jobs, h.runs);	/* the last ones may be stopped */
	ck_assert_int_eq(h.status, 3 << 8);
}
END_TEST

START_TEST(other_deaths_prove_nothing)
{
	world.lives = "echo 'panic: no config' >&2; exit 2";
	ask.for_ns = 200ll * MS;
	run();
	ck_assert(!h.found);
	ck_assert_uint_gt(h.others, 0);
	ck_assert_uint_ge(h.others + lab.jobs, h.runs);	/* the last ones may be stopped */
	ck_assert_int_eq(h.other.crash.kind, CRASH_PANIC);
}
END_TEST

START_TEST(says_that_it_dies_without_delays)
{
	world.n = 1;
	ck_assert(write_script(lab.path, DIES));
	run();
	ck_assert(h.found && !hunt_proves(&h));
	ck_assert_uint_ge(h.without.runs, 5);
	ck_assert_uint_eq(h.without.died, h.without.runs);
}
END_TEST

/* A control that the machine itself has killed: more runs of both show what the delay does. Five
 * deaths against one are no proof while a death takes more than a fifth of a control's time. */
START_TEST(one_death_of_the_control_is_not_the_end)
{
	char once[192];

	world.n = 1;
	world.dies = "sleep 0.05\n" DIES;
	snprintf(once, sizeof(once), "mkdir '%s/once' 2>/dev/null || exec sleep 0.1\n" DIES,
		 world.dir);
	ck_assert(write_script(lab.path, once));
	run();
	snprintf(once, sizeof(once), "%s/once", world.dir);
	ck_assert(!rmdir(once));
	ck_assert(h.found && hunt_proves(&h));
	ck_assert_uint_eq(h.without.died, 1);
	ck_assert_uint_gt(h.confirmed.runs, 5);
	ck_assert_uint_eq(h.without.runs, h.confirmed.runs);
}
END_TEST

static i64 stop_at;

static bool stop_then(void)
{
	return now_ns() >= stop_at;
}

START_TEST(stops_when_asked)
{
	world.lives = "exec sleep 1000";
	lab.stop = stop_then;
	stop_at = now_ns() + 300ll * MS;
	run();
	ck_assert(!h.found);
	ck_assert_int_lt(now_ns(), stop_at + 5000ll * MS);
}
END_TEST

static bool stop_when_it_has_died(void)
{
	return world.died;
}

START_TEST(stops_after_the_first_death)
{
	world.n = 1;
	lab.stop = stop_when_it_has_died;
	run();
	ck_assert(h.found);
	ck_assert_uint_eq(h.confirmed.runs + h.without.runs + h.elsewhere.runs, 0);
}
END_TEST

static u32 only_passed(void *ctx, u32 site)
{
	(void)ctx;
	return site == 13 || site == 39;
}

/* What the control delays must be passed, or it could not fail. */
START_TEST(control_delays_what_is_passed)
{
	world.n = 1, world.culprits[0] = 13;
	world.elsewhere = 39;
	ask.waits = only_passed;
	run();
	ck_assert_uint_eq(h.sites[0], 13);
	ck_assert_uint_eq(h.elsewhere.runs, 3);
	ck_assert_uint_ge(world.seen_elsewhere, 3);
}
END_TEST

/* A program that races may die without delays, too: then it counts how much more seldom. */
START_TEST(proves_by_how_often_it_dies)
{
	struct {
		u32 with, without;
		i64 with_ms, without_ms;
		bool proof;
	} t[] = {
		{ 5, 0, 500, 5000, true },
		{ 1, 0, 9000, 5000, true },
		{ 0, 0, 5000, 5000, false },
		{ 5, 1, 500, 4500, true },	/* 5e-5 */
		{ 5, 5, 500, 700, false },
		{ 3, 1, 500, 4500, false },	/* 0.004: 4 * 0.1^3 * 0.9 + 0.1^4 */
		{ 3, 1, 300, 5700, true },	/* 0.0005 */
		{ 5, 5, 100, 20000, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct hunt x = {
			.confirmed = { .runs = 5, .died = t[i].with, .all_ns = t[i].with_ms * MS },
			.without = { .runs = 5, .died = t[i].without,
				     .all_ns = t[i].without_ms * MS },
		};

		ck_assert_msg(hunt_proves(&x) == t[i].proof, "case %zu", i);
	}
	ck_assert(!hunt_proves(&(struct hunt){ .confirmed = { .runs = 5, .died = 5 } }));
}
END_TEST

START_TEST(says_what_it_cannot_make)
{
	struct err err = { 0 };

	world.fail_after = 3;
	ck_assert(!hunt(&h, &lab, &ask, &err));
	ck_assert_str_eq(err.msg, "no room");
}
END_TEST

/* As some keep a log, or a socket. */
START_TEST(what_is_put_beside_a_copy_goes_with_it)
{
	world.n = 1, world.culprits[0] = 13;
	world.dies = "mkdir -p \"${0%/*}/data\" && : >\"${0%/*}/data/log\"\n" DIES;
	world.lives = "mkdir -p \"${0%/*}/data\"";
	run();
	ck_assert(h.found);
}
END_TEST

START_TEST(what_it_has_started_makes_nothing_any_more)
{
	world.n = 1, world.culprits[0] = 13;
	world.lives = "here=${0%/*}\n"
		      "for i in 1 2 3 4 5 6 7 8; do\n"
		      "  while mkdir -p \"$here/$i/$i/$i\"; do rm -rf \"$here/$i\"; done &\n"
		      "done\n"
		      "sleep 0.02";
	run();
	ck_assert(h.found);
}
END_TEST

Suite *hunt_suite(void)
{
	Suite *s = suite_create("hunt");
	TCase *t = tcase_create("hunt");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, finds_the_one_site);
	tcase_add_test(t, finds_two_that_are_needed);
	tcase_add_test(t, comes_back_from_the_wrong_half);
	tcase_add_test(t, finds_the_shortest_delay);
	tcase_add_test(t, tries_longer_delays);
	tcase_add_test(t, tries_all_tiers);
	tcase_add_test(t, finds_nothing);
	tcase_add_test(t, other_deaths_prove_nothing);
	tcase_add_test(t, says_that_it_dies_without_delays);
	tcase_add_test(t, stops_when_asked);
	tcase_add_test(t, stops_after_the_first_death);
	tcase_add_test(t, one_death_of_the_control_is_not_the_end);
	tcase_add_test(t, control_delays_what_is_passed);
	tcase_add_test(t, proves_by_how_often_it_dies);
	tcase_add_test(t, says_what_it_cannot_make);
	tcase_add_test(t, what_is_put_beside_a_copy_goes_with_it);
	tcase_add_test(t, what_it_has_started_makes_nothing_any_more);
	suite_add_tcase(s, t);
	return s;
}
