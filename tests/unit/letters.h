/* letters - Go types written as letters, the readings planned for them, and what holds for every
 * reading.
 *
 *   b uint8   i int   f float64   s string   e any   r error   t time.Time   o chan int   u func()
 *   *x pointer   [x slice   3x array   m(key)(elem) map   {...} struct; its fields are called a,
 *   b, c…, or `secret` behind a !
 *
 * A parameter is followed by a space. The reading: AX@32 a word of a register to 32 in the record;
 * 8(SP):16@32 from the stack; 32->8:16@48 a pointee (of the word at 32, from byte 8 on, 16 bytes);
 * 32->#1*64@48 elements (at most 64 of one byte); when 40=7{...}, when 40!7{...}.
 *
 * Owns     m, plan and the rest, between letters_begin() and letters_end().
 * Units    as plan.h.
 * Fails    a test.
 * Threads  one. */
#ifndef TESTS_LETTERS_H
#define TESTS_LETTERS_H

#include "memory.h"

#include "plan/interpret.h"
#include "plan/reading.h"

static struct memory_program m;
static struct plan plan;
static struct dynamic_types dynamic;
static struct reading_cache cache;
static u64 next_va;

static inline struct go_type *new_type(u8 kind, u64 size, u8 align)
{
	struct go_type *t = go_type_at(&m.prog, next_va += 8);

	ck_assert_ptr_nonnull(t);
	t->loaded = true;
	t->kind = kind;
	t->size = size;
	t->align = align;
	t->direct_iface = kind == GO_PTR || kind == GO_CHAN || kind == GO_MAP || kind == GO_FUNC;
	return t;
}

static inline struct go_type *map_of(struct go_type *k, struct go_type *e)
{
	struct go_type *t = new_type(GO_MAP, 8, 8);
	u64 pair = round_up(round_up(k->size, e->align) + e->size, 8);

	t->key = k;
	t->elem = e;
	t->map.layout = (u8)m.prog.rel->maps;
	t->map.key_size = (u32)k->size;
	t->map.elem_size = (u32)e->size;
	if (t->map.layout == GO_MAP_HMAP) {
		t->map.bucket_size = (u32)round_up(8 + 8 * (k->size + e->size) + 8, 8);
	} else {
		t->map.group_size = 8 + 8 * pair;
		t->map.keys_off = 8;
		t->map.elems_off = 8 + round_up(k->size, e->align);
		t->map.key_stride = t->map.elem_stride = pair;
	}
	return t;
}

static inline struct go_type *add_field(struct go_type *t, const char *name, struct go_type *f)
{
	t->align = MAX(t->align, f->align);
	t->size = round_up(t->size, f->align);
	t->fields[t->nfields++] =
		(struct go_field){ .name = str_of(name), .type = f, .offset = t->size };
	t->size += f->size;
	return t;
}

static inline struct go_type *new_struct(void)
{
	struct go_type *t = new_type(GO_STRUCT, 0, 1);

	t->fields = ARENA_ARRAY(&plan.arena, struct go_field, 8);
	return t;
}

static inline struct go_type *error_type(void)
{
	struct go_type *t = new_type(GO_INTERFACE, 16, 8);

	t->methods = ARENA_NEW(&plan.arena, struct go_method);
	t->methods[0].name = STR("Error");
	t->nmethods = 1;
	return t;
}

static inline struct go_type *with_elem(struct go_type *t, struct go_type *elem)
{
	t->elem = elem;
	return t;
}

static inline struct go_type *parse(const char **p)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct go_type *t, *k;
	char c = *(*p)++;

	switch (c) {
	case 'b': return new_type(GO_UINT8, 1, 1);
	case 'i': return new_type(GO_INT, 8, 8);
	case 'f': return new_type(GO_FLOAT64, 8, 8);
	case 's': return new_type(GO_STRING, 16, 8);
	case 'e': return new_type(GO_INTERFACE, 16, 8);
	case 'r': return error_type();
	case 'o': return new_type(GO_CHAN, 8, 8);
	case 'u': return new_type(GO_FUNC, 8, 8);
	case '*': return with_elem(new_type(GO_PTR, 8, 8), parse(p));
	case '[': return with_elem(new_type(GO_SLICE, 24, 8), parse(p));
	case 't':
		t = new_struct();
		t->name = STR("time.Time");
		add_field(t, "wall", new_type(GO_UINT64, 8, 8));
		add_field(t, "ext", new_type(GO_INT64, 8, 8));
		return add_field(t, "loc",
				 with_elem(new_type(GO_PTR, 8, 8), new_type(GO_INT, 8, 8)));
	case 'm':
		++*p;
		k = parse(p);
		*p += 2;
		t = map_of(k, parse(p));
		++*p;
		return t;
	case '{':
		t = new_struct();
		for (u32 i = 0; **p != '}'; i++) {
			bool secret = **p == '!';

			*p += secret;
			add_field(t, secret ? "secret" : names[i], parse(p));
		}
		++*p;
		t->size = round_up(t->size, t->align);
		return t;
	default:
		ck_assert_msg(c >= '0' && c <= '9', "%c is no type", c);
		k = parse(p);
		t = with_elem(new_type(GO_ARRAY, k->size * (u64)(c - '0'), k->align), k);
		t->len = (u64)(c - '0');
		return t;
	}
}

static inline void letters_begin(unsigned minor, const struct plan_request *limits)
{
	static const char *const secret[] = { "secret", "password" };
	struct err err = { 0 };

	memory_begin(&m, minor);
	next_va = TYPES_VA;
	dynamic = (struct dynamic_types){ 0 };
	cache = (struct reading_cache){ 0 };
	plan = (struct plan){ .prog = &m.prog };
	plan.request = *limits;
	if (!limits->strings && !limits->elements && !limits->depth) {
		plan.request.strings = 16;
		plan.request.elements = 2;
		plan.request.depth = 1;
	}
	if (limits->nredact)
		ck_assert(patterns_compile(&plan.redact, secret, 2, &err));
}

static inline void letters_end(void)
{
	reading_cache_release(&cache);
	plan_release(&plan);
	memory_end(&m);
}

static const char *const int_names[] = { "AX", "BX", "CX", "DI", "SI", "R8", "R9", "R10", "R11" };

static inline struct str put_steps(struct str s, const struct reading *r, u32 from, u32 to)
{
	struct arena *a = &plan.arena;

	for (u32 i = from; i < to; i++) {
		const struct read *d = &r->reads[i];

		s = str_fmt(a, "%.*s%s", STR_F(s), i == from ? "" : " ");
		switch (d->kind) {
		case READ_INT:
			s = str_fmt(a, "%.*s%s", STR_F(s), int_names[d->reg]);
			break;
		case READ_FLOAT:
			s = str_fmt(a, "%.*sX%u", STR_F(s), d->reg);
			break;
		case READ_STACK:
			s = str_fmt(a, "%.*s%d(SP):%u", STR_F(s), d->disp, d->size);
			break;
		case READ_MEM:
			s = str_fmt(a, "%.*s%u->%d:%u", STR_F(s), d->from, d->disp, d->size);
			break;
		case READ_BYTES:
			ck_assert_uint_eq(d->len_at, d->from + 8);
			s = str_fmt(a, "%.*s%u->#%u*%u", STR_F(s), d->from, d->elem,
				    d->size / d->elem);
			break;
		case READ_WHEN:
			s = str_fmt(a, "%.*swhen %u%c%lx{", STR_F(s), d->when_at,
				    d->when_not ? '!' : '=',
				    (unsigned long)(d->when_va ? d->when - TYPES_VA : d->when));
			s = put_steps(s, r, i + 1, i + 1 + d->size);
			s = str_fmt(a, "%.*s}", STR_F(s));
			i += d->size;
			continue;
		}
		s = str_fmt(a, "%.*s@%u", STR_F(s), d->at);
	}
	return s;
}

/* What holds for every reading */

enum { DEEPEST_BLOCK = 8 };
struct chain {
	u32 at[DEEPEST_BLOCK], n;	/* the WHEN steps around a step, outermost first */
};

static struct chain chains[1024];

static inline void find_chains(const struct reading *r)
{
	memset(chains, 0, sizeof(chains));
	ck_assert_uint_le(r->nreads, ARRAY_LEN(chains));
	for (u32 i = 0; i < r->nreads; i++)
		for (u32 k = i + 1; r->reads[i].kind == READ_WHEN && k <= i + r->reads[i].size;
		     k++) {
			ck_assert_uint_lt(k, r->nreads);
			ck_assert_uint_lt(chains[k].n, DEEPEST_BLOCK);
			chains[k].at[chains[k].n++] = i;
		}
}

/* Can both run? Not if somewhere above them the two stand in blocks that exclude each other. */
static inline bool exclusive(const struct reading *r, const struct chain *a, const struct chain *b)
{
	for (u32 n = 0; n < MIN(a->n, b->n); n++) {
		const struct read *x = &r->reads[a->at[n]], *y = &r->reads[b->at[n]];

		if (a->at[n] != b->at[n])
			return x->when_at == y->when_at && x->when_va == y->when_va &&
			       (x->when_not == y->when_not ? !x->when_not && x->when != y->when :
							     x->when == y->when);
	}
	return false;
}

static inline bool overlap(u32 a, u32 an, u32 b, u32 bn)
{
	return an && bn && a < b + bn && b < a + an;
}

static inline bool captures(const struct read *d)
{
	return d->kind == READ_MEM || d->kind == READ_BYTES;
}

/* Was the word put there by a step that ran if `step` runs? */
static inline bool known(const struct reading *r, u32 step, u32 word)
{
	const struct chain *mine = &chains[step];

	for (u32 i = 0; i < step; i++) {
		const struct read *d = &r->reads[i];
		const struct chain *c = &chains[i];

		if (d->kind == READ_WHEN || word < d->at ||
		    word + 8 > d->at + MAX(d->size, d->span))
			continue;
		if (c->n <= mine->n && !memcmp(c->at, mine->at, c->n * sizeof(c->at[0])))
			return true;
	}
	return false;
}

/* Words that come in registers are pieces of a value: together they are a word, too. */
static inline bool in_slot(const struct reading *r, u32 word)
{
	for (u32 i = 0; i < r->nslots; i++)
		if (r->slots[i].taken && word >= r->slots[i].at &&
		    word + 8 <= r->slots[i].at + r->slots[i].param->size)
			return true;
	return false;
}

static inline void check_reading(const struct reading *r, const char *what)
{
	bool raw = true;

	find_chains(r);
	ck_assert_msg(r->size + r->texts <= RECORD_MAX && r->size >= RECORD_HEAD &&
			      r->size % 8 == 0 && r->texts % 8 == 0,
		      "%s: %u and %u bytes", what, r->size, r->texts);
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];
		struct chain c = chains[i];

		ck_assert_msg(raw || d->kind >= READ_MEM,
			      "%s: step %u takes a register after a capture", what, i);
		raw = d->kind < READ_MEM;
		if (d->kind == READ_WHEN) {
			ck_assert_msg(i + d->size < r->nreads, "%s: block %u runs past the end",
				      what, i);
			ck_assert_msg(in_slot(r, d->when_at) || known(r, i, d->when_at),
				      "%s: step %u asks for %u", what, i, d->when_at);
			continue;
		}
		if (d->packed)
			ck_assert_msg(!d->at && !d->when_at && d->elem == 1, "%s: step %u", what,
				      i);
		else
			ck_assert_msg(d->at >= RECORD_HEAD &&
					      d->at + MAX(d->size, d->span) <= r->size,
				      "%s: step %u at %u+%u of %u", what, i, d->at,
				      MAX(d->size, d->span), r->size);
		if (!captures(d))
			continue;
		ck_assert_msg(d->status >= RECORD_HEAD && d->status + 4 <= r->size &&
				      d->status % 4 == 0,
			      "%s: step %u: status at %u", what, i, d->status);
		ck_assert_msg(in_slot(r, d->from) || known(r, i, d->from), "%s: step %u follows %u",
			      what, i, d->from);
		if (d->kind == READ_BYTES)
			ck_assert_msg(d->elem && d->size % d->elem == 0 &&
					      (in_slot(r, d->len_at) || known(r, i, d->len_at)),
				      "%s: step %u", what, i);
		ck_assert_msg(c.n ? d->when_at == r->reads[c.at[c.n - 1]].when_at &&
				    d->when == r->reads[c.at[c.n - 1]].when : !d->when_at,
			      "%s: step %u does not repeat its block's condition", what, i);
	}
	for (u32 i = 0; i < r->nreads; i++)
		for (u32 k = i + 1; k < r->nreads; k++) {
			const struct read *x = &r->reads[i], *y = &r->reads[k];
			u32 xn = x->packed ? 0 : x->size, yn = y->packed ? 0 : y->size;
			bool bad = overlap(x->at, xn, y->at, yn);

			if (x->kind == READ_WHEN || y->kind == READ_WHEN)
				continue;
			if (captures(x))
				bad |= overlap(x->status, 4, y->at, yn);
			if (captures(y))
				bad |= overlap(y->status, 4, x->at, xn);
			if (captures(x) && captures(y) && x->from != y->from) /* pieces share one */
				bad |= overlap(x->status, 4, y->status, 4);
			ck_assert_msg(!bad || exclusive(r, &chains[i], &chains[k]),
				      "%s: steps %u and %u share bytes", what, i, k);
		}
}

static inline struct go_param *params_of(struct go_type **types, size_t n, bool abi0)
{
	struct go_param *params = ARENA_ARRAY(&plan.arena, struct go_param, n + 1);
	struct abi_state st = { 0 };

	for (size_t i = 0; i < n; i++) {
		params[i].name = STR("x");
		abi_assign(&st, &m.prog, types[i], abi0, &plan.arena, &params[i]);
	}
	return params;
}

static inline struct reading reading_of(const char *types, bool secret)
{
	struct go_type *t[16];
	struct reading r = { 0 };
	size_t n = 0;

	for (const char *p = types; *p; p += *p == ' ')
		t[n++] = parse(&p);
	reading_make(&r, &plan, &dynamic, &cache, params_of(t, n, false), n, secret, true);
	ck_assert_uint_eq(r.nslots, n);
	check_reading(&r, types);
	return r;
}

#endif
