#include "span/streams.h"

#include "span/events.h"

struct stream *streams_get(const struct streams *s, u64 address)
{
	u64 *p = map_get(&s->by_address, address);

	return p ? (struct stream *)(uintptr_t)*p : NULL;
}

bool streams_takes(const struct call *call, const struct open_span *o, bool wanted)
{
	u64 error = 0;

	if (call->fn->error_at && call->exit)
		memcpy(&error, call->exit + call->fn->error_at, sizeof(error));
	return o->stream == STREAM_GOES_ON && o->writer && !o->answered && wanted &&
	       call->end == END_RETURN && !error;
}

/* One is kept for the next: most go before another one comes. */
static void release(struct streams *of, struct stream *s)
{
	events_release(&s->span.events);
	mem_free(of->spare);
	of->spare = s;
}

static struct stream *make(struct streams *of, u32 size)
{
	struct stream *s = of->spare && of->spare->room >= size ? of->spare : NULL;

	if (s) {
		of->spare = NULL;
		return s;
	}
	s = mem_resize(NULL, sizeof(*s) + size);
	s->room = size;
	return s;
}

/* Most spans use little of the room that they have for texts. */
static void copy_span(struct open_span *to, const struct open_span *from)
{
	memcpy(to, from, offsetof(struct open_span, route));
	memcpy(to->route, from->route, from->nroute);
	memcpy(to->last, from->last, from->nlast);
	memcpy(to->inner, from->inner, from->ninner);
	memcpy(to->state, from->state, from->nstate);
	memcpy(to->asked, from->asked, from->nasked);
}

static void drop(struct streams *of, struct stream *s)
{
	*(s->newer ? &s->newer->older : &of->newest) = s->older;
	*(s->older ? &s->older->newer : &of->oldest) = s->newer;
	map_remove(&of->by_address, s->address);
	release(of, s);
}

u64 streams_put(struct streams *s, u64 address, const struct call *call, const struct rule_on *on,
		struct open_span *span)
{
	u32 size = record_bytes(call->entry, &call->fn->entry);
	size_t before = s->by_address.n;
	struct stream *to;

	streams_drop(s, address);
	if (s->by_address.n >= STREAMS_MOST)
		drop(s, s->oldest);
	to = make(s, size);
	to->newer = NULL;
	to->older = s->newest;
	to->address = address;
	to->on = on;
	to->call = *call;
	copy_span(&to->span, span);
	span->events = NULL;
	memcpy(to->entry, call->entry, size);
	to->call.entry = to->entry;
	to->call.exit = NULL;
	*(s->newest ? &s->newest->newer : &s->oldest) = to;
	s->newest = to;
	*map_put(&s->by_address, address) = (uintptr_t)to;
	return before + 1 - s->by_address.n;
}

void streams_drop(struct streams *s, u64 address)
{
	struct stream *at = streams_get(s, address);

	if (at)
		drop(s, at);
}

u64 streams_forget(struct streams *s)
{
	u64 n = s->by_address.n;

	if (n)
		streams_release(s);
	return n;
}

void streams_release(struct streams *s)
{
	while (s->newest) {
		struct stream *older = s->newest->older;

		release(s, s->newest);
		s->newest = older;
	}
	mem_free(s->spare);
	map_release(&s->by_address);
	*s = (struct streams){ 0 };
}
