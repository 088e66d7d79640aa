/* Who calls a function directly: one pass over the text for the bytes of calls and jumps, E8 and E9
 * with a displacement that leads to the entry of a function. Nothing is decoded for it: that other
 * bytes look so happens, and whoever asks decodes the caller anyway. */
#include "diag/callgraph_impl.h"

enum { CALL_OP = 0xe8, BRANCH_SIZE = 5, GRAIN = 16 };

/* The callers of function f stand from first[f] up to first[f + 1]. */
struct callers {
	u32 *first, *from;
};

struct scan {
	const struct go_program *prog;
	struct str text;
	u32 *entries;		/* by pc / GRAIN: index of the function that begins there, + 1 */
};

/* Functions begin at multiples of 16 at least; C, which does not, is found by nobody. */
static void find_entries(struct scan *s, struct arena *a)
{
	s->entries = ARENA_ARRAY(a, u32, s->text.n / GRAIN + 1);
	for (size_t i = 0; i < s->prog->nfuncs; i++) {
		u32 pc = s->prog->funcs[i].pc;

		if (pc % GRAIN == 0 && pc < s->text.n)
			s->entries[pc / GRAIN] = (u32)i + 1;
	}
}

/* The function that the bytes at `at` would call, + 1; 0: none. */
static u32 called_at(const struct scan *s, size_t at)
{
	i32 rel;
	u64 to;

	memcpy(&rel, s->text.p + at + 1, sizeof(rel));
	to = at + BRANCH_SIZE + (u64)(i64)rel;
	return to < s->text.n && to % GRAIN == 0 ? s->entries[to / GRAIN] : 0;
}

/* Calls fn for each (function, called function), functions ascending; a pair may come again. */
static void each_call(const struct scan *s, void (*fn)(void *ctx, u32 func, u32 to), void *ctx)
{
	const struct go_program *prog = s->prog;

	for (size_t i = 0; i < prog->nfuncs; i++) {
		u32 at = prog->funcs[i].pc, self = (u32)i;
		u64 end = MIN((u64)at + prog->funcs[i].size, s->text.n);

		for (; at + BRANCH_SIZE <= end; at++) {
			u32 to = ((u8)s->text.p[at] & 0xfe) == CALL_OP ? called_at(s, at) : 0;

			if (to)
				fn(ctx, self, to - 1);
		}
	}
}

static void count(void *ctx, u32 func, u32 to)
{
	struct callers *c = ctx;

	(void)func;
	c->first[to + 1]++;
}

struct filling {
	struct callers *c;
	u32 *n;			/* so far, by called function */
};

static void fill(void *ctx, u32 func, u32 to)
{
	const struct filling *f = ctx;
	u32 *list = f->c->from + f->c->first[to];

	if (!f->n[to] || list[f->n[to] - 1] != func)
		list[f->n[to]++] = func;
}

static void make(struct callgraph *g)
{
	struct arena scratch = { 0 };
	const struct moduledata *md = &g->prog->md;
	struct scan s = { .prog = g->prog };
	struct callers *c = ARENA_NEW(&g->arena, struct callers);
	struct filling f = { c, ARENA_ARRAY(&scratch, u32, g->prog->nfuncs + 1) };

	g->callers = c;
	s.text = image_bytes(g->prog->img, md->text_va, md->etext_va - md->text_va);
	find_entries(&s, &scratch);
	c->first = ARENA_ARRAY(&g->arena, u32, g->prog->nfuncs + 2);
	each_call(&s, count, c);
	for (size_t i = 0; i < g->prog->nfuncs; i++)
		c->first[i + 1] += c->first[i];
	c->from = ARENA_ARRAY(&g->arena, u32, c->first[g->prog->nfuncs] + 1);
	memset(c->from, 0xff, (c->first[g->prog->nfuncs] + 1) * sizeof(*c->from));
	each_call(&s, fill, &f);
	arena_release(&scratch);
}

const u32 *callgraph_callers(struct callgraph *g, u32 func, u32 *n)
{
	const u32 *list, *end;

	if (!g->callers)
		make(g);
	list = g->callers->from + g->callers->first[func];
	end = g->callers->from + g->callers->first[func + 1];
	*n = 0;
	while (list + *n < end && list[*n] != UINT32_MAX)
		(*n)++;
	return list;
}
