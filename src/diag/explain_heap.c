/* The collector met a pointer that it should not have. Where there is memory, it is searched for
 * the value that has such a pointer:
 *  1. which objects are free and yet marked (as the runtime's sweep finds them);
 *  2. strings and slices, by type from the global variables on, that do not fit their object;
 *  3. words that point to those objects, wherever they lie: stacks, variables, the heap. */
#include <inttypes.h>
#include <string.h>

#include "diag/explain.h"
#include "diag/owners.h"
#include "go/globals.h"

enum { ZOMBIES = 64, HITS = 6, PART = 1 << 16, SEARCHED_MOST = 1 << 30, LENGTH_MOST = 1 << 24 };

struct search {
	struct diagnosis *to;
	struct death *d;
	struct go_heap heap;
	const struct go_globals *globals;
	struct owners owners;
	struct go_object zombies[ZOMBIES];
	u64 nzombies;
	u64 lo, hi;	/* all that are listed lie in here */
	u64 hits, searched;
};

static const struct go_object *zombie_at(const struct search *s, u64 rt)
{
	if (rt - s->lo >= s->hi - s->lo)
		return NULL;
	for (u64 i = 0; i < MIN(s->nzombies, (u64)ZOMBIES); i++)
		if (rt - s->zombies[i].base < s->zombies[i].span->elem)
			return &s->zombies[i];
	return NULL;
}

static void say_misfit(struct search *s, const struct misfit *m)
{
	const struct go_object *o = &m->object;
	const char *what = m->free && m->marked ? "which is free, and marked" :
			   m->free ? "which is free" : "which is in use";

	if (m->box.fault)
		evidence(s->to, s->d, "%.*s (%.*s, at 0x%" PRIx64 ") is no whole: %.*s",
			 STR_F(m->name), STR_F(m->type), m->at,
			 STR_F(boxed_text(&m->box, s->d->a)));
	else if (m->over)
		evidence(s->to, s->d, "%.*s (%.*s, at 0x%" PRIx64 ") has %" PRIu64 " bytes from 0x%"
			 PRIx64 " on, but the object there, %s, ends after %" PRIu64,
			 STR_F(m->name), STR_F(m->type), m->at, m->bytes, m->ptr, what,
			 o->base + o->span->elem - m->ptr);
	else
		evidence(s->to, s->d, "%.*s (%.*s, at 0x%" PRIx64 ") points to 0x%" PRIx64
			 ", in an object of %" PRIu64 " bytes, %s", STR_F(m->name),
			 STR_F(m->type), m->at, m->ptr, o->span->elem, what);
}

/* Whose stack it is, and which function's frame. */
static struct str on_stack(struct search *s, const struct goroutine *g, u64 rt)
{
	static struct go_level levels[128];
	enum unwind_end end;
	size_t n = goroutine_unwind(s->d->u, g, levels, ARRAY_LEN(levels), &end);
	struct str in = STR("");

	for (size_t i = 0; i < n && levels[i].sp_rt <= rt; i++)
		in = levels[i].func ? levels[i].func->name : STR("");
	return in.n ? str_fmt(s->d->a, "on the stack of goroutine %" PRId64 ", in the frame of "
			      "%.*s (0x%" PRIx64 ")", g->goid, STR_F(in), rt)
		    : str_fmt(s->d->a, "on the stack of goroutine %" PRId64 " (0x%" PRIx64 ")",
			      g->goid, rt);
}

static struct str in_variable(struct search *s, u64 rt)
{
	const struct go_global *g = go_global_at(s->globals, rt - s->d->img->bias);

	return g ? str_fmt(s->d->a, "in the variable %.*s, %" PRIu64 " bytes behind its beginning",
			   STR_F(g->name), rt - s->d->img->bias - g->va)
		 : str_fmt(s->d->a, "among the program's variables (0x%" PRIx64 ")", rt);
}

static struct str in_heap(struct search *s, u64 rt, const struct go_object *o)
{
	return str_fmt(s->d->a, "in the heap: in an object of %" PRIu64 " bytes at 0x%" PRIx64
		       ", %" PRIu64 " behind its beginning", o->span->elem, o->base, rt - o->base);
}

static bool said_already(const struct search *s, u64 rt)
{
	for (u32 i = 0; i < s->owners.n; i++)
		if (s->owners.found[i].at == rt)
			return true;
	return false;
}

static void hit(struct search *s, u64 rt, u64 word, u64 next, const struct go_object *z,
		const struct goroutine *g)
{
	u64 room = z->base + z->span->elem - word;
	struct go_object o;
	struct str where;

	if (said_already(s, rt) || s->hits++ >= HITS)
		return;
	where = g ? on_stack(s, g, rt) :
		go_heap_object(&s->heap, rt, &o) ? in_heap(s, rt, &o) : in_variable(s, rt);
	if (next > room && next < LENGTH_MOST)
		evidence(s->to, s->d, "0x%" PRIx64 ", which is in the free object at 0x%" PRIx64
			 ", stands %.*s; the word behind it is %" PRIu64 ": as a string it would "
			 "go past the object's end", word, z->base, STR_F(where), next);
	else
		evidence(s->to, s->d, "0x%" PRIx64 ", which is in the free object at 0x%" PRIx64
			 ", stands %.*s; the word behind it is %" PRIu64, word, z->base,
			 STR_F(where), next);
}

static void search_in(struct search *s, u64 rt, u64 size, const struct goroutine *g)
{
	static u64 part[PART / 8 + 1];

	for (u64 at = 0; at < size && s->searched < SEARCHED_MOST; at += PART) {
		size_t n = (size_t)MIN(size - at, (u64)PART);
		size_t got;

		memset(part, 0, sizeof(part));
		got = image_read_some(s->d->img, rt + at, part, MIN(n + 8, sizeof(part)));
		s->searched += n;
		for (size_t i = 0; i < MIN(got, n) / 8; i++) {
			const struct go_object *z = zombie_at(s, part[i]);

			if (z)
				hit(s, rt + at + i * 8, part[i], part[i + 1], z, g);
		}
	}
}

/* What is near to a person first: stacks, variables, then the heap. */
static void search(struct search *s)
{
	const struct image *img = s->d->img;

	s->lo = ~0ull;
	for (u64 i = 0; i < MIN(s->nzombies, (u64)ZOMBIES); i++) {
		s->lo = MIN(s->lo, s->zombies[i].base);
		s->hi = MAX(s->hi, s->zombies[i].base + s->zombies[i].span->elem);
	}
	for (size_t i = 0; s->d->gs && i < s->d->gs->all.n; i++) {
		const struct goroutine *g = &s->d->gs->all.at[i];

		if (!g->system && !g->torn && g->sp < g->hi)
			search_in(s, g->sp & ~7ull, g->hi - (g->sp & ~7ull), g);
	}
	for (size_t i = 0; i < img->nsegs; i++)
		if (img->segs[i].write)
			search_in(s, (img->segs[i].va + img->bias) & ~7ull, img->segs[i].size,
				  NULL);
	for (size_t i = 0; i < s->heap.n; i++)
		if (s->heap.at[i].pointers)
			search_in(s, s->heap.at[i].base, s->heap.at[i].size, NULL);
	if (s->hits > HITS)
		evidence(s->to, s->d, "… and %" PRIu64 " more such words", s->hits - HITS);
	if (!s->hits && !s->owners.n)
		evidence(s->to, s->d, "no word on the stacks, among the variables or in the heap "
			 "points there now");
	if (s->searched >= SEARCHED_MOST)
		evidence(s->to, s->d, "the first GiB of memory was searched, not all");
}

static void in_memory(struct diagnosis *to, struct death *d)
{
	struct search s = { .to = to, .d = d };
	const struct misfit *first;

	if (!go_heap_read(&s.heap, d->img, d->prog, d->a)) {
		evidence(to, d, "the heap's own records can't be read, so nothing was searched");
		return;
	}
	s.globals = go_globals_of(d->prog);
	s.nzombies = go_heap_zombies(&s.heap, s.zombies, ZOMBIES);
	if (s.nzombies)
		evidence(to, d, "in memory: %" PRIu64 " free object%s marked; the first, at 0x%"
			 PRIx64 ", has %" PRIu64 " bytes", s.nzombies,
			 s.nzombies == 1 ? " is" : "s are", s.zombies[0].base,
			 s.zombies[0].span->elem);
	owners_find(&s.owners, d->prog, d->img, &s.heap, s.globals, d->a);
	for (u32 i = 0; i < s.owners.n; i++)
		say_misfit(&s, &s.owners.found[i]);
	if (s.owners.all > s.owners.n)
		evidence(to, d, "… and %" PRIu64 " more such values", s.owners.all - s.owners.n);
	if (s.nzombies)
		search(&s);
	if (!s.owners.globals)
		evidence(to, d, "variables have no types here (no DWARF): whose words these are "
			 "is not known");
	else if (s.owners.cut)
		evidence(to, d, "not all values were looked at: there are too many, or their "
			 "names are too long");
	first = s.owners.n ? &s.owners.found[0] : NULL;
	for (u32 i = 0; i < s.owners.n; i++)	/* the torn one before parts of it */
		if ((s.owners.found[i].over && !s.owners.found[i].free) ||
		    (first->free && s.owners.found[i].box.fault))
			first = &s.owners.found[i];
	if (first && first->box.fault && !first->free)
		to->summary = str_fmt(d->a, "the two words of %.*s do not belong together: it is "
				      "torn by two goroutines that store and read it at once, or "
				      "made by unsafe code", STR_F(first->name));
	else if (first && first->over && !first->free)
		to->summary = str_fmt(d->a, "the pointer and the length of %.*s do not belong "
				      "together: it is torn by two goroutines that store and read "
				      "it at once, or made by unsafe code", STR_F(first->name));
	else if (first && first->over)
		to->summary = str_fmt(d->a, "%.*s goes over memory that is free, past its object's "
				      "end: a part of a torn value (two goroutines store and read "
				      "it at once), or made by unsafe code", STR_F(first->name));
	else if (first)
		to->summary = str_fmt(d->a, "%.*s points to memory that is free: it is a part of a "
				      "torn value (two goroutines store and read it at once), or "
				      "unsafe code or C kept a pointer", STR_F(first->name));
}

bool explain_heap(struct diagnosis *to, struct death *d)
{
	struct crash c = d->crash;

	if (!c.kind && d->message.n)	/* from memory: the same words, read as a text */
		crash_read(&c, d->message, d->a);
	if (c.kind != CRASH_FREE_OBJECT && c.kind != CRASH_BAD_POINTER && c.kind != CRASH_HEAP)
		return false;
	to->kind = c.kind == CRASH_BAD_POINTER ? "bad_pointer" :
		   c.kind == CRASH_HEAP ? "damaged_heap" : "marked_free_object";
	to->certainty = LIKELY;
	to->cause = true;
	to->summary =
		STR("the collector met a pointer to memory that is free: a value was written "
		    "or read by two goroutines at once (a torn string, slice or interface), or "
		    "unsafe code or C kept a pointer");
	evidence(to, d, "%.*s", STR_F(d->message));
	if (c.detail.n)
		evidence(to, d, "%.*s", STR_F(c.detail));
	evidence(to, d, "the collector found it; who did it has long gone on");
	explain_heap_text(to, d);
	if (d->img && d->prog)
		in_memory(to, d);
	to->why = STR(
		"a string, slice or interface is stored in two or three words. Whoever reads "
		"it between them has the pointer of one value and the length of another, and "
		"takes a part of it: a pointer past the object's end, to an object that is free");
	to->advice =
		STR("build with -race and run the tests; where the race does not show, "
		    "`goshawk stress --until-crash -- PROGRAM` makes it show and names the "
		    "stores; without a race: look for unsafe.Pointer kept as uintptr, and for C "
		    "that keeps Go's pointers (-d=checkptr, GODEBUG=cgocheck=1)");
	return true;
}
