/* str - a view of text: a pointer and a length, not NUL-terminated.
 *
 * Owns     nothing: it points into a mapped file or an arena and lives as long as that.
 * Units    bytes, any bytes: text from binaries is not known to be UTF-8.
 * Fails    never.
 * Threads  any. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <string.h>

#include "base/arena.h"
#include "base/defs.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_F(s) (int)(s).n, (s).p	/* for "%.*s" */

static inline struct str str_of(const char *z)
{
	return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

static inline bool str_starts(struct str s, struct str with)
{
	return s.n >= with.n && (!with.n || !memcmp(s.p, with.p, with.n));
}

static inline bool str_ends(struct str s, struct str with)
{
	return s.n >= with.n && (!with.n || !memcmp(s.p + s.n - with.n, with.p, with.n));
}

/* Part of s from `from` up to `to`; both are clamped. */
static inline struct str str_cut(struct str s, size_t from, size_t to)
{
	to = MIN(to, s.n);
	from = MIN(from, to);
	return (struct str){ s.p + from, to - from };
}

int str_cmp(struct str a, struct str b);
/* Index of the first / last occurrence, or -1. */
ptrdiff_t str_find(struct str s, struct str what);
ptrdiff_t str_find_last(struct str s, char c);
/* Takes the first line, without its end (\n or \r\n). */
struct str str_next_line(struct str *rest);
u32 str_hash(struct str s);
/* The parts, one behind the other. */
struct str str_join(struct arena *a, const struct str *parts, size_t n);
#define STR_JOIN(a, ...) \
	str_join(a, (struct str[]){ __VA_ARGS__ }, ARRAY_LEN(((struct str[]){ __VA_ARGS__ })))
struct str str_fmt(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
char *str_z(struct arena *a, struct str s);	/* a NUL-terminated copy */
/* Edit distance, for "did you mean"; at most `limit` + 1. */
unsigned str_distance(struct str a, struct str b, unsigned limit);

/* Takes a number: decimal, or "0x" and digits in lower case; of more digits than have room (18, 16)
 * the rest stays. False, and 0, if none is there. */
bool str_take_number(struct str *s, u64 *to);

/* Eight bytes as one number, wherever they lie. */
static inline u64 eight_at(const char *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Of a digit in lower case; -1: it is none. */
static inline int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
