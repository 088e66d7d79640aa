#include "plan/chain.h"

#include <string.h>

#include "plan/extra.h"

enum { PAIR = 16, WORD = 8, TYPES_MOST = 8, NEST_MOST = 4, STEPS_MOST = 1 << 16,
       WIDER_STEPS_MOST = 1 << 20 };

/* A type that leads on: behind the data word at `disp`, or first over a pointer at `hop`. */
struct chain_link {
	u64 va;			/* of its itab, or of the type itself... */
	bool by_type;		/* ...where the itab is made when the program runs */
	bool hops, std;
	u32 hop, disp;
};

static bool is_context(const struct go_program *prog, struct go_type *t)
{
	t = go_type_load(prog, t);
	return t->kind == GO_INTERFACE && str_eq(t->name, STR("context.Context")) &&
	       str_eq(t->pkg_path, STR("context"));
}

/* Where the context that a struct embeds lies, also deeper in what it embeds. `steps`: how many
 * fields may still be looked at, for a file may lie. */
static bool leads(const struct go_program *prog, struct go_type *t, u64 base, int nest,
		  u32 *steps, struct chain_link *to)
{
	bool without = str_eq(t->name, STR("context.withoutCancelCtx"));

	if (t->kind != GO_STRUCT || nest > NEST_MOST)
		return false;
	for (size_t i = 0; i < t->nfields && *steps; i++) {
		--*steps;
		if ((t->fields[i].embedded || without) && is_context(prog, t->fields[i].type)) {
			to->disp = (u32)(base + t->fields[i].offset);
			return true;
		}
	}
	for (size_t i = 0; i < t->nfields && *steps; i++) {
		struct go_type *in = go_type_load(prog, t->fields[i].type);
		u64 at = base + t->fields[i].offset;

		if (!t->fields[i].embedded)
			continue;
		if (leads(prog, in, at, nest + 1, steps, to))
			return true;
		if (in->kind != GO_PTR || to->hops)
			continue;
		to->hops = true;
		to->hop = (u32)at;
		if (leads(prog, go_type_load(prog, in->elem), 0, nest + 1, steps, to))
			return true;
		to->hops = false;
	}
	return false;
}

/* An interface that has more than a context.Context has: what one holds becomes one while the
 * program runs. */
static bool is_wider(const struct go_program *prog, u64 va, u32 *steps)
{
	static const char *const has[] = { "Deadline", "Done", "Err", "Value" };
	struct go_type *t = go_type_load(prog, go_type_at(prog, va));
	size_t n = 0;

	for (size_t i = 0; t->kind == GO_INTERFACE && t->nmethods > ARRAY_LEN(has) &&
			   i < t->nmethods && *steps; i++) {
		--*steps;
		for (size_t k = 0; k < ARRAY_LEN(has); k++)
			n += str_eq(t->methods[i].name, str_of(has[k]));
	}
	return n == ARRAY_LEN(has);
}

/* Has this type an itab as what that interface holds? */
static bool is_held(const struct dynamic_types *d, u64 type, u64 inter, u32 *steps)
{
	for (size_t i = 0; i < d->nitabs && *steps; i++, --*steps)
		if (d->itabs[i].inter_va == inter && d->itabs[i].type_va == type)
			return true;
	return !*steps;
}

static bool is_among(const struct chain_link *links, u32 n, u64 va)
{
	for (u32 i = 0; i < n; i++)
		if (links[i].va == va)
			return true;
	return false;
}

/* `steps` as above. */
static u32 wider_links(const struct go_program *prog, const struct dynamic_types *d, u64 context,
		       u32 *steps, struct chain_link *to, u32 n)
{
	u32 looks = WIDER_STEPS_MOST;

	for (size_t i = 0; i < d->nitabs && n < TYPES_MOST; i++) {
		const struct go_itab *tab = &d->itabs[i];
		struct chain_link l = { .va = tab->type_va, .by_type = true };
		struct go_type *t = go_type_load(prog, go_type_at(prog, tab->type_va));

		if (t->kind == GO_PTR && is_wider(prog, tab->inter_va, &looks) &&
		    !is_among(to, n, tab->type_va) && !is_held(d, tab->type_va, context, &looks) &&
		    leads(prog, go_type_load(prog, t->elem), 0, 0, steps, &l))
			to[n++] = l;
	}
	return n;
}

/* Those of package context first: they are the most frequent, and there is no room for all. */
static u32 links(const struct go_program *prog, const struct dynamic_types *d,
		 struct chain_link *to)
{
	u64 context = 0;
	u32 n = 0, steps = STEPS_MOST;

	for (size_t i = 0; i < d->nitabs && !context; i++)
		if (is_context(prog, go_type_at(prog, d->itabs[i].inter_va)))
			context = d->itabs[i].inter_va;
	for (int std = 1; std >= 0 && context; std--)
		for (size_t i = 0; i < d->nitabs && n < TYPES_MOST; i++) {
			struct chain_link l = { .va = d->itabs[i].va };
			struct go_type *t;

			if (d->itabs[i].inter_va != context)
				continue;
			t = go_type_load(prog, go_type_at(prog, d->itabs[i].type_va));
			if (t->kind == GO_PTR)
				t = go_type_load(prog, t->elem);
			else if (go_type_is_pointer_shaped(prog, t))
				continue;
			l.std = str_starts(t->name, STR("context."));
			if (l.std == std && leads(prog, t, 0, 0, &steps, &l))
				to[n++] = l;
		}
	return context ? wider_links(prog, d, context, &steps, to, n) : 0;
}

struct chain {
	struct read *to;
	u32 n;
	u32 pairs, hops, types, status;	/* where they lie */
	bool typed;			/* the type is read that an itab is of */
};

static void put(struct chain *c, struct read r)
{
	c->to[c->n++] = r;
}

static void put_mem(struct chain *c, u32 from, u32 disp, u32 size, u32 at)
{
	put(c, (struct read){
		.kind = READ_MEM, .from = from, .disp = (i32)disp, .size = (u16)size,
		.span = size, .at = at, .status = c->status, .own = true,
	});
}

/* From the pair of words at `from` to the next, which is all zero where this one ends it; then what
 * follows is passed over. */
static void level(struct chain *c, const struct chain_link *l, u32 n, u32 from, u32 i, u32 rest)
{
	u32 next = c->pairs + i * PAIR, hop = c->hops + i * WORD, type = c->types + i * WORD;

	if (c->typed)
		put_mem(c, from, WORD, WORD, type);	/* internal/abi/iface.go */
	for (u32 k = 0; k < n; k++) {
		put(c, (struct read){
			.kind = READ_WHEN, .when_at = l[k].by_type ? type : from, .when = l[k].va,
			.when_va = true, .size = (u16)(1 + l[k].hops),
		});
		if (l[k].hops)
			put_mem(c, from + WORD, l[k].hop, WORD, hop);
		put_mem(c, l[k].hops ? hop : from + WORD, l[k].disp, PAIR, next);
	}
	if (rest)
		put(c, (struct read){
			.kind = READ_WHEN, .when_at = next, .when_not = true, .size = (u16)rest,
		});
}

/* Room behind what a reading has, and for so many steps more. */
static struct read *extend(struct plan *p, struct reading *r, u32 nsteps)
{
	struct read *reads = ARENA_ARRAY(&p->arena, struct read, r->nreads + nsteps);

	if (r->nreads)
		memcpy(reads, r->reads, r->nreads * sizeof(*reads));
	r->reads = reads;
	return reads + r->nreads;
}

/* They are looked for once for a plan. */
static const struct chain_link *types_of(struct plan *p, const struct dynamic_types *d, u32 *n)
{
	struct chain_link found[TYPES_MOST] = { 0 };

	if (!p->contexts) {
		p->ncontexts = links(p->prog, d, found);
		p->contexts = arena_copy(&p->arena, found, sizeof(found));
	}
	*n = p->ncontexts;
	return p->contexts;
}

static void follow(struct plan *p, const struct dynamic_types *d, struct reading *r)
{
	u32 n, hops = 0, each, levels = CHAIN_MOST - 1;
	const struct chain_link *types = types_of(p, d, &n);
	struct chain c = { .pairs = r->size };

	for (u32 k = 0; k < n; k++) {
		hops += types[k].hops;
		c.typed |= types[k].by_type;
	}
	each = c.typed + 2 * n + hops + 1;
	c.hops = c.pairs + levels * PAIR;
	c.types = c.hops + (hops ? levels * WORD : 0);
	c.status = c.types + (c.typed ? levels * WORD : 0);
	if (!n || c.status + WORD + r->texts > RECORD_MAX)
		return;
	c.to = extend(p, r, levels * each);
	for (u32 i = 0; i < levels; i++)
		level(&c, types, n, i ? c.pairs + (i - 1) * PAIR : r->ctx_at, i,
		      (levels - 1 - i) * each - (i < levels - 1));
	r->nreads += c.n;
	r->chain_at = c.pairs;
	r->size = c.status + WORD;
}

static bool in_registers(struct plan *p, struct reading *r, u8 reg)
{
	struct read *to;

	if (r->size + PAIR + r->texts > RECORD_MAX)
		return false;
	to = extend(p, r, 2);
	for (u32 i = 0; i < 2; i++)
		to[i] = (struct read){ .kind = READ_INT, .reg = (u8)(reg + i), .size = WORD,
				       .at = r->size + i * WORD };
	r->nreads += 2;
	r->ctx_at = r->size;
	r->size += PAIR;
	return true;
}

/* The first parameter that is one, where it comes in registers. */
static bool in_parameters(struct plan *p, struct plan_func *f)
{
	for (size_t i = 0; i < f->sig->nparams; i++) {
		const struct go_param *a = &f->sig->params[i];

		if (a->type && is_context(p->prog, a->type) && a->nplaces == 2 &&
		    a->places[0].kind == PLACE_INT && a->places[1].kind == PLACE_INT &&
		    a->places[1].reg == a->places[0].reg + 1)
			return in_registers(p, &f->entry, a->places[0].reg);
	}
	return false;
}

static bool found(struct plan *p, struct plan_func *f, const struct plan_ctx *x)
{
	const struct slot *s = x->in_regs ? NULL : f->codes[x->ask].slot;

	if (x->in_regs)
		return in_registers(p, &f->entry, x->reg);
	if (!s || f->codes[x->ask].needs_exit || !s->param->type ||
	    !is_context(p->prog, s->param->type))
		return false;
	f->entry.ctx_at = s->at;
	return true;
}

void chain_read(struct plan *p, const struct dynamic_types *d, struct plan_func *f)
{
	const struct plan_request *q = &p->request;

	for (size_t i = 0; i < q->nctxs; i++)
		if (str_eq(f->func->name, str_of(q->ctxs[i].func))) {
			if (found(p, f, &q->ctxs[i]) && !q->ctxs[i].alone)
				follow(p, d, &f->entry);
			return;
		}
	if (q->contexts && f->sig && !extra_sets_apart(q, f->func->name) && in_parameters(p, f))
		follow(p, d, &f->entry);
}

u32 chain_of(const struct reading *r, const u8 *record, u64 to[CHAIN_MOST])
{
	u64 pair[2];
	u32 n = 0;

	for (u32 i = 0; r->ctx_at && record && i < CHAIN_MOST; i++) {
		if (i && !r->chain_at)
			break;
		memcpy(pair, record + (i ? r->chain_at + (i - 1) * PAIR : r->ctx_at), PAIR);
		if (!pair[0])
			break;
		to[n++] = pair[1];
	}
	return n;
}
