#include "span/events.h"

#include "base/out.h"
#include "base/vec.h"

/* "…": the text goes on */
static const char more[] = "\xe2\x80\xa6";

struct kept {
	i64 time_ns;
	size_t text;		/* in texts: severity, then message */
	u32 nseverity, n;
};

struct events {
	VEC(struct kept) kept;
	VEC(char) texts;
	size_t *bytes;
	u32 dropped;
};

static u32 whole(const struct line *line)
{
	return line->cut ? (u32)utf8_whole((struct str){ line->text, line->n }).n : line->n;
}

static void append(struct events *e, const char *text, size_t n)
{
	vec_reserve(&e->texts, e->texts.n + n);
	memcpy(e->texts.at + e->texts.n, text, n);
	e->texts.n += n;
}

void events_keep(struct events **at, size_t *bytes, const struct line *line)
{
	struct events *e = *at;
	struct kept *k;

	if (!e) {
		e = *at = mem_resize(NULL, sizeof(*e));
		*e = (struct events){ .bytes = bytes };
	}
	k = e->kept.n < EVENTS_MOST && *bytes < EVENT_BYTES ? vec_push(&e->kept) : NULL;
	if (!k) {
		e->dropped += e->dropped < UINT32_MAX;
		return;
	}
	*k = (struct kept){
		.time_ns = line->time_ns, .text = e->texts.n,
		.nseverity = (u32)strlen(line->severity), .n = whole(line),
	};
	append(e, line->severity, k->nseverity);
	append(e, line->text, k->n);
	if (line->cut) {
		append(e, more, sizeof(more) - 1);
		k->n += sizeof(more) - 1;
	}
	*bytes += sizeof(*k) + k->nseverity + k->n;
}

void events_release(struct events **at)
{
	struct events *e = *at;

	if (!e)
		return;
	*e->bytes -= e->kept.n * sizeof(struct kept) + e->texts.n;
	vec_release(&e->kept);
	vec_release(&e->texts);
	mem_free(e);
	*at = NULL;
}

void events_say(const struct events *e, i64 moved_ns, struct events_said *room, struct span *to)
{
	for (size_t i = 0; e && i < e->kept.n; i++) {
		const struct kept *k = &e->kept.at[i];
		struct str severity = { e->texts.at + k->text, k->nseverity };
		struct str text = { severity.p + severity.n, k->n };
		struct span_attr *a = room->attrs[i];
		u32 n = 0;

		if (severity.n)
			a[n++] = (struct span_attr){ .key = STR("log.severity"), .text = severity };
		a[n++] = (struct span_attr){ .key = STR("log.message"), .text = text };
		room->events[i] = (struct span_event){
			.time_ns = k->time_ns + moved_ns, .name = STR("log"), .attrs = a,
			.nattrs = n,
		};
	}
	to->events = room->events;
	to->nevents = e ? (u32)e->kept.n : 0;
	to->dropped_events = e ? e->dropped : 0;
}
