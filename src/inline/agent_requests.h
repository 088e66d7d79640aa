/* agent_requests - the agent: requests that are being sent, by the map or the list of their header.
 *
 * Owns     nothing: all lies in the target's struct propagate.
 * Units    rt addresses of the target, in which this runs.
 * Fails    never: what finds no place is not known.
 * Threads  all of the target's (inline/propagate.h). */
#ifndef INLINE_AGENT_REQUESTS_H
#define INLINE_AGENT_REQUESTS_H

#include "inline/agent_incoming.h"

/* `map`: an address, so even. */
AGENT static struct propagate_request *request_of(struct propagate *p, u64 map)
{
	u32 at = hash(map, REQUEST_SLOTS);

	for (u32 i = 0; i < TRIES; i++) {
		struct propagate_request *r = &p->requests[(at + i) & (REQUEST_SLOTS - 1)];

		if (__atomic_load_n(&r->map, __ATOMIC_ACQUIRE) == map)
			return r;
	}
	return 0;
}

AGENT static struct propagate_call *call_of(struct propagate_calls *of, u64 goid, u32 depth,
					    bool any)
{
	u32 at = hash(goid, CALL_SLOTS);

	for (u32 i = 0; i < TRIES; i++) {
		u32 n = (at + i) & (CALL_SLOTS - 1);

		if (__atomic_load_n(&of->goid[n], __ATOMIC_ACQUIRE) == goid &&
		    (any || of->at[n].depth == depth))
			return &of->at[n];
	}
	return 0;
}

AGENT static struct propagate_call *new_call(struct propagate *p, struct propagate_calls *of,
					     u64 goid)
{
	u32 at = hash(goid, CALL_SLOTS);

	for (u32 i = 0; i < TRIES; i++) {
		u32 n = (at + i) & (CALL_SLOTS - 1);
		u64 nobody = 0;

		if (__atomic_compare_exchange_n(&of->goid[n], &nobody, goid, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return &of->at[n];
	}
	__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
	return 0;
}

AGENT static void forget(struct propagate_calls *of, const struct propagate_call *c)
{
	__atomic_store_n(&of->goid[c - of->at], 0, __ATOMIC_RELEASE);
}

/* Several requests may have one map: nobody can tell then which of them is written, so none of them
 * gets a parent until all have been answered. */
AGENT static struct propagate_request *enter_request(struct propagate *p, u64 map,
						     const struct propagated *of,
						     const struct propagate_texts *texts)
{
	struct propagate_request *r = request_of(p, map);
	u32 at = hash(map, REQUEST_SLOTS);

	if (r && __atomic_load_n(&r->users, __ATOMIC_ACQUIRE) && !is_doubtful(p, r->lost)) {
		__atomic_store_n(&r->shared, 1, __ATOMIC_RELEASE);
		__atomic_fetch_add(&r->users, 1, __ATOMIC_ACQ_REL);
		return r;
	}
	for (u32 i = 0; i < 2 * TRIES; i++) {
		u64 was = 0;

		if (!r || i)
			r = &p->requests[(at + i % TRIES) & (REQUEST_SLOTS - 1)];
		/* one that was never written, or whose end was not seen */
		if (i >= TRIES || r->map == map) {
			was = __atomic_load_n(&r->map, __ATOMIC_RELAXED);
			if (was == 1 || (__atomic_load_n(&r->users, __ATOMIC_ACQUIRE) &&
					 !is_doubtful(p, r->lost)))
				continue;
		}
		if (!__atomic_compare_exchange_n(&r->map, &was, 1, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED))
			continue;
		r->users = 1;
		r->shared = 0;
		r->made = __builtin_ia32_rdtsc();
		r->lost = __atomic_load_n(&p->lost, __ATOMIC_RELAXED);
		r->what = of->what & (PROPAGATED_SAMPLED | PROPAGATED_DEBUG);
		copy(r->trace, of->trace, 16);
		copy(r->span, of->span, 8);
		r->texts = *texts;
		__atomic_store_n(&r->map, map, __ATOMIC_SEQ_CST);
		for (u32 k = 0; k < TRIES; k++) {	/* who came at the same moment */
			struct propagate_request *o =
				&p->requests[(at + k) & (REQUEST_SLOTS - 1)];

			if (o != r && __atomic_load_n(&o->map, __ATOMIC_SEQ_CST) == map)
				o->shared = r->shared = 1;
		}
		return r;
	}
	__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
	return 0;
}

/* Its list is no more, or another's: it keeps its place for the call that it is of, if that still
 * waits. A key that is odd is no address. */
AGENT static void rename_request(struct propagate_request *r, u64 key)
{
	u64 to = __atomic_load_n(&r->users, __ATOMIC_ACQUIRE) ? (u64)r | 1 : 0;

	(void)__atomic_compare_exchange_n(&r->map, &key, to, false, __ATOMIC_ACQ_REL,
					  __ATOMIC_RELAXED);
}

/* A list may be written when the call that it is of has ended (a stream): within a second. */
AGENT static void leave_request(struct propagate *p, struct propagate_call *c)
{
	struct propagate_request *r;

	if (c->request == (u32)NO_REQUEST)
		return;
	r = &p->requests[c->request];
	if (!__atomic_sub_fetch(&r->users, 1, __ATOMIC_ACQ_REL) && (!c->listed || r->map & 1))
		__atomic_store_n(&r->map, 0, __ATOMIC_RELEASE);
	c->request = (u32)NO_REQUEST;
}

/* What the program has written itself. */
AGENT static void own_one(const struct propagate *p, struct sender *own, struct propagated *to)
{
	const struct sender_way *by = who(own, p->how);

	to->what = PROPAGATED_OWN;
	if (!by)
		return;
	copy(to->trace, by->trace, 16);
	copy(to->span, by->span, 8);
	to->what |= PROPAGATED_THERE | (by->what & (PROPAGATED_SAMPLED | SENDER_DEFERRED));
}

/* The call has ended; gives what became of its request. */
AGENT static void answer(struct propagate *p, struct propagate_call *c, struct propagated *to)
{
	struct propagate_request *r = 0;

	to->what = 0;
	if (is_doubtful(p, c->lost))	/* its place may be another's */
		c->request = (u32)NO_REQUEST;
	if (c->request != (u32)NO_REQUEST)
		r = &p->requests[c->request];
	if (r && !r->shared && r->what & PROPAGATED_OWN) {
		own_one(p, &r->own, to);
	} else if (r && !r->shared) {
		to->what = r->what;
		copy(to->trace, r->trace, 16);
		copy(to->span, r->span, 8);
	} else if (c->of.what & PROPAGATED_OWN) {
		*to = c->of;
	} else if (c->listed) {
		to->what = c->of.what & PROPAGATED_NO_ROOM;
	}
	leave_request(p, c);
	forget(&p->asks, c);
}

AGENT static void ask(struct propagate *p, u64 goid, u32 depth, u64 request, u64 map,
		      struct propagated *to)
{
	struct propagate_call *c = call_of(&p->asks, goid, depth, false);
	struct propagate_texts texts = { { 0 } };
	struct propagate_request *r;

	if (c)		/* its end was not seen */
		answer(p, c, to);
	c = map ? call_of(&p->asks, goid, 0, true) : 0;
	r = c && c->request != (u32)NO_REQUEST ? &p->requests[c->request] : 0;
	if (r && c->depth < depth && __atomic_load_n(&r->map, __ATOMIC_ACQUIRE) == map) {
		copy(to->trace, r->trace, 16);	/* one library hands it on to another */
		copy(to->span, r->span, 8);
		to->what = PROPAGATED_THERE | r->what;
		return;
	}
	r = 0;
	enter(p, goid, depth, request, to, &texts);
	if (!(to->what & PROPAGATED_THERE))
		return;
	new_id(p, goid ^ map, to->span, 8);
	c = new_call(p, &p->asks, goid);
	if (!c) {
		to->what |= PROPAGATED_NO_ROOM;
		return;
	}
	if (!p->asked)
		p->asked = 1;
	r = map ? enter_request(p, map, to, &texts) : 0;
	if (map && !r)
		to->what |= PROPAGATED_NO_ROOM;
	c->depth = depth;
	c->lost = __atomic_load_n(&p->lost, __ATOMIC_RELAXED);
	c->listed = !map;
	c->of = *to;
	c->texts = texts;
	c->request = r ? (u32)(r - p->requests) : (u32)NO_REQUEST;
}

/* The goroutine has made the list of fields for the innermost call that waits for one; once more
 * when it tries again. */
AGENT static void list(struct propagate *p, u64 goid, const u8 *fields, u64 n)
{
	u32 at = hash(goid, CALL_SLOTS);
	struct propagate_call *c = 0;
	struct propagate_request *r;
	bool is_own = false;
	struct sender own;

	for (u32 i = 0; i < TRIES; i++) {
		u32 slot = (at + i) & (CALL_SLOTS - 1);
		struct propagate_call *one = &p->asks.at[slot];

		if (__atomic_load_n(&p->asks.goid[slot], __ATOMIC_ACQUIRE) == goid && one->listed &&
		    (!c || one->depth > c->depth))
			c = one;
	}
	r = fields ? request_of(p, (u64)fields) : 0;
	if (r)		/* of one that was never written, and lay there before */
		rename_request(r, (u64)fields);
	if (!c || !fields)
		return;
	if (is_doubtful(p, c->lost))
		return;
	leave_request(p, c);
	sender_begin(&own);
	for (u64 i = 0; i < n; i++) {
		const u8 *one = fields + i * EXTRA_FIELD_SIZE;
		enum header h = named((const u8 *)word(one, 0), word(one, 8), p->how);
		u32 text = text_named(h);

		if (text < TEXTS)
			c->texts.of[text] = 0;
		else if (h)
			says(&own, h, (const u8 *)word(one, 16), word(one, 24), true);
		is_own |= h && text == TEXTS;
	}
	if (is_own) {
		own_one(p, &own, &c->of);
		return;
	}
	r = enter_request(p, (u64)fields, &c->of, &c->texts);
	c->of.what |= PROPAGATED_NO_ROOM;
	if (!r)
		return;
	c->of.what &= ~(u32)PROPAGATED_NO_ROOM;
	c->request = (u32)(r - p->requests);
}

AGENT static void answered(struct propagate *p, u64 goid, u32 depth, struct propagated *to)
{
	struct propagate_call *c = call_of(&p->asks, goid, depth, false);

	to->what = 0;
	leave(p, goid, depth);
	if (c)
		answer(p, c, to);
}

#endif
