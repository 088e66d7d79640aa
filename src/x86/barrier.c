#include "x86/barrier.h"

#include "base/vec.h"
#include "x86/shade.h"

enum {
	BEFORE = 12,	/* instructions that are looked at before a check */
	BEHIND = 12,	/* ... and up to the first store behind it */
	MORE = 40,	/* ... and for further ones */
	JUMPS = 2,
};

static bool ends_block(const struct insn *i)
{
	return i->kind == INSN_CALL || !insn_goes_on(i);
}

static u32 begin_of(const struct flow *f, u32 cmp)
{
	u32 k = cmp;

	while (k && cmp - k < BEFORE && !(k != cmp && f->insns[k].is_target) &&
	       !ends_block(&f->insns[k - 1]))
		k--;
	return k;
}

/* From the jcc on; behind the first store at most MORE instructions. Where it ended before its
 * time; UINT32_MAX: it did not. */
static u32 follow(struct trail *t, u32 k)
{
	u32 jumps = 0;

	for (u32 n = 0; k < t->f->n; n++) {
		const struct insn *i = &t->f->insns[k];

		if (i->kind == INSN_JMP && jumps++ < JUMPS) {
			i64 to = flow_find(t->f, i->target);

			if (to < 0)
				return k;
			k = (u32)to;
			continue;
		}
		if (ends_block(i) || i->kind == INSN_JCC)
			return UINT32_MAX;
		if (n >= (t->nstores ? MORE : BEHIND) || !trail_has_room(t))
			return k;
		trail_step(t, k++);
	}
	return k;
}

bool barrier_flag(const struct flow *f, u32 insn, i64 *flag)
{
	const struct insn *i = &f->insns[insn];
	const u8 *p = f->bytes + i->at;

	if (i->size != 7 || p[0] != 0x83 || p[1] != 0x3d || p[6])
		return false;
	*flag = flow_rip_target(f, i);
	return true;
}

/* The je or jne behind it; 0 if there is none. */
static u32 jcc_of(const struct flow *f, u32 k, bool *equal)
{
	const u8 *p;

	while (++k < f->n && f->insns[k].kind == INSN_NOP)
		;
	if (k >= f->n || f->insns[k].kind != INSN_JCC)
		return 0;
	p = f->bytes + f->insns[k].at;
	*equal = p[0] == 0x74 || (p[0] == 0x0f && p[1] == 0x84);
	return *equal || p[0] == 0x75 || (p[0] == 0x0f && p[1] == 0x85) ? k : 0;
}

/* What is known of a function's stores from its checks so far. */
struct told {
	u8 *seen;	/* by instruction: enum word_pointer, + 1; 0: behind no check */
	u32 cut;	/* stores from here on may be the last check's */
};

static void mark(struct told *told, struct trail *t, const struct shades *s, u32 nbefore)
{
	for (u32 i = 0; i < nbefore; i++) {
		struct word_store *w = &t->stores[i];

		if (told->seen[w->insn])
			w->pointer = told->seen[w->insn] - 1;
		else if (w->insn < told->cut)
			shades_mark_before(s, t, i);
	}
	shades_mark(s, t, nbefore);
	for (u32 i = nbefore; i < t->nstores; i++)
		told->seen[t->stores[i].insn] = t->stores[i].pointer + 1;
}

static void read_check(const struct flow *f, u32 cmp, u32 jcc, bool equal, struct told *told,
		       struct arena *a, struct barrier *b)
{
	struct trail t;
	struct shades shades;
	i64 taken = flow_find(f, f->insns[jcc].target);
	u32 fast = equal ? (u32)taken : jcc + 1, slow = equal ? jcc + 1 : (u32)taken;
	u32 cut = UINT32_MAX;

	*b = (struct barrier){ .insn = cmp, .jcc = jcc };
	trail_begin(&t, f);
	shades_begin(&shades);
	for (u32 k = begin_of(f, cmp); k < cmp && trail_has_room(&t); k++)
		trail_step(&t, k);
	b->nbefore = t.nstores;
	t.behind = true;
	if (taken >= 0 && jcc + 1 < f->n)
		shades_read(&shades, &t, slow, fast);
	if (!equal || taken >= 0)
		cut = follow(&t, fast);
	mark(told, &t, &shades, b->nbefore);
	told->cut = cut;
	b->ncalls = shades.ncalls;
	b->calls = arena_copy(a, shades.calls, shades.ncalls * sizeof(*shades.calls));
	b->nstores = t.nstores;
	b->stores = arena_copy(a, t.stores, t.nstores * sizeof(*t.stores));
}

u32 barriers_find(const struct flow *f, i64 flag, struct arena *a, struct barrier **to)
{
	VEC(struct barrier) list = { 0 };
	struct told told = { ARENA_ARRAY(a, u8, f->n + 1), UINT32_MAX };
	u32 n;

	for (u32 k = 0; k < f->n; k++) {
		bool equal;
		i64 at;
		u32 jcc;

		if (barrier_flag(f, k, &at) && at == flag && (jcc = jcc_of(f, k, &equal)))
			read_check(f, k, jcc, equal, &told, a, vec_push(&list));
	}
	n = (u32)list.n;
	*to = arena_copy(a, list.at, n * sizeof(*list.at));
	vec_release(&list);
	return n;
}

/* The last of stores[from, to) that writes the word at `disp` of the base. */
static const struct word_store *last(const struct barrier *b, u32 from, u32 to, u32 base, i64 disp)
{
	for (u32 i = to; i-- > from;) {
		const struct word_store *s = &b->stores[i];

		if (s->base == base && s->disp <= disp && disp + 8 <= s->disp + s->size)
			return s;
	}
	return NULL;
}

static const struct word_store *number(const struct word_store *s)
{
	return s && s->pointer != POINTER_YES ? s : NULL;
}

/* The other words of a value, of which rest is one, in stores[from, to). */
static bool fit(const struct barrier *b, u32 from, u32 to, const struct word_store *rest,
		struct tear *t)
{
	const struct word_store *len = last(b, from, to, rest->base, rest->disp + 8);
	const struct word_store *cap = last(b, from, to, rest->base, rest->disp + 16);
	const struct word_store *type = last(b, from, to, rest->base, rest->disp - 8);

	if (rest->size != 8 || rest->pointer == POINTER_NO)
		return false;
	len = number(len);
	cap = number(cap);
	type = number(type);
	*t = (struct tear){ .half = len, .rest = rest, .then = 1 };
	if (len && cap) {
		t->half = cap > len ? cap : len;
		t->kind = TORN_SLICE;
		t->first = 6;
	} else if (len) {
		t->kind = TORN_STRING;
		t->first = 2;
	} else if (cap) {
		t->half = cap;
		t->kind = TORN_APPEND;
		t->first = 4;
		t->then = 3;
	}
	/* both sides may fit: the nearer store is the other half */
	if (type && type->size == 8 && (!t->half || type > t->half)) {
		t->half = type;
		t->kind = TORN_INTERFACE;
		t->first = 1;
		t->then = 2;
	}
	return t->half;
}

bool barrier_tear(const struct barrier *b, u32 behind, struct tear *to)
{
	if (!fit(b, 0, b->nbefore, &b->stores[behind], to))
		return false;
	to->insn = b->insn;
	return true;
}

bool barrier_pair(const struct barrier *b, u32 second, struct tear *to)
{
	if (!fit(b, b->nbefore, second, &b->stores[second], to) || to->kind == TORN_APPEND)
		return false;
	to->insn = to->rest->insn;
	to->pair = true;
	return true;
}

enum flags_use { FLAGS_READ, FLAGS_DEAD, FLAGS_ON };

static enum flags_use flags_at(const struct flow *f, const struct insn *i)
{
	struct effect e;

	if (i->kind == INSN_CALL || i->kind == INSN_RET || i->kind == INSN_TAIL ||
	    i->kind == INSN_TRAP || i->kind == INSN_TABLE)
		return FLAGS_DEAD;	/* no call and no return passes flags on */
	effect_of(f, i, &e);
	return e.reads_flags ? FLAGS_READ : e.kills_flags ? FLAGS_DEAD : FLAGS_ON;
}

bool flags_live_at(const struct flow *f, u32 insn, struct arena *a)
{
	u32 *todo, n = 0;
	bool *seen;

	if (f->unresolved)
		return true;
	for (; insn < f->n && f->insns[insn].kind != INSN_JMP; insn++) {
		enum flags_use use = flags_at(f, &f->insns[insn]);

		if (use != FLAGS_ON)	/* nearly always, without a branch */
			return use == FLAGS_READ;
		if (f->insns[insn].kind == INSN_JCC)	/* jrcxz */
			break;
	}
	seen = ARENA_ARRAY(a, bool, f->n + 1);
	todo = ARENA_ARRAY(a, u32, f->n + 1);
	if (insn == f->n)
		return true;
	todo[n++] = insn;
	seen[insn] = true;
	while (n) {
		u32 k = todo[--n];
		const struct insn *i = &f->insns[k];
		enum flags_use use = flags_at(f, i);
		i64 to[2] = { k + 1, -1 };

		if (use == FLAGS_READ)
			return true;
		if (use == FLAGS_DEAD)
			continue;
		if (i->kind == INSN_JMP)
			to[0] = -1;
		if (i->kind == INSN_JMP || i->kind == INSN_JCC)
			to[1] = flow_find(f, i->target);
		for (u32 j = 0; j < ARRAY_LEN(to); j++)
			if (to[j] >= 0 && to[j] < f->n && !seen[to[j]]) {
				seen[to[j]] = true;
				todo[n++] = (u32)to[j];
			}
	}
	return false;
}
