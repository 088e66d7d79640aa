/* stress_hunt - runs a program with delays until it dies, and says why. */
#include "cmd/stress_hunt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/engine.h"
#include "cmd/stop.h"
#include "cmd/stress_ask.h"
#include "cmd/stress_sites.h"
#include "cmd/target.h"
#include "inline/file.h"
#include "stress/folder.h"
#include "stress/report.h"

/* Of the time that all threads together may have waited: as `stress -o` has it, so that the command
 * of the report gives the same copy. */
enum { PERCENT = 50, MILLION = 1000000 };
#define SECOND 1000000000ll
#define ERASE_LINE "\r\x1b[K"

/* A copy that may be running: where its cells are, and whose. */
struct made {
	u32 number;		/* of the trial */
	u64 data_va;
	u32 *site_of_cell, ncells;
};

struct hunting {
	const struct hunt_args *a;
	struct target t;
	struct lab lab;
	struct hunt hunt;
	const struct torn_store **sites;	/* those that can be delayed */
	u8 *tiers;
	u32 *waits;		/* at each, in the run that waited most */
	u32 nsites, nrefused;
	struct made made[2 * LAB_JOBS];
	struct out *out;
	struct folder folder;
	i64 began_ns;
	i64 shown_ns;		/* when its progress was shown last; 0: nothing is shown */
	bool terminal;		/* there is somebody who waits */
	struct arena arena;
};

/* Whose function it is: the program's own, another module's, the standard library's. A module's
 * path begins with a host, which has a dot; unless it is the program's own. */
static u8 tier_of(const struct go_program *prog, const struct go_func *f)
{
	struct str package = go_name_split(f->name).package, own = prog->main_module.path;
	ptrdiff_t slash = str_find(package, STR("/"));

	if (str_eq(package, STR("main")) || (own.n && str_starts(package, own)))
		return 0;
	return str_find(str_cut(package, 0, slash < 0 ? package.n : (size_t)slash), STR(".")) < 0
		       ? 2
		       : 1;
}

/* Delays at some of the sites. */
static bool delay_at(struct hunting *x, struct delayed *d, const struct trial *t, struct arena *a,
		     struct err *err)
{
	const struct torn_store **stores = ARENA_ARRAY(a, const struct torn_store *, t->nsites);
	struct delay_ask ask = { .ns = t->delay_ns, .seed = t->seed, .percent = PERCENT };

	if (t->one_in > 1)
		ask.per_million = MILLION / t->one_in;
	else
		ask.every = 1;
	for (u32 i = 0; i < t->nsites; i++)
		stores[i] = x->sites[t->sites[i]];
	return delayed_open(d, &x->t.prog, err) &&
	       delayed_make(d, stores, t->nsites, &ask, err);
}

/* Of those that are asked for, those that can be delayed in a copy. */
static bool find_sites(struct hunting *x, struct err *err)
{
	OWN(arena) a = { 0 };
	OWN(delayed) d = { 0 };
	struct stress_sites sites;
	u32 *all, n;

	if (!stress_sites(&sites, &x->t.prog, x->a->patterns, x->a->npatterns, x->a->sites,
			  &x->arena, err))
		return false;
	x->sites = sites.at;
	n = sites.n;
	all = ARENA_ARRAY(&a, u32, n);
	for (u32 i = 0; i < n; i++)
		all[i] = i;
	if (!delay_at(x, &d,
		      &(struct trial){ .sites = all, .nsites = n, .delay_ns = x->a->delay_ns,
				       .seed = 1 },
		      &a, err))
		return false;
	if (!d.ndelayed)
		return err_set(err, ERR_REFUSED, "%.*s+0x%x: can't be delayed in a copy (%s)",
			       STR_F(d.sites[0].store->func->name), d.sites[0].store->at,
			       refusal_text(d.sites[0].refusal));
	x->tiers = ARENA_ARRAY(&x->arena, u8, n);
	x->waits = ARENA_ARRAY(&x->arena, u32, n);
	for (u32 i = 0; i < n; i++) {
		if (d.sites[i].refusal) {
			x->nrefused++;
			continue;
		}
		x->sites[x->nsites] = d.sites[i].store;
		x->tiers[x->nsites++] = tier_of(&x->t.prog, d.sites[i].store->func);
	}
	return true;
}

/* Cells are in the order of the stores: those at checks, then the others (inline/file.c). */
static void remember(struct hunting *x, const struct trial *t, const struct delayed *d)
{
	struct made *m = &x->made[t->number % ARRAY_LEN(x->made)];

	*m = (struct made){ .number = t->number, .data_va = d->data_va };
	m->site_of_cell = ARENA_ARRAY(&x->lab.arena, u32, t->nsites);
	for (u32 pair = 0; pair < 2; pair++)
		for (u32 i = 0; i < t->nsites; i++)
			if (!d->sites[i].refusal && d->sites[i].store->pair == pair)
				m->site_of_cell[m->ncells++] = t->sites[i];
}

static bool make(void *ctx, const struct trial *t, const char *to, struct err *err)
{
	struct hunting *x = ctx;
	OWN(arena) a = { 0 };
	OWN(delayed) d = { 0 };

	if (!delay_at(x, &d, t, &a, err))
		return false;
	remember(x, t, &d);
	return delayed_write(&d, to, err);
}

/* Where the first segment of a process's program lies. */
static u64 loaded_at(pid_t pid)
{
	char path[32];
	unsigned long at = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%lx-", &at) != 1)
		at = 0;
	if (f)
		fclose(f);
	return at;
}

/* On one line, which the next takes the place of. What comes after the search takes as long as it
 * takes. */
static void show_progress(struct hunting *x, const struct trial *t)
{
	enum { EVERY_NS = 500000000 };
	i64 now = now_ns();

	if (!x->terminal || now < x->shown_ns + EVERY_NS)
		return;
	x->shown_ns = now;
	fprintf(stderr, ERASE_LINE TALK "run %u, %lld s", t->number,
		(long long)((now - x->began_ns) / SECOND));
	if (!x->hunt.found)
		fprintf(stderr, " of %lld s", (long long)(x->a->for_ns / SECOND));
	if (t->nsites)
		fprintf(stderr, ": delays at %u %s", t->nsites,
			t->nsites == 1 ? "store" : "stores");
	else
		fputs(": no delays", stderr);
	fflush(stderr);
}

static void hide_progress(struct hunting *x)
{
	if (x->shown_ns)
		fputs(ERASE_LINE, stderr);
	x->shown_ns = 0;
}

/* At which stores has it waited, and how often? */
static void look(void *ctx, const struct trial *t, pid_t pid)
{
	struct hunting *x = ctx;
	const struct made *m = &x->made[t->number % ARRAY_LEN(x->made)];
	u64 bias = x->t.img.pie ? loaded_at(pid) - x->t.img.lo_va : 0;
	struct arena a = { 0 };
	u8 *cells = arena_alloc(&a, (size_t)m->ncells * DELAY_CELL);
	struct iovec to = { cells, (size_t)m->ncells * DELAY_CELL },
		     from = { (void *)(uintptr_t)(m->data_va + bias + DELAY_CELLS), to.iov_len };

	show_progress(x, t);
	if (m->number == t->number &&
	    process_vm_readv(pid, &to, 1, &from, 1, 0) == (ssize_t)to.iov_len)
		for (u32 i = 0; i < m->ncells; i++) {
			u32 *most = &x->waits[m->site_of_cell[i]], n;

			memcpy(&n, cells + (size_t)i * DELAY_CELL + DELAY_CELL_WAITS, 4);
			*most = MAX(*most, n);
		}
	arena_release(&a);
}

static u32 waits(void *ctx, u32 site)
{
	return ((struct hunting *)ctx)->waits[site];
}

static void died(void *ctx, const struct trial *t)
{
	struct hunting *x = ctx;
	struct json j;

	hide_progress(x);
	json_begin(&j, x->out);
	if (x->a->json)
		report_died_json(&j, t, x->sites);
	else
		report_died(x->out, t);
	out_flush(x->out);
	fprintf(stderr, TALK "it died; now the fewest stores, the shortest delay, and the "
		"program without them\n");
}

static void said_begin(const struct hunting *x)
{
	const char *procs = getenv("GOMAXPROCS");
	bool raised = procs && run_raises_procs();
	struct out talk;

	fprintf(stderr,
		TALK "%u %s of several words %s delayed by %g ms and more; the program runs "
		"again and again for %g s, with GOMAXPROCS at least " RUN_PROCS_TEXT "%s%s\n",
		x->nsites, x->nsites == 1 ? "store" : "stores", x->nsites == 1 ? "is" : "are",
		(double)x->a->delay_ns / 1e6, (double)x->a->for_ns / 1e9,
		raised ? " instead of " : "", raised ? procs : "");
	out_open(&talk, 2);
	stress_print_refused(&talk, x->nrefused, "goshawk stress FILE --plan");
	out_flush(&talk);
	out_release(&talk);
}

/* Stores that some run was seen to wait at. That it lived may mean that no run came there. */
static u32 passed(const struct hunting *x)
{
	u32 n = 0;

	for (u32 i = 0; i < x->nsites; i++)
		n += x->waits[i] > 0;
	return n;
}

static void said_where(const struct hunting *x)
{
	u32 n = passed(x);

	if (!n)
		fprintf(stderr, TALK "no run was seen to wait at any of these stores: of them "
			"this says nothing; do its arguments lead there?\n");
	else
		fprintf(stderr, TALK "it waited at %u of %u %s; that is no proof: a build with "
			"-race sees the others, and values of one word (pointers, counters, maps), "
			"too\n", n, x->nsites, x->nsites == 1 ? "store" : "stores");
}

static void said_nothing_found(const struct hunting *x)
{
	const struct hunt *h = &x->hunt;

	if (h->others)
		talk("%u of %u runs in %.1f s ended by what a torn value does not do: %.*s; "
		     "goshawk explain -- PROGRAM says more", h->others, h->runs,
		     (double)h->took_ns / 1e9, STR_F(h->other.crash.message));
	else
		fprintf(stderr, TALK "it lived through %u runs in %.1f s\n", h->runs,
			(double)h->took_ns / 1e9);
	if (!h->others && h->ended && WIFEXITED(h->status) && WEXITSTATUS(h->status))
		fprintf(stderr,
			TALK "%u of them ended by themselves, the last with status %d: is "
			"it called rightly? --show-output shows what it says\n",
			h->ended, WEXITSTATUS(h->status));
	said_where(x);
}

/* For a shell. */
static void quote(struct out *o, struct str s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "@%+=:,./_-";
	bool bare = s.n;

	for (size_t i = 0; i < s.n; i++)
		bare &= s.p[i] && strchr(plain, s.p[i]);
	if (bare) {
		out_str(o, s);
		return;
	}
	out_c(o, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			out_z(o, "'\\'");
		out_c(o, s.p[i]);
	}
	out_c(o, '\'');
}

static void print_args(struct out *o, char *const *argv)
{
	for (; *argv; argv++)
		out_c(o, ' '), quote(o, str_of(*argv));
}

/* As the runs had it. */
static void print_procs(struct out *o)
{
	if (run_raises_procs())
		out_z(o, "GOMAXPROCS=" RUN_PROCS_TEXT " ");
}

/* What makes it die again: the kept copy, or how to make it. */
static struct str command_of(struct hunting *x, const char *kept)
{
	const struct hunt *h = &x->hunt;
	char *const *argv = x->a->program;
	struct out o;
	struct str to;

	out_memory(&o);
	if (kept) {
		print_procs(&o);
		quote(&o, str_of(kept));
	} else {
		struct str copy = str_fmt(&x->arena, "./%s-torn", x->lab.name);

		out_z(&o, "goshawk stress "), quote(&o, str_of(x->lab.path));
		for (u32 i = 0; i < h->nsites; i++) {
			out_z(&o, " --site ");
			quote(&o, torn_id(x->sites[h->sites[i]], &x->arena));
		}
		out_z(&o, " --delay "), out_duration(&o, h->delay_ns);
		if (h->one_in > 1)
			out_fmt(&o, " --chance %g%%", 100.0 / h->one_in);
		out_z(&o, " -o "), quote(&o, copy);
		out_z(&o, " && "), print_procs(&o), quote(&o, copy);
	}
	print_args(&o, argv + 1);
	to = (struct str){ arena_copy(&x->arena, o.buf, o.n), o.n };
	out_release(&o);
	return to;
}

static char *kept_copy(const struct hunting *x, struct arena *a)
{
	return str_z(a, str_fmt(a, "%s/%s", x->a->report, x->lab.name));
}

/* The folder of --report: the program that dies, and the page. */
static bool keep(struct hunting *x, struct report *r, struct err *err)
{
	const struct hunt *h = &x->hunt;
	struct trial t = { .sites = h->sites, .nsites = h->nsites, .delay_ns = h->delay_ns,
			   .one_in = h->one_in, .seed = x->a->seed };
	OWN(arena) a = { 0 };
	OWN(delayed) d = { 0 };
	char *copy = kept_copy(x, &x->arena),
	     *page = str_z(&x->arena, str_fmt(&x->arena, "%s/report.md", x->a->report));
	OWN(out_file) file = { 0 };

	if (!delay_at(x, &d, &t, &a, err) || !delayed_write(&d, copy, err) ||
	    !out_file_open(&file, page, false, err))
		return false;
	r->command = command_of(x, copy);
	report_markdown(&file.out, r);
	return out_file_commit(&file, err);
}

static void said_end(const struct hunting *x)
{
	struct json j;

	json_begin(&j, x->out);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "end");
	json_key(&j, "sites");
	json_u64(&j, x->nsites);
	json_key(&j, "refused");
	json_u64(&j, x->nrefused);
	json_key(&j, "passed");
	json_u64(&j, passed(x));
	json_key(&j, "runs");
	json_u64(&j, x->hunt.runs);
	json_key(&j, "others");
	json_u64(&j, x->hunt.others);
	json_object_end(&j);
	json_line(&j);
}

static bool said(struct hunting *x, struct err *err)
{
	struct report r = { .hunt = &x->hunt, .sites = x->sites };
	struct json j;
	bool kept;

	if (!x->hunt.found) {
		said_nothing_found(x);
		return true;
	}
	r.command = command_of(x, NULL);
	kept = !x->a->report || keep(x, &r, err);
	json_begin(&j, x->out);
	if (x->a->json)
		report_json(&j, &r);
	else
		report_text(x->out, &r);
	out_flush(x->out);
	return kept;
}

/* It is known before the first run, and not after the last, that nothing can be kept there. */
static bool make_report_folder(const struct hunting *x, struct err *err)
{
	const char *dir = x->a->report;
	OWN(arena) a = { 0 };
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_IO, "%s: cannot make it: %s", dir, strerror(errno));
	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "%s: is no directory; --report makes one, or takes "
			       "one that is there", dir);
	if (access(dir, W_OK | X_OK) < 0)
		return err_set(err, errno == EACCES || errno == EROFS ? ERR_DENIED : ERR_IO,
			       "%s: nothing can be kept there: %s", dir, strerror(errno));
	return !file_is_same(kept_copy(x, &a), x->lab.path) ||
	       err_set(err, ERR_USAGE, "%s: has the program itself, whose name the copy is to "
		       "have; --report takes another folder", dir);
}

/* The runs have groups of their own: a terminal's Ctrl-C reaches us alone. */
static bool told_to_stop(void)
{
	return stop_asked() || stop_by_terminal();
}

static bool run(struct hunting *x, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct hunt_ask ask = {
		.nsites = x->nsites, .tiers = x->tiers, .for_ns = x->a->for_ns,
		.delay_ns = x->a->delay_ns, .seed = x->a->seed, .waits = waits, .died = died,
	};
	bool ok;

	x->lab = (struct lab){
		.path = path, .name = slash ? slash + 1 : path,
		.argv = x->a->program, .show = x->a->show_output,
		.jobs = (u32)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1), .make = make,
		.look = look, .stop = told_to_stop, .ctx = x,
	};
	if ((x->a->report && !make_report_folder(x, err)) ||
	    !folder_make(&x->folder, &x->arena, err))
		return false;
	x->lab.dir = x->folder.path;
	said_begin(x);
	x->began_ns = now_ns();
	x->terminal = isatty(STDERR_FILENO) && !x->a->show_output;
	stop_catch();
	ok = hunt(&x->hunt, &x->lab, &ask, err);
	hide_progress(x);
	folder_release(&x->folder);
	ok = ok && said(x, err);
	stop_uncatch();
	return ok;
}

bool stress_until_crash(const struct hunt_args *a, struct out *o, bool *found, struct err *err)
{
	struct hunting x = { .a = a, .out = o };
	const char *path;
	bool ok;

	ok = find_program(&x.arena, a->program[0], &path, err);
	if (ok && file_is_set_uid(path))
		ok = err_set(err, ERR_REFUSED, "%s: a set-uid or set-gid program: its copies "
			     "would run without its rights; stress a copy without that bit", path);
	ok = ok &&
	     target_open(&x.t, "stress", NULL, &path, 1, err) && find_sites(&x, err);
	if (ok && a->json)
		target_json_begin(&x.t, o);
	ok = ok && run(&x, path, err);
	if (ok && a->json)
		said_end(&x);
	*found = x.hunt.found && !hunt_refutes(&x.hunt);
	lab_release(&x.lab);
	target_release(&x.t);
	arena_release(&x.arena);
	return ok;
}
