/* Nested calls of each goroutine, as they go:
 *
 *              [g 18]   | main.handle(id=7) {
 *     1.204µs  [g 18]   |   main.parse(s="a=1") = nil;
 *     13.25µs  [g 18]   | } = nil; // main.handle
 *
 * A call without traced callees is one line, written when it ends. So a call's first line is
 * written when its first callee begins, or when it has lasted for a while (event/calls.h `opened`);
 * nothing has to be kept here, however many goroutines there are. Lines of one goroutine are in
 * order of time, those of others stand between them. */
#include "base/out.h"
#include "out/line.h"
#include "out/sinks.h"

enum {
	DEEP = 40,	/* levels that are shown by indentation; below, the level is a number */
	DURATION = 9,
};

static void margin(struct line *l, const struct call *c, bool with_duration)
{
	if (with_duration)
		line_duration(l->o, c->duration_ns);
	else
		line_spaces(l->o, DURATION);
	out_str(l->o, STR("  "));
	line_goroutine(l->o, c->goid);
	out_str(l->o, STR("| "));
	line_spaces(l->o, 2 * (int)MIN(c->level, (u32)DEEP));
	if (c->level > DEEP) {
		out_c(l->o, '+');
		out_u64(l->o, c->level - DEEP);
		out_c(l->o, ' ');
	}
}

static void on_opened(void *ctx, const struct call *c)
{
	struct line *l = ctx;

	margin(l, c, false);
	line_call(l, c);
	out_str(l->o, STR(" {"));
	out_line(l->o);
}

static void on_call(void *ctx, const struct call *c)
{
	struct line *l = ctx;
	size_t before;

	margin(l, c, true);
	if (c->opened)
		out_c(l->o, '}');
	else
		line_call(l, c);
	before = l->o->n;
	line_end(l, c);
	if (!c->opened || l->o->n != before)
		out_c(l->o, ';');
	if (c->opened) {
		out_color(l->o, "2");
		out_str(l->o, STR(" // "));
		out_clean(l->o, c->fn->func->name);
		out_plain(l->o);
	}
	out_line(l->o);
}

static void on_lost(void *ctx, u64 count, i64 from_ns, i64 to_ns)
{
	line_lost(ctx, count, from_ns, to_ns);
}

struct sink sink_graph_new(struct arena *a, struct out *o, const struct target_facts *t)
{
	struct line *l = ARENA_NEW(a, struct line);

	l->o = o;
	l->view = target_view(t);
	return (struct sink){ .ctx = l, .call = on_call, .lost = on_lost, .opened = on_opened };
}
