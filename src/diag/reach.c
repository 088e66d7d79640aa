#include "diag/reach.h"

#include "go/roles.h"

VEC_TYPE(funcs, u32);

/* Two queues: what is behind a candidate waits until nothing certain is left. */
struct search {
	struct reach *s;
	const struct reach_from *how;	/* NULL: system stacks */
	struct funcs certain, candidates;
	size_t next_certain, next_candidate;
};

static bool passes(u8 role)
{
	switch (role) {
	case ROLE_ENDS: case ROLE_PARKS: case ROLE_DEFER: case ROLE_RACE_CODE: case ROLE_RACE_HAND:
	case ROLE_RACE_SAFE: case ROLE_RACE_CONTEXT: case ROLE_SYSTEMSTACK: case ROLE_MCALL:
	case ROLE_WRITE_BARRIER:
		return false;
	default:
		return true;
	}
}

static void arrive(struct search *q, u32 func, struct reached r)
{
	struct reached *old = &q->s->of[func];

	if (!passes(q->s->g->roles[func]) || (old->stack && old->certainty >= r.certainty))
		return;
	if (q->how && ((r.certainty == CANDIDATE && !q->how->candidates) ||
		       (q->how->avoids && q->how->avoids(q->s->g, func))))
		return;
	*old = r;
	*(r.certainty == CERTAIN ? vec_push(&q->certain) : vec_push(&q->candidates)) = func;
}

/* What is handed over there. */
static void begin_handed(struct search *q, u32 func)
{
	const struct calls *c = callgraph_calls(q->s->g, func);

	for (u32 k = 0; k < c->n; k++)
		if (c->at[k].kind == CALL_SYSTEMSTACK)
			arrive(q, c->at[k].to, (struct reached){
				.stack = STACK_G0, .certainty = c->at[k].certainty,
				.kind = CALL_SYSTEMSTACK, .last = c->at[k].certainty,
				.root = true, .from = func, .at = c->at[k].at,
			});
}

/* Everything that is handed to systemstack, mcall or gopark anywhere. What the go statement hands
 * over comes first: of several ways the shortest is shown, and of equals the first. */
static void begin_handing(struct search *q)
{
	struct callgraph *g = q->s->g;

	for (u32 i = 0; i < g->prog->nfuncs; i++)
		if (g->roles[i] == ROLE_GO)
			begin_handed(q, i);
	for (u32 i = 0; i < g->prog->nfuncs; i++) {
		const u32 *callers;
		u32 n;

		if (g->roles[i] != ROLE_SYSTEMSTACK && g->roles[i] != ROLE_MCALL &&
		    g->roles[i] != ROLE_PARKS)
			continue;
		callers = callgraph_callers(g, i, &n);
		for (u32 k = 0; k < n; k++)
			begin_handed(q, callers[k]);
	}
}

static void begin_entered(struct search *q)
{
	const struct callgraph *g = q->s->g;

	for (u32 i = 0; i < g->prog->nfuncs; i++)
		if (g->roles[i] == ROLE_G0 || g->roles[i] == ROLE_GSIGNAL)
			arrive(q, i, (struct reached){
				.stack = g->roles[i] == ROLE_G0 ? STACK_G0 : STACK_GSIGNAL,
				.certainty = CERTAIN, .last = CERTAIN, .root = true,
				.from = UINT32_MAX,
			});
}

static void follow(struct search *q, u32 func)
{
	const struct reached here = q->s->of[func];
	const struct calls *c = callgraph_calls(q->s->g, func);

	*vec_push(&q->s->order) = func;
	q->s->unknown += c->unknown;
	for (u32 k = 0; k < c->n; k++) {
		const struct call *e = &c->at[k];

		if (e->kind == CALL_GO ||
		    (e->kind == CALL_SYSTEMSTACK && q->how && !q->how->handed))
			continue;
		arrive(q, e->to, (struct reached){
			.stack = e->kind == CALL_SYSTEMSTACK ? STACK_G0 : here.stack,
			.certainty = MIN(here.certainty, e->certainty), .kind = e->kind,
			.last = e->certainty, .from = func, .at = e->at,
		});
	}
}

/* All that is behind what it begins with. */
static void follow_all(struct search *q)
{
	struct map done = { 0 };

	while (q->next_certain < q->certain.n || q->next_candidate < q->candidates.n) {
		u32 func = q->next_certain < q->certain.n
				   ? q->certain.at[q->next_certain++]
				   : q->candidates.at[q->next_candidate++];

		if (!map_get(&done, func)) {
			*map_put(&done, func) = 1;
			follow(q, func);
		}
	}
	map_release(&done);
	vec_release(&q->certain);
	vec_release(&q->candidates);
}

static struct search begin(struct reach *s, struct callgraph *g)
{
	*s = (struct reach){ .g = g };
	s->of = ARENA_ARRAY(&s->arena, struct reached, g->prog->nfuncs + 1);
	return (struct search){ .s = s };
}

void reach_make(struct reach *s, struct callgraph *g)
{
	struct search q = begin(s, g);

	begin_handing(&q);
	begin_entered(&q);
	follow_all(&q);
}

void reach_from(struct reach *s, struct callgraph *g, const struct reach_from *how)
{
	struct search q = begin(s, g);

	q.how = how;
	for (u32 i = 0; i < g->prog->nfuncs; i++)
		if (how->begins(g, i))
			arrive(&q, i, (struct reached){
				.stack = how->stack, .certainty = CERTAIN, .last = CERTAIN,
				.root = true, .from = UINT32_MAX,
			});
	follow_all(&q);
}

void reach_release(struct reach *s)
{
	vec_release(&s->order);
	arena_release(&s->arena);
}

size_t reach_path(const struct reach *s, u32 func, struct path_step *to)
{
	struct path_step back[REACH_PATH];
	struct path_step step = { .func = func, .certainty = CERTAIN };
	bool outside = false;
	size_t n = 0;

	if (!reach_has(s, func))
		return 0;
	while (n < REACH_PATH) {
		const struct reached *r = &s->of[step.func];

		step.system = !outside && r->stack != STACK_ANY;
		back[n++] = step;
		if (outside || r->from == UINT32_MAX)
			break;
		step = (struct path_step){ .func = r->from, .at = r->at, .kind = r->kind,
					   .certainty = r->last };
		outside = r->root;
	}
	for (size_t i = 0; i < n; i++)
		to[i] = back[n - 1 - i];
	return n;
}
