#include "go/inlines.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

struct places {
	VEC(struct inlined_place) all;
};

static void collect(void *ctx, struct str name, const struct go_func *in, u64 pc)
{
	struct places *p = ctx;

	*vec_push(&p->all) = (struct inlined_place){ name, in, pc };
}

static int by_name(const void *a, const void *b)
{
	const struct inlined_place *x = a, *y = b;

	if (x->name.p != y->name.p)
		return x->name.p < y->name.p ? -1 : 1;
	return (x->pc > y->pc) - (x->pc < y->pc);
}

void inlines_make(struct inlines *to, const struct go_program *prog, struct arena *a)
{
	struct places p = { 0 };

	go_each_inline(prog, collect, &p);
	if (p.all.n)
		qsort(p.all.at, p.all.n, sizeof(*p.all.at), by_name);
	to->n = p.all.n;
	to->at = arena_copy(a, p.all.at, p.all.n * sizeof(*p.all.at));
	vec_release(&p.all);
}

size_t inlines_next_name(const struct inlines *all, size_t i)
{
	const char *name = all->at[i].name.p;

	while (i < all->n && all->at[i].name.p == name)
		i++;
	return i;
}

const struct inlined_place *inlines_of(const struct inlines *all, struct str name, size_t *n)
{
	size_t lo = 0, hi = all->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (all->at[mid].name.p < name.p)
			lo = mid + 1;
		else
			hi = mid;
	}
	*n = lo < all->n && all->at[lo].name.p == name.p ? inlines_next_name(all, lo) - lo : 0;
	return *n ? &all->at[lo] : NULL;
}

struct race_calls race_calls_of(const struct go_program *prog)
{
	struct race_calls r = { 0 };

	for (size_t i = 0; prog->race && i < prog->nfuncs && r.n < ARRAY_LEN(r.va); i++)
		if (str_eq(prog->funcs[i].name, STR("runtime.racefuncenter")))
			r.va[r.n++] = go_func_va(prog, &prog->funcs[i]);
	return r;
}

/* `call rel32` is E8 and four bytes; that other bytes spell a call to this very address by chance
 * is out of the question, so nothing is decoded. */
bool go_is_race_instrumented(const struct go_program *prog, const struct race_calls *r,
			     const struct go_func *f)
{
	enum { CALL = 0xe8, CALL_SIZE = 5 };
	struct str code = str_cut(go_func_bytes(prog, f), 0, f->size);
	u64 va = go_func_va(prog, f);

	for (size_t i = 0; r->n && i + CALL_SIZE <= code.n; i++) {
		i32 rel;

		if ((u8)code.p[i] != CALL)
			continue;
		memcpy(&rel, code.p + i + 1, sizeof(rel));
		for (size_t k = 0; k < r->n; k++)
			if (va + i + CALL_SIZE + (u64)(i64)rel == r->va[k])
				return true;
	}
	return false;
}
