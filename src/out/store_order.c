/* Spans of a trace in the order of its tree, with loops, for a store may say anything. */
#include <stdlib.h>

#include "out/store_read.h"
#include "span/traceparent.h"

enum { NONE = -1 };

struct node {
	u32 at;			/* in the array that was given */
	i32 parent, first, next;
	bool done;
};

struct tree {
	const struct stored_span *from;
	struct node *nodes;	/* by start */
	u32 *by_id;		/* nodes by span id */
	size_t n;
	struct stored_span *to;
	size_t nto;
};

static int by_start(const void *x, const void *y, void *ctx)
{
	const struct stored_span *s = ctx;
	const struct span *a = &s[((const struct node *)x)->at].span;
	const struct span *b = &s[((const struct node *)y)->at].span;

	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	if (a->end_ns != b->end_ns)
		return a->end_ns > b->end_ns ? -1 : 1;
	return memcmp(a->self.span, b->self.span, SPAN_ID);
}

static const struct span *span_of(const struct tree *t, i32 node)
{
	return &t->from[t->nodes[node].at].span;
}

static int by_id(const void *x, const void *y, void *ctx)
{
	return memcmp(span_of(ctx, (i32)*(const u32 *)x)->self.span,
		      span_of(ctx, (i32)*(const u32 *)y)->self.span, SPAN_ID);
}

static i32 find(const struct tree *t, const u8 id[SPAN_ID])
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = memcmp(span_of(t, (i32)t->by_id[mid])->self.span, id, SPAN_ID);

		if (!order)
			return (i32)t->by_id[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NONE;
}

static void put(struct tree *t, struct node *n, u32 depth)
{
	struct stored_span *to = &t->to[t->nto++];

	*to = t->from[n->at];
	to->depth = depth;
	to->orphan = !depth && !id_is_zero(to->span.parent, SPAN_ID);
	n->done = true;
}

/* The next one below; in a loop, some are done already. */
static i32 take_child(struct tree *t, struct node *of)
{
	i32 child = of->first;

	while (child != NONE && t->nodes[child].done)
		child = t->nodes[child].next;
	of->first = child == NONE ? NONE : t->nodes[child].next;
	return child;
}

static void walk(struct tree *t, i32 root)
{
	i32 at = root;
	u32 depth = 0;

	put(t, &t->nodes[at], depth);
	for (;;) {
		i32 child = take_child(t, &t->nodes[at]);

		if (child != NONE) {
			at = child;
			put(t, &t->nodes[at], ++depth);
		} else if (depth) {
			at = t->nodes[at].parent;
			depth--;
		} else {
			return;
		}
	}
}

void stored_spans_order(struct stored_spans *s, struct arena *a)
{
	struct tree t = {
		.from = s->at, .n = s->n, .nodes = ARENA_ARRAY(a, struct node, s->n + 1),
		.by_id = ARENA_ARRAY(a, u32, s->n + 1),
		.to = ARENA_ARRAY(a, struct stored_span, s->n + 1),
	};

	for (u32 i = 0; i < t.n; i++) {
		t.nodes[i] = (struct node){ .at = i, .first = NONE, .next = NONE };
		t.by_id[i] = i;
	}
	qsort_r(t.nodes, t.n, sizeof(*t.nodes), by_start, s->at);
	qsort_r(t.by_id, t.n, sizeof(*t.by_id), by_id, &t);
	for (i32 i = (i32)t.n - 1; i >= 0; i--) {
		struct node *n = &t.nodes[i];

		n->parent = find(&t, span_of(&t, i)->parent);
		if (n->parent == NONE)
			continue;
		n->next = t.nodes[n->parent].first;
		t.nodes[n->parent].first = i;
	}
	for (i32 i = 0; i < (i32)t.n; i++)
		if (t.nodes[i].parent == NONE)
			walk(&t, i);
	for (i32 i = 0; i < (i32)t.n; i++)
		if (!t.nodes[i].done)
			walk(&t, i);
	s->at = t.to;
}
