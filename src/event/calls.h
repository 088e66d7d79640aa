/* calls - pairs records into calls, per goroutine and stack depth.
 *
 * A call is keyed by goroutine + (stack.hi - SP): right under recursion, stack growth and migration
 * between threads. A frame that ends without a RET (panic, Goexit, a lost record) is closed by the
 * next shallower event of its goroutine and marked.
 *
 * Owns     copies of the entry records of open calls, until calls_release().
 * Units    times are Unix ns; depth is bytes of stack; level counts open traced callers.
 * Fails    never. A record that contradicts the plan is dropped and counted (`bad`).
 * Threads  one. */
#ifndef EVENT_CALLS_H
#define EVENT_CALLS_H

#include "event/births.h"
#include "plan/plan.h"

enum call_end { END_RETURN, END_PANIC, END_RECOVERED, END_GOEXIT, END_UNFINISHED, END_LOST };
const char *call_end_name(enum call_end e);

/* A record, already copied out of the ring and checked. */
struct record {
	u32 func;		/* index in the plan */
	enum site_kind kind;
	i64 time_ns;
	u64 goid;		/* for g0: (1 << 63) | low half of g */
	u32 depth;
	const u8 *bytes;	/* from the head on; `size` of the site's reading */
	u32 size;
};

struct call {
	const struct plan_func *fn;
	u64 goid;
	i64 start_ns, duration_ns;	/* duration -1 where the end was not seen */
	i64 self_ns;			/* without traced callees; -1 like the duration */
	bool recursive;			/* an open call of the goroutine is of the same function */
	bool opened;			/* sink.opened was called for it */
	u32 level;			/* traced callers that are open */
	const struct plan_func *caller;	/* the nearest of them, or NULL */
	enum call_end end;
	const u8 *entry;		/* its record, NULL when lost */
	const u8 *exit;			/* NULL when it has no results */
};

/* With the texts behind what has its place: who has taken the record out has looked to that these
 * lie in it. */
static inline struct expr_record expr_record_of(const struct reading *r, const u8 *record)
{
	return (struct expr_record){ record, record ? r->size + r->texts : 0 };
}

/* What expressions are computed from (plan/expr.h). */
static inline struct expr_input expr_input_of(const struct plan *p, const struct call *c, u64 bias)
{
	return (struct expr_input){
		.plan = p, .fn = c->fn,
		.record = { expr_record_of(&c->fn->entry, c->entry),
			    expr_record_of(&c->fn->exit, c->exit) },
		.goid = c->goid >> 63 ? 0 : c->goid, .duration_ns = c->duration_ns,
		.depth = c->level, .bias = bias,
	};
}

/* What a sink is told. `lost` is not optional. */
struct sink {
	void *ctx;
	void (*call)(void *ctx, const struct call *c);		/* called when a call has ended */
	/* called at entries, with --entry; and where control is at a place inside a function */
	void (*entry)(void *ctx, const struct call *c);
	/* called with calls of which nothing else is known, where the plan says count_only */
	void (*counted)(void *ctx, const struct plan_func *fn, u64 calls);
	/* called when records were lost */
	void (*lost)(void *ctx, u64 count, i64 from_ns, i64 to_ns);
	/* Or NULL: called at each entry of a call, at once; only where there is no --if. */
	void (*begun)(void *ctx, const struct call *c);
	/* Or NULL: called once for a call that has traced callees, before the first of these
	 * begins, and for one that calls_open_since() found. Callers come before callees. Never
	 * called where
	 * --if waits for the end of the call. */
	void (*opened)(void *ctx, const struct call *c);
	/* Or NULL: called at the end of each interval, and with `last` at the end of all; from_ns
	 * is where the interval began, or with `last` the trace. */
	void (*tick)(void *ctx, i64 from_ns, i64 to_ns, bool last);
	/* Or NULL: called when a goroutine is made, and when it has ended; with --goroutines. */
	void (*go)(void *ctx, const struct birth *b);
	void (*go_end)(void *ctx, u64 goid, i64 time_ns);
};

struct calls;
struct calls *calls_new(const struct plan *plan, const struct sink *sink);
/* What is added to link-time addresses; for --if, which may ask for types and callers. */
void calls_bias(struct calls *c, u64 bias);
void calls_release(struct calls **c);	/* with OWN-like use: struct calls *c; */
void calls_record(struct calls *c, const struct record *r);
/* Calls that an engine counted itself. */
void calls_counted(struct calls *c, u32 func, u64 n);
void calls_lost(struct calls *c, u64 count, i64 from_ns, i64 to_ns);
/* Tells sink.opened of calls that began before this and still have not ended. */
void calls_open_since(struct calls *c, i64 before_ns);
/* Closes what is open as unfinished; if enough was seen, only what sink.opened was called for. */
void calls_finish(struct calls *c, bool enough);
/* Go code has begun to become another program (exec), and has not failed to. Not known, so false,
 * when records were lost. */
bool calls_saw_exec(const struct calls *c);
/* unreadable: conditions (--if) that could not be computed. */
struct calls_totals { u64 calls, entries, births, lost, bad, unfinished, unreadable; };
struct calls_totals calls_totals(const struct calls *c);

#endif
