/* descriptors - type descriptors as a linker would write them, byte by byte, in a program that is a
 * block of memory.
 *
 * Owns     m, between memory_begin() and memory_end().
 * Units    addresses, but for names: their offsets among the types.
 * Fails    a test.
 * Threads  one. */
#ifndef TESTS_DESCRIPTORS_H
#define TESTS_DESCRIPTORS_H

#include "memory.h"

static struct memory_program m;

/* A name among the types; gives its offset. */
static inline u32 name_at(const char *text, u8 flags, const char *tag)
{
	size_t n = strlen(text), k = tag ? strlen(tag) : 0;
	u64 va = memory_room(&m, 3 + n + k);

	memory_put(&m, va, flags | (tag ? 2 : 0), 1);
	memory_put(&m, va + 1, n, 1);
	memory_copy(&m, va + 2, text, n);
	if (tag) {
		memory_put(&m, va + 2 + n, k, 1);
		memory_copy(&m, va + 3 + n, tag, k);
	}
	return (u32)(va - TYPES_VA);
}

enum { UNCOMMON = 1, EXTRA_STAR = 2, NAMED = 4, DIRECT_OLD = 32, DIRECT_NEW = 32 };

/* A descriptor with room for what its kind has behind the head. */
static inline u64 type_at(u8 kind, u64 size, u8 align, const char *name, u8 tflag, size_t more)
{
	u32 str = name_at(name, 0, NULL);
	u64 va = memory_room(&m, 48 + more);

	memory_put(&m, va, size, 8);
	memory_put(&m, va + 20, tflag, 1);
	memory_put(&m, va + 21, align, 1);
	memory_put(&m, va + 22, align, 1);
	memory_put(&m, va + 23, kind, 1);
	memory_put(&m, va + 24, 1, 8);		/* comparable */
	memory_put(&m, va + 40, str, 4);
	return va;
}

static inline u64 int_type(void)
{
	return type_at(GO_INT, 8, 8, "*int", NAMED | EXTRA_STAR, 0);
}

static inline u64 string_type(void)
{
	return type_at(GO_STRING, 16, 8, "string", NAMED, 0);
}

static inline u64 elem_type(u8 kind, u64 size, const char *name, u64 elem)
{
	u64 va = type_at(kind, size, 8, name, 0, 24);

	memory_put(&m, va + 48, elem, 8);
	return va;
}

struct wish_field {
	const char *name, *tag;
	u64 type, offset;
	bool embedded;
};

static inline u64 struct_type(const char *name, u8 tflag, u64 size, const struct wish_field *f,
			      size_t n)
{
	bool shifted = m.prog.rel->field_offset_shifted;
	u64 va = type_at(GO_STRUCT, size, 8, name, tflag, 48 + 16 * 4),
	    at = memory_room(&m, 24 * n);

	memory_put(&m, va + 56, at, 8);
	memory_put(&m, va + 64, n, 8);
	memory_put(&m, va + 72, n, 8);
	for (size_t i = 0; i < n; i++) {
		u8 flags = !shifted && f[i].embedded ? 8 : 0;
		u64 name_va = TYPES_VA + name_at(f[i].name, flags, f[i].tag);

		memory_put(&m, at + 24 * i, name_va, 8);
		memory_put(&m, at + 24 * i + 8, f[i].type, 8);
		memory_put(&m, at + 24 * i + 16,
			   shifted ? f[i].offset << 1 | f[i].embedded : f[i].offset, 8);
	}
	return va;
}

static inline u64 user_type(void)
{
	u64 i = int_type(), s = string_type();
	struct wish_field f[] = {
		{ "ID", "json:\"id\"", i, 0, false },
		{ "Name", NULL, s, 8, false },
		{ "Emb", NULL, i, 24, true },
	};

	return struct_type("main.User", NAMED, 32, f, 3);
}

static inline struct go_type *load(u64 va)
{
	struct go_type *t = go_type_at(&m.prog, va);

	ck_assert_ptr_nonnull(t);
	ck_assert_ptr_eq(go_type_at(&m.prog, va), t);
	return go_type_load(&m.prog, t);
}

static inline void ck_str(struct str s, const char *text)
{
	ck_assert_msg(str_eq(s, str_of(text)), "%.*s is not %s", STR_F(s), text);
}

/* The group type, of which only its first field's name matters here. */
static inline u64 group_type(const char *first)
{
	struct wish_field f = { first, NULL, int_type(), 0, false };

	return struct_type("group", 0, 8, &f, 1);
}

static inline u64 map_type(const char *first, size_t more)
{
	u64 key = string_type(), elem = int_type(), group = group_type(first);
	u64 va = type_at(GO_MAP, 8, 8, "map[string]int", 0, more);

	memory_put(&m, va + 48, key, 8);
	memory_put(&m, va + 56, elem, 8);
	memory_put(&m, va + 64, group, 8);
	return va;
}

static inline u64 bucket_map(void)
{
	u64 va = map_type("topbits", 40);

	memory_put(&m, va + 80, 16, 1);
	memory_put(&m, va + 81, 8, 1);
	memory_put(&m, va + 82, 208, 2);
	return va;
}

/* func(int, ...string) (int): with the uncommon part between the counts and the types. */
static inline u64 func_type(u8 tflag)
{
	u64 i = int_type(), s = elem_type(GO_SLICE, 24, "[]string", string_type());
	u64 va = type_at(GO_FUNC, 8, 8, "func(int, ...string) int", tflag, 8 + 16 + 24);
	u64 types = va + 56 + (tflag & UNCOMMON ? 16 : 0);

	memory_put(&m, va + 48, 2, 2);
	memory_put(&m, va + 50, 1 | 0x8000, 2);
	memory_put(&m, types, i, 8);
	memory_put(&m, types + 8, s, 8);
	memory_put(&m, types + 16, i, 8);
	return va;
}

/* A named struct with the method Do, whose code is the function at pc 0x40. */
static inline u64 type_with_method(void)
{
	u64 func = func_type(0), va = struct_type("main.T", NAMED | UNCOMMON, 0, NULL, 0), methods;

	memory_put(&m, va + 80, name_at("main", 0, NULL), 4);
	memory_put(&m, va + 84, 1, 2);
	memory_put(&m, va + 86, 1, 2);
	methods = va + 96;
	memory_put(&m, va + 88, methods - (va + 80), 4);
	memory_put(&m, methods, name_at("Do", 1, NULL), 4);
	memory_put(&m, methods + 4, func - TYPES_VA, 4);
	memory_put(&m, methods + 8, 0x80, 4);
	memory_put(&m, methods + 12, 0x40, 4);
	return va;
}

static inline void link_types(const u64 *vas, size_t n)
{
	u64 at = GOFUNC_VA;

	for (size_t i = 0; i < n; i++)
		memory_put(&m, at + 4 * i, vas[i] - TYPES_VA, 4);
	m.prog.md.typelinks_va = at;
	m.prog.md.ntypelinks = n;
}

#endif
