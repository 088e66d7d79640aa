/* One line for each finished call:
 *
 *   [g 18]   12:00:01.123456   13.25µs  main.handle(id=7, url="https://…") = nil */
#include "base/out.h"
#include "out/birth.h"
#include "out/line.h"
#include "out/sinks.h"
#include "out/stack.h"

enum { DURATION = 9 };

static void head(struct line *l, const struct call *c, bool with_duration)
{
	line_goroutine(l->o, c->goid);
	line_clock(l, c->start_ns);
	out_c(l->o, ' ');
	if (with_duration)
		line_duration(l->o, c->duration_ns);
	else if (c->fn->line_at && !l->view.plan->request.entry_only)	/* among calls */
		line_spaces(l->o, DURATION);
	out_str(l->o, STR("  "));
	line_call(l, c);
}

static void on_call(void *ctx, const struct call *c)
{
	struct line *l = ctx;

	head(l, c, true);
	line_end(l, c);
	out_line(l->o);
	stack_text(l->o, l->stacks, &c->fn->entry, c->entry);
}

static void on_entry(void *ctx, const struct call *c)
{
	struct line *l = ctx;

	head(l, c, false);
	out_line(l->o);
	stack_text(l->o, l->stacks, &c->fn->entry, c->entry);
}

static void on_lost(void *ctx, u64 count, i64 from_ns, i64 to_ns)
{
	line_lost(ctx, count, from_ns, to_ns);
}

static void on_go(void *ctx, const struct birth *b)
{
	birth_text(ctx, b);
}

static void on_go_end(void *ctx, u64 goid, i64 time_ns)
{
	birth_end_text(ctx, goid, time_ns);
}

struct sink sink_text_new(struct arena *a, struct out *o, const struct target_facts *t)
{
	struct line *l = ARENA_NEW(a, struct line);

	l->o = o;
	l->view = target_view(t);
	l->stacks = t->stacks;
	return (struct sink){ .ctx = l, .call = on_call, .entry = on_entry, .lost = on_lost,
			      .go = on_go, .go_end = on_go_end };
}

/* "; 3 records lost", nothing for none. */
static void some(struct out *o, u64 n, const char *thing, const char *what)
{
	if (!n)
		return;
	out_str(o, STR("; "));
	out_u64(o, n);
	out_c(o, ' ');
	out_z(o, thing);
	out_z(o, n == 1 ? " " : "s ");
	out_z(o, what);
}

/* 12 calls in 1.204s by the inline engine at 24 sites; 1 site refused; 3 records lost */
void sink_text_end(struct out *talk, const struct end_facts *e)
{
	out_u64(talk, e->calls);
	out_z(talk, e->calls == 1 ? " call in " : " calls in ");
	out_duration(talk, e->elapsed_ns < 1000000000 ? e->elapsed_ns / 1000 * 1000
						      : e->elapsed_ns / 1000000 * 1000000);
	out_fmt(talk, " by the %s engine at ", e->engine);
	out_u64(talk, e->sites);
	out_z(talk, e->sites == 1 ? " site" : " sites");
	some(talk, e->refused, "site", "refused");
	some(talk, e->lost, "record", "lost");
	some(talk, e->unreadable, "value", "unreadable");
	if (e->stop_ns)
		out_fmt(talk, "; the process stood still for %.1f ms", (double)e->stop_ns / 1e6);
	out_line(talk);
}
