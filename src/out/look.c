#include "out/look.h"

#include "go/release.h"

enum { ABSURD = 47 };	/* no length reaches the size of the address space */

u64 look_word(const struct value_view *v, u32 at, unsigned size)
{
	u64 w = 0;

	if (size > 8 || at > v->reading->size || size > v->reading->size - at)
		return 0;
	memcpy(&w, v->record + at, size);
	return w;
}

i64 look_signed(const struct value_view *v, u32 at, unsigned size)
{
	u64 w = look_word(v, at, size);

	if (!size || size > 8)
		return 0;
	return (i64)(w << (64 - 8 * size)) >> (64 - 8 * size);
}

double look_float(const struct value_view *v, u32 at, unsigned size)
{
	u64 w = look_word(v, at, size);
	float f;
	double d;

	if (size == 8) {
		memcpy(&d, &w, 8);
		return d;
	}
	memcpy(&f, &w, 4);
	return f;
}

struct str look_bytes(const struct value_view *v, u32 at, u64 n)
{
	u32 size = v->reading->size + v->reading->texts;

	if (at > size || n > size - at)
		return STR("");
	return (struct str){ (const char *)v->record + at, n };
}

static bool holds(const struct value_view *v, const struct read *r)
{
	u64 want = r->when + (r->when_va ? v->bias : 0);

	return !r->when_at || (look_word(v, r->when_at, 8) == want) != r->when_not;
}

/* Does the step follow a pointer, for a value that is shown? */
static bool leads(const struct read *r)
{
	return (r->kind == READ_MEM || r->kind == READ_BYTES) && !r->own;
}

void value_begin(struct value_view *v)
{
	const struct reading *rd = v->reading;
	size_t words = MIN(rd->size / 8, (u32)ARRAY_LEN(v->first));

	memset(v->first, 0, words * sizeof(v->first[0]));
	v->budget = VALUES;
	for (u32 i = 0; i < rd->nreads; i++) {
		const struct read *r = &rd->reads[i];

		if (r->kind == READ_WHEN && !holds(v, r))
			i += r->size;	/* these did not run, nor the conditions among them */
		else if (leads(r) && r->from % 8 == 0 && r->from / 8 < words &&
			 !v->first[r->from / 8])
			v->first[r->from / 8] = (u16)(i + 1);
	}
}

/* Two steps can start at one word: an itab's type (disp 8) and whatever else is asked for later; a
 * pointee with redacted fields comes in pieces, of which the first one stands for all. */
static const struct read *capture_of(const struct value_view *v, u32 from, i32 disp)
{
	const struct reading *rd = v->reading;

	if (from % 8 || from / 8 >= ARRAY_LEN(v->first) || from >= rd->size || !v->first[from / 8])
		return NULL;
	for (u32 i = v->first[from / 8] - 1u; i < rd->nreads; i++) {
		const struct read *r = &rd->reads[i];

		if (r->kind == READ_WHEN && !holds(v, r))
			i += r->size;
		else if (leads(r) && r->from == from && r->disp == disp)
			return r;
	}
	return NULL;
}

struct behind look_behind(const struct value_view *v, u32 from, i32 disp)
{
	const struct read *r;
	u32 status;

	if (!look_word(v, from, 8))
		return (struct behind){ .state = BEHIND_NIL };
	r = capture_of(v, from, disp);
	if (!r || r->kind != READ_MEM)
		return (struct behind){ .state = BEHIND_NOT_TAKEN };
	status = (u32)look_word(v, r->status, 4);
	if (record_captured(status) < r->size ||
	    (r->span > r->size && look_word(v, r->status + 4, 4) == CAPTURE_UNREADABLE))
		return (struct behind){ .state = BEHIND_UNREADABLE };
	return (struct behind){ BEHIND_THERE, r->at, MAX(r->span, (u32)r->size) };
}

struct run look_run(const struct value_view *v, u32 at, u64 each, u64 most)
{
	struct run run = { .address = look_word(v, at, 8), .len = look_word(v, at + 8, 8) };
	const struct read *r;
	u32 status, got;

	if (run.len >> ABSURD) {
		run.error = "bad length";
		return run;
	}
	if (!run.len || !each || !most) {
		run.taken = true;
		run.n = MIN(run.len, most);
		return run;
	}
	if (!run.address) {	/* a length without an address: torn */
		run.error = "unreadable";
		return run;
	}
	r = capture_of(v, at, 0);
	if (!r || r->kind != READ_BYTES)
		return run;
	status = (u32)look_word(v, r->status, 4);
	got = record_captured(status);
	if (!got && r->size) {
		run.error = "unreadable";
		return run;
	}
	run.taken = true;
	run.at = record_text(status, r->at);
	run.n = MIN(MIN(got, (u32)r->size) / each, MIN(run.len, most));
	return run;
}

struct str look_text(const struct value_view *v, const struct run *r)
{
	struct str s = look_bytes(v, r->at, r->n);

	return s.n == r->len ? s : utf8_whole(s);
}

/* itabs and descriptors do not change: where the record has not got one, the file or the process
 * has. */
static bool fixed_word(const struct value_view *v, u64 rt, u64 *to)
{
	return image_u64(v->prog->img, rt - v->bias, to) ||
	       (v->read_rt && v->read_rt(v->read_ctx, rt, to, 8));
}

struct go_type *look_dynamic(const struct value_view *v, struct val x, u64 *address)
{
	const struct moduledata *md = &v->prog->md;
	u64 type = look_word(v, x.at, 8);
	struct go_type *t;

	*address = type;
	if (!type)
		return NULL;
	if (x.t->nmethods) {
		struct behind b = look_behind(v, x.at, 8);

		if (b.state == BEHIND_THERE)
			type = look_word(v, b.at, 8);
		else if (!fixed_word(v, type + 8, &type))
			return NULL;
	}
	*address = type;
	type -= v->bias;
	if (type < md->types_va || type >= md->etypes_va)
		return NULL;
	t = look_load(v, go_type_at(v->prog, type));
	return t->kind != GO_BAD ? t : NULL;
}

struct behind look_data(const struct value_view *v, struct go_type *t, u32 at)
{
	if (!t->size)
		return (struct behind){ BEHIND_THERE, at, 0 };
	if (go_type_is_pointer_shaped(v->prog, t))
		return (struct behind){ BEHIND_THERE, at + 8, 8 };
	return look_behind(v, at + 8, 0);
}

struct go_type *look_load(const struct value_view *v, struct go_type *t)
{
	static struct go_type bad = { .loaded = true, .kind = GO_BAD };

	return !t ? &bad : t->loaded ? t : go_type_load(v->prog, t);
}

u64 look_array(const struct value_view *v, struct val x, const struct go_type *elem)
{
	u64 n = MIN(x.t->len, v->elements);

	return elem->size ? MIN(n, x.room / elem->size) : n;
}

bool look_field(const struct value_view *v, struct val x, const struct go_field *f, struct val *to)
{
	struct go_type *t = look_load(v, f->type);

	if (f->offset > x.room || t->size > x.room - f->offset)
		return false;
	*to = val_in(x, t, x.at + (u32)f->offset, (u32)t->size);
	return true;
}

bool look_redacted(const struct value_view *v, const struct go_field *f)
{
	return v->plan && plan_redacts(v->plan, f->name);
}

struct str look_func(const struct value_view *v, u32 at)
{
	const struct moduledata *md = &v->prog->md;
	struct behind b = look_behind(v, at, 0);
	const struct go_func *f;
	u64 code;

	if (b.state != BEHIND_THERE)
		return STR("");
	code = look_word(v, b.at, 8) - v->bias;
	if (code < md->text_va || code >= md->etext_va)
		return STR("");
	f = go_func_at(v->prog, code - md->text_va);
	return f ? f->name : STR("");
}

bool look_is_time(const struct go_type *t)
{
	return t->kind == GO_STRUCT && t->size == 24 && str_eq(t->name, STR("time.Time"));
}

bool look_is_duration(const struct go_type *t)
{
	return t->kind == GO_INT64 && str_eq(t->name, STR("time.Duration"));
}

bool look_is_address(const struct go_type *t)
{
	return t && (t->kind == GO_UINTPTR || t->kind >= GO_CHAN);
}

int look_float_bits(const struct go_type *t)
{
	return t && t->kind == GO_FLOAT32 ? 32 : 64;
}

/* wall: OFFSET SIZE MEANING, in bits (time/time.go): 63 1 monotonic; then 30 33 seconds since 1885;
 * 0 30 nanoseconds. Without bit 63, ext has the seconds since year 1. */
void look_time(const struct value_view *v, u32 at, i64 *unix_s, u32 *ns)
{
	enum { YEAR_1_TO_1970 = 62135596800, YEAR_1_TO_1885 = 59453308800 };
	u64 wall = look_word(v, at, 8), ext = look_word(v, at + 8, 8), s = ext;

	if (wall >> 63)
		s = (wall << 1 >> 31) + YEAR_1_TO_1885;
	*unix_s = (i64)(s - YEAR_1_TO_1970);
	*ns = (u32)(wall & ((1u << 30) - 1));
}

/* runtime/map.go (to 1.23), hmap: 0 8 count, 16 8 buckets. From 1.24 internal/runtime/maps/map.go:
 * 0 8 used, 16 8 dirPtr, 24 8 dirLen: 0 when dirPtr is the one group itself, else it leads to
 * pointers to tables (internal/runtime/maps/table.go), whose groups are at 16. */
struct map_walk look_map(const struct value_view *v, const struct go_type *t, u32 at)
{
	struct map_walk m = { .address = look_word(v, at, 8) };
	struct behind b = look_behind(v, at, 0);

	if (b.state != BEHIND_THERE) {
		m.error = b.state == BEHIND_UNREADABLE ? "unreadable" : NULL;
		return m;
	}
	m.count = look_word(v, b.at, 8);
	if (m.count >> ABSURD) {
		m.error = "bad length";
		return m;
	}
	m.taken = true;
	if (t->map.layout != GO_MAP_HMAP && look_word(v, b.at + 24, 8)) {
		b = look_behind(v, b.at + 16, 0);
		if (b.state == BEHIND_THERE)
			b = look_behind(v, b.at, 0);
	}
	if (b.state == BEHIND_THERE)
		b = look_behind(v, b.at + 16, 0);
	if (b.state == BEHIND_THERE) {
		m.slots = b.at;
		m.room = b.n;
	}
	return m;
}

/* Keys and elements over 128 bytes are behind pointers. */
static struct val part_of_slot(const struct value_view *v, struct val x, struct go_type *t,
			       bool indirect, const struct map_walk *m, u32 off)
{
	struct behind b = { BEHIND_THERE, m->slots + off, m->room - off };
	struct val part;

	if (indirect)
		b = look_behind(v, b.at, 0);
	part = val_in(x, look_load(v, t), b.at, b.n);
	part.absent = b.state != BEHIND_THERE;
	return part;
}

/* A bucket and a group both begin with eight bytes that say what is in each slot: a bucket's is at
 * least 5 (minTopHash) for a live entry; a group's has its top bit clear. */
bool look_entry(const struct value_view *v, struct val x, struct map_walk *m, struct val *key,
		struct val *elem)
{
	enum { SLOTS = 8, MIN_TOP_HASH = 5, NOT_FULL = 0x80 };
	const struct go_map_facts *f = &x.t->map;

	while (m->slots && m->next < SLOTS) {
		u32 i = m->next++;
		u64 mark = look_word(v, m->slots + i, 1), k, e;

		if (f->layout == GO_MAP_HMAP) {
			if (mark < MIN_TOP_HASH)
				continue;
			k = 8 + (u64)i * f->key_size;
			e = 8 + 8 * (u64)f->key_size + (u64)i * f->elem_size;
		} else {
			if (mark & NOT_FULL)
				continue;
			k = f->keys_off + i * f->key_stride;
			e = f->elems_off + i * f->elem_stride;
		}
		if (k > m->room || e > m->room)
			return false;
		*key = part_of_slot(v, x, x.t->key, f->indirect_key, m, (u32)k);
		*elem = part_of_slot(v, x, x.t->elem, f->indirect_elem, m, (u32)e);
		return true;
	}
	return false;
}
