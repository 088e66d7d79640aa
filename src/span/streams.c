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

static void drop(struct stream *s)
{
	if (s)
		events_release(&s->span.events);
	mem_free(s);
}

u64 streams_put(struct streams *s, u64 address, const struct call *call, const struct rule_on *on,
		struct open_span *span)
{
	u32 size = record_bytes(call->entry, &call->fn->entry);
	u64 forgotten = streams_get(s, address) != NULL;
	struct stream *to = mem_resize(NULL, sizeof(*to) + size);

	streams_drop(s, address);
	if (s->by_address.n >= STREAMS_MOST)
		forgotten += streams_forget(s);
	*to = (struct stream){ .span = *span, .on = on, .call = *call };
	span->events = NULL;
	memcpy(to->entry, call->entry, size);
	to->call.entry = to->entry;
	to->call.exit = NULL;
	*map_put(&s->by_address, address) = (uintptr_t)to;
	return forgotten;
}

void streams_drop(struct streams *s, u64 address)
{
	drop(streams_get(s, address));
	map_remove(&s->by_address, address);
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
	for (size_t i = 0; i < s->by_address.room; i++)
		if (s->by_address.slots[i].used)
			drop((struct stream *)(uintptr_t)s->by_address.slots[i].value);
	map_release(&s->by_address);
	*s = (struct streams){ 0 };
}
