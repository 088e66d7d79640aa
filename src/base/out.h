/* out - buffered text to a descriptor or to memory, and the one JSON writer.
 *
 * Owns     its buffer, until out_release(); the descriptor is the caller's.
 * Units    bytes. Text from targets goes through out_clean (terminals) or json_* (escapes).
 * Fails    sticky: after a failed write nothing more is written; out_ok() tells (ERR_IO, or
 *          ERR_CLOSED for a closed pipe).
 * Threads  one struct per thread. */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include <stdarg.h>

#include "base/err.h"
#include "base/str.h"

struct out {
	char *buf;
	size_t n, room;
	int fd;			/* -1: to memory */
	bool lines;		/* flush at each out_line: one write(2) a line; where it is held,
				 * too, unless many have come together */
	bool held;		/* written by out_flush only, when the owner can afford to wait */
	bool color;
	int failed;		/* errno of the first failed write */
	u64 written;		/* bytes, by out_flush_while */
};

void out_open(struct out *o, int fd);	/* lines and color off; json_line turns lines on */
void out_memory(struct out *o);
void out_release(struct out *o);
bool out_flush(struct out *o);
/* The same where the reader may keep us waiting: asked often whether to go on, and what is not
 * yet written is kept when not. Lines of up to 4 KiB are written whole. */
bool out_flush_while(struct out *o, bool (*go_on)(void *ctx), void *ctx);
bool out_ok(const struct out *o, struct err *err) MUST_CHECK;
void out_str(struct out *o, struct str s);
/* The same of much: written at once, and not copied to the buffer before. */
void out_through(struct out *o, struct str s);
void out_z(struct out *o, const char *z);
char *out_make_room(struct out *o, size_t n);
/* Room for n more bytes: the place where they go; o->n is the caller's to move. */
static inline char *out_room(struct out *o, size_t n)
{
	return o->n + n <= o->room ? o->buf + o->n : out_make_room(o, n);
}
static inline void out_c(struct out *o, char c)
{
	*out_room(o, 1) = c;
	o->n++;
}
void out_fmt(struct out *o, const char *fmt, ...) PRINTF(2, 3);
void out_u64(struct out *o, u64 v);		/* fast paths for hot output */
void out_i64(struct out *o, i64 v);
void out_hex(struct out *o, u64 v);		/* 0x… */
void out_line(struct out *o);	/* '\n'; flushes when `lines` or when the buffer is large */
void out_utf8(struct out *o, struct str s);	/* what is not UTF-8 becomes U+FFFD */
void out_clean(struct out *o, struct str s);	/* control bytes, bad UTF-8: \xNN, for terminals */
void out_quoted(struct out *o, struct str s);	/* "…" as Go's %q */
void out_color(struct out *o, const char *sgr);	/* "1;31"; nothing unless color */
void out_plain(struct out *o);
/* Durations as Go prints them: 1.5s, 13.25µs, 800ns. */
void out_duration(struct out *o, i64 ns);
/* RFC 3339 in UTC with nanoseconds. */
void out_time(struct out *o, i64 unix_ns);
/* The same for any year, with as many decimals as it needs. */
void out_date(struct out *o, i64 unix_s, u32 ns);
/* As Go's %v: the shortest digits that read back as the same number; bits is 32 or 64. */
void out_float(struct out *o, double v, int bits);

/* JSON: commas and nesting are kept here. Begin with json_begin, end each line with json_line. */
struct json {
	struct out *o;
	u32 depth;
	u64 comma;		/* a bit for each depth: something stands before */
	bool after_key;
};
void json_begin(struct json *j, struct out *o);
void json_object(struct json *j);	/* { */
void json_object_end(struct json *j);
void json_array(struct json *j);
void json_array_end(struct json *j);
void json_key(struct json *j, const char *key);	/* ours: written as it is */
void json_key_str(struct json *j, struct str key);
void json_str(struct json *j, struct str s);	/* bad UTF-8 becomes U+FFFD */
void json_z(struct json *j, const char *z);
void json_text(struct json *j, const char *key, struct str s);	/* null where it is empty */
void json_u64(struct json *j, u64 v);		/* beyond 2^53: a string */
void json_i64(struct json *j, i64 v);
void json_f64(struct json *j, double v);	/* NaN, Inf: strings */
void json_float(struct json *j, double v, int bits);	/* digits for 32 or 64 bits */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_hex(struct json *j, u64 v);		/* "0x…" */
void json_time(struct json *j, i64 unix_ns);
void json_base64(struct json *j, struct str bytes);
bool str_is_utf8(struct str s);
/* Bytes of the rune that stands at s.p[at], or 0 when they are not UTF-8. */
size_t utf8_rune(struct str s, size_t at, u32 *rune);
/* A text without the first bytes of a rune that its end has cut in two. */
struct str utf8_whole(struct str s);
void json_line(struct json *j);			/* ends one JSON Lines object */

#endif
