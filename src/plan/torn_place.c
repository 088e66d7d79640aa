#include "plan/torn_place.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/out.h"
#include "go/itabs.h"

enum { DEPTH = 12, NEST = 16 };

static bool keeps_registers(const void *ctx, i64 target)
{
	const struct place_finder *p = ctx;
	const struct go_func *to = go_func_at(p->prog, (u64)((i64)p->func->pc + target));

	return to && (str_starts(to->name, STR("runtime.gcWriteBarrier")) ||
		      str_starts(to->name, STR("gcWriteBarrier")) ||
		      str_starts(to->name, STR("runtime.wbZero")) ||
		      str_starts(to->name, STR("runtime.wbMove")));
}

void place_finder_make(struct place_finder *p, const struct go_program *prog)
{
	const struct go_itab *itabs;
	size_t n = go_itabs(prog, &itabs);

	*p = (struct place_finder){ .prog = prog, .globals = go_globals_of(prog) };
	for (size_t i = 0; i < n; i++)
		*map_put(&p->itabs, itabs[i].va) = 1;
}

void place_finder_share(struct place_finder *p, const struct place_finder *of,
			const struct go_program *prog)
{
	*p = (struct place_finder){ .prog = prog, .globals = of->globals, .itabs = of->itabs };
}

void place_finder_release(struct place_finder *p)
{
	map_release(&p->itabs);
}

void place_finder_enter(struct place_finder *p, const struct go_func *f, const struct flow *flow,
			struct arena *a)
{
	p->func = f;
	p->a = a;
	p->sig = NULL;
	origins_begin(&p->origins, flow, a, keeps_registers, p);
}

void place_finder_leave(struct place_finder *p)
{
	origins_end(&p->origins);
}

static struct go_type *loaded(const struct place_finder *p, struct go_type *t)
{
	return t ? go_type_load(p->prog, t) : NULL;
}

/* The field over `off`; zero-sized ones lie over nothing. */
static struct go_field *field_over(const struct place_finder *p, struct go_type *t, i64 off)
{
	for (size_t i = t->nfields; i-- > 0;) {
		struct go_type *f = loaded(p, t->fields[i].type);

		if (f && (u64)off >= t->fields[i].offset &&
		    (u64)off - t->fields[i].offset < f->size)
			return &t->fields[i];
	}
	return NULL;
}

/* `at` is where t begins; off counts from there too. */
static bool part_in(const struct place_finder *p, struct go_type *t, i64 at, i64 off,
		    struct go_part *to)
{
	for (u32 nest = 0; nest < NEST; nest++) {
		struct go_field *f;

		t = loaded(p, t);
		if (!t || t->kind == GO_BAD || off < 0 || (u64)off >= t->size)
			return false;
		if (t->kind == GO_STRUCT) {
			f = field_over(p, t, off);
			if (!f)
				return false;
			at += (i64)f->offset;
			off -= (i64)f->offset;
			t = f->type;
		} else if (t->kind == GO_ARRAY) {
			struct go_type *e = loaded(p, t->elem);
			i64 size = e ? (i64)e->size : 0;

			if (!size)
				return false;
			at += off / size * size;
			off %= size;
			t = e;
		} else {
			*to = (struct go_part){ t, at };
			return true;
		}
	}
	return false;
}

/* Where the element that off lies in begins. */
static i64 element_of(const struct place_finder *p, const struct go_memory *m)
{
	struct go_type *t = loaded(p, m->t);
	i64 size = t ? (i64)t->size : 0, down;

	if (!m->array || !size)
		return 0;
	down = m->off % size;
	return m->off - (down < 0 ? down + size : down);
}

bool memory_part(const struct place_finder *p, const struct go_memory *m, struct go_part *to)
{
	i64 begin;

	if (!m->t)
		return false;
	begin = element_of(p, m);
	return part_in(p, m->t, begin, m->off - begin, to);
}

static void path(const struct place_finder *p, struct go_type *t, i64 off, struct out *o)
{
	for (u32 nest = 0; nest < NEST; nest++) {
		struct go_field *f;

		t = loaded(p, t);
		if (!t || off < 0 || (u64)off >= t->size)
			return;
		if (t->kind == GO_STRUCT && (f = field_over(p, t, off))) {
			out_c(o, '.');
			out_str(o, f->name);
			off -= (i64)f->offset;
			t = f->type;
		} else if (t->kind == GO_ARRAY && loaded(p, t->elem) && t->elem->size) {
			out_fmt(o, "[%" PRId64 "]", off / (i64)t->elem->size);
			off %= (i64)t->elem->size;
			t = t->elem;
		} else {
			return;
		}
	}
}

/* What has no name is called by its type. */
static struct str type_name(const struct go_type *t)
{
	if (t->kind != GO_STRUCT || t->named || !t->nfields)
		return t->name;
	return str_eq(t->fields[0].name, STR("F")) ? STR("closure") : STR("struct");
}

struct str memory_name(const struct place_finder *p, const struct go_memory *m, struct arena *a)
{
	struct out o;
	struct str name, tail;
	i64 begin = element_of(p, m);
	char index[32];
	bool deref;

	if (!m->t)
		return STR("");
	out_memory(&o);
	path(p, m->t, m->off - begin, &o);
	tail = (struct str){ o.buf, o.n };
	deref = !m->variable && !m->array && (!o.n || o.buf[0] == '[');
	if (m->array && m->index) {
		name = STR_JOIN(a, m->name, STR("[…]"), tail);
	} else if (m->array) {
		snprintf(index, sizeof(index), "[%" PRId64 "]",
			 begin / (i64)MAX(m->t->size, (u64)1));
		name = STR_JOIN(a, m->name, str_of(index), tail);
	} else if (!m->name.n) {
		name = STR_JOIN(a, STR("("), type_name(m->t), STR(")"), tail);
	} else if (!deref) {
		name = STR_JOIN(a, m->name, tail);
	} else {
		name = o.n ? STR_JOIN(a, STR("(*"), m->name, STR(")"), tail)
			   : STR_JOIN(a, STR("*"), m->name);
	}
	if (m->array && !m->name.n)
		name = STR_JOIN(a, STR("([]"), type_name(m->t), STR(")"), name);
	out_release(&o);
	return name;
}

/* What the word at m.off points to, if it is a pointer or the array of a slice. */
static struct go_memory behind(const struct place_finder *p, const struct go_memory *m)
{
	struct go_memory to = { 0 }, whole = *m;
	struct go_part part;

	if (!memory_part(p, m, &part) || part.at != m->off ||
	    (part.t->kind != GO_PTR && part.t->kind != GO_SLICE))
		return to;
	whole.off = part.at;
	to.t = loaded(p, part.t->elem);
	to.array = part.t->kind == GO_SLICE;
	if (m->name.n || (m->variable && m->t))
		to.name = memory_name(p, &whole, p->a);
	return to;
}

static const u8 abi_regs[] = { GP_RAX, GP_RBX, GP_RCX, GP_RDI, GP_RSI, 8, 9, 10, 11 };

/* A parameter or result, with the offset that the register or stack word has in it. */
static struct go_memory param_at(const struct place_finder *p, const struct go_param *params,
				 size_t n, bool stack, i64 where)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; params[i].type && k < params[i].nplaces; k++) {
			const struct go_place *q = &params[i].places[k];
			bool here = stack ? q->kind == PLACE_STACK && where >= q->off &&
					    where < q->off + q->size
					  : q->kind == PLACE_INT &&
					    q->reg < ARRAY_LEN(abi_regs) &&
					    abi_regs[q->reg] == where;

			if (here && !params[i].dictionary)
				return (struct go_memory){
					.t = loaded(p, params[i].type), .variable = true,
					.off = (i64)q->at + (stack ? where - q->off : 0),
					.name = params[i].name,
				};
		}
	return (struct go_memory){ 0 };
}

/* The type whose descriptor a call gets in a register. */
static struct go_type *type_in(struct place_finder *p, u32 insn, u8 reg)
{
	const struct origin *x = origin_of(&p->origins, insn, reg);
	u64 va = go_func_va(p->prog, p->func) + (u64)(x->at + x->off);

	if (x->kind != ORIGIN_ADDRESS || !is_type_word(p, va) || map_get(&p->itabs, va))
		return NULL;
	return loaded(p, go_type_at(p->prog, va));
}

struct go_type *copied_type(struct place_finder *p, u32 insn)
{
	static const char *const names[] = { "runtime.wbMove", "runtime.wbZero",
					     "runtime.typedmemmove", "runtime.typedmemclr" };
	const struct insn *i = &p->origins.f->insns[insn];
	const struct go_func *f = i->rel_size ? go_func_at(p->prog, (u64)((i64)p->func->pc +
									  i->target)) : NULL;

	for (size_t k = 0; f && k < ARRAY_LEN(names); k++)
		if (str_eq(f->name, str_of(names[k])))
			return type_in(p, insn, GP_RAX);
	return NULL;
}

static struct go_memory find(struct place_finder *p, const struct origin *x, u32 depth);
static struct go_memory holder(struct place_finder *p, const struct origin *x, u32 depth);

/* An element of a map; the map is the second argument. */
static struct go_memory map_element(struct place_finder *p, u32 insn, struct go_type *map,
				    u32 depth)
{
	struct go_memory m = { 0 }, to = { 0 };
	const struct origin *x = origin_of(&p->origins, insn, GP_RBX);

	if (!map || map->kind != GO_MAP)
		return to;
	to.t = loaded(p, map->elem);
	if (!x->off)
		m = holder(p, x, depth + 1);
	if (m.t && m.name.n) {
		to.name = str_fmt(p->a, "%.*s[…]", STR_F(memory_name(p, &m, p->a)));
		to.variable = true;
	}
	return to;
}

/* Memory that the runtime gives out. */
static bool made_by(struct place_finder *p, struct str name, u32 insn, u32 depth,
		    struct go_memory *to)
{
	static const struct {
		const char *name;
		u8 reg, other;
		bool array;
	} makers[] = {
		{ "runtime.newobject", GP_RAX, GP_RAX, false },
		{ "runtime.mallocgc", GP_RBX, GP_RBX, false },
		{ "runtime.newarray", GP_RAX, GP_RAX, true },
		{ "runtime.makeslice", GP_RAX, GP_RAX, true },
		{ "runtime.growslice", GP_RSI, GP_RAX, true },
		{ "runtime.mapassign", GP_RAX, GP_RAX, false },
		{ "runtime.mapaccess", GP_RAX, GP_RAX, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
		struct go_type *t;

		if (!str_starts(name, str_of(makers[i].name)))
			continue;
		t = type_in(p, insn, makers[i].reg);
		if (!t)
			t = type_in(p, insn, makers[i].other);
		*to = (struct go_memory){ .t = t, .array = makers[i].array };
		if (str_starts(name, STR("runtime.map")))
			*to = map_element(p, insn, t, depth);
		return true;
	}
	return false;
}

/* What a call returned in a register: as the place of the result, to be looked behind. */
static struct go_memory result_of(struct place_finder *p, const struct origin *x, u32 depth,
				  bool *pointer)
{
	const struct insn *i = &p->origins.f->insns[x->insn];
	const struct go_func *f = i->rel_size ? go_func_at(p->prog, (u64)((i64)p->func->pc +
									  i->target)) : NULL;
	struct go_memory m = { 0 };
	const struct go_sig *sig;

	*pointer = false;
	if (!f)
		return m;
	if (x->reg == GP_RAX && made_by(p, f->name, x->insn, depth, &m)) {
		*pointer = true;
		return m;
	}
	sig = go_sig_typed(p->prog, f);
	if (!sig || !sig->results_known || sig->abi0)
		return m;
	m = param_at(p, sig->results, sig->nresults, false, x->reg);
	m.name = str_fmt(p->a, "%.*s()%s%.*s", STR_F(f->name), sig->nresults > 1 ? "." : "",
			 sig->nresults > 1 ? (int)m.name.n : 0, m.name.p);
	return m;
}

static struct go_memory global_at(const struct place_finder *p, u64 va)
{
	const struct go_global *g = go_global_at(p->globals, va);

	if (!g)
		return (struct go_memory){ 0 };
	return (struct go_memory){
		.t = loaded(p, go_global_type(p->prog, g)), .off = (i64)(va - g->va),
		.variable = true, .name = g->name,
	};
}

/* The place that a value was read from, or that stands for it: a parameter, a result. */
static struct go_memory holder(struct place_finder *p, const struct origin *x, u32 depth)
{
	bool pointer;
	struct go_memory m = { 0 };
	const struct go_sig *sig;

	if (depth > DEPTH)
		return m;
	switch (x->kind) {
	case ORIGIN_ENTRY:
	case ORIGIN_STACK:
		sig = go_sig_typed(p->prog, p->func);
		if (!sig)
			return m;
		return param_at(p, sig->params, sig->nparams, x->kind == ORIGIN_STACK,
				x->kind == ORIGIN_STACK ? x->at : x->reg);
	case ORIGIN_LOAD:
		return find(p, x->from, depth + 1);
	case ORIGIN_CALL:
		m = result_of(p, x, depth, &pointer);
		if (pointer)
			return (struct go_memory){ 0 };
		return m;
	default:
		return m;
	}
}

static struct go_memory either(struct go_memory m, struct go_memory n)
{
	if (!m.t || !n.t)
		return m.t ? m : n;
	if (!str_eq(m.name, n.name) || m.off != n.off || m.variable != n.variable) {
		if (m.array && n.array && m.t == n.t && str_eq(m.name, n.name)) {
			m.index = true;
			return m;
		}
		m.name = STR("");
		m.variable = false;
	}
	return m;
}

static struct go_memory find(struct place_finder *p, const struct origin *x, u32 depth)
{
	struct go_memory m = { 0 };
	bool pointer;

	if (depth > DEPTH)
		return m;
	switch (x->kind) {
	case ORIGIN_ENTRY:
	case ORIGIN_STACK:
	case ORIGIN_LOAD:
		m = holder(p, x, depth);
		m = behind(p, &m);
		break;
	case ORIGIN_CALL:
		m = result_of(p, x, depth, &pointer);
		if (!pointer)
			m = behind(p, &m);
		break;
	case ORIGIN_ADDRESS:
		return global_at(p, go_func_va(p->prog, p->func) + (u64)(x->at + x->off));
	case ORIGIN_ELEMENT:
		m = find(p, x->from, depth + 1);
		if (!m.t)
			m = find(p, x->other, depth + 1);
		m.index = true;
		/* an array in a variable, or behind a pointer */
		if (m.t && !m.array && m.t->kind == GO_ARRAY && !m.off) {
			m.t = loaded(p, m.t->elem);
			m.array = true;
		}
		break;
	case ORIGIN_EITHER:
		m = either(find(p, x->from, depth + 1), find(p, x->other, depth + 1));
		break;
	default:
		return m;
	}
	m.off += x->off;
	return m;
}

struct go_memory memory_at(struct place_finder *p, const struct origin *x)
{
	return find(p, x, 0);
}

bool value_part(struct place_finder *p, const struct origin *x, struct go_part *to, unsigned *word)
{
	struct go_memory m;

	if (x->off)
		return false;
	m = holder(p, x, 0);
	if (!memory_part(p, &m, to))
		return false;
	*word = (unsigned)(m.off - to->at) / 8;
	return true;
}

const struct go_param *value_param(struct place_finder *p, const struct origin *x, unsigned *word)
{
	if (x->kind != ORIGIN_ENTRY || x->off)
		return NULL;
	if (!p->sig)
		p->sig = go_sig_of(p->prog, p->func);
	if (p->sig->from != SIG_SHAPE)
		return NULL;
	for (size_t i = 0; i < p->sig->nparams; i++)
		for (size_t k = 0; k < p->sig->params[i].nplaces; k++) {
			const struct go_place *q = &p->sig->params[i].places[k];

			if (q->kind == PLACE_INT && q->reg < ARRAY_LEN(abi_regs) &&
			    abi_regs[q->reg] == x->reg) {
				*word = q->at / 8;
				return &p->sig->params[i];
			}
		}
	return NULL;
}

/* Between the types lies other data, too. */
bool is_type_word(const struct place_finder *p, u64 va)
{
	struct go_type *t;

	if (map_get(&p->itabs, va))
		return true;
	if (va < p->prog->md.types_va || va >= p->prog->md.etypes_va || va % 8)
		return false;
	t = loaded(p, go_type_at(p->prog, va));
	return t && t->kind != GO_BAD;
}
