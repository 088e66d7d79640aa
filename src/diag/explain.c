#include "diag/explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* The order is the policy: what speaks of one cause only stands before what many causes have. */
static diagnoser *const table[] = {
	explain_race, explain_return, explain_heap, explain_overflow, explain_map,
	explain_deadlock, explain_fatal, explain_fault, explain_timeout, explain_panic,
	explain_stopped, explain_hang, explain_detector, explain_data_race,
};

const char *sureness_name(enum sureness c)
{
	static const char *const names[] = { "certain", "likely", "unknown" };

	return names[c];
}

void evidence(struct diagnosis *to, struct death *d, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n <= 0 || to->nevidence == EVIDENCE_MOST)
		return;
	to->evidence[to->nevidence++] =
		str_of(str_z(d->a, (struct str){ text, MIN((size_t)n, sizeof(text) - 1) }));
}

struct str explain_path(const struct death *d, u32 n)
{
	struct str all = STR("");

	for (u32 i = MIN(n, d->nframes); i--; ) {
		struct str name = d->frames[i].func;

		if (d->frames[i].stack == STACK_OF_SIGNAL)
			break;
		if (!name.n)
			name = str_fmt(d->a, "0x%" PRIx64, d->frames[i].pc_rt);
		all = all.n ? str_fmt(d->a, "%.*s → %.*s", STR_F(all), STR_F(name)) : name;
	}
	return all;
}

void explain_place(struct diagnosis *to, const struct death_frame *f)
{
	if (!f)
		return;
	to->func = f->func;
	to->file = f->file;
	to->line = f->line;
}

bool explain_says(const struct death *d, const char *begins)
{
	return str_starts(d->message, str_of(begins));
}

static void what_was_seen(struct diagnosis *to, struct death *d)
{
	if (d->message.n)
		evidence(to, d, "it said: %.*s", STR_F(d->message));
	if (d->has_pc)
		evidence(to, d, "it stood at 0x%" PRIx64, d->pc);
	if (d->has_address)
		evidence(to, d, "the address that it touched: 0x%" PRIx64, d->address);
	for (u32 i = 0; i < d->nframes && i < 12; i++) {
		const struct death_frame *f = &d->frames[i];

		if (f->func.n)
			evidence(to, d, "  %.*s %.*s:%d", STR_F(f->func), STR_F(f->file), f->line);
		else
			evidence(to, d, "  0x%" PRIx64 " (not Go code)", f->pc_rt);
	}
}

static void reservations(struct diagnosis *to, struct death *d)
{
	if (d->bare) {
		to->certainty = MAX(to->certainty, LIKELY);
		evidence(to, d, "no goroutine is printed behind it (GOTRACEBACK=none?)");
	}
	if (d->img && d->img->cut)
		evidence(to, d, "the core is cut: what stood behind its end is not known");
	if (d->earlier)
		evidence(to, d, "it is the last that is told of; there %s before it",
			 d->earlier == 1 ? "is one other death" :
			 str_z(d->a, str_fmt(d->a, "are %u other deaths", d->earlier)));
	explain_races_before(to, d);
}

/* Of a goroutine that prints its stack while it panics: where the panic came from. */
static const struct crash_frame *caught(struct crash_goroutine *g)
{
	u32 i = 0;

	while (i < g->nframes && !str_eq(g->frames[i].func, STR("panic")))
		i++;
	if (!i || i == g->nframes)
		return NULL;
	g->frames += i + 1;
	g->nframes -= i + 1;
	return crash_own_frame(g);
}

/* "http: panic serving …", and the like: it has not ended of the panics that are logged. */
static void panics_logged(struct diagnosis *to, struct death *d)
{
	struct str rest = d->printed, line = STR(""), before, said = STR("");
	const struct crash_frame *last = NULL;
	u32 n = 0;

	while (rest.n) {
		const struct crash_frame *f = NULL;
		struct crash_goroutine g;

		before = line;
		line = str_next_line(&rest);
		if (crash_goroutine_at(line, &rest, &g, d->a))
			f = caught(&g);
		if (!f)
			continue;
		last = f;
		said = before;
		n++;
	}
	if (last)
		evidence(to, d,
			 "%sa panic was logged with its stack, and came from %.*s %.*s:%d%s%.*s",
			 n > 1 ? str_z(d->a, str_fmt(d->a, "the last of %u: ", n)) : "",
			 STR_F(last->func), STR_F(last->file), last->line, said.n ? ": " : "",
			 STR_F(said));
}

static struct str advice_where_unknown(const struct death *d)
{
	if (d->img && d->img->cut)
		return STR("what was seen is listed; a whole core shows more (ulimit -c unlimited, "
			   "room on the disk, systemd-coredump's ProcessSizeMax and "
			   "ExternalSizeMax)");
	return d->died ? STR("what was seen is listed; a core (GOTRACEBACK=crash, ulimit -c "
			     "unlimited) shows more than a text") : STR("");
}

void explain(struct diagnosis *to, struct death *d)
{
	*to = (struct diagnosis){ .certainty = UNKNOWN };
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i](to, d)) {
			reservations(to, d);
			return;
		}
	*to = (struct diagnosis){
		.kind = "unknown",
		.certainty = UNKNOWN,
		.summary = d->died ? STR("it died, and why is not known")
				   : STR("nothing here tells of the end of a Go program"),
		.advice = advice_where_unknown(d),
	};
	explain_place(to, death_own(d));
	what_was_seen(to, d);
	if (!d->died)
		panics_logged(to, d);
	reservations(to, d);
}
