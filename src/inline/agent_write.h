/* agent_write - the agent: a request says whose child it is, in HTTP/1 and HTTP/2.
 *
 * Owns     nothing: all lies in the target's struct propagate.
 * Units    rt addresses of the target, in which this runs.
 * Fails    never: what finds no place is not known.
 * Threads  all of the target's (inline/propagate.h). */
#ifndef INLINE_AGENT_WRITE_H
#define INLINE_AGENT_WRITE_H

#include "inline/agent_requests.h"

enum {
	/* bufio.Writer: an error, then the buffer, then how much of it is in use */
	WRITER_ERROR = 0, WRITER_BUFFER = 16, WRITER_SIZE = 24, WRITER_USED = 40,
};

AGENT static void begin_write(struct propagate *p, u64 goid, const u8 *words)
{
	u64 map = word(words, 0), itab = word(words, 8);
	const u8 *w = (const u8 *)word(words, 16), *buffer;
	struct propagate_request *r = map ? request_of(p, map) : 0;
	struct propagate_call *c = call_of(&p->writes, goid, 0, true);

	if (c)		/* a panic ended it */
		forget(&p->writes, c);
	if (!r || r->shared || is_doubtful(p, r->lost) || itab != p->itab_rt || !w)
		return;
	c = new_call(p, &p->writes, goid);
	if (!c)
		return;
	buffer = (const u8 *)word(w, WRITER_BUFFER);
	c->held = word(w, WRITER_USED);
	c->request = (u32)(r - p->requests);
	c->block = 0;
	c->writer = (u64)w;
	c->map = map;
	sender_begin(&r->own);
	if (c->held < 16 || c->held > word(w, WRITER_SIZE)) {
		forget(&p->writes, c);
		return;
	}
	c->head = word(buffer, 0);
	c->tail = word(buffer, (u32)c->held - 8);
}

AGENT static u8 *put_hex(u8 *to, const u8 *id, u32 n)
{
	for (u32 i = 0; i < 2 * n; i++) {
		u8 d = i & 1 ? id[i / 2] & 15 : id[i / 2] >> 4;

		*to++ = (u8)(d < 10 ? '0' + d : 'a' + d - 10);
	}
	return to;
}

/* A number of HPACK's with seven bits in its first byte (RFC 7541 5.1), below 2^14 + 127. */
AGENT static u8 *put_number(u8 *to, u32 n)
{
	*to++ = (u8)(n < 127 ? n : 127);
	if (n < 127)
		return to;
	n -= 127;
	if (n >= 128)
		*to++ = (u8)(n | 128);
	*to++ = (u8)(n < 128 ? n : n >> 7);
	return to;
}

/* ---- what is written, as lines of HTTP/1 (`lines`), or as fields of HTTP/2: literals that are not
 * to be kept, whose names are new ---- */

enum {
	TRACEPARENT = TRACEPARENT_SIZE, B3 = 51, DEBUG = 'd',
	LINE_ROOM = 4,		/* besides name and value: ": " and "\r\n" */
	FIELD_ROOM = 3,		/* what it is, and two numbers of one byte */
	TEXT_ROOM = 6,		/* of a text, at most */
};

AGENT static u8 *put_name(u8 *to, bool lines, enum header h, u32 nvalue)
{
	const struct header_name name = name_of(h);

	if (!lines) {
		*to++ = 0;
		*to++ = (u8)name.n;
	}
	for (u32 i = 0; i < name.n; i++)
		*to++ = (u8)((i < 8 ? name.first : name.rest) >> 8 * (i & 7)) |
			(lines ? 0 : 0x20);
	if (!lines)
		return put_number(to, nvalue);
	*to++ = ':';
	*to++ = ' ';
	return to;
}

AGENT static u8 *put_end(u8 *to, bool lines)
{
	if (lines) {
		*to++ = '\r';
		*to++ = '\n';
	}
	return to;
}

AGENT static u8 *put_parent(u8 *to, const struct propagate_request *r, bool lines)
{
	to = put_name(to, lines, HEADER_PARENT, TRACEPARENT);
	*to++ = '0';
	*to++ = '0';
	*to++ = '-';
	to = put_hex(to, r->trace, 16);
	*to++ = '-';
	to = put_hex(to, r->span, 8);
	*to++ = '-';
	*to++ = '0';
	*to++ = (u8)('0' + !!(r->what & PROPAGATED_SAMPLED));
	return put_end(to, lines);
}

AGENT static u8 sampled(const struct propagate_request *r)
{
	return r->what & PROPAGATED_DEBUG ? DEBUG : (u8)('0' + !!(r->what & PROPAGATED_SAMPLED));
}

AGENT static u8 *put_b3(u8 *to, const struct propagate_request *r, bool lines)
{
	to = put_name(to, lines, HEADER_B3, B3);
	to = put_hex(to, r->trace, 16);
	*to++ = '-';
	to = put_hex(to, r->span, 8);
	*to++ = '-';
	*to++ = sampled(r);
	return put_end(to, lines);
}

AGENT static u8 *put_multi(u8 *to, const struct propagate_request *r, bool lines)
{
	bool debug = r->what & PROPAGATED_DEBUG;

	to = put_end(put_hex(put_name(to, lines, HEADER_B3_TRACE, 32), r->trace, 16), lines);
	to = put_end(put_hex(put_name(to, lines, HEADER_B3_SPAN, 16), r->span, 8), lines);
	to = put_name(to, lines, debug ? HEADER_B3_FLAGS : HEADER_B3_SAMPLED, 1);
	*to++ = debug ? '1' : sampled(r);
	return put_end(to, lines);
}

AGENT static u32 size_of(enum header h, u32 nvalue, bool lines)
{
	return name_of(h).n + nvalue + (lines ? LINE_ROOM : FIELD_ROOM);
}

/* How many bytes put_ours() writes. */
AGENT static u32 size_of_ours(const struct propagate *p, const struct propagate_request *r,
			      bool lines)
{
	u32 n = p->how & PROPAGATOR_W3C ? size_of(HEADER_PARENT, TRACEPARENT, lines) : 0;

	if (p->how & PROPAGATOR_B3)
		n += size_of(HEADER_B3, B3, lines);
	if (p->how & PROPAGATOR_B3MULTI)
		n += size_of(HEADER_B3_TRACE, 32, lines) + size_of(HEADER_B3_SPAN, 16, lines) +
		     size_of(r->what & PROPAGATED_DEBUG ? HEADER_B3_FLAGS : HEADER_B3_SAMPLED, 1,
			     lines);
	return n;
}

AGENT static u8 *put_ours(u8 *to, const struct propagate *p, const struct propagate_request *r,
			  bool lines)
{
	if (p->how & PROPAGATOR_W3C)
		to = put_parent(to, r, lines);
	if (p->how & PROPAGATOR_B3)
		to = put_b3(to, r, lines);
	if (p->how & PROPAGATOR_B3MULTI)
		to = put_multi(to, r, lines);
	return to;
}

/* A text that came with the request that is served; where there is no room for it, none. */
AGENT static u8 *put_text(u8 *to, const u8 *end, struct propagate *p, struct propagate_request *r,
			  enum header h, bool lines)
{
	u64 ref = r->texts.of[text_named(h)];
	const struct propagate_text *t = text_at(p, ref);
	u32 n = t ? t->n : 0, room = name_of(h).n + (lines ? LINE_ROOM : TEXT_ROOM);
	u8 *value;

	if (!n)
		return to;
	if (n > TEXT_MOST || (u64)(end - to) < room + n) {
		r->what |= h == HEADER_STATE ? PROPAGATED_NO_STATE : PROPAGATED_NO_BAGGAGE;
		return to;
	}
	value = put_name(to, lines, h, n);
	return copy_text(p, ref, value, n) == n ? put_end(value + n, lines) : to;
}

AGENT static u8 *put_texts(u8 *to, const u8 *end, struct propagate *p, struct propagate_request *r,
			   bool lines)
{
	to = put_text(to, end, p, r, HEADER_STATE, lines);
	return put_text(to, end, p, r, HEADER_BAGGAGE, lines);
}

/* A field that the program writes itself: there is none of ours then. */
AGENT static void is_own(struct propagate_request *r, enum header h, const u8 *value, u64 n)
{
	u32 text = text_named(h);

	if (text < TEXTS) {
		r->texts.of[text] = 0;
		return;
	}
	r->what = PROPAGATED_OWN;
	says(&r->own, h, value, n, true);
}

/* The header that lies in the buffer may have some. */
AGENT static void find_own(const u8 *at, u64 n, u32 how, struct propagate_request *r)
{
	u64 i = 0;

	while (i < n) {
		u64 end = i, from = 0, to = 0;
		enum header h;

		while (end < n && at[end] != '\r' && at[end] != '\n')
			end++;
		h = line_named(at + i, end - i, how, &from, &to);
		if (h)
			is_own(r, h, at + i + from, to - from);
		while (end < n && (at[end] == '\r' || at[end] == '\n'))
			end++;
		i = end;
	}
}

/* Behind the header that the goroutine has written since begin_write. */
AGENT static void append_lines(struct propagate *p, const struct propagate_call *c,
			       struct propagate_request *r)
{
	u8 *w = (u8 *)c->writer, *buffer = (u8 *)word(w, WRITER_BUFFER);
	u64 used = word(w, WRITER_USED), size = word(w, WRITER_SIZE);
	u8 *to;

	if (__atomic_load_n(&r->map, __ATOMIC_ACQUIRE) != c->map || r->shared ||
	    is_doubtful(p, r->lost))
		return;
	/* the same bytes lie before it: nothing was sent meanwhile */
	if (word(w, WRITER_ERROR) || used < c->held || used > size ||
	    size_of_ours(p, r, true) > size - used ||
	    word(buffer, 0) != c->head || word(buffer, (u32)c->held - 8) != c->tail) {
		r->what |= PROPAGATED_NO_ROOM;
		return;
	}
	find_own(buffer + c->held, used - c->held, p->how, r);
	if (r->what & PROPAGATED_OWN)
		return;
	to = put_ours(buffer + used, p, r, true);
	to = put_texts(to, buffer + size, p, r, true);
	*(u64 *)(void *)(w + WRITER_USED) = (u64)(to - buffer);
	r->what |= PROPAGATED_WRITTEN | PROPAGATED_THERE;
}

AGENT static void end_write(struct propagate *p, u64 goid)
{
	struct propagate_call *c = call_of(&p->writes, goid, 0, true);

	if (!c)
		return;
	append_lines(p, c, &p->requests[c->request]);
	forget(&p->writes, c);
}

/* ---- HTTP/2 ---- */

#define LIST_AGE_MOST (1ull << 31)	/* ticks: about a second */

enum {
	/* HeadersFrameParam: stream, block, its length and capacity; is it its header's last? */
	PARAM_BLOCK = 8, PARAM_SIZE = 16, PARAM_ROOM = 24, PARAM_ENDS = 33,
};

AGENT static void end_stream(struct propagate *p, u64 goid)
{
	struct propagate_call *c = call_of(&p->writes, goid, 0, true);
	struct propagate_request *r;

	if (!c)
		return;
	r = &p->requests[c->request];
	if (c->block)
		__atomic_store_n(&p->blocks[c->block - 1].goid, 0, __ATOMIC_RELEASE);
	if (c->listed)
		rename_request(r, c->map);
	c->block = 0;
	forget(&p->writes, c);
}

AGENT static void begin_stream(struct propagate *p, u64 goid, u64 map, bool listed)
{
	struct propagate_request *r = map ? request_of(p, map) : 0;
	struct propagate_call *c = call_of(&p->writes, goid, 0, true);

	if (c)
		end_stream(p, goid);
	if (r && listed && !r->users && __builtin_ia32_rdtsc() - r->made > LIST_AGE_MOST)
		r = 0;
	if (r && (r->shared || is_doubtful(p, r->lost)))
		r = 0;
	c = r ? new_call(p, &p->writes, goid) : 0;
	if (!c)
		return;
	c->request = (u32)(r - p->requests);
	c->map = map;
	c->listed = listed;
	c->block = 0;
	sender_begin(&r->own);
	__atomic_store_n(&p->streams, 1, __ATOMIC_RELAXED);
}

AGENT static void name(struct propagate *p, u64 goid, const u8 *words)
{
	struct propagate_call *c = call_of(&p->writes, goid, 0, true);
	enum header h = c ? named((const u8 *)word(words, 0), word(words, 8), p->how) :
			      HEADER_OTHER;

	if (h)
		is_own(&p->requests[c->request], h, (const u8 *)word(words, 16), word(words, 24));
}

AGENT static struct propagate_block *new_block(struct propagate *p, u64 goid)
{
	u32 at = hash(goid, BLOCKS);

	for (u32 i = 0; i < TRIES; i++) {
		struct propagate_block *b = &p->blocks[(at + i) & (BLOCKS - 1)];
		u64 nobody = 0;

		if (__atomic_compare_exchange_n(&b->goid, &nobody, goid, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return b;
	}
	return 0;
}

/* The block is written from a copy that has some fields more; the program reads it until this call
 * has ended, and does not keep it. `param` is the call's own. */
AGENT static void block(struct propagate *p, u64 goid, u8 *param)
{
	struct propagate_call *c = call_of(&p->writes, goid, 0, true);
	struct propagate_request *r = c ? &p->requests[c->request] : 0;
	const u8 *from = (const u8 *)word(param, PARAM_BLOCK);
	u64 n = word(param, PARAM_SIZE);
	struct propagate_block *b;
	u32 size;
	u8 *to;

	if (!c || c->block || r->what & PROPAGATED_OWN || r->shared ||
	    __atomic_load_n(&r->map, __ATOMIC_ACQUIRE) != c->map)
		return;
	size = size_of_ours(p, r, false);
	b = n <= BLOCK_MOST - size && param[PARAM_ENDS] ? new_block(p, goid) : 0;
	if (!b) {
		r->what |= PROPAGATED_NO_ROOM;
		return;
	}
	c->block = (u32)(b - p->blocks) + 1;
	copy(b->bytes, from, (u32)n);
	to = put_ours(b->bytes + n, p, r, false);
	to = put_texts(to, b->bytes + BLOCK_MOST, p, r, false);
	n = (u64)(to - b->bytes);
	*(u64 *)(void *)(param + PARAM_BLOCK) = (u64)b->bytes;
	*(u64 *)(void *)(param + PARAM_SIZE) = n;
	*(u64 *)(void *)(param + PARAM_ROOM) = n;
	r->what |= PROPAGATED_WRITTEN | PROPAGATED_THERE;
}

#endif
