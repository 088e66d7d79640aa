#include "base/rd.h"

#include <string.h>

struct rd rd_of(const void *p, size_t n, const char *what)
{
	return (struct rd){ .start = p, .n = p ? n : 0, .what = what };
}

bool rd_ok(const struct rd *r, struct err *err)
{
	if (!r->bad)
		return true;
	return err_set(err, ERR_FORMAT, "%s: %s, at +%#zx", r->what, r->bad, r->bad_at);
}

void rd_fail(struct rd *r, const char *why)
{
	if (r->bad)
		return;
	r->bad = why;
	r->bad_at = r->at;
}

/* The next n bytes, or NULL when they are not all there. */
static const u8 *take(struct rd *r, size_t n)
{
	const u8 *p;

	if (r->bad)
		return NULL;
	if (n > r->n - r->at) {
		rd_fail(r, "ends too early");
		return NULL;
	}
	p = r->start + r->at;
	r->at += n;
	return p;
}

u64 rd_uvarint(struct rd *r)
{
	u64 v = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		u8 b = rd_u8(r);

		if (shift < 64)
			v |= (u64)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return r->bad ? 0 : v;
	}
	rd_fail(r, "has a number of more than ten bytes");
	return 0;
}

struct str rd_bytes(struct rd *r, size_t n)
{
	const u8 *p = take(r, n);

	return p ? (struct str){ (const char *)p, n } : (struct str){ "", 0 };
}

struct str rd_z(struct rd *r)
{
	const u8 *p, *end;

	if (r->bad || r->at == r->n) {
		rd_fail(r, "ends too early");
		return STR("");
	}
	p = r->start + r->at;
	end = memchr(p, 0, r->n - r->at);
	if (!end) {
		rd_fail(r, "has a text without an end");
		return STR("");
	}
	r->at += (size_t)(end - p) + 1;
	return (struct str){ (const char *)p, (size_t)(end - p) };
}

void rd_seek(struct rd *r, u64 at)
{
	if (r->bad)
		return;
	if (at > r->n)
		rd_fail(r, "points outside");
	else
		r->at = (size_t)at;
}

void rd_skip(struct rd *r, u64 n)
{
	if (n > SIZE_MAX / 2)
		rd_fail(r, "ends too early");
	else
		take(r, (size_t)n);
}

u64 rd_count(struct rd *r, u64 n, size_t each)
{
	if (r->bad)
		return 0;
	if (each && n > (r->n - r->at) / each) {
		rd_fail(r, "counts more entries than it has room for");
		return 0;
	}
	return n;
}

struct rd rd_sub(const struct rd *r, u64 at, u64 n)
{
	struct rd sub = { .what = r->what, .bad = r->bad, .bad_at = r->bad_at };

	if (sub.bad)
		return sub;
	if (at > r->n || n > r->n - at) {
		sub.bad = "has a part that lies outside";
		sub.bad_at = (size_t)MIN(at, (u64)r->n);
		return sub;
	}
	sub.start = r->start + at;
	sub.n = (size_t)n;
	return sub;
}
