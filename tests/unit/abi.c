#include "memory.h"

Suite *abi_suite(void);

/* The places of values, as abi-internal.md assigns them. A value is a letter, or a struct or array:
 *
 *   b u8   h int16   w int32   i int   p pointer   s string   l slice   e interface
 *   f float64   g float32   c complex128   d complex64   z struct{}
 *   {...} struct   2x array of two x
 *
 * Places: registers by name, "8(SP)" for the stack; values are set apart by commas. */
struct row {
	const char *params, *results, *at_entry, *at_ret;
};

static struct arena arena;
static struct go_program prog;

static struct go_type *value(const char **p)
{
	static const struct { char letter; u8 kind, size, align;
	} letters[] = {
		{ 'b', GO_UINT8, 1, 1 },       { 'h', GO_INT16, 2, 2 },
		{ 'w', GO_INT32, 4, 4 },       { 'i', GO_INT, 8, 8 },
		{ 'p', GO_PTR, 8, 8 },	       { 's', GO_STRING, 16, 8 },
		{ 'l', GO_SLICE, 24, 8 },      { 'e', GO_INTERFACE, 16, 8 },
		{ 'f', GO_FLOAT64, 8, 8 },     { 'g', GO_FLOAT32, 4, 4 },
		{ 'c', GO_COMPLEX128, 16, 8 }, { 'd', GO_COMPLEX64, 8, 4 },
		{ 'z', GO_STRUCT, 0, 1 },
	};
	struct go_type *t = ARENA_NEW(&arena, struct go_type);
	char c = *(*p)++;

	t->loaded = true;
	if (c >= '0' && c <= '9') {
		t->kind = GO_ARRAY;
		t->len = (u64)(c - '0');
		t->elem = value(p);
		t->align = t->elem->align;
		t->size = t->elem->size * t->len;
		return t;
	}
	if (c == '{') {
		t->kind = GO_STRUCT;
		t->align = 1;
		t->fields = ARENA_ARRAY(&arena, struct go_field, 64);
		for (; **p != '}'; t->nfields++) {
			struct go_type *f = value(p);

			t->size = round_up(t->size, f->align);
			t->fields[t->nfields] = (struct go_field){ .type = f, .offset = t->size };
			t->size += f->size;
			t->align = MAX(t->align, f->align);
		}
		(*p)++;
		t->size = round_up(t->size, t->align);
		return t;
	}
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		if (letters[i].letter == c) {
			t->kind = letters[i].kind;
			t->size = letters[i].size;
			t->align = letters[i].align;
			return t;
		}
	ck_abort_msg("no such value: %c", c);
}

static struct str place_text(struct str s, const struct go_param *p)
{
	static const char *const ints[] = {
		"AX", "BX", "CX", "DI", "SI", "R8", "R9", "R10", "R11"
	};

	for (size_t i = 0; i < p->nplaces; i++) {
		const struct go_place *q = &p->places[i];

		s = str_fmt(&arena, "%.*s%s", STR_F(s), i ? " " : "");
		if (q->kind == PLACE_INT)
			s = str_fmt(&arena, "%.*s%s", STR_F(s), ints[q->reg]);
		else if (q->kind == PLACE_FLOAT)
			s = str_fmt(&arena, "%.*sX%u", STR_F(s), q->reg);
		else if (q->kind == PLACE_STACK)
			s = str_fmt(&arena, "%.*s%d(SP)", STR_F(s), q->off);
		else
			s = str_fmt(&arena, "%.*s?", STR_F(s));
	}
	return s;
}

static const char *places_of(struct abi_state *st, const char *values, bool abi0)
{
	struct str s = STR("");

	for (const char *p = values; *p; ) {
		struct go_param param = { .name = STR("") };
		bool first = p == values;

		abi_assign(st, &prog, value(&p), abi0, &arena, &param);
		s = place_text(str_fmt(&arena, "%.*s%s", STR_F(s), first ? "" : ", "), &param);
	}
	return str_z(&arena, s);
}

static const struct row rows[] = {
	{ "isle", "i", "AX, BX CX, DI SI R8, R9 R10", "AX" },
	{ "{iiiii}i", "i", "AX BX CX DI SI, R8", "AX" },
	{ "{iiiiiiiii}", "i", "AX BX CX DI SI R8 R9 R10 R11", "AX" },
	{ "{iiiiiiiiii}i", "i", "8(SP), AX", "AX" },
	{ "i{iiiiiiiii}i", "i", "AX, 8(SP), BX", "AX" },
	{ "2ii", "i", "8(SP), AX", "AX" },
	{ "1si", "i", "AX BX, CX", "AX" },
	{ "{i2i}i", "i", "8(SP), AX", "AX" },
	{ "ifgcbb", "i", "AX, X0, X1, X2 X3, BX, CX", "AX" },
	{ "{iii}i", "i", "AX BX CX, DI", "AX" },
	{ "{i0izbb}i", "i", "AX BX CX, DI", "AX" },
	{ "{iiiis}ss", "i", "AX BX CX DI SI R8, R9 R10, 8(SP)", "AX" },
	{ "ffffffffffffffffi", "f",
	  "X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, 8(SP), AX", "X0" },
	{ "i", "i{iiiiiiiiii}s", "AX", "AX, 8(SP), BX CX" },
	{ "i", "2is", "AX", "8(SP), AX BX" },
	{ "{si}i", "i", "AX BX CX, DI", "AX" },
	{ "bbbbbbbbbhhi", "i", "AX, BX, CX, DI, SI, R8, R9, R10, R11, 8(SP), 10(SP), 16(SP)",
	  "AX" },
	{ "il", "i", "AX, BX CX DI", "AX" },
	/* results lie behind the parameters' stack part, aligned to 8 */
	{ "2bb", "2bi", "8(SP), AX", "16(SP), AX" },
	/* a value of size zero takes nothing, but aligns the stack */
	{ "2b0i2b", "", "8(SP), , 16(SP)", "" },
	{ "{f{ci}g}d", "d", "X0 X1 X2 AX X3, X4 X5", "X0 X1" },
};

START_TEST(puts_values_into_registers_whole_or_not_at_all)
{
	const struct row *r = &rows[_i];
	struct abi_state st = { 0 };

	ck_assert_str_eq(places_of(&st, r->params, false), r->at_entry);
	abi_results(&st);
	ck_assert_str_eq(places_of(&st, r->results, false), r->at_ret);
	arena_release(&arena);
}
END_TEST

START_TEST(abi0_knows_the_stack_only)
{
	struct abi_state st = { 0 };

	ck_assert_str_eq(places_of(&st, "bhsf2w", true), "8(SP), 10(SP), 16(SP), 32(SP), 40(SP)");
	abi_results(&st);
	ck_assert_str_eq(places_of(&st, "bi", true), "48(SP), 56(SP)");
	arena_release(&arena);
}
END_TEST

START_TEST(says_which_bytes_are_where)
{
	struct abi_state st = { 0 };
	struct go_param p = { .name = STR("") };
	const char *text = "{bhwfg}";

	abi_assign(&st, &prog, value(&text), false, &arena, &p);
	ck_assert_uint_eq(p.size, 24);
	ck_assert_uint_eq(p.nplaces, 5);
	ck_assert_uint_eq(p.places[1].at, 2);
	ck_assert_uint_eq(p.places[1].size, 2);
	ck_assert_uint_eq(p.places[2].at, 4);
	ck_assert_uint_eq(p.places[2].size, 4);
	ck_assert_uint_eq(p.places[4].at, 16);
	ck_assert_uint_eq(p.places[4].size, 4);
	arena_release(&arena);
}
END_TEST

START_TEST(knows_no_place_behind_an_unknown_type)
{
	struct abi_state st = { 0 };
	struct go_param p = { .name = STR("") };
	struct go_type bad = { .loaded = true };

	ck_assert_str_eq(places_of(&st, "i", false), "AX");
	abi_assign(&st, &prog, &bad, false, &arena, &p);
	ck_assert_uint_eq(p.places[0].kind, PLACE_UNKNOWN);
	abi_assign(&st, &prog, NULL, false, &arena, &p);
	ck_assert_uint_eq(p.places[0].kind, PLACE_UNKNOWN);
	ck_assert_str_eq(places_of(&st, "is", false), "?, ?");
	abi_results(&st);
	ck_assert_str_eq(places_of(&st, "i", false), "?");
	arena_release(&arena);
}
END_TEST

START_TEST(splits_large_stack_values_and_believes_no_giants)
{
	struct abi_state st = { 0 };
	struct go_param p = { .name = STR("") };
	struct go_type byte = { .loaded = true, .kind = GO_UINT8, .size = 1, .align = 1 };
	struct go_type big = { .loaded = true, .kind = GO_ARRAY, .size = 100000, .align = 1,
			       .len = 100000, .elem = &byte };

	abi_assign(&st, &prog, &big, false, &arena, &p);
	ck_assert_uint_eq(p.nplaces, 2);
	ck_assert_uint_eq(p.places[0].size + p.places[1].size, 100000);
	ck_assert_uint_eq(p.places[1].at, p.places[0].size);
	ck_assert_int_eq(p.places[1].off, 8 + p.places[0].size);
	big.len = big.size = 1ull << 40;
	abi_assign(&st, &prog, &big, false, &arena, &p);
	ck_assert_uint_eq(p.places[0].kind, PLACE_UNKNOWN);
	arena_release(&arena);
}
END_TEST

/* Structs in structs without end, as no compiler makes them: an answer in bounded time. */
START_TEST(ends_on_types_that_hold_themselves)
{
	struct abi_state st = { 0 };
	struct go_param p = { .name = STR("") };
	struct go_field fields[2];
	struct go_type t = { .loaded = true, .kind = GO_STRUCT, .size = 16, .align = 8,
			     .fields = fields, .nfields = 2 };

	fields[0] = fields[1] = (struct go_field){ .type = &t };
	abi_assign(&st, &prog, &t, false, &arena, &p);
	ck_assert_uint_eq(p.places[0].kind, PLACE_STACK);
	arena_release(&arena);
}
END_TEST

Suite *abi_suite(void)
{
	Suite *s = suite_create("abi");
	TCase *t = tcase_create("places");

	tcase_add_loop_test(t, puts_values_into_registers_whole_or_not_at_all, 0, ARRAY_LEN(rows));
	tcase_add_test(t, abi0_knows_the_stack_only);
	tcase_add_test(t, says_which_bytes_are_where);
	tcase_add_test(t, knows_no_place_behind_an_unknown_type);
	tcase_add_test(t, splits_large_stack_values_and_believes_no_giants);
	tcase_add_test(t, ends_on_types_that_hold_themselves);
	suite_add_tcase(s, t);
	return s;
}
