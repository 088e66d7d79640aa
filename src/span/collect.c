#include "span/collect_impl.h"

#include "base/clock.h"
#include "plan/chain.h"
#include "plan/extra.h"
#include "span/headers.h"
#include "span/http.h"
#include "span/messages.h"
#include "span/routers.h"
#include "span/traceparent.h"

/* What was decided in the target (plan/propagate.h), or NULL. */
static const struct propagated *decided(const struct reading *r, const u8 *record)
{
	const struct propagated *d = (const void *)(record + r->propagated_at);

	return r->propagated_at && record && d->what & PROPAGATED_THERE ? d : NULL;
}

/* The request that the call's context.Context belongs to, if that is still served; else, and where
 * the goroutine is in it anyway, what the goroutine is in. */
static const struct open_span *parent(struct collector *c, const struct call *call)
{
	const struct open_span *current = context_current(&c->contexts, call->goid);
	u64 chain[CHAIN_MOST];
	u32 n = chain_of(&call->fn->entry, call->entry, chain);

	for (u32 i = 0; i < n; i++) {
		const u64 *p = map_get(&c->ctxs, chain[i]);
		const struct open_span *of = p ? &c->contexts.spans.at[*p - 1] : NULL;

		if (of && of->open && of->ctx == chain[i])
			return context_within(&c->contexts, current, of) ? current : of;
	}
	return current;
}

/* What a database's library does for a call of its own, as preparing the text that it was given, or
 * what one does for database/sql; what net/http and golang.org/x/net do for one request. */
static bool is_inside(struct collector *c, const struct call *call, const struct rule_on *on)
{
	struct field_value own = { 0 };
	const struct open_span *of;
	const struct open_span *top = on && (on->library->database || on->rule->once) ?
				      context_top(&c->contexts, call->goid) : NULL;
	const struct rule_on *around = top && top->fn ? rule_of(c, top->fn) : NULL;
	u64 chain[CHAIN_MOST];

	if (on && on->rule->stream && on->rule->nmessages)
		say_field(&c->f, call, on, FIELD_WRITER, &own);
	of = own.there ? writer(c, (u64)own.number) : NULL;
	if (of && !of->answered)
		return true;	/* one function hands the message on to another */
	if (!around || !on->rule->once || around->library != on->library || !top->ctx)
		return around && on->library->database && around->library->database;
	for (u32 i = chain_of(&call->fn->entry, call->entry, chain); i; i--)
		if (chain[i - 1] == top->ctx)
			return true;
	return false;
}

static void message_begins(struct collector *c, const struct call *call, const struct rule_on *on,
			   struct open_span *s)
{
	struct field_value own;

	say_field(&c->f, call, on, FIELD_WRITER, &own);
	if (messages_place(&c->f, call, on, false, s))
		traces_join(&c->traces, s, &s->links[0]);
	if (own.there)
		owners_write(&c->writers, &c->contexts, (u64)own.number, s);
}

void collector_export(struct collector *c, const struct call *call, const struct rule_on *on,
		      const struct open_span *o)
{
	const struct span *s;

	c->total.unsampled += !o->sampled;
	if (!o->sampled && !c->all)
		return;
	s = say_span(&c->teller, call, on, o);
	if (!s)
		return;
	c->total.spans += o->sampled;
	c->total.traces += o->sampled && ((o->parent_remote && !o->parent_here) ||
					  id_is_zero(o->parent, SPAN_ID));
	for (size_t i = 0; i < c->f.nto; i++)
		if (o->sampled || c->f.to[i].all)
			c->f.to[i].span(c->f.to[i].ctx, s);
}

static void over(void *ctx, const struct stream *s)
{
	collector_export(ctx, &s->call, s->on, &s->span);
}

static void span_begins(struct collector *c, const struct call *call, const struct rule_on *on)
{
	enum span_kind kind = on ? on->rule->kind : SPAN_INTERNAL;
	bool serves = on && kind == SPAN_SERVER, headed = serves && on->rule->nmessages;
	struct field_value key = { 0 }, own;
	u64 by = serves && !headed ? headers_reader(&c->f, call, on, &key) : 0;
	/* a request's parent is who sent it, wherever the goroutine comes from */
	bool alone = (serves && !key.other) || (on && on->rule->apart);
	const struct open_span *up = headed ? context_top(&c->contexts, call->goid) :
				     alone ? NULL : parent(c, call);
	size_t above = up ? (size_t)(up - c->contexts.spans.at) : 0;
	struct open_span *s = is_inside(c, call, on) ? NULL :
			      context_begin(&c->contexts, call->goid, up);
	const struct propagated *d = decided(&call->fn->entry, call->entry);
	const struct incoming_request *from;
	u64 chain[CHAIN_MOST];

	if (d && d->what & PROPAGATED_ALONE)	/* it was another one's */
		incoming_drop(&c->incoming, by);
	from = s && by ? incoming_take(&c->incoming, by, call->start_ns) : NULL;
	if (serves)
		incoming_served(&c->incoming, call->goid);
	if (on && on->rule->waits)
		served_over(&c->served, call->goid);
	if (!s)
		return;
	c->total.unstated += from && from->state_dropped;
	c->total.unbagged += by && incoming_lost_baggage(&c->incoming, by);
	s->kind = kind;
	s->fn = call->fn;
	s->start_ns = call->start_ns;
	s->stream = on ? on->rule->stream : STREAM_NONE;
	c->total.unwritten += d && d->what & PROPAGATED_NO_ROOM;
	traces_place(&c->traces, s, up ? &c->contexts.spans.at[above] : NULL,
		       from, d);
	if (chain_of(&call->fn->entry, call->entry, chain))
		s->ctx = chain[0];
	if (on && on->rule->nmessages)
		message_begins(c, call, on, s);
	if (headed)
		s->nlinks = 0;	/* it is the parent */
	if (!serves || headed)
		return;
	incoming_drop(&c->incoming, by);
	say_field(&c->f, call, on, FIELD_WRITER, &own);
	if (own.there)
		owners_write(&c->writers, &c->contexts, (u64)own.number, s);
	owners_enter(&c->ctxs, &c->contexts, s->ctx, s);
}

/* A router is done with a request: which of its patterns it was. */
static void router(struct collector *c, const struct call *call)
{
	struct field_value f[FIELDS_MOST] = { 0 };
	struct open_span *s = context_nearest(&c->contexts, call->goid, SPAN_SERVER);

	if (!s)
		return;
	say_fields(&c->f, call, rule_of(c, call->fn), f);
	s->ninner = router_route(f, s->inner);
}

/* There is no span of the request that a connection of many requests began with. */
static void connection(struct collector *c, const struct call *call)
{
	struct open_span *s = context_top(&c->contexts, call->goid);

	if (!s || s->kind != SPAN_SERVER)
		return;
	writes_no_more(c, s);
	owners_drop(&c->ctxs, &c->contexts, s->ctx, s);
	context_end(&c->contexts, call->goid);
}

/* Which span it is in is known when it begins, that it is written maybe later. */
static void log_line(struct collector *c, const struct call *call, const struct rule_on *on)
{
	const struct open_span *in = on->rule->role == ROLE_LOG ? parent(c, call) : NULL;
	u64 place = in ? (u64)(in - c->contexts.spans.at) + 1 : 0;
	struct field_value f[FIELDS_MOST] = { 0 };
	const struct line *line;
	struct open_span *s;

	say_fields(&c->f, call, on, f);
	line = lines_call(&c->lines, call, on, f, place, in);
	s = line && line->span ? &c->contexts.spans.at[line->span - 1] : NULL;
	if (s && s->open && s->sampled && !memcmp(s->self.span, line->id, SPAN_ID))
		events_keep(&s->events, &c->event_bytes, line);
	c->total.outside += line && !line->span;
}

static void begun(void *ctx, const struct call *call)
{
	struct collector *c = ctx;
	const struct rule_on *on = rule_of(c, call->fn);

	switch (on ? on->rule->role : ROLE_SPAN) {
	case ROLE_SPAN:
		span_begins(c, call, on);
		break;
	case ROLE_REQUEST:
		incoming_reads(&c->incoming, call->goid);
		break;
	case ROLE_FRAME:
		headers_frame(&c->incoming, &c->f, call, on);
		break;
	case ROLE_STATUS:
		answers_status(c, call);
		break;
	case ROLE_DELIVERY:
		answers_delivery(c, call);
		break;
	case ROLE_STREAM:
		answers_stream(c, call);
		break;
	case ROLE_ROUTER:
		router(c, call);
		break;
	case ROLE_CONNECTION:
		connection(c, call);
		break;
	case ROLE_ANSWER:
		answers_response(c, call, on);
		break;
	case ROLE_LOG:
	case ROLE_LOGGED:
		log_line(c, call, on);
		break;
	case ROLE_LINE:
	case ROLE_ROUTE:
	case ROLE_TOLD:
	case ROLE_WRITE:
		break;
	}
}

static void route(struct collector *c, const struct call *call)
{
	struct str r = http_route(headers_text(&call->fn->exit, call->exit, ROUTE_MOST));
	struct open_span *s = r.n ? context_nearest(&c->contexts, call->goid, SPAN_SERVER) : NULL;

	if (!s)
		return;
	memcpy(s->nroute ? s->last : s->route, r.p, r.n);
	*(s->nroute ? &s->nlast : &s->nroute) = (u32)r.n;
}

static u32 bit_of(const struct library *l)
{
	u32 i = 0;

	while (rules_libraries[i] != l)
		i++;
	return 1u << i;
}

/* Is its answer still to come? A handler that has panicked has none. */
static bool waits(const struct collector *c, const struct call *call, const struct rule_on *on,
		  const struct open_span *o)
{
	return on && on->rule->waits && !(c->blind & bit_of(on->library)) &&
	       (call->end == END_RETURN || call->end == END_RECOVERED) && (o->sampled || c->all);
}

/* What became of the traceparent of a request. */
static void request_ends(struct collector *c, const struct call *call, struct open_span *o)
{
	const struct reading *r = &call->fn->exit;
	const struct propagated *d = (const void *)(call->exit + r->propagated_at);

	if (!r->propagated_at || !call->exit)
		return;
	traces_own(&c->traces, &c->contexts, o, d);
	c->total.unwritten += (d->what & PROPAGATED_NO_ROOM) && !(d->what & PROPAGATED_WRITTEN);
	c->total.unstated += !!(d->what & PROPAGATED_NO_STATE);
	c->total.unbagged += !!(d->what & PROPAGATED_NO_BAGGAGE);
}

/* Of a goroutine that served what another one had read the end may not be recorded
 * (PROPAGATE_END). */
static void leave(struct collector *c, u64 goid, const struct rule_on *on)
{
	context_end(&c->contexts, goid);
	if (on && on->fields & 1u << FIELD_KEY)
		context_idle(&c->contexts, goid);
}

static void span_ends(struct collector *c, const struct call *call, const struct rule_on *on)
{
	struct open_span *o = call->entry ? context_top(&c->contexts, call->goid) : NULL;

	if (!o || o->start_ns != call->start_ns || o->fn != call->fn)
		return;	/* there was no room for it, or it was not to be one */
	owners_drop(&c->ctxs, &c->contexts, o->ctx, o);
	writes_no_more(c, o);
	request_ends(c, call, o);
	if (on && on->rule->nmessages && messages_place(&c->f, call, on, true, o))
		traces_join(&c->traces, o, &o->links[0]);
	if (streams_takes(call, o, o->sampled || c->all)) {
		c->total.unended += streams_put(streams_of(c, on), o->writer, call, on, o);
		leave(c, call->goid, on);
		return;
	}
	if (o->kind == SPAN_CLIENT)
		traces_asked(&c->traces, o);
	if (call->duration_ns < 0)
		c->total.unended++;
	else if (waits(c, call, on, o))
		c->total.unended += served_put(&c->served, call, on, o);
	else
		collector_export(c, call, on, o);
	leave(c, call->goid, on);
}

static void ended(void *ctx, const struct call *call)
{
	struct collector *c = ctx;
	const struct rule_on *on = rule_of(c, call->fn);

	switch (on ? on->rule->role : ROLE_SPAN) {
	case ROLE_SPAN:
		span_ends(c, call, on);
		break;
	case ROLE_LINE:
		headers_line(&c->incoming, call, on);
		break;
	case ROLE_ROUTE:
		route(c, call);
		break;
	case ROLE_TOLD:
		served_told(&c->contexts, &c->f, call, on);
		break;
	case ROLE_FRAME:
		incoming_drop(&c->incoming, call->goid);
		break;
	case ROLE_LOG:
		lines_end(&c->lines, call);
		break;
	case ROLE_LOGGED:
	case ROLE_REQUEST:
	case ROLE_ROUTER:
	case ROLE_CONNECTION:
	case ROLE_STATUS:
	case ROLE_STREAM:
	case ROLE_DELIVERY:
	case ROLE_ANSWER:
	case ROLE_WRITE:
		break;
	}
}

static void lost(void *ctx, u64 count, i64 from_ns, i64 to_ns)
{
	struct collector *c = ctx;

	(void)from_ns;
	(void)to_ns;
	c->total.lost += count;
	lines_doubt(&c->lines);
	/* their ends may be among them */
	c->total.unended += streams_forget(&c->streams) + streams_forget(&c->sent);
	served_all_over(&c->served);
}

static void tick(void *ctx, i64 from_ns, i64 to_ns, bool last)
{
	struct collector *c = ctx;

	(void)from_ns;
	traces_clock(&c->traces, clock_ahead_ns() - c->f.ahead_ns);
	if (last)
		served_all_over(&c->served);
	for (size_t i = 0; i < c->f.nto && !last; i++)
		if (c->f.to[i].tick)
			c->f.to[i].tick(c->f.to[i].ctx, to_ns);
}

/* Kernel probes tell of all that are made. */
static bool is_quiet(const struct collector *c, const struct birth *b)
{
	for (u32 i = 0; i < c->f.plan->nquiet; i++)
		if (c->f.plan->quiet_va[i] + c->f.bias == b->start_rt)
			return true;
	return false;
}

static void born(void *ctx, const struct birth *b)
{
	struct collector *c = ctx;

	if (!b->parent_known || !b->parent_goid || is_quiet(c, b))
		return;
	context_born(&c->contexts, b->parent_goid, b->goid);
	incoming_move(&c->incoming, b->parent_goid, b->goid);
}

static void goroutine_ended(void *ctx, u64 goid, i64 time_ns)
{
	struct collector *c = ctx;

	(void)time_ns;
	served_over(&c->served, goid);
	context_goroutine_ended(&c->contexts, goid);
	incoming_drop(&c->incoming, goid);
	incoming_served(&c->incoming, goid);
	lines_drop(&c->lines, goid);
}

static u64 descriptor_of(const struct go_program *prog, const char *name)
{
	const struct go_type *t = go_type_named(prog, str_of(name));

	return t ? t->va : 0;
}

struct collector *collector_new(const struct collector_facts *facts)
{
	struct collector *c = mem_resize(NULL, sizeof(*c));
	const struct plan *p = facts->plan;

	memset(c, 0, sizeof(*c));
	c->f = *facts;
	c->traces.sampler = facts->sampler;
	c->incoming.how = facts->propagators;
	c->incoming.sorted = facts->propagates;
	c->rules = mem_resize(NULL, (p->nfuncs + 1) * sizeof(*c->rules));
	for (u32 i = 0; i < p->nfuncs; i++) {
		c->rules[i] = rules_of(facts->rules, &p->funcs[i]);
		if (c->rules[i] && c->rules[i]->rule->role == ROLE_ANSWER && p->funcs[i].refusal)
			c->blind |= bit_of(c->rules[i]->library);
	}
	for (size_t i = 0; i < c->f.nto; i++)
		c->all |= c->f.to[i].all;
	c->teller.f = &c->f;
	c->served = (struct served){ .over = over, .ctx = c };
	c->teller.string_va = descriptor_of(p->prog, "string");
	out_memory(&c->teller.shown);
	return c;
}

struct sink collector_sink(struct collector *c)
{
	return (struct sink){
		.ctx = c, .begun = begun, .call = ended, .lost = lost, .tick = tick, .go = born,
		.go_end = goroutine_ended,
	};
}

struct collected collector_total(const struct collector *c)
{
	struct collected t = c->total;

	t.refused = c->contexts.refused;
	t.forgotten = c->contexts.forgotten;
	t.unended += c->streams.by_address.n + c->sent.by_address.n;
	return t;
}

void collector_release(struct collector **at)
{
	struct collector *c = *at;

	if (!c)
		return;
	map_release(&c->ctxs);
	incoming_release(&c->incoming);
	lines_release(&c->lines);
	map_release(&c->writers);
	traces_release(&c->traces);
	streams_release(&c->streams);
	streams_release(&c->sent);
	streams_release(&c->served.by_goid);
	contexts_release(&c->contexts);
	out_release(&c->teller.shown);
	mem_free(c->rules);
	mem_free(c);
	*at = NULL;
}
