/* What the race detector has found, and what it dies of itself: that it prints, and then the
 * program ends with status 66, if it does. */
#include <string.h>

#include "diag/detector.h"
#include "diag/explain.h"

enum { SHOWN = 4 };	/* races */

/* Where it is in the program's own code; if that is not among what is known of its stack, as near
 * as that goes; or NULL. */
static const struct crash_frame *own(const struct data_access *x)
{
	const struct crash_frame *f = crash_own_frame(&x->at);

	return f || !x->at.nframes ? f : &x->at.frames[x->at.nframes - 1];
}

static bool same(const struct crash_frame *a, const struct crash_frame *b)
{
	return a == b || (a && b && a->line == b->line && str_eq(a->func, b->func));
}

struct seen {
	struct data_race races[SHOWN];	/* at different places */
	u32 n, all;
};

static bool is_known(const struct seen *s, const struct data_race *r)
{
	for (u32 i = 0; i < s->n; i++)
		if (same(own(&s->races[i].access[0]), own(&r->access[0])) &&
		    same(own(&s->races[i].access[1]), own(&r->access[1])))
			return true;
	return false;
}

static void find(struct seen *s, struct death *d)
{
	struct str rest = d->printed;
	struct data_race r;

	*s = (struct seen){ 0 };
	while (detector_race(&rest, &r, d->a)) {
		s->all++;
		if (s->n < SHOWN && !is_known(s, &r))
			s->races[s->n++] = r;
	}
}

static struct str place_of(struct death *d, const struct crash_frame *f)
{
	return f ? str_fmt(d->a, "%.*s %.*s:%d", STR_F(f->func), STR_F(f->file), f->line) :
		   STR("where, is not known");
}

static struct str told(struct death *d, const struct data_race *r, u32 i)
{
	const struct data_access *x = &r->access[i];
	const struct crash_frame *at = own(x);
	const struct crash_frame *made = crash_own_frame(&x->made_at);
	struct str who = x->main ? STR("the main goroutine") :
			 str_fmt(d->a, "goroutine %llu", (unsigned long long)x->goid);
	struct str by = x->main || !made ? STR("") :
			str_fmt(d->a, " (made at %.*s)", STR_F(place_of(d, made)));

	return str_fmt(d->a, "%s%s by %.*s%.*s: %.*s", i ? "before it, a " : "a ",
		       x->writes ? "write" : "read", STR_F(who), STR_F(by),
		       STR_F(place_of(d, at)));
}

static struct str count(struct death *d, u32 n, const char *behind)
{
	return n == 1 ? str_fmt(d->a, "a data race%s", behind) :
			str_fmt(d->a, "%u data races%s", n, behind);
}

static struct str summary(const struct seen *s, struct death *d)
{
	const struct data_race *r = &s->races[0];
	const struct crash_frame *a = own(&r->access[0]), *b = own(&r->access[1]);
	const char *does[2];

	for (u32 i = 0; i < 2; i++)
		does[i] = r->access[i].writes ? "writes" : "reads";
	if (r->naccesses < 2 || (!a && !b))
		return STR("a data race: two goroutines use the same memory, at least one of them "
			   "writes, and nothing orders them");
	if (!a || !b)
		return str_fmt(d->a, "a data race: %.*s %s what another goroutine %s, and nothing "
			       "orders them", STR_F(a ? a->func : b->func), does[!a], does[!!a]);
	if (str_eq(a->func, b->func))
		return str_fmt(d->a, "a data race: one goroutine %s in %.*s what another one %s "
			       "there, and nothing orders them", does[0], STR_F(a->func), does[1]);
	return str_fmt(d->a, "a data race: %.*s %s what %.*s %s in another goroutine, and nothing "
		       "orders them", STR_F(a->func), does[0], STR_F(b->func), does[1]);
}

bool explain_data_race(struct diagnosis *to, struct death *d)
{
	struct seen s;
	const struct data_race *r = &s.races[0];
	const struct crash_frame *f;

	if (d->died)
		return false;
	find(&s, d);
	if (!s.n)
		return false;
	to->kind = "data_race";
	to->certainty = CERTAIN;
	to->cause = true;
	to->summary = summary(&s, d);
	f = own(&r->access[r->naccesses > 1 && !r->access[0].writes]);
	if (f) {
		to->func = f->func;
		to->file = f->file;
		to->line = f->line;
	}
	evidence(to, d, "the race detector told of %.*s", STR_F(count(d, s.all, "")));
	for (u32 i = 0; i < s.n; i++)
		for (u32 k = 0; k < s.races[i].naccesses; k++)
			evidence(to, d, "%.*s", STR_F(told(d, &s.races[i], k)));
	to->why = STR("where nothing orders them, a write may be seen half done, late or not at "
		      "all: a string or a slice with the length of another one, an interface "
		      "with another one's type, a map that ends the program");
	to->advice = STR("hold one lock at both places, use sync/atomic, or hand the value over "
			 "by a channel. What it can do to this program, `goshawk stress` shows "
			 "where a string, slice or interface is written");
	return true;
}

void explain_races_before(struct diagnosis *to, struct death *d)
{
	struct seen s;

	if (!strcmp(to->kind, "data_race"))
		return;
	find(&s, d);
	if (!s.n)
		return;
	evidence(to, d, "the race detector told of %.*s, of which this may have come:",
		 STR_F(count(d, s.all, " before")));
	for (u32 k = 0; k < s.races[0].naccesses; k++)
		evidence(to, d, "  %.*s", STR_F(told(d, &s.races[0], k)));
}

#define NO_MEMORY \
	"race_detector_memory", "the race detector was given no memory by the system", \
	"a program built with -race takes five to ten times the memory, and the detector ends " \
	"it when it gets no more (status 66)", \
	"raise the limit (ulimit -v, the container's), or give it less to do"

/* What the detector prints when it gives up: a line that has these. */
static const struct {
	const char *has, *also, *kind, *summary, *why, *advice;
} ends[] = {
	{ "race: limit on ", " simultaneously alive goroutines is exceeded",
	  "race_detector_goroutines",
	  "more goroutines at once than the race detector of this Go release can follow",
	  "up to Go 1.18 the detector follows 8128 goroutines, and ends the program when there "
	  "is one more (status 66)",
	  "build it with Go 1.19 or newer, or let fewer goroutines live at once" },
	{ "ThreadSanitizer", "failed to allocate", NO_MEMORY },
	{ "ThreadSanitizer", "out of memory", NO_MEMORY },
	{ "ThreadSanitizer", "CHECK failed", "race_detector_failed",
	  "the race detector failed in itself", "it met what its authors took for impossible, "
	  "often because memory was short or was overwritten (C code, unsafe)",
	  "look at the lines around it; try another Go release" },
};

bool explain_detector(struct diagnosis *to, struct death *d)
{
	for (size_t i = 0; i < ARRAY_LEN(ends) && !d->died; i++) {
		struct str rest = d->printed;

		while (rest.n) {
			struct str line = str_next_line(&rest);

			if (str_find(line, str_of(ends[i].has)) < 0 ||
			    str_find(line, str_of(ends[i].also)) < 0)
				continue;
			*to = (struct diagnosis){
				.kind = ends[i].kind, .certainty = CERTAIN, .cause = true,
				.summary = str_of(ends[i].summary), .why = str_of(ends[i].why),
				.advice = str_of(ends[i].advice),
			};
			evidence(to, d, "%.*s", STR_F(line));
			return true;
		}
	}
	return false;
}
