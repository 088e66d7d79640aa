#include "go/stored.h"

#include "base/vec.h"
#include "go/fork.h"
#include "x86/effect.h"

/* Registers that have an address in the frame, from a LEA on as long as the code goes straight on:
 * what is large is cleared that way. */
struct frame_pointers {
	bool known[16];
	i64 off[16];
};

/* Where an operand lies in the frame. */
static bool in_frame(const struct frame_pointers *p, const struct memop *m, i64 sp, i64 *off)
{
	if (m->base >= 16 || m->index != GP_NONE || (m->base != GP_RSP && !p->known[m->base]))
		return false;
	*off = m->disp + (m->base == GP_RSP ? -sp : p->off[m->base]);
	return *off == (i32)*off;
}

static void follow(struct frame_pointers *p, const struct insn *insn, const struct effect *e,
		   i64 sp)
{
	i64 off = 0;
	bool leads = e->kind == EFFECT_LEA && in_frame(p, &e->mem, sp, &off);

	for (u8 r = 0; r < 16; r++)
		p->known[r] &= insn->kind != INSN_CALL && !(e->writes >> r & 1);
	if (leads && e->reg < 16) {
		p->known[e->reg] = true;
		p->off[e->reg] = off;
	}
}

static void read_all(struct frame_stores *to, const struct go_program *prog,
		     const struct go_func *f, struct arena *keep)
{
	VEC(struct frame_store) list = { 0 };
	struct frame_pointers pointers = { 0 };
	struct arena a = { 0 };
	struct flow flow;
	struct effect e;
	struct err err;

	to->known = go_flow(prog, f, &a, &flow, &err);
	for (u32 i = 0; to->known && i < flow.n; i++) {
		const struct insn *insn = &flow.insns[i];
		i64 sp = go_pcvalue(prog, f, f->pcsp, f->pc + insn->at), off;

		if (insn->is_target)
			pointers = (struct frame_pointers){ 0 };
		effect_of(&flow, insn, &e);
		if (e.kind == EFFECT_STORE && in_frame(&pointers, &e.mem, sp, &off))
			*vec_push(&list) = (struct frame_store){ insn->at, (i32)off, e.size };
		else if (e.writes_memory && insn->in_frame)
			*vec_push(&list) = (struct frame_store){ .at = insn->at };
		follow(&pointers, insn, &e, sp);
	}
	to->n = (u32)list.n;
	to->at = arena_copy(keep, list.at, list.n * sizeof(*list.at));
	vec_release(&list);
	arena_release(&a);
}

const struct frame_stores *go_frame_stores(const struct go_program *prog, const struct go_func *f)
{
	struct go_program *p = (struct go_program *)prog;	/* a cache */
	u64 *at;

	if (!p->stores)
		p->stores = ARENA_NEW(&p->arena, struct map);
	at = map_put(p->stores, f->record);
	if (!*at) {
		struct frame_stores *s = ARENA_NEW(&p->arena, struct frame_stores);

		read_all(s, prog, f, &p->arena);
		*at = (uintptr_t)s;
	}
	return (const struct frame_stores *)(uintptr_t)*at;
}

/* The line that the asked call, or the function itself, stands in at an instruction; 0: it does
 * not. */
static i32 line_at(const struct stored *s, u32 at)
{
	struct go_frame frames[GO_FRAMES];
	size_t n = go_frames_at(s->prog, s->f, s->f->pc + at, frames);

	for (size_t i = 0; i < n; i++)
		if (frames[i].call == s->call)
			return frames[i].at.line;
	return 0;
}

void stored_begin(struct stored *s, const struct go_program *prog, const struct go_func *f, u64 pc,
		  i32 call, i32 line)
{
	struct err err;
	u32 at = 0;

	*s = (struct stored){ .prog = prog, .f = f, .call = call, .line = line };
	s->stores = go_frame_stores(prog, f);
	if (line <= 0 || !s->stores->known || !go_flow(prog, f, &s->a, &s->flow, &err))
		return;
	while (at < s->flow.n && pc - f->pc - s->flow.insns[at].at >= s->flow.insns[at].size)
		at++;
	s->insn = at;
	if (at == s->flow.n || s->flow.unresolved)
		s->flow.n = 0;
}

void stored_end(struct stored *s)
{
	arena_release(&s->a);
}

/* A walk over the instructions that control can get to: what is stored by then on each way. */
struct way {
	const struct flow *f;
	u64 *in;		/* by instruction */
	bool *seen;
	VEC(u32) todo;
};

static void way_begin(struct way *w, struct stored *s)
{
	*w = (struct way){ .f = &s->flow };
	w->in = ARENA_ARRAY(&s->a, u64, s->flow.n);
	w->seen = ARENA_ARRAY(&s->a, bool, s->flow.n);
}

static void way_to(struct way *w, i64 to, u64 stored)
{
	if (to < 0 || to >= w->f->n)
		return;
	stored = w->seen[to] ? w->in[to] & stored : stored;
	if (w->seen[to] && w->in[to] == stored)
		return;
	w->seen[to] = true;
	w->in[to] = stored;
	*vec_push(&w->todo) = (u32)to;
}

/* From one instruction on to those behind it. Which ones a table leads to is not kept: to all that
 * something other than a branch leads to. */
static void way_on(struct way *w, u32 at, u64 stored)
{
	const struct insn *i = &w->f->insns[at];

	if (insn_goes_on(i))
		way_to(w, at + 1, stored);
	if (i->kind == INSN_JCC || i->kind == INSN_JMP)
		way_to(w, flow_find(w->f, i->target), stored);
	for (u32 k = 0; i->kind == INSN_TABLE && k < w->f->n; k++)
		if (w->f->insns[k].indirect_target)
			way_to(w, k, stored);
}

/* A recovered panic gets to `call deferreturn` from anywhere. */
static void way_from_entry(struct way *w, const struct stored *s)
{
	way_to(w, 0, 0);
	if (s->f->deferreturn)
		way_to(w, flow_find(w->f, s->f->deferreturn), 0);
}

static bool way_next(struct way *w, u32 *at)
{
	if (!w->todo.n)
		return false;
	*at = w->todo.at[--w->todo.n];
	return true;
}

/* Stores of the variable, with their lines and instructions. */
struct own_store {
	u32 insn;
	i32 line;
	u64 bytes;		/* of the variable */
	bool must;		/* control can't get to where the function stands without it */
};

static u64 bits_of(const struct frame_store *store, i32 off)
{
	u64 bits = 0;

	for (i32 i = 0; i < store->size; i++)
		if (store->off + i - off >= 0 && store->off + i - off < STORED_MOST)
			bits |= 1ull << (store->off + i - off);
	return bits;
}

static size_t own_stores(struct stored *s, i32 off, i32 size, i32 declared, struct own_store **to)
{
	VEC(struct own_store) list = { 0 };
	size_t n;

	for (u32 i = 0; i < s->stores->n; i++) {
		const struct frame_store *store = &s->stores->at[i];
		i32 line;

		if (store->off >= off + size || store->off + store->size <= off || !store->size)
			continue;
		line = line_at(s, store->at);
		if (line >= declared)
			*vec_push(&list) = (struct own_store){
				.insn = (u32)flow_find(&s->flow, store->at), .line = line,
				.bytes = bits_of(store, off),
			};
	}
	n = list.n;
	*to = arena_copy(&s->a, list.at, n * sizeof(**to));
	vec_release(&list);
	return n;
}

static struct own_store *store_at(struct own_store *all, size_t n, u32 insn)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].insn == insn)
			return &all[i];
	return NULL;
}

static u64 stored_there(struct stored *s, struct own_store *all, size_t n)
{
	struct way w;
	u32 at;

	way_begin(&w, s);
	for (way_from_entry(&w, s); way_next(&w, &at);) {
		const struct own_store *own = store_at(all, n, at);

		way_on(&w, at, w.in[at] | (own ? own->bytes : 0));
	}
	vec_release(&w.todo);
	return w.seen[s->insn] ? w.in[s->insn] : 0;
}

static bool gets_there_without(struct stored *s, u32 without)
{
	struct way w;
	u32 at;

	way_begin(&w, s);
	for (way_from_entry(&w, s); !w.seen[s->insn] && way_next(&w, &at);)
		if (at != without)
			way_on(&w, at, 0);
	vec_release(&w.todo);
	return w.seen[s->insn];
}

/* Is one still to come of lines up to this one, before it is declared anew? */
static bool has_more(struct stored *s, struct own_store *all, size_t n)
{
	bool more = false;
	struct way w;
	u32 at;

	way_begin(&w, s);
	for (way_on(&w, s->insn, 0); !more && way_next(&w, &at);) {
		const struct own_store *own = store_at(all, n, at);

		if (own && own->must)
			continue;
		more = own && own->line <= s->line;
		way_on(&w, at, 0);
	}
	vec_release(&w.todo);
	return more;
}

bool stored_certainly(struct stored *s, i32 off, u64 bytes, i32 declared)
{
	i32 size = bytes ? 64 - __builtin_clzll(bytes) : 0;
	struct own_store *all;
	size_t n;

	if (!s->flow.n)
		return false;
	n = own_stores(s, off, size, declared, &all);
	if (bytes & ~stored_there(s, all, n))
		return false;
	for (size_t i = 0; i < n; i++)
		all[i].must = !gets_there_without(s, all[i].insn);
	return !has_more(s, all, n);
}
