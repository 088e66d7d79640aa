#include "x86/point.h"

void query_begin(struct origin_query *q, u32 question)
{
	q->question = question;
	q->steps = q->saved = q->nopen = q->npoints = 0;
	q->open = q->settled = 0;
	q->way = (struct way){ .lowest = OPEN };
}

struct point *point_at(struct origin_query *q, struct map *points, struct arena *a, u32 insn,
		       i64 key)
{
	u64 *at = map_put(points, (u64)insn * (1ull << 32) + (u32)key);
	struct point *p = (struct point *)(uintptr_t)*at;

	if (!p) {
		p = ARENA_NEW(a, struct point);
		*at = (u64)(uintptr_t)p;
	}
	if (p->settled || p->question == q->question)
		return p;
	p->question = q->question;
	p->answered = false;
	p->number = q->npoints;
	if (p->number < POINTS)
		q->points[q->npoints++] = p;
	return p;
}

static point_set bit_of(const struct point *p)
{
	return p->number < POINTS ? (point_set)1 << p->number : 0;
}

static void meet(struct origin_query *q, const struct point *p)
{
	q->way.met |= bit_of(p);
	q->way.cut |= !bit_of(p);
}

void point_back(struct origin_query *q, const struct point *p)
{
	meet(q, p);
	q->way.back |= bit_of(p);
	q->way.lowest = MIN(q->way.lowest, p->open - 1);
}

/* The way to its answer is a part of the one that led to it. */
static void pass(struct origin_query *q, const struct point *p)
{
	if (p->settled) {	/* whoever comes here again is told that it is not known */
		q->way.cut |= !p->answer;
		return;
	}
	meet(q, p);
	q->way.met |= p->way.met;
	q->way.back |= p->way.back;
	q->way.lowest = MIN(q->way.lowest, p->way.lowest);
	q->way.depth = MAX(q->way.depth, p->way.depth);
	q->way.cut |= p->way.cut;
}

static u32 lowest_of(const struct origin_query *q, point_set set)
{
	u32 lowest = OPEN;

	for (u32 i = 0; i < q->npoints; i++)
		if (set >> i & 1)
			lowest = MIN(lowest, q->points[i]->open - 1);
	return lowest;
}

bool point_again(struct origin_query *q, struct point *p)
{
	if (!p->answered || (q->open & p->way.met) != p->way.back ||
	    q->settled & p->way.met || q->steps + p->way.steps >= STEPS ||
	    q->nopen + p->way.depth > OPEN)
		return false;
	q->steps += p->way.steps;
	p->way.lowest = lowest_of(q, p->way.back);
	pass(q, p);
	return true;
}

struct way point_begin(struct origin_query *q, struct point *p)
{
	struct way before = q->way;

	q->way = (struct way){ .lowest = OPEN, .steps = q->steps - q->saved };
	q->open |= bit_of(p);
	p->open = ++q->nopen;
	return before;
}

void point_end(struct origin_query *q, struct point *p, const struct origin *answer,
	       const struct way *before)
{
	bool whole = q->steps < STEPS;

	p->open = 0;
	q->nopen--;
	q->open &= ~bit_of(p);
	p->answer = answer;
	p->way = q->way;
	p->way.back &= ~bit_of(p);
	if (p->way.lowest >= q->nopen)
		p->way.lowest = OPEN;
	p->way.depth++;
	p->way.steps = q->steps - q->saved - p->way.steps;
	p->answered = whole && !p->way.cut;
	p->settled = whole && p->way.lowest == OPEN;
	if (p->settled) {
		q->saved += p->way.steps;
		q->settled |= bit_of(p);
	}
	q->way = *before;
	pass(q, p);
}
