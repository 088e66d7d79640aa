#include "span/streams.h"

struct stream *streams_get(const struct streams *s, u64 address)
{
	u64 *p = map_get(&s->by_address, address);

	return p ? (struct stream *)(uintptr_t)*p : NULL;
}

u64 streams_put(struct streams *s, u64 address, const struct call *call, const struct rule_on *on,
		const struct open_span *span)
{
	u32 size = call->fn->entry.size;
	u64 forgotten = streams_get(s, address) != NULL;
	struct stream *to = mem_resize(NULL, sizeof(*to) + size);

	streams_drop(s, address);
	if (s->by_address.n >= STREAMS_MOST) {
		forgotten += s->by_address.n;
		streams_release(s);
	}
	*to = (struct stream){ .span = *span, .on = on, .call = *call };
	memcpy(to->entry, call->entry, size);
	to->call.entry = to->entry;
	to->call.exit = NULL;
	*map_put(&s->by_address, address) = (uintptr_t)to;
	return forgotten;
}

void streams_drop(struct streams *s, u64 address)
{
	mem_free(streams_get(s, address));
	map_remove(&s->by_address, address);
}

void streams_release(struct streams *s)
{
	for (size_t i = 0; i < s->by_address.room; i++)
		if (s->by_address.slots[i].used)
			mem_free((void *)(uintptr_t)s->by_address.slots[i].value);
	map_release(&s->by_address);
	*s = (struct streams){ 0 };
}
