/* From code to the method that it is: an index by code address over the methods of every type that
 * has some. It is made from the bytes in one pass; no type is loaded for it (a program of 50 MB has
 * a hundred thousand methods). A type with methods is in typelinks by the pointer to it. */
#include "go/types_impl.h"

/* `left`: no more than there is room for, or types that lie share one list. */
static void add_methods(const struct go_program *prog, u64 off, const struct descriptor *d,
			u64 *left)
{
	struct go_types *ts = prog->types;
	struct uncommon u;
	struct raw_method m;

	if ((d->kind & KIND_MASK) == GO_INTERFACE || !uncommon_read(prog, off, d, &u))
		return;
	for (u16 i = 0; i < u.nmethods && *left && raw_method_read(ts, &u, i, &m); i++, --*left)
		if (m.tfn > 0)
			*vec_push(&ts->rows) = (struct method_row){
				.pc = (u32)m.tfn, .type_off = (u32)off, .name = m.name,
				.type = m.type, .index = i,
			};
}

/* Sorts keys by their upper half, digit by digit; equal ones keep their order. A hash table of as
 * many rows takes longer to fill and to ask (funcs of hugo: 48 ms instead of 38). */
static void sort_keys(u64 *keys, u64 *spare, size_t n)
{
	enum { DIGIT = 11, VALUES = 1 << DIGIT };

	for (unsigned shift = 32; shift < 64; shift += DIGIT) {
		u32 at[VALUES + 1] = { 0 };

		for (size_t i = 0; i < n; i++)
			at[(keys[i] >> shift) % VALUES + 1]++;
		for (size_t v = 1; v <= VALUES; v++)
			at[v] += at[v - 1];
		for (size_t i = 0; i < n; i++)
			spare[at[(keys[i] >> shift) % VALUES]++] = keys[i];
		memcpy(keys, spare, n * sizeof(*keys));
	}
}

static void sort_rows(struct go_types *ts)
{
	struct arena scratch = { 0 };
	size_t n = ts->rows.n;
	u64 *keys = ARENA_ARRAY(&scratch, u64, n), *spare = ARENA_ARRAY(&scratch, u64, n);
	struct method_row *old = arena_copy(&scratch, ts->rows.at, n * sizeof(*old));

	for (size_t i = 0; i < n; i++)
		keys[i] = (u64)old[i].pc << 32 | i;
	sort_keys(keys, spare, n);
	for (size_t i = 0; i < n; i++)
		ts->rows.at[i] = old[(u32)keys[i]];
	arena_release(&scratch);
}

static void index_methods(const struct go_program *prog)
{
	struct go_types *ts = types_with_links(prog);
	struct descriptor d, elem;
	u64 left = ts->area.n / 8;

	for (size_t i = 0; i < ts->nlinks; i++) {
		struct rd r = rd_of(ts->area.p, ts->area.n, "type descriptors");
		u64 at;

		if (!descriptor_read(ts, ts->links[i], &d))
			continue;
		add_methods(prog, ts->links[i], &d, &left);
		if ((d.kind & KIND_MASK) != GO_PTR)
			continue;
		rd_seek(&r, ts->links[i] + TYPE_HEAD);
		at = rd_u64(&r) - prog->md.types_va;
		if (descriptor_read(ts, at, &elem) && elem.tflag & TFLAG_NAMED)
			add_methods(prog, at, &elem, &left);
	}
}

const struct method_row *method_row_of(const struct go_program *prog, const struct go_func *f)
{
	struct go_types *ts = types_of(prog);
	size_t lo = 0, hi;

	if (!ts->have_methods) {
		ts->have_methods = true;
		index_methods(prog);
		sort_rows(ts);
	}
	for (hi = ts->rows.n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (ts->rows.at[mid].pc < f->pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == ts->rows.n || ts->rows.at[lo].pc != f->pc)
		return NULL;
	for (size_t i = lo; i < ts->rows.n && ts->rows.at[i].pc == f->pc; i++)
		if (ts->rows.at[i].type > 0)
			return &ts->rows.at[i];
	return &ts->rows.at[lo];
}

bool method_has_name(const struct go_func *f, struct str name)
{
	struct str end = str_cut(f->name, f->name.n - MIN(f->name.n, name.n + 1), f->name.n);

	return end.n >= 2 && end.p[0] == '.' && str_eq(str_cut(end, 1, end.n), name);
}

const struct go_method *go_method_of(const struct go_program *prog, const struct go_func *f,
				     struct go_type **receiver)
{
	const struct method_row *row = method_row_of(prog, f);
	struct go_type *t;

	if (!row)
		return NULL;
	t = go_type_load(prog, go_type_at(prog, prog->md.types_va + row->type_off));
	if (row->index >= t->nmethods || !method_has_name(f, t->methods[row->index].name))
		return NULL;
	*receiver = t;
	return &t->methods[row->index];
}
