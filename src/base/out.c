#include "base/out.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"

enum {
	LARGE = 32 * 1024,	/* a buffer of this size is written at the next chance */
	PART = 4096,		/* a pipe that can be written to takes so much without waiting */
	FEW = 16 * 1024,	/* of lines that waited: more are not written one by one, because
				 * whoever is behind gets no further by that */
	ASK_MS = 50,
};

void out_open(struct out *o, int fd)
{
	*o = (struct out){ .fd = fd };
}

void out_memory(struct out *o)
{
	*o = (struct out){ .fd = -1 };
}

void out_release(struct out *o)
{
	mem_free(o->buf);
	*o = (struct out){ .fd = -1 };
}

static void write_all(struct out *o, struct str s)
{
	while (s.n && !o->failed) {
		ssize_t n = write(o->fd, s.p, s.n);

		if (n >= 0) {
			s = str_cut(s, (size_t)n, s.n);
		} else if (errno == EAGAIN) {	/* a program may share the terminal */
			poll(&(struct pollfd){ .fd = o->fd, .events = POLLOUT }, 1, -1);
		} else if (errno != EINTR) {
			o->failed = errno;
		}
	}
}

/* The first line of what is left, or 0: all at once. */
static size_t by_itself(const struct out *o, const char *p, size_t n)
{
	const char *end = o->lines && o->n <= FEW ? memchr(p, '\n', n) : NULL;

	return end ? (size_t)(end - p) + 1 : 0;
}

bool out_flush(struct out *o)
{
	size_t n;

	if (o->fd < 0)
		return true;
	for (size_t at = 0; at < o->n; at += n) {
		n = by_itself(o, o->buf + at, o->n - at);
		n = n ? n : o->n - at;
		write_all(o, (struct str){ o->buf + at, n });
	}
	o->n = 0;
	return !o->failed;
}

void out_through(struct out *o, struct str s)
{
	if (o->fd < 0)
		out_str(o, s);
	else if (out_flush(o))
		write_all(o, s);
}

/* Whole lines, where there is one. */
static size_t part(const struct out *o, const char *p, size_t n)
{
	const char *end = n > PART ? memrchr(p, '\n', PART) : NULL;
	size_t line = by_itself(o, p, n);

	return line && line <= PART ? line : end ? (size_t)(end - p) + 1 : MIN(n, (size_t)PART);
}

bool out_flush_while(struct out *o, bool (*go_on)(void *ctx), void *ctx)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };
	size_t at = 0;

	if (o->fd < 0)
		return true;
	while (at < o->n && !o->failed) {
		ssize_t n;

		if (poll(&p, 1, 0) != 1) {
			if (!go_on(ctx))
				break;
			poll(&p, 1, ASK_MS);
			continue;
		}
		n = write(o->fd, o->buf + at, part(o, o->buf + at, o->n - at));
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			o->failed = errno;
		at += (size_t)MAX(n, (ssize_t)0);
		o->written += (u64)MAX(n, (ssize_t)0);
		if (n > 0 && !go_on(ctx))
			break;
	}
	o->n = o->failed ? 0 : o->n - at;
	memmove(o->buf, o->buf + at, o->n);
	return !o->failed;
}

bool out_ok(const struct out *o, struct err *err)
{
	if (!o->failed)
		return true;
	if (o->failed == EPIPE)
		return err_set(err, ERR_CLOSED, "output: whoever read it went away");
	return err_set(err, ERR_IO, "output: cannot write: %s", strerror(o->failed));
}

/* Output in lines is never written in parts. */
char *out_make_room(struct out *o, size_t n)
{
	if (o->n >= LARGE && o->fd >= 0 && !o->lines && !o->held)
		out_flush(o);
	if (o->n + n > o->room) {
		o->room = MAX(o->room * 2, MAX(o->n + n, (size_t)2 * LARGE));
		o->buf = mem_resize(o->buf, o->room);
	}
	return o->buf + o->n;
}

void out_str(struct out *o, struct str s)
{
	if (!s.n)
		return;
	memcpy(out_room(o, s.n), s.p, s.n);
	o->n += s.n;
}

void out_z(struct out *o, const char *z)
{
	out_str(o, str_of(z));
}

void out_fmt(struct out *o, const char *fmt, ...)
{
	enum { MOST_ARE_SHORTER = 128 };
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out_room(o, MOST_ARE_SHORTER), MOST_ARE_SHORTER, fmt, ap);
	va_end(ap);
	if (n >= MOST_ARE_SHORTER) {
		va_start(ap, fmt);
		vsnprintf(out_room(o, (size_t)n + 1), (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	o->n += (size_t)MAX(n, 0);
}

/* Digits of v, at least `least` of them, so that the last one stands before `end`. */
static char *digits(char *end, u64 v, int least)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
		least--;
	} while (v || least > 0);
	return end;
}

static void padded(struct out *o, u64 v, int least)
{
	char text[24], *end = text + sizeof(text), *at = digits(end, v, least);

	out_str(o, (struct str){ at, (size_t)(end - at) });
}

void out_u64(struct out *o, u64 v)
{
	padded(o, v, 1);
}

void out_i64(struct out *o, i64 v)
{
	if (v < 0)
		out_c(o, '-');
	padded(o, v < 0 ? -(u64)v : (u64)v, 1);
}

void out_hex(struct out *o, u64 v)
{
	char text[18], *end = text + sizeof(text), *at = end;

	do {
		*--at = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	*--at = 'x';
	*--at = '0';
	out_str(o, (struct str){ at, (size_t)(end - at) });
}

void out_line(struct out *o)
{
	out_c(o, '\n');
	if (o->fd >= 0 && !o->held && (o->lines || o->n >= LARGE))
		out_flush(o);
}

void out_color(struct out *o, const char *sgr)
{
	if (!o->color)
		return;
	out_str(o, STR("\x1b["));
	out_z(o, sgr);
	out_c(o, 'm');
}

void out_plain(struct out *o)
{
	out_color(o, "0");
}

size_t utf8_rune(struct str s, size_t at, u32 *rune)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t left = s.n - at, n;
	u8 c = (u8)s.p[at];

	if (c < 0x80)
		return *rune = c, 1;
	n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || n > left)
		return 0;
	*rune = c & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		u8 more = (u8)s.p[at + i];

		if ((more & 0xc0) != 0x80)
			return 0;
		*rune = *rune << 6 | (more & 0x3f);
	}
	if (*rune < least[n] || *rune > 0x10ffff || (*rune >= 0xd800 && *rune < 0xe000))
		return 0;
	return n;
}

struct str utf8_whole(struct str s)
{
	u32 rune;

	for (size_t back = 1; back <= 3 && back <= s.n; back++) {
		u8 c = (u8)s.p[s.n - back];

		if ((c & 0xc0) == 0x80)
			continue;
		if (c >= 0xc0 && !utf8_rune(s, s.n - back, &rune))
			s.n -= back;
		break;
	}
	return s;
}

/* Eight bytes at once; the last ones again with those before them. */
static bool is_ascii(struct str s)
{
	u64 high = 0;

	if (s.n >= sizeof(high)) {
		for (size_t at = 0; at + sizeof(high) <= s.n; at += sizeof(high))
			high |= eight_at(s.p + at);
		high |= eight_at(s.p + s.n - sizeof(high));
	} else {
		for (size_t at = 0; at < s.n; at++)
			high |= (u8)s.p[at];
	}
	return !(high & 0x8080808080808080u);
}

bool str_is_utf8(struct str s)
{
	u32 rune;

	if (is_ascii(s))	/* as most texts are */
		return true;
	for (size_t at = 0, n; at < s.n; at += n)
		if (!(n = utf8_rune(s, at, &rune)))
			return false;
	return true;
}

/* Runes that a terminal may obey, or that hide or reorder the text around them: C1 controls, soft
 * hyphen, spaces other than ' ', zero-width and bidirectional marks, byte order mark, private
 * use. */
static bool is_odd(u32 r)
{
	static const struct { u32 from, to; } odd[] = {
		{ 0x00, 0x1f }, { 0x7f, 0xa0 }, { 0xad, 0xad }, { 0x61c, 0x61c },
		{ 0x1680, 0x1680 }, { 0x180e, 0x180e }, { 0x2000, 0x200f }, { 0x2028, 0x202f },
		{ 0x205f, 0x206f },
		{ 0x3000, 0x3000 }, { 0xe000, 0xf8ff }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
		{ 0xfffe, 0xffff }, { 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < ARRAY_LEN(odd) && r >= odd[i].from; i++)
		if (r <= odd[i].to)
			return true;
	return false;
}

static void hex_byte(struct out *o, u8 c)
{
	const char *hex = "0123456789abcdef";
	char text[] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

	out_str(o, (struct str){ text, sizeof(text) });
}

/* Eight bytes that are all printable ASCII. May say no of some that are. */
static bool all_plain(const char *p)
{
	const u64 ones = 0x0101010101010101, high = 0x80 * ones;
	u64 w;

	memcpy(&w, p, sizeof(w));
	return !((w | (w - 0x20 * ones) | (w + ones)) & high);
}

/* How many bytes from `at` on are printable ASCII other than the two that quoting escapes. */
static size_t plain_run(struct str s, size_t at, bool quoting)
{
	size_t from = at;

	while (!quoting && s.n - at >= 8 && all_plain(s.p + at))
		at += 8;
	for (; at < s.n; at++) {
		u8 c = (u8)s.p[at];

		if (c < 0x20 || c > 0x7e || (quoting && (c == '"' || c == '\\')))
			break;
	}
	return at - from;
}

void out_utf8(struct out *o, struct str s)
{
	size_t from = 0;
	u32 rune;

	for (size_t at = 0, n; at < s.n; at += n) {
		n = utf8_rune(s, at, &rune);
		if (n)
			continue;
		out_str(o, str_cut(s, from, at));
		out_str(o, STR("\xef\xbf\xbd"));
		n = 1;
		from = at + 1;
	}
	out_str(o, str_cut(s, from, s.n));
}

void out_clean(struct out *o, struct str s)
{
	for (size_t at = 0, n; at < s.n; at += n) {
		u32 rune;

		n = plain_run(s, at, false);
		if (n) {
			out_str(o, (struct str){ s.p + at, n });
			continue;
		}
		n = utf8_rune(s, at, &rune);
		if (n && !is_odd(rune)) {
			out_str(o, (struct str){ s.p + at, n });
			continue;
		}
		n = MAX(n, (size_t)1);
		for (size_t i = 0; i < n; i++)
			hex_byte(o, (u8)s.p[at + i]);
	}
}

static void quoted_rune(struct out *o, u32 rune)
{
	static const char names[] = "abtnvfr";	/* \a is 7, \r is 13 */

	if (rune == '"' || rune == '\\')
		out_fmt(o, "\\%c", (int)rune);
	else if (rune >= 7 && rune <= 13)
		out_fmt(o, "\\%c", names[rune - 7]);
	else if (rune < 0x80)
		hex_byte(o, (u8)rune);
	else
		out_fmt(o, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
}

void out_quoted(struct out *o, struct str s)
{
	out_c(o, '"');
	for (size_t at = 0, n; at < s.n; at += n) {
		u32 rune;

		n = plain_run(s, at, true);
		if (n) {
			out_str(o, (struct str){ s.p + at, n });
			continue;
		}
		n = utf8_rune(s, at, &rune);
		if (!n) {
			hex_byte(o, (u8)s.p[at]);
			n = 1;
		} else if (rune < 0x80 || is_odd(rune)) {
			quoted_rune(o, rune);
		} else {
			out_str(o, (struct str){ s.p + at, n });
		}
	}
	out_c(o, '"');
}

/* v / 10^places, without trailing zeros. */
static void decimal(struct out *o, u64 v, int places)
{
	u64 unit = 1, rest;

	for (int i = 0; i < places; i++)
		unit *= 10;
	out_u64(o, v / unit);
	rest = v % unit;
	if (!rest)
		return;
	for (; rest % 10 == 0; rest /= 10)
		places--;
	out_c(o, '.');
	padded(o, rest, places);
}

void out_duration(struct out *o, i64 ns)
{
	u64 v = ns < 0 ? -(u64)ns : (u64)ns, s = v / 1000000000;

	if (ns < 0)
		out_c(o, '-');
	if (v < 1000000000) {
		int places = v < 1000 ? 0 : v < 1000000 ? 3 : 6;

		decimal(o, v, places);
		out_z(o, !v ? "s" : places == 0 ? "ns" : places == 3 ? "µs" : "ms");
		return;
	}
	if (s >= 3600) {
		out_u64(o, s / 3600);
		out_c(o, 'h');
	}
	if (s >= 60) {
		out_u64(o, s / 60 % 60);
		out_c(o, 'm');
	}
	decimal(o, s % 60 * 1000000000 + v % 1000000000, 9);
	out_c(o, 's');
}

/* Date and time of day up to the whole second. Days are counted in years that begin in March, so
 * that the leap day is the last one; an era is the 400 years after which the calendar repeats. */
static void date(struct out *o, i64 unix_s)
{
	i64 days = unix_s / 86400, left = unix_s % 86400, era, year;
	u64 day, in_era, month;

	if (left < 0) {
		left += 86400;
		days--;
	}
	days += 719468;		/* from 0000-03-01 to 1970-01-01 */
	era = (days >= 0 ? days : days - 146096) / 146097;
	day = (u64)(days - era * 146097);
	in_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * in_era + in_era / 4 - in_era / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	month = month < 10 ? month + 3 : month - 9;
	year = (i64)in_era + era * 400 + (month <= 2);
	if (year < 0)
		out_c(o, '-');
	padded(o, (u64)(year < 0 ? -year : year), 4);
	out_c(o, '-');
	padded(o, month, 2);
	out_c(o, '-');
	padded(o, day + 1, 2);
	out_c(o, 'T');
	padded(o, (u64)left / 3600, 2);
	out_c(o, ':');
	padded(o, (u64)left / 60 % 60, 2);
	out_c(o, ':');
	padded(o, (u64)left % 60, 2);
}

void out_time(struct out *o, i64 unix_ns)
{
	i64 s = unix_ns / 1000000000, ns = unix_ns % 1000000000;

	if (ns < 0) {
		ns += 1000000000;
		s--;
	}
	date(o, s);
	out_c(o, '.');
	padded(o, (u64)ns, 9);
	out_c(o, 'Z');
}

void out_date(struct out *o, i64 unix_s, u32 ns)
{
	int places = 9;

	date(o, unix_s);
	if (ns && ns < 1000000000) {
		for (; ns % 10 == 0; ns /= 10)
			places--;
		out_c(o, '.');
		padded(o, ns, places);
	}
	out_c(o, 'Z');
}
