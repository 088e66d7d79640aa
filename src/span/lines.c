#include "span/lines.h"

#include "span/logs.h"

static struct line *line_of(const struct lines *l, u64 goid)
{
	u64 *p = map_get(&l->by_goid, goid);

	return p ? (struct line *)(uintptr_t)*p : NULL;
}

/* NULL: it is inside another, or what it writes is not known. */
static struct line *begin(struct lines *l, const struct call *call, const struct rule_on *on,
			  const struct field_value *f)
{
	struct line *to = line_of(l, call->goid);

	if (to) {
		to->inside++;
		return NULL;
	}
	if (l->by_goid.n >= LINES_MOST)
		lines_release(l);
	to = l->spare ? l->spare : mem_resize(NULL, sizeof(*to));
	l->spare = l->spare ? l->spare->next : NULL;
	*to = (struct line){
		.rule = on->rule, .fn = call->fn, .time_ns = call->start_ns,
		.cut = f[LOG_TEXT].cut,
		.n = (u32)MIN(f[LOG_TEXT].text.n, (size_t)LINE_MOST),
	};
	*map_put(&l->by_goid, call->goid) = (uintptr_t)to;
	to->over = !f[LOG_TEXT].there || !on->library->severity(f, to->severity);
	if (to->over)
		return NULL;
	if (to->n)
		memcpy(to->text, f[LOG_TEXT].text.p, to->n);
	return to;
}

static struct line *written(const struct lines *l, const struct call *call,
			    const struct rule_on *on, const struct field_value *f)
{
	struct line *line = line_of(l, call->goid);

	if (!line || line->inside || line->over || !line->rule->written_by ||
	    strcmp(line->rule->written_by, on->rule->func))
		return NULL;
	line->over = true;
	return !on->rule->nreads || on->library->severity(f, line->severity) ? line : NULL;
}

const struct line *lines_call(struct lines *l, const struct call *call, const struct rule_on *on,
			      const struct field_value *f, u64 place, const struct open_span *in)
{
	struct line *line;

	if (on->rule->role != ROLE_LOG)
		return written(l, call, on, f);
	line = begin(l, call, on, f);
	if (!line)
		return NULL;
	line->span = place;
	if (place)
		memcpy(line->id, in->self.span, SPAN_ID);
	line->over = !on->rule->written_by;
	return line->over ? line : NULL;
}

void lines_doubt(struct lines *l)
{
	for (size_t i = 0; i < l->by_goid.room; i++)
		if (l->by_goid.slots[i].used)
			((struct line *)(uintptr_t)l->by_goid.slots[i].value)->over = true;
}

void lines_end(struct lines *l, const struct call *call)
{
	struct line *line = line_of(l, call->goid);

	if (line && line->inside)
		line->inside--;
	else if (line && line->fn == call->fn && line->time_ns == call->start_ns)
		lines_drop(l, call->goid);
}

void lines_drop(struct lines *l, u64 goid)
{
	struct line *line = line_of(l, goid);

	if (!line)
		return;
	line->next = l->spare;
	l->spare = line;
	map_remove(&l->by_goid, goid);
}

void lines_release(struct lines *l)
{
	for (size_t i = 0; i < l->by_goid.room; i++)
		if (l->by_goid.slots[i].used)
			mem_free((void *)(uintptr_t)l->by_goid.slots[i].value);
	while (l->spare) {
		struct line *next = l->spare->next;

		mem_free(l->spare);
		l->spare = next;
	}
	map_release(&l->by_goid);
	*l = (struct lines){ 0 };
}
