#include "span/traces.h"

#include "span/traceparent.h"

enum { SET_NS = 1000000 };	/* less than this is said of no clock that was set */

static bool is_trace_of(const struct open_span *s, const struct propagated *d)
{
	return !memcmp(s->self.trace, d->trace, TRACE_ID);
}

static u64 id_number(const u8 id[SPAN_ID])
{
	u64 n;

	memcpy(&n, id, SPAN_ID);
	return n;
}

void traces_clock(struct traces *t, i64 moved_ns)
{
	i64 by = moved_ns - t->moved_ns;

	if (by > SET_NS || by < -SET_NS)
		t->moved_ns = moved_ns;
}

/* Is the span of this id one of ours, and under way? Then it has the same clock. */
static void place_here(const struct traces *t, struct open_span *s, const u8 id[SPAN_ID])
{
	const u64 *moved = map_get(&t->asking, id_number(id));

	s->parent_here = moved;
	if (moved)
		s->moved_ns = (i64)*moved;
}

void traces_place(struct traces *t, struct open_span *s, const struct open_span *up,
		  const struct incoming_request *from, const struct propagated *d)
{
	bool told = d && s->kind == SPAN_CLIENT && !id_is_zero(d->span, SPAN_ID);

	if (up && told && !memcmp(up->self.span, d->span, SPAN_ID))
		told = false;	/* it is that one's request, by another library */
	if (up && told && !is_trace_of(up, d))
		up = NULL;	/* a table in the target was full */
	s->moved_ns = up ? up->moved_ns : t->moved_ns;
	if (up) {
		s->self = up->self;
		s->sampled = up->sampled;
		memcpy(s->parent, up->self.span, SPAN_ID);
		s->nstate = up->nstate;
		memcpy(s->state, up->state, up->nstate);
	} else if (from) {
		s->self = from->from;
		memcpy(s->parent, from->from.span, SPAN_ID);
		s->parent_remote = true;
		place_here(t, s, from->from.span);
		s->nstate = from->nstate;
		memcpy(s->state, from->state, from->nstate);
		s->sampled = sampler_takes(&t->sampler, s->self.trace,
					   from->from.deferred ? NULL : &from->from);
	} else {
		if (d)
			memcpy(s->self.trace, d->trace, TRACE_ID);
		else
			new_id(&t->ids, s->self.trace, TRACE_ID);
		s->sampled = sampler_takes(&t->sampler, s->self.trace, NULL);
	}
	if (told)
		memcpy(s->self.span, d->span, SPAN_ID);
	else
		new_id(&t->ids, s->self.span, SPAN_ID);
	s->self.sampled = s->sampled;
	if (!told)
		return;
	if (t->asking.n >= OPEN_SPANS_MOST)	/* ends that were not seen */
		map_release(&t->asking);
	*map_put(&t->asking, id_number(s->self.span)) = (u64)s->moved_ns;
}

static void join(const struct traces *t, struct open_span *s, const struct span_context *of)
{
	if (memcmp(s->self.trace, of->trace, TRACE_ID))
		s->nstate = 0;
	memcpy(s->self.trace, of->trace, TRACE_ID);
	memcpy(s->parent, of->span, SPAN_ID);
	s->self.sampled = s->sampled = sampler_takes(&t->sampler, of->trace,
						     of->deferred ? NULL : of);
}

void traces_join(struct traces *t, struct open_span *s, const struct span_context *from)
{
	join(t, s, from);
	s->parent_remote = true;
	place_here(t, s, from->span);
}

/* Is it what came with the request that is served meanwhile? Proxies pass on the whole header, and
 * have no span of their own. */
static bool is_passed_on(const struct contexts *c, const struct open_span *s,
			 const struct propagated *d)
{
	for (; s; s = s->up ? &c->spans.at[s->up - 1] : NULL)
		if (s->kind == SPAN_SERVER && s->parent_remote &&
		    !memcmp(s->parent, d->span, SPAN_ID) && is_trace_of(s, d))
			return true;
	return false;
}

void traces_own(const struct traces *t, const struct contexts *c, struct open_span *s,
		const struct propagated *d)
{
	const u32 own = PROPAGATED_OWN | PROPAGATED_THERE;
	struct span_context of = {
		.sampled = d->what & PROPAGATED_SAMPLED, .deferred = d->what & SENDER_DEFERRED,
	};

	if ((d->what & own) != own || is_passed_on(c, s, d))
		return;
	memcpy(of.trace, d->trace, TRACE_ID);
	memcpy(of.span, d->span, SPAN_ID);
	join(t, s, &of);
}

void traces_asked(struct traces *t, const struct open_span *s)
{
	u64 *oldest = &t->asked[t->nasked % ASKED_LATELY];

	if (!map_get(&t->asking, id_number(s->self.span)))
		return;
	map_remove(&t->asking, *oldest);
	*oldest = id_number(s->self.span);
	t->nasked++;
}

void traces_release(struct traces *t)
{
	map_release(&t->asking);
}
