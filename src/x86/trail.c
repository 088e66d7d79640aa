#include "x86/trail.h"

#include <string.h>

void trail_begin(struct trail *t, const struct flow *f)
{
	t->f = f;	/* the lists are large, and what is not in them yet is not looked at */
	t->next = TRAIL_BUFFER + 1;
	t->nslots = t->nsums = t->nstores = 0;
	t->behind = false;
	memset(t->constant, 0, sizeof(t->constant));
	for (u32 r = 0; r < GP_COUNT; r++)
		t->reg[r] = trail_fresh(t);
}

struct num trail_fresh(struct trail *t)
{
	return (struct num){ t->next++, 0 };
}

struct num trail_value(struct trail *t, u8 reg)
{
	return reg == GP_NONE ? (struct num){ 0, 0 } : t->reg[reg];
}

/* base + index * scale; which is which makes no difference where nothing is scaled. */
static struct num sum(struct trail *t, struct num base, struct num index, u8 scale)
{
	i64 off = base.off + index.off * scale;
	u32 a = scale == 1 ? MIN(base.id, index.id) : base.id;
	u32 b = scale == 1 ? MAX(base.id, index.id) : index.id;

	for (u32 i = 0; i < t->nsums; i++)
		if (t->sums[i].base == a && t->sums[i].index == b && t->sums[i].scale == scale)
			return (struct num){ t->sums[i].id, off };
	if (t->nsums == TRAIL_STORES)
		return trail_fresh(t);
	t->sums[t->nsums].base = a;
	t->sums[t->nsums].index = b;
	t->sums[t->nsums].scale = scale;
	t->sums[t->nsums].id = t->next++;
	return (struct num){ t->sums[t->nsums++].id, off };
}

/* Where a memory operand lies. */
struct num trail_place(struct trail *t, const struct memop *m)
{
	struct num base = trail_value(t, m->base);

	if (m->rip)
		return (struct num){ TRAIL_ORIGIN, m->disp };
	base.off += m->disp;
	return m->index == GP_NONE ? base : sum(t, base, trail_value(t, m->index), m->scale);
}

static bool in_frame(const struct memop *m)
{
	return m->base == GP_RSP && m->index == GP_NONE;
}

static struct slot_value *slot_at(struct trail *t, i64 at)
{
	for (u32 i = 0; i < t->nslots; i++)
		if (t->slots[i].at == at)
			return &t->slots[i];
	return NULL;
}

static void set_slot(struct trail *t, i64 at, struct num n)
{
	struct slot_value *s = slot_at(t, at);

	if (!s && t->nslots < TRAIL_SLOTS)
		s = &t->slots[t->nslots++];
	if (s)
		*s = (struct slot_value){ at, n };
}

static struct num load(struct trail *t, const struct effect *e)
{
	struct slot_value *s;
	struct num n;

	if (!in_frame(&e->mem) || e->size != 8)
		return trail_fresh(t);
	s = slot_at(t, e->mem.disp);
	if (s)
		return s->num;
	n = trail_fresh(t);
	set_slot(t, e->mem.disp, n);
	return n;
}

static void store(struct trail *t, const struct effect *e, u32 insn)
{
	struct num at = trail_place(t, &e->mem), v = trail_value(t, e->reg);
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
	if (e->size < 8 || t->nstores == TRAIL_STORES)
		return;
	t->values[t->nstores] = v;
	s = &t->stores[t->nstores++];
	*s = (struct word_store){
		.insn = insn, .base = at.id, .disp = at.off, .size = e->size, .behind = t->behind,
	};
	if (e->reg == GP_NONE || t->constant[v.id]) {
		s->source = WORD_CONST;
		s->value = e->reg == GP_NONE ? e->imm : v.off;
	} else if (v.id == TRAIL_ORIGIN) {
		s->source = WORD_ADDRESS;
		s->value = v.off;
	}
}

void trail_do(struct trail *t, u32 insn, const struct effect *e)
{
	struct num to = { 0 };

	switch (e->kind) {
	case EFFECT_STORE:
		store(t, e, insn);
		return;
	case EFFECT_MOVE:
		to = trail_value(t, e->from);
		break;
	case EFFECT_LEA:
		to = trail_place(t, &e->mem);
		break;
	case EFFECT_LOAD:
		to = load(t, e);
		break;
	case EFFECT_CONST:
		to = (struct num){ t->next, e->imm };
		t->constant[t->next++] = true;
		break;
	case EFFECT_ADD:
		to = trail_value(t, e->reg);
		to.off += e->imm;
		if (e->from != GP_NONE)
			to = sum(t, to, trail_value(t, e->from), 1);
		break;
	case EFFECT_PICK:
		to = trail_fresh(t);
		break;
	default:
		break;
	}
	for (u32 r = 0; r < GP_COUNT; r++)
		if (e->writes & 1u << r)
			t->reg[r] = e->kind != EFFECT_OTHER && r == e->reg ? to : trail_fresh(t);
	if (e->writes & 1u << GP_RSP)
		t->nslots = 0;
}

void trail_step(struct trail *t, u32 insn)
{
	struct effect e;

	effect_of(t->f, &t->f->insns[insn], &e);
	trail_do(t, insn, &e);
}

/* Every step takes a few numbers at most. */
bool trail_has_room(const struct trail *t)
{
	return t->next + GP_COUNT + 4 < TRAIL_NUMBERS;
}
