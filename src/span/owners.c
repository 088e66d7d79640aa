#include "span/owners.h"

static u64 place_of(const struct contexts *c, const struct open_span *s)
{
	return (u64)(s - c->spans.at) + 1;
}

void owners_enter(struct map *m, const struct contexts *c, u64 address, const struct open_span *s)
{
	if (address)
		*map_put(m, address) = place_of(c, s);
}

void owners_drop(struct map *m, const struct contexts *c, u64 address, const struct open_span *s)
{
	const u64 *p = map_get(m, address);

	if (p && *p == place_of(c, s))
		map_remove(m, address);
}

void owners_write(struct map *m, const struct contexts *c, u64 address, struct open_span *s)
{
	s->writer = address;
	owners_enter(m, c, address, s);
}

struct open_span *owners_writer(struct map *m, const struct contexts *c, u64 address)
{
	const u64 *p = map_get(m, address);
	struct open_span *s = p ? &c->spans.at[*p - 1] : NULL;

	if (!s || (s->open && s->writer == address))
		return s;
	map_remove(m, address);	/* its goroutine was forgotten */
	return NULL;
}
