#include "letters.h"

Suite *secrets_suite(void);

/* Random types, with values behind them: what is read is what is there, and no byte of a redacted
 * field. */
enum { SECRET = 0x5e, HEAP = 1 << 20 };
static u8 heap[HEAP];
static size_t heap_used;

static u32 below(u32 n)
{
	static u64 x = 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (u32)(x >> 16) % n;
}

static bool fetch(u64 va, u64 n, void *to)
{
	u64 at = va - (u64)(uintptr_t)heap;

	if (at >= HEAP || n > HEAP - at)
		return false;
	memcpy(to, heap + at, n);
	return true;
}

static struct go_type *random_type(u32 depth)
{
	static const char *const plain[] = { "b", "i", "f", "s",  "e",	    "r",
					     "t", "o", "u", "[b", "m(s)(i)" };
	const char *p = plain[below(ARRAY_LEN(plain))];
	struct go_type *t, *k;

	if (!depth || below(3))
		return parse(&p);
	switch (below(5)) {
	case 0:
		return with_elem(new_type(GO_PTR, 8, 8), random_type(depth - 1));
	case 1:
		return with_elem(new_type(GO_SLICE, 24, 8), random_type(depth - 1));
	case 2:
		k = random_type(depth - 1);
		return map_of(random_type(0), k);
	case 3:
		k = random_type(depth - 1);
		t = with_elem(new_type(GO_ARRAY, 0, k->align), k);
		t->len = below(4);
		t->size = t->len * k->size;
		return t;
	default:
		t = new_struct();
		for (u32 i = below(5); i--;)
			add_field(t, below(3) ? "open" : "secret", random_type(depth - 1));
		t->size = round_up(t->size, t->align);
		return t;
	}
}

static u8 *room(size_t n)
{
	u8 *p = heap + heap_used;

	heap_used += round_up(n, 16);
	ck_assert_uint_le(heap_used, HEAP);
	for (size_t i = 0; i < n; i++)
		p[i] = (u8)(1 + below(SECRET - 1));
	return p;
}

static void put_word(u8 *at, u64 v)
{
	memcpy(at, &v, 8);
}

static void put_ptr(u8 *at, const u8 *p)
{
	put_word(at, (u64)(uintptr_t)p);
}

static void fill(struct go_type *t, u8 *at, u32 depth);

static u8 *filled(struct go_type *t, u32 n, u32 depth)
{
	u8 *p = room(t->size * n + 1);

	for (u32 i = 0; i < n; i++)
		fill(t, p + i * t->size, depth);
	return p;
}

static u8 *filled_map(struct go_type *t, u32 depth)
{
	bool old = t->map.layout == GO_MAP_HMAP, many = below(2);
	u8 *h = room(48), *b = room(old ? t->map.bucket_size : t->map.group_size), *table, *dir;

	for (u32 i = 0; i < 8; i++) {
		fill(t->key,
		     b + (old ? 8 + i * t->map.key_size : t->map.keys_off + i * t->map.key_stride),
		     depth);
		fill(t->elem, b + (old ? 8 + 8 * t->map.key_size + i * t->map.elem_size :
				   t->map.elems_off + i * t->map.elem_stride), depth);
	}
	put_word(h, 8);
	put_ptr(h + 16, b);
	put_word(h + 24, many);
	if (!old && many) {
		table = room(32);
		put_ptr(table + 16, b);
		dir = room(8);
		put_ptr(dir, table);
		put_ptr(h + 16, dir);
	}
	return h;
}

static void fill_interface(struct go_type *t, u8 *at, u32 depth)
{
	struct go_type *d = t->nmethods ? dynamic.errors[below((u32)dynamic.nerrors)] :
					  dynamic.boxed[below((u32)dynamic.nboxed)];
	u8 *itab = room(32);

	put_word(itab + 8, d->va);
	if (t->nmethods)
		put_ptr(at, itab);
	else
		put_word(at, d->va);
	if (d->direct_iface)
		fill(d, at + 8, depth - 1);
	else
		put_ptr(at + 8, filled(d, 1, depth - 1));
}

/* Every byte of a secret field is SECRET, and no other. */
static void fill(struct go_type *t, u8 *at, u32 depth)
{
	u32 n = below(4);

	switch (t->kind) {
	case GO_STRING:
		put_ptr(at, room(40));
		put_word(at + 8, below(41));
		break;
	case GO_SLICE:
		n = depth ? n : 0;
		put_ptr(at, filled(t->elem, n, depth - 1));
		put_word(at + 8, n);
		put_word(at + 16, n);
		break;
	case GO_PTR:
		put_word(at, 0);
		if (depth)
			put_ptr(at, filled(t->elem, 1, depth - 1));
		break;
	case GO_MAP:
		put_word(at, 0);
		if (depth)
			put_ptr(at, filled_map(t, depth - 1));
		break;
	case GO_INTERFACE:
		put_word(at, 0);
		put_word(at + 8, 0);
		if (depth)
			fill_interface(t, at, depth);
		break;
	case GO_CHAN:
	case GO_FUNC:
		put_ptr(at, room(64));
		break;
	case GO_STRUCT:
		for (size_t i = 0; i < t->nfields; i++) {
			if (str_eq(t->fields[i].name, STR("secret")))
				memset(at + t->fields[i].offset, SECRET, t->fields[i].type->size);
			else
				fill(t->fields[i].type, at + t->fields[i].offset, depth);
		}
		break;
	case GO_ARRAY:
		for (u64 i = 0; i < t->len; i++)
			fill(t->elem, at + i * t->elem->size, depth);
		break;
	default:
		for (u64 i = 0; i < t->size; i++)
			at[i] = (u8)(1 + below(SECRET - 1));
		break;
	}
}

static void put_value(struct interpreter *in, u8 *stack, const struct go_param *p, const u8 *value)
{
	for (size_t i = 0; i < p->nplaces; i++) {
		const struct go_place *pl = &p->places[i];
		u8 *to = pl->kind == PLACE_INT ? (u8 *)&in->ints[pl->reg] :
			 pl->kind == PLACE_FLOAT ? (u8 *)&in->floats[pl->reg] : stack + pl->off;

		ck_assert_uint_ne(pl->kind, PLACE_UNKNOWN);
		memcpy(to, value + pl->at, pl->size);
	}
}

static void random_round(u32 round)
{
	static u8 stack[1 << 16];
	bool redact = round % 2;
	struct interpreter in = { .sp = stack, .fetch = fetch };
	u8 rec[RECORD_MAX] = { 0 }, *values[4];
	struct go_type *types[4];
	struct go_param *params;
	struct reading r = { 0 };
	char what[32];

	snprintf(what, sizeof(what), "round %u", round);
	heap_used = 0;
	letters_begin(round % 3 ? round % 3 == 1 ? 22 : 24 : 27,
	      &(struct plan_request){ .strings = below(100),
				      .elements = below(9),
				      .depth = 1 + below(4),
				      .nredact = redact });
	for (u32 i = 0; i < 6; i++) {
		dynamic.boxed[dynamic.nboxed++] = random_type(2);
		dynamic.errors[dynamic.nerrors++] = random_type(2);
	}
	for (u32 i = 0; i < ARRAY_LEN(types); i++) {
		do
			types[i] = random_type(4);
		while (types[i]->size > 2000);
		values[i] = filled(types[i], 1, 4);
	}
	params = params_of(types, ARRAY_LEN(types), below(2));
	for (u32 i = 0; i < ARRAY_LEN(types); i++)
		put_value(&in, stack, &params[i], values[i]);
	reading_make(&r, &plan, &dynamic, &cache, params, ARRAY_LEN(types), false, true);
	check_reading(&r, what);
	interpret(&in, r.reads, r.nreads, r.size, rec);
	for (u32 i = 0; redact && i + 4 < r.size; i++)
		ck_assert_msg(rec[i] != SECRET || rec[i + 1] != SECRET || rec[i + 2] != SECRET,
			      "%s: a secret at %u", what, i);
	for (u32 i = 0; !redact && i < r.nslots; i++)
		for (size_t k = 0; r.slots[i].taken && k < params[i].nplaces; k++)
			ck_assert_mem_eq(rec + r.slots[i].at + params[i].places[k].at,
					 values[i] + params[i].places[k].at,
					 params[i].places[k].size);
	letters_end();
}

START_TEST(random_types_are_read_whole_and_secrets_never)
{
	for (u32 round = 0; round < 300; round++)
		random_round(round);
}
END_TEST

Suite *secrets_suite(void)
{
	Suite *s = suite_create("secrets");
	TCase *t = tcase_create("random");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, random_types_are_read_whole_and_secrets_never);
	suite_add_tcase(s, t);
	return s;
}
