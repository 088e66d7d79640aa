#include "go/holders.h"

#include "go/fork.h"

enum {
	LEVELS = 64,
	GLOBALS_MOST = 62,
	NAMED = 4,
	LOWEST = 4096,	/* where no address can lie: the first page */
	STACK_MOST = 64 << 10,	/* of each stack so much is looked at, from its inner end on */
	SMALL = 128,	/* bytes of an object that is looked into */
	LOOKS_MOST = 8192,	/* into so many: each is read by itself */
};

static size_t held_index(struct holders *h, u64 address)
{
	u64 *at = map_put(&h->by_word, address);

	if (!*at) {
		*vec_push(&h->all) = (struct held){ .address = address };
		*at = h->all.n;
	}
	return *at - 1;
}

static void wait_for(struct holders *h, const struct goroutine *g, u64 address)
{
	u64 *first;

	if (!address)
		return;
	(void)held_index(h, address);
	first = map_put(&h->waits, g->g_rt);
	*vec_push(&h->pairs) = (struct waits_for){ g->g_rt, address };
	if (!*first)
		*first = h->pairs.n;
}

void holders_wait(struct holders *h, const struct goroutine *g, const struct wait *w)
{
	if (!w->kind)
		return;
	if (!w->n)
		wait_for(h, g, w->address);
	for (u32 i = 0; i < w->n; i++)
		wait_for(h, g, w->at[i].address);
}

static bool waits_for(const struct holders *h, const struct goroutine *g, u64 address)
{
	const u64 *first = map_get(&h->waits, g->g_rt);

	for (size_t i = first ? *first - 1 : h->pairs.n; i < h->pairs.n; i++) {
		if (h->pairs.at[i].g != g->g_rt)
			return false;
		if (h->pairs.at[i].address == address)
			return true;
	}
	return false;
}

static void found(struct holders *h, const struct goroutine *g, size_t index, enum held_by by)
{
	struct held *held = &h->all.at[index];
	struct holder *last = held->n ? &held->at[held->n - 1] : NULL;

	if (waits_for(h, g, held->address))
		return;
	if (last && last->g == g) {
		last->by = MIN(last->by, by);
	} else if (held->n == HOLDERS_MOST) {
		held->more = true;
	} else {
		held->at[held->n++] = (struct holder){ g, by };
	}
}

/* A word that was met: is it, or that of its object, what somebody waits for? */
static bool met(struct holders *h, const struct goroutine *g, u64 word, bool behind)
{
	const u64 *at = map_get(&h->by_word, word);
	struct held *first = at ? &h->all.at[*at - 1] : NULL;

	if (!first)
		return false;
	if (first->address == word)
		found(h, g, *at - 1, behind ? HELD_BEHIND : HELD_ADDRESS);
	if (behind || first->object != word || first->walked == g)
		return true;
	first->walked = g;	/* a stack may be full of it, and it of locks */
	for (size_t i = *at; i; i = h->all.at[i - 1].next)
		if (h->all.at[i - 1].address != word)
			found(h, g, i - 1, HELD_OBJECT);
	return true;
}

static void look_into(struct holders *h, const struct goroutine *g, const struct image *img,
		      const struct go_heap *heap, u64 word)
{
	u64 *nowhere = &h->nowhere[word / 16 % NOWHERE];
	struct go_object o;
	u64 in[SMALL / 8];
	bool any = false;
	size_t n;

	if (*nowhere == word || !go_heap_object(heap, word, &o) || o.base != word ||
	    o.span->elem > SMALL || !o.span->pointers)
		return;
	if (h->looked++ >= LOOKS_MOST)
		return;
	n = image_read_some(img, o.base, in, o.span->elem) / 8;
	for (size_t i = 0; i < n; i++)
		any |= met(h, g, in[i], true);
	if (!any)
		*nowhere = word;
}

static void stack(struct holders *h, const struct goroutine *g, const struct image *img,
		  const struct go_heap *heap)
{
	static u64 words[STACK_MOST / 8];
	u64 from = g->torn || g->sp - g->lo >= g->hi - g->lo ? g->lo : g->sp;
	size_t n;

	if (g->hi <= from || g->hi - from > (1ull << 40))
		return;
	n = image_read_some(img, from, words, (size_t)MIN(g->hi - from, (u64)STACK_MOST)) / 8;
	for (size_t i = 0; i < n; i++)
		if (words[i] >= LOWEST && !met(h, g, words[i], false) && heap)
			look_into(h, g, img, heap, words[i]);
}

/* Which of the globals its code names: bits, and one above them that says that it was read. */
static u64 named(struct holders *h, const struct go_program *prog, const struct go_func *f)
{
	u64 *known = map_put(&h->by_func, (u64)(uintptr_t)f), all = *known;
	struct arena a = { 0 };
	struct flow flow;
	struct err err;

	if (all)
		return all;
	all = 1ull << 63;
	if (!go_flow(prog, f, &a, &flow, &err))
		flow.n = 0;
	for (u32 i = 0; i < flow.n; i++) {
		u64 rt = prog->img->bias + flow.va;

		if (!flow.insns[i].disp_at)
			continue;
		rt += (u64)flow_rip_target(&flow, &flow.insns[i]);
		for (size_t k = 0; k < h->globals.n; k++) {
			const struct held *held = &h->all.at[h->globals.at[k]];

			if (rt == held->address || rt - held->object < held->size)
				all |= 1ull << k;
		}
	}
	arena_release(&a);
	*known = all;
	return all;
}

static void code(struct holders *h, const struct goroutine *g, struct unwinder *u)
{
	struct go_level levels[LEVELS];
	enum unwind_end end = UNWIND_ASTRAY;
	size_t n = g->torn ? 0 : goroutine_unwind(u, g, levels, LEVELS, &end);

	for (size_t i = 0; i < n; i++) {
		u64 all = levels[i].func ? named(h, u->prog, levels[i].func) : 0;

		for (size_t k = 0; k < h->globals.n; k++)
			if (all >> k & 1)
				found(h, g, h->globals.at[k], HELD_CODE);
	}
	for (size_t k = 0; k < h->globals.n && end != UNWIND_WHOLE; k++)
		h->all.at[h->globals.at[k]].unsure = true;
}

/* Whoever has a pointer to a struct need not have one to the lock in it. */
static void part_of(struct holders *h, size_t index, u64 object, u64 size)
{
	struct held *held = &h->all.at[index];
	u64 *at;

	held->object = object;
	held->size = size;
	if (object == held->address)
		return;
	at = map_put(&h->by_word, object);
	if (*at) {	/* behind the one that begins there, or was first */
		held->next = h->all.at[*at - 1].next;
		h->all.at[*at - 1].next = (u32)index + 1;
	} else {
		*at = index + 1;
	}
}

static void objects(struct holders *h, const struct image *img, const struct go_heap *heap,
		    const struct go_globals *globals)
{
	for (size_t i = 0; i < h->all.n; i++) {
		struct held *held = &h->all.at[i];
		u64 va = held->address - img->bias;
		const struct go_global *v = go_global_at(globals, va);
		struct go_object o;

		held->global = va >= img->lo_va && va < img->hi_va;
		held->unsure = held->global && h->globals.n == GLOBALS_MOST;
		if (held->global && !held->unsure)
			*vec_push(&h->globals) = (u32)i;
		if (held->global && v)
			part_of(h, i, img->bias + v->va, v->size);
		else if (!held->global && heap && go_heap_object(heap, held->address, &o))
			part_of(h, i, o.base, o.span->elem);
	}
}

void holders_find(struct holders *h, const struct goroutines *gs, struct unwinder *u,
		  const struct go_heap *heap, const struct go_globals *globals)
{
	if (!h->all.n)
		return;
	objects(h, u->img, heap, globals);
	for (size_t i = 0; i < gs->all.n; i++) {
		const struct goroutine *g = &gs->all.at[i];

		if (g->system)
			continue;
		stack(h, g, u->img, heap);
		if (h->globals.n)
			code(h, g, u);
	}
	for (size_t i = 0; i < h->all.n && h->looked > LOOKS_MOST; i++)
		h->all.at[i].unsure = true;
}

const struct held *holders_of(const struct holders *h, u64 address)
{
	const u64 *at = map_get(&h->by_word, address);

	return at && h->all.at[*at - 1].address == address ? &h->all.at[*at - 1] : NULL;
}

const char *held_by_name(enum held_by by)
{
	static const char *const names[] = { "address", "object", "behind", "code" };

	return names[by];
}

/* Of a select one may have several channels. */
static bool named_before(const struct held *const *held, u32 n, const struct goroutine *g)
{
	for (u32 i = 0; i < n; i++)
		for (u32 k = 0; k < held[i]->n; k++)
			if (held[i]->at[k].g == g)
				return true;
	return false;
}

struct str holders_text(const struct held *const *held, u32 n, struct arena *a)
{
	static const char *const has[][2] = {
		[HELD_ADDRESS] = { "has it on its stack", "have it on their stacks" },
		[HELD_OBJECT] = { "has what it is a part of on its stack",
				  "have it, or what it is a part of, on their stacks" },
		[HELD_BEHIND] = { "has what leads to it on its stack",
				  "have it, or what leads to it, on their stacks" },
		[HELD_CODE] = { "stands in code that uses it",
				"have it on their stacks, or stand in code that uses it" },
	};
	enum held_by by = HELD_ADDRESS;
	struct str list = STR("");
	u32 all = 0;

	for (u32 i = 0; i < n; i++)
		for (u32 k = 0; k < held[i]->n; k++) {
			by = MAX(by, held[i]->at[k].by);
			if (named_before(held, i, held[i]->at[k].g))
				continue;
			if (all++ < NAMED)
				list = str_fmt(a, "%.*s%s%lld", STR_F(list), all > 1 ? ", " : "",
					       (long long)held[i]->at[k].g->goid);
		}
	if (!all)
		return STR("");
	return str_fmt(a, "goroutine%s %.*s%s %s", all > 1 ? "s" : "", STR_F(list),
		       all > NAMED ? " and others" : "", has[by][all > 1]);
}

const char *holders_may(enum wait_kind k, bool sends)
{
	switch (k) {
	case WAIT_CHANNEL:
		return sends ? "may receive from it" : "may send on it, or close it";
	case WAIT_WAITGROUP:
		return "may call its Done";
	case WAIT_MUTEX:
	case WAIT_RWMUTEX:
		return "may hold it";
	default:
		return "may wake it";
	}
}

void holders_release(struct holders *h)
{
	map_release(&h->by_word);
	map_release(&h->waits);
	vec_release(&h->all);
	vec_release(&h->pairs);
	vec_release(&h->globals);
	map_release(&h->by_func);
}
