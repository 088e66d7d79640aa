#include "x86/origin.h"

#include "x86/point.h"

enum {
	SAME_DEPTH = 16,
	SLOT = 1 << 30,	/* keys around it are places in the frame: SLOT + distance from RSP */
	FAR = 1 << 28,
};

static const struct origin unknown = { .kind = ORIGIN_UNKNOWN };

/* Behind the frame's making and before the call of morestack: there SP stays as it is but for the
 * ways out, if the frame is made as usual. */
static void find_body(struct origins *o)
{
	u32 check = stack_check_of(o->f), subs = 0, body = 0;
	i64 tail = check ? flow_find(o->f, o->f->insns[check - 1].target) : o->f->n;

	for (u32 k = 0; k < tail; k++) {
		const struct insn *i = &o->f->insns[k];
		const u8 *p = o->f->bytes + i->at;

		if (i->size > 3 && p[0] == 0x48 && (p[1] & 0xfd) == 0x81 && p[2] == 0xec) {
			subs++;			/* sub rsp, n */
			body = k + 1;
		} else if ((p[0] & 0xf8) == 0x50 && body) {
			return;			/* push behind it */
		}
	}
	if (subs == 1) {
		o->body = body;
		o->tail = (u32)tail;
	}
}

static void note_spill(struct origins *o, u32 k)
{
	const struct effect *e = origins_effect(o, k);
	i64 size = e->size ? e->size : 64, at = e->mem.disp & ~7ll;

	if (!e->writes_memory || e->mem.base != GP_RSP || e->mem.index != GP_NONE)
		return;
	if (e->kind == EFFECT_STORE && e->size == 8 && e->reg < GP_XMM0 && at == e->mem.disp &&
	    !map_get(&o->spills, (u64)at)) {
		*map_put(&o->spills, (u64)at) = k + 1;
		return;
	}
	for (; at < e->mem.disp + size; at += 8)
		*map_put(&o->spills, (u64)at) = 0;
}

/* mov from memory and lea, which are most of what names a place in the frame. */
static bool only_reads(const u8 *p)
{
	p += (*p & 0xf0) == 0x40;
	return *p == 0x8b || *p == 0x8d;
}

static void find_spills(struct origins *o)
{
	o->have_spills = true;
	find_body(o);
	for (u32 k = o->body; k < o->tail; k++)
		if (o->f->insns[k].kind == INSN_PLAIN && o->f->insns[k].in_frame &&
		    !only_reads(o->f->bytes + o->f->insns[k].at))
			note_spill(o, k);
}

/* Most places in the frame are stored to once, and whoever loads from there gets that: that
 * instruction's number, from 1 on; else 0. */
static u32 only_store(struct origins *o, u32 insn, i64 key)
{
	const u64 *k;

	if (!o->have_spills)
		find_spills(o);
	if (insn < o->body || insn >= o->tail)
		return 0;
	k = map_get(&o->spills, (u64)(key - SLOT));
	return k ? (u32)*k : 0;
}

void origins_begin(struct origins *o, const struct flow *f, struct arena *a,
		   bool (*keeps)(const void *ctx, i64 target), const void *ctx)
{
	*o = (struct origins){ .f = f, .a = a, .keeps = keeps, .ctx = ctx };
	o->effects = ARENA_ARRAY(a, struct effect *, f->n + 1);
	o->touches = ARENA_ARRAY(a, u64, f->n + 1);
	o->branch = ARENA_ARRAY(a, u32, f->n + 1);
	o->next = ARENA_ARRAY(a, u32, f->n + 1);
	for (u32 k = f->n; k-- > 0;) {
		bool branches = f->insns[k].kind == INSN_JCC || f->insns[k].kind == INSN_JMP;
		i64 to = branches ? flow_find(f, f->insns[k].target) : -1;

		if (f->insns[k].kind == INSN_TABLE) {
			o->next[k] = o->table;
			o->table = k + 1;
		}
		if (to < 0)
			continue;
		o->next[k] = o->branch[to];
		o->branch[to] = k + 1;
	}
}

void origins_end(struct origins *o)
{
	map_release(&o->points);
	map_release(&o->spills);
}

const struct effect *origins_effect(struct origins *o, u32 insn)
{
	if (!o->effects[insn]) {
		o->effects[insn] = ARENA_NEW(o->a, struct effect);
		effect_of(o->f, &o->f->insns[insn], o->effects[insn]);
	}
	return o->effects[insn];
}

bool origin_same(const struct origin *x, const struct origin *y)
{
	for (u32 depth = 0; depth < SAME_DEPTH; depth++) {
		if (x == y)
			return true;
		if (!x || !y || x->kind != y->kind || x->kind == ORIGIN_UNKNOWN ||
		    x->reg != y->reg || x->at != y->at || x->off != y->off ||
		    x->kind == ORIGIN_EITHER ||
		    ((x->kind == ORIGIN_CALL || x->kind == ORIGIN_ELEMENT) && x->insn != y->insn))
			return false;
		x = x->from;
		y = y->from;
	}
	return false;
}

static const struct origin *made(struct origins *o, struct origin x)
{
	x.settled = 0;
	return arena_copy(o->a, &x, sizeof(x));
}

/* NULL stays what it is: a path that comes back to itself, or that nobody takes. */
static const struct origin *plus(struct origins *o, const struct origin *x, i64 off)
{
	struct origin sum;

	if (!x || !off || x->kind == ORIGIN_UNKNOWN)
		return x;
	sum = *x;
	sum.off += off;
	return made(o, sum);
}

static const struct origin *join(struct origins *o, const struct origin *x,
				 const struct origin *y)
{
	if (!x || !y)
		return x ? x : y;
	if (origin_same(x, y))
		return x;
	return made(o, (struct origin){ .kind = ORIGIN_EITHER, .from = x, .other = y });
}

static const struct origin *ask(struct origins *o, u32 insn, i64 key);

static bool is_slot(i64 key)
{
	return key >= GP_COUNT;
}

static const struct origin *in_frame(struct origins *o, u32 insn, i64 at)
{
	return at > -FAR && at < FAR ? ask(o, insn, SLOT + at) : &unknown;
}

/* A register in the middle of a path that comes back to itself is no pointer that we know. */
static const struct origin *known_or_not(const struct origin *x)
{
	return x ? x : &unknown;
}

static const struct origin *element(struct origins *o, u32 insn, u8 base, u8 index, i64 disp)
{
	const struct origin *x = base == GP_NONE ? NULL : ask(o, insn, base);
	const struct origin *y = ask(o, insn, index);

	return made(o, (struct origin){
		.kind = ORIGIN_ELEMENT, .from = known_or_not(x), .other = known_or_not(y),
		.insn = insn, .off = disp,
	});
}

static const struct origin *place(struct origins *o, u32 insn, const struct memop *m)
{
	if (m->rip)
		return made(o, (struct origin){ .kind = ORIGIN_ADDRESS, .at = m->disp });
	if (m->base == GP_NONE || m->base == GP_RSP)
		return &unknown;
	if (m->index == GP_NONE)
		return plus(o, ask(o, insn, m->base), m->disp);
	/* what is scaled is no pointer */
	if (m->scale != 1)
		return made(o, (struct origin){
			.kind = ORIGIN_ELEMENT, .insn = insn, .off = m->disp,
			.from = known_or_not(ask(o, insn, m->base)), .other = &unknown,
		});
	return element(o, insn, m->base, m->index, m->disp);
}

/* What instruction k leaves in the register that it writes. */
static const struct origin *written(struct origins *o, u32 k, u8 reg)
{
	const struct effect *e = origins_effect(o, k);

	if (e->kind == EFFECT_OTHER || e->reg != reg)
		return &unknown;
	switch (e->kind) {
	case EFFECT_MOVE:
		return ask(o, k, e->from);
	case EFFECT_CONST:
		return made(o, (struct origin){ .kind = ORIGIN_CONST, .at = e->imm });
	case EFFECT_LEA:
		return place(o, k, &e->mem);
	case EFFECT_ADD:
		if (e->from == GP_NONE)
			return plus(o, ask(o, k, e->reg), e->imm);
		return element(o, k, e->reg, e->from, 0);
	case EFFECT_PICK:
		return join(o, ask(o, k, e->reg), ask(o, k, e->from));
	case EFFECT_LOAD:
		if (e->size != 8)
			return &unknown;
		if (e->mem.base == GP_RSP && e->mem.index == GP_NONE)
			return in_frame(o, k, e->mem.disp);
		return made(o, (struct origin){
			.kind = ORIGIN_LOAD, .from = known_or_not(place(o, k, &e->mem)),
		});
	default:
		return &unknown;
	}
}

/* Does instruction k decide what `key` holds behind it? Then *to. A key in the frame moves with
 * SP. */
static bool decides(struct origins *o, u32 k, i64 *key, const struct origin **to)
{
	const struct insn *i = &o->f->insns[k];
	const struct effect *e;

	if (i->kind == INSN_CALL) {
		if (is_slot(*key) || *key == GP_RSP || *key == GP_R14 ||
		    (i->rel_size && o->keeps(o->ctx, i->target)))
			return false;
		*to = made(o, (struct origin){ .kind = ORIGIN_CALL, .reg = (u8)*key, .insn = k });
		return true;
	}
	if (i->kind != INSN_PLAIN)
		return false;
	e = origins_effect(o, k);
	if (!is_slot(*key)) {
		if (!(e->writes & 1u << *key))
			return false;
		*to = written(o, k, (u8)*key);
		return true;
	}
	if (e->writes & 1u << GP_RSP) {
		*key += e->sp;
		*to = &unknown;
		return !e->sp_known || *key <= SLOT - FAR || *key >= SLOT + FAR;
	}
	if (e->kind == EFFECT_STORE && e->mem.base == GP_RSP) {
		i64 at = *key - SLOT;

		if (e->mem.index != GP_NONE || e->mem.disp >= at + 8 ||
		    e->mem.disp + e->size <= at)
			return false;
		*to = &unknown;
		if (e->mem.disp == at && e->size == 8 && e->reg != GP_NONE)
			*to = ask(o, k, e->reg);
		return true;
	}
	return false;
}

/* At the entry. */
static const struct origin *at_entry(struct origins *o, i64 key)
{
	if (!is_slot(key))
		return made(o, (struct origin){ .kind = ORIGIN_ENTRY, .reg = (u8)key });
	return made(o, (struct origin){ .kind = ORIGIN_STACK, .at = key - SLOT });
}

static const struct origin *from_table(struct origins *o, u32 insn, i64 key,
				       const struct origin *sum)
{
	if (!o->f->insns[insn].indirect_target || o->f->insns[insn - 1].kind == INSN_CALL)
		return sum;
	for (u32 t = o->table; t; t = o->next[t - 1])
		sum = join(o, sum, ask(o, t - 1, key));
	return sum;
}

/* What all the ways to insn bring. */
static const struct origin *arriving(struct origins *o, u32 insn, i64 key)
{
	const struct origin *sum = NULL;

	if (!insn)
		return at_entry(o, key);
	if (insn_goes_on(&o->f->insns[insn - 1])) {
		i64 moved = key;

		if (!decides(o, insn - 1, &moved, &sum))
			sum = ask(o, insn - 1, moved);
	}
	for (u32 b = o->branch[insn]; b; b = o->next[b - 1])
		sum = join(o, sum, ask(o, b - 1, key));
	return from_table(o, insn, key, sum);
}

/* Whoever comes to a settled point gets the same origin, not one that is made like it: two ways
 * that bring it bring the same (origin_same). */
static void settle(struct origins *o, const struct origin *x)
{
	o->settled++;
	while (x && !x->settled && x->kind != ORIGIN_UNKNOWN) {
		((struct origin *)(uintptr_t)x)->settled = o->settled;
		x = x->kind == ORIGIN_EITHER ? NULL : x->from;
	}
}

/* What going the way once more would bring: the same of what was settled on it, and one that is
 * made like it of the rest. */
static const struct origin *one_more(struct origins *o, const struct origin *x, u32 settled)
{
	struct origin copy;

	if (!x || x->kind == ORIGIN_UNKNOWN || (x->settled && x->settled <= settled))
		return x;
	copy = *x;
	if (x->kind != ORIGIN_EITHER) {
		copy.from = one_more(o, x->from, settled);
		if (copy.from == x->from)
			return x;
	}
	return made(o, copy);
}

/* NULL: nothing, or only what is being asked for already. */
static const struct origin *at_target(struct origins *o, u32 insn, i64 key)
{
	struct origin_query *q = o->q;
	struct point *p = point_at(q, &o->points, o->a, insn, key);
	struct way before;

	if (p->settled)
		return known_or_not(p->answer);
	if (p->open) {
		point_back(q, p);
		return NULL;
	}
	if (q->nopen == OPEN) {
		q->way.cut = true;
		return &unknown;
	}
	if (!o->anew && point_again(q, p))
		return p->answer = one_more(o, p->answer, p->settled_then);
	before = point_begin(q, p);
	point_end(q, p, arriving(o, insn, key), &before);
	p->settled_then = o->settled;
	if (p->settled)
		settle(o, p->answer);
	return p->answer;
}

/* What an instruction may decide: a bit for each register, and these. */
enum { A_CALL = 32, THE_FRAME, ITS_END, A_TARGET, IS_READ };

static u64 touches(struct origins *o, u32 k)
{
	const struct insn *i = &o->f->insns[k];
	u64 bits = 1ull << IS_READ;

	if (!k || i->is_target)
		bits |= 1ull << A_TARGET;
	if (!insn_goes_on(i))
		bits |= 1ull << ITS_END;
	if (i->kind == INSN_CALL)
		bits |= 1ull << A_CALL;
	if (i->kind == INSN_PLAIN) {
		bits |= i->writes;
		if (i->writes & 1u << GP_RSP || i->stores_by_rsp)
			bits |= 1ull << THE_FRAME;
	}
	return o->touches[k] = bits;
}

/* Before insn runs. */
static const struct origin *ask(struct origins *o, u32 insn, i64 key)
{
	const struct origin *x;
	u32 only = is_slot(key) ? only_store(o, insn, key) : 0;
	u32 steps = o->q->steps;
	u64 bits, here;

	if (only) {
		insn = only - 1;
		key = origins_effect(o, insn)->reg;
	}
	bits = is_slot(key) ? 1ull << THE_FRAME : 1ull << A_CALL | 1ull << key;
	here = o->f->insns[insn].is_target || !insn ? 1ull << A_TARGET : 0;
	for (;; here = o->touches[--insn] ? o->touches[insn] : touches(o, insn)) {
		if (here & (bits | 1ull << ITS_END)) {
			o->q->steps = steps;
			if (here & 1ull << ITS_END)
				return NULL;	/* padding behind a jump: nobody comes this way */
			if (decides(o, insn, &key, &x))
				return x;
			steps = o->q->steps;
		}
		if (steps++ >= STEPS)
			break;
		if (here & 1ull << A_TARGET) {
			o->q->steps = steps;
			return at_target(o, insn, key);
		}
	}
	o->q->steps = steps;
	return &unknown;
}

const struct origin *origin_of(struct origins *o, u32 insn, u8 reg)
{
	struct origin_query q;

	if (reg >= GP_XMM0)
		return &unknown;
	o->q = &q;
	query_begin(&q, ++o->questions);
	return known_or_not(ask(o, insn, reg));
}

const struct origin *origin_of_slot(struct origins *o, u32 insn, i64 at)
{
	struct origin_query q;

	o->q = &q;
	query_begin(&q, ++o->questions);
	return known_or_not(in_frame(o, insn, at));
}

const struct origin *origin_of_place(struct origins *o, u32 insn, const struct memop *m)
{
	struct origin_query q;

	o->q = &q;
	query_begin(&q, ++o->questions);
	return known_or_not(place(o, insn, m));
}
