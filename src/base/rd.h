/* rd - the one door for bytes that we did not make: bounds-checked, and sticky.
 *
 * After the first bad read every read gives 0 and nothing moves, so a parser reads a whole
 * record and asks rd_ok() once.
 *
 * Owns     nothing: views that it gives live as long as the bytes.
 * Units    little endian; offsets count from the start of the bytes that it was made with.
 * Fails    rd_ok: ERR_FORMAT, naming `what` and the offset of the first bad read.
 * Threads  one struct per thread. */
#ifndef BASE_RD_H
#define BASE_RD_H

#include "base/defs.h"
#include "base/err.h"
#include "base/str.h"

struct rd {
	const u8 *start;
	size_t n, at;
	const char *what;	/* for messages: "pclntab" */
	const char *bad;	/* NULL while all is well; else what was wrong */
	size_t bad_at;
};

struct rd rd_of(const void *p, size_t n, const char *what);
bool rd_ok(const struct rd *r, struct err *err) MUST_CHECK;
/* Declares the bytes bad, for a parser that found a lie. Only the first one counts. */
void rd_fail(struct rd *r, const char *why);

/* rd_u8 to rd_u64: inline, because a program of 50 MB has millions of them to read. */
#define RD_NUMBER(T)                                                     \
	static inline T rd_##T(struct rd *r)                             \
	{                                                                \
		T v = 0;                                                 \
									 \
		if (r->bad || sizeof(v) > r->n - r->at) {                \
			rd_fail(r, "ends too early");                    \
			return 0;                                        \
		}                                                        \
		memcpy(&v, r->start + r->at, sizeof(v));                 \
		r->at += sizeof(v);                                      \
		return v;                                                \
	}
RD_NUMBER(u8)
RD_NUMBER(u16)
RD_NUMBER(u32)
RD_NUMBER(u64)
#undef RD_NUMBER
u64 rd_uvarint(struct rd *r);	/* LEB128, at most 10 bytes */
struct str rd_bytes(struct rd *r, size_t n);
struct str rd_z(struct rd *r);	/* up to a NUL, which is skipped */
void rd_seek(struct rd *r, u64 at);
void rd_skip(struct rd *r, u64 n);
/* n, or 0 and bad unless n * each fits in what is left. */
u64 rd_count(struct rd *r, u64 n, size_t each);
/* A reader of n bytes at offset `at`; bad from the start if they are not all there. */
struct rd rd_sub(const struct rd *r, u64 at, u64 n);

static inline size_t rd_left(const struct rd *r)
{
	return r->n - r->at;
}

#endif
