/* windows - how much of Go binaries is reached: windows FILE…
 *
 * For the functions outside the runtime: how many entries and exits have windows, by which tactic,
 * and what refused the others; and that each set of patches keeps what x86/patch.h promises.
 * -v   names each function that is not wholly reached
 * -d   compares the instructions' addresses with those of `objdump -d` (slow)
 *
 * Ends with 1 if a promise is broken or an instruction begins elsewhere than objdump says. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "go/fork.h"
#include "sound.h"

struct tally {
	u64 funcs, whole, decode, insns, checks, landings, windows, faulting;
	u64 entries, entry_refused[REFUSE_COUNT];
	u64 exits, tactics[4], exit_refused[REFUSE_COUNT];
	u64 broken, differ;
	double seconds;
};

static bool verbose;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Addresses of instructions by objdump, ascending. */
static struct map objdump(const char *path)
{
	struct map at = { 0 };
	char line[512], cmd[4096];
	FILE *in;

	snprintf(cmd, sizeof(cmd), "objdump -d --no-show-raw-insn -w -- '%s'", path);
	in = popen(cmd, "r");
	while (in && fgets(line, sizeof(line), in)) {
		char *end;
		u64 va = strtoull(line, &end, 16);

		if (line[0] == ' ' && end != line && *end == ':')
			*map_put(&at, va) = 1;
	}
	if (!in || pclose(in))
		fprintf(stderr, "objdump failed\n");
	return at;
}

static bool same_as(const struct map *dump, const struct flow *f)
{
	u32 next = 0;

	for (u32 at = 0; at < f->size; at++) {
		bool ours = next < f->n && f->insns[next].at == at;

		next += ours;
		if (ours != (map_get(dump, f->va + at) != NULL))
			return false;
	}
	return true;
}

static void count(struct tally *t, const struct go_program *prog, const struct go_func *fn,
		  struct arena *a, const struct map *dump)
{
	struct flow f;
	struct patches p;
	struct err err;
	double start = now();
	const char *bad;
	bool whole;

	t->funcs++;
	if (!go_flow(prog, fn, a, &f, &err)) {
		t->decode++;
		if (verbose)
			printf("%.*s: %s\n", STR_F(fn->name), err.msg);
		return;
	}
	patches_make(&p, a, &f);
	t->seconds += now() - start;
	t->insns += f.n;
	t->entries++;
	t->checks += p.stack_check;
	t->windows += p.nwindows;
	t->landings += p.nlandings;
	t->entry_refused[p.entry]++;
	t->exits += p.nexits;
	for (u32 k = 0; k < p.nwindows; k++)
		t->faulting += p.windows[k].may_fault;
	whole = !p.entry;
	for (u32 k = 0; k < p.nexits; k++) {
		const struct exit_point *e = &p.exits[k];

		t->exit_refused[e->refusal]++;
		t->tactics[e->tactic]++;
		whole = whole && !e->refusal;
		if (verbose && e->refusal && !p.entry)
			printf("%.*s+0x%x (0x%" PRIx64 "): %s\n", STR_F(fn->name),
			       f.insns[e->insn].at, f.va + f.insns[e->insn].at,
			       refusal_text(e->refusal));
	}
	if (verbose && p.entry)
		printf("%.*s (0x%" PRIx64 "): %s\n", STR_F(fn->name), f.va, refusal_text(p.entry));
	t->whole += whole;
	bad = unsound(&f, &p);
	if (bad)
		printf("%.*s (0x%" PRIx64 "): BROKEN: %s\n", STR_F(fn->name), f.va, bad);
	t->broken += bad != NULL;
	if (dump && !same_as(dump, &f)) {
		t->differ++;
		printf("%.*s (0x%" PRIx64 "): not as objdump decodes it\n", STR_F(fn->name), f.va);
	}
}

static double percent(u64 part, u64 of)
{
	return of ? 100.0 * (double)part / (double)of : 100.0;
}

static void print_refusals(const char *what, const u64 *refused)
{
	for (unsigned k = 1; k < REFUSE_COUNT; k++)
		if (refused[k])
			printf("  %s refused %6" PRIu64 "  %s\n", what, refused[k],
			       refusal_name(k));
}

static void print(const char *path, const char *release, const struct tally *t)
{
	printf("%s (%s): %" PRIu64 " functions, wholly reached %.3f%%; %" PRIu64
	       " with a stack check, %" PRIu64 " do not decode\n", path, release, t->funcs,
	       percent(t->whole, t->funcs), t->checks, t->decode);
	printf("  entries %7" PRIu64 "  %.3f%%\n", t->entries,
	       percent(t->entry_refused[0], t->entries));
	printf("  exits   %7" PRIu64 "  %.3f%%  tactic 1 %" PRIu64 ", 2 %" PRIu64 ", 3 %" PRIu64
	       "\n",
	       t->exits, percent(t->exit_refused[0], t->exits), t->tactics[1], t->tactics[2],
	       t->tactics[3]);
	print_refusals("entries", t->entry_refused);
	print_refusals("exits  ", t->exit_refused);
	printf("  %" PRIu64 " windows (%" PRIu64 " may fault), %" PRIu64 " landings; %" PRIu64
	       " instructions in %.3f s: %.0f ns each\n",
	       t->windows, t->faulting, t->landings, t->insns, t->seconds,
	       t->seconds * 1e9 / (double)MAX(t->insns, 1u));
	if (t->broken || t->differ)
		printf("  BROKEN %" PRIu64 ", not as objdump %" PRIu64 "\n", t->broken, t->differ);
}

static bool measure(const char *path, bool compare, struct err *err)
{
	OWN(image) img = { 0 };
	OWN(go_program) prog = { 0 };
	struct map dump = { 0 };
	struct tally t = { 0 };
	char release[64];

	if (!image_open(&img, path, err) || !go_open(&prog, &img, err))
		return false;
	if (compare)
		dump = objdump(path);
	for (size_t k = 0; k < prog.nfuncs; k++) {
		const struct go_func *fn = &prog.funcs[k];
		struct str package = go_name_split(fn->name).package;
		struct arena a = { 0 };

		/* C code and what the linker makes have no package */
		if (fn->pcsp && fn->size && package.n && !go_is_runtime(package))
			count(&t, &prog, fn, &a, compare ? &dump : NULL);
		arena_release(&a);
	}
	snprintf(release, sizeof(release), "%.*s", STR_F(prog.version.text));
	print(path, release, &t);
	map_release(&dump);
	return !t.broken && !t.differ;
}

int main(int argc, char **argv)
{
	bool compare = false, good = true;

	for (int k = 1; k < argc; k++) {
		struct err err = { 0 };

		if (!strcmp(argv[k], "-v"))
			verbose = true;
		else if (!strcmp(argv[k], "-d"))
			compare = true;
		else if (!measure(argv[k], compare, &err)) {
			good = false;
			if (err.kind)
				fprintf(stderr, "%s\n", err.msg);
		}
	}
	return !good;
}
