/* From code to the method that it is: an index by code address over the methods of every type that
 * has some. It is made from the bytes in one pass; no type is loaded for it (a program of 50 MB has
 * a hundred thousand methods). A type with methods is in typelinks by the pointer to it. */
#include "go/types_impl.h"

static struct method_row *row_at(const struct go_types *ts, u64 va)
{
	u64 *i = map_get(&ts->method_at, va);

	return i ? &ts->rows.at[*i - 1] : NULL;
}

static void add_methods(const struct go_program *prog, u64 off, const struct descriptor *d)
{
	struct go_types *ts = prog->types;
	struct uncommon u;
	struct raw_method m;

	if ((d->kind & KIND_MASK) == GO_INTERFACE || !uncommon_read(prog, off, d, &u))
		return;
	for (u16 i = 0; i < u.nmethods && raw_method_read(ts, &u, i, &m); i++) {
		struct method_row row = { prog->md.types_va + off, i, m.type > 0 }, *old;
		u64 *slot;

		if (m.tfn <= 0)
			continue;
		slot = map_put(&ts->method_at, prog->md.text_va + (u64)m.tfn);
		old = *slot ? &ts->rows.at[*slot - 1] : NULL;
		if (old && (old->known || !row.known))
			continue;
		if (old) {
			*old = row;	// NOLINT(clang-analyzer-core.NullDereference): a slot names a row
			continue;
		}
		*vec_push(&ts->rows) = row;
		*slot = ts->rows.n;
	}
}

static void index_methods(const struct go_program *prog)
{
	struct go_types *ts = types_with_links(prog);
	struct descriptor d, elem;

	for (size_t i = 0; i < ts->nlinks; i++) {
		struct rd r = rd_of(ts->area.p, ts->area.n, "type descriptors");
		u64 at;

		if (!descriptor_read(ts, ts->links[i], &d))
			continue;
		add_methods(prog, ts->links[i], &d);
		if ((d.kind & KIND_MASK) != GO_PTR)
			continue;
		rd_seek(&r, ts->links[i] + TYPE_HEAD);
		at = rd_u64(&r) - prog->md.types_va;
		if (descriptor_read(ts, at, &elem) && elem.tflag & TFLAG_NAMED)
			add_methods(prog, at, &elem);
	}
}

const struct method_row *method_row_of(const struct go_program *prog, const struct go_func *f)
{
	struct go_types *ts = types_of(prog);

	if (!ts->have_methods) {
		ts->have_methods = true;
		index_methods(prog);
	}
	return row_at(ts, go_func_va(prog, f));
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
	struct go_type *t = row ? go_type_load(prog, go_type_at(prog, row->type_va)) : NULL;

	if (!t || row->index >= t->nmethods || !method_has_name(f, t->methods[row->index].name))
		return NULL;
	*receiver = t;
	return &t->methods[row->index];
}
