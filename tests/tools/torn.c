/* torn - what `stress --list` promises, on Go binaries: torn FILE…
 *
 * For every store, also of the runtime: its place is a write-barrier check or a store, its words
 * are stored in the same order while a collection runs, its window is one that a jump may replace,
 * no two windows meet, and ids are there once. Prints how many there are of each kind; ends with 1
 * if a promise is broken. */
#include <inttypes.h>
#include <stdio.h>

#include "go/fork.h"
#include "go/vars.h"
#include "plan/torn.h"
#include "sound.h"

enum { PAGE = 4096, JUMP = 5, WAY = 400 };

struct tally {
	u64 kinds[TORN_APPEND + 1], pairs, off_only, not_judged, flags, refused, broken;
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

struct way {
	u32 at[WAY];	/* instructions in the order in which they run */
	u32 n;
	bool calls;	/* gcWriteBarrier, or what else the other way calls */
};

/* From k on, to where it is not straight any more, or to one that `end` has. */
static bool follow(const struct flow *f, i64 k, const struct way *end, bool calls, struct way *to)
{
	while (k >= 0 && k < f->n && to->n < WAY) {
		const struct insn *in = &f->insns[k];

		for (u32 i = 0; end && i < end->n; i++)
			if (end->at[i] == k) {
				to->at[to->n++] = (u32)k;
				return true;
			}
		if (in->kind != INSN_JMP)
			to->at[to->n++] = (u32)k;
		if (in->kind == INSN_JCC || (in->kind == INSN_CALL && !calls))
			return false;
		to->calls |= in->kind == INSN_CALL;
		if (in->kind != INSN_JMP && !insn_goes_on(in))
			return false;
		k = in->kind == INSN_JMP ? flow_find(f, in->target) : k + 1;
	}
	return false;
}

/* The two ways from a check. */
static bool ways(const struct flow *f, u32 check, struct way *off, struct way *on)
{
	u32 jcc = check + 1;
	const u8 *p;
	bool equal;
	i64 taken;

	while (jcc < f->n && f->insns[jcc].kind == INSN_NOP)
		jcc++;
	if (jcc >= f->n || f->insns[jcc].kind != INSN_JCC)
		return false;
	p = f->bytes + f->insns[jcc].at;
	equal = p[0] == 0x74 || (p[0] == 0x0f && p[1] == 0x84);
	taken = flow_find(f, f->insns[jcc].target);
	off->n = on->n = 0;
	on->calls = false;
	follow(f, equal ? taken : jcc + 1, NULL, false, off);
	return follow(f, equal ? jcc + 1 : taken, off, true, on);
}

static bool stores(const struct flow *f, u32 k)
{
	struct effect e;

	effect_of(f, &f->insns[k], &e);
	return e.kind == EFFECT_STORE && e.size >= 8 && e.mem.base != GP_RSP;
}

/* Is the order the same while a collection runs? Both ways meet before the first store; or the
 * other one makes the same stores, some of them by a call (up to Go 1.20): it passes the same
 * check, but not the same second store. */
static const char *other_way(const struct flow *f, const struct torn_store *t, i64 flag,
			     struct tally *y)
{
	i64 place = flow_find(f, t->at), at;

	for (u32 k = 0; k < f->n; k++) {
		struct way off, on;
		bool is = !t->pair && k == place, before = false;

		if (!barrier_flag(f, k, &at) || at != flag || !ways(f, k, &off, &on))
			continue;
		for (u32 i = 0; t->pair && i < off.n; i++)
			is |= off.at[i] == place;
		if (!is)
			continue;
		for (u32 i = 0; i < off.n && off.at[i] != on.at[on.n - 1]; i++)
			before |= stores(f, off.at[i]);
		y->off_only += before && t->pair;
		return !before || on.calls ? NULL : "while a collection runs it is not stored";
	}
	y->not_judged++;	/* they meet behind a call of duffcopy, say */
	return NULL;
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
	y->flags += t->window.keep_flags;
	y->refused += t->refusal != REFUSE_NONE;
	if (!bad && t->copy_only &&
	    (t->pair || t->refusal || (f->va + t->at) % PAGE <= PAGE - JUMP))
		bad = "nothing hinders a jump there";
	if (!bad && !t->refusal)
		bad = t->window.at != t->at ? "its window is elsewhere"
		      : t->copy_only	    ? NULL
					    : unsound_window(f, &t->window);
	if (!bad && (!t->first || !t->then || t->first & t->then))
		bad = "its words are not in two parts";
	if (!bad && i && all->at[i - 1].func == t->func && all->at[i - 1].at >= t->at)
		bad = "it is there twice, or out of order";
	if (!bad)
		bad = other_way(f, t, flag, y);
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
		printf("; %" PRIu64 " pairs, %" PRIu64 " only without a collection, %" PRIu64
		       " not judged, %" PRIu64 " with flags in use, %" PRIu64 " refused\n",
		       y.pairs, y.off_only, y.not_judged, y.flags, y.refused);
		broken += y.broken;
	}
	return broken != 0;
}
