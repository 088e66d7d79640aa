#include "span/incoming.h"

#include "span/traceparent.h"

#define LEFT_NS 2000000000

static struct incoming_request *request_of(const struct incoming *in, u64 goid)
{
	u64 *p = map_get(&in->by_goid, goid);

	return p ? (struct incoming_request *)(uintptr_t)*p : NULL;
}

static struct incoming_request *make(struct incoming *in, u64 goid)
{
	struct incoming_request *r = request_of(in, goid);

	if (r)
		return r;
	if (in->by_goid.n >= INCOMING_MOST)
		incoming_release(in);
	r = mem_resize(NULL, sizeof(*r));
	memset(r, 0, sizeof(*r));
	*map_put(&in->by_goid, goid) = (uintptr_t)r;
	return r;
}

static void take(struct incoming *in, u64 goid, bool moves, enum header h, struct str value,
		 bool whole)
{
	struct incoming_request *r;

	if (h == HEADER_OTHER)
		return;
	r = make(in, goid);
	r->moves = moves;
	if (h == HEADER_BAGGAGE) {
		r->baggage_dropped |= !whole ||
				      r->nbaggage + !!r->nbaggage + value.n > BAGGAGE_MOST;
		r->nbaggage += !!r->nbaggage + (u32)MIN(value.n, (size_t)BAGGAGE_MOST);
	} else if (h != HEADER_STATE) {
		sender_take(&r->sender, h, (const u8 *)value.p, value.n, whole);
	} else if (!whole || r->nstate + !!r->nstate + value.n > STATE_MOST) {
		r->state_dropped = true;
	} else if (value.n) {
		if (r->nstate)	/* several lines are one list (3.3.1.1) */
			r->state[r->nstate++] = ',';
		memcpy(r->state + r->nstate, value.p, value.n);
		r->nstate += (u32)value.n;
	}
}

/* Mixed as splitmix64 does, twice; goroutines never have so large a number. */
static u64 mixed(u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

u64 incoming_key(u64 a, u64 b)
{
	return mixed(mixed(a + 0x9e3779b97f4a7c15u) ^ b) | (u64)1 << 62;
}

void incoming_reads(struct incoming *in, u64 goid)
{
	incoming_drop(in, goid);
	if (in->sorted)
		return;
	if (in->reading.n >= OPEN_SPANS_MOST)	/* ends that were not seen */
		map_release(&in->reading);
	*map_put(&in->reading, goid) = 1;
}

void incoming_served(struct incoming *in, u64 goid)
{
	map_remove(&in->reading, goid);
}

void incoming_line(struct incoming *in, u64 goid, struct str line, bool whole)
{
	struct str value;
	enum header h = trace_header(line, in->how, &value);

	if (in->sorted || map_get(&in->reading, goid))
		take(in, goid, false, h, value, whole);
}

void incoming_field(struct incoming *in, u64 goid, struct str name, struct str value, bool whole)
{
	take(in, goid, true, header_named((const u8 *)name.p, name.n, in->how), value, whole);
}

void incoming_move(struct incoming *in, u64 goid, u64 to)
{
	struct incoming_request *r = request_of(in, goid);

	if (!r || !r->moves || goid == to)
		return;
	r->moves = false;
	map_remove(&in->by_goid, goid);
	incoming_drop(in, to);
	*map_put(&in->by_goid, to) = (uintptr_t)r;
}

void incoming_read(struct incoming *in, u64 key, i64 ns)
{
	struct incoming_request *r = request_of(in, key);

	if (r)
		r->read_ns = ns;
}

static bool is_left(const struct incoming_request *r, i64 now_ns)
{
	return r->read_ns && now_ns - r->read_ns > LEFT_NS;
}

const struct incoming_request *incoming_take(const struct incoming *in, u64 goid, i64 now_ns)
{
	struct incoming_request *r = request_of(in, goid);
	const struct sender_way *by = r && !is_left(r, now_ns) ? sender_who(&r->sender, in->how) :
								  NULL;

	if (!by)
		return NULL;
	span_context_of(&r->from, by);
	if (r->state_dropped || by != &r->sender.by[SENDER_W3C] ||
	    !sender_text(HEADER_STATE, (const u8 *)r->state, r->nstate))
		r->nstate = 0;
	return r;
}

bool incoming_lost_baggage(const struct incoming *in, u64 goid)
{
	const struct incoming_request *r = request_of(in, goid);

	return r && r->baggage_dropped;
}

void incoming_drop(struct incoming *in, u64 goid)
{
	mem_free(request_of(in, goid));
	map_remove(&in->by_goid, goid);
}

void incoming_release(struct incoming *in)
{
	for (size_t i = 0; i < in->by_goid.room; i++)
		if (in->by_goid.slots[i].used)
			mem_free((void *)(uintptr_t)in->by_goid.slots[i].value);
	map_release(&in->by_goid);
	map_release(&in->reading);
}
