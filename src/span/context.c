#include "span/context.h"

#include "span/events.h"

enum { LOOKED_AT = 16 };

struct context_goroutine {
	struct context_goroutine *newer, *older;
	u64 goid;
	u32 top;	/* 1 + place; its own stack */
	u32 inherited;	/* 1 + place */
};

static struct open_span *at(struct contexts *c, u32 place)
{
	return place ? &c->spans.at[place - 1] : NULL;
}

/* One reference less; a chain of closed spans may go with the last one. */
static void let_go(struct contexts *c, u32 place)
{
	while (place) {
		struct open_span *s = at(c, place);
		u32 up = s->up;

		if (--s->refs || s->open)
			return;
		s->below = c->free;
		c->free = place;
		place = up;
	}
}

/* What stands at *place is left for the nearest span around it that is open. */
static void climb(struct contexts *c, u32 *place)
{
	while (*place && !at(c, *place)->open) {
		u32 up = at(c, *place)->up, was = *place;

		if (up)
			at(c, up)->refs++;
		*place = up;
		let_go(c, was);
	}
}

static void unlink_one(struct contexts *c, struct context_goroutine *g)
{
	*(g->newer ? &g->newer->older : &c->newest) = g->older;
	*(g->older ? &g->older->newer : &c->oldest) = g->newer;
}

static void make_newest(struct contexts *c, struct context_goroutine *g)
{
	g->newer = NULL;
	g->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = g;
	c->newest = g;
}

static struct context_goroutine *known(struct contexts *c, u64 goid)
{
	u64 *p = map_get(&c->goroutines, goid);
	struct context_goroutine *g = p ? (struct context_goroutine *)(uintptr_t)*p : NULL;

	if (g && g != c->newest) {
		unlink_one(c, g);
		make_newest(c, g);
	}
	return g;
}

static void forget(struct contexts *c, struct context_goroutine *g)
{
	while (g->top)
		context_end(c, g->goid);
	let_go(c, g->inherited);
	unlink_one(c, g);
	map_remove(&c->goroutines, g->goid);
	g->older = c->spare;
	c->spare = g;
}

/* No goroutine refers to a closed span any more. */
static void tidy(struct contexts *c)
{
	struct context_goroutine *g, *older;

	for (g = c->newest; g; g = older) {
		older = g->older;
		climb(c, &g->inherited);
		if (!g->top && !g->inherited)
			forget(c, g);
	}
}

/* The one that was not heard of for longest; preferably one that is in no span of its own. */
static void forget_one(struct contexts *c)
{
	for (int i = 0; i < LOOKED_AT && c->oldest->top; i++)
		(void)known(c, c->oldest->goid);
	c->forgotten++;
	forget(c, c->oldest);
}

static struct context_goroutine *goroutine_of(struct contexts *c, u64 goid)
{
	size_t most = c->most_goroutines ? c->most_goroutines : GOROUTINES_MOST;
	struct context_goroutine *g = known(c, goid);

	if (g)
		return g;
	if (c->goroutines.n >= most)
		forget_one(c);
	g = c->spare;
	if (g)
		c->spare = g->older;
	else
		g = mem_resize(NULL, sizeof(*g));
	*g = (struct context_goroutine){ .goid = goid };
	make_newest(c, g);
	*map_put(&c->goroutines, goid) = (uintptr_t)g;
	return g;
}

static u32 current(struct contexts *c, struct context_goroutine *g)
{
	if (!g)
		return 0;
	if (g->top)
		return g->top;
	climb(c, &g->inherited);
	return g->inherited;
}

struct open_span *context_current(struct contexts *c, u64 goid)
{
	return at(c, current(c, known(c, goid)));
}

struct open_span *context_nearest(struct contexts *c, u64 goid, enum span_kind kind)
{
	for (u32 p = current(c, known(c, goid)); p; p = at(c, p)->up)
		if (at(c, p)->open && at(c, p)->kind == kind)
			return at(c, p);
	return NULL;
}

bool context_within(const struct contexts *c, const struct open_span *s,
		    const struct open_span *above)
{
	while (s && s != above)
		s = s->up ? &c->spans.at[s->up - 1] : NULL;
	return s;
}

struct open_span *context_top(struct contexts *c, u64 goid)
{
	struct context_goroutine *g = known(c, goid);

	return g ? at(c, g->top) : NULL;
}

/* Is there a place? Where that helps little, goroutines are not looked at each time. */
static bool has_room(struct contexts *c)
{
	size_t most = c->most_spans ? c->most_spans : OPEN_SPANS_MOST;

	c->asked++;
	if (c->free || c->spans.n < most)
		return true;
	if (c->asked - c->tidied < most / 8)
		return false;
	tidy(c);
	c->tidied = c->asked;
	return c->free;
}

struct open_span *context_begin(struct contexts *c, u64 goid, const struct open_span *parent)
{
	u32 up = parent ? (u32)(parent - c->spans.at) + 1 : 0, place;
	struct context_goroutine *g;
	struct open_span *s;

	if (!has_room(c)) {
		c->refused++;
		return NULL;
	}
	if (up)
		at(c, up)->refs++;	/* first: to make room another goroutine may be forgotten */
	g = goroutine_of(c, goid);
	place = c->free;
	if (place) {
		c->free = at(c, place)->below;
	} else {
		(void)vec_push(&c->spans);
		place = (u32)c->spans.n;
	}
	s = at(c, place);
	memset(s, 0, offsetof(struct open_span, route));
	s->open = true;
	s->goid = goid;
	s->refs = 1;		/* of the stack it is on */
	s->below = g->top;
	s->up = up;
	g->top = place;
	c->nopen++;
	return s;
}

void context_end(struct contexts *c, u64 goid)
{
	struct context_goroutine *g = known(c, goid);
	struct open_span *s = g ? at(c, g->top) : NULL;
	u32 place;

	if (!s)
		return;
	place = g->top;
	g->top = s->below;
	s->open = false;
	events_release(&s->events);
	c->nopen--;
	let_go(c, place);
}

void context_idle(struct contexts *c, u64 goid)
{
	struct context_goroutine *g = known(c, goid);

	if (g && !current(c, g))
		forget(c, g);
}

void context_born(struct contexts *c, u64 maker, u64 goid)
{
	u32 place = current(c, known(c, maker));

	if (!place)
		return;
	at(c, place)->refs++;	/* first, so that it stays if its goroutine must be forgotten */
	let_go(c, goroutine_of(c, goid)->inherited);
	known(c, goid)->inherited = place;
}

void context_goroutine_ended(struct contexts *c, u64 goid)
{
	struct context_goroutine *g = known(c, goid);

	if (g)
		forget(c, g);
}

void contexts_release(struct contexts *c)
{
	struct context_goroutine *lists[] = { c->newest, c->spare };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		while (lists[i]) {
			struct context_goroutine *next = lists[i]->older;

			mem_free(lists[i]);
			lists[i] = next;
		}
	for (size_t i = 0; i < c->spans.n; i++)
		events_release(&c->spans.at[i].events);
	map_release(&c->goroutines);
	vec_release(&c->spans);
	*c = (struct contexts){ 0 };
}
