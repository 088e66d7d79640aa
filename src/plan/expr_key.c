/* m["key"]: the element of a map, by the steps that every engine has. So the map is not looked into
 * by its hash, which only the program can compute, but through, slot after slot: a key of the same
 * length is compared, and of the one that is the same the element is copied.
 *
 * Sources  runtime/map.go, runtime/map_faststr.go (go1.17 to go1.23): hmap has B at 9, its buckets
 *          at 16; a bucket's overflow is its last word.
 *          internal/runtime/maps/{map,table,group}.go (go1.24 to go1.27): Map has dirPtr at 16,
 *          dirLen at 24; a table has its groups at 16, and how many less one at 24. */
#include "go/release.h"
#include "plan/expr_binder.h"

enum {
	KEY_MOST = 32,
	SLOTS = 8,
	HMAP_B = 9, HMAP_BUCKETS = 16, MAP_DIR = 16, TABLE_GROUPS = 16,
	HEAD = 8,	/* a status, then what was copied */
};

struct search {
	struct builder *b;
	const struct go_type *map;
	struct str key;
	/* in the record: the address and the length of a slot's key, and its bytes; where the
	 * group is, and the word behind that; a word of one step on the way; one byte; how many
	 * groups were left behind; the element */
	u32 slot, text, where, word, byte, turns, elem;
};

/* No bytes stand there for others: they do not stay what they are. */
static void mem(struct search *s, u32 from, u64 disp, u64 size, u32 to)
{
	struct read *r = builder_step(s->b, READ_MEM);

	r->from = from;
	r->disp = (i32)disp;
	r->size = (u16)size;
	r->status = to - HEAD;
	r->at = to;
	r->own = true;
}

static size_t when(struct search *s, u32 at, u64 value, bool not)
{
	struct read *r = builder_step(s->b, READ_WHEN);

	r->when_at = at;
	r->when = value;
	r->when_not = not;
	r->own = true;
	return s->b->reads.n - 1;
}

static void end(struct search *s, size_t block)
{
	s->b->reads.at[block].size = (u16)(s->b->reads.n - block - 1);
}

/* Is it this one? Then its element. */
static void compare(struct search *s, u32 group, u64 elem)
{
	size_t blocks[KEY_MOST / 8], n = 0;
	struct read *r = builder_step(s->b, READ_BYTES);

	r->from = s->slot;
	r->len_at = s->slot + 8;
	r->elem = 1;
	r->size = (u16)s->key.n;
	r->status = s->text - HEAD;
	r->at = s->text;
	r->own = true;
	for (size_t i = 0; i < s->key.n; i += 8) {
		u64 word = 0;

		memcpy(&word, s->key.p + i, MIN(s->key.n - i, (size_t)8));
		blocks[n++] = when(s, s->text + (u32)i, word, false);
	}
	mem(s, group, elem, s->map->elem->size, s->elem);
	while (n)
		end(s, blocks[--n]);
}

/* Those of the group behind this word, until it is found. What can't be read leaves there what was
 * read before, and that was another key. */
static void slots(struct search *s, u32 group)
{
	const struct go_map_facts *m = &s->map->map;
	bool swiss = m->layout != GO_MAP_HMAP;
	u64 keys = swiss ? m->keys_off : 8, key_stride = swiss ? m->key_stride : m->key_size;
	u64 elems = swiss ? m->elems_off : 8 + SLOTS * (u64)m->key_size;
	u64 elem_stride = swiss ? m->elem_stride : m->elem_size;

	for (u32 i = 0; i < SLOTS; i++) {
		size_t sought = when(s, s->elem - HEAD, 0, false), same;

		mem(s, group, keys + i * key_stride, 16, s->slot);
		same = when(s, s->slot + 8, s->key.n, false);
		compare(s, group, elems + i * elem_stride);
		end(s, same);
		end(s, sought);
	}
}

/* What is behind `where`, and so on from group to group, of which at `count` there are so many
 * more. `chained`: each may have another one that goes on from it. */
static void groups(struct search *s, u32 count, u32 size, bool chained)
{
	size_t sought = when(s, s->elem - HEAD, 0, false), more;
	struct read *r;

	slots(s, s->where);
	if (chained) {
		mem(s, s->where, size - 8, 8, s->word);
		more = when(s, s->word, 0, true);
		slots(s, s->word);
		end(s, more);
	}
	r = builder_step(s->b, READ_AGAIN);
	r->from = s->where;
	r->at = s->turns;
	r->len_at = count;
	r->elem = size;
	r->log = chained;
	r->size = (u16)(s->b->reads.n - 1 - sought);
	r->own = true;
	end(s, sought);
}

/* Of buckets that are not nearly all full hardly one has more than one behind it. */
static void hmap(struct search *s, u32 map)
{
	mem(s, map, HMAP_BUCKETS, 8, s->where);
	mem(s, map, HMAP_B, 1, s->byte);	/* what is behind that byte stays 0 */
	groups(s, s->byte, s->map->map.bucket_size, true);
}

/* A small map has one group, and no directory: dirLen is 0, as if it were how many more there are.
 * Of a directory the first table is all. */
static void swiss(struct search *s, u32 map)
{
	size_t large;

	mem(s, map, MAP_DIR, 16, s->where);
	large = when(s, s->where + 8, 0, true);
	mem(s, s->where, 0, 8, s->word);
	mem(s, s->word, TABLE_GROUPS, 16, s->where);
	end(s, large);
	groups(s, s->where + 8, (u32)s->map->map.group_size, false);
}

static u32 take(struct builder *b, u64 size)
{
	u32 at = builder_take(b, HEAD + size);

	return at ? at + HEAD : 0;
}

/* Steps for what is behind the word at `map`. false: no room. */
static bool search(struct search *s, u32 map)
{
	size_t before = s->b->reads.n;

	s->slot = take(s->b, 16);
	s->text = take(s->b, s->key.n);
	s->where = take(s->b, 16);
	s->word = take(s->b, 8);
	s->byte = take(s->b, 8);
	s->turns = take(s->b, 8);
	s->elem = take(s->b, s->map->elem->size);
	if (!s->slot || !s->text || !s->where || !s->word || !s->byte || !s->turns || !s->elem)
		return false;
	s->b->touched = true;
	if (s->map->map.layout != GO_MAP_HMAP)
		swiss(s, map);
	else
		hmap(s, map);
	if (s->b->reads.n <= STEPS_MAX)
		return true;
	s->b->reads.n = before;
	return false;
}

static bool is_fit(struct binder *b, const struct expr_node *n, const struct go_type *t)
{
	const struct go_type *k = go_type_load(b->p->prog, t->key);
	const struct go_type *e = go_type_load(b->p->prog, t->elem);
	const struct expr_node *key = n->b;

	if (plan_redacts(b->p, key->text)) {
		b->fatal = true;
		return bind_wrong(b, key->at, "%.*s is redacted", STR_F(key->text));
	}
	if (key->kind != NODE_STRING || k->kind != GO_STRING)
		return bind_wrong(b, key->at,
				  "only texts can be looked up in a map, by a constant");
	if (!key->text.n || key->text.n > KEY_MOST)
		return bind_wrong(b, key->at, "a key of 1 to %u bytes is needed here", KEY_MOST);
	if (!key->text.p[0])	/* as what was not copied begins */
		return bind_wrong(b, key->at, "a key that begins with a NUL can't be looked up");
	return (e->size && e->size == t->map.elem_size && t->map.key_size == k->size &&
		!t->map.indirect_elem && t->map.group_size <= UINT16_MAX) ||
	       bind_wrong(b, key->at, "elements of %.*s can't be looked up", STR_F(t->name));
}

/* `map`: its word is in the record. */
static bool find(struct binder *b, const struct expr_node *n, const struct go_type *t,
		 struct place *p)
{
	struct search s = { .b = bind_reading(b, p), .map = t, .key = n->b->text };
	struct expr_step guard = { .op = EX_BEHIND, .exit = p->exit, .guard = p->guard,
				   .cap = (u32)t->elem->size };

	if (reading_hides(s.b, t->elem))
		return bind_wrong(b, n->b->at, "a part of it is redacted");
	for (size_t i = 0; i < s.b->found.n && !s.elem; i++) {
		const struct found_key *f = &s.b->found.at[i];

		if (f->map == p->at && f->type == t && str_eq(f->key, s.key)) {
			s.where = f->where;
			s.elem = f->elem;
		}
	}
	if (!s.elem) {
		if (!search(&s, p->at))
			return bind_no_room(b, n->mark);
		*vec_push(&s.b->found) = (struct found_key){ p->at, t, s.key, s.where, s.elem };
	}
	guard.at = s.where;
	guard.status = s.elem - HEAD;
	p->guard = (u16)(bind_step(b, guard) + 1);
	p->at = s.elem;
	return true;
}

bool bind_key(struct binder *b, const struct expr_node *n, struct operand *to)
{
	struct go_type *t = to->type;

	if (!is_fit(b, n, t))
		return false;
	if (to->place.computed)
		return bind_wrong(b, n->mark, "behind an index that is no constant, pointers are "
				  "not followed");
	if (!bind_bring(b, n->mark, &to->place, 8) || !find(b, n, t, &to->place))
		return false;
	to->type = bind_type(b, t->elem);
	return true;
}
