/* Type descriptors, one at a time and on demand. Each offset in them is checked before it is
 * followed, and sizes are checked against each other, so that whoever walks a loaded type by value
 * comes to an end: a part lies inside the whole, and a whole never contains itself. */
#include "go/types_impl.h"

enum {
	DEEPEST = 100,		/* structs in structs; honest ones stay below ten */
};

static const u8 kind_sizes[] = {
	[GO_BOOL] = 1, [GO_INT] = 8, [GO_INT8] = 1, [GO_INT16] = 2, [GO_INT32] = 4, [GO_INT64] = 8,
	[GO_UINT] = 8, [GO_UINT8] = 1, [GO_UINT16] = 2, [GO_UINT32] = 4, [GO_UINT64] = 8,
	[GO_UINTPTR] = 8, [GO_FLOAT32] = 4, [GO_FLOAT64] = 8, [GO_COMPLEX64] = 8,
	[GO_COMPLEX128] = 16, [GO_CHAN] = 8, [GO_FUNC] = 8, [GO_INTERFACE] = 16, [GO_MAP] = 8,
	[GO_PTR] = 8, [GO_SLICE] = 24, [GO_STRING] = 16, [GO_UNSAFE_POINTER] = 8,
};

u64 kind_size(u8 kind)
{
	return kind < ARRAY_LEN(kind_sizes) ? kind_sizes[kind] : 0;
}

struct go_types *types_of(const struct go_program *prog)
{
	struct go_program *p = (struct go_program *)prog;
	const struct moduledata *md = &prog->md;

	if (p->types)
		return p->types;
	p->types = ARENA_NEW(&p->arena, struct go_types);
	if (md->etypes_va > md->types_va)
		p->types->area = image_bytes(prog->img, md->types_va, md->etypes_va - md->types_va);
	return p->types;
}

void go_types_release(struct go_program *prog)
{
	if (!prog->types)
		return;
	map_release(&prog->types->by_va);
	vec_release(&prog->types->rows);
	prog->types = NULL;
}

static struct rd area_rd(const struct go_types *ts, u64 off)
{
	struct rd r = rd_of(ts->area.p, ts->area.n, "type descriptors");

	rd_seek(&r, off);
	return r;
}

/* An address in the area as an offset, or beyond its end. */
static u64 area_off(const struct go_program *prog, u64 va)
{
	return va >= prog->md.types_va ? va - prog->md.types_va : UINT64_MAX;
}

bool descriptor_read(const struct go_types *ts, u64 off, struct descriptor *d)
{
	struct rd r = area_rd(ts, off);
	u8 kind;

	d->size = rd_u64(&r);
	d->ptrdata = rd_u64(&r);
	d->hash = rd_u32(&r);
	d->tflag = rd_u8(&r);
	d->align = rd_u8(&r);
	d->field_align = rd_u8(&r);
	d->kind = rd_u8(&r);
	d->equal = rd_u64(&r);
	rd_skip(&r, 8);
	d->str = (i32)rd_u32(&r);
	d->ptr_to_this = (i32)rd_u32(&r);
	kind = d->kind & KIND_MASK;
	if (r.bad || kind == GO_BAD || kind > GO_UNSAFE_POINTER || d->ptrdata > d->size)
		return false;
	if (kind != GO_STRUCT && kind != GO_ARRAY && d->size != kind_sizes[kind])
		return false;
	return d->align && d->align <= 8 && !(d->align & (d->align - 1));
}

/* A name: OFFSET SIZE MEANING: 0 1 flags; uvarint length, bytes; if tagged uvarint length, tag;
 * if NAME_PKG an unaligned i32: offset of the package path. */
struct raw_name {
	u8 flags;
	struct str text, tag;
};

static bool name_read(const struct go_types *ts, u64 off, struct raw_name *n)
{
	struct rd r = area_rd(ts, off);

	*n = (struct raw_name){ .text = STR(""), .tag = STR("") };
	n->flags = rd_u8(&r);
	n->text = rd_bytes(&r, rd_uvarint(&r));
	if (n->flags & NAME_TAGGED)
		n->tag = rd_bytes(&r, rd_uvarint(&r));
	return !r.bad;
}

struct str type_name_at(const struct go_types *ts, u64 off)
{
	struct raw_name n;

	return name_read(ts, off, &n) ? n.text : STR("");
}

bool descriptor_name(const struct go_types *ts, const struct descriptor *d, struct str *name)
{
	struct raw_name n;

	if (d->str <= 0 || !name_read(ts, (u64)d->str, &n))
		return false;
	*name = d->tflag & TFLAG_EXTRA_STAR ? str_cut(n.text, 1, n.text.n) : n.text;
	return name->n > 0;
}

/* The group (or bucket) is a struct whose first field tells which kind of map this is: "topbits"
 * is the one that a 1.24 or 1.25 built with noswissmap has, against its release. */
static bool group_is_bucket(const struct go_program *prog, u64 map_off)
{
	const struct go_types *ts = types_of(prog);
	struct rd r = area_rd(ts, map_off);

	rd_skip(&r, TYPE_HEAD + 16);		/* key, elem */
	r = area_rd(ts, area_off(prog, rd_u64(&r)));
	rd_skip(&r, TYPE_HEAD + 8);
	r = area_rd(ts, area_off(prog, rd_u64(&r)));
	return str_eq(type_name_at(ts, area_off(prog, rd_u64(&r))), STR("topbits"));
}

static enum go_map_layout map_layout(const struct go_program *prog, u64 map_off)
{
	return group_is_bucket(prog, map_off) ? GO_MAP_HMAP : prog->rel->maps;
}

u64 descriptor_fixed(const struct go_program *prog, u64 off, u8 kind)
{
	static const u8 map_part[] = {
		[GO_MAP_HMAP] = 40, [GO_MAP_SWISS] = 64, [GO_MAP_SWISS_STRIDES] = 88,
	};

	switch (kind & KIND_MASK) {
	case GO_ARRAY: return 24;
	case GO_CHAN: return 16;
	case GO_FUNC: case GO_PTR: case GO_SLICE: return 8;
	case GO_INTERFACE: case GO_STRUCT: return 32;
	case GO_MAP: return map_part[map_layout(prog, off)];
	default: return 0;
	}
}

/* Uncommon: OFFSET SIZE MEANING: 0 4 package path, 4 2 methods, 6 2 exported ones,
 * 8 4 offset of the methods from here, 12 4 unused. Method: 4 each: name, type, ifn, tfn. */
bool uncommon_read(const struct go_program *prog, u64 off, const struct descriptor *d,
		   struct uncommon *u)
{
	const struct go_types *ts = types_of(prog);
	struct rd r;
	u64 start;

	if (!(d->tflag & TFLAG_UNCOMMON))
		return false;
	start = off + TYPE_HEAD + descriptor_fixed(prog, off, d->kind);
	r = area_rd(ts, start);
	u->pkg_path = (i32)rd_u32(&r);
	u->nmethods = rd_u16(&r);
	rd_skip(&r, 2);
	u->methods_off = start + rd_u32(&r);
	if (r.bad)
		return false;
	r = area_rd(ts, u->methods_off);
	return rd_count(&r, u->nmethods, METHOD_SIZE) == u->nmethods && !r.bad;
}

bool raw_method_read(const struct go_types *ts, const struct uncommon *u, unsigned i,
		     struct raw_method *m)
{
	struct rd r = area_rd(ts, u->methods_off + (u64)METHOD_SIZE * i);

	m->name = (i32)rd_u32(&r);
	m->type = (i32)rd_u32(&r);
	m->ifn = (i32)rd_u32(&r);
	m->tfn = (i32)rd_u32(&r);
	return !r.bad;
}

struct go_type *go_type_at(const struct go_program *prog, u64 va)
{
	struct go_types *ts = types_of(prog);
	u64 *slot;

	if (area_off(prog, va) >= ts->area.n)
		return NULL;
	slot = map_put(&ts->by_va, va);
	if (!*slot) {
		struct go_type *t = ARENA_NEW(types_arena(prog), struct go_type);

		t->va = va;
		*slot = (u64)(uintptr_t)t;
	}
	return type_ptr(*slot);
}

/* A child whose own head is sound, or NULL. */
static struct go_type *child(const struct go_program *prog, u64 va)
{
	struct descriptor d;

	return descriptor_read(types_of(prog), area_off(prog, va), &d) ? go_type_at(prog, va)
								       : NULL;
}

/* What lies inside a value is loaded with it, and a kind is set last: a type that would contain
 * itself meets itself as GO_BAD. */
bool type_load_part(const struct go_program *prog, struct go_type *part)
{
	struct go_types *ts = types_of(prog);

	if (!part || ts->depth == DEEPEST)
		return false;
	ts->depth++;
	go_type_load(prog, part);
	ts->depth--;
	return part->kind != GO_BAD;
}

/* Each part of a type has eight bytes of its own; descriptors that lie may share a list, and would
 * get a copy each. */
static bool take_parts(const struct go_program *prog, u64 n)
{
	struct go_types *ts = types_of(prog);

	ts->parts += n;
	return ts->parts <= ts->area.n / 8;
}

static bool load_array(const struct go_program *prog, struct go_type *t, struct rd *r)
{
	u64 all;

	t->elem = child(prog, rd_u64(r));
	rd_skip(r, 8);
	t->len = rd_u64(r);
	return type_load_part(prog, t->elem) &&
	       !__builtin_mul_overflow(t->elem->size, t->len, &all) && all == t->size;
}

/* A field: 8 name, 8 type, 8 offset (shifted left by one up to 1.18: bit 0 is "embedded"). */
static bool load_field(const struct go_program *prog, const struct go_type *t, struct rd *r,
		       u64 *end, struct go_field *f)
{
	u64 name_va = rd_u64(r), type_va = rd_u64(r), offset = rd_u64(r);
	struct raw_name name;

	f->type = child(prog, type_va);
	if (!type_load_part(prog, f->type) ||
	    !name_read(types_of(prog), area_off(prog, name_va), &name))
		return false;
	f->name = name.text;
	f->tag = name.tag;
	f->embedded = prog->rel->field_offset_shifted ? offset & 1 : name.flags & NAME_EMBEDDED;
	f->offset = prog->rel->field_offset_shifted ? offset >> 1 : offset;
	if (f->offset < *end || f->offset > t->size || f->type->size > t->size - f->offset)
		return false;
	*end = f->offset + f->type->size;
	return true;
}

static bool load_struct(const struct go_program *prog, struct go_type *t, struct rd *r)
{
	struct rd fields;
	u64 at, n, end = 0;

	rd_skip(r, 8);
	at = rd_u64(r);
	n = rd_u64(r);
	if (!n)
		return true;
	fields = area_rd(types_of(prog), area_off(prog, at));
	n = rd_count(&fields, n, FIELD_SIZE);
	if (fields.bad || !take_parts(prog, n))
		return false;
	t->fields = ARENA_ARRAY(types_arena(prog), struct go_field, n);
	for (; t->nfields < n; t->nfields++)
		if (!load_field(prog, t, &fields, &end, &t->fields[t->nfields]))
			return false;
	return true;
}

/* u16 in, u16 out (bit 15: variadic), padding; then, behind the uncommon part, the types. */
static bool load_func(const struct go_program *prog, struct go_type *t, const struct descriptor *d,
		      struct rd *r)
{
	struct arena *a = types_arena(prog);
	u16 in = rd_u16(r), out = rd_u16(r);

	rd_skip(r, 4 + (d->tflag & TFLAG_UNCOMMON ? UNCOMMON_SIZE : 0));
	t->variadic = out & 0x8000;
	out &= 0x7fff;
	if (rd_count(r, (u64)in + out, 8) != (u64)in + out || !take_parts(prog, (u64)in + out))
		return false;
	t->in = ARENA_ARRAY(a, struct go_type *, in);
	t->out = ARENA_ARRAY(a, struct go_type *, out);
	for (; t->nin < in; t->nin++)
		if (!(t->in[t->nin] = child(prog, rd_u64(r))))
			return false;
	for (; t->nout < out; t->nout++)
		if (!(t->out[t->nout] = child(prog, rd_u64(r))))
			return false;
	return true;
}

static bool load_interface(const struct go_program *prog, struct go_type *t, struct rd *r)
{
	const struct go_types *ts = types_of(prog);
	struct rd methods;
	u64 at, n;

	rd_skip(r, 8);
	at = rd_u64(r);
	n = rd_u64(r);
	if (!n)
		return true;
	methods = area_rd(ts, area_off(prog, at));
	n = rd_count(&methods, n, IMETHOD_SIZE);
	if (methods.bad || !take_parts(prog, n))
		return false;
	t->methods = ARENA_ARRAY(types_arena(prog), struct go_method, n);
	for (; t->nmethods < n; t->nmethods++) {
		struct go_method *m = &t->methods[t->nmethods];
		u32 name = rd_u32(&methods), type = rd_u32(&methods);

		m->name = type_name_at(ts, name);
		m->type = child(prog, prog->md.types_va + type);
		if (!m->name.n || !m->type)
			return false;
	}
	return true;
}

/* Swiss: group {ctrl u64; slots [8]{key; elem}}; a key's slot is `slot_size`, its value lies
 * elem_off behind it. From 1.27 the strides are in the descriptor. */
static bool load_map(const struct go_program *prog, struct go_type *t, struct rd *r)
{
	enum { INDIRECT_KEY_HMAP = 1, INDIRECT_ELEM_HMAP = 2, INDIRECT_KEY = 4, INDIRECT_ELEM = 8,
	       SLOTS = 8, CTRL = 8 };
	struct go_map_facts *m = &t->map;
	const struct go_types *ts = types_of(prog);
	struct descriptor key, elem;	/* only their sizes: a map may hold maps of its own type */
	u64 key_size, elem_size;
	u32 flags;

	t->key = child(prog, rd_u64(r));
	t->elem = child(prog, rd_u64(r));
	rd_skip(r, 16);
	if (!t->key || !descriptor_read(ts, area_off(prog, t->key->va), &key) ||
	    !t->elem || !descriptor_read(ts, area_off(prog, t->elem->va), &elem))
		return false;
	key_size = key.size;
	elem_size = elem.size;
	m->layout = (u8)map_layout(prog, area_off(prog, t->va));
	if (m->layout == GO_MAP_HMAP) {
		m->key_size = rd_u8(r);
		m->elem_size = rd_u8(r);
		m->bucket_size = rd_u16(r);
		flags = rd_u32(r);
		m->indirect_key = flags & INDIRECT_KEY_HMAP;
		m->indirect_elem = flags & INDIRECT_ELEM_HMAP;
		/* eight top-hash bytes, eight keys, eight values, and the overflow pointer */
		return m->key_size == (m->indirect_key ? 8 : key_size) &&
		       m->elem_size == (m->indirect_elem ? 8 : elem_size) &&
		       SLOTS * (1 + m->key_size + m->elem_size) <= m->bucket_size;
	}
	m->group_size = rd_u64(r);
	if (m->layout == GO_MAP_SWISS_STRIDES) {
		m->keys_off = rd_u64(r);
		m->key_stride = rd_u64(r);
		m->elems_off = rd_u64(r);
		m->elem_stride = rd_u64(r);
		rd_skip(r, 8);
	} else {
		m->keys_off = CTRL;
		m->key_stride = m->elem_stride = rd_u64(r);
		m->elems_off = CTRL + rd_u64(r);
	}
	flags = rd_u32(r);
	m->indirect_key = flags & INDIRECT_KEY;
	m->indirect_elem = flags & INDIRECT_ELEM;
	m->key_size = m->indirect_key ? 8 : (u32)MIN(key_size, UINT32_MAX);
	m->elem_size = m->indirect_elem ? 8 : (u32)MIN(elem_size, UINT32_MAX);
	/* all below 2^20: a key or value above 128 bytes is stored as a pointer */
	return m->group_size < 1 << 20 && m->keys_off < 1 << 20 && m->elems_off < 1 << 20 &&
	       m->key_stride < 1 << 20 && m->elem_stride < 1 << 20 && m->key_size < 1 << 20 &&
	       m->elem_size < 1 << 20 &&
	       m->keys_off + (SLOTS - 1) * m->key_stride + m->key_size <= m->group_size &&
	       m->elems_off + (SLOTS - 1) * m->elem_stride + m->elem_size <= m->group_size;
}

static bool load_parts(const struct go_program *prog, struct go_type *t, const struct descriptor *d)
{
	struct rd r = area_rd(types_of(prog), area_off(prog, t->va) + TYPE_HEAD);
	bool good = true;

	switch (d->kind & KIND_MASK) {
	case GO_ARRAY:
		good = load_array(prog, t, &r);
		break;
	case GO_CHAN:
		t->elem = child(prog, rd_u64(&r));
		t->dir = (u8)(rd_u64(&r) & 3);
		good = t->elem && t->dir;
		break;
	case GO_FUNC:
		good = load_func(prog, t, d, &r);
		break;
	case GO_INTERFACE:
		good = load_interface(prog, t, &r);
		break;
	case GO_MAP:
		good = load_map(prog, t, &r);
		break;
	case GO_PTR: case GO_SLICE:
		t->elem = child(prog, rd_u64(&r));
		good = t->elem;
		break;
	case GO_STRUCT:
		good = load_struct(prog, t, &r);
		break;
	default:
		break;
	}
	return good && !r.bad;
}

static void load_methods(const struct go_program *prog, struct go_type *t, const struct uncommon *u)
{
	const struct go_types *ts = types_of(prog);
	const struct moduledata *md = &prog->md;

	t->methods = ARENA_ARRAY(types_arena(prog), struct go_method, u->nmethods);
	for (unsigned i = 0; i < u->nmethods; i++) {
		struct go_method *m = &t->methods[t->nmethods++];
		struct raw_method raw;

		if (!raw_method_read(ts, u, i, &raw))
			break;
		m->name = type_name_at(ts, (u64)raw.name);
		m->type = raw.type > 0 ? child(prog, md->types_va + (u64)raw.type) : NULL;
		m->ifn_va = raw.ifn > 0 ? md->text_va + (u64)raw.ifn : 0;
		m->tfn_va = raw.tfn > 0 ? md->text_va + (u64)raw.tfn : 0;
	}
}

static bool load_descriptor(const struct go_program *prog, struct go_type *t)
{
	const struct go_types *ts = types_of(prog);
	u64 off = area_off(prog, t->va);
	struct descriptor d;
	struct uncommon u;

	if (!descriptor_read(ts, off, &d) || !descriptor_name(ts, &d, &t->name))
		return false;
	t->size = d.size;
	t->align = d.align;
	t->field_align = d.field_align;
	t->named = d.tflag & TFLAG_NAMED;
	t->comparable = d.equal;
	t->direct_iface = prog->rel->direct_iface_tflag ? d.tflag & prog->rel->direct_iface_tflag
							: d.kind & KIND_DIRECT_IFACE;
	if (!load_parts(prog, t, &d))
		return false;
	if (d.tflag & TFLAG_UNCOMMON) {
		if (!uncommon_read(prog, off, &d, &u) || !take_parts(prog, u.nmethods))
			return false;
		if (t->named && u.pkg_path > 0)
			t->pkg_path = type_name_at(ts, (u64)u.pkg_path);
		if ((d.kind & KIND_MASK) != GO_INTERFACE && u.nmethods)
			load_methods(prog, t, &u);
	}
	t->kind = d.kind & KIND_MASK;
	/* go.shape.*uint8 stands for a pointer to anything */
	if (t->kind == GO_PTR && str_starts(t->name, STR("go.shape."))) {
		t->kind = GO_UNSAFE_POINTER;
		t->elem = NULL;
	}
	return true;
}

struct go_type *go_type_load(const struct go_program *prog, struct go_type *t)
{
	if (!t || t->loaded)
		return t;
	t->loaded = true;
	if (!t->va) {
		dwarf_type_load(prog, t);
	} else if (!load_descriptor(prog, t)) {
		/* Nothing of what it says is kept: a GO_BAD has no parts to follow. */
		*t = (struct go_type){
			.va = t->va, .die = t->die, .loaded = true, .name = STR("?"),
		};
	}
	return t;
}

bool go_type_is_pointer_shaped(const struct go_program *prog, struct go_type *t)
{
	return go_type_load(prog, t)->direct_iface;
}
