/* Programs that do not go on: everybody asleep, or some in a circle.
 *
 * A Go lock does not know who has it. Whoever has its address on its stack and does not wait for it
 * himself may: that is said as it is, a possibility; a circle of such is what a deadlock looks
 * like. */
#include <inttypes.h>
#include <string.h>

#include "diag/explain.h"
#include "go/waits.h"

enum { WAITERS_MOST = 256, LEVELS = 64, STACK_MOST = 64 << 10 };

struct waiter {
	const struct goroutine *g;
	struct wait w;
	struct death_frame own;
	u32 holder;	/* 1 + index of the one that may have it; 0: none found */
};

static bool is_lock(enum wait_kind k)
{
	return k == WAIT_MUTEX || k == WAIT_RWMUTEX || k == WAIT_WAITGROUP;
}

/* Where in the program's own code it waits. */
static void place_of(struct death *d, const struct go_level *levels, size_t n, struct waiter *w)
{
	struct go_frame f[GO_FRAMES];

	for (size_t i = 0; i < n; i++) {
		size_t k = levels[i].func ? go_frames_at(d->prog, levels[i].func,
			levels[i].pc_rt - d->u->text_rt - !levels[i].exact, f) : 0;

		for (size_t m = 0; m < k; m++) {
			struct go_name name = go_name_split(f[m].name);

			if (death_is_runtime(f[m].name) || str_eq(name.package, STR("sync")) ||
			    str_eq(name.package, STR("time")))
				continue;
			w->own = (struct death_frame){ .func = f[m].name, .file = f[m].at.file,
						       .line = f[m].at.line };
			return;
		}
	}
}

static u32 find_waiters(struct death *d, struct waiter *to)
{
	struct go_level levels[LEVELS];
	enum unwind_end end;
	u32 n = 0;

	for (size_t i = 0; i < d->gs->all.n && n < WAITERS_MOST; i++) {
		const struct goroutine *g = &d->gs->all.at[i];
		size_t k;

		if (g->system || g->status != GO_WAITING)
			continue;
		k = goroutine_unwind(d->u, g, levels, LEVELS, &end);
		to[n] = (struct waiter){ .g = g };
		wait_of(&to[n].w, d->u, g, levels, k);
		place_of(d, levels, k, &to[n]);
		n++;
	}
	return n;
}

static bool mentions(const struct death *d, const struct goroutine *g, u64 address)
{
	static u64 words[STACK_MOST / 8];
	size_t n = (size_t)MIN(g->hi - g->sp, (u64)STACK_MOST);

	if (g->sp - g->lo >= g->hi - g->lo)
		return false;
	n = image_read_some(d->img, g->sp, words, n) / 8;
	for (size_t i = 0; i < n; i++)
		if (words[i] == address)
			return true;
	return false;
}

static void find_holders(const struct death *d, struct waiter *all, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		if (!is_lock(all[i].w.kind))
			continue;
		for (u32 k = 0; k < n && !all[i].holder; k++)
			if (k != i && all[k].w.address != all[i].w.address &&
			    mentions(d, all[k].g, all[i].w.address))
				all[i].holder = k + 1;
	}
}

/* One that comes back to itself from here; gives its length, and where it begins. */
static u32 circle(const struct waiter *all, u32 from, u32 *begin)
{
	u32 slow = from, fast = from, n = 0;

	do {
		if (!all[slow].holder || !all[fast].holder || !all[all[fast].holder - 1].holder)
			return 0;
		slow = all[slow].holder - 1;
		fast = all[all[fast].holder - 1].holder - 1;
	} while (slow != fast);
	*begin = slow;
	do {
		slow = all[slow].holder - 1;
		n++;
	} while (slow != *begin);
	return n;
}

static struct str target(struct death *d, const struct wait *w)
{
	if (w->kind == WAIT_WAITGROUP)
		return str_fmt(d->a, "sync.WaitGroup 0x%" PRIx64 " (counter %" PRIu64 ")",
			       w->address, w->known ? w->count : 0);
	return str_fmt(d->a, "%s 0x%" PRIx64, wait_kind_name(w->kind), w->address);
}

static void one(struct diagnosis *to, struct death *d, const struct waiter *all,
		const struct waiter *w)
{
	const char *state = goroutine_state(d->prog, w->g);

	if (!w->w.kind)
		evidence(to, d, "goroutine %lld waits (%s) in %.*s %.*s:%d", (long long)w->g->goid,
			 state, STR_F(w->own.func), STR_F(w->own.file), w->own.line);
	else
		evidence(to, d, "goroutine %lld waits (%s) for %.*s in %.*s %.*s:%d%s",
			 (long long)w->g->goid, state, STR_F(target(d, &w->w)), STR_F(w->own.func),
			 STR_F(w->own.file), w->own.line,
			 w->holder ? str_fmt(d->a,
					     "; goroutine %lld has it on its stack, and may hold "
					     "it",
					     (long long)all[w->holder - 1].g->goid)
					     .p
				   : "");
}

/* `circles`: only if there is one. */
static bool waits(struct diagnosis *to, struct death *d, bool circles)
{
	struct waiter *all = ARENA_ARRAY(d->a, struct waiter, WAITERS_MOST);
	u32 n = find_waiters(d, all), begin, length = 0;

	find_holders(d, all, n);
	for (u32 i = 0; i < n && !length; i++)
		length = circle(all, i, &begin);
	if (!length) {
		for (u32 i = 0; i < n && i < 12 && !circles; i++)
			one(to, d, all, &all[i]);
		if (n && !circles)
			explain_place(to, &all[0].own);
		return false;
	}
	to->summary = str_fmt(d->a, "%u goroutines wait for each other in a circle", length);
	explain_place(to, &all[begin].own);
	for (u32 i = 0, at = begin; i < length && i < 12; i++, at = all[at].holder - 1)
		one(to, d, all, &all[at]);
	return true;
}

void explain_waits(struct diagnosis *to, struct death *d)
{
	if (d->gs)
		(void)waits(to, d, true);
}

static void of_text(struct diagnosis *to, struct death *d)
{
	for (u32 i = 0; i < d->crash.ngoroutines && i < 12; i++) {
		const struct crash_goroutine *g = &d->crash.goroutines[i];
		const struct crash_frame *f = crash_own_frame(&d->crash, g);

		if (f)
			evidence(to, d, "goroutine %lld [%.*s] in %.*s %.*s:%d", (long long)g->id,
				 STR_F(g->state), STR_F(f->func), STR_F(f->file), f->line);
	}
}

bool explain_deadlock(struct diagnosis *to, struct death *d)
{
	if (!explain_says(d, "fatal error: all goroutines are asleep"))
		return false;
	to->kind = "deadlock";
	to->certainty = CERTAIN;
	to->cause = true;
	to->summary = STR("every goroutine waits, and nobody is left to wake one");
	evidence(to, d, "%.*s", STR_F(d->message));
	if (d->gs)
		waits(to, d, false);
	else
		of_text(to, d);
	if (!to->func.n)
		explain_place(to, death_own(d));
	if (!d->gs && d->crash.ngoroutines) {
		const struct crash_frame *f = crash_own_frame(&d->crash, d->crash.goroutines);

		if (f) {
			to->func = f->func;
			to->file = f->file;
			to->line = f->line;
		}
	}
	to->why =
		STR("a channel without the other side, a WaitGroup whose counter never gets to 0, "
		    "locks that are taken in two orders, or a lock that is taken twice");
	to->advice =
		STR("see for each of them who should have woken it: the sender or receiver that "
		    "returned early, the missing Done or Unlock");
	return true;
}

bool explain_hang(struct diagnosis *to, struct death *d)
{
	if (d->died || !d->gs)
		return false;
	to->certainty = LIKELY;
	if (waits(to, d, true)) {
		to->kind = "deadlock";
		to->cause = true;
		to->why = STR("each holds, as far as its stack shows, what the next one waits for");
		to->advice = STR("take the locks in one order everywhere");
		return true;
	}
	*to = (struct diagnosis){
		.kind = "runs",
		.certainty = CERTAIN,
		.summary = STR(
			"it has not died, and no goroutines were found that wait for each other"),
		.advice = STR("`goshawk goroutines` shows where each of them stands"),
	};
	return true;
}
