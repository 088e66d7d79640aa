/* Finding types: the linker's list (typelinks), by name, and every one that can be reached.
 *
 * typelinks holds the unnamed pointers, slices, arrays, chans, funcs, maps and structs, sorted by
 * their text. A named type is not in it, but a pointer to it is: both of its names are looked up
 * there, so that a name costs a binary search and not a walk over all types (reflect/type.go,
 * cmd/link/internal/ld/data.go). */
#include <stdlib.h>

#include "base/out.h"
#include "go/dwarf.h"
#include "go/itabs.h"
#include "go/types_impl.h"

/* 1.27 has no list: the descriptors stand back to back, sorted, from types + 8. */
static u64 descriptor_end(const struct go_program *prog, u64 off, const struct descriptor *d)
{
	const struct go_types *ts = types_of(prog);
	struct rd r = rd_of(ts->area.p, ts->area.n, "type descriptors");
	u64 end = off + TYPE_HEAD + descriptor_fixed(prog, off, d->kind);
	struct uncommon u;

	rd_seek(&r, off + TYPE_HEAD);
	if (uncommon_read(prog, off, d, &u))
		end += UNCOMMON_SIZE + (u64)METHOD_SIZE * u.nmethods;
	switch (d->kind & KIND_MASK) {
	case GO_FUNC:
		end += 8 * (u64)rd_u16(&r);
		end += 8 * (u64)(rd_u16(&r) & 0x7fff);
		break;
	case GO_INTERFACE: case GO_STRUCT:
		rd_skip(&r, 16);
		end += rd_count(&r, rd_u64(&r), 1) *
		       ((d->kind & KIND_MASK) == GO_STRUCT ? FIELD_SIZE : IMETHOD_SIZE);
		break;
	default:
		break;
	}
	return round_up(end, 8);
}

static void walk_links(const struct go_program *prog, struct go_types *ts)
{
	u64 off = 8, end = MIN(prog->md.typedesclen, (u64)ts->area.n);
	struct { u32 *at; size_t n, room; } found = { 0 };
	struct descriptor d;

	while (off < end && descriptor_read(ts, off, &d)) {
		*vec_push(&found) = (u32)off;
		off = descriptor_end(prog, off, &d);
	}
	ts->nlinks = found.n;
	ts->links = arena_copy(types_arena(prog), found.at, found.n * sizeof(u32));
	vec_release(&found);
}

struct go_types *types_with_links(const struct go_program *prog)
{
	struct go_types *ts = types_of(prog);
	const struct moduledata *md = &prog->md;
	struct str list;

	if (ts->have_links)
		return ts;
	ts->have_links = true;
	if (md->typedesclen) {
		walk_links(prog, ts);
		return ts;
	}
	if (md->ntypelinks > ts->area.n)
		return ts;
	list = image_bytes(prog->img, md->typelinks_va, md->ntypelinks * sizeof(u32));
	ts->nlinks = list.n / sizeof(u32);
	ts->links = arena_copy(types_arena(prog), list.p, ts->nlinks * sizeof(u32));
	return ts;
}

static bool link_name(const struct go_types *ts, size_t i, struct str *name)
{
	struct descriptor d;

	return descriptor_read(ts, ts->links[i], &d) && descriptor_name(ts, &d, name);
}

/* The first link whose name is not below this one. */
static size_t first_link(const struct go_types *ts, struct str name)
{
	size_t lo = 0, hi = ts->nlinks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		struct str at;

		if (link_name(ts, mid, &at) && str_cmp(at, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* "net/http.Server" is asked for as http.Server in the package net/http. */
struct wanted {
	struct str name, pkg_path;
};

/* Where the type's own name begins in "*gopkg.in/yaml.v3.Node": behind the last dot that stands in
 * no brackets. 0: it has no package. */
static size_t base_at(struct str name)
{
	ptrdiff_t bracket = str_find(name, STR("["));
	size_t head = bracket > 0 ? (size_t)bracket : name.n;

	return (size_t)(str_find_last(str_cut(name, 0, head), '.') + 1);
}

static size_t stars_of(struct str name)
{
	size_t n = 0;

	while (n < name.n && name.p[n] == '*')
		n++;
	return n;
}

static struct wanted wanted_of(struct arena *a, struct str text)
{
	size_t base = base_at(text), stars = stars_of(text);
	ptrdiff_t slash = base ? str_find_last(str_cut(text, 0, base), '/') : -1;
	struct wanted w = { .name = text, .pkg_path = STR("") };

	if (slash < 0)
		return w;
	w.pkg_path = str_cut(text, stars, base - 1);
	w.name = str_cut(text, (size_t)slash + 1, text.n);
	w.name = str_fmt(a, "%.*s%.*s", (int)stars, text.p, STR_F(w.name));
	return w;
}

static bool is_in_package(const struct go_program *prog, struct go_type *t, const struct wanted *w)
{
	struct go_type *named = go_type_load(prog, t);

	if (t->kind == GO_BAD)
		return false;
	while (named && !named->named && named->kind == GO_PTR)
		named = go_type_load(prog, named->elem);
	return !w->pkg_path.n || (named && str_eq(named->pkg_path, w->pkg_path));
}

static bool is_wanted(const struct go_program *prog, struct go_type *t, const struct wanted *w)
{
	return is_in_package(prog, t, w) && str_eq(t->name, w->name);
}

static struct go_type *in_links(const struct go_program *prog, const struct wanted *w,
				struct str as, bool pointee)
{
	struct go_types *ts = types_with_links(prog);
	struct str name;

	for (size_t i = first_link(ts, as); i < ts->nlinks; i++) {
		struct go_type *t;

		if (!link_name(ts, i, &name) || !str_eq(name, as))
			break;
		t = go_type_at(prog, prog->md.types_va + ts->links[i]);
		if (pointee)
			t = go_type_load(prog, t)->elem;
		if (t && is_wanted(prog, t, w))
			return t;
	}
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct go_type *const *x = a, *const *y = b;
	int c = str_cmp((*x)->name, (*y)->name);

	return c ? c : (*x)->va < (*y)->va ? -1 : (*x)->va > (*y)->va;
}

static struct go_type *in_all(const struct go_program *prog, const struct wanted *w)
{
	struct go_type **all;
	size_t n = go_types_all(prog, &all), lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(all[mid]->name, w->name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && str_eq(all[lo]->name, w->name); lo++)
		if (is_wanted(prog, all[lo], w))
			return all[lo];
	return NULL;
}

/* A package may be called otherwise than its path's last element: go-sqlite3, yaml.v3, v2. */
static struct go_type *of_path(const struct go_program *prog, const struct wanted *w)
{
	struct go_type **all;
	size_t n = w->pkg_path.n ? go_types_all(prog, &all) : 0;
	struct str base = str_cut(w->name, base_at(w->name), w->name.n);

	for (size_t i = 0; i < n; i++) {
		struct str name = all[i]->name;

		if (str_ends(name, base) && str_eq(str_cut(name, base_at(name), name.n), base) &&
		    stars_of(name) == stars_of(w->name) && is_in_package(prog, all[i], w))
			return all[i];
	}
	return NULL;
}

struct go_type *go_type_named(const struct go_program *prog, struct str name)
{
	struct wanted w = wanted_of(types_arena(prog), name);
	struct go_type *t = in_links(prog, &w, w.name, false);

	if (!t)
		t = in_links(prog, &w, str_fmt(types_arena(prog), "*%.*s", STR_F(w.name)), true);
	if (!t)
		t = in_all(prog, &w);
	return t ? t : of_path(prog, &w);
}

static const char *const basic_names[] = {
	[GO_BOOL] = "bool", [GO_INT] = "int", [GO_INT8] = "int8", [GO_INT16] = "int16",
	[GO_INT32] = "int32", [GO_INT64] = "int64", [GO_UINT] = "uint", [GO_UINT8] = "uint8",
	[GO_UINT16] = "uint16", [GO_UINT32] = "uint32", [GO_UINT64] = "uint64",
	[GO_UINTPTR] = "uintptr", [GO_FLOAT32] = "float32", [GO_FLOAT64] = "float64",
	[GO_COMPLEX64] = "complex64", [GO_COMPLEX128] = "complex128", [GO_INTERFACE] = "error",
	[GO_STRING] = "string", [GO_UNSAFE_POINTER] = "unsafe.Pointer",
};

/* A predeclared type that the program has no descriptor of. */
static struct go_type *make_basic(const struct go_program *prog, enum go_kind kind)
{
	struct arena *a = types_arena(prog);
	struct go_type *t = ARENA_NEW(a, struct go_type);

	t->loaded = t->named = t->comparable = true;
	t->kind = (u8)kind;
	t->name = str_of(basic_names[kind]);
	t->size = kind_size((u8)kind);
	t->align = t->field_align = (u8)MIN(t->size, kind == GO_COMPLEX64 ? 4 : 8);
	t->direct_iface = kind == GO_UNSAFE_POINTER;
	if (kind == GO_INTERFACE) {
		struct go_type *method = ARENA_NEW(a, struct go_type);

		*method = (struct go_type){ .loaded = true, .kind = GO_FUNC, .size = 8, .align = 8,
					    .field_align = 8, .direct_iface = true, .nout = 1,
					    .name = STR("func() string") };
		method->out = ARENA_NEW(a, struct go_type *);
		method->out[0] = go_type_basic(prog, GO_STRING);
		t->methods = ARENA_NEW(a, struct go_method);
		t->methods[0] = (struct go_method){ .name = STR("Error"), .type = method };
		t->nmethods = 1;
	}
	return t;
}

struct go_type *go_type_basic(const struct go_program *prog, enum go_kind kind)
{
	struct go_types *ts = types_of(prog);
	struct wanted w = { .pkg_path = STR("") };

	if (kind >= ARRAY_LEN(basic_names) || !basic_names[kind])
		return NULL;
	if (!ts->basic[kind]) {
		struct str pointer = str_fmt(types_arena(prog), "*%s", basic_names[kind]);

		w.name = str_of(basic_names[kind]);
		ts->basic[kind] = in_links(prog, &w, pointer, true);
		if (!ts->basic[kind])
			ts->basic[kind] = make_basic(prog, kind);
	}
	return ts->basic[kind];
}

/* Types on the way to be listed: a queue, and who is in it already. */
struct closure {
	const struct go_program *prog;
	struct { struct go_type **at; size_t n, room; } queue;
	struct map seen;
};

static void reach(struct closure *c, struct go_type *t)
{
	u64 *seen;

	if (!t || *(seen = map_put(&c->seen, (u64)(uintptr_t)t)))
		return;
	*seen = 1;
	if (go_type_load(c->prog, t)->kind != GO_BAD)
		*vec_push(&c->queue) = t;
}

static void reach_va(struct closure *c, u64 va)
{
	struct descriptor d;

	if (va >= c->prog->md.types_va &&
	    descriptor_read(types_of(c->prog), va - c->prog->md.types_va, &d))
		reach(c, go_type_at(c->prog, va));
}

static void reach_parts(struct closure *c, const struct go_type *t)
{
	struct descriptor d;
	u64 off = t->va - c->prog->md.types_va;

	reach(c, t->elem);
	reach(c, t->key);
	for (size_t i = 0; i < t->nfields; i++)
		reach(c, t->fields[i].type);
	for (size_t i = 0; i < t->nin; i++)
		reach(c, t->in[i]);
	for (size_t i = 0; i < t->nout; i++)
		reach(c, t->out[i]);
	for (size_t i = 0; i < t->nmethods; i++)
		reach(c, t->methods[i].type);
	if (!t->va || !descriptor_read(types_of(c->prog), off, &d))
		return;
	if (d.ptr_to_this > 0)
		reach_va(c, c->prog->md.types_va + (u64)d.ptr_to_this);
	if (t->kind == GO_MAP) {	/* its group or bucket */
		u64 group;

		if (image_u64(c->prog->img, t->va + TYPE_HEAD + 16, &group))
			reach_va(c, group);
	}
}

/* What only code mentions: targets of `lea disp32(%rip), reg` that look like a descriptor. */
static void reach_from_code(struct closure *c)
{
	const struct moduledata *md = &c->prog->md;
	struct str text = image_bytes(c->prog->img, md->text_va, md->etext_va - md->text_va);
	const char *p = text.p, *end = text.p + text.n;
	struct descriptor d;
	struct str name;

	for (; text.n && (p = memchr(p, 0x8d, (size_t)(end - p))); p++) {
		struct rd r = rd_of(p, (size_t)(end - p), "code");
		u64 va;

		rd_skip(&r, 1);
		if (p == text.p || ((u8)p[-1] & 0xfb) != 0x48 || (rd_u8(&r) & 0xc7) != 0x05)
			continue;
		va = (u64)(i64)(i32)rd_u32(&r) + md->text_va + (u64)(p - text.p) + 6;
		if (r.bad || va % 8 || va < md->types_va || va >= md->etypes_va ||
		    !descriptor_read(types_of(c->prog), va - md->types_va, &d) ||
		    !descriptor_name(types_of(c->prog), &d, &name) || !str_is_utf8(name))
			continue;
		reach_va(c, va);
	}
}

size_t go_types_all(const struct go_program *prog, struct go_type ***types)
{
	struct go_types *ts = types_with_links(prog);
	struct closure c = { .prog = prog };
	const struct go_itab *itabs;
	struct go_type **dwarf;
	size_t n;

	*types = ts->all;
	if (ts->have_all)
		return ts->nall;
	ts->have_all = true;
	for (size_t i = 0; i < ts->nlinks; i++)
		reach_va(&c, prog->md.types_va + ts->links[i]);
	n = go_itabs(prog, &itabs);
	for (size_t i = 0; i < n; i++) {
		reach_va(&c, itabs[i].inter_va);
		reach_va(&c, itabs[i].type_va);
	}
	reach_from_code(&c);
	n = go_dwarf_types(prog, &dwarf);
	for (size_t i = 0; i < n; i++)
		reach(&c, dwarf[i]);
	for (size_t i = 0; i < c.queue.n; i++)
		reach_parts(&c, c.queue.at[i]);
	if (c.queue.n)
		qsort(c.queue.at, c.queue.n, sizeof(c.queue.at[0]), by_name);
	ts->nall = c.queue.n;
	ts->all = arena_copy(types_arena(prog), c.queue.at, c.queue.n * sizeof(c.queue.at[0]));
	vec_release(&c.queue);
	map_release(&c.seen);
	*types = ts->all;
	return ts->nall;
}
