#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

int str_cmp(struct str a, struct str b)
{
	size_t n = MIN(a.n, b.n);
	int d = n ? memcmp(a.p, b.p, n) : 0;

	return d ? d : (a.n > b.n) - (a.n < b.n);
}

ptrdiff_t str_find(struct str s, struct str what)
{
	const char *at;

	if (!what.n)
		return 0;
	at = s.n ? memmem(s.p, s.n, what.p, what.n) : NULL;
	return at ? at - s.p : -1;
}

ptrdiff_t str_find_last(struct str s, char c)
{
	const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;

	return at ? at - s.p : -1;
}

struct str str_next_line(struct str *rest)
{
	ptrdiff_t end = str_find(*rest, STR("\n"));
	size_t n = end < 0 ? rest->n : (size_t)end;
	struct str line = str_cut(*rest, 0, n);

	*rest = str_cut(*rest, n + 1, rest->n);
	if (str_ends(line, STR("\r")))
		line.n--;
	return line;
}

bool str_take_number(struct str *s, u64 *to)
{
	bool hex = str_starts(*s, STR("0x"));
	size_t from = hex ? 2 : 0, n = from, most = hex ? 2 + 16 : 18;
	int base = hex ? 16 : 10, digit;

	for (*to = 0; n < s->n && n < most; n++) {
		digit = hex_digit(s->p[n]);
		if (digit < 0 || digit >= base)
			break;
		*to = *to * (u64)base + (u64)digit;
	}
	if (n == from)
		return false;
	*s = str_cut(*s, n, s->n);
	return true;
}

u32 str_hash(struct str s)
{
	u32 h = 2166136261u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (u8)s.p[i]) * 16777619u;
	return h;
}

struct str str_join(struct arena *a, const struct str *parts, size_t n)
{
	size_t size = 0;
	char *to, *p;

	for (size_t i = 0; i < n; i++)
		size += parts[i].n;
	to = p = arena_alloc(a, size);
	for (size_t i = 0; i < n; i++) {
		if (parts[i].n)
			memcpy(p, parts[i].p, parts[i].n);
		p += parts[i].n;
	}
	return (struct str){ to, size };
}

struct str str_fmt(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return STR("");
	p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct str){ p, (size_t)n };
}

char *str_z(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}

unsigned str_distance(struct str a, struct str b, unsigned limit)
{
	enum { LONGEST = 256 };
	unsigned row[LONGEST + 1];

	if (a.n > LONGEST || b.n > LONGEST || (a.n > b.n ? a.n - b.n : b.n - a.n) > limit)
		return limit + 1;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned above = row[j];
			unsigned best = MIN(above, row[j - 1]) + 1;

			row[j] = MIN(best, diagonal + (a.p[i - 1] != b.p[j - 1]));
			diagonal = above;
		}
	}
	return MIN(row[b.n], limit + 1);
}
