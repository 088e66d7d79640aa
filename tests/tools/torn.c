/* torn - what `stress --list` promises, on Go binaries: torn FILE…
 *
 * For every store, also of the runtime: its place is a write-barrier check or a store, its window
 * is one that a jump may replace, no two windows meet, and ids are there once. Prints how many
 * there are of each kind; ends with 1 if a promise is broken. */
#include <inttypes.h>
#include <stdio.h>

#include "go/fork.h"
#include "go/vars.h"
#include "plan/torn.h"
#include "sound.h"

enum { PAGE = 4096, JUMP = 5 };

struct tally {
	u64 kinds[TORN_APPEND + 1], pairs, flags, refused, broken;
};

static void say(struct tally *y, const struct torn_store *t, const char *bad)
{
	printf("%.*s+0x%x: BROKEN: %s\n", STR_F(t->func->name), t->at, bad);
	y->broken++;
}

static bool meet(const struct window *a, const struct window *b)
{
	return a->at < b->at + b->size && b->at < a->at + a->size;
}

/* Is it what its place is said to be? */
static const char *misplaced(const struct flow *f, const struct torn_store *t, i64 flag)
{
	i64 k = flow_find(f, t->at), at;
	struct effect e;

	if (k < 0)
		return "no instruction begins there";
	if (t->pair) {
		effect_of(f, &f->insns[k], &e);
		return e.kind == EFFECT_STORE && e.size >= 8 ? NULL : "it is no store";
	}
	return barrier_flag(f, (u32)k, &at) && at == flag ? NULL : "it is no check";
}

static void check(struct tally *y, const struct torn_stores *all, size_t i, const struct flow *f,
		  i64 flag)
{
	const struct torn_store *t = &all->at[i];
	const char *bad = misplaced(f, t, flag);

	y->kinds[t->kind]++;
	y->pairs += t->pair;
	y->flags += t->flags_live;
	y->refused += t->refusal != REFUSE_NONE;
	if (!bad && t->copy_only && (t->pair || t->refusal || (f->va + t->at) % PAGE <= PAGE - JUMP))
		bad = "nothing hinders a jump there";
	if (!bad && !t->refusal)
		bad = t->window.at != t->at ? "its window is elsewhere"
		      : t->copy_only	    ? NULL
					    : unsound_window(f, &t->window);
	if (!bad && (!t->first || !t->then || t->first & t->then))
		bad = "its words are not in two parts";
	if (!bad && i && all->at[i - 1].func == t->func && all->at[i - 1].at >= t->at)
		bad = "it is there twice, or out of order";
	for (size_t k = i; !bad && !t->refusal && k-- > 0 && all->at[k].func == t->func;)
		if (!all->at[k].refusal && meet(&all->at[k].window, &t->window))
			bad = "two windows meet";
	if (bad)
		say(y, t, bad);
}

static bool check_file(const char *path, struct tally *y, struct err *err)
{
	static const char *const everything[] = { "*", "runtime.*", "re:^(runtime|internal|sync)" };
	struct arena a = { 0 }, scratch = { 0 };
	struct go_program prog = { 0 };
	struct patterns want = { 0 };
	struct torn_stores all;
	struct image img = { 0 };
	struct flow f;
	u64 flag = 0;
	bool ok = image_open(&img, path, err) && go_open(&prog, &img, err) &&
		  patterns_compile(&want, everything, ARRAY_LEN(everything), err);

	if (ok) {
		ok = go_write_barrier_va(&prog, &flag) || err_set(err, ERR_FORMAT, "no checks");
		torn_list(&all, &prog, &want, &a);
		for (size_t i = 0; ok && i < all.n; i++) {
			const struct go_func *func = all.at[i].func;

			if (!i || all.at[i - 1].func != func) {
				arena_reset(&scratch);
				ok = go_flow(&prog, func, &scratch, &f, err);
			}
			if (ok)
				check(y, &all, i, &f, (i64)(flag - f.va));
		}
	}
	patterns_release(&want);
	go_program_release(&prog);
	image_release(&img);
	arena_release(&a);
	arena_release(&scratch);
	return ok;
}

int main(int argc, char **argv)
{
	u64 broken = 0;

	for (int i = 1; i < argc; i++) {
		struct tally y = { 0 };
		struct err err = { 0 };

		if (!check_file(argv[i], &y, &err)) {
			fprintf(stderr, "%s: %s\n", argv[i], err.msg);
			return 2;
		}
		printf("%s:", argv[i]);
		for (u32 k = 0; k <= TORN_APPEND; k++)
			printf(" %" PRIu64 " %s", y.kinds[k], torn_kind_name(k));
		printf("; %" PRIu64 " pairs, %" PRIu64 " with flags in use, %" PRIu64 " refused\n",
		       y.pairs, y.flags, y.refused);
		broken += y.broken;
	}
	return broken != 0;
}
