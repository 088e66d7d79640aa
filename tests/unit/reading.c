#include "memory.h"

#include "interpret.h"
#include "plan/reading.h"

Suite *reading_suite(void);

/* Types in letters, a reading out.
 *
 *   b uint8   i int   f float64   s string   e any   r error   t time.Time   o chan int   u func()
 *   *x pointer   [x slice   3x array   m(key)(elem) map   {...} struct; its fields are called a, b, c…,
 *   or `secret` behind a !
 *
 * A parameter is followed by a space. The reading: AX@32 a word of a register to 32 in the record;
 * 8(SP):16@32 from the stack; 32->8:16@48 a pointee (of the word at 32, from byte 8 on, 16 bytes);
 * 32->#1*64@48 elements (at most 64 of one byte); when 40=7{...}, when 40!7{...}. */
struct example {
	const char *what, *types, *reading;
	unsigned minor;
	struct plan_request limits;	/* zeros: 16 bytes, 2 elements, 1 level */
};

static struct memory_program m;
static struct plan plan;
static struct dynamic_types dynamic;
static struct reading_cache cache;
static u64 next_va;

static struct go_type *new_type(u8 kind, u64 size, u8 align)
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

static struct go_type *map_of(struct go_type *k, struct go_type *e)
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

static struct go_type *add_field(struct go_type *t, const char *name, struct go_type *f)
{
	t->align = MAX(t->align, f->align);
	t->size = round_up(t->size, f->align);
	t->fields[t->nfields++] = (struct go_field){ .name = str_of(name), .type = f, .offset = t->size };
	t->size += f->size;
	return t;
}

static struct go_type *new_struct(void)
{
	struct go_type *t = new_type(GO_STRUCT, 0, 1);

	t->fields = ARENA_ARRAY(&plan.arena, struct go_field, 8);
	return t;
}

static struct go_type *error_type(void)
{
	struct go_type *t = new_type(GO_INTERFACE, 16, 8);

	t->methods = ARENA_NEW(&plan.arena, struct go_method);
	t->methods[0].name = STR("Error");
	t->nmethods = 1;
	return t;
}

static struct go_type *with_elem(struct go_type *t, struct go_type *elem)
{
	t->elem = elem;
	return t;
}

static struct go_type *parse(const char **p)
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
		return add_field(t, "loc", with_elem(new_type(GO_PTR, 8, 8), new_type(GO_INT, 8, 8)));
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

static void begin(unsigned minor, const struct plan_request *limits)
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

static void end(void)
{
	reading_cache_release(&cache);
	plan_release(&plan);
	memory_end(&m);
}

static const char *const int_names[] = { "AX", "BX", "CX", "DI", "SI", "R8", "R9", "R10", "R11" };

static struct str put_steps(struct str s, const struct reading *r, u32 from, u32 to)
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
			s = str_fmt(a, "%.*s%u->#%u*%u", STR_F(s), d->from, d->elem, d->size / d->elem);
			break;
		case READ_WHEN:
			s = str_fmt(a, "%.*swhen %u%c%lx{", STR_F(s), d->when_at, d->when_not ? '!' : '=',
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

/* What holds for every reading -------------------------------------------------------------------------- */

enum { DEEPEST_BLOCK = 8 };
struct chain {
	u32 at[DEEPEST_BLOCK], n;	/* the WHEN steps around a step, outermost first */
};

static struct chain chains[1024];

static void find_chains(const struct reading *r)
{
	memset(chains, 0, sizeof(chains));
	ck_assert_uint_le(r->nreads, ARRAY_LEN(chains));
	for (u32 i = 0; i < r->nreads; i++)
		for (u32 k = i + 1; r->reads[i].kind == READ_WHEN && k <= i + r->reads[i].size; k++) {
			ck_assert_uint_lt(k, r->nreads);
			ck_assert_uint_lt(chains[k].n, DEEPEST_BLOCK);
			chains[k].at[chains[k].n++] = i;
		}
}

/* Can both run? Not if somewhere above them the two stand in blocks that exclude each other. */
static bool exclusive(const struct reading *r, const struct chain *a, const struct chain *b)
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

static bool overlap(u32 a, u32 an, u32 b, u32 bn)
{
	return an && bn && a < b + bn && b < a + an;
}

static bool captures(const struct read *d)
{
	return d->kind == READ_MEM || d->kind == READ_BYTES;
}

/* Was the word put there by a step that ran if `step` runs? */
static bool known(const struct reading *r, u32 step, u32 word)
{
	const struct chain *mine = &chains[step];

	for (u32 i = 0; i < step; i++) {
		const struct read *d = &r->reads[i];
		const struct chain *c = &chains[i];

		if (d->kind == READ_WHEN || word < d->at || word + 8 > d->at + MAX(d->size, d->span))
			continue;
		if (c->n <= mine->n && !memcmp(c->at, mine->at, c->n * sizeof(c->at[0])))
			return true;
	}
	return false;
}

/* Words that come in registers are pieces of a value: together they are a word, too. */
static bool in_slot(const struct reading *r, u32 word)
{
	for (u32 i = 0; i < r->nslots; i++)
		if (r->slots[i].taken && word >= r->slots[i].at && word + 8 <= r->slots[i].at + r->slots[i].param->size)
			return true;
	return false;
}

static void check_reading(const struct reading *r, const char *what)
{
	bool raw = true;

	find_chains(r);
	ck_assert_msg(r->size <= RECORD_MAX && r->size >= RECORD_HEAD && r->size % 8 == 0, "%s: %u bytes", what, r->size);
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];
		struct chain c = chains[i];

		ck_assert_msg(raw || d->kind >= READ_MEM, "%s: step %u takes a register after a capture", what, i);
		raw = d->kind < READ_MEM;
		if (d->kind == READ_WHEN) {
			ck_assert_msg(i + d->size < r->nreads, "%s: block %u runs past the end", what, i);
			ck_assert_msg(in_slot(r, d->when_at) || known(r, i, d->when_at), "%s: step %u asks for %u", what, i,
				      d->when_at);
			continue;
		}
		ck_assert_msg(d->at >= RECORD_HEAD && d->at + MAX(d->size, d->span) <= r->size, "%s: step %u at %u+%u of %u",
			      what, i, d->at, MAX(d->size, d->span), r->size);
		if (!captures(d))
			continue;
		ck_assert_msg(d->status >= RECORD_HEAD && d->status + 4 <= r->size && d->status % 4 == 0,
			      "%s: step %u: status at %u", what, i, d->status);
		ck_assert_msg(in_slot(r, d->from) || known(r, i, d->from), "%s: step %u follows %u", what, i, d->from);
		if (d->kind == READ_BYTES)
			ck_assert_msg(d->elem && d->size % d->elem == 0 &&
				      (in_slot(r, d->len_at) || known(r, i, d->len_at)), "%s: step %u", what, i);
		ck_assert_msg(c.n ? d->when_at == r->reads[c.at[c.n - 1]].when_at &&
				    d->when == r->reads[c.at[c.n - 1]].when : !d->when_at,
			      "%s: step %u does not repeat its block's condition", what, i);
	}
	for (u32 i = 0; i < r->nreads; i++)
		for (u32 k = i + 1; k < r->nreads; k++) {
			const struct read *x = &r->reads[i], *y = &r->reads[k];
			bool bad = overlap(x->at, x->size, y->at, y->size);

			if (x->kind == READ_WHEN || y->kind == READ_WHEN)
				continue;
			if (captures(x))
				bad |= overlap(x->status, 4, y->at, y->size);
			if (captures(y))
				bad |= overlap(y->status, 4, x->at, x->size);
			if (captures(x) && captures(y) && x->from != y->from)	/* pieces share one */
				bad |= overlap(x->status, 4, y->status, 4);
			ck_assert_msg(!bad || exclusive(r, &chains[i], &chains[k]), "%s: steps %u and %u share bytes", what, i, k);
		}
}

static struct go_param *params_of(struct go_type **types, size_t n, bool abi0)
{
	struct go_param *params = ARENA_ARRAY(&plan.arena, struct go_param, n + 1);
	struct abi_state st = { 0 };

	for (size_t i = 0; i < n; i++) {
		params[i].name = STR("x");
		abi_assign(&st, &m.prog, types[i], abi0, &plan.arena, &params[i]);
	}
	return params;
}

static struct reading reading_of(const char *types, bool secret)
{
	struct go_type *t[16];
	struct reading r = { 0 };
	size_t n = 0;

	for (const char *p = types; *p; p += *p == ' ')
		t[n++] = parse(&p);
	reading_make(&r, &plan, &dynamic, &cache, params_of(t, n, false), n, secret);
	ck_assert_uint_eq(r.nslots, n);
	check_reading(&r, types);
	return r;
}

static const struct example examples[] = {
	{ .what = "nothing", .types = "", .reading = "" },
	{ .what = "words", .types = "i f b", .reading = "AX@32 X0@40 BX@48" },
	{ .what = "a string", .types = "s", .reading = "AX@32 BX@40 32->#1*16@56" },
	{ .what = "two", .types = "s s", .reading = "AX@32 BX@40 CX@48 DI@56 32->#1*16@72 48->#1*16@96" },
	{ .what = "no strings wanted", .types = "s", .limits = { .elements = 1 }, .reading = "AX@32 BX@40" },
	{ .what = "bytes", .types = "[b", .reading = "AX@32 BX@40 CX@48 32->#1*16@64" },
	{ .what = "a slice of strings", .types = "[s",
	  .reading = "AX@32 BX@40 CX@48 32->#16*2@64 64->#1*16@104 80->#1*16@128" },
	{ .what = "no elements wanted", .types = "[s", .limits = { .strings = 16 }, .reading = "AX@32 BX@40 CX@48" },
	{ .what = "a pointer to a struct", .types = "*{is}", .reading = "AX@32 32->0:24@48 56->#1*16@80" },
	{ .what = "a pointer to a pointer", .types = "**i", .reading = "AX@32 32->0:8@48" },
	{ .what = "two levels", .types = "**i", .limits = { .depth = 2 }, .reading = "AX@32 32->0:8@48 48->0:8@64" },
	{ .what = "no level", .types = "*s", .limits = { .strings = 1 }, .reading = "AX@32" },
	{ .what = "a pointer to nothing", .types = "*{}", .reading = "AX@32" },
	{ .what = "a struct in registers", .types = "{is*i}",
	  .reading = "AX@32 BX@40 CX@48 DI@56 40->#1*16@72 56->0:8@96" },
	{ .what = "an array on the stack", .types = "3s",
	  .reading = "8(SP):48@32 32->#1*16@88 48->#1*16@112" },
	{ .what = "a time", .types = "t", .reading = "AX@32 BX@40 CX@48" },
	{ .what = "a channel", .types = "o", .reading = "AX@32 32->0:16@48" },
	{ .what = "a func", .types = "u", .reading = "AX@32 32->0:8@48" },
	{ .what = "an empty interface of no known type", .types = "e", .reading = "AX@32 BX@40" },
	{ .what = "an error of no known type", .types = "r", .reading = "AX@32 BX@40 32->8:8@56" },
	{ .what = "a map with buckets", .minor = 22, .types = "m(i)(s)",
	  .reading = "AX@32 32->0:48@48 64->0:208@104 176->#1*16@320 192->#1*16@344" },
	{ .what = "a map with groups", .minor = 24, .types = "m(i)(s)",
	  .reading = "AX@32 32->0:48@48 when 72=0{64->0:200@104 120->#1*16@312 144->#1*16@336} "
		     "when 72!0{64->0:8@104 104->0:32@120 136->0:200@160 176->#1*16@368 200->#1*16@392}" },
	{ .what = "a secret field behind a pointer", .types = "*{i!ii}", .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:8@48 32->16:8@64" },
	{ .what = "... the first", .types = "*{!ii}", .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:0@48 32->8:8@56" },
	{ .what = "... the last", .types = "*{i!s}", .limits = { .nredact = 1 }, .reading = "AX@32 32->0:8@48" },
	{ .what = "... the only one", .types = "*{!s}", .limits = { .nredact = 1 }, .reading = "AX@32 32->0:0@48" },
	{ .what = "... in a field", .types = "*{i{!ii}i}", .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:8@48 32->16:16@64" },
	{ .what = "... in an array", .types = "*2{i!i}", .limits = { .nredact = 1 },
	  .reading = "AX@32 32->0:8@48 32->16:8@64" },
	{ .what = "a secret field in a register", .types = "{i!si}", .limits = { .nredact = 1 }, .reading = "AX@32 DI@56" },
	{ .what = "... of an array", .types = "1{i!i}", .limits = { .nredact = 1 }, .reading = "AX@32" },
	{ .what = "a secret field on the stack", .types = "{i!i2i}", .limits = { .nredact = 1 },
	  .reading = "8(SP):8@32 24(SP):16@48" },
	{ .what = "... of an array", .types = "2{i!i}", .limits = { .nredact = 1 },
	  .reading = "8(SP):8@32 24(SP):8@48" },
	{ .what = "a slice of secrets", .types = "[{i!i}", .limits = { .nredact = 1 }, .reading = "AX@32 BX@40 CX@48" },
	{ .what = "a slice of pointers to secrets", .types = "[*{i!i}", .limits = { .nredact = 1, .elements = 1, .depth = 1 },
	  .reading = "AX@32 BX@40 CX@48 32->#8*1@64 64->0:8@80" },
	{ .what = "a map of secrets", .types = "m(i)({!i})", .limits = { .nredact = 1 }, .reading = "AX@32 32->0:48@48" },
};

START_TEST(types_give_steps)
{
	const struct example *e = &examples[_i];
	struct plan_request limits = e->limits;
	struct reading r;
	struct str is;

	if (limits.nredact && !limits.elements)
		limits.elements = 2, limits.strings = 16, limits.depth = 1;
	begin(e->minor ? e->minor : 22, &limits);
	r = reading_of(e->types, false);
	is = put_steps(STR(""), &r, 0, r.nreads);
	ck_assert_msg(str_eq(is, str_of(e->reading)), "%s:\n is %.*s\n   %s", e->what, STR_F(is), e->reading);
	end();
}
END_TEST

START_TEST(an_error_has_alternatives_in_the_same_bytes)
{
	const char *two[] = { "*{s}", "{ii}" };
	struct reading r;
	struct str is;

	begin(22, &(struct plan_request){ 0 });
	for (u32 i = 0; i < 2; i++) {
		const char *p = two[i];

		dynamic.errors[dynamic.nerrors++] = parse(&p);
	}
	r = reading_of("r", false);
	is = put_steps(STR(""), &r, 0, r.nreads);
	ck_assert_str_eq(str_z(&plan.arena, is), "AX@32 BX@40 32->8:8@56 when 56=18{40->0:16@72 72->#1*16@96} "
			 "when 56=20{40->0:16@72}");
	end();
}
END_TEST

START_TEST(a_redacted_function_gives_nothing)
{
	struct reading r;

	begin(22, &(struct plan_request){ .strings = 16, .elements = 2, .depth = 2 });
	r = reading_of("s i *i", true);
	ck_assert_uint_eq(r.nreads, 0);
	ck_assert_uint_eq(r.size, RECORD_HEAD);
	for (u32 i = 0; i < 3; i++)
		ck_assert(r.slots[i].redacted && !r.slots[i].taken);
	end();
}
END_TEST

START_TEST(a_redacted_parameter_is_left_out)
{
	struct go_type *t[2];
	struct go_param *params;
	struct reading r = { 0 };
	const char *p = "ss";

	begin(22, &(struct plan_request){ .strings = 16, .nredact = 1 });
	t[0] = parse(&p);
	t[1] = parse(&p);
	params = params_of(t, 2, false);
	params[0].name = STR("password");
	reading_make(&r, &plan, &dynamic, &cache, params, 2, false);
	ck_assert(r.slots[0].redacted && !r.slots[0].taken && r.slots[1].taken && !r.slots[1].redacted);
	ck_assert_str_eq(str_z(&plan.arena, put_steps(STR(""), &r, 0, r.nreads)), "CX@32 DI@40 32->#1*16@56");
	end();
}
END_TEST

START_TEST(parameters_share_the_room)
{
	struct reading r;
	bool taken[3] = { 0 };

	begin(22, &(struct plan_request){ .strings = 2048, .elements = 64, .depth = 4 });
	r = reading_of("[s [s s", false);
	for (u32 i = 0; i < r.nreads; i++)
		for (u32 k = 0; captures(&r.reads[i]) && k < 3; k++)
			taken[k] |= r.reads[i].from == r.slots[k].at && r.reads[i].size > 500;
	for (u32 k = 0; k < 3; k++)
		ck_assert_msg(taken[k], "parameter %u", k);
	end();
}
END_TEST

/* The same types in the same places share the steps, but never the names. */
START_TEST(readings_are_shared_by_their_types)
{
	const char *p = "s";
	struct go_type *t[2];
	struct go_param *a, *b, *c;
	struct reading ra = { 0 }, rb = { 0 }, rc = { 0 };

	begin(22, &(struct plan_request){ .strings = 16 });
	t[0] = t[1] = parse(&p);
	a = params_of(t, 1, false);
	b = params_of(t, 1, false);
	c = params_of(t, 1, true);
	reading_make(&ra, &plan, &dynamic, &cache, a, 1, false);
	reading_make(&rb, &plan, &dynamic, &cache, b, 1, false);
	reading_make(&rc, &plan, &dynamic, &cache, c, 1, false);
	ck_assert_ptr_eq(ra.reads, rb.reads);
	ck_assert_ptr_ne(ra.reads, rc.reads);
	ck_assert_ptr_eq(ra.slots[0].param, a);
	ck_assert_ptr_eq(rb.slots[0].param, b);
	end();
}
END_TEST

/* Random types, with values behind them -------------------------------------------------------------------- */

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
	static const char *const plain[] = { "b", "i", "f", "s", "e", "r", "t", "o", "u", "[b", "m(s)(i)" };
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
		fill(t->key, b + (old ? 8 + i * t->map.key_size : t->map.keys_off + i * t->map.key_stride), depth);
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
	begin(round % 3 ? round % 3 == 1 ? 22 : 24 : 27,
	      &(struct plan_request){ .strings = below(100), .elements = below(9), .depth = 1 + below(4),
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
	reading_make(&r, &plan, &dynamic, &cache, params, ARRAY_LEN(types), false);
	check_reading(&r, what);
	interpret(&in, r.reads, r.nreads, rec);
	for (u32 i = 0; redact && i + 4 < r.size; i++)
		ck_assert_msg(rec[i] != SECRET || rec[i + 1] != SECRET || rec[i + 2] != SECRET, "%s: a secret at %u", what, i);
	for (u32 i = 0; !redact && i < r.nslots; i++)
		for (size_t k = 0; r.slots[i].taken && k < params[i].nplaces; k++)
			ck_assert_mem_eq(rec + r.slots[i].at + params[i].places[k].at, values[i] + params[i].places[k].at,
					 params[i].places[k].size);
	end();
}

START_TEST(random_types_are_read_whole_and_secrets_never)
{
	for (u32 round = 0; round < 300; round++)
		random_round(round);
}
END_TEST

Suite *reading_suite(void)
{
	Suite *s = suite_create("reading");
	TCase *t = tcase_create("steps");

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, types_give_steps, 0, ARRAY_LEN(examples));
	tcase_add_test(t, an_error_has_alternatives_in_the_same_bytes);
	tcase_add_test(t, a_redacted_function_gives_nothing);
	tcase_add_test(t, a_redacted_parameter_is_left_out);
	tcase_add_test(t, parameters_share_the_room);
	tcase_add_test(t, readings_are_shared_by_their_types);
	tcase_add_test(t, random_types_are_read_whole_and_secrets_never);
	suite_add_tcase(s, t);
	return s;
}
