/* Programs that do not go on: everybody asleep, or some in a circle. */
#include <inttypes.h>

#include "diag/waiting.h"

enum { SHOWN = 12 };

/* Of a circle, or of `n` that wait. */
static void say(struct diagnosis *to, struct death *d, struct waiters *all, struct circle c, u32 n)
{
	u32 at = c.begin;

	n = c.length ? c.length : n;
	for (u32 i = 0; i < MIN(n, (u32)SHOWN); i++) {
		waiting_say(to, d, all, &all->at[at]);
		all->at[at].told = true;
		at = c.length ? all->at[at].next - 1 : at + 1;
	}
}

/* Of all that wait, or only of those in a circle. */
static struct circle waits(struct diagnosis *to, struct death *d, struct waiters *all,
			   bool circles)
{
	struct circle c;

	waiting_find(all, d);
	if (all->rest)
		evidence(to, d, "%" PRIu64 " goroutines wait: too many to look for who may wake "
			 "whom", all->n + all->rest);
	c = waiting_circle(all);
	say(to, d, all, c, circles ? 0 : all->n);
	return c;
}

static void name_circle(struct diagnosis *to, struct death *d, const struct waiters *all,
			const struct circle *c)
{
	to->summary = str_fmt(d->a, "%u goroutines wait for each other in a circle", c->length);
	explain_place(to, &all->at[c->begin].own);
}

void explain_waits(struct diagnosis *to, struct death *d)
{
	struct waiters all = { 0 };
	struct circle c;

	if (!d->gs)
		return;
	c = waits(to, d, &all, true);
	if (c.locks)
		name_circle(to, d, &all, &c);
	waiting_release(&all);
}

static void of_text(struct diagnosis *to, struct death *d)
{
	const struct crash_frame *f;

	for (u32 i = 0; i < MIN(d->crash.ngoroutines, (u32)SHOWN); i++) {
		const struct crash_goroutine *g = &d->crash.goroutines[i];

		f = crash_own_frame(g);
		if (f)
			evidence(to, d, "goroutine %lld [%.*s] in %.*s %.*s:%d", (long long)g->id,
				 STR_F(g->state), STR_F(f->func), STR_F(f->file), f->line);
	}
	f = d->crash.ngoroutines ? crash_own_frame(d->crash.goroutines) : NULL;
	if (!f)
		return;
	to->func = f->func;
	to->file = f->file;
	to->line = f->line;
}

/* What is wrong, by how they wait: where all of them wait so. */
static const struct reason {
	const char *state;	/* begins so, or ends so */
	enum wait_kind kind;
	const char *why, *advice;
} reasons[] = {
	{ "(nil chan)", WAIT_NONE, "the channel is nil: what sends on it or receives from it "
	  "waits for ever",
	  "see who should have made the channel before" },
	{ "(no cases)", WAIT_NONE, "a select without cases waits for ever, and nobody else is left "
	  "to do anything",
	  "see why the others have ended; to keep a program running, wait for what ends it" },
	{ "sync.WaitGroup.Wait", WAIT_WAITGROUP, "the counter of the WaitGroup does not get to 0: "
	  "somebody has ended without its Done, or Add counted too many",
	  "put `defer wg.Done()` first in each goroutine, and Add right before its go" },
	{ "sync.Mutex.Lock", WAIT_MUTEX, "nobody is left to unlock it: it is locked twice by the "
	  "same goroutine, or who has locked it returned without Unlock",
	  "unlock with defer; call nothing that takes the lock while it is held" },
	{ "sync.RWMutex.", WAIT_RWMUTEX, "nobody is left to unlock it: who reads already reads "
	  "again while a writer waits, which lets no more readers in; or who has locked it "
	  "returned without unlocking",
	  "unlock with defer; call nothing that takes the lock while it is held" },
	{ "chan receive", WAIT_NONE, "nobody is left to send on the channel, or to close it",
	  "see which sender should have come, and whether it returned early" },
	{ "chan send", WAIT_NONE, "nobody is left to receive from the channel",
	  "see which receiver should have come, and whether it returned early; or give the "
	  "channel room" },
};

/* "chan receive (nil chan), 3 minutes, locked to thread" */
static const struct reason *reason_of(struct str state, enum wait_kind kind)
{
	ptrdiff_t comma = str_find(state, STR(", "));

	state = comma < 0 ? state : str_cut(state, 0, (size_t)comma);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if ((kind && reasons[i].kind == kind) ||
		    str_ends(state, str_of(reasons[i].state)) ||
		    str_starts(state, str_of(reasons[i].state)))
			return &reasons[i];
	return NULL;
}

static const struct reason *common_reason(const struct death *d, const struct waiters *all)
{
	const struct reason *r = NULL;

	if (all->rest)
		return NULL;
	for (u32 i = 0; d->gs ? i < all->n : i < d->crash.ngoroutines; i++) {
		const struct reason *its =
			d->gs ? reason_of(str_of(goroutine_reason(d->prog, all->at[i].g)),
					  all->at[i].w.kind)
			      : reason_of(d->crash.goroutines[i].state, WAIT_NONE);

		/* of a text all that is there may be the runtime's own */
		if (!d->gs && !crash_own_frame(&d->crash.goroutines[i]))
			continue;
		if (!its || (r && r != its))
			return NULL;
		r = its;
	}
	return r;
}

static void say_why(struct diagnosis *to, const struct circle *c, const struct reason *r)
{
	if (c->length) {
		to->why = STR("each waits for what, as far as stacks show, only others of them "
			      "have");
		to->advice =
			c->locks == c->length ? STR("take the locks in one order everywhere") :
			c->locks ? STR("hold no lock while waiting for what needs the lock itself "
				       "to come") :
				   STR("see which of them should do its part before it waits: "
				       "close the channel before Wait, for instance");
	} else if (r) {
		to->why = str_of(r->why);
		to->advice = str_of(r->advice);
	} else {
		to->why = STR("a channel without the other side, a WaitGroup whose counter never "
			      "gets to 0, locks that are taken in two orders, or a lock that is "
			      "taken twice");
		to->advice = STR("see for each of them who should have woken it: the sender or "
				 "receiver that returned early, the missing Done or Unlock");
	}
}

bool explain_deadlock(struct diagnosis *to, struct death *d)
{
	struct waiters all = { 0 };
	struct circle c = { 0 };

	if (!explain_says(d, "fatal error: all goroutines are asleep"))
		return false;
	to->kind = "deadlock";
	to->certainty = CERTAIN;
	to->cause = true;
	to->summary = STR("every goroutine waits, and nobody is left to wake one");
	evidence(to, d, "%.*s", STR_F(d->message));
	if (d->gs) {
		c = waits(to, d, &all, false);
		if (c.length)
			name_circle(to, d, &all, &c);
		else if (all.n)
			explain_place(to, &all.at[0].own);
	} else {
		of_text(to, d);
	}
	if (!to->func.n)
		explain_place(to, death_own(d));
	say_why(to, &c, common_reason(d, &all));
	waiting_release(&all);
	return true;
}

/* What it hangs on, if it does, may be one of these. */
static void who_waits(struct diagnosis *to, struct death *d, const struct waiters *all)
{
	u32 n = 0;

	for (u32 i = 0; i < all->n; i++)
		if (!all->at[i].told && n++ < SHOWN)
			waiting_say(to, d, all, &all->at[i]);
	if (n > SHOWN)
		evidence(to, d, "and %" PRIu64 " more goroutines wait", n - SHOWN + all->rest);
}

/* Whoever made what the locks are in may have it on his stack, and then nothing is proved. */
static bool possible(struct diagnosis *to, struct death *d, struct waiters *all)
{
	struct circle c = waiting_possible(all);

	if (!c.length)
		return false;
	say(to, d, all, c, 0);
	to->summary = str_fmt(d->a, "it has not died; %u goroutines may wait for each other in a "
				    "circle of locks", c.length);
	explain_place(to, &all->at[c.begin].own);
	to->advice = STR("see whether each of them holds what another waits for, and whether they "
			 "still stand there: then take the locks in one order everywhere");
	return true;
}

/* A circle of channels alone is what idle workers look like: whom they serve may reach them
 * through variables and the heap, which are not looked at. So the others are shown as well. */
bool explain_hang(struct diagnosis *to, struct death *d)
{
	struct waiters all = { 0 };
	struct circle c;

	if (d->died || !d->gs || (d->img && d->img->cut))
		return false;
	*to = (struct diagnosis){
		.kind = "runs",
		.certainty = CERTAIN,
		.summary = STR(
			"it has not died, and no goroutines were found that wait for each other"),
		.advice = STR("`goshawk goroutines` shows where each of them stands"),
	};
	c = waits(to, d, &all, true);
	if (c.locks) {
		to->kind = "deadlock";
		to->certainty = LIKELY;
		to->cause = true;
		name_circle(to, d, &all, &c);
		say_why(to, &c, NULL);
	} else {
		if (!possible(to, d, &all) && c.length)
			to->summary = str_fmt(d->a,
					      "it has not died; %u goroutines wait for what, on "
					      "stacks, only others of them have",
					      c.length);
		who_waits(to, d, &all);
	}
	waiting_release(&all);
	return true;
}
