/* code - functions for tests, written as hex digits: "55 48 89 e5 … c3 / cc cc".
 *
 * What follows a slash is padding. Jump tables are read from `table`, which lies at TABLE_VA.
 *
 * Owns     the arena that it is given owns all.
 * Units    CODE_VA is where the function is linked.
 * Fails    a test: code_flow expects success.
 * Threads  one. */
#ifndef TESTS_CODE_H
#define TESTS_CODE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "x86/patch.h"

#define CODE_VA 0x401000ull
#define TABLE_VA (CODE_VA + 0x10000)

struct code_table {
	u64 words[8];
	u32 n;
};

static inline bool code_word(const void *ctx, u64 va, u64 *to)
{
	const struct code_table *t = ctx;

	if (!t || va < TABLE_VA || va % 8 || (va - TABLE_VA) / 8 >= t->n)
		return false;
	*to = t->words[(va - TABLE_VA) / 8];
	return true;
}

static inline struct flow_input code_input(struct arena *a, const char *hex,
					   const struct code_table *table)
{
	u8 *bytes = arena_alloc(a, strlen(hex));
	struct flow_input in = { .va = CODE_VA, .word = code_word, .ctx = table };
	bool padding = false;

	for (const char *p = hex; *p; ) {
		char *end;

		if (*p == ' ' || *p == '/') {
			padding |= *p++ == '/';
			continue;
		}
		bytes[in.bytes.n++] = (u8)strtoul(p, &end, 16);
		in.size += !padding;
		ck_assert_ptr_ne(p, end);
		p = end;
	}
	in.bytes.p = (const char *)bytes;
	return in;
}

static inline struct flow code_flow(struct arena *a, const char *hex)
{
	struct flow_input in = code_input(a, hex, NULL);
	struct flow f;
	struct err err = { 0 };

	ck_assert_msg(flow_make(&f, a, &in, &err), "%s: %s", hex, err.msg);
	return f;
}

#endif
