/* stress_file - a copy of a program that waits between the words of its stores. */
#include "cmd/stress_file.h"

#include "inline/file.h"
#include "out/torn.h"

static void said(const struct delayed *d, const char *path)
{
	struct out o;

	out_open(&o, 2);
	out_fmt(&o, TALK "%s: %u %s delayed", path, d->ndelayed,
		d->ndelayed == 1 ? "store is" : "stores are");
	stress_print_how(&o, &d->ask);
	out_line(&o);
	stress_print_refused(&o, d->nrefused, "--plan");
	if (d->ask.fips_resum) {
		out_z(&o, TALK "its FIPS 140 self-check passes, but this is no validated "
			  "module any more");
		out_line(&o);
	}
	stress_one_p(&o, 0);
	out_flush(&o);
	out_release(&o);
}

static void list(const struct delayed *d, const struct target *t, struct out *o)
{
	struct json j;

	target_json_begin(t, o);
	json_begin(&j, o);
	for (size_t i = 0; i < d->nsites; i++)
		torn_json(&j, d->prog, d->sites[i].store, d->sites[i].refusal);
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

static bool make(struct delayed *d, const struct torn_store *const *stores, u32 n,
		 const struct delay_ask *ask, struct err *err)
{
	if (!delayed_make(d, stores, n, ask, err))
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

	if (!stress_ask(&a->delay, &ask, err) || !delayed_open(&d, &t->prog, err) ||
	    !stress_sites(&sites, &t->prog, t->rest, t->nrest, a->sites, &arena, err) ||
	    !make(&d, sites.at, sites.n, &ask, err))
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
		json_f64(j, stress_chance(&m->ask));
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
	stress_print_how(o, &m.ask);
	out_z(o, "; put in by goshawk ");
	out_clean(o, m.version);
	out_z(o, ", taken out by goshawk stress --undo");
	out_line(o);
	return true;
}
