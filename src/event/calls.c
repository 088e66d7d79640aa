/* How frames end without a RET (runtime/panic.go): a panic runs the deferred functions on top of
 * the frames that it ends; when one of them recovers, its frame F goes on at its `call deferreturn`
 * and leaves by the RET behind that. Whatever stood between F and gopanic is gone: runtime.recovery
 * says so, and where that can't be probed, the next event that is not deeper. Goexit is the same,
 * but nothing goes on: goexit1 ends the goroutine. So each goroutine has, beside its open calls,
 * the list of what unwinds it.
 *
 * What can't be told without runtime.recovery: when F itself is not traced, its nearest traced
 * caller is taken for it if that one leaves by the RET behind its own deferreturn. */
#include "event/calls.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "event/hooked.h"
#include "plan/recovery.h"

enum {
	IDLE_KEPT = 1024,	/* goroutines without open calls that are kept for their next one */
	OPEN_KEPT = 3 << 14,	/* open calls, before we ask whose goroutines are left: fewer than
				 * there may be spans (span/context.h) */
	OLDEST_KEPT = 1 << 10,	/* those that came first are the program's own: they last */
	UNSEEN_NS = 1000000000,
	OPEN_MAX = 1 << 24,	/* no real program has more calls open */
	BUFFER_KEPT = 1 << 16,
};

struct frame {
	i64 start_ns;
	u64 bytes;		/* where its entry record lies in the goroutine's bytes */
	u32 depth, func;
	u64 funcs;		/* a bit for each function that is open here or in a caller */
	i64 callees_ns;		/* of its time, what traced callees took */
	i64 late_ns;		/* ...those that ran while a panic or Goexit unwound it */
	bool recovered;		/* a panic ended above it, and no traced frame was nearer */
	bool recursive, opened;
};

/* A panic or a Goexit that is under way: frames that are not deeper end by it. */
struct unwinding {
	i64 time_ns;
	u32 depth;
	bool panic;
};

struct goroutine {
	struct goroutine *next;
	u64 goid;
	i64 seen_ns;				/* its last record */
	VEC(struct frame) frames;		/* ascending by depth */
	VEC(struct unwinding) unwindings;	/* ascending by depth; empty when frames is */
	VEC(u8) bytes;				/* entry records of the frames, in order */
};

struct calls {
	const struct plan *plan;
	struct sink sink;
	struct calls_totals totals;
	u64 bias;
	struct map by_goid;			/* to struct goroutine * */
	struct goroutine *first, **end;		/* those in the map, in the order of their coming */
	struct goroutine *spare;
	struct goroutine *last;			/* whose record came last */
	size_t idle;				/* of those in the map, without frames */
	u64 open_most;				/* of `open`: too many */
	i64 lost_ns;				/* until then records were lost; 0: none were */
	u64 open;				/* frames of all */
	i64 execs;				/* begun and not failed */
	struct births births;
};

const char *call_end_name(enum call_end e)
{
	switch (e) {
	case END_RETURN: return "return";
	case END_PANIC: return "panic";
	case END_RECOVERED: return "recovered";
	case END_GOEXIT: return "goexit";
	case END_UNFINISHED: return "unfinished";
	case END_LOST: return "lost";
	}
	return "lost";
}

struct calls *calls_new(const struct plan *plan, const struct sink *sink)
{
	struct calls *c = mem_resize(NULL, sizeof(*c));

	*c = (struct calls){ .plan = plan, .sink = *sink, .open_most = OPEN_KEPT };
	for (u32 i = 0; i < plan->nfuncs; i++)
		if (plan->funcs[i].condition &&
		    expr_waits(&plan->funcs[i], plan->funcs[i].condition))
			c->sink.opened = NULL;
	c->end = &c->first;
	return c;
}

void calls_bias(struct calls *c, u64 bias)
{
	c->bias = bias;
}

static void release_list(struct goroutine *g)
{
	while (g) {
		struct goroutine *next = g->next;

		vec_release(&g->frames);
		vec_release(&g->unwindings);
		vec_release(&g->bytes);
		mem_free(g);
		g = next;
	}
}

void calls_release(struct calls **at)
{
	struct calls *c = *at;

	if (!c)
		return;
	release_list(c->first);
	release_list(c->spare);
	map_release(&c->by_goid);
	births_release(&c->births);
	mem_free(c);
	*at = NULL;
}

/* Goroutines come and go in great numbers and not each end is seen, so those without open calls are
 * let go when they are many and at least half of all: constant work for each that is made. */
static void drop_idle(struct calls *c)
{
	struct goroutine **at = &c->first, *g;

	if (c->idle < IDLE_KEPT || c->idle < c->by_goid.n / 2)
		return;
	while ((g = *at)) {
		if (g->frames.n) {
			at = &g->next;
			continue;
		}
		*at = g->next;
		map_remove(&c->by_goid, g->goid);
		if (g->bytes.room > BUFFER_KEPT)
			vec_release(&g->bytes);
		g->next = c->spare;
		c->spare = g;
	}
	c->end = at;
	c->idle = 0;
	c->last = NULL;
}

static void close_lost(struct calls *c);

static struct goroutine *goroutine_of(struct calls *c, u64 goid)
{
	struct goroutine *g = c->last;
	u64 *place;

	if (g && g->goid == goid)
		return g;
	place = map_get(&c->by_goid, goid);
	if (place)
		return c->last = (struct goroutine *)(uintptr_t)*place;
	drop_idle(c);
	close_lost(c);
	place = map_put(&c->by_goid, goid);
	g = c->spare;
	if (g) {
		c->spare = g->next;
	} else {
		g = mem_resize(NULL, sizeof(*g));
		*g = (struct goroutine){ 0 };
	}
	g->goid = goid;
	g->next = NULL;
	*c->end = g;
	c->end = &g->next;
	*place = (uintptr_t)g;
	c->idle++;
	return c->last = g;
}

/* Is this function, by its name, among the open ones? The bits say no in most cases, however deep
 * the stack. */
static bool is_open(const struct plan *p, const struct goroutine *g, u32 first, u64 bit)
{
	if (!g->frames.n || !(g->frames.at[g->frames.n - 1].funcs & bit))
		return false;
	for (size_t i = g->frames.n; i-- > 0;)
		if (plan_first(p, &p->funcs[g->frames.at[i].func]) == first)
			return true;
	return false;
}

/* Tells of a frame and its callers. */
static void open_frame(struct calls *c, struct goroutine *g, size_t i)
{
	size_t first = i;

	while (first > 0 && !g->frames.at[first - 1].opened)
		first--;
	for (; first <= i; first++) {
		struct frame *f = &g->frames.at[first];

		if (f->opened)
			continue;
		f->opened = true;
		c->sink.opened(c->sink.ctx, &(struct call){
			.fn = &c->plan->funcs[f->func], .goid = g->goid, .start_ns = f->start_ns,
			.duration_ns = -1, .self_ns = -1, .level = (u32)first,
			.caller = first ? &c->plan->funcs[g->frames.at[first - 1].func] : NULL,
			.end = END_UNFINISHED, .recursive = f->recursive, .opened = true,
			.entry = g->bytes.at + f->bytes,
		});
	}
}

/* Tells of a call whose end nobody will see. */
static void tell(struct calls *c, struct goroutine *g, const struct record *r)
{
	size_t n = g->frames.n;

	if (!c->sink.begun)
		return;
	c->sink.begun(c->sink.ctx, &(struct call){
		.fn = &c->plan->funcs[r->func], .goid = g->goid, .start_ns = r->time_ns,
		.duration_ns = -1, .self_ns = -1, .level = (u32)n,
		.caller = n ? &c->plan->funcs[g->frames.at[n - 1].func] : NULL,
		.end = END_UNFINISHED, .entry = r->bytes,
	});
}

static void push(struct calls *c, struct goroutine *g, const struct record *r)
{
	u32 first = plan_first(c->plan, &c->plan->funcs[r->func]);
	u64 bit = (u64)1 << (first * 0x9e3779b1u >> 26);
	bool recursive = is_open(c->plan, g, first, bit);
	struct frame *f;

	if (c->sink.opened && g->frames.n)
		open_frame(c, g, g->frames.n - 1);
	f = vec_push(&g->frames);
	*f = (struct frame){
		.start_ns = r->time_ns, .bytes = g->bytes.n, .depth = r->depth, .func = r->func,
		.funcs = bit | (g->frames.n > 1 ? f[-1].funcs : 0), .recursive = recursive,
	};
	vec_reserve(&g->bytes, g->bytes.n + r->size);
	memcpy(g->bytes.at + g->bytes.n, r->bytes, r->size);
	g->bytes.n += r->size;
	c->idle -= g->frames.n == 1;
	c->open++;
	if (!c->sink.begun)
		return;
	c->sink.begun(c->sink.ctx, &(struct call){
		.fn = &c->plan->funcs[r->func], .goid = g->goid, .start_ns = r->time_ns,
		.duration_ns = -1, .self_ns = -1, .level = (u32)g->frames.n - 1,
		.caller = g->frames.n > 1 ? &c->plan->funcs[f[-1].func] : NULL,
		.recursive = recursive, .end = END_UNFINISHED, .entry = r->bytes,
	});
}

/* Hands a call to the sink; its frame, if it had one, is already off the stack. */
static void emit(struct calls *c, const struct goroutine *g, struct call *call)
{
	struct expr_input in;

	call->goid = g->goid;
	call->level = (u32)g->frames.n;
	if (g->frames.n)
		call->caller = &c->plan->funcs[g->frames.at[g->frames.n - 1].func];
	if (call->fn->condition) {
		/* without its entry nobody knows: it was lost, or left out there */
		in = expr_input_of(c->plan, call, c->bias);
		if (!call->entry || !expr_exit_passes(&in, &c->totals.unreadable))
			return;
	}
	c->totals.calls++;
	c->totals.unfinished += call->end == END_UNFINISHED;
	c->sink.call(c->sink.ctx, call);
}

/* What traced callees took of a call's time. One that a panic ends has ended when the panic began,
 * so the deferred functions that ran on top of it took the time of whoever goes on: that is known
 * when somebody returns. */
static void account(struct goroutine *g, const struct frame *f, struct call *call)
{
	const struct unwinding *u = g->unwindings.n ? &g->unwindings.at[g->unwindings.n - 1] : NULL;
	bool returned = call->end == END_RETURN || call->end == END_RECOVERED;
	i64 callees = f->callees_ns + (returned ? f->late_ns : 0);
	struct frame *caller = g->frames.n ? &g->frames.at[g->frames.n - 1] : NULL;

	call->self_ns = call->duration_ns < 0 ? -1 : MAX(call->duration_ns - callees, 0);
	if (!caller)
		return;
	if (u && u->depth >= caller->depth && u->time_ns <= f->start_ns)
		caller->late_ns += MAX(call->duration_ns, 0);
	else
		caller->callees_ns += call->duration_ns < 0 ? f->callees_ns : call->duration_ns;
	caller->late_ns += returned ? 0 : f->late_ns;
}

/* Ends the innermost call. `end_ns` is before its start where the end was not seen. */
static void pop(struct calls *c, struct goroutine *g, enum call_end end, i64 end_ns, const u8 *exit)
{
	const struct frame *f = &g->frames.at[--g->frames.n];
	struct call call = {
		.fn = &c->plan->funcs[f->func], .start_ns = f->start_ns, .end = end, .exit = exit,
		.duration_ns = end_ns < f->start_ns ? -1 : end_ns - f->start_ns,
		.recursive = f->recursive, .opened = f->opened, .entry = g->bytes.at + f->bytes,
	};

	account(g, f, &call);
	g->bytes.n = f->bytes;
	c->open--;
	if (!g->frames.n) {
		g->unwindings.n = 0;
		c->idle++;
	}
	emit(c, g, &call);
}

/* The innermost call has ended, and no RET was seen. A call that a panic ends has ended when the
 * panic began: what the deferred functions took is theirs. Without a known cause the record was
 * lost, or the call left by an exit that could not be patched. */
static void pop_unseen(struct calls *c, struct goroutine *g, enum call_end without_cause)
{
	u32 depth = g->frames.at[g->frames.n - 1].depth;
	const struct unwinding *u = g->unwindings.n ? &g->unwindings.at[g->unwindings.n - 1] : NULL;

	if (u && u->depth >= depth)
		pop(c, g, u->panic ? END_PANIC : END_GOEXIT, u->time_ns, NULL);
	else
		pop(c, g, without_cause, INT64_MIN, NULL);
}

/* Where records are lost, so are ends of goroutines, and their calls would stay open for ever. When
 * many are open, those that nothing has been seen of for a while are taken to have ended so. */
static void close_lost(struct calls *c)
{
	size_t rank = 0;

	if (!c->lost_ns || c->open < c->open_most)
		return;
	for (struct goroutine *g = c->first; g; g = g->next)
		if (g->frames.n && rank++ >= OLDEST_KEPT && g->seen_ns < c->lost_ns - UNSEEN_NS)
			while (g->frames.n)
				pop_unseen(c, g, END_LOST);
	c->open_most = MAX(2 * c->open, (u64)OPEN_KEPT);
}

/* Something happened at a place where no frame of `depth` or deeper can be any more. Tells whether
 * that ended a panic. */
static bool close_deeper(struct calls *c, struct goroutine *g, u32 depth)
{
	bool panic = false;

	while (g->frames.n && g->frames.at[g->frames.n - 1].depth >= depth)
		pop_unseen(c, g, END_LOST);
	for (; g->unwindings.n; g->unwindings.n--) {
		const struct unwinding *u = &g->unwindings.at[g->unwindings.n - 1];

		if (u->depth < depth)
			break;
		panic |= u->panic;
	}
	return panic;
}

static void entered(struct calls *c, struct goroutine *g, const struct record *r, bool wanted)
{
	const struct plan_func *fn = &c->plan->funcs[r->func];

	if (close_deeper(c, g, r->depth) && g->frames.n)
		g->frames.at[g->frames.n - 1].recovered = true;
	if (wanted)
		(fn->no_end ? tell : push)(c, g, r);
	switch ((enum plan_hook)fn->hook) {
	case HOOK_NONE:
	case HOOK_NEWPROC1:
	case HOOK_EXEC:
	case HOOK_EXEC_FAILED:
	case HOOK_RECOVERY:
		return;
	case HOOK_GOPANIC:
	case HOOK_GOEXIT:
		if (g->frames.n)
			*vec_push(&g->unwindings) = (struct unwinding){
				.time_ns = r->time_ns, .depth = r->depth,
				.panic = fn->hook == HOOK_GOPANIC,
			};
		return;
	case HOOK_GOEXIT1:	/* a Goexit that was not seen began here at the latest */
		if (g->frames.n && !g->unwindings.n)
			*vec_push(&g->unwindings) = (struct unwinding){
				.time_ns = r->time_ns, .depth = r->depth,
			};
		while (g->frames.n)
			pop_unseen(c, g, END_GOEXIT);
		return;
	}
}

static void left(struct calls *c, struct goroutine *g, const struct record *r)
{
	bool panic = r->depth < UINT32_MAX && close_deeper(c, g, r->depth + 1);
	const u8 *results = r->kind == SITE_TAIL ? NULL : r->bytes;

	if (g->frames.n) {
		const struct frame *f = &g->frames.at[g->frames.n - 1];
		bool recovered = r->kind == SITE_EXIT_DEFER && (panic || f->recovered);

		if (f->depth == r->depth && f->func == r->func) {
			pop(c, g, recovered ? END_RECOVERED : END_RETURN, r->time_ns, results);
			return;
		}
	}
	close_deeper(c, g, r->depth);
	emit(c, g, &(struct call){
		.fn = &c->plan->funcs[r->func], .start_ns = r->time_ns, .duration_ns = -1,
		.self_ns = -1, .end = END_RETURN, .exit = results,
	});
}

static bool is_sound(const struct calls *c, const struct record *r)
{
	const struct plan_func *fn;

	if (r->func >= c->plan->nfuncs || r->size < RECORD_HEAD)
		return false;
	fn = &c->plan->funcs[r->func];
	if (fn->refusal != REFUSE_NONE || (fn->line_at && r->kind != SITE_ENTRY))
		return false;
	switch (r->kind) {
	case SITE_ENTRY: return r->size >= fn->entry.size && c->open < OPEN_MAX;
	case SITE_EXIT:
	case SITE_EXIT_DEFER: return r->size >= fn->exit.size;
	case SITE_TAIL: return true;
	}
	return false;
}

static struct call just_begun(const struct plan_func *fn, const struct record *r)
{
	return (struct call){
		.fn = fn, .goid = r->goid, .start_ns = r->time_ns, .duration_ns = -1,
		.self_ns = -1, .end = END_UNFINISHED, .entry = r->bytes,
	};
}

/* The part of --if that an entry decides: without it the call is no call for us. */
static bool passes(struct calls *c, const struct plan_func *fn, const struct record *r)
{
	struct call call;
	struct expr_input in;

	if (!fn->condition)
		return true;
	call = just_begun(fn, r);
	in = expr_input_of(c->plan, &call, c->bias);
	return expr_entry_passes(&in, &c->totals.unreadable);
}

/* Is it the one that control goes on in? */
static bool goes_on(const struct calls *c, const struct frame *f, u64 hi, u64 sp)
{
	u32 frame = c->plan->funcs[f->func].frame;

	return frame && hi - sp == (u64)f->depth + frame;
}

/* A panic has been recovered: control goes on in a frame, and those below it have ended. */
static void recovered(struct calls *c, const struct plan_func *fn, const struct record *r)
{
	u64 goid, hi, sp, *p;
	struct goroutine *g;

	if (r->kind != SITE_ENTRY || !hooked(r, &fn->entry, RECOVERY_GOID, &goid) ||
	    !hooked(r, &fn->entry, RECOVERY_HI, &hi) || !hooked(r, &fn->entry, RECOVERY_SP, &sp))
		return;
	p = map_get(&c->by_goid, goid);
	g = p ? (struct goroutine *)(uintptr_t)*p : NULL;
	if (g && close_deeper(c, g, recovery_depth(hi, sp)) && g->frames.n) {
		struct frame *f = &g->frames.at[g->frames.n - 1];

		f->recovered = goes_on(c, f, hi, sp);
	}
}

/* With --goroutines. Calls that end with their goroutine are told before it. */
static void goroutine_event(struct calls *c, const struct plan_func *fn, const struct record *r)
{
	struct birth b;

	if (!c->plan->request.goroutines)
		return;
	if (fn->hook == HOOK_NEWPROC1 && births_record(&c->births, fn, r, &b)) {
		c->totals.births++;
		if (c->sink.go)
			c->sink.go(c->sink.ctx, &b);
	}
	if (fn->hook == HOOK_GOEXIT1 && r->kind == SITE_ENTRY && c->sink.go_end)
		c->sink.go_end(c->sink.ctx, r->goid, r->time_ns);
}

static void call_record(struct calls *c, const struct plan_func *fn, const struct record *r)
{
	bool wanted = r->kind == SITE_ENTRY && fn->shown && passes(c, fn, r);
	struct goroutine *g;

	c->totals.entries += wanted;
	if (wanted && (c->plan->request.entry_only || fn->line_at)) {
		struct call call = just_begun(fn, r);

		c->sink.entry(c->sink.ctx, &call);
	}
	if (fn->line_at) {	/* no call: an event by itself */
		c->totals.calls += wanted;
		return;
	}
	if (c->plan->request.entry_only || (r->kind != SITE_ENTRY && !fn->shown))
		return;
	g = goroutine_of(c, r->goid);
	g->seen_ns = r->time_ns;
	if (r->kind == SITE_ENTRY)
		entered(c, g, r, wanted);
	else
		left(c, g, r);
}

static void count_execs(struct calls *c, const struct plan_func *fn, u64 n)
{
	if (fn->hook == HOOK_EXEC)
		c->execs += (i64)n;
	if (fn->hook == HOOK_EXEC_FAILED)
		c->execs -= (i64)n;
}

void calls_record(struct calls *c, const struct record *r)
{
	const struct plan_func *fn;

	if (!is_sound(c, r)) {
		c->totals.bad++;
		return;
	}
	fn = &c->plan->funcs[r->func];
	count_execs(c, fn, r->kind == SITE_ENTRY);
	if (fn->hook == HOOK_RECOVERY)
		recovered(c, fn, r);
	call_record(c, fn, r);
	goroutine_event(c, fn, r);
}

void calls_counted(struct calls *c, u32 func, u64 n)
{
	count_execs(c, &c->plan->funcs[func], n);
	if (!c->plan->funcs[func].shown)
		return;
	c->totals.entries += n;
	c->sink.counted(c->sink.ctx, &c->plan->funcs[func], n);
}

void calls_lost(struct calls *c, u64 count, i64 from_ns, i64 to_ns)
{
	c->totals.lost += count;
	c->lost_ns = to_ns;
	c->sink.lost(c->sink.ctx, count, from_ns, to_ns);
}

void calls_open_since(struct calls *c, i64 before_ns)
{
	for (struct goroutine *g = c->first; c->sink.opened && g; g = g->next)
		for (size_t i = g->frames.n; i-- > 0 && !g->frames.at[i].opened;)
			if (g->frames.at[i].start_ns < before_ns)
				open_frame(c, g, i);
}

/* A call that was panicking when the program ended has ended by the panic; the others go on. */
void calls_finish(struct calls *c, bool enough)
{
	for (struct goroutine *g = c->first; g; g = g->next)
		while (g->frames.n)
			if (enough && !g->frames.at[g->frames.n - 1].opened)
				g->frames.n--;
			else
				pop_unseen(c, g, END_UNFINISHED);
}

bool calls_saw_exec(const struct calls *c)
{
	return c->execs > 0 && !c->totals.lost;
}

struct calls_totals calls_totals(const struct calls *c)
{
	return c->totals;
}
