#include "diag/waiting.h"

#include <inttypes.h>

#include "diag/frame.h"
#include "go/types.h"

enum { WAITERS_MOST = 4096, LEVELS = 64, NAMED = 4 };

static bool is_lock(enum wait_kind k)
{
	return k == WAIT_MUTEX || k == WAIT_RWMUTEX;
}

/* Nothing can come: a nil channel, a select without cases. */
static bool waits_for_ever(const struct death *d, const struct waiter *w)
{
	struct str reason = str_of(goroutine_reason(d->prog, w->g));

	return str_ends(reason, STR("(nil chan)")) || str_ends(reason, STR("(no cases)"));
}

static struct str elem_name(const struct death *d, const struct wait_channel *c)
{
	struct go_type *t = c->elem_va ? go_type_at(d->prog, c->elem_va) : NULL;

	return t && go_type_load(d->prog, t)->kind ? t->name : STR("?");
}

/* A timer sends, whoever else does not. None is left to run where the runtime has seen that all
 * are asleep. */
static bool waits_for_time(const struct death *d, const struct wait *w)
{
	for (u32 i = 0; i < w->n; i++)
		if (str_eq(elem_name(d, &w->at[i]), STR("time.Time")))
			return !explain_says(d, "fatal error: all goroutines are asleep");
	return false;
}

/* Where in the program's own code it waits. */
static void place_of(struct death *d, const struct go_level *levels, size_t n, struct waiter *w)
{
	struct go_frame f[GO_FRAMES];

	for (size_t i = 0; i < n; i++) {
		size_t k = levels[i].func ? go_frames_at(d->prog, levels[i].func,
			levels[i].pc_rt - d->u->text_rt - !levels[i].exact, f) : 0;

		for (size_t m = 0; m < k; m++) {
			struct go_name name = go_name_split(f[m].name);

			if (frame_is_runtime(f[m].name) || str_eq(name.package, STR("sync")) ||
			    str_eq(name.package, STR("time")) ||
			    str_eq(name.package, STR("reflect")))
				continue;
			w->own = (struct death_frame){ .func = f[m].name, .file = f[m].at.file,
						       .line = f[m].at.line };
			return;
		}
	}
}

static void find_waiters(struct death *d, struct waiters *all)
{
	struct go_level levels[LEVELS];
	enum unwind_end end;

	all->at = ARENA_ARRAY(d->a, struct waiter, WAITERS_MOST);
	for (size_t i = 0; i < d->gs->all.n; i++) {
		const struct goroutine *g = &d->gs->all.at[i];
		struct waiter *w = &all->at[all->n];
		size_t k;

		if (g->system || (g->status != GO_WAITING && g->status != GO_LEAKED))
			continue;
		if (all->n == WAITERS_MOST) {
			all->rest++;
			continue;
		}
		k = goroutine_unwind(d->u, g, levels, LEVELS, &end);
		*w = (struct waiter){ .g = g };
		wait_of(&w->w, d->u, g, levels, k);
		place_of(d, levels, k, w);
		holders_wait(&all->holders, g, &w->w);
		*map_put(&all->by_g, g->g_rt) = ++all->n;
	}
}

static void hold(struct waiter *w, const struct held *held)
{
	if (held && held->n)
		w->held[w->nheld++] = held;
}

static void find_holders(struct death *d, struct waiters *all)
{
	struct go_heap heap;
	bool read = go_heap_read(&heap, d->img, d->prog, d->a);

	all->globals = go_globals_of(d->prog);
	if (all->rest)	/* who are not known to wait */
		return;
	holders_find(&all->holders, d->gs, d->u, read ? &heap : NULL, all->globals);
	for (u32 i = 0; i < all->n; i++) {
		struct waiter *w = &all->at[i];

		if (w->w.kind && !w->w.n)
			hold(w, holders_of(&all->holders, w->w.address));
		for (u32 k = 0; k < w->w.n; k++)
			hold(w, holders_of(&all->holders, w->w.at[k].address));
	}
}

/* Does only who is stuck himself have it? Then `next` is one of them. */
static bool only_stuck(const struct waiters *all, struct waiter *w)
{
	w->next = 0;
	for (u32 i = 0; i < w->nheld; i++) {
		for (u32 k = 0; k < w->held[i]->n; k++) {
			const u64 *at = map_get(&all->by_g, w->held[i]->at[k].g->g_rt);

			if (!at || !all->at[*at - 1].stuck)
				return false;
			if (!w->next)
				w->next = (u32)*at;
		}
		if (w->held[i]->more || w->held[i]->unsure)
			return false;
	}
	return w->next;
}

static void find_stuck(const struct death *d, struct waiters *all)
{
	bool changed = true;

	for (u32 i = 0; i < all->n; i++)
		all->at[i].stuck =
			waits_for_ever(d, &all->at[i]) ||
			(all->at[i].nheld && !waits_for_time(d, &all->at[i].w));
	while (changed) {
		changed = false;
		for (u32 i = 0; i < all->n; i++) {
			struct waiter *w = &all->at[i];

			if (!w->stuck || (!w->nheld && waits_for_ever(d, w)) || only_stuck(all, w))
				continue;
			w->stuck = false;
			changed = true;
		}
	}
}

void waiting_find(struct waiters *all, struct death *d)
{
	*all = (struct waiters){ 0 };
	find_waiters(d, all);
	find_holders(d, all);
	find_stuck(d, all);
}

/* How many lead back to this one, each by the next one's; 0: they don't. */
static u32 circle_of(struct waiters *all, u32 from)
{
	u32 at = from, n = 0;

	for (u32 k = 0; k < all->n; k++)
		all->at[k].passed = false;
	do {
		if (!all->at[at].stuck || !all->at[at].next || all->at[at].passed)
			return 0;
		all->at[at].passed = true;
		at = all->at[at].next - 1;
		n++;
	} while (at != from);
	return n;
}

/* The first that locks are in, else the first. */
struct circle waiting_circle(struct waiters *all)
{
	struct circle found = { 0 };

	for (u32 i = 0; i < all->n && !found.locks; i++) {
		struct circle c = { i, circle_of(all, i), 0 };

		for (u32 k = 0, at = i; k < c.length; k++, at = all->at[at].next - 1)
			c.locks += is_lock(all->at[at].w.kind);
		if (c.length && (!found.length || c.locks))
			found = c;
	}
	return found;
}

/* Does one who waits for a lock, too, have it? Of the object that his own lock is a part of he has
 * the address in any case. */
static bool some_stuck(const struct waiters *all, struct waiter *w)
{
	const struct held *held = w->held[0];

	for (u32 k = 0; k < held->n; k++) {
		const u64 *at = map_get(&all->by_g, held->at[k].g->g_rt);
		const struct waiter *other = at ? &all->at[*at - 1] : NULL;

		if (!other || !other->stuck)
			continue;
		if (held->at[k].by != HELD_ADDRESS && held->object &&
		    held->object == other->held[0]->object)
			continue;
		w->next = (u32)*at;
		return true;
	}
	return false;
}

struct circle waiting_possible(struct waiters *all)
{
	bool changed = true;

	for (u32 i = 0; i < all->n; i++)
		all->at[i].stuck = is_lock(all->at[i].w.kind) && all->at[i].nheld;
	while (changed) {
		changed = false;
		for (u32 i = 0; i < all->n; i++) {
			struct waiter *w = &all->at[i];

			if (!w->stuck || some_stuck(all, w))
				continue;
			w->stuck = false;
			changed = true;
		}
	}
	return waiting_circle(all);
}

static struct str channel(struct death *d, const struct wait_channel *c)
{
	struct str name = elem_name(d, c);
	struct str room = c->cap ? str_fmt(d->a, "%" PRIu64 " of %" PRIu64 " in it", c->len, c->cap)
				 : STR("unbuffered");

	if (!c->readable)
		return str_fmt(d->a, "channel 0x%" PRIx64, c->address);
	return str_fmt(d->a, "channel 0x%" PRIx64 " (chan %.*s, %.*s)", c->address, STR_F(name),
		       STR_F(room));
}

/* " (main.lock)", where it is a variable of the program, or " (in main.cache)". */
static struct str variable(struct death *d, const struct waiters *all, u64 address)
{
	u64 va = address - d->img->bias;
	const struct go_global *v = go_global_at(all->globals, va);

	if (!v)
		return STR("");
	return str_fmt(d->a, " (%s%.*s)", v->va == va ? "" : "in ", STR_F(v->name));
}

static struct str lock(struct death *d, const struct wait *w)
{
	if (w->kind == WAIT_WAITGROUP && w->known)
		return str_fmt(d->a, "sync.WaitGroup 0x%" PRIx64 " (counter %" PRIu64 ")",
			       w->address, w->count);
	if (w->kind == WAIT_RWMUTEX && w->known && !w->locked)
		return str_fmt(d->a, "sync.RWMutex 0x%" PRIx64 " (%" PRIu64 " readers)", w->address,
			       w->count);
	return str_fmt(d->a, "%s 0x%" PRIx64, wait_kind_name(w->kind), w->address);
}

static struct str target(struct death *d, const struct waiters *waiters, const struct wait *w)
{
	struct str all = STR("");

	for (u32 i = 0; i < MIN(w->n, (u32)NAMED); i++)
		all = str_fmt(d->a, "%.*s%s%.*s", STR_F(all), i ? ", " : "",
			      STR_F(channel(d, &w->at[i])));
	if (w->n > NAMED)
		all = str_fmt(d->a, "%.*s and %u more", STR_F(all), w->n - NAMED);
	if (w->n)
		return all;
	return str_fmt(d->a, "%.*s%.*s", STR_F(lock(d, w)),
		       STR_F(variable(d, waiters, w->address)));
}

static struct str holders(struct death *d, const struct waiters *all, const struct waiter *w)
{
	struct str reason = str_of(goroutine_reason(d->prog, w->g));
	struct str who = holders_text(w->held, w->nheld, d->a);

	if (all->rest)
		return STR("");
	if (!who.n)
		return STR("; nobody but who waits for it has it on his stack");
	return str_fmt(d->a, "; %.*s, and %s", STR_F(who),
		       holders_may(w->w.kind, str_starts(reason, STR("chan send"))));
}

void waiting_say(struct diagnosis *to, struct death *d, const struct waiters *all,
		 const struct waiter *w)
{
	const char *state = goroutine_state(d->prog, w->g);

	if (!w->w.kind)
		evidence(to, d, "goroutine %lld waits (%s) in %.*s %.*s:%d", (long long)w->g->goid,
			 state, STR_F(w->own.func), STR_F(w->own.file), w->own.line);
	else
		evidence(to, d, "goroutine %lld waits (%s) for %.*s in %.*s %.*s:%d%.*s",
			 (long long)w->g->goid, state, STR_F(target(d, all, &w->w)),
			 STR_F(w->own.func), STR_F(w->own.file), w->own.line,
			 STR_F(holders(d, all, w)));
}

void waiting_release(struct waiters *all)
{
	map_release(&all->by_g);
	holders_release(&all->holders);
}
