#include "x86/barrier.h"

#include "base/vec.h"

enum {
	BEFORE = 12,	/* instructions that are looked at before a check */
	BEHIND = 12,	/* ... and up to the first store behind it */
	MORE = 40,	/* ... and for further ones */
	JUMPS = 2,
	SLOTS = 24,
	NUMBERS = 160,
	STORES = 64,
	ORIGIN = 1,	/* the number that RIP-relative places count from */
};

/* A value: what it was made from, and how far away it is from that. */
struct num {
	u32 id;
	i64 off;
};

struct slot_value {
	i64 at;
	struct num num;
};

/* While a trace is followed. */
struct trace {
	const struct flow *f;
	struct num reg[GP_COUNT];
	struct slot_value slots[SLOTS];
	u32 nslots;
	u32 next;	/* number that is given next */
	/* bases that have an index: (base, index, scale) -> number */
	struct { u32 base, index; u8 scale; u32 id; } sums[STORES];
	u32 nsums;
	bool constant[NUMBERS];	/* off is the value itself */
	struct word_store stores[STORES];
	u32 nstores;
	bool behind;
};

static struct num fresh(struct trace *t)
{
	return (struct num){ t->next++, 0 };
}

static struct num value_of(struct trace *t, u8 reg)
{
	return reg == GP_NONE ? (struct num){ 0, 0 } : t->reg[reg];
}

/* base + index * scale; which is which makes no difference where nothing is scaled. */
static struct num sum(struct trace *t, struct num base, struct num index, u8 scale)
{
	i64 off = base.off + index.off * scale;
	u32 a = scale == 1 ? MIN(base.id, index.id) : base.id;
	u32 b = scale == 1 ? MAX(base.id, index.id) : index.id;

	for (u32 i = 0; i < t->nsums; i++)
		if (t->sums[i].base == a && t->sums[i].index == b && t->sums[i].scale == scale)
			return (struct num){ t->sums[i].id, off };
	if (t->nsums == STORES)
		return fresh(t);
	t->sums[t->nsums].base = a;
	t->sums[t->nsums].index = b;
	t->sums[t->nsums].scale = scale;
	t->sums[t->nsums].id = t->next++;
	return (struct num){ t->sums[t->nsums++].id, off };
}

/* Where a memory operand lies. */
static struct num place_of(struct trace *t, const struct memop *m)
{
	struct num base = value_of(t, m->base);

	if (m->rip)
		return (struct num){ ORIGIN, m->disp };
	base.off += m->disp;
	return m->index == GP_NONE ? base : sum(t, base, value_of(t, m->index), m->scale);
}

static bool in_frame(const struct memop *m)
{
	return m->base == GP_RSP && m->index == GP_NONE;
}

static struct slot_value *slot_at(struct trace *t, i64 at)
{
	for (u32 i = 0; i < t->nslots; i++)
		if (t->slots[i].at == at)
			return &t->slots[i];
	return NULL;
}

static void set_slot(struct trace *t, i64 at, struct num n)
{
	struct slot_value *s = slot_at(t, at);

	if (!s && t->nslots < SLOTS)
		s = &t->slots[t->nslots++];
	if (s)
		*s = (struct slot_value){ at, n };
}

static struct num load(struct trace *t, const struct effect *e)
{
	struct slot_value *s;
	struct num n;

	if (!in_frame(&e->mem) || e->size != 8)
		return fresh(t);
	s = slot_at(t, e->mem.disp);
	if (s)
		return s->num;
	n = fresh(t);
	set_slot(t, e->mem.disp, n);
	return n;
}

static void store(struct trace *t, const struct effect *e, u32 insn)
{
	struct num at = place_of(t, &e->mem), v = value_of(t, e->reg);
	struct word_store *s;

	if (e->mem.base == GP_RSP) {
		if (!in_frame(&e->mem)) {
			t->nslots = 0;
			return;
		}
		for (u32 i = t->nslots; i-- > 0;)	/* what it overwrites in part or whole */
			if (t->slots[i].at < e->mem.disp + e->size &&
			    e->mem.disp < t->slots[i].at + 8)
				t->slots[i] = t->slots[--t->nslots];
		if (e->size == 8 && e->reg != GP_NONE)
			set_slot(t, e->mem.disp, v);
		return;
	}
	if (e->size < 8 || t->nstores == STORES)
		return;
	s = &t->stores[t->nstores++];
	*s = (struct word_store){
		.insn = insn, .base = at.id, .disp = at.off, .size = e->size, .behind = t->behind,
	};
	if (e->reg == GP_NONE || t->constant[v.id]) {
		s->source = WORD_CONST;
		s->value = e->reg == GP_NONE ? e->imm : v.off;
	} else if (v.id == ORIGIN) {
		s->source = WORD_ADDRESS;
		s->value = v.off;
	}
}

static void step(struct trace *t, u32 insn)
{
	struct effect e;
	struct num to = { 0 };

	effect_of(t->f, &t->f->insns[insn], &e);
	switch (e.kind) {
	case EFFECT_STORE:
		store(t, &e, insn);
		return;
	case EFFECT_MOVE:
		to = value_of(t, e.from);
		break;
	case EFFECT_LEA:
		to = place_of(t, &e.mem);
		break;
	case EFFECT_LOAD:
		to = load(t, &e);
		break;
	case EFFECT_CONST:
		to = (struct num){ t->next, e.imm };
		t->constant[t->next++] = true;
		break;
	case EFFECT_ADD:
		to = value_of(t, e.reg);
		to.off += e.imm;
		if (e.from != GP_NONE)
			to = sum(t, to, value_of(t, e.from), 1);
		break;
	case EFFECT_PICK:
		to = fresh(t);
		break;
	default:
		break;
	}
	for (u32 r = 0; r < GP_COUNT; r++)
		if (e.writes & 1u << r)
			t->reg[r] = e.kind != EFFECT_OTHER && r == e.reg ? to : fresh(t);
	if (e.writes & 1u << GP_RSP)
		t->nslots = 0;
}

/* Every step takes a few numbers at most. */
static bool has_room(const struct trace *t)
{
	return t->next + GP_COUNT + 4 < NUMBERS;
}

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

/* From the jcc on; behind the first store at most MORE instructions. */
static void follow(struct trace *t, u32 k)
{
	u32 jumps = 0;

	for (u32 n = 0; k < t->f->n && n < (t->nstores ? MORE : BEHIND) && has_room(t); n++) {
		const struct insn *i = &t->f->insns[k];

		if (i->kind == INSN_JMP && jumps++ < JUMPS) {
			i64 to = flow_find(t->f, i->target);

			if (to < 0)
				return;
			k = (u32)to;
			continue;
		}
		if (ends_block(i) || i->kind == INSN_JCC)
			return;
		step(t, k++);
	}
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

static void read_check(const struct flow *f, u32 cmp, u32 jcc, bool equal, struct arena *a,
		       struct barrier *b)
{
	struct trace t = { .f = f, .next = ORIGIN + 1 };
	i64 taken = flow_find(f, f->insns[jcc].target);

	*b = (struct barrier){ .insn = cmp, .jcc = jcc };
	for (u32 r = 0; r < GP_COUNT; r++)
		t.reg[r] = fresh(&t);
	for (u32 k = begin_of(f, cmp); k < cmp && has_room(&t); k++)
		step(&t, k);
	b->nbefore = t.nstores;
	t.behind = true;
	if (!equal || taken >= 0)
		follow(&t, equal ? (u32)taken : jcc + 1);
	b->nstores = t.nstores;
	b->stores = arena_copy(a, t.stores, t.nstores * sizeof(*t.stores));
}

u32 barriers_find(const struct flow *f, i64 flag, struct arena *a, struct barrier **to)
{
	VEC(struct barrier) list = { 0 };
	u32 n;

	for (u32 k = 0; k < f->n; k++) {
		bool equal;
		i64 at;
		u32 jcc;

		if (barrier_flag(f, k, &at) && at == flag && (jcc = jcc_of(f, k, &equal)))
			read_check(f, k, jcc, equal, a, vec_push(&list));
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

/* The other words of a value, of which rest is one, in stores[from, to). */
static bool fit(const struct barrier *b, u32 from, u32 to, const struct word_store *rest,
		struct tear *t)
{
	const struct word_store *len = last(b, from, to, rest->base, rest->disp + 8);
	const struct word_store *cap = last(b, from, to, rest->base, rest->disp + 16);
	const struct word_store *type = last(b, from, to, rest->base, rest->disp - 8);

	*t = (struct tear){ .half = len, .rest = rest, .then = 1 };
	if (rest->size != 8)
		return false;
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
