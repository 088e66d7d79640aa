/* stress_file - a copy of a program that waits between the words of its stores. */
#include "cmd/stress_file.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "inline/file.h"
#include "out/torn.h"

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

static bool parse_ask(const struct delay_args *a, struct delay_ask *ask, struct err *err)
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

static void print_how(struct out *o, const struct delay_ask *ask)
{
	out_z(o, " by ");
	out_duration(o, ask->ns);
	if (ask->every > 1)
		out_fmt(o, " at every %luth pass", (unsigned long)ask->every);
	else if (!ask->every)
		out_fmt(o, " at a pass in %g, at random", (double)MILLION / ask->per_million);
	if (ask->percent)
		out_fmt(o, ", at most %u %% of the time", ask->percent);
	out_fmt(o, "; seed %lu", (unsigned long)ask->seed);
}

static void said(const struct delayed *d, const char *path)
{
	const char *procs = getenv("GOMAXPROCS");
	cpu_set_t cpus;
	struct out o;

	out_open(&o, 2);
	out_fmt(&o, "goshawk: %s: %u %s delayed", path, d->ndelayed,
		d->ndelayed == 1 ? "store is" : "stores are");
	print_how(&o, &d->ask);
	out_line(&o);
	if (d->nrefused) {
		out_fmt(&o, "goshawk: %u others can't be (--plan says why)", d->nrefused);
		out_line(&o);
	}
	if (d->ask.fips_resum) {
		out_z(&o, "goshawk: its FIPS 140 self-check passes, but this is no validated "
			  "module any more");
		out_line(&o);
	}
	if ((procs && !strcmp(procs, "1")) ||
	    (!sched_getaffinity(0, sizeof(cpus), &cpus) && CPU_COUNT(&cpus) == 1)) {
		out_z(&o, "goshawk: with GOMAXPROCS=1 nothing else runs while a store waits, so "
			  "that nobody sees it half done; set it to 4");
		out_line(&o);
	}
	out_flush(&o);
	out_release(&o);
}

static void list(const struct delayed *d, const struct target *t, struct out *o)
{
	struct json j;

	target_json_begin(t, o);
	json_begin(&j, o);
	for (size_t i = 0; i < d->nsites; i++)
		if (!d->sites[i].refusal)
			torn_json(&j, d->prog, d->sites[i].store);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "end");
	json_key(&j, "sites");
	json_u64(&j, d->ndelayed);
	json_key(&j, "refused");
	json_u64(&j, d->nrefused);
	json_key(&j, "seed");
	json_u64(&j, d->ask.seed);
	json_object_end(&j);
	json_line(&j);
}

static bool make(struct delayed *d, const struct go_program *prog,
		 const struct torn_store *const *stores, u32 n, const struct delay_ask *ask,
		 struct err *err)
{
	if (!delayed_make(d, prog, stores, n, ask, err))
		return false;
	for (size_t i = 0; i < d->nsites; i++)
		if (!d->ndelayed)
			return err_set(err, ERR_REFUSED,
				       "%.*s+0x%x: can't be delayed in a file (%s)",
				       STR_F(d->sites[i].store->func->name), d->sites[i].store->at,
				       refusal_text(d->sites[i].refusal));
	return true;
}

bool stress_file(const struct file_args *a, const struct target *t, struct out *o, struct err *err)
{
	OWN(arena) arena = { 0 };
	OWN(delayed) d = { 0 };
	struct stress_sites sites;
	struct delay_ask ask;

	if (!parse_ask(&a->delay, &ask, err) || !delayed_may(&t->prog, err) ||
	    !stress_sites(&sites, &t->prog, t->rest, t->nrest, a->sites, &arena, err) ||
	    !make(&d, &t->prog, sites.at, sites.n, &ask, err))
		return false;
	if (!a->plan && !delayed_write(&d, a->output, err))
		return false;
	if (a->json)
		list(&d, t, o);
	else if (a->plan)
		delayed_print(&d, o);
	if (!a->plan)
		said(&d, a->output);
	return true;
}

bool stress_write(const struct go_program *prog, const struct torn_store *const *stores, u32 n,
		  i64 delay_ns, u64 seed, const char *path, struct err *err)
{
	OWN(delayed) d = { 0 };
	struct delay_ask ask = { .ns = delay_ns, .every = 1, .seed = seed };

	return make(&d, prog, stores, n, &ask, err) && delayed_write(&d, path, err);
}

static void info_json(struct json *j, const struct manifest *m)
{
	json_object(j);
	json_key(j, "type");
	json_z(j, "delays");
	json_key(j, "sites");
	json_u64(j, m->sites);
	json_key(j, "delay_ns");
	json_i64(j, m->ask.ns);
	json_key(j, "every");
	if (m->ask.every)
		json_u64(j, m->ask.every);
	else
		json_null(j);
	json_key(j, "chance");
	if (m->ask.every)
		json_null(j);
	else
		json_f64(j, (double)m->ask.per_million / MILLION);
	json_key(j, "max_overhead");
	json_u64(j, m->ask.percent);
	json_key(j, "seed");
	json_u64(j, m->ask.seed);
	json_key(j, "original_size");
	json_u64(j, m->size);
	json_key(j, "by");
	json_str(j, m->version);
	json_object_end(j);
	json_line(j);
}

bool stress_info(const struct image *img, struct json *j, struct out *o, struct err *err)
{
	struct manifest m;

	if (!manifest_find(img, &m, err))
		return !err->kind;
	if (j) {
		info_json(j, &m);
		return true;
	}
	out_fmt(o, "delays      %u %s delayed", m.sites,
		m.sites == 1 ? "store is" : "stores are");
	print_how(o, &m.ask);
	out_z(o, "; put in by goshawk ");
	out_clean(o, m.version);
	out_z(o, ", taken out by goshawk stress --undo");
	out_line(o);
	return true;
}
