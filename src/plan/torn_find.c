#include "plan/torn_find.h"

#include <Zydis/Zydis.h>
#include <inttypes.h>

enum { GROUPS = 24, VALUES = 48, PIECES = 12 };

/* Stores that have one base: where it leads. */
struct group {
	u32 base;
	struct go_memory memory;	/* off: of the base itself */
	bool copied;			/* only the structure is known that is copied there */
};

/* A value of several words, by type. */
struct value {
	const struct group *group;
	struct go_part part;
	i64 disp;			/* where it begins, from the base */
	u8 before, behind;		/* words that are stored */
	const struct word_store *stores[PIECES];	/* in order */
	u32 nstores;
};

struct finding {
	struct place_finder *p;
	const struct barrier *b;
	struct group groups[GROUPS];
	u32 ngroups;
	struct value values[VALUES];
	u32 nvalues;
	struct found_tear *to;
	u32 n;
};

/* The structure that is copied over where s stores to. */
static struct go_memory copied_at(struct finding *f, const struct word_store *s)
{
	for (u32 i = 0; i < f->b->ncalls; i++) {
		const struct barrier_call *c = &f->b->calls[i];
		struct go_type *t = c->base == s->base && c->disp <= s->disp ?
				    copied_type(f->p, c->insn) : NULL;

		if (t && (u64)(s->disp - c->disp) < t->size)
			return (struct go_memory){ .t = t, .off = s->disp - c->disp };
	}
	return (struct go_memory){ 0 };
}

static const struct group *group_of(struct finding *f, const struct word_store *s)
{
	const struct effect *e = origins_effect(&f->p->origins, s->insn);
	struct go_memory m;
	struct group *g;
	bool copied;

	for (u32 i = 0; i < f->ngroups && !e->mem.rip; i++)
		if (f->groups[i].base == s->base &&
		    (!f->b->ncalls || (f->groups[i].memory.t && !f->groups[i].copied)))
			return &f->groups[i];
	m = memory_at(f->p, origin_of_place(&f->p->origins, s->insn, &e->mem));
	copied = !m.t;
	if (copied)
		m = copied_at(f, s);
	m.off -= s->disp;
	/* one base, but each variable is a memory of its own */
	for (u32 i = 0; i < f->ngroups; i++)
		if (f->groups[i].base == s->base && f->groups[i].memory.t == m.t &&
		    f->groups[i].memory.off == m.off)
			return &f->groups[i];
	if (f->ngroups == GROUPS)
		return NULL;
	g = &f->groups[f->ngroups++];
	*g = (struct group){ s->base, m, copied };
	return g;
}

static bool kind_of(const struct go_type *t, enum torn_kind *kind)
{
	switch (t->kind) {
	case GO_STRING:
		*kind = TORN_STRING;
		return true;
	case GO_SLICE:
		*kind = TORN_SLICE;
		return true;
	case GO_INTERFACE:
		*kind = TORN_INTERFACE;
		return true;
	default:
		return false;
	}
}

static struct value *value_at(struct finding *f, const struct group *g, struct go_part part)
{
	i64 disp = part.at - g->memory.off;
	struct value *v;

	for (u32 i = 0; i < f->nvalues; i++)
		if (f->values[i].group == g && f->values[i].disp == disp)
			return &f->values[i];
	if (f->nvalues == VALUES)
		return NULL;
	v = &f->values[f->nvalues++];
	v->group = g;
	v->part = part;
	v->disp = disp;
	v->before = v->behind = 0;
	v->nstores = 0;
	return v;
}

static void note(struct finding *f, const struct group *g, const struct word_store *s)
{
	for (i64 word = 0; word < s->size; word += 8) {
		struct go_memory m = g->memory;
		struct go_part part;
		enum torn_kind kind;
		struct value *v;
		u8 bit;

		m.off += s->disp + word;
		if (!memory_part(f->p, &m, &part) || !kind_of(part.t, &kind) ||
		    (m.off - part.at) % 8 || !(v = value_at(f, g, part)))
			continue;
		bit = (u8)(1u << (m.off - part.at) / 8);
		if (s->behind)
			v->behind |= bit;
		else
			v->before |= bit;
		if (v->nstores < PIECES && (!v->nstores || v->stores[v->nstores - 1] != s))
			v->stores[v->nstores++] = s;
	}
}

static u8 words_of(const struct value *v, const struct word_store *s)
{
	u8 words = 0;

	for (u32 k = 0; k < v->part.t->size / 8; k++)
		if (s->disp <= v->disp + 8 * k && v->disp + 8 * k + 8 <= s->disp + s->size)
			words |= (u8)(1u << k);
	return words;
}

static struct str name_of(const struct finding *f, const struct value *v)
{
	struct go_memory m = v->group->memory;

	m.off += v->disp;
	return memory_name(f->p, &m, f->p->a);
}

static struct found_tear *add(struct finding *f)
{
	return f->n < FOUND_TEARS ? &f->to[f->n++] : NULL;
}

/* The check stands between its words. */
static void add_split(struct finding *f, const struct value *v)
{
	struct tear t = { .insn = f->b->insn, .first = v->before & ~v->behind, .then = v->behind };
	struct found_tear *to;

	if (!t.first || !t.then || !kind_of(v->part.t, &t.kind))
		return;
	if (t.kind == TORN_SLICE && t.first == 4) {
		t.kind = TORN_APPEND;
		t.then |= 3;
	}
	for (u32 i = 0; i < v->nstores; i++) {
		if (!v->stores[i]->behind && words_of(v, v->stores[i]) & t.first)
			t.half = v->stores[i];
		if (v->stores[i]->behind && !t.rest)
			t.rest = v->stores[i];
	}
	if (f->n && !f->to[0].tear.pair) {	/* one gap, several values */
		f->to[0].object = str_fmt(f->p->a, "%.*s, %.*s", STR_F(f->to[0].object),
					  STR_F(name_of(f, v)));
		return;
	}
	to = add(f);
	if (to)
		*to = (struct found_tear){ t, TORN_CERTAIN, name_of(f, v) };
}

/* All of it lies behind the check: the gap is before the pointer's store, or behind it where that
 * is the first. */
static void add_pair(struct finding *f, const struct value *v)
{
	struct tear t = { .pair = true };
	struct found_tear *to;
	u32 gap = 1;
	u8 all;

	if (v->before || v->nstores < 2 || !kind_of(v->part.t, &t.kind))
		return;
	all = t.kind == TORN_SLICE ? 7 : 3;
	for (u32 i = 1; i < v->nstores && t.kind != TORN_INTERFACE; i++)
		if (words_of(v, v->stores[i]) & 1)
			gap = i;
	for (u32 i = 0; i < v->nstores; i++)
		*(i < gap ? &t.first : &t.then) |= words_of(v, v->stores[i]);
	t.then &= (u8)~t.first;
	/* a word that is missing is stored elsewhere, and the gap is there */
	if (!t.first || !t.then || (t.first | t.then) != all || !(to = add(f)))
		return;
	t.half = v->stores[gap - 1];
	t.rest = v->stores[gap];
	t.insn = t.rest->insn;
	*to = (struct found_tear){ t, TORN_CERTAIN, name_of(f, v) };
}

/* What the types of the values that are stored say about a guess. */
enum opinion { NO, PERHAPS, YES };

static bool is_rodata(const struct finding *f, u64 va)
{
	const struct moduledata *md = &f->p->prog->md;

	return va >= md->rodata_va && va < md->noptrdata_va;
}

static u64 value_va(const struct finding *f, const struct word_store *s)
{
	return go_func_va(f->p->prog, f->p->func) + (u64)s->value;
}

/* The part that the stored value is a word of. */
static bool source_part(struct finding *f, const struct word_store *s, struct go_part *part,
			unsigned *word)
{
	const struct effect *e = origins_effect(&f->p->origins, s->insn);

	return e->reg != GP_NONE && e->reg < GP_XMM0 && s->source == WORD_UNKNOWN &&
	       value_part(f->p, origin_of(&f->p->origins, s->insn, e->reg), part, word);
}

static const struct go_param *source_param(struct finding *f, const struct word_store *s,
					   unsigned *word)
{
	const struct effect *e = origins_effect(&f->p->origins, s->insn);

	*word = 0;
	if (e->reg == GP_NONE || e->reg >= GP_XMM0 || s->source != WORD_UNKNOWN)
		return NULL;
	return value_param(f->p, origin_of(&f->p->origins, s->insn, e->reg), word);
}

/* Without types: words of one parameter belong together, those of two hardly do. */
static enum opinion on_shapes(struct finding *f, const struct tear *t)
{
	unsigned a, b, words = t->kind == TORN_SLICE ? 3 : 2;
	const struct go_param *half = source_param(f, t->half, &a);
	const struct go_param *rest = source_param(f, t->rest, &b);

	if (!half || !rest)
		return rest && !rest->aggregate && t->half->source == WORD_UNKNOWN ? NO : PERHAPS;
	if (half != rest)
		return rest->aggregate ? PERHAPS : NO;	/* s[:n] */
	if (!half->aggregate || half->size != 8 * words)
		return PERHAPS;
	return t->kind == TORN_INTERFACE ? (!a && b == 1 ? YES : NO) : (a && !b ? YES : NO);
}

static bool is_list(const struct go_type *t)
{
	return t->kind == GO_STRING || t->kind == GO_SLICE;
}

static enum opinion on_interface(struct finding *f, const struct tear *t)
{
	struct go_part part;
	unsigned word;

	if (t->half->source == WORD_ADDRESS)
		return is_type_word(f->p, value_va(f, t->half)) ? YES : NO;
	if (t->half->source == WORD_CONST)
		return t->half->value ? NO : PERHAPS;
	if (source_part(f, t->half, &part, &word))
		return part.t->kind == GO_INTERFACE && !word ? YES : NO;
	if (source_part(f, t->rest, &part, &word))
		return part.t->kind == GO_INTERFACE ? (word ? YES : NO) :
		       is_list(part.t) ? NO : PERHAPS;
	return PERHAPS;
}

static enum opinion on_list(struct finding *f, const struct tear *t)
{
	bool constant = t->half->source == WORD_CONST;
	struct go_part half, rest;
	bool know_half, know_rest;
	unsigned word;

	if (t->rest->source == WORD_ADDRESS)
		return constant && is_rodata(f, value_va(f, t->rest)) ? YES : PERHAPS;
	if (t->half->source == WORD_ADDRESS)
		return NO;
	know_rest = source_part(f, t->rest, &rest, &word);
	if (know_rest && is_list(rest.t))
		return word ? NO : YES;
	know_half = source_part(f, t->half, &half, &word);
	if (know_half && is_list(half.t) && word)
		return YES;
	if (know_half && (half.t->kind < GO_INT || half.t->kind > GO_UINTPTR))
		return NO;
	return know_rest && !constant ? NO : PERHAPS;
}

static enum opinion opinion_on(struct finding *f, const struct tear *t)
{
	enum opinion o = t->kind == TORN_INTERFACE ? on_interface(f, t) : on_list(f, t);

	return o == PERHAPS ? on_shapes(f, t) : o;
}

static bool is_typed(struct finding *f, const struct word_store *s)
{
	const struct group *g = group_of(f, s);

	return !g || g->memory.t;
}

/* `[rax+rcx*8+0x10]` */
static struct str operand(struct finding *f, u32 insn)
{
	const struct effect *e = origins_effect(&f->p->origins, insn);
	struct arena *a = f->p->a;
	const char *base, *index;

	if (e->mem.rip)
		return str_fmt(a, "[0x%" PRIx64 "]", f->p->origins.f->va + (u64)e->mem.disp);
	base = e->mem.base == GP_NONE ? "" :
	       ZydisRegisterGetString((ZydisRegister)(ZYDIS_REGISTER_RAX + e->mem.base));
	if (e->mem.index == GP_NONE)
		return str_fmt(a, e->mem.disp < 0 ? "[%s-0x%" PRIx64 "]" :
			       e->mem.disp ? "[%s+0x%" PRIx64 "]" : "[%s]", base,
			       (u64)(e->mem.disp < 0 ? -e->mem.disp : e->mem.disp));
	index = ZydisRegisterGetString((ZydisRegister)(ZYDIS_REGISTER_RAX + e->mem.index));
	return str_fmt(a, "[%s+%s*%u%s0x%" PRIx64 "]", base, index, e->mem.scale,
		       e->mem.disp < 0 ? "-" : "+",
		       (u64)(e->mem.disp < 0 ? -e->mem.disp : e->mem.disp));
}

/* What the collector is told of both fits. */
static bool is_told(const struct tear *t)
{
	return t->rest->pointer == POINTER_YES && t->half->pointer == POINTER_NO;
}

static struct found_tear guess(struct finding *f, const struct tear *t, enum opinion o)
{
	return (struct found_tear){ *t, o == YES ? TORN_LIKELY : TORN_POSSIBLE,
				    operand(f, t->rest->insn) };
}

static void guess_split(struct finding *f)
{
	const struct barrier *b = f->b;
	const struct word_store *half = NULL;
	bool typed = f->n && !f->to[0].tear.pair;

	for (u32 i = b->nbefore; i < b->nstores && !typed; i++) {
		struct tear t;
		enum opinion o;

		if (is_typed(f, &b->stores[i]) || !barrier_tear(b, i, &t) || t.half == half)
			continue;
		o = opinion_on(f, &t);
		/* by its place alone only the pointer that the check is for, or one of them */
		if (o == NO || (o == PERHAPS && i != b->nbefore &&
				!(is_told(&t) && t.kind != TORN_INTERFACE)))
			continue;
		half = t.half;
		if (f->n)
			f->to[0].object = str_fmt(f->p->a, "%.*s, %.*s", STR_F(f->to[0].object),
						  STR_F(operand(f, t.rest->insn)));
		else
			*add(f) = guess(f, &t, o);	/* the first of all */
	}
}

/* By its place alone only what the collector is told to be a pointer, behind what it is told not to
 * be one; else a pointer right behind its length. */
static bool believe_pair(enum opinion o, const struct tear *t)
{
	return o == YES || (o == PERHAPS && (is_told(t) || (t->kind != TORN_INTERFACE &&
							    t->half + 1 == t->rest)));
}

static void guess_pairs(struct finding *f)
{
	const struct barrier *b = f->b;

	for (u32 i = b->nbefore + 1; i < b->nstores; i++) {
		struct found_tear *to;
		enum opinion o;
		struct tear t;

		if (is_typed(f, &b->stores[i]) || !barrier_pair(b, i, &t))
			continue;
		o = opinion_on(f, &t);
		if (believe_pair(o, &t) && (to = add(f)))
			*to = guess(f, &t, o);
	}
}

u32 torn_find_at(struct place_finder *p, const struct barrier *b, struct found_tear *to)
{
	struct finding f;	/* large, and mostly not used */

	f.p = p;
	f.b = b;
	f.to = to;
	f.n = f.ngroups = f.nvalues = 0;

	for (u32 i = 0; i < b->nstores; i++) {
		const struct group *g = group_of(&f, &b->stores[i]);

		if (g && g->memory.t)
			note(&f, g, &b->stores[i]);
	}
	for (u32 i = 0; i < f.nvalues; i++)
		add_split(&f, &f.values[i]);
	guess_split(&f);
	for (u32 i = 0; i < f.nvalues; i++)
		add_pair(&f, &f.values[i]);
	guess_pairs(&f);
	return f.n;
}
